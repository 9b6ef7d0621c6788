# SPDX-License-Identifier: Apache-2.0
"""PSNR, SSIM and NMSE of images against a reference, magnitudes of complex ones.

Images are (y, x), (frame, y, x) or (frame, slice, y, x), real or complex. Each 2-D image counts by
itself, and the mean is returned; all-zero references are left out. `convention` is the year of the
CMRxRecon challenge whose normalisation is wanted (2023: maximum, 2024: z-score, 2025: 99.5th
percentile), None for none (the range is the reference's maximum), or "volume" for one number of the
whole stack.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import _check, _core


class Quality(NamedTuple):
    """Figures of images."""

    psnr: float  #: dB; infinite for equal images
    ssim: float
    nmse: float  #: |reference - image|^2 / |reference|^2


def _stack(x, name):
    a = np.asarray(x)
    if a.dtype.kind not in "biufc":
        raise TypeError(f"metrics: {name}: expected numbers, found {a.dtype}")
    if not 2 <= a.ndim <= 4:
        raise ValueError(
            f"metrics: {name}: expected (y, x), (frame, y, x) or (frame, slice, y, x), found shape "
            f"{_check._text(a.shape)}"
        )
    a = np.abs(a) if a.dtype.kind == "c" else a
    shape = a.shape if a.ndim == 4 else (a.shape[0], 1, *a.shape[1:]) if a.ndim == 3 else (1, 1, *a.shape)
    return np.ascontiguousarray(a, np.float32).reshape(shape)


def compare(reference, image, convention=None) -> Quality:
    """All three figures."""
    if convention is None:
        how = 0
    elif convention == "volume":
        how = -1
    else:
        how = _check.number(convention, "metrics", "convention", whole=True)
        if how not in (2023, 2024, 2025):
            raise ValueError(
                f"metrics: convention: expected None, 'volume', 2023, 2024 or 2025, found {convention}"
            )
    r, i = _stack(reference, "reference"), _stack(image, "image")
    if r.shape != i.shape:
        raise ValueError(
            f"metrics: image: expected shape {_check._text(np.shape(reference))}, found "
            f"{_check._text(np.shape(image))}"
        )
    return Quality(*_core.compare(r, i, how))


def psnr(reference, image, convention=None) -> float:
    """Peak signal-to-noise ratio in dB."""
    return compare(reference, image, convention).psnr


def ssim(reference, image, convention=None) -> float:
    """Structural similarity, 7 x 7 uniform window."""
    return compare(reference, image, convention).ssim


def nmse(reference, image, convention=None) -> float:
    """|reference - image|^2 / |reference|^2."""
    return compare(reference, image, convention).nmse

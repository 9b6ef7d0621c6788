# SPDX-License-Identifier: Apache-2.0
"""Proximal operators: functions P with their weight inside, for `fista` and alone.

`p(x, sigma)` is argmin over u of sigma P(u) + 1/2 |u - x|^2, `p.value(x)` is P(x). Images are
(y, x), (frame, y, x), (frame, slice, y, x) or (set, frame, slice, y, x).
"""

from __future__ import annotations

import numpy as np

from . import _check, _core


def _image5(x, who, name="x"):
    _check.array(
        x, who, name, np.complex64, "(set, frame, slice, y, x), or fewer in front", (1, 2, 3, 4, 5)
    )
    if x.ndim == 3:
        return x.reshape(1, x.shape[0], 1, *x.shape[1:])
    return x.reshape((1,) * (5 - x.ndim) + x.shape)


class Prox:
    """A proximal operator; made by the functions of this module."""

    __slots__ = ("_core",)

    def __init__(self, core):
        self._core = core

    @property
    def name(self) -> str:
        return self._core.name

    def __call__(self, x, sigma=1.0) -> np.ndarray:
        sigma = _check.number(sigma, self.name, "sigma", 0)
        return self._core.apply(_image5(x, self.name), sigma).reshape(x.shape)

    def value(self, x) -> float:
        """P(x)."""
        return self._core.value(_image5(x, self.name))

    def __repr__(self):
        return f"<cardiomm prox {self.name}>"


def _weight(weight, who):
    return _check.number(weight, who, "weight", 0)


def l1(weight) -> Prox:
    """weight * sum |x|."""
    return Prox(_core.prox_l1(_weight(weight, "l1")))


def squares(weight) -> Prox:
    """weight / 2 * sum |x|^2."""
    return Prox(_core.prox_squares(_weight(weight, "squares")))


def wavelet_l1(weight, wavelet="dau2", levels=3, random_shift=False) -> Prox:
    """weight * |W x|_1, W the orthogonal wavelet transform of every frame (haar, dau2 ... dau8)."""
    return Prox(_core.prox_wavelet(_weight(weight, "wavelet_l1"), wavelet, levels, random_shift))


def frequency_l1(weight, keep_mean=False) -> Prox:
    """weight * |F_t x|_1, F_t the orthonormal transform along the frames."""
    return Prox(_core.prox_frequency(_weight(weight, "frequency_l1"), keep_mean))


def tv_time(weight, periodic=True) -> Prox:
    """weight * sum |x_t - x_(t-1)|."""
    return Prox(_core.prox_tv_time(_weight(weight, "tv_time"), periodic))


def tv_space(weight, periodic=True, isotropic=True) -> Prox:
    """weight * total variation over y and x."""
    return Prox(_core.prox_tv_space(_weight(weight, "tv_space"), periodic, isotropic))


def low_rank(weight, block=8, shift="none") -> Prox:
    """weight * sum of the nuclear norms of blocks (pixel, frame). shift: "none", "random", "cycle"."""
    _check.one_of(shift, ("none", "random", "cycle"), "low_rank", "shift")
    return Prox(_core.prox_low_rank(_weight(weight, "low_rank"), block, shift))

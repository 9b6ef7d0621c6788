# SPDX-License-Identifier: Apache-2.0
"""Arrays and Fourier transforms."""

from __future__ import annotations

import numpy as np

from . import _check, _core


def asarray(x, dtype=np.complex64) -> np.ndarray:
    """`x` as a C-contiguous array of complex64: the same object if it is one, else a copy."""
    return np.require(x, dtype=dtype, requirements=["C", "A"])


def _axes(x, axes, who):
    if axes is None:
        axes = (-2, -1) if x.ndim > 1 else (-1,)
    axes = tuple(axes) if np.ndim(axes) else (axes,)
    out = []
    for a in axes:
        _check.number(a, who, "axes", whole=True)
        if not -x.ndim <= a < x.ndim:
            raise ValueError(
                f"{who}: axes: expected {-x.ndim} to {x.ndim - 1} for shape "
                f"{_check._text(x.shape)}, found {a}"
            )
        out.append(int(a) % x.ndim)
    if len(set(out)) != len(out):
        raise ValueError(f"{who}: axes: expected different axes, found {axes}")
    return out


def _transform(who, x, axes, norm, center, out, inverse):
    _check.array(x, who, "x")
    axes = _axes(x, axes, who)
    _check.one_of(norm, ("ortho", None), who, "norm")
    if out is None:
        out = _core.empty(list(x.shape))
    else:
        _check.array(out, who, "out")
        if out.shape != x.shape:
            raise ValueError(
                f"{who}: out: expected shape {_check._text(x.shape)}, found "
                f"{_check._text(out.shape)}"
            )
        if not out.flags.writeable:
            raise ValueError(f"{who}: out: expected a writeable array, found a read-only one")
        if out is not x and np.may_share_memory(out, x) and out.ctypes.data != x.ctypes.data:
            raise ValueError(f"{who}: out: expected x itself or other memory, found an overlap")
    _core.transform(x, out, axes, inverse, norm == "ortho", bool(center))
    return out


def fft(x, axes=None, *, norm="ortho", center=True, out=None) -> np.ndarray:
    """Fourier transform, image to k-space, centred and orthonormal as `sigpy.fft` and `bart fft -u`.

    x       C-contiguous complex64 array of any shape and any lengths
    axes    axes to transform; None: the last two (y, x)
    norm    "ortho", or None for a plain sum
    center  DC at n // 2; False: at 0, as `numpy.fft.fft`
    out     array for the result, which may be x

    Returns an array of the shape of x. TypeError or ValueError for other arguments.
    """
    return _transform("fft", x, axes, norm, center, out, False)


def ifft(x, axes=None, *, norm="ortho", center=True, out=None) -> np.ndarray:
    """Inverse Fourier transform, k-space to image; arguments as `fft`. norm=None is a plain sum."""
    return _transform("ifft", x, axes, norm, center, out, True)

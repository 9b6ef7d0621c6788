# SPDX-License-Identifier: Apache-2.0
"""Linear operators that compose: `A = mask(m) * Fourier() * Sensitivity(s)`.

Images are (y, x), (frame, y, x) or (frame, slice, y, x), k-space with its coils (coil, y, x),
(frame, coil, y, x) or (frame, slice, coil, y, x): an operator takes all of them and answers alike.
`A(x)` or `A * x` applies, `A.H` is the adjoint, `A.N` is A^H A; `mask * Fourier * Sensitivity` and
its `A.N` are fused kernels, as in C++. Sizes are taken from the data, so none are given.
"""

from __future__ import annotations

import numbers

import numpy as np

from . import _check, _core


class LinearOperator:
    """A linear map of complex64 arrays. Made by the functions of this module."""

    __slots__ = ("_core", "_of", "_kept")
    __array_ufunc__ = None  # 2 * A and x * A are ours to answer, not NumPy's

    def __init__(self, core, of=None, kept=()):
        self._core = core
        self._of = of
        self._kept = kept

    # -- shapes
    @property
    def domain(self):
        """Shape of inputs with all axes, None for extents that are open; None if any rank is taken."""
        return self._core.shapes()[0]

    @property
    def range(self):
        """Shape of outputs, as `domain`."""
        return self._core.shapes()[1]

    ishape, oshape = domain, range  # the names of SigPy

    def output_shape(self, shape) -> tuple:
        """Shape of A x for an x of this shape. ValueError if it does not fit."""
        return tuple(self._core.output_shape(list(shape), False))

    @property
    def name(self) -> str:
        return self._core.name

    def __repr__(self):
        return f"<cardiomm operator {self.name}: {self.domain} -> {self.range}>"

    # -- use
    def __call__(self, x, out=None) -> np.ndarray:
        """A x as a new array, or in `out` (apart from x)."""
        _check.array(x, self.name, "input")
        if out is None:
            out = _core.empty(self._core.output_shape(list(x.shape), False))
        else:
            _check.array(out, self.name, "out")
            if not out.flags.writeable:
                raise ValueError(
                    f"{self.name}: out: expected a writeable array, found a read-only one"
                )
        self._core.apply(x, out, False)
        return out

    @property
    def H(self) -> "LinearOperator":
        """The adjoint A^H."""
        if self._of is not None:
            return self._of
        return LinearOperator(self._core.adjoint(), self, self._kept)

    @property
    def N(self) -> "LinearOperator":
        """The normal operator A^H A, by a fused kernel where there is one."""
        return LinearOperator(self._core.gram(), None, self._kept)

    # -- algebra
    def __mul__(self, other):
        if isinstance(other, LinearOperator):
            if self._of is not None and self._of is other:
                return other.N
            return LinearOperator(
                _core.op_compose([self._core, other._core]), None, self._kept + other._kept
            )
        if isinstance(other, np.ndarray) and other.ndim > 0:
            return self(other)
        if isinstance(other, numbers.Number):
            return self._scaled(other)
        return NotImplemented

    __matmul__ = __mul__

    def __rmul__(self, factor):
        if isinstance(factor, numbers.Number):
            return self._scaled(factor)
        return NotImplemented

    def _scaled(self, factor):
        return LinearOperator(_core.op_scale(complex(factor), self._core), None, self._kept)

    def __add__(self, other):
        if not isinstance(other, LinearOperator):
            return NotImplemented
        return LinearOperator(
            _core.op_sum(self._core, other._core), None, self._kept + other._kept
        )

    def __sub__(self, other):
        if not isinstance(other, LinearOperator):
            return NotImplemented
        return self + (-other)

    def __neg__(self):
        return self._scaled(-1)


Identity = LinearOperator(_core.op_identity())


def Fourier(axes=(-2, -1)) -> LinearOperator:
    """The centred, orthonormal transform, image to k-space, over `axes` (default y, x)."""
    axes = tuple(axes) if np.ndim(axes) else (axes,)
    numbers_ = [_check.number(a, "Fourier", "axes", whole=True) for a in axes]
    return LinearOperator(_core.op_fourier(numbers_))


def mask(m, shape=None) -> LinearOperator:
    """Keeps the samples where m is not zero.

    m      (y, x) or (frame, y, x); with shape=(frame, y, x) also (y) and (frame, y)
    shape  extents of the data, for masks of lines only

    Masks whose readouts are whole lines get faster kernels. The mask is copied.
    """
    return LinearOperator(_core.op_mask(_check.mask(m, shape, "mask")))


def Sensitivity(maps) -> LinearOperator:
    """Images times coil maps: (..., y, x) -> (..., coil, y, x); the adjoint sums over the coils.

    maps  complex64 (coil, y, x), (slice, coil, y, x), or (set, slice, coil, y, x) for soft-SENSE,
          where images are (set, frame, slice, y, x). Used in place: changes show.
    """
    five = _check.maps(maps, None, "Sensitivity")
    return LinearOperator(_core.op_maps(five), None, (maps,))


def Multiply(weights) -> LinearOperator:
    """x times weights, complex64, with as many axes as x; extents of one are repeated. In place."""
    _check.array(weights, "Multiply", "weights")
    return LinearOperator(_core.op_multiply(weights), None, (weights,))


def Wavelet(shape, wavelet="dau2", levels=3) -> LinearOperator:
    """The orthogonal wavelet transform over y and x of images; shape = (y, x) or an image's."""
    ny, nx = tuple(shape)[-2:]
    return LinearOperator(_core.op_wavelet(ny, nx, wavelet, levels))


def Difference(axis="frame", periodic=True) -> LinearOperator:
    """x_i - x_(i-1) of images (frame, slice, y, x) along "frame", "slice", "y" or "x"."""
    _check.one_of(axis, ("frame", "slice", "y", "x"), "Difference", "axis")
    return LinearOperator(_core.op_difference(axis, bool(periodic)))


def NUFFT(trajectory, shape, tolerance=0.0) -> LinearOperator:
    """The transform at any positions: coil images (..., coil, y, x) -> samples (..., coil, spoke, sample).

    trajectory  (frame or 1, spoke, sample, 2) or (spoke, sample, 2), (kx, ky) in cycles per field
                of view, x the readout axis of images
    shape       (y, x) of images
    tolerance   relative error; 0: 1e-6

    `NUFFT(...) * Sensitivity(s)` is fused, and its `.N` needs no gridding.
    """
    k = trajectory_of(trajectory, "NUFFT")
    ny, nx = tuple(shape)[-2:]
    return LinearOperator(_core.op_nufft(k, ny, nx, float(tolerance)))


def trajectory_of(value, who, frames=None):
    k = np.asarray(value)
    if k.dtype.kind not in "iuf" or k.ndim not in (3, 4) or k.shape[-1] != 2:
        raise ValueError(
            f"{who}: trajectory: expected real (frame or 1, spoke, sample, 2) or (spoke, sample, 2), "
            f"found {k.dtype} of shape {_check._text(k.shape)}"
        )
    k = k if k.ndim == 4 else k[None]
    return np.ascontiguousarray(k, dtype=np.float64)


def from_functions(forward, adjoint, domain, range, name="function") -> LinearOperator:
    """An operator of two Python functions of arrays, domain -> range and back.

    The functions get a complex64 array and return a C-contiguous one. They run under the
    interpreter's lock, so an operator of the library is faster where there is one.
    """
    for f, what in ((forward, "forward"), (adjoint, "adjoint")):
        if not callable(f):
            raise TypeError(f"from_functions: {what}: expected a function, found {type(f).__name__}")
    return LinearOperator(
        _core.op_python(str(name), list(domain), list(range), forward, adjoint)
    )


def dot_test(A, shape, seed=0) -> float:
    """|<A x, y> - <x, A^H y>| / (|A x| |y|) for random x of `shape` and y: about 1e-7 if A.H is the
    adjoint of A."""
    rng = np.random.default_rng(seed)

    def draw(s):
        return (rng.standard_normal(s) + 1j * rng.standard_normal(s)).astype(np.complex64)

    x, y = draw(tuple(shape)), draw(A.output_shape(shape))
    ax, ahy = A(x), A.H(y)
    left, right = np.vdot(ax.astype(np.complex128), y), np.vdot(x.astype(np.complex128), ahy)
    return float(abs(left - right) / (np.linalg.norm(ax) * np.linalg.norm(y) + 1e-300))

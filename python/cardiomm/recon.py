# SPDX-License-Identifier: Apache-2.0
"""Reconstructions, one function each: the methods of `cardiomm recon`, with its defaults.

kspace  complex64 (frame, slice, coil, y, x), (frame, coil, y, x) or (coil, y, x), C-contiguous,
        centred, samples that were not measured zero; used in place
mask    0 and 1, (y), (y, x), (frame, y) or (frame, y, x), of any number type; None: where k-space is
        not zero
maps    complex64 (coil, y, x), (slice, coil, y, x) or (set, slice, coil, y, x), in place; None: by
        `espirit`

Images have the axes of the k-space without the coil, with the sets in front where there are several;
complex64, in units of k-space (transforms are orthonormal). Methods minimise 1/2 |A x - y|^2 + R(x)
from x = 0; `lamda` is in the units of the data (see `data_scale`). `callback(iteration, iterations,
residual)` is called now and then, and False ends the solver; with report=True the result is
(image, Report). Wrong types raise TypeError, everything else that does not fit ValueError.
"""

from __future__ import annotations

import numpy as np

from . import _check, _core
from .operators import trajectory_of
from .solvers import Report


def sampling_of(kspace) -> np.ndarray:
    """Where k-space is not zero in any slice or coil: uint8 (frame, y, x)."""
    k, _ = _check.kspace(kspace, "sampling_of")
    return _core.sampling_of(k)


def espirit(
    kspace, *, calib=None, kernel=6, threshold=0.02, crop=0.8, sets=1, eigenvalues=False
):
    """Coil maps by ESPIRiT (`bart ecalib`) from the fully sampled centre of k-space.

    calib      largest extent of the calibration block; None: 24, or what is sampled
    kernel     extent of the kernels in k-space
    threshold  kernels with singular values up to this part of the largest belong to the null space
    crop       maps are zero where the eigenvalue does not exceed this
    sets       maps per pixel; several for soft-SENSE

    Returns maps (coil, y, x) or (slice, coil, y, x) as the k-space has slices, with sets > 1
    (set, slice, coil, y, x); of unit norm over the coils. With eigenvalues=True also these.
    """
    k, left_out = _check.kspace(kspace, "espirit")
    limit = -1 if calib is None else _check.number(calib, "espirit", "calib", 1, whole=True)
    _check.number(kernel, "espirit", "kernel", 1, whole=True)
    _check.number(sets, "espirit", "sets", 1, whole=True)
    maps, values = _core.espirit(k, limit, kernel, float(threshold), float(crop), sets)
    if sets == 1:
        maps, values = maps[0], values[0]
        if left_out > 0:
            maps, values = maps[0], values[0]
    return (maps, values) if eigenvalues else maps


def data_scale(kspace) -> float:
    """How bright the image of the centre is, by BART's rule: divide k-space by it, and `lamda` does
    not depend on units."""
    return _core.data_scale(_check.kspace(kspace, "data_scale")[0])


def rss(kspace) -> np.ndarray:
    """Root sum of squares over the coils of the inverse transform: float32."""
    k, left_out = _check.kspace(kspace, "rss")
    image = _core.rss(k)
    return _check.image_out(image[None], left_out)


def _inputs(who, kspace, mask):
    k, left_out = _check.kspace(kspace, who)
    if mask is None:
        m = _core.sampling_of(k)
    else:
        m = _check.mask(mask, (k.shape[0], k.shape[3], k.shape[4]), who)
    return k, m, left_out


def _maps(who, maps, k):
    if maps is not None:
        return _check.maps(maps, k, who)
    try:
        return _core.espirit(k, -1, 6, 0.02, 0.8, 1)[0]
    except ValueError as error:
        raise ValueError(f"{who}: maps left out, and none found: {error}") from None


def _common(who, lamda, iterations, tolerance, callback):
    return (
        _check.number(lamda, who, "lamda", 0),
        _check.number(iterations, who, "iterations", 1, whole=True),
        _check.number(tolerance, who, "tolerance", 0),
        _check.callback(callback, who),
    )


def _answer(image, left_out, end, report):
    image = _check.image_out(image, left_out)
    return (image, Report(*end)) if report else image


def zero_filled(kspace, mask=None, maps=None) -> np.ndarray:
    """A^H y: the inverse transform, coils combined by conjugate maps."""
    k, m, left_out = _inputs("zero_filled", kspace, mask)
    return _check.image_out(_core.zero_filled(k, m, _maps("zero_filled", maps, k)), left_out)


def sense(
    kspace, mask=None, maps=None, *, lamda=0.01, iterations=30, tolerance=0.0, joint=False,
    callback=None, report=False,
):
    """CG-SENSE: R = lamda/2 |x|^2, 30 conjugate gradients. joint: one system of all frames and
    slices, as BART and SigPy; else one for each."""
    k, m, left_out = _inputs("sense", kspace, mask)
    o = _common("sense", lamda, iterations, tolerance, callback)
    s = _maps("sense", maps, k)
    return _answer(*_swap(_core.sense(k, m, s, *o[:3], bool(joint), o[3]), left_out), report)


def _swap(result, left_out):
    return result[0], left_out, result[1]


def l1wavelet(
    kspace, mask=None, maps=None, *, lamda=0.01, iterations=30, tolerance=0.0, wavelet="dau2",
    levels=3, random_shift=False, data_step=False, callback=None, report=False,
):
    """Compressed sensing: R = lamda |W x|_1, W the wavelets of every frame. random_shift and
    data_step are what `bart pics -R W` does."""
    k, m, left_out = _inputs("l1wavelet", kspace, mask)
    o = _common("l1wavelet", lamda, iterations, tolerance, callback)
    _check.number(levels, "l1wavelet", "levels", 0, whole=True)
    s = _maps("l1wavelet", maps, k)
    r = _core.l1wavelet(
        k, m, s, *o[:3], str(wavelet), levels, bool(random_shift), bool(data_step), o[3]
    )
    return _answer(*_swap(r, left_out), report)


def tv(
    kspace, mask=None, maps=None, *, lamda=0.01, iterations=30, tolerance=0.0, along="time",
    periodic=True, isotropic=True, solver="fista", callback=None, report=False,
):
    """R = lamda TV(x), along "time" (sum |x_t - x_(t-1)|) or "space"; solver "fista", "admm" or
    "pdhg"."""
    k, m, left_out = _inputs("tv", kspace, mask)
    o = _common("tv", lamda, iterations, tolerance, callback)
    _check.one_of(along, ("time", "space"), "tv", "along")
    _check.one_of(solver, ("fista", "admm", "pdhg"), "tv", "solver")
    s = _maps("tv", maps, k)
    r = _core.tv(k, m, s, *o[:3], along, bool(periodic), bool(isotropic), solver, o[3])
    return _answer(*_swap(r, left_out), report)


def ktsparse(
    kspace, mask=None, maps=None, *, lamda=0.01, iterations=30, tolerance=0.0, keep_mean=False,
    callback=None, report=False,
):
    """k-t SPARSE-SENSE: R = lamda |F_t x|_1, F_t the transform along the frames."""
    k, m, left_out = _inputs("ktsparse", kspace, mask)
    o = _common("ktsparse", lamda, iterations, tolerance, callback)
    s = _maps("ktsparse", maps, k)
    return _answer(*_swap(_core.ktsparse(k, m, s, *o[:3], bool(keep_mean), o[3]), left_out), report)


def llr(
    kspace, mask=None, maps=None, *, lamda=0.01, iterations=30, tolerance=0.0, block=8, shift=None,
    solver="fista", data_step=None, callback=None, report=False,
):
    """Locally low rank: R = lamda sum of nuclear norms of blocks (pixel, frame).

    shift  where the grid of blocks starts from iteration to iteration: "none", "random" or "cycle";
           None: "cycle" with fista, which includes data_step, else "none"
    """
    k, m, left_out = _inputs("llr", kspace, mask)
    o = _common("llr", lamda, iterations, tolerance, callback)
    _check.number(block, "llr", "block", 1, whole=True)
    _check.one_of(solver, ("fista", "admm", "pdhg"), "llr", "solver")
    if shift is None:
        shift = "cycle" if solver == "fista" else "none"
    _check.one_of(shift, ("none", "random", "cycle"), "llr", "shift")
    if shift != "none" and solver != "fista":
        raise ValueError(f"llr: shift: expected 'none' with solver={solver!r}, found {shift!r}")
    data_step = shift == "cycle" if data_step is None else bool(data_step)
    s = _maps("llr", maps, k)
    r = _core.llr(k, m, s, *o[:3], block, shift, solver, data_step, o[3])
    return _answer(*_swap(r, left_out), report)


def lps(
    kspace, mask=None, maps=None, *, lamda=0.01, lamda_low_rank=None, iterations=30, tolerance=0.0,
    callback=None, report=False, parts=False,
):
    """Low rank + sparse in x-f space. lamda weighs the sparse part, lamda_low_rank the other; None:
    in balance. parts=True: (image, low_rank, sparse[, Report])."""
    k, m, left_out = _inputs("lps", kspace, mask)
    o = _common("lps", lamda, iterations, tolerance, callback)
    ratio = 0.0
    if lamda_low_rank is not None and lamda > 0:
        ratio = _check.number(lamda_low_rank, "lps", "lamda_low_rank", 0) / lamda
    s = _maps("lps", maps, k)
    image, low, sparse, end = _core.lps(k, m, s, o[0], ratio, o[1], o[2], o[3])
    out = [_check.image_out(x, left_out) for x in ((image, low, sparse) if parts else (image,))]
    if report:
        out.append(Report(*end))
    return out[0] if len(out) == 1 else tuple(out)


def grappa(
    kspace, mask=None, maps=None, *, lamda=0.01, kernel=(4, 5), calib=48, return_kspace=False
):
    """Missing lines by kernels of 5 x 4, then the root sum of squares (float32), or maps if given.

    lamda          Tikhonov weight of the kernels, relative
    kernel         (lines along y, odd extent along x)
    return_kspace  the full k-space of all coils instead of an image
    """
    k, m, left_out = _inputs("grappa", kspace, mask)
    ky, kx = kernel
    full = _core.grappa(k, m, _check.number(lamda, "grappa", "lamda", 0), ky, kx, calib)
    if return_kspace:
        return full.reshape(kspace.shape)
    if maps is None:
        return _check.image_out(_core.rss(full)[None], left_out)
    everything = np.ones((1, *k.shape[3:]), np.uint8)
    return _check.image_out(
        _core.zero_filled(full, everything, _check.maps(maps, k, "grappa")), left_out
    )


def nlinv(
    kspace, mask=None, *, iterations=8, lamda=0.0, tolerance=0.0, return_maps=False, callback=None,
    report=False,
):
    """Image and coil maps together, by Gauss-Newton steps (`bart nlinv`). return_maps: (image, maps
    with the axes of k-space[, Report])."""
    k, m, left_out = _inputs("nlinv", kspace, mask)
    o = _common("nlinv", lamda, iterations, tolerance, callback)
    image, maps, end = _core.nlinv(k, m, o[1], o[0], o[2], True, o[3])
    out = [_check.image_out(image, left_out)]
    if return_maps:
        out.append(maps.reshape(kspace.shape))
    if report:
        out.append(Report(*end))
    return out[0] if len(out) == 1 else tuple(out)


def _radial_inputs(who, kspace, trajectory):
    k, left_out = _check.kspace(kspace, who, last=("spoke", "sample"))
    t = trajectory_of(trajectory, who)
    if t.shape[0] not in (1, k.shape[0]) or t.shape[1:3] != k.shape[3:]:
        raise ValueError(
            f"{who}: trajectory: expected (frame or 1, spoke, sample, 2) = "
            f"{_check._text((k.shape[0], *k.shape[3:], 2))}, found {_check._text(t.shape)}"
        )
    return k, t, left_out


def _matrix(trajectory):
    """What a trajectory in cycles per field of view resolves: even, twice the largest |k|."""
    most = np.abs(trajectory).reshape(-1, 2).max(axis=0)
    return tuple(max(2, 2 * int(np.ceil(m - 1e-3))) for m in (most[1], most[0]))


def radial_maps(kspace, trajectory, shape=None, *, calib=None) -> np.ndarray:
    """ESPIRiT maps (coil, y, x) or (slice, coil, y, x) from the centre of non-Cartesian k-space."""
    k, t, left_out = _radial_inputs("radial_maps", kspace, trajectory)
    ny, nx = _matrix(t) if shape is None else tuple(shape)[-2:]
    maps = _core.radial_maps(k, t, ny, nx, -1 if calib is None else calib)[0]
    return maps[0] if left_out > 0 else maps


def radial(
    kspace, trajectory, maps=None, *, shape=None, lamda=0.01, iterations=30, tolerance=0.0,
    penalty="time", solver="admm", periodic=True, callback=None, report=False,
):
    """Non-Cartesian: R = lamda TV in "time" or "space", or "square": lamda/2 |x|^2.

    kspace      complex64 (frame, slice, coil, spoke, sample), or without leading axes
    trajectory  (frame or 1, spoke, sample, 2) or (spoke, sample, 2): (kx, ky), cycles per field of
                view
    shape       (y, x) of the image; None: of the maps, or what the trajectory resolves
    """
    k, t, left_out = _radial_inputs("radial", kspace, trajectory)
    o = _common("radial", lamda, iterations, tolerance, callback)
    _check.one_of(penalty, ("time", "space", "square"), "radial", "penalty")
    _check.one_of(solver, ("fista", "admm", "pdhg"), "radial", "solver")
    if maps is None:
        ny, nx = _matrix(t) if shape is None else tuple(shape)[-2:]
        s = _core.radial_maps(k, t, ny, nx, -1)
    else:
        matrix = tuple(shape)[-2:] if shape is not None else np.shape(maps)[-2:]
        s = _check.maps(maps, k, "radial", matrix=matrix)
    r = _core.radial(k, t, s, *o[:3], penalty, solver, bool(periodic), o[3])
    return _answer(*_swap(r, left_out), report)

# SPDX-License-Identifier: Apache-2.0
"""Reconstruction of cardiac MR images on NumPy arrays: the kernels of the C++ library cardiomm.

    import cardiomm as cm

    maps = cm.espirit(kspace)
    x = cm.sense(kspace, mask, maps, lamda=0.01)

Arrays are C-contiguous complex64, axes (frame, slice, coil, y, x) with x the readout; k-space is
centred, transforms are orthonormal. Inputs are used in place, results own their memory, other Python
threads run meanwhile. Wrong arguments raise one TypeError or ValueError that names them.
"""

import atexit as _atexit
import os as _os

from . import _core

_atexit.register(_core.at_exit)
__version__ = _core.version


def set_threads(n: int) -> None:
    """Threads of all computations; before the first one. 0: OMP_NUM_THREADS, or all cores.

    The environment variable CARDIOMM_THREADS does the same.
    """
    _core.set_threads(_check.number(n, "set_threads", "n", 0, whole=True))


def threads() -> int:
    """Threads that computations use; starts Kokkos."""
    return _core.threads()


def info() -> dict:
    """Version, back-end of Kokkos, bytes of a vector lane, and whether Kokkos has been started."""
    return {
        "version": __version__,
        "backend": _core.backend,
        "lane_bytes": _core.lane_bytes,
        "started": _core.is_started(),
    }


from . import _check, masks, metrics, network, prox, trajectories  # noqa: E402
from ._array import asarray, fft, ifft  # noqa: E402
from .operators import (  # noqa: E402
    NUFFT,
    Difference,
    Fourier,
    Identity,
    LinearOperator,
    Multiply,
    Sensitivity,
    Wavelet,
    dot_test,
    from_functions,
    mask,
)
from .recon import (  # noqa: E402
    data_scale,
    espirit,
    grappa,
    ktsparse,
    l1wavelet,
    llr,
    lps,
    nlinv,
    radial,
    radial_maps,
    rss,
    sampling_of,
    sense,
    tv,
    zero_filled,
)
from .solvers import Report, cg, fista, largest_eigenvalue  # noqa: E402

if _os.environ.get("CARDIOMM_THREADS"):
    try:
        set_threads(int(_os.environ["CARDIOMM_THREADS"]))
    except ValueError:
        raise ImportError(
            "CARDIOMM_THREADS: expected a number of threads, found "
            f"'{_os.environ['CARDIOMM_THREADS']}'"
        ) from None


def phantom(coils=10, frames=25, slices=1, shape=(208, 256), snr=30.0, seed=1) -> dict:
    """A simulated acquisition of a beating heart, as `cardiomm phantom`: a dictionary of kspace
    (frame, slice, coil, y, x), maps (slice, coil, y, x), image and labels (frame, slice, y, x)."""
    for name, n in (("coils", coils), ("frames", frames), ("slices", slices)):
        _check.number(n, "phantom", name, 1, whole=True)
    ny, nx = (_check.number(n, "phantom", "shape", 1, whole=True) for n in shape)
    seed = _check.number(seed, "phantom", "seed", 0, whole=True)
    return _core.phantom(coils, frames, slices, ny, nx, _check.number(snr, "phantom", "snr", 0), seed)


__all__ = [
    "Difference", "Fourier", "Identity", "LinearOperator", "Multiply", "NUFFT", "Report",
    "Sensitivity", "Wavelet", "asarray", "cg", "data_scale", "dot_test", "espirit", "fft", "fista",
    "from_functions", "grappa", "ifft", "info", "ktsparse", "l1wavelet", "largest_eigenvalue",
    "llr", "lps", "mask", "masks", "metrics", "network", "nlinv", "phantom", "prox", "radial",
    "radial_maps", "rss", "sampling_of", "sense", "set_threads", "threads", "trajectories", "tv",
    "zero_filled",
]

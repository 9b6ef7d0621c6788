# SPDX-License-Identifier: Apache-2.0
"""Trajectories (frame, spoke, sample, 2), float64: (kx, ky) in cycles per field of view."""

from __future__ import annotations

import numpy as np

from . import _check, _core


def radial(samples=256, spokes=32, frames=1, *, golden=True, tiny=1, oversampling=1.0) -> np.ndarray:
    """Spokes as those of `bart traj -r`: golden angles (tiny: 1 is 111.25 degrees, 7 23.63), or
    uniform ones. Samples reach to samples / (2 oversampling)."""
    for name, n in (("samples", samples), ("spokes", spokes), ("frames", frames), ("tiny", tiny)):
        _check.number(n, "trajectories.radial", name, 1, whole=True)
    return _core.radial_trajectory(samples, spokes, frames, bool(golden), tiny, float(oversampling))


def spiral(samples=1024, interleaves=16, frames=1, *, matrix=128, turns=0.0) -> np.ndarray:
    """Archimedean spirals from the centre to matrix / 2 cycles; turns=0 samples all."""
    for name, n in (("samples", samples), ("interleaves", interleaves), ("frames", frames)):
        _check.number(n, "trajectories.spiral", name, 1, whole=True)
    return _core.spiral_trajectory(samples, interleaves, frames, float(matrix), float(turns))

# SPDX-License-Identifier: Apache-2.0
"""Undersampling masks (frame, y, x) of 0 and 1, uint8: the patterns of the CMRxRecon challenges.

`acceleration` is nominal: centre lines (`acs`) are not counted. The same numbers as `cardiomm mask`.
"""

from __future__ import annotations

import numpy as np

from . import _check, _core


def _make(pattern, shape, acceleration, acs, seed=1) -> np.ndarray:
    who = f"masks.{pattern.replace('-', '_')}"
    shape = tuple(shape)
    if len(shape) == 2:
        shape = (1, *shape)
    if len(shape) != 3:
        raise ValueError(f"{who}: shape: expected (frame, y, x) or (y, x), found {shape}")
    for n in shape:
        _check.number(n, who, "shape", 1, whole=True)
    acceleration = _check.number(acceleration, who, "acceleration", 1)
    _check.number(acs, who, "acs", 0, whole=True)
    seed = _check.number(seed, who, "seed", 0, whole=True)
    if seed >= 2**32:
        raise ValueError(f"{who}: seed: expected 0 to 4294967295, found {seed}")
    return _core.make_mask(pattern, *shape, acceleration, acs, seed)


def uniform(shape, acceleration=8, acs=20) -> np.ndarray:
    """Every R-th line, the same in every frame."""
    return _make("uniform", shape, acceleration, acs)


def kt_uniform(shape, acceleration=8, acs=20) -> np.ndarray:
    """Every R-th line, moved by one line from frame to frame."""
    return _make("kt-uniform", shape, acceleration, acs)


def kt_gaussian(shape, acceleration=8, acs=20, seed=1) -> np.ndarray:
    """Random lines, denser at the centre, new in every frame."""
    return _make("kt-gaussian", shape, acceleration, acs, seed)


def kt_radial(shape, acceleration=8, acs=20) -> np.ndarray:
    """Spokes on the Cartesian grid, turned from frame to frame, and a centre square."""
    return _make("kt-radial", shape, acceleration, acs)


def net_acceleration(mask) -> float:
    """Samples of the grid over samples of the mask."""
    m = np.asarray(mask) != 0
    if not m.any():
        raise ValueError("masks.net_acceleration: mask: expected a sample, found none")
    return float(m.size / m.sum())

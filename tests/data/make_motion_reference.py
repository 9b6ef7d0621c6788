# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/motion/*.npy: images moved by SciPy's ndimage (linear interpolation, zeros outside).

Run with numpy and scipy installed, from this folder.
"""
import os

import numpy as np
from scipy import ndimage

rng = np.random.default_rng(20261121)
ny, nx = 19, 22
image = (rng.standard_normal((ny, nx)) + 1j * rng.standard_normal((ny, nx))).astype(np.complex64)
poses = [(0.0, 2.0, -3.0), (0.35, 0.6, -1.3), (-1.9, 4.2, 7.7)]  # angle, y, x
centre = np.array([ny // 2, nx // 2], dtype=float)


def both(f):
    return f(image.real.astype(float)) + 1j * f(image.imag.astype(float))


rigid = []
for angle, ty, tx in poses:
    # turned by the angle from y towards x: a point at the end of the y axis goes towards +x
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    back = turn.T  # output coordinate -> input coordinate
    offset = centre - back @ (centre + np.array([ty, tx]))
    rigid.append(both(lambda a: ndimage.affine_transform(a, back, offset, order=1, mode="grid-constant")))
field = 2.5 * rng.standard_normal((ny, nx, 2)).astype(np.float32)
field[3, 4] = [-100, 0.5]
where = np.stack(np.meshgrid(np.arange(ny), np.arange(nx), indexing="ij")) + np.moveaxis(field, -1, 0)
warped = both(lambda a: ndimage.map_coordinates(a, where, order=1, mode="grid-constant"))

os.makedirs("motion", exist_ok=True)
np.save("motion/image.npy", image)
np.save("motion/rigid.npy", np.stack(rigid).astype(np.complex64))
np.save("motion/field.npy", field)
np.save("motion/warped.npy", warped.astype(np.complex64))

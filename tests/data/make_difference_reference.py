# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/difference/*.npy: finite differences by SigPy (0.1.27) of a small made-up series.

Run with numpy and sigpy installed, from this folder.
"""
import os

import numpy as np
import sigpy.linop as linop

rng = np.random.default_rng(20261121)
image = (rng.standard_normal((4, 2, 5, 7)) + 1j * rng.standard_normal((4, 2, 5, 7))).astype(np.complex64)
os.makedirs("difference", exist_ok=True)


def save(name, a):
    np.save(f"difference/{name}.npy", np.ascontiguousarray(a, dtype=np.complex64))


save("image", image)
every = linop.FiniteDifference(image.shape, axes=(0, 2, 3))
save("frame_y_x", every * image)
save("normal", every.H * (every * image))

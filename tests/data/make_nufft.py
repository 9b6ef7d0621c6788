#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/nufft: transforms by FINUFFT (tolerance 1e-15, double) of random numbers at
radial, spiral and random positions. Needs finufft and numpy. Conventions as linop/nufft.hpp: trajectory (frame, spoke, sample,
(kx, ky)) in cycles per field of view, scale 1 / sqrt(ny nx)."""
import os

import finufft
import numpy as np

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nufft")
os.makedirs(here, exist_ok=True)
rng = np.random.default_rng(5)
frames, coils, ny, nx, spokes, samples = 2, 2, 30, 44, 5, 60


def save(name, a, kind):
    np.save(os.path.join(here, name + ".npy"), np.ascontiguousarray(a.astype(kind)))


traj = np.zeros((frames, spokes, samples, 2))
for s in range(spokes):  # radial over the whole of k-space, spiral: both end at the edges
    angle = 111.246117975 * s * np.pi / 180
    r = (np.arange(samples) - samples / 2) / samples
    traj[0, s, :, 0] = r * nx * np.cos(angle)
    traj[0, s, :, 1] = r * ny * np.sin(angle)
    t = np.arange(samples) / samples
    traj[1, s, :, 0] = t / 2 * nx * np.cos(20 * t + angle)
    traj[1, s, :, 1] = t / 2 * ny * np.sin(20 * t + angle)
traj[1, 4] = rng.uniform(-1, 1, (samples, 2)) * (nx, ny)  # beyond the edges: periodic
image = rng.standard_normal((frames, 1, coils, ny, nx, 2)) @ (1, 1j)
data = rng.standard_normal((frames, 1, coils, spokes, samples, 2)) @ (1, 1j)
scale = 1 / np.sqrt(ny * nx)
forward, adjoint = np.zeros_like(data), np.zeros_like(image)
for f in range(frames):
    kx = (2 * np.pi * traj[f, ..., 0] / nx).ravel()
    ky = (2 * np.pi * traj[f, ..., 1] / ny).ravel()
    wrap = lambda a: (a + np.pi) % (2 * np.pi) - np.pi
    for c in range(coils):
        forward[f, 0, c] = scale * finufft.nufft2d2(
            wrap(ky), wrap(kx), image[f, 0, c], isign=-1, eps=1e-15).reshape(spokes, samples)
        adjoint[f, 0, c] = scale * finufft.nufft2d1(
            wrap(ky), wrap(kx), np.ascontiguousarray(data[f, 0, c]).ravel(), (ny, nx), isign=1,
            eps=1e-15)
save("trajectory", traj, np.float64)
save("image", image, np.complex128)
save("data", data, np.complex128)
save("forward", forward, np.complex128)
save("adjoint", adjoint, np.complex128)

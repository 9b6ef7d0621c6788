#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Regularised reconstructions by SigPy and PyWavelets: tests/data/sparse/*.npy, read by
tests/mri/{total_variation,l1_wavelet,kt_sparse}.cpp.

needs numpy, sigpy (0.1.27), pywavelets. Each minimises 1/2 |P F S x - y|^2 + lambda R(x) by many
iterations of the primal-dual method of SigPy's LinearLeastSquares, so that the minimum is the
problem's and not the solver's: R = |D x|_1 with periodic differences along the frames, or along y
and x (anisotropic), |W x|_1 with Haar wavelets of one level, |F_t x|_1.
"""

import os

import numpy as np
import pywt
import sigpy as sp

rng = np.random.default_rng(20261121)
frames, coils, ny, nx = 6, 3, 16, 14
y, x = np.meshgrid(np.linspace(-1, 1, ny), np.linspace(-1, 1, nx), indexing="ij")
maps = []
for c in range(coils):
    a = 2 * np.pi * c / coils
    d = (y - 1.1 * np.sin(a)) ** 2 + (x - 1.1 * np.cos(a)) ** 2
    maps.append(np.exp(-d + 1j * (2 * np.sin(a) * x + a + np.cos(a) * y)))
maps = np.stack(maps)
maps = (maps / np.sqrt((np.abs(maps) ** 2).sum(0))).astype(np.complex64)
image = np.zeros((frames, 1, ny, nx), np.complex64)
for t in range(frames):
    r = 0.45 + 0.15 * np.cos(2 * np.pi * t / frames)
    body = (y / 0.9) ** 2 + (x / 0.8) ** 2 < 1
    image[t, 0] = (0.4 * body + 0.6 * (y**2 + (x - 0.1) ** 2 < r**2)) * np.exp(0.5j * x)
mask = (rng.random((frames, 1, ny, 1)) < 0.35) | (np.abs(np.arange(ny) - ny // 2) < 3)[:, None]
shape = (frames, 1, ny, nx)
S = sp.linop.Multiply(shape, maps[None])
F = sp.linop.FFT(S.oshape, axes=(-2, -1))
P = sp.linop.Multiply(F.oshape, mask.astype(np.complex64))
A = P * F * S
noise = rng.normal(size=A.oshape) + 1j * rng.normal(size=A.oshape)
kspace = (A(image) + 0.03 * P(noise.astype(np.complex64))).astype(np.complex64)


def solve(G, weight, iterations=6000):
    app = sp.app.LinearLeastSquares(
        A, kspace, G=G, proxg=sp.prox.L1Reg(G.oshape, weight), max_iter=iterations, show_pbar=False
    )
    return app.run()


class Haar(sp.linop.Linop):
    """One level of Haar wavelets with periodic ends; coefficients in the shape of the image."""

    def __init__(self):
        super().__init__(shape, shape)

    def _apply(self, v):
        a, (h, w, d) = pywt.dwt2(v, "haar", mode="periodization")
        return np.block([[a, h], [w, d]]).astype(v.dtype)

    def _adjoint_linop(self):
        return HaarInverse()


class HaarInverse(sp.linop.Linop):
    def __init__(self):
        super().__init__(shape, shape)

    def _apply(self, c):
        m, n = ny // 2, nx // 2
        bands = c[..., :m, :n], (c[..., :m, n:], c[..., m:, :n], c[..., m:, n:])
        return pywt.idwt2(bands, "haar", mode="periodization").astype(c.dtype)

    def _adjoint_linop(self):
        return Haar()


results = dict(
    kspace=kspace,
    maps=maps,
    tv_time=solve(sp.linop.FiniteDifference(shape, axes=(0,)), 0.04),
    tv_space=solve(sp.linop.FiniteDifference(shape, axes=(-2, -1)), 0.02),
    haar=solve(Haar(), 0.03),
    frequency=solve(sp.linop.FFT(shape, axes=(0,)), 0.03),
)
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sparse")
os.makedirs(folder, exist_ok=True)
for name, value in results.items():
    value = np.asarray(value, np.complex64)
    np.save(os.path.join(folder, name + ".npy"), np.ascontiguousarray(value))
np.save(os.path.join(folder, "mask.npy"), np.ascontiguousarray(mask[:, 0, :, 0].astype(np.uint8)))

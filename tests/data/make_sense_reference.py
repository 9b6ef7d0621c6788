# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/sense_sigpy/*.npy: SENSE by SigPy's SenseRecon (0.1.27) on small made-up data.

Run with numpy and sigpy installed, from this folder. Odd and even extents, 5 coils, k-space with zeros
where it was not sampled. SenseRecon minimises 1/2 |P F S x - y|^2 + lamda/2 |x|^2 by CG from zero.
"""
import numpy as np
import sigpy.mri.app as app

rng = np.random.default_rng(20261121)
ny, nx, coils, lam, iterations = 45, 38, 5, 0.02, 12
y, x = np.meshgrid(np.linspace(-1, 1, ny), np.linspace(-1, 1, nx), indexing="ij")
maps = []
for c in range(coils):
    a = 2 * np.pi * c / coils
    d = (y - 1.1 * np.sin(a)) ** 2 + (x - 1.1 * np.cos(a)) ** 2
    maps.append(np.exp(-d + 1j * (2 * np.sin(a) * x + a + np.cos(a) * y)))
maps = np.stack(maps)
maps /= np.sqrt((np.abs(maps) ** 2).sum(0))
image = ((y / 0.8) ** 2 + (x / 0.7) ** 2 < 1) * (1 + 0.5 * np.sin(6 * x + 3 * y)) * np.exp(1j * x)
k = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(maps * image, axes=(1, 2)), norm="ortho"), axes=(1, 2))
k += 0.02 * (rng.standard_normal(k.shape) + 1j * rng.standard_normal(k.shape))
mask = (rng.random((ny, nx)) < 0.4) | ((np.abs(y) < 0.2) & (np.abs(x) < 0.2))
k = (k * mask).astype(np.complex64)
maps = maps.astype(np.complex64)
result = app.SenseRecon(k, maps, lamda=lam, max_iter=iterations, show_pbar=False).run()
for name, value in dict(kspace=k, maps=maps, image=result).items():
    np.save(f"sense_sigpy/{name}.npy", np.ascontiguousarray(value, dtype=np.complex64))

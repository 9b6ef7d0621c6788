# SPDX-License-Identifier: Apache-2.0
"""Weights of a SPIRiT kernel by NumPy's least squares: writes pisf/calibration.safetensors with the
region (coil, y, x, re im), the weights (target, coil, 5, 5, re im) for lambda 0.01 relative to the
Frobenius norm over the number of columns, and the residual of each target's equations. Run in
tests/data: python make_calibration_kernel.py"""
import numpy as np
from safetensors.numpy import save_file

rng = np.random.default_rng(8)
coils, ny, nx, size = 3, 14, 17, 5
y, x = np.mgrid[-1:1:40j, -1:1:40j]
image = ((x / 0.7) ** 2 + (y / 0.8) ** 2 < 1) * 1.0 + 0.5 * ((x - 0.2) ** 2 + (y + 0.1) ** 2 < 0.1)
maps = np.stack([np.exp(-((x - a) ** 2 + (y - b) ** 2) / 1.5 + 1j * (a * x + b * y))
                 for a, b in [(-1, 0), (1, 0.3), (0.2, -1)]])
k = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(image * maps, axes=(1, 2)), norm="ortho"), axes=(1, 2))
k = k[:, 20 - 7:20 + 7, 20 - 8:20 + 9]
k = k + 0.01 * (rng.normal(size=k.shape) + 1j * rng.normal(size=k.shape))
rows = np.stack([k[:, v:v + size, u:u + size].ravel()
                 for v in range(ny - size + 1) for u in range(nx - size + 1)])
n = rows.shape[1]
weights, residual = np.zeros((coils, n), complex), np.zeros(coils)
for c in range(coils):
    target = c * size * size + size * size // 2
    keep = [i for i in range(n) if i != target]
    a, b = rows[:, keep], rows[:, target]
    gram = a.conj().T @ a
    shift = 0.01 * np.linalg.norm(gram) / (n - 1)
    augmented = np.vstack([a, np.sqrt(shift) * np.eye(n - 1)])
    w = np.linalg.lstsq(augmented, np.concatenate([b, np.zeros(n - 1)]), rcond=None)[0]
    weights[c, keep] = w
    residual[c] = np.linalg.norm(a @ w - b) / np.linalg.norm(b)


def pairs(v):
    return np.ascontiguousarray(np.stack([v.real, v.imag], -1))


save_file({"region": pairs(k), "residual": residual,
           "weights": pairs(weights.reshape(coils, coils, size, size))},
          "pisf/calibration.safetensors")
print(residual)

# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/partial_fourier/: homodyne and POCS by their definition in NumPy (double).

Run with numpy from this folder. Odd and even extents; 2 coils with smooth phase. Measured: y from 8 of
36 on (the low side is cut), or x up to 26 of 35 (the high side is cut).
"""
import numpy as np

ny, nx = 36, 35
y, x = np.meshgrid(np.linspace(-1, 1, ny), np.linspace(-1, 1, nx), indexing="ij")
image = 1.0 * ((y / 0.8) ** 2 + (x / 0.7) ** 2 < 1) + 0.5 * ((y - 0.2) ** 2 + (x + 0.1) ** 2 < 0.08)
coils = np.stack([image * np.exp(-x + 1j * (0.8 * x + 0.5 * y)), image * np.exp(y + 1j * (1 - x * y))])
axes = (-2, -1)
fft = lambda v: np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(v, axes=axes), norm="ortho"), axes=axes)
ifft = lambda v: np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(v, axes=axes), norm="ortho"), axes=axes)
full = fft(coils)


def recon(k, axis, first, last, method, iterations=12):
    n = k.shape[axis]
    d = np.arange(n) - n // 2
    half = min(n // 2 - first, last - n // 2)
    kept = (np.arange(n) >= first) & (np.arange(n) <= last)
    hann = np.where(np.abs(d) <= half, 0.5 + 0.5 * np.cos(np.pi * d / (half + 1)), 0)
    sign = 1 if n // 2 - first < last - n // 2 else -1
    weight = np.clip(1 + sign * d / (half + 1), 0, 2) * kept
    if n % 2 == 0 and kept[0]:
        weight[0] = 1
    along = lambda w: w.reshape([-1 if a == axis else 1 for a in range(k.ndim)])
    turn = np.exp(1j * np.angle(ifft(k * along(hann))))
    if method == "homodyne":
        return fft((ifft(k * along(weight)) * turn.conj()).real * turn)
    z = k * along(kept)
    for _ in range(iterations):
        z = np.where(along(kept), k, fft(np.abs(ifft(z)) * turn))
    return z


save = lambda name, v: np.save(f"partial_fourier/{name}.npy", v[None, None].astype(np.complex64))
save("full", full)
for method in ("homodyne", "pocs"):
    save(f"{method}_y", recon(full, 1, 8, ny - 1, method))
    save(f"{method}_x", recon(full, 2, 0, 26, method))

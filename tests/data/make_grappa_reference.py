# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/grappa/: GRAPPA by the definition in NumPy, and errors of pygrappa 0.26.3.

Run with numpy and pygrappa from this folder. Data: ellipses, 5 coils, two frames, some noise.
grappa.npy is what the definition gives for nearest.npy (2 source lines on either side, 5 samples along
the readout, calibrated on the centre lines of both frames together, lambda 0.01, zeros around
k-space). peer.npy holds, for uniform R = 2, 3 and a pattern shifted from frame to frame with R = 4, the
NMSE of pygrappa.mdgrappa (5 x 5, its defaults, frame by frame) to the noiseless truth, as RSS images.
"""
import numpy as np
from pygrappa import mdgrappa

rng = np.random.default_rng(20261122)
frames, coils, ny, nx, acs = 2, 5, 56, 48, 16
y, x = np.meshgrid(np.linspace(-1, 1, ny), np.linspace(-1, 1, nx), indexing="ij")
maps = []
for c in range(coils):
    a = 2 * np.pi * c / coils
    maps.append(np.exp(-((y - 1.1 * np.sin(a)) ** 2 + (x - 1.1 * np.cos(a)) ** 2) + 1j * (np.sin(a) * x + a)))
maps = np.stack(maps)
maps /= np.sqrt((np.abs(maps) ** 2).sum(0))
image = np.stack([
    ((y / 0.85) ** 2 + (x / 0.75) ** 2 < 1) * (0.6 + 0.4 * ((y - 0.1) ** 2 + (x + 0.2 * f) ** 2 < 0.1)
                                             + 0.3 * ((y / 0.1) ** 2 + ((x - 0.4) / 0.2) ** 2 < 1))
    for f in range(frames)]) * np.exp(0.7j * x * y)
axes = (-2, -1)
fft = lambda v: np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(v, axes=axes), norm="ortho"), axes=axes)
ifft = lambda v: np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(v, axes=axes), norm="ortho"), axes=axes)
rss = lambda k: np.sqrt((np.abs(ifft(k)) ** 2).sum(-3))
clean = fft(maps * image[:, None])
noise = rng.standard_normal(clean.shape) + 1j * rng.standard_normal(clean.shape)
kspace = (clean + 0.015 * noise).astype(np.complex64)
first = ny // 2 - acs // 2


def pattern(r, shift):
    m = np.zeros((frames, ny), bool)
    for f in range(frames):
        m[f, (f * shift) % r::r] = True
    m[:, first:first + acs] = True
    return m


def kernel(k, sources, target, kx, lam):
    """Weights (unknown, coil) of a target line from source lines, all relative to the first source."""
    low, high = min(0, target), max(sources[-1], target)
    a, b = [], []
    for f in range(frames):
        for v in range(first - low, first + acs - high):
            for u in range(nx - kx + 1):
                a.append(k[f, :, [v + s for s in sources], u:u + kx].ravel())  # line, coil, x
                b.append(k[f, :, v + target, u + kx // 2])
    a, b = np.array(a).astype(complex), np.array(b).astype(complex)
    aha = a.conj().T @ a
    return np.linalg.solve(aha + lam * np.linalg.norm(aha) / len(aha) * np.eye(len(aha)), a.conj().T @ b)


def grappa(k, mask, kx=5, lines=4, lam=0.01):
    full = np.where(mask[:, None, :, None], k, 0)
    padded = np.pad(full, ((0, 0), (0, 0), (0, 0), (kx // 2, kx // 2)))
    known = {}
    for f in range(frames):
        sampled = np.flatnonzero(mask[f])
        for t in np.flatnonzero(~mask[f]):
            i = np.searchsorted(sampled, t)
            lo = max(0, min(i - lines // 2, len(sampled) - lines))
            s = list(sampled[lo:lo + lines])
            # what fits in fewer than half of the calibration lines loses its farthest line
            while 2 * (acs - (max(s[-1], t) - min(s[0], t))) < acs:
                s.pop(0 if abs(s[0] - t) > abs(s[-1] - t) else -1)
            key = tuple(np.array(s) - s[0]) + (t - s[0],)
            if key not in known:
                known[key] = kernel(k, key[:-1], key[-1], kx, lam)
            for u in range(nx):
                full[f, :, t, u] = padded[f, :, s, u:u + kx].ravel() @ known[key]
    return full


nearest = pattern(3, 1)
np.save("grappa/kspace.npy", kspace[:, None])
np.save("grappa/clean.npy", clean[:, None].astype(np.complex64))
np.save("grappa/grappa.npy", grappa(kspace, nearest)[:, None].astype(np.complex64))
truth, errors = rss(clean), []
for r, shift in ((2, 0), (3, 0), (4, 1)):
    m = pattern(r, shift)
    under = (kspace * m[:, None, :, None]).astype(complex)
    found = np.stack([mdgrappa(under[f], np.ascontiguousarray(under[f][:, first:first + acs]), kernel_size=(5, 5),
                               coil_axis=0) for f in range(frames)])
    errors.append((np.linalg.norm(rss(found) - truth) / np.linalg.norm(truth)) ** 2)
np.save("grappa/peer.npy", np.array(errors))
print(errors)

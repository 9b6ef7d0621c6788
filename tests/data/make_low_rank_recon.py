# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/sparse/{llr,lps_low_rank,lps_sparse}.npy: minima of the low-rank recipes by NumPy.

Run with numpy installed, from this folder, after make_sparse_reference.py, whose data it reads. Plain FISTA
in double precision with full SVDs, many iterations; every 100th objective is printed.
"""
import numpy as np

kspace = np.load("sparse/kspace.npy").astype(complex)  # (frame, coil, y, x)
maps = np.load("sparse/maps.npy").astype(complex)
mask = np.load("sparse/mask.npy")[:, None, :, None] != 0
kspace = kspace * mask
frames, _, ny, nx = kspace.shape
axes = (-2, -1)


def fft(x):
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(x, axes), norm="ortho"), axes)


def ifft(x):
    return np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(x, axes), norm="ortho"), axes)


def forward(x):
    return mask * fft(maps * x[:, None])


def adjoint(y):
    return (maps.conj() * ifft(mask * y)).sum(1)


def shrink(m, t):
    u, s, vh = np.linalg.svd(m, full_matrices=False)
    return (u * np.maximum(s - t, 0)) @ vh


def norm(m):
    return np.linalg.svd(m, compute_uv=False).sum()


def fista(gradient, prox, objective, x, step, iterations):
    y, t = x, 1.0
    for i in range(iterations):
        new = prox(y - step * gradient(y), step)
        t, old = (1 + np.sqrt(1 + 4 * t * t)) / 2, t
        if np.vdot(y - new, new - x).real > 0:
            t = old = 1.0
        y = new + (old - 1) / t * (new - x)
        x = new
        if i % 100 == 99:
            print(i + 1, objective(x))
    return x


gain = (np.abs(maps) ** 2).sum(0).max()


def blocks(x):
    for a in range(0, ny, 4):
        for b in range(0, nx, 4):
            yield np.s_[:, a:a + 4, b:b + 4], x[:, a:a + 4, b:b + 4].reshape(frames, -1)


def llr_prox(x, step):
    out = np.empty_like(x)
    for where, m in blocks(x):
        out[where] = shrink(m, 0.08 * step).reshape(out[where].shape)
    return out


llr = fista(lambda x: adjoint(forward(x) - kspace), llr_prox,
            lambda x: np.linalg.norm(forward(x) - kspace) ** 2 / 2 + 0.08 * sum(norm(m) for _, m in blocks(x)),
            np.zeros((frames, ny, nx), complex), 1 / gain, 600)
np.save("sparse/llr.npy", llr[:, None].astype(np.complex64))

lam, ratio = 0.02, 6


def lps_prox(x, step):
    low = shrink(x[0].reshape(frames, -1), ratio * lam * step).reshape(x[0].shape)
    f = np.fft.fft(x[1], axis=0, norm="ortho")
    size = np.abs(f)
    f = f * np.maximum(0, 1 - lam * step / np.maximum(size, 1e-300))
    return np.stack([low, np.fft.ifft(f, axis=0, norm="ortho")])


def lps_gradient(x):
    g = adjoint(forward(x.sum(0)) - kspace)
    return np.stack([g, g])


def lps_objective(x):
    return (np.linalg.norm(forward(x.sum(0)) - kspace) ** 2 / 2 + ratio * lam * norm(x[0].reshape(frames, -1))
            + lam * np.abs(np.fft.fft(x[1], axis=0, norm="ortho")).sum())


both = fista(lps_gradient, lps_prox, lps_objective, np.zeros((2, frames, ny, nx), complex), 0.5 / gain, 2000)
np.save("sparse/lps_low_rank.npy", both[0][:, None].astype(np.complex64))
np.save("sparse/lps_sparse.npy", both[1][:, None].astype(np.complex64))

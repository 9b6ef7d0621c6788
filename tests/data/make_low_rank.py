# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/low_rank/*.npy: locally low rank thresholding of a small series by NumPy's SVD.

Run with numpy installed, from this folder. Image (frame, slice, y, x); blocks of 4 x 3 pixels start at
(y, x) = (1, 2) and go round cyclically, the last of an axis is smaller. `out` is the result of the
threshold, `norms` the sums of singular values of all blocks from (1, 2), from (0, 0), and of each slice as
one matrix (pixel, frame); `whole` the threshold 3 on the latter.
"""
import numpy as np

rng = np.random.default_rng(20261121)
frames, slices, ny, nx, by, bx, sy, sx, threshold = 7, 2, 10, 8, 4, 3, 1, 2, 0.6


def noise(*n):
    return (rng.standard_normal(n) + 1j * rng.standard_normal(n)) / np.sqrt(2)


def blocks(sy, sx):
    for y in range(0, ny, by):
        for x in range(0, nx, bx):
            yield (np.arange(y, min(y + by, ny)) + sy) % ny, (np.arange(x, min(x + bx, nx)) + sx) % nx


def shrink(matrix, t):
    u, s, vh = np.linalg.svd(matrix, full_matrices=False)
    return (u * np.maximum(s - t, 0)) @ vh, s.sum()


space, time = noise(3, slices, ny, nx), noise(3, frames)
image = np.einsum("kzyx,kf->fzyx", space, time) / 2 + 0.1 * noise(frames, slices, ny, nx)
image[:, 1, 5:, :4] *= 0.02
image = image.astype(np.complex64).astype(complex)
out, whole, norms = np.zeros_like(image), np.zeros_like(image), np.zeros(3)
for z in range(slices):
    for case, start in enumerate([(sy, sx), (0, 0)]):
        for y, x in blocks(*start):
            part = image[:, z][:, y][:, :, x]
            result, norm = shrink(part.reshape(frames, -1).T, threshold)
            norms[case] += norm
            if case == 0:
                out[np.ix_(range(frames), [z], y, x)] = result.T.reshape(frames, 1, len(y), len(x))
    result, norm = shrink(image[:, z].reshape(frames, -1).T, 3.0)
    whole[:, z] = result.T.reshape(frames, ny, nx)
    norms[2] += norm
for name, value in dict(image=image, out=out, whole=whole).items():
    np.save(f"low_rank/{name}.npy", value.astype(np.complex64))
np.save("low_rank/norms.npy", norms)

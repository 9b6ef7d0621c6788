# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/wavelet/*.npy: coefficients by PyWavelets (1.8.0) of a small made-up image.

Run with numpy and PyWavelets installed, from this folder. Along an axis, PyWavelets' mode 'symmetric'
numbers its coefficients as BART does. Its mode 'periodization' starts P - 1 numbers later (P: half the
number of taps), so its input is turned by that; the last number of an odd axis is put at the end of the
low band, as the transform of the library does.
"""
import os

import numpy as np
import pywt

rng = np.random.default_rng(20261121)
image = (rng.standard_normal((21, 26)) + 1j * rng.standard_normal((21, 26))).astype(np.complex64)


def axis_periodic(x, name, axis):
    x = np.moveaxis(x, axis, -1)
    n = x.shape[-1]
    even = x[..., : n - n % 2]
    half = pywt.Wavelet(name).dec_len // 2
    low, high = pywt.dwt(np.roll(even, half - 1, -1), name, mode="periodization", axis=-1)
    if n % 2:
        low = np.concatenate([low, x[..., -1:]], -1)
    return np.moveaxis(np.concatenate([low, high], -1), -1, axis), low.shape[-1]


def periodic(x, name, levels):
    out = np.array(x, dtype=np.complex128)
    ny, nx = x.shape
    for _ in range(levels):
        block, low_x = axis_periodic(out[:ny, :nx], name, 1) if nx > 1 else (out[:ny, :nx], nx)
        block, low_y = axis_periodic(block, name, 0) if ny > 1 else (block, ny)
        out[:ny, :nx] = block
        ny, nx = low_y, low_x
    return out


def symmetric(x, name, levels):
    details = []
    for _ in range(levels):
        d = pywt.dwtn(x, name, mode="symmetric")
        details = [d["ad"].ravel(), d["da"].ravel(), d["dd"].ravel()] + details
        x = d["aa"]
    return np.concatenate([x.ravel()] + details)


os.makedirs("wavelet", exist_ok=True)


def save(name, a):
    np.save(f"wavelet/{name}.npy", np.ascontiguousarray(a, dtype=np.complex64))


save("image", image)
for name, levels in (("db1", 4), ("db2", 3), ("db3", 2), ("db8", 2)):
    save(f"periodic_{name}_{levels}", periodic(image, name, levels))
for name, levels in (("db1", 2), ("db2", 2), ("db5", 1)):
    save(f"symmetric_{name}_{levels}", symmetric(image, name, levels))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/data/espirit: k-space of small synthetic scans and the ESPIRiT maps that SigPy 0.1.27
(sigpy.mri.app.EspiritCalib) finds in it. Needs numpy and sigpy.

  python3 make_espirit_reference.py [FOLDER]

For every case NAME: NAME_kspace.npy (coil, y, x), NAME_maps.npy (coil, y, x), cropped, phase
relative to coil 0, NAME_eigenvalues.npy (y, x). Options are repeated in tests/mri/calibrate.cpp.
"""
import os
import sys

import numpy as np
from sigpy.mri.app import EspiritCalib

CASES = {  # coils, ny, nx, calibration, kernel
    "even": (5, 32, 40, 18, 6),
    "odd": (4, 35, 27, 15, 5),
}


def scan(coils, ny, nx, seed):
    rng = np.random.default_rng(seed)
    y = (np.arange(ny) - ny // 2)[:, None] / ny
    x = (np.arange(nx) - nx // 2)[None, :] / nx
    body = ((y / 0.36) ** 2 + (x / 0.30) ** 2 < 1) * (1 + 0.5 * np.cos(9 * x + 5 * y))
    body = body * (((y - 0.1) / 0.08) ** 2 + ((x + 0.08) / 0.1) ** 2 > 1)
    k = []
    for c in range(coils):
        a = 2 * np.pi * c / coils
        far = (y - 0.6 * np.sin(a)) ** 2 + (x - 0.6 * np.cos(a)) ** 2
        s = np.exp(1j * (a + 2 * x * np.sin(a) + 1.5 * y)) / (0.1 + far)
        noise = 0.01 * (rng.standard_normal((ny, nx)) + 1j * rng.standard_normal((ny, nx)))
        k.append(np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(body * s + noise), norm="ortho")))
    return np.stack(k).astype(np.complex64)


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "espirit")
    os.makedirs(out, exist_ok=True)
    for seed, (name, (coils, ny, nx, calib, kernel)) in enumerate(CASES.items()):
        k = scan(coils, ny, nx, seed)
        # Double precision and many power iterations: the reference is exact to rounding.
        maps, values = EspiritCalib(
            k.astype(np.complex128), calib_width=calib, thresh=0.02, kernel_width=kernel, crop=0.8,
            max_iter=1000, output_eigenvalue=True, show_pbar=False).run()
        np.save(os.path.join(out, name + "_kspace.npy"), k)
        np.save(os.path.join(out, name + "_maps.npy"), maps.astype(np.complex64))
        np.save(os.path.join(out, name + "_eigenvalues.npy"), values[0].astype(np.float32))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Python package beside NumPy, SciPy and SigPy, in one run with equal threads: a table.

python_package.py [--threads N] [--repeats N]      with the interpreter where the wheel is installed,
                                                   as ~/.cache/cardiomm/python/venv of ./dev python

Each call is repeated, in turns with the others of its row; the least time counts. SigPy is left out
where it is not installed.
"""

import argparse
import os
import sys
import time


def least(calls, repeats):
    """Least seconds of each of the calls, which take turns."""
    best = [float("inf")] * len(calls)
    for call in calls:
        call()
    for _ in range(repeats):
        for i, call in enumerate(calls):
            begun = time.perf_counter()
            call()
            best[i] = min(best[i], time.perf_counter() - begun)
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = str(options.threads)
    import cardiomm as cm  # pylint: disable=import-outside-toplevel  # threads first
    import numpy as np
    import scipy.fft

    try:
        import sigpy as sp
        import sigpy.mri as mr
    except ImportError:
        sp = mr = None
        print("SigPy is not installed: left out", file=sys.stderr)

    rng = np.random.default_rng(1)
    rows = []

    def row(what, ours, *others):
        times = least([ours] + [call for _, call in others if call], options.repeats)
        for (name, _), other in zip([o for o in others if o[1]], times[1:]):
            rows.append((what, times[0], name, other, other / times[0]))

    def noise(*shape):
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)

    axes = (-2, -1)
    tiny, many = noise(8, 8), noise(25, 10, 208, 256)
    out = np.empty_like(many)
    for what, x, to in (("8 x 8", tiny, None), ("25 x 10 x 208 x 256", many, out)):
        row(f"fft, {what}", lambda x=x, to=to: cm.fft(x, out=to) if to is not None else cm.fft(x),
            ("numpy.fft, not centred", lambda x=x: np.fft.fft2(x, norm="ortho")),
            ("scipy.fft, not centred", lambda x=x: scipy.fft.fft2(x, norm="ortho", workers=options.threads)),
            ("SigPy", sp and (lambda x=x: sp.fft(x, axes=axes))))

    heart = cm.phantom(coils=8, frames=1, shape=(208, 256), snr=30, seed=1)
    mask = cm.masks.kt_gaussian((1, 208, 256), acceleration=4, acs=20, seed=1)
    kspace = cm.asarray(heart["kspace"] * mask[:, None, None])
    k, w, maps = kspace[0, 0], mask[0], cm.asarray(heart["maps"][0])
    weights = w.astype(np.float32)
    ours = cm.mask(w) * cm.Fourier() * cm.Sensitivity(maps)
    image = ours.H(k)
    theirs = sp and (sp.linop.Multiply(k.shape, weights) * sp.linop.FFT(k.shape, axes=axes)
                     * sp.linop.Multiply(k.shape[1:], maps))
    row("A.N(x), 8 coils, 208 x 256, R 4", lambda: ours.N(image),
        ("SigPy", theirs and (lambda: theirs.N(image))))
    row("sense, 20 iterations, the same", lambda: cm.sense(k, w, maps, lamda=0.01, iterations=20),
        ("SigPy SenseRecon", mr and (lambda: mr.app.SenseRecon(
            k, maps, weights=weights, lamda=0.01, max_iter=20, show_pbar=False).run())))
    row("espirit, the same", lambda: cm.espirit(kspace),
        ("SigPy EspiritCalib", mr and (lambda: mr.app.EspiritCalib(k, show_pbar=False).run())))

    print(f"{options.threads} thread(s), least of {options.repeats}; {cm.info()}\n")
    print("| call | ms | beside it | ms | ratio |\n|---|---:|---|---:|---:|")
    for what, ours_s, name, theirs_s, ratio in rows:
        print(f"| {what} | {ours_s * 1e3:.3g} | {name} | {theirs_s * 1e3:.3g} | {ratio:.2f} |")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Iterates of SciPy's lsqr and lsmr on a small complex problem that tests/solve/lsqr.cpp builds by
the same formulas; prints lsqr.txt."""
import numpy as np
from scipy.sparse.linalg import LinearOperator, lsmr, lsqr

n = 12
i = np.arange(n)
d1 = 1 + 0.5 * np.cos(1.7 * i) + 0.3j * np.sin(2.1 * i)
d2 = 0.2 + ((7 * i) % n) / n + 0.1j * np.cos(i)
b = np.sin(0.9 * i + 0.2) + 1j * np.cos(1.3 * i)


def transform(x):  # centred, orthonormal
    return np.fft.fftshift(np.fft.fft(np.fft.ifftshift(x), norm="ortho"))


def inverse(x):
    return np.fft.fftshift(np.fft.ifft(np.fft.ifftshift(x), norm="ortho"))


a = LinearOperator((n, n), matvec=lambda x: d1 * transform(d2 * x.ravel()),
                   rmatvec=lambda y: d2.conj() * inverse(d1.conj() * y.ravel()), dtype=complex)
start = 0.1 * np.cos(0.4 * i) - 0.05j * i
for solver, name in ((lsqr, "lsqr"), (lsmr, "lsmr")):
    for damp in (0.0, 0.3):
        for x0 in (None, start):
            limit = dict(iter_lim=5) if name == "lsqr" else dict(maxiter=5)
            x = solver(a, b, damp=damp, atol=0, btol=0, conlim=0, x0=x0, **limit)[0]
            print(name, damp, int(x0 is not None),
                  *(f"{v.real:.12e} {v.imag:.12e}" for v in x))

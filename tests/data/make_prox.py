# SPDX-License-Identifier: Apache-2.0
"""Results of SigPy's proximal operators on a small complex array that tests/prox/reference.cpp
builds by the same formula; prints prox.txt: name, sigma, 24 complex numbers."""
import numpy as np
import sigpy as sp

shape = (2, 3, 4)
i = np.arange(24)
x = (np.cos(1.1 * i) * (1 + 0.1 * i) + 1j * np.sin(0.7 * i + 0.3)).reshape(shape)
w = (0.2 + 0.05 * (i % 7)).reshape(shape)
sigma = 0.6
prox = {
    "l1": sp.prox.L1Reg(shape, 0.9),
    "l1_weighted": sp.prox.L1Reg(shape, w),
    "l2_squared": sp.prox.L2Reg(shape, 1.3),
    "shifted_l2": sp.prox.L2Reg(shape, 1.3, y=np.conj(x)),
    "l2_ball": sp.prox.L2Proj(shape, 2.5),
    "linf_ball": sp.prox.LInfProj(shape, 0.8),
    "box": sp.prox.BoxConstraint(shape, -0.4, 0.7),
    "conjugate_l1": sp.prox.Conj(sp.prox.L1Reg(shape, 0.9)),
}
for name, p in prox.items():
    data = x.real.astype(complex) if name == "box" else x
    u = p(sigma, data.real if name == "box" else data)
    print(name, sigma, *(f"{v.real:.12e} {v.imag:.12e}" for v in np.asarray(u, complex).ravel()))
# Joint threshold over the leading axis, by its formula.
size = np.sqrt(np.sum(np.abs(x) ** 2, axis=0, keepdims=True))
u = x * np.maximum(0, 1 - sigma * 0.9 / size)
print("group", sigma, *(f"{v.real:.12e} {v.imag:.12e}" for v in u.ravel()))

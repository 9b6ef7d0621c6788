# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/npy with NumPy: every type in both byte orders and both axis orders, and the
three header versions. Value k of 12 (shape 3, 4) is k + 0.5 for floating types, k + 0.5 - 2k i for
complex ones, k for integers and k % 3 == 0 for bool."""
import pathlib
import numpy as np
from numpy.lib import format as npy

here = pathlib.Path(__file__).parent / "npy"
here.mkdir(exist_ok=True)
k = np.arange(12).reshape(3, 4)


def values(kind):
    return {"b": k % 3 == 0, "i": k, "u": k, "f": k + 0.5, "c": k + 0.5 - 2j * k}[kind]


for code in "b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split():
    for name, mark in ("little", "<"), ("big", ">"):
        for order in "CF":
            a = np.array(values(code[0]), dtype=np.dtype(mark + code), order=order)
            with open(here / f"{code}_{name}_{order}.npy", "wb") as f:
                npy.write_array(f, a, version=(1, 0))
for version in (2, 3):
    with open(here / f"version{version}.npy", "wb") as f:
        npy.write_array(f, k.astype("<f4"), version=(version, 0))
np.save(here / "scalar.npy", np.float64(7.25))
np.save(here / "empty.npy", np.zeros((2, 0, 3), np.float32))

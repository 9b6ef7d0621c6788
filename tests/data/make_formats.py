#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""HDF5 and MATLAB files of other programs for tests/io: h5py and SciPy write small arrays of every
kind into tests/data/formats. Values are v[i] = 7 * i % 113 - 20 in C order of the array as the test
sees it (imaginary part: 3 - i), so that no reference file is needed."""
import os
import sys

import h5py
import numpy as np
import scipy.io

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "formats")
os.makedirs(here, exist_ok=True)


def path(name):
    return os.path.join(here, name)


def ramp(shape, dtype):
    n = int(np.prod(shape))
    i = np.arange(n)
    v = (7 * i % 113 - 20).astype(np.float64)
    d = np.dtype(dtype)
    if d.kind == "c":
        v = v + 1j * (3.0 - i)
    elif d.kind == "u":
        v = v + 20
    elif d.kind == "b":
        v = i % 3 == 0
    return v.astype(d).reshape(shape)


with h5py.File(path("types.h5"), "w", libver="earliest") as f:
    for kind in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]:
        for order in "<>":
            f[("big/" if order == ">" else "little/") + kind] = ramp((3, 5, 7), order + kind)
    f["bool"] = ramp((4, 6), "?")
    f["scalar"] = np.float32(2.5)
    f["empty"] = np.zeros((0, 3), "f4")
    f["nothing"] = h5py.Empty("f4")
    f["text"] = "k\u00f6pf"
    f["fixed"] = np.bytes_(b"fixed text")
    f["texts"] = ["a", "b"]
    f["colour"] = ramp((5,), "i2").astype(h5py.enum_dtype({"red": -20, "green": -13}, "i2"))
    f["pair"] = np.zeros(3, [("a", "f4"), ("b", "i4")])
    swapped = np.zeros((2, 3), [("imag", "<f4"), ("real", "<f4")])
    c = ramp((2, 3), "c8")
    swapped["imag"], swapped["real"] = c.imag, c.real
    f["imag_first"] = swapped
    for names in [("real", "imag"), ("re", "im"), ("r", "i")]:
        v = np.zeros((2, 3), [(names[0], ">f8"), (names[1], ">f8")])
        v[names[0]], v[names[1]] = c.real, c.imag
        f["named/" + names[0]] = v
    short = np.zeros((2, 3), [("real", "i2"), ("imag", "i2")])
    short["real"], short["imag"] = c.real, c.imag
    f["int_complex"] = short
    f["soft"] = h5py.SoftLink("/little/f4")
    f["dangling"] = h5py.SoftLink("/none")
    f["cycle/again"] = h5py.SoftLink("/cycle")
    f["elsewhere"] = h5py.ExternalLink("other.h5", "/x")
    f["ref"] = np.array([f["scalar"].ref, f["bool"].ref], dtype=h5py.ref_dtype)
    a = f["little/f4"].attrs
    a["text"] = "words"
    a["bytes"] = np.bytes_(b"old words")
    a["number"] = 2.5
    a["list"] = np.array([3, 1, 4], "i8")
    a["texts"] = ["x", "yz"]
    f.attrs["root"] = np.int32(7)

with h5py.File(path("chunked.h5"), "w", libver=("v110", "v110")) as f:
    kw = dict(chunks=(2, 1, 3, 4, 5), compression="gzip", shuffle=True, fletcher32=True)
    f.create_dataset("k", data=ramp((3, 2, 3, 7, 9), "c8"), **kw)
    f.create_dataset("d", data=ramp((5, 4, 6, 3), ">f8"), chunks=(2, 3, 4, 3), compression="lzf")
    f.create_dataset("plain", data=ramp((5, 4), "i2"), chunks=(2, 3))
    s = f.create_dataset("half_written", (1000, 10), "f4", chunks=(10, 10), fillvalue=3)
    s[5] = np.arange(10)
    f.create_dataset("promise", (1 << 20, 1 << 20, 1 << 18), "f8", chunks=(1, 1, 1024))
    f.create_dataset("promise2", (1 << 20, 1 << 10), "f8", chunks=(1, 1024))

with h5py.File(path("elsewhere.h5"), "w") as f:
    f.create_dataset("raw", (4,), "f4", external=[("/etc/passwd", 0, 16)])
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "x", (4,))
    f.create_virtual_dataset("virtual", layout)
    f["link"] = h5py.ExternalLink("/etc/other.h5", "/x")

# A test file of fastMRI: slices, coils, readout, phase encodes
with h5py.File(path("fastmri.h5"), "w", libver="earliest") as f:
    f["kspace"] = ramp((2, 3, 6, 5), "c8")
    f["reconstruction_rss"] = ramp((2, 4, 3), "f4")
    f["mask"] = np.array([0, 1, 1, 0, 1], "?")
    f["ismrmrd_header"] = "<ismrmrdHeader/>"
    f.attrs["acquisition"] = "CORPD_FBK"
    f.attrs["max"] = 92.0

# MATLAB 5: [nx, ny, ...] whose reversed shape is what the test sees
def matlab(shape, dtype):
    return np.asfortranarray(ramp(shape, dtype).T)


v = {
    "kspace": matlab((2, 3, 4, 5, 6), "c8"),
    "twice": matlab((3, 5, 7), "c16"),
    "single": matlab((3, 5, 7), "f4"),
    "double": matlab((3, 4), "f8"),
    "mask": matlab((4, 6), "?"),
    "word": "hello",
    "cells": np.array([[1, "a"]], dtype=object),
    "nested": {"a": {"b": matlab((2, 3), "i4")}, "s": "x"},
    "sparse": __import__("scipy.sparse").sparse.csc_matrix(np.eye(3)),
    "none": np.zeros((0, 3)),
}
for kind in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]:
    v[kind] = matlab((3, 5), kind)
scans = np.zeros((1, 2), [("data", "O")])
scans[0, 0]["data"] = matlab((2, 3), "f4")
scans[0, 1]["data"] = matlab((4, 3), "f8")
v["scans"] = scans
scipy.io.savemat(path("v5.mat"), v)
scipy.io.savemat(path("v7.mat"), v, do_compression=True)
scipy.io.savemat(path("v4.mat"), {"a": matlab((3, 5), "f8"), "b": matlab((2, 3), "c16")}, format="4")

# A 7.3 file as MATLAB lays it out
with h5py.File(path("v73.mat"), "w", userblock_size=512, libver="earliest") as f:
    def put(name, value, cls, **attrs):
        f[name] = value
        f[name].attrs["MATLAB_class"] = np.bytes_(cls)
        for k, x in attrs.items():
            f[name].attrs[k] = x

    def parts(a):
        r = np.zeros(a.shape, [("real", a.real.dtype), ("imag", a.real.dtype)])
        r["real"], r["imag"] = a.real, a.imag
        return r

    put("kspace", parts(ramp((2, 3, 4, 5, 6), "c8")), "single")
    put("mask", ramp((4, 6), "?").astype("u1"), "logical", MATLAB_int_decode=np.int32(1))
    put("word", np.array([[104], [105]], "u2"), "char", MATLAB_int_decode=np.int32(2))
    put("none", np.array([0, 3], "u8"), "double", MATLAB_empty=np.uint8(1))
    put("i2", ramp((3, 5), "i2"), "int16")
    g = f.create_group("nested")
    g.attrs["MATLAB_class"] = np.bytes_("struct")
    put("nested/a/b", ramp((2, 3), "i4"), "int32")
    f["nested/a"].attrs["MATLAB_class"] = np.bytes_("struct")
    put("#refs#/b", ramp((2, 3), "f4"), "single")
    put("#refs#/c", ramp((4, 3), "f8"), "double")
    f.create_group("scans").attrs["MATLAB_class"] = np.bytes_("struct")
    refs = np.array([[f["#refs#/b"].ref], [f["#refs#/c"].ref]], dtype=h5py.ref_dtype)
    f.create_dataset("scans/data", data=refs)
    put("cells", refs, "cell")
    sp = f.create_group("sparse")
    sp.attrs["MATLAB_class"] = np.bytes_("double")
    sp.attrs["MATLAB_sparse"] = np.uint64(3)
    f["sparse/data"] = np.ones(3)
    f["sparse/ir"] = np.arange(3, dtype="u8")
    f["sparse/jc"] = np.arange(4, dtype="u8")
with open(path("v73.mat"), "r+b") as f:
    f.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + bytes(8) + b"\x00\x02IM")

print("\n".join(sorted(f"{n} {os.path.getsize(path(n))}" for n in os.listdir(here))), file=sys.stderr)

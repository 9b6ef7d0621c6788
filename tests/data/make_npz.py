# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/formats/*.npz with NumPy and Python's zipfile. Every file holds a = 0..5 as
float32 (2, 3) and b = 1+2j as complex128 scalar; they differ in how the archive is made."""
import io
import pathlib
import zipfile
import numpy as np

here = pathlib.Path(__file__).parent / "formats"
here.mkdir(exist_ok=True)
arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.complex128(1 + 2j)}
np.savez(here / "npz_stored.npz", **arrays)
np.savez_compressed(here / "npz_deflated.npz", **arrays)


class Unseekable(io.RawIOBase):
    """A pipe: zipfile then writes sizes and checksums behind the members."""

    def __init__(self, file):
        self.file = file

    def writable(self):
        return True

    def write(self, data):
        return self.file.write(data)


def npy(value):
    out = io.BytesIO()
    np.save(out, value)
    return out.getvalue()


with open(here / "npz_descriptors.npz", "wb") as f, zipfile.ZipFile(Unseekable(f), "w", zipfile.ZIP_DEFLATED) as z:
    for name, value in arrays.items():
        with z.open(name + ".npy", "w", force_zip64=True) as member:
            member.write(npy(value))
with zipfile.ZipFile(here / "npz_comment.npz", "w") as z:
    z.comment = b"PK\x05\x06 is how an end record starts" + bytes(20)
    z.writestr("a", npy(arrays["a"]))  # without .npy
    z.writestr("b.npy", npy(arrays["b"]))
with zipfile.ZipFile(here / "npz_bzip2.npz", "w", zipfile.ZIP_BZIP2) as z:
    z.writestr("a.npy", npy(arrays["a"]))
# zip64 end record and 64-bit offsets, as in archives beyond 4 GiB
limit, zipfile.ZIP64_LIMIT = zipfile.ZIP64_LIMIT, 0
with zipfile.ZipFile(here / "npz_zip64.npz", "w") as z:
    for name, value in arrays.items():
        z.writestr(name + ".npy", npy(value))
zipfile.ZIP64_LIMIT = limit

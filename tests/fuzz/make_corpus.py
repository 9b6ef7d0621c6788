# SPDX-License-Identifier: Apache-2.0
"""Writes the first entries of tests/fuzz/corpus: small good files of every kind, and the beginnings
of bad ones. Files of tests/data serve where there are some; the others are made here."""
import json
import pathlib
import struct
import zlib

here = pathlib.Path(__file__).parent / "corpus"
data = pathlib.Path(__file__).parent.parent / "data"


def keep(target, name, content):
    folder = here / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


for name in "f2_big_F f4_little_C c8_big_C c16_little_F i8_little_F b1_little_C".split():
    keep("npy", name, (data / "npy" / f"{name}.npy").read_bytes())
keep("npy", "version3", (data / "npy" / "version3.npy").read_bytes())
keep("npy", "huge", b"\x93NUMPY\x01\x00\x3a\x00{'descr': '<c8', 'fortran_order': False, 'shape': (99999,)}")
for path in (data / "formats").glob("npz_*.npz"):
    keep("npz", path.stem[4:], path.read_bytes())
for path in (data / "formats").glob("nifti_*.nii*"):
    keep("nifti", path.name[6:].replace(".", "_"), path.read_bytes())
keep("nifti", "pair", (data / "formats/nifti_pair.hdr").read_bytes() + (data / "formats/nifti_pair.img").read_bytes())

for name, text, values in (
    ("plain", b"# Dimensions\n2 3 1 2 1 1 1 1 1 1 1 1 1 1 1 1 \n", bytes(range(96))),
    ("short", b"# Dimensions\n2 2\n# Command\nphantom -x 2\n", bytes(32)),
    ("huge", b"# Dimensions\n4000000000 4000000000 4 4\n", b""),
    ("none", b"# Creator\nbart\n", bytes(8)),
):
    keep("cfl", name, struct.pack("<H", len(text)) + text + values)


def tensors(header, values):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + values


keep("safetensors", "two", tensors({"__metadata__": {"k": "v"}, "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                                    "b": {"dtype": "I16", "shape": [1, 2], "data_offsets": [8, 12]}}, bytes(range(12))))
keep("safetensors", "half", tensors({"h": {"dtype": "F16", "shape": [3], "data_offsets": [0, 6]}}, b"\x00\x3c\xff\x7f\x01\x00"))
keep("safetensors", "empty", tensors({}, b""))
keep("safetensors", "gap", tensors({"a": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}}, b"ab"))


def png(width, height, depth, colour, rows, extra=()):
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)), *extra,
              (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks)


keep("png", "grey", png(3, 2, 8, 0, b"\x00abc\x01\x01\x02\x03"))
keep("png", "colour16", png(1, 2, 16, 2, b"\x00abcdef\x02uvwxyz"))
keep("png", "palette", png(4, 1, 2, 3, b"\x00\x1b", [(b"PLTE", bytes(range(12))), (b"tRNS", b"\x00\x80")]))
keep("png", "animated", png(2, 1, 8, 0, b"\x00ab", [(b"acTL", struct.pack(">II", 1, 0)),
                                                    (b"fcTL", struct.pack(">IIIIIHHBB", 0, 2, 1, 0, 0, 1, 25, 0, 0))]))
keep("png", "cut", png(3, 2, 8, 0, b"\x00abc\x01\x01\x02\x03")[:-20])

keep("csv", "quotes", b'name,value,"a, b"\r\none,1,"say ""hi"""\r\n\r\n"two\nlines",-2.5e3,\n')
keep("csv", "tabs", b"\xef\xbb\xbfa\tb\n1\t 2 \n")
keep("csv", "semicolons", b"a;b\r1,5;x\r")
keep("csv", "scan", b"Parameter,Value\nFOVx(mm),390\nReconMatrix_X,156\nTR (ms),45.2\n")
keep("csv", "open", b'a,b\n1,"2')

text = b"<ismrmrdHeader/>\0"
line = bytearray(340)
struct.pack_into("<H", line, 0, 1)  # version
image = bytearray(198)
struct.pack_into("<HH", image, 0, 1, 5)
struct.pack_into("<HHH", image, 16, 2, 2, 1)
wave = bytearray(40)
head = struct.pack("<H", 1) + b"default.xml".ljust(1024, b"\0")
start = struct.pack("<HI", 3, len(text)) + text
end = struct.pack("<H", 4)
keep("mrd_stream", "texts", head + start + struct.pack("<HI", 5, 5) + b"hello" + end)
keep("mrd_stream", "line", start + struct.pack("<H", 1008) + bytes(line) + end)
keep("mrd_stream", "image", start + struct.pack("<H", 1022) + bytes(image) + struct.pack("<Q", 3) + b"<m>" + bytes(16) + end)
keep("mrd_stream", "waveform", start + struct.pack("<H", 1026) + bytes(wave) + end)
keep("mrd_stream", "huge", struct.pack("<HI", 3, 0x7FFFFFFF))

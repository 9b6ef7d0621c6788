# SPDX-License-Identifier: Apache-2.0
"""Arguments: what an array has to be, and the one sentence about it where it is not."""

from __future__ import annotations

import numpy as np

KSPACE = ("frame", "slice", "coil", "y", "x")
IMAGE = ("frame", "slice", "y", "x")


def _text(shape) -> str:
    return "(" + ", ".join(str(n) for n in shape) + ("," if len(shape) == 1 else "") + ")"


def array(value, who: str, name: str, dtype=np.complex64, axes=None, ranks=None):
    """`value` if it is a C-contiguous NumPy array of `dtype` whose rank is allowed; never a copy."""
    dtype = np.dtype(dtype)
    what = f"a C-contiguous NumPy array of {dtype}"
    if axes is not None:
        what += f" with axes {axes}"
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{who}: {name}: expected {what}, found {type(value).__name__}")
    if value.dtype != dtype:
        raise TypeError(
            f"{who}: {name}: expected {what}, found {value.dtype} of shape {_text(value.shape)}; "
            "cardiomm.asarray converts"
        )
    if ranks is not None and value.ndim not in ranks:
        raise ValueError(f"{who}: {name}: expected {what}, found shape {_text(value.shape)}")
    if value.size == 0:
        raise ValueError(
            f"{who}: {name}: expected at least one number, found shape {_text(value.shape)}"
        )
    if not (value.flags.c_contiguous and value.flags.aligned):
        raise ValueError(
            f"{who}: {name}: expected {what}, found strides {_text(value.strides)} bytes for shape "
            f"{_text(value.shape)}; cardiomm.asarray makes a contiguous copy"
        )
    return value


def _levels(full: tuple, value, lead: int):
    """The array with all axes, and how many of (slice, frame) it had not."""
    left_out = len(full) - value.ndim
    shape = list(value.shape)
    if left_out > 0:
        shape.insert(lead + 1 if left_out == 1 else lead, 1)
    if left_out > 1:
        shape.insert(lead, 1)
    return value.reshape(shape), left_out


def kspace(value, who: str, name: str = "kspace", last=("y", "x")):
    """K-space as (frame, slice, coil, y, x), and how many leading axes were left out."""
    full = KSPACE[:3] + tuple(last)
    text = "(" + ", ".join(full) + "), without slice, or without frame and slice"
    array(value, who, name, np.complex64, text, (3, 4, 5))
    return _levels(full, value, 0)


def maps(value, kspace5, who: str, name: str = "maps", matrix=None):
    """Maps as (set, slice or 1, coil, y, x)."""
    array(
        value, who, name, np.complex64,
        "(set, slice, coil, y, x), (slice, coil, y, x) or (coil, y, x)", (3, 4, 5),
    )
    five = value.reshape((1,) * (5 - value.ndim) + value.shape)
    if kspace5 is not None:
        k = kspace5.shape
        matrix = k[3:] if matrix is None else tuple(matrix)
        if five.shape[1] not in (1, k[1]) or five.shape[2] != k[2] or five.shape[3:] != matrix:
            raise ValueError(
                f"{who}: {name}: expected (set, slice or 1, coil, y, x) = "
                f"{_text((five.shape[0], k[1], k[2], *matrix))}, found {_text(value.shape)}"
            )
    return five


def mask(value, shape, who: str, name: str = "mask"):
    """A mask as uint8 (frame or 1, y, x); masks are small, and converted where they must be.

    `shape` is (frame, y, x) of the data, or None where they are not known: then masks have three
    axes, or two for (y, x).
    """
    given = np.asarray(value)
    if given.dtype.kind not in "buif":
        raise TypeError(
            f"{who}: {name}: expected numbers or booleans, found {given.dtype} of shape "
            f"{_text(given.shape)}"
        )
    found = given.shape
    expected = "(y), (y, x), (frame, y) or (frame, y, x)"
    out = None
    if shape is None:
        if given.ndim == 2:
            out = given[None]
        elif given.ndim == 3:
            out = given
        expected = "(y, x) or (frame, y, x)"
    else:
        frames, ny, nx = shape
        expected += f" for frame, y, x = {_text(shape)}"
        if found == (ny,):
            out = np.broadcast_to(given[None, :, None], (1, ny, nx))
        elif found == (ny, nx):
            out = given[None]
        elif found in ((frames, ny), (1, ny)):
            out = np.broadcast_to(given[:, :, None], (found[0], ny, nx))
        elif found in ((frames, ny, nx), (1, ny, nx)):
            out = given
    if out is None:
        raise ValueError(f"{who}: {name}: expected {expected}, found shape {_text(found)}")
    if out.dtype != np.uint8:
        out = out != 0
        out = out.view(np.uint8) if out.flags.c_contiguous else out.astype(np.uint8)
    return np.ascontiguousarray(out)


def image_out(five, left_out: int):
    """An image (set, frame, slice, y, x) with the axes that the k-space had; no copy."""
    shape = list(five.shape)
    if left_out > 0:
        shape.pop(2)
    if left_out > 1:
        shape.pop(1)
    if shape[0] == 1:
        shape.pop(0)
    return five.reshape(shape)


def number(value, who: str, name: str, least=None, whole=False):
    kind = "an integer" if whole else "a number"
    if isinstance(value, bool) or not isinstance(
        value, (int, np.integer) if whole else (int, float, np.integer, np.floating)
    ):
        raise TypeError(f"{who}: {name}: expected {kind}, found {type(value).__name__}")
    if value != value or (least is not None and value < least):
        bound = "" if least is None else f" of at least {least}"
        raise ValueError(f"{who}: {name}: expected {kind}{bound}, found {value}")
    return int(value) if whole else float(value)


def one_of(value, choices, who: str, name: str):
    if value not in choices:
        listed = ", ".join(repr(c) for c in choices[:-1]) + f" or {choices[-1]!r}"
        raise ValueError(f"{who}: {name}: expected {listed}, found {value!r}")
    return value


def callback(value, who: str):
    if value is not None and not callable(value):
        raise TypeError(f"{who}: callback: expected a function, found {type(value).__name__}")
    return value

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the tables of include/cardiomm/nn/text/unicode.hpp: letters, numbers and lower case.

Usage: make_unicode.py > tables.txt        (Python's unicodedata; the version is printed first)
"""
import sys
import unicodedata

N = 0x110000


def ranges(test):
    out = []
    for c in range(N):
        if test(c):
            if out and out[-1][1] == c - 1:
                out[-1][1] = c
            else:
                out.append([c, c])
    return out


def lower_runs():
    """(first, last, step, delta): code points first, first + step .. last become c + delta."""
    out = []
    for c in range(N):
        low = chr(c).lower()
        if len(low) != 1 or ord(low) == c:
            continue
        d = ord(low) - c
        if out:
            first, last, step, delta = out[-1]
            if delta == d and (c - last == step or (first == last and c - last in (1, 2))):
                out[-1] = (first, c, c - last, delta)
                continue
        out.append((c, c, 1, d))
    return out


def table(name, rows, kind):
    print(f"inline constexpr {kind} {name}[] = {{")
    print(", ".join("{" + ", ".join(r) + "}" for r in rows) + "};")


print("//", unicodedata.unidata_version)
category = lambda c: unicodedata.category(chr(c))[0]
for name, kind in (("letters", "L"), ("numbers", "N")):
    table(name, [(f"0x{a:X}", f"0x{b:X}") for a, b in ranges(lambda c: category(c) == kind)],
          "code_range")
table("lower_case", [(f"0x{a:X}", f"0x{b:X}", str(s), str(d)) for a, b, s, d in lower_runs()],
      "case_run")
sys.exit(0)

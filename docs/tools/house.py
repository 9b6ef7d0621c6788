# SPDX-License-Identifier: Apache-2.0
"""The page about today's house, counted from the sources: files, lines, tests, who includes whom."""

import re
from pathlib import Path
from statistics import median

LIMIT = 500
RULES = [
    "Includes point down the list of [Architecture](architecture.md); `cmake/check_layers.cmake` fails the tests otherwise.",
    "A header compiles alone (`cmake/headers_alone.cmake` makes a unit of each).",
    f"A file has at most {LIMIT} lines. What grows is split by what it does.",
    "Only `core/lane.hpp` includes xsimd, only `host/` xtensor, only `dist/` MPI; FFTW, cuFFT and hipFFT stay in `fft/backend/`.",
    "Kernels are named functors started by `core/launch.hpp`.",
    "An operator, a regulariser and a layer end with a specimen, from which CMake makes their tests.",
    "Bad input is one error that names what, where, expected and found; a file appears complete or not at all.",
    "Every public name has a description; every block of C++ on a page is compiled (`docs/tools/check.py`).",
]


def count(files):
    return [len(f.read_text(errors="replace").splitlines()) for f in files]


def included(root, layer):
    found = set()
    for file in (root / "include/cardiomm" / layer).rglob("*.hpp"):
        found |= set(re.findall(r'#include "cardiomm/(\w+)/', file.read_text()))
    return found - {layer}


def page(root, layers):
    root = Path(root)
    out = ["# The house today", "",
           "Counted from the sources when this site was built.", "",
           "| layer | what | headers | lines | median | longest | tests | includes |",
           "|---|---|---|---|---|---|---|---|"]
    every = []
    for layer, what in layers.items():
        lines = count(sorted((root / "include/cardiomm" / layer).rglob("*.hpp")))
        every += lines
        tests = len(list((root / "tests" / layer).glob("*.cpp")))
        names = ", ".join(f"`{n}`" for n in layers if n in included(root, layer)) or "-"
        out.append(f"| [`{layer}/`](api/{layer}/index.md) | {what} | {len(lines)} | {sum(lines)} | "
                   f"{median(lines):.0f} | {max(lines)} | {tests} | {names} |")
    longest = max(every)
    out += ["", f"{len(every)} headers with {sum(every)} lines, median {median(every):.0f}, longest {longest}.", "",
            "## Beside the headers", "", "| folder | what | files | lines |", "|---|---|---|---|"]
    for folder, what, pattern in (
        ("examples/cardiomm", "the program, a file for each subcommand or method", "*.[ch]pp"),
        ("examples", "examples to copy", "*.[ch]pp"),
        ("python", "the Python package", "*.*"),
        ("tests", "tests, one file for each header or part", "*.[ch]pp"),
        ("bench", "benchmarks and comparisons with others", "*.*"),
        ("cmake", "configuration, generated tests, checks", "*.*"),
        ("docs", "pages and what makes this site", "*.*"),
    ):
        files = [f for f in (root / folder).rglob(pattern)
                 if f.suffix in (".cpp", ".hpp", ".py", ".md", ".cmake", ".in", ".txt", ".toml", ".pyi")
                 and not (folder == "examples" and "examples/cardiomm" in f.as_posix())]
        out.append(f"| `{folder}/` | {what} | {len(files)} | {sum(count(files))} |")
    out += ["", "## Rules", ""] + [f"- {rule}" for rule in RULES]
    return "\n".join(out) + "\n"

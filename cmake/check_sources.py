#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Looks at sources: SPDX line, length of lines and files, white space at ends, conflict marks.

check_sources.py [FILE...]     without files: all that git tracks
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LICENCE = "SPDX-License-Identifier: Apache-2.0"
CODE = {".hpp", ".cpp", ".cu", ".h"}
OTHER = {".py", ".sh", ".cmake", ".in", ".yml", ".yaml", ".toml", ".css", ".js"}
NAMED = {"dev", "run", "CMakeLists.txt", "portfile.cmake", ".pre-commit-config.yaml"}
WITHIN = 3  # a #! line and an encoding may come before the licence
# clang-format keeps 100, except for what it cannot break.
COLUMNS = 105
LONGEST = 500
# dev is one file so that it runs before anything is there.
MAY_BE_LONG = {"dev"}


def sources(names):
    if names:
        return [Path(name) for name in names]
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in listed]


def is_source(path):
    return path.suffix in CODE | OTHER or path.name in NAMED


def complaints(path):
    name = path.resolve().relative_to(ROOT)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return [f"{name}: not UTF-8"]
    lines = text.splitlines()
    found = []
    formatted = path.suffix in CODE and not re.search(r'clang-format off|R"', text)
    if not any(LICENCE in line for line in lines[:WITHIN]):
        found.append(f"{name}:1: expected '{LICENCE}' in the first {WITHIN} lines, found none")
    if len(lines) > LONGEST and str(name) not in MAY_BE_LONG:
        found.append(f"{name}: expected at most {LONGEST} lines, found {len(lines)}")
    for number, line in enumerate(lines, 1):
        if formatted and len(line) > COLUMNS and not re.search(r'"|EXPECT|https?:', line):
            found.append(f"{name}:{number}: expected at most {COLUMNS} columns, found {len(line)}")
        if re.match(r"(<{7}|>{7}|={7})( |$)", line):
            found.append(f"{name}:{number}: a conflict mark")
        if line != line.rstrip():
            found.append(f"{name}:{number}: white space at the end of the line")
    if text and not text.endswith("\n"):
        found.append(f"{name}: no newline at the end")
    return found


def main():
    paths = [path for path in sources(sys.argv[1:]) if is_source(path) and path.is_file()]
    found = [text for path in paths for text in complaints(path)]
    print("\n".join(found) if found else f"{len(paths)} sources are in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

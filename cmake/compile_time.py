#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What each public header and each example costs the compiler: docs/compile-time.{json,md}.

compile_time.py --build FOLDER [--only REGEX] [--minutes N] [--again] [--report]

Headers are parsed alone (-fsyntax-only), examples compiled with -O2 as in a user's project. Seconds are
those of the processor, user and system, so that a busy machine does not count twice; they still grow
when neighbours take turns on the same cores and caches, so the load average is noted. Lines are those of all files that a unit
includes, each once; memory is the compiler's peak. Flags come from FOLDER/compile_commands.json.
What docs/compile-time.json has already is kept; --again measures it anew. Without time for
everything (--minutes) the cheapest way to go on is the same command again.
"""

import argparse
import datetime
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROMISE = 12.0  # seconds for the algebra and CG-SENSE
UNIT = "cmake/compile_time/cg_sense.cpp"
EXTERN = UNIT + " (compiled instances)"


def flags_of(build):
    """Compiler and flags of a unit that links the library, without input, output, optimisation."""
    path = build / "compile_commands.json"
    if not path.exists():
        sys.exit(f"compile_time: {path} is missing; ./dev compile-time makes it")
    commands = json.loads(path.read_text(encoding="utf-8"))
    chosen = [c for c in commands if c["file"].endswith("examples/one_screen.cpp")]
    if not chosen:
        sys.exit(f"compile_time: {path}: no entry for examples/one_screen.cpp")
    words = [w for w in shlex.split(chosen[0]["command"]) if not w.endswith(("ccache", "launch.sh"))]
    flags, skip = [], False
    for word in words[1:]:
        if skip:
            skip = False
        elif word == "-o":
            skip = True
        elif not re.match(r"-O|-c$|-g|-Werror|-DNDEBUG|-DCARDIOMM_EXTERN_INSTANCES|-M[DMFT]", word) \
                and not word.endswith("one_screen.cpp"):
            flags.append(word)
    return words[0], flags


def optional_off(flags, header):
    """True for headers of libraries that this build lacks."""
    needs = {"host/": "XTENSOR", "backend/fftw": "FFTW", "backend/cufft": "CUFFT",
             "backend/hipfft": "HIPFFT", "backend/cudnn": "CUDNN", "backend/miopen": "MIOPEN"}
    return any(part in header and f"-DCARDIOMM_HAS_{name}=1" not in flags
               for part, name in needs.items())


def lines_of(path, known={}):
    if path not in known:
        try:
            known[path] = Path(path).read_bytes().count(b"\n")
        except OSError:
            known[path] = 0
    return known[path]


def measure(compiler, flags, source):
    """The record of one compilation, or None and the compiler's text if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        depends, log = Path(folder, "d"), Path(folder, "log")
        command = [compiler, *flags, "-MD", "-MF", str(depends), "-MT", "x", str(source)]
        with log.open("wb") as out:
            child = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if status:
            return None, log.read_text(errors="replace")
        files = depends.read_text(encoding="utf-8").replace("\\\n", " ").split()[1:]
    own = [f for f in files if "/include/cardiomm/" in f]
    return {"seconds": round(usage.ru_utime + usage.ru_stime, 2),
            "user": round(usage.ru_utime, 2), "system": round(usage.ru_stime, 2),
            "load": round(os.getloadavg()[0], 1),
            "memory_mb": round(usage.ru_maxrss / 1024), "files": len(files),
            "lines": sum(lines_of(f) for f in files),
            "own_lines": sum(lines_of(f) for f in own)}, ""


def work_list():
    """(name, source or header, kind): examples first, then headers, layers taking turns."""
    jobs = [(UNIT, "unit"), (EXTERN, "unit")]
    for path in sorted(ROOT.glob("examples/*.cpp")) + sorted(ROOT.glob("examples/*/*.cpp")):
        if path.parent.name != "cardiomm":
            jobs.append((str(path.relative_to(ROOT)), "example"))
    layers = {}
    for path in sorted(ROOT.glob("include/cardiomm/**/*.hpp")):
        name = str(path.relative_to(ROOT / "include"))
        layers.setdefault(layer_of(name), []).append(name)
    while any(layers.values()):
        jobs += [(names.pop(0), "header") for names in layers.values() if names]
    return jobs


def layer_of(name):
    parts = name.split("/")
    return parts[1] if len(parts) > 2 else "all"


def run(arguments, records):
    compiler, flags = flags_of(arguments.build)
    jobs = [(name, kind) for name, kind in work_list()
            if re.search(arguments.only, name) and (arguments.again or name not in records)]
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for count, (name, kind) in enumerate(jobs):
            if time.monotonic() - begun > 60 * arguments.minutes:
                print(f"{len(jobs) - count} are left for the next time")
                break
            source, extra = ROOT / name, ["-O2", "-c", "-o", os.devnull]
            if kind == "header":
                if optional_off(flags, name):
                    continue
                source = Path(folder, "unit.cpp")
                source.write_text(f'#include "{name}"\n', encoding="utf-8")
                extra = ["-fsyntax-only"]
            if name == EXTERN:
                source = ROOT / UNIT
                extra.append("-DCARDIOMM_EXTERN_INSTANCES=1")
            record, text = measure(compiler, [*flags, *extra], source)
            if record is None:
                print(f"{name}: does not compile:\n{text[:600]}", file=sys.stderr)
                continue
            records[name] = {"kind": kind, **record}
            print(f"{record['seconds']:7.2f} s {record['memory_mb']:5d} MB  {name}", flush=True)
            save(arguments, compiler, flags, records)
    return compiler, flags


def one_line(command):
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    return done.stdout.splitlines()[0].strip() if done.stdout else ""


def save(arguments, compiler, flags, records):
    context = {"compiler": one_line([compiler, "--version"]),
               "commit": one_line(["git", "rev-parse", "--short", "HEAD"]),
               "date": datetime.date.today().isoformat(),
               "flags": [f for f in flags if not re.match(r"-I|-isystem", f) and f[0] == "-"]}
    text = json.dumps({"context": context, "units": dict(sorted(records.items()))}, indent=1)
    aside = arguments.json.with_suffix(".new")
    aside.write_text(text + "\n", encoding="utf-8")
    os.replace(aside, arguments.json)


def table(rows, records):
    lines = ["| unit | seconds | user | load | memory MB | files | lines | of them ours |",
             "|---|---:|---:|---:|---:|---:|---:|---:|"]
    for name in rows:
        r = records[name]
        rest = [str(r.get(key, "-")) for key in ("load", "memory_mb", "files", "lines", "own_lines")]
        lines.append(f"| `{name}` | {r['seconds']:.1f} | {r['user']:.1f} | {' | '.join(rest)} |")
    return lines


def report(path, json_path):
    data = json.loads(json_path.read_text(encoding="utf-8"))
    records, context = data["units"], data["context"]
    headers = [n for n, r in records.items() if r["kind"] == "header"]
    others = [n for n, r in records.items() if r["kind"] == "example"]
    units = [n for n in (UNIT, EXTERN) if n in records]
    by_time = lambda names: sorted(names, key=lambda n: -records[n]["seconds"])
    all_headers = [n for n, kind in work_list() if kind == "header"]
    out = ["# Compile time", "",
           "Made by `./dev compile-time` (`cmake/compile_time.py`), which says how it measures; "
           "the figures of all units are in [compile-time.json](compile-time.json).",
           f"{context['compiler']}, {context['date']}, at commit {context['commit']}. Seconds are "
           "processor time, user and system.", "",
           "## The algebra and CG-SENSE", "",
           f"The promise is less than {PROMISE:.0f} s for [a unit](../{UNIT}) that includes the operator "
           "algebra and calls CG-SENSE once, with -O2. *Compiled instances* is the same unit where the "
           "transforms are `extern template`, as `cardiomm_add_instances` of the CMake package "
           "makes them (docs/packages.md).", "",
           *table(units, records), ""]
    if UNIT in records:
        found = records[UNIT]["seconds"]
        out += [f"{'Kept' if found < PROMISE else 'Not kept'} here: {found:.1f} s at a load of "
                f"{records[UNIT].get('load', '-')} on {os.cpu_count()} processors.", ""]
    out += [f"`{n}`: {records[n]['note']}\n" for n in units if "note" in records[n]]
    if others:
        out += ["## Examples", "", "With -O2, one unit each.", "", *table(by_time(others), records), ""]
    out += ["## Headers", "", "Each parsed alone (-fsyntax-only). Everything includes Kokkos, whose own "
            "time is that of `core/compat.hpp`.", "",
            f"{len(headers)} of {len(all_headers)} headers are measured"
            + (": the rest belongs to libraries that this build lacks, or is measured when the command "
               "runs again." if len(headers) < len(all_headers) else ".")]
    if headers:
        out += ["", "| layer | measured | of | sum of seconds | median | slowest |", "|---|---:|---:|---:|---:|---|"]
    for layer in sorted({layer_of(n) for n in all_headers}):
        names = [n for n in headers if layer_of(n) == layer]
        if not names:
            continue
        times = sorted(records[n]["seconds"] for n in names)
        worst = by_time(names)[0]
        total = sum(layer_of(n) == layer for n in all_headers)
        out.append(f"| {layer} | {len(names)} | {total} | {sum(times):.1f} | {times[len(times) // 2]:.1f} | "
                   f"`{worst}` {records[worst]['seconds']:.1f} |")
    if headers:
        out += ["", "The slowest:", "", *table(by_time(headers)[:20], records)]
    out.append("")
    path.write_text("\n".join(out), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--only", default="", help="names that this expression is found in")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin nothing after so many")
    parser.add_argument("--again", action="store_true", help="measure what is known anew")
    parser.add_argument("--report", action="store_true", help="only the page, from the JSON")
    parser.add_argument("--json", type=Path, default=ROOT / "docs/compile-time.json")
    arguments = parser.parse_args()
    records = {}
    if arguments.json.exists():
        records = json.loads(arguments.json.read_text(encoding="utf-8"))["units"]
        known = {name for name, _ in work_list()}
        records = {name: r for name, r in records.items() if name in known}
    if not arguments.report:
        run(arguments, records)
    if arguments.json.exists():
        report(arguments.json.with_suffix(".md"), arguments.json)


if __name__ == "__main__":
    main()

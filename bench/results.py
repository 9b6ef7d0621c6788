# SPDX-License-Identifier: Apache-2.0
"""The JSON of the benchmarks: reading with checks, writing, what is in it by name.

The form is that of Google Benchmark with more in "context", so that tools for the one read the other:

  {"schema": "cardiomm-bench-1", "context": {...}, "failed": [...], "peers": {...},
   "benchmarks": [{"name": "fft/plan/builtin/ny:208/nx:256", "run_type": "iteration", "round": 0,
                   "real_time": 1.25, "cpu_time": 1.24, "time_unit": "ms", counters...}, ...]}

One entry is one repetition. A file that Google Benchmark wrote itself is read as well.
"""

import json
import math
import os
import re
import statistics
import tempfile

SCHEMA = "cardiomm-bench-1"
SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
# What Google Benchmark adds to names, which says how and not what was measured.
SUFFIX = re.compile(r"(iterations:\d+|repeats:\d+|min_time:.*|min_warmup_time:.*|(real|process|manual)_time)$")
# Keys of an entry that are no counters.
KNOWN = {
    "name", "run_name", "run_type", "family_index", "per_family_instance_index", "repetitions",
    "repetition_index", "threads", "iterations", "real_time", "cpu_time", "time_unit", "round",
    "layer", "suite", "label", "aggregate_name", "aggregate_unit", "ours", "big_o", "rms",
    "error_occurred", "error_message",
}  # fmt: skip


class BenchError(Exception):
    """What is wrong with a file or a call, in one sentence."""


def plain_name(name):
    """A name of Google Benchmark without what says how it was measured."""
    return "/".join(p for p in name.split("/") if not SUFFIX.fullmatch(p))


def write_json(path, data):
    """Aside first, then renamed: nobody sees half a file."""
    write_text(path, json.dumps(data, indent=1, allow_nan=False) + "\n")


def write_text(path, text):
    write_bytes(path, text.encode())


def write_bytes(path, data):
    path = os.path.abspath(path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    handle, aside = tempfile.mkstemp(
        dir=os.path.dirname(path), prefix="." + os.path.basename(path) + "."
    )
    try:
        with os.fdopen(handle, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        os.chmod(aside, 0o644)
        os.replace(aside, path)
    except BaseException:
        os.unlink(aside)
        raise


def kind_of(value):
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}
    return "null" if value is None else names.get(type(value), repr(value))


def load(path):
    """The report of a file; BenchError names the place of what is wrong."""
    try:
        with open(path, encoding="utf-8") as f:
            text = f.read()
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "not UTF-8"
        raise BenchError(f"{path}: cannot be read: {why}") from None
    try:
        report = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as e:
        where = f"line {e.lineno}, column {e.colno}: " if hasattr(e, "lineno") else ""
        raise BenchError(f"{path}: {where}not JSON: {getattr(e, 'msg', 'too deep')}") from None
    check(path, report)
    return report


def check(path, report):
    def expect(good, where, expected, found):
        if not good:
            raise BenchError(f"{path}: {where}: expected {expected}, found {found}")

    expect(isinstance(report, dict), "top level", "an object", kind_of(report))
    if "schema" in report:
        expect(report["schema"] == SCHEMA, "schema", repr(SCHEMA), repr(report["schema"]))
    context = report.get("context")
    expect(isinstance(context, dict), "context", "an object", kind_of(context))
    entries = report.get("benchmarks")
    expect(isinstance(entries, list), "benchmarks", "a list", kind_of(entries))
    for i, entry in enumerate(entries):
        where = f"benchmarks[{i}]"
        expect(isinstance(entry, dict), where, "an object", kind_of(entry))
        name = entry.get("name")
        expect(isinstance(name, str) and name, f"{where}.name", "a text", kind_of(name))
        where += f" ({name})"
        if entry.get("run_type", "iteration") != "iteration" or entry.get("error_occurred"):
            continue
        unit = entry.get("time_unit", "ns")
        expect(unit in SECONDS, f"{where}.time_unit", "ns, us, ms or s", repr(unit))
        for key in ("real_time", "cpu_time"):
            value = entry.get(key)
            if value is None and key == "cpu_time":
                continue
            good = isinstance(value, (int, float)) and not isinstance(value, bool)
            good = good and math.isfinite(value) and value >= 0
            expect(good, f"{where}.{key}", "a number that is not negative", kind_of(value))
        number = entry.get("round", 0)
        expect(isinstance(number, int), f"{where}.round", "a whole number", kind_of(number))


class Series:
    """The repetitions of one benchmark."""

    def __init__(self, name):
        self.name = name
        self.rounds = {}  # round: seconds of its repetitions
        self.counters = {}  # name: median
        self.label = ""
        self.ours = True
        self.entries = []

    @property
    def values(self):
        return [v for r in self.rounds.values() for v in r]

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def layer(self):
        return self.name.split("/")[0]

    @property
    def suite(self):
        return "/".join(self.name.split("/")[:2])

    @property
    def case(self):
        """The name within the suite."""
        return "/".join(self.name.split("/")[2:]) or self.name

    def spread(self):
        """Half of the middle half of the values, relative to the median: noise of one repetition."""
        values = sorted(self.values)
        if len(values) < 2 or self.median == 0:
            return None
        if len(values) < 4:
            return (values[-1] - values[0]) / 2 / self.median
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
        return (high - low) / 2 / self.median


def series_of(report, time="real"):
    """{name: Series} of a report that `load` has checked; entries that failed are left out."""
    found = {}
    for entry in report["benchmarks"]:
        if entry.get("run_type", "iteration") != "iteration" or entry.get("error_occurred"):
            continue
        name = plain_name(entry.get("run_name") or entry["name"])
        key = "cpu_time" if time == "cpu" and "cpu_time" in entry else "real_time"
        one = found.setdefault(name, Series(name))
        seconds = entry[key] * SECONDS[entry.get("time_unit", "ns")]
        one.rounds.setdefault(entry.get("round", 0), []).append(seconds)
        one.label = entry.get("label", one.label)
        one.ours = entry.get("ours", True)
        one.entries.append(entry)
    for one in found.values():
        keys = {k for e in one.entries for k, v in e.items() if isinstance(v, (int, float))} - KNOWN
        for k in sorted(keys):
            one.counters[k] = statistics.median(e[k] for e in one.entries if k in e)
    return found


def duration(seconds):
    """Three significant digits with a unit, never an exponent."""
    if seconds == 0:
        return "0 s"
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)):
        if seconds >= factor or unit == "ns":
            value = seconds / factor
            digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
            return f"{value:.{min(digits, 6)}f} {unit}"
    return ""

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether benchmarks have become slower.

  ./dev bench --compare OLD.json            run, then compare with OLD
  ./dev bench --compare OLD.json NEW.json   compare two files, run nothing

A benchmark is slower if three things hold: its median has grown by more than the bound (10 % unless
--bound says otherwise); the test of Mann and Whitney finds the two sets of repetitions apart
(p <= 0.01); and the interval of the ratio of medians, from resampled rounds and repetitions
(bootstrap), lies above 1. Where there are too few repetitions for that p, all new ones have to be
slower than all old ones, by the bound and 10 % more for noise that nobody has measured.

Exit status: 0 nothing slower, 1 something of ours is slower, 2 a file that is not right, or nothing
in common; with --strict 3 if the contexts differ.
"""

import argparse
import json
import math
import os
import random
import re
import statistics
import sys

sys.dont_write_bytecode = True  # the modules beside this file
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from results import BenchError, duration, load, series_of, write_text

BOUND = 0.10  # growth that is looked at
ALPHA = 0.01  # of the test, and of the two sides of the interval together
UNKNOWN_NOISE = 0.10  # where repetitions are too few to tell
RESAMPLES = 1000

# What figures depend on; other differences are told as well, but not loudly.
DECISIVE = {
    "cpu": "processor", "cores": "cores", "caches": "caches", "threads": "threads",
    "kokkos": "Kokkos", "kokkos_backends": "back-ends of Kokkos",
    "execution_space": "execution space", "lane_set": "lanes", "abi": "ABI name",
    "compiler": "compiler", "flags": "flags", "build_type": "build type", "fftw": "FFTW",
    "fft_effort": "effort of FFTW's plans", "min_time": "shortest time of a repetition",
}  # fmt: skip


# ---- statistics ----------------------------------------------------------------------------------
def mann_whitney(a, b):
    """Two-sided p value: exact where no value is in both sets, else by the normal approximation."""
    n, m = len(a), len(b)
    u = sum((x > y) + 0.5 * (x == y) for x in a for y in b)
    if n * m <= 900 and not set(a) & set(b):
        ways = arrangements(n, m)
        total, k = math.comb(n + m, n), int(min(u, n * m - u))
        return min(1.0, 2 * sum(ways[: k + 1]) / total)
    size = n + m
    counts = {}
    for v in a + b:
        counts[v] = counts.get(v, 0) + 1
    ties = sum(t**3 - t for t in counts.values())
    variance = n * m / 12 * ((size + 1) - ties / (size * (size - 1)))
    if variance <= 0:
        return 1.0
    z = max(0.0, abs(u - n * m / 2) - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def arrangements(n, m):
    """ways[u]: orders of n and m values in which u pairs are inverted (a Gaussian binomial)."""
    ways = [1] + [0] * (n * m)
    for i in range(1, n + 1):
        for u in range(n * m, m + i - 1, -1):
            ways[u] -= ways[u - m - i]
        for u in range(i, n * m + 1):
            ways[u] += ways[u - i]
    return ways


def least_p(n, m):
    return 2 / math.comb(n + m, n)


def middle(values):
    values.sort()
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def resampled(rounds, draw):
    """Median of a resample: of the rounds, and of the repetitions of each."""
    n, values = len(rounds), []
    for i in range(n):
        r = rounds[int(draw() * n)] if n > 1 else rounds[i]
        k = len(r)
        values += [r[int(draw() * k)] for _ in r]
    return middle(values)


def interval(old, new, alpha):
    """Of the ratio of medians; always the same for the same files."""
    draw = random.Random(1).random
    before, after = list(old.rounds.values()), list(new.rounds.values())
    ratios = []
    for _ in range(RESAMPLES):
        base = resampled(before, draw)
        ratios.append(resampled(after, draw) / base if base > 0 else math.inf)
    ratios.sort()
    cut = int(alpha / 2 * RESAMPLES)
    return ratios[cut], ratios[-1 - cut]


def judge(old, new, bound, alpha):
    """What is known of one benchmark."""
    a, b = old.values, new.values
    ratio = new.median / old.median if old.median > 0 else (1.0 if new.median == 0 else math.inf)
    enough = least_p(len(a), len(b)) <= alpha
    low, high = interval(old, new, alpha)
    row = {
        "name": new.name, "old": old.median, "new": new.median, "ratio": ratio, "low": low,
        "high": high, "p": mann_whitney(a, b), "n": f"{len(a)}/{len(b)}", "enough": enough,
        "ours": new.ours, "verdict": "",
    }  # fmt: skip
    if enough:
        slower = row["p"] <= alpha and low > 1 and ratio > 1 + bound
        faster = row["p"] <= alpha and high < 1 and ratio < 1 / (1 + bound)
    else:
        beyond = 1 + bound + UNKNOWN_NOISE - 1e-9
        slower = min(b) > max(a) and ratio >= beyond
        faster = max(b) < min(a) and ratio <= 1 / beyond
    row["verdict"] = "slower" if slower else "faster" if faster else ""
    return row


def compare(old, new, bound=BOUND, alpha=ALPHA, time="real", pattern="."):
    """Rows of what both reports have, and names that only one of them has."""
    before, after = series_of(old, time), series_of(new, time)
    wanted = [n for n in after if re.search(pattern, n)]
    rows = [judge(before[n], after[n], bound, alpha) for n in wanted if n in before]
    context = new["context"]
    partial = context.get("filter") or context.get("quick")  # the others were not asked for
    gone = [] if partial else [n for n in before if re.search(pattern, n) and n not in after]
    return {
        "rows": sorted(rows, key=lambda r: -r["ratio"]),
        "gone": gone,
        "added": [n for n in wanted if n not in before],
        "bound": bound,
        "alpha": alpha,
    }


# ---- contexts --------------------------------------------------------------------------------------
def short(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 90 else text[:87] + "..."


def differences(old, new):
    """(what, old, new) of everything that decides about times."""
    a, b = old["context"], new["context"]
    return [
        (name, short(a.get(key, "not told")), short(b.get(key, "not told")))
        for key, name in DECISIVE.items()
        if a.get(key) != b.get(key)
    ]


def load_of(context):
    """A sentence where the machine did other work, else nothing."""
    cores = context.get("cores") or context.get("num_cpus") or 1
    load = (context.get("load_at_start") or context.get("load_avg") or [0])[0]
    foreign = context.get("foreign_cores")
    told = []
    if isinstance(load, (int, float)) and load > 0.3 * cores:
        told.append(f"load {load:.1f} of {cores} cores at the start")
    if isinstance(foreign, (int, float)) and foreign > 0.1 * cores:
        told.append(f"other programs used {foreign:.1f} of {cores} cores meanwhile")
    return "; ".join(told)


def banner(lines):
    stars = "*" * 78
    return "\n".join([stars] + ["** " + line for line in lines] + [stars])


def warnings(old, new):
    lines = []
    found = differences(old, new)
    if found:
        lines.append("THE CONTEXTS DIFFER: the ratios below compare more than the programs.")
        for what, a, b in found:
            lines += [f"  {what}:", f"    old  {a}", f"    new  {b}"]
    for which, report in (("old", old), ("new", new)):
        busy = load_of(report["context"])
        if busy:
            lines.append(f"The {which} figures are from a loaded machine: {busy}.")
        for f in report.get("failed", []):
            lines.append(f"The {which} run is not complete: {f['suite']}: {f['reason']}")
    return banner(lines) if lines else ""


# ---- text --------------------------------------------------------------------------------------------
def percent(ratio):
    return f"{100 * (ratio - 1):+.1f} %" if math.isfinite(ratio) else "from 0"


def noise(row):
    return f"{percent(row['low'])} to {percent(row['high'])}"


def table(rows):
    lines = [
        "| benchmark | old | new | change | interval of the change | p | n | verdict |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        p = f"{r['p']:.2g}" if r["enough"] else f"{r['p']:.2g}, few"
        verdict = f"**{r['verdict']}**" if r["verdict"] == "slower" else r["verdict"]
        if r["verdict"] and not r["ours"]:
            verdict += " (peer)"
        lines.append(
            f"| {r['name']} | {duration(r['old'])} | {duration(r['new'])} | {percent(r['ratio'])} | "
            f"{noise(r)} | {p} | {r['n']} | {verdict} |"
        )
    return "\n".join(lines)


def summary(result, everything=False):
    """Markdown of a comparison."""
    rows, parts = result["rows"], []
    told = rows if everything else [r for r in rows if r["verdict"]]
    if told:
        parts.append(table(told))
    layers = {}
    for r in rows:
        if r["ours"] and 0 < r["ratio"] < math.inf:
            layers.setdefault(r["name"].split("/")[0], []).append(math.log(r["ratio"]))
    if layers:
        lines = ["| layer | benchmarks | mean change (geometric) |", "|---|---|---|"]
        for layer, logs in sorted(layers.items()):
            lines.append(
                f"| {layer} | {len(logs)} | {percent(math.exp(statistics.fmean(logs)))} |"
            )
        parts.append("\n".join(lines))
    slower = [r for r in rows if r["verdict"] == "slower" and r["ours"]]
    few = sum(not r["enough"] for r in rows)
    text = (
        f"{len(rows)} compared: {len(slower)} slower by more than {100 * result['bound']:g} %, "
        f"{sum(r['verdict'] == 'faster' for r in rows)} faster (p <= {result['alpha']:g})"
    )
    if few:
        text += f"; {few} with too few repetitions for a test"
    for names, what in ((result["gone"], "only in the old file"), (result["added"], "new")):
        if names:
            text += f"; {len(names)} {what} ({', '.join(names[:3])}{', ...' * (len(names) > 3)})"
    parts.append(text)
    return "\n\n".join(parts)


def outcome(old, new, args):
    """Prints the comparison of two reports; returns the exit status."""
    result = compare(old, new, args.bound / 100, args.alpha, args.time, args.filter or ".")
    if not result["rows"]:
        raise BenchError(
            f"nothing to compare: no benchmark is in both {args.old} and {args.new}"
        )
    loud = warnings(old, new)
    if loud:
        print(loud + "\n")
    text = summary(result, args.all)
    print(text)
    if args.markdown:
        told = differences(old, new)
        note = "".join(f"- {w}: {a} before, {b} now\n" for w, a, b in told)
        head = "# Comparison of benchmarks\n\n" + (f"The contexts differ:\n\n{note}\n" if told else "")
        write_text(args.markdown, head + summary(result, True) + "\n")
    if args.svg:
        from plots import changes

        write_text(args.svg, changes(result))
    if args.strict and differences(old, new):
        return 3
    return 1 if any(r["verdict"] == "slower" and r["ours"] for r in result["rows"]) else 0


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old")
    parser.add_argument("new", nargs="?", help="without it OLD is only checked")
    parser.add_argument("--bound", type=float, default=100 * BOUND, help="percent (10)")
    parser.add_argument("--alpha", type=float, default=ALPHA, help="of the test (0.01)")
    parser.add_argument("--time", choices=("real", "cpu"), default="real")
    parser.add_argument("--filter", help="expression for the names")
    parser.add_argument("--all", action="store_true", help="also what has not changed")
    parser.add_argument("--strict", action="store_true", help="exit status 3 for other contexts")
    parser.add_argument("--markdown", metavar="FILE", help="write all rows there")
    parser.add_argument("--svg", metavar="FILE", help="draw all changes there")
    return parser


def main(argv=None):
    args = arguments().parse_args(argv)
    try:
        if args.bound < 0 or not 0 < args.alpha < 1:
            raise BenchError("expected --bound of at least 0 and --alpha between 0 and 1")
        old = load(args.old)
        if args.new is None:
            print(f"{args.old}: {len(series_of(old))} benchmarks")
            return 0
        return outcome(old, load(args.new), args)
    except BenchError as e:
        print(f"compare.py: {e}", file=sys.stderr)
        return 2
    except re.error as e:
        print(f"compare.py: --filter: not an expression: {e}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

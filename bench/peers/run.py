#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times this library beside its peers: one run, the same data, iterations and threads.

`./dev bench --peers` builds what is needed and calls this. Contenders take turns: every repetition
runs all of them once, so that a slow minute of the machine hits everybody. Figures are medians.

  call      one call inside a running process, after a first one that is not counted (plans, tables)
  process   the whole command: start, reading, work, writing

A repetition during which other programs used the processor (or this one was kept off it) counts as
disturbed and is repeated, up to twice as many; a figure of disturbed repetitions only is marked *.
Contenders that are slow beside the fastest run once. What is not installed is reported as not run.
Needs Python only; the Python peers live in a virtual environment of the build folder.
"""

import argparse
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # the modules beside this file
from cases import IMAGES, PIXELS, cases
from contenders import Call, NotRun, Workers, environment
from installed import ROOT, find_bart, find_newest_bart, make_data, make_venv, say, version_of
from sparse import TARGET
from tables import context_line, tables

CORES = len(os.sched_getaffinity(0))


def busy():
    """Processor seconds that the machine has spent."""
    with open("/proc/stat") as stat:
        ticks = [int(t) for t in stat.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


# ---- measuring -------------------------------------------------------------------------------------
class Clock:
    """Repetitions, and whether anything else ran meanwhile."""

    def __init__(self, patience):
        self.patience = patience  # seconds that the whole run may wait for quiet

    @staticmethod
    def limit():
        return 0.15

    def wait(self):
        while self.patience > 0:
            before, at = busy(), time.perf_counter()
            time.sleep(0.1)
            self.patience -= 0.1
            if (busy() - before) / (time.perf_counter() - at) <= self.limit():
                return

    def once(self, contender, threads):
        self.wait()
        before, begun, own = busy(), time.perf_counter(), time.process_time()
        found = contender.once(threads)
        wall = time.perf_counter() - begun
        foreign = busy() - before - found.pop("total_cpu") - (time.process_time() - own) - 0.03
        found["foreign"] = round(max(0.0, foreign) / wall, 3)
        return found


def measure(case, threads, args, clock, scorer):
    """Runs the contenders of a case in turns; one record each."""
    records, live = {}, []
    for c in case["contenders"]:
        record = {
            "case": case["name"],
            "coils": case["coils"],
            "threads": threads,
            "contender": c.name,
            "kind": c.kind,
            "ours": c.ours,
            "seconds": [],
            "cpu": [],
            "foreign": [],
            "peak_mib": 0.0,
        }
        records[c.name] = record
        try:
            c.prepare(threads)
            live.append(c)
        except NotRun as e:
            record["not_run"] = str(e)
    clean = {c.name: 0 for c in live}
    slow = set()
    for turn in range(2 * args.repetitions):
        for c in list(live):
            record = records[c.name]
            if clean[c.name] >= args.repetitions or (turn > 0 and c in slow):
                continue
            try:
                found = clock.once(c, threads)
                if turn == 0:
                    path = c.result()
                    if scorer and path:
                        record.update(
                            scorer.ask(
                                do="score", kind=case["score"], path=path, coils=case["coils"]
                            )
                        )
            except NotRun as e:
                record["not_run"] = str(e)
                live.remove(c)
                continue
            record["seconds"].append(found["seconds"])
            record["cpu"].append(found["cpu"])
            record["foreign"].append(found["foreign"])
            record["peak_mib"] = max(record["peak_mib"], found["peak_mib"])
            if "note" in found:
                record["note"] = found["note"]
            clean[c.name] += found["foreign"] <= clock.limit() and "note" not in found
        if turn == 0:
            peers = [records[c.name]["seconds"][0] for c in live if not c.ours]
            fastest = min(peers, default=0)
            slow = {
                c
                for c in live
                if not c.ours
                and records[c.name]["seconds"][0] > args.long
                and records[c.name]["seconds"][0] > 1.4 * fastest
            }
        if all(clean[c.name] >= args.repetitions or c in slow for c in live):
            break
    for c in case["contenders"]:
        if isinstance(c, Call):
            try:
                c.forget()
            except NotRun:
                pass
    for record in records.values():
        summarise(record, clock.limit())
    return list(records.values())


def summarise(record, limit):
    if not record["seconds"]:
        return
    if record.get("note") == "first call" and len(record["seconds"]) > 1:
        for key in ("seconds", "cpu", "foreign"):  # there are better ones
            del record[key][0]
        del record["note"]
    quiet = [i for i, f in enumerate(record["foreign"]) if f <= limit]
    used = quiet or range(len(record["seconds"]))
    record["median"] = statistics.median(record["seconds"][i] for i in used)
    record["cpu_median"] = statistics.median(record["cpu"][i] for i in used)
    record["n"] = len(used)
    record["disturbed"] = not quiet


def normal_operator(args, threads):
    """bench_linop_normal: the fused operator, the chain with FFTW MEASURE and the peak in one run."""
    program = os.path.join(args.build, "bin/bench_linop_normal")
    out = os.path.join(args.scratch, "normal.json")
    if not os.path.exists(program):
        return [], f"no {program}"
    repetitions = 3 if args.quick else args.repetitions
    found = subprocess.run(
        [
            program,
            f"--benchmark_out={out}",
            "--benchmark_out_format=json",
            "--benchmark_min_time=0.05",
            f"--benchmark_repetitions={repetitions}",
            "--benchmark_enable_random_interleaving=true",
        ]
        + (["--benchmark_filter=coils:10"] if args.quick else []),
        env=environment(threads),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if found.returncode:
        return [], f"{program}: exit code {found.returncode}"
    with open(out) as f:
        runs = json.load(f)["benchmarks"]
    table = {}
    for run in runs:
        if run.get("aggregate_name", "median") != "median" or run["run_type"] != "aggregate":
            continue
        which, sizes = run["run_name"].split("/")[0], dict(
            p.split(":") for p in run["run_name"].split("/")[1:4]
        )
        row = table.setdefault(
            tuple(sizes.items()), {"threads": threads, **{k: int(v) for k, v in sizes.items()}}
        )
        row[which + "_ms"] = run["real_time"]
        if which == "fused":
            row["percent_of_peak"] = run["% of peak"]
    for row in table.values():
        row["ratio"] = row["chain_ms"] / row["fused_ms"]
    return list(table.values()), None


# ---- ratios ----------------------------------------------------------------------------------------
def ratios(runs, normal):
    rows = []

    def row(what, coils, threads, ours, peer, target):
        rows.append(
            {
                "what": what,
                "coils": coils,
                "threads": threads,
                "ours": ours["median"],
                "peer": peer["contender"],
                "peer_seconds": peer["median"],
                "ratio": peer["median"] / ours["median"],
                "target": target,
                "error": ours.get("error"),
                "peer_error": peer.get("error"),
                "disturbed": ours["disturbed"] or peer["disturbed"],
            }
        )

    for case, coils, threads in dict.fromkeys((r["case"], r["coils"], r["threads"]) for r in runs):
        these = [
            r
            for r in runs
            if (r["case"], r["coils"], r["threads"]) == (case, coils, threads) and "median" in r
        ]
        ours = [r for r in these if r["ours"]]
        peers = sorted((r for r in these if not r["ours"]), key=lambda r: r["median"])
        if not ours or not peers:
            continue
        if case.startswith("CG"):
            row(case, coils, threads, ours[0], peers[0], 10)
            whole = [r for r in peers if r["kind"] == "process"]
            if len(ours) > 1 and whole:
                row("the same, whole process", coils, threads, ours[1], whole[0], 10)
        elif case.startswith("ESPIRiT"):
            row(case, coils, threads, ours[0], peers[0], 5)
            equal = [r for r in peers if r.get("error", 1) <= 1.1 * ours[0].get("error", 0)]
            if equal:
                row("the same, peers of equal map error", coils, threads, ours[0], equal[0], 5)
        elif case.startswith("CardioMM"):
            plain = [r for r in peers if "bf16" not in r["contender"]]
            if plain:
                row(case, coils, threads, ours[0], plain[0], 2)
        elif case.startswith("Training"):
            row(case, coils, threads, ours[0], peers[0], 1.5)
        elif case.startswith(("L1-wavelet", "Temporal TV")):
            row(case, coils, threads, ours[0], peers[0], TARGET)
        else:
            fftw = [r for r in peers if r["contender"].startswith("FFTW")]
            row(case, coils, threads, ours[0], (fftw or peers)[0], 1)
    for r in sorted(normal, key=lambda r: (r["coils"], r["ny"], r["nx"], r["threads"])):
        rows.append(
            {
                "what": f"Normal operator {r['ny']} x {r['nx']}",
                "coils": r["coils"],
                "threads": r["threads"],
                "ours": r["fused_ms"] / 1e3,
                "peer": "chain with FFTW MEASURE",
                "peer_seconds": r["chain_ms"] / 1e3,
                "ratio": r["ratio"],
                "target": 4,
                "percent_of_peak": r["percent_of_peak"],
                "disturbed": False,
            }
        )
    return rows


def memory(runs):
    """Peaks of our processes, libraries and all, against data + maps + 6 images."""
    rows = []
    for r in runs:
        if r["ours"] and r["case"].startswith("CG") and r["peak_mib"]:
            allowed = (r["coils"] * (IMAGES + 1) + 6 * IMAGES) * PIXELS * 8 / 2**20
            rows.append(
                {
                    "process": "program" if r["kind"] == "process" else "call",
                    "coils": r["coils"],
                    "threads": r["threads"],
                    "peak_mib": r["peak_mib"],
                    "allowed_mib": allowed,
                }
            )
    return rows


def context(args):
    def output(*command):
        try:
            return subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout.strip()
        except OSError:
            return ""

    cpu = platform.processor()
    try:
        with open("/proc/cpuinfo") as f:
            cpu = next(line.split(":")[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {
        "date": datetime.datetime.now().strftime("%Y-%m-%d %H:%M"),
        "cpu": cpu,
        "cores": CORES,
        "git": output("git", "describe", "--always", "--dirty"),
        "compiler": output(os.environ.get("CXX", "c++"), "--version").split("\n")[0],
        "repetitions": args.repetitions,
        "quick": args.quick,
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="build folder")
    parser.add_argument("--data", help="folder of gen_data.py (default: made in the build folder)")
    parser.add_argument(
        "--venv", help="virtual environment of the Python peers (default: made in the build folder)"
    )
    parser.add_argument("--sid", default="", help="root folder that holds BART 1.0")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--coils", default="10,30")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument(
        "--long", type=float, default=3, help="seconds from which a slow peer runs once"
    )
    parser.add_argument(
        "--patience", type=float, default=60, help="seconds to wait for a quiet machine, in all"
    )
    parser.add_argument(
        "--only",
        default=".",
        help="expression for the cases sense_10, espirit_30, fft_10, normal ...",
    )
    parser.add_argument(
        "--quick", action="store_true", help="10 coils, the fastest peers, 2 repetitions"
    )
    parser.add_argument("--out", help="the report (default: peers.json in the build folder)")
    parser.add_argument(
        "--table", metavar="REPORT", help="print the tables of a report, run nothing"
    )
    args = parser.parse_args()
    if args.table:
        with open(args.table) as f:
            report = json.load(f)
        print(context_line(report) + "\n\n" + tables(report))
        return
    if args.quick:
        args.coils, args.repetitions, args.patience = (
            "10",
            min(2, args.repetitions),
            min(5, args.patience),
        )
    args.threads = [int(t) for t in args.threads.split(",") if int(t) <= CORES]
    args.coils = [int(c) for c in args.coils.split(",")]
    args.build = os.path.abspath(args.build)
    args.scratch = os.path.join(args.build, "peers/results")
    args.data = os.path.abspath(args.data or os.path.join(args.build, "peers/data"))
    out = args.out or os.path.join(args.build, "peers.json")
    os.makedirs(args.scratch, exist_ok=True)
    begun = time.time()

    if args.venv:
        python = os.path.join(args.venv, "bin/python")
        python = python if os.access(python, os.X_OK) else None
    else:
        python = make_venv(os.path.join(args.build, "peers/venv"))
    make_data(args.data, python)
    workers = Workers(python, args.data)
    scorer = workers.get("score", 1) if python else None
    bart08, bart10 = find_bart("bart"), find_newest_bart(args.sid)
    clock = Clock(args.patience)
    report = {"context": context(args), "runs": [], "normal": []}
    begun_runs = time.time()
    try:
        for case in cases(args, workers, bart08, bart10):
            for threads in args.threads:
                at = time.time()
                report["runs"] += measure(case, threads, args, clock, scorer)
                say(
                    f"{time.time() - begun:5.0f} s  {case['name']}, {case['coils']} coils, "
                    f"{threads} threads: "
                    f"{time.time() - at:.0f} s"
                )
        if re.search(args.only, "normal"):
            for threads in args.threads:
                at = time.time()
                rows, reason = normal_operator(args, threads)
                report["normal"] += rows
                say(
                    f"{time.time() - begun:5.0f} s  normal operator, {threads} threads: "
                    + (f"not run: {reason}" if reason else f"{time.time() - at:.0f} s")
                )
    finally:
        workers.end()
    report["context"]["versions"] = {
        "BART 0.8": bart08 and version_of(bart08),
        "BART 1.0": bart10 and version_of(bart10),
        **workers.versions,
    }
    report["context"]["seconds"] = round(time.time() - begun_runs)
    report["ratios"] = ratios(report["runs"], report["normal"])
    report["memory"] = memory(report["runs"])
    with open(out + ".part", "w") as f:
        json.dump(report, f, indent=1)
    os.replace(out + ".part", out)
    print(context_line(report) + "\n\n" + tables(report))
    say(f"\n{time.time() - begun:.0f} seconds; report: {out}")
    broken = sorted({r["contender"] for r in report["runs"] if r["ours"] and "not_run" in r})
    if broken:
        raise SystemExit(f"run.py: did not run: {', '.join(broken)}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fills the tables of docs/performance.md from the benchmarks.

  ./dev bench --report                    build, run for 1, 2, 4 ... threads, write both files
  python3 bench/report.py --tables-only   docs/performance.json -> docs/performance.md

docs/performance.json holds the figures without names of machines or folders. The report of
`./dev bench --peers` is taken in where the build folder has one. Tables stand between the marks
<!-- begin NAME --> and <!-- end NAME -->; the text around them is written by people.
"""

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # the module beside this file
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from results import write_json, write_text

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CORES = len(os.sched_getaffinity(0))
KERNELS = {
    "normal": "normal operator A^H A",
    "forward": "encoding A",
    "adjoint": "its adjoint A^H",
    "centred_fft": "centred 2-D FFT",
    "cg_iteration": "a whole iteration of CG",
    "axpby": "axpby",
    "dot": "scalar products",
}


def busy():
    """Processor seconds that the machine has spent."""
    with open("/proc/stat") as stat:
        ticks = [int(t) for t in stat.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def own():
    t = os.times()
    return t.user + t.system + t.children_user + t.children_system


def run(program, threads, repetitions, scratch):
    """Medians by name: seconds and counters; and the context."""
    out = os.path.join(scratch, "report.json")
    env = dict(
        os.environ, OMP_NUM_THREADS=str(threads), OMP_PROC_BIND="false", CUDA_VISIBLE_DEVICES=""
    )
    subprocess.run(
        [
            program,
            f"--benchmark_out={out}",
            "--benchmark_out_format=json",
            f"--benchmark_repetitions={repetitions}",
            "--benchmark_min_time=0.05",
        ],
        env=env,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with open(out) as f:
        report = json.load(f)
    unit = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
    found = {}
    for r in report["benchmarks"]:
        if r["run_type"] == "aggregate" and r["aggregate_name"] == "median":
            name = "/".join(
                p for p in r["run_name"].split("/") if not re.match(r"(iterations:|.*_time$)", p)
            )
            row = {"seconds": r["real_time"] * unit[r["time_unit"]]}
            row.update({k: r[k] for k in ("flop", "byte", "peak_flops", "bandwidth") if k in r})
            found[name] = row
    return found, report["context"]


def compiler_of(build):
    with open(os.path.join(build, "CMakeCache.txt")) as f:
        cache = f.read()
    path = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.M).group(1)
    return subprocess.run([path, "--version"], capture_output=True, text=True).stdout.split("\n")[0]


def measure(args):
    threads = [t for t in (1, 2, 4, 8, 16, 32, 64, 128) if t < CORES] + [CORES]
    repetitions = 2 if args.quick else 5
    busy_before, own_before, begun = busy(), own(), time.time()
    report = {"roofline": {}, "scaling": {}}
    for t in threads:
        for table in ("roofline", "scaling"):
            program = os.path.join(args.build, f"bin/bench_mri_{table}")
            report[table][str(t)], context = run(program, t, repetitions, args.build)
            print(f"{table}, {t} threads", file=sys.stderr, flush=True)
    foreign = (busy() - busy_before - own() + own_before) / (time.time() - begun)
    cpu = platform.machine()
    try:
        with open("/proc/cpuinfo") as f:
            cpu = next(line.split(":")[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    report["context"] = {
        "date": datetime.date.today().isoformat(),
        "cpu": cpu,
        "cores": CORES,
        "compiler": compiler_of(args.build),
        "git": subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
        ).stdout.strip(),
        "kokkos": context["kokkos"] + " " + context["execution_space"],
        "lanes": context["lanes_float"] + " floats, " + context["lane_set"],
        "foreign": f"{max(0, foreign):.2f} of the cores",
    }
    peers = os.path.join(args.build, "peers.json")
    if os.path.exists(peers):
        with open(peers) as f:
            report["peers"] = json.load(f)
        for r in report["peers"]["runs"]:  # single repetitions are of no use to readers
            for key in ("seconds", "cpu", "foreign"):
                r.pop(key, None)
            if "not_run" in r:
                r["not_run"] = re.sub(r"(/[\w.-]+)+/", "", r["not_run"])
    return report


# ---- tables --------------------------------------------------------------------------------------------
def number(value):
    """Three significant digits, never an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def markdown(head, rows):
    return "\n".join(
        ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        + ["| " + " | ".join(row) + " |" for row in rows]
    )


def context_table(report):
    c = report["context"]
    names = {
        "date": "date",
        "git": "commit",
        "cpu": "processor",
        "cores": "cores",
        "compiler": "compiler",
        "kokkos": "Kokkos",
        "lanes": "lanes",
        "foreign": "used by other programs meanwhile",
    }
    rows = [[names[k], str(c[k])] for k in names if k in c]
    for t, r in report["roofline"].items():
        m = r["machine"]
        rows.append(
            [
                f"peak, {t} thread{'s' * (t != '1')}",
                f"{m['peak_flops'] / 1e9:.0f} GFLOP/s (float multiply-adds)",
            ]
        )
        rows.append(
            [
                f"memory, {t} thread{'s' * (t != '1')}",
                f"{m['bandwidth'] / 1e9:.1f} GB/s (a = b + 3 c)",
            ]
        )
    return markdown(["what", "value"], rows)


def roofline_table(report):
    rows = []
    for name in next(iter(report["roofline"].values())):
        if name == "machine":
            continue
        kernel, coils = name.split("/coils:")
        for t, r in report["roofline"].items():
            k, m = r[name], r["machine"]
            intensity = k["flop"] / k["byte"]
            seconds_flop, seconds_byte = k["flop"] / m["peak_flops"], k["byte"] / m["bandwidth"]
            rows.append(
                [
                    KERNELS[kernel],
                    "" if kernel in ("axpby", "dot") else coils,
                    t,
                    f"{k['seconds'] * 1e3:.2f}",
                    f"{k['flop'] / 1e9:.3f}",
                    f"{k['byte'] / 1e6:.0f}",
                    f"{intensity:.1f}",
                    f"{k['flop'] / k['seconds'] / 1e9:.0f}",
                    f"{100 * seconds_flop / k['seconds']:.0f}",
                    f"{k['byte'] / k['seconds'] / 1e9:.1f}",
                    f"{100 * seconds_byte / k['seconds']:.0f}",
                    "memory" if seconds_byte > seconds_flop else "arithmetic",
                    f"{100 * max(seconds_flop, seconds_byte) / k['seconds']:.0f}",
                ]
            )
    return markdown(
        [
            "kernel",
            "coils",
            "threads",
            "ms",
            "GFLOP",
            "MB",
            "flop/byte",
            "GFLOP/s",
            "% of peak",
            "GB/s",
            "% of memory",
            "bound by",
            "% of the bound",
        ],
        rows,
    )


def fields(name):
    return {k: int(v) for k, v in (p.split(":") for p in name.split("/")[1:])}


def scaling_table(report, benchmark, varies, others, unit, per):
    """One series: the runs whose other sizes are `others`; time for each number of threads."""
    threads = list(report["scaling"])
    rows = []
    for name in report["scaling"][threads[0]]:
        f = fields(name)
        if not name.startswith(benchmark + "/") or any(f[k] != v for k, v in others.items()):
            continue
        if varies == "ny" and (f["ny"] != f["nx"]):
            continue
        size = f"{f['ny']} x {f['nx']}" if varies == "ny" else str(f[varies])
        seconds = [report["scaling"][t][name]["seconds"] for t in threads]
        row = (
            [f[varies], size]
            + [number(s * 1e3) for s in seconds]
            + [number(seconds[0] * 1e3 / per(f))]
        )
        if len(threads) > 1:
            row.append(f"{seconds[0] / seconds[-1]:.2f}")
        rows.append(row)
    rows.sort(key=lambda r: r[0])
    head = (
        ["matrix" if varies == "ny" else varies]
        + [f"ms, {t} thread{'s' * (t != '1')}" for t in threads]
        + [unit]
    )
    if len(threads) > 1:
        head.append(f"speed-up by {threads[-1]} threads")
    return markdown(head, [r[1:] for r in rows])


def blocks(report):
    base = {"ny": 208, "nx": 256}
    found = {
        "context": context_table(report),
        "roofline": roofline_table(report),
        "frames": scaling_table(
            report,
            "sense",
            "frames",
            {**base, "coils": 10},
            "ms a frame, 1 thread",
            lambda f: f["frames"],
        ),
        "coils": scaling_table(
            report,
            "sense",
            "coils",
            {**base, "frames": 25},
            "ms a coil, 1 thread",
            lambda f: f["coils"],
        ),
        "matrix": scaling_table(
            report,
            "sense",
            "ny",
            {"coils": 10, "frames": 25},
            "ns a pixel, 1 thread",
            lambda f: f["ny"] * f["nx"] * 25 * 1e-6,
        ),
        "espirit-coils": scaling_table(
            report, "espirit", "coils", base, "ms a coil, 1 thread", lambda f: f["coils"]
        ),
        "espirit-matrix": scaling_table(
            report,
            "espirit",
            "ny",
            {"coils": 10},
            "ns a pixel, 1 thread",
            lambda f: f["ny"] * f["nx"] * 1e-6,
        ),
    }
    if "peers" in report:
        sys.path.insert(0, os.path.join(ROOT, "bench/peers"))
        from tables import context_line, tables

        found["peers"] = context_line(report["peers"]) + "\n\n" + tables(report["peers"])
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="build folder")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument(
        "--tables-only", action="store_true", help="run nothing: tables from docs/performance.json"
    )
    parser.add_argument(
        "--docs", default=os.path.join(ROOT, "docs"), help="folder of performance.json and .md"
    )
    args = parser.parse_args()
    data, page = os.path.join(args.docs, "performance.json"), os.path.join(
        args.docs, "performance.md"
    )
    if args.tables_only:
        with open(data) as f:
            report = json.load(f)
    else:
        report = measure(args)
        if "peers" not in report and os.path.exists(
            data
        ):  # a comparison of an earlier day stays, with its date
            with open(data) as f:
                old = json.load(f)
            if "peers" in old:
                report["peers"] = old["peers"]
        write_json(data, report)
    with open(page) as f:
        text = f.read()
    for name, table in blocks(report).items():
        text, n = re.subn(
            rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)",
            lambda m: m.group(1) + table + "\n" + m.group(2),
            text,
            flags=re.S,
        )
        if n != 1:
            raise SystemExit(f"report.py: {page}: expected the marks of {name} once, found {n}")
    write_text(page, text)
    print(f"wrote {page}", file=sys.stderr)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the benchmarks and writes one JSON with what the figures depend on, tables and plots.

  ./dev bench [--quick] [--filter EXPRESSION]    build and run; this is what it calls

The suites are the programs of bench/<layer>/<suite>.cpp. Names are layer/suite/benchmark/arguments;
--filter takes an expression that is looked for in them (`fft`, `solve/variants`, `nn/conv/forward`).
A run goes through all suites several times (rounds), several repetitions each, so that noise between
processes and slow minutes of the machine show. A suite that takes longer than --long seconds runs
in the first round only; --quick is one round of short repetitions and leaves out what is slow.
The peers (bench/peers/run.py) run too where `./dev bench --peers` has installed them.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # the modules beside this file
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import context as about
from results import SCHEMA, BenchError, plain_name, write_json

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
NO_SUITES = ("support", "peers", "dist", "own")
# What --quick leaves out: seconds a repetition, or the same again at other sizes.
SLOW = re.compile(
    r"nn/network/|nn/training/|mri/(sparse|scaling|low_rank|solvers)/|roofline/machine|coils:30|"
    r"(ny|nx):(204|246|162|168|448|512)|dau:8|n:(40|100)|crop%:80"
)


def say(text=""):
    print(text, file=sys.stderr, flush=True)


def suites():
    """layer/suite of every program, from the sources."""
    found = []
    for layer in sorted(os.listdir(HERE)):
        folder = os.path.join(HERE, layer)
        if layer not in NO_SUITES and os.path.isdir(folder):
            found += [f"{layer}/{f[:-4]}" for f in sorted(os.listdir(folder)) if f.endswith(".cpp")]
    return found


def chosen(pattern):
    """The suites that a filter can mean: those that it names, else all."""
    everything = suites()
    if not pattern:
        return everything
    expression(pattern)
    if pattern.lstrip("^").startswith("peers"):
        return []
    exact = re.match(r"\^?(\w+/\w+)(/|$)", pattern)
    if exact and exact.group(1) in everything:
        return [exact.group(1)]
    return [s for s in everything if re.search(pattern, s + "/")] or everything


def expression(pattern):
    try:
        return re.compile(pattern)
    except re.error as e:
        raise BenchError(f"--filter: not an expression: {pattern!r}: {e}") from None


def target(suite):
    return "bench_" + suite.replace("/", "_")


# ---- one suite -------------------------------------------------------------------------------------
def environment(threads):
    env = dict(os.environ, CUDA_VISIBLE_DEVICES=os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    env.setdefault("OMP_PROC_BIND", "false")
    if threads:
        env["OMP_NUM_THREADS"] = str(threads)
    return env


def call(command, env, limit):
    """Standard output; BenchError says why there is none."""
    try:
        found = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit
        )
    except OSError as e:
        raise BenchError(f"cannot be started: {e.strerror}") from None
    except subprocess.TimeoutExpired:
        raise BenchError(f"took longer than {limit} s") from None
    if found.returncode:
        last = (found.stderr.strip().split("\n") or [""])[-1][:200]
        raise BenchError(f"ended with status {found.returncode}" + (f": {last}" if last else ""))
    return found.stdout


def names_of(suite, program, args):
    """The benchmarks of a program that this run asks for, as the program calls them."""
    listed = call([program, "--benchmark_list_tests=true"], environment(args.threads), 120)
    found = [n for n in listed.split("\n") if n.strip()]
    if args.filter:
        wanted = expression(args.filter)
        found = [n for n in found if wanted.search(f"{suite}/{n}") or wanted.search(n)]
    if args.quick:
        fast = [n for n in found if not SLOW.search(f"{suite}/{n}/")]
        found = fast if fast or len(chosen(args.filter)) > 1 else found  # asked for by name
    return found


def exactly(names):
    """The expression of Google Benchmark that takes these names and no others."""
    quoted = [re.sub(r"([.\[\]{}()*+?^$|\\])", r"\\\1", n) for n in names]
    return "^(" + "|".join(quoted) + ")$"


def run_suite(suite, program, names, number, args, scratch):
    """(entries, the program's context) of one round."""
    out = os.path.join(scratch, "suite.json")
    if os.path.exists(out):
        os.unlink(out)
    command = [
        program,
        f"--benchmark_filter={exactly(names)}",
        f"--benchmark_out={out}",
        "--benchmark_out_format=json",
        f"--benchmark_repetitions={args.repetitions}",
        f"--benchmark_min_time={args.min_time}",
        "--benchmark_report_aggregates_only=false",
    ]
    call(command, environment(args.threads), args.limit)
    try:
        with open(out, encoding="utf-8") as f:
            report = json.load(f)
    except (OSError, json.JSONDecodeError) as e:
        raise BenchError(f"wrote no JSON: {e}") from None
    entries = []
    for entry in report["benchmarks"]:
        if entry.get("error_occurred"):
            raise BenchError(f"{entry['name']}: {entry.get('error_message', 'failed')}")
        if entry["run_type"] != "iteration":
            continue
        name = f"{suite}/{plain_name(entry['run_name'])}"
        layer, short = suite.split("/")
        entries.append(
            {
                "name": name,
                "run_name": name,
                "layer": layer,
                "suite": short,
                "round": number,
                **{k: v for k, v in entry.items() if k not in ("name", "run_name")},
            }
        )
    return entries, report["context"]


# ---- all of them -----------------------------------------------------------------------------------
def run_all(args, scratch):
    report = {"schema": SCHEMA, "context": about.machine(), "benchmarks": [], "failed": []}
    context, watch = report["context"], about.Watch()
    asked, missing = {}, []

    def failed(suite, reason):
        say(f"   FAILED {suite}: {reason}")
        report["failed"].append({"suite": suite, "reason": str(reason)})

    for suite in chosen(args.filter):
        program = os.path.join(args.build, "bin", target(suite))
        if not os.access(program, os.X_OK):
            missing.append(suite)
            continue
        try:
            names = names_of(suite, program, args)
        except BenchError as e:
            failed(suite, e)
            continue
        if names:
            asked[suite] = (program, names)
    if missing:
        say(f"   not built, left out: {', '.join(missing)}")
        report["failed"] += [{"suite": s, "reason": "not built"} for s in missing]
    dropped = set()
    for number in range(args.rounds):
        for suite, (program, names) in asked.items():
            if suite in dropped:
                continue
            begun = time.time()
            try:
                entries, found = run_suite(suite, program, names, number, args, scratch)
            except BenchError as e:
                failed(suite, e)
                dropped.add(suite)
                continue
            took = time.time() - begun
            report["benchmarks"] += entries
            about.add_program(context, found)
            if took > args.long and args.rounds > 1:
                dropped.add(suite)
            say(
                f"{watch.seconds():6d} s  round {number + 1} of {args.rounds}  {suite}: "
                f"{len(names)} benchmarks, {took:.1f} s"
                + (", one round only" if suite in dropped else "")
            )
    context.update(
        load_at_end=about.load(),
        foreign_cores=watch.foreign_cores(),
        seconds=watch.seconds(),
        quick=args.quick,
        filter=args.filter or "",
        rounds=args.rounds,
        repetitions=args.repetitions,
        min_time=args.min_time,
    )
    built = context.get("built_from", "").removesuffix("-dirty")
    if built and built != context["git"]:
        say(f"   the programs were built from {built}, the folder is at {context['git']}")
    from peers_suite import add_peers

    add_peers(report, args, scratch, say)
    return report


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="build folder")
    parser.add_argument("--out", help="folder of results (bench in the build folder)")
    parser.add_argument("--filter", help="expression for names, layer/suite/benchmark/arguments")
    parser.add_argument("--quick", action="store_true", help="minutes; figures are rough")
    parser.add_argument("--rounds", type=int, help="times through all suites (3; quick 1)")
    parser.add_argument("--repetitions", type=int, help="of a round (3; quick 5)")
    parser.add_argument("--min-time", type=float, help="seconds of a repetition (0.05; quick 0.01)")
    parser.add_argument("--long", type=float, default=120, help="seconds (120), see above")
    parser.add_argument("--limit", type=float, default=3600, help="seconds of one suite (3600)")
    parser.add_argument("--threads", type=int, help="OMP_NUM_THREADS (default: the environment's)")
    parser.add_argument("--no-peers", action="store_true", help="without the other programs")
    parser.add_argument("--sid", default="", help="root folder that holds BART 1.0, for the peers")
    parser.add_argument("--targets", action="store_true", help="print what to build, run nothing")
    parser.add_argument(
        "--tables-only", metavar="RESULTS.json", help="tables and plots of a report, run nothing"
    )
    return parser


def main(argv=None):
    args = arguments().parse_args(argv)
    args.build = os.path.abspath(args.build)
    args.out = os.path.abspath(args.out or os.path.join(args.build, "bench"))
    for name, usual, quick in (("rounds", 3, 1), ("repetitions", 3, 5), ("min_time", 0.05, 0.01)):
        if getattr(args, name) is None:
            setattr(args, name, quick if args.quick else usual)
    try:
        if args.targets:
            print(" ".join(target(s) for s in chosen(args.filter)))
            return 0
        if min(args.rounds, args.repetitions) < 1 or args.min_time <= 0:
            raise BenchError("expected positive --rounds, --repetitions and --min-time")
        from pages import write_report

        if args.tables_only:
            from results import load

            write_report(load(args.tables_only), args.out, say)
            return 0
        with tempfile.TemporaryDirectory() as scratch:
            report = run_all(args, scratch)
        if not report["benchmarks"]:
            for f in report["failed"]:
                say(f"run.py: {f['suite']}: {f['reason']}")
            raise BenchError(
                "no benchmark ran"
                + (f": the filter {args.filter!r} fits none" if args.filter else "")
            )
        results = os.path.join(args.out, "results.json")
        write_json(results, report)
        write_report(report, args.out, say)
        print(results)
        return 1 if report["failed"] else 0
    except BenchError as e:
        say(f"run.py: {e}")
        return 2
    except KeyboardInterrupt:
        say("run.py: interrupted; nothing was written")
        return 130


if __name__ == "__main__":
    sys.exit(main())

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
import glob
import json
import os
import platform
import re
import select
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from tables import context_line, tables  # beside this file

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PACKAGES = ["sigpy", "bartorch==0.0.17", "mrpro", "torch", "scipy", "numpy"]
CORES = len(os.sched_getaffinity(0))
IMAGES, PIXELS = 25, 208 * 256  # of the data


def say(text=""):
    print(text, file=sys.stderr, flush=True)


def busy():
    """Processor seconds that the machine has spent."""
    with open("/proc/stat") as stat:
        ticks = [int(t) for t in stat.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def environment(threads, **more):
    env = dict(os.environ, CUDA_VISIBLE_DEVICES="", OMP_PROC_BIND="false", **more)
    for name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        env[name + "_NUM_THREADS"] = str(threads)
    return env


class NotRun(Exception):
    """A contender that is not to be had, with the reason."""


# ---- contenders ----------------------------------------------------------------------------------------
class Contender:
    kind = "call"
    ours = False

    def __init__(self, name):
        self.name = name

    def prepare(self, threads):
        """Loads data; outside the time."""

    def once(self, threads):
        """One repetition: seconds and processor seconds of the work, `total_cpu` of all it used."""
        raise NotImplementedError

    def result(self):
        """Path of the last result, for scoring."""
        return None


def launch(command, env, scratch):
    report = os.path.join(scratch, "launch.json")
    log = os.path.join(scratch, "launch.log")
    with open(log, "wb") as out:
        subprocess.run([sys.executable, "-I", "-S", os.path.join(HERE, "launch.py"), report] + command,
                       env=env, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    if not os.path.exists(report):
        raise NotRun(f"{command[0]} cannot be started")
    with open(report) as f:
        found = json.load(f)
    os.remove(report)
    if found["code"] != 0:
        with open(log, errors="replace") as f:
            last = " ".join(f.read().split())[-160:]
        raise NotRun(f"exit code {found['code']} after: {last}")
    return found


class Process(Contender):
    """A command; its arguments may hold {threads}."""

    kind = "process"

    def __init__(self, name, command, result, scratch, ours=False):
        super().__init__(name)
        self.command, self.path, self.scratch, self.ours = command, result, scratch, ours

    def once(self, threads):
        command = [a.replace("{threads}", str(threads)) for a in self.command]
        found = launch(command, environment(threads), self.scratch)
        return {"seconds": found["seconds"], "cpu": found["cpu"], "total_cpu": found["cpu"],
                "peak_mib": found["peak_mib"]}

    def result(self):
        return self.path


class Benchmark(Contender):
    """A Google Benchmark of ours: seconds of the call, without loading."""

    def __init__(self, name, program, job, coils, data, scratch, ours=True):
        super().__init__(name)
        self.program, self.job, self.coils = program, job, coils
        self.data, self.scratch, self.ours = data, scratch, ours

    def once(self, threads):
        out = os.path.join(self.scratch, "benchmark.json")
        env = environment(threads, CARDIOMM_PEERS_DATA=self.data, CARDIOMM_PEERS_OUT=self.scratch)
        found = launch([self.program, f"--benchmark_filter=^{self.job}/{self.coils}/",
                        f"--benchmark_out={out}", "--benchmark_out_format=json"], env, self.scratch)
        with open(out) as f:
            runs = json.load(f)["benchmarks"]
        if not runs or runs[0].get("error_occurred"):
            raise NotRun(runs[0]["error_message"] if runs else "no such benchmark")
        return {"seconds": runs[0]["real_time"], "cpu": runs[0]["cpu_time"], "total_cpu": found["cpu"],
                "peak_mib": found["peak_mib"]}

    def result(self):
        return os.path.join(self.scratch, f"{self.job}_{self.coils}.npy")


class Worker:
    """A process of worker.py for one tool and number of threads."""

    def __init__(self, python, tool, threads, data):
        self.process = subprocess.Popen(
            [python, os.path.join(HERE, "worker.py"), tool, str(threads), data], env=environment(threads),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1)

    def ask(self, limit=900, **command):
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
        except OSError:
            raise NotRun("its process ended") from None
        if not select.select([self.process.stdout], [], [], limit)[0]:
            self.process.kill()
            raise NotRun(f"no answer in {limit} s")
        line = self.process.stdout.readline()
        if not line:
            raise NotRun("its process ended")
        answer = json.loads(line)
        if "failed" in answer:
            raise NotRun(answer["failed"])
        return answer

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Workers:
    """Workers are started when they are first needed, and kept."""

    def __init__(self, python, data):
        self.python, self.data, self.running, self.versions = python, data, {}, {}

    def get(self, tool, threads):
        if not self.python:
            raise NotRun("no virtual environment of the Python peers")
        if (tool, threads) not in self.running:
            self.running[tool, threads] = Worker(self.python, tool, threads, self.data)
        return self.running[tool, threads]

    def end(self):
        for worker in self.running.values():
            worker.end()


class Call(Contender):
    """A call in a worker; the first one is not counted, unless it is so slow that it is the only one."""

    def __init__(self, name, workers, tool, job, coils, scratch, **options):
        super().__init__(name)
        self.workers, self.tool = workers, tool
        self.job, self.coils, self.options, self.scratch = job, coils, options, scratch
        self.first = None

    def prepare(self, threads):
        worker = self.workers.get(self.tool, threads)
        self.workers.versions.update(
            worker.ask(do="prepare", id=self.name, job=self.job, coils=self.coils, options=self.options))
        self.worker, self.first = worker, True

    def once(self, threads):
        if self.first:
            self.first = False
            cold = self.worker.ask(do="run", id=self.name)
            if cold["seconds"] > 8:
                return {**cold, "total_cpu": cold["cpu"], "note": "first call"}
        answer = self.worker.ask(do="run", id=self.name)
        return {**answer, "total_cpu": answer["cpu"]}

    def result(self):
        path = os.path.join(self.scratch, "call.npy")
        self.worker.ask(do="save", path=path)
        return path

    def forget(self):
        if self.first is not None:
            self.worker.ask(do="forget")


# ---- what is installed ---------------------------------------------------------------------------------
def find_bart(name):
    """Debian's BART 0.8 on the PATH."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if os.access(os.path.join(folder, name), os.X_OK):
            return [os.path.join(folder, name)]
    return None


def find_newest_bart(root):
    """BART of the root folder of `./dev newest`, started by that folder's loader and libraries: what
    chroot would run, without root's rights or copies of the data."""
    bart = os.path.join(root, "usr/bin/bart")
    loaders = glob.glob(os.path.join(root, "usr/lib/*/ld-linux-*.so.*"))
    if not os.path.exists(bart) or not loaders:
        return None
    libraries = os.path.dirname(loaders[0])
    path = ":".join(os.path.join(libraries, sub) for sub in ("blas", "lapack", ""))
    return [loaders[0], "--library-path", path, bart]


def version_of(command):
    try:
        text = subprocess.run(command + ["version"], capture_output=True, text=True).stdout
        return text.strip().split("\n")[0]
    except OSError:
        return None


def make_venv(folder):
    """The virtual environment with the Python peers; returns its interpreter, or None."""
    python = os.path.join(folder, "bin/python")
    complete = os.path.join(folder, "complete")
    if os.path.exists(complete):
        return python
    say("making the virtual environment of the Python peers (once; about 7 GB)")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "install.log"), "w") as log:
        def pip(*packages):
            return subprocess.run([python, "-m", "pip", "install", "-q", *packages], stdout=log,
                                  stderr=log).returncode == 0

        if subprocess.run([sys.executable, "-m", "venv", folder], stdout=log, stderr=log).returncode:
            say(f"no virtual environment (is python3-venv installed?); see {log.name}")
            return None
        if not pip(*PACKAGES):  # one that cannot be had must not keep the others out
            for package in PACKAGES:
                if not pip(package):
                    say(f"pip could not install {package}; see {log.name}")
    open(complete, "w").close()
    return python


def make_data(folder, python):
    if os.path.exists(os.path.join(folder, "info.json")):
        return
    shared = os.environ.get("CARDIOMM_SHARED") or os.path.join(ROOT, "..", "shared")
    tool = os.path.join(shared, "tools/peers/gen_data.py")
    if not os.path.exists(tool):
        raise SystemExit(f"run.py: no {tool}: set CARDIOMM_SHARED, or --data to a folder that it made")
    if not python:
        raise SystemExit("run.py: the data need NumPy: no virtual environment")
    say("making the data (once; 2.4 GB)")
    subprocess.run([python, tool, "--out", folder, "--R", "4"], check=True, stdout=subprocess.DEVNULL)


# ---- measuring -------------------------------------------------------------------------------------------
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
        record = {"case": case["name"], "coils": case["coils"], "threads": threads, "contender": c.name,
                  "kind": c.kind, "ours": c.ours, "seconds": [], "cpu": [], "foreign": [], "peak_mib": 0.0}
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
                        record.update(scorer.ask(do="score", kind=case["score"], path=path, coils=case["coils"]))
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
            slow = {c for c in live if not c.ours and records[c.name]["seconds"][0] > args.long
                    and records[c.name]["seconds"][0] > 1.4 * fastest}
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
    """bench_linop_normal: the fused operator, the chain with FFTW MEASURE, and the peak, in one run."""
    program = os.path.join(args.build, "bin/bench_linop_normal")
    out = os.path.join(args.scratch, "normal.json")
    if not os.path.exists(program):
        return [], f"no {program}"
    repetitions = 3 if args.quick else args.repetitions
    found = subprocess.run(
        [program, f"--benchmark_out={out}", "--benchmark_out_format=json", "--benchmark_min_time=0.05",
         f"--benchmark_repetitions={repetitions}", "--benchmark_enable_random_interleaving=true"]
        + (["--benchmark_filter=coils:10"] if args.quick else []),
        env=environment(threads), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if found.returncode:
        return [], f"{program}: exit code {found.returncode}"
    with open(out) as f:
        runs = json.load(f)["benchmarks"]
    table = {}
    for run in runs:
        if run.get("aggregate_name", "median") != "median" or run["run_type"] != "aggregate":
            continue
        which, sizes = run["run_name"].split("/")[0], dict(p.split(":") for p in run["run_name"].split("/")[1:4])
        row = table.setdefault(tuple(sizes.items()), {"threads": threads, **{k: int(v) for k, v in sizes.items()}})
        row[which + "_ms"] = run["real_time"]
        if which == "fused":
            row["percent_of_peak"] = run["% of peak"]
    for row in table.values():
        row["ratio"] = row["chain_ms"] / row["fused_ms"]
    return list(table.values()), None


# ---- the cases -------------------------------------------------------------------------------------------
def cases(args, workers, bart08, bart10):
    build, data, scratch = args.build, args.data, args.scratch
    ours_program = os.path.join(build, "bin/cardiomm")
    library = os.path.join(build, "bin/peers_ours")

    def file(name):
        return os.path.join(data, name)

    def out(name):
        return os.path.join(scratch, name)

    def bart(version, label, before, *arguments):
        name = f"BART {version}{label}"
        command = bart08 if version == "0.8" else bart10
        path = out("bart" + version[0] + version[2])
        if not command:
            missing = Contender(name)
            missing.prepare = lambda threads: not_to_be_had(version)
            return missing
        return Process(name, command + before + list(arguments) + [path], path, scratch)

    def not_to_be_had(version):
        raise NotRun("no bart on the PATH" if version == "0.8" else
                     f"no BART in {args.sid}; ./dev newest makes that folder")

    frames = ["-p", "1024", "-e", str(IMAGES), "-t", "{threads}"]
    found = []
    for coils in args.coils:
        kspace, maps, centre = file(f"und_{coils}_4"), file(f"maps_{coils}"), file(f"tavg_{coils}")
        pics = ["pics", "-i10", "-w1", kspace, maps]
        contenders = [
            Benchmark("ours", library, "sense", coils, data, scratch),
            Process("ours, program", [ours_program, "recon", "--method", "sense", "--iterations", "10",
                                      "--lambda", "0", "--kspace", kspace + ".cfl", "--maps", maps + ".cfl",
                                      "--out", out("ours.cfl")], out("ours"), scratch, ours=True),
            Call("bartorch", workers, "bartorch", "sense", coils, scratch),
            bart("1.0", ", by frames", frames, *pics),
        ]
        if not args.quick:
            contenders += [bart("0.8", "", [], *pics), Call("SigPy", workers, "sigpy", "sense", coils, scratch),
                           Call("MRpro", workers, "mrpro", "sense", coils, scratch)]
        found.append({"name": "CG-SENSE, 10 iterations", "id": "sense", "coils": coils, "score": "image",
                      "contenders": contenders})

        ecalib = ["ecalib", "-m1", "-r24", "-c0"]
        same = ["-t", "0.0004"]  # our threshold 0.02, squared
        contenders = [
            Benchmark("ours", library, "espirit", coils, data, scratch),
            Call("bartorch", workers, "bartorch", "espirit", coils, scratch),
            Call("bartorch -t 0.0004", workers, "bartorch", "espirit", coils, scratch, threshold=0.0004),
            bart("1.0", " -A (Nystroem)", [], *ecalib, "-A", centre),
            bart("1.0", " -A -t 0.0004", [], *ecalib, "-A", *same, centre),
        ]
        if not args.quick:
            contenders += [bart("1.0", "", [], *ecalib, centre), bart("1.0", " -t 0.0004", [], *ecalib, *same, centre),
                           bart("0.8", "", [], *ecalib, centre), bart("0.8", " -t 0.0004", [], *ecalib, *same, centre),
                           Call("SigPy", workers, "sigpy", "espirit", coils, scratch)]
        found.append({"name": "ESPIRiT, one slice", "id": "espirit", "coils": coils, "score": "maps",
                      "contenders": contenders})

        full = file(f"full_{coils}")
        contenders = [
            Benchmark("ours", library, "fft", coils, data, scratch),
            Benchmark("FFTW MEASURE, folded phases", library, "fftw", coils, data, scratch, ours=False),
            Call("SciPy", workers, "scipy", "fft", coils, scratch),
            bart("1.0", "", [], "fft", "-u", "3", full),
        ]
        if not args.quick:
            contenders.append(bart("0.8", "", [], "fft", "-u", "3", full))
        found.append({"name": f"Centred FFT of {IMAGES} x coils planes", "id": "fft", "coils": coils, "score": "fft",
                      "contenders": contenders})
    return [c for c in found if re.search(args.only, f"{c['id']}_{c['coils']}")]


# ---- ratios -------------------------------------------------------------------------------------------------
def ratios(runs, normal):
    rows = []

    def row(what, coils, threads, ours, peer, target):
        rows.append({"what": what, "coils": coils, "threads": threads, "ours": ours["median"],
                     "peer": peer["contender"], "peer_seconds": peer["median"],
                     "ratio": peer["median"] / ours["median"], "target": target,
                     "error": ours.get("error"), "peer_error": peer.get("error"),
                     "disturbed": ours["disturbed"] or peer["disturbed"]})

    for case, coils, threads in sorted({(r["case"], r["coils"], r["threads"]) for r in runs}):
        these = [r for r in runs if (r["case"], r["coils"], r["threads"]) == (case, coils, threads) and "median" in r]
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
            equal = [r for r in peers if r.get("error", 1) <= 1.05 * ours[0].get("error", 0)]
            if equal:
                row("the same, peers of equal map error", coils, threads, ours[0], equal[0], 5)
        else:
            fftw = [r for r in peers if r["contender"].startswith("FFTW")]
            row(case, coils, threads, ours[0], (fftw or peers)[0], 1)
    for r in sorted(normal, key=lambda r: (r["coils"], r["ny"], r["nx"], r["threads"])):
        rows.append({"what": f"Normal operator {r['ny']} x {r['nx']}", "coils": r["coils"], "threads": r["threads"],
                     "ours": r["fused_ms"] / 1e3, "peer": "chain with FFTW MEASURE", "peer_seconds": r["chain_ms"] / 1e3,
                     "ratio": r["ratio"], "target": 4, "percent_of_peak": r["percent_of_peak"], "disturbed": False})
    return rows


def memory(runs):
    """Peaks of our processes, libraries and all, against data + maps + 6 images."""
    rows = []
    for r in runs:
        if r["ours"] and r["case"].startswith("CG") and r["peak_mib"]:
            allowed = (r["coils"] * (IMAGES + 1) + 6 * IMAGES) * PIXELS * 8 / 2**20
            rows.append({"process": "program" if r["kind"] == "process" else "call", "coils": r["coils"], "threads": r["threads"], "peak_mib": r["peak_mib"], "allowed_mib": allowed})
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
    return {"date": datetime.datetime.now().strftime("%Y-%m-%d %H:%M"), "cpu": cpu, "cores": CORES,
            "git": output("git", "describe", "--always", "--dirty"),
            "compiler": output(os.environ.get("CXX", "c++"), "--version").split("\n")[0],
            "repetitions": args.repetitions, "quick": args.quick}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="build folder")
    parser.add_argument("--data", help="folder of gen_data.py (default: made in the build folder)")
    parser.add_argument("--venv", help="virtual environment of the Python peers (default: made in the build folder)")
    parser.add_argument("--sid", default="", help="root folder that holds BART 1.0")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--coils", default="10,30")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--long", type=float, default=3, help="seconds from which a slow peer runs once")
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait for a quiet machine, in all")
    parser.add_argument("--only", default=".", help="expression for the cases sense_10, espirit_30, fft_10, normal ...")
    parser.add_argument("--quick", action="store_true", help="10 coils, the fastest peers, 2 repetitions")
    parser.add_argument("--out", help="the report (default: peers.json in the build folder)")
    parser.add_argument("--table", metavar="REPORT", help="print the tables of a report, run nothing")
    args = parser.parse_args()
    if args.table:
        with open(args.table) as f:
            report = json.load(f)
        print(context_line(report) + "\n\n" + tables(report))
        return
    if args.quick:
        args.coils, args.repetitions, args.patience = "10", min(2, args.repetitions), min(5, args.patience)
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
                say(f"{time.time() - begun:5.0f} s  {case['name']}, {case['coils']} coils, {threads} threads: "
                    f"{time.time() - at:.0f} s")
        if re.search(args.only, "normal"):
            for threads in args.threads:
                at = time.time()
                rows, reason = normal_operator(args, threads)
                report["normal"] += rows
                say(f"{time.time() - begun:5.0f} s  normal operator, {threads} threads: "
                    + (f"not run: {reason}" if reason else f"{time.time() - at:.0f} s"))
    finally:
        workers.end()
    report["context"]["versions"] = {"BART 0.8": bart08 and version_of(bart08),
                                     "BART 1.0": bart10 and version_of(bart10), **workers.versions}
    report["context"]["seconds"] = round(time.time() - begun_runs)
    report["ratios"] = ratios(report["runs"], report["normal"])
    report["memory"] = memory(report["runs"])
    with open(out, "w") as f:
        json.dump(report, f, indent=1)
    print(context_line(report) + "\n\n" + tables(report))
    say(f"\n{time.time() - begun:.0f} seconds; report: {out}")
    broken = sorted({r["contender"] for r in report["runs"] if r["ours"] and "not_run" in r})
    if broken:
        raise SystemExit(f"run.py: did not run: {', '.join(broken)}")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""The contenders of run.py: commands, benchmarks of ours, and calls in workers."""

import json
import os
import select
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def environment(threads, **more):
    env = dict(os.environ, CUDA_VISIBLE_DEVICES="", OMP_PROC_BIND="false", **more)
    for name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        env[name + "_NUM_THREADS"] = str(threads)
    return env


class NotRun(Exception):
    """A contender that is not to be had, with the reason."""


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
        subprocess.run(
            [sys.executable, "-I", "-S", os.path.join(HERE, "launch.py"), report] + command,
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
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
        return {
            "seconds": found["seconds"],
            "cpu": found["cpu"],
            "total_cpu": found["cpu"],
            "peak_mib": found["peak_mib"],
        }

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
        found = launch(
            [
                self.program,
                f"--benchmark_filter=^{self.job}/{self.coils}/",
                f"--benchmark_out={out}",
                "--benchmark_out_format=json",
            ],
            env,
            self.scratch,
        )
        with open(out) as f:
            runs = json.load(f)["benchmarks"]
        if not runs or runs[0].get("error_occurred"):
            raise NotRun(runs[0]["error_message"] if runs else "no such benchmark")
        return {
            "seconds": runs[0]["real_time"],
            "cpu": runs[0]["cpu_time"],
            "total_cpu": found["cpu"],
            "peak_mib": found["peak_mib"],
        }

    def result(self):
        return os.path.join(self.scratch, f"{self.job}_{self.coils}.npy")


class Worker:
    """A process of worker.py for one tool and number of threads."""

    def __init__(self, python, tool, threads, data):
        self.process = subprocess.Popen(
            [python, os.path.join(HERE, "worker.py"), tool, str(threads), data],
            env=environment(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )

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
    """A call in a worker; the first is not counted, unless it is so slow that it is
    the only one."""

    def __init__(self, name, workers, tool, job, coils, scratch, **options):
        super().__init__(name)
        self.workers, self.tool = workers, tool
        self.job, self.coils, self.options, self.scratch = job, coils, options, scratch
        self.first = None

    def prepare(self, threads):
        worker = self.workers.get(self.tool, threads)
        self.workers.versions.update(
            worker.ask(
                do="prepare", id=self.name, job=self.job, coils=self.coils, options=self.options
            )
        )
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

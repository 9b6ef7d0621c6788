# SPDX-License-Identifier: Apache-2.0
"""What the figures of a run depend on: machine, sources, and what else the processor did."""

import datetime
import os
import platform
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
# Of the programs' own contexts (bench/support/main.cpp and Google Benchmark).
FROM_PROGRAMS = (
    "cardiomm", "built_from", "kokkos", "kokkos_backends", "kokkos_configuration",
    "execution_space", "threads",
    "lanes_float", "lane_bytes", "lane_set", "abi", "compiler", "flags", "build_type", "fftw",
    "fft_effort", "caches", "mhz_per_cpu", "cpu_scaling_enabled", "library_build_type",
)  # fmt: skip


def output(*command):
    try:
        found = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        return found.stdout.strip() if found.returncode == 0 else ""
    except OSError:
        return ""


def git():
    """Hash, and whether files that git knows differ from it."""
    found = output("git", "rev-parse", "--short=12", "HEAD")
    if not found:
        return {"git": "unknown", "git_dirty": None}
    changed = output("git", "status", "--porcelain", "--untracked-files=no")
    return {"git": found, "git_dirty": bool(changed)}


def cpu_model():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            for line in f:
                if line.lower().startswith(("model name", "cpu model")):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def memory_gib():
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (ValueError, OSError):
        return None


def governor():
    try:
        with open("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", encoding="utf-8") as f:
            return f.read().strip()
    except OSError:
        return "not told"


def load():
    try:
        return [round(v, 2) for v in os.getloadavg()]
    except OSError:
        return None


def busy():
    """Processor seconds that the machine has spent, or nothing where it does not tell."""
    try:
        with open("/proc/stat", encoding="utf-8") as stat:
            ticks = [int(t) for t in stat.readline().split()[1:9]]
        return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None


def own():
    t = os.times()
    return t.user + t.system + t.children_user + t.children_system


class Watch:
    """What other programs used of the processor while this run went on."""

    def __init__(self):
        self.begun, self.busy, self.own = datetime.datetime.now(), busy(), own()

    def foreign_cores(self):
        now, wall = busy(), (datetime.datetime.now() - self.begun).total_seconds()
        if now is None or self.busy is None or wall <= 0:
            return None
        return round(max(0.0, (now - self.busy - own() + self.own) / wall), 2)

    def seconds(self):
        return round((datetime.datetime.now() - self.begun).total_seconds())


def machine():
    """Everything that is known before the first program runs."""
    environment = {
        k: v
        for k, v in sorted(os.environ.items())
        if re.match(r"(OMP_|KOKKOS_|KMP_|GOMP_|CARDIOMM_FFT)", k)
    }
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        **git(),
        "cpu": cpu_model(),
        "cores": CORES,
        "architecture": platform.machine(),
        "memory_gib": memory_gib(),
        "system": f"{platform.system()} {platform.release()}",
        "governor": governor(),
        "python": platform.python_version(),
        "environment": environment,
        "load_at_start": load(),
    }


def add_program(context, found):
    """Takes in what a program told; names what two of them tell differently."""
    for key in FROM_PROGRAMS:
        if key not in found:
            continue
        if key in ("cardiomm", "mhz_per_cpu") or key not in context:
            context.setdefault(key, found[key])
        elif context[key] != found[key]:
            context.setdefault("mixed", {})[key] = [context[key], found[key]]

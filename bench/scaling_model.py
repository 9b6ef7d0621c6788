#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A MODEL of data-parallel training on up to 1,024 processes, from measurements on one machine.

  scaling_model.py --measure PROGRAM   runs dist_allreduce (bench/dist) alone and by mpirun -n 2 and
                                       4, and writes docs/scaling.json
  scaling_model.py                     reads docs/scaling.json, writes the tables of
                                       docs/distributed.md and docs/pictures/scaling.svg

Nothing here but --measure runs on several processes; what is assumed stands in ASSUMED below and in
the tables. Needs Python 3 only.
"""
import argparse
import json
import math
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DOCS = os.path.join(HERE, "..", "docs")

# What was not measured. Latency: of one message; rate: of one link in one direction, bytes/s, four
# fifths of what its name says. Period: how often the thread of dist/reduction.hpp enters MPI.
ASSUMED = {
    "networks": {"100 Gb/s": {"latency": 3e-6, "rate": 0.8 * 12.5e9},
                 "400 Gb/s": {"latency": 3e-6, "rate": 0.8 * 50e9}},
    "period": 100e-6,
    "bucket": 4 << 20,
    "accelerator_flops": 20e12,   # sustained, forward and backward
    "backward_flops": 2.0,        # of those of forward
    "strong_batch": 1024,
}
COUNTS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]


def sum_seconds(size, processes, latency, rate):
    """One sum of `size` bytes on links of their own: the better of a ring (Patarasuk, Yuan, J Parallel
    Distrib Comput 69, 2009) and of recursive halving and doubling (Thakur et al., Int J High Perform
    Comput Appl 19, 2005). Both send 2 (N - 1) / N of the bytes; they differ in the messages."""
    if processes == 1:
        return 0.0
    moved = 2 * (processes - 1) / processes * size / rate
    ring = 2 * (processes - 1) * latency
    halving = 2 * math.ceil(math.log2(processes)) * latency
    if processes & (processes - 1):
        halving += 2 * latency + 2 * size / rate   # the processes beyond a power of two
    return moved + min(ring, halving)


def pieces(ready, bucket):
    """[(when, bytes)] with nothing larger than a bucket."""
    out = []
    for when, size in ready:
        n = max(1, math.ceil(size / bucket))
        out += [(when, size / n)] * n
    return out


def exposed(ready, compute, processes, network, overlap=True):
    """Seconds of sums after the backward pass of the last sample, which takes `compute` with its
    forward pass. One sum at a time; while the pass runs every message waits for the thread."""
    if processes == 1:
        return 0.0
    rounds_latency, rate = network["latency"], network["rate"]
    now = 0.0
    for when, size in pieces(ready, ASSUMED["bucket"]):
        now = max(now, when * compute if overlap else compute)
        slow = sum_seconds(size, processes, rounds_latency + ASSUMED["period"], rate)
        fast = sum_seconds(size, processes, rounds_latency, rate)
        if now + slow <= compute:
            now += slow
        elif now >= compute:
            now += fast
        else:   # the part after the pass goes on without waiting for the thread
            left = 1 - (compute - now) / slow
            now = compute + left * fast
    return max(0.0, now - compute)


def weak(case, processes, network, overlap=True):
    """Seconds of a step with one sample a process."""
    return case["compute"] + exposed(case["ready"], case["compute"], processes, network, overlap)


def strong(case, processes, network, overlap=True):
    """Seconds of a step with a batch of a fixed size."""
    samples = math.ceil(ASSUMED["strong_batch"] / processes)
    return (samples * case["compute"]
            + exposed(case["ready"], case["compute"], processes, network, overlap))


def cases(measured):
    out = []
    for name in ("small", "full"):
        step = measured["steps"][name]
        ready = step["ready"]
        cpu = step["processor_seconds"]["min"]
        out.append({"network": name, "compute": cpu, "ready": ready,
                    "where": "one core, measured", "parameters": step["parameters"],
                    "bytes": sum(b for _, b in ready)})
        flop = step["gflop_forward"] * 1e9 * (1 + ASSUMED["backward_flops"])
        out.append(dict(out[-1], compute=flop / ASSUMED["accelerator_flops"],
                        where="accelerator, assumed"))
    return out


def fit(rows, processes):
    """Latency and rate of sum_seconds from the smallest times of up to 1 MiB."""
    small = min(r["seconds"]["min"] for r in rows if r["bytes"] <= 1024)
    latency = small / sum_seconds(0, processes, 1.0, 1.0)
    big = [r for r in rows if 1 << 18 <= r["bytes"] <= 1 << 20]
    rate = min(2 * (processes - 1) / processes * r["bytes"] / (r["seconds"]["min"] - small)
               for r in big)
    return {"latency": latency, "rate": rate}


def seconds(t):
    for limit, scale, unit in ((1e-3, 1e6, "us"), (1, 1e3, "ms"), (1e9, 1, "s")):
        if t < limit:
            return f"{t * scale:.3g} {unit}"
    return str(t)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(r) + " |" for r in rows])


def measured_tables(m):
    rows = []
    by = {n: {r["bytes"]: r for r in m["sums"][n]["rows"]} for n in m["sums"]}
    for size in sorted(next(iter(by.values()))):
        if size in (4, 1024, 65536, 1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 26):
            row = [f"{size:,}"]
            for n in sorted(by, key=int):
                t = by[n][size]
                row += [seconds(t["seconds"]["min"]), seconds(t["seconds"]["median"])]
            rows.append(row)
    head = ["bytes"] + [f"{n} processes, {w}" for n in sorted(by, key=int)
                        for w in ("smallest", "median")]
    text = ["Sums on one machine (shared memory):", "", table(head, rows), ""]
    fits = {n: fit(m["sums"][n]["rows"], int(n)) for n in sorted(by, key=int)}
    text += ["Fitted to the smallest times: " + "; ".join(
        f"{n} processes: latency {seconds(f['latency'])}, {f['rate'] / 1e9:.2f} GB/s"
        for n, f in fits.items()) + ". By that, 40 MB take " + " and ".join(
            seconds(sum_seconds(40e6, int(n), f["latency"], f["rate"])) for n, f in fits.items())
        + "; what sums after backward take beyond it below is waiting for cores that others had.", ""]
    rows = []
    names = ["sums_after", "overlapped_thread", "overlapped_polled"]
    for key, o in m["overlap"].items():
        what, n = key.split()
        idle = what == "idle"
        label = ("idle processors, 40.0 MB" if idle else
                 f"{what} network, {o['gradient_bytes'] / 1e6:.1f} MB")
        alone = o["alone"]["step"]["median"]
        row = [label, n, seconds(alone)]
        after = o["sums_after"]["step"]["median"] - alone
        for name in names:
            step = o[name]["step"]["median"]
            hidden = f" ({100 * (1 - (step - alone) / after):.0f} % hidden)"
            row.append(seconds(step) + (hidden if idle and name != "sums_after" else ""))
        rows.append(row)
    text += ["Seconds of a step, medians:", "",
             table(["", "processes", "without sums", "sums after backward",
                    "beside it, by the thread", "beside it, by polling between cascades"], rows)]
    return "\n".join(text)


def model_tables(all_cases):
    text = []
    for c in all_cases:
        text += [f"**{c['network']} network** ({c['parameters'] / 1e6:.3g} M trained parameters, "
                 f"{c['bytes'] / 1e6:.3g} MB of gradients), {seconds(c['compute'])} a sample "
                 f"({c['where']}):", ""]
        head = ["processes"]
        for name in ASSUMED["networks"]:
            head += [f"{name}: weak, s/step", "efficiency", "the same without overlap",
                     "strong: speed-up"]
        rows = []
        for n in COUNTS[:3] + COUNTS[4::2]:
            row = [f"{n:,}"]
            for net in ASSUMED["networks"].values():
                w = weak(c, n, net)
                row += [f"{w:.4g}", f"{100 * c['compute'] / w:.1f} %",
                        f"{100 * c['compute'] / weak(c, n, net, False):.1f} %",
                        f"{strong(c, 1, net) / strong(c, n, net):,.0f}"]
            rows.append(row)
        text += [table(head, rows), ""]
    return "\n".join(text).rstrip()


def picture(all_cases, path):
    """Weak scaling efficiency; every curve is the model."""
    w, h, left, top, right, bottom = 720, 400, 60, 40, 250, 50
    low = 0.0
    x = lambda n: left + (w - left - right) * math.log2(n) / 10
    y = lambda e: top + (h - top - bottom) * (1 - (e - low) / (1 - low))
    colours = ["#1b6ca8", "#d1495b", "#2e8b57", "#b8860b"]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" '
           f'viewBox="0 0 {w} {h}" font-family="sans-serif" font-size="12">',
           f'<rect width="{w}" height="{h}" fill="white"/>',
           f'<text x="{left}" y="22" font-size="14">MODEL: efficiency of weak scaling '
           '(one sample a process)</text>']
    for i in range(0, 11):
        n = 2 ** i
        out.append(f'<line x1="{x(n):.1f}" y1="{top}" x2="{x(n):.1f}" y2="{h - bottom}" '
                   'stroke="#ddd"/>')
        out.append(f'<text x="{x(n):.1f}" y="{h - bottom + 16}" text-anchor="middle">{n}</text>')
    for i in range(0, 6):
        e = i / 5
        out.append(f'<line x1="{left}" y1="{y(e):.1f}" x2="{w - right}" y2="{y(e):.1f}" '
                   'stroke="#ddd"/>')
        out.append(f'<text x="{left - 8}" y="{y(e) + 4:.1f}" text-anchor="end">{100 * e:.0f} %'
                   '</text>')
    out.append(f'<text x="{(left + w - right) / 2:.0f}" y="{h - 12}" text-anchor="middle">'
               'processes</text>')
    line = 0
    for c, colour in zip(all_cases, colours):
        for (name, net), dash in zip(ASSUMED["networks"].items(), ("5 4", "none")):
            points = " ".join(f"{x(n):.1f},{y(c['compute'] / weak(c, n, net)):.1f}"
                              for n in COUNTS)
            style = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
            out.append(f'<polyline points="{points}" fill="none" {style}/>')
            ly = top + 10 + 20 * line
            line += 1
            out.append(f'<line x1="{w - right + 12}" y1="{ly}" x2="{w - right + 40}" y2="{ly}" '
                       f'{style}/>')
            out.append(f'<text x="{w - right + 46}" y="{ly + 4}">{c["network"]}, '
                       f'{c["where"].split(",")[0]}, {name}</text>')
    out.append("</svg>\n")
    with open(path, "w") as f:
        f.write("\n".join(out))


def measure(program):
    run = lambda n, *a: json.loads(subprocess.run(
        (["mpirun", "--oversubscribe", "--allow-run-as-root", "--bind-to", "none", "-n", str(n)]
         if n > 1 else []) + [program, *a], check=True, capture_output=True, text=True,
        env=dict(os.environ, OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive")).stdout)
    result = {"machine": os.uname().machine, "processors": len(os.sched_getaffinity(0)),
              "load": os.getloadavg()[0], "sums": {}, "steps": {}, "overlap": {}}
    for n in (2, 4):
        result["sums"][str(n)] = run(n, "sums")
        result["overlap"][f"idle {n}"] = run(n, "idle", "40", "0.2")
    for n in (2, 4):
        result["overlap"][f"small {n}"] = run(n, "step", "small", "5")
    result["steps"]["small"] = run(1, "step", "small", "5")
    result["steps"]["full"] = run(1, "step", "full", "1")
    with open(os.path.join(DOCS, "scaling.json"), "w") as f:
        json.dump(result, f, indent=1)
        f.write("\n")


def replace(path, marks):
    with open(path) as f:
        text = f.read()
    for mark, new in marks.items():
        begin, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
        if begin not in text or end not in text:
            sys.exit(f"{path}: expected the marks {begin} and {end}, found none")
        head, rest = text.split(begin, 1)
        text = head + begin + "\n\n" + new + "\n\n" + end + rest.split(end, 1)[1]
    with open(path, "w") as f:
        f.write(text)


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--measure", metavar="PROGRAM", help="dist_allreduce; measures first")
    a = p.parse_args()
    if a.measure:
        measure(a.measure)
    with open(os.path.join(DOCS, "scaling.json")) as f:
        measured = json.load(f)
    all_cases = cases(measured)
    replace(os.path.join(DOCS, "distributed.md"),
            {"measured": measured_tables(measured), "model": model_tables(all_cases)})
    picture(all_cases, os.path.join(DOCS, "pictures", "scaling.svg"))


if __name__ == "__main__":
    main()

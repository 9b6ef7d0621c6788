# SPDX-License-Identifier: Apache-2.0
"""Tables (Markdown) and plots (SVG, PNG) of a report."""

import os

import plots
from compare import banner, load_of
from results import duration, series_of, write_bytes, write_text

LAYERS = {
    "core": "Core", "fft": "Transforms", "linop": "Operators", "prox": "Proximal operators",
    "solve": "Solvers", "mri": "Reconstructions", "nn": "Layers and networks",
    "analysis": "Analysis", "peers": "Beside other programs",
}  # fmt: skip
CONTEXT = {
    "date": "date", "cpu": "processor", "cores": "cores", "caches": "caches",
    "memory_gib": "memory, GiB", "system": "system", "governor": "frequency governor",
    "compiler": "compiler", "flags": "flags", "build_type": "build type", "kokkos": "Kokkos",
    "kokkos_backends": "its back-ends", "execution_space": "execution space",
    "threads": "threads", "lane_set": "lanes", "lanes_float": "floats in a lane packet",
    "lane_bytes": "bytes of a packet", "abi": "ABI name", "fftw": "FFTW",
    "fft_effort": "effort of FFTW's plans", "load_at_start": "load at the start, 1, 5, 15 minutes",
    "load_at_end": "load at the end", "foreign_cores": "cores that other programs used meanwhile",
    "rounds": "rounds", "repetitions": "repetitions of a round",
    "min_time": "shortest time of a repetition, s", "quick": "quick", "filter": "filter",
    "environment": "environment", "seconds": "seconds of the whole run",
}  # fmt: skip


def cell(value):
    return str(value).replace("|", "\\|").replace("\n", " ")


def caches_text(caches):
    return ", ".join(
        f"L{c['level']} {c.get('type', '')[:1].lower()} {c['size'] // 1024} KiB" for c in caches
    )


def context_table(context):
    rows = ["| what | value |", "|---|---|"]
    dirty = {True: ", with changes", False: ", clean", None: ""}[context.get("git_dirty")]
    rows.append(f"| commit | {context.get('git', 'unknown')}{dirty} |")
    for key, name in CONTEXT.items():
        value = context.get(key)
        if value in (None, "", {}, []):
            continue
        if key == "caches":
            value = caches_text(value)
        elif isinstance(value, dict):
            value = ", ".join(f"{k}={v}" for k, v in value.items())
        elif isinstance(value, list):
            value = ", ".join(str(v) for v in value)
        elif isinstance(value, bool):
            value = "yes" if value else "no"
        rows.append(f"| {name} | {cell(value)} |")
    return "\n".join(rows)


def number(value):
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def layer_table(series):
    names = list(dict.fromkeys(k for s in series for k in s.counters))
    head = ["benchmark", "median", "noise", "n"] + names + ["note"] * any(s.label for s in series)
    rows = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for s in series:
        noise = s.spread()
        row = [f"{s.suite.split('/')[-1]}/{s.case}", duration(s.median)]
        row += ["unknown" if noise is None else f"{100 * noise:.1f} %", str(len(s.values))]
        row += [number(s.counters[k]) if k in s.counters else "" for k in names]
        rows.append("| " + " | ".join(cell(c) for c in row + [s.label] * ("note" in head)) + " |")
    return "\n".join(rows)


def layer_bars(title, series):
    rows = [
        plots.Bar(s.case, s.median, min(s.values), max(s.values), s.suite, duration(s.median))
        for s in series
        if s.median > 0
    ]
    axis = "median seconds of a call, and the range of the repetitions; shorter is better"
    return plots.Bars(title, axis, rows) if rows else None


def accuracy_lines(series):
    """Where benchmarks of a family tell how far from the best they ended: time against accuracy."""
    families = {}
    for s in series:
        if s.counters.get("gap", 0) > 0 and "/" in s.case:
            family, variant = s.case.split("/")[:2]
            families.setdefault(family, {}).setdefault(variant, []).append(s)
    for family, variants in families.items():
        curves = [
            (name, [s.median for s in found], [s.counters["gap"] for s in found])
            for name, found in variants.items()
        ]
        yield family, plots.Lines(
            f"Solver variants: {family}", "time", "(objective - best) / best", curves
        )


def figures_of(series):
    """(file name, title, figure) of everything that is worth a picture."""
    for layer in dict.fromkeys(s.layer for s in series):
        these = [s for s in series if s.layer == layer]
        figure = layer_bars(LAYERS.get(layer, layer), these)
        if figure:
            yield layer, layer, figure
        for family, lines in accuracy_lines(these):
            yield f"{layer}-{family}", layer, lines


def write_report(report, folder, say=print):
    """report.md and its pictures in `folder`."""
    series = sorted(series_of(report).values(), key=lambda s: order(s.layer))
    context = report["context"]
    parts = ["# Benchmarks\n", "Times are medians; noise is half of the middle half of all repetitions, "
             "relative to the median.\nThe figures are in results.json beside this.\n"]  # fmt: skip
    warnings = []
    busy = load_of(context)
    if busy:
        warnings.append(f"These figures are from a loaded machine: {busy}.")
    if context.get("quick"):
        warnings.append("A quick run: few and short repetitions of the faster benchmarks.")
    for f in report.get("failed", []):
        warnings.append(f"Did not run: {f['suite']}: {f['reason']}")
    if warnings:
        say(banner(warnings))
        parts.append("\n".join(f"- **{w}**" for w in warnings) + "\n")
    parts.append(context_table(context) + "\n")
    pictures, no_png = {}, False
    for name, layer, figure in figures_of(series):
        write_text(os.path.join(folder, name + ".svg"), plots.svg(figure))
        data = None if no_png else plots.png(figure)
        no_png = data is None
        if data:
            write_bytes(os.path.join(folder, name + ".png"), data)
        pictures.setdefault(layer, []).append(f"![{figure.title}]({name}.svg)")
    for layer in dict.fromkeys(s.layer for s in series):
        parts.append(f"## {LAYERS.get(layer, layer)}\n")
        parts.append("\n".join(pictures.get(layer, [])) + "\n")
        parts.append(layer_table([s for s in series if s.layer == layer]) + "\n")
    if "not_run" in report.get("peers", {}):
        parts.append(f"## Beside other programs\n\nNot run: {report['peers']['not_run']}.\n")
    write_text(os.path.join(folder, "report.md"), "\n".join(parts))
    if no_png:
        say("   no PNG: neither matplotlib nor rsvg-convert nor Chromium could make one; the SVG are there")
    say(f"   {os.path.join(folder, 'report.md')}")


def order(layer):
    known = list(LAYERS)
    return known.index(layer) if layer in known else len(known)

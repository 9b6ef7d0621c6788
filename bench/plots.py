# SPDX-License-Identifier: Apache-2.0
"""Plots of benchmarks: SVG with the standard library alone, PNG where something can make one.

PNG comes from matplotlib where it is installed, else from the SVG by rsvg-convert or Chromium.
"""

import math
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

# Okabe and Ito: distinguishable for the colour-blind.
COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7f7f7f"]
SHADES = {"slower": "#d55e00", "faster": "#009e73", "": "#7f7f7f"}
UNITS = [(1e-9, "ns"), (1e-6, "us"), (1e-3, "ms"), (1.0, "s"), (1e3, "10^3 s")]
MOST_SERIES = 12


@dataclass
class Bar:
    label: str
    value: float
    low: float
    high: float
    group: str = ""
    note: str = ""
    colour: str = ""


@dataclass
class Bars:
    """Horizontal bars, or points about `reference`, on a logarithmic axis."""

    title: str
    axis: str
    rows: list = field(default_factory=list)
    reference: float = 0.0  # points instead of bars, about this value
    band: tuple = ()  # shaded range
    percent: bool = False  # ticks as changes in percent


@dataclass
class Lines:
    """Curves on two logarithmic axes: series of (name, [x], [y])."""

    title: str
    x_label: str
    y_label: str
    series: list = field(default_factory=list)


# ---- axes ----------------------------------------------------------------------------------------
def ticks(low, high):
    """Round numbers that cover [low, high] on a logarithmic axis."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    if last - first > 3:
        return [10.0**k for k in range(first, last + 1)]
    steps = (1, 2, 5)
    found = [m * 10.0**k for k in range(first - 1, last + 1) for m in steps]
    inside = [t for t in found if low <= t <= high]
    below = [t for t in found if t < low]
    above = [t for t in found if t > high]
    return below[-1:] + inside + above[:1]


def seconds_text(value):
    for factor, unit in reversed(UNITS):
        if value >= 0.999 * factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value:.1e} s"


def percent_text(value):
    return f"{100 * (value - 1):+.3g} %"


def power_text(value):
    return f"{value:.3g}" if 1e-3 <= value < 1e4 else f"{value:.0e}"


class Axis:
    """Numbers to pixels, logarithmic."""

    def __init__(self, values, begin, end, marks=None):
        values = [v for v in values if v > 0 and math.isfinite(v)] or [1.0]
        self.marks = marks or ticks(min(values), max(values))
        self.low, self.high = math.log(self.marks[0]), math.log(self.marks[-1])
        if self.high <= self.low:
            self.low, self.high = self.low - 0.5, self.high + 0.5
        self.begin, self.end = begin, end

    def __call__(self, value):
        value = min(max(math.log(value) if value > 0 else self.low, self.low), self.high)
        return self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin)


def ratio_marks(values):
    """Ticks of changes about 1: the smallest step that covers everything."""
    widest = max(max(v, 1 / v) for v in values if v > 0 and math.isfinite(v))
    for step in (1.05, 1.1, 1.2, 1.5, 2, 4, 10):
        if widest <= step**3:
            return [step**k for k in (-3, -2, -1, 0, 1, 2, 3)]
    top = 10 ** math.ceil(math.log10(widest))
    return [1 / top, top**-0.5, 1, top**0.5, top]


class Canvas:
    def __init__(self, width, height, title):
        self.width, self.height = width, height
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        ]

    def text(self, x, y, words, anchor="start", size=12, colour="#222222", turn=None, bold=False):
        extra = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn is not None else ""
        extra += ' font-weight="bold"' if bold else ""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
            f'fill="{colour}"{extra}>{escape(words)}</text>'
        )

    def line(self, x1, y1, x2, y2, colour="#dddddd", width=1.0):
        self.parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width}"/>'
        )

    def box(self, x, y, width, height, colour, hint="", opacity=1.0):
        inner = f"<title>{escape(hint)}</title>" if hint else ""
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}" '
            f'fill="{colour}" fill-opacity="{opacity}">{inner}</rect>'
        )

    def dot(self, x, y, colour, hint=""):
        inner = f"<title>{escape(hint)}</title>" if hint else ""
        self.parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}">{inner}</circle>'
        )

    def path(self, points, colour):
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(
            f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
        )

    def done(self):
        return "\n".join(self.parts + ["</svg>", ""])


def colours_of(groups):
    names = list(dict.fromkeys(groups))
    return {g: COLOURS[i % len(COLOURS)] for i, g in enumerate(names)}


# ---- the two kinds -------------------------------------------------------------------------------
def bars_svg(b):
    step, top, head = 17, 52, 20
    groups = list(dict.fromkeys(r.group for r in b.rows))
    headed = len(groups) > 1
    height = top + step * len(b.rows) + (head * len(groups) if headed else 0) + 34
    left = 24 + 6.3 * max(len(r.label) for r in b.rows)
    width = max(720, int(left + 400))
    canvas = Canvas(width, height, b.title)
    canvas.text(12, 22, b.title, size=15, bold=True)
    canvas.text(12, 40, b.axis, size=11, colour="#555555")
    reach = [v for r in b.rows for v in (r.low, r.value, r.high)]
    marks = ratio_marks(reach + [b.reference]) if b.reference else None
    axis = Axis(reach, left, width - 90, marks)
    name = percent_text if b.percent else seconds_text
    bottom = height - 28
    if b.band:
        canvas.box(axis(b.band[0]), top, axis(b.band[1]) - axis(b.band[0]), bottom - top, "#eeeeee")
    for m in axis.marks:
        canvas.line(axis(m), top, axis(m), bottom)
        canvas.text(axis(m), bottom + 15, name(m), "middle", 11, "#555555")
    y, colours, last = top, colours_of(groups), None
    for r in b.rows:
        if headed and r.group != last:
            y += head
            canvas.text(12, y - 6, r.group, size=12, bold=True)
        last = r.group
        colour, middle = r.colour or colours[r.group], y + step / 2
        canvas.text(left - 8, middle + 4, r.label, "end", 11)
        hint = f"{r.label}: {r.note}"
        if b.reference:
            canvas.line(axis(r.low), middle, axis(r.high), middle, colour, 1.6)
            canvas.dot(axis(r.value), middle, colour, hint)
        else:
            canvas.box(left, y + 3, axis(r.value) - left, step - 6, colour, hint, 0.8)
            canvas.line(axis(r.low), middle, axis(r.high), middle, "#222222", 1.4)
        canvas.text(width - 84, middle + 4, r.note, size=11, colour="#333333")
        y += step
    if b.reference:
        canvas.line(axis(b.reference), top, axis(b.reference), bottom, "#222222", 1.0)
    return canvas.done()


def lines_svg(p):
    width, height, left, right, top, bottom = 760, 420, 84, 200, 44, 362
    canvas = Canvas(width, height, p.title)
    canvas.text(12, 24, p.title, size=15, bold=True)
    x = Axis([v for _, xs, _ in p.series for v in xs], left, width - right)
    y = Axis([v for _, _, ys in p.series for v in ys], bottom, top)
    for m in x.marks:
        canvas.line(x(m), top, x(m), bottom)
        canvas.text(x(m), bottom + 16, seconds_text(m), "middle", 11, "#555555")
    for m in y.marks:
        canvas.line(left, y(m), width - right, y(m))
        canvas.text(left - 8, y(m) + 4, power_text(m), "end", 11, "#555555")
    canvas.text((left + width - right) / 2, height - 14, p.x_label, "middle")
    canvas.text(18, (top + bottom) / 2, p.y_label, "middle", turn=-90)
    for i, (name, xs, ys) in enumerate(p.series):
        colour = COLOURS[i % len(COLOURS)]
        points = sorted(zip(xs, ys))
        canvas.path([(x(a), y(b)) for a, b in points], colour)
        for a, b in points:
            canvas.dot(x(a), y(b), colour, f"{name}: {seconds_text(a)}, {power_text(b)}")
        canvas.dot(width - right + 18, top + 8 + 18 * i, colour)
        canvas.text(width - right + 28, top + 12 + 18 * i, name, size=11)
    return canvas.done()


def svg(figure):
    return bars_svg(figure) if isinstance(figure, Bars) else lines_svg(figure)


def changes(result):
    """SVG of a comparison (compare.py): the ratio of each benchmark with its interval."""
    rows = [
        Bar(r["name"], r["ratio"], r["low"], r["high"], "", percent_text(r["ratio"]),
            SHADES[r["verdict"]])
        for r in result["rows"]
        if 0 < r["low"] and math.isfinite(r["high"]) and 0 < r["ratio"] < math.inf
    ]  # fmt: skip
    edge = 1 + result["bound"]
    axis = f"change of the median with its interval; shaded: within {100 * result['bound']:g} %"
    figure = Bars("Changes", axis, rows or [Bar("none", 1, 1, 1)], 1.0, (1 / edge, edge), True)
    return bars_svg(figure)


# ---- PNG -------------------------------------------------------------------------------------------
def with_matplotlib(figure, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    if isinstance(figure, Bars):
        fig, ax = pyplot.subplots(figsize=(9, 1.2 + 0.22 * len(figure.rows)))
        colours = colours_of(r.group for r in figure.rows)
        places = range(len(figure.rows))
        shades = [r.colour or colours[r.group] for r in figure.rows]
        ax.barh(places, [r.value for r in figure.rows], color=shades)
        ax.hlines(places, [r.low for r in figure.rows], [r.high for r in figure.rows], color="k")
        ax.set_yticks(places, [f"{r.group} {r.label}".strip() for r in figure.rows], fontsize=7)
        ax.invert_yaxis()
        ax.set_xlabel(figure.axis)
    else:
        fig, ax = pyplot.subplots(figsize=(8, 4.5))
        for i, (name, xs, ys) in enumerate(figure.series):
            points = sorted(zip(xs, ys))
            ax.plot(*zip(*points), "o-", color=COLOURS[i % len(COLOURS)], label=name)
        ax.set_xlabel(figure.x_label + ", s")
        ax.set_ylabel(figure.y_label)
        ax.set_yscale("log")
        ax.legend(fontsize=7)
    ax.set_xscale("log")
    ax.set_title(figure.title)
    fig.savefig(path, dpi=120, bbox_inches="tight")
    pyplot.close(fig)


def browser():
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next((found for n in names if (found := shutil.which(n))), None)


def size_of(text):
    head = text[: text.index(">")]
    return [int(head.split(f' {key}="')[1].split('"')[0]) for key in ("width", "height")]


def with_program(text, path):
    """The SVG as PNG by another program; False where there is none, or it fails."""
    with tempfile.TemporaryDirectory() as scratch:
        source = os.path.join(scratch, "chart.svg")
        with open(source, "w", encoding="utf-8") as f:
            f.write(text)
        width, height = size_of(text)
        if shutil.which("rsvg-convert"):
            command = ["rsvg-convert", "-z", "2", "-o", path, source]
        elif browser():
            command = [
                browser(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                f"--user-data-dir={scratch}/profile", "--force-device-scale-factor=2",
                f"--window-size={width},{height}", f"--screenshot={path}", "file://" + source,
            ]  # fmt: skip
        else:
            return False
        try:
            subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, timeout=60, check=True,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            return False
        return os.path.exists(path)


def png(figure):
    """The bytes of a PNG, or nothing where no program can make one."""
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "chart.png")
        try:
            with_matplotlib(figure, path)
        except ImportError:
            if not with_program(svg(figure), path):
                return None
        with open(path, "rb") as f:
            return f.read()

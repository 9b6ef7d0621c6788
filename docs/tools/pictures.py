# SPDX-License-Identifier: Apache-2.0
"""Draws the pictures of docs/concepts.md and docs/architecture.md as SVG: pictures.py FOLDER"""

import sys
from html import escape
from pathlib import Path

INK, SOFT, LINE = "#1f2430", "#5b6473", "#8a93a3"
BLUE, RED, GREEN, SAND, GREY = "#dbe7fb", "#fbdfe3", "#dcf2e0", "#fdf0d2", "#eceff3"


class Drawing:
    def __init__(self, width, height):
        self.size, self.parts = (width, height), []

    def text(self, x, y, words, size=14, colour=INK, anchor="middle", weight="normal", mono=False):
        family = "ui-monospace,Menlo,Consolas,monospace" if mono else "system-ui,Segoe UI,Helvetica,sans-serif"
        self.parts.append(f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" '
                          f'font-weight="{weight}" font-family="{family}">{escape(words)}</text>')

    def box(self, x, y, w, h, title, lines=(), fill=BLUE, mono=False, size=15):
        self.parts.append(f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="7" fill="{fill}" stroke="{LINE}"/>')
        top = y + h / 2 - 9 * len(lines) + 5
        self.text(x + w / 2, top, title, size, weight="600", mono=mono)
        for i, line in enumerate(lines):
            self.text(x + w / 2, top + 19 + 17 * i, line, 12.5, SOFT)

    def arrow(self, x1, y1, x2, y2, words="", dashed=False, above=True):
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{INK}" stroke-width="1.5"'
                          f'{dash} marker-end="url(#a)"/>')
        if words:
            self.text((x1 + x2) / 2, (y1 + y2) / 2 + (-8 if above else 18), words, 12.5, SOFT)

    def path(self, d, dashed=False):
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(f'<path d="{d}" fill="none" stroke="{INK}" stroke-width="1.5"{dash} marker-end="url(#a)"/>')

    def rect(self, x, y, w, h, fill, stroke="none"):
        self.parts.append(f'<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{fill}" stroke="{stroke}"/>')

    def save(self, path, title):
        w, h = self.size
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" role="img" aria-label="{escape(title)}">'
                f'<title>{escape(title)}</title><defs><marker id="a" viewBox="0 0 10 10" refX="9" refY="5" '
                f'markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0 L10 5 L0 10 z" '
                f'fill="{INK}"/></marker></defs><rect width="{w}" height="{h}" fill="#ffffff"/>')
        path.write_text(head + "\n" + "\n".join(self.parts) + "\n</svg>\n")


def heart(d, x, y, size, tone="#6b7688"):
    """A small image: a chest with a ring in it."""
    d.rect(x, y, size, size, "#15181f")
    c = size / 2
    d.parts.append(f'<ellipse cx="{x + c}" cy="{y + c}" rx="{size * .44}" ry="{size * .36}" fill="#39404d"/>')
    d.parts.append(f'<circle cx="{x + c * 1.1}" cy="{y + c}" r="{size * .17}" fill="#e8ebf0" stroke="{tone}" '
                   f'stroke-width="{size * .055}"/>')
    d.parts.append(f'<ellipse cx="{x + c * .68}" cy="{y + c * .95}" rx="{size * .09}" ry="{size * .15}" fill="#cfd5de"/>')


def encoding(folder):
    d = Drawing(960, 330)
    heart(d, 20, 95, 120)
    d.text(80, 240, "image x", 15, weight="600")
    d.text(80, 260, "(frame, slice, y, x)", 12, SOFT)
    d.arrow(148, 155, 215, 155, "S")
    for i in range(4):
        x, y = 225 + 16 * i, 68 + 18 * i
        heart(d, x, y, 92, "#8a6d6d")
        light = ["x1='0' x2='1'", "x1='1' x2='0'", "x1='0' x2='1'", "x1='1' x2='0'"][i]
        d.parts.append(f'<defs><linearGradient id="g{i}" {light}><stop offset="0" stop-color="#fff" stop-opacity=".3"/>'
                       f'<stop offset="1" stop-color="#000" stop-opacity=".65"/></linearGradient></defs>'
                       f'<rect x="{x}" y="{y}" width="92" height="92" fill="url(#g{i})" stroke="#fff"/>')
    d.text(295, 240, "coil images", 15, weight="600")
    d.text(295, 260, "(frame, slice, coil, y, x)", 12, SOFT)
    d.arrow(375, 155, 440, 155, "F")
    for i in range(4):
        x, y = 450 + 16 * i, 68 + 18 * i
        d.rect(x, y, 92, 92, "#15181f", "#fff")
        for r, o in ((36, .15), (22, .3), (11, .6), (4, 1)):
            d.parts.append(f'<circle cx="{x + 46}" cy="{y + 46}" r="{r}" fill="#e8ebf0" fill-opacity="{o}"/>')
    d.text(520, 240, "k-space of the coils", 15, weight="600")
    d.arrow(600, 155, 665, 155, "M")
    for i in range(4):
        x, y = 675 + 16 * i, 68 + 18 * i
        d.rect(x, y, 92, 92, "#15181f", "#fff")
        for line in range(23):
            if 9 <= line <= 13 or line % 4 == 1:
                near = 1 - abs(line - 11) / 12
                d.rect(x + 2, y + 1 + 4 * line, 88, 2, f"rgba(232,235,240,{.25 + .75 * near:.2f})")
    d.text(745, 240, "measured data y", 15, weight="600")
    d.text(745, 260, "(frame, slice, coil, y, x)", 12, SOFT)
    d.path("M 820 290 L 80 290 L 80 270", dashed=True)
    d.text(450, 283, "adjoint(A) = S* F* M*: back to one image", 13, SOFT)
    d.text(480, 30, "A  =  line_mask(m) * fourier * sensitivity(s)", 17, mono=True, weight="600")
    d.text(880, 120, "the same lines", 12, SOFT)
    d.text(880, 137, "of all coils, others", 12, SOFT)
    d.text(880, 154, "in every frame", 12, SOFT)
    d.save(folder / "encoding.svg", "The encoding operator: coil maps, Fourier transform, mask")


def fusion(folder):
    d = Drawing(960, 420)
    d.text(480, 30, "solve::cg(gram(A) + lambda * identity, adjoint(A) * y)", 17, mono=True, weight="600")
    d.box(30, 60, 420, 62, "the type of A", ["chain<line_mask, fourier, sensitivity>"], GREY)
    d.arrow(450, 91, 510, 91)
    d.box(510, 60, 420, 62, "gram_of<A>, at compile time", ["is there a kernel for this type?"], GREY)
    d.path("M 640 122 L 640 150 L 240 150 L 240 172")
    d.path("M 800 122 L 800 172")
    d.text(440, 143, "no", 13, SOFT)
    d.text(818, 150, "yes", 13, SOFT)
    d.text(240, 192, "six passes over multi-coil images", 14, weight="600")
    names = ["S", "F", "M", "M*", "F*", "S*"]
    for i, name in enumerate(names):
        d.box(30 + 72 * i, 208, 56, 40, name, (), BLUE)
        if i < 5:
            d.arrow(86 + 72 * i, 228, 102 + 72 * i, 228)
    for i in range(5):
        d.text(94 + 72 * i, 268, "10 x", 12, SOFT)
    d.text(240, 290, "between them: memory of all coils", 12.5, SOFT)
    d.text(720, 192, "one pass: sense_line_normal", 14, weight="600")
    d.box(530, 208, 400, 84, "a tile of 16 columns, all lines, in cache", ["for each coil:  * s,  FFT along y,  mask,  FFT back,  * conj(s), add"], GREEN, size=14)
    d.text(720, 315, "the transform along x cancels: F_x* M F_x = M for whole lines", 12.5, SOFT)
    d.text(720, 333, "image read once, written once; multi-coil images never exist", 12.5, SOFT)
    d.box(30, 350, 900, 52, "+ lambda * identity stays inside: the sum is the same operator with a number", ["conjugate gradients see one operator, whichever way it is computed"], SAND, size=14)
    d.save(folder / "fusion.svg", "How gram(A) becomes one kernel, by type")


def unrolled(folder):
    d = Drawing(960, 360)
    d.text(480, 30, "an unrolled network: K cascades, each a regulariser and a look at the data", 16, weight="600")
    heart(d, 20, 110, 90, "#7a5560")
    d.text(65, 222, "A* y", 14, mono=True)
    for k in range(3):
        x = 150 + 265 * k
        if k == 2:
            d.text(x - 24, 160, ". . .", 22)
        else:
            d.arrow(x - 36, 155, x - 2, 155)
        d.rect(x, 70, 225, 170, "#fafbfc", LINE)
        d.text(x + 112, 90, f"cascade {['1', '2', 'K'][k]}", 13, SOFT)
        d.box(x + 12, 102, 92, 100, "U-Net", ["prompts,", "attention"], RED)
        d.arrow(x + 104, 152, x + 122, 152)
        d.box(x + 122, 102, 92, 100, "data", ["x − t A* ·", "(A x − y)"], GREEN)
        d.text(x + 12, 226, "nn/ layers", 11.5, SOFT, "start")
        d.text(x + 213, 226, "linop/ operators", 11.5, SOFT, "end")
    d.arrow(905, 155, 935, 155)
    d.text(930, 178, "image", 14)
    d.box(150, 285, 330, 55, "texts: acquisition, sampling", ["gates of each level, weights of prompts"], SAND, size=14)
    d.path("M 240 285 L 240 206", dashed=True)
    d.path("M 460 285 L 460 262 L 500 262 L 500 206", dashed=True)
    d.box(560, 285, 370, 55, "backward: the same parts in reverse", ["adjoint(A) is there anyway; parameters shared or not"], GREY, size=14)
    d.save(folder / "unrolled.svg", "An unrolled network")


def layers(folder):
    d = Drawing(960, 520)
    d.text(480, 28, "include/cardiomm: an arrow of #include only points down", 16, weight="600")
    d.box(30, 46, 900, 44, "your program  ·  examples/cardiomm, the program  ·  python/", (), GREY, size=14)
    rows = [
        [("train/", "samples, tasks, optimisers, loop", 30, 900, RED)],
        [("models/", "CardioMM, PISF", 30, 440, RED), ("analysis/", "T1, volumes, agreement", 490, 440, SAND)],
        [("nn/", "layers with forward and backward", 30, 440, RED), ("mri/", "masks, maps, encoding, recipes, noise", 490, 440, GREEN)],
        [("solve/", "CG, FISTA, ADMM, PDHG, Gauss-Newton", 30, 900, BLUE)],
        [("prox/", "regularisers with their laws", 30, 900, BLUE)],
        [("linop/", "operators as expression types, gram", 30, 590, BLUE), ("la/", "SVD, Cholesky, batched", 640, 290, BLUE)],
        [("fft/", "built in, FFTW, cuFFT, hipFFT", 30, 290, BLUE), ("io/", "files", 340, 190, SAND), ("dist/", "MPI", 550, 180, SAND), ("host/", "xtensor", 750, 180, SAND)],
        [("core/", "tensors, launches, lanes, workspace, errors; Kokkos and xsimd behind it", 30, 900, GREY)],
    ]
    for i, row in enumerate(rows):
        y = 104 + 51 * i
        for name, words, x, w, fill in row:
            d.parts.append(f'<rect x="{x}" y="{y}" width="{w}" height="43" rx="6" fill="{fill}" stroke="{LINE}"/>')
            d.text(x + 14, y + 27, name, 14.5, anchor="start", weight="600", mono=True)
            d.text(x + 14 + 9.2 * len(name) + 8, y + 27, words, 13, SOFT, "start")
    d.save(folder / "layers.svg", "The layers of the library")


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[1] / "pictures")
    for draw in (encoding, fusion, unrolled, layers):
        draw(target)

# SPDX-License-Identifier: Apache-2.0
"""Makes the pages of the API reference: one for each header, one for each layer."""

import html
import os
import re
from pathlib import Path

from headers import is_public, read_all

LAYERS = {
    "core": "tensors, shapes, errors, launches, tiles, lanes, random numbers, workspace",
    "host": "exchange with xtensor",
    "fft": "plans and transforms of any length",
    "la": "batched Cholesky, Hermitian eigenvalues, SVD, least squares",
    "linop": "operators as expression types, grams, property checks",
    "prox": "proximal operators with their laws",
    "solve": "solvers",
    "mri": "masks, trajectories, phantom, calibration, encoding, reconstruction, noise, scores",
    "nn": "layers of networks with forward and backward",
    "models": "networks: CardioMM, PISF and their parts",
    "train": "samples, synthetic data, tasks, optimisers, the loop",
    "analysis": "numbers from images and labels",
    "io": "file formats, folders, tables, pictures",
    "dist": "several processes",
}
_PART = (r"(?:(?:virtual )?(?:set|frame|slice|coil|channel|spoke|sample|item|pixel|row|column|neighbour|batch|line|kx|ky|k[xyz]|"
         r"[xyzn]|out|in|n[xyzct]|[1-9]|2 ?\*? ?n[xy])s?(?: or 1| / 2)?|\(kx, ky\))")
AXES = re.compile(rf"(?<![`\w(])\({_PART}(?:, {_PART})+\)")
WORD = re.compile(r"[A-Za-z_]\w*")
NOTES = Path(__file__).with_name("notes.txt")


def anchor_of(item):
    name = item.name
    if name.startswith("operator"):
        name = "operator-" + "-".join(str(ord(c)) if not c.isalnum() else c for c in name[8:])
    return f"api-{item.scope}-{name}".replace("::", "-").replace(" ", "")


def page_of(path):
    return "api/" + path[: -len(".hpp")]


def escape(text):
    """Plain words as Markdown: code stays code, everything else is literal."""
    out = []
    for k, part in enumerate(re.split(r"(`[^`]+`)", text)):
        if k % 2:
            out.append(part)
            continue
        part = AXES.sub(lambda m: "\0" + m[0] + "\0", part)
        for j, piece in enumerate(part.split("\0")):
            out.append(f"`{piece}`" if j % 2 else re.sub(r"([\\*_<>\[\]#|$~&{}`^])", r"\\\1", piece))
    return "".join(out)


class Doc:
    """The parts of a comment."""

    def __init__(self, lines):
        self.blocks, self.params, self.returns, self.throws = [], [], "", []
        target = None
        for line in lines:
            text = line.strip()
            if match := re.match(r"[\\@]t?param(?:\[\w+\])?\s+(\w+)\s+(.*)", text):
                self.params.append([match[1], match[2]])
                target = self.params[-1]
            elif match := re.match(r"[\\@]returns?\s+(.*)", text):
                self.returns, target = match[1], "returns"
            elif match := re.match(r"[\\@]throws?\s+(.*)", text):
                self.throws.append(match[1])
                target = "throws"
            elif text.startswith("Throws "):
                self.throws.append(text)
                target = "throws"
            elif not text:
                target = None
                self.blocks.append(line)
            elif target == "returns":
                self.returns += " " + text
            elif target == "throws":
                self.throws[-1] += " " + text
            elif target is not None:
                target[1] += " " + text
            else:
                self.blocks.append(line.rstrip())

    def markdown(self):
        out, code = [], False
        for line in self.blocks:
            if line.startswith("    "):
                if not code:
                    out += ["", "```text"]
                    code = True
                out.append(line[4:])
                continue
            if code and line.strip():
                out += ["```", ""]
                code = False
            text = line.strip()
            if re.match(r"[-*] ", text):
                if out and out[-1].strip() and not out[-1].startswith("- "):
                    out.append("")
                out.append("- " + escape(text[2:]))
            elif out and out[-1].startswith("- ") and line.startswith("  "):
                out.append("  " + escape(text))
            else:
                text = escape(text)
                out.append(re.sub(r"^(\d+)\.", r"\1\\.", re.sub(r"^([-+=])", r"\\\1", text)))
        if code:
            out.append("```")
        return "\n".join(out).strip()


class Site:
    def __init__(self, root, out):
        self.root, self.out = Path(root), Path(out)
        self.headers = read_all(root)
        self.notes = read_notes()
        self.index = {}
        for header in self.headers:
            for item in header.items:
                if is_public(item) and item.kind in ("class", "concept", "alias", "enum") and not item.special:
                    self.index.setdefault(item.name, []).append((item.scope, header.path, anchor_of(item)))

    def link(self, word, scope, page):
        found = self.index.get(word, [])
        if len(found) != 1:
            found = [f for f in found if scope == f[0] or scope.startswith(f[0] + "::")]
            found = sorted(found, key=lambda f: -len(f[0]))[:1]
        if not found or len(word) < 3:
            return html.escape(word)
        _, path, anchor = found[0]
        target = os.path.relpath(page_of(path) + ".html", os.path.dirname(page))
        return f'<a href="{target}#{anchor}">{word}</a>'

    def coloured(self, text, item, page):
        out, at = [], 0
        for match in WORD.finditer(text):
            out.append(html.escape(text[at : match.start()]))
            word = match[0]
            if word == item.name and item.kind != "enumerator":
                out.append(f"<b>{word}</b>")
            elif word in KEYWORDS:
                out.append(f"<i>{word}</i>")
            else:
                out.append(self.link(word, item.scope, page))
            at = match.end()
        return "".join(out + [html.escape(text[at:])])

    def source(self, header, item, page):
        target = os.path.relpath(f"_files/include/cardiomm/{header.path}.html", os.path.dirname(page))
        return f'<a class="api-source" href="{target}#L{item.line}">source</a>'

    def signature(self, header, item, page):
        text = self.coloured(item.signature, item, page).replace("\n", "&#10;")
        return f'<div class="api-sig"><pre>{text}</pre>{self.source(header, item, page)}</div>'

    def doc_of(self, item):
        full = f"{item.scope}::{item.name}"
        return item.doc or self.notes.get(full.removeprefix("cardiomm::"), [])

    def describe(self, item):
        doc, out = Doc(self.doc_of(item)), []
        if text := doc.markdown():
            out += [text, ""]
        if doc.params:
            out += ["| argument | |", "|---|---|"]
            out += [f"| `{n}` | {escape(t)} |" for n, t in doc.params] + [""]
        if doc.returns:
            out += ["**Returns** " + escape(doc.returns), ""]
        errors = item.errors
        if doc.throws or errors:
            out += ["**Errors** " + escape(" ".join(doc.throws)), ""]
            out += [f"- `{kind}`: “{escape(words)}”" for kind, words in errors] + [""]
        return out

    def members(self, header, item, page):
        shown = [m for m in item.members if not m.name.startswith("~")]
        fields = [m for m in shown if m.kind in ("variable", "enumerator")]
        others = [m for m in shown if m.kind not in ("variable", "enumerator")]
        out = []
        if fields:
            out += ['<table class="fields">', "<tbody>"]
            for m in fields:
                text = self.coloured(m.signature.rstrip(";"), m, page).replace("\n", "&#10;")
                words = html.escape(" ".join(t.strip() for t in self.doc_of(m)))
                out.append(f"<tr><td><code>{text}</code></td><td>{words}</td></tr>")
            out += ["</tbody>", "</table>", ""]
        for m in others:
            out += [self.signature(header, m, page), ""]
            text = self.describe(m)
            if text:
                out += [":::{div} member", *text, ":::", ""]
        return out

    def header_page(self, header):
        page = page_of(header.path)
        # Not in the tables of contents: hundreds of entries in the sidebar of each page help nobody.
        layer = header.path.split("/")[0] if "/" in header.path else ""
        depth = "../" * header.path.count("/")
        out = ["---", "orphan: true", "---", "", f"# {header.path}", "", f"[API reference]({depth}index.md)"]
        if layer:
            out[-1] += f" / [{layer}/]({'../' * (header.path.count('/') - 1)}index.md)"
        out.append("")
        out += [Doc(header.doc).markdown(), ""]
        source = os.path.relpath(f"_files/include/cardiomm/{header.path}.html", os.path.dirname(page))
        out += [f'<p class="include"><code>#include "cardiomm/{header.path}"</code> '
                f'<a href="{source}">source, {len(header.lines)} lines</a></p>', ""]
        groups = {}
        for item in header.items:
            if is_public(item):
                groups.setdefault((item.scope, item.name), []).append(item)
        for (scope, _), items in groups.items():
            first = items[0]
            title = f"{scope.removeprefix('cardiomm').removeprefix('::')}::{first.name}".removeprefix("::")
            out += [f'<span id="{anchor_of(first)}"></span>', "", f"## {escape(title)}", ""]
            for item in items:
                out += [self.signature(header, item, page), ""]
                out += self.describe(item)
                out += self.members(header, item, page)
        if not groups:
            out += ["All names of this header are details of others.", ""]
        return "\n".join(out)

    def write(self, path, text):
        file = self.out / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
        self.written.add(file)

    def layer_page(self, layer, headers):
        out = [f"# {layer}/", "", LAYERS.get(layer, "").capitalize() + ".", "", "| header | what | names |", "|---|---|---|"]
        for h in headers:
            if not h.path.startswith(layer + "/"):
                continue
            here = h.path[len(layer) + 1 :]
            text = re.split(r"(?<=[.:])\s", " ".join(" ".join(Doc(h.doc).blocks).split()))[0]
            names = []
            for item in h.items:
                if is_public(item) and not item.special and item.name not in [n for n, _ in names]:
                    names.append((item.name, anchor_of(item)))
            stem = here[:-4]
            links = ", ".join(f'<a href="{stem}.html#{a}">{html.escape(n)}</a>' for n, a in names[:14])
            more = f" and {len(names) - 14} more" if len(names) > 14 else ""
            out.append(f"| [{here}]({stem}.md) | {escape(text)} | {links}{more} |")
        return "\n".join([*out, ""])

    def build(self):
        self.written = set()
        layers = {}
        for header in self.headers:
            layers.setdefault(header.path.split("/")[0] if "/" in header.path else "", []).append(header)
            self.write(page_of(header.path) + ".md", self.header_page(header))
        order = [n for n in LAYERS if n in layers] + [n for n in layers if n and n not in LAYERS]
        for layer in order:
            self.write(f"api/{layer}/index.md", self.layer_page(layer, layers[layer]))
        counts = coverage(self.headers, self.notes)
        index = INTRODUCTION + ["| layer | what | headers | public names |", "|---|---|---|---|"]
        for layer in order:
            names = {(i.scope, i.name) for h in layers[layer] for i in h.items if is_public(i)}
            index.append(f"| [{layer}/]({layer}/index.md) | {LAYERS.get(layer, '')} | {len(layers[layer])} | {len(names)} |")
        index += ["", "`cardiomm/cardiomm.hpp` includes what most reconstructions need: [cardiomm.hpp](cardiomm.md).",
                  "", "## Coverage", "", *counts.text(), "", "```{toctree}", ":hidden:", ":maxdepth: 1", ""]
        index += [f"{layer}/index" for layer in order] + ["```", ""]
        self.write("api/index.md", "\n".join(index))
        return counts


INTRODUCTION = [
    "# API reference", "",
    "One page for each header. It is made from the headers themselves (`docs/tools/api.py`) whenever the site is",
    "built: signatures as they stand, comments, the texts of the errors that a function throws itself, and the source.",
    "Axes, units and errors that are the same everywhere: [Axes, units and errors](../conventions.md).", "",
]
KEYWORDS = set(
    "template class struct concept requires using enum const constexpr static auto int double float bool void "
    "typename noexcept explicit operator return decltype static_cast unsigned long char public true false "
    "default delete override final friend mutable".split()
)


def read_notes():
    """Sentences about names whose headers have none: `name: sentence` in notes.txt."""
    notes = {}
    for line in NOTES.read_text().splitlines() if NOTES.exists() else []:
        if line and not line.startswith("#"):
            name, text = line.split(": ", 1)
            notes[name] = [text]
    return notes


class Coverage:
    def __init__(self):
        self.names, self.missing, self.noted, self.members, self.bare = 0, [], 0, 0, 0

    def text(self):
        return [f"{self.names} public names of namespaces have a description, {self.names - len(self.missing) - self.noted} "
                f"in the header and {self.noted} in `docs/tools/notes.txt`; {len(self.missing)} have none. Of {self.members} public "
                f"members of classes and enumerations {self.members - self.bare} have a sentence of their own or share "
                f"that of their group; {self.bare} have none: what a contract describes once for all "
                "(`apply`, `forward`, `prox`), accessors, and fields whose name says it."]


def coverage(headers, notes):
    """Names count once, whatever their overloads; specialisations are described by their template."""
    counts, described, seen = Coverage(), set(), {}
    for header in headers:
        for item in header.items:
            if is_public(item):
                key = (item.scope, item.name)
                if not item.special:
                    seen.setdefault(key, (header.path, item.line))
                if item.doc:
                    described.add(key)
            stack = list(item.members) if is_public(item) else []
            while stack:
                member = stack.pop()
                stack += member.members
                counts.members += 1
                counts.bare += not member.doc
    for key, place in sorted(seen.items(), key=lambda kv: kv[1]):
        counts.names += 1
        if key in described:
            continue
        if "::".join(key).removeprefix("cardiomm::") in notes:
            counts.noted += 1
        else:
            counts.missing.append((*place, "::".join(key)))
    return counts


if __name__ == "__main__":
    import sys

    found = coverage(read_all(Path(__file__).resolve().parents[2]), read_notes())
    for path, line, name in found.missing:
        print(f"include/cardiomm/{path}:{line}: {name} has no description")
    print(" ".join(found.text()))
    sys.exit(1 if found.missing else 0)

# SPDX-License-Identifier: Apache-2.0
"""Builds the documentation site: stages the pages, adds the API reference, calls Sphinx, adds the
pages of sources, and checks every link. Usage: build.py REPOSITORY OUTPUT"""

import fnmatch
import html
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import house
import links
from api import LAYERS, Site

# Pages from outside docs/.
OUTSIDE = {"README.md": "readme.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")
TEXT = {".cpp", ".hpp", ".h", ".py", ".sh", ".md", ".txt", ".json", ".cmake", ".in", ".toml", ".yml", ".yaml",
        ".sbatch", ".html", ".csv", ""}


class Stage:
    def __init__(self, root, out):
        self.root, self.out = root, out
        self.files, self.written = set(), set()

    def page(self, source):
        """Where the page of a Markdown file of the repository is staged, or None."""
        path = source.relative_to(self.root).as_posix()
        if path in OUTSIDE:
            return OUTSIDE[path]
        if path.startswith("docs/") and not path.startswith(("docs/news/", "docs/tools/")) and path.endswith(".md"):
            return path[len("docs/") :]
        return None

    def rewrite(self, source, page, text):
        def target(match):
            picture, words, link = match.groups()
            if re.match(r"[a-z]+:|#", link) or picture:
                return match[0]
            name, _, anchor = link.partition("#")
            file = Path(os.path.normpath(source.parent / name))
            if file.is_relative_to(self.root) and file.exists():
                inside = self.page(file)
                if inside:
                    there = os.path.relpath(inside, os.path.dirname(page) or ".")
                    return f"[{words}]({there}{'#' + anchor if anchor else ''})"
                relative = file.relative_to(self.root).as_posix()
                self.files.add(relative)
                there = os.path.relpath(f"_files/{relative}.html", os.path.dirname(page) or ".")
                words = re.sub(r"`([^`]+)`", r"<code>\1</code>", words)
                return f'<a href="{there}">{words}</a>'
            return match[0]

        parts = re.split(r"(^```.*?^```|^~~~.*?^~~~)", text, flags=re.M | re.S)
        for k in range(0, len(parts), 2):
            pieces = re.split(r"(`[^`\n]+`(?!\]))", parts[k])
            joined = "".join(pieces)
            parts[k] = LINK.sub(target, joined)
        return "".join(parts)

    def put(self, page, text):
        file = self.out / page
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
        self.written.add(file)

    def copy(self, source, page):
        file = self.out / page
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_bytes() != source.read_bytes():
            shutil.copyfile(source, file)
        self.written.add(file)

    def run(self):
        docs = self.root / "docs"
        sources = [self.root / p for p in OUTSIDE if (self.root / p).exists()]
        sources += sorted(p for p in docs.rglob("*.md") if self.page(p))
        texts = {self.page(p): self.rewrite(p, self.page(p), p.read_text()) for p in sources}
        texts["house.md"] = house.page(self.root, LAYERS)
        texts["index.md"] = self.index(texts["index.md"], [p[:-3] for p in texts if p != "index.md"])
        for page, text in texts.items():
            self.put(page, text)
        for folder in ("pictures", "_static"):
            for file in sorted((docs / folder).rglob("*")):
                if file.is_file():
                    self.copy(file, file.relative_to(docs).as_posix())
        self.copy(docs / "conf.py", "conf.py")

    @staticmethod
    def index(text, pages):
        """Patterns of the tables of contents that match no page are left out; pages that nobody
        lists stand where the index says so."""
        listed, out = {"recipes/*"}, []
        inside = False
        for line in text.splitlines():
            if line.startswith("```"):
                inside = line.startswith("```{toctree}")
            elif inside and re.fullmatch(r"[\w*/-]+", line):
                if not fnmatch.filter([*pages, "api/index"], line):
                    continue
                listed.add(line)
            out.append(line)
        rest = [p for p in pages if not any(fnmatch.fnmatch(p, pattern) for pattern in listed)]
        return "\n".join(out).replace("% other pages", "\n".join(sorted(rest))) + "\n"

    def clean(self):
        """Removes what earlier runs staged and is no more."""
        for file in self.out.rglob("*"):
            if file.is_file() and file not in self.written:
                file.unlink()


PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{style}
body {{ margin: 0; font: 14px/1.45 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }}
header {{ padding: .6rem 1rem; border-bottom: 1px solid #ddd; font-family: system-ui, sans-serif; }}
header a {{ color: #9d1c3a; }} pre {{ margin: 0; padding: .5rem 0; overflow-x: auto; }}
pre .l {{ color: #999; display: inline-block; width: 3.5em; text-align: right; padding-right: 1em;
  user-select: none; }} pre span:target {{ background: #fff3b0; }}
</style></head><body><header>{name} · <a href="{home}">cardiomm</a></header>
<pre>{text}</pre></body></html>
"""


def file_pages(root, out, files):
    """A page for each source, with an anchor for each line."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import CppLexer, TextLexer, get_lexer_for_filename
    from pygments.util import ClassNotFound

    form = HtmlFormatter(nowrap=True)
    style = form.get_style_defs("pre")
    for name in sorted(files):
        source, page = root / name, out / "_files" / f"{name}.html"
        if page.exists() and page.stat().st_mtime > source.stat().st_mtime and source.is_file():
            continue
        page.parent.mkdir(parents=True, exist_ok=True)
        home = os.path.relpath(out / "index.html", page.parent)
        if source.is_dir():
            text = "\n".join(html.escape(p.name) for p in sorted(source.iterdir()))
        elif source.suffix in TEXT:
            if source.suffix in (".hpp", ".cpp"):
                lexer = CppLexer(stripnl=False)
            else:
                try:
                    lexer = get_lexer_for_filename(name, stripnl=False)
                except ClassNotFound:
                    lexer = TextLexer(stripnl=False)
            lines = highlight(source.read_text(), lexer, form).rstrip("\n").split("\n")
            text = "\n".join(f'<span id="L{i}"><span class="l">{i}</span>{line}</span>'
                             for i, line in enumerate(lines, 1))
        else:
            text = f"{source.stat().st_size} bytes"
        page.write_text(PAGE.format(name=html.escape(name), style=style, home=home, text=text))


def main():
    root, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    source, site = out / "source", out / "html"
    begun = time.time()
    stage = Stage(root, source)
    stage.run()
    reference = Site(root, source)
    counts = reference.build()
    stage.written |= reference.written
    stage.clean()
    print(f"{len(stage.written)} files staged, {time.time() - begun:.0f} s", flush=True)
    environment = dict(os.environ, CARDIOMM_ROOT=str(root))
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-j", "auto", "-b", "html",
               "-d", str(out / "doctrees"), str(source), str(site)]
    if subprocess.run(command, env=environment, check=False).returncode:
        sys.exit("docs: Sphinx found errors or warnings")
    print(f"Sphinx done, {time.time() - begun:.0f} s", flush=True)
    headers = {f"include/cardiomm/{h.path}" for h in reference.headers}
    file_pages(root, site, stage.files | headers)
    pages = len(list(source.rglob("*.md")))
    checked, dead, outside = links.check(site)
    for line in dead:
        print(line)
    print(f"{pages} pages, {len(stage.files | headers)} sources, {checked} links checked, {len(dead)} dead, "
          f"{outside} to other sites not followed, {time.time() - begun:.0f} s")
    print(" ".join(counts.text()))
    print(f"open {site}/index.html")
    sys.exit(1 if dead or counts.missing else 0)


if __name__ == "__main__":
    main()

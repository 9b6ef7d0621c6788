# SPDX-License-Identifier: Apache-2.0
"""Checks what the pages say against the sources: every ```cpp block is part of a compiled file, names
and commands exist, every method has a page. Usage: check.py REPOSITORY [PROGRAM] [--write]"""

import re
import subprocess
import sys
from pathlib import Path

from headers import is_public, read_all

FOLDERS = ("tests", "examples", "bench", "python/src")
BLOCK = re.compile(r"^( *)```cpp\n(.*?)^\1```", re.M | re.S)
SHELL = re.compile(r"^```(?:sh|bash|console)?\n(.*?)^```", re.M | re.S)


def plain(text):
    """Lines without indentation, doubled spaces and blank lines."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n" + "\n".join(line for line in lines if line) + "\n"


def pages(root):
    found = [root / "README.md", root / "CONTRIBUTING.md", *(root / "docs").rglob("*.md")]
    found += [p for p in (root / "python/README.md",) if p.exists()]
    return sorted(p for p in found if p.exists() and "docs/news/" not in p.as_posix())


def sources(root):
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in (".cpp", ".hpp", ".cu"):
                yield file


def code(root):
    """(blocks, messages) of C++ on the pages."""
    texts = [(file, plain(file.read_text(errors="replace"))) for file in sources(root)]
    count, wrong = 0, []
    for page in pages(root):
        text = page.read_text()
        for match in BLOCK.finditer(text):
            count += 1
            block = plain(match[2])
            if any(block in other for _, other in texts):
                continue
            line = text[: match.start()].count("\n") + 1
            lines = block.strip().splitlines()
            best = max(texts, key=lambda t: sum(f"\n{x}\n" in t[1] for x in lines))
            missing = [x for x in lines if f"\n{x}\n" not in best[1]]
            what = f"not there: {missing[0]}" if missing else "its lines are there, but not in one piece"
            wrong.append(f"{page.relative_to(root)}:{line}: this C++ is in no compiled file; nearest "
                         f"{best[0].relative_to(root)}, {what}")
    return count, wrong


class Program:
    def __init__(self, path):
        self.path, self.known = path, {}

    def help(self, *words):
        if words not in self.known:
            run = subprocess.run([self.path, *words, "--help"], capture_output=True, text=True, check=False)
            self.known[words] = run.stdout if run.returncode == 0 else ""
        return self.known[words]

    def subcommands(self, *words):
        text = self.help(*words)
        part = re.search(r"^Subcommands:\n((?:  .*\n)+)", text, re.M)
        return set(re.findall(r"^  ([a-z][\w-]*)", part[1], re.M)) if part else set()

    def complaint(self, command):
        """What is wrong with the words behind `cardiomm`, or None."""
        words = command.split()
        path, rest = [], list(words)
        if rest and rest[0].startswith("-"):
            text = self.help()
        else:
            while rest and rest[0] in self.subcommands(*path):
                path.append(rest.pop(0))
            if not path:
                return f"no subcommand {rest[0] if rest else ''}"
            text = self.help(*path)
        for word in rest:
            option = re.match(r"--?[a-zA-Z][\w-]*", word)
            if option and not re.search(rf"(^|[\s,]){re.escape(option[0])}\b(?!-)", text):
                return f"{' '.join(path)} has no option {option[0]}"
        if "--method" in rest and path == ["recon"]:
            method = rest[rest.index("--method") + 1]
            if method not in methods(self):
                return f"recon has no method {method}"
        return None


def methods(program):
    text = re.search(r"--method TEXT=\S+ +(.*?)\n  --", program.help("recon"), re.S)
    return re.findall(r"(?:^|; )(\w+):", " ".join(text[1].split())) if text else []


def commands_of(text):
    """Lines of shell blocks and code spans that call the program."""
    for match in SHELL.finditer(text):
        body = match[1].replace("\\\n", " ")
        for line in body.splitlines():
            for part in re.split(r"&&|\||;", line.split("  #")[0]):
                found = re.match(r"\s*(?:mpirun [^c]*?|time |srun |\$ )?(?:\S*/)?cardiomm (.*)", part)
                if found:
                    yield found[1]
    outside = SHELL.sub("", BLOCK.sub("", text))
    for span in re.findall(r"`(?:mpirun -n \w+ )?cardiomm ([a-z][^`]*)`", outside):
        yield span


def strip_quotes(command):
    return re.sub(r"\"[^\"]*\"|'[^']*'", "Q", command)


def shell(root, path):
    program, count, wrong = Program(path), 0, []
    for page in pages(root):
        for command in commands_of(page.read_text()):
            words = strip_quotes(command).replace("...", "").replace("[", " ").replace("]", " ")
            if words.split()[0].isupper():
                continue
            count += 1
            complaint = program.complaint(words)
            if complaint:
                wrong.append(f"{page.relative_to(root)}: `cardiomm {command[:70]}`: {complaint}")
    for method in methods(program):
        if not (root / f"docs/recipes/{method}.md").exists():
            wrong.append(f"docs/recipes/{method}.md: recon --method {method} has no page")
    return count, wrong


def names(root):
    """`layer::name` and `cm.name` in code spans of the pages must exist."""
    headers = read_all(root)
    known, layers = set(), set()
    for header in headers:
        for item in header.items:
            if is_public(item):
                scope = item.scope.removeprefix("cardiomm").removeprefix("::")
                layers.add(scope.split("::")[0])
                known.add(f"{scope}::{item.name}")
                known |= {f"{scope}::{item.name}::{m.name}" for m in item.members}
    layers -= {""}
    spaces = {k.rsplit("::", 1)[0] for k in known}
    package = root / "python/cardiomm"
    python = {}
    for file in package.glob("*.py"):
        text = file.read_text()
        found = set(re.findall(r"^(?:def|class) (\w+)|^(\w+) =|^    \"(\w+)\",", text, re.M))
        python[file.stem] = {n for group in found for n in group if n}
        python[file.stem] |= set(re.findall(r"\b\w+\b", " ".join(re.findall(r"^from [\w.]+ import (?:\(([^)]*)\)|(.*))$", text, re.M | re.S)[0]))) if file.stem == "__init__" and re.search(r"^from", text, re.M) else set()
    every = set().union(*python.values()) if python else set()
    count, wrong = 0, []
    for page in pages(root):
        text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
        for span in re.findall(r"`([^`\n]+)`", text):
            for name in re.findall(r"(?<![\w:])(?:cardiomm::)?((?:\w+::)+\w+)", span):
                if name.split("::")[0] not in layers or name in spaces or "::detail::" in name:
                    continue
                count += 1
                if name not in known and not any(k.endswith("::" + name) for k in known):
                    wrong.append(f"{page.relative_to(root)}: {name}: no such name in the headers")
            for name in re.findall(r"(?<!\w)cm\.([\w.]+)", span):
                if python:
                    count += 1
                    parts = name.split(".")
                    if not (parts[-1] in (python.get(parts[0], set()) if len(parts) > 1 else every)):
                        wrong.append(f"{page.relative_to(root)}: cm.{name}: not in the Python package")
    return count, wrong


def main():
    root = Path(sys.argv[1]).resolve()
    blocks, wrong = code(root)
    said = [f"{blocks} blocks of C++"]
    spoken, more = names(root)
    wrong += more
    said.append(f"{spoken} names")
    if len(sys.argv) > 2:
        commands, more = shell(root, sys.argv[2])
        wrong += more
        said.append(f"{commands} commands")
    print("\n".join(wrong + [", ".join(said) + f" checked, {len(wrong)} wrong"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

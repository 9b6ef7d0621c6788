#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Releases and news fragments.

release.py X.Y.Z          checks, and shows what a release would write (changes nothing)
release.py X.Y.Z --write  writes it: CHANGELOG.md gets the section X.Y.Z, its fragments are deleted
release.py --check        are the fragments of docs/news well formed? (what pre-commit runs)

A release needs a clean tree, the same X.Y.Z in include/cardiomm/core/config.hpp (CMake takes it from
there), and a version above those of the changelog, or one that is marked as unreleased there.
"""

import argparse
import datetime
import os
import re
import subprocess
import sys
from pathlib import Path

KINDS = {"added": "Added", "changed": "Changed", "fixed": "Fixed", "removed": "Removed"}
VERSION = re.compile(r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$")
HEADING = re.compile(r"^## \[?v?(\d+\.\d+(?:\.\d+)?)\]?(.*)$")
UNRELEASED = "## Unreleased\n\nSee `docs/news/`.\n"


class Refusal(Exception):
    """What stands in the way, in one line."""


def parse(version):
    """(major, minor, patch); two numbers count as X.Y.0."""
    return tuple(int(part) for part in (version.split(".") + ["0"])[:3])


def fragments(root):
    """{kind: [(path, text)]} of docs/news, in the order of names; Refusal if one is malformed."""
    found = {kind: [] for kind in KINDS}
    for path in sorted((root / "docs" / "news").iterdir()):
        if path.name == "README.md" or path.name.startswith("."):
            continue
        match = re.fullmatch(r"[a-z0-9][a-z0-9-]*\.([a-z]+)\.md", path.name)
        where = path.relative_to(root)
        if not match or match[1] not in KINDS:
            raise Refusal(f"{where}: expected a name <topic>.<kind>.md in small letters, digits and "
                          f"hyphens, kind one of {', '.join(KINDS)}")
        text = path.read_text(encoding="utf-8").strip()
        if not text:
            raise Refusal(f"{where}: expected one or two sentences, found nothing")
        if re.search(r"^#", text, re.MULTILINE):
            raise Refusal(f"{where}: expected no heading, found one; a release writes the headings")
        found[match[1]].append((path, text))
    return found


def entry(text):
    """A fragment as an item of a list; lists and paragraphs in it are indented below the first."""
    first, *rest = re.sub(r"^[-*] ", "", text).splitlines()
    return "\n".join(["- " + first] + [("  " + line).rstrip() for line in rest])


def section(version, date, found):
    lines = [f"## {version} ({date})", ""]
    for kind, title in KINDS.items():
        if found[kind]:
            lines += [f"### {title}", "", *(entry(text) for _, text in found[kind]), ""]
    return "\n".join(lines)


def assembled(changelog, version, new_section):
    """The changelog with the section in place. Sections that are unreleased give way to it."""
    head, blocks = [], []
    for line in changelog.splitlines():
        if line.startswith("## "):
            blocks.append([line])
        else:
            (blocks[-1] if blocks else head).append(line)
    kept = []
    for block in blocks:
        match = HEADING.match(block[0])
        if "unreleased" in block[0].lower():
            continue
        if not match:
            raise Refusal(f"CHANGELOG.md: expected '## X.Y.Z (date)', found '{block[0]}'")
        if parse(match[1]) >= parse(version):
            raise Refusal(f"CHANGELOG.md: {match[1]} is released; expected a version above it, "
                          f"found {version}")
        kept.append("\n".join(block).rstrip())
    parts = ["\n".join(head).rstrip(), UNRELEASED.rstrip(), new_section.rstrip(), *kept]
    return "\n\n".join(part for part in parts if part) + "\n"


def header_version(root):
    text = (root / "include/cardiomm/core/config.hpp").read_text(encoding="utf-8")
    numbers = [re.search(rf"define CARDIOMM_VERSION_{part} (\d+)", text)
               for part in ("MAJOR", "MINOR", "PATCH")]
    string = re.search(r'define CARDIOMM_VERSION_STRING "([^"]*)"', text)
    if not all(numbers) or not string:
        raise Refusal("core/config.hpp: the version macros are missing")
    joined = ".".join(match[1] for match in numbers)
    if joined != string[1]:
        raise Refusal(f"core/config.hpp: CARDIOMM_VERSION_STRING is {string[1]}, its numbers say {joined}")
    return joined


def git(root, *arguments):
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refusal(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def check_release(root, version):
    """Refusal if this tree is not one to release from."""
    if not VERSION.match(version):
        raise Refusal(f"expected a version X.Y.Z, found '{version}'")
    if header_version(root) != version:
        raise Refusal(f"core/config.hpp says {header_version(root)}, not {version}; change it there "
                      "first (CMake and the packages follow)")
    changed = [line for line in git(root, "status", "--porcelain").splitlines() if line]
    if changed:
        raise Refusal(f"the tree is not clean ({len(changed)} files, first:{changed[0][2:]}); "
                      "commit first")
    if f"v{version}" in git(root, "tag", "--list", f"v{version}").split():
        raise Refusal(f"the tag v{version} exists")


def release(root, version, date, write):
    check_release(root, version)
    found = fragments(root)
    count = sum(len(items) for items in found.values())
    if not count:
        raise Refusal("docs/news has no fragment: nothing to release")
    new = section(version, date, found)
    path = root / "CHANGELOG.md"
    text = assembled(path.read_text(encoding="utf-8"), version, new)
    if not write:
        print(new)
        print(f"dry run: {count} fragments would move into CHANGELOG.md; --write does it")
        return
    aside = path.with_suffix(".new")
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)
    for items in found.values():
        for fragment, _ in items:
            fragment.unlink()
    print(f"CHANGELOG.md has {version} with {count} entries. Next:\n"
          f"  ./dev nightly\n  git add -A docs/news CHANGELOG.md\n  git commit -m 'Release {version}'\n"
          f"  git tag -a v{version} -m 'cardiomm {version}'")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", nargs="?")
    parser.add_argument("--write", action="store_true", help="write instead of showing")
    parser.add_argument("--check", action="store_true", help="only look at the fragments")
    parser.add_argument("--date", default=datetime.date.today().isoformat())
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    options = parser.parse_args(arguments)
    try:
        if options.check:
            count = sum(len(items) for items in fragments(options.root).values())
            print(f"{count} fragments are well formed")
        elif options.version:
            release(options.root, options.version, options.date, options.write)
        else:
            parser.error("expected a version X.Y.Z or --check")
    except Refusal as refusal:
        print(f"release: {refusal}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

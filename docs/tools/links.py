# SPDX-License-Identifier: Apache-2.0
"""Checks every link, anchor and picture of a built site, offline. Usage: links.py FOLDER"""

import os
import re
import sys
from pathlib import Path
from urllib.parse import unquote

ATTRIBUTE = re.compile(r'<(?:a|link|img|script|source|object)\b[^>]*?\s(?:href|src|data)="([^"]*)"')
ID = re.compile(r'\s(?:id|name)="([^"]+)"')


def check(site):
    """(links checked, lines about dead ones, links to other sites)"""
    site = Path(site)
    texts = {str(p.relative_to(site)): p.read_text(errors="replace") for p in site.rglob("*.html")}
    anchors = {}
    checked, outside, dead = 0, 0, []
    exists = {}
    for page, text in sorted(texts.items()):
        folder = os.path.dirname(page)
        for target in ATTRIBUTE.findall(text):
            target = target.replace("&amp;", "&")
            if re.match(r"(https?:)?//", target):
                outside += 1
                continue
            if re.match(r"(mailto|data|javascript):", target):
                continue
            path, _, anchor = unquote(target).partition("#")
            path = os.path.normpath(os.path.join(folder, path.split("?")[0])) if path else page
            checked += 1
            if path not in exists:
                exists[path] = (site / path).is_file()
            if not exists[path]:
                dead.append(f"{page}: {target}: no such file")
            elif anchor and path in texts:
                if path not in anchors:
                    anchors[path] = set(ID.findall(texts[path]))
                if anchor not in anchors[path]:
                    dead.append(f"{page}: {target}: no such anchor")
    return checked, sorted(set(dead)), outside


if __name__ == "__main__":
    total, lines, others = check(sys.argv[1])
    print("\n".join(lines + [f"{total} links checked, {len(lines)} dead, {others} to other sites"]))
    sys.exit(1 if lines else 0)

# SPDX-License-Identifier: Apache-2.0
"""The Python code of docs/python.md, in the order of the page; blocks of SigPy where it is there."""

import importlib.util
import os
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"


def blocks():
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.S | re.M)


@pytest.mark.skipif(not PAGE.exists(), reason="the page is not beside the tests")
def test_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, space, left_out = blocks(), {}, 0
    assert len(found) >= 5
    for number, text in enumerate(found):
        if "import sigpy" in text and importlib.util.find_spec("sigpy") is None:
            left_out += 1
            continue
        exec(compile(text, f"{PAGE.name}, block {number + 1}", "exec"), space)
    if left_out:
        print(f"cardiomm-skip: sigpy ({left_out} blocks of {os.path.basename(PAGE)})")

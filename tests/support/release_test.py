# SPDX-License-Identifier: Apache-2.0
"""Tests of cmake/release.py in repositories of their own: python3 -m unittest tests/support/release_test.py"""

import importlib.util
import io
import subprocess
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "cmake" / "release.py"
SPEC = importlib.util.spec_from_file_location("release", SCRIPT)
release = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(release)

CONFIG = """#define CARDIOMM_VERSION_MAJOR 0
#define CARDIOMM_VERSION_MINOR 2
#define CARDIOMM_VERSION_PATCH 0
#define CARDIOMM_VERSION_STRING "0.2.0"
"""
CHANGELOG = """# Changes

What a release changed.

## Unreleased

See `docs/news/`.

## 0.1.0 (2026-01-02)

### Added

- The beginning.
"""


class Release(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.put("include/cardiomm/core/config.hpp", CONFIG)
        self.put("CHANGELOG.md", CHANGELOG)
        self.put("docs/news/README.md", "# News\n")
        self.put("docs/news/radial.added.md", "Radial data\nby NUFFT.\n\n- golden angle\n")
        self.put("docs/news/maps.fixed.md", "- Maps of one coil.\n")
        self.git("init", "-q")
        self.commit()

    def put(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def git(self, *arguments):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments],
                       cwd=self.root, check=True, capture_output=True)

    def commit(self):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "state")

    def run_script(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = release.main([*arguments, "--root", str(self.root), "--date", "2026-03-04"])
        return code, out.getvalue(), err.getvalue()

    def refuses(self, reason, *arguments):
        before = (self.root / "CHANGELOG.md").read_text(encoding="utf-8")
        code, _, err = self.run_script(*arguments)
        self.assertEqual(code, 1)
        self.assertIn(reason, err)
        self.assertEqual(len(err.splitlines()), 1)
        self.assertEqual(before, (self.root / "CHANGELOG.md").read_text(encoding="utf-8"))

    def test_dry_run_changes_nothing(self):
        code, out, _ = self.run_script("0.2.0")
        self.assertEqual(code, 0)
        self.assertIn("## 0.2.0 (2026-03-04)", out)
        self.assertTrue((self.root / "docs/news/radial.added.md").exists())
        self.assertEqual(CHANGELOG, (self.root / "CHANGELOG.md").read_text(encoding="utf-8"))

    def test_writes_the_section_and_takes_the_fragments(self):
        code, _, _ = self.run_script("0.2.0", "--write")
        self.assertEqual(code, 0)
        self.assertEqual((self.root / "CHANGELOG.md").read_text(encoding="utf-8"), """# Changes

What a release changed.

## Unreleased

See `docs/news/`.

## 0.2.0 (2026-03-04)

### Added

- Radial data
  by NUFFT.

  - golden angle

### Fixed

- Maps of one coil.

## 0.1.0 (2026-01-02)

### Added

- The beginning.
""")
        self.assertEqual([p.name for p in (self.root / "docs/news").iterdir()], ["README.md"])

    def test_refuses_twice_the_same_version(self):
        self.run_script("0.2.0", "--write")
        self.put("docs/news/new.added.md", "More.\n")
        self.commit()
        self.refuses("0.2.0 is released", "0.2.0", "--write")

    def test_refuses_a_tree_with_changes(self):
        self.put("docs/news/late.added.md", "Late.\n")
        self.refuses("not clean", "0.2.0", "--write")

    def test_refuses_another_version_than_the_header(self):
        self.refuses("core/config.hpp says 0.2.0, not 0.3.0", "0.3.0")
        self.put("include/cardiomm/core/config.hpp", CONFIG.replace('"0.2.0"', '"0.2.1"'))
        self.refuses("its numbers say 0.2.0", "0.2.1")

    def test_refuses_what_is_no_version(self):
        for bad in ("0.2", "v0.2.0", "0.2.0-rc1", "00.2.0"):
            self.refuses("expected a version X.Y.Z", bad)

    def test_refuses_a_version_below_the_last(self):
        self.put("include/cardiomm/core/config.hpp",
                 CONFIG.replace("MINOR 2", "MINOR 0").replace("0.2.0", "0.0.0"))
        self.commit()
        self.refuses("0.1.0 is released", "0.0.0")

    def test_refuses_a_tag_that_exists(self):
        self.git("tag", "v0.2.0")
        self.refuses("the tag v0.2.0 exists", "0.2.0")

    def test_refuses_nothing_to_release(self):
        for name in ("radial.added.md", "maps.fixed.md"):
            (self.root / "docs/news" / name).unlink()
        self.commit()
        self.refuses("nothing to release", "0.2.0")

    def test_fragments_are_checked(self):
        self.assertEqual(self.run_script("--check")[:2], (0, "2 fragments are well formed\n"))
        for name, text, reason in (("Bad.added.md", "x", "expected a name"),
                                   ("bad.new.md", "x", "expected a name"),
                                   ("bad.txt", "x", "expected a name"),
                                   ("bad.fixed.md", " \n", "found nothing"),
                                   ("bad.fixed.md", "## No\nx", "expected no heading")):
            self.put("docs/news/" + name, text)
            self.refuses(reason, "--check")
            (self.root / "docs/news" / name).unlink()

    def test_an_unreleased_section_of_two_numbers_gives_way(self):
        self.put("CHANGELOG.md", "# Changes\n\n## 0.2 (unreleased)\n\nSee `docs/news/`.\n")
        self.commit()
        self.assertEqual(self.run_script("0.2.0", "--write")[0], 0)
        text = (self.root / "CHANGELOG.md").read_text(encoding="utf-8")
        self.assertNotIn("(unreleased)", text)
        self.assertIn("## 0.2.0 (2026-03-04)", text)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""The benchmark runner and the comparison of two runs (bench/*.py), on figures made up here."""

import contextlib
import io
import json
import math
import os
import random
import stat
import sys
import tempfile
import textwrap
import unittest
import xml.etree.ElementTree as ElementTree
from unittest import mock

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench"))
import compare
import pages
import plots
import results
import run

CONTEXT = {
    "cpu": "a processor", "cores": 4, "threads": "4", "kokkos": "3.4.1", "abi": "v0_l64_packed",
    "compiler": "g++ 12", "flags": "-O3", "load_at_start": [0.1, 0.1, 0.1],
}  # fmt: skip


def report_of(medians, rounds=3, repetitions=3, noise=0.02, seed=1, drift=0.0, **context):
    """Repetitions about the medians; with `drift` the rounds differ by more than repetitions do."""
    rng = random.Random(seed)
    entries = []
    for r in range(rounds):
        moved = math.exp(rng.gauss(0, drift)) if drift else 1.0
        for name, median in medians.items():
            for i in range(repetitions):
                value = median * moved * math.exp(rng.gauss(0, noise) if noise else 0.0)
                entries.append(
                    {
                        "name": name, "run_name": name, "run_type": "iteration", "round": r,
                        "repetition_index": i, "iterations": 10, "real_time": value,
                        "cpu_time": 0.9 * value, "time_unit": "ms",
                    }  # fmt: skip
                )
    return {
        "schema": results.SCHEMA,
        "context": {**CONTEXT, **context},
        "failed": [],
        "benchmarks": entries,
    }


NAMES = {f"fft/plan/size:{n}": float(n) for n in (1, 2, 4, 8, 16)}


class Folder(unittest.TestCase):
    def setUp(self):
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.folder = kept.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def store(self, name, report):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(report if isinstance(report, str) else json.dumps(report))
        return self.path(name)

    def call(self, function, *arguments):
        """(exit status, standard output, standard error)"""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = function([str(a) for a in arguments])
        return status, out.getvalue(), err.getvalue()

    def compare(self, old, new, *options):
        paths = self.store("old.json", old), self.store("new.json", new)
        return self.call(compare.main, *paths, *options)


class Comparison(Folder):
    def test_identical_files(self):
        status, out, _ = self.compare(report_of(NAMES), report_of(NAMES))
        self.assertEqual(status, 0)
        self.assertIn("5 compared: 0 slower", out)
        self.assertNotIn("**", out)

    def test_noise_alone_is_no_regression(self):
        many = {f"nn/conv/case:{i}": 1.0 for i in range(100)}
        for seed in range(3):
            status, out, _ = self.compare(report_of(many), report_of(many, seed=seed + 2))
            self.assertEqual(status, 0, out)

    def test_twenty_percent_slower(self):
        slower = dict(NAMES, **{"fft/plan/size:4": 4.8})
        for old_noise, new_noise in ((0.0, 0.0), (0.02, 0.02), (0.0, 0.03)):
            for sizes in ({}, {"rounds": 1, "repetitions": 5}, {"rounds": 1, "repetitions": 3}):
                old = report_of(NAMES, noise=old_noise, **sizes)
                new = report_of(slower, noise=new_noise, seed=2, **sizes)
                if sizes.get("repetitions") == 3 and new_noise:  # below what few can tell
                    continue
                status, out, _ = self.compare(old, new)
                self.assertEqual(status, 1, out)
                self.assertIn("| fft/plan/size:4 |", out)
                self.assertEqual(out.count("**slower**"), 1, out)

    def test_faster_is_welcome(self):
        faster = dict(NAMES, **{"fft/plan/size:8": 4.0})
        status, out, _ = self.compare(report_of(NAMES), report_of(faster, seed=2))
        self.assertEqual(status, 0)
        self.assertIn("1 faster", out)

    def test_the_bound_is_what_was_asked_for(self):
        slower = {k: 1.15 * v for k, v in NAMES.items()}
        old, new = report_of(NAMES, noise=0.01), report_of(slower, noise=0.01, seed=2)
        self.assertEqual(self.compare(old, new)[0], 1)
        self.assertEqual(self.compare(old, new, "--bound", 25)[0], 0)

    def test_large_noise_hides_a_change_and_says_so(self):
        old = report_of({"a/b/c": 1.0}, noise=0.4)
        new = report_of({"a/b/c": 1.15}, noise=0.4, seed=5)
        status, out, _ = self.compare(old, new, "--all")
        self.assertEqual(status, 0, out)
        row = compare.compare(old, new)["rows"][0]
        self.assertLess(row["low"], 1)
        self.assertGreater(row["high"], 1.2)

    def test_rounds_that_differ_widen_the_interval(self):
        still = compare.compare(report_of(NAMES), report_of(NAMES, seed=2))["rows"]
        moved = compare.compare(
            report_of(NAMES, drift=0.15), report_of(NAMES, seed=2, drift=0.15)
        )["rows"]
        width = [sum(r["high"] / r["low"] for r in rows) for rows in (still, moved)]
        self.assertGreater(width[1], 1.2 * width[0])

    def test_one_repetition_needs_more_than_the_bound(self):
        sizes = {"rounds": 1, "repetitions": 1, "noise": 0.0}
        old = report_of({"a/b/c": 1.0}, **sizes)
        self.assertEqual(self.compare(old, report_of({"a/b/c": 1.15}, **sizes))[0], 0)
        status, out, _ = self.compare(old, report_of({"a/b/c": 1.25}, **sizes))
        self.assertEqual(status, 1)
        self.assertIn("too few repetitions", out)

    def test_a_slower_peer_is_not_our_regression(self):
        old, new = report_of({"peers/a/b": 1.0}), report_of({"peers/a/b": 1.5}, seed=2)
        for r in old["benchmarks"] + new["benchmarks"]:
            r["ours"] = False
        status, out, _ = self.compare(old, new)
        self.assertEqual(status, 0)
        self.assertIn("(peer)", out)

    def test_other_contexts_are_told_loudly(self):
        other = report_of(NAMES, abi="v0_l16_packed", threads="1")
        status, out, _ = self.compare(report_of(NAMES), other)
        self.assertEqual(status, 0)
        self.assertIn("THE CONTEXTS DIFFER", out)
        for words in ("ABI name", "v0_l64_packed", "v0_l16_packed", "threads"):
            self.assertIn(words, out)
        self.assertEqual(self.compare(report_of(NAMES), other, "--strict")[0], 3)
        self.assertNotIn("DIFFER", self.compare(report_of(NAMES), report_of(NAMES))[1])

    def test_a_loaded_machine_is_told(self):
        busy = report_of(NAMES, load_at_start=[5.0, 4.0, 3.0])
        self.assertIn("loaded machine", self.compare(report_of(NAMES), busy)[1])

    def test_names_that_only_one_file_has(self):
        more = dict(NAMES, **{"nn/conv/new": 1.0})
        _, out, _ = self.compare(report_of(NAMES), report_of(more))
        self.assertIn("1 new (nn/conv/new)", out)

    def test_processor_time(self):
        new = report_of(NAMES)
        for r in new["benchmarks"]:
            r["cpu_time"] *= 1.5
        self.assertEqual(self.compare(report_of(NAMES), new)[0], 0)
        self.assertEqual(self.compare(report_of(NAMES), new, "--time", "cpu")[0], 1)

    def test_a_file_of_google_benchmark(self):
        plain = report_of(NAMES)
        del plain["schema"], plain["failed"]
        for r in plain["benchmarks"]:
            r["run_name"] = r["name"] = r["name"] + "/process_time/real_time"
            del r["round"]
        plain["benchmarks"].append({"name": "x_mean", "run_type": "aggregate"})
        self.assertEqual(self.compare(plain, report_of(NAMES))[0], 0)

    def test_table_and_picture(self):
        slower = dict(NAMES, **{"fft/plan/size:4": 6.0})
        status, _, _ = self.compare(
            report_of(NAMES), report_of(slower, seed=2),
            "--markdown", self.path("c.md"), "--svg", self.path("c.svg"),
        )  # fmt: skip
        self.assertEqual(status, 1)
        with open(self.path("c.md"), encoding="utf-8") as f:
            self.assertEqual(f.read().count("| fft/plan/"), 5)
        ElementTree.parse(self.path("c.svg"))


class Statistics(unittest.TestCase):
    def test_mann_whitney(self):
        """Values of scipy.stats.mannwhitneyu 1.17 (exact; asymptotic where values are shared)."""
        low, high = [1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0]
        self.assertAlmostEqual(compare.mann_whitney(low, high), 0.007936507936507936, 12)
        mixed = [1.5, 2.5, 7.5, 8.5]
        self.assertAlmostEqual(compare.mann_whitney(low, mixed), MIXED_P, 12)
        self.assertAlmostEqual(compare.mann_whitney([1, 2, 2, 3], [2, 3, 4, 4]), SHARED_P, 12)
        self.assertEqual(compare.mann_whitney([1, 1, 1], [1, 1, 1]), 1.0)

    def test_orders_are_counted(self):
        for n, m in ((1, 1), (2, 3), (5, 5), (9, 4)):
            ways = compare.arrangements(n, m)
            self.assertEqual(sum(ways), math.comb(n + m, n))
            self.assertEqual(ways, ways[::-1])

    def test_false_alarms_of_the_verdict(self):
        """Two runs of one program: far fewer verdicts than the test's level."""
        many = {f"a/b/{i}": 1.0 for i in range(300)}
        rows = compare.compare(report_of(many, noise=0.05), report_of(many, noise=0.05, seed=7))
        self.assertLessEqual(sum(bool(r["verdict"]) for r in rows["rows"]), 2)


MIXED_P = 0.5555555555555556
SHARED_P = 0.13416918012812584


class Broken(Folder):
    def refuse(self, text, *words):
        good = self.store("good.json", report_of(NAMES))
        bad = self.store("bad.json", text)
        for arguments in ((bad, good), (good, bad), (bad,)):
            status, _, err = self.call(compare.main, *arguments)
            self.assertEqual(status, 2, err)
            self.assertEqual(err.count("\n"), 1, err)
            self.assertIn("bad.json", err)
            for w in words:
                self.assertIn(w, err)

    def test_not_json(self):
        whole = json.dumps(report_of(NAMES), indent=1)
        self.refuse(whole[: len(whole) // 2], "not JSON", "line")
        self.refuse("", "not JSON")
        self.refuse("hello", "line 1, column 1")

    def test_not_a_report(self):
        self.refuse([], "top level: expected an object, found a list")
        self.refuse({"context": {}}, "benchmarks: expected a list, found null")
        self.refuse({"benchmarks": []}, "context")
        self.refuse({**report_of(NAMES), "schema": "other-9"}, "schema", "other-9")

    def test_entries(self):
        for key, value, words in (
            ("real_time", "fast", "expected a number"),
            ("real_time", None, "found null"),
            ("real_time", -1.0, "found -1.0"),
            ("real_time", True, "found a truth value"),
            ("real_time", float("nan"), "found nan"),
            ("time_unit", "h", "time_unit: expected ns, us, ms or s, found 'h'"),
            ("name", 3, "name: expected a text"),
            ("round", "x", "round"),
        ):
            report = report_of(NAMES)
            report["benchmarks"][2][key] = value
            self.refuse(report, "benchmarks[2]", words)

    def test_no_such_file(self):
        status, _, err = self.call(compare.main, self.path("none.json"))
        self.assertEqual((status, err.count("\n")), (2, 1))
        self.assertIn("No such file", err)

    def test_nothing_in_common(self):
        paths = self.store("a.json", report_of({"a/b/c": 1.0})), self.store("b.json", report_of(NAMES))
        status, _, err = self.call(compare.main, *paths)
        self.assertEqual((status, err.count("\n")), (2, 1))
        self.assertIn("nothing to compare", err)

    def test_a_filter_that_is_none(self):
        self.assertEqual(self.call(compare.main, *(self.store("a.json", report_of(NAMES)),) * 2,
                                   "--filter", "(")[0], 2)  # fmt: skip

    def test_what_is_written_is_whole_or_as_before(self):
        path = self.path("r.json")
        results.write_json(path, {"a": 1})
        with self.assertRaises(ValueError):
            results.write_json(path, {"a": float("nan")})
        with mock.patch("os.replace", side_effect=OSError("disk")), self.assertRaises(OSError):
            results.write_json(path, {"a": 2})
        with open(path, encoding="utf-8") as f:
            self.assertEqual(json.load(f), {"a": 1})
        self.assertEqual(os.listdir(self.folder), ["r.json"])


# A program that answers as Google Benchmark does.
PROGRAM = '''
import json, re, sys
names = {names!r}
options = dict(a.lstrip("-").split("=", 1) for a in sys.argv[1:])
if "benchmark_list_tests" in options:
    print("\\n".join(names))
    sys.exit(0)
{trouble}
wanted = [n for n in names if re.search(options["benchmark_filter"], n)]
entries = [dict(name=n, run_name=n, run_type="iteration", repetition_index=i, iterations=3,
                real_time=2.0 + 0.1 * i, cpu_time=2.0, time_unit="us", gap=0.1 / (1 + k))
           for k, n in enumerate(wanted) for i in range(int(options["benchmark_repetitions"]))]
with open(options["benchmark_out"], "w") as f:
    json.dump(dict(context=dict(kokkos="3.4.1", threads="2", abi="v0", caches=[]), benchmarks=entries), f)
'''


class Runner(Folder):
    def program(self, suite, names, trouble=""):
        path = self.path(f"bin/bench_{suite.replace('/', '_')}")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"#!{sys.executable}\n" + PROGRAM.format(names=names, trouble=trouble))
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)

    def bench(self, *options, suites=("fft/plan", "solve/variants")):
        with mock.patch.object(run, "suites", lambda: list(suites)), mock.patch.object(
            plots, "png", lambda figure: None
        ):
            return self.call(
                run.main, "--build", self.folder, "--out", self.path("out"), "--no-peers", *options
            )

    def report(self):
        return results.load(self.path("out/results.json"))

    def test_one_file_with_its_context(self):
        self.program("fft/plan", ["builtin/ny:8/real_time", "library/ny:8/real_time"])
        self.program("solve/variants", ["smooth/cg/n:5/process_time/real_time", "smooth/cg/n:10"])
        status, out, err = self.bench("--rounds", 2, "--repetitions", 2)
        self.assertEqual(status, 0, err)
        self.assertTrue(out.strip().endswith("results.json"))
        report = self.report()
        for key in ("git", "git_dirty", "cpu", "cores", "kokkos", "abi", "threads", "date",
                    "load_at_start", "caches", "rounds", "repetitions", "quick"):  # fmt: skip
            self.assertIn(key, report["context"])
        found = results.series_of(report)
        self.assertEqual(
            sorted(found),
            ["fft/plan/builtin/ny:8", "fft/plan/library/ny:8", "solve/variants/smooth/cg/n:10",
             "solve/variants/smooth/cg/n:5"],
        )  # fmt: skip
        self.assertEqual([len(r) for r in found["fft/plan/builtin/ny:8"].rounds.values()], [2, 2])
        self.assertAlmostEqual(found["fft/plan/builtin/ny:8"].median, 2.05e-6)
        with open(self.path("out/report.md"), encoding="utf-8") as f:
            text = f.read()
        for words in ("## Transforms", "plan/builtin/ny:8", "2.05 us", "![", "| ABI name | v0 |"):
            self.assertIn(words, text)
        for picture in ("fft.svg", "solve.svg", "solve-smooth.svg"):
            ElementTree.parse(self.path("out/" + picture))
        status, out, _ = self.call(compare.main, *[self.path("out/results.json")] * 2)
        self.assertEqual(status, 0, out)

    def test_filter(self):
        self.program("fft/plan", ["builtin/ny:8", "library/ny:8"])
        self.program("solve/variants", ["smooth/cg/n:5"])
        for pattern, expected in (
            ("library", ["fft/plan/library/ny:8"]),
            ("solve/", ["solve/variants/smooth/cg/n:5"]),
            ("fft/plan/builtin", ["fft/plan/builtin/ny:8"]),
        ):
            self.assertEqual(self.bench("--quick", "--filter", pattern)[0], 0)
            self.assertEqual(sorted(results.series_of(self.report())), expected)
        status, _, err = self.bench("--filter", "nowhere")
        self.assertEqual(status, 2)
        self.assertIn("the filter 'nowhere' fits none", err)
        status, _, err = self.bench("--filter", "(")
        self.assertEqual((status, err.count("\n")), (2, 1))

    def test_quick_leaves_out_what_is_slow_unless_it_is_named(self):
        self.program("fft/plan", ["builtin/ny:8/nx:512", "builtin/ny:208/nx:256"])
        self.program("nn/training", ["small/iterations:10"])
        both = ("fft/plan", "nn/training")
        self.assertEqual(self.bench("--quick", suites=both)[0], 0)
        self.assertEqual(
            list(results.series_of(self.report())), ["fft/plan/builtin/ny:208/nx:256"]
        )
        self.assertEqual(self.bench("--quick", "--filter", "nn/training", suites=both)[0], 0)
        self.assertEqual(list(results.series_of(self.report())), ["nn/training/small"])

    def test_a_suite_that_fails_does_not_stop_the_others(self):
        self.program("fft/plan", ["builtin/ny:8"], 'sys.exit("no memory")')
        self.program("solve/variants", ["smooth/cg/n:5"])
        status, _, err = self.bench("--quick")
        self.assertEqual(status, 1)
        self.assertIn("no memory", err)
        report = self.report()
        self.assertEqual(report["failed"][0]["suite"], "fft/plan")
        self.assertEqual(list(results.series_of(report)), ["solve/variants/smooth/cg/n:5"])

    def test_nothing_is_written_where_nothing_ran(self):
        self.program("fft/plan", ["builtin/ny:8"], "sys.exit(3)")
        status, _, err = self.bench("--quick", suites=["fft/plan"])
        self.assertEqual(status, 2)
        self.assertIn("status 3", err)
        self.assertFalse(os.path.exists(self.path("out/results.json")))

    def test_targets_are_those_of_the_sources(self):
        status, out, _ = self.call(run.main, "--targets", "--filter", "solve/variants/smooth")
        self.assertEqual((status, out.split()), (0, ["bench_solve_variants"]))
        everything = self.call(run.main, "--targets")[1].split()
        self.assertIn("bench_nn_layers", everything)
        for layer in ("fft", "linop", "prox", "solve", "mri", "nn"):
            self.assertTrue(any(t.startswith(f"bench_{layer}_") for t in everything), layer)

    def test_names_are_asked_for_exactly(self):
        import re

        names = ["a/b:1", "a/b:10", "conv<float>/x+y", "c(d)", "e.f"]
        for n in names:
            self.assertEqual([m for m in names if re.search(run.exactly([n]), m)], [n])


class Pictures(unittest.TestCase):
    def test_numbers_have_units(self):
        for seconds, text in ((1.0, "1.00 s"), (0.12345, "123 ms"), (1.23e-3, "1.23 ms"),
                              (3e-7, "300 ns"), (0.0, "0 s")):  # fmt: skip
            self.assertEqual(results.duration(seconds), text)

    def test_suffixes(self):
        for name, plain in (
            ("fused/ny:256/coils:10/manual_time", "fused/ny:256/coils:10"),
            ("difference_in_time/forward/process_time/real_time", "difference_in_time/forward"),
            ("a/iterations:3/repeats:2", "a"),
        ):
            self.assertEqual(results.plain_name(name), plain)

    def test_svg_is_whole(self):
        bars = plots.Bars("<a & b>", "axis", [plots.Bar("x<y>", 1e-3, 1e-4, 0.1, "g", "1 ms"),
                                               plots.Bar("y", 2.0, 2.0, 2.0, "h")])  # fmt: skip
        lines = plots.Lines("t", "x", "y", [("one", [1e-3, 1e-2], [0.1, 1e-5]), ("two", [1.0], [1.0])])
        for figure in (bars, lines):
            root = ElementTree.fromstring(plots.svg(figure))
            self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
            for e in root.iter():
                for key, value in e.attrib.items():
                    self.assertNotIn("nan", value, key)

    def test_caches_are_readable(self):
        self.assertEqual(
            pages.caches_text([{"level": 1, "type": "Data", "size": 32768}]), "L1 d 32 KiB"
        )


if __name__ == "__main__":
    unittest.main()

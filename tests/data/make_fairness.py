# SPDX-License-Identifier: Apache-2.0
"""Group figures of SciPy, scikit-learn and NumPy; writes fairness.json. Run in tests/data: python
make_fairness.py"""
import json

import numpy as np
from scipy import stats
from sklearn.utils.class_weight import compute_sample_weight

rng = np.random.default_rng(20261122)
out = {"mann_whitney": [], "weights": [], "report": {}}


def test(a, b):
    r = stats.mannwhitneyu(a, b, alternative="two-sided")
    out["mann_whitney"].append({"a": list(map(float, a)), "b": list(map(float, b)),
                                "u": float(r.statistic), "p": float(r.pvalue)})


test(rng.normal(size=5), rng.normal(1, 1, 7))  # exact
test(rng.normal(size=8), rng.normal(2, 1, 40))
test([1.0], [2.0])
test([1.0], [2.0, 3.0, 0.5])
test(rng.normal(size=30), rng.normal(0.5, 1, 25))  # normal
test(rng.integers(0, 4, 12), rng.integers(1, 5, 15))  # ties
test(rng.integers(0, 3, 5), rng.integers(0, 3, 6))  # ties, few
test(rng.integers(0, 10, 9), rng.integers(0, 10, 300))
test([1, 1, 2], [1, 1, 2])  # the correction for continuity passes the middle
for y in (["a"] * 3 + ["b"] * 7, list("xyzzyxzzzzxxq")):
    out["weights"].append({"of": y, "w": compute_sample_weight("balanced", y).tolist()})

groups = {"a": np.round(rng.uniform(0.7, 0.95, 24), 3), "b": np.round(rng.uniform(0.5, 0.9, 11), 3),
          "c": np.round(rng.uniform(0.8, 0.97, 17), 3)}
means = {k: v.mean() for k, v in groups.items()}
error = [1 - m for m in means.values()]
boot = stats.bootstrap((groups["b"],), np.mean, n_resamples=20000, method="percentile",
                       rng=np.random.default_rng(1)).confidence_interval
draws = [np.ptp([v[rng.integers(0, len(v), len(v))].mean() for v in groups.values()])
         for _ in range(20000)]
out["report"] = {
    "values": {k: v.tolist() for k, v in groups.items()}, "means": list(means.values()),
    "sds": [v.std(ddof=1) for v in groups.values()],
    "medians": [float(np.median(v)) for v in groups.values()],
    "mean": float(np.concatenate(list(groups.values())).mean()),
    "gap": float(np.ptp(list(means.values()))), "ser": max(error) / min(error),
    "sd": float(np.std(list(means.values()))), "interval_b": [boot.low, boot.high],
    "interval_gap": np.percentile(draws, [2.5, 97.5]).tolist()}
with open("fairness.json", "w") as f:
    json.dump(out, f, indent=0)

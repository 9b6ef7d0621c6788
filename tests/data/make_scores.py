#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reference values for tests/analysis/{overlap,surface_distance,kappa,agreement,distribution}.cpp.

Needs numpy, scipy, medpy, scikit-learn, statsmodels, pandas, pingouin. Writes scores/*.json beside itself.
"""
import json
import os
import warnings

import numpy as np
import pandas as pd
import pingouin
import scipy.stats as st
from medpy.metric import binary
from scipy.ndimage import distance_transform_edt
from sklearn import metrics
from statsmodels.stats.inter_rater import cohens_kappa

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scores")
rng = np.random.default_rng(20)


def save(name, value):
    with open(os.path.join(HERE, name + ".json"), "w") as f:
        json.dump(value, f, separators=(",", ":"))
        f.write("\n")


def packed(mask):
    return np.packbits(mask.astype(np.uint8).ravel()).tobytes().hex()


def ball(shape, centre, radius):
    g = np.meshgrid(*[np.arange(n) for n in shape], indexing="ij")
    return sum(((x - c) / r) ** 2 for x, c, r in zip(g, centre, radius)) <= 1


def one(shape, *places):
    m = np.zeros(shape, bool)
    for p in places:
        m[p] = True
    return m


def segmentation():
    cases = [
        ("balls 3-D", ball((8, 20, 22), (3, 9, 10), (3, 7, 6)), ball((8, 20, 22), (4, 10, 11), (3, 6, 8)), (8, 1.4, 1.4)),
        ("ring and ball 2-D", ball((24, 30), (12, 14), (9, 9)) & ~ball((24, 30), (12, 14), (5, 6)),
         ball((24, 30), (11, 15), (10, 8)) & ~ball((24, 30), (11, 16), (6, 5)), (1.25, 1.5)),
        ("noise 3-D", rng.random((5, 11, 13)) < 0.3, rng.random((5, 11, 13)) < 0.2, (10.0, 0.7, 2.3)),
        ("sparse noise", rng.random((9, 14, 10)) < 0.01, rng.random((9, 14, 10)) < 0.02, (3.0, 1.1, 0.9)),
        ("dense noise", rng.random((6, 9, 10)) < 0.95, rng.random((6, 9, 10)) < 0.97, (3.0, 1.1, 0.9)),
        ("everything", np.ones((4, 6, 7), bool), ball((4, 6, 7), (0, 0, 6), (2, 4, 3)), (2.0, 1.0, 1.0)),
        ("touching the border", ball((6, 16, 16), (0, 0, 0), (3, 9, 8)), ball((6, 16, 16), (5, 15, 15), (3, 7, 9)), (6.0, 2.0, 1.0)),
        ("single voxels", one((4, 9, 9), (0, 0, 0)), one((4, 9, 9), (3, 8, 7)), (8.0, 1.3, 1.7)),
        ("the same voxel", one((5, 5), (2, 3)), one((5, 5), (2, 3)), (1.0, 1.0)),
        ("one slice 3-D", ball((1, 18, 15), (0, 8, 7), (1, 6, 5)), ball((1, 18, 15), (0, 9, 8), (1, 5, 6)), (10.0, 1.5, 1.5)),
        ("one row", rng.random((1, 40)) < 0.3, rng.random((1, 40)) < 0.3, (2.0, 0.5)),
        ("two parts", ball((20, 20), (4, 4), (3, 3)) | ball((20, 20), (15, 15), (2, 3)), ball((20, 20), (4, 5), (3, 3)), (0.9, 1.1)),
        ("frames 4-D", rng.random((3, 4, 6, 7)) < 0.4, rng.random((3, 4, 6, 7)) < 0.1, (30.0, 8.0, 1.5, 1.0)),
    ]
    out = []
    for name, a, b, spacing in cases:
        out.append(dict(
            name=name, shape=a.shape, spacing=spacing, a=packed(a), b=packed(b),
            dc=binary.dc(a, b), jc=binary.jc(a, b), sensitivity=binary.sensitivity(a, b),
            specificity=None if b.all() else binary.specificity(a, b), precision=binary.precision(a, b),
            ravd=binary.ravd(a, b), hd=binary.hd(a, b, spacing), hd95=binary.hd95(a, b, spacing),
            asd=binary.asd(a, b, spacing), back=binary.asd(b, a, spacing), assd=binary.assd(a, b, spacing)))
    d = rng.random((3, 6, 5)) < 0.08
    edt = distance_transform_edt(~d, sampling=(4.0, 1.2, 0.8))
    save("segmentation", dict(cases=out, edt=dict(mask=packed(d), shape=d.shape, spacing=(4.0, 1.2, 0.8), distance=edt.ravel().tolist())))


def classes():
    def case(name, a, b):
        a, b = list(map(int, a)), list(map(int, b))
        labels = sorted(set(a) | set(b))
        table = metrics.confusion_matrix(a, b, labels=labels)
        k = {w: metrics.cohen_kappa_score(a, b, weights=None if w == "none" else w) for w in ("none", "linear", "quadratic")}
        error = {w: float(cohens_kappa(table, wt=None if w == "none" else w).std_kappa) for w in k}
        return dict(name=name, true=a, pred=b, labels=labels, matrix=table.tolist(), kappa=k, error=error,
                    accuracy=metrics.accuracy_score(a, b), balanced=metrics.balanced_accuracy_score(a, b),
                    f1=metrics.f1_score(a, b, labels=labels, average=None, zero_division=np.nan).tolist())

    warnings.simplefilter("ignore")
    t = rng.integers(1, 4, 60)
    save("classes", [
        case("three classes", t, np.clip(t + rng.integers(-1, 2, 60) * (rng.random(60) < 0.5), 1, 3)),
        case("five grades with gaps", g := rng.choice([-2, 0, 1, 5, 9], 40), np.where(rng.random(40) < 0.6, g, rng.choice([-2, 0, 1, 5, 9], 40))),
        case("a class that was never true", [0, 0, 1, 1, 0, 1], [0, 2, 1, 1, 1, 1]),
        case("opposite", [0, 0, 0, 1, 1, 1], [1, 1, 0, 0, 0, 1]),
        case("two classes", rng.integers(0, 2, 30), rng.integers(0, 2, 30)),
    ])


def distributions():
    rows = []
    for n in (1, 2, 3.5, 7, 30, 200, 5000, 2e5):
        for t in (-4.0, -0.3, 0.0, 1e-3, 0.7, 2.2, 11.0, 60.0):
            rows.append(["t_above", t, n, 0, float(st.t.sf(t, n))])
        for p in (1e-12, 1e-4, 0.025, 0.3, 0.5, 0.8, 0.999):
            rows.append(["t_exceeded", p, n, 0, float(st.t.isf(p, n))])
        for d in (1, 2.7, 9, 40, 333, 1e4):
            for f in (1e-3, 0.4, 1.0, 1.3, 5.0, 90.0):
                rows.append(["f_above", f, n, d, float(st.f.sf(f, n, d))])
            for p in (1e-8, 0.025, 0.5, 0.975):
                # f.isf computes with 1 - p, which has lost half of the digits of a small p
                rows.append(["f_exceeded", p, n, d, float(1 / st.f.ppf(p, d, n))])
    for z in (-5.0, -1.0, 0.0, 0.3, 2.0, 9.0, 30.0):
        rows.append(["normal_above", z, 0, 0, float(st.norm.sf(z))])
    for p in (1e-200, 1e-9, 0.025, 0.4, 0.5, 0.9):
        rows.append(["normal_exceeded", p, 0, 0, float(st.norm.isf(p))])
    save("distributions", rows)


def methods():
    def pairs(name, a, b):
        a, b = np.round(a, 3), np.round(b, 3)
        n, d, m = len(a), a - b, (a + b) / 2
        sd = d.std(ddof=1)
        t = st.t.ppf(0.975, n - 1)
        line = st.linregress(m, d)
        reach = st.t.ppf(0.975, n - 2) * line.stderr
        pr, sr = st.pearsonr(a, b), st.spearmanr(a, b)
        ci = pr.confidence_interval(0.95)
        ccc = 2 * np.cov(a, b, bias=True)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
        return dict(name=name, a=a.tolist(), b=b.tolist(), sd=sd,
                    bias=[d.mean(), d.mean() - t * sd / n ** 0.5, d.mean() + t * sd / n ** 0.5],
                    lower=[d.mean() - 1.96 * sd, *st.t.interval(0.95, n - 1, loc=d.mean() - 1.96 * sd, scale=(3 * sd ** 2 / n) ** 0.5)],
                    upper=[d.mean() + 1.96 * sd, *st.t.interval(0.95, n - 1, loc=d.mean() + 1.96 * sd, scale=(3 * sd ** 2 / n) ** 0.5)],
                    p=st.ttest_rel(a, b).pvalue, slope=[line.slope, line.slope - reach, line.slope + reach],
                    intercept=line.intercept, slope_p=line.pvalue, mad=np.abs(d).mean(),
                    pearson=[pr.statistic, ci.low, ci.high], pearson_p=pr.pvalue,
                    spearman=sr.statistic, spearman_p=sr.pvalue, ccc=ccc)

    ef = rng.normal(55, 10, 24)
    mass = rng.normal(110, 25, 15)
    out = [pairs("close", ef, ef + rng.normal(1.2, 2, 24)),
           pairs("proportional", mass, 0.85 * mass + rng.normal(3, 4, 15)),
           pairs("with ties", np.round(rng.normal(5, 2, 40)), np.round(rng.normal(5, 2, 40))),
           pairs("large offset", 1e5 + rng.normal(0, 1, 12), 1e5 + rng.normal(0.5, 1, 12)),
           pairs("three pairs", np.array([1.0, 2.5, 3.0]), np.array([1.2, 2.0, 3.9])),
           pairs("opposed", ef, 110 - ef + rng.normal(0, 3, 24))]

    def ratings(name, table):  # (rater, subject)
        table = np.round(table, 3)
        k, n = table.shape
        frame = pd.DataFrame(dict(r=np.repeat(np.arange(k), n), s=np.tile(np.arange(n), k), v=table.ravel()))
        icc = pingouin.intraclass_corr(frame, targets="s", raters="r", ratings="v")
        return dict(name=name, raters=table.tolist(),
                    rows=[[float(x) for x in (w["ICC"], w["F"], w["df1"], w["df2"], w["pval"], w["CI95"][0], w["CI95"][1])]
                          for _, w in icc.iterrows()])

    pingouin.options.update({k: None for k in list(pingouin.options) if k.startswith("round")})
    for k in ("round.column.CI95", "round.column.CI95%"):
        pingouin.options[k] = None
    base = rng.normal(60, 9, 20)
    # the example of Shrout and Fleiss
    fleiss = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]).T
    tables = [ratings("Shrout and Fleiss", fleiss.astype(float)),
              ratings("two observers", np.stack([base, base + rng.normal(0.5, 2, 20)])),
              ratings("three observers, biased", np.stack([base, base + 6 + rng.normal(0, 3, 20), base - 4 + rng.normal(0, 3, 20)])),
              ratings("unrelated", rng.normal(0, 1, (3, 9)))]
    save("methods", dict(pairs=out, ratings=tables))


os.makedirs(HERE, exist_ok=True)
segmentation()
classes()
distributions()
methods()

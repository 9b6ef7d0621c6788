#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reference values for tests/analysis/{overlap,surface_distance,kappa,agreement,distribution}.cpp.

Needs numpy, scipy, medpy, scikit-learn, pandas, pingouin. Writes scores/*.json beside itself.
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


os.makedirs(HERE, exist_ok=True)
segmentation()

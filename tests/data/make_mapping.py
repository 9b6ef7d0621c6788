#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reference fits by scipy.optimize.least_squares, for tests/solve and tests/analysis.

Writes mapping/NAME.npy, double, one row an item: the samples, then the expected values named in
COLUMNS below. The places are in mapping/NAME_x.npy. Made with SciPy 1.17, NumPy 2.4.
"""
import pathlib

import numpy as np
from scipy.optimize import least_squares

here = pathlib.Path(__file__).parent / "mapping"
rng = np.random.default_rng(20231)
TIGHT = dict(method="lm", xtol=1e-14, ftol=1e-14, gtol=1e-14, max_nfev=20000)


def fit(f, starts, y):
    """Best of several starts: parameters, |r|^2, covariance with s^2 = |r|^2 / (n - p)."""
    best = None
    for start in starts:
        r = least_squares(lambda p: f(p) - y, start, x_scale=np.abs(start) + 1e-9, **TIGHT)
        if best is None or r.cost < best.cost:
            best = r
    sse = 2 * best.cost
    covariance = np.linalg.pinv(best.jac.T @ best.jac) * sse / max(len(y) - len(best.x), 1)
    return best.x, sse, covariance


def save(name, x, rows):
    np.save(here / f"{name}_x.npy", np.asarray(x, float))
    np.save(here / f"{name}.npy", np.asarray(rows, float))
    print(name, np.shape(rows))


def general():
    """gauss: parameters 3, |r|^2, variances 3; damped: parameters 4, |r|^2."""
    x = np.linspace(-3, 3, 13)
    rows = []
    for _ in range(37):
        p = np.array([rng.uniform(1, 5), rng.uniform(-1, 1), rng.uniform(0.6, 1.5)])
        f = lambda q: q[0] * np.exp(-0.5 * ((x - q[1]) / q[2]) ** 2)
        y = f(p) + 0.1 * rng.standard_normal(x.size)
        q, sse, c = fit(f, [p], y)
        rows.append(np.r_[y, q, sse, np.diag(c)])
    save("gauss", x, rows)
    x = np.linspace(0, 6, 32)
    rows = []
    for _ in range(19):
        p = np.array([rng.uniform(1, 3), rng.uniform(0.2, 0.5), rng.uniform(1.5, 2.5),
                      rng.uniform(-0.5, 0.5)])
        f = lambda q: q[0] * np.exp(-q[1] * x) * np.cos(q[2] * x + q[3])
        y = f(p) + 0.05 * rng.standard_normal(x.size)
        q, sse, c = fit(f, [p], y)
        rows.append(np.r_[y, q, sse])
    save("damped", x, rows)


def recovery(name, t, look_locker, flips, noise):
    """molli, ir: T1, its standard deviation, |r|^2, A, B, T1*, number of negated samples."""
    rows = []
    starts = lambda m: [[m, 2 * m, ts] for ts in (150.0, 400.0, 900.0, 1800.0, 3000.0)]
    f = lambda q: q[0] - q[1] * np.exp(-t / q[2])
    while len(rows) < 40:
        a = rng.uniform(100, 400)
        b, ts = a * rng.uniform(1.75, 2.0), rng.uniform(300, 1600)
        y = np.abs(f([a, b, ts]) + noise * a * rng.standard_normal(t.size))
        order = np.argsort(t)
        best = None
        for n in range(flips + 1):
            signed = y.copy()
            signed[order[:n]] *= -1
            q, sse, c = fit(f, starts(y.max()), signed)
            if best is None or sse < best[1]:
                best = q, sse, c, n
        q, sse, c, n = best
        if not 30 < q[2] < 5000 or q[0] <= 0:
            continue
        if look_locker:
            t1 = q[2] * (q[1] / q[0] - 1)
            g = np.array([-q[2] * q[1] / q[0] ** 2, q[2] / q[0], q[1] / q[0] - 1])
        else:
            t1, g = q[2], np.array([0, 0, 1.0])
        rows.append(np.r_[y, t1, np.sqrt(g @ c @ g), sse, q, n])
    save(name, t, rows)


def decay(name, t, offset, noise):
    """t2, t2_offset: T2, its standard deviation, |r|^2, amplitude, offset."""
    rows = []
    f = (lambda q: q[0] * np.exp(-t / q[1]) + q[2]) if offset else (
        lambda q: q[0] * np.exp(-t / q[1]))
    while len(rows) < 40:
        m, t2 = rng.uniform(100, 1000), rng.uniform(25, 120)
        y = f([m, t2, 0.1 * m][: 3 if offset else 2]) + noise * m * rng.standard_normal(t.size)
        y = np.abs(y)
        starts = [[y.max(), s, 0.0][: 3 if offset else 2] for s in (20.0, 50.0, 120.0)]
        q, sse, c = fit(f, starts, y)
        if not 5 < q[1] < 400:
            continue
        rows.append(np.r_[y, q[1], np.sqrt(c[1, 1]), sse, q[0], q[2] if offset else 0.0])
    save(name, t, rows)


here.mkdir(exist_ok=True)
general()
recovery("molli", np.array([100., 180, 260, 1000, 1080, 1900, 1980, 2800, 3700]), True, 6, 0.02)
recovery("ir", np.array([1500., 50, 100, 3000, 200, 400, 800, 5000]), False, 7, 0.02)
decay("t2", np.array([0., 25, 35, 55]), False, 0.02)
decay("t2_offset", np.array([5., 15, 25, 40, 60, 80, 120, 160, 240]), True, 0.01)

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes phenotypes.json: contours by OpenCV, smoothing splines by SciPy, wall thickness by a
reimplementation of the published steps with both. Usage: make_phenotypes.py [M&Ms label file]"""
import json
import os
import sys
import warnings

import cv2
import numpy as np
from scipy import ndimage
from scipy.interpolate import UnivariateSpline, splev, splrep

warnings.simplefilter("ignore")
rng = np.random.default_rng(7)


def largest(m):
    l, n = ndimage.label(m)
    if n == 0:
        return m.astype(np.uint8)
    return (l == 1 + np.argmax(ndimage.sum(m, l, range(1, n + 1)))).astype(np.uint8)


def without_small(m, least=10):
    l, n = ndimage.label(m)
    out = np.zeros(m.shape, np.uint8)
    for i in range(1, n + 1):
        if (l == i).sum() >= least:
            out[l == i] = 1
    return out


def contour(m):
    c, _ = cv2.findContours(m, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return c[0][:, 0, ::-1]  # rows, columns


def smooth(c, factor=4):
    n = len(c)
    t, r = np.arange(n) / n, n // 2
    tp = np.concatenate((np.arange(-r, 0) / n, t, 1 + np.arange(0, r) / n))
    out = []
    for k in (0, 1):
        x = c[:, k].astype(float)
        xp = np.concatenate((x[-r:], x, x[:r]))
        out.append(UnivariateSpline(tp, xp, s=0.05 * len(tp))(np.arange(factor * n) / (factor * n)))
    return np.stack(out, 1)


def wall(seg, affine, middle):
    """seg is indexed [x, y, z], labels 1 LV, 2 myocardium, 3 RV."""
    def world(p, z):
        return np.array([(affine @ [q[0], q[1], z, 1])[:3] for q in p])

    def clean(z):
        s = seg[:, :, z]
        endo = largest(s == 1)
        myo = without_small(s == 2)
        return endo, myo, largest((endo | myo) > 0), largest(s == 3)

    def centre(m, z):
        return world([[v.mean() for v in np.nonzero(m)]], z)[0]

    z0 = int(round(np.nonzero(seg == 1)[2].mean()))
    endo, myo, epi, rv = clean(z0)
    septum, k = [], 0
    while not septum:
        k += 1
        d = cv2.dilate(rv, np.ones((3, 3), np.uint8), iterations=k)
        septum = [p for p in contour(epi) if d[p[0], p[1]]]
    c0 = centre(endo, z0)
    if middle == "listed":
        sep = world([septum[int(round(0.5 * len(septum)))]], z0)[0] - c0
        sep /= np.linalg.norm(sep)
    else:  # middle of the shortest arc that holds all angles
        w = world(septum, z0) - c0
        e = affine[:3, 0] / np.linalg.norm(affine[:3, 0])
        f = affine[:3, 1] - (affine[:3, 1] @ e) * e
        f /= np.linalg.norm(f)
        a = np.sort(np.arctan2(w @ f, w @ e))
        best = None
        for i in range(len(a)):
            b = np.mod(a - a[i], 2 * np.pi)
            if best is None or b.max() < best[0]:
                best = (b.max(), a[i] + b.max() / 2)
        sep = np.cos(best[1]) * e + np.sin(best[1]) * f
    base = affine[:3, 2] / np.linalg.norm(affine[:3, 2])
    if base[2] < 0:
        base = -base
    ant = np.cross(base, sep)
    zs = [z for z in range(seg.shape[2])
          if (seg[:, :, z] == 1).sum() >= 10 and (seg[:, :, z] == 2).sum() >= 10]
    zs.sort(key=lambda z: -(affine @ [0, 0, z, 1])[2])
    m = len(zs)
    parts = [[] for _ in range(17)]
    for i, z in enumerate(zs):
        endo, myo, epi, _ = clean(z)
        if endo.sum() < 10 or myo.sum() < 10:
            continue
        inner, outer = world(smooth(contour(endo)), z), world(smooth(contour(epi)), z)
        c = centre(endo, z)
        for p in inner:
            t = np.sqrt(((outer - p) ** 2).sum(1).min())
            deg = np.degrees(np.arctan2((p - c) @ sep, (p - c) @ ant))
            if i < np.ceil(m / 3) or i < np.ceil(2 * m / 3):
                b = [-30, 30, 90, 150]
                s = 1
                for j in range(3):
                    if b[j] <= deg < b[j + 1]:
                        s = j + 1
                if deg >= 150 or deg < -150:
                    s = 4
                elif -150 <= deg < -90:
                    s = 5
                elif -90 <= deg < -30:
                    s = 6
                s += 0 if i < np.ceil(m / 3) else 6
            else:
                s = 13 if -45 <= deg < 45 else 14 if 45 <= deg < 135 else \
                    15 if deg >= 135 or deg < -135 else 16
            parts[s].append(t)
            parts[0].append(t)
    nan = float("nan")
    return dict(mean=[float(np.mean(p)) if p else None for p in parts],
                maximum=[float(np.max(p)) if p else None for p in parts],
                points=[len(p) for p in parts], mid=z0, septal=sep.tolist())


def heart(p):
    """Circles: inner, outer, and a right ventricle beside; tests/analysis/wall.cpp draws the same."""
    nx, ny, nz = p["size"]
    x, y = np.meshgrid(np.arange(nx), np.arange(ny), indexing="ij")
    seg = np.zeros((nx, ny, nz), np.uint8)
    for z in range(nz):
        cx, cy = p["centre"][0] + p["drift"] * z, p["centre"][1]
        inner, outer = p["inner"] + p["growth"] * z, p["outer"] + p["growth"] * z
        rx, ry = cx + p["rv"][0], cy + p["rv"][1]
        seg[:, :, z][(x - rx) ** 2 + (y - ry) ** 2 <= p["rv"][2] ** 2] = 3
        seg[:, :, z][(x - cx) ** 2 + (y - cy) ** 2 <= outer ** 2] = 2
        ex = cx + p["offset"]
        seg[:, :, z][(x - ex) ** 2 + (y - cy) ** 2 <= inner ** 2] = 1
        for q in p["holes"]:  # stray pixels and a gap of the wall
            if q[2] == z:
                seg[q[0]:q[0] + q[3], q[1]:q[1] + q[4], z] = q[5]
    return seg


out = {"contours": [], "splines": [], "walls": []}
for k in range(14):
    shape = rng.integers(3, 26, 2)
    m = rng.random(shape) < 0.6 if k % 2 else ndimage.gaussian_filter(
        rng.standard_normal(shape), 1.5) > 0.02
    m[tuple(shape // 2)] = 1
    m = largest(m)
    if k == 0:
        m[:] = 0
        m[1, 1] = 1
    if k == 2:
        m[:] = 0
        m[1, :] = 1
    c = contour(m)
    case = dict(rows=int(shape[0]), columns=int(shape[1]),
                mask="".join(str(v) for v in m.ravel()), border=c.tolist())
    if len(c) >= 30 and k != 5:
        case["smooth"] = np.round(smooth(c), 9).tolist()[::7]
    out["contours"].append(case)
for k in range(10):
    n = int(rng.integers(6, 90))
    t = np.sort(np.round(rng.random(n), 5)) if k % 2 else np.round(np.linspace(0, 1, n), 5)
    t = np.unique(t)
    y = np.round(np.sin(7 * t) + 0.1 * rng.standard_normal(len(t)), 5)
    s = [0, 0.001, 0.01, 0.05, 1][k % 5] * len(t)
    tck, fp, _, _ = splrep(t, y, s=s, full_output=1)
    e = np.round(np.linspace(t[0], t[-1], 23), 6)
    out["splines"].append(dict(t=t.tolist(), y=y.tolist(), s=s, knots=len(tck[0]), residual=fp,
                               at=e.tolist(), values=splev(e, tck).tolist()))
base = dict(size=[72, 64, 9], centre=[40.0, 31.0], drift=0.0, inner=8.0, outer=14.0, growth=0.0,
            rv=[-20.0, 2.0, 12.0], offset=0.0, holes=[])
cases = {
    "concentric": (base, np.diag([1.5, 1.5, 8, 1.0])),
    "eccentric": (dict(base, offset=3.0, drift=0.25), np.diag([1.25, 1.25, 8, 1.0])),
    "growing, stray pixels, a gap, anisotropic": (
        dict(base, growth=0.25, drift=-0.5, rv=[-16.0, -14.0, 12.0],
             holes=[[3, 3, 4, 3, 3, 1], [4, 50, 5, 2, 2, 2], [52, 28, 2, 4, 5, 0]]),
        np.diag([1.5, 1.25, 10, 1.0])),
    "right ventricle on the other side": (dict(base, rv=[20.0, -3.0, 12.0]),
                                          np.diag([1.5, 1.5, 8, 1.0])),
    "above": (dict(base, rv=[0.0, -20.0, 12.0]), np.diag([1.5, 1.5, 8, 1.0])),
    "oblique, slices downwards": (base, np.array([
        [-1.2, 0.3, 2.0, 10], [0.3, 1.2, 1.0, -20], [0.1, -0.2, -8.0, 5], [0, 0, 0, 1.0]])),
}
for name, (p, a) in cases.items():
    out["walls"].append(dict(name=name, heart=p, affine=a.tolist(),
                             angular=wall(heart(p), a, "angular"),
                             listed=wall(heart(p), a, "listed")))
if len(sys.argv) > 1:
    import nibabel

    seg = np.rint(nibabel.load(sys.argv[1]).get_fdata()).astype(np.uint8)
    a = nibabel.load(sys.argv[1]).affine
    out["mnms"] = dict(affine=a.tolist(), angular=wall(seg, a, "angular"),
                       listed=wall(seg, a, "listed"))
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "phenotypes.json"), "w") as f:
    json.dump(out, f, separators=(",", ":"))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""T1 maps by MOLLI, 256 x 256 x 9: `cardiomm map`, a batched Levenberg-Marquardt in PyTorch and a
loop of SciPy's least_squares over the pixels, one run, the same files.

    python3 bench/peers/mapping.py --program build/bin/cardiomm --threads 1

All three fit |A - B exp(-t / T1*)| with 0 to 6 negated samples and keep the smallest error; all
pixels are fitted. The loop is measured on some pixels (--loop) and multiplied. PyTorch starts from
the same projections on a table of rates as the program, solves its 3 x 3 systems in closed form and
leaves out what has converged. Times are of the fits alone: processor time (all threads) and wall.
"""
import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import time
import warnings

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--program", default="build/bin/cardiomm")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--size", type=int, default=256)
parser.add_argument("--loop", type=int, default=150, help="pixels of SciPy's loop")
parser.add_argument("--repeat", type=int, default=5)
parser.add_argument("--background", action="store_true", help="noise around the disc, fitted too")
arguments = parser.parse_args()
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(arguments.threads)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from scipy.optimize import least_squares  # noqa: E402

torch.set_num_threads(arguments.threads)
warnings.filterwarnings("ignore")

TI = np.array([100, 180, 260, 1000, 1080, 1900, 1980, 2800, 3700], float)
FLIPS = 6


def make_images(n):
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:n, :n]
    apparent = 400 + 1500 * x / n
    a = 150 + 100 * y / n
    s = a * (1 - 1.93 * np.exp(-TI[:, None, None] / apparent))
    if arguments.background:
        s = s * ((y - n / 2) ** 2 + (x - n / 2) ** 2 < (0.43 * n) ** 2)
    noise = 4 * (rng.standard_normal(s.shape) + 1j * rng.standard_normal(s.shape))
    return np.abs(s + noise).astype(np.float32)


def timed(f):
    cpu, wall = time.process_time(), time.perf_counter()
    result = f()
    return result, time.process_time() - cpu, time.perf_counter() - wall


def scipy_pixel(y):
    best = None
    for n in range(FLIPS + 1):
        s = y.copy()
        s[:n] *= -1
        r = least_squares(lambda p: p[0] * (1 - np.exp(-p[1] * TI)) + p[2] - s,
                          [350.0, 0.005, -150.0], method="lm", x_scale=[100, 0.001, 100])
        if best is None or r.cost < best[0]:
            best = r.cost, r.x
    a, b, c = best[1]
    return (a / (a + c) - 1) / b


def torch_start(y, t):
    """For each polarity the best A, B, R of a table of rates: (7 pixels, 3) and signed samples."""
    n, m = y.shape
    sign = torch.ones(FLIPS + 1, n)
    for k in range(FLIPS + 1):
        sign[k, :k] = -1
    signed = (sign[:, :, None] * y[None]).permute(1, 0, 2).reshape(n, -1)  # (sample, 7 pixels)
    rates = torch.logspace(-1, 2, 24)
    e = torch.exp(-rates[:, None] * t[None])
    mean = e.mean(1, keepdim=True)
    length = (e - mean).norm(dim=1, keepdim=True)
    c = ((e - mean) / length) @ signed
    k = (c * c).argmax(0)
    b = c.gather(0, k[None])[0] / length[k, 0]
    return torch.stack([signed.mean(0) - b * mean[k, 0], b, rates[k]]), signed


def evaluate(p, y, t):
    """Cost, gradient and the six sums of J^T J of A + M exp(-R t)."""
    e = torch.exp(t[:, None] * -p[2])
    r = torch.addcmul(p[0], p[1], e).sub_(y)
    d = (e * p[1]).mul_(-t[:, None])
    cost = (r * r).sum(0)
    g = torch.stack([r.sum(0), (e * r).sum(0), (d * r).sum(0)])
    n = torch.full_like(cost, float(len(t)))
    h = torch.stack([n, e.sum(0), d.sum(0), (e * e).sum(0), (e * d).sum(0), (d * d).sum(0)])
    return cost, g, h


def solve3(h, g, lam):
    """(H + lam diag H)^-1 g by cofactors."""
    s = 1 + lam
    a, b, c, d, e, f = h[0] * s, h[1], h[2], h[3] * s, h[4], h[5] * s
    u, v, w = d * f - e * e, c * e - b * f, b * e - c * d
    q, r, z = a * f - c * c, b * c - a * e, a * d - b * b
    det = a * u + b * v + c * w
    det = torch.where(det.abs() > 1e-30, det, torch.full_like(det, 1e-30))
    return torch.stack([u * g[0] + v * g[1] + w * g[2], v * g[0] + q * g[1] + r * g[2],
                        w * g[0] + r * g[1] + z * g[2]]) / det


@torch.no_grad()
def torch_fit(images):
    n, m = len(TI), images[0].size
    t = torch.from_numpy(TI / TI.max()).float()
    y = torch.from_numpy(images.reshape(n, m))
    y = y / y.max(0).values.clamp_min(1e-20)
    p, signed = torch_start(y, t)
    result, final = p.clone(), torch.empty(p.shape[1])
    where = torch.arange(p.shape[1])
    cost, g, h = evaluate(p, signed, t)
    lam = torch.full_like(cost, 1e-3)
    for iteration in range(50):
        trial = p - solve3(h, g, lam)
        trial[2].clamp_(0.05, 300)
        new, ng, nh = evaluate(trial, signed, t)
        better = new <= cost * (1 + 4e-7)
        size = ((trial - p).abs() / p.abs().clamp_min(1e-3)).amax(0)
        p = torch.where(better, trial, p)
        cost = torch.where(better, new, cost)
        g = torch.where(better, ng, g)
        h = torch.where(better, nh, h)
        lam = torch.where(better, lam * 0.1, lam * 10).clamp_min_(1e-7)
        going = ((size > 1e-5) & (lam < 1e6))
        if iteration % 3 == 2 or not going.any():  # leave out what has converged
            done = ~going
            result[:, where[done]] = p[:, done]
            final[where[done]] = cost[done]
            keep = going.nonzero()[:, 0]
            if keep.numel() == 0:
                break
            p, cost, g, h = p[:, keep], cost[keep], g[:, keep], h[:, keep]
            lam, where, signed = lam[keep], where[keep], signed[:, keep]
    else:
        result[:, where], final[where] = p, cost
    best = final.view(FLIPS + 1, m).argmin(0)
    p = result.view(3, FLIPS + 1, m).gather(1, best[None, None].expand(3, 1, m))[:, 0]
    return ((-p[1] / p[0] - 1) / p[2] * TI.max()).numpy()


def main():
    n = arguments.size
    images = make_images(n)
    report = {"size": [n, n, len(TI)], "threads": arguments.threads, "load": os.getloadavg()[0],
              "torch": torch.__version__}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        np.save(folder / "I.npy", images)
        np.savetxt(folder / "T.csv", TI)
        runs = []
        for _ in range(arguments.repeat):
            out = subprocess.run(
                [arguments.program, "map", "--method", "molli", "--images", folder / "I.npy",
                 "--times", folder / "T.csv", "--out", folder / "out", "--threshold", "0",
                 "--threads", str(arguments.threads), "--json"],
                check=True, capture_output=True, text=True)
            runs.append(json.loads(out.stdout))
        ours = np.load(folder / "out" / "t1.npy").ravel()
    wall = min(r["fit_seconds"] for r in runs)
    cpu = min(r["fit_cpu_seconds"] for r in runs)
    report["cardiomm"] = {"cpu": cpu, "wall": wall}

    torch_fit(images[:, :8])
    fits = [timed(lambda: torch_fit(images)) for _ in range(arguments.repeat)]
    peer = fits[0][0]
    report["torch_lm"] = {"cpu": min(f[1] for f in fits), "wall": min(f[2] for f in fits)}

    chosen = np.random.default_rng(2).permutation(n * n)[: arguments.loop]
    flat = images.reshape(len(TI), -1).astype(float)
    loop, loop_cpu, loop_wall = timed(lambda: np.array([scipy_pixel(flat[:, i]) for i in chosen]))
    scale = n * n / len(chosen)
    report["scipy_loop"] = {"cpu": loop_cpu * scale, "wall": loop_wall * scale,
                            "measured_pixels": len(chosen)}
    good = ours > 0
    report["equal"] = {
        "to_scipy_1e-3": float(np.mean(np.abs(ours[chosen] / loop - 1)[good[chosen]] < 1e-3)),
        "to_torch_1e-3": float(np.mean(np.abs(ours / peer - 1)[good] < 1e-3)),
        "torch_to_scipy_1e-3": float(np.mean(np.abs(peer[chosen] / loop - 1) < 1e-3)),
        "fitted": float(good.mean())}
    for name in ("torch_lm", "scipy_loop"):
        report[name]["ours_is_faster_cpu"] = report[name]["cpu"] / cpu
        report[name]["ours_is_faster_wall"] = report[name]["wall"] / wall
    print(json.dumps(report, indent=1))


main()

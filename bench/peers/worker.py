# SPDX-License-Identifier: Apache-2.0
"""worker.py TOOL THREADS DATA: the Python half of run.py, in the peers' virtual environment.

Reads one JSON command a line from standard input, answers with one line each:
  {"do": "prepare", "id": ..., "job": "sense", "coils": 10, "options": {...}}   load data, build operators
  {"do": "run", "id": ...}     one call: seconds, processor time, peak memory of the process meanwhile
  {"do": "save", "path": ...}  the result of the last call, as .npy
  {"do": "forget"}             drop everything that was prepared
  {"do": "score", "kind": ..., "path": ..., "coils": ...}            error of a result file to the truth
The arrays are (frame, coil, y, x) and (coil, y, x), complex64, centred, orthonormal.
"""

import json
import os
import resource
import sys
import time

import numpy as np

sys.dont_write_bytecode = True  # the modules beside this file
TOOL, THREADS, DATA = sys.argv[1], int(sys.argv[2]), sys.argv[3]
AXES = (-2, -1)
VARIATION = 0.02  # weight of the temporal variation


def load(name):
    return np.load(os.path.join(DATA, name + ".npy"))


def undersampled(coils):
    return load(f"und_{coils}_4"), load(f"maps_{coils}")[0]


# ---- the peers: each returns a function without arguments that does the work once ----------------
def sigpy(job, coils, options):
    import sigpy.mri.app as app

    if job == "espirit":
        centre = load(f"tavg_{coils}")[0]
        return lambda: app.EspiritCalib(centre, calib_width=24, crop=0, show_pbar=False).run()
    kspace, maps = undersampled(coils)
    if job == "l1wavelet":
        return lambda: np.stack(
            [
                app.L1WaveletRecon(f, maps, 0.006, max_iter=30, alpha=1, show_pbar=False).run()
                for f in kspace
            ]
        )
    if job == "tv":
        import sigpy as sp

        shape = (len(kspace), 1) + maps.shape[1:]
        coil_images = sp.linop.Multiply(shape, maps[None])
        transform = sp.linop.FFT(coil_images.oshape, axes=AXES)
        sampling = sp.linop.Multiply(transform.oshape, load("mask_4"))
        steps = sp.linop.FiniteDifference(shape, axes=(0,))
        norm = sp.prox.L1Reg(steps.oshape, VARIATION)
        return lambda: sp.app.LinearLeastSquares(
            sampling * transform * coil_images,
            kspace,
            G=steps,
            proxg=norm,
            max_iter=100,
            tau=0.2,
            sigma=1,
            show_pbar=False,
        ).run()
    return lambda: np.stack(
        [app.SenseRecon(frame, maps, max_iter=10, show_pbar=False).run() for frame in kspace]
    )


def bartorch(job, coils, options):
    import bartorch
    import bartorch.apps
    import bartorch.tools
    import torch

    torch.set_num_threads(THREADS)
    bartorch.set_num_threads(THREADS)
    if job == "espirit":
        centre = torch.from_numpy(load(f"tavg_{coils}")[0])[:, None]
        call = dict(maps=1, calib_size=(1, 24, 24), crop=0.0, **options)
        return lambda: bartorch.tools.ecalib(centre, **call)
    kspace, maps = (torch.from_numpy(a).unsqueeze(-3) for a in undersampled(coils))
    if job == "l1wavelet":
        import bartorch.priors

        prior = bartorch.priors.Wavelet((-1, -2), 0.006)
        return lambda: torch.stack(
            [
                bartorch.apps.pics(f, maps, maxiter=30, regularizers=prior, scaling=1.0)
                for f in kspace
            ]
        )
    return lambda: torch.stack(
        [bartorch.apps.pics(frame, maps, maxiter=10, scaling=1.0) for frame in kspace]
    )


def mrpro(job, coils, options):
    import torch
    from mrpro.algorithms.optimizers import cg
    from mrpro.data import KTrajectory, SpatialDimension
    from mrpro.operators import FourierOp, SensitivityOp

    torch.set_num_threads(THREADS)
    torch.set_grad_enabled(False)
    kspace, maps = undersampled(coils)
    ny, nx = kspace.shape[-2:]
    sampled = load("mask_4")[:, 0, :, 0].real > 0
    lines = np.stack([np.flatnonzero(frame) for frame in sampled])  # as its readers bring raw data
    data = np.stack([frame[:, rows] for frame, rows in zip(kspace, lines)])[:, :, None]
    ky = torch.from_numpy((lines - ny // 2).astype(np.float32))[:, None, None, :, None]
    kx = (torch.arange(nx) - nx // 2).float()[None, None, None, None]
    matrix = SpatialDimension(1, ny, nx)
    trajectory = KTrajectory(kz=torch.zeros(1, 1, 1, 1, 1), ky=ky, kx=kx)
    encoding = FourierOp(
        recon_matrix=matrix, encoding_matrix=matrix, traj=trajectory
    ) @ SensitivityOp(torch.from_numpy(maps)[None, :, None])
    data = torch.from_numpy(data)

    def call():
        (right,) = encoding.H(data)
        return cg(
            encoding.gram,
            right,
            initial_value=torch.zeros_like(right),
            max_iterations=10,
            tolerance=0,
        )[0]

    return call


def scipy(job, coils, options):
    import scipy.fft as f

    kspace = load(f"full_{coils}")
    return lambda: f.fftshift(
        f.fftn(f.ifftshift(kspace, axes=AXES), axes=AXES, norm="ortho", workers=THREADS), axes=AXES
    )


def torch(job, coils, options):
    if job == "training":  # `coils` is the network's size
        import training

        return training.prepare(DATA, coils, THREADS, options)
    import network

    return network.prepare(DATA, THREADS, options)


# ---- errors, by the definitions of the comparison's data ----------------------------------------------
def result(path):
    if path.endswith(".npy"):
        return np.load(path)
    with open(path + ".hdr") as header:
        extents = [int(n) for n in header.read().split("\n")[1].split()]
    return np.fromfile(path + ".cfl", np.complex64).reshape([n for n in reversed(extents) if n > 1])


def score(kind, path, coils):
    found = result(path)
    norm = np.linalg.norm
    if kind == "variation":  # the same, and 1/2 |A x - y|^2 + lambda |D x|_1
        kspace, maps = undersampled(coils)
        image = found.reshape(len(kspace), *kspace.shape[-2:]).astype(np.complex128)
        left = 0.0
        for x, y, mask in zip(image, kspace, load("mask_4")):
            planes = np.fft.fftshift(
                np.fft.fft2(np.fft.ifftshift(maps * x, axes=AXES), norm="ortho"), axes=AXES
            )
            left += norm((planes - y) * mask) ** 2 / 2
        steps = abs(image - np.roll(image, 1, axis=0)).sum()
        return {"objective": float(left + VARIATION * steps), **score("image", path, coils)}
    if kind == "network":  # max |x - expected| / max |expected|, double precision
        truth = load("network_expected")
        return {"error": float(abs(found - truth).max() / truth.max())}
    if kind == "training":  # the loss of the second step
        return {"loss": float(found[1])}
    if kind == "image":  # |x - truth| / |truth|; the same of magnitudes in the heart
        truth = load("truth")[:, 0]
        found, heart = found.reshape(truth.shape), load("roi_heart") > 0
        return {
            "error": float(norm(found - truth) / norm(truth)),
            "error_heart": float(
                norm(abs(found[:, heart]) - abs(truth[:, heart])) / norm(truth[:, heart])
            ),
        }
    if kind == "maps":  # mean sine of the angle between coil vectors in the body
        truth = load(f"maps_{coils}")[0]
        found = found.reshape(truth.shape)
        length = np.sqrt((abs(found) ** 2).sum(0))
        kept = (load("roi_body") > 0) & (length > 1e-3)
        cosine = abs((truth.conj() * found).sum(0))[kept] / length[kept]
        return {"error": float(np.sqrt(np.maximum(0, 1 - cosine**2)).mean())}
    plane = load(f"full_{coils}")[3, 2].astype(np.complex128)  # one plane in double precision
    truth = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(plane), norm="ortho"))
    found = found.reshape(-1, coils, *truth.shape)[3, 2]
    return {"error": float(norm(found - truth) / norm(truth))}


# ---- commands -----------------------------------------------------------------------------------------
def forget_peak():
    with open("/proc/self/clear_refs", "w") as clear:
        clear.write("5")


def peak_mib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def versions(names):
    from importlib import metadata

    return {name: metadata.version(name) for name in names}


def main():
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the tools print is not an answer
    calls, value = {}, None
    for line in sys.stdin:
        command = json.loads(line)
        answer = {}
        try:
            if command["do"] == "prepare":
                calls[command["id"]] = globals()[TOOL](
                    command["job"], command["coils"], command["options"]
                )
                answer = versions([TOOL])
            elif command["do"] == "run":
                value, call = None, calls[command["id"]]
                forget_peak()
                used, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
                value = call()
                seconds, now = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF)
                cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
                answer = {"seconds": seconds, "cpu": cpu, "peak_mib": peak_mib()}
            elif command["do"] == "save":
                np.save(command["path"], np.asarray(value))
            elif command["do"] == "forget":
                value = None
                calls.clear()
            elif command["do"] == "score":
                answer = score(command["kind"], command["path"], command["coils"])
        except Exception as e:  # a peer that fails is a line of the report
            answer = {"failed": f"{type(e).__name__}: {e}"[:300]}
        answers.write(json.dumps(answer) + "\n")


main()

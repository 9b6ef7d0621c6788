# SPDX-License-Identifier: Apache-2.0
"""The same numbers as the program, where $CARDIOMM_PROGRAM names it."""

import numpy as np
import pytest

import cardiomm as cm
from conftest import relative


@pytest.fixture(scope="module")
def files(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("program")
    program("phantom", "--coils", 5, "--frames", 4, "--slices", 1, "--shape", "64,72", "--snr", 40,
            "--seed", 3, "--out", folder / "heart")
    program("mask", "--pattern", "kt-gaussian", "--acceleration", 4, "--acs", 20, "--shape",
            "4,64,72", "--seed", 2, "--out", folder / "mask.npy")
    return folder


def load(path):
    a = np.load(path)
    return np.ascontiguousarray(a)


def test_phantom_and_mask(files):
    ours = cm.phantom(coils=5, frames=4, slices=1, shape=(64, 72), snr=40, seed=3)
    assert relative(ours["kspace"].reshape(4, 5, 64, 72), load(files / "heart/kspace.npy").reshape(4, 5, 64, 72)) < 1e-5
    np.testing.assert_array_equal(
        cm.masks.kt_gaussian((4, 64, 72), acceleration=4, acs=20, seed=2), load(files / "mask.npy")
    )


METHODS = {
    "zf": (cm.zero_filled, {}, []),
    "sense": (cm.sense, {"lamda": 0.02, "iterations": 10}, []),
    "l1wavelet": (cm.l1wavelet, {"lamda": 0.002, "iterations": 6}, []),
    "tv": (cm.tv, {"lamda": 0.002, "iterations": 6}, []),
    "ktsparse": (cm.ktsparse, {"lamda": 0.002, "iterations": 6}, []),
    "llr": (cm.llr, {"lamda": 0.01, "iterations": 6}, []),
    "lps": (cm.lps, {"lamda": 0.002, "iterations": 6}, []),
    "grappa": (cm.grappa, {}, []),
    "nlinv": (cm.nlinv, {"iterations": 5}, []),
}


@pytest.mark.parametrize("method", METHODS)
def test_methods(method, files, program):
    f, options, more = METHODS[method]
    out = files / f"{method}.npy"
    words = []
    for key, value in options.items():
        words += [{"lamda": "--lambda", "iterations": "--iterations"}[key], value]
    program("recon", "--method", method, "--kspace", files / "heart/kspace.npy", "--mask",
            files / "mask.npy", *words, *more, "--out", out)
    kspace, mask = load(files / "heart/kspace.npy"), load(files / "mask.npy")
    sampled = np.ascontiguousarray(kspace * mask.reshape(4, *(1,) * (kspace.ndim - 3), 64, 72))
    ours, theirs = f(sampled, mask, **options), load(out)
    assert relative(ours.reshape(theirs.shape), theirs) < 2e-3


def test_network(files, program):
    out = files / "network.npy"
    program("recon", "--method", "cardiomm", "--kspace", files / "heart/kspace.npy", "--mask",
            files / "mask.npy", "--metadata", "modality=cine, view=sax", "--undersampling",
            "4x random", "--out", out)
    kspace, mask = load(files / "heart/kspace.npy"), load(files / "mask.npy")
    sampled = np.ascontiguousarray(kspace * mask.reshape(4, *(1,) * (kspace.ndim - 3), 64, 72))
    ours = cm.network.load()(sampled, mask, acceleration=4, sampling="random",
                             metadata="modality=cine, view=sax")
    theirs = load(out)
    assert relative(ours.reshape(theirs.shape), theirs) < 1e-3

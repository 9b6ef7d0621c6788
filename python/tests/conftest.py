# SPDX-License-Identifier: Apache-2.0
"""Data that tests share: a small beating heart, and what is installed beside the package."""

import os
import shutil
import subprocess

import numpy as np
import pytest

import cardiomm as cm


def complex_noise(shape, seed):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def relative(found, expected):
    """|found - expected| / |expected|"""
    a, b = np.asarray(found, np.complex128), np.asarray(expected, np.complex128)
    assert a.shape == b.shape
    return np.linalg.norm(a - b) / np.linalg.norm(b)


@pytest.fixture
def noise():
    return complex_noise


@pytest.fixture(scope="session")
def heart():
    """(frame 4, slice 1, coil 5, y 48, x 64) and its truth."""
    return cm.phantom(coils=5, frames=4, slices=1, shape=(48, 64), snr=40, seed=3)


@pytest.fixture(scope="session")
def scan(heart):
    """(k-space, mask, maps): undersampled twice."""
    mask = cm.masks.kt_gaussian((4, 48, 64), acceleration=3, acs=16, seed=2)
    kspace = np.ascontiguousarray(heart["kspace"] * mask[:, None, None])
    return kspace, mask, heart["maps"]


@pytest.fixture(scope="session")
def program():
    """Runs the program of the library; $CARDIOMM_PROGRAM says where it is."""
    path = os.environ.get("CARDIOMM_PROGRAM") or shutil.which("cardiomm")
    if not path:
        pytest.skip("cardiomm-skip: $CARDIOMM_PROGRAM")

    def run(*words):
        done = subprocess.run(
            [path, *map(str, words)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run

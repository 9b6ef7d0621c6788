# SPDX-License-Identifier: Apache-2.0
"""Recipes: against their own definition in NumPy, and against SigPy."""

import numpy as np
import pytest

import cardiomm as cm
from conftest import relative

WITH_MAPS = {
    "zero_filled": {},
    "sense": {"iterations": 12},
    "l1wavelet": {"lamda": 0.002, "iterations": 8},
    "tv": {"lamda": 0.002, "iterations": 8},
    "ktsparse": {"lamda": 0.002, "iterations": 8},
    "llr": {"lamda": 0.01, "iterations": 8},
    "lps": {"lamda": 0.002, "iterations": 8},
}


@pytest.mark.parametrize("name", WITH_MAPS)
def test_reconstructs(name, scan, heart):
    kspace, mask, maps = scan
    x = getattr(cm, name)(kspace, mask, maps, **WITH_MAPS[name])
    assert x.shape == (4, 1, 48, 64) and x.dtype == np.complex64
    zf = cm.metrics.psnr(heart["image"], cm.zero_filled(kspace, mask, maps))
    if name != "zero_filled":
        assert cm.metrics.psnr(heart["image"], x) > zf + 2


@pytest.mark.parametrize("name", WITH_MAPS)
def test_axes_may_be_left_out(name, scan):
    kspace, mask, maps = scan
    f, o = getattr(cm, name), WITH_MAPS[name]
    full = f(kspace, mask, maps, **o)
    np.testing.assert_array_equal(f(kspace[:, 0].copy(), mask, maps, **o), full[:, 0])
    one = f(kspace[1, 0], mask[1], maps[0], **o)
    assert one.shape == (48, 64)
    np.testing.assert_array_equal(one, f(kspace[1:2], mask[1:2], maps, **o)[0, 0])


def test_masks_in_all_forms(scan):
    kspace, mask, maps = scan
    expected = cm.sense(kspace, mask, maps, iterations=5)
    for m in (mask.astype(bool), mask.astype(np.float64), mask[:, :, 0], None):
        np.testing.assert_array_equal(cm.sense(kspace, m, maps, iterations=5), expected)
    k1 = kspace[:1]
    expected = cm.sense(k1, mask[:1], maps, iterations=5)
    for m in (mask[0], mask[0, :, 0]):
        np.testing.assert_array_equal(cm.sense(k1, m, maps, iterations=5), expected)


def test_inputs_stay(scan):
    kspace, mask, maps = (a.copy() for a in scan)
    for name, o in WITH_MAPS.items():
        getattr(cm, name)(kspace, mask, maps, **o)
    cm.espirit(kspace)
    cm.grappa(kspace, mask)
    for now, before in zip((kspace, mask, maps), scan, strict=True):
        np.testing.assert_array_equal(now, before)


def test_read_only_inputs(scan):
    kspace, mask, maps = (a.copy() for a in scan)
    for a in (kspace, mask, maps):
        a.flags.writeable = False
    np.testing.assert_array_equal(cm.zero_filled(kspace, mask, maps), cm.zero_filled(*scan))


def test_sense_is_cg_on_the_encoding(scan):
    kspace, mask, maps = scan
    A = cm.mask(mask) * cm.Fourier() * cm.Sensitivity(maps)
    x = cm.cg(A.H * A + 0.02 * cm.Identity, A.H(kspace), iterations=12, systems=2)
    assert relative(x, cm.sense(kspace, mask, maps, lamda=0.02, iterations=12)) < 1e-5
    x = cm.cg(A.H * A + 0.02 * cm.Identity, A.H(kspace), iterations=12)
    joint = cm.sense(kspace, mask, maps, lamda=0.02, iterations=12, joint=True)
    assert relative(x, joint) < 1e-5


def test_l1wavelet_is_fista_on_the_encoding(scan):
    kspace, mask, maps = scan
    A = cm.mask(mask) * cm.Fourier() * cm.Sensitivity(maps)
    one = kspace[:1]
    A = cm.mask(mask[:1]) * cm.Fourier() * cm.Sensitivity(maps)
    gain = float((np.abs(maps) ** 2).sum(1).max())
    x = cm.fista(A.N, A.H(one), cm.prox.wavelet_l1(0.01), step=1 / gain, iterations=10)
    assert relative(x, cm.l1wavelet(one, mask[:1], maps, lamda=0.01, iterations=10)) < 1e-4


def test_sense_as_sigpy(scan):
    sp = pytest.importorskip("sigpy")
    mr = pytest.importorskip("sigpy.mri.app")
    kspace, mask, maps = scan
    k, s = kspace[0, 0], maps[0]
    theirs = mr.SenseRecon(
        k, s, lamda=0.02, weights=mask[0].astype(np.float32), max_iter=20, show_pbar=False
    ).run()
    ours = cm.sense(k, mask[0], s, lamda=0.02, iterations=20)
    assert sp.get_array_module(theirs) is np
    assert relative(ours, theirs) < 1e-4


def test_espirit(heart):
    maps, values = cm.espirit(heart["kspace"], eigenvalues=True)
    assert maps.shape == heart["maps"].shape and values.shape == (1, 48, 64)
    norms = (np.abs(maps) ** 2).sum(1)
    inside = norms > 0
    assert inside.any() and np.allclose(norms[inside], 1, atol=1e-4)
    truth = heart["maps"] / np.sqrt((np.abs(heart["maps"]) ** 2).sum(1, keepdims=True) + 1e-20)
    bright = np.abs(heart["image"]).mean(0) > 0.3
    agree = np.abs((maps.conj() * truth).sum(1))[bright & inside]
    assert np.median(agree) > 0.99
    assert cm.espirit(heart["kspace"][0, 0]).shape == (5, 48, 64)
    assert cm.espirit(heart["kspace"], sets=2).shape == (2, 1, 5, 48, 64)


def test_soft_sense(heart):
    k = heart["kspace"][:1]
    x = cm.sense(k, None, cm.espirit(k, sets=2), iterations=10)
    assert x.shape == (2, 1, 1, 48, 64)


def test_maps_are_estimated(scan):
    kspace, mask, _ = scan
    expected = cm.sense(kspace, mask, cm.espirit(kspace), iterations=5)
    np.testing.assert_array_equal(cm.sense(kspace, mask, iterations=5), expected)
    with pytest.raises(ValueError, match="sense: maps left out, and none found"):
        cm.sense(np.zeros_like(kspace) + np.complex64(0), mask)


def test_rss_and_sampling(scan, heart):
    k = heart["kspace"]
    coils = np.abs(np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(k, axes=(-2, -1)), norm="ortho"),
                                   axes=(-2, -1)))
    assert relative(cm.rss(k), np.sqrt((coils**2).sum(2))) < 1e-5
    assert cm.rss(k[0, 0]).shape == (48, 64) and cm.rss(k).dtype == np.float32
    np.testing.assert_array_equal(cm.sampling_of(scan[0]), scan[1])


def test_grappa(heart):
    mask = cm.masks.uniform((4, 48, 64), acceleration=2, acs=20)
    k = np.ascontiguousarray(heart["kspace"] * mask[:, None, None])
    full = cm.grappa(k, mask, return_kspace=True)
    measured = mask.astype(bool)[:, None, None]
    np.testing.assert_array_equal(np.where(measured, full, 0), k)
    image = cm.grappa(k, mask)
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, cm.rss(full))
    reference = cm.rss(heart["kspace"])
    assert cm.metrics.psnr(reference, image) > cm.metrics.psnr(reference, cm.rss(k)) + 3
    assert cm.grappa(k, mask, heart["maps"]).dtype == np.complex64


def test_nlinv(heart):
    mask = cm.masks.uniform((1, 48, 64), acceleration=2, acs=16)
    k = np.ascontiguousarray(heart["kspace"][:1] * mask)
    image, maps, report = cm.nlinv(k, mask, return_maps=True, report=True)
    assert image.shape == (1, 1, 48, 64) and maps.shape == k.shape and report.iterations == 8
    model = cm.mask(mask) * cm.Fourier() * cm.Sensitivity(maps[0, 0].copy())
    left = relative(model(image), k)  # noise, which early steps do not fit
    assert left < 0.3 and left == pytest.approx(report.residual[0], abs=0.02)


def test_radial(noise):
    heart = cm.phantom(coils=4, frames=3, shape=(32, 32), snr=0)
    t = cm.trajectories.radial(samples=32, spokes=24, frames=3)
    A = cm.NUFFT(t, (32, 32)) * cm.Sensitivity(heart["maps"])
    k = A(heart["image"])
    x = cm.radial(k, t, heart["maps"], lamda=1e-4, iterations=20)
    assert x.shape == (3, 1, 32, 32)
    assert relative(x, heart["image"]) < 0.2
    maps = cm.radial_maps(k, t)
    assert maps.shape == (1, 4, 32, 32)
    assert cm.radial(k, t, iterations=3).shape == x.shape
    square = cm.radial(k, t, heart["maps"], penalty="square", lamda=0.05, iterations=10)
    expected = cm.cg(A.N + 0.05 * cm.Identity, A.H(k), iterations=10)
    assert relative(square, expected) < 1e-3


def test_lps_parts(scan):
    kspace, mask, maps = scan
    x, low, sparse, report = cm.lps(kspace, mask, maps, lamda=0.002, iterations=4, parts=True,
                                    report=True)
    assert relative(low + sparse, x) < 1e-6 and report.iterations == 4


def test_reports_and_callbacks(scan):
    kspace, mask, maps = scan
    x, report = cm.sense(kspace, mask, maps, tolerance=1e-2, iterations=50, report=True)
    assert report.converged and report.iterations < 50 and len(report.residual) == 4
    heard = []
    _, report = cm.tv(kspace, mask, maps, iterations=20, report=True,
                      callback=lambda *a: heard.append(a) or False)
    assert report.interrupted and len(heard) == 1


def test_data_scale(heart):
    k = heart["kspace"]
    assert cm.data_scale(3 * k) == pytest.approx(3 * cm.data_scale(k), rel=1e-4)


K = (4, 1, 5, 48, 64)


@pytest.mark.parametrize(
    "change, error, words",
    [
        (lambda k, m, s: (k.astype(np.complex128), m, s), TypeError,
         r"sense: kspace: expected a C-contiguous NumPy array of complex64 with axes \(frame, slice, "
         r"coil, y, x\).*, found complex128 of shape \(4, 1, 5, 48, 64\)"),
        (lambda k, m, s: (k.tolist(), m, s), TypeError, "kspace: expected .*found list"),
        (lambda k, m, s: (np.asfortranarray(k), m, s), ValueError, "kspace: expected .*strides"),
        (lambda k, m, s: (k[0, 0, 0], m, s), ValueError, "kspace: expected .*found shape"),
        (lambda k, m, s: (k, m[:, :-1], s), ValueError, r"mask: expected .*found shape \(4, 47, 64\)"),
        (lambda k, m, s: (k, np.zeros_like(m), s), ValueError, "mask: expected at least one sample"),
        (lambda k, m, s: (k, m.astype("U1"), s), TypeError, "mask: expected numbers"),
        (lambda k, m, s: (k, m, s[:, :4]), ValueError,
         r"sense: maps: expected \(set, slice or 1, coil, y, x\) = \(1, 1, 5, 48, 64\), found "
         r"\(1, 4, 48, 64\)"),
        (lambda k, m, s: (k, m, s.real.copy()), TypeError, "maps: expected .*found float32"),
    ],
)
def test_errors(scan, change, error, words):
    with pytest.raises(error, match="(?s)" + words):
        cm.sense(*change(*scan))


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"lamda": -1}, ValueError, "lamda: expected a number of at least 0, found -1"),
        ({"lamda": "1"}, TypeError, "lamda: expected a number, found str"),
        ({"iterations": 2.5}, TypeError, "iterations: expected an integer"),
        ({"iterations": 0}, ValueError, "iterations: expected an integer of at least 1"),
        ({"along": "x"}, ValueError, "along: expected 'time' or 'space', found 'x'"),
        ({"solver": "gd"}, ValueError, "solver: expected 'fista', 'admm' or 'pdhg', found 'gd'"),
    ],
)
def test_option_errors(scan, options, error, words):
    with pytest.raises(error, match="tv: " + words):
        cm.tv(*scan, **options)

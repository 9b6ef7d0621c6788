# SPDX-License-Identifier: Apache-2.0
"""Masks, trajectories, phantom, scores, the network."""

import numpy as np
import pytest

import cardiomm as cm


def test_masks():
    m = cm.masks.uniform((3, 32, 16), acceleration=4, acs=8)
    assert m.shape == (3, 32, 16) and m.dtype == np.uint8 and set(np.unique(m)) == {0, 1}
    assert m[:, ::4].all() and m[:, 12:20].all()
    k = cm.masks.kt_uniform((3, 32, 16), acceleration=4, acs=0)
    for f in range(3):
        assert k[f, f::4].all() and k[f].sum() == 8 * 16
    g = cm.masks.kt_gaussian((3, 64, 16), acceleration=4, acs=8, seed=5)
    assert (g[0] != g[1]).any()
    np.testing.assert_array_equal(g, cm.masks.kt_gaussian((3, 64, 16), acceleration=4, acs=8, seed=5))
    r = cm.masks.kt_radial((3, 64, 64), acceleration=8, acs=8)
    assert 1 < cm.masks.net_acceleration(r) < 16
    assert cm.masks.uniform((32, 16)).shape == (1, 32, 16)
    for call, error, words in (
        (lambda: cm.masks.uniform((32,)), ValueError, "shape: expected"),
        (lambda: cm.masks.uniform((3, 32, 16), acceleration=0.5), ValueError, "acceleration"),
        (lambda: cm.masks.uniform((3, 32, 16), acs=33), ValueError, "acs: expected 0 to 32"),
        (lambda: cm.masks.kt_gaussian((3, 32, 16), seed=-1), ValueError, "seed"),
        (lambda: cm.masks.uniform((3, 32.5, 16)), TypeError, "shape: expected an integer"),
    ):
        with pytest.raises(error, match=words):
            call()


def test_trajectories():
    t = cm.trajectories.radial(samples=16, spokes=3, frames=2)
    assert t.shape == (2, 3, 16, 2) and t.dtype == np.float64
    angle = np.arctan2(t[..., 0], t[..., 1])[..., -1].ravel()
    steps = np.diff(angle) % np.pi
    np.testing.assert_allclose(steps, np.pi / ((1 + np.sqrt(5)) / 2) % np.pi, rtol=1e-9)
    s = cm.trajectories.spiral(samples=64, interleaves=4, matrix=32)
    assert np.hypot(s[..., 0], s[..., 1]).max() == pytest.approx(16)


def test_phantom(heart):
    assert heart["kspace"].shape == (4, 1, 5, 48, 64)
    assert {0, 1, 2, 3} >= set(np.unique(heart["labels"])) >= {0, 1}
    again = cm.phantom(coils=5, frames=4, slices=1, shape=(48, 64), snr=40, seed=3)
    np.testing.assert_array_equal(again["kspace"], heart["kspace"])
    quiet = cm.phantom(coils=2, frames=1, shape=(32, 32), snr=0)
    model = cm.Fourier() * cm.Sensitivity(quiet["maps"])
    assert np.linalg.norm(model(quiet["image"]) - quiet["kspace"]) < 0.1 * np.linalg.norm(
        quiet["kspace"]
    )


def test_metrics(noise):
    a = np.abs(noise((3, 20, 24), 1)).astype(np.float32)
    b = a + 0.05 * np.abs(noise((3, 20, 24), 2)).astype(np.float32)
    q = cm.metrics.compare(a, b)
    nmse = np.mean([((x - y) ** 2).sum() / (x**2).sum() for x, y in zip(a, b, strict=True)])
    psnr = np.mean([10 * np.log10(x.max() ** 2 / ((x - y) ** 2).mean()) for x, y in zip(a, b, strict=True)])
    assert q.nmse == pytest.approx(nmse, rel=1e-5) and q.psnr == pytest.approx(psnr, rel=1e-5)
    assert cm.metrics.ssim(a, a) == pytest.approx(1) and cm.metrics.psnr(a, a) == np.inf
    assert cm.metrics.nmse(a.astype(np.complex64), 1j * b) == pytest.approx(nmse, rel=1e-5)
    whole = cm.metrics.compare(a, b, "volume")
    assert whole.nmse == pytest.approx(((a - b) ** 2).sum() / (a**2).sum(), rel=1e-5)
    assert cm.metrics.nmse(a, 2 * b, 2023) == pytest.approx(cm.metrics.nmse(a, b, 2023), rel=1e-5)
    for call, error, words in (
        (lambda: cm.metrics.psnr(a, b[:2]), ValueError, "image: expected shape"),
        (lambda: cm.metrics.psnr(a, b, 2020), ValueError, "convention: expected None, 'volume'"),
        (lambda: cm.metrics.psnr(a[0, :5], b[0, :5]), ValueError, "7"),
        (lambda: cm.metrics.psnr(a * 0, b), ValueError, "expected a signal"),
        (lambda: cm.metrics.psnr("a", "b"), TypeError, "expected numbers"),
    ):
        with pytest.raises(error, match=words):
            call()


def test_ssim_as_scikit_image(noise):
    ski = pytest.importorskip("skimage.metrics")
    a = np.abs(noise((20, 24), 3)).astype(np.float32)
    b = np.abs(noise((20, 24), 4)).astype(np.float32)
    expected = ski.structural_similarity(
        a.astype(np.float64), b.astype(np.float64), data_range=float(a.max())
    )
    assert cm.metrics.ssim(a, b) == pytest.approx(expected, abs=1e-6)


@pytest.fixture(scope="module")
def net():
    return cm.network.load()


def test_network(net, scan):
    kspace, mask, _ = scan
    x = net(kspace, mask, acceleration=4, sampling="random", metadata="modality=cine, view=sax", acs=16)
    assert x.shape == (4, 1, 48, 64) and x.dtype == np.float32 and (x >= 0).all()
    assert net.cascades >= 1 and net.metadata["cardiomm.text"] == "code-v1"
    one = net(kspace[1, 0], mask[1], acceleration=4, sampling="random",
              metadata="modality=cine, view=sax", acs=16)
    np.testing.assert_allclose(one, x[1, 0], rtol=1e-5, atol=1e-6)
    with pytest.warns(UserWarning, match="taken for"):
        net(kspace[:1], mask[:1], acs=16)


def test_network_leaves_out_silent_coils(net, scan):
    kspace, mask, _ = scan
    words = {"acceleration": 4, "sampling": "random", "acs": 16}
    k = kspace[:1].copy()
    k[:, :, 2] = 0
    some = np.ascontiguousarray(np.delete(k, 2, axis=2))
    np.testing.assert_array_equal(net(k, mask[:1], **words), net(some, mask[:1], **words))


def test_network_errors(net, scan, tmp_path):
    kspace, mask, _ = scan
    with pytest.raises(OSError, match="none.safetensors"):
        cm.network.load(tmp_path / "none.safetensors")
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    with pytest.raises(ValueError, match="bad.safetensors"):
        cm.network.load(bad)
    for words, error, text in (
        ({"acceleration": 0}, ValueError, "acceleration"),
        ({"acceleration": 4, "sampling": "spiral"}, ValueError, "sampling: expected 'uniform'"),
        ({"acceleration": 4, "acs": 99}, ValueError, "acs: expected at most 48"),
        ({"acceleration": 4, "metadata": "colour=red"}, ValueError, "metadata"),
        ({"embedding": ([1.0], [2.0])}, ValueError, "embedding: expected two vectors of 32"),
    ):
        with pytest.raises(error, match=text):
            net(kspace, mask, **words)


def test_sampling_of_mask():
    for make, acceleration, family in (
        (cm.masks.uniform, 8, "uniform"),
        (cm.masks.kt_gaussian, 8, "random"),
        (cm.masks.kt_radial, 8, "radial"),
    ):
        m = make((1, 128, 128), acceleration=acceleration, acs=20)[0]
        assert cm.network.sampling_of_mask(m) == (acceleration, family)


def test_info_and_stubs():
    from pathlib import Path

    folder = Path(cm.__file__).parent
    assert (folder / "py.typed").exists() and (folder / "_core.pyi").exists()
    assert set(cm.info()) == {"version", "backend", "lane_bytes", "started"}
    for name in cm.__all__:
        assert hasattr(cm, name), name
        if not name[0].isupper() and callable(getattr(cm, name)):
            assert getattr(cm, name).__doc__, name

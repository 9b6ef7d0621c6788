# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

import cardiomm as cm
from conftest import relative


def normal_of(noise, shape=(2, 6, 8)):
    s = noise((4, *shape[1:]), 1)
    s /= np.sqrt((np.abs(s) ** 2).sum(0))
    m = (np.random.default_rng(2).random((shape[0], *shape[1:])) < 0.5).astype(np.uint8)
    return (cm.mask(m) * cm.Fourier() * cm.Sensitivity(s)).N + 0.05 * cm.Identity


def dense(A, shape):
    n = int(np.prod(shape))
    unit = np.eye(n, dtype=np.complex64)
    return np.stack([A(u.reshape(shape)).ravel() for u in unit], axis=1).astype(np.complex128)


def test_cg_solves_the_dense_system(noise):
    shape = (1, 6, 8)
    A, b = normal_of(noise, shape), noise(shape, 3)
    expected = np.linalg.solve(dense(A, shape), b.ravel().astype(np.complex128)).reshape(shape)
    x, report = cm.cg(A, b, iterations=200, tolerance=1e-6, report=True)
    assert relative(x, expected) < 2e-5
    assert report.converged and report.residual[0] <= 1e-6 and report.iterations < 200
    again = cm.cg(A, b, x, iterations=1)
    assert relative(again, expected) < 2e-5


def test_cg_as_scipy(noise):
    sparse = pytest.importorskip("scipy.sparse.linalg")
    shape = (1, 6, 8)
    A, b = normal_of(noise, shape), noise(shape, 4)
    n = b.size
    op = sparse.LinearOperator((n, n), lambda v: A(v.astype(np.complex64).reshape(shape)).ravel(),
                               dtype=np.complex64)
    theirs, _ = sparse.cg(op, b.ravel(), maxiter=8, rtol=0, atol=0)
    assert relative(cm.cg(A, b, iterations=8), theirs.reshape(shape)) < 1e-4


def test_systems_side_by_side(noise):
    A, b = normal_of(noise), noise((2, 6, 8), 5)
    both = cm.cg(A, b, iterations=7, systems=1)
    for f in range(2):
        alone = b.copy()
        alone[1 - f] = 0
        assert relative(both[f], cm.cg(A, alone, iterations=7)[f]) < 1e-5
    assert relative(cm.cg(A, b, iterations=7), both) > 1e-4  # one system takes other steps


def test_callback_and_its_errors(noise):
    A, b = normal_of(noise), noise((2, 6, 8), 6)
    heard = []
    x, report = cm.cg(A, b, iterations=40, report=True,
                      callback=lambda i, n, r: heard.append((i, n, r)) or len(heard) < 2)
    assert report.interrupted and report.iterations == heard[-1][0] < 40
    assert heard[0][1] == 40 and 0 < heard[1][2] < heard[0][2]
    with pytest.raises(ZeroDivisionError):
        cm.cg(A, b, callback=lambda *a: 1 / 0)
    with pytest.raises(TypeError, match="callback: expected a function"):
        cm.cg(A, b, callback=3)


def test_inputs_stay(noise):
    A, b, x0 = normal_of(noise), noise((2, 6, 8), 7), noise((2, 6, 8), 8)
    kept = b.copy(), x0.copy()
    cm.cg(A, b, x0)
    cm.fista(A, b, cm.prox.l1(0.1), x0)
    np.testing.assert_array_equal(b, kept[0])
    np.testing.assert_array_equal(x0, kept[1])


def test_fista_with_l1_on_an_orthogonal_operator(noise):
    b = noise((3, 6, 8), 9)
    x = cm.fista(cm.Identity, b, cm.prox.l1(0.7), step=1.0, iterations=5)
    expected = b * np.maximum(0, 1 - 0.7 / np.abs(b))
    assert relative(x, expected) < 1e-6


def test_fista_reaches_the_minimum(noise):
    """0 is in the subdifferential: |N x - b| <= w where x = 0, and = -w x / |x| elsewhere."""
    A, b, w = normal_of(noise), noise((2, 6, 8), 10), 0.5
    x = cm.fista(A, b, cm.prox.l1(w), iterations=500)
    g = A(x) - b
    zero = np.abs(x) == 0
    assert zero.any() and (~zero).any()
    assert (np.abs(g[zero]) <= w * 1.001).all()
    np.testing.assert_allclose(g[~zero], -w * x[~zero] / np.abs(x[~zero]), atol=2e-3)


def proxes():
    return {
        "l1": cm.prox.l1(0.4),
        "squares": cm.prox.squares(0.4),
        "wavelet": cm.prox.wavelet_l1(0.4, levels=2),
        "frequency": cm.prox.frequency_l1(0.4),
        "tv time": cm.prox.tv_time(0.4),
        "tv space": cm.prox.tv_space(0.4),
        "low rank": cm.prox.low_rank(0.4, block=4),
    }


@pytest.mark.parametrize("name", proxes())
def test_prox_is_a_minimum(noise, name):
    """p = prox(x) is no worse than points around it, and gradients agree to the first order."""
    p = proxes()[name]
    x = noise((3, 1, 8, 12), 11)
    u = p(x, 0.8)
    assert u.shape == x.shape

    def cost(v):
        return 0.8 * p.value(v) + 0.5 * np.linalg.norm((v - x).astype(np.complex128)) ** 2

    least = cost(u)
    assert least < cost(x) and least < cost(np.zeros_like(x))
    for seed in range(4):
        step = noise(x.shape, 20 + seed)
        assert least <= cost(u + np.float32(1e-2) * step) + 1e-4 * abs(least)
    assert cm.fista(cm.Identity, x, p, step=0.9, iterations=3).shape == x.shape


def test_prox_closed_forms(noise):
    x = noise((4, 8, 8), 12)
    np.testing.assert_allclose(cm.prox.squares(0.5)(x, 2.0), x / 2, rtol=1e-5)
    assert cm.prox.l1(0.5).value(x) == pytest.approx(0.5 * np.abs(x).sum(), rel=1e-5)
    u, s, v = np.linalg.svd(x.reshape(4, -1), full_matrices=False)
    expected = ((u * np.maximum(0, s - 3)) @ v).reshape(x.shape)
    assert relative(cm.prox.low_rank(3.0, block=8)(x), expected) < 1e-4


def test_largest_eigenvalue(noise):
    A, shape = normal_of(noise, (1, 6, 8)), (1, 6, 8)
    expected = np.linalg.eigvalsh(dense(A, shape))[-1]
    assert cm.largest_eigenvalue(A, shape, iterations=200) == pytest.approx(expected, rel=1e-3)


def test_errors(noise):
    A, b = normal_of(noise), noise((2, 6, 8), 13)
    for call, error, words in (
        (lambda: cm.cg(3, b), TypeError, "cg: A: expected a cardiomm operator, found int"),
        (lambda: cm.cg(A, b.real.copy()), TypeError, "cg: b: expected .* found float32"),
        (lambda: cm.cg(A, b, b[0].copy()), ValueError, "cg: x0: expected shape"),
        (lambda: cm.cg(A, b, iterations=0), ValueError, "iterations: expected an integer of at"),
        (lambda: cm.cg(A, b, tolerance=float("nan")), ValueError, "tolerance: expected a number"),
        (lambda: cm.cg(A, b, systems=3), ValueError, "systems: expected 0 to 2"),
        (lambda: cm.cg(A, noise((2, 6, 9), 1)), ValueError, "expected"),
        (lambda: cm.cg(cm.Sensitivity(noise((3, 6, 8), 1)), b), ValueError, "expected"),
        (lambda: cm.fista(A, b, 0.1), TypeError, "fista: prox: expected one of cardiomm.prox"),
        (lambda: cm.prox.l1(-1), ValueError, "l1: weight: expected a number of at least 0"),
        (lambda: cm.prox.l1("a"), TypeError, "l1: weight: expected a number, found str"),
        (lambda: cm.prox.low_rank(1, shift="x"), ValueError, "shift: expected 'none', 'random' or"),
    ):
        with pytest.raises(error, match=words):
            call()

# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

import cardiomm as cm
from conftest import complex_noise, relative

T, Z, C, Y, X = 3, 2, 4, 12, 16


def masks():
    lines = np.zeros((T, Y, X), np.uint8)
    points = (np.random.default_rng(0).random((T, Y, X)) < 0.4).astype(np.uint8)
    for f in range(T):
        lines[f, f::3] = 1
    return {"lines": lines, "points": points, "one": points[0]}


def spokes(frames=T):
    return cm.trajectories.radial(samples=X, spokes=5, frames=frames)


def operators():
    s = complex_noise((Z, C, Y, X), 1)
    soft = complex_noise((2, Z, C, Y, X), 2)
    image, coils = (T, Z, Y, X), (T, Z, C, Y, X)
    made = {
        "identity": (cm.Identity, image),
        "fourier": (cm.Fourier(), coils),
        "fourier frames": (cm.Fourier(0), image),
        "fourier odd": (cm.Fourier((-1, 0)), (5, 7, 3)),
        "sensitivity": (cm.Sensitivity(s), image),
        "sensitivity of one slice": (cm.Sensitivity(s[0].copy()), image),
        "soft sensitivity": (cm.Sensitivity(soft), (2, *image)),
        "multiply": (cm.Multiply(complex_noise((1, Z, 1, X), 3)), image),
        "wavelet": (cm.Wavelet(image), image),
        "difference": (cm.Difference(), image),
        "difference x": (cm.Difference("x", periodic=False), image),
        "nufft": (cm.NUFFT(spokes(), (Y, X)), coils),
        "nufft sense": (cm.NUFFT(spokes(), (Y, X)) * cm.Sensitivity(s), image),
        "sum": (cm.Identity + 2j * cm.Difference() - cm.Wavelet(image), image),
        "gram of a sum": ((cm.Identity + 1j * cm.Difference()).N, image),
    }
    for name, m in masks().items():
        made[f"mask {name}"] = (cm.mask(m), coils)
        made[f"encoding {name}"] = (cm.mask(m) * cm.Fourier() * cm.Sensitivity(s), image)
        made[f"soft encoding {name}"] = (
            cm.mask(m) * cm.Fourier() * cm.Sensitivity(soft), (2, *image),
        )
    return made


ALL = operators()


@pytest.mark.parametrize("name", ALL)
def test_adjoint(name):
    A, shape = ALL[name]
    assert cm.dot_test(A, shape) < 2e-6
    assert cm.dot_test(A.H, A.output_shape(shape)) < 2e-6


@pytest.mark.parametrize("name", ALL)
def test_normal(name):
    A, shape = ALL[name]
    x = complex_noise(shape, 5)
    expected = A.H(A(x))
    assert relative(A.N(x), expected) < 3e-5
    assert relative((A.H * A)(x), expected) < 3e-5
    assert A.N.H(x).shape == shape


@pytest.mark.parametrize("name", ["encoding lines", "encoding points", "encoding one"])
def test_encoding_is_what_numpy_says(name):
    A, shape = ALL[name]
    x, s = complex_noise(shape, 6), complex_noise((Z, C, Y, X), 1)
    m = masks()[name.split()[1]]
    m = m if m.ndim == 3 else np.broadcast_to(m, (T, Y, X))
    coils = np.fft.ifftshift((s[None] * x[:, :, None]).astype(np.complex128), axes=(-2, -1))
    k = np.fft.fftshift(np.fft.fft2(coils, norm="ortho"), axes=(-2, -1)) * m[:, None, None]
    assert relative(A(x), k) < 2e-6


def test_known_patterns_are_fused():
    s = complex_noise((C, Y, X), 1)
    m = masks()["lines"]
    fused = cm.mask(m) * cm.Fourier() * cm.Sensitivity(s)
    assert fused.name == "mask * fourier * sensitivity (fused)"
    assert fused.N.name == "gram of " + fused.name == (fused.H * fused).name
    brackets = cm.mask(m) * (cm.Fourier() * cm.Sensitivity(s))
    assert brackets.name == fused.name
    apart = cm.mask(m) * cm.Identity * cm.Fourier() * cm.Sensitivity(s)
    assert "fused" not in apart.name
    x = complex_noise((T, Y, X), 7)
    assert relative(fused(x), apart(x)) < 2e-6
    nufft = cm.NUFFT(spokes(), (Y, X)) * cm.Sensitivity(s)
    assert nufft.name == "nufft * sensitivity (fused)"


def test_leading_axes_may_be_left_out():
    s, m = complex_noise((C, Y, X), 1), masks()["one"]
    A = cm.mask(m) * cm.Fourier() * cm.Sensitivity(s)
    for shape in ((Y, X), (T, Y, X), (T, Z, Y, X)):
        x = complex_noise(shape, 8)
        y = A(x)
        assert y.shape == (*shape[:-2], C, Y, X)
        assert A.H(y).shape == shape == A.N(x).shape
        full = A(x.reshape((1,) * (4 - len(shape)) + shape if len(shape) != 3 else (T, 1, Y, X)))
        np.testing.assert_array_equal(full.reshape(y.shape), y)


def test_nufft_is_the_sum_that_it_says():
    t = spokes(1)
    x = complex_noise((1, Y, X), 9)
    j, i = np.arange(Y) - Y // 2, np.arange(X) - X // 2
    kx, ky = t[0, ..., 0], t[0, ..., 1]
    phase = kx[..., None, None] * i / X + ky[..., None, None] * j[:, None] / Y
    expected = (np.exp(-2j * np.pi * phase) * x[0]).sum((-2, -1)) / np.sqrt(Y * X)
    assert relative(cm.NUFFT(t, (Y, X))(x)[0], expected) < 1e-5


def test_shapes():
    s = complex_noise((C, Y, X), 1)
    A = cm.mask(masks()["lines"]) * cm.Fourier() * cm.Sensitivity(s)
    assert cm.Identity.domain is None and cm.Fourier().ishape is None
    assert A.ishape == (T, None, Y, X) and A.oshape == (T, None, C, Y, X)
    assert cm.mask(masks()["one"]).domain == (None, None, None, Y, X)
    assert A.output_shape((T, Y, X)) == (T, C, Y, X)
    with pytest.raises(ValueError, match="frame|shape"):
        A.output_shape((T + 1, Y, X))
    with pytest.raises(ValueError, match="expected"):
        cm.Sensitivity(s)(complex_noise((Y, X + 1), 1))


def test_algebra(noise):
    x = noise((T, Y, X), 10)
    D = cm.Difference()
    for made, expected in (
        (2 * D, 2 * D(x)),
        (D * 2, 2 * D(x)),
        (np.float32(2) * D, 2 * D(x)),
        (1j * D - D, 1j * D(x) - D(x)),
        (-D, -D(x)),
        (D @ D, D(D(x))),
        (D.H * D + 0.5 * cm.Identity, D.H(D(x)) + 0.5 * x),
    ):
        assert relative(made(x), expected) < 2e-6
    np.testing.assert_array_equal(D * x, D(x))
    assert D.H.H is D
    for wrong in (lambda: D + 1, lambda: "2" * D, lambda: x * D, lambda: D * None):
        with pytest.raises(TypeError):
            wrong()


def test_python_functions(noise):
    x = noise((5, 6), 11)
    F = cm.from_functions(
        lambda v: np.ascontiguousarray(3j * v.T), lambda w: np.ascontiguousarray(-3j * w.T),
        (5, 6), (6, 5),
    )
    assert cm.dot_test(F, (5, 6)) < 1e-6
    np.testing.assert_allclose((cm.Fourier() * F)(x), cm.fft(np.ascontiguousarray(3j * x.T)), rtol=1e-5)
    bad = cm.from_functions(lambda v: v[:, :2], lambda w: w, (5, 6), (5, 6), name="bad")
    with pytest.raises(TypeError, match="bad: expected the function to return"):
        bad(x)
    broken = cm.from_functions(lambda v: 1 / 0, lambda w: w, (5, 6), (5, 6))
    with pytest.raises(ZeroDivisionError):
        broken(x)


def test_errors(noise):
    x = noise((T, Y, X), 12)
    D = cm.Difference()
    with pytest.raises(TypeError, match="difference: input: expected .*complex64"):
        D(x.real.copy())
    with pytest.raises(ValueError, match="out: expected memory apart"):
        D(x, out=x)
    with pytest.raises(ValueError, match="out: expected shape"):
        D(x, out=noise((T, Y, Y), 1))
    with pytest.raises(ValueError, match="'frame', 'slice', 'y' or 'x'"):
        cm.Difference("t")
    with pytest.raises(ValueError, match="mask: expected"):
        cm.mask(np.ones(5))
    with pytest.raises(TypeError, match="mask: mask: expected numbers"):
        cm.mask(np.array([["a", "b"]]))
    with pytest.raises(ValueError, match="trajectory: expected real"):
        cm.NUFFT(np.zeros((3, 4, 3)), (Y, X))


def test_as_sigpy(noise):
    sp = pytest.importorskip("sigpy")
    s, x, m = noise((C, Y, X), 13), noise((Y, X), 14), masks()["one"]
    theirs = sp.linop.Multiply((C, Y, X), m) * sp.linop.FFT((C, Y, X), axes=(-2, -1)) * (
        sp.linop.Multiply((Y, X), s)
    )
    ours = cm.mask(m) * cm.Fourier() * cm.Sensitivity(s)
    assert relative(ours(x), theirs * x) < 2e-6
    assert relative(ours.N(x), theirs.H * theirs * x) < 2e-6

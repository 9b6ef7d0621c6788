# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

import cardiomm as cm
from conftest import relative


def centred(x, axes, inverse=False, norm="ortho"):
    f = np.fft.ifftn if inverse else np.fft.fftn
    x = np.fft.ifftshift(x.astype(np.complex128), axes=axes)
    return np.fft.fftshift(f(x, axes=axes, norm=norm), axes=axes)


@pytest.mark.parametrize("shape", [(8,), (7,), (4, 6), (5, 9), (3, 2, 31, 30), (2, 1, 3, 16, 12)])
def test_as_numpy(noise, shape):
    x = noise(shape, 1)
    axes = tuple(range(-min(2, len(shape)), 0))
    assert relative(cm.fft(x), centred(x, axes)) < 2e-6
    assert relative(cm.ifft(x), centred(x, axes, True)) < 2e-6
    assert relative(cm.ifft(cm.fft(x)), x) < 2e-6


@pytest.mark.parametrize("axes", [0, -1, (0,), (1, 2), (0, 2), (2, 0), (0, 1, 2)])
def test_axes(noise, axes):
    x = noise((6, 5, 8), 2)
    listed = (axes,) if isinstance(axes, int) else axes
    assert relative(cm.fft(x, axes), centred(x, listed)) < 2e-6


def test_plain_sum_and_origin(noise):
    x = noise((9, 12), 3)
    assert relative(cm.fft(x, norm=None, center=False), np.fft.fft2(x)) < 2e-6
    assert relative(cm.ifft(x, norm=None, center=False), np.fft.ifft2(x) * x.size) < 2e-6


def test_as_sigpy(noise):
    sp = pytest.importorskip("sigpy")
    x = noise((3, 20, 24), 4)
    assert relative(cm.fft(x), sp.fft(x, axes=(-2, -1))) < 2e-6
    assert relative(cm.ifft(x), sp.ifft(x, axes=(-2, -1))) < 2e-6


def test_in_place(noise):
    x = noise((4, 16, 16), 5)
    expected = cm.fft(x)
    assert cm.fft(x, out=x) is x
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize(
    "change, error, words",
    [
        (lambda x: (x.astype(np.complex128),), TypeError, "x: expected .* complex64.*complex128"),
        (lambda x: (x.real.copy(),), TypeError, "found float32 of shape"),
        (lambda x: (x.tolist(),), TypeError, "found list"),
        (lambda x: (x[:, ::2],), ValueError, "C-contiguous.*strides"),
        (lambda x: (x.T,), ValueError, "C-contiguous"),
        (lambda x: (x, (0, 0)), ValueError, "different axes"),
        (lambda x: (x, 2), ValueError, "axes: expected -2 to 1"),
        (lambda x: (x, 0.5), TypeError, "axes: expected an integer"),
        (lambda x: (x[:0],), ValueError, "at least one number"),
    ],
)
def test_errors(noise, change, error, words):
    x = noise((6, 8), 6)
    with pytest.raises(error, match="(?s)^fft: .*" + words):
        cm.fft(*change(x))


def test_out_errors(noise):
    x = noise((6, 8), 7)
    with pytest.raises(ValueError, match="out: expected shape"):
        cm.fft(x, out=noise((6, 9), 8))
    with pytest.raises(ValueError, match="overlap"):
        big = noise((7, 8), 9)
        cm.fft(big[:6], out=big[1:])
    frozen = noise((6, 8), 10)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="writeable"):
        cm.fft(x, out=frozen)
    assert cm.fft(frozen).flags.writeable  # reading it is fine

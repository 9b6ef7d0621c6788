# SPDX-License-Identifier: Apache-2.0
"""No copies, lifetimes, threads, start and end of the runtime."""

import gc
import os
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest

import cardiomm as cm


def address(a):
    return a.__array_interface__["data"][0]


def peak_kib():
    with open("/proc/self/status") as f:
        return int(next(line for line in f if line.startswith("VmHWM")).split()[1])


def test_results_own_their_memory(noise):
    y = cm.fft(noise((8, 8), 1))
    assert y.base is not None and y.flags.writeable and y.flags.c_contiguous
    z = y[2:]
    expected = z.copy()
    del y
    gc.collect()
    junk = [np.ones((8, 8), np.complex64) for _ in range(200)]
    np.testing.assert_array_equal(z, expected)
    del junk


def test_out_is_written_where_it_is(noise):
    x, out = noise((4, 8), 2), np.empty((4, 8), np.complex64)
    before = address(out)
    assert cm.fft(x, out=out) is out and address(out) == before
    np.testing.assert_array_equal(out, cm.fft(x))


def test_maps_are_read_in_place(noise):
    s, x = noise((3, 6, 8), 3), noise((6, 8), 4)
    A = cm.Sensitivity(s)
    first = A(x)
    s *= 2  # a copy would not see it
    np.testing.assert_allclose(A(x), 2 * first, rtol=1e-6)


def test_weights_are_read_in_place(noise):
    w, x = noise((6, 8), 5), noise((6, 8), 6)
    A = cm.Multiply(w)
    w[:] = 3
    np.testing.assert_array_equal(A(x), 3 * x)


def test_operators_keep_their_arrays(noise):
    s, x = noise((3, 6, 8), 7), noise((6, 8), 8)
    expected = s * x
    A = cm.Fourier().H * cm.Fourier() * cm.Sensitivity(s)
    gone = weakref.ref(s)
    del s
    gc.collect()
    assert gone() is not None
    np.testing.assert_allclose(A(x), expected, atol=1e-5)
    del A
    gc.collect()
    assert gone() is None


def test_references_do_not_leak(noise):
    x = noise((16, 16), 9)
    cm.fft(x)
    before = sys.getrefcount(x)
    for _ in range(50):
        cm.fft(x)
        cm.Multiply(x)(x)
        with pytest.raises(ValueError):
            cm.fft(x, 7)
    gc.collect()
    assert sys.getrefcount(x) == before


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
def test_large_inputs_are_not_copied(noise):
    x = noise((32, 256, 256), 10)  # 16 MiB
    out = np.empty_like(x)
    out[:] = 0
    cm.fft(x, out=out)
    before = peak_kib()
    cm.fft(x, out=out)
    assert peak_kib() - before < 4 * 1024


def test_memory_is_given_back(noise):
    x = noise((32, 256, 256), 11)
    for _ in range(2):
        cm.fft(x)
    before = peak_kib()
    for _ in range(8):
        cm.fft(x)  # 16 MiB each
    assert peak_kib() - before < 40 * 1024


def test_other_python_threads_run(heart):
    """A thread that counts goes on while a solver works."""
    kspace, maps = heart["kspace"], heart["maps"]
    counted, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1
            time.sleep(1e-4)

    other = threading.Thread(target=count)
    other.start()
    try:
        before = counted[0]
        begun = time.perf_counter()
        while time.perf_counter() - begun < 0.3:
            cm.sense(kspace, np.ones(48), maps, iterations=40)
        assert counted[0] - before > 10
    finally:
        stop.set()
        other.join()


def test_calls_from_several_threads(noise):
    xs = [noise((3, 32, 32), i) for i in range(4)]
    expected = [cm.fft(x) for x in xs]
    bad = []

    def work(i):
        for _ in range(10):
            if not np.array_equal(cm.fft(xs[i]), expected[i]):
                bad.append(i)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert not bad


def script(text, **environment):
    return subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )


def test_starts_lazily_and_ends_quietly():
    """Arrays, operators and networks that live longer than the exit handlers do no harm."""
    done = script(
        "import cardiomm as cm, numpy as np\n"
        "assert not cm.info()['started']\n"
        "x = cm.fft(np.ones((8, 8), np.complex64))\n"
        "assert cm.info()['started']\n"
        "A = cm.mask(np.ones((8, 8))) * cm.Fourier() * cm.Sensitivity(np.ones((2, 8, 8), np.complex64))\n"
        "net = cm.network.load()\n"
        "import builtins; builtins.kept = (x, A, net, A.N)\n"
        "print('fine')\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", "")


def test_import_alone_ends_quietly():
    done = script("import cardiomm")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_first_use_in_a_thread():
    done = script(
        "import threading, numpy as np, cardiomm as cm\n"
        "x = np.ones((8, 8), np.complex64)\n"
        "t = threading.Thread(target=lambda: cm.fft(x)); t.start(); t.join()\n"
        "print(abs(cm.fft(x)[4, 4]))\n"
    )
    assert done.returncode == 0 and done.stdout == "8.0\n", done.stderr


def test_threads_option():
    text = "import cardiomm as cm; {}; print(cm.threads())"
    serial = "Serial" in cm.info()["backend"]
    assert script(text.format("cm.set_threads(1)")).stdout == "1\n"
    if not serial:
        assert script(text.format("cm.set_threads(2)")).stdout == "2\n"
        assert script(text.format("pass"), CARDIOMM_THREADS="2").stdout == "2\n"
    assert "expected a number" in script("import cardiomm", CARDIOMM_THREADS="many").stderr


def test_threads_are_chosen_before_the_start(noise):
    cm.fft(noise((4, 4), 12))
    with pytest.raises(ValueError, match="before the first computation"):
        cm.set_threads(1)
    with pytest.raises(TypeError, match="set_threads: n: expected an integer"):
        cm.set_threads("all")


def test_asarray(noise):
    x = noise((4, 6), 13)
    assert cm.asarray(x) is x
    y = cm.asarray(x.astype(np.complex128).T)
    assert y.dtype == np.complex64 and y.flags.c_contiguous
    np.testing.assert_array_equal(y, x.T)

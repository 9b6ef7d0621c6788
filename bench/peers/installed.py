# SPDX-License-Identifier: Apache-2.0
"""What run.py finds or makes: BART, the virtual environment of the Python peers, the data."""

import glob
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGES = ["sigpy", "bartorch==0.0.17", "mrpro", "torch", "scipy", "numpy", "safetensors"]


def say(text=""):
    print(text, file=sys.stderr, flush=True)


def find_bart(name):
    """Debian's BART 0.8 on the PATH."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if os.access(os.path.join(folder, name), os.X_OK):
            return [os.path.join(folder, name)]
    return None


def find_newest_bart(root):
    """BART of the root folder of `./dev newest`, started by that folder's loader and libraries:
    what chroot would run, without root's rights or copies of the data."""
    bart = os.path.join(root, "usr/bin/bart")
    loaders = glob.glob(os.path.join(root, "usr/lib/*/ld-linux-*.so.*"))
    if not os.path.exists(bart) or not loaders:
        return None
    libraries = os.path.dirname(loaders[0])
    path = ":".join(os.path.join(libraries, sub) for sub in ("blas", "lapack", ""))
    return [loaders[0], "--library-path", path, bart]


def version_of(command):
    try:
        text = subprocess.run(command + ["version"], capture_output=True, text=True).stdout
        return text.strip().split("\n")[0]
    except OSError:
        return None


def make_venv(folder):
    """The virtual environment with the Python peers; returns its interpreter, or None."""
    python = os.path.join(folder, "bin/python")
    complete = os.path.join(folder, "complete")
    if os.path.exists(complete):
        return python
    say("making the virtual environment of the Python peers (once; about 7 GB)")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "install.log"), "w") as log:

        def pip(*packages):
            return (
                subprocess.run(
                    [python, "-m", "pip", "install", "-q", *packages], stdout=log, stderr=log
                ).returncode
                == 0
            )

        if subprocess.run(
            [sys.executable, "-m", "venv", folder], stdout=log, stderr=log
        ).returncode:
            say(f"no virtual environment (is python3-venv installed?); see {log.name}")
            return None
        if not pip(*PACKAGES):  # one that cannot be had must not keep the others out
            for package in PACKAGES:
                if not pip(package):
                    say(f"pip could not install {package}; see {log.name}")
    open(complete, "w").close()
    return python


def make_data(folder, python):
    if os.path.exists(os.path.join(folder, "info.json")):
        return
    shared = os.environ.get("CARDIOMM_SHARED") or os.path.join(ROOT, "..", "shared")
    tool = os.path.join(shared, "tools/peers/gen_data.py")
    if not os.path.exists(tool):
        raise SystemExit(
            f"run.py: no {tool}: set CARDIOMM_SHARED, or --data to a folder that it made"
        )
    if not python:
        raise SystemExit("run.py: the data need NumPy: no virtual environment")
    say("making the data (once; 2.4 GB)")
    subprocess.run(
        [python, tool, "--out", folder, "--R", "4"], check=True, stdout=subprocess.DEVNULL
    )


def make_network_data(folder, python):
    """Weights, input and expected image of the full-size network; None, or why they are not there."""
    names = [os.path.join(folder, f"network_{n}") for n in ("weights", "input", "expected")]
    if os.path.exists(names[2] + ".npy"):
        return None
    shared = os.environ.get("CARDIOMM_SHARED") or os.path.join(ROOT, "..", "shared")
    tool = os.path.join(shared, "tools/make_cardiomm_weights.py")
    expected = os.path.join(shared, "fixtures/cardiomm_full_expected.safetensors")
    if not python or not os.path.exists(tool) or not os.path.exists(expected):
        return f"no {tool}" if python else "no virtual environment of the Python peers"
    say("making the weights of the network (once; 330 MB)")
    image = (
        "import sys, numpy; from safetensors.numpy import load_file; "
        "numpy.save(sys.argv[2], load_file(sys.argv[1])['image_f64'][0].T)"
    )
    for command in (
        [tool, "weights", names[0] + ".safetensors"],
        [tool, "input", names[1] + ".safetensors"],
        ["-c", image, expected, names[2] + ".npy"],
    ):
        found = subprocess.run(
            [python] + command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        if found.returncode:
            return (found.stderr.strip().split("\n") or [""])[-1][:200]
    return None


def make_training_data(folder, python):
    """Weights and input of training steps; None, or why they are not there."""
    names = [f"training_{n}_{what}.safetensors" for n in ("small", "full") for what in ("weights", "input")]
    if all(os.path.exists(os.path.join(folder, name)) for name in names):
        return None
    if not python:
        return "no virtual environment of the Python peers"
    say("making the weights of training steps (once; 340 MB)")
    tool = os.path.join(ROOT, "bench/peers/training.py")
    found = subprocess.run(
        [python, "-B", tool, "make", folder], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    return (found.stderr.strip().split("\n") or [""])[-1][:200] if found.returncode else None

# SPDX-License-Identifier: Apache-2.0
"""What run.py compares: the jobs, and who does them how."""

import os
import re

from contenders import Benchmark, Call, Contender, NotRun, Process
from installed import make_network_data, make_training_data
from sparse import sparse_cases

IMAGES, PIXELS = 25, 208 * 256  # of the data


def cases(args, workers, bart08, bart10):
    build, data, scratch = args.build, args.data, args.scratch
    ours_program = os.path.join(build, "bin/cardiomm")
    library = os.path.join(build, "bin/peers_ours")

    def file(name):
        return os.path.join(data, name)

    def out(name):
        return os.path.join(scratch, name)

    def bart(version, label, before, *arguments):
        name = f"BART {version}{label}"
        command = bart08 if version == "0.8" else bart10
        path = out("bart" + version[0] + version[2])
        if not command:
            missing = Contender(name)
            missing.prepare = lambda threads: not_to_be_had(version)
            return missing
        return Process(name, command + before + list(arguments) + [path], path, scratch)

    def not_to_be_had(version):
        raise NotRun(
            "no bart on the PATH"
            if version == "0.8"
            else f"no BART in {args.sid}; ./dev newest makes that folder"
        )

    frames = ["-p", "1024", "-e", str(IMAGES), "-t", "{threads}"]
    found = []
    for coils in args.coils:
        kspace, maps, centre = file(f"und_{coils}_4"), file(f"maps_{coils}"), file(f"tavg_{coils}")
        pics = ["pics", "-i10", "-w1", kspace, maps]
        contenders = [
            Benchmark("ours", library, "sense", coils, data, scratch),
            Process(
                "ours, program",
                [
                    ours_program,
                    "recon",
                    "--method",
                    "sense",
                    "--iterations",
                    "10",
                    "--lambda",
                    "0",
                    "--kspace",
                    kspace + ".cfl",
                    "--maps",
                    maps + ".cfl",
                    "--out",
                    out("ours.cfl"),
                ],
                out("ours"),
                scratch,
                ours=True,
            ),
            Call("bartorch", workers, "bartorch", "sense", coils, scratch),
            bart("1.0", ", by frames", frames, *pics),
        ]
        if not args.quick:
            contenders += [
                bart("0.8", "", [], *pics),
                Call("SigPy", workers, "sigpy", "sense", coils, scratch),
                Call("MRpro", workers, "mrpro", "sense", coils, scratch),
            ]
        found.append(
            {
                "name": "CG-SENSE, 10 iterations",
                "id": "sense",
                "coils": coils,
                "score": "image",
                "contenders": contenders,
            }
        )

        ecalib = ["ecalib", "-m1", "-r24", "-c0"]
        same = ["-t", "0.0004"]  # our threshold 0.02, squared
        contenders = [
            Benchmark("ours", library, "espirit", coils, data, scratch),
            Call("bartorch", workers, "bartorch", "espirit", coils, scratch),
            Call(
                "bartorch -t 0.0004",
                workers,
                "bartorch",
                "espirit",
                coils,
                scratch,
                threshold=0.0004,
            ),
            bart("1.0", " -A (Nystroem)", [], *ecalib, "-A", centre),
            bart("1.0", " -A -t 0.0004", [], *ecalib, "-A", *same, centre),
        ]
        if not args.quick:
            contenders += [
                bart("1.0", "", [], *ecalib, centre),
                bart("1.0", " -t 0.0004", [], *ecalib, *same, centre),
                bart("0.8", "", [], *ecalib, centre),
                bart("0.8", " -t 0.0004", [], *ecalib, *same, centre),
                Call("SigPy", workers, "sigpy", "espirit", coils, scratch),
            ]
        found.append(
            {
                "name": "ESPIRiT, one slice",
                "id": "espirit",
                "coils": coils,
                "score": "maps",
                "contenders": contenders,
            }
        )

        full = file(f"full_{coils}")
        contenders = [
            Benchmark("ours", library, "fft", coils, data, scratch),
            Benchmark(
                "FFTW MEASURE, folded phases", library, "fftw", coils, data, scratch, ours=False
            ),
            Call("SciPy", workers, "scipy", "fft", coils, scratch),
            bart("1.0", "", [], "fft", "-u", "3", full),
        ]
        if not args.quick:
            contenders.append(bart("0.8", "", [], "fft", "-u", "3", full))
        found.append(
            {
                "name": f"Centred FFT of {IMAGES} x coils planes",
                "id": "fft",
                "coils": coils,
                "score": "fft",
                "contenders": contenders,
            }
        )
        found += sparse_cases(args, coils, bart, frames, workers, data, scratch)
    found.append(network_case(args, workers, data, scratch))
    found += [training_case(size, args, workers, data, scratch) for size in ("small", "full")]
    return [c for c in found if re.search(args.only, f"{c['id']}_{c['coils']}")]


def network_case(args, workers, data, scratch):
    """One image of the full-size network: 10 coils, 256 x 256, 12 cascades."""
    program = os.path.join(args.build, "bin/bench_nn_network")

    def peer(name, **options):
        return Call("PyTorch " + name, workers, "torch", "network", 10, scratch, **options)

    contenders = [
        Benchmark("ours", program, "network", 10, data, scratch),
        peer("channels_last", channels_last=True),
        peer("compiled", channels_last=True, compile=True),
        peer("bf16, channels_last", channels_last=True, bf16=True),
    ]
    if not args.quick:
        contenders += [
            peer("NCHW"),
            peer("compiled, frozen", channels_last=True, compile=True, freeze=True),
            peer("bf16, compiled", channels_last=True, bf16=True, compile=True),
        ]
    needs(contenders, lambda: make_network_data(data, workers.python))
    return {
        "name": "CardioMM network, one image",
        "id": "network",
        "coils": 10,
        "score": "network",
        "contenders": contenders,
    }


def training_case(size, args, workers, data, scratch):
    """Steps of training: forward, 1 - SSIM, backward, AdamW. See training.py and bench/nn/training.cpp."""
    program = os.path.join(args.build, "bin/bench_nn_training")

    def ours(name, job):
        return Benchmark(name, program, "training", job, data, scratch)

    def peer(name, **options):
        return Call("PyTorch " + name, workers, "torch", "training", size, scratch, **options)

    contenders = [
        ours("ours", size),
        ours("ours, recomputed", size + "_recomputed"),
        peer("channels_last", channels_last=True),
    ]
    if not args.quick or size == "small":
        contenders.append(peer("NCHW"))
    needs(contenders, lambda: make_training_data(data, workers.python))
    return {
        "name": f"Training step, {size} network",
        "id": f"training_{size}",
        "coils": 8 if size == "small" else 10,
        "score": "training",
        "contenders": contenders,
    }


def needs(contenders, make):
    """Before contenders are prepared, `make` makes their data, or says why there are none."""
    for c in contenders:

        def with_data(threads, prepare=c.prepare):
            reason = make()
            if reason:
                raise NotRun(reason)
            prepare(threads)

        c.prepare = with_data

# SPDX-License-Identifier: Apache-2.0
"""The cases of run.py with regularised reconstructions of 25 frames, 10 coils, fourfold
undersampled. The weights are those of the data's README; BART shifts its wavelets and blocks at
random, and so do we (blocks in a cycle). Total variation is compared by the objective, which stands after the error: ours has to be
the lower one."""

import os

from contenders import Benchmark, Call

TARGET = 8  # times as fast as the fastest peer


def sparse_cases(args, coils, bart, frames, workers, data, scratch):
    """`bart` makes a contender of BART by version, label, its own options and arguments."""
    if coils != 10:
        return []
    program = os.path.join(args.build, "bin/bench_mri_sparse")
    kspace, maps = (os.path.join(data, f"{n}") for n in (f"und_{coils}_4", f"maps_{coils}"))

    def ours(label, job):
        return Benchmark(label, program, job, coils, data, scratch)

    wavelet = ["pics", "-i30", "-w1", "-RW:3:0:0.006", kspace, maps]
    low_rank = ["pics", "-i30", "-w1", "-b8", "-RL:3:3:0.04", kspace, maps]
    variation = ["pics", "-m", "-i20", "-C5", "-w1", "-RT:1024:0:0.02", kspace, maps]
    dual = ["pics", "-a", "-e", "-i100", "-w1", "-RT:1024:0:0.02", kspace, maps]
    first = [
        ours("ours", "l1wavelet"),
        bart("1.0", ", by frames", frames, *wavelet),
        Call("bartorch", workers, "bartorch", "l1wavelet", coils, scratch),
    ]
    second = [
        ours("ours, FISTA 10", "tv"),
        # -i20 -C5 are 20 normal operators and the step that goes beyond: 5 times 5
        bart("1.0", ", ADMM 5 x 5 (-i20)", [], *variation),
    ]
    third = [ours("ours", "llr"), bart("1.0", "", [], *low_rank)]
    if not args.quick:
        first += [
            Call("SigPy", workers, "sigpy", "l1wavelet", coils, scratch),
            bart("0.8", "", [], *wavelet),
        ]
        second += [
            ours("ours, ADMM 5 x 5", "tv_admm5x5"),
            ours("ours, ADMM 20 x 5", "tv_admm20x5"),
            ours("ours, PDHG 100", "tv_pdhg100"),
            bart("0.8", ", ADMM 5 x 5 (-i20)", [], *variation),
            bart("1.0", ", PDHG 100", [], *dual),
            Call("SigPy, PDHG 100", workers, "sigpy", "tv", coils, scratch),
        ]
        third += [bart("0.8", "", [], *low_rank)]
    return [
        {
            "name": "L1-wavelet, FISTA 30",
            "id": "l1wavelet",
            "coils": coils,
            "score": "image",
            "contenders": first,
        },
        {
            "name": "Temporal TV",
            "id": "tv",
            "coils": coils,
            "score": "variation",
            "contenders": second,
        },
        {
            "name": "Locally low rank, FISTA 30",
            "id": "llr",
            "coils": coils,
            "score": "image",
            "contenders": third,
        },
    ]

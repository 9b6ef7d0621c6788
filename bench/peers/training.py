# SPDX-License-Identifier: Apache-2.0
"""One step of training the CardioMM network in PyTorch: a peer of bench/nn/training.cpp.

    training.py make FOLDER              weights and input of both networks, for both programs
    training.py time FOLDER small|full [--channels-last] [--compile] [--threads N]

A step is forward, 1 - structural similarity, backward and AdamW, with network.py's network.
"""

import argparse
import json
import os
import resource
import sys
import time

import network
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# first width, widths, blocks (encoder, skip), channels, pixels of prompts by level; bottleneck
SMALL = (16, ((24, 1, 1, 8, 32), (32, 1, 1, 12, 16)), 1)
FULL = (48, ((72, 2, 1, 24, 64), (96, 3, 1, 48, 32), (120, 3, 1, 72, 16)), 3)
CASES = {  # image's U-Net, sensitivities' widths in its units, cascades, embedding, coils, pixels
    "small": (SMALL, 0.5, 5, 32, 8, 128),
    "full": (FULL, 0.5, 12, 256, 10, 256),
}
FUSE = {"small": (1, 1), "full": (2, 2, 3)}


def tensors_of(case):
    """Random weights as the framework starts them, by name."""
    (first, levels, bottleneck), factor, cascades, length, _, _ = CASES[case]
    w, generator = {}, torch.Generator().manual_seed(1)

    def uniform(name, *shape):
        bound = 1 / np.sqrt(np.prod(shape[1:]))
        w[name] = (torch.rand(shape, generator=generator) * 2 - 1) * bound

    def block(name, n, slope=0.25):
        hidden = n // 4
        for key, shape in {"body.0": (n, n, 3, 3), "body.2": (n, n, 3, 3), "CA.conv_du.0": (hidden, n, 1, 1), "CA.conv_du.2": (n, hidden, 1, 1)}.items():  # fmt: skip
            uniform(f"{name}.{key}.weight", *shape)
        w[f"{name}.body.1.weight"] = torch.full((1,), slope)

    def unet(p, factor):
        n = int(first * factor)
        uniform(p + "feat_extract.weight", n, 2, 3, 3)
        uniform(p + "conv_last.weight", 2, n, 5, 5)
        for i, (width, encoder, skip, prompt, side) in enumerate(levels):
            m, d, l = int(width * factor), int(prompt * factor), i + 1
            for j in range(encoder):
                block(f"{p}enc_level{l}.encoder.{j}", n)
            uniform(f"{p}enc_level{l}.down.weight", m, n, 3, 3)
            w[f"{p}enc_level{l}.down.bias"] = torch.zeros(m)
            for j in range(skip):
                block(f"{p}skip_attn{l}.skip_attn.{j}", n)
            w[f"{p}prompt_level{l}.prompt_param"] = torch.rand((1, 3, d, side, side), generator=generator)
            uniform(f"{p}prompt_level{l}.linear_layer2.weight", 3, length)
            w[f"{p}prompt_level{l}.linear_layer2.bias"] = torch.zeros(3)
            uniform(f"{p}prompt_level{l}.dec_conv3x3.weight", d, d, 3, 3)
            for j in range(FUSE[case][i]):
                block(f"{p}dec_level{l}.fuse.{j}", m + d)
            uniform(f"{p}dec_level{l}.reduce.weight", m, m + d, 1, 1)
            uniform(f"{p}dec_level{l}.up.1.weight", n, m, 1, 1)
            block(f"{p}dec_level{l}.ca", n)
            w[f"{p}metacond_level{l}.beta"] = torch.zeros(1, n, 1, 1)
            w[f"{p}metacond_level{l}.gamma"] = torch.zeros(1, n, 1, 1)
            uniform(f"{p}metacond_level{l}.fc.weight", n, length)
            w[f"{p}metacond_level{l}.fc.bias"] = torch.zeros(n)
            block(f"{p}metacond_level{l}.block", n)
            n = m
        for j in range(bottleneck):
            block(f"{p}bottleneck.{j}", n)

    unet("sens_net.norm_unet.unet.", factor)
    for i in range(cascades):
        w[f"cascades.{i}.dc_weight"] = torch.ones(1)
        unet(f"cascades.{i}.model.unet.", 1)
    return w


def save(path, tensors):
    """A .safetensors file."""
    head, data = {}, bytearray()
    for name, t in tensors.items():
        part = t.contiguous().numpy().astype("<f4").tobytes()
        head[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".part", "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text + data)
    os.rename(path + ".part", path)


def make(folder):
    for case, (_, _, _, length, coils, n) in CASES.items():
        save(os.path.join(folder, f"training_{case}_weights.safetensors"), tensors_of(case))
        generator = torch.Generator().manual_seed(2)
        y, x = torch.meshgrid(torch.linspace(-1, 1, n), torch.linspace(-1, 1, n), indexing="ij")
        image = ((x / 0.7) ** 2 + (y / 0.85) ** 2 < 1) * 1.0 + 0.6 * (x**2 + (y - 0.2) ** 2 < 0.09) - 0.4 * ((x + 0.3) ** 2 + y**2 < 0.05)
        place = torch.rand((coils, 2, 1, 1), generator=generator) * 3 - 1.5
        maps = torch.exp(-((x - place[:, 0]) ** 2 + (y - place[:, 1]) ** 2) / 2) * torch.exp(1j * (place[:, 0] * x + place[:, 1] * y))
        noise = torch.randn((2, coils, n, n), generator=generator) * 0.01
        k = network.fft(image * maps) + torch.complex(noise[0], noise[1])
        mask = torch.zeros(n)
        mask[::4] = 1
        mask[(n - 20) // 2 : (n + 20) // 2] = 1
        texts = torch.randn((2, 1, 1, length), generator=generator)
        save(
            os.path.join(folder, f"training_{case}_input.safetensors"),
            {
                "masked_kspace": torch.view_as_real((k * mask)[None]),
                "mask": mask[None, None, None, :, None],
                "target": network.ifft(k).abs().pow(2).sum(0, keepdim=True).sqrt(),
                "lm_embd_adapt": texts[0],
                "lm_embd_adapt2": texts[1],
            },
        )


class Trained(network.Network):
    """network.Network whose weights are trained, all but the banks of prompts; one slope is shared
    by all blocks but a level's first and those of texts, as the published code has it."""

    def __init__(self, w, **options):
        shared, compiled = {}, options.pop("compiled", False)
        super().__init__(w, **options)
        self.raw = nn.ParameterList(nn.Parameter(w[f"cascades.{i}.dc_weight"].clone()) for i in range(len(self.cascades)))
        for unet in (self.sens, *self.cascades):
            for i, level in enumerate(unet.levels):
                for part in (level.encoder, level.skip, level.fuse, [level.last]):
                    for j, block in enumerate(part):
                        if not (part is level.encoder and i == 0 and j == 0):
                            block.slope = shared.setdefault("slope", block.slope)
            for block in unet.bottom:
                block.slope = shared["slope"]
        for name, p in self.named_parameters():
            p.requires_grad_(not name.endswith(".bank"))
        if compiled:
            self.sens = torch.compile(self.sens, dynamic=False)
            self.cascades = nn.ModuleList(torch.compile(c, dynamic=False) for c in self.cascades)

    def forward(self, *given):
        self.weight = [p.abs() for p in self.raw]
        return super().forward(*given)


def ssim_loss(a, b, most):
    """1 - mean structural similarity, 7 x 7 windows, as fastMRI."""
    w = torch.full((1, 1, 7, 7), 1 / 49)
    c1, c2, unbiased = (0.01 * most) ** 2, (0.03 * most) ** 2, 49 / 48
    a, b = a[:, None], b[:, None]
    ua, ub, uaa, ubb, uab = (F.conv2d(v, w) for v in (a, b, a * a, b * b, a * b))
    va, vb, vab = unbiased * (uaa - ua * ua), unbiased * (ubb - ub * ub), unbiased * (uab - ua * ub)
    s = ((2 * ua * ub + c1) * (2 * vab + c2)) / ((ua**2 + ub**2 + c1) * (va + vb + c2))
    return 1 - s.mean()


def peak():
    """Largest resident memory so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def prepare(folder, case, threads, options):
    """A call that takes a step and returns the losses of all steps so far."""
    torch.set_num_threads(threads)
    layout = torch.channels_last if options.get("channels_last") else torch.contiguous_format
    net = Trained(network.load(os.path.join(folder, f"training_{case}_weights.safetensors")), layout=layout, compiled=options.get("compile", False))
    tensors = network.load(os.path.join(folder, f"training_{case}_input.safetensors"))
    given, target = network.arguments(tensors), tensors["target"]
    trained = [p for p in net.parameters() if p.requires_grad]
    adam = torch.optim.AdamW(trained, lr=2e-4, weight_decay=0.01, fused=True)
    losses = []

    def call():
        adam.zero_grad()
        loss = ssim_loss(net(*given), target, target.max())
        loss.backward()
        adam.step()
        losses.append(float(loss.detach()))
        return np.array(losses)

    call.before = int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS"))) / 1024
    call.parameters = sum(p.numel() for p in trained)
    return call


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "time"))
    parser.add_argument("folder")
    parser.add_argument("case", nargs="?", default="small", choices=sorted(CASES))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=3)
    for flag in ("--channels-last", "--compile"):
        parser.add_argument(flag, action="store_true")
    args = parser.parse_args()
    if args.what == "make":
        make(args.folder)
        return 0
    call = prepare(args.folder, args.case, args.threads, vars(args))
    print(call.parameters, "parameters")
    for _ in range(args.repetitions + 1):
        used, begun = time.process_time(), time.perf_counter()
        losses = call()
        print(f"{time.perf_counter() - begun:.3f} s, processor {time.process_time() - used:.3f} s, loss {losses[-1]:.7f}", flush=True)
    print(f"peak {peak():.0f} MiB, of it steps {peak() - call.before:.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

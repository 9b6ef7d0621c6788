# SPDX-License-Identifier: Apache-2.0
"""The CardioMM network in PyTorch: a peer of ours, written from its published description.

    network.py check FOLDER              tiny cases against the stored values of FOLDER/cardiomm_tiny_*
    network.py time FOLDER [--channels-last] [--compile] [--freeze] [--bf16] [--threads N]

worker.py calls `prepare` for run.py. Maps are found from whole calibration lines, or a square.
"""

import argparse
import json
import os
import resource
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def load(path):
    """Tensors of a .safetensors file, by name."""
    with open(path, "rb") as f:
        head = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = bytearray(f.read())
    types = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "U8": "u1", "I32": "<i4", "I64": "<i8"}
    found = {}
    for name, e in head.items():
        if name != "__metadata__":
            begin, end = e["data_offsets"]
            part = np.frombuffer(data, types[e["dtype"]], offset=begin, count=(end - begin) // np.dtype(types[e["dtype"]]).itemsize)
            found[name] = torch.from_numpy(part.reshape(e["shape"]))
    return found


class CAB(nn.Module):
    """x + attention(conv(prelu(conv(x))))"""

    def __init__(self, w, name):
        super().__init__()
        p = {k: nn.Parameter(w[f"{name}.{k}.weight"], False) for k in ("body.0", "body.1", "body.2", "CA.conv_du.0", "CA.conv_du.2")}
        self.a, self.slope, self.b, self.down, self.up = p.values()

    def forward(self, x):
        y = F.conv2d(F.prelu(F.conv2d(x, self.a, padding=1), self.slope), self.b, padding=1)
        g = F.conv2d(F.relu(F.conv2d(y.mean((2, 3), keepdim=True), self.down)), self.up)
        return x + y * torch.sigmoid(g)


def chain(w, name):
    """CABs name.0, name.1, ..."""
    n = len({k[len(name) + 1 :].split(".")[0] for k in w if k.startswith(name + ".")})
    return nn.Sequential(*(CAB(w, f"{name}.{i}") for i in range(n)))


class Level(nn.Module):
    """Down block, skip, prompt, up block and text block of one level."""

    def __init__(self, w, n):
        super().__init__()
        self.encoder, self.skip = chain(w, f"enc_level{n}.encoder"), chain(w, f"skip_attn{n}.skip_attn")
        self.fuse, self.last = chain(w, f"dec_level{n}.fuse"), CAB(w, f"dec_level{n}.ca")
        self.gate = CAB(w, f"metacond_level{n}.block")
        names = dict(
            down=f"enc_level{n}.down.weight", down_bias=f"enc_level{n}.down.bias",
            bank=f"prompt_level{n}.prompt_param", choose=f"prompt_level{n}.linear_layer2.weight",
            choose_bias=f"prompt_level{n}.linear_layer2.bias", prompt=f"prompt_level{n}.dec_conv3x3.weight",
            reduce=f"dec_level{n}.reduce.weight", up=f"dec_level{n}.up.1.weight",
            beta=f"metacond_level{n}.beta", gamma=f"metacond_level{n}.gamma",
            fc=f"metacond_level{n}.fc.weight", fc_bias=f"metacond_level{n}.fc.bias",
        )  # fmt: skip
        for key, name in names.items():
            value = w[name][0] if key == "bank" else w[name]
            setattr(self, key, nn.Parameter(value, False))

    def encode(self, x):
        e = self.encoder(x)
        return F.conv2d(e, self.down, self.down_bias, 2, 1), e

    def decode(self, x, e, meta, sampling):
        n = x.shape[0] // meta.shape[0]
        share = F.softmax(F.linear(sampling, self.choose, self.choose_bias), -1)
        p = torch.einsum("bl,ldyx->bdyx", share, self.bank)
        p = F.conv2d(F.interpolate(p, x.shape[2:], mode="bilinear", align_corners=False), self.prompt, padding=1)
        x = F.conv2d(self.fuse(torch.cat((x, p.repeat(n, 1, 1, 1)), 1)), self.reduce)
        x = F.conv2d(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False), self.up)
        x = self.last(x + self.skip(e))
        g = torch.sigmoid(F.linear(meta, self.fc, self.fc_bias)).repeat(n, 1)[:, :, None, None]
        return x + self.gate(g * (self.gamma * x + self.beta))


class UNet(nn.Module):
    def __init__(self, w):
        super().__init__()
        depth = len({k.split(".")[0] for k in w if k.startswith("enc_level")})
        self.levels = nn.ModuleList(Level(w, n) for n in range(1, 1 + depth))
        self.bottom = chain(w, "bottleneck")
        self.first, self.last = (nn.Parameter(w[f"{k}.weight"], False) for k in ("feat_extract", "conv_last"))

    def forward(self, x, meta, sampling):
        x, skips = F.conv2d(x, self.first, padding=1), []
        for level in self.levels:
            x, e = level.encode(x)
            skips.append(e)
        x = self.bottom(x)
        for level, e in zip(reversed(self.levels), reversed(skips)):
            x = level.decode(x, e, meta, sampling)
        return F.conv2d(x, self.last, padding=2)


def ifft(x):
    return torch.fft.fftshift(torch.fft.ifft2(torch.fft.ifftshift(x, (-2, -1)), norm="ortho"), (-2, -1))


def fft(x):
    return torch.fft.fftshift(torch.fft.fft2(torch.fft.ifftshift(x, (-2, -1)), norm="ortho"), (-2, -1))


class Network(nn.Module):
    """k-space (item, coil, h, w) complex, mask (item, 1, h or 1, w) bool -> image (item, h, w)"""

    def __init__(self, w, layout=torch.contiguous_format, half=False, compiled=False):
        super().__init__()

        def part(prefix):
            u = UNet({k[len(prefix) :]: v for k, v in w.items() if k.startswith(prefix)})
            u = u.to(memory_format=layout)
            return torch.compile(u, dynamic=False) if compiled else u

        n = len({k.split(".")[1] for k in w if k.startswith("cascades.")})
        self.sens = part("sens_net.norm_unet.unet.")
        self.cascades = nn.ModuleList(part(f"cascades.{i}.model.unet.") for i in range(n))
        self.weight = [w[f"cascades.{i}.dc_weight"].abs() for i in range(n)]
        self.layout, self.half = layout, half

    def normed(self, unet, x, meta, sampling):
        x = torch.cat((x.real, x.imag), 1)
        mean = x.mean((1, 2, 3), keepdim=True)
        std = x.std((1, 2, 3), keepdim=True)
        h, w = x.shape[2:]
        ph, pw = -h % 8, -w % 8
        y = F.pad((x - mean) / std, (pw // 2, pw - pw // 2, ph // 2, ph - ph // 2))
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            y = unet(y.contiguous(memory_format=self.layout), meta, sampling)
        y = y.float() if self.half else y
        y = y[:, :, ph // 2 : ph // 2 + h, pw // 2 : pw // 2 + w] * std + mean
        real, imag = y.chunk(2, 1)
        return torch.complex(real.contiguous(), imag.contiguous())

    def forward(self, k0, mask, meta, sampling, acs=20, square=False):
        b, coils, h, w = k0.shape
        keep = torch.zeros(h, w, dtype=torch.bool)
        rows = slice((h - acs + 1) // 2, (h - acs + 1) // 2 + acs) if square else slice(None)
        keep[rows, (w - acs + 1) // 2 : (w - acs + 1) // 2 + acs] = True
        region = keep & mask if square else keep
        s = self.normed(self.sens, ifft(k0 * region).reshape(b * coils, 1, h, w), meta, sampling)
        s = s.reshape(b, coils, h, w)
        s = s / s.abs().pow(2).sum(1, keepdim=True).sqrt()
        k = k0
        for unet, a in zip(self.cascades, self.weight):
            x = (s.conj() * ifft(k)).sum(1, keepdim=True)
            m = fft(s * self.normed(unet, x, meta, sampling))
            k = torch.where(mask, (k0 + a * m) / (1 + a), m)
        return ifft(k).abs().pow(2).sum(1).sqrt()


def arguments(t, prefix=""):
    """k-space, mask and embeddings of a file of the reference."""
    k = torch.view_as_complex(t[prefix + "masked_kspace"].clone().float())
    return (
        k,
        t[prefix + "mask"][..., 0] > 0,
        t[prefix + "lm_embd_adapt"][:, 0],
        t[prefix + "lm_embd_adapt2"][:, 0],
    )


def check(folder):
    worst = 0.0
    for case, acs, square in (("cardiomm_tiny_1d", 8, False), ("cardiomm_tiny_2d", 10, True)):
        io = load(os.path.join(folder, case, "io.safetensors"))
        net = Network(load(os.path.join(folder, case, "weights.safetensors")))
        with torch.inference_mode():
            image = net(*arguments(io, "in."), acs, square)
        error = float((image - io["out.image"]).abs().max() / io["out.image"].abs().max())
        print(f"{case}: {error:.1e}")
        worst = max(worst, error)
    return 0 if worst < 3e-6 else 1


def prepare(folder, threads, options):
    """A call without arguments, for worker.py; the image as (y, x)."""
    torch.set_num_threads(threads)
    if options.get("compile"):
        import torch._inductor.config as inductor

        inductor.freezing = options.get("freeze", False)
    layout = torch.channels_last if options.get("channels_last") else torch.contiguous_format
    net = Network(
        load(os.path.join(folder, "network_weights.safetensors")),
        layout,
        options.get("bf16", False),
        options.get("compile", False),
    )
    given = arguments(load(os.path.join(folder, "network_input.safetensors")))

    def call():
        with torch.inference_mode():
            return net(*given)[0].T.contiguous().numpy()

    return call


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("check", "time"))
    parser.add_argument("folder", help="fixtures, or the folder with network_{weights,input}.safetensors")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=2)
    for flag in ("--channels-last", "--compile", "--freeze", "--bf16"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--expected", help=".safetensors with image_f64, for the error")
    args = parser.parse_args()
    if args.what == "check":
        return check(args.folder)
    call = prepare(args.folder, args.threads, vars(args))
    for _ in range(args.repetitions + 1):
        used, begun = time.process_time(), time.perf_counter()
        image = call()
        print(f"{time.perf_counter() - begun:.2f} s, processor {time.process_time() - used:.2f} s", flush=True)
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")
    if args.expected:
        truth = load(args.expected)["image_f64"][0].numpy().T
        print(f"error {abs(image - truth).max() / truth.max():.1e}, l2 {np.linalg.norm(image - truth) / np.linalg.norm(truth):.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

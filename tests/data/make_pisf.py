# SPDX-License-Identifier: Apache-2.0
"""PISF's unrolled network written with PyTorch's layers, in double: writes pisf/network.safetensors.
A case NAME has NAME.z, NAME.mask, NAME.reference, NAME.result (training), NAME.loss, NAME.eval and
for every parameter P NAME.param.P and, where it is trained, NAME.grad.P; running averages after one
training pass are NAME.after.P. Lines are (item, y, 2 coil), re and im side by side. Run in
tests/data: python make_pisf.py"""
import torch
import torch.nn as nn
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)
torch.manual_seed(20261122)
out = {}


class Chain(nn.Module):
    def __init__(self, cin, filters, cout, layers, norm):
        super().__init__()
        self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
        for i in range(layers):
            last = i + 1 == layers
            self.convs.append(nn.Conv1d(cin if i == 0 else filters, cout if last else filters, 3,
                                        padding=1, bias=last or not norm))
            if norm and not last:
                self.norms.append(nn.BatchNorm1d(filters))

    def forward(self, x):  # (item, channel, y)
        for i, conv in enumerate(self.convs):
            x = conv(x)
            if i + 1 < len(self.convs):
                x = torch.relu(self.norms[i](x) if len(self.norms) else x)
        return x

    def named(self):
        for i, conv in enumerate(self.convs):
            yield f"{i}.weight", conv.weight
            if conv.bias is not None:
                yield f"{i}.bias", conv.bias
            if i < len(self.norms):
                for key in ("weight", "bias", "running_mean", "running_var"):
                    yield f"{i}.norm.{key}", getattr(self.norms[i], key)


def soft(x, t):
    return torch.sign(x) * torch.clamp(x.abs() - t, min=0)


def fourier(x, inverse):  # (item, channel, y), channels re im re im
    c = torch.complex(x[:, 0::2], x[:, 1::2])
    c = torch.fft.ifftshift(c, dim=-1)
    c = (torch.fft.ifft if inverse else torch.fft.fft)(c, norm="ortho")
    c = torch.fft.fftshift(c, dim=-1)
    return torch.stack([c.real, c.imag], dim=2).reshape(x.shape)


def case(name, norm, residual, last, factor):
    items, ny, coils, filters, phases = 3, 10, 2, 4, 2
    nets = [(Chain(2 * coils, filters, 2 * coils, 3, norm), Chain(2 * coils, filters, filters, 2, norm),
             Chain(filters, filters, 2 * coils, 2, norm)) for _ in range(phases)]
    scalars = [[torch.tensor([v], requires_grad=True) for v in (0.3, 0.8 + 0.1 * k, 0.05)]
               for k in range(phases)]
    params = {}
    for k in range(phases):
        for key, net in zip(("kspace_prior", "image_analysis", "image_synthesis"), nets[k]):
            for p, v in net.named():
                with torch.no_grad():
                    if "norm" in p:
                        v.copy_(torch.rand_like(v) + 0.5)
                params[f"phases.{k}.{key}.{p}"] = v
        for key, v in zip(("eta1", "eta2", "lambda"), scalars[k]):
            params[f"phases.{k}.{key}"] = v
    for p, v in params.items():
        out[f"{name}.param.{p}"] = v.detach().clone()
    mask = (torch.rand(items, 1, ny) < 0.5).double()
    reference = torch.randn(items, 2 * coils, ny)
    z = mask * (reference + 0.1 * torch.randn_like(reference))

    def run(constraint):
        e, loss = z, 0
        for (d1, psi2, psi3), (eta1, eta2, lam) in zip(nets, scalars):
            d = e - eta2 * (mask * (e - z) + factor * eta1 * d1(e))
            x = fourier(d, True)
            u = psi2(x)
            if last:
                exact = psi3(u)
                p = soft(exact, lam)
            else:
                p = psi3(soft(u, lam))
                exact = psi3(u) if constraint else None
            if residual:
                p = p + x
            e = fourier(p, False)
            if constraint:
                goal = 0 if residual else x
                loss = loss + ((e - reference) ** 2).sum() + 0.01 * ((exact - goal) ** 2).sum()
        return e, loss / (items * ny)

    layout = lambda t: t.detach().transpose(1, 2).contiguous()
    for net in nets:
        for n in net:
            n.eval()
    out[f"{name}.eval"] = layout(run(False)[0])
    for net in nets:
        for n in net:
            n.train()
    e, loss = run(True)
    trained = {p: v for p, v in params.items() if v.requires_grad}
    for (p, v), g in zip(trained.items(), torch.autograd.grad(loss, list(trained.values()))):
        out[f"{name}.grad.{p}"] = g.clone()
    for p, v in params.items():
        if "running" in p:
            out[f"{name}.after.{p}"] = v.detach().clone()
    out[f"{name}.z"], out[f"{name}.mask"] = layout(z), mask[:, 0].clone()
    out[f"{name}.reference"], out[f"{name}.result"] = layout(reference), layout(e)
    out[f"{name}.loss"] = loss.detach().reshape(1)


case("plain", True, False, False, 2.0)
case("residual", True, True, False, 2.0)
case("last", False, False, True, 1.0)
save_file({k: v.clone().contiguous() for k, v in out.items()}, "pisf/network.safetensors")

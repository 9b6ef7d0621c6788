# SPDX-License-Identifier: Apache-2.0
"""PyTorch's losses in double on small random inputs; writes losses.safetensors. A case NAME has
NAME.loss and NAME.dx; inputs are image.*, complex.* (real, imaginary), logits (item, y, x, class)
and labels. Run in tests/data: python make_losses.py"""
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)
torch.manual_seed(20261122)
out = {}


def case(name, f, x):
    x = x.clone().requires_grad_()
    value = f(x)
    out[name + ".loss"] = value.detach().reshape(1)
    out[name + ".dx"] = torch.autograd.grad(value, x)[0]


# images
t = torch.rand(2, 6, 5)
x = t + 0.01 * torch.randn_like(t)
x[0, 0] = t[0, 0]
out.update({"image.x": x.clone(), "image.t": t})
for name, eps in (("charbonnier", 1e-3), ("charbonnier_wide", 0.2)):
    case(name, lambda x, e=eps: torch.sqrt((x - t) ** 2 + e * e).mean(), x)

t, x = torch.randn(3, 7, 2), torch.randn(3, 7, 2)
t[0, 0], t[0, 1], t[0, 2] = 0, x[0, 1], -2 * x[0, 2]  # no target, equal, opposite
x[0, 3] = x[0, 4] = 0  # no prediction, with targets on either side of the axis
t[0, 3, 0], t[0, 4, 0] = 0.7, -0.7
out.update({"complex.x": x.clone(), "complex.t": t})


def perpendicular(x, eps):
    x, y = torch.view_as_complex(x), torch.view_as_complex(t)
    p = (x.real * y.imag - x.imag * y.real).abs() / (x.abs() + eps)
    return torch.where(torch.cos(x.angle() - y.angle()) < 0, 2 * y.abs() - p, p).mean()


case("perpendicular", lambda x: perpendicular(x, 1e-8), x)
case("perpendicular_eps", lambda x: perpendicular(x, 0.1), x)
case("charbonnier_complex", lambda x: torch.sqrt(((x - t) ** 2).sum(-1) + 0.01**2).mean(), x)

# classes
C = 4
x = 3 * torch.randn(2, 6, 5, C)
y = torch.randint(0, C, (2, 6, 5))
y[1][y[1] == 2] = 0  # a class that is missing in one item
hole = y.clone()
hole[torch.rand(y.shape) < 0.2] = -100
weights = torch.tensor([0.5, 2.0, 1.0, 0.0])
out.update({"logits": x.clone(), "labels": y, "labels.hole": hole, "weights": weights})


def entropy(x, y, **options):
    return F.cross_entropy(x.movedim(-1, 1), y, **options)


case("entropy", lambda x: entropy(x, y), x)
case("entropy.weights", lambda x: entropy(x, y, weight=weights), x)
case("entropy.smooth", lambda x: entropy(x, y, label_smoothing=0.15), x)
case("entropy.ignored", lambda x: entropy(x, hole), x)
case("entropy.all", lambda x: entropy(x, hole, weight=weights, label_smoothing=0.15), x)
case("entropy.large", lambda x: entropy(400 * x, y), x / 400)  # exp would overflow


def dice(x, y, first=0, dims=(1, 2), smooth=1e-5):
    counts = (y != -100)[..., None]
    p = F.softmax(x, -1) * counts
    t = F.one_hot(y.clamp(min=0), C) * counts
    d = (2 * (p * t).sum(dims) + smooth) / (p.sum(dims) + t.sum(dims) + smooth)
    return 1 - d[..., first:].mean()


case("dice", lambda x: dice(x, y), x)
case("dice.foreground", lambda x: dice(x, y, first=1), x)
case("dice.together", lambda x: dice(x, y, dims=(0, 1, 2), smooth=1), x)
case("dice.ignored", lambda x: dice(x, hole, first=1), x)

save_file({k: v.detach().contiguous() for k, v in out.items()}, "losses.safetensors")

# SPDX-License-Identifier: Apache-2.0
"""PyTorch's convolutions in double on small random inputs; writes conv.safetensors. A case NAME has
NAME.x, NAME.y, NAME.dy, NAME.dx and, for every parameter P, NAME.param.P and NAME.grad.P; features
are (item, spatial..., channel). Run in tests/data: python make_conv.py"""
import torch
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)
torch.manual_seed(20261122)
out = {}


def last(t):
    return t.detach().movedim(1, -1).contiguous().clone()


def case(name, layer, *shape):
    """A layer with its own first values, and the gradient of sum(y * dy)."""
    x = torch.randn(*shape).requires_grad_()
    y = layer(x)
    dy = torch.randn_like(y)
    params = dict(layer.named_parameters())
    grads = torch.autograd.grad(y, [x, *params.values()], dy)
    for key, value in {"x": x, "y": y, "dy": dy, "dx": grads[0]}.items():
        out[f"{name}.{key}"] = last(value)
    for (key, value), grad in zip(params.items(), grads[1:]):
        out[f"{name}.param.{key}"] = value.detach().clone().contiguous()
        out[f"{name}.grad.{key}"] = grad.clone().contiguous()


n = torch.nn
case("1d", n.Conv1d(3, 5, 5, stride=2, padding=1, dilation=2), 2, 3, 17)
case("1d.groups", n.Conv1d(6, 9, 2, padding=3, groups=3, bias=False), 1, 6, 4)
case("2d", n.Conv2d(3, 20, 3, padding=1), 2, 3, 7, 9)
case("2d.one", n.Conv2d(18, 3, 1), 1, 18, 5, 6)
case("2d.wide", n.Conv2d(2, 5, (5, 3), padding=(2, 1), bias=False), 1, 2, 6, 7)
case("2d.stride", n.Conv2d(4, 6, 3, stride=2, padding=1), 2, 4, 9, 8)
case("2d.mixed", n.Conv2d(4, 6, (2, 4), stride=(3, 2), padding=(0, 3), dilation=(2, 1)), 1, 4, 8, 7)
case("2d.beyond", n.Conv2d(2, 3, 2, stride=2, padding=(1, 0)), 1, 2, 4, 3)
case("2d.groups", n.Conv2d(8, 12, 3, stride=(1, 2), padding=1, groups=4), 1, 8, 5, 6)
case("2d.depthwise", n.Conv2d(19, 19, 3, padding=1, groups=19), 1, 19, 5, 4)
case("2d.multiplier", n.Conv2d(5, 15, 3, padding=2, dilation=2, groups=5), 1, 5, 6, 5)
case("2d.pixel", n.Conv2d(6, 4, 3, padding=1), 3, 6, 1, 1)
case("3d", n.Conv3d(2, 4, (3, 3, 2), stride=(1, 2, 1), padding=(1, 1, 0)), 1, 2, 4, 5, 4)
case("3d.groups", n.Conv3d(4, 4, 3, padding=2, dilation=(1, 2, 1), groups=2, bias=False), 1, 4, 3, 4, 3)
case("3d.flat", n.Conv3d(3, 4, (1, 3, 3), padding=(0, 1, 1)), 1, 3, 3, 4, 5)

case("t1d", n.ConvTranspose1d(4, 3, 4, stride=3, padding=1, output_padding=2), 2, 4, 6)
case("t2d.double", n.ConvTranspose2d(6, 5, 2, stride=2), 2, 6, 5, 4)
case("t2d.same", n.ConvTranspose2d(3, 4, 3, padding=1, bias=False), 1, 3, 6, 5)
case("t2d.mixed", n.ConvTranspose2d(4, 6, (3, 4), stride=(2, 1), padding=(1, 2), output_padding=(1, 0), dilation=(1, 2)), 1, 4, 4, 5)
case("t2d.groups", n.ConvTranspose2d(6, 9, 3, stride=2, padding=1, output_padding=1, groups=3), 1, 6, 3, 4)
case("t2d.depthwise", n.ConvTranspose2d(18, 18, 4, stride=2, padding=1, groups=18, bias=False), 1, 18, 3, 4)
case("t3d", n.ConvTranspose3d(3, 2, (2, 3, 2), stride=(2, 1, 2), padding=(0, 1, 0)), 1, 3, 2, 3, 3)

save_file(out, "conv.safetensors")

# SPDX-License-Identifier: Apache-2.0
"""PyTorch's layers in double on small random inputs; writes layers.safetensors. A case NAME has
NAME.x, NAME.y, NAME.dy, NAME.dx and, for every parameter P, NAME.param.P and NAME.grad.P; features
are (item, spatial..., channel). Run in tests/data: python make_layers.py"""
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)
torch.manual_seed(20261121)
out = {}


def last(t):
    return t.movedim(1, -1).contiguous() if t.dim() > 2 else t.contiguous()


def case(name, x, f, params=None, layout=last):
    """f(x) with x in PyTorch's order; the gradient of sum(y * dy)."""
    x = x.clone().requires_grad_()
    params = params or {}
    y = f(x)
    dy = torch.randn_like(y)
    grads = torch.autograd.grad(y, [x, *params.values()], dy)
    for key, value in {"x": x, "y": y, "dy": dy, "dx": grads[0]}.items():
        out[f"{name}.{key}"] = layout(value.detach()).clone()
    for (key, value), grad in zip(params.items(), grads[1:]):
        out[f"{name}.param.{key}"] = value.detach().clone().contiguous()
        out[f"{name}.grad.{key}"] = grad.clone().contiguous()


def leaf(*shape):
    return torch.randn(*shape).requires_grad_()


# resize
x = torch.randn(2, 3, 5, 4)
case("resize.up2", x, lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False))
case("resize.to", x, lambda x: F.interpolate(x, size=(11, 3), mode="bilinear", align_corners=False))
case("resize.shrink", x, lambda x: F.interpolate(x, size=(2, 9), mode="bilinear", align_corners=False))
case("resize.by", x, lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear", align_corners=False))
case("resize.half", x, lambda x: F.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=False))

# channel attention
x = torch.randn(2, 12, 9, 7)
w1, w2 = leaf(3, 12, 1, 1), leaf(12, 3, 1, 1)


def attention(x):
    mean = x.mean((2, 3), keepdim=True)
    return x * torch.sigmoid(F.conv2d(F.relu(F.conv2d(mean, w1)), w2))


case("channel_attention", x, attention, {"conv_du.0.weight": w1, "conv_du.2.weight": w2})

# losses: NAME.x, NAME.t, NAME.loss, NAME.dx
def loss_case(name, f):
    t = torch.rand(2, 12, 10) * torch.tensor([1.0, 30.0]).reshape(2, 1, 1)
    x = (t + 0.1 * torch.randn_like(t)).requires_grad_()
    value = f(x, t)
    out.update({f"{name}.x": x.detach().clone(), f"{name}.t": t, f"{name}.loss": value.detach().reshape(1),
                f"{name}.dx": torch.autograd.grad(value, x)[0]})


def ssim(x, t):
    """1 - SSIM as fastMRI's SSIMLoss, which keeps its window in float32."""
    x, t = x[:, None], t[:, None]
    w = (torch.ones(1, 1, 7, 7, dtype=torch.float32) / 49).double()
    c1 = (0.01 * out["ssim_loss.range"])[:, None, None, None] ** 2
    c2 = (0.03 * out["ssim_loss.range"])[:, None, None, None] ** 2
    ux, uy = F.conv2d(x, w), F.conv2d(t, w)
    vx = 49 / 48 * (F.conv2d(x * x, w) - ux * ux)
    vy = 49 / 48 * (F.conv2d(t * t, w) - uy * uy)
    vxy = 49 / 48 * (F.conv2d(x * t, w) - ux * uy)
    s = (2 * ux * uy + c1) * (2 * vxy + c2) / ((ux**2 + uy**2 + c1) * (vx + vy + c2))
    return 1 - s.mean()


loss_case("l1_loss", F.l1_loss)
loss_case("l2_loss", F.mse_loss)
out["ssim_loss.range"] = torch.tensor([1.1, 28.0])
loss_case("ssim_loss", ssim)

# norms
x = 3 * torch.randn(3, 6, 5, 7) + 2
w, b = leaf(6), leaf(6)
wb = {"weight": w, "bias": b}
case("instance_norm", x, lambda x: F.instance_norm(x))
case("instance_norm.affine", x, lambda x: F.instance_norm(x, weight=w, bias=b, eps=0.1), wb)
case("instance_norm.line", x[:, :, 0], lambda x: F.instance_norm(x))
case("group_norm", x, lambda x: F.group_norm(x, 3, w, b), wb)
case("group_norm.volume", x.reshape(3, 6, 5, 7, 1), lambda x: F.group_norm(x, 2, w, b), wb)
mean, var = torch.randn(6), torch.rand(6) + 0.5
running = {"running_mean": mean, "running_var": var}
for key, value in running.items():
    for name in ("batch_norm.train", "batch_norm.eval"):
        out[f"{name}.param.{key}"] = value.clone()
case("batch_norm.eval", x, lambda x: F.batch_norm(x, mean, var, w, b), wb)
case("batch_norm.train", x, lambda x: F.batch_norm(x, mean, var, w, b, training=True, momentum=0.2), wb)
for key, value in running.items():
    out[f"batch_norm.after.{key}"] = value.clone()

# pooling
x = torch.randn(2, 5, 9, 8)
case("average_pool", x, lambda x: F.avg_pool2d(x, 3, 2, 1))
case("average_pool.ceil", x, lambda x: F.avg_pool2d(x, (3, 2), (2, 3), 1, ceil_mode=True))
case("average_pool.no_pad", x, lambda x: F.avg_pool2d(x, 4, 3, 2, ceil_mode=True, count_include_pad=False))
case("average_pool.line", x[:, :, 0], lambda x: F.avg_pool1d(x, 3))
case("average_pool.volume", x.reshape(2, 5, 3, 6, 4), lambda x: F.avg_pool3d(x, (2, 3, 2), (1, 2, 2), 1))
case("max_pool", x, lambda x: F.max_pool2d(x, 3, 2, 1))
case("max_pool.ceil", x.round(), lambda x: F.max_pool2d(x, (4, 2), (1, 3), (2, 1), ceil_mode=True))
case("max_pool.line", x[:, :, 0], lambda x: F.max_pool1d(x, 3, 1))
case("max_pool.volume", x.reshape(2, 5, 3, 6, 4), lambda x: F.max_pool3d(x, (2, 3, 2), (1, 2, 2), 1))
case("global_average_pool", x, lambda x: x.mean((2, 3)))

# padding and softmax
x = torch.randn(2, 5, 9, 7)
case("pad", x, lambda x: F.pad(x, (0, 1, 3, 4)))
case("pad.crop", x, lambda x: F.pad(x, (-2, 1, 1, -3)))
case("softmax", x, lambda x: F.softmax(x, 1))
case("softmax.vector", 300 * x[:, :, 0, 0], lambda x: F.softmax(x, 1))

save_file(out, "layers.safetensors")

# SPDX-License-Identifier: Apache-2.0
"""Values and gradients of PyTorch's layers in double, for tests/nn/attention.cpp: writes
attention.safetensors with CASE.x, CASE.y, CASE.dy, CASE.dx, CASE.NAME of every parameter and
CASE.grad.NAME. Usage: make_text.py OUTPUT"""
import sys

import torch
import torch.nn as nn
from safetensors.torch import save_file

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)
out = {}


def record(case, y, inputs, named):
    """inputs, named: name -> leaf tensor"""
    dy = torch.randn_like(y)
    y.backward(dy)
    out[f"{case}.y"], out[f"{case}.dy"] = y, dy
    for n, t in inputs.items():
        out[f"{case}.{n}"] = t
        if t.grad is not None:
            out[f"{case}.d{n}"] = t.grad
    for n, (value, grad) in named.items():
        out[f"{case}.{n}"], out[f"{case}.grad.{n}"] = value, grad


def leaf(*shape):
    return torch.randn(*shape).requires_grad_()


def shake(module):
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.randn_like(p) * 0.4)
    return module


def own(module):
    return {n: (p, p.grad) for n, p in module.named_parameters()}


def projections(m):
    """Names of our attention for nn.MultiheadAttention."""
    c = m.embed_dim
    named = {}
    for i, n in enumerate("qkv"):
        rows = slice(i * c, (i + 1) * c)
        if m.in_proj_weight is not None:
            named[f"{n}_proj.weight"] = (m.in_proj_weight[rows], m.in_proj_weight.grad[rows])
        else:
            w = getattr(m, f"{n}_proj_weight")
            named[f"{n}_proj.weight"] = (w, w.grad)
        named[f"{n}_proj.bias"] = (m.in_proj_bias[rows], m.in_proj_bias.grad[rows])
    for n in ("weight", "bias"):
        p = getattr(m.out_proj, n)
        named[f"out_proj.{n}"] = (p, p.grad)
    return named


x = leaf(4, 3, 5)
m = shake(nn.Linear(5, 7))
y = m(x)
record("linear", y, {"x": x}, {})
for n, p in m.named_parameters():
    out[f"linear.{n}"], out[f"linear.grad.{n}"] = p, p.grad

x = leaf(2, 3, 6)
m = shake(nn.LayerNorm(6))
y = m(x)
record("layer_norm", y, {"x": x}, {})
for n, p in m.named_parameters():
    out[f"layer_norm.{n}"], out[f"layer_norm.grad.{n}"] = p, p.grad

ids = torch.tensor([[4, 0, 4], [1, 4, 2]], dtype=torch.int32)
m = shake(nn.Embedding(5, 3))
y = m(ids)
record("embedding", y, {"ids": ids}, {})
out["embedding.weight"], out["embedding.grad.weight"] = m.weight, m.weight.grad

for case, causal in (("self", False), ("causal", True)):
    x = leaf(2, 5, 6)
    m = shake(nn.MultiheadAttention(6, 2, batch_first=True))
    mask = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1) if causal else None
    y, _ = m(x, x, x, attn_mask=mask)
    record(case, y, {"x": x}, {})
    for n, (p, g) in projections(m).items():
        out[f"{case}.{n}"], out[f"{case}.grad.{n}"] = p, g

x, e = leaf(2, 5, 6), leaf(2, 21, 4)
m = shake(nn.MultiheadAttention(6, 3, kdim=4, vdim=4, batch_first=True))
y, _ = m(x, e, e)
record("cross", y, {"x": x, "e": e}, {})
for n, (p, g) in projections(m).items():
    out[f"cross.{n}"], out[f"cross.grad.{n}"] = p, g

x = leaf(2, 5, 6)
m = shake(nn.TransformerEncoderLayer(6, 2, 9, 0.0, "gelu", batch_first=True, norm_first=True))
y = m(x)
record("block", y, {"x": x}, {})
named = {"layer_norm1": m.norm1, "layer_norm2": m.norm2, "mlp.fc1": m.linear1, "mlp.fc2": m.linear2}
for n, layer in named.items():
    for k, p in layer.named_parameters():
        out[f"block.{n}.{k}"], out[f"block.grad.{n}.{k}"] = p, p.grad
for n, (p, g) in projections(m.self_attn).items():
    out[f"block.self_attn.{n}"], out[f"block.grad.self_attn.{n}"] = p, g


def windows(case, h, w, c, heads, wy, wx, sy, sx):
    """Swin's procedure: roll, cut, attend with table and mask, join, roll back."""
    x = leaf(2, h, w, c)
    names = [f"{n}_proj.{k}" for n in ("q", "k", "v", "out") for k in ("weight", "bias")]
    p = {n: (leaf(c, c) if n.endswith("weight") else leaf(c)) for n in names}
    table = leaf((2 * wy - 1) * (2 * wx - 1), heads)
    p["relative_position_bias_table"] = table

    def cut(t):
        n, k = t.shape[0], t.shape[-1]
        t = t.view(n, h // wy, wy, w // wx, wx, k).permute(0, 1, 3, 2, 4, 5)
        return t.reshape(-1, wy * wx, k)

    region = torch.zeros(1, h, w, 1)
    for i, a in enumerate((slice(0, h - wy), slice(h - wy, h - sy), slice(h - sy, h))):
        for j, b in enumerate((slice(0, w - wx), slice(w - wx, w - sx), slice(w - sx, w))):
            region[:, a, b] = 3 * i + j
    r = cut(region)
    mask = torch.where(r == r.transpose(1, 2), 0.0, -torch.inf).repeat(2, 1, 1)[:, None]
    at = torch.tensor([(i, j) for i in range(wy) for j in range(wx)])
    d = at[:, None] - at[None]
    index = (d[..., 0] + wy - 1) * (2 * wx - 1) + d[..., 1] + wx - 1
    bias = table[index].permute(2, 0, 1)[None]
    t = cut(torch.roll(x, (-sy, -sx), (1, 2)))
    q, k, v = (nn.functional.linear(t, p[f"{n}_proj.weight"], p[f"{n}_proj.bias"])
               .view(t.shape[0], t.shape[1], heads, -1).transpose(1, 2) for n in "qkv")
    o = nn.functional.scaled_dot_product_attention(q, k, v, bias + mask)
    o = o.transpose(1, 2).reshape(t.shape)
    o = nn.functional.linear(o, p["out_proj.weight"], p["out_proj.bias"])
    o = o.view(2, h // wy, w // wx, wy, wx, c).permute(0, 1, 3, 2, 4, 5).reshape(2, h, w, c)
    y = torch.roll(o, (sy, sx), (1, 2))
    record(case, y, {"x": x}, {})
    for n, value in p.items():
        out[f"{case}.{n}"], out[f"{case}.grad.{n}"] = value, value.grad


windows("window", 4, 6, 4, 2, 2, 3, 0, 0)
windows("shifted", 6, 9, 4, 2, 3, 3, 1, 2)

save_file({k: v.detach().contiguous().clone() for k, v in out.items()}, sys.argv[1])

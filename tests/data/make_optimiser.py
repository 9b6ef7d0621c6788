# SPDX-License-Identifier: Apache-2.0
"""PyTorch's optimisers, schedules, clipping and averages in double on made-up gradients; writes
optimiser.safetensors. Run in tests/data: python make_optimiser.py"""
import warnings

import torch
from safetensors.torch import save_file

warnings.simplefilter("ignore")  # schedulers without steps of their optimisers
torch.set_default_dtype(torch.float64)
torch.manual_seed(20261122)
out = {}

steps = 8
start = torch.randn(37)
# Sizes over many orders, exact zeros, one number whose gradient is always zero.
gradients = torch.randn(steps, 37) * 10.0 ** torch.randint(-6, 3, (37,))
gradients[torch.rand(steps, 37) < 0.1] = 0
gradients[:, 5] = 0
rates = 1e-2 * 0.9 ** torch.arange(steps)
out.update(start=start, gradients=gradients, rates=rates)


def run(name, make):
    p = torch.nn.Parameter(start.clone())
    opt = make([p])
    trace = []
    for g, rate in zip(gradients, rates):
        opt.param_groups[0]["lr"] = float(rate)
        p.grad = g.clone()
        opt.step()
        trace.append(p.detach().clone())
    out["run." + name] = torch.stack(trace)
    for key in ("exp_avg", "exp_avg_sq", "momentum_buffer"):
        value = opt.state[p].get(key)
        if value is not None:
            out[f"run.{name}.{key}"] = value.clone()


O = torch.optim
run("sgd", lambda p: O.SGD(p, lr=1))
run("sgd_decay", lambda p: O.SGD(p, lr=1, weight_decay=0.1))
run("sgd_momentum", lambda p: O.SGD(p, lr=1, momentum=0.9, weight_decay=0.05))
run("sgd_dampening", lambda p: O.SGD(p, lr=1, momentum=0.8, dampening=0.3))
run("sgd_nesterov", lambda p: O.SGD(p, lr=1, momentum=0.9, nesterov=True, weight_decay=0.05))
run("adam", lambda p: O.Adam(p))
run("adam_decay", lambda p: O.Adam(p, weight_decay=0.1, betas=(0.7, 0.95), eps=1e-6))
run("adamw", lambda p: O.AdamW(p))
run("adamw_decay", lambda p: O.AdamW(p, weight_decay=0.3, betas=(0.8, 0.9), eps=1e-4))


def rates_of(name, make, n):
    opt = O.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.02)
    s = make(opt)
    trace = []
    for _ in range(n):
        trace.append(opt.param_groups[0]["lr"])
        s.step()
    out["rates." + name] = torch.tensor(trace)


S = O.lr_scheduler
linear = lambda o: S.LinearLR(o, start_factor=0.01, total_iters=6)
rates_of("constant_warm", lambda o: S.SequentialLR(o, [linear(o), S.ConstantLR(o, factor=1)], [6]), 12)
rates_of("step", lambda o: S.StepLR(o, 5, 0.3), 15)
rates_of("cosine", lambda o: S.CosineAnnealingLR(o, 40, eta_min=1e-4), 41)
rates_of("cosine_warm", lambda o: S.SequentialLR(
    o, [linear(o), S.CosineAnnealingLR(o, 34, eta_min=1e-4)], [6]), 40)
rates_of("one_cycle", lambda o: S.OneCycleLR(o, 0.02, total_steps=40), 39)
rates_of("one_cycle_sharp", lambda o: S.OneCycleLR(
    o, 0.02, total_steps=17, pct_start=0.5, div_factor=10, final_div_factor=100), 16)

# clipping: two parameters, below and above the limit
for name, largest in (("clip.cut", 0.01), ("clip.kept", 1e6)):
    a, b = (torch.nn.Parameter(torch.zeros(n)) for n in (20, 17))
    a.grad, b.grad = gradients[3, :20].clone(), gradients[3, 20:].clone()
    out[name + ".norm"] = torch.nn.utils.clip_grad_norm_([a, b], largest).reshape(1)
    out[name] = torch.cat([a.grad, b.grad])

# average of the values that gradients[k] stand for
average = O.swa_utils.AveragedModel(
    torch.nn.ParameterList([start.clone()]), multi_avg_fn=O.swa_utils.get_ema_multi_avg_fn(0.9))
for g in gradients:
    average.update_parameters(torch.nn.ParameterList([g]))
out["average"] = next(average.module.parameters()).detach().clone()

save_file({k: v.contiguous() for k, v in out.items()}, "optimiser.safetensors")

# SPDX-License-Identifier: Apache-2.0
"""Solvers on operators that were put together in Python."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import _check, _core
from .operators import LinearOperator
from .prox import Prox, _image5


class Report(NamedTuple):
    """How a solver ended."""

    iterations: int  #: iterations done
    converged: bool  #: the tolerance was reached by all systems
    interrupted: bool  #: the callback asked to stop
    breakdown: bool  #: a direction with <p, A p> <= 0: A is not positive definite
    residual: list  #: |b - A x| / |b| of each system


def _operator(a, who):
    if not isinstance(a, LinearOperator):
        raise TypeError(f"{who}: A: expected a cardiomm operator, found {type(a).__name__}")
    return a._core


def _start(x0, b, who):
    if x0 is None:
        return np.zeros_like(b)
    _check.array(x0, who, "x0")
    if x0.shape != b.shape:
        raise ValueError(
            f"{who}: x0: expected shape {_check._text(b.shape)}, found {_check._text(x0.shape)}"
        )
    return x0.copy()


def cg(A, b, x0=None, *, iterations=30, tolerance=0.0, systems=0, callback=None, report=False):
    """Solves A x = b by conjugate gradients, A Hermitian and positive: `A.N + lam * Identity`.

    A           operator from the shape of b to itself
    b           complex64
    x0          first guess, left out: zeros
    tolerance   stop when |b - A x| <= tolerance |b|; 0: never
    systems     so many leading axes of b number independent systems, solved side by side (A must
                not mix them); 0: one system
    callback    function(iteration, iterations, residual), called now and then; False stops
    report      return (x, Report)
    """
    core = _operator(A, "cg")
    _check.array(b, "cg", "b")
    iterations = _check.number(iterations, "cg", "iterations", 1, whole=True)
    tolerance = _check.number(tolerance, "cg", "tolerance", 0)
    if not 0 <= _check.number(systems, "cg", "systems", 0, whole=True) < b.ndim:
        raise ValueError(f"cg: systems: expected 0 to {b.ndim - 1} leading axes, found {systems}")
    x = _start(x0, b, "cg")
    end = _core.cg(
        core, b, x, iterations, tolerance, systems, x0 is None, _check.callback(callback, "cg")
    )
    return (x, Report(*end)) if report else x


def fista(
    A, b, prox, x0=None, *, iterations=30, step=None, tolerance=0.0, accelerate=True,
    callback=None, report=False,
):
    """Minimises 1/2 <x, A x> - Re <b, x> + P(x): with A = E.N and b = E.H(y) that is
    1/2 |E x - y|^2 + P(x). FISTA with adaptive restart.

    A     operator from the shape of b to itself, positive
    b     complex64 image of 1 to 5 axes
    prox  of cardiomm.prox
    step  at most 1 / largest eigenvalue of A; None: found by power iteration. 1.0 is right for
          masks, Fourier transforms and maps of unit norm.

    The rest as `cg`; tolerance is |x - previous x| / |x|.
    """
    core = _operator(A, "fista")
    if not isinstance(prox, Prox):
        raise TypeError(f"fista: prox: expected one of cardiomm.prox, found {type(prox).__name__}")
    five = _image5(b, "fista", "b")
    iterations = _check.number(iterations, "fista", "iterations", 1, whole=True)
    tolerance = _check.number(tolerance, "fista", "tolerance", 0)
    step = 0.0 if step is None else _check.number(step, "fista", "step", 0)
    x = _start(x0, b, "fista")
    end = _core.fista(
        core, prox._core, five, x, list(b.shape), iterations, tolerance, step, bool(accelerate),
        _check.callback(callback, "fista"),
    )
    return (x, Report(*end)) if report else x


def largest_eigenvalue(A, shape, *, iterations=30, tolerance=1e-6) -> float:
    """Largest eigenvalue of a Hermitian positive operator on arrays of `shape`, from below."""
    iterations = _check.number(iterations, "largest_eigenvalue", "iterations", 1, whole=True)
    return _core.largest_eigenvalue(
        _operator(A, "largest_eigenvalue"), list(shape), iterations, float(tolerance)
    )

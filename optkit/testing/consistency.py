"""A backend's derivatives beside each other: forward and reverse mode, the Hessian and products with it."""

from __future__ import annotations

import numpy as np

from optkit.ad.backends import Backend
from optkit.testing.comparison import Tolerance
from optkit.testing.subject import Subject


def disagreements(
    backend: Backend | None, subject: Subject, rng: np.random.Generator, tolerance: Tolerance
) -> list[str]:
    """Whether ⟨u, J v⟩ = ⟨Jᵀu, v⟩ for random u and v, where a backend has both products by itself."""
    x = subject.coordinates.start
    if backend is None or not x.size:
        return []
    kind = type(backend)
    if Backend.value_and_jvp is kind.value_and_jvp or Backend.value_and_vjp is kind.value_and_vjp:
        return []
    v = subject.coordinates.sizes() * rng.standard_normal(x.size)
    u = rng.standard_normal(subject.shape)
    u = u.reshape(-1) if subject.shape else u
    pushed = np.asarray(backend.value_and_jvp(subject.traceable, x, v)[1])
    pulled = np.asarray(backend.value_and_vjp(subject.traceable, x)[1](u))
    forward, reverse = float(np.sum(u * pushed)), float(np.sum(pulled * v))
    largest = np.sum(np.abs(u * pushed)) + np.sum(np.abs(pulled * v))
    # NaN is no disagreement: the entries tell of it.
    if not abs(forward - reverse) > tolerance.rtol * largest:
        return []
    return [
        f"forward and reverse mode disagree: ⟨u, J v⟩ = {forward:.9g}, ⟨Jᵀu, v⟩ = {reverse:.9g}"
    ]


def second_disagreements(
    backend: Backend | None, subject: Subject, rng: np.random.Generator, rtol: float
) -> list[str]:
    """Whether the Hessian that a backend gives is symmetric and has the products that it gives."""
    x = subject.coordinates.start
    if backend is None or not x.size:
        return []
    hessian = np.asarray(backend.hessian(subject.traceable, x))
    sizes = subject.coordinates.sizes()
    v, w = sizes * rng.standard_normal(x.size), sizes * rng.standard_normal(x.size)
    product = np.asarray(backend.hvp(subject.traceable, x, v))
    largest = float(np.abs(w) @ np.abs(hessian) @ np.abs(v))
    found = []
    if abs(w @ hessian @ v - v @ hessian @ w) > rtol * largest:
        found.append(
            f"the Hessian is not symmetric: wᵀH v = {w @ hessian @ v:.9g}, vᵀH w = {v @ hessian @ w:.9g}"
        )
    if abs(w @ product - w @ hessian @ v) > rtol * largest:
        found.append(
            f"hvp and hessian disagree: w·hvp(v) = {w @ product:.9g}, wᵀH v = {w @ hessian @ v:.9g}"
        )
    return found

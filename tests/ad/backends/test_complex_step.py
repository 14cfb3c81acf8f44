"""The complex step is exact where it holds, and refuses, with the reason, where it does not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.special

from optkit import ad
from optkit.errors import BackendError

X = np.array([0.3, -1.2, 2.0])


def grad(f: Any, x: Any = X) -> Any:
    return ad.grad(f, backend="complex-step")(x)


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: np.sum(np.exp(x)), np.exp(X)),
        (lambda x: np.sum(np.sin(x) * x**2), np.cos(X) * X**2 + 2 * X * np.sin(X)),
        (lambda x: x[0] if x[1].real > 0 else x[2] * 2.0, [0.0, 0.0, 2.0]),
        (lambda x: np.sum(1e8 + x), np.ones(3)),
        (lambda x: 2.5, np.zeros(3)),
        (lambda x: np.sum(scipy.special.erf(x)), 2 / np.sqrt(np.pi) * np.exp(-(X**2))),
    ],
)
def test_exact_to_rounding(f: Any, expected: Any) -> None:
    np.testing.assert_allclose(grad(f), expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("scale", [1e-90, 1e-8, 1.0, 1e8, 1e150])
def test_at_every_scale(scale: float) -> None:
    np.testing.assert_allclose(
        grad(lambda x: np.sum(np.sin(x / scale)), scale * X) * scale, np.cos(X), rtol=1e-13
    )


REFUSED = [
    ("abs", lambda x: np.sum(np.abs(x)), "not analytic"),
    ("abs beside the rest", lambda x: np.sum(np.abs(x) + x), "not analytic"),
    ("one of many", lambda x: np.sum(np.exp(x)) + np.abs(x[1]), "not analytic"),
    ("conj", lambda x: np.sum(x * np.conj(x)), "not analytic"),
    ("real", lambda x: np.sum(np.real(x) ** 2), "not analytic"),
    ("norm", lambda x: np.linalg.norm(x), "not analytic"),
    ("vdot", lambda x: np.vdot(x, x), "not analytic"),
    ("float", lambda x: float(x[0]) * x[1], "a cast that drops"),
    ("math", lambda x: math.sin(x[0]), "a cast that drops"),
    ("floor", lambda x: np.sum(np.floor(x) * x), "does not accept complex numbers"),
    ("gammaln", lambda x: np.sum(scipy.special.gammaln(x**2)), "does not accept complex numbers"),
    (
        "type test",
        lambda x: np.sum(x**2) if np.isrealobj(x) else np.sum(x),
        "even its value differs",
    ),
]


@pytest.mark.parametrize(("name", "f", "reason"), REFUSED, ids=[row[0] for row in REFUSED])
@pytest.mark.filterwarnings("ignore:Casting complex values")
def test_refuses_with_the_reason(name: str, f: Any, reason: str) -> None:
    with pytest.raises(BackendError, match=f"'complex-step' refuses this function: .*{reason}"):
        grad(f)
    with pytest.raises(BackendError, match=reason):
        ad.get_backend("complex-step").prepare(f, X).grad(X)


def test_a_prepared_function_is_still_watched() -> None:
    """Analytic where it was prepared, not analytic elsewhere."""
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        return np.sum(x**2) if x[0].real > 0 else np.sum(np.conj(x) * x)

    prepared = ad.get_backend("complex-step").prepare(f, X)
    np.testing.assert_allclose(prepared.grad(X), 2 * X)
    calls.clear()
    np.testing.assert_allclose(prepared.grad(2 * X), 4 * X)
    assert len(calls) <= 1 + X.size + 2
    with pytest.raises(BackendError, match="not analytic"):
        prepared.grad(-X)


def test_a_kink_is_refused() -> None:
    with pytest.raises(BackendError, match="or has a kink here"):
        grad(lambda x: np.sum(np.where(x.real >= 0, x, 2.0 * x)), np.zeros(3))


def test_an_error_of_the_function_is_not_taken_for_a_refusal() -> None:
    def f(x: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        grad(f)

"""Finite differences: digits, error bars, steps that follow noise, curvature and scale; prepared steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optkit import ad
from optkit.ad.backends.finite_difference import FiniteDifferenceBackend
from optkit.ad.backends.steps import balanced
from optkit.errors import InvalidInputError

KINDS = {"forward": 1e-6, "central": 1e-9, "high-order": 1e-11}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def smooth(x: Any) -> Any:
    return np.sum(np.exp(-x) * np.sin(3.0 * x))


def smooth_grad(x: Any) -> Any:
    return np.exp(-x) * (3.0 * np.cos(3.0 * x) - np.sin(3.0 * x))


def test_digits_and_error_bars(kind: str) -> None:
    x = np.array([0.3, -1.2, 2.0, 0.7, 5.0])
    _, gradient, error = FiniteDifferenceBackend(kind).jacobian_and_error(smooth, x)
    off = np.abs(gradient - smooth_grad(x))
    assert np.all(off <= KINDS[kind] * np.max(np.abs(smooth_grad(x))))
    assert np.all(off <= error)
    assert np.all(error <= 1e4 * KINDS[kind])


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1.0, 1e6, 1e12])
def test_steps_follow_the_scale_of_the_variables(kind: str, scale: float) -> None:
    x = scale * np.array([0.3, 1.2])
    found = FiniteDifferenceBackend(kind).grad(lambda z: smooth(z / scale), x) * scale
    np.testing.assert_allclose(found, smooth_grad(x / scale), rtol=100 * KINDS[kind])


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_steps_of_second_derivatives_follow_the_scale_too(kind: str, scale: float) -> None:
    z = np.array([0.3, 1.2])
    curvature = np.diag(np.exp(-z) * (-8.0 * np.sin(3.0 * z) - 6.0 * np.cos(3.0 * z)))
    backend, v = FiniteDifferenceBackend(kind), np.array([1.0, -0.5])
    hessian = backend.hessian(lambda x: smooth(x / scale), scale * z) * scale**2
    np.testing.assert_allclose(hessian, curvature, atol=1e-5)
    product = backend.hvp(lambda x: smooth(x / scale), scale * z, v) * scale**2
    np.testing.assert_allclose(product, curvature @ v, atol=1e-5)
    exact = ad.get_backend("complex-step").hessian(lambda x: smooth(x / scale), scale * z)
    np.testing.assert_allclose(exact * scale**2, curvature, atol=1e-8)


def test_variables_of_different_scales(kind: str) -> None:
    units = np.array([1e-8, 1.0, 1e8])
    z = np.array([0.3, 1.2, -0.4])
    found = FiniteDifferenceBackend(kind).grad(lambda x: smooth(x / units), z * units) * units
    np.testing.assert_allclose(found, smooth_grad(z), rtol=100 * KINDS[kind])


@pytest.mark.parametrize("tiny", [1e-300, 1e-30, 1e-12])
def test_a_component_that_is_small_by_chance_gets_a_step_that_can_be_seen(
    kind: str, tiny: float
) -> None:
    x = np.array([tiny, 1.0])
    found, error = FiniteDifferenceBackend(kind).jacobian_and_error(smooth, x)[1:]
    if kind != "high-order":  # whose ladder begins at the size of the variable; its error bar tells
        np.testing.assert_allclose(found, smooth_grad(x), rtol=1e-4)
    assert np.all(np.abs(found - smooth_grad(x)) <= error)


def test_noise_is_measured_and_steps_grow_with_it(kind: str) -> None:
    def noisy(level: float) -> Any:
        rng = np.random.default_rng(3)
        return lambda x: smooth(x) + level * rng.standard_normal()

    x = np.array([0.3, -1.2, 2.0])
    errors = []
    for level in (1e-12, 1e-8, 1e-4):
        _, gradient, error = FiniteDifferenceBackend(kind).jacobian_and_error(noisy(level), x)
        off = np.abs(gradient - smooth_grad(x))
        assert np.all(off <= 3.0 * error)
        errors.append(float(np.max(error)))
    assert errors == sorted(errors)
    # A fixed step of 6e-6 would be off by 1e-8 / 6e-6 ≈ 2e-3.
    middle = FiniteDifferenceBackend(kind).grad(noisy(1e-8), x)
    np.testing.assert_allclose(middle, smooth_grad(x), atol=2e-3 if kind == "forward" else 5e-4)


def test_the_edge_of_a_domain(kind: str) -> None:
    x = np.array([1e-3, 1.0])
    with np.errstate(all="ignore"):
        found = FiniteDifferenceBackend(kind).grad(lambda x: np.sum(np.log(x)), x)
        np.testing.assert_allclose(found, 1.0 / x, rtol=1e-4)
        at_edge = FiniteDifferenceBackend("forward").grad(
            lambda x: np.sum(x**1.5), np.array([0.0, 1.0])
        )
    np.testing.assert_allclose(at_edge, [0.0, 1.5], atol=5e-3)


def test_outputs_of_different_sizes(kind: str) -> None:
    scales = np.array([1e-9, 1.0, 1e9])
    _, jacobian, error = FiniteDifferenceBackend(kind).jacobian_and_error(
        lambda x: scales * np.sin(x[0]) * x[1], np.array([0.7, 2.0])
    )
    expected = scales[:, None] * np.array([np.cos(0.7) * 2.0, np.sin(0.7)])
    np.testing.assert_allclose(jacobian, expected, rtol=100 * KINDS[kind])
    assert np.all(np.abs(jacobian - expected) <= error)


def test_what_is_prepared_costs_one_or_two_evaluations_a_variable() -> None:
    x = np.array([0.3, -1.2, 2.0])
    for kind, per_variable in (("forward", 1), ("central", 2)):
        calls: list[int] = []

        def counted(x: Any, calls: Any = calls) -> Any:
            calls.append(1)
            return smooth(x)

        prepared = FiniteDifferenceBackend(kind).prepare(counted, x)
        prepared.grad(x)
        for point in (x, x + 0.1, 10.0 * x):
            calls.clear()
            gradient = prepared.grad(point)
            assert len(calls) == 1 + per_variable * x.size
            scale = np.max(np.abs(smooth_grad(point)))
            np.testing.assert_allclose(gradient, smooth_grad(point), atol=1e-5 * scale)


def test_prepared_steps_do_not_depend_on_the_order_of_use() -> None:
    x, y = np.array([0.3, -1.2]), np.array([2.0, 0.7])
    backend = ad.get_backend("finite-difference")
    one, other = backend.prepare(smooth, x), backend.prepare(smooth, x)
    first = one.grad(y)
    other.grad(10.0 * y)
    np.testing.assert_array_equal(first, other.grad(y))


def test_stationary_points_and_constants_end_soon(kind: str) -> None:
    calls: list[int] = []

    def bowl(x: Any) -> Any:
        calls.append(1)
        return np.sum((x - 1.0) ** 2)

    backend = FiniteDifferenceBackend(kind)
    np.testing.assert_allclose(backend.grad(bowl, np.ones(3)), np.zeros(3), atol=1e-7)
    assert len(calls) < (250 if kind == "high-order" else 80)
    np.testing.assert_array_equal(backend.grad(lambda x: 2.5, np.ones(3)), np.zeros(3))


def test_nothing_finite_gives_nan(kind: str) -> None:
    with np.errstate(all="ignore"):
        found = FiniteDifferenceBackend(kind).grad(lambda x: np.sum(x) * np.nan, np.ones(2))
    assert np.all(np.isnan(found))


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="'central', 'forward' or 'high-order', got 'both'"):
        FiniteDifferenceBackend("both")


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("length", [1e-6, 1e-3, 1.0, 1e3])
def test_the_step_is_found_whatever_the_natural_length_is_said_to_be(
    order: int, length: float
) -> None:
    center = np.array([np.sin(0.3) + 1.0])

    def phi(t: float) -> Any:
        return np.array([np.sin(0.3 + length * t) + 1.0])

    found = balanced(phi, center, 4e-16 * center, order=order)
    off = abs(found.slope[0] / length - np.cos(0.3))
    assert off <= found.error[0] / length <= (1e-5 if order == 1 else 1e-7)

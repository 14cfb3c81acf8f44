"""Functions with rules of the user's own: one rule, both modes, any order."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from optkit import ad
from optkit.errors import (
    InvalidInputError,
    LostDerivativeError,
    NotDifferentiableError,
    OptkitError,
)

X = np.array([0.3, -1.2, 2.0])
MODES = ["forward", "reverse"]


def by_tangent_rule() -> Any:
    """x ↦ exp(x), said to have the derivative 10 exp(x), so that the rule's use shows."""

    @ad.custom_jvp
    def f(x: Any) -> Any:
        return np.exp(x)

    f.defjvp(lambda primals, tangents: (f(*primals), 10.0 * np.exp(primals[0]) * tangents[0]))
    return f


def by_cotangent_rule() -> Any:
    @ad.custom_vjp
    def f(x: Any) -> Any:
        return np.exp(x)

    f.defvjp(lambda x: (f(x), x), lambda x, ct: (10.0 * np.exp(x) * ct,))
    return f


RULES = [by_tangent_rule, by_cotangent_rule]


@pytest.mark.parametrize("make", RULES)
class TestOneRule:
    def test_a_plain_call_is_the_function(self, make: Callable[[], Any]) -> None:
        np.testing.assert_array_equal(make()(X), np.exp(X))
        assert make().__name__ == "f"

    @pytest.mark.parametrize("mode", MODES)
    def test_both_modes_use_it(self, make: Callable[[], Any], mode: str) -> None:
        value, jacobian = ad.value_and_jacobian(make(), mode=mode)(X)
        np.testing.assert_array_equal(value, np.exp(X))
        np.testing.assert_allclose(jacobian, np.diag(10 * np.exp(X)))

    @pytest.mark.parametrize("modes", list(itertools.product(MODES, repeat=2)), ids="-".join)
    def test_derivatives_of_derivatives_differentiate_the_rule(
        self, make: Callable[[], Any], modes: Any
    ) -> None:
        inner, outer = modes
        f = make()
        second = ad.jacobian(ad.jacobian(f, mode=inner), mode=outer)(0.5)
        assert second == pytest.approx(10 * np.exp(0.5))

    def test_it_nests_in_all_operators(self, make: Callable[[], Any]) -> None:
        f = make()
        slope = 10 * np.exp(X)
        assert ad.grad(f)(0.0) == 10.0
        assert ad.derivative(ad.derivative(ad.derivative(f)))(0.0) == 10.0
        np.testing.assert_allclose(ad.hvp(lambda x: np.sum(f(x)))(X, X), slope * X)
        np.testing.assert_allclose(ad.linearize(f, X)[1](X), slope * X)
        np.testing.assert_allclose(ad.vjp(f, X)[1](X)[0], slope * X)

    def test_keywords_stacked_numbers_and_lists_come_as_arguments(
        self, make: Callable[[], Any]
    ) -> None:
        f = make()
        np.testing.assert_allclose(ad.jacobian(lambda x: f(x=x))(X), np.diag(10 * np.exp(X)))
        stacked = ad.jacobian(lambda x: f(np.array([x[0], x[2]])))(X)
        np.testing.assert_allclose(stacked, 10 * np.exp(X[[0, 2], None]) * np.eye(3)[[0, 2]])

    def test_threads_pull_back_through_one_tape(self, make: Callable[[], Any]) -> None:
        _, pullback = ad.vjp(make(), X)
        seeds = np.random.default_rng(0).normal(size=(64, 3))
        with ThreadPoolExecutor(8) as pool:
            for seed, (found,) in zip(seeds, pool.map(pullback, seeds), strict=True):
                np.testing.assert_allclose(found, 10 * np.exp(X) * seed)


@pytest.mark.parametrize("mode", MODES)
class TestSeveralArguments:
    @staticmethod
    def function() -> Any:
        @ad.custom_vjp
        def f(p: Any, name: str, shift: Any) -> Any:
            return {"product": p["a"] * p["b"] + shift, "sum": np.sum(p["b"])}

        def backward(p: Any, ct: Any) -> Any:
            total = np.sum(p["b"] * ct["product"])
            return {"a": total, "b": p["a"] * ct["product"] + ct["sum"]}, None, ct["product"]

        f.defvjp(lambda p, name, shift: (f(p, name, shift), p), backward)
        return f

    def test_containers_and_what_is_no_number(self, mode: str) -> None:
        f = self.function()
        p = {"a": 2.0, "b": np.array([1.0, 3.0])}
        jacobian = ad.jacobian(lambda p, s: f(p, "name", s), (0, 1), mode=mode)(p, np.zeros(2))
        by_p, by_shift = jacobian["product"]
        np.testing.assert_array_equal(by_p["a"], [1.0, 3.0])
        np.testing.assert_array_equal(by_p["b"], 2.0 * np.eye(2))
        np.testing.assert_array_equal(by_shift, np.eye(2))
        by_p, by_shift = jacobian["sum"]
        np.testing.assert_array_equal(by_p["b"], np.ones(2))
        np.testing.assert_array_equal(by_shift, np.zeros(2))

    def test_only_one_argument_is_traced(self, mode: str) -> None:
        f = self.function()
        p = {"a": 2.0, "b": np.array([1.0, 3.0])}
        found = ad.jacobian(lambda s: f(p, "name", s * s)["product"], mode=mode)(
            np.array([1.0, 2.0])
        )
        np.testing.assert_array_equal(found, np.diag([2.0, 4.0]))


# --- the rule is the user's code: it may do what it likes with what it is given ---------------------------------------


def test_a_rule_may_change_what_it_is_given() -> None:
    @ad.custom_vjp
    def double(x: Any) -> Any:
        return 2 * x

    def backward(residuals: Any, ct: Any) -> Any:
        ct *= 2
        return (ct,)

    double.defvjp(lambda x: (double(x), None), backward)

    def f(x: Any) -> Any:
        y = x * 1.0
        return np.sum((double(y) + y) * X)

    np.testing.assert_array_equal(ad.grad(f)(X), 3 * X)


def test_a_function_may_change_its_argument_and_reuse_its_buffer() -> None:
    buffer = np.zeros(3)

    @ad.custom_jvp
    def triple(x: Any) -> Any:
        x *= 3
        buffer[:] = x
        return buffer

    triple.defjvp(lambda primals, tangents: (triple(*primals), 3 * tangents[0]))

    def f(x: Any) -> Any:
        y = x * 1.0
        return np.sum(triple(y) ** 2 + y) + np.sum(triple(0 * y))

    np.testing.assert_allclose(ad.grad(f)(X), 18 * X + 1)
    np.testing.assert_allclose(ad.jacobian(f)(X), 18 * X + 1)


def test_a_gradient_does_not_share_memory_with_what_a_rule_returned() -> None:
    constant = np.ones(3)

    @ad.custom_vjp
    def total(x: Any) -> Any:
        return np.sum(x)

    total.defvjp(lambda x: (total(x), None), lambda residuals, ct: (constant,))
    gradient = ad.grad(total)(X)
    gradient *= 5.0
    np.testing.assert_array_equal(constant, np.ones(3))


@pytest.mark.parametrize("operator", [ad.grad, ad.derivative])
def test_a_value_from_outside_would_lose_its_derivative(operator: Any) -> None:
    def f(a: Any) -> Any:
        @ad.custom_jvp
        def scaled(x: Any) -> Any:
            return a * x

        scaled.defjvp(lambda primals, tangents: (scaled(*primals), a * tangents[0]))
        return scaled(2.0 * a)

    with pytest.raises(
        LostDerivativeError, match=r"scaled uses a traced value .* pass it as an argument"
    ):
        operator(f)(3.0)


def test_a_value_of_an_outer_derivative_is_welcome() -> None:
    def f(a: Any) -> Any:
        @ad.custom_jvp
        def scaled(x: Any) -> Any:
            return a * x**2

        scaled.defjvp(
            lambda primals, tangents: (scaled(*primals), 2 * a * primals[0] * tangents[0])
        )
        return ad.grad(scaled)(5.0) * a

    assert ad.grad(f)(3.0) == 2 * 2 * 5.0 * 3.0
    assert ad.derivative(f)(3.0) == 2 * 2 * 5.0 * 3.0


# --- mistakes ---------------------------------------------------------------------------------------------------------


def test_a_function_without_a_rule_says_how_to_give_it_one() -> None:
    with pytest.raises(NotDifferentiableError, match=r"f.defjvp\(rule\)"):
        ad.grad(ad.custom_jvp(by_tangent_rule().__wrapped__))(1.0)
    with pytest.raises(NotDifferentiableError, match=r"f.defvjp\(forward, backward\)"):
        ad.grad(ad.custom_vjp(by_tangent_rule().__wrapped__))(1.0)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda p, t: t[0], r"must return \(value, tangent\)"),
        (lambda p, t: (p[0], np.ones(2)), r"has shape \(2,\), it must have \(3,\)"),
        (lambda p, t: (p[0], [t[0]]), "the tangent from the rule of f is a list"),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_a_wrong_tangent_rule_is_refused(rule: Any, message: str, mode: str) -> None:
    f = by_tangent_rule()
    f.defjvp(rule)
    with pytest.raises(OptkitError, match=message):
        ad.jacobian(f, mode=mode)(X)


@pytest.mark.parametrize(
    ("forward", "backward", "message"),
    [
        (np.exp, lambda r, ct: (ct,), r"must return \(value, residuals\)"),
        (
            lambda x: (x, None),
            lambda r, ct: ct,
            "must return a tuple with one cotangent for each of the 1 arguments",
        ),
        (lambda x: (x, None), lambda r, ct: (ct, ct), "one cotangent for each"),
        (lambda x: (x, None), lambda r, ct: (np.sum(ct),), r"has shape \(\), it must have \(3,\)"),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_a_wrong_cotangent_rule_is_refused(
    forward: Any, backward: Any, message: str, mode: str
) -> None:
    f = by_cotangent_rule()
    f.defvjp(forward, backward)
    with pytest.raises(InvalidInputError, match=message):
        ad.jacobian(f, mode=mode)(X)


def test_keyword_only_arguments_are_refused() -> None:
    @ad.custom_jvp
    def f(x: Any, *, scale: float) -> Any:
        return scale * x

    with pytest.raises(InvalidInputError, match="keyword-only arguments"):
        ad.grad(lambda x: f(x, scale=2.0))(1.0)


def test_a_method_can_have_a_rule() -> None:
    class Model:
        rate = 3.0

        @ad.custom_vjp
        def run(self, x: Any) -> Any:
            return self.rate * x

    Model.run.defvjp(lambda self, x: (self.rate * x, None), lambda _, ct: (None, 30.0 * ct))
    assert Model().run(2.0) == 6.0
    assert ad.grad(lambda x: Model().run(x))(2.0) == 30.0


def test_default_arguments_reach_the_rule() -> None:
    @ad.custom_vjp
    def power(x: Any, n: int = 2) -> Any:
        return x**n

    power.defvjp(lambda x, n: (x**n, (x, n)), lambda r, ct: (ct * r[1] * r[0] ** (r[1] - 1), None))
    assert ad.grad(lambda x: power(x))(3.0) == 6.0


def test_a_tangent_rule_without_the_tangent_is_found_out() -> None:
    @ad.custom_jvp
    def square(x: Any) -> Any:
        return x * x

    square.defjvp(lambda primals, tangents: (primals[0] ** 2, 2 * primals[0]))
    with pytest.raises(InvalidInputError, match="does not give zero for zero tangents"):
        ad.grad(square)(2.0)

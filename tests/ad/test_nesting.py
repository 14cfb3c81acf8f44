"""Derivatives of derivatives, in any combination of modes, with closures over outer variables."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from optkit import ad

# Every way to the derivative of a function of one number.
WAYS: dict[str, Callable[..., Any]] = {
    "grad": ad.grad,
    "derivative": ad.derivative,
    "jvp": lambda f: lambda x: ad.jvp(f, (x,), (1.0,))[1],
    "vjp": lambda f: lambda x: ad.vjp(f, x)[1](1.0)[0],
    "linearize": lambda f: lambda x: ad.linearize(f, x)[1](1.0),
    "forward": lambda f: ad.jacobian(f, mode="forward"),
    "reverse": lambda f: ad.jacobian(f, mode="reverse"),
}
PAIRS = list(itertools.product(WAYS, repeat=2))
MODES = ["forward", "reverse"]
V = np.array([0.3, 0.5, 0.7])


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
class TestPerturbationConfusion:
    """An inner derivative must not take the outer variable's perturbation for its own (Siskind & Pearlmutter 2005)."""

    def test_the_textbook_case(self, outer: str, inner: str) -> None:
        assert WAYS[outer](lambda x: x * WAYS[inner](lambda y: x + y)(1.0))(1.0) == 1.0

    def test_an_inner_function_that_ignores_its_variable(self, outer: str, inner: str) -> None:
        assert WAYS[outer](lambda x: WAYS[inner](lambda y: x)(x))(1.0) == 0.0

    def test_the_outer_variable_as_the_point_and_in_the_closure(
        self, outer: str, inner: str
    ) -> None:
        # d/dx [∂/∂y x y² at y = x] = d/dx 2x² = 4x
        assert WAYS[outer](lambda x: WAYS[inner](lambda y: x * y * y)(x))(3.0) == 12.0

    def test_a_closure_over_both(self, outer: str, inner: str) -> None:
        # g(x) = ∂/∂y sin(x y) at y = x² is x cos(x³)
        found = WAYS[outer](lambda x: WAYS[inner](lambda y: np.sin(x * y))(x * x))(0.7)
        assert found == pytest.approx(math.cos(0.343) - 3 * 0.343 * math.sin(0.343), rel=1e-14)

    def test_an_inner_derivative_made_before_the_outer_one_runs(
        self, outer: str, inner: str
    ) -> None:
        held: list[Any] = [1.0]
        slope = WAYS[inner](lambda y: held[0] * y * y)

        def f(x: Any) -> Any:
            held[0] = x
            return slope(x) * slope(2.0)

        assert WAYS[outer](f)(3.0) == pytest.approx(8 * 3 * 3.0**2, rel=1e-14)


@pytest.mark.parametrize(("outer", "inner"), PAIRS)
def test_four_deep_in_any_combination(outer: str, inner: str) -> None:
    for ways in PAIRS:
        f: Callable[..., Any] = lambda x: x * np.exp(2.0 * x)  # noqa: E731
        for way in (*ways, inner, outer):
            f = WAYS[way](f)
        assert f(0.3) == pytest.approx(math.exp(0.6) * (16 * 0.3 + 32), rel=1e-12), ways


def coupled(x: Any) -> Any:
    return np.sum(np.exp(x) * x[::-1]) + np.prod(x) / (1 + x[0] ** 2)


def test_second_and_third_derivatives_agree_in_all_modes() -> None:
    def derivative(*modes: str) -> Any:
        f: Callable[..., Any] = coupled
        for mode in modes:
            f = ad.jacobian(f, mode=mode)
        return f(V)

    hessian = ad.hessian(coupled)(V)
    np.testing.assert_allclose(hessian, hessian.T)
    for modes in itertools.product(MODES, repeat=2):
        np.testing.assert_allclose(derivative(*modes), hessian, rtol=1e-12)
    third = derivative("reverse", "reverse", "reverse")
    assert third.shape == (3, 3, 3)
    for order in itertools.permutations(range(3)):
        np.testing.assert_allclose(third.transpose(order), third, rtol=1e-12)
    for modes in itertools.product(MODES, repeat=3):
        np.testing.assert_allclose(derivative(*modes), third, rtol=1e-12)
    for v in np.eye(3):
        np.testing.assert_allclose(ad.hvp(coupled)(V, v), hessian @ v)
        np.testing.assert_allclose(ad.jvp(ad.hessian(coupled), (V,), (v,))[1], third @ v)


@pytest.mark.parametrize("outer", MODES)
@pytest.mark.parametrize("inner", MODES)
class TestArrays:
    def test_the_gradient_of_a_bilinear_form_has_its_matrix_as_jacobian(
        self, outer: str, inner: str
    ) -> None:
        matrix = np.arange(9.0).reshape(3, 3)

        def f(x: Any) -> Any:
            return ad.jacobian(lambda y: y @ (matrix @ x), mode=inner)(x)

        np.testing.assert_array_equal(ad.jacobian(f, mode=outer)(V), matrix)

    def test_a_derivative_inside_a_sum(self, outer: str, inner: str) -> None:
        # sum(v) · D(y ↦ y |v|) = sum(v) |v|
        def f(v: Any) -> Any:
            return np.sum(v) * ad.jacobian(lambda y: y * np.sqrt(v @ v), mode=inner)(1.0)

        norm = np.sqrt(V @ V)
        np.testing.assert_allclose(ad.jacobian(f, mode=outer)(V), norm + np.sum(V) * V / norm)

    def test_the_equation_of_motion_from_a_lagrangian(self, outer: str, inner: str) -> None:
        """A pendulum: L = ½ m l² ω² + m g l cos θ gives the force ∂L/∂θ − d/dt ∂L/∂ω at constant ω."""
        m, g, length = 2.0, 9.81, 0.5

        def lagrangian(angle: Any, speed: Any) -> Any:
            return 0.5 * m * length**2 * speed**2 + m * g * length * np.cos(angle)

        def momentum(state: Any) -> Any:
            return ad.jacobian(lambda w: lagrangian(state[0], w), mode=inner)(state[1])

        state = np.array([0.3, 1.7])
        mass = ad.jacobian(momentum, mode=outer)(state)[1]
        force = ad.grad(lagrangian)(*state)
        assert force / mass == pytest.approx(-g / length * math.sin(0.3))

    def test_newton_inside_a_derivative(self, outer: str, inner: str) -> None:
        """The root of y³ = x by Newton's method, its slope from an inner derivative: d/dx x^⅓."""

        def root(x: Any) -> Any:
            y = x
            for _ in range(30):
                y = y - (y**3 - x) / ad.jacobian(lambda z: z**3 - x, mode=inner)(y)
            return y

        assert ad.jacobian(root, mode=outer)(2.0) == pytest.approx(2 ** (-2 / 3) / 3)


def test_pullbacks_and_pushforwards_can_themselves_be_differentiated() -> None:
    _, pullback = ad.vjp(lambda z: z**3, V)
    _, pushforward = ad.linearize(lambda z: z**3, V)
    for mode in MODES:
        np.testing.assert_allclose(
            ad.jacobian(lambda u: pullback(u)[0], mode=mode)(V), np.diag(3 * V**2)
        )
        np.testing.assert_allclose(ad.jacobian(pushforward, mode=mode)(V), np.diag(3 * V**2))


def test_operators_nest_inside_each_other() -> None:
    def f(x: Any) -> Any:
        _, pull = ad.vjp(lambda y: ad.linearize(lambda z: z * z, y)[1](x), x)
        return ad.hvp(lambda z: np.sum(z**3))(pull(x)[0], x)

    # pull(x) = 2x², so f = 6 · 2x² · x = 12 x³
    for mode in MODES:
        np.testing.assert_allclose(ad.jacobian(f, mode=mode)(V), np.diag(36 * V**2))


class TestAssignmentAcrossLevels:
    """What an inner derivative has read does not change when the outer function assigns to it."""

    @staticmethod
    def outer(read: Callable[[Any, Any, Any], Any]) -> None:
        def f(x: Any) -> Any:
            buffer = x * 1.0

            def overwrite() -> None:
                buffer[0] = 100.0

            return np.sum(read(x, buffer, overwrite))

        for mode in MODES:
            np.testing.assert_allclose(ad.jacobian(f, mode=mode)(V), np.full(3, 2.0))

    def test_a_factor_of_the_inner_function(self) -> None:
        def read(x: Any, buffer: Any, overwrite: Any) -> Any:
            def inner(y: Any) -> Any:
                z = np.sum(y * buffer)
                overwrite()
                return 2.0 * z

            return ad.grad(inner)(x)

        self.outer(read)

    def test_the_point_of_the_inner_derivative(self) -> None:
        def read(x: Any, buffer: Any, overwrite: Any) -> Any:
            def inner(y: Any) -> Any:
                z = np.sum(y * y)
                overwrite()
                return z

            return ad.grad(inner)(buffer)

        self.outer(read)

    def test_the_tangent(self) -> None:
        def read(x: Any, buffer: Any, overwrite: Any) -> Any:
            def inner(y: Any) -> Any:
                overwrite()
                return 2.0 * y

            return ad.jvp(inner, (x,), (buffer,))[1]

        self.outer(read)

    def test_a_factor_between_recording_and_pulling_back(self) -> None:
        def read(x: Any, buffer: Any, overwrite: Any) -> Any:
            y, pullback = ad.vjp(lambda y: y * buffer, x)
            overwrite()
            y[1] = 50.0
            return 2.0 * pullback(np.ones(3))[0]

        self.outer(read)

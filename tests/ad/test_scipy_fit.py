"""`scipy.optimize` takes the operators as they stand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize

from optkit import ad

X0 = np.array([-1.2, 1.0, 0.8])


def rosenbrock(x: Any, scale: float = 100.0) -> Any:
    return np.sum(scale * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.mark.parametrize("method", ["CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP"])
def test_minimize_with_a_gradient(method: str) -> None:
    options = {"maxfun": 2000} if method == "TNC" else {}
    result = optimize.minimize(
        rosenbrock, X0, jac=ad.grad(rosenbrock), method=method, options=options
    )
    np.testing.assert_allclose(result.x, 1.0, atol=5e-3)


def test_minimize_with_value_and_gradient_at_once() -> None:
    result = optimize.minimize(
        ad.value_and_grad(rosenbrock), X0, jac=True, method="BFGS", args=(10.0,)
    )
    np.testing.assert_allclose(result.x, 1.0, atol=1e-4)


@pytest.mark.parametrize(
    "method", ["Newton-CG", "dogleg", "trust-ncg", "trust-exact", "trust-krylov", "trust-constr"]
)
def test_minimize_with_a_hessian(method: str) -> None:
    result = optimize.minimize(
        rosenbrock,
        np.array([0.8, 0.9, 0.7]) if method == "dogleg" else X0,
        args=(10.0,),
        jac=ad.grad(rosenbrock),
        hess=ad.hessian(rosenbrock),
        method=method,
    )
    np.testing.assert_allclose(result.x, 1.0, atol=1e-4)


@pytest.mark.parametrize("method", ["Newton-CG", "trust-ncg", "trust-krylov", "trust-constr"])
def test_minimize_with_hessian_vector_products(method: str) -> None:
    result = optimize.minimize(
        rosenbrock,
        X0,
        args=(10.0,),
        jac=ad.grad(rosenbrock),
        hessp=ad.hvp(rosenbrock),
        method=method,
    )
    np.testing.assert_allclose(result.x, 1.0, atol=1e-4)


def test_constraints_take_a_jacobian() -> None:
    def circle(x: Any) -> Any:
        return np.array([x[0] ** 2 + x[1] ** 2])

    constraint = optimize.NonlinearConstraint(
        circle, 0.0, 0.5, jac=ad.jacobian(circle), hess=optimize.BFGS()
    )
    result = optimize.minimize(
        rosenbrock, X0[:2], jac=ad.grad(rosenbrock), constraints=[constraint], method="trust-constr"
    )
    assert circle(result.x)[0] <= 0.5 + 1e-6
    assert result.fun == pytest.approx(0.1557, abs=1e-3)


@pytest.mark.parametrize("method", ["trf", "dogbox", "lm"])
def test_least_squares_with_a_jacobian(method: str) -> None:
    t = np.linspace(0.0, 2.0, 30)

    def residuals(p: Any, data: Any, rate: float = 1.0) -> Any:
        return p[0] * np.exp(-rate * p[1] * t) - data

    data = 2.5 * np.exp(-1.3 * t)
    result = optimize.least_squares(
        residuals,
        [1.0, 1.0],
        jac=ad.jacobian(residuals),
        args=(data,),
        kwargs={"rate": 1.0},
        method=method,
    )
    np.testing.assert_allclose(result.x, [2.5, 1.3], rtol=1e-6)


def test_roots_of_a_system_and_of_a_function() -> None:
    def system(x: Any) -> Any:
        return [x[0] + 0.5 * (x[0] - x[1]) ** 3 - 1.0, 0.5 * (x[1] - x[0]) ** 3 + x[1]]

    found = optimize.root(system, [0.0, 0.0], jac=lambda x: np.array(ad.jacobian(system)(x)))
    np.testing.assert_allclose(system(found.x), 0.0, atol=1e-9)

    def f(x: Any) -> Any:
        return np.cos(x) - x

    newton = optimize.newton(f, 0.5, fprime=ad.grad(f), fprime2=ad.grad(ad.grad(f)))
    assert newton == pytest.approx(0.7390851332151607)


def test_curve_fit_with_a_jacobian() -> None:
    x = np.linspace(0.1, 1.0, 12)

    def model(x: Any, a: Any, b: Any) -> Any:
        return a * x / (b + x)

    def slopes(x: Any, a: Any, b: Any) -> Any:
        return np.stack(ad.jacobian(model, (1, 2))(x, a, b), axis=-1)

    (a, b), _ = optimize.curve_fit(model, x, model(x, 2.0, 0.3), p0=[1.0, 1.0], jac=slopes)
    assert (a, b) == pytest.approx((2.0, 0.3))

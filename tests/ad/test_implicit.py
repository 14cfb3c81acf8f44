"""Roots and fixed points as functions of their parameters."""

# ruff: noqa: E501 -- rows of tables

import numpy as np
import pytest
import scipy.optimize

from optkit import ad, gradcheck
from optkit.errors import InnerSolveError, InvalidInputError, LostDerivativeError, OptkitError


def cubic(x, p):
    return x**3 + p * x - 1.0


def bisection(p):
    return scipy.optimize.brentq(lambda x: cubic(x, p), 0.0, 2.0, xtol=1e-15)


NESTS = {
    "ff": lambda f: ad.derivative(ad.derivative(f)), "fr": lambda f: ad.derivative(ad.grad(f)),
    "rf": lambda f: ad.grad(ad.derivative(f)), "rr": lambda f: ad.grad(ad.grad(f)),
}  # fmt: skip


@pytest.mark.parametrize("solver", [0.5, bisection], ids=["from a guess", "from a solver"])
@pytest.mark.parametrize("nest", NESTS)
def test_first_and_second_derivatives(solver, nest):
    root = ad.implicit_root(cubic, solver)
    x = root(1.3)
    assert cubic(x, 1.3) == pytest.approx(0.0, abs=1e-13)
    slope = -x / (3 * x**2 + 1.3)
    # The derivative of −x/(3x² + p) along the curve.
    second = -(slope * (3 * x**2 + 1.3) - x * (6 * x * slope + 1.0)) / (3 * x**2 + 1.3) ** 2
    assert ad.derivative(root)(1.3) == pytest.approx(slope, rel=1e-12)
    assert ad.grad(root)(1.3) == pytest.approx(slope, rel=1e-12)
    assert NESTS[nest](root)(1.3) == pytest.approx(second, rel=1e-11)


def test_third_derivative():
    root = ad.implicit_root(lambda x, a: x * x - a, 1.0)
    assert ad.derivative(ad.grad(ad.derivative(root)))(4.0) == pytest.approx(
        3 / 8 * 4.0**-2.5, rel=1e-10
    )


def test_structures():
    A, b = np.array([[3.0, 1.0], [0.5, 2.0]]), np.array([1.0, 2.0])
    solve = ad.implicit_root(
        lambda x, p: p["A"] @ x - p["b"], lambda p: np.linalg.solve(p["A"], p["b"])
    )
    f, g = (
        (lambda p: np.sum(solve(p) ** 2)),
        (lambda p: np.sum(np.linalg.solve(p["A"], p["b"]) ** 2)),
    )
    found, wanted = ad.grad(f)({"A": A, "b": b}), ad.grad(g)({"A": A, "b": b})
    for key in wanted:
        np.testing.assert_allclose(found[key], wanted[key], atol=1e-14)
    pair = ad.implicit_root(
        lambda x, p: {"a": x["a"] ** 2 - p, "b": x["b"] - x["a"] * np.ones(2)},
        {"a": 1.0, "b": np.zeros(2)},
    )
    y, dy = ad.jvp(pair, (4.0,), (1.0,))
    assert (y["a"], dy["a"]) == pytest.approx((2.0, 0.25))
    np.testing.assert_allclose(dy["b"], [0.25, 0.25])


def test_inside_a_function_with_other_parameters():
    root = ad.implicit_root(
        lambda x, p, name: x**3 + p[0] * x - p[1],
        lambda p, name: np.roots([1, 0, p[0], -p[1]]).real[-1],
    )
    assert gradcheck(lambda p: np.sin(root(p, "text")) * p[0], np.array([1.0, 2.0]), order=2).ok


def test_an_optimum_is_a_root_of_the_gradient():
    inner = lambda x, t: np.sum((x - t) ** 4 + x**2)  # noqa: E731
    best = ad.implicit_root(ad.grad(inner), np.zeros(2))
    assert gradcheck(lambda t: np.sum(best(t) ** 2), np.array([0.5, -1.0]), order=2).ok


def test_fixed_points():
    sqrt = ad.fixed_point(lambda x, a: 0.5 * (x + a / x), 1.0)
    assert ad.grad(ad.derivative(sqrt))(4.0) == pytest.approx(-1 / 32)
    A = np.array([[0.3, 0.1], [0.2, 0.4]])
    steady = ad.fixed_point(lambda x, b: A @ x + b, np.zeros(2))
    np.testing.assert_allclose(
        ad.jacobian(steady)(np.ones(2)), np.linalg.inv(np.eye(2) - A), rtol=1e-10
    )
    known = ad.fixed_point(
        lambda x, a: np.cos(a * x),
        lambda a: scipy.optimize.fixed_point(lambda x: np.cos(a * x), 0.5),
    )
    assert gradcheck(known, 0.8).ok


@pytest.mark.parametrize("transform", [ad.grad, ad.derivative])
@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda p: ad.implicit_root(lambda x: x**2 - p, 1.0)(), LostDerivativeError, "pass it as a parameter"),
        (
            lambda p: ad.implicit_root(lambda x, q: x**2 - p * q, lambda q: np.sqrt(2.0 * q))(1.0 * p),
            LostDerivativeError, "pass it as a parameter",
        ),
        (lambda p: ad.fixed_point(lambda x: 0.5 * (x + p / x), 1.0)(), LostDerivativeError, "pass it as a parameter"),
        (lambda p: ad.implicit_root(lambda x, q: x**2 - q, lambda q: 1.3)(p), InnerSolveError, "not a root"),
        (lambda p: ad.implicit_root(lambda x, q: x**2 + q, 1.3)(p), InnerSolveError, "no root was found"),
        (lambda p: ad.implicit_root(lambda x, q: (x - q) ** 2, lambda q: q)(p), InnerSolveError, "singular"),
        (lambda p: ad.fixed_point(lambda x, q: 3 * x + q, 1.0, max_iter=5)(p), InnerSolveError, "diverges"),
        (lambda p: ad.implicit_root(lambda x, q: np.array([1.0, 2.0]) * x, lambda q: q)(p), InvalidInputError, "2 residuals for 1"),
    ],
)  # fmt: skip
def test_what_has_no_derivative_is_refused(f, error, message, transform):
    assert issubclass(error, OptkitError)
    with pytest.raises(error, match=message):
        transform(f)(2.0)

"""Differential equations with sensitivities, and integrals of samples."""

# ruff: noqa: E501 -- rows of tables

import numpy as np
import pytest
import scipy.integrate

from optkit import ad, gradcheck
from optkit.ad.scipy import integrate
from optkit.errors import (
    InnerSolveError,
    InvalidInputError,
    LostDerivativeError,
    NotDifferentiableError,
)

TIGHT = {"rtol": 1e-10, "atol": 1e-12}
TIMES = np.linspace(0.0, 1.5, 4)
Q = np.array([1.0, 0.5, 1.2, 0.7])


def predators(t, y, a, b):
    return [a * y[0] - y[0] * y[1], -b * y[1] + y[0] * y[1]]


CASES = {
    "initial values and parameters": (
        lambda q: integrate.solve_ivp(predators, (0, 1.5), q[:2], args=(q[2], q[3]), t_eval=TIMES, method="DOP853", **TIGHT).y,
        Q,
    ),
    "a stiff method": (
        lambda q: integrate.solve_ivp(predators, (0, 1), q[:2], args=(q[2], q[3]), method="Radau", **TIGHT).y[:, -1], Q,
    ),
    "the ends of the integration": (
        lambda q: integrate.solve_ivp(predators, (q[0], q[1]), [1.0, 0.5], args=(q[2], q[3]), method="DOP853", **TIGHT).y[:, -1],
        np.array([0.1, 1.3, 1.2, 0.7]),
    ),
    "backward in time": (
        lambda q: integrate.solve_ivp(predators, (1.5, 0.0), q[:2], args=(q[2], q[3]), method="DOP853", **TIGHT).y[:, -1], Q,
    ),
    "times of the results": (
        lambda t: integrate.solve_ivp(predators, (0, 3), [1.0, 0.5], args=(1.0, 0.5), t_eval=t, method="DOP853", **TIGHT).y,
        np.array([0.5, 1.0, 2.5]),
    ),
    "a tolerance for each component": (
        lambda q: integrate.solve_ivp(predators, (0, 1), q[:2], args=(q[2], q[3]), method="DOP853", rtol=1e-10, atol=[1e-12, 1e-11]).y[:, -1],
        Q,
    ),
    "odeint": (lambda q: integrate.odeint(predators, q[:2], TIMES, args=(q[2], q[3]), tfirst=True, **TIGHT), Q),
    "times of odeint": (
        lambda t: integrate.odeint(lambda y, t, k: predators(t, y, k, 0.5), [1.0, 0.5], t, args=(1.0,), **TIGHT),
        np.array([0.1, 0.5, 1.0]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_sensitivities(case):
    f, q = CASES[case]
    forward, reverse = (ad.jacobian(f, mode=mode)(q) for mode in ("forward", "reverse"))
    np.testing.assert_allclose(forward, reverse, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(ad.vjp(f, q)[0], f(q))
    h = 1e-3
    e = np.eye(len(q)) * h
    wanted = [(8 * (f(q + d) - f(q - d)) - (f(q + 2 * d) - f(q - 2 * d))) / (12 * h) for d in e]
    np.testing.assert_allclose(forward, np.stack(wanted, axis=-1), atol=3e-7)


ADJOINT = {
    "states": lambda q, **how: integrate.solve_ivp(predators, (0, 1.5), q[:2], args=(q[2], q[3]), t_eval=TIMES, **how).y,
    "ends": lambda q, **how: integrate.solve_ivp(predators, (q[0], q[1]), [1.0, 0.5], args=(q[2], q[3]), **how).y[:, -1],
    "all steps": lambda q, **how: integrate.solve_ivp(predators, (0, 1), q[:2], args=(q[2], q[3]), **how).y[0, -1] ** 2,
    "backward": lambda q, **how: integrate.solve_ivp(predators, (1.5, 0.0), q[:2], args=(q[2], q[3]), **how).y[:, -1],
    "times": lambda q, **how: integrate.solve_ivp(predators, (0, 3), [1.0, 0.5], args=(1.0, 0.5), t_eval=q, **how).y,
}  # fmt: skip


@pytest.mark.parametrize(
    ("method", "accuracy"), [("DOP853", 1e-9), ("RK45", 1e-8), ("Radau", 1e-8)]
)
@pytest.mark.parametrize("name", ADJOINT)
def test_the_adjoint_gives_what_forward_sensitivities_give(name, method, accuracy):
    q = {"times": np.array([0.5, 1.0, 2.5]), "ends": np.array([0.1, 1.3, 1.2, 0.7])}.get(name, Q)

    def jacobian(sensitivity, mode):
        f = lambda q: ADJOINT[name](q, method=method, sensitivity=sensitivity, **TIGHT)  # noqa: E731
        return ad.jacobian(f, mode=mode)(q)

    wanted = jacobian("forward", "reverse")
    np.testing.assert_allclose(jacobian("adjoint", "reverse"), wanted, rtol=0, atol=accuracy)
    np.testing.assert_allclose(jacobian("adjoint", "forward"), wanted, rtol=0, atol=accuracy)


def test_the_adjoint_of_an_exact_solution_to_second_order():
    # y = y0 exp(−k t)
    def f(p):
        solved = integrate.solve_ivp(
            lambda t, y, k: -k * y,
            (0.0, 2.0),
            p[:1],
            args=(p[1],),
            method="DOP853",
            sensitivity="adjoint",
            **TIGHT,
        )
        return solved.y[0, -1]

    p, decay = np.array([3.0, 0.4]), np.exp(-0.8)
    np.testing.assert_allclose(ad.grad(f)(p), [decay, -6 * decay], rtol=1e-9)
    # A cotangent of any size, for the tolerances are relative to it.
    np.testing.assert_allclose(
        ad.grad(lambda p: 1e-12 * f(p))(p), [1e-12 * decay, -6e-12 * decay], rtol=1e-9
    )
    wanted = [[0.0, -2 * decay], [-2 * decay, 12 * decay]]
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(ad.jacobian(ad.grad(f), mode=mode)(p), wanted, atol=1e-7)


def test_the_adjoint_agrees_with_differentiated_steps():
    def by_steps(p):
        y, h = p[:2], 1.0 / 400
        for _ in range(400):  # Runge & Kutta's
            f = lambda y: np.stack(predators(0.0, y, p[2], p[3]))  # noqa: E731
            k1 = f(y)
            k2 = f(y + 0.5 * h * k1)
            k3 = f(y + 0.5 * h * k2)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + f(y + h * k3))
        return y[0] * y[1]

    def by_adjoint(p):
        y = integrate.solve_ivp(
            predators,
            (0, 1),
            p[:2],
            args=(p[2], p[3]),
            method="DOP853",
            sensitivity="adjoint",
            **TIGHT,
        ).y[:, -1]
        return y[0] * y[1]

    np.testing.assert_allclose(ad.grad(by_adjoint)(Q), ad.grad(by_steps)(Q), rtol=1e-9)


def test_the_price_of_the_adjoint_does_not_grow_with_the_parameters():
    calls = []

    def f(t, y, w):
        calls.append(1)
        return np.tanh(w @ y)

    def end(w, sensitivity):
        solved = integrate.solve_ivp(f, (0, 1), np.ones(len(w)), args=(w,), sensitivity=sensitivity)
        return np.sum(solved.y[:, -1])

    counts = []
    for n in (2, 12):
        calls.clear()
        ad.grad(lambda w: end(w, "adjoint"))(0.1 * np.eye(n))
        counts.append(len(calls))
    assert counts[1] < 2 * counts[0]


def test_exact_solution_to_second_order():
    # y = y0 exp(−k t)
    def f(p):
        y = integrate.odeint(lambda y, t, k: -k * y, p[0], [0.0, 2.0], args=(p[1],), **TIGHT)
        return y[-1, 0]

    p = np.array([3.0, 0.4])
    decay = np.exp(-0.8)
    np.testing.assert_allclose(ad.grad(f)(p), [decay, -6 * decay], rtol=1e-8)
    wanted = [[0.0, -2 * decay], [-2 * decay, 12 * decay]]
    np.testing.assert_allclose(ad.hessian(f)(p), wanted, atol=1e-7)
    np.testing.assert_allclose(ad.jacobian(ad.grad(f), mode="reverse")(p), wanted, atol=1e-7)


def test_parameters_may_be_structured():
    a = np.array([[0.0, 1.0], [-1.0, -0.1]])
    f = lambda a: integrate.solve_ivp(  # noqa: E731
        lambda t, y, p: p["a"] @ y, (0, 1), np.array([1.0, 0.0]), args=({"a": a},), **TIGHT
    ).y[0, -1]
    assert gradcheck(f, a, rtol=1e-6).ok


def test_a_result_is_scipys_with_traced_states():
    results = []

    def f(k):
        results.append(integrate.solve_ivp(lambda t, y, k: -k * y, (0, 1), [1.0], args=(k,)))
        return results[0].y[0, -1]

    ad.grad(f)(0.5)
    assert results[0].success
    assert results[0].status == 0
    assert results[0].nfev > 0
    plain = integrate.solve_ivp(lambda t, y: -y, (0, 1), [1.0])
    np.testing.assert_array_equal(
        plain.y, scipy.integrate.solve_ivp(lambda t, y: -y, (0, 1), [1.0]).y
    )


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda p: integrate.solve_ivp(lambda t, y: -y, (0, 1), [p], events=lambda t, y: y[0]), NotDifferentiableError, "events="),
        (lambda p: integrate.solve_ivp(lambda t, y: -y, (0, 1), [p], dense_output=True), NotDifferentiableError, "dense_output="),
        (lambda p: integrate.odeint(lambda y, t: -y, [p], [0, 1], full_output=1), NotDifferentiableError, "full_output="),
        (lambda p: integrate.solve_ivp(lambda t, y: p * y**2, (0, 1), [p]), LostDerivativeError, "traced value"),
        (lambda p: integrate.odeint(lambda y, t: -p * y, [p], [0, 1]), LostDerivativeError, "pass it in args="),
        (lambda p: integrate.solve_ivp(lambda t, y: -y, (0, 1), [p], sensitivity="back"), InvalidInputError, "adjoint"),
        (lambda p: integrate.solve_ivp(lambda t, y: -p * y, (0, 1), [p], sensitivity="adjoint"), LostDerivativeError, "traced value"),
        (lambda p: integrate.solve_ivp(lambda t, y: y**2, (0, 3), [p]), InnerSolveError, "solve_ivp failed"),
        (lambda p: integrate.solve_ivp(lambda t, y: 1j * y, (0, 3), [p + 0j]), NotDifferentiableError, "complex"),
        (lambda p: integrate.quad(lambda x, a: a * x, 0, 1, args=(p,)), NotDifferentiableError, "scipy.integrate.quad"),
    ],
)  # fmt: skip
def test_what_is_refused(f, error, message):
    with pytest.raises(error, match=message):
        ad.grad(f)(1.0)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("name", ["trapezoid", "simpson", "cumulative_trapezoid"])
def test_rules_for_samples(name, n):
    random = np.random.default_rng(3)
    y, x = random.normal(size=(2, n, 2)), np.cumsum(random.uniform(0.5, 1.0, n))
    ours, theirs = getattr(integrate, name), getattr(scipy.integrate, name)
    for keywords in ({"dx": 0.3}, {"x": x}):
        f = lambda y, k=keywords: ours(y, axis=1, **k)  # noqa: E731
        np.testing.assert_allclose(
            ad.vjp(f, y)[0], theirs(y, axis=1, **keywords), rtol=1e-13, atol=1e-15
        )
        assert gradcheck(lambda y, f=f: np.sum(np.sin(f(y))), y).ok
    if n > 1:
        assert gradcheck(lambda x: np.sum(np.sin(ours(y, x=x, axis=1))), x, order=2).ok

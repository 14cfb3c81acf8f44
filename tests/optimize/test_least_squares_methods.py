"""The variants of the least-squares methods: each finds the minima, and does what its name says."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse

from optkit import ad
from optkit.errors import InvalidInputError
from optkit.optimize import (
    Dogleg,
    GaussNewton,
    LeastSquaresProblem,
    LevenbergMarquardt,
    Verdict,
    iterate,
    least_squares,
)
from optkit.optimize.linear_model import LinearModel
from optkit.optimize.sparse_model import SparseModel
from optkit.testing import problems

VARIANTS = {
    "nielsen": LevenbergMarquardt(damping="nielsen"),
    "geodesic": LevenbergMarquardt(geodesic=True),
    "nielsen, geodesic": LevenbergMarquardt(damping="nielsen", geodesic=True),
    "marquardt": LevenbergMarquardt(scaling="marquardt"),
    "unscaled": LevenbergMarquardt(scaling="none"),
    "normal equations": LevenbergMarquardt(linear_solver="normal"),
    "without curvature": LevenbergMarquardt(secant=False),
    "dogleg": Dogleg(),
    "dogleg, normal equations": Dogleg(linear_solver="normal", secant=False),
    "gauss-newton, normal equations": GaussNewton(linear_solver="normal"),
}
CASES = {
    case.name: case
    for case in [
        problems.rosenbrock(), problems.beale(), problems.helical_valley(), problems.wood(),
        problems.michaelis_menten(), problems.powell_singular(),
    ]
}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("case", CASES)
def test_every_variant_finds_the_minimum(variant, case):
    case = CASES[case]
    if "normal" in variant and case.name == "Powell, singular":
        pytest.skip("near its singular minimum JᵀJ is singular to rounding: what QR is for")
    fit = least_squares(case.residuals, case.x0, method=VARIANTS[variant])
    assert fit.success, fit.message
    assert 2.0 * fit.cost - case.f_min <= 1e-8 * max(1.0, case.f_min)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_can_be_stepped_by_hand(variant):
    case = problems.rosenbrock()
    states = list(iterate(LeastSquaresProblem(case.residuals), VARIANTS[variant], case.x0))
    assert states[-1].verdict is Verdict.CONVERGED
    assert all(b.fun <= a.fun for a, b in itertools.pairwise(states))


def large_residuals(p):
    """An exponential through data that none fits: JᵀJ is far from the Hessian."""
    t = np.linspace(0.0, 3.0, 25)
    return np.exp(p[0] * t) - p[1] - 5.0 * np.sqrt(np.abs(t - 1.5))


def test_secant_curvature_makes_linear_convergence_superlinear():
    plain = least_squares(large_residuals, [0.1, 0.0], options={"secant": False})
    quick = least_squares(large_residuals, [0.1, 0.0])
    np.testing.assert_allclose(quick.x, plain.x, rtol=1e-8)
    assert plain.nit > 60
    assert quick.nit < 30


def test_geodesic_acceleration_follows_a_curved_valley():
    """MGH 10 of NIST's in small: the exponential of a pole far away."""
    x = np.arange(50.0, 126.0, 5.0)
    y = 0.0056 * np.exp(6181.0 / (x + 345.0))

    def residuals(b):
        return b[0] * np.exp(b[1] / (x + b[2])) - y

    start = [0.02, 4000.0, 250.0]
    plain = least_squares(residuals, start)
    quick = least_squares(residuals, start, options={"geodesic": True})
    np.testing.assert_allclose(quick.x, [0.0056, 6181.0, 345.0], rtol=1e-6)
    assert quick.nit < 0.5 * plain.nit


@pytest.mark.parametrize(("given", "tolerance"), [("nothing", 1e-12), ("jac", 0.1)])
def test_the_second_derivative_along_a_direction(given, tolerance):
    def residuals(x):
        return np.stack([x[0] ** 2 * x[1], np.exp(x[0]), x[1]])

    jac = ad.jacobian(residuals) if given == "jac" else None
    problem = LeastSquaresProblem(residuals, jac=jac)
    x, v = problem.start([1.0, 2.0]), np.array([0.3, -0.2])
    second = problem.second_derivative_along(x, v)
    exact = np.array([2 * x[1] * v[0] ** 2 + 4 * x[0] * v[0] * v[1], np.e * v[0] ** 2, 0.0])
    np.testing.assert_allclose(second, exact, rtol=tolerance, atol=tolerance)


def test_the_dogleg_is_as_long_as_the_region_and_no_worse_than_the_cauchy_point():
    rng = np.random.default_rng(4)
    jacobian, r = rng.standard_normal((9, 4)), rng.standard_normal(9)
    model = LinearModel.of(jacobian, r, np.ones(4))
    gradient = jacobian.T @ r
    for radius in np.geomspace(1e-3, 10.0, 20):
        step, predicted, length = model.dogleg_within(radius)
        assert length <= radius * (1.0 + 1e-12)
        assert length == pytest.approx(min(radius, np.linalg.norm(model.newton_step())))
        assert predicted == pytest.approx(0.5 * (r @ r - np.sum((r + jacobian @ step) ** 2)))
        down = -gradient * min(
            gradient @ gradient / np.sum((jacobian @ gradient) ** 2),
            radius / np.linalg.norm(gradient),
        )
        assert predicted >= 0.5 * (r @ r - np.sum((r + jacobian @ down) ** 2)) * (1 - 1e-12)
        assert predicted <= model.step_within(radius)[1] * (1 + 1e-12) + 1e-12


# -------------------------------------------------------------------------------------------------------------- sparse


def chain(x):
    return np.concatenate([10.0 * (x[1:] - x[:-1] ** 2), 1.0 - x[:-1]])


def sparse_jacobian(x):
    n = x.size
    curve = scipy.sparse.diags_array(
        [-20.0 * x[:-1], np.full(n - 1, 10.0)], offsets=[0, 1], shape=(n - 1, n)
    )
    rest = scipy.sparse.diags_array([-np.ones(n - 1)], offsets=[0], shape=(n - 1, n))
    return scipy.sparse.vstack([curve, rest]).tocsr()


@pytest.mark.parametrize(
    "method", ["lm", "dogleg", "gn", LevenbergMarquardt(damping="nielsen"), "scipy:trf"]
)
@pytest.mark.parametrize("form", ["csr", "coo", "csc"])
def test_sparse_jacobians_are_used_as_they_are(method, form):
    x0 = np.resize([0.5, 0.8], 30)
    fit = least_squares(chain, x0, jac=lambda x: sparse_jacobian(x).asformat(form), method=method)
    assert fit.success, fit.message
    np.testing.assert_allclose(fit.x, 1.0, rtol=1e-8)
    assert scipy.sparse.issparse(fit.jac)
    dense = least_squares(chain, x0, jac=lambda x: sparse_jacobian(x).toarray(), method=method)
    np.testing.assert_allclose(fit.x, dense.x, rtol=1e-8)


def test_a_sparse_fit_has_a_covariance_a_loss_and_bounds():
    data = np.random.default_rng(0).standard_normal(40)
    matrix = scipy.sparse.random_array((40, 5), density=0.5, rng=np.random.default_rng(1)).tocsr()
    fit = least_squares(lambda x: matrix @ x - data, np.zeros(5), jac=lambda x: matrix)
    dense = least_squares(lambda x: matrix @ x - data, np.zeros(5), jac=lambda x: matrix.toarray())
    np.testing.assert_allclose(fit.covariance, dense.covariance, rtol=1e-8)
    for extra in ({"loss": "huber"}, {"bounds": [(-0.1, 0.1)] * 5}):
        a = least_squares(lambda x: matrix @ x - data, np.zeros(5), jac=lambda x: matrix, **extra)
        b = least_squares(
            lambda x: matrix @ x - data, np.zeros(5), jac=lambda x: matrix.toarray(), **extra
        )
        assert a.success, a.message
        np.testing.assert_allclose(a.x, b.x, rtol=1e-6, atol=1e-9)


def test_the_sparse_model_is_the_dense_one():
    rng = np.random.default_rng(8)
    jacobian, r = rng.standard_normal((12, 5)), rng.standard_normal(12)
    scale = np.linalg.norm(jacobian, axis=0)
    dense = LinearModel.of(jacobian, r, scale)
    sparse = SparseModel.of(scipy.sparse.csr_array(jacobian), r, scale)
    assert (sparse.rank, sparse.decrement) == (5, pytest.approx(dense.decrement))
    np.testing.assert_allclose(sparse.newton_step(), dense.newton_step(), rtol=1e-10)
    for radius in (1e-3, 0.1, 0.5, 10.0):
        for name in ("step_within", "dogleg_within", "step_damped"):
            a, b = getattr(sparse, name)(radius), getattr(dense, name)(radius)
            np.testing.assert_allclose(a[0], b[0], rtol=1e-8)
            assert a[1:] == pytest.approx(b[1:])
        assert sparse.damping_of(radius) == pytest.approx(dense.damping_of(radius))
    np.testing.assert_allclose(
        sparse.solve(np.ones(5), 0.3), dense.solve(np.ones(5), 0.3), rtol=1e-10
    )


# ---------------------------------------------------------------------------------------------------- second attempts


def test_a_start_far_off_is_tried_in_another_way():
    """From 10 x0, Powell's badly scaled problem keeps the memory of derivatives that no longer matter."""
    case = problems.powell_badly_scaled()
    fit = least_squares(case.residuals, 10.0 * case.x0)
    assert fit.success, fit.message
    assert fit.cost < 1e-20
    assert "second of two attempts" in fit.message
    assert fit.nfev > fit.nit + 1  # those of both are counted


def test_limits_of_the_users_are_no_reason_to_try_again():
    case = problems.powell_badly_scaled()
    fit = least_squares(case.residuals, 10.0 * case.x0, max_iter=50)
    assert fit.verdict is Verdict.LIMIT
    assert fit.nit == 50
    fit = least_squares(case.residuals, 10.0 * case.x0, options={"max_evaluations": 300})
    assert fit.verdict is Verdict.LIMIT
    assert fit.nfev <= 301


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"damping": "nielson"}, "did you mean 'nielsen'?"),
        ({"scaling": "moré"}, "did you mean 'more'?"),
        ({"linear_solver": "svd"}, "known: qr, normal"),
        ({"geodesics": True}, "did you mean 'geodesic'?"),
    ],
)
def test_misspelt_options_are_refused(options, message):
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        least_squares(lambda x: x, [1.0], method="lm", options=options)


def test_as_many_mgh_problems_as_by_scipys_best():
    """From the usual starts; the benchmark goes further out."""
    solved = theirs = 0
    for case in problems.more_garbow_hillstrom():
        if case.residuals is None:
            continue
        near = case.f_min + 1e-6 * abs(case.f_min) + 1e-10
        with np.errstate(all="ignore"):
            fit = least_squares(case.residuals, case.x0)
            solved += 2.0 * fit.cost <= near
            jac = ad.jacobian(case.residuals)
            theirs += any(
                2.0 * scipy.optimize.least_squares(case.residuals, case.x0, jac=jac, method=m).cost
                <= near
                for m in ("trf", "dogbox")
            )
            assert 2.0 * fit.cost >= case.f_min - 1e-6 * abs(case.f_min) - 1e-10
    assert (
        solved >= theirs - 1
    )  # the trigonometric function has a local minimum nearer than the global one

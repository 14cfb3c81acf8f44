"""Our quasi-Newton matrices and derivatives of constraints under SciPy's interfaces."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import LinearConstraint, NonlinearConstraint

from optkit import ad
from optkit.adapters.scipy import as_scipy_method
from optkit.adapters.scipy_updates import QuasiNewtonUpdate
from optkit.errors import InvalidInputError
from optkit.optimize import LBFGSB, TrustRegionNewton, minimize


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


@pytest.mark.parametrize("kind", ["bfgs", "sr1", "lbfgs"])
def test_matrices_satisfy_the_secant_equation_and_are_inverse_to_each_other(kind):
    rng = np.random.default_rng(0)
    root = rng.standard_normal((5, 5))
    hessian = root @ root.T + np.eye(5)
    direct, inverse = QuasiNewtonUpdate(kind), QuasiNewtonUpdate(kind)
    direct.initialize(5, "hess")
    inverse.initialize(5, "inv_hess")
    for _ in range(9):
        s = rng.standard_normal(5)
        direct.update(s, hessian @ s)
        inverse.update(s, hessian @ s)
        np.testing.assert_allclose(direct.dot(s), hessian @ s, rtol=1e-8)
        np.testing.assert_allclose(inverse.dot(hessian @ s), s, rtol=1e-8)
    np.testing.assert_allclose(direct.get_matrix() @ inverse.get_matrix(), np.eye(5), atol=1e-8)
    if kind == "sr1":  # which has found the Hessian after n steps
        np.testing.assert_allclose(direct.get_matrix(), hessian, rtol=1e-6)


def test_bfgs_is_scipys_update():
    rng = np.random.default_rng(1)
    root = rng.standard_normal((4, 4))
    hessian = root @ root.T + np.eye(4)
    ours, theirs = QuasiNewtonUpdate("bfgs"), scipy.optimize.BFGS(init_scale="auto")
    for update in (ours, theirs):
        update.initialize(4, "hess")
    for _ in range(6):
        s = rng.standard_normal(4)
        for update in (ours, theirs):
            update.update(s, hessian @ s)
    np.testing.assert_allclose(ours.get_matrix(), theirs.get_matrix(), rtol=1e-10)


@pytest.mark.parametrize("kind", ["bfgs", "lbfgs"])
def test_bfgs_stays_positive_definite_where_curvature_is_negative(kind):
    update = QuasiNewtonUpdate(kind)
    update.initialize(2, "hess")
    update.update([1.0, 0.5], [2.0, 1.0])
    update.update([1.0, 0.0], [-3.0, 0.0])
    assert np.linalg.eigvalsh(update.get_matrix())[0] > 0.0


@pytest.mark.parametrize("kind", ["bfgs", "sr1", "lbfgs"])
def test_trust_constr_takes_them(kind):
    found = scipy.optimize.minimize(
        rosenbrock, [-1.2, 1.0], jac=ad.grad(rosenbrock), hess=QuasiNewtonUpdate(kind),
        method="trust-constr", options={"maxiter": 500},
    )  # fmt: skip
    np.testing.assert_allclose(found.x, 1.0, rtol=1e-5)


def test_unknown_kinds_are_refused():
    with pytest.raises(InvalidInputError, match="did you mean 'bfgs'"):
        QuasiNewtonUpdate("bfsg")
    with pytest.raises(InvalidInputError, match="approx_type"):
        QuasiNewtonUpdate().initialize(2, "hessian")


def circle(x):
    return x[0] ** 2 + x[1] ** 2


@pytest.mark.parametrize(
    "constraint",
    [
        {"type": "eq", "fun": lambda x: circle(x) - 1.0},
        {"type": "eq", "fun": lambda x, r: circle(x) - r, "args": (1.0,)},
        {"type": "eq", "fun": lambda x: [circle(x) - 1.0]},
        {"type": "eq", "fun": lambda x: circle(x) - 1.0, "jac": lambda x: 2.0 * x},
        NonlinearConstraint(circle, 1.0, 1.0),
        (NonlinearConstraint(lambda x: [circle(x)], [1.0], [1.0]),),
        (NonlinearConstraint(circle, 1.0, 1.0), LinearConstraint([[1.0, 0.0]], -5.0, 5.0)),
    ],
)
@pytest.mark.parametrize("method", ["scipy:SLSQP", "scipy:trust-constr"])
def test_constraints_get_exact_jacobians(method, constraint):
    result = minimize(rosenbrock, [0.5, 0.5], method=method, constraints=constraint)
    assert result.success, result.message
    np.testing.assert_allclose(result.x, [0.78641515, 0.61769831], rtol=1e-5)
    assert result.nfev <= 20


def test_constraints_are_never_differenced():
    """Every call of the constraint is at a point that the method asked for, or is traced."""
    plain = []

    def constraint(x):
        if isinstance(x, np.ndarray):
            plain.append(x.copy())
        return circle(x) - 1.0

    minimize(
        rosenbrock, [0.5, 0.5], method="scipy:SLSQP", constraints={"type": "eq", "fun": constraint}
    )
    distances = [np.linalg.norm(a - b) for i, a in enumerate(plain) for b in plain[:i]]
    assert min(d for d in distances if d > 0.0) > 1e-7 or len(plain) < 30


def test_constraints_see_the_shape_of_x0():
    def constraint(x):
        assert np.shape(x) == (2, 2)
        return np.sum(x) - 1.0

    for given in ({"type": "eq", "fun": constraint}, NonlinearConstraint(constraint, 0.0, 0.0)):
        for method in ("scipy:SLSQP", "scipy:trust-constr"):
            result = minimize(
                lambda x: np.sum(x**2), np.ones((2, 2)), method=method, constraints=given
            )
            np.testing.assert_allclose(result.x, 0.25, rtol=1e-6)


def test_our_solvers_under_scipy_take_bounds_and_hessians():
    found = scipy.optimize.minimize(
        rosenbrock, [-1.2, 1.0], method=as_scipy_method(LBFGSB()), bounds=[(-2.0, 0.5), (0.0, 2.0)]
    )
    np.testing.assert_allclose(found.x, [0.5, 0.25], rtol=1e-7)
    found = scipy.optimize.minimize(
        rosenbrock, [-1.2, 1.0], jac=ad.grad(rosenbrock), hess=ad.hessian(rosenbrock),
        method=as_scipy_method(TrustRegionNewton()),
    )  # fmt: skip
    np.testing.assert_allclose(found.x, 1.0, rtol=1e-9)
    assert found.nhev > 0

"""Systems of equations: roots are found, and what is no root is no success."""

from __future__ import annotations

import re

import numpy as np
import pytest
import scipy.sparse

from optkit.errors import DerivativeError, InvalidInputError
from optkit.optimize import Verdict, root

OURS = ["auto", "newton", "dogleg", "lm"]
THEIRS = [
    "scipy:hybr",
    "scipy:lm",
    "scipy:broyden1",
    "scipy:broyden2",
    "scipy:anderson",
    "scipy:krylov",
]


def system(x):
    return np.array([x[0] ** 2 + x[1] ** 2 - 4.0, np.exp(x[0]) + x[1] - 1.0])


def tridiagonal(x):
    """Broyden's, MGH 30."""
    y = np.concatenate([np.zeros(1), x, np.zeros(1)])
    return (3.0 - 2.0 * x) * x - y[:-2] - 2.0 * y[2:] + 1.0


@pytest.mark.parametrize("method", OURS + THEIRS)
def test_a_root_is_found(method):
    found = root(system, [1.0, -1.5], method=method)
    assert found.success, found.message
    np.testing.assert_allclose(found.x, [1.004168738, -1.729637287], rtol=1e-6)
    assert np.abs(found.fun).max() < (1e-14 if method in OURS else 1e-4)
    assert "cost" not in found


@pytest.mark.parametrize("method", OURS)
def test_many_unknowns(method):
    found = root(tridiagonal, -np.ones(60), method=method)
    assert found.success, found.message
    assert np.abs(found.fun).max() < 1e-13


@pytest.mark.parametrize("method", OURS)
@pytest.mark.parametrize(
    "fun", [lambda x: x**2 + 1.0, lambda x: np.exp(x) + 1e-3, lambda x: np.cosh(x)]
)
def test_the_least_norm_is_no_root(fun, method):
    found = root(fun, [1.0], method=method)
    assert not found.success
    if found.verdict is Verdict.FAILED and "no root" in found.message:
        assert "start elsewhere" in found.message


@pytest.mark.parametrize("method", OURS)
@pytest.mark.parametrize("power", [2, 3])
def test_multiple_roots_are_roots(power, method):
    found = root(lambda x: (x - 1.0) ** power, [3.0], method=method)
    assert found.success, found.message
    np.testing.assert_allclose(found.x, 1.0, rtol=1e-6)


def test_the_scale_of_equations_and_unknowns_changes_nothing():
    units, sizes = np.array([1e-6, 1e6]), np.array([1e3, 1e-3])
    found = root(lambda x: sizes * system(x / units), np.array([1.0, -1.5]) * units)
    assert found.success, found.message
    np.testing.assert_allclose(found.x / units, [1.004168738, -1.729637287], rtol=1e-8)


def test_shapes_are_the_users():
    target = np.arange(4.0).reshape(2, 2)
    found = root(lambda x: x**3 - target, np.ones((2, 2)))
    assert found.x.shape == found.fun.shape == (2, 2)
    np.testing.assert_allclose(found.x**3, target, atol=1e-12)
    assert root(lambda x: np.cos(x) - x, 1.0).x.shape == (1,)


def test_bounds_choose_among_roots():
    found = root(lambda x: x**2 - 4.0, [-1.0], bounds=[(-10.0, 0.0)])
    np.testing.assert_allclose(found.x, -2.0)


def test_a_sparse_jacobian_is_taken():
    def jac(x):
        n = x.size
        return scipy.sparse.diags_array(
            [-np.ones(n - 1), 3.0 - 4.0 * x, -2.0 * np.ones(n - 1)], offsets=[-1, 0, 1]
        )

    found = root(tridiagonal, -np.ones(50), jac=jac)
    assert found.success, found.message


def test_the_unknowns_and_the_equations_must_be_as_many():
    message = "root needs as many equations as unknowns, got 1 values for 2 unknowns"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        root(lambda x: x[:1], [1.0, 2.0])


def test_names_are_checked():
    with pytest.raises(InvalidInputError, match="did you mean 'scipy:hybr'"):
        root(system, [1.0, 1.0], method="hybr")
    with pytest.raises(InvalidInputError, match="did you mean 'scipy:krylov'"):
        root(system, [1.0, 1.0], method="scipy:krilov")
    with pytest.raises(DerivativeError):
        root(system, [1.0, -1.5], jac=lambda x: np.eye(2))


def test_limits_and_callbacks_hold():
    assert root(system, [1.0, -1.5], max_iter=1).verdict is Verdict.LIMIT
    assert root(system, [1.0, -1.5], callback=lambda s: True).nit == 1
    assert (
        root(system, [1.0, -1.5], method="scipy:hybr", options=None, max_time=0).verdict
        is Verdict.LIMIT
    )

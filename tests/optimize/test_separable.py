"""Variable projection: the answers of the full problem, from fewer variables."""

from __future__ import annotations

import re

import numpy as np
import pytest

from optkit.errors import InvalidInputError
from optkit.optimize import fit_separable, least_squares

T = np.linspace(0.0, 5.0, 50)
Y = 2.0 * np.exp(-T) + 3.0 * np.exp(-0.3 * T) + 1.0 + 0.01 * np.cos(40.0 * T)


def basis(a):
    return [np.exp(-a[0] * T), np.exp(-a[1] * T), 1.0]


def full(p):
    return p[2] * np.exp(-p[0] * T) + p[3] * np.exp(-p[1] * T) + p[4] - Y


@pytest.mark.parametrize("jacobian", ["golub-pereyra", "kaufman"])
@pytest.mark.parametrize("method", ["auto", "dogleg", "gn", "scipy:trf"])
def test_it_finds_what_the_full_problem_has(jacobian, method):
    fit = fit_separable(basis, Y, [2.0, 0.1], jacobian=jacobian, method=method, tol=1e-10)
    whole = least_squares(full, [1.0, 0.3, 2.0, 3.0, 1.0])
    assert fit.success, fit.message
    np.testing.assert_allclose([*fit.x, *fit.coefficients], whole.x, rtol=1e-6)
    order = [2, 3, 4, 0, 1]
    np.testing.assert_allclose(fit.standard_errors, whole.standard_errors[order], rtol=1e-4)
    assert fit.cost == pytest.approx(whole.cost, rel=1e-9)


def test_the_jacobian_of_golub_and_pereyra_passes_the_check_and_is_exact():
    fit = fit_separable(basis, Y, [2.0, 0.1], max_iter=0)  # checked along a direction at the start
    h = 1e-6
    for j in range(2):
        e = h * np.eye(2)[j]
        ahead = fit_separable(basis, Y, fit.x + e, max_iter=0).fun
        behind = fit_separable(basis, Y, fit.x - e, max_iter=0).fun
        np.testing.assert_allclose(fit.jac[:, j], (ahead - behind) / (2 * h), atol=1e-6)


def test_dependent_columns_are_no_failure():
    fit = fit_separable(lambda a: [np.exp(-a[0] * T), 1.0, 2.0], np.exp(-T) + 1.0, [0.5])
    assert fit.success, fit.message
    np.testing.assert_allclose(fit.x, 1.0, rtol=1e-6)


def test_bounds_hold():
    fit = fit_separable(basis, Y, [2.0, 0.4], bounds=[(1.2, 3.0), (0.0, 0.5)])
    assert fit.x[0] == 1.2


def test_a_basis_of_a_wrong_shape_is_refused():
    with pytest.raises(InvalidInputError, match=re.escape("basis must return shape (50, k)")):
        fit_separable(lambda a: np.exp(-a[0] * T), Y, [1.0])
    with pytest.raises(InvalidInputError, match="did you mean 'kaufman'?"):
        fit_separable(basis, Y, [1.0, 2.0], jacobian="kaufmann")

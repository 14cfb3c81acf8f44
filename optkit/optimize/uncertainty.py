"""The covariance of parameters estimated by least squares.

For residuals r with independent errors of one variance, the covariance of the estimate is s² (JᵀJ)⁻¹ with s² =
‖r‖²/(m − n) (Bates & Watts, Nonlinear Regression Analysis, 1988, §2.2.3). Forming JᵀJ would square the condition
number, and parameters of different units would spoil what is left; so with D the column norms of J and J D⁻¹ = Q R,
the covariance is s² D⁻¹ R⁻¹ R⁻ᵀ D⁻¹: the QR factorisation of a matrix whose columns have length one.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg

from optkit.errors import RankDeficientError
from optkit.optimize.validation import Matrix, Vector

_EPS = float(np.finfo(np.float64).eps)


def covariance(jacobian: Matrix, residuals: Vector) -> Matrix:
    """The estimated covariance matrix of the parameters, shape (n, n).

    Parameters
    ----------
    jacobian : ndarray of shape (m, n)
        The derivative of the residuals at the solution.
    residuals : ndarray of shape (m,)
        The residuals there.

    Raises
    ------
    RankDeficientError
        When the data do not determine every parameter: m ≤ n, or columns of the Jacobian that are zero or
        linearly dependent to rounding; the message names the parameters involved.
    """
    m, n = jacobian.shape
    if m <= n:
        raise RankDeficientError(
            f"no covariance: {m} residuals and {n} parameters leave nothing to estimate the variance from; "
            f"at least {n + 1} residuals are needed"
        )
    norms = np.linalg.norm(jacobian, axis=0)
    if not norms.all():
        index = int(np.argmin(norms))
        raise RankDeficientError(
            f"no covariance: no residual depends on x[{index}] at the solution; fix that parameter"
        )
    triangle = np.linalg.qr(jacobian / norms, mode="r")
    _, singular_values, directions = np.linalg.svd(triangle)
    rank = int(np.count_nonzero(singular_values > m * _EPS * singular_values[0]))
    if rank < n:
        raise RankDeficientError(_explain_rank(rank, directions[-1], norms))
    inverse = scipy.linalg.solve_triangular(triangle, np.eye(n)) / norms[:, None]
    variance = float(residuals @ residuals) / (m - n)
    product: Matrix = variance * (inverse @ inverse.T)
    return product


def _explain_rank(rank: int, null_direction: Vector, norms: Vector) -> str:
    names = ", ".join(f"x[{i}]" for i in np.flatnonzero(np.abs(null_direction) > 0.1))
    change = null_direction / norms
    along = np.array2string(change / np.linalg.norm(change), precision=3)
    return (
        f"no covariance: the Jacobian has rank {rank} of {norms.size}; the data do not determine {names} "
        f"separately, which can change together along {along}; fix one of them"
    )

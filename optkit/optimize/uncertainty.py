"""The covariance of parameters estimated by least squares, and what the data leave undetermined.

For residuals r with independent errors of one variance, the covariance of the estimate is s² (JᵀJ)⁻¹ with s² =
‖r‖²/(m − n) (Bates & Watts, Nonlinear Regression Analysis, 1988, §2.2.3). Forming JᵀJ would square the condition
number, and parameters of different units would spoil what is left; so with D the column norms of J and J D⁻¹ = Q R,
the covariance is s² D⁻¹ R⁻¹ R⁻ᵀ D⁻¹: the QR factorisation of a matrix whose columns have length one.

With a loss, s² is replaced by that of an M-estimate, with ψ = ρ′r and h = dψ/dr:

    s² = K² · [Σ ψ² / (m − n)] / [Σ h / m]² ,   K = 1 + (n/m) var(h) / mean(h)²

(P. J. Huber, Robust Statistics, 1981, §7.6, (6.5)).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from optkit.errors import RankDeficientError
from optkit.optimize.linear_model import as_dense, column_norms, compress, positive
from optkit.optimize.losses import Loss
from optkit.optimize.validation import Matrix, Vector

_EPS = float(np.finfo(np.float64).eps)


def covariance(
    jacobian: Any, residuals: Vector, loss: Loss | None = None, names: list[str] | None = None
) -> Matrix:
    """The estimated covariance matrix of the parameters, shape (n, n).

    Parameters
    ----------
    jacobian : ndarray or sparse array of shape (m, n)
        The derivative of the residuals at the solution.
    residuals : ndarray of shape (m,)
        The residuals there.
    loss : Loss, optional
        The loss that was minimised.
    names : list of str, optional
        What the parameters are called in messages; x[0], x[1], … by default.

    Raises
    ------
    RankDeficientError
        When the data do not determine every parameter: m ≤ n, or columns of the Jacobian that are zero or
        linearly dependent to rounding; the message names the parameters involved.
    """
    product: Matrix = variance(residuals, jacobian.shape[1], loss) * inverse_gram(jacobian, names)
    return product


def variance(residuals: Vector, n: int, loss: Loss | None = None) -> float:
    """s², the variance of the errors, estimated from residuals of a fit of n parameters."""
    m = residuals.size
    if m <= n:
        raise RankDeficientError(
            f"no covariance: {m} residuals and {n} parameters leave nothing to estimate the variance from; "
            f"at least {n + 1} residuals are needed"
        )
    if loss is None:
        return float(residuals @ residuals) / (m - n)
    z = residuals * residuals
    _, slope, curvature = loss(z)
    h, psi = slope + np.nan_to_num(2.0 * z * curvature), slope * residuals
    mean = float(np.mean(h))
    if not mean > 0.0:
        raise RankDeficientError(
            "no covariance: the loss is not convex at the residuals on average; choose a larger f_scale"
        )
    correction = 1.0 + n / m * float(np.var(h)) / mean**2
    return correction**2 * float(psi @ psi) / (m - n) / mean**2


def inverse_gram(jacobian: Any, names: list[str] | None = None) -> Matrix:
    """(JᵀJ)⁻¹, shape (n, n); raises `RankDeficientError` unless J has full column rank."""
    m, n = jacobian.shape
    names = names or [f"x[{i}]" for i in range(n)]
    norms = column_norms(jacobian)
    if not norms.all():
        name = names[int(np.argmin(norms))]
        raise RankDeficientError(
            f"no covariance: no residual depends on {name} at the solution; fix that parameter"
        )
    if not n:
        return np.zeros((0, 0))
    triangle = compress(as_dense(jacobian) / norms, np.zeros(m))[0]
    singular_values, directions = np.linalg.svd(triangle)[1:]
    rank = int(np.count_nonzero(singular_values > max(m, n) * _EPS * singular_values[0]))
    if rank < n:
        raise RankDeficientError(_explain_rank(rank, directions[-1], norms, names))
    inverse = scipy.linalg.solve_triangular(triangle, np.eye(n)) / norms[:, None]
    product: Matrix = inverse @ inverse.T
    return product


def null_vectors(jacobian: Any) -> Matrix:
    """The directions that change no residual, to rounding: unit columns, shape (n, n − rank)."""
    m, n = jacobian.shape
    scale = positive(column_norms(jacobian))
    triangle = compress(as_dense(jacobian) / scale, np.zeros(m))[0]
    if not triangle.size:
        return np.eye(n)
    singular_values, directions = np.linalg.svd(triangle)[1:]
    rank = int(np.count_nonzero(singular_values > max(m, n) * _EPS * singular_values[0]))
    vectors = directions[rank:].T / scale[:, None]
    unit: Matrix = vectors / np.linalg.norm(vectors, axis=0)
    return unit


def _explain_rank(rank: int, null_direction: Vector, norms: Vector, names: list[str]) -> str:
    involved = ", ".join(names[i] for i in np.flatnonzero(np.abs(null_direction) > 0.1))
    change = null_direction / norms
    along = np.array2string(change / np.linalg.norm(change), precision=3)
    return (
        f"no covariance: the Jacobian has rank {rank} of {norms.size}; the data do not determine {involved} "
        f"separately, which can change together along {along}; fix one of them"
    )

"""Variable projection: models that are linear in some of their parameters.

A separable model Φ(α) c, with Φ of shape (m, k) and k linear coefficients c, is fitted to y by varying α alone: for
each α the best c is the linear least-squares solution Φ⁺y, and what is left to minimise is ½‖r(α)‖² with

    r(α) = Φc − y = −P⊥y ,   P⊥ = 1 − ΦΦ⁺ ,
    ∂r/∂αⱼ = P⊥ Φⱼ c − (Φ⁺)ᵀ Φⱼᵀ r ,   Φⱼ = ∂Φ/∂αⱼ

(G. H. Golub & V. Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems whose variables
separate, SIAM J. Numer. Anal. 10 (1973) 413–432, (4.8) and (5.4)). The coefficients need no start, there are fewer
variables, and the reduced problem is better conditioned than the whole. Kaufman's Jacobian leaves out the second term,
which is of the order of r and normal to the first; it costs less and converges nearly as fast where residuals are small
(L. Kaufman, A variable projection method for solving separable nonlinear least squares problems, BIT 15 (1975) 49–57).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from optkit.ad.backends import Backend, get_backend
from optkit.errors import InvalidInputError
from optkit.optimize.drivers import split_options
from optkit.optimize.estimation import estimate
from optkit.optimize.linearization import check_choice
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.result import LeastSquaresResult
from optkit.optimize.run import Callback
from optkit.optimize.solver import Solver
from optkit.optimize.uncertainty import covariance
from optkit.optimize.validation import Matrix, Vector, as_callable, as_real, require_finite

_EPS = float(np.finfo(np.float64).eps)


class SeparableResult(LeastSquaresResult):
    """What `fit_separable` returns: a `LeastSquaresResult` for α = ``x``, with the linear coefficients.

    Attributes
    ----------
    coefficients : ndarray of shape (k,)
        c.
    full_jacobian : ndarray of shape (m, k + n)
        The derivative of the residuals by (c, α).
    covariance : ndarray of shape (k + n, k + n)
        Of (c, α), from the full Jacobian.
    standard_errors : ndarray of shape (k + n,)
        The square roots of its diagonal.
    """

    @property
    def covariance(self) -> NDArray[np.float64]:
        k, n = self.coefficients.size, self.x.size
        names = [f"c[{i}]" for i in range(k)] + [f"x[{i}]" for i in range(n)]
        return covariance(self.full_jacobian, self.fun, None, names)


class _Projection:
    """Φ(α), its singular value decomposition, c and r; those of the last α are kept."""

    def __init__(
        self, basis: Callable[..., Any], y: Vector, backend: Backend, kaufman: bool
    ) -> None:
        self.basis, self.y, self.backend, self.kaufman = basis, y, backend, kaufman
        self._key: bytes | None = None

    def matrix(self, alpha: Any) -> Any:
        """Φ; the basis may return its columns one by one."""
        columns = self.basis(alpha)
        if isinstance(columns, (list, tuple)):
            columns = np.stack([np.ones(self.y.size) * column for column in columns], axis=1)
        if len(np.shape(columns)) != 2 or np.shape(columns)[0] != self.y.size:
            raise InvalidInputError(
                f"basis must return shape ({self.y.size}, k), or k columns; got shape {np.shape(columns)}"
            )
        return columns

    def at(self, alpha: Vector) -> None:
        """Look at this α."""
        key = alpha.tobytes()
        if key == self._key:
            return
        self._key = key
        phi = np.asarray(as_real(self.matrix(alpha), "basis(x)"), dtype=np.float64)
        if not np.isfinite(phi).all():
            self.coefficients = np.full(phi.shape[1], np.nan)
            self.residuals = np.full_like(self.y, np.nan)
            return
        scale = np.linalg.norm(phi, axis=0)
        scale[scale == 0.0] = 1.0
        u, s, vt = np.linalg.svd(phi / scale, full_matrices=False)
        rank = int(np.count_nonzero(s > max(phi.shape) * _EPS * s.max(initial=0.0)))
        self.u, s, vt = u[:, :rank], s[:rank], vt[:rank]
        self.inverse_t = self.u / s @ vt / scale  # (Φ⁺)ᵀ, shape (m, k)
        self.coefficients = self.inverse_t.T @ self.y
        self.phi, self.residuals = phi, phi @ self.coefficients - self.y

    def fun(self, alpha: Vector) -> Vector:
        self.at(alpha)
        return self.residuals

    def slopes(self, alpha: Vector) -> NDArray[np.float64]:
        """∂Φ/∂α, shape (m, k, n)."""
        flat = self.backend.jacobian(lambda a: np.reshape(self.matrix(a), (-1,)), alpha.copy())
        return np.asarray(flat, dtype=np.float64).reshape(*self.phi.shape, alpha.size)

    def jac(self, alpha: Vector) -> Matrix:
        self.at(alpha)
        slopes = self.slopes(alpha)
        moved = np.einsum("mkn,k->mn", slopes, self.coefficients)
        first: Matrix = moved - self.u @ (self.u.T @ moved)
        if self.kaufman:
            return first
        second: Matrix = self.inverse_t @ np.einsum("mkn,m->kn", slopes, self.residuals)
        return first - second


def fit_separable(  # noqa: PLR0913  # what least_squares takes
    basis: Callable[..., Any],
    y: Any,
    x0: Any,
    *,
    jacobian: Literal["golub-pereyra", "kaufman"] = "golub-pereyra",
    method: str | Solver[Any] = "auto",
    bounds: Any = None,
    backend: str | Backend = "auto",
    tol: float | None = None,
    callback: Callback | None = None,
    max_iter: int | None = None,
    max_time: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> SeparableResult:
    """Fit y ≈ Φ(α) c by variable projection: only the nonlinear parameters α are searched for.

    Parameters
    ----------
    basis : callable
        ``basis(alpha)`` returns Φ, shape (m, k), or its k columns in a list (numbers stand for constant columns).
    y : array_like of shape (m,)
        The data; divide both it and the basis by the standard deviations where they differ.
    x0 : array_like of shape (n,)
        The start of α.
    jacobian : {"golub-pereyra", "kaufman"}
        The whole Jacobian of the reduced problem, or Kaufman's.
    bounds
        Of α, as for `optkit.least_squares`.
    method, backend, tol, callback, max_iter, max_time, options
        As for `optkit.least_squares`.

    Returns
    -------
    SeparableResult
        α in ``x``, c in ``coefficients``.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit.optimize import fit_separable
    >>> t = np.linspace(0.0, 5.0, 50)
    >>> y = 2.0 * np.exp(-t) + 3.0 * np.exp(-0.3 * t) + 1.0
    >>> fit = fit_separable(lambda a: [np.exp(-a[0] * t), np.exp(-a[1] * t), 1.0], y, [2.0, 0.1])
    >>> fit.x.round(6), fit.coefficients.round(6)
    (array([1. , 0.3]), array([2., 3., 1.]))
    """
    data = np.array(as_real(y, "y"), dtype=np.float64).reshape(-1)
    require_finite(data, "y")
    check_choice("jacobian", jacobian, ("golub-pereyra", "kaufman"))
    projection = _Projection(
        as_callable(basis, "basis"), data, get_backend(backend), jacobian == "kaufman"
    )
    limits, check, others = split_options(options, max_iter, max_time)
    # Kaufman's Jacobian is not that of the residuals, and the check would say so.
    problem = LeastSquaresProblem(
        projection.fun, jac=projection.jac, bounds=bounds, backend=backend,
        check_derivatives=check and jacobian != "kaufman",
    )  # fmt: skip
    found = estimate(
        problem, x0, method=method, tol=tol, limits=limits, callback=callback, options=others
    )
    alpha = found.x.reshape(-1)
    projection.at(alpha)
    moved = np.einsum("mkn,k->mn", projection.slopes(alpha), projection.coefficients)
    return SeparableResult(
        found, coefficients=projection.coefficients.copy(),
        full_jacobian=np.concatenate([projection.phi, moved], axis=1),
    )  # fmt: skip

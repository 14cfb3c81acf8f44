"""A regression: a model, the data, how the data are weighted, and the parameters; its residuals are what is fitted.

With σ the standard deviations of the data, the residuals are (model − y)/σ. With a covariance matrix Σ = L Lᵀ they are
L⁻¹ (model − y), which have the covariance 1 (generalised least squares; G. A. F. Seber & C. J. Wild, Nonlinear
Regression, 1989, §2.1.4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.linalg

from optkit.ad.backends import Backend, get_backend
from optkit.errors import InvalidInputError
from optkit.optimize.losses import Loss
from optkit.optimize.parameters import Parameters
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.validation import Matrix, Vector, as_real, require_finite


@dataclass(frozen=True, eq=False)
class Regression:
    """See `optkit.curve_fit` for what is what.

    Attributes
    ----------
    model, jac, vector
        The function of the user's, its Jacobian, and whether they take the parameters as one vector.
    x, y
        The data; y of any shape.
    weights : None, ndarray of the shape of y, or ndarray of shape (m, m)
        1/σ, or L⁻¹.
    parameters
        What is varied.
    """

    model: Callable[..., Any]
    jac: Callable[..., Any] | None
    vector: bool
    x: Any
    y: Vector
    weights: Matrix | None
    parameters: Parameters
    loss: Loss | None
    backend: str | Backend

    @property
    def correlated(self) -> bool:
        """Whether the errors of the data are correlated."""
        return self.weights is not None and self.weights.ndim > self.y.ndim

    def curve(self, z: Any, x: Any) -> Any:
        """The model at x for the free parameters z; differentiable."""
        values = self.parameters.values(z)
        if not self.vector:
            return self.model(x, *values)
        whole = len(self.parameters.free) == len(values)
        return self.model(x, z if whole else np.stack(values))

    def residuals(self, z: Any) -> Any:
        """The weighted residuals for the free parameters z, shape (m,); differentiable."""
        curve = self.curve(z, self.x)
        if np.shape(curve) != self.y.shape:
            raise InvalidInputError(
                f"the model returned shape {np.shape(curve)} for data of shape {self.y.shape}"
            )
        return self._whitened(curve - self.y)

    def _whitened(self, difference: Any) -> Any:
        if self.correlated:
            return self.weights @ np.reshape(difference, (-1,))
        weighted = difference if self.weights is None else difference * self.weights
        return weighted if weighted.ndim == 1 else np.reshape(weighted, (-1,))

    def problem(self, check_derivatives: bool = True) -> LeastSquaresProblem:
        """What is minimised."""
        return LeastSquaresProblem(
            self.residuals, jac=None if self.jac is None else self._jacobian,
            bounds=self.parameters.bounds, loss=self.loss, backend=self.backend,
            check_derivatives=check_derivatives,
        )  # fmt: skip

    def fixing(self, name: str, value: float) -> Regression:
        """The same regression with a free parameter fixed."""
        return replace(self, parameters=self.parameters.fixing(name, value))

    def slopes(self, z: Vector) -> Matrix:
        """The derivatives of all parameters by the free ones, shape (n, free)."""
        parameters = self.parameters
        if not parameters.rules:
            return np.array(
                [[float(a == b) for b in parameters.free] for a in parameters.names]
            ).reshape(len(parameters.names), len(parameters.free))
        backend = get_backend(self.backend)
        return backend.jacobian(lambda v: np.stack([1.0 * p for p in parameters.values(v)]), z)

    def _jacobian(self, z: Vector) -> Matrix:
        """The user's Jacobian by all parameters, shape (m, n), weighted, by the free ones."""
        assert self.jac is not None
        values = [float(value) for value in self.parameters.values(z)]
        rows = self.jac(self.x, np.array(values)) if self.vector else self.jac(self.x, *values)
        rows = np.asarray(as_real(rows, "jac(x, ...)"), dtype=np.float64)
        m, n = self.y.size, len(values)
        if rows.shape != (m, n):
            raise InvalidInputError(f"jac must return shape {(m, n)}, got shape {rows.shape}")
        if self.correlated:
            rows = self.weights @ rows
        elif self.weights is not None:
            rows = rows * self.weights.reshape(-1, 1)
        matrix: Matrix = rows @ self.slopes(z)
        return matrix


def weights_of(sigma: Any, y: Vector) -> Matrix | None:
    """1/σ for standard deviations, L⁻¹ for a covariance matrix Σ = L Lᵀ, None for none."""
    if sigma is None:
        return None
    array = np.asarray(as_real(sigma, "sigma"), dtype=np.float64)
    require_finite(array.reshape(-1), "sigma", array.shape)
    if array.shape == (y.size, y.size) and array.shape != y.shape:
        try:
            factor = np.linalg.cholesky(array)
        except np.linalg.LinAlgError:
            raise InvalidInputError(
                "sigma, as a covariance matrix of the data, must be symmetric and positive definite"
            ) from None
        if not np.allclose(array, array.T, rtol=1e-8, atol=0.0):
            raise InvalidInputError("sigma, as a covariance matrix of the data, must be symmetric")
        inverse: Matrix = scipy.linalg.solve_triangular(factor, np.eye(y.size), lower=True)
        return inverse
    if array.shape not in ((), (1,), y.shape):
        raise InvalidInputError(
            f"sigma must have the shape {y.shape} of ydata, or be a covariance matrix of shape "
            f"{(y.size, y.size)}; got shape {array.shape}"
        )
    if not (array > 0.0).all():
        raise InvalidInputError(
            "sigma must be positive; leave out data without an error, or fix what they tell"
        )
    return 1.0 / np.broadcast_to(array, y.shape)

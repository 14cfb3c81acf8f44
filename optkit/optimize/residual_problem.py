"""Problems made of residuals r(x) of shape (m,): the value to minimise is ½‖r‖², its gradient Jᵀr."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.ad.backends import Backend
from optkit.errors import InvalidTypeError
from optkit.optimize.derivative_check import check_direction
from optkit.optimize.problem import NOWHERE, BaseProblem
from optkit.optimize.validation import (
    Matrix,
    Shape,
    Vector,
    as_real,
    precision_of,
    real_array,
    require_finite,
)


class LeastSquaresProblem(BaseProblem):
    """Residuals r(x) of shape (m,) with their Jacobian; the value to minimise is ½‖r‖².

    Parameters
    ----------
    fun : callable
        ``fun(x, *args) → residuals``, an array of shape (m,) (other shapes are flattened).
    args, bounds, backend, check_derivatives
        As for `Problem`.
    jac : callable, optional
        ``jac(x, *args)``, the Jacobian, shape (m, n) with n = x.size. Without it, the backend differentiates
        ``fun``.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit.optimize import LeastSquaresProblem
    >>> problem = LeastSquaresProblem(lambda x: np.array([x[0] - 1.0, 10.0 * x[1]]))
    >>> x = problem.start([2.0, 0.5])
    >>> problem.residuals(x), problem.value(x)
    (array([1., 5.]), 13.0)
    """

    def __init__(
        self,
        fun: Callable[..., Any],
        *,
        args: tuple[Any, ...] = (),
        jac: Callable[..., Any] | None = None,
        bounds: Any = None,
        backend: str | Backend = "auto",
        check_derivatives: bool = True,
    ) -> None:
        if isinstance(jac, bool):
            raise InvalidTypeError(
                "jac of a least-squares problem must be a function or None, not a bool"
            )
        super().__init__(
            fun, args=args, jac=jac, bounds=bounds, backend=backend,
            check_derivatives=check_derivatives,
        )  # fmt: skip
        self.m = 0

    def start(self, x0: Any, *, derivatives: bool = True) -> Vector:
        x = self._enter(x0)
        self._is_new(x)
        self._count_evaluation()
        array = as_real(self._call(self.fun, x), "residuals(x)")
        self.precision = precision_of(array)
        self._output_shape = array.shape
        self.m = array.size
        self._f = self._differentiable(
            (lambda r: np.reshape(r, (-1,))) if array.ndim != 1 else None
        )
        residuals = np.array(array, dtype=np.float64).reshape(-1)
        require_finite(residuals, "residuals(x0)", array.shape)
        self._residuals: Vector | None = residuals
        self._jacobian: Matrix | None = None
        if derivatives:
            self._start_derivatives(x, residuals)
        self._note(self.value(x), x)
        return x

    def _start_derivatives(self, x: Vector, residuals: Vector) -> None:
        jacobian = self.jacobian(x)
        require_finite(jacobian, "the Jacobian at x0")
        if self.check_derivatives and self.jac is not None and jacobian.size:
            check_direction(
                self.residuals, lambda z, v: self.jacobian(z) @ v, x, box=self.box,
                names=("jac", "residuals"), precision=self.precision,
            )  # fmt: skip
        self._is_new(x)
        self._residuals, self._jacobian = residuals, jacobian
        self.lowest = NOWHERE  # the points of the check were not looked for

    def residuals(self, x: Vector) -> Vector:
        """The residuals at x, shape (m,)."""
        if self._is_new(x):
            self._residuals = self._jacobian = None
        if self._residuals is None:
            self._count_evaluation()
            self._keep_residuals(x, self._call(self.fun, x))
        return self._residuals  # type: ignore[return-value]

    def jacobian(self, x: Vector) -> Matrix:
        """The Jacobian at x, shape (m, n)."""
        if self._is_new(x):
            self._residuals = self._jacobian = None
        if self._jacobian is None:
            self.njev += 1
            self._jacobian = self._differentiate(x)
        return self._jacobian

    def _differentiate(self, x: Vector) -> Matrix:
        m, n = self.m, self.x0.size
        if self.jac is not None:
            shapes: tuple[Shape, ...] = ((m, n), (*self._output_shape, *self.shape))
            shapes += (((m,),) if n == 1 else ()) + (((n,),) if m == 1 else ())
            return real_array(self._call(self.jac, x), shapes, "jac(x)")  # type: ignore[arg-type]
        if not m * n:
            return np.zeros((m, n))
        if self._residuals is None:
            self._count_evaluation()
        residuals, jacobian = self.backend.value_and_jacobian(self._f, x.copy())
        if self._residuals is None:
            self._keep_residuals(x, np.reshape(residuals, self._output_shape))
        return real_array(jacobian, ((m, n),), "the Jacobian")

    def _keep_residuals(self, x: Vector, residuals: Any) -> None:
        shape = self._output_shape
        self._residuals = real_array(residuals, (shape,), "residuals(x)").reshape(-1)
        self._note(0.5 * float(self._residuals @ self._residuals), x)

    def value(self, x: Vector) -> float:
        residuals = self.residuals(x)
        return 0.5 * float(residuals @ residuals)

    def gradient(self, x: Vector) -> Vector:
        gradient: Vector = self.jacobian(x).T @ self.residuals(x)
        return gradient

    def hessian_by_differences(self, x: Vector, relative_step: float) -> Matrix:
        """∇²f = JᵀJ + Σ rᵢ ∇²rᵢ at x, shape (n, n), by central differences of the gradient: 2n Jacobians.

        Variables are changed by ``relative_step`` times their size at x or x0, or times 1 where both are 0.
        """
        size = np.maximum(np.abs(x), np.abs(self.x0))
        steps = relative_step * np.where(size > 0.0, size, 1.0)
        hessian, lowest = np.empty((x.size, x.size)), self.lowest
        for j, h in enumerate(steps):
            ahead, behind = x.copy(), x.copy()
            ahead[j] += h
            behind[j] -= h
            change = self.gradient(ahead) - self.gradient(behind)
            hessian[j] = change / (ahead[j] - behind[j])
        self.lowest = lowest  # these points were not looked for
        return 0.5 * (hessian + hessian.T)

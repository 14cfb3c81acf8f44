"""Problems made of residuals r(x) of shape (m,): the value to minimise is ½‖r‖², its gradient Jᵀr.

With a loss ρ the value is ½ Σ ρ(rᵢ²); see `optkit.optimize.losses`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.ad.backends import Backend
from optkit.ad.backends.native import NativeBackend
from optkit.errors import InvalidTypeError
from optkit.optimize.derivative_check import check_direction
from optkit.optimize.losses import Loss, as_loss, cost, influence
from optkit.optimize.problem import NOWHERE, BaseProblem
from optkit.optimize.validation import (
    Matrix,
    Shape,
    Vector,
    as_real,
    entries_of,
    precision_of,
    real_array,
    require_finite,
    sparse_array,
)


class LeastSquaresProblem(BaseProblem):
    """Residuals r(x) of shape (m,) with their Jacobian; the value to minimise is ½‖r‖², or ½ Σ ρ(rᵢ²) with a loss.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args) → residuals``, an array of shape (m,) (other shapes are flattened).
    args, bounds, backend, check_derivatives
        As for `Problem`.
    jac : callable, optional
        ``jac(x, *args)``, the Jacobian, shape (m, n) with n = x.size, also as a SciPy sparse array. Without it, the
        backend differentiates ``fun``.
    loss : str, Loss or callable
        See `optkit.optimize.losses`.

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
        loss: Any = "linear",
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
        self._priced: Vector | None = None
        self._cost = math.nan
        self.loss: Loss | None = None if loss is None else as_loss(loss)

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
        require_finite(entries_of(jacobian), "the Jacobian at x0")
        if self.check_derivatives and self.jac is not None and self.m * self.n:
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
            started = time.perf_counter()
            output = self._call(self.fun, x)
            self.seconds["function"] += time.perf_counter() - started
            self._keep_residuals(x, output)
        return self._residuals  # type: ignore[return-value]

    def jacobian(self, x: Vector) -> Matrix:
        """The Jacobian at x, shape (m, n)."""
        if self._is_new(x):
            self._residuals = self._jacobian = None
        if self._jacobian is None:
            self.njev += 1
            started = time.perf_counter()
            self._jacobian = self._differentiate(x)
            self.seconds["first derivative"] += time.perf_counter() - started
        return self._jacobian

    def _differentiate(self, x: Vector) -> Matrix:
        m, n = self.m, self.x0.size
        if self.jac is not None:
            shapes: tuple[Shape, ...] = ((m, n), (*self._output_shape, *self.shape))
            shapes += (((m,),) if n == 1 else ()) + (((n,),) if m == 1 else ())
            claimed = self._call(self.jac, x)  # type: ignore[arg-type]
            if hasattr(claimed, "toarray"):
                return sparse_array(claimed, (m, n), "jac(x)")  # type: ignore[no-any-return]
            return real_array(claimed, shapes, "jac(x)")
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
        self._note(self.cost(self._residuals), x)

    def cost(self, residuals: Vector) -> float:
        """The value that goes with these residuals: ½‖r‖², or ½ Σ ρ(rᵢ²)."""
        if residuals is not self._priced:  # asked for several times at every point
            self._priced, self._cost = residuals, cost(residuals, self.loss)
        return self._cost

    def value(self, x: Vector) -> float:
        return self.cost(self.residuals(x))

    def gradient(self, x: Vector) -> Vector:
        jacobian, residuals = self.jacobian(x), self.residuals(x)
        if self.loss is not None:
            residuals = influence(residuals, self.loss)[0]
        gradient: Vector = jacobian.T @ residuals
        return gradient

    def second_derivative_along(self, x: Vector, v: Vector) -> Vector:
        """∂²r/∂v² at x, shape (m,): by the engine, forward over forward, or a difference where it is not in charge.

        The difference r(x + hv) ≈ r + h Jv + ½h² r″ with h = 0.1 is the one that Transtrum & Sethna recommend; a
        correction of a step needs no more.
        """
        if self.jac is None and isinstance(self.backend, NativeBackend):
            self.nhev += 1
            started, f, push = time.perf_counter(), self._f, self.backend.value_and_jvp
            second = push(lambda z: push(f, z, v)[1], x.copy(), v)[1]
            self.seconds["second derivative"] += time.perf_counter() - started
            return real_array(second, ((self.m,),), "the second derivative")
        residuals, slope, lowest = self.residuals(x), self.jacobian(x) @ v, self.lowest
        ahead = self.residuals(x + 0.1 * v)
        self.lowest = lowest  # this point was not looked for
        second = 2.0 / 0.1 * ((ahead - residuals) / 0.1 - slope)
        return np.asarray(second, dtype=np.float64)

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
            if self.box is not None:
                ahead, behind = self.box.project(ahead), self.box.project(behind)
            change = self.gradient(ahead) - self.gradient(behind)
            apart = ahead[j] - behind[j]
            hessian[j] = change / apart if apart > 0.0 else 0.0  # a fixed variable
        self.lowest = lowest  # these points were not looked for
        return 0.5 * (hessian + hessian.T)

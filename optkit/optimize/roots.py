"""What users call to solve equations: `root`.

F(x) = 0 with as many equations as unknowns is solved as the least-squares problem ½‖F‖²: Gauss-Newton's step is then
Newton's, and the line search, the trust region or the dogleg make it converge from afar (J. E. Dennis & R. B. Schnabel,
Numerical Methods for Unconstrained Optimization and Nonlinear Equations, 1983, ch. 6). Such a method can end at a point
where ‖F‖ is least nearby and not zero; J is singular there (Jᵀ F = 0), or nearly so. A root is told from it by Newton's
step: it is tiny relative to x and takes F to zero, or F is rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from optkit.ad.backends import Backend
from optkit.errors import InvalidInputError
from optkit.optimize.drivers import split_options
from optkit.optimize.estimation import estimate
from optkit.optimize.linear_model import LinearModel, as_dense, column_norms, positive
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.result import Result, Verdict
from optkit.optimize.run import Callback
from optkit.optimize.solver import Solver
from optkit.optimize.upward import room_above
from optkit.optimize.validation import Vector, unknown

_METHODS = {"newton": "gauss-newton", "auto": "auto", "dogleg": "dogleg", "lm": "lm"}
_ROUNDINGS = 100.0
_NEAR = 1e-6


class RootResult(Result):
    """What `optkit.root` returns: a `Result` whose ``fun`` is F(x), in its own shape, and ``jac`` its Jacobian.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> found = optkit.root(lambda x: np.cos(x) - x, 1.0)
    >>> found.success, found.x.round(6), bool(abs(found.fun[0]) < 1e-15)
    (True, array([0.739085]), True)
    """


class Equations(LeastSquaresProblem):
    """A problem of residuals that has as many of them as unknowns."""

    def start(self, x0: Any, *, derivatives: bool = True) -> Vector:
        x = super().start(x0, derivatives=derivatives)
        if self.m != x.size:
            raise InvalidInputError(
                f"root needs as many equations as unknowns, got {self.m} values for {x.size} unknowns; "
                "for the best compromise use optkit.least_squares"
            )
        return x

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of what the user's function returns."""
        return self._output_shape


def root(  # noqa: PLR0913  # the signature of scipy.optimize.root, which users know
    fun: Callable[..., Any],
    x0: Any,
    *,
    args: tuple[Any, ...] = (),
    method: str | Solver[Any] = "auto",
    backend: str | Backend = "auto",
    jac: Callable[..., Any] | None = None,
    bounds: Any = None,
    tol: float | None = None,
    callback: Callback | None = None,
    max_iter: int | None = None,
    max_time: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> RootResult:
    """Solve a system of nonlinear equations F(x) = 0.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)`` returns as many values as x has.
    x0 : array_like
        The start, of any shape.
    method : str or Solver
        ``"newton"`` (with a line search), ``"dogleg"``, ``"lm"`` (which ``"auto"`` is), a solver of least squares, or
        any method of `scipy.optimize.root`: ``"scipy:hybr"``, ``"scipy:lm"``, ``"scipy:krylov"``, …
    jac : callable, optional
        ``jac(x, *args)``, shape (n, n), dense or sparse.
    bounds : sequence of (low, high) or scipy.optimize.Bounds, optional
        For ``"lm"`` and ``"dogleg"``: where to look.
    args, backend, tol, callback, max_iter, max_time, options
        As for `optkit.least_squares`.

    Returns
    -------
    RootResult
        Success means a root: a point where ‖F‖ is merely least nearby is a failure, and the message says so.

    Raises
    ------
    InvalidInputError, InvalidTypeError, DerivativeError
        As for `optkit.least_squares`, and when there are more or fewer equations than unknowns.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> def circle_and_line(x):
    ...     return np.array([x[0] ** 2 + x[1] ** 2 - 4.0, x[0] - x[1]])
    >>> optkit.root(circle_and_line, [1.0, 0.5]).x.round(6)
    array([1.414214, 1.414214])
    >>> optkit.root(lambda x: x**2 + 1.0, [1.0]).success
    False
    """
    limits, check, others = split_options(options, max_iter, max_time)
    problem = Equations(
        fun, args=args, jac=jac, bounds=bounds, backend=backend, check_derivatives=check
    )
    if isinstance(method, str) and method.lower().startswith("scipy:"):
        solve = room_above("scipy-residuals").root
    else:
        solve = estimate
        if isinstance(method, str):
            names = [*_METHODS, *(f"scipy:{name}" for name in room_above("scipy-residuals").ROOTS)]
            if method.lower() not in _METHODS:
                raise InvalidInputError(unknown(f"method {method!r}", method, names))
            method = _METHODS[method.lower()]
    found = solve(
        problem, x0, method=method, tol=tol, limits=limits, callback=callback, options=others
    )
    return _judged(problem, found)


def _judged(problem: Equations, found: Any) -> RootResult:
    """The result for equations; what is no root is no success."""
    values, jacobian = found.fun, as_dense(found.jac)
    fields = {key: value for key, value in found.items() if key not in ("cost", "grad")}
    fields["fun"] = values.reshape(problem.output_shape)
    if found.method == "gauss-newton":
        fields["method"] = "newton"
    if found.success and not _is_root(problem, found.x.reshape(-1), values, jacobian):
        text = f"failed: no root here, but the least |F| = {np.linalg.norm(values):.3g} nearby; start elsewhere"
        fields |= {
            "success": False, "verdict": Verdict.FAILED, "status": Verdict.FAILED.status,
            "message": f"{text} ({found.message})",
        }  # fmt: skip
    return RootResult(fields)


def _is_root(problem: Equations, x: Vector, values: Vector, jacobian: Any) -> bool:
    rounding = problem.precision * (np.abs(jacobian) @ np.abs(x))
    if np.all(np.abs(values) <= _ROUNDINGS * rounding):
        return True
    step = LinearModel.of(jacobian, values, positive(column_norms(jacobian))).newton_step()
    size = np.maximum(np.abs(x), np.abs(problem.x0))
    near = np.all(np.abs(step) <= _NEAR * np.where(size > 0.0, size, 1.0))
    rest = values + jacobian @ step
    return bool(near and rest @ rest <= 0.25 * (values @ values))

"""SciPy's methods for least squares and for systems of equations, driven with our Jacobians.

``optkit.least_squares(…, method="scipy:trf")``, ``optkit.curve_fit`` with the same, and ``optkit.root(…,
method="scipy:hybr")``; see `optkit.adapters.scipy` for what all adapters share.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import scipy.optimize

from optkit.adapters.observer import Observer
from optkit.errors import InvalidInputError
from optkit.optimize.losses import Loss
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.result import Result
from optkit.optimize.run import Callback, Limits, Run
from optkit.optimize.state import State
from optkit.optimize.validation import Vector, check_callback, check_control, unknown

LEAST_SQUARES = ("trf", "dogbox", "lm")
# The methods of scipy.optimize.root, and whether they take a Jacobian.
ROOTS = {
    "hybr": True, "lm": True, "broyden1": False, "broyden2": False, "anderson": False,
    "linearmixing": False, "diagbroyden": False, "excitingmixing": False, "krylov": False,
    "df-sane": False,
}  # fmt: skip
_EMPTY = "there is nothing to optimise: x or the residuals are empty"
_OPTIONS = [
    name
    for name in inspect.signature(scipy.optimize.least_squares).parameters
    if name not in ("fun", "x0", "jac", "method", "args", "kwargs", "callback", "workers")
]


class _Watched:
    """The functions that SciPy calls. It evaluates the Jacobian where it accepts a point: a row of the history."""

    def __init__(self, problem: LeastSquaresProblem, observer: Observer) -> None:
        self.problem, self.observer = problem, observer

    def state(self, x: Vector) -> State:
        return self.observer.state(x, self.problem.value(x), self.problem.gradient(x))

    def residuals(self, x: Vector) -> Vector:
        return self.problem.residuals(x.copy()).copy()

    def jacobian(self, x: Vector) -> Any:
        point = x.copy()  # SciPy reuses its arrays
        self.visit(point)
        return self.problem.jacobian(point).copy()

    def visit(self, x: Vector, *_: Any) -> None:
        """A row of the history, unless the point is that of the last one."""
        point = np.array(x, dtype=np.float64).reshape(-1)
        last = self.observer.last
        if last is not None and not np.array_equal(point, last.x):
            self.observer.iteration(self.state(point))


def least_squares(
    problem: LeastSquaresProblem,
    x0: Any,
    *,
    method: str,
    tol: float | None,
    limits: Limits,
    callback: Callback | None,
    options: dict[str, Any],
) -> Result:
    """Run a method of `scipy.optimize.least_squares`; called by `optkit.least_squares` for ``method="scipy:…"``."""
    name = _known(method, list(LEAST_SQUARES))
    check_control("tol", tol)
    check_callback(callback)
    for option in options:
        if option not in _OPTIONS:
            raise InvalidInputError(
                unknown(f"option {option!r} of method {method!r}", option, _OPTIONS)
            )
    if tol is not None:
        options = {"ftol": tol, "xtol": tol, "gtol": tol, **options}
    run = Run(problem, f"scipy:{name}", limits)
    run.any_point = options.get("loss", "linear") == "linear"
    observer = Observer(problem, run, callback)
    seen = _Watched(problem, observer)

    def body() -> scipy.optimize.OptimizeResult:
        x = problem.start(x0)
        observer.start(seen.state(x))
        if not x.size * problem.m:
            return scipy.optimize.OptimizeResult(success=True, message=_EMPTY)
        given = _loss_and_bounds(problem, name) | options
        found = scipy.optimize.least_squares(seen.residuals, x, seen.jacobian, method=name, **given)
        run.consider(seen.state(found.x))
        return found

    return observer.watch(body)


def _loss_and_bounds(problem: LeastSquaresProblem, name: str) -> dict[str, Any]:
    given: dict[str, Any] = {}
    box, loss = problem.box, problem.loss
    for what, there in (("bounds", box), ("loss", loss)):
        if there is not None and name == "lm":
            raise InvalidInputError(f"method 'scipy:lm' takes no {what}; use 'scipy:trf', or 'lm'")
    if box is not None:
        if (box.lower == box.upper).any():
            i = int(np.argmax(box.lower == box.upper))
            raise InvalidInputError(
                f"method 'scipy:{name}' takes no equal bounds, as those of x[{i}]; use method='lm'"
            )
        given["bounds"] = (box.lower, box.upper)
    if loss is not None:
        given["loss"] = _stacked(loss)
    return given


def _stacked(loss: Loss) -> Any:
    """The loss in the form that SciPy calls: one array of shape (3, m)."""
    return lambda z: np.stack(loss(z))


def root(
    problem: LeastSquaresProblem,
    x0: Any,
    *,
    method: str,
    tol: float | None,
    limits: Limits,
    callback: Callback | None,
    options: dict[str, Any],
) -> Result:
    """Run a method of `scipy.optimize.root`; called by `optkit.root` for ``method="scipy:…"``."""
    name = _known(method, list(ROOTS))
    check_control("tol", tol)
    check_callback(callback)
    run = Run(problem, f"scipy:{name}", limits)
    observer = Observer(problem, run, callback)
    seen = _Watched(problem, observer)

    def body() -> scipy.optimize.OptimizeResult:
        x = problem.start(x0)
        observer.start(seen.state(x))
        if not x.size:
            return scipy.optimize.OptimizeResult(success=True, message=_EMPTY)
        with_jacobian = ROOTS[name]
        watched = {} if with_jacobian or name == "df-sane" else {"callback": seen.visit}
        found = scipy.optimize.root(
            seen.residuals, x, method=name, jac=seen.jacobian if with_jacobian else None, tol=tol,
            options=options, **watched,
        )  # fmt: skip
        run.consider(seen.state(np.array(found.x, dtype=np.float64).reshape(-1)))
        return found

    return observer.watch(body)


def _known(method: str, names: list[str]) -> str:
    """The name behind "scipy:"."""
    name = method.partition(":")[2].lower()
    if name not in names:
        known = [f"scipy:{known}" for known in names]
        raise InvalidInputError(unknown(f"method {method!r}", method, known))
    return name

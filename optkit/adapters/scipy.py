"""SciPy, both ways: its methods driven with our derivatives, and our solvers as methods of its.

- ``optkit.minimize(…, method="scipy:SLSQP")`` and every other method of `scipy.optimize.minimize` get gradients,
  Hessians and Hessian products from the problem; what comes back is our `Result` with the history, SciPy's own result
  in ``result.scipy_result``. `optkit.adapters.scipy_residuals` does the same for least squares and equations.
- ``scipy.optimize.minimize(fun, x0, method=as_scipy_method(optkit.optimize.BFGS()))`` runs a solver of ours under
  SciPy's interface.

The rules of our own loop hold for SciPy's methods too, because they live in the functions that SciPy calls, not in
its options: limits and callbacks end any of them by an exception that unwinds it, and the best point seen is
returned.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.optimize

from optkit.adapters.observer import Evaluations, Observer
from optkit.adapters.scipy_constraints import differentiated
from optkit.adapters.scipy_residuals import LEAST_SQUARES
from optkit.errors import InvalidInputError
from optkit.optimize.bounds import Box
from optkit.optimize.problem import BaseProblem, Problem
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.result import Result
from optkit.optimize.run import Callback, Limits, Run
from optkit.optimize.solver import Solver, solve
from optkit.optimize.validation import (
    Vector,
    as_callable,
    check_callback,
    check_control,
    starting_point,
    unknown,
)


@dataclass(frozen=True)
class Method:
    """What a method of `scipy.optimize.minimize` takes.

    ``second`` is how it takes second derivatives: not at all, as a matrix, or as products with vectors.
    ``feasible`` tells whether it evaluates the function within the bounds only.
    """

    name: str
    gradient: bool = True
    second: Literal["", "matrix", "products"] = ""
    bounds: bool = False
    constraints: bool = False
    feasible: bool = False
    counts_iterations: bool = True  # in its option maxiter


# fmt: off
MINIMIZERS = {method.name.lower(): method for method in (
    Method("Nelder-Mead", gradient=False, bounds=True, feasible=True),
    Method("Powell", gradient=False, bounds=True, feasible=True),
    Method("CG"),
    Method("BFGS"),
    Method("Newton-CG", second="products"),
    Method("L-BFGS-B", bounds=True, feasible=True),
    Method("TNC", bounds=True, feasible=True, counts_iterations=False),
    Method("COBYLA", gradient=False, bounds=True, constraints=True, counts_iterations=False),
    Method("COBYQA", gradient=False, bounds=True, constraints=True),
    Method("SLSQP", bounds=True, constraints=True),
    Method("trust-constr", second="products", bounds=True, constraints=True),
    Method("dogleg", second="matrix"),
    Method("trust-ncg", second="products"),
    Method("trust-exact", second="matrix"),
    Method("trust-krylov", second="products"),
)}
# fmt: on


def method_names(problem_type: type[BaseProblem]) -> list[str]:
    """The values of ``method=`` that reach SciPy for this kind of problem."""
    if issubclass(problem_type, LeastSquaresProblem):
        return [f"scipy:{name}" for name in LEAST_SQUARES]
    return [f"scipy:{method.name}" for method in MINIMIZERS.values()]


def minimize(  # noqa: PLR0913  # what optkit.minimize has been given
    problem: Problem,
    x0: Any,
    *,
    method: str,
    bounds: Any,
    constraints: Any,
    tol: float | None,
    limits: Limits,
    callback: Callback | None,
    options: dict[str, Any],
) -> Result:
    """Run a method of `scipy.optimize.minimize`; called by `optkit.minimize` for ``method="scipy:…"``."""
    spec = MINIMIZERS[_known(method)]
    _refuse_what_it_does_not_take(spec, bounds is not None, constraints != ())
    check_control("tol", tol)
    check_callback(callback)
    if bounds is not None:
        keep = getattr(bounds, "keep_feasible", False)
        problem.bounds = box = Box.of(bounds, starting_point(x0)[0].size)
        bounds = scipy.optimize.Bounds(box.lower, box.upper, keep)
    run = Run(problem, f"scipy:{spec.name}", limits)
    # Where infeasible points are evaluated, the lowest value seen is not the best point.
    run.any_point = spec.feasible or (bounds is None and constraints == ())
    run.uses_gradient = spec.gradient
    observer = Observer(problem, run, callback)
    seen = Evaluations(problem, observer)
    if limits.max_iter is not None and spec.counts_iterations:
        options = {"maxiter": limits.max_iter + 1, **options}

    def body() -> scipy.optimize.OptimizeResult:
        x = problem.start(x0, derivatives=spec.gradient)
        observer.start(seen.state(x))
        if not x.size:
            return scipy.optimize.OptimizeResult(success=True, message=_EMPTY)
        exact = constraints
        if spec.gradient and constraints != ():
            second = bool(spec.second)
            exact = differentiated(constraints, problem.backend, problem.shape, second=second)
        found = _checked_minimize(
            seen.value, x, method=spec.name, jac=seen.gradient if spec.gradient else None,
            bounds=bounds, constraints=exact, tol=tol, callback=seen.iteration,
            options=options, **_second_derivatives(problem, spec),
        )  # fmt: skip
        run.consider(seen.state(found.x))
        return found

    return observer.watch(body)


def _checked_minimize(fun: Callable[..., Any], x: Vector, **arguments: Any) -> Any:
    """`scipy.optimize.minimize`, where an unknown option is an error and not a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Unknown solver options", scipy.optimize.OptimizeWarning)
        try:
            return scipy.optimize.minimize(fun, x, **arguments)
        except scipy.optimize.OptimizeWarning as warning:
            if "Unknown solver options" not in str(warning):
                raise  # the user's filters make an error of every warning
            method = arguments["method"]
            text = scipy.optimize.show_options("minimize", method.lower(), disp=False)
            known = re.findall(r"^ *(\w+) : ", text, re.MULTILINE)
            option = str(warning).partition(": ")[2]
            what = f"option {option!r} of method 'scipy:{method}'"
            raise InvalidInputError(unknown(what, option, known)) from None


def _second_derivatives(problem: Problem, spec: Method) -> dict[str, Any]:
    """``hess`` or ``hessp`` for SciPy: products, where it can use them, unless the user has a matrix."""
    if not spec.second:
        return {}
    if spec.second == "matrix" or problem.hess is not None:
        return {"hess": lambda x: problem.hessian(x.copy())}
    return {"hessp": lambda x, v: problem.hvp(x.copy(), np.asarray(v).reshape(-1))}


def _refuse_what_it_does_not_take(spec: Method, bounded: bool, constrained: bool) -> None:
    for what, given in (("bounds", bounded), ("constraints", constrained)):
        if given and not getattr(spec, what):
            able = [
                f"'scipy:{other.name}'" for other in MINIMIZERS.values() if getattr(other, what)
            ]
            raise InvalidInputError(
                f"method 'scipy:{spec.name}' takes no {what}; methods that do: {', '.join(able)}"
            )


_EMPTY = "there is nothing to optimise: x is empty"


def _known(method: str) -> str:
    """The key of "scipy:name" in the table."""
    name = method.partition(":")[2].lower()
    if name not in MINIMIZERS:
        raise InvalidInputError(unknown(f"method {method!r}", method, method_names(Problem)))
    return name


@dataclass(frozen=True)
class ScipyMethod:
    """A solver of ours in the form that ``scipy.optimize.minimize(…, method=…)`` accepts; see `as_scipy_method`."""

    solver: Solver[Any]

    def __call__(  # noqa: PLR0913  # what SciPy calls a method with
        self,
        fun: Callable[..., Any],
        x0: Any,
        *,
        args: tuple[Any, ...] = (),
        jac: Any = None,
        hess: Any = None,
        hessp: Any = None,
        bounds: Any = None,
        constraints: Any = (),
        callback: Callable[..., Any] | None = None,
        tol: float | None = None,
        maxiter: int | None = None,
        **others: Any,
    ) -> Result:
        """Solve; SciPy's ``tol`` and ``options={"maxiter": …}`` are understood."""
        for option in others:
            what = f"option {option!r} of method {self.solver.name!r}"
            raise InvalidInputError(unknown(what, option, ["maxiter", "tol"]))
        if not (isinstance(constraints, (tuple, list)) and not constraints):
            raise InvalidInputError(f"{self.solver.name!r} takes no constraints")
        problem = Problem(fun, args=args, jac=jac, hess=hess, hessp=hessp, bounds=bounds)
        limits = Limits(max_iter=maxiter)
        return solve(
            problem, self.solver, x0, tol=tol, limits=limits, callback=_scipy_callback(callback)
        )


def as_scipy_method(solver: Solver[Any]) -> ScipyMethod:
    """Make a solver a method of `scipy.optimize.minimize`.

    Parameters
    ----------
    solver : Solver
        For example ``optkit.optimize.BFGS()``. Without ``jac``, the native engine differentiates the function.

    Returns
    -------
    ScipyMethod
        A callable for ``method=``.

    Examples
    --------
    >>> import numpy as np, optkit, scipy.optimize
    >>> from optkit.adapters.scipy import as_scipy_method
    >>> method = as_scipy_method(optkit.optimize.BFGS())
    >>> found = scipy.optimize.minimize(lambda x: np.sum((x - 2.0) ** 2), [0.0, 1.0], method=method)
    >>> found.x.round(6)
    array([2., 2.])
    """
    return ScipyMethod(solver)


def _scipy_callback(callback: Callable[..., Any] | None) -> Callback | None:
    """SciPy's two forms of callback: by its argument's name it takes a result, otherwise the point."""
    if callback is None:
        return None
    as_callable(callback, "callback")
    if list(inspect.signature(callback).parameters) == ["intermediate_result"]:
        return lambda state: callback(
            intermediate_result=scipy.optimize.OptimizeResult(x=state.x.copy(), fun=state.fun)
        )
    return lambda state: callback(state.x.copy())

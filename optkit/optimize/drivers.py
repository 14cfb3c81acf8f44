"""What users call: `minimize`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from optkit.ad.backends import Backend
from optkit.errors import InvalidInputError, InvalidTypeError, OptkitError
from optkit.optimize.adaptive import SGD, Adagrad, Adam, AdamW, RMSProp
from optkit.optimize.choice import Choice, choose
from optkit.optimize.conjugate_gradient import ConjugateGradient
from optkit.optimize.first_order import GradientDescent
from optkit.optimize.limited_memory import LBFGS
from optkit.optimize.limited_memory_bounds import LBFGSB
from optkit.optimize.momentum import HeavyBall, Nesterov
from optkit.optimize.newton import Newton, NewtonCG
from optkit.optimize.newton_trust_region import TrustRegionNewton, TrustRegionNewtonCG
from optkit.optimize.problem import Problem
from optkit.optimize.quasi_newton import BFGS
from optkit.optimize.result import Result
from optkit.optimize.run import Callback, Limits
from optkit.optimize.solver import Solver, solve
from optkit.optimize.symmetric_rank_one import SR1
from optkit.optimize.upward import room_above
from optkit.optimize.validation import unknown

_SOLVERS: list[type[Solver[Any]]] = [
    BFGS, LBFGS, LBFGSB, SR1, Newton, NewtonCG, TrustRegionNewton, TrustRegionNewtonCG,
    ConjugateGradient, GradientDescent, HeavyBall, Nesterov, SGD, Adagrad, RMSProp, Adam, AdamW,
]  # fmt: skip
MINIMIZERS = {solver.name: solver for solver in _SOLVERS}
_LOOP_OPTIONS = tuple(
    field.name for field in dataclasses.fields(Limits) if field.name not in ("max_iter", "max_time")
)


def minimize(  # noqa: PLR0913  # the signature of scipy.optimize.minimize, which users know
    fun: Callable[..., Any],
    x0: Any,
    *,
    args: tuple[Any, ...] = (),
    method: str | Solver[Any] = "auto",
    backend: str | Backend = "auto",
    jac: Callable[..., Any] | bool | None = None,
    hess: Callable[..., Any] | None = None,
    hessp: Callable[..., Any] | None = None,
    bounds: Any = None,
    constraints: Any = (),
    batches: Any = None,
    tol: float | None = None,
    callback: Callback | None = None,
    max_iter: int | None = None,
    max_time: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> Result:
    """Minimise a scalar function of one or more variables.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)`` returns a scalar; with ``jac=True`` the pair (scalar, gradient). It sees x in the shape of
        ``x0`` and may keep or overwrite what it is given and what it returned.
    x0 : array_like
        The start, of any shape; a scalar becomes shape (1,). Everything is computed in float64.
    args : tuple
        Further arguments of ``fun``, ``jac``, ``hess`` and ``hessp``.
    method : str or Solver
        A name, or a solver with options of its own, as ``BFGS(line_search=Armijo())``. Quasi-Newton: ``"bfgs"``,
        ``"lbfgs"``, ``"lbfgsb"`` (bounds), ``"sr1"``. With second derivatives: ``"trust-exact"``, ``"trust-ncg"``,
        ``"newton"``, ``"newton-cg"``. First order: ``"cg"``, ``"gradient-descent"`` (bounds), ``"heavy-ball"``,
        ``"nesterov"``, and, also for minibatches, ``"sgd"``, ``"adagrad"``, ``"rmsprop"``, ``"adam"``,
        ``"adamw"``. ``"scipy:…"`` is any method of `scipy.optimize.minimize`. ``"auto"`` picks by what is known, and
        ``result.choice`` says what and why.
    backend : str or Backend
        Who differentiates ``fun`` where no derivative is given: ``"auto"`` (the native engine),
        ``"finite-difference"``, …
    jac : callable or True, optional
        ``jac(x, *args)``, the gradient, of the shape of x. It is checked along one direction at x0.
    hess, hessp : callable, optional
        ``hess(x, *args)``, the Hessian, shape (n, n); ``hessp(x, v, *args)``, its product with v. Methods without
        use for them confirm with them that what they found is a minimum.
    bounds : sequence of (low, high) or scipy.optimize.Bounds, optional
        An x0 outside is moved to the bounds, with a warning; no point outside is evaluated. Equal bounds fix a
        variable, which any method can do.
    constraints
        As for `scipy.optimize.minimize`; for methods of SciPy only.
    batches : iterable, optional
        Minibatches, each given to ``fun`` in turn as its second argument; see `Minibatches`.
    tol : float, optional
        The relative accuracy demanded of x, √ε ≈ 1.5e-8 by default; the methods of SciPy give it their own meaning.
        See `optkit.optimize.stopping` for the test.
    callback : callable, optional
        Called after every iteration with the state (``state.x``, ``state.fun``, ``state.grad``, …). Returning True
        or raising StopIteration ends the solve with the best point so far.
    max_iter : int, optional
        Default: max(1000, 200 n), and more for methods of first order.
    max_time : float, optional
        Seconds. It is looked at before every evaluation, also within line searches.
    options : dict, optional
        What `Limits` explains, such as ``max_evaluations``, ``keep_x=True`` (the history keeps the points),
        ``on_interrupt="return"``, ``f_noise``, ``escape_saddles=True``, ``checkpoint="run.npz"`` and
        ``resume="run.npz"``; ``check_derivatives=False``; and the solver's own options, by name.

    Returns
    -------
    Result
        The best point seen, with a verdict, its message and the history.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        For arguments of a wrong shape, kind or name, and for a function that is not finite at x0.
    DerivativeError
        When a given derivative disagrees with finite differences at x0.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> def rosenbrock(x):
    ...     return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)
    >>> result = optkit.minimize(rosenbrock, [-1.2, 1.0])
    >>> result.method, result.success, np.round(result.x, 6)
    ('trust-exact', True, array([1., 1.]))
    >>> result.choice
    'trust-exact: second derivatives of 2 variables are affordable'

    Under bounds, and with any method of SciPy, given the same gradients:

    >>> bounds = [(0.0, 2.0), (0.0, 0.5)]
    >>> optkit.minimize(rosenbrock, [0.1, 0.2], bounds=bounds).x.round(3)
    array([0.709, 0.5  ])
    >>> optkit.minimize(rosenbrock, [0.1, 0.2], method="scipy:L-BFGS-B", bounds=bounds).x.round(3)
    array([0.709, 0.5  ])
    """
    constrained = not (isinstance(constraints, (tuple, list)) and not constraints)
    limits, check, others = split_options(options, max_iter, max_time)
    problem = Problem(
        fun, args=args, jac=jac, hess=hess, hessp=hessp, bounds=bounds, batches=batches,
        backend=backend, check_derivatives=check,
    )  # fmt: skip
    choice = choose(problem, x0, constrained=constrained) if _is_auto(method) else None
    if choice is not None:
        method = choice.method
    if isinstance(method, str) and method.lower().startswith("scipy:"):
        result: Result = room_above("scipy").minimize(
            problem, x0, method=method, bounds=bounds, tol=tol,
            constraints=constraints if constrained else (),
            limits=limits, callback=callback, options=others,
        )  # fmt: skip
    else:
        solver = solver_named(method, MINIMIZERS, others)
        if constrained:
            raise InvalidInputError(
                f"method {solver.name!r} takes no constraints; use method='scipy:SLSQP' or "
                "'scipy:trust-constr', or leave method out"
            )
        try:
            result = solve(problem, solver, x0, tol=tol, limits=limits, callback=callback)
        except (OptkitError, OverflowError) as error:
            if choice is None or choice.method != "trust-exact" or problem.nhev == 0:
                raise
            if getattr(error, "partial_result", None) is not None:
                raise
            choice = Choice(
                "bfgs", f"second derivatives fail at x0 ({type(error).__name__}: {error})"
            )
            result = solve(problem, BFGS(), x0, tol=tol, limits=limits, callback=callback)
    result.choice = "" if choice is None else str(choice)
    return result


def _is_auto(method: Any) -> bool:
    return isinstance(method, str) and method.lower() == "auto"


def split_options(
    options: Mapping[str, Any] | None, max_iter: int | None, max_time: float | None
) -> tuple[Limits, bool, dict[str, Any]]:
    """The limits, whether to check derivatives, and the options left for the solver."""
    if options is not None and not isinstance(options, Mapping):
        raise InvalidTypeError(f"options must be a dict, got {type(options).__name__}")
    others = dict(options or {})
    loop = {name: others.pop(name) for name in _LOOP_OPTIONS if name in others}
    check = bool(others.pop("check_derivatives", True))
    return Limits(max_iter=max_iter, max_time=max_time, **loop), check, others


def solver_named(
    method: str | Solver[Any], known: dict[str, type[Solver[Any]]], options: dict[str, Any]
) -> Solver[Any]:
    """The solver of this name with these options, or the solver itself, if it takes the kind of problem."""
    problem_type = next(iter(known.values())).problem_type
    if isinstance(method, Solver):
        names: list[str] = []
        if method.problem_type is not problem_type:
            raise InvalidInputError(
                f"method {method.name!r} takes a {method.problem_type.__name__}: call it through "
                f"{'minimize' if method.problem_type is Problem else 'least_squares'}"
            )
    elif isinstance(method, str):
        if method.lower() not in known:
            names = [*known, *room_above("scipy").method_names(problem_type)]
            raise InvalidInputError(unknown(f"method {method!r}", method, names))
        names = [field.name for field in dataclasses.fields(known[method.lower()])]  # type: ignore[arg-type]
    else:
        got = f"the class {method.__name__}; write" if isinstance(method, type) else f"{method!r};"
        write = (
            f"method={method.__name__}()"
            if isinstance(method, type)
            else f"known: {', '.join(known)}"
        )
        raise InvalidTypeError(f"method must be a name or a solver, got {got} {write}")
    for name in options:
        if name not in names:
            label = method if isinstance(method, str) else f"{type(method).__name__}(…)"
            names = [*names, *_LOOP_OPTIONS, "check_derivatives"]
            raise InvalidInputError(unknown(f"option {name!r} of method {label!r}", name, names))
    return method if isinstance(method, Solver) else known[method.lower()](**options)

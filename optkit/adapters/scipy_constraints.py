"""Constraints as SciPy knows them, with exact derivatives where the user has given none.

- A dict ``{"type": "ineq", "fun": c}`` without ``"jac"`` gets the Jacobian of c.
- A `scipy.optimize.NonlinearConstraint` whose ``jac`` is left at its default gets the Jacobian, and, if ``hess`` is
  too, the Hessian of v · c(x), for a method that uses it (trust-constr).
- A `scipy.optimize.LinearConstraint` is its own derivative.

The functions see x in the shape of ``x0``, as the objective does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize

from optkit.ad.backends import Backend
from optkit.optimize.validation import Matrix, Shape, Vector, real_array

_DIFFERENCES = ("2-point", "3-point", "cs")


def differentiated(constraints: Any, backend: Backend, shape: Shape, *, second: bool) -> Any:
    """The constraints for a method of SciPy, of functions of x of this shape; ``second`` with Hessians."""
    if isinstance(constraints, (list, tuple)):
        return [_one(constraint, backend, shape, second) for constraint in constraints]
    return _one(constraints, backend, shape, second)


def _one(constraint: Any, backend: Backend, shape: Shape, second: bool) -> Any:
    if isinstance(constraint, dict) and callable(constraint.get("fun")):
        return _of_dict(constraint, backend, shape, second)
    if isinstance(constraint, scipy.optimize.NonlinearConstraint):
        return _of_object(constraint, backend, shape, second)
    return constraint


def _of_dict(constraint: dict[str, Any], backend: Backend, shape: Shape, second: bool) -> Any:
    args = constraint.get("args", ())
    args = args if isinstance(args, tuple) else (args,)
    given = constraint.get("jac")
    function = _flat(constraint["fun"], shape, args)
    jacobian = _jacobian(function, backend) if not callable(given) else _flat(given, shape, args)
    kind = str(constraint.get("type", "")).lower()
    if (
        second and kind in ("eq", "ineq") and not callable(given)
    ):  # a dict has no place for a Hessian
        return scipy.optimize.NonlinearConstraint(
            _vector(function), 0.0, 0.0 if kind == "eq" else np.inf, jac=jacobian,
            hess=_weighted_hessian(function, backend),
        )  # fmt: skip
    return {**constraint, "fun": function, "jac": jacobian, "args": ()}


def _of_object(
    constraint: scipy.optimize.NonlinearConstraint, backend: Backend, shape: Shape, second: bool
) -> scipy.optimize.NonlinearConstraint:
    function = _flat(constraint.fun, shape)
    ours = isinstance(constraint.jac, str) and constraint.jac in _DIFFERENCES
    jac = _jacobian(function, backend) if ours else _flat(constraint.jac, shape)
    hess = constraint.hess
    if ours and second and isinstance(hess, scipy.optimize.BFGS):  # the default of SciPy
        hess = _weighted_hessian(function, backend)
    elif callable(hess) and not isinstance(hess, scipy.optimize.HessianUpdateStrategy):
        given = hess
        hess = lambda x, v: given(x if len(shape) == 1 else x.reshape(shape), v)  # noqa: E731
    return scipy.optimize.NonlinearConstraint(
        function, constraint.lb, constraint.ub, jac=jac, hess=hess,
        keep_feasible=constraint.keep_feasible,
    )  # fmt: skip


def _flat(
    function: Callable[..., Any], shape: Shape, args: tuple[Any, ...] = ()
) -> Callable[[Any], Any]:
    """The user's function of a flat x."""
    if len(shape) == 1 and not args:
        return function
    return lambda x: function(x if len(shape) == 1 else x.reshape(shape), *args)


def _vector(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function with a one-dimensional value, be it a list of constraints, a scalar or a matrix of them."""

    def values(x: Any) -> Any:
        found = function(x)
        if isinstance(found, (list, tuple)):
            found = np.stack(list(found))
        return np.reshape(found, (-1,))

    return values


def _jacobian(function: Callable[[Any], Any], backend: Backend) -> Callable[[Vector], Matrix]:
    values = _vector(function)

    def jacobian(x: Vector) -> Matrix:
        found = backend.jacobian(values, np.array(x, dtype=np.float64))
        return real_array(found, (np.shape(found),), "the Jacobian of a constraint")

    return jacobian


def _weighted_hessian(
    function: Callable[[Any], Any], backend: Backend
) -> Callable[[Vector, Vector], Matrix]:
    values = _vector(function)

    def hessian(x: Vector, v: Vector) -> Matrix:
        weights = np.array(v, dtype=np.float64)
        point = np.array(x, dtype=np.float64)
        return np.asarray(backend.hessian(lambda z: np.sum(weights * values(z)), point))

    return hessian

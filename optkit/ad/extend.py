"""Primitives of your own: the declarations that the engine's rules are written in.

Most code needs none of this, because it is made of functions that have rules. A primitive pays where a function comes
from outside (C, Fortran, a library), or where its derivative is known in a better form than its steps have. One line
declares it; it is called like any function, on plain and on traced values, in both modes and to any order (rules are
differentiated in their turn, so they must be written in functions that have rules). `optkit.gradcheck` proves it.

The function may be your own, which you then call by the name of the result; or one of NumPy or of another library that
dispatches through NumPy's protocols, which from then on takes traced values under its own name.

Which declaration?

- `elementwise`: element by element, with broadcasting. A partial derivative for each operand.
- `linear`: linear in its operands. A transpose for each of them.
- `nonlinear`: anything else. A tangent rule and a cotangent rule.
- `constant`: the derivative is zero.
- `composite`: plain NumPy in the place of a function that does not take traced values.

For a function of nested containers, or with one rule for both modes, see `optkit.ad.custom_jvp` and
`optkit.ad.custom_vjp`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.ad import primitives, registry, ufuncs
from optkit.errors import InvalidInputError

__all__ = ["composite", "constant", "elementwise", "linear", "nonlinear"]

Function = Callable[..., Any]


def elementwise(function: Function, *partials: Function | int, several: bool = False) -> Function:
    """Declare a function that works element by element.

    Parameters
    ----------
    function : callable
        Of numbers or arrays, which it broadcasts; without keyword arguments.
    *partials : callable or {1, -1}
        For each operand ``(y, *operands) → ∂y/∂operand``, where ``y`` is the result; 1 and −1 stand for themselves.
    several : bool
        Whether the function returns a tuple; then so does each of the partials.

    Returns
    -------
    callable
        The function, for plain and traced values.

    Raises
    ------
    InvalidInputError
        When the number of partials is not that of the operands, or the function has a rule already.

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> import optkit
    >>> from optkit import ad
    >>> from optkit.ad import extend
    >>> asinh = extend.elementwise(np.vectorize(math.asinh), lambda y, x: 1 / np.cosh(y))
    >>> ad.derivative(asinh)(np.array([0.0, 1.0])).round(6)
    array([1.      , 0.707107])
    >>> optkit.gradcheck(lambda x: np.sum(asinh(x)), np.array([0.5, 2.0]), order=2).ok
    True
    """
    _check_new(function, "elementwise")
    _check_count(function, partials, "partial derivative")
    primitive: Function = registry.elementwise(function, *partials, several=several)
    return primitive


def linear(
    function: Function,
    *transposes: Function | None,
    each: bool = False,
    tangent: Function | str | None = None,
) -> Function:
    """Declare a function that is linear in its operands.

    Parameters
    ----------
    function : callable
        Of arrays; keyword arguments are parameters that are not differentiated.
    *transposes : callable or None
        For each operand ``(ct, *operands, **parameters) → cotangent``, of the shape of that operand: the transpose of
        the function, applied to the cotangent of the result. None for an operand that is not differentiated.
    each : bool
        Whether it is linear in each operand (as a product) and not in all of them together (as a sum).
    tangent : {None, "same"} or callable
        "same" where the function leaves further axes at the end alone, so that several directions go through it at
        once.

    Returns
    -------
    callable
        The function, for plain and traced values.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> from optkit.ad import extend
    >>> H = np.array([[1.0, 2.0], [0.0, 1.0]])
    >>> blur = extend.linear(lambda x: H @ x, lambda ct, x: H.T @ ct)
    >>> ad.grad(lambda x: np.sum(blur(x) ** 2))(np.array([1.0, 1.0]))
    array([ 6., 14.])
    """
    _check_new(function, "linear")
    _check_count(function, transposes, "transpose")
    return registry.linear(function, *transposes, each=each, tangent=tangent)


def nonlinear(
    function: Function, *, jvp: Function, vjp: Function | tuple[Function | None, ...], leading: bool = False
) -> Function:  # fmt: skip
    """Declare any other function by a tangent rule and a cotangent rule.

    Parameters
    ----------
    function : callable
        Of arrays; keyword arguments are parameters that are not differentiated. It may return a tuple.
    jvp : callable
        ``(tangents, y, *operands, **parameters) → tangent of the result``; a tangent is None where an operand is
        constant.
    vjp : callable or tuple of callables
        For each operand ``(ct, y, *operands, **parameters) → cotangent of that operand``.
    leading : bool
        Whether the tangent rule broadcasts over further axes in front, so that several directions go at once.

    Returns
    -------
    callable
        The function, for plain and traced values.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> from optkit.ad import extend
    >>> inverse = extend.nonlinear(
    ...     lambda a: np.linalg.inv(a),
    ...     jvp=lambda tangents, y, a: -y @ tangents[0] @ y,
    ...     vjp=lambda ct, y, a: -y.mT @ ct @ y.mT,
    ... )
    >>> ad.grad(lambda a: inverse(a)[0, 0])(2.0 * np.eye(2))
    array([[-0.25,  0.  ],
           [ 0.  ,  0.  ]])
    """
    _check_new(function, "nonlinear")
    vjps = vjp if isinstance(vjp, tuple) else (vjp,)
    _check_count(function, vjps, "cotangent rule")
    return registry.nonlinear(function, jvp=jvp, vjp=vjps, leading=leading)


def constant(function: Function) -> Function:
    """Declare a function whose derivative is zero wherever it exists.

    Parameters
    ----------
    function : callable
        It gets plain values, and what it returns is plain.

    Returns
    -------
    callable
        The function, for plain and traced values.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> from optkit.ad import extend
    >>> bins = extend.constant(lambda x: np.searchsorted([0.0, 1.0], x))
    >>> ad.grad(lambda x: x * bins(x))(0.5)
    np.float64(1.0)
    """
    _check_new(function, "constant")
    primitive = primitives.Constant(registry._name(function), function)
    registry._register(function, primitive)
    return primitive


def composite(*functions: Function) -> Callable[[Function], Function]:
    """Declare plain NumPy code that takes the place of ``functions`` where an argument is traced.

    Parameters
    ----------
    *functions : callable
        Functions that dispatch through NumPy's protocols and have no rule. What is called by your own name needs no
        declaration: write it in plain NumPy.

    Returns
    -------
    callable
        A decorator for the replacement, which has the signature of the functions.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> from optkit.ad import extend
    >>> square = np.frompyfunc(lambda x: x * x, 1, 1)   # a ufunc: it dispatches
    >>> @extend.composite(square)
    ... def _(x):
    ...     return np.square(x)
    >>> ad.grad(lambda x: square(x))(3.0)
    np.float64(6.0)
    """
    for function in functions:
        _check_new(function, "composite")
    return registry.composite(*functions)


def _check_new(function: Any, caller: str) -> None:
    if not callable(function):
        raise InvalidInputError(
            f"ad.extend.{caller}: the first argument must be the function, got {function!r}"
        )
    if registry.FUNCTIONS.get(function) or (
        isinstance(function, np.ufunc) and ufuncs.late_rule(function)
    ):
        name = getattr(function, "__name__", repr(function))
        raise InvalidInputError(
            f"ad.extend.{caller}: {name} has a rule already; to differentiate it in another way, wrap it in a "
            "function of your own and declare that"
        )


def _check_count(function: Any, rules: tuple[Any, ...], what: str) -> None:
    """As many rules as operands, as far as the signature tells."""
    count = getattr(function, "nin", None)
    if count is None:
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            return
        if any(p.kind is p.VAR_POSITIONAL for p in parameters):
            return
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        most = sum(p.kind in positional for p in parameters)
        count = sum(p.kind in positional and p.default is p.empty for p in parameters)
        if count <= len(rules) <= most:
            return
    if len(rules) != count:
        raise InvalidInputError(
            f"{getattr(function, '__name__', 'the function')} takes {count} operands, but {len(rules)} rules are "
            f"given; give one {what} for each operand"
        )

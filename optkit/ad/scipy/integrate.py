"""`scipy.integrate` with derivatives: `solve_ivp` and `odeint` with sensitivities, and the rules for samples.

SciPy solves the equation, and for derivatives the equation together with its sensitivities S = ∂y/∂θ,

    y′ = f(t, y, p),    S′ = (∂f/∂y) S + ∂f/∂θ,

as one system (Hairer, Nørsett & Wanner 1993, Solving Ordinary Differential Equations I, §I.14). So any method of
SciPy's serves, stiff ones too, and the derivatives are as accurate as the tolerances: they are the derivatives of the
solution, not of the steps; tighten ``rtol`` and ``atol`` for more digits. The cost is that of a system 1 + m times as
large, for m traced numbers in ``y0`` and ``args``. In reverse mode ``solve_ivp(..., sensitivity="adjoint")`` integrates
the adjoint equation back in time instead (`optkit.ad.scipy.adjoint`), at a price that hardly depends on m.

The initial values, the parameters in ``args`` and the times may be traced. What ``fun`` takes from elsewhere is a
constant; a traced value in its closure is refused.

Examples
--------
>>> import numpy as np
>>> from optkit import ad
>>> from optkit.ad.scipy import integrate
>>> def end(rate):
...     solution = integrate.solve_ivp(lambda t, y, k: -k * y, (0.0, 2.0), [1.0], args=(rate,), rtol=1e-10, atol=1e-12)
...     return solution.y[0, -1]
>>> ad.grad(end)(0.5).round(8)          # of exp(−2k): −2 exp(−1)
np.float64(-0.73575888)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate

from optkit.ad import tree
from optkit.ad.arguments import together
from optkit.ad.core import Tracer, primal, reveal
from optkit.ad.rules.shape import traced
from optkit.ad.scipy.replacement import is_any_traced, refused
from optkit.ad.scipy.samples import (
    cumulative_trapezoid,
    simpson,
    trapezoid,
)
from optkit.ad.scipy.sensitivities import flow
from optkit.errors import (
    InnerSolveError,
    InvalidInputError,
    NotDifferentiableError,
)

__all__ = ["cumulative_trapezoid", "odeint", "simpson", "solve_ivp", "trapezoid"]


def _spread(tolerance: Any, n: int, columns: Any) -> Any:
    """The absolute tolerance of each component, for its sensitivities as well."""
    if columns is None or not np.ndim(tolerance):
        return tolerance
    given = np.asarray(tolerance, dtype=float)
    own = given.size
    return np.concatenate([given, np.repeat(given, n // own - 1)])


def _refuse_options(caller: str, given: dict[str, Any]) -> None:
    for name, (value, instead) in given.items():
        if value is not None and value is not False:
            raise NotDifferentiableError(
                f"scipy.integrate.{caller} of traced values with {name}= has no derivative rule: {instead}"
            )


def _is_traced(*things: Any) -> bool:
    """Whether a traced value is among nested containers."""
    return any(isinstance(together(leaf), Tracer) for leaf in tree.flatten(things)[0])


def solve_ivp(
    fun: Callable[..., Any], t_span: Any, y0: Any, method: Any = "RK45", t_eval: Any = None,
    dense_output: bool = False, events: Any = None, vectorized: bool = False, args: Any = None, *,
    sensitivity: str = "forward", **options: Any,
) -> Any:  # fmt: skip
    """`scipy.integrate.solve_ivp`, differentiable in ``y0``, ``args``, ``t_span`` and ``t_eval``.

    ``events`` and ``dense_output`` are refused. Without ``t_eval`` the times are those of SciPy's steps; the first and
    the last of them move with ``t_span``, the others are constants. ``y`` is traced in the result.

    Parameters
    ----------
    fun, t_span, y0, method, t_eval, dense_output, events, vectorized, args, **options
        As for SciPy. ``args`` may hold nested containers.
    sensitivity : {"forward", "adjoint"}
        How reverse mode goes back: by integrating the sensitivities with the equation, the price growing with the
        number of traced numbers, or by the adjoint equation back in time, which reads the states from SciPy's dense
        output: its error, about that of the steps but for RK45 rather ten times it, adds to that of the tolerances.
        Forward mode and further derivatives always take the first way.

    Returns
    -------
    OdeResult
        SciPy's, with the traced ``y`` (and ``t``, where a time is traced).

    Raises
    ------
    InnerSolveError
        When SciPy could not solve the equation.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> end = lambda y0: solve_ivp(lambda t, y: -y, (0.0, 1.0), y0, rtol=1e-8, atol=1e-10).y[0, -1]
    >>> bool(abs(ad.grad(end)(np.array([1.0]))[0] - np.exp(-1.0)) < 1e-7)
    True
    """
    if sensitivity not in ("forward", "adjoint"):
        raise InvalidInputError(
            f'solve_ivp: sensitivity must be "forward" or "adjoint", not {sensitivity!r}'
        )
    if not _is_traced(t_span, y0, t_eval, args):
        return scipy.integrate.solve_ivp(
            fun, t_span, y0, method, t_eval, dense_output, events, vectorized, args, **options
        )
    _refuse_options(
        "solve_ivp",
        {
            "events": (events, "solve without them, or find the time with ad.implicit_root"),
            "dense_output": (dense_output, "give the times in t_eval="),
        },
    )
    args = () if args is None else args
    begin, end = t_span
    y0 = traced(y0)
    options.pop("jac", None)
    plain_args = tree.tree_map(lambda leaf: reveal(together(leaf)), tuple(args))
    plain_span = (float(reveal(begin)), float(reveal(end)))
    at = None if t_eval is None else reveal(traced(t_eval))
    result = scipy.integrate.solve_ivp(
        fun, plain_span, reveal(y0), method=method, t_eval=at, vectorized=vectorized, args=plain_args,
        dense_output=sensitivity == "adjoint", **options,
    )  # fmt: skip
    if not result.success:
        raise InnerSolveError(f"scipy.integrate.solve_ivp failed: {result.message}")
    if result.y.dtype.kind == "c":
        raise NotDifferentiableError(
            "scipy.integrate.solve_ivp of complex states has no derivative rule: take real and imaginary parts as a "
            "state of twice the length"
        )
    single = fun if not vectorized else lambda t, y, *p: traced(fun(t, y[:, None], *p))[:, 0]
    times, values = _times(result.t, begin, end, t_eval), result.y

    def integrate(f: Any, start: Any, times: Any, params: Any, columns: Any) -> Any:
        if columns is None:
            return np.concatenate([np.reshape(start, (1, -1)), values.T])
        chosen = options | {"atol": _spread(options.get("atol", 1e-6), len(start), columns)}
        last = max(plain_span, key=lambda t: abs(t - plain_span[0]))
        solved = scipy.integrate.solve_ivp(
            lambda t, z: f(t, z, *params), (times[0], last), start, method=method, t_eval=times[1:], **chosen
        )  # fmt: skip
        if not solved.success:
            raise InnerSolveError(
                f"scipy.integrate.solve_ivp of the sensitivities failed: {solved.message}"
            )
        return np.concatenate([np.reshape(start, (1, -1)), solved.y.T])

    adjoint = None
    if sensitivity == "adjoint":
        how = {
            "method": method,
            "rtol": options.get("rtol", 1e-3),
            "atol": np.min(options.get("atol", 1e-6)),
        }
        adjoint, result.sol = (result.sol, how), None
    states = flow(single, y0, times, args, integrate, adjoint)
    result.y = np.transpose(states[1:])
    result.t = times[1:]
    return result


def _times(found: Any, begin: Any, end: Any, t_eval: Any) -> Any:
    """The beginning, and the times of the results, traced where they are given so."""
    if t_eval is not None:
        rest = traced(t_eval)
        if not (is_any_traced((begin, rest))):
            return np.concatenate([[begin], rest])
        return np.concatenate([np.reshape(traced(begin), (1,)), rest])
    if not is_any_traced((begin, end)):
        return np.concatenate([[begin], found])
    ends = [np.reshape(traced(begin), (1,)), np.reshape(traced(end), (1,))]
    return np.concatenate([ends[0], ends[0], found[1:-1], ends[1]])


def odeint(
    func: Callable[..., Any], y0: Any, t: Any, args: Any = (), Dfun: Any = None, col_deriv: Any = 0,
    full_output: Any = 0, ml: Any = None, mu: Any = None, rtol: Any = None, atol: Any = None, tcrit: Any = None,
    h0: float = 0.0, hmax: float = 0.0, hmin: float = 0.0, ixpr: Any = 0, mxstep: int = 0, mxhnil: int = 0,
    mxordn: int = 12, mxords: int = 5, printmessg: Any = 0, tfirst: bool = False,
) -> Any:  # fmt: skip
    """`scipy.integrate.odeint`, differentiable in ``y0``, ``t`` and ``args``; ``full_output`` is refused.

    Parameters
    ----------
    func, y0, t, args
        As for SciPy.
    Dfun, col_deriv, full_output, ml, mu, rtol, atol, tcrit, h0, hmax, hmin, ixpr, mxstep, mxhnil, mxordn, mxords
        SciPy's options.
    printmessg, tfirst
        SciPy's options.

    Returns
    -------
    array of shape (times, components)

    Examples
    --------
    >>> from optkit import ad
    >>> end = lambda k: odeint(lambda y, t, k: -k * y, [1.0], [0.0, 2.0], args=(k,), rtol=1e-10)[-1, 0]
    >>> ad.grad(end)(0.5).round(6)
    np.float64(-0.735759)
    """
    if not _is_traced(y0, t, args):
        return scipy.integrate.odeint(
            func, y0, t, args, Dfun, col_deriv, full_output, ml, mu, rtol, atol, tcrit, h0, hmax, hmin, ixpr,
            mxstep, mxhnil, mxordn, mxords, printmessg, tfirst,
        )  # fmt: skip
    _refuse_options("odeint", {"full_output": (full_output or None, "leave it out")})
    args = args if isinstance(args, tuple) else (args,)
    if np.ndim(primal(traced(t))) != 1:
        raise InvalidInputError(
            "scipy.integrate.odeint: t must be a vector of times, the first that of y0"
        )
    fun = func if tfirst else lambda s, y, *p: func(y, s, *p)
    shared = {
        "tcrit": tcrit, "h0": h0, "hmax": hmax, "hmin": hmin, "mxstep": mxstep, "mxordn": mxordn, "mxords": mxords,
    }  # fmt: skip

    def integrate(f: Any, start: Any, times: Any, params: Any, columns: Any) -> Any:
        own = {"Dfun": Dfun, "col_deriv": col_deriv, "ml": ml, "mu": mu} if columns is None else {}
        tolerances = {
            "rtol": _spread(rtol, len(start), columns), "atol": _spread(atol, len(start), columns)
        }  # fmt: skip
        if columns is None and not tfirst:
            y, info = scipy.integrate.odeint(
                func, start, times, args=params, full_output=True, **own, **tolerances, **shared
            )
        else:
            y, info = scipy.integrate.odeint(
                f,
                start,
                times,
                args=params,
                full_output=True,
                tfirst=True,
                **own,
                **tolerances,
                **shared,
            )
        if info["message"] != "Integration successful.":
            raise InnerSolveError(f"scipy.integrate.odeint failed: {info['message']}")
        return y

    y0 = traced(y0)
    return flow(fun, np.reshape(y0, (-1,)), traced(t), args, integrate)


def __getattr__(name: str) -> Any:
    thing = getattr(scipy.integrate, name)
    if not callable(thing) or isinstance(thing, type):
        return thing
    return refused(thing, "scipy.integrate")


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(scipy.integrate)})

"""`scipy.integrate` with derivatives: `solve_ivp` and `odeint` with sensitivities, and the rules for samples.

SciPy solves the equation, and for derivatives the equation together with its sensitivities S = ∂y/∂θ,

    y′ = f(t, y, p),    S′ = (∂f/∂y) S + ∂f/∂θ,

as one system (Hairer, Nørsett & Wanner 1993, Solving Ordinary Differential Equations I, §I.14). So any method of
SciPy's serves, stiff ones too, and the derivatives are as accurate as the tolerances: they are the derivatives of the
solution, not of the steps; tighten ``rtol`` and ``atol`` for more digits. The cost is that of a system 1 + m times as
large, for m traced numbers in ``y0`` and ``args``.

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
from optkit.ad.custom import custom_jvp
from optkit.ad.directional import jvp
from optkit.ad.rules.shape import traced
from optkit.ad.scipy.replacement import is_any_traced, refused
from optkit.ad.scipy.samples import (
    cumulative_trapezoid,
    simpson,
    trapezoid,
)
from optkit.ad.transforms import value_and_jacobian
from optkit.errors import (
    InnerSolveError,
    InvalidInputError,
    LostDerivativeError,
    NotDifferentiableError,
)

__all__ = ["cumulative_trapezoid", "odeint", "simpson", "solve_ivp", "trapezoid"]

# (fun, y0, times, args, columns) → the states at all times, one in a row; the first time is that of y0. ``columns`` is
# the number of sensitivities behind each component of the state, None where the plain equation is solved.
Integrator = Callable[..., Any]


def _flow(fun: Callable[..., Any], y0: Any, times: Any, args: Any, integrate: Integrator) -> Any:
    """The states at the ``times`` as a differentiable function of whatever is traced in y0, times and args."""
    leaves, structure = tree.flatten((y0, times, tuple(args)))
    leaves = [together(leaf) for leaf in leaves]
    which = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tracer)]
    place_of_times = len(tree.flatten(y0)[0])
    timed = which.index(place_of_times) if place_of_times in which else -1

    def rebuild(moved: Any) -> Any:
        everything = list(leaves)
        for i, leaf in zip(which, moved, strict=True):
            everything[i] = leaf
        return tree.unflatten(structure, everything)

    def solution(*moved: Any) -> Any:
        if is_any_traced(moved):
            return differentiable(*moved)
        start, at, params = rebuild(moved)
        slope = _vector(fun(at[0], start, *params))
        if isinstance(slope, Tracer):
            raise LostDerivativeError(
                "the right-hand side uses a traced value that is not among its arguments, so its derivative would be "
                "lost: pass it in args="
            )
        return integrate(fun, start, at, params, None)

    differentiable = custom_jvp(solution)

    def both(primals: tuple[Any, ...]) -> tuple[Any, Any]:
        sizes = [int(np.prod(np.shape(leaf))) for leaf in primals]
        return solution(*primals), _sensitivities(fun, rebuild, primals, sizes, integrate)

    states = _remembered(both)

    @differentiable.defjvp
    def _(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        y, sensitivities = states(primals)
        moved = np.matmul(sensitivities, _joined(tangents))
        if timed >= 0:  # Where a time moves, so does the state, with the slope found there.
            _, at, params = rebuild(primals)
            slopes = np.stack([_vector(fun(at[i], y[i], *params)) for i in range(y.shape[0])])
            moved = moved + slopes * np.reshape(tangents[timed], (-1, 1))
        return y, moved

    return solution(*(leaves[i] for i in which))


def _remembered(compute: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``compute``, whose plain result is kept: a sweep for each row of a Jacobian asks for the same."""
    known: list[Any] = []

    def get(primals: tuple[Any, ...]) -> Any:
        if known and not is_any_traced(primals):
            return known[0]
        result = compute(primals)
        if not is_any_traced((*primals, *result)):
            known.append(result)
        return result

    return get


def _sensitivities(
    fun: Callable[..., Any],
    rebuild: Callable[..., Any],
    primals: tuple[Any, ...],
    sizes: list[int],
    integrate: Integrator,
) -> Any:
    """∂y/∂θ at all times, of shape (times, components, sizes): the times count by the first of them alone."""
    y0, times, args = rebuild(primals)
    y0 = traced(y0)
    n, m = y0.shape[0], sum(sizes)

    def start(theta: Any) -> Any:
        return rebuild(_split(theta, primals, sizes))

    theta = _joined(primals)
    # How the state moves at the first of the times; an earlier beginning has moved it along its slope by then.
    first = jvp_columns(lambda q: traced(start(q)[0]), theta)
    slope = _vector(fun(times[0], y0, *args))
    earlier = jvp_columns(lambda q: traced(start(q)[1])[0] * np.ones(n), theta)
    first = first - np.reshape(slope, (n, 1)) * earlier

    def augmented(t: Any, z: Any, theta: Any) -> Any:
        y, s = z[:n], np.reshape(z[n:], (n, m))

        def slopes(y: Any, q: Any) -> Any:
            return _vector(fun(t, y, *start(q)[2]))

        value, (by_y, by_theta) = value_and_jacobian(slopes, (0, 1))(y, theta)
        return np.concatenate([value, np.reshape(np.matmul(by_y, s) + by_theta, (-1,))])

    z0 = np.concatenate([y0, np.reshape(first, (-1,))])
    options = _Augmented(integrate, n, m)
    z = _flow(augmented, z0, times, (theta,), options)
    return np.reshape(z[:, n:], (z.shape[0], n, m))


class _Augmented:
    """Integrates an equation and its sensitivities; the tolerances of a component are those of its sensitivities."""

    def __init__(self, integrate: Integrator, n: int, m: int) -> None:
        self.integrate, self.n, self.m = integrate, n, m

    def __call__(self, fun: Any, y0: Any, times: Any, args: Any, columns: Any) -> Any:
        inner = self.m if columns is None else (1 + self.m) * (1 + columns) - 1
        return self.integrate(fun, y0, times, args, inner)


def jvp_columns(f: Callable[..., Any], theta: Any) -> Any:
    """The Jacobian of ``f`` by columns."""
    identity = np.eye(theta.shape[0])
    return np.stack([jvp(f, (theta,), (e,))[1] for e in identity], axis=-1)


def _split(theta: Any, like: Any, sizes: list[int]) -> list[Any]:
    pieces, start = [], 0
    for leaf, size in zip(like, sizes, strict=True):
        pieces.append(np.reshape(theta[start : start + size], np.shape(leaf))[()])
        start += size
    return pieces


def _joined(leaves: Any) -> Any:
    """Leaves as one vector."""
    flat = [np.reshape(leaf, (-1,)) for leaf in leaves]
    return flat[0] if len(flat) == 1 else np.concatenate(flat)


def _vector(y: Any) -> Any:
    """What a right-hand side returned, as a vector of floats."""
    return np.reshape(traced(y) + 0.0, (-1,))


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
    dense_output: bool = False, events: Any = None, vectorized: bool = False, args: Any = None, **options: Any,
) -> Any:  # fmt: skip
    """`scipy.integrate.solve_ivp`, differentiable in ``y0``, ``args``, ``t_span`` and ``t_eval``.

    ``events`` and ``dense_output`` are refused. Without ``t_eval`` the times are those of SciPy's steps; the first and
    the last of them move with ``t_span``, the others are constants. ``y`` is traced in the result.

    Parameters
    ----------
    fun, t_span, y0, method, t_eval, dense_output, events, vectorized, args, **options
        As for SciPy. ``args`` may hold nested containers.

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
        fun, plain_span, reveal(y0), method=method, t_eval=at, vectorized=vectorized, args=plain_args, **options
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

    states = _flow(single, y0, times, args, integrate)
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
    return _flow(fun, np.reshape(y0, (-1,)), traced(t), args, integrate)


def __getattr__(name: str) -> Any:
    thing = getattr(scipy.integrate, name)
    if not callable(thing) or isinstance(thing, type):
        return thing
    return refused(thing, "scipy.integrate")


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(scipy.integrate)})

"""Solutions of an initial value problem as differentiable functions of initial values, times and parameters.

Whoever integrates is handed in; here stands what the derivatives of the solution are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.ad import tree
from optkit.ad.arguments import together
from optkit.ad.core import Tracer
from optkit.ad.custom import custom_jvp, custom_vjp
from optkit.ad.directional import jvp, vjp
from optkit.ad.rules.shape import traced
from optkit.ad.scipy.adjoint import swept_back
from optkit.ad.scipy.replacement import is_any_traced
from optkit.ad.transforms import value_and_jacobian
from optkit.errors import LostDerivativeError

# (fun, y0, times, args, columns) → the states at all times, one in a row; the first time is that of y0. ``columns`` is
# the number of sensitivities behind each component of the state, None where the plain equation is solved.
Integrator = Callable[..., Any]


def flow(
    fun: Callable[..., Any],
    y0: Any,
    times: Any,
    args: Any,
    integrate: Integrator,
    adjoint: Any = None,
) -> Any:
    """The states at the ``times`` as a differentiable function of whatever is traced in y0, times and args.

    With ``adjoint``, (solution at any time, options of SciPy), cotangents go back by the adjoint equation.
    """
    leaves, structure = tree.flatten((y0, times, tuple(args)))
    leaves, which = _traced(leaves)
    place_of_times = len(tree.flatten(y0)[0])
    timed = which.index(place_of_times) if place_of_times in which else -1

    rebuild = _rebuilder(leaves, which, structure)

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

    differentiable: Any = custom_vjp(solution) if adjoint else custom_jvp(solution)

    def both(primals: tuple[Any, ...]) -> tuple[Any, Any]:
        sizes = [int(np.prod(np.shape(leaf))) for leaf in primals]
        return solution(*primals), _sensitivities(fun, rebuild, primals, sizes, integrate)

    states = _remembered(both)

    def pushed(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        y, sensitivities = states(primals)
        moved = np.matmul(sensitivities, _joined(tangents))
        if timed >= 0:
            _, at, params = rebuild(primals)
            moved = moved + _along_time(fun, y, at, params, tangents[timed])
        return y, moved

    def pulled(primals: tuple[Any, ...], ct: Any) -> tuple[Any, ...]:
        # Where another derivative is taken of this one, forward sensitivities have it.
        if is_any_traced((*primals, ct)):
            zeros = tuple(0.0 * leaf for leaf in primals)
            return vjp(lambda *tangents: pushed(primals, tangents)[1], *zeros)[1](ct)
        return _swept_back(fun, rebuild, primals, ct, *adjoint)

    if adjoint:
        differentiable.defvjp(lambda *primals: (solution(*primals), primals), pulled)
    else:
        differentiable.defjvp(pushed)
    return solution(*(leaves[i] for i in which))


def _traced(leaves: list[Any]) -> tuple[list[Any], list[int]]:
    """The leaves, arrays of references joined, and the places of those that are traced."""
    leaves = [together(leaf) for leaf in leaves]
    return leaves, [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tracer)]


def _rebuilder(leaves: list[Any], which: list[int], structure: Any) -> Callable[[Any], Any]:
    """What puts initial values, times and parameters together, with other leaves in the traced places."""

    def rebuild(moved: Any) -> Any:
        everything = list(leaves)
        for i, leaf in zip(which, moved, strict=True):
            everything[i] = leaf
        return tree.unflatten(structure, everything)

    return rebuild


def _along_time(fun: Callable[..., Any], y: Any, times: Any, params: Any, moved: Any) -> Any:
    """Where a time moves, so does the state, with the slope found there."""
    slopes = np.stack([_vector(fun(times[i], y[i], *params)) for i in range(y.shape[0])])
    return slopes * np.reshape(moved, (-1, 1))


def _swept_back(
    fun: Callable[..., Any], rebuild: Any, primals: tuple[Any, ...], ct: Any, dense: Any, how: Any
) -> tuple[Any, ...]:
    """The cotangents of the leaves, by the adjoint equation."""
    sizes = [int(np.prod(np.shape(leaf))) for leaf in primals]

    def start(theta: Any) -> Any:
        return rebuild(_split(theta, primals, sizes))

    theta = _joined(primals)
    by_start, by_times, by_theta = swept_back(
        lambda t, y, q: _vector(fun(t, y, *start(q)[2])), dense, rebuild(primals)[1], theta, ct, how
    )
    _, pull = vjp(lambda q: tuple(map(traced, start(q)[:2])), theta)
    return tuple(_split(by_theta + pull((by_start, by_times))[0], primals, sizes))


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
    z = flow(augmented, z0, times, (theta,), options)
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

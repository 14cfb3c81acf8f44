"""Solutions of equations as differentiable functions of what is in the equations.

A solver is a loop with a stopping rule; differentiating its steps gives the derivative of the loop. What is wanted is
the derivative of the solution. Where f(x, p) = 0 defines x(p), the implicit function theorem gives it from f alone,

    (∂f/∂x) dx = −(∂f/∂p) dp,

whoever found x. The rule is written in functions that are differentiated themselves, so it holds in both modes and to
any order (Griewank & Walther 2008, Evaluating Derivatives, 2nd ed., §15.1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.ad import tree
from optkit.ad.arguments import as_differentiable, together
from optkit.ad.core import Tracer, reveal
from optkit.ad.custom import custom_jvp
from optkit.ad.directional import jvp
from optkit.ad.transforms import jacobian
from optkit.errors import InnerSolveError, InvalidInputError, LostDerivativeError

# A Newton step from the solution that is longer than this part of it says that it is none.
_CONVERGED = 1e-5
_MOST_ITERATIONS = 10_000


def implicit_root(f: Callable[..., Any], solver: Any) -> Callable[..., Any]:
    """The root of an equation as a differentiable function of its parameters.

    Parameters
    ----------
    f : callable
        ``(x, *params) → residuals``, as many numbers as there are in ``x``. It is differentiated at the root, so it is
        plain NumPy code; it must take everything that derivatives are wanted for as a parameter.
    solver : callable or array_like
        ``(*params) → x`` with ``f(x, *params) = 0``, on plain values; how it does that is its own affair, so it may
        call a library. Or a first guess of ``x``: then `scipy.optimize.root` solves, with the exact Jacobian.

    Returns
    -------
    callable
        ``(*params) → x``. Numbers, arrays, and nested containers of them may be parameters and ``x``.

    Raises
    ------
    InnerSolveError
        When derivatives are asked for and the solver has not found a root, or ∂f/∂x is singular there.
    LostDerivativeError
        When ``f`` uses a traced value that is not among its parameters.

    Notes
    -----
    The derivative is as accurate as the root. Its cost is one dense Jacobian ∂f/∂x and one linear solve.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> root = ad.implicit_root(lambda x, p: x**3 + p * x - 1.0, 0.5)   # 0.682... at p = 1
    >>> dx = ad.derivative(root)(1.0)
    >>> bool(np.isclose(dx, -root(1.0) / (3.0 * root(1.0) ** 2 + 1.0)))
    True
    >>> circle = ad.implicit_root(lambda x, p: p["r"] ** 2 - x @ x * np.ones(1), lambda p: np.array([p["r"]]))
    >>> ad.jacobian(circle)({"r": 2.0})["r"]
    array([1.])
    """
    solve = solver if callable(solver) else _newton_from(f, solver)

    def root(*params: Any) -> Any:
        if _is_any_traced(params):  # An older derivative computation: it goes the same way.
            return differentiable(*params)
        x = solve(*params)
        # A traced value in a closure of f shows here, whoever found the root.
        _refuse_traced(_vector(tree.flatten(f(x, *params))[0]), f)
        return x

    differentiable = custom_jvp(root)

    @differentiable.defjvp
    def _(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        x = root(*primals)
        leaves, structure = tree.flatten(primals)
        directions = tree.flatten(tangents)[0]
        moving = [i for i, t in enumerate(directions) if t is not None]
        parts, shape_of_x = tree.flatten(x)
        at = _vector(parts)

        def residuals(v: Any, *moved: Any) -> Any:
            everything = list(leaves)
            for i, leaf in zip(moving, moved, strict=True):
                everything[i] = leaf
            y = f(
                tree.unflatten(shape_of_x, _pieces(v, parts)),
                *tree.unflatten(structure, everything),
            )
            return _vector(tree.flatten(y)[0])

        params = tuple(leaves[i] for i in moving)
        value, pushed = jvp(
            lambda *moved: residuals(at, *moved), params, tuple(directions[i] for i in moving)
        )
        slope = jacobian(residuals)(at, *params)
        _check(value, slope, at, f)
        return x, tree.unflatten(shape_of_x, _pieces(-np.linalg.solve(slope, pushed), parts))

    return differentiable


def fixed_point(
    g: Callable[..., Any], solver: Any, *, tol: float = 1e-12, max_iter: int = _MOST_ITERATIONS
) -> Callable[..., Any]:
    """The fixed point ``x = g(x, *params)`` as a differentiable function of the parameters.

    Parameters
    ----------
    g : callable
        ``(x, *params) → x``.
    solver : callable or array_like
        ``(*params) → x``, on plain values; or a first guess, from which ``g`` is iterated.
    tol : float
        The iteration ends when no number changes by more than ``tol (1 + |x|)``.
    max_iter : int
        Where it gives up.

    Returns
    -------
    callable
        ``(*params) → x``; see `implicit_root`, of the equation ``x − g(x, *params) = 0``.

    Raises
    ------
    InnerSolveError
        When the iteration does not converge; or as for `implicit_root`.

    Examples
    --------
    >>> from optkit import ad
    >>> sqrt = ad.fixed_point(lambda x, a: 0.5 * (x + a / x), 1.0)   # Heron's iteration
    >>> ad.derivative(sqrt)(4.0)
    np.float64(0.25)
    """

    def difference(x: Any, *params: Any) -> Any:
        parts, images = tree.flatten(x)[0], tree.flatten(g(x, *params))[0]
        if len(parts) != len(images):
            raise InvalidInputError(
                "ad.fixed_point: g must return what it takes, of the same structure"
            )
        return [together(a) - together(b) for a, b in zip(parts, images, strict=True)]

    def iterate(*params: Any) -> Any:
        x = _checked_guess(solver)
        for _ in range(max_iter):
            following = g(x, *params)
            before = _vector(tree.flatten(x)[0])
            after = _vector(tree.flatten(following)[0])
            _refuse_traced(after, g)
            x = following
            if not np.all(np.isfinite(after)):
                break
            if np.all(np.abs(after - before) <= tol * (1.0 + np.abs(after))):
                return x
        raise InnerSolveError(
            f"ad.fixed_point: the iteration diverges, or has not settled after {max_iter} steps; start nearer, damp g, "
            "raise max_iter, or give a solver in the place of the first guess"
        )

    return implicit_root(difference, solver if callable(solver) else iterate)


def _newton_from(f: Callable[..., Any], guess: Any) -> Callable[..., Any]:
    """A solver from a first guess: SciPy's hybrid method with our Jacobian."""

    def solve(*params: Any) -> Any:
        from scipy.optimize import root as scipy_root

        parts, structure = tree.flatten(_checked_guess(guess))

        def residuals(v: Any) -> Any:
            return _vector(
                tree.flatten(f(tree.unflatten(structure, _pieces(v, parts)), *params))[0]
            )

        start = _vector(parts)
        _refuse_traced(residuals(start), f)
        found = scipy_root(residuals, start, jac=jacobian(residuals), tol=1e-13)
        if not found.success:
            # It also says so when it can get no nearer to a root that it has found.
            step = np.linalg.lstsq(jacobian(residuals)(found.x), residuals(found.x), rcond=None)[0]
            if not np.all(np.abs(step) <= 1e-9 * (1.0 + np.abs(found.x))):
                raise InnerSolveError(f"ad.implicit_root: no root was found ({found.message})")
        return tree.unflatten(structure, _pieces(found.x, parts))

    return solve


def _checked_guess(guess: Any) -> Any:
    return tree.tree_map(lambda leaf: reveal(as_differentiable(leaf, "the first guess")), guess)


def _check(value: Any, slope: Any, at: Any, f: Callable[..., Any]) -> None:
    """Whether a root was found, by the length of the Newton step from it."""
    value, slope, at = reveal(value), reveal(slope), reveal(at)
    name = getattr(f, "__name__", "f")
    if slope.shape != (at.size, at.size):
        raise InvalidInputError(
            f"ad.implicit_root: {name} gives {slope.shape[0]} residuals for {at.size} unknowns; there must be as many"
        )
    try:
        step = np.linalg.solve(slope, value)
    except np.linalg.LinAlgError:
        raise InnerSolveError(
            f"ad.implicit_root: the Jacobian of {name} with respect to x is singular at the solution, so the solution "
            "is not a differentiable function of the parameters"
        ) from None
    if not np.all(np.abs(step) <= _CONVERGED * (1.0 + np.max(np.abs(at), initial=0.0))):
        raise InnerSolveError(
            f"ad.implicit_root: what the solver returned is not a root of {name} (its residuals are as large as "
            f"{np.max(np.abs(value)):.3g}), and the derivative of a root exists only there; solve more precisely"
        )


def _refuse_traced(value: Any, f: Callable[..., Any]) -> None:
    if isinstance(value, Tracer):
        raise LostDerivativeError(
            f"{getattr(f, '__name__', 'the function')} uses a traced value that is not among its parameters, so its "
            "derivative would be lost: pass it as a parameter"
        )


def _is_any_traced(params: Any) -> bool:
    return any(isinstance(together(leaf), Tracer) for leaf in tree.flatten(params)[0])


def _vector(leaves: Any) -> Any:
    """Leaves as one vector."""
    flat = [
        np.reshape(as_differentiable(leaf, "a value of the equation"), (-1,)) for leaf in leaves
    ]
    return flat[0] if len(flat) == 1 else np.concatenate(flat)


def _pieces(vector: Any, like: Any) -> list[Any]:
    """A vector as leaves of the shapes of ``like``."""
    pieces, start = [], 0
    for leaf in like:
        size = math.prod(np.shape(leaf))
        pieces.append(np.reshape(vector[start : start + size], np.shape(leaf))[()])
        start += size
    return pieces

"""Products with derivatives: in a direction, from one, or as a linear map; and the derivative of a curve."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.ad import tree
from optkit.ad.arguments import Selection, as_differentiable, call
from optkit.ad.elsewhere import Choice, by_backend
from optkit.ad.forward import ForwardTrace
from optkit.ad.recording import Recording, one_like, outputs, tangent_leaves
from optkit.ad.transforms import value_and_grad_of_call
from optkit.errors import InvalidInputError


def hvp(f: Callable[..., Any], *, backend: Choice = "auto") -> Callable[..., Any]:
    """The product of the Hessian of a scalar-valued function with a vector, without forming the Hessian.

    Parameters
    ----------
    f : callable
        Returns a real scalar; differentiated with respect to its first argument.
    backend : str or Backend
        Who differentiates: "auto" is this engine; see `get_backend` for others. Functions are written in its terms.

    Returns
    -------
    callable
        ``(x, v, *args) → H(x) v``, of the structure of ``x``: the signature of ``hessp`` in `scipy.optimize.minimize`.

    Notes
    -----
    A tangent is carried through the gradient (Pearlmutter 1994, "Fast exact multiplication by the Hessian"): the cost
    is a small multiple of that of ``f``.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> ad.hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    if (other := by_backend(backend)) is not None:
        return other.hvp(f)

    @functools.wraps(f)
    def hvp_of_f(x: Any, v: Any, *args: Any, **kwargs: Any) -> Any:
        def gradient(z: Any) -> Any:
            return value_and_grad_of_call(f, 0, (z, *args), kwargs, "hvp")[1]

        return _jvp(gradient, (x,), (v,), "hvp")[1]

    return hvp_of_f


def derivative(f: Callable[..., Any], *, backend: Choice = "auto") -> Callable[..., Any]:
    """The derivative of a function of one real number, elementwise on arrays.

    Parameters
    ----------
    f : callable
        Of a number, giving a number or an array (a curve); or elementwise, of an array, giving an array of the same
        shape, each element of which depends on the element of ``x`` in the same place alone.
    backend : str or Backend
        Who differentiates: "auto" is this engine; see `get_backend` for others. Functions are written in its terms.

    Returns
    -------
    callable
        Takes the arguments of ``f``; gives the derivative with respect to the first, of the shape of the result.

    Raises
    ------
    InvalidInputError
        When ``x`` is an array and the result has another shape.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> ad.derivative(np.sin)(0.0)
    np.float64(1.0)
    >>> ad.derivative(ad.derivative(lambda x: x**3))(np.array([1.0, 2.0]))
    array([ 6., 12.])
    """
    if (other := by_backend(backend)) is not None:
        return other.derivative(f)

    @functools.wraps(f)
    def derivative_of_f(x: Any, *args: Any, **kwargs: Any) -> Any:
        leaf = as_differentiable(x, "argument 0 of the function given to ad.derivative")
        y, dy = _jvp(lambda z: f(z, *args, **kwargs), (leaf,), (one_like(leaf),), "derivative")
        if np.ndim(leaf) and np.shape(y) != np.shape(leaf):
            raise InvalidInputError(
                f"ad.derivative needs an elementwise function, but it turned shape {np.shape(leaf)} into "
                f"{np.shape(y)}; perhaps you meant grad or jacobian"
            )
        return dy

    return derivative_of_f


# --- products with the Jacobian ---------------------------------------------------------------------------------------


def jvp(
    f: Callable[..., Any],
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    *,
    backend: Choice = "auto",
) -> tuple[Any, Any]:
    """The value and its derivative in one direction (the pushforward J v), by forward mode.

    Parameters
    ----------
    f : callable
    primals : tuple
        The positional arguments of ``f``.
    tangents : tuple
        The direction: one for each argument, of the same structure and shapes.
    backend : str or Backend
        Who differentiates: "auto" is this engine; see `get_backend` for others. Functions are written in its terms.

    Returns
    -------
    y, dy
        The value and the directional derivative, of the same structure and shapes.

    Raises
    ------
    InvalidInputError
        When structures or shapes of ``primals`` and ``tangents`` differ.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> ad.jvp(lambda x: x * x, (3.0,), (1.0,))
    (np.float64(9.0), np.float64(6.0))
    """
    if (other := by_backend(backend)) is not None:
        return other.jvp(f, primals, tangents)

    return _jvp(f, primals, tangents, "jvp")


def _jvp(
    f: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...], caller: str
) -> tuple[Any, Any]:
    selection = Selection(tuple(primals), tuple(range(len(primals))), caller)
    directions = tangent_leaves(selection, tuple(tangents), caller)
    trace = ForwardTrace()
    inputs = list(map(trace.dual, selection.leaves, directions))
    try:
        leaves, structure = outputs(call(f, selection.arguments(inputs), {}), caller)
    finally:
        trace.ended = True
    values, slopes = zip(*map(trace.split, leaves), strict=True) if leaves else ((), ())
    return tree.unflatten(structure, values, derived=False), tree.unflatten(
        structure, slopes, derived=False
    )


def vjp(
    f: Callable[..., Any], *primals: Any, backend: Choice = "auto"
) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value and the pullback u ↦ uᵀJ, by reverse mode.

    Parameters
    ----------
    f : callable
    *primals
        The positional arguments of ``f``.
    backend : str or Backend
        Who differentiates: "auto" is this engine; see `get_backend` for others. Functions are written in its terms.

    Returns
    -------
    y
        The value.
    pullback : callable
        Takes a cotangent of the structure and shapes of ``y``; gives a tuple with one cotangent per argument. It may
        be called any number of times.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> y, pullback = ad.vjp(lambda a, b: a * b, 2.0, 5.0)
    >>> pullback(1.0)
    (np.float64(5.0), np.float64(2.0))
    """
    if (other := by_backend(backend)) is not None:
        return other.vjp(f, primals)

    recording = Recording(f, Selection(primals, tuple(range(len(primals))), "vjp"), {}, "vjp")
    return recording.value(), recording.pullback


def linearize(
    f: Callable[..., Any], *primals: Any, backend: Choice = "auto"
) -> tuple[Any, Callable[..., Any]]:
    """The value and the linear map v ↦ J v at one point; ``f`` itself is not run again.

    Parameters
    ----------
    f : callable
    *primals
        The positional arguments of ``f``.
    backend : str or Backend
        Who differentiates: "auto" is this engine; see `get_backend` for others. Functions are written in its terms.

    Returns
    -------
    y
        The value.
    pushforward : callable
        Takes one tangent per argument; gives J v, of the structure and shapes of ``y``.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> y, pushforward = ad.linearize(np.sin, 0.0)
    >>> pushforward(2.0)
    np.float64(2.0)
    """
    if (other := by_backend(backend)) is not None:
        return other.linearize(f, primals)

    recording = Recording(
        f, Selection(primals, tuple(range(len(primals))), "linearize"), {}, "linearize"
    )
    return recording.value(), recording.pushforward

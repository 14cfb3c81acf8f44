"""Gradients, Jacobians, Hessians. Each operator takes a function and gives a function, so they nest to any depth.

The products with them, `jvp`, `vjp`, `hvp` and the like, are in `optkit.ad.directional`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.ad import dense, tree
from optkit.ad.arguments import FLOATS, Selection, call, scalar_output
from optkit.ad.core import Tracer, is_of
from optkit.ad.elsewhere import Choice, by_backend
from optkit.ad.primitives import DOUBLE, Constant
from optkit.ad.recording import finish, finish_copy, one_like
from optkit.ad.reverse import ReverseTrace, ReverseTracer
from optkit.ad.tape import ONE, pull_back
from optkit.errors import InvalidInputError

Argnums = int | tuple[int, ...]

# --- gradients --------------------------------------------------------------------------------------------------------


def value_and_grad(
    f: Callable[..., Any], argnums: Argnums = 0, *, backend: Choice = "auto"
) -> Callable[..., Any]:
    """The value and the gradient of a scalar-valued function, in one reverse sweep.

    Parameters
    ----------
    f : callable
        Returns a real scalar (an array of size 1 counts). Written in plain NumPy.
    argnums : int or tuple of int
        The positional argument(s) to differentiate with respect to: numbers, arrays, or nested dicts, lists, tuples,
        namedtuples and dataclasses of them.
    backend : str or Backend
        Who differentiates: "auto" is this engine; see `get_backend` for others. Functions are written in its terms.

    Returns
    -------
    callable
        Takes the arguments of ``f`` and returns ``(value, gradient)``; the gradient has the structure and the shapes
        of the argument (a tuple of such for a tuple of ``argnums``).

    Raises
    ------
    InvalidInputError
        When ``f`` does not return a scalar.
    InvalidTypeError
        When an argument is not made of numbers.

    Notes
    -----
    Reverse mode: the cost is a small multiple of that of ``f``, whatever the number of variables (Griewank & Walther
    2008, Evaluating Derivatives, 2nd ed., §3.3). For a complex argument z = x + iy the gradient is ∂f/∂x − i ∂f/∂y.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> value, gradient = ad.value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    >>> value, gradient
    (np.float64(5.0), array([2., 4.]))
    """
    if (other := by_backend(backend)) is not None:
        return other.value_and_grad(f, argnums)

    @functools.wraps(f)
    def value_and_grad_of_f(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        return value_and_grad_of_call(f, argnums, args, kwargs, "value_and_grad")

    return value_and_grad_of_f


def grad(
    f: Callable[..., Any], argnums: Argnums = 0, *, backend: Choice = "auto"
) -> Callable[..., Any]:
    """The gradient of a scalar-valued function; see `value_and_grad` for the arguments.

    ``scipy.optimize.minimize(f, x0, jac=ad.grad(f))`` takes it as it stands.

    Parameters
    ----------
    f : callable
        Returns a real scalar.
    argnums : int or tuple of int
        The positional argument(s) to differentiate with respect to.
    backend : str or Backend
        Who differentiates: "auto" is this engine; see `get_backend` for others. Functions are written in its terms.

    Returns
    -------
    callable
        Takes the arguments of ``f`` and returns the gradient.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> ad.grad(lambda x: x[0] * np.sin(x[1]))(np.array([2.0, 0.0]))
    array([0., 2.])
    """
    if (other := by_backend(backend)) is not None:
        return other.grad(f, argnums)

    @functools.wraps(f)
    def grad_of_f(*args: Any, **kwargs: Any) -> Any:
        return value_and_grad_of_call(f, argnums, args, kwargs, "grad")[1]

    return grad_of_f


def value_and_grad_of_call(
    f: Callable[..., Any],
    argnums: Argnums,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    caller: str,
) -> tuple[Any, Any]:
    """The value and the gradient of one call, in one reverse sweep."""
    # One plain array is by far the most frequent case, and small ones feel every call on the way.
    x = args[argnums] if type(argnums) is int and 0 <= argnums < len(args) else None
    if type(x) is np.ndarray and (x.dtype is DOUBLE or x.dtype in FLOATS):
        selection = None
        leaves = [x.copy("K")]
    else:
        selection = Selection(args, argnums, caller)
        leaves = selection.leaves
    careful = False
    while True:
        trace = ReverseTrace()
        # The inputs take the first places on the tape.
        if selection is None:
            inner: Any = [*args]
            inner[argnums] = trace.tracer(leaves[0], [])
        else:
            inner = selection.arguments(list(map(trace.lift, leaves)))
        try:
            y = call(f, inner, kwargs)
            ours = type(y) is ReverseTracer and y.owner is trace and type(y.value) is np.float64
            if not ours:
                y = scalar_output(y, caller)
        finally:
            tape = trace.close()
        if not ours and not is_of(trace, y):
            value, cts = y, [None] * len(leaves)
            break
        value = y.value
        seeds = {y.index: ONE if ours else one_like(value)}
        found = pull_back(tape, seeds, len(leaves), True, careful, value)
        if found is not None:
            cts = found
            break
        careful = True
    if selection is None:
        return value, finish(cts[0], leaves[0])
    # Two results could share memory, so each of several is made a copy.
    finished = map(finish_copy if len(cts) > 1 else finish, cts, leaves)
    return value, selection.restore(list(finished))


# --- Jacobians --------------------------------------------------------------------------------------------------------


def jacobian(
    f: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    mode: str = "auto",
    holomorphic: bool = False,
    backend: Choice = "auto",
) -> Callable[..., Any]:
    """The Jacobian of a function of arrays.

    Parameters
    ----------
    f : callable
        Returns a number, an array, or a nested container of them.
    argnums : int or tuple of int
        The positional argument(s) to differentiate with respect to.
    mode : {"auto", "forward", "reverse"}
        Forward mode costs one direction per input (they run together, in blocks), reverse mode one sweep per output.
        "auto" takes forward mode for few inputs or where there are no more inputs than outputs.
    holomorphic : bool
        Promise that ``f`` is complex differentiable. Needed for a complex result of a complex argument; without it
        such a Jacobian would be two-by-two blocks of real numbers.
    backend : str or Backend
        Who differentiates: "auto" is this engine; see `get_backend` for others. Functions are written in its terms.

    Returns
    -------
    callable
        Takes the arguments of ``f``; gives an array of shape ``output.shape + input.shape``, in the structure of the
        output with that of the input inside.

    Raises
    ------
    InvalidInputError
        For an unknown ``mode``, or for a complex argument that is not declared ``holomorphic`` and gives a complex
        result.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> ad.jacobian(lambda x: np.array([x[0] * x[1], x[0] ** 2]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [4., 0.]])
    """
    if (other := by_backend(backend)) is not None:
        return other.jacobian(f, argnums, mode=mode, holomorphic=holomorphic)

    _check_mode(mode, "jacobian")

    @functools.wraps(f)
    def jacobian_of_f(*args: Any, **kwargs: Any) -> Any:
        selection = Selection(args, argnums, "jacobian")
        return dense.value_and_jacobian(f, selection, kwargs, mode, holomorphic)[1]

    return jacobian_of_f


def value_and_jacobian(
    f: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    mode: str = "auto",
    holomorphic: bool = False,
    backend: Choice = "auto",
) -> Callable[..., Any]:
    """The value and the Jacobian from the same runs of the function; see `jacobian`.

    Parameters
    ----------
    f, argnums, mode, holomorphic, backend
        As for `jacobian`.

    Returns
    -------
    callable
        Takes the arguments of ``f`` and returns ``(value, jacobian)``.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> y, jacobian = ad.value_and_jacobian(lambda x: x[::-1] ** 2)(np.array([1.0, 2.0]))
    >>> y, jacobian
    (array([4., 1.]), array([[0., 4.],
           [2., 0.]]))
    """
    if (other := by_backend(backend)) is not None:
        return other.value_and_jacobian(f, argnums, mode=mode, holomorphic=holomorphic)

    _check_mode(mode, "value_and_jacobian")

    @functools.wraps(f)
    def value_and_jacobian_of_f(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        selection = Selection(args, argnums, "value_and_jacobian")
        return dense.value_and_jacobian(f, selection, kwargs, mode, holomorphic)

    return value_and_jacobian_of_f


def _check_mode(mode: str, caller: str) -> None:
    if mode not in ("auto", "forward", "reverse"):
        raise InvalidInputError(
            f"ad.{caller}: mode must be 'auto', 'forward' or 'reverse', got {mode!r}"
        )


def hessian(
    f: Callable[..., Any], argnums: Argnums = 0, *, backend: Choice = "auto"
) -> Callable[..., Any]:
    """The Hessian of a scalar-valued function: forward mode over the reverse-mode gradient.

    ``scipy.optimize.minimize(f, x0, jac=ad.grad(f), hess=ad.hessian(f), method="trust-exact")`` takes it as it stands.

    Parameters
    ----------
    f : callable
        Returns a real scalar.
    argnums : int or tuple of int
        The positional argument(s) to differentiate with respect to, twice.
    backend : str or Backend
        Who differentiates: "auto" is this engine; see `get_backend` for others. Functions are written in its terms.

    Returns
    -------
    callable
        Takes the arguments of ``f``; gives an array of shape ``x.shape + x.shape``, nested for containers.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> ad.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    if (other := by_backend(backend)) is not None:
        return other.hessian(f, argnums)

    @functools.wraps(f)
    def hessian_of_f(*args: Any, **kwargs: Any) -> Any:
        def gradient(*args: Any, **kwargs: Any) -> Any:
            return value_and_grad_of_call(f, argnums, args, kwargs, "hessian")[1]

        selection = Selection(args, argnums, "hessian")
        return dense.value_and_jacobian(gradient, selection, kwargs, "forward", False)[1]

    return hessian_of_f


_stop = Constant("stop_gradient", np.array)


def stop_gradient(x: Any) -> Any:
    """``x`` as a constant: its derivative is zero from here on.

    Parameters
    ----------
    x : number, array or nested container of them

    Returns
    -------
    same as ``x``
        With traced values replaced by what they stand for.

    Examples
    --------
    >>> from optkit import ad
    >>> ad.grad(lambda x: x * ad.stop_gradient(x))(3.0)
    np.float64(3.0)
    """
    return tree.tree_map(lambda leaf: _stop(leaf) if isinstance(leaf, Tracer) else leaf, x)

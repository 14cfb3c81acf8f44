"""The differential operators. Each takes a function and gives a function, so they nest to any depth."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.ad import dense, tree
from optkit.ad.arguments import FLOATS, Selection, as_differentiable, call, scalar_output
from optkit.ad.core import Tracer, is_of
from optkit.ad.forward import ForwardTrace
from optkit.ad.recording import Recording, finish, finish_copy, one_like, outputs, tangent_leaves
from optkit.ad.registry import Constant
from optkit.ad.reverse import ReverseTrace, ReverseTracer
from optkit.ad.tape import pull_back
from optkit.errors import InvalidInputError

Argnums = int | tuple[int, ...]

# --- gradients --------------------------------------------------------------------------------------------------------


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The value and the gradient of a scalar-valued function, in one reverse sweep.

    Parameters
    ----------
    f : callable
        Returns a real scalar (an array of size 1 counts). Written in plain NumPy.
    argnums : int or tuple of int
        The positional argument(s) to differentiate with respect to: numbers, arrays, or nested dicts, lists, tuples,
        namedtuples and dataclasses of them.

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

    @functools.wraps(f)
    def value_and_grad_of_f(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        return _value_and_grad(f, argnums, args, kwargs, "value_and_grad")

    return value_and_grad_of_f


def grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The gradient of a scalar-valued function; see `value_and_grad` for the arguments.

    ``scipy.optimize.minimize(f, x0, jac=ad.grad(f))`` takes it as it stands.

    Parameters
    ----------
    f : callable
        Returns a real scalar.
    argnums : int or tuple of int
        The positional argument(s) to differentiate with respect to.

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

    @functools.wraps(f)
    def grad_of_f(*args: Any, **kwargs: Any) -> Any:
        return _value_and_grad(f, argnums, args, kwargs, "grad")[1]

    return grad_of_f


def _value_and_grad(
    f: Callable[..., Any],
    argnums: Argnums,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    caller: str,
) -> tuple[Any, Any]:
    # One plain array is by far the most frequent case, and small ones feel every call on the way.
    x = args[argnums] if type(argnums) is int and 0 <= argnums < len(args) else None
    if type(x) is np.ndarray and x.dtype in FLOATS:
        selection = None
        leaves = [x.copy("K")]
    else:
        selection = Selection(args, argnums, caller)
        leaves = selection.leaves
    careful = False
    while True:
        trace = ReverseTrace()
        inputs = list(map(trace.lift, leaves))  # They take the first places on the tape.
        if selection is None:
            inner: Any = list(args)
            inner[argnums] = inputs[0]
        else:
            inner = selection.arguments(inputs)
        try:
            y = call(f, inner, kwargs)
            if (
                type(y) is not ReverseTracer
                or y.owner is not trace
                or y.value.__class__ is not np.float64
            ):
                y = scalar_output(y, caller)
        finally:
            tape = trace.close()
        if not is_of(trace, y):
            value, cts = y, [None] * len(leaves)
            break
        value = y.value
        seeds = {y.index: one_like(value)}
        found = pull_back(tape, seeds, len(leaves), once=True, careful=careful, value=value)
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
    f: Callable[..., Any], argnums: Argnums = 0, *, mode: str = "auto", holomorphic: bool = False
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
    _check_mode(mode, "jacobian")

    @functools.wraps(f)
    def jacobian_of_f(*args: Any, **kwargs: Any) -> Any:
        selection = Selection(args, argnums, "jacobian")
        return dense.value_and_jacobian(f, selection, kwargs, mode, holomorphic)[1]

    return jacobian_of_f


def value_and_jacobian(
    f: Callable[..., Any], argnums: Argnums = 0, *, mode: str = "auto", holomorphic: bool = False
) -> Callable[..., Any]:
    """The value and the Jacobian from the same runs of the function; see `jacobian`.

    Parameters
    ----------
    f, argnums, mode, holomorphic
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


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The Hessian of a scalar-valued function: forward mode over the reverse-mode gradient.

    ``scipy.optimize.minimize(f, x0, jac=ad.grad(f), hess=ad.hessian(f), method="trust-exact")`` takes it as it stands.

    Parameters
    ----------
    f : callable
        Returns a real scalar.
    argnums : int or tuple of int
        The positional argument(s) to differentiate with respect to, twice.

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

    @functools.wraps(f)
    def hessian_of_f(*args: Any, **kwargs: Any) -> Any:
        def gradient(*args: Any, **kwargs: Any) -> Any:
            return _value_and_grad(f, argnums, args, kwargs, "hessian")[1]

        selection = Selection(args, argnums, "hessian")
        return dense.value_and_jacobian(gradient, selection, kwargs, "forward", False)[1]

    return hessian_of_f


def hvp(f: Callable[..., Any]) -> Callable[..., Any]:
    """The product of the Hessian of a scalar-valued function with a vector, without forming the Hessian.

    Parameters
    ----------
    f : callable
        Returns a real scalar; differentiated with respect to its first argument.

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

    @functools.wraps(f)
    def hvp_of_f(x: Any, v: Any, *args: Any, **kwargs: Any) -> Any:
        def gradient(z: Any) -> Any:
            return _value_and_grad(f, 0, (z, *args), kwargs, "hvp")[1]

        return _jvp(gradient, (x,), (v,), "hvp")[1]

    return hvp_of_f


def derivative(f: Callable[..., Any]) -> Callable[..., Any]:
    """The derivative of a function of one real number, elementwise on arrays.

    Parameters
    ----------
    f : callable
        Of a number, giving a number or an array (a curve); or elementwise, of an array, giving an array of the same
        shape, each element of which depends on the element of ``x`` in the same place alone.

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
    f: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Any, Any]:
    """The value and its derivative in one direction (the pushforward J v), by forward mode.

    Parameters
    ----------
    f : callable
    primals : tuple
        The positional arguments of ``f``.
    tangents : tuple
        The direction: one for each argument, of the same structure and shapes.

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


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value and the pullback u ↦ uᵀJ, by reverse mode.

    Parameters
    ----------
    f : callable
    *primals
        The positional arguments of ``f``.

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
    recording = Recording(f, Selection(primals, tuple(range(len(primals))), "vjp"), {}, "vjp")
    return recording.value(), recording.pullback


def linearize(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value and the linear map v ↦ J v at one point; ``f`` itself is not run again.

    Parameters
    ----------
    f : callable
    *primals
        The positional arguments of ``f``.

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
    recording = Recording(
        f, Selection(primals, tuple(range(len(primals))), "linearize"), {}, "linearize"
    )
    return recording.value(), recording.pushforward


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

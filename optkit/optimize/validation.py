"""What comes from the user, turned into float64 arrays or refused with a sentence that says why.

Every output of a user's function passes `real_scalar` or `real_array`. Their first lines let the usual case (a
float, or a float64 array of the expected shape) through at the cost of a comparison; whatever else comes is
examined in full. Arrays are always copied, so that a function may reuse its output buffer.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.linalg import blas

from optkit.ad import stop_gradient
from optkit.errors import InvalidInputError, InvalidTypeError, LostDerivativeError

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Shape = tuple[int, ...]

_FLOAT64 = np.dtype(np.float64)
# The least value of every number that controls a solve, and an example; an int as the least one asks for an integer.
_CONTROLS: dict[str, tuple[float, str]] = {
    "tol": (0.0, "tol=1e-8"),
    "max_iter": (0, "max_iter=1000"),
    "max_evaluations": (1, "options={'max_evaluations': 1000}"),
    "max_time": (0.0, "max_time=60.0"),
    "f_noise": (0.0, "options={'f_noise': 1e-6}"),
    "checkpoint_every": (1, "options={'checkpoint_every': 10}"),
}


def real_scalar(value: Any, name: str) -> float:
    """``value`` as a float; a size-one array of any shape is a scalar too."""
    if isinstance(value, float):  # np.float64 is one
        return float(value)
    array = as_real(value, name)
    if array.size != 1:
        hint = "" if name != "fun(x)" else "; for a vector of residuals use optkit.least_squares"
        raise InvalidInputError(f"{name} must be a scalar, got shape {array.shape}{hint}")
    return float(array.reshape(()))


def real_array(value: Any, shapes: tuple[Shape, ...], name: str) -> NDArray[np.float64]:
    """A float64 copy of ``value`` in the first of ``shapes``; any of them is accepted."""
    if type(value) is np.ndarray and value.dtype is _FLOAT64 and value.shape == shapes[0]:
        return value.copy()
    array = as_real(value, name)
    if array.shape not in shapes:
        raise InvalidInputError(f"{name} must have shape {shapes[0]}, got shape {array.shape}")
    return np.array(array, dtype=np.float64).reshape(shapes[0])


def sparse_array(value: Any, shape: Shape, name: str) -> Any:
    """A float64 copy of a SciPy sparse container of this shape, in compressed rows."""
    if value.shape != shape:
        raise InvalidInputError(f"{name} must have shape {shape}, got shape {value.shape}")
    if value.dtype.kind not in "biuf":
        raise InvalidTypeError(f"{name} must hold real numbers, got dtype {value.dtype}")
    return scipy.sparse.csr_array(value, dtype=np.float64, copy=True)


def entries_of(matrix: Any) -> NDArray[np.float64]:
    """The matrix, or what a sparse one stores."""
    entries: NDArray[np.float64] = matrix.data if hasattr(matrix, "toarray") else matrix
    return entries


def as_real(value: Any, name: str) -> NDArray[Any]:
    """``value`` as an array of real numbers, not copied and of whatever real dtype it is."""
    if value is None or isinstance(value, (str, bytes, dict, set)):
        what = "None" if value is None else type(value).__name__
        hint = (
            "; does the function lack a return statement?" if value is None and "(" in name else ""
        )
        raise InvalidTypeError(f"{name} must be an array of real numbers, got {what}{hint}")
    if isinstance(value, np.ma.MaskedArray):
        raise InvalidTypeError(
            f"{name} is a masked array, whose mask would be lost; pass the data that counts, "
            "for example a.compressed() or a.filled(0.0)"
        )
    if hasattr(value, "toarray"):  # every SciPy sparse container, without importing scipy.sparse
        raise InvalidTypeError(f"{name} is a sparse container; pass {name}.toarray()")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise InvalidInputError(f"{name} is not a rectangular array: {error}") from error
    if array.dtype.kind == "c":
        raise InvalidTypeError(
            f"{name} is complex, and an optimum needs an order; work with the real and imaginary parts "
            "as separate real numbers, for example np.concatenate([z.real, z.imag])"
        )
    if array.dtype.kind == "O":
        _refuse_traced(array, name)
    if array.dtype.kind not in "biuf":
        raise InvalidTypeError(f"{name} must be an array of real numbers, got dtype {array.dtype}")
    return array


def _refuse_traced(array: NDArray[Any], name: str) -> None:
    """Raise if an element is under differentiation: a solve is not a function that the engine sees through."""
    if all(stop_gradient(element) is element for element in array.flat):
        return
    raise LostDerivativeError(
        f"{name} is a traced value of an outer derivative, which has reached a solver: solves are not "
        "differentiated through yet. Where the derivative is meant to be zero, pass ad.stop_gradient(value) for "
        "every input of the solve that depends on the outer variable; otherwise solve outside of the "
        "differentiated function and differentiate the optimality conditions: grad_x f(x, a) = 0 at the solution "
        "gives dx/da = -inv(d2f/dx2) @ d2f/dxda"
    )


def check_control(name: str, value: Any) -> None:
    """Raise unless ``value`` suits the control ``name`` (``tol``, ``max_iter``, …) of a solve; None always does."""
    if value is None:
        return
    least, example = _CONTROLS[name]
    whole = isinstance(least, int)
    if isinstance(value, bool) or not isinstance(value, Integral if whole else Real):
        if isinstance(value, float) and value.is_integer():  # 1e4, say
            example = example.replace("1000", str(int(value)))
        kind = "an integer" if whole else "a number"
        text = f"{name} must be {kind} or None, got {value!r}"
        raise InvalidTypeError(f"{text}; write, for example, {example}")
    number = float(value)
    if not number >= least or (name == "tol" and math.isinf(number)):
        text = f"{name} must be at least {least}{' and finite' if name == 'tol' else ''}, got {value!r}"
        raise InvalidInputError(f"{text}; write, for example, {example}")


def check_callback(callback: Any) -> None:
    """Raise unless ``callback`` is a function or None."""
    if callback is not None:
        as_callable(callback, "callback")


def as_callable(function: Any, name: str) -> Callable[..., Any]:
    """``function``, which must be one."""
    if callable(function):
        return function  # type: ignore[no-any-return]
    hint = ""
    if isinstance(function, str) and name == "jac":
        hint = "; for finite differences leave it out and pass backend='finite-difference'"
    if name == "callback":
        hint = "; write, for example, callback=lambda state: print(state.fun), or leave it out"
    raise InvalidTypeError(f"{name} must be a function, got {function!r}{hint}")


def starting_point(x0: Any) -> tuple[Vector, Shape]:
    """A flat float64 copy of ``x0`` and the shape in which functions see it; a scalar becomes (1,)."""
    array = np.atleast_1d(as_real(x0, "x0"))
    flat = np.array(array, dtype=np.float64).reshape(-1)
    require_finite(flat, "x0", array.shape)
    return flat, array.shape


def require_finite(values: NDArray[np.float64], name: str, shape: Shape | None = None) -> None:
    """Raise, naming the first entry of ``values`` that is not finite (indexed as in ``shape``)."""
    if np.isfinite(values).all():
        return
    shaped = values.reshape(values.shape if shape is None else shape)
    first = np.argwhere(~np.isfinite(shaped))[0]
    where = f"[{', '.join(str(int(i)) for i in first)}]" if len(first) else ""
    raise InvalidInputError(f"{name}{where} is {shaped[tuple(first)]}; it must be finite")


def unknown(what: str, name: str, known: list[str]) -> str:
    """The message about a name that is not among the known ones, with the closest of them."""
    by_lower = {}
    for candidate in reversed(known):
        by_lower[candidate.lower().rpartition(":")[2]] = candidate
        by_lower[candidate.lower()] = candidate
    close = difflib.get_close_matches(name.lower(), by_lower, n=1)
    hint = f"did you mean {by_lower[close[0]]!r}? " if close else ""
    return f"unknown {what}; {hint}known: {', '.join(known)}"


def norm(values: Vector) -> float:
    """The Euclidean norm, by BLAS, which neither overflows nor warns."""
    return float(blas.dnrm2(values)) if values.size else 0.0


def is_finite(values: NDArray[np.float64]) -> bool:
    """Whether every entry of a vector is finite; one product tells in nearly every case."""
    return math.isfinite(values @ values) or bool(np.isfinite(values).all())


def precision_of(array: NDArray[Any]) -> float:
    """The rounding unit of what was returned: float32 carries seven digits, everything else is float64."""
    kind = array.dtype
    return (
        float(np.finfo(kind).eps)
        if kind in (np.float16, np.float32)
        else float(np.finfo(float).eps)
    )

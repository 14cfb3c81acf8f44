"""Calls of ufuncs that are more than ``ufunc(x, y)``: with keywords, and the methods of ufuncs.

``where=``, ``dtype=``, ``out=``, ``axes=`` are taken apart here; `reduce`, `accumulate`, `reduceat`, `outer` and `at`
become the NumPy function that does the same or, where there is none, a loop of calls.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from optkit.ad import inplace
from optkit.ad.core import Tracer, reveal, unpack_objects
from optkit.ad.primitives import Constant
from optkit.ad.refusals import qualified_name, refuse
from optkit.ad.registry import FUNCTIONS
from optkit.errors import InvalidTypeError, LostDerivativeError, NotDifferentiableError

# Plain numbers and arrays, by exact type: by far the most frequent partners of a traced value.
NUMBERS = frozenset({float, int, bool, np.float64, np.float32, np.int64, np.bool_, np.complex128})
PLAIN = NUMBERS | {np.ndarray}

# Methods of ufuncs that do the same as a NumPy function.
_SAME = {
    (np.add, "reduce"): np.sum,
    (np.multiply, "reduce"): np.prod,
    (np.maximum, "reduce"): np.max,
    (np.minimum, "reduce"): np.min,
    (np.logical_and, "reduce"): np.all,
    (np.logical_or, "reduce"): np.any,
    (np.add, "accumulate"): np.cumsum,
    (np.multiply, "accumulate"): np.cumprod,
}
# Keywords that say how, not what.
_IGNORED = {"casting", "order", "subok", "signature"}


def _is_traced(x: Any) -> bool:
    """As isinstance, which would narrow the type to one without an array's attributes."""
    return isinstance(x, Tracer)


def late_rule(ufunc: Any) -> Any:
    """The rule of a ufunc of SciPy; those are declared when the first of them is called."""
    if "scipy.special" in sys.modules:
        importlib.import_module("optkit.ad.rules.special")
    return FUNCTIONS.get(ufunc)


def operand(x: Any, function: Any) -> Any:
    """What may stand beside a traced value in ``function``: an array, a number or a list of them; else an error."""
    if type(x) in PLAIN or isinstance(x, Tracer | np.generic):
        return x
    if isinstance(x, list | tuple):
        return np.asarray(x)
    if isinstance(x, np.ma.MaskedArray | np.matrix):
        raise InvalidTypeError(
            f"np.{function.__name__} of a traced value and a {type(x).__name__}: use a plain array (np.where for masks)"
        )
    if isinstance(x, np.ndarray):
        return np.asarray(x)
    if hasattr(x, "tocsr"):
        raise InvalidTypeError(
            f"np.{function.__name__} of a traced value x and a sparse array A: write "
            "optkit.ad.scipy.sparse.matmul(A, x) for a product, or use a dense array, A.toarray()"
        )
    if isinstance(x, int | float | complex):
        return x
    raise InvalidTypeError(
        f"np.{function.__name__} of a traced value and a {type(x).__name__}: use numbers or arrays"
    )


def call_ufunc(ufunc: Any, method: str, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """A ufunc call with keywords, or one of the methods of a ufunc."""
    kwargs = {key: value for key, value in kwargs.items() if key not in _IGNORED}
    if method == "at":
        return _at(ufunc, *inputs)
    out = kwargs.pop("out", None)
    if out is not None:
        return _into(out, ufunc, method, inputs, kwargs)
    if method != "__call__":
        return _METHODS[method](ufunc, *inputs, **kwargs)
    if ufunc not in FUNCTIONS and late_rule(ufunc) is None:
        return _over_elements(ufunc, inputs)
    inputs = tuple(operand(x, ufunc) for x in inputs)
    dtype = kwargs.pop("dtype", None)
    if dtype is not None:
        inputs = tuple(_cast(x, dtype) for x in inputs)
    if kwargs.get("where", True) is True:
        kwargs.pop("where", None)
    if kwargs and ufunc.signature is not None:
        return _with_axes(ufunc, inputs, **kwargs)
    if "where" in kwargs:
        name = qualified_name(ufunc)
        raise NotDifferentiableError(
            f"{name} of a traced value with where= and without out= leaves elements undefined: write "
            f"np.where(mask, {name}(x), other)"
        )
    return FUNCTIONS[ufunc](*inputs, **kwargs)


def _cast(x: Any, dtype: Any) -> Any:
    return FUNCTIONS[np.astype](x, dtype) if _is_traced(x) else np.asarray(x, dtype=dtype)


def _into(out: Any, ufunc: Any, method: str, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """A call whose result goes into arrays that are there already, where ``where=`` says so."""
    targets = out if isinstance(out, tuple) else (out,)
    if not all(target is None or _is_traced(target) for target in targets):
        raise LostDerivativeError(
            f"{qualified_name(ufunc)} would write a traced value into a plain array (out= or an in-place operator) and "
            "lose its derivative: write y = y + x instead of y += x, and no out="
        )
    where = kwargs.pop("where", True) if method == "__call__" else True
    results = call_ufunc(ufunc, method, inputs, kwargs)
    several = isinstance(results, tuple)
    written = []
    for target, result in zip(targets, results if several else (results,), strict=True):
        if target is not None:
            if where is not True:
                result = FUNCTIONS[np.where](where, result, target)
            elif not _is_traced(result) or result.shape != target.shape:
                result = np.broadcast_to(result, target.shape)
            result = inplace.write_all(target, result)
        written.append(result)
    return tuple(written) if several else written[0]


def call_into(function: Any, original: Any, args: Any, *, out: Any, **kwargs: Any) -> Any:
    """A call of a function of NumPy whose result goes into a traced array that is there already."""
    (target,) = out if isinstance(out, tuple) and len(out) == 1 else (out,)
    if not _is_traced(target):
        raise LostDerivativeError(
            f"{qualified_name(original)} would write a traced value into a plain array (out=) and lose its derivative: "
            "use the value that it returns"
        )
    result = function(*args, **kwargs)
    if np.shape(result) != target.shape:
        raise ValueError(
            f"{qualified_name(original)}: out= has shape {target.shape}, the result has {np.shape(result)}"
        )
    return inplace.write_all(target, result)


def _over_elements(ufunc: Any, inputs: Any) -> Any:
    """A Python function made a ufunc by `np.frompyfunc`: it is called with one traced number after the other."""
    if any(set(kinds) - set("O->") for kinds in ufunc.types):
        refuse(ufunc)
    result = ufunc(*map(elements, inputs))
    return tuple(map(_joined, result)) if isinstance(result, tuple) else _joined(result)


def elements(x: Any) -> Any:
    """A traced array as an array of references to its elements, each traced by itself; anything else as it is."""
    if not _is_traced(x):
        return x
    array: Any = np.empty(x.shape, dtype=np.object_)
    for index in np.ndindex(x.shape):
        array[index] = x[index]
    return array


def _joined(result: Any) -> Any:
    return unpack_objects(result) if isinstance(result, np.ndarray) else result


def _with_axes(
    ufunc: Any,
    inputs: Any,
    axis: Any = None,
    axes: Any = None,
    keepdims: bool = False,
    **unknown: Any,
) -> Any:
    """A product such as matmul or vecdot with the axes that it works along named."""
    if unknown:
        raise NotDifferentiableError(
            f"{qualified_name(ufunc)} of a traced value does not take {', '.join(unknown)}="
        )
    lengths = _core_dimensions(ufunc.signature)
    if axes is None:
        chosen = [tuple(range(-n, 0)) if axis is None else (axis,) * bool(n) for n in lengths]
    else:
        chosen = [(a,) if isinstance(a, int) else tuple(a) for a in axes]
        chosen += [()] * (len(lengths) - len(chosen))
    moved = [
        np.moveaxis(x, a, range(-len(a), 0)) if a else x
        for x, a in zip(inputs, chosen[:-1], strict=True)
    ]
    result = FUNCTIONS[ufunc](*moved)
    if keepdims:
        return np.expand_dims(result, chosen[0])
    return np.moveaxis(result, range(-len(chosen[-1]), 0), chosen[-1]) if chosen[-1] else result


def _core_dimensions(signature: str) -> list[int]:
    """How many axes of each operand and of the result ``(m?,n),(n,p?)->(m?,p?)`` works along."""
    return [len(part.split(",")) if part else 0 for part in re.findall(r"\(([^)]*)\)", signature)]


# --- the methods ------------------------------------------------------------------------------------------------------


def _reduce(
    ufunc: Any,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    keepdims: Any = False,
    initial: Any = np._NoValue,
    where: Any = True,
) -> Any:
    x = array if _is_traced(array) else operand(array, ufunc)
    function = _SAME.get((ufunc, "reduce"))
    if function is not None:
        options = {
            "axis": axis,
            "dtype": dtype,
            "keepdims": keepdims,
            "initial": initial,
            "where": where,
        }
        if dtype is None:
            del options["dtype"]
        if initial is np._NoValue:
            del options["initial"]
        return FUNCTIONS[function](x, **options)
    if where is not True:
        _no_keyword(ufunc, "reduce", "where")
    x = x if dtype is None else _cast(x, dtype)
    axes = range(x.ndim) if axis is None else (axis,) if np.ndim(axis) == 0 else axis
    kept = np.moveaxis(x, tuple(axes), range(len(tuple(axes))))
    flat = np.reshape(kept, (-1, *kept.shape[len(tuple(axes)) :]))
    if initial is np._NoValue:
        initial = ufunc.identity
        if initial is None and not len(flat):
            raise ValueError(
                f"zero-size array to reduction operation {ufunc.__name__} which has no identity"
            )
        if initial is None:
            initial, flat = flat[0], flat[1:]
    shape = flat.shape[1:]
    total = initial if _is_traced(initial) else np.full(shape, initial, np.result_type(x))
    for row in flat:
        total = ufunc(total, row)
    return np.expand_dims(total, tuple(axes)) if keepdims is True else total


def _accumulate(ufunc: Any, array: Any, axis: int = 0, dtype: Any = None) -> Any:
    x = array if dtype is None else _cast(array, dtype)
    function = _SAME.get((ufunc, "accumulate"))
    if function is not None:
        return FUNCTIONS[function](x, axis=axis)
    if ufunc in (np.maximum, np.minimum):
        return np.take_along_axis(x, _first_reached(x, ufunc=ufunc, axis=axis), axis)
    rows = list(np.moveaxis(x, axis, 0))
    for i in range(1, len(rows)):
        rows[i] = ufunc(rows[i - 1], rows[i])
    return np.stack(rows, axis=axis) if rows else np.copy(x)


def _first_reached_impl(x: Any, ufunc: Any, axis: int) -> Any:
    """For each element the place of the one that was the first to reach the extremum so far, or to be NaN."""
    values = np.moveaxis(x, axis, -1)
    reached = ufunc.accumulate(values, axis=-1)
    new = np.ones(values.shape, dtype=bool)
    new[..., 1:] = (reached[..., 1:] != reached[..., :-1]) & ~np.isnan(reached[..., :-1])
    places = np.maximum.accumulate(np.where(new, np.arange(values.shape[-1]), 0), axis=-1)
    return np.moveaxis(places, -1, axis)


_first_reached = Constant("first_reached", _first_reached_impl)


def _reduceat(ufunc: Any, array: Any, indices: Any, axis: int = 0, dtype: Any = None) -> Any:
    x = np.moveaxis(array if dtype is None else _cast(array, dtype), axis, 0)
    starts = [int(i) for i in np.asarray(reveal(indices))]
    if any(not 0 <= i < len(x) for i in starts):
        raise IndexError(f"index out-of-bounds in {ufunc.__name__}.reduceat [0, {len(x)})")
    parts = [
        ufunc.reduce(x[i:end], axis=0) if end > i + 1 else x[i]
        for i, end in zip(starts, [*starts[1:], len(x)], strict=True)
    ]
    return np.stack(parts, axis=axis)


def _outer(ufunc: Any, a: Any, b: Any, **options: Any) -> Any:
    a, b = (operand(np.asarray(x) if np.isscalar(x) else x, ufunc) for x in (a, b))
    return ufunc(np.reshape(a, (*a.shape, *(1,) * b.ndim)), b, **options)


def _at(ufunc: Any, target: Any, index: Any, *values: Any) -> None:
    """``target[index] = ufunc(target[index], value)``, again for every time that an element appears in the index."""
    if not _is_traced(target):
        raise LostDerivativeError(
            f"{qualified_name(ufunc)}.at would write a traced value into a plain array and lose its derivative: make "
            "that array with np.zeros_like(x) or np.zeros(shape, like=x)"
        )
    places = np.arange(target.size).reshape(target.shape)[index]
    if len(np.unique(places)) == np.size(places):
        target[index] = ufunc(target[index], *values)
        return
    spread = [np.ravel(np.broadcast_to(value, np.shape(places))) for value in values]
    flat = np.ravel(target)
    if ufunc in (np.add, np.subtract):
        change = FUNCTIONS["scatter_add"](spread[0], np.ravel(places), size=target.size)
        flat = ufunc(flat, change)
    else:
        flat = np.copy(flat)
        for number, place in enumerate(np.ravel(places).tolist()):
            flat[place] = ufunc(flat[place], *(value[number] for value in spread))
    target[...] = np.reshape(flat, target.shape)


def _no_keyword(ufunc: Any, method: str, keyword: str) -> NoReturn:
    raise NotDifferentiableError(
        f"{qualified_name(ufunc)}.{method} of a traced value with {keyword}=: write np.where(mask, x, neutral) first"
    )


_METHODS: dict[str, Callable[..., Any]] = {
    "reduce": _reduce,
    "accumulate": _accumulate,
    "reduceat": _reduceat,
    "outer": _outer,
}

"""Questions with plain answers: shapes and kinds, comparisons and positions. Their derivative is zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from optkit.ad.core import Tracer, primal
from optkit.ad.primitives import Constant
from optkit.ad.registry import answers
from optkit.ad.rules.axes import by_position
from optkit.ad.rules.shape import is_traced, traced

# --- computed from the values, by NumPy itself ------------------------------------------------------------------------

for _function in (
    np.argmax, np.argmin, np.argpartition, np.nonzero, np.flatnonzero, np.argwhere, np.searchsorted,
    np.count_nonzero, np.isclose, np.allclose, np.array_equal, np.array_equiv, np.all, np.any, np.round, np.around,
    np.fix, np.digitize, np.iscomplex, np.isreal, np.nanargmax, np.nanargmin, np.isposinf, np.isneginf, np.isin,
    np.array_repr, np.array_str, np.array2string,
):  # fmt: skip
    # How many elements there are is a question of its own (see `primitives.Constant`).
    _open = _function in (np.nonzero, np.flatnonzero, np.argwhere)
    answers(_function)(by_position(_function, Constant(_function.__name__, _function, _open)))


def argsort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, **options: Any) -> Any:
    """`numpy.argsort`; of many distinct numbers the order is found three times faster by another kind than stable."""
    if kind == "stable" and type(a) is np.ndarray and a.ndim == 1 and a.size > _MANY:
        quick = np.argsort(a)
        ordered = a[quick]
        if np.all(ordered[1:] > ordered[:-1]):
            return quick
    return np.argsort(a, axis, kind, order, **options)


_MANY = 1000
answers(np.argsort)(by_position(np.argsort, Constant("argsort", argsort)))

_lexsort = Constant("lexsort", lambda keys, axis: np.lexsort(keys, axis=axis))


@answers(np.lexsort)
def _np_lexsort(keys: Any, axis: int = -1) -> Any:
    return _lexsort(keys if is_traced(keys) else np.stack([traced(key) for key in keys]), axis=axis)


# --- shape and kind ---------------------------------------------------------------------------------------------------


@answers(np.shape)
def _shape(a: Any) -> Any:
    return traced(a).shape


@answers(np.ndim)
def _ndim(a: Any) -> int:
    return int(traced(a).ndim)


@answers(np.size)
def _size(a: Any, axis: Any = None) -> int:
    shape = traced(a).shape
    axes = range(len(shape)) if axis is None else axis if np.iterable(axis) else (axis,)
    return int(np.prod([shape[i] for i in axes], dtype=int))


@answers(np.iscomplexobj)
def _iscomplexobj(x: Any) -> bool:
    return bool(x.dtype.kind == "c")


@answers(np.isrealobj)
def _isrealobj(x: Any) -> bool:
    return bool(x.dtype.kind != "c")


@answers(np.result_type)
def _result_type(*arrays_and_dtypes: Any) -> Any:
    # A value of no dimensions is a NumPy scalar or a 0-d array; both count with their dtype.
    return np.result_type(*(a.dtype if is_traced(a) else a for a in arrays_and_dtypes))


def _of_values(*functions: Any) -> None:
    """Questions about arrays that NumPy answers best itself, looking at the plain values."""

    def declare(function: Any) -> None:
        @answers(function)
        def answer(*args: Any, **kwargs: Any) -> Any:
            return function(*map(_plain, args), **{key: _plain(x) for key, x in kwargs.items()})

    for function in functions:
        declare(function)


def _plain(x: Any) -> Any:
    if isinstance(x, Tracer):
        return primal(x)
    return type(x)(map(_plain, x)) if type(x) in (list, tuple) else x


_of_values(
    np.common_type, np.may_share_memory, np.shares_memory, np.can_cast, np.min_scalar_type, np.einsum_path,
    np.diag_indices_from, np.tril_indices_from, np.triu_indices_from,
)  # fmt: skip

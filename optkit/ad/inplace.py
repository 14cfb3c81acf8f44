"""Assignment to traced arrays, ``a[i] = v`` and ``a += v``, with NumPy's aliasing.

A tracer is a box: writing computes a new value without touching the old array (rules that have seen it keep what they
saw) and puts it into the same box, so every name of the array sees the change. A basic slice, a transpose, a reshape
is a view, as in NumPy: writing to it writes to the array it was taken from, and writing there changes all its views.
A view knows its base; a base knows its views weakly, and only where there are any.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any

import numpy as np

from optkit.ad.core import Tracer, newest_trace, primal
from optkit.ad.registry import FUNCTIONS
from optkit.errors import LostDerivativeError, NotDifferentiableError

# For each primitive that makes views: ``(base, value, **params)`` → the base with the view replaced by ``value``.
PUT: dict[Any, Any] = {}


def link(
    view: Any, base: Any, primitive: Any, params: dict[str, Any], *, certain: bool = False
) -> None:
    """Remember that ``view`` is ``primitive(base, **params)``.

    Where NumPy has made a copy there is nothing to remember: a reshape, for one, copies where it has to. ``certain``
    says that it has not, whatever the memory looks like (a trace may keep a small part of a large array as a copy).
    """
    if not certain and not np.may_share_memory(primal(view), primal(base)):
        return
    view.viewed = (base, primitive, params)
    file(view, base)


def file(view: Any, base: Any) -> None:
    """Tell ``base`` of its view."""
    reference = weakref.ref(view)
    if base.views is None:
        base.views = [reference]
    else:
        base.views.append(reference)


# Writing reads the old value and puts a new one in its place; threads that fill one array must take turns.
_turn = threading.RLock()


def write(target: Any, index: Any, value: Any) -> None:
    """``target[index] = value``."""
    if not isinstance(primal(target), np.ndarray):
        raise TypeError(
            f"{type(primal(target)).__name__!r} object does not support item assignment"
        )
    viewed = value.viewed if isinstance(value, Tracer) else None
    if viewed is not None and viewed[0] is target and _is_same(viewed[2].get("index", PUT), index):
        return  # Python's second half of `target[index] += v`: the first half has written through the view.
    with _turn:
        _replace(target, FUNCTIONS["update"](target, value, index))


def write_all(target: Any, value: Any) -> Any:
    """``target[...] = value``, returning the target; nobody else may hold ``value``."""
    with _turn:
        if _can_become(target, value):
            _replace(target, value)
        else:
            write(target, (), value)
    return target


def own(x: Any) -> Any:
    """What ``x`` holds now, out of reach of later assignments to ``x``: a copy of an array, a new box for a tracer."""
    if not isinstance(x, Tracer):
        return np.array(x) if isinstance(x, np.ndarray) else x
    box = object.__new__(type(x))
    box.owner = x.owner
    box.viewed = box.views = None
    _fill(box, x)
    return box


def assignable(like: Any, *values: Any) -> Any:
    """The array ``like`` as a tracer of the newest trace among ``values``, so that they can be assigned into it."""
    trace = newest_trace(values)
    return like if trace is None else trace.lift(like)


def _is_same(a: Any, b: Any) -> bool:
    """Whether two indices are the same; ``==`` would find True to be 1, and not answer where there are arrays."""
    if type(a) is tuple and type(b) is tuple:
        return len(a) == len(b) and all(map(_is_same, a, b))
    return a is b or (type(a) is type(b) and isinstance(a, int | slice) and a == b)


def _can_become(target: Any, value: Any) -> bool:
    """Whether ``value`` can take the place of what ``target`` holds, with no cast, broadcast or other memory layout."""
    if not isinstance(value, Tracer) or value.owner is not target.owner:
        return False
    old, new = primal(target), primal(value)
    return bool(old.dtype == new.dtype and old.shape == new.shape and old.strides == new.strides)


def _replace(target: Any, new: Any) -> None:
    """Let the box ``target`` hold ``new``, and the array that it is a view of and all its views follow."""
    target.owner.file_views()
    while (viewed := target.viewed) is not None:
        base, primitive, params = viewed
        if primitive not in PUT:
            raise NotDifferentiableError(
                f"assigning to what np.{primitive.name} returned would change the traced array that it is a view of: "
                "assign to that array itself, or to a copy"
            )
        target, new = base, PUT[primitive](base, new, **params)
    _become(target, new)
    stale = [target]
    while stale:
        base = stale.pop()
        views = [view for reference in base.views or () if (view := reference()) is not None]
        if views:
            base.views = [weakref.ref(view) for view in views]
        for view in views:
            _, primitive, params = view.viewed
            _become(view, primitive(base, **params))
        stale += views


def _become(target: Any, new: Any) -> None:
    if not isinstance(new, Tracer):
        new = target.owner.lift(new)
    if new.owner is not target.owner:
        raise LostDerivativeError(
            "a value traced by an inner derivative was assigned into an array of an outer one; make that array inside "
            "the inner function, for example with np.zeros_like(x) of the inner variable"
        )
    _fill(target, new)


def _fill(box: Any, like: Any) -> None:
    """Let ``box`` hold what ``like`` holds, a tracer of the same trace."""
    box.value = like.value
    for slot in type(box).__slots__:
        setattr(box, slot, getattr(like, slot))

"""Assignment to traced arrays, ``a[i] = v`` and ``a += v``, with NumPy's aliasing.

A tracer is a box: writing computes a new value without touching the old array (rules that have seen it keep what they
saw) and puts it into the same box, so every name of the array sees the change. A basic slice, a transpose, a reshape
is a view, as in NumPy: writing to it writes to the array it was taken from, and writing there changes all its views.
A view knows its base; a base knows its views weakly, and only where there are any.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from optkit.ad.core import Tracer, newest_trace, primal
from optkit.ad.registry import FUNCTIONS
from optkit.errors import LostDerivativeError


def link(view: Any, base: Any, take: Any, put: Any, index: Any = None) -> None:
    """Remember that ``view`` is ``take(base)``, and that ``put(base, value)`` is ``base`` with the view replaced.

    ``index`` is the index by which it was taken, if it was.
    """
    view.viewed = (base, take, put, index)
    reference = weakref.ref(view)
    try:
        base.views.append(reference)
    except AttributeError:
        base.views = [reference]


def write(target: Any, index: Any, value: Any) -> None:
    """``target[index] = value``."""
    if isinstance(value, Tracer):
        viewed = getattr(value, "viewed", None)
        if viewed is not None and viewed[0] is target and viewed[3] is not None and viewed[3] == index:
            return  # Python's second half of `target[index] += v`: the first half has written through the view.
    _replace(target, FUNCTIONS["update"](target, value, index))


def write_all(target: Any, value: Any) -> Any:
    """``target[...] = value``, returning the target."""
    write(target, (), value)
    return target


def _replace(target: Any, new: Any) -> None:
    """Let the box ``target`` hold ``new``, and its base and its views follow."""
    link_to_base = getattr(target, "viewed", None)
    if link_to_base is not None and _shares_memory(target, link_to_base[0]):
        base, _, put, _ = link_to_base
        _replace(base, put(base, new))
    else:
        _become(target, new)
        _refresh_views(target)


def _refresh_views(target: Any) -> None:
    for reference in getattr(target, "views", ()):
        view = reference()
        if view is not None:
            _become(view, view.viewed[1](target))
            _refresh_views(view)


def _become(target: Any, new: Any) -> None:
    if not isinstance(new, Tracer):
        new = target.owner.lift(new)
    if new.owner is not target.owner:
        raise LostDerivativeError(
            "a value traced by an inner derivative was assigned into an array of an outer one; make that array inside "
            "the inner function, for example with np.zeros_like(x) of the inner variable"
        )
    for slot in type(target).__slots__:
        setattr(target, slot, getattr(new, slot))
    target.value = new.value


def _shares_memory(view: Any, base: Any) -> bool:
    """Whether NumPy itself made a view: a reshape, for one, copies where it has to."""
    return bool(np.may_share_memory(primal(view), primal(base)))


def assignable(like: Any, *values: Any) -> Any:
    """A copy of ``like`` as a tracer of the newest trace among ``values``, so that they can be assigned into it."""
    trace = newest_trace(values)
    return like if trace is None else trace.lift(like)

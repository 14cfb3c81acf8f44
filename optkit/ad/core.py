"""How a call finds its interpreter: tracers, traces, levels and `bind`.

A *tracer* stands for an array while a function is being differentiated: it holds the array's value and whatever its
*trace* needs beside it (a tangent, a place on a tape). Every trace takes its level from a counter that only rises, so
a trace that began later, an inner derivative, always has the higher level. `bind` gives a call to the highest trace
among its arguments; that trace computes with the values inside its tracers, which may be tracers of older traces, and
so a nest of derivatives unwinds by itself. There is no global stack: nothing has to be restored after an exception,
and threads cannot see each other.

The perturbation confusion of naive implementations (Siskind & Pearlmutter 2008, "Nesting forward-mode AD in a
functional framework") cannot happen: a tracer belongs to one trace, and only that trace looks inside it.
"""

from __future__ import annotations

import itertools
import math
import warnings
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from optkit.errors import EscapedTracerError, InvalidTypeError, PerformanceWarning

if TYPE_CHECKING:
    from optkit.ad.primitives import Primitive

# Gives each trace its level; `next` on a counter is atomic.
next_level = itertools.count(1).__next__

# Object arrays up to this size are stacked without a word: `np.array([x[0], x[1]])` is ordinary code.
QUIET_SIZE = 100


class Trace(ABC):
    """One run of one interpreter; ``level`` orders nested runs, ``ended`` says whether it is over."""

    __slots__ = ("level",)

    ended: Any
    # Whether its tracers can hold those of any other trace (`optkit.ad.buffers`).
    absorbs = False
    # Whether it wants functions that have a rule of their own for speed as what they are composed of.
    takes_apart = False

    def __init__(self) -> None:
        self.level = next_level()

    @abstractmethod
    def process(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Carry out one call in which at least one argument is a tracer of this trace."""

    @abstractmethod
    def lift(self, value: Any) -> Any:
        """A tracer of this trace for a value that does not depend on what is being differentiated."""

    def file_views(self) -> None:  # noqa: B027 -- nothing to do for most
        """Tell the bases of views that have not been told yet of them; before anything is written to."""


class Tracer:
    """A value under differentiation. Subclasses add what their trace keeps beside the value.

    ``viewed`` says what a view was taken from, ``views`` holds weak references to the views of a tracer; both are None
    where there is nothing to say (see `optkit.ad.inplace`).
    """

    __slots__ = ("__weakref__", "owner", "value", "viewed", "views")

    owner: Any
    value: Any
    viewed: Any
    views: Any

    def answer(self) -> Any:
        """The value, which Python code is going to act upon: a trace that has to know of that takes note."""
        return self.value

    def suspect(self) -> Any:
        """The value, of which somebody asks whether it has NaN to be mended; or the answer, a bool."""
        return self.value


def bind(primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """Call ``primitive`` through the newest trace among its arguments, or plainly where there is none."""
    if len(args) == 1 and isinstance(args[0], Tracer):
        return args[0].owner.process(primitive, args, params)
    trace = None
    for i, arg in enumerate(args):
        if isinstance(arg, Tracer):
            if trace is None or arg.owner.level > trace.level:
                trace = arg.owner
        elif type(arg) is np.ndarray and arg.dtype.hasobject:
            return bind(primitive, (*args[:i], unpack_objects(arg), *args[i + 1 :]), params)
    if trace is None:
        return primitive.impl(*args, **params)
    return trace.process(primitive, args, params)


def is_taken_apart(value: Any) -> bool:
    """Whether any of the traces of a value wants functions as what they are composed of."""
    while isinstance(value, Tracer):
        if value.owner.takes_apart:
            return True
        value = value.value
    return False


def newest_trace(values: Any) -> Trace | None:
    """The newest trace among those of ``values``, None where nothing is traced."""
    traces = [value.owner for value in values if isinstance(value, Tracer)]
    return max(traces, key=lambda trace: trace.level, default=None)


def is_of(trace: Trace, value: Any) -> bool:
    """Whether a result of a function belongs to ``trace``; one of a newer trace can only have escaped from there."""
    if not isinstance(value, Tracer):
        return False
    if value.owner.level > trace.level:
        raise EscapedTracerError(
            "the function returned a value traced by another derivative computation that is still running; do not "
            "share traced values between threads"
        )
    return value.owner is trace


def primal(value: Any) -> Any:
    """The plain value inside a tracer, however deeply nested; other values as they are.

    Of this only the kind, the shape and the layout in memory may be looked at; `reveal` gives the numbers.
    """
    while isinstance(value, Tracer):
        value = value.value
    return value


def reveal(value: Any) -> Any:
    """The plain numbers inside a tracer, for Python code to act upon; other values as they are."""
    while isinstance(value, Tracer):
        value = value.answer()
    return value


def unpack_objects(array: Any) -> Any:
    """Turn an object array that NumPy made out of tracers, as in ``np.array([x[0], x[1]])``, into one tracer.

    NumPy has no hook in ``np.array``; what it makes is an array of references to the elements.
    """
    elements = array.ravel().tolist()
    if not all(
        isinstance(element, Tracer | int | float | complex | np.number) for element in elements
    ):
        raise InvalidTypeError(
            "an object array met the differentiation engine, and its elements are not numbers; use an array of floats"
        )
    if not any(isinstance(element, Tracer) for element in elements):
        return np.array(elements).reshape(array.shape)
    if math.prod(array.shape) > QUIET_SIZE:
        warnings.warn(
            f"an array of {array.size} single traced elements (made by np.array or np.asarray of traced values) is "
            "being stacked element by element; use np.stack, np.concatenate, or the traced array itself",
            PerformanceWarning,
            stacklevel=4,
        )
    return np.stack(elements).reshape(array.shape)

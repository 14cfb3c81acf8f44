"""Arrays made inside a function that is being differentiated, into which traced values can be assigned.

A plain array cannot hold a traced value, and it cannot turn into something that can. A `Buffer` stands in its place: a
tracer that holds a plain array until a traced value is assigned to an element or through a view; from then on it holds
what the engine makes of that assignment. While it holds a plain array it is a constant: functions of it are computed
plainly, nothing is recorded, and NumPy or SciPy may ask for its numbers. Afterwards it is refused wherever its numbers
alone would be taken, so no derivative is lost; where NumPy takes any array, it gets one of single traced elements.

What it holds is never changed in place: a write puts another array into the box, as for every tracer
(`optkit.ad.inplace`), and views follow. So nothing that was computed before a write sees it.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

from optkit.ad import inplace
from optkit.ad.core import Trace, Tracer, primal
from optkit.ad.dispatch import ArrayTracer, warn_of_elements
from optkit.ad.ufuncs import elements
from optkit.errors import LostDerivativeError


class _Depth(threading.local):
    """How many functions are being differentiated in this thread, one inside the other."""

    count = 0


# Counted at the door (`optkit.ad.arguments.call`). A context variable would say the same at ten times the cost.
differentiating = _Depth()


class _BufferTrace(Trace):
    """Takes every call with a buffer first, and hands it on with what the buffers hold."""

    __slots__ = ("ended",)

    absorbs = True

    def __init__(self) -> None:
        self.level = math.inf  # type: ignore[assignment]  # above all that count
        self.ended = False

    def process(self, primitive: Any, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        y = primitive(*map(settled, args), **params)
        if isinstance(y, tuple):
            return tuple(map(self._wrapped, y))
        if primitive in inplace.PUT and isinstance(primal(y), np.ndarray):
            return Buffer(y)  # A view: what is written to it has to reach the buffer, and back.
        return self._wrapped(y)

    def _wrapped(self, y: Any) -> Any:
        return Buffer(y) if type(y) is np.ndarray and y.dtype.kind in "fc" else y

    def lift(self, value: Any) -> Buffer:
        return Buffer(settled(value))


_trace = _BufferTrace()


class Buffer(ArrayTracer):
    """A box for an array, plain or traced."""

    __slots__ = ()

    def __init__(self, value: Any) -> None:
        self.value = value
        self.owner = _trace
        self.viewed = self.views = None

    def _plain(self, what: str) -> Any:
        if isinstance(self.value, Tracer):
            raise LostDerivativeError(
                f"{what} of an array into which a traced value was assigned would lose its derivative: give it to "
                "NumPy's functions as it is, or take ad.stop_gradient(x) where the derivative is meant to be zero"
            )
        return self.value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if isinstance(self.value, Tracer) and dtype in (None, np.dtype(object)):
            warn_of_elements(self.size)
            given = elements(self.value)
        else:
            given = np.array(self._plain("np.asarray(x)"), dtype=dtype)
        given.flags.writeable = False  # What is written into a copy would not be seen here.
        return given

    @property
    def __array_interface__(self) -> Any:
        raise AttributeError("a buffer gives its numbers by __array__")

    def __float__(self) -> Any:
        return float(self._plain("float(x)"))

    def __complex__(self) -> Any:
        return complex(self._plain("complex(x)"))


def settled(x: Any) -> Any:
    """What a buffer holds now; anything else as it is."""
    return x.value if type(x) is Buffer else x


def assignable(made: Any) -> Any:
    """A new array as a buffer, where a function is being differentiated and the array is of floats."""
    if type(made) is np.ndarray and differentiating.count and made.dtype.kind in "fc":
        return Buffer(made)
    return made

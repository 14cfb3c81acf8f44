"""Reverse mode: recording what a function does on a tape, to sweep back over it.

While a function runs, each operation on a traced value is written to the tape as (primitive, where its operands stand
on the tape, result, operands, parameters); `optkit.ad.tape` then carries cotangents from the result to the inputs, one
step per entry (Griewank & Walther 2008, Evaluating Derivatives, 2nd ed., §3.3). Recording and sweeping are loops, so
the depth of a computation is limited by memory alone.

The operators of `ReverseTracer` write to the tape by themselves where their partner is a plain number, a plain array or
a value of the same trace; everything else takes the general way through `core.bind`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from optkit.ad import inplace
from optkit.ad.core import Trace, Tracer, next_level
from optkit.ad.dispatch import ArrayTracer
from optkit.ad.primitives import DOUBLE, Binary, Constant, Elementwise, Linear, Primitive, Unary
from optkit.ad.registry import FUNCTIONS
from optkit.ad.rules import elementwise as rules
from optkit.ad.rules.index import basic, getitem
from optkit.ad.rules.reduce import total as sum_of_all
from optkit.ad.snapshot import Copies, keep, reader_of
from optkit.ad.tape import NUMBER
from optkit.ad.ufuncs import NUMBERS
from optkit.errors import EscapedTracerError

# Arrays of more bytes than this are kept on a tape only where a rule reads them.
_LARGE = 1 << 12


def _outline(value: Any) -> Any:
    """The shape and kind of an array without its memory; small ones as they are."""
    if type(value) is not ndarray or value.nbytes <= _LARGE:
        return value
    return ndarray(value.shape, value.dtype, bytes(value.itemsize), strides=(0,) * value.ndim)


def _apart(part: Any, whole: Any) -> Any:
    """A small part of a large array, as a copy.

    A view would keep all of the array alive, and every version of one that is filled in a loop.
    """
    return part.copy() if type(part) is ndarray and 4 * part.nbytes < whole.nbytes else part


def _outlines(primitive: Linear, y: Any, values: Any) -> tuple[Any, Any]:
    """What a tape keeps of a linear operation: of the operands that its transpose reads the values, else outlines."""
    return _outline(y), [v if primitive.reads(i) else _outline(v) for i, v in enumerate(values)]


class _Closed:
    """Takes the place of a tape whose computation has ended."""

    def __len__(self) -> int:
        raise EscapedTracerError(
            "a traced value was used after the derivative computation that made it had ended; return it from the "
            "function that is differentiated, or keep ad.stop_gradient(x)"
        )


_CLOSED = _Closed()


def position(tape: Any, entry: Any, start: int) -> int:
    """Where an entry stands on the tape, at ``start`` or behind."""
    return next(i for i in range(start, len(tape)) if tape[i] is entry)


class Parts(tuple[Any, ...]):
    """Cotangents of the results of an operation with several results; None where nothing depends on one."""

    __slots__ = ()

    def __add__(self, other: Any) -> Parts:
        pairs = zip(self, other, strict=True)
        return Parts(a if b is None else b if a is None else a + b for a, b in pairs)


class _Pick(Primitive):
    """Takes one result of an operation that has several."""

    __slots__ = ()

    def push(self, y: Any, args: Any, tangents: Any, params: dict[str, Any], k: int | None) -> Any:
        return tangents[0][params["which"]]

    def pull(self, i: int, ct: Any, y: Any, args: Any, params: dict[str, Any]) -> Any:
        return Parts(ct if j == params["which"] else None for j in range(len(args[0])))


_pick = _Pick("pick", lambda results, which: results[which])


class ReverseTrace(Trace):
    """Records what is done with its tracers.

    Several threads may work on one function. Appending to a list cannot be interrupted, finding out its length before
    can be followed by somebody else's append: so every entry is looked at where it should stand, and sought behind that
    where it does not. An operand always stands before what was made of it.
    """

    __slots__ = ("copies", "tape", "unfiled")

    def __init__(self) -> None:
        self.level = next_level()
        self.tape: Any = []
        self.copies = Copies()
        # Views of small arrays whose base has not been told of them.
        self.unfiled: list[ReverseTracer] = []

    def lift(self, value: Any) -> ReverseTracer:
        if isinstance(value, Tracer):
            self.copies.reader = self.copies.reader or reader_of(value)
        return self.tracer(value, [])  # No entry, but an object of its own.

    def write(self, entry: Any) -> int:
        """Put an entry on the tape; its position."""
        tape = self.tape
        index = len(tape)
        tape.append(entry)
        return index if tape[index] is entry else position(tape, entry, index)

    def tracer(self, value: Any, entry: Any) -> ReverseTracer:
        """The tracer of a value whose entry is put on the tape."""
        tracer = ReverseTracer()
        tape = self.tape  # `write`, written out.
        index = len(tape)
        tape.append(entry)
        tracer.index = index if tape[index] is entry else position(tape, entry, index)
        tracer.value = value
        tracer.owner = self
        tracer.viewed = tracer.views = None
        return tracer

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        if type(primitive) is Unary:
            (operand,) = args  # It can only be ours.
            value = operand.value
            y = primitive(value) if isinstance(value, Tracer) else primitive.impl(value)
            return self.tracer(y, (primitive, y, value, None, operand.index, -1))
        if isinstance(primitive, Constant):
            return primitive(*(self.strip(arg) for arg in args), **params)
        values, parents, nested = [], [], False
        for i, arg in enumerate(args):
            if type(arg) is ReverseTracer and arg.owner is self:
                parents.append(arg.index)
                arg = arg.value
            elif isinstance(arg, ndarray | Tracer):
                parents.append(-1)
                if primitive.reads(i):
                    arg = keep(arg, self.copies)
            else:
                parents.append(NUMBER)
            values.append(arg)
            nested = nested or isinstance(arg, Tracer)
        y = primitive(*values, **params) if nested else primitive.impl(*values, **params)
        return self._record(primitive, y, values, params, parents)

    def _record(self, primitive: Primitive, y: Any, values: Any, params: Any, parents: Any) -> Any:
        """Write an operation to the tape (see `optkit.ad.tape` for the form); its result as a tracer, or several."""
        if type(y) is complex:  # Python's own, of 1j and a np.float64, which is a float.
            y = np.complex128(y)
        kind = type(primitive)
        if kind is Unary:
            return self.tracer(y, (primitive, y, values[0], None, parents[0], -1))
        if kind is Binary:
            return self.tracer(y, (primitive, y, *values, *parents))
        kept = y
        if (
            isinstance(primitive, Linear)
            and not primitive.each
            and (y.nbytes > _LARGE or getattr(values[0], "nbytes", 0) > _LARGE)
        ):
            y = _apart(y, values[0]) if primitive is basic else y
            kept, values = _outlines(primitive, y, values)
        if primitive is basic or primitive is sum_of_all:
            return self.tracer(y, (primitive, kept, values[0], params, parents[0], -1))
        entry = (primitive, kept, values, params, parents, -1)
        if isinstance(y, tuple):
            index = self.write(entry)
            return tuple(self._pick(part, j, y, index) for j, part in enumerate(y))
        return self.tracer(y, entry)

    def _pick(self, part: Any, which: int, results: tuple[Any, ...], place: int) -> ReverseTracer:
        return self.tracer(part, (_pick, part, (results,), {"which": which}, (place,), -1))

    def strip(self, arg: Any) -> Any:
        """The value of a tracer of this trace; anything else as it is."""
        return arg.value if isinstance(arg, Tracer) and arg.owner is self else arg

    @property
    def ended(self) -> bool:
        """Whether the recording is over."""
        return self.tape is _CLOSED

    def close(self) -> Any:
        """End the recording and hand over the tape."""
        tape = self.tape
        self.tape = _CLOSED
        self.unfiled.clear()
        return tape

    def file_views(self) -> None:
        while self.unfiled:
            view = self.unfiled.pop()
            inplace.file(view, view.viewed[0])


class ReverseTracer(ArrayTracer):
    """A value with its place on the tape; made by `ReverseTrace.tracer`, or field by field where that is felt."""

    __slots__ = ("index",)

    index: int

    def __getitem__(self, index: Any) -> Any:
        kind = type(index)
        if kind is not slice and kind is not int:
            return getitem(self, index)
        value = self.value
        trace = self.owner
        params = {"index": index}
        y = value[index]
        large = value.nbytes > _LARGE
        if large:
            y = _apart(y, value)
            value = _outline(value)
        entry = (basic, y, value, params, self.index, -1)
        result = ReverseTracer()  # `ReverseTrace.tracer`, written out.
        tape = trace.tape
        place = len(tape)
        tape.append(entry)
        result.index = place if tape[place] is entry else position(tape, entry, place)
        result.value = y
        result.owner = trace
        result.viewed = result.views = None
        if kind is slice or y.shape:  # A view: `inplace.link`, written out.
            result.viewed = (self, basic, params)
            if large:
                inplace.file(result, self)
            else:
                trace.unfiled.append(result)
        return result

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func is _sum and not kwargs and len(args) == 1:  # `rules.reduce`, written out.
            value = self.value
            if type(value) is ndarray and value.nbytes <= _LARGE and args[0] is self:
                y = _add_up(value, None)
                return self.owner.tracer(y, (sum_of_all, y, value, None, self.index, -1))
        return ArrayTracer.__array_function__(self, func, types, args, kwargs)

    def __pow__(self, exponent: Any) -> Any:
        if exponent.__class__ in _EXACT and exponent == 2:
            value = self.value
            y = _times_itself(value)
            return self.owner.tracer(y, (_square, y, value, None, self.index, -1))
        return FUNCTIONS[np.power](self, exponent)


_EXACT = (int, float)
_sum = np.sum
_add_up: Any = np.add.reduce
_square = rules.square
_times_itself = rules.square.impl


# The constants of user's code as arrays, with which NumPy is faster than with Python's numbers.
_arrays: dict[float, Any] = {}


def _as_array(number: float) -> Any:
    """``number`` as an array without axes, remembered for the next time; but not the zeros, which are equal."""
    array = np.array(number)
    if number and len(_arrays) < 1000:
        _arrays[number] = array
    return array


def _binary_recorder(primitive: Elementwise, general: Any, reflected: bool) -> Any:
    """A binary operator that records itself; ``general`` is the way for everything out of the ordinary."""
    compute = primitive.impl
    reads = primitive.reads(0)

    def method(self: ReverseTracer, other: Any) -> Any:
        kind = type(other)
        trace = self.owner
        value = self.value
        if kind is ReverseTracer and other.owner is trace:
            parent = other.index
            partner = other = other.value
        elif kind in NUMBERS:
            parent = NUMBER
            partner = other
            if kind is float and type(value) is ndarray and value.dtype is DOUBLE:
                partner = _arrays.get(other)
                if partner is None:
                    partner = _as_array(other)
        elif kind is ndarray and not other.dtype.hasobject:
            parent = -1
            partner = other = keep(other, trace.copies) if reads else other
        else:
            return general(self, other)
        if reflected:
            y = compute(partner, value)
            entry = (primitive, y, other, value, parent, self.index)
        else:
            y = compute(value, partner)
            entry = (primitive, y, value, other, self.index, parent)
        result = ReverseTracer()  # `ReverseTrace.tracer`, written out.
        tape = trace.tape
        index = len(tape)
        tape.append(entry)
        result.index = index if tape[index] is entry else position(tape, entry, index)
        result.value = y
        result.owner = trace
        result.viewed = result.views = None
        return result

    return method


def _unary_recorder(primitive: Elementwise) -> Any:
    compute = primitive.impl

    def method(self: ReverseTracer) -> Any:
        value = self.value
        y = compute(value)
        return self.owner.tracer(y, (primitive, y, value, None, self.index, -1))

    return method


for _name, _primitive in (
    ("add", rules.add),
    ("sub", rules.subtract),
    ("mul", rules.multiply),
    ("truediv", rules.divide),
):
    for _method, _reflected in ((f"__{_name}__", False), (f"__r{_name}__", True)):
        _general = getattr(ArrayTracer, _method)
        setattr(ReverseTracer, _method, _binary_recorder(_primitive, _general, _reflected))
setattr(ReverseTracer, "__neg__", _unary_recorder(rules.negative))  # noqa: B010 -- typed as an operator otherwise

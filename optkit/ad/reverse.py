"""Reverse mode: recording what a function does on a tape, to sweep back over it.

While a function runs, each operation on a traced value is written to the tape as (primitive, where its operands stand
on the tape, result, operands, parameters); `optkit.ad.tape` then carries cotangents from the result to the inputs, one
step per entry (Griewank & Walther 2008, Evaluating Derivatives, 2nd ed., §3.3). Recording and sweeping are loops, so
the depth of a computation is limited by memory alone.

The operators of `ReverseTracer` write to the tape by themselves where their partner is a plain number, a plain array or
a value of the same trace; everything else takes the general way through `core.bind`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from optkit.ad.core import Trace, Tracer
from optkit.ad.dispatch import PLAIN, ArrayTracer
from optkit.ad.registry import FUNCTIONS, Constant, Elementwise, Primitive
from optkit.ad.rules import elementwise as rules
from optkit.ad.snapshot import Snapshot
from optkit.errors import EscapedTracerError

_NO_PARAMS: dict[str, Any] = {}


class _Closed:
    """Takes the place of a tape whose computation has ended."""

    def __len__(self) -> int:
        raise EscapedTracerError(
            "a traced value was used after the derivative computation that made it had ended; return it from the "
            "function that is differentiated, or keep ad.stop_gradient(x)"
        )


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

    def pull(self, i: int, ct: Any, y: Any, args: Any, params: dict[str, Any], times: Any = None) -> Any:
        return Parts(ct if j == params["which"] else None for j in range(len(args[0])))


_pick = _Pick("pick", lambda results, which: results[which])


class ReverseTrace(Trace):
    """Records what is done with its tracers."""

    __slots__ = ("snapshot", "tape")

    def __init__(self) -> None:
        super().__init__()
        self.tape: Any = []
        self.snapshot = Snapshot()

    def lift(self, value: Any) -> ReverseTracer:
        tape = self.tape
        tracer = ReverseTracer(value, self, len(tape))
        tape.append(None)
        return tracer

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        if isinstance(primitive, Constant):
            return primitive(*(self.strip(arg) for arg in args), **params)
        parents, values = [], []
        for i, arg in enumerate(args):
            if type(arg) is ReverseTracer and arg.owner is self:
                parents.append(arg.index)
                values.append(arg.value)
            else:
                parents.append(-1)
                values.append(self.snapshot.keep(arg) if primitive.reads(i) else arg)
        y = primitive(*values, **params)
        tracer = self._record(primitive, tuple(parents), y, values, params)
        if not isinstance(y, tuple):
            return tracer
        return tuple(self._record(_pick, (tracer.index,), part, (y,), {"which": j}) for j, part in enumerate(y))

    def strip(self, arg: Any) -> Any:
        """The value of a tracer of this trace; anything else as it is."""
        return arg.value if isinstance(arg, Tracer) and arg.owner is self else arg

    def _record(
        self, primitive: Primitive, parents: tuple[int, ...], y: Any, values: Sequence[Any], params: dict[str, Any]
    ) -> ReverseTracer:
        tape = self.tape
        tracer = ReverseTracer(y, self, len(tape))
        tape.append((primitive, parents, y, values, params))
        return tracer

    def close(self) -> Any:
        """End the recording and hand over the tape."""
        tape, self.tape = self.tape, _Closed()
        return tape


class ReverseTracer(ArrayTracer):
    """A value with its place on the tape."""

    __slots__ = ("index",)

    def __init__(self, value: Any, trace: ReverseTrace, index: int) -> None:
        self.value = value
        self.owner = trace
        self.index = index

    def __pow__(self, exponent: Any) -> Any:
        if type(exponent) in (int, float) and exponent == 2:
            return self._square()  # type: ignore[attr-defined]
        return FUNCTIONS[np.power](self, exponent)


def _binary_recorder(primitive: Elementwise, general: Any, reflected: bool) -> Any:
    """A binary operator that records itself; ``general`` is the way for everything out of the ordinary."""
    compute = primitive.impl
    reads = primitive.reads(0)

    def method(self: ReverseTracer, other: Any) -> Any:
        kind = type(other)
        trace = self.owner
        parent = -1
        if kind is ReverseTracer and other.owner is trace:
            parent = other.index
            other = other.value
        elif kind not in PLAIN:
            return general(self, other)
        elif kind is np.ndarray:
            if other.dtype.hasobject:
                return general(self, other)
            if reads:
                other = trace.snapshot.keep(other)
        tape = trace.tape
        index = len(tape)
        if reflected:
            y = compute(other, self.value)
            tape.append((primitive, (parent, self.index), y, (other, self.value), _NO_PARAMS))
        else:
            y = compute(self.value, other)
            tape.append((primitive, (self.index, parent), y, (self.value, other), _NO_PARAMS))
        return ReverseTracer(y, trace, index)

    return method


def _unary_recorder(primitive: Elementwise) -> Any:
    compute = primitive.impl

    def method(self: ReverseTracer) -> Any:
        value = self.value
        trace = self.owner
        tape = trace.tape
        index = len(tape)
        y = compute(value)
        tape.append((primitive, (self.index,), y, (value,), _NO_PARAMS))
        return ReverseTracer(y, trace, index)

    return method


for _name, _primitive in (("add", rules.add), ("sub", rules.subtract), ("mul", rules.multiply), ("truediv", rules.divide)):
    for _method in (f"__{_name}__", f"__r{_name}__"):
        _reflected = _method.startswith("__r")
        setattr(ReverseTracer, _method, _binary_recorder(_primitive, getattr(ArrayTracer, _method), _reflected))
ReverseTracer.__neg__ = _unary_recorder(rules.negative)  # type: ignore[attr-defined]
ReverseTracer._square = _unary_recorder(rules.square)  # type: ignore[attr-defined]

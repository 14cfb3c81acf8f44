"""Capturing: a function runs once on real values, and what it does with them is written down as a graph.

A `CaptureTracer` holds the value of this run and its place in the graph. Where Python asks a question (``if x > 0``,
``int(k)``, a mask as an index), the answer of this run is given, and kept as a *guard*: the graph stands for the
function wherever the questions have the same answers. Derivatives are captured like anything else: the traces of
forward and reverse mode are newer, so that their equations arrive here as those of plain NumPy.

Derivatives ask at every step whether a product is NaN, since an exact zero wins over an infinite partner
(`optkit.ad.primitives.strong_product`). A capture takes it that none is, and adds one guard: that no output is NaN.
Only where one is, the function is captured again, with products in which zeros win from the start.

An array that the function closes over becomes a constant of the graph. It is read where it is at every call, unless
the function has refilled it while it ran; then what was read is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from optkit.ad import primitives, tree
from optkit.ad.arguments import call
from optkit.ad.core import Trace, Tracer
from optkit.ad.dispatch import ArrayTracer
from optkit.ad.graph import Constant, Equation, Graph, Guard, Value
from optkit.ad.inplace import own
from optkit.ad.primitives import Primitive
from optkit.ad.rules.index import where
from optkit.ad.rules.shape import broadcast_to, transpose
from optkit.errors import EscapedTracerError, OptkitError


class CannotCaptureError(OptkitError):
    """The function cannot be captured in this call: it closes over a value that another transformation traces.

    `ad.jit` never lets this out: such a call runs eagerly.
    """


class Captured(NamedTuple):
    """What capturing gives: the graph, what the run returned, and how outputs are put together.

    Attributes
    ----------
    graph : Graph
    leaves : list
        The leaves of what the function returned in this run.
    structure : Structure or None
        How they were put together.
    """

    graph: Graph
    leaves: list[Any]
    structure: tree.Structure | None

    def result(self, outputs: Sequence[Any] | None = None) -> Any:
        """What the function returned, with other outputs of the graph in their places."""
        if outputs is None:
            return tree.unflatten(self.structure, self.leaves, derived=False)
        rest = iter(outputs)
        leaves = [next(rest) if is_number(leaf) else leaf for leaf in self.leaves]
        return tree.unflatten(self.structure, leaves, derived=False)


class Mending(Enum):
    """What is done about products that may be NaN where a zero should have won."""

    LATER = "one guard, on the outputs"
    ALWAYS = "zeros win in every product"
    ASKED = "a guard on every product"


class CaptureTrace(Trace):
    """Writes down what is done with its tracers."""

    takes_apart = True  # Sums and squares have machine code.
    __slots__ = ("constants", "ended", "inputs", "mending", "steps", "suspects")

    def __init__(self, mending: Mending) -> None:
        super().__init__()
        self.mending = mending
        self.suspects: set[Value] = set()
        self.steps: list[Equation | Guard] = []
        self.inputs: list[Value] = []
        # By where they lie, with the array itself (so that its memory is not used again): what they held, in turn.
        self.constants: dict[Any, tuple[Any, list[Constant]]] = {}
        self.ended = False

    def input(self, value: Any) -> CaptureTracer:
        """A tracer for an argument."""
        self.inputs.append(Value(np.shape(value), value.dtype))
        return CaptureTracer(value, self, self.inputs[-1])

    def lift(self, value: Any) -> CaptureTracer:
        if isinstance(value, np.ndarray) and value.size > 1 and np.all(value == value.flat[0]):
            value = np.broadcast_to(
                value.flat[0], value.shape
            )  # Zeros to be filled, most of the time.
        return CaptureTracer(value, self, self.constant(value))

    def constant(self, value: Any) -> Value:
        """The constant of the graph that stands for a number or an array."""
        if not isinstance(value, np.ndarray):
            return Constant(value)
        if value.size and value.ndim and not any(value.strides):  # One number, broadcast.
            return self._view(broadcast_to, Constant(value.flat[0]), {"shape": value.shape}, value)
        if value.flags.f_contiguous and not value.flags.c_contiguous:
            axes = tuple(range(value.ndim))[::-1]
            return self._view(transpose, self.constant(value.T), {"axes": axes}, value)
        place = (value.ctypes.data, value.shape, value.strides, value.dtype)
        _, uses = self.constants.setdefault(place, (value, []))
        if not uses or not _same(uses[-1].data, value):
            uses.append(Constant(np.array(value)))
        return uses[-1]

    def read(self, value: Any) -> CaptureTracer:
        """A tracer for what an array holds now; see `optkit.ad.snapshot`."""
        node = self.constant(value)
        held = node.data if isinstance(node, Constant) else np.array(value)
        return CaptureTracer(held, self, node)

    def _view(self, primitive: Primitive, base: Value, params: dict[str, Any], like: Any) -> Value:
        """The equation that makes a view of a constant."""
        equation = Equation(primitive, (base,), params)
        equation.results = (Value(like.shape, like.dtype, equation),)
        self.steps.append(equation)
        return equation.result

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        if self.ended:
            raise EscapedTracerError(
                "a value of a captured function was used after it had been captured; return it from the function"
            )
        values, operands = [], []
        for arg in args:
            if isinstance(arg, Tracer) and arg.owner is self:
                values.append(arg.value)
                operands.append(arg.node)  # type: ignore[attr-defined]
            elif isinstance(arg, Tracer):
                raise CannotCaptureError("the function closes over a value that is being traced")
            else:
                values.append(arg)
                operands.append(self.constant(arg))
        if isinstance(primitive, primitives.Constant) and primitive.open_shape:
            return primitive.impl(
                *(a.answer() if isinstance(a, Tracer) else a for a in args), **params
            )
        y = primitive.impl(*values, **params)
        equation = Equation(primitive, tuple(operands), params)
        results = [r if hasattr(r, "dtype") else np.asarray(r)[()] for r in _several(y)]
        equation.results = tuple(Value(r.shape, r.dtype, equation) for r in results)
        self.steps.append(equation)
        tracers = tuple(map(self.tracer, results, equation.results))
        return tracers if isinstance(y, tuple) else tracers[0]

    def tracer(self, value: Any, node: Value) -> CaptureTracer:
        """A tracer of this trace."""
        return CaptureTracer(value, self, node)

    def graph(self, outputs: Sequence[Any]) -> Graph:
        """What was written down, with these outputs."""
        nodes = [
            y.node if isinstance(y, CaptureTracer) and y.owner is self else self.constant(y)
            for y in outputs
        ]
        for array, uses in self.constants.values():
            # Unchanged all along: read where it is.
            if len(uses) == 1 and _same(uses[0].data, array):
                uses[0].data = array
        return Graph(self.inputs, self.steps, nodes)


class CaptureTracer(ArrayTracer):
    """A value of the captured run, with its place in the graph."""

    __slots__ = ("node",)

    node: Value

    def __init__(self, value: Any, trace: CaptureTrace, node: Value) -> None:
        self.value = value
        self.owner = trace
        self.node = node
        self.viewed = self.views = None

    def answer(self) -> Any:
        """The plain value, which the graph is from now on only good for."""
        value = self.value
        if isinstance(self.node, Constant):
            return value
        expected = np.array(value) if isinstance(value, np.ndarray) and value.shape else value
        self.owner.steps.append(Guard(self.node, expected))
        return value

    def suspect(self) -> bool:
        trace = self.owner
        if trace.mending is Mending.ASKED:
            return bool(np.any(_plain(np.isnan)(self)))
        trace.suspects.add(self.node)
        return bool(trace.mending is Mending.ALWAYS)

    def __bool__(self) -> bool:
        truth = _plain(np.not_equal)(self, 0) if self.dtype.kind != "b" else self
        return bool(truth.answer())

    def __int__(self) -> int:
        return int(_plain(np.trunc)(self).answer() if self.dtype.kind == "f" else self.answer())

    def __index__(self) -> int:  # type: ignore[override]
        if self.dtype.kind not in "iu":
            super().__index__()
        return int(self.answer())

    def __floor__(self) -> int:
        return int(_plain(np.floor)(self).answer())

    def __ceil__(self) -> int:
        return int(_plain(np.ceil)(self).answer())

    def __trunc__(self) -> int:
        return int(_plain(np.trunc)(self).answer())

    def __round__(self, digits: int | None = None) -> Any:
        if digits is None:
            return int(_plain(np.rint)(self).answer())
        return _plain(np.round)(self, digits)


def _plain(function: Any) -> Any:
    """A function of NumPy, whose stubs know nothing of tracers."""
    return function


def capture(
    f: Callable[..., Any],
    arguments: Sequence[Any],
    dynamic: Callable[[list[Any]], Any] | None = None,
) -> Captured:
    """Run ``f`` on real values and write down what it does.

    Parameters
    ----------
    f : callable
    arguments : sequence of array or NumPy scalar
        What is to become the inputs of the graph.
    dynamic : callable, optional
        Puts tracers of the arguments together to ``(args, kwargs)`` of the call; as they are where it is left out.

    Returns
    -------
    Captured
    """
    captured = _run(f, arguments, dynamic, Mending.LATER)
    if captured is None:
        captured = _run(f, arguments, dynamic, Mending.ALWAYS)
    assert captured is not None
    return captured


def _run(
    f: Callable[..., Any],
    arguments: Sequence[Any],
    dynamic: Callable[[list[Any]], Any] | None,
    mending: Mending,
) -> Captured | None:
    """One run; None where an output is NaN that could have been mended."""
    trace = CaptureTrace(mending)
    tracers: list[Any] = [
        trace.input(x.copy() if isinstance(x, np.ndarray) else x) for x in arguments
    ]
    args, kwargs = dynamic(tracers) if dynamic is not None else (tracers, {})
    try:
        result = call(f, args, kwargs)
        leaves, structure = tree.flatten(result)
        leaves = [_stacked(leaf) for leaf in leaves]
        outputs = [leaf for leaf in leaves if is_number(leaf)]
        if mending is Mending.LATER and trace.suspects:
            tainted = _tainted(trace)
            if tainted is None:
                return _run(f, arguments, dynamic, Mending.ASKED)
            for y in outputs:
                if (
                    isinstance(y, CaptureTracer)
                    and y.node in tainted
                    and np.any(_plain(np.isnan)(y))
                ):
                    return None
        graph = trace.graph(outputs)
    finally:
        trace.ended = True
    plain = [
        own(y.value) if isinstance(y, CaptureTracer) and y.owner is trace else y for y in leaves
    ]
    return Captured(graph, plain, structure)


def _tainted(trace: CaptureTrace) -> set[Value] | None:
    """What depends on products that may be NaN; None where such a NaN could vanish on the way to the outputs."""
    tainted = set(trace.suspects)
    for step in trace.steps:
        if isinstance(step, Guard) or not any(v in tainted for v in step.operands):
            continue
        hides = (
            isinstance(step.primitive, primitives.Constant) or step.primitive.name in _NAN_HIDERS
        )
        if hides or (step.primitive is where and step.operands[0] in tainted):
            return None
        tainted.update(step.results)
    return tainted


# Where NaN goes in and a number may come out.
_NAN_HIDERS = frozenset({"fmax", "fmin", "power", "hypot"})


def _stacked(leaf: Any) -> Any:
    """A returned object array of tracers as one tracer; a tracer of an older trace cannot be captured."""
    if isinstance(leaf, np.ndarray) and leaf.dtype.hasobject:
        return np.positive(np.stack(leaf.ravel().tolist()).reshape(leaf.shape))
    if isinstance(leaf, Tracer) and not isinstance(leaf, CaptureTracer):
        raise CannotCaptureError("the function returned a value that is being traced")
    return leaf


def is_number(leaf: Any) -> bool:
    """Whether a leaf of a result is an output of the graph; anything else is returned as it was."""
    return isinstance(leaf, CaptureTracer | np.ndarray | np.generic | float | complex)


def _several(y: Any) -> tuple[Any, ...]:
    return y if isinstance(y, tuple) else (y,)


def _same(a: Any, b: Any) -> bool:
    return (
        a.shape == b.shape
        and a.dtype == b.dtype
        and bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
    )

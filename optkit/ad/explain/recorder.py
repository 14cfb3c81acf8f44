"""What a function did with its arguments: one run of it, as a list of operations.

A `Recorder` is a trace like that of forward or reverse mode, and sees the same primitives; all it does is write down
each operation as a `Node`. Trace tables, drawings and formulas are made from the nodes.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from optkit.ad import tree
from optkit.ad.arguments import Selection, call, output
from optkit.ad.core import Trace, is_of, primal
from optkit.ad.dispatch import ArrayTracer
from optkit.ad.inplace import own
from optkit.ad.primitives import Constant, Primitive
from optkit.errors import EscapedTracerError, InvalidInputError


@dataclass(eq=False, slots=True, repr=False)
class Node:
    """One operation and its result; without a primitive an input.

    Attributes
    ----------
    primitive : Primitive or None
        What was done.
    operands : tuple
        To what: nodes, and plain values for what does not depend on the inputs.
    params : dict
        Its parameters, such as an axis.
    value : array, number or tuple of them
        What came out.
    depth : int
        The length of the longest chain of operations from an input to here.
    name : str
        What it is called; empty until somebody gives it a name.
    """

    primitive: Primitive | None
    operands: tuple[Any, ...]
    params: dict[str, Any]
    value: Any
    depth: int
    name: str = ""

    def __repr__(self) -> str:
        what = self.primitive.name if self.primitive else "input"
        return f"<node {self.name or what}: {self.value!r}>"

    @property
    def parents(self) -> list[Node]:
        """The operands that are nodes, each once."""
        return list(dict.fromkeys(x for x in self.operands if isinstance(x, Node)))


class Recorder(Trace):
    """Writes down the operations on its tracers.

    Results without a derivative are plain values, as in reverse mode, but for those whose kind is among ``kinds``: "f",
    floats (rounding, signs), and "b", conditions. With "b" the run is also asked what it rests on: ``answers`` are the
    conditions that Python asked for, ``fixed`` the integers that came out (as positions and counts do), which are
    plain in any case, for indices must be.
    """

    __slots__ = ("answers", "ended", "fixed", "kinds", "nodes")

    def __init__(self, kinds: str = "") -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.answers: list[tuple[Node, Any]] = []
        self.fixed: list[Node] = []
        self.kinds = kinds
        self.ended = False

    def input(self, value: Any, name: str) -> RecordedTracer:
        """A tracer for a value that others are computed from."""
        return self._write(Node(None, (), {}, value, 0, name))

    def lift(self, value: Any) -> RecordedTracer:
        return self._write(Node(LIFTED, (np.array(value),), {}, value, 0))

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        if self.ended:
            raise EscapedTracerError(
                "a traced value was used after the run that it belongs to had ended; return it from the function"
            )
        ours = [isinstance(arg, RecordedTracer) and arg.owner is self for arg in args]
        values = [arg.value if mine else arg for arg, mine in zip(args, ours, strict=True)]
        y = primitive(*values, **params)
        if type(y) is complex:  # Python's own, of 1j and a np.float64, which is a float.
            y = np.complex128(y)
        if isinstance(primitive, Constant):
            kind = y.dtype.kind if isinstance(y, np.ndarray | np.generic) else ""
            if not kind or kind not in self.kinds:
                if "b" in self.kinds:
                    self.fixed.append(self._node(primitive, args, params, y))
                return y
        node = self._node(primitive, args, params, y)
        result = self._write(node)
        if not isinstance(y, tuple):
            return result
        return tuple(
            self._write(Node(PICK, (node,), {"which": i}, part, node.depth + 1))
            for i, part in enumerate(y)
        )

    def _node(
        self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], y: Any
    ) -> Node:
        operands: list[Any] = []
        for arg in args:
            if isinstance(arg, RecordedTracer) and arg.owner is self:
                operands.append(arg.node)
            else:  # A plain array may be overwritten later on by whoever owns it.
                operands.append(np.array(arg) if isinstance(arg, np.ndarray) else arg)
        depth = 1 + max(x.depth for x in operands if isinstance(x, Node))
        return Node(primitive, tuple(operands), params, y, depth)

    def _write(self, node: Node) -> RecordedTracer:
        self.nodes.append(node)
        truth = getattr(node.value, "dtype", None) == np.dtype(bool)
        kind = RecordedCondition if truth else RecordedTracer
        return kind(node.value, self, node)


_TO_INTEGER, _ROUND = Constant("int", int), Constant("round", round)
_FLOOR, _CEIL = Constant("floor", math.floor), Constant("ceil", math.ceil)
# An array that the function has made and assigns into.
LIFTED = Constant("constant", lambda value: value)
PICK = Primitive("pick", lambda results, which: results[which])


class RecordedTracer(ArrayTracer):
    """A value with the node that it is the result of."""

    __slots__ = ("node",)

    def __init__(self, value: Any, trace: Recorder, node: Node) -> None:
        self.value = value
        self.owner = trace
        self.node = node
        self.viewed = self.views = None

    def __bool__(self) -> bool:
        return bool(np.not_equal(self, 0))  # type: ignore[call-overload]  # dispatched by NumPy

    def __int__(self) -> int:
        return int(self._whole(_TO_INTEGER))

    def __trunc__(self) -> int:
        return int(self._whole(_TO_INTEGER))

    def __floor__(self) -> int:
        return int(self._whole(_FLOOR))

    def __ceil__(self) -> int:
        return int(self._whole(_CEIL))

    def __round__(self, digits: int | None = None) -> Any:
        return self._whole(_ROUND, *(() if digits is None else (digits,)))

    def _whole(self, primitive: Constant, *args: Any) -> Any:
        """What Python makes of the number."""
        return self.owner.process(primitive, (self, *args), {})

    def __getitem__(self, index: Any) -> Any:
        return super().__getitem__(_plain_masks(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(_plain_masks(index), value)


class RecordedCondition(RecordedTracer):
    """True or False, or an array of them. Its derivative is zero, so it may be used as plain values are.

    Where it is, what follows holds only as long as the answer stays the same, and that is written down.
    """

    __slots__ = ()

    def answer(self) -> Any:
        """The plain value, which somebody has asked for."""
        self.owner.answers.append((self.node, primal(self)))
        return primal(self)

    def __bool__(self) -> bool:
        return bool(self.answer())

    def __int__(self) -> int:
        return int(self.answer())

    __index__ = __int__  # type: ignore[assignment]

    def __float__(self) -> float:
        return float(self.answer())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.answer(), dtype=dtype)

    def __and__(self, other: Any) -> Any:
        return np.logical_and(self, other)

    def __or__(self, other: Any) -> Any:
        return np.logical_or(self, other)

    def __xor__(self, other: Any) -> Any:
        return np.logical_xor(self, other)

    def __invert__(self) -> Any:
        return np.logical_not(self)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__


def _plain_masks(index: Any) -> Any:
    """An index in which conditions that were recorded are plain masks."""
    if isinstance(index, tuple):
        return tuple(map(_plain_masks, index))
    return index.answer() if isinstance(index, RecordedCondition) else index


@dataclass(frozen=True)
class Record:
    """One run of a function.

    Attributes
    ----------
    selection : Selection
        The arguments, and how their leaves are put back together.
    inputs : list of Node
        The leaves of the arguments, named as the function names them.
    nodes : list of Node
        All of them, the inputs first, in the order of the run.
    outputs : list
        The leaves of the result: nodes, and plain values where one depends on no input.
    structure : Structure or None
        How they are put together.
    answers : list of (Node, bool or array)
        The conditions that the run depended on, and what they were.
    fixed : list of Node
        The integers that it depended on.
    """

    selection: Selection
    inputs: list[Node]
    nodes: list[Node]
    outputs: list[Any]
    structure: tree.Structure | None
    answers: list[tuple[Node, Any]]
    fixed: list[Node]

    def value(self) -> Any:
        """What the function returned."""
        plain = [own(y.value if isinstance(y, Node) else y) for y in self.outputs]
        return tree.unflatten(self.structure, plain, derived=False)

    def used(self, also: Sequence[Node] = ()) -> list[Node]:
        """The inputs, and the operations that an output, or one of ``also``, depends on, sorted by their depth."""
        needed = set(self.inputs)
        waiting = [*also, *(y for y in self.outputs if isinstance(y, Node))]
        while waiting:
            node = waiting.pop()
            if node.primitive is not None and node not in needed:
                waiting += node.parents
            needed.add(node)
        return sorted((node for node in self.nodes if node in needed), key=lambda node: node.depth)


def record(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    argnums: int | tuple[int, ...] | None,
    caller: str,
    kinds: str = "",
) -> Record:
    """Run ``f(*args)`` and write down what it does; ``argnums`` are the inputs, by default all arguments."""
    if not callable(f):
        raise InvalidInputError(f"ad.{caller}: the first argument must be a function, got {f!r}")
    if not args:
        raise InvalidInputError(
            f"ad.{caller}: give the arguments as well, as in ad.{caller}(f, 2.0, 5.0)"
        )
    numbers = tuple(range(len(args))) if argnums is None else argnums
    chosen = numbers if isinstance(numbers, tuple) else (numbers,)
    selection = Selection(args, chosen, caller)
    names = argument_names(f, len(args))
    paths = [path for n in chosen for path in _paths(args[n], names[n])]
    recorder = Recorder(kinds)
    inputs = [
        recorder.input(leaf, path) for leaf, path in zip(selection.leaves, paths, strict=True)
    ]
    nodes = [tracer.node for tracer in inputs]
    try:
        leaves, structure = tree.flatten(call(f, selection.arguments(inputs), {}))
        results = [output(leaf, f"the function given to ad.{caller}") for leaf in leaves]
    finally:
        recorder.ended = True
    outputs = [y.node if is_of(recorder, y) else y for y in results]
    return Record(
        selection, nodes, recorder.nodes, outputs, structure, recorder.answers, recorder.fixed
    )


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """What ``f`` calls its first so many arguments; x1, x2, … where it does not say."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # a function of C without a signature
        parameters = []
    positional = [
        p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return [positional[i] if i < len(positional) else f"x{i + 1}" for i in range(count)]


def _paths(argument: Any, name: str) -> Iterator[str]:
    """The names of the leaves of an argument, as Python would write them."""
    structure = tree.flatten(argument)[1]
    return _paths_in(structure, name)


def _paths_in(structure: tree.Structure | None, name: str) -> Iterator[str]:
    if structure is None:
        yield name
        return
    attributes = bool(structure.names) and not issubclass(structure.kind, dict)
    for key, part in zip(
        structure.names or range(len(structure.parts)), structure.parts, strict=True
    ):
        yield from _paths_in(part, f"{name}.{key}" if attributes else f"{name}[{key!r}]")

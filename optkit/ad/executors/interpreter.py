"""The NumPy executor: a graph as a straight line of NumPy calls, which write into buffers that are used again.

The line is compiled by Python once, so that a step costs what its NumPy call costs. An elementwise result is written
with ``out=`` into a buffer; a buffer is free again when nothing reads what it holds any more, nor a view of that.
Several calls may run at once: each takes a set of buffers of its own from a pool.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from optkit.ad.executors.forms import CallForm
from optkit.ad.executors.ufuncs import ufuncs
from optkit.ad.graph import Constant, Equation, Graph, Guard, Value
from optkit.ad.quiet import quiet

# Sets of buffers that are kept between calls: as many as threads are likely to run one function at once.
_KEPT = 4


class Program:
    """A graph ready to run.

    Attributes
    ----------
    kernels : dict
        What a report tells of the executor.
    buffer_bytes : int
        The memory that one call needs beside inputs and outputs.
    """

    def __init__(self, graph: Graph) -> None:
        writer = _Writer(graph)
        scope: dict[str, Any] = writer.scope
        exec(compile(writer.source, "<captured graph>", "exec"), scope)
        self._run: Callable[..., Any] = scope["run"]
        self._shapes = writer.buffers
        self._pool: deque[list[Any]] = deque(maxlen=_KEPT)
        self.kernels = {"NumPy calls": len(graph.equations)}
        self.buffer_bytes = sum(v.size * v.dtype.itemsize for v in self._shapes)

    def __call__(self, inputs: Sequence[Any]) -> list[Any] | None:
        """The outputs, None where a guard failed."""
        try:
            buffers = self._pool.pop()
        except IndexError:
            buffers = [np.empty(v.shape, v.dtype) for v in self._shapes]
        with quiet():  # As in machine code; and derivatives do not warn anyway.
            outputs: list[Any] | None = self._run(buffers, inputs)
        self._pool.append(buffers)
        return outputs


def program(graph: Graph, call: CallForm | None = None) -> Program:  # noqa: ARG001 -- calls go through Python
    """What runs the graph."""
    return Program(graph)


class _Writer:
    """The source of a program, and the names that it uses."""

    def __init__(self, graph: Graph) -> None:
        self.scope: dict[str, Any] = {"own": _own}
        self.buffers: list[Value] = []
        self._names: dict[Value, str] = {}
        self._holds: dict[
            Value, set[int]
        ] = {}  # Which buffers a value lies in, as a view of others too.
        self._readers: list[int] = []  # How many values lie in each buffer.
        self._free: dict[tuple[Any, ...], list[int]] = {}
        last = _last_uses(graph)
        lines = ["def run(buffers, inputs):"]
        if graph.inputs:
            names = ", ".join(self._name(v) for v in graph.inputs)
            lines.append(f"    {names}, = inputs")
        kept = set(graph.outputs)
        for place, step in enumerate(graph.steps):
            if isinstance(step, Guard):
                lines += self._guard(step)
            else:
                lines.append("    " + self._equation(step, kept))
            self._release(step, place, last)
        lines.append(f"    return [{', '.join(f'own({self._name(v)})' for v in graph.outputs)}]")
        self.source = "\n".join(lines)

    def _name(self, value: Value) -> str:
        if value not in self._names:
            name = f"v{len(self._names)}"
            self._names[value] = name
            if isinstance(value, Constant):
                self.scope[name] = value.data
        return self._names[value]

    def _add(self, prefix: str, thing: Any) -> str:
        name = f"{prefix}{len(self.scope)}"
        self.scope[name] = thing
        return name

    def _guard(self, guard: Guard) -> list[str]:
        holds = self._add("g", guard.holds)
        return [f"    if not {holds}({self._name(guard.value)}):", "        return None"]

    def _equation(self, equation: Equation, kept: set[Value]) -> str:
        operands = [self._name(v) for v in equation.operands]
        ufunc = ufuncs().get(equation.primitive)
        result = equation.results[0]
        if ufunc is not None and result.shape and result not in kept:
            place = self._buffer(result)
            self._hold(result, {place})
            call = f"{self._add('f', ufunc)}({', '.join(operands)}, out=buffers[{place}])"
        else:
            held = set[int]() if ufunc is not None else self._held(equation.operands)
            for value in equation.results:
                self._hold(value, held)
            function = ufunc if ufunc is not None and result.shape else equation.primitive.impl
            params = [f"{key}={self._add('p', p)}" for key, p in equation.params.items()]
            call = f"{self._add('f', function)}({', '.join(operands + params)})"
        names = ", ".join(self._name(v) for v in equation.results)
        return f"{names}{',' if len(equation.results) > 1 else ''} = {call}"

    def _buffer(self, value: Value) -> int:
        free = self._free.get((value.shape, value.dtype))
        if free:
            return free.pop()
        self.buffers.append(value)
        self._readers.append(0)
        return len(self.buffers) - 1

    def _held(self, values: Sequence[Value]) -> set[int]:
        return set().union(*(self._holds.get(v, set()) for v in values))

    def _hold(self, value: Value, buffers: set[int]) -> None:
        self._holds[value] = buffers
        for buffer in buffers:
            self._readers[buffer] += 1

    def _release(self, step: Equation | Guard, place: int, last: dict[Value, int]) -> None:
        """Free the buffers of what is not read any more behind this step."""
        values = (*step.operands, *step.results) if isinstance(step, Equation) else (step.value,)
        for value in dict.fromkeys(values):
            if last.get(value, place) > place:
                continue
            for buffer in self._holds.pop(value, ()):
                self._readers[buffer] -= 1
                if not self._readers[buffer]:
                    shape = self.buffers[buffer]
                    self._free.setdefault((shape.shape, shape.dtype), []).append(buffer)


def _last_uses(graph: Graph) -> dict[Value, int]:
    """Where each value is read for the last time; outputs at the very end."""
    last: dict[Value, int] = {}
    for place, step in enumerate(graph.steps):
        for value in step.operands if isinstance(step, Equation) else (step.value,):
            last[value] = place
    for value in graph.outputs:
        last[value] = len(graph.steps)
    return last


def _own(y: Any) -> Any:
    """An output in memory of its own."""
    return np.array(y) if isinstance(y, np.ndarray) else y

"""What passes are made of: a graph is read from front to back and written anew, with some values replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from optkit.ad.graph import Equation, Graph, Guard, Value
from optkit.ad.primitives import Primitive


class Rewriter:
    """Writes a new graph from an old one; ``replaced`` maps values of the old to those of the new."""

    def __init__(self, graph: Graph) -> None:
        self.old = graph
        self.replaced: dict[Value, Value] = {}
        self.steps: list[Equation | Guard] = []

    def new(self, value: Value) -> Value:
        """What stands for a value of the old graph in the new one."""
        return self.replaced.get(value, value)

    def emit(
        self,
        primitive: Primitive,
        operands: tuple[Value, ...],
        params: dict[str, Any],
        like: tuple[Value, ...],
    ) -> tuple[Value, ...]:
        """A new equation, whose results have the shapes and dtypes of ``like``."""
        equation = Equation(primitive, operands, params)
        equation.results = tuple(Value(v.shape, v.dtype, equation) for v in like)
        self.steps.append(equation)
        return equation.results

    def run(self, rule: Callable[[Rewriter, Equation, tuple[Value, ...]], Any]) -> Graph:
        """Apply ``rule(rewriter, equation, new operands)`` to each equation.

        It returns what takes the place of the results, or None where the equation stays as it is.
        """
        for step in self.old.steps:
            if isinstance(step, Guard):
                self.steps.append(Guard(self.new(step.value), step.expected))
                continue
            operands = tuple(map(self.new, step.operands))
            results = rule(self, step, operands)
            if results is None:
                if operands == step.operands:  # Values compare by identity.
                    self.steps.append(step)
                    continue
                results = self.emit(step.primitive, operands, step.params, step.results)
            self.replaced.update(zip(step.results, results, strict=True))
        return Graph(list(self.old.inputs), self.steps, list(map(self.new, self.old.outputs)))

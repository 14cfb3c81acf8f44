"""Dead code, constants, common subexpressions."""

from __future__ import annotations

from typing import Any

import numpy as np

from optkit.ad.graph import Constant, Equation, Graph, Guard, Value
from optkit.ad.passes.rewriting import Rewriter


def drop_dead(graph: Graph) -> Graph:
    """Leave out the equations of which no output and no guard reads a result, and guards on constants."""
    needed = set(graph.outputs)
    kept: list[Equation | Guard] = []
    for step in reversed(graph.steps):
        if isinstance(step, Guard):
            needed.add(step.value)
        elif not any(result in needed for result in step.results):
            continue
        else:
            needed.update(step.operands)
        kept.append(step)
    return Graph(graph.inputs, kept[::-1], graph.outputs)


def fold_constants(graph: Graph) -> Graph:
    """Compute what depends on numbers alone. Arrays are not touched: they may be refilled between calls."""

    def rule(_: Rewriter, equation: Equation, operands: tuple[Value, ...]) -> Any:
        if not operands or not all(isinstance(v, Constant) for v in operands):
            return None
        numbers = [v.number for v in operands if isinstance(v, Constant)]
        if any(n is None for n in numbers):
            return None
        if any(result.shape for result in equation.results):
            return None
        with np.errstate(all="ignore"):
            y = equation.primitive.impl(*numbers, **equation.params)
        return tuple(Constant(np.asarray(r)[()]) for r in (y if isinstance(y, tuple) else (y,)))

    return Rewriter(graph).run(rule)


def merge_common(graph: Graph) -> Graph:
    """Compute equal expressions once; guards that repeat an earlier one go."""
    known: dict[Any, tuple[Value, ...]] = {}

    def rule(rewriter: Rewriter, equation: Equation, operands: tuple[Value, ...]) -> Any:
        params = _frozen(equation.params) if equation.params else ()
        key = (equation.primitive, tuple(map(_identity, operands)), params)
        if key in known:
            return known[key]
        if operands == equation.operands:
            known[key] = equation.results
            return None
        known[key] = rewriter.emit(equation.primitive, operands, equation.params, equation.results)
        return known[key]

    merged = Rewriter(graph).run(rule)
    seen: set[Any] = set()
    steps: list[Equation | Guard] = []
    for step in merged.steps:
        if isinstance(step, Guard):
            key = (_identity(step.value), _frozen(step.expected))
            if key in seen:
                continue
            seen.add(key)
        steps.append(step)
    return Graph(merged.inputs, steps, merged.outputs)


def _identity(value: Value) -> Any:
    """The same for values that are the same: constants by what they hold, numbers with their type and sign."""
    if not isinstance(value, Constant):
        return value
    number = value.number
    return id(value.data) if number is None else (type(number), repr(number))


def _frozen(thing: Any) -> Any:
    """A hashable stand-in for parameters."""
    if isinstance(thing, dict):
        return tuple((key, _frozen(part)) for key, part in thing.items())
    if isinstance(thing, tuple | list):
        return (type(thing), tuple(map(_frozen, thing)))
    if isinstance(thing, slice):
        return (slice, thing.start, thing.stop, thing.step)
    if isinstance(thing, np.ndarray):
        return (thing.shape, str(thing.dtype), thing.tobytes())
    try:
        hash(thing)
    except TypeError:
        return id(thing)
    return (type(thing), thing)

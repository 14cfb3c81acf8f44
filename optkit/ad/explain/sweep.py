"""Tangents and adjoints of a recorded run, step by step, each with the formula that it comes from."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from optkit.ad import tree
from optkit.ad.core import Tracer, primal
from optkit.ad.explain.formula import Writer, barred, dotted, shown, subscripted, variable
from optkit.ad.explain.recorder import PICK, Node, Record, Recorder
from optkit.ad.inplace import own
from optkit.ad.primitives import Constant
from optkit.ad.quiet import quiet
from optkit.ad.recording import finish_copy, matching, tangent_leaves
from optkit.ad.reverse import Parts

# A rule that takes more space than this is named, not written out.
_LONGEST_RULE = 56


class Step(NamedTuple):
    """One line of a trace: ``name = formula = value``."""

    name: str
    formula: str
    value: str


Rows = list[tuple[tuple[Step, ...], tuple[Step, ...]]]


def tangent_rows(run: Record, seed: Any, digits: int) -> tuple[Rows, Any]:
    """The rows of a trace in forward mode, and the tangent of the result."""
    trace = _Trace(run, digits)
    leaves = [_zeros(node.value) for node in run.inputs]
    if seed is None:
        leaves[0] = _first(leaves)
    else:
        leaves = tangent_leaves(run.selection, _tuple_of(seed), "trace_table")
    tangents: dict[Node, Any] = dict(zip(run.inputs, leaves, strict=True))
    rows: Rows = []
    for node in trace.steps:
        name = trace.names[node]
        if node.primitive is None:
            formula = dotted(node.name)
        else:
            formula, tangents[node] = trace.tangent(node, tangents)
        step = Step(dotted(name), formula, trace.shown(tangents[node]))
        rows.append(((trace.primal(node),), (step,)))
    slopes = []
    for name, y in trace.outputs():
        known = isinstance(y, Node)
        slopes.append(tangents[y] if known else _zeros(y))
        formula = dotted(trace.names[y]) if known else "0"
        step = Step(dotted(name), formula, trace.shown(slopes[-1]))
        rows.append(((trace.result(name, y),), (step,)))
    return rows, tree.unflatten(run.structure, list(map(own, slopes)), derived=False)


def adjoint_rows(run: Record, seed: Any, digits: int) -> tuple[Rows, Any]:
    """The rows of a trace in reverse mode, and the adjoints of the arguments."""
    trace = _Trace(run, digits)
    adjoints: dict[Node, Any] = {}
    below: Rows = []
    for (name, y), ct in zip(trace.outputs(), _cotangents(run, seed), strict=True):
        steps: tuple[Step, ...] = ()
        if isinstance(y, Node):
            formula, before = barred(name), adjoints.get(y)
            if before is not None:
                formula = f"{barred(trace.names[y])} + {formula}"
            adjoints[y] = ct if before is None else before + ct
            steps = (Step(barred(trace.names[y]), formula, trace.shown(adjoints[y])),)
        below.append(((trace.result(name, y),), steps))
    middle: Rows = [
        ((trace.primal(node),), tuple(reversed(trace.adjoints(node, adjoints))))
        for node in reversed(trace.steps)
        if node.primitive is not None
    ]
    above: Rows = []
    for node in run.inputs:
        value = adjoints.get(node)
        formula = "0" if value is None else barred(trace.names[node])
        total = _zeros(node.value) if value is None else value
        step = Step(barred(node.name), formula, trace.shown(total))
        above.append(((trace.primal(node),), (step,)))
    pairs = zip(run.inputs, run.selection.leaves, strict=True)
    found = [finish_copy(adjoints.get(node), leaf) for node, leaf in pairs]
    return above + middle[::-1] + below, run.selection.restore(found)


class _Trace:
    """The steps of a run with their names, and what the rules make of them."""

    def __init__(self, run: Record, digits: int) -> None:
        self.run = run
        self.digits = digits
        self.steps = run.used()
        self.inputs = set(run.inputs)
        first = 1 - len(run.inputs)
        self.names = {node: variable(first + i) for i, node in enumerate(self.steps)}
        self.write = Writer(digits, self.names)

    def shown(self, value: Any) -> str:
        return shown(value, self.digits)

    def primal(self, node: Node) -> Step:
        """The line of a step in the left column."""
        formula = subscripted(node.name) if node.primitive is None else self.write(node)
        return Step(self.names[node], formula, self.shown(node.value))

    def outputs(self) -> list[tuple[str, Any]]:
        """The results with their names."""
        outputs = self.run.outputs
        return [("y" if len(outputs) == 1 else f"y{i}", y) for i, y in enumerate(outputs, start=1)]

    def result(self, name: str, y: Any) -> Step:
        """The line of a result in the left column."""
        value = y.value if isinstance(y, Node) else y
        formula = self.names[y] if isinstance(y, Node) else "constant"
        return Step(subscripted(name), formula, self.shown(value))

    # --- forward ------------------------------------------------------------------------------------------------------

    def tangent(self, node: Node, tangents: dict[Node, Any]) -> tuple[str, Any]:
        """The formula of the tangent of a step, and its value."""
        primitive = node.primitive
        assert primitive is not None
        if isinstance(primitive, Constant):
            return "0", _zeros(node.value)
        operands = [tangents[x] if isinstance(x, Node) else None for x in node.operands]
        if primitive is PICK:
            assert operands[0] is not None
            part = operands[0][node.params["which"]]
            return f"{dotted(self.names[node.operands[0]])}[{node.params['which']}]", part
        named = " + ".join(
            f"{self._ratio(node, x)} · {dotted(self.names[x])}" for x in node.parents
        )
        with quiet():
            if _is_opaque(node):
                values = _values(node.operands)
                return named, primitive.push(node.value, values, operands, node.params, None)
            rule = _Rule(self, node)
            pushed = primitive.push(
                rule.result, rule.operands, rule.lifted(operands, dotted), node.params, None
            )
        return rule.formula(pushed) or named, primal(pushed)

    # --- reverse ------------------------------------------------------------------------------------------------------

    def adjoints(self, node: Node, known: dict[Node, Any]) -> list[Step]:
        """What a step passes on to its operands, in their order; adds it to what is ``known``."""
        ct = known.get(node)
        primitive = node.primitive
        if ct is None or primitive is None or isinstance(primitive, Constant):
            return []
        steps = []
        for i, x in enumerate(node.operands):
            if not isinstance(x, Node):
                continue
            before = known.get(x)
            formula, term = self._pulled(node, i, ct)
            name = barred(self.names[x])
            general = f"{barred(self.names[node])} {self._ratio(node, x)}"
            lead = "" if before is None else f"{name} + "
            formulas = [lead + text for text in (general, formula) if text]
            known[x] = term if before is None else before + term
            steps.append(Step(name, " = ".join(formulas), self.shown(known[x])))
        return steps

    def _ratio(self, node: Node, x: Node) -> str:
        return f"∂{self.names[node]}/∂{self.names[x]}"

    def _pulled(self, node: Node, i: int, ct: Any) -> tuple[str, Any]:
        """What a step passes on to its operand ``i``: the formula, empty where there is none, and the value."""
        primitive = node.primitive
        assert primitive is not None
        if primitive is PICK:
            count = len(node.operands[0].value)
            return "", Parts(ct if j == node.params["which"] else None for j in range(count))
        with quiet():
            if _is_opaque(node):
                return "", primitive.pull(i, ct, node.value, _values(node.operands), node.params)
            rule = _Rule(self, node)
            (seed,) = rule.lifted([ct], lambda _: barred(self.names[node]))
            pulled = primitive.pull(i, seed, rule.result, rule.operands, node.params)
        partial = primitive.partials[i] if primitive.partials is not None else ""
        if partial in (None, operator.neg):
            return f"{seed.node.name} × {'1' if partial is None else '(−1)'}", primal(pulled)
        return rule.formula(pulled), primal(pulled)


class _Rule:
    """One use of a rule, on recorded values: what it does can be read afterwards."""

    def __init__(self, trace: _Trace, node: Node) -> None:
        self.recorder = Recorder("f")
        self.names = [trace.names[x] if isinstance(x, Node) else "" for x in node.operands]
        self.digits = trace.digits
        boxes = {
            x: self.recorder.input(x.value, trace.names[x])
            for x in node.operands
            if isinstance(x, Node)
        }
        self.operands = [boxes[x] if isinstance(x, Node) else x for x in node.operands]
        self.result = self.recorder.input(node.value, trace.names[node])

    def lifted(self, derivatives: Sequence[Any], name: Any) -> list[Any]:
        """Tangents or adjoints as recorded values; None for those of constants."""
        return [
            None if d is None else self.recorder.input(d, name(own))
            for d, own in zip(derivatives, self.names, strict=False)
        ]

    def formula(self, y: Any) -> str:
        """What the rule has computed; empty where that is too long to be read."""
        if not isinstance(y, Tracer):
            return shown(y, self.digits)
        text = Writer(self.digits).operand(y.node)  # type: ignore[attr-defined]
        return text if len(text) <= _LONGEST_RULE else ""


def _is_opaque(node: Node) -> bool:
    """Whether the rule of a step cannot be read: it has several results, or is the user's own."""
    return isinstance(node.value, tuple)


def _values(operands: Sequence[Any]) -> list[Any]:
    return [x.value if isinstance(x, Node) else x for x in operands]


def _zeros(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_zeros, value))
    return np.zeros(np.shape(value), dtype=value.dtype)[()]


def _first(leaves: Sequence[Any]) -> Any:
    """The first leaf with a one as its first element, the others being zero."""
    leaf = np.array(leaves[0])
    leaf.reshape(-1)[:1] = 1
    return leaf[()]


def _tuple_of(seed: Any) -> tuple[Any, ...]:
    return seed if isinstance(seed, tuple) else (seed,)


def _cotangents(run: Record, seed: Any) -> list[Any]:
    """The adjoints of the results to start with."""
    values = [y.value if isinstance(y, Node) else y for y in run.outputs]
    if seed is None:
        leaves = [_zeros(value) for value in values]
        return [_first(leaves), *leaves[1:]]
    leaves = tree.flatten_as(seed, run.structure, "the seed")
    return [
        matching(ct, value, "the seed", "trace_table")
        for ct, value in zip(leaves, values, strict=True)
    ]

"""What is computed in which loop, and what is kept in memory.

Views (slices, transposes, broadcasts) are never computed: whoever reads one reads its base at another index. An
elementwise equation goes into the first loop over its shape that comes behind all that it reads; what is read only
inside that loop is a local variable there. Reductions, concatenations, assignments to an index and their transposes
are *entries*: a loop over the shape of an operand puts each of its elements where it belongs in the result. A sum of
arrays that are zero outside of a slice, the usual end of a gradient, is one array into which several loops add.
Anything else is an operation of its own.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from optkit.ad.exporting.c.expressions import is_elementwise
from optkit.ad.exporting.c.places import (
    VIEWS,
    Affine,
    Place,
    mixes_axes,
    picked,
    picked_shape,
)
from optkit.ad.graph import Constant, Equation, Graph, Guard, Value
from optkit.ad.rules import elementwise, index, shape
from optkit.ad.structured import assemble

Domain = tuple[int, ...]


@dataclass(eq=False)
class Entry:
    """For each ``place`` in ``domain`` an element of ``value`` goes to ``where(place)`` of ``target``.

    ``how`` is "=", or how it is joined to what is there: "+=", "max", …; "nan" is a test that leaves the function.
    ``scattered`` are positions in the first axis of the target, which take the place of the first index; ``start`` is
    where in ``value`` the domain begins, if not at its first element.
    """

    target: Value
    value: Value
    domain: Domain
    how: str
    where: Callable[[Place], Place]
    scattered: Value | None = None
    start: tuple[int, ...] = ()


@dataclass(eq=False)
class Loop:
    """A nest of loops over ``domain``; () is straight-line code for values of one element."""

    domain: Domain
    body: list[Equation | Entry] = field(default_factory=list)
    fills: list[Entry] = field(default_factory=list)


@dataclass(eq=False)
class Operation:
    """An equation that is loops of its own."""

    equation: Equation


Step = Loop | Operation | Guard


class Plan:
    """The steps of a graph.

    Attributes
    ----------
    steps : list of Loop, Operation or Guard
    stored : set of Value
        What lies in memory; other values of one element are local variables of the function, others those of a loop.
    shares : dict of Value to Value
        Of an assignment to an index: whose memory it goes on with.
    copies : dict of Value to Value
        Of a view that has to lie in memory in the order of its elements: the copy.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.steps: list[Step] = []
        self.stored: set[Value] = set()
        self.shares: dict[Value, Value] = {}
        self.copies: dict[Value, Value] = {}
        self._made: dict[Value, int] = {}
        self._by_domain: dict[Domain, list[int]] = {}
        self._pending: dict[Value, list[Equation | Value]] = {}
        self._local: set[Value] = set()
        self._placing = {
            shape.concatenate: self._concatenate,
            index.update: self._update,
            index.scatter_add: self._scatter,
            assemble: self._assemble,
        }
        steps = _live(graph)
        self._uses = Counter(graph.outputs)
        self._readers: dict[Value, Equation] = {}
        for step in steps:
            for value in step.operands if isinstance(step, Equation) else (step.value,):
                self._uses[value] += 1
                if isinstance(step, Equation):
                    self._readers[value] = step
        tests = {step: self._nan_test(step) for step in steps if isinstance(step, Guard)}
        skipped = {equation for test in tests.values() for equation in test}
        for step in steps:
            if isinstance(step, Guard):
                self._guard(step, tests[step])
            elif step not in skipped:
                self._equation(step)
        for output in graph.outputs:
            self._whole(output)

    # --- one equation -------------------------------------------------------------------------------------------------

    def _equation(self, equation: Equation) -> None:
        primitive, operands = equation.primitive, equation.operands
        if self._accumulates(equation):
            return
        if primitive in VIEWS:
            if mixes_axes(equation):
                self._lay_out(operands[0])
        elif primitive is index.gather or is_elementwise(equation):
            self._elementwise(equation)
        elif (how := reduction(equation)) is not None:
            self._reduce(equation, how)
        elif primitive in self._placing:
            self._placing[primitive](equation)
        else:
            for v in operands:
                self._whole(v)
            self.steps.append(Operation(equation))
            for value in equation.results:
                self._store(value)
                self._made[value] = len(self.steps) - 1

    def _guard(self, guard: Guard, test: list[Equation]) -> None:
        if not test:
            self._whole(guard.value)
            self.steps.append(guard)
            return
        (x,) = test[0].operands
        number = self._loop(x.shape, (x,))
        self._loop_at(number).body.append(Entry(guard.value, x, x.shape, "nan", list))

    def _nan_test(self, guard: Guard) -> list[Equation]:
        """The equations isnan and any where a guard says that no element is NaN, and nothing else reads them."""
        found: list[Equation] = []
        value = guard.value
        for name in ("any", "isnan"):
            made = value.origin
            if made is None or made.primitive.name != name or self._uses[value] != 1:
                return []
            found.insert(0, made)
            value = made.operands[0]
        return [] if guard.expected or len(found[1].operands) != 1 else found

    def _elementwise(self, equation: Equation) -> None:
        result = equation.result
        whole: Sequence[Value] = ()
        if equation.primitive is index.gather:
            self._lay_out(equation.operands[0])
            whole = [self.in_memory(equation.operands[0]), *equation.operands[1:]]
        number = self._loop(result.shape, whole or equation.operands, whole)
        self._loop_at(number).body.append(equation)
        self._made[result] = number
        self._local.add(result)

    def _lay_out(self, value: Value) -> None:
        """See to it that a value lies in memory in the order of its elements."""
        if value in self.copies or self.base(self.in_memory(value)) is self.in_memory(value):
            return
        self.copies[value] = copy = Value(value.shape, value.dtype)
        self._store(copy)
        self._enter([Entry(copy, value, value.shape, "=", list)], fill=False)

    def _reduce(self, equation: Equation, how: str) -> None:
        (x,) = equation.operands[:1]
        axes = equation.params.get("axis", tuple(range(x.ndim)))
        keep = equation.params.get("keepdims", False)
        zero = Affine()

        def where(place: Place) -> Place:
            if keep:
                return [zero if axis in axes else i for axis, i in enumerate(place)]
            return [i for axis, i in enumerate(place) if axis not in axes]

        self._enter([Entry(equation.result, x, x.shape, how, where)])
        if equation.result.size > 1:
            self._store(equation.result)

    def _concatenate(self, equation: Equation) -> None:
        axis, start, entries = equation.params["axis"], 0, []
        for v in equation.operands:

            def where(place: Place, start: int = start) -> Place:
                return [i.scaled(1, start) if n == axis else i for n, i in enumerate(place)]

            entries.append(Entry(equation.result, v, v.shape, "=", where))
            start += v.shape[axis]
        self._store(equation.result)
        self._enter(entries, fill=False)

    def _update(self, equation: Equation) -> None:
        x, v, *arrays = equation.operands
        template, result = equation.params["template"], equation.result
        self._store(result)
        base = self.base(x)
        if base is x and x in self.stored and self._uses[x] == 1:
            self.shares[result] = x
            first = self._made[x] + 1
        else:
            self._enter([Entry(result, x, x.shape, "=", list)], fill=False)
            first = self._made[result] + 1
        if arrays:
            self._whole(v)
            self.steps.append(Operation(equation))
            self._made[result] = len(self.steps) - 1
            return
        domain = picked_shape(template, x.shape)
        entry = Entry(result, v, domain, "=", lambda place: picked(template, x.shape, place))
        self._enter([entry], fill=False, first=first)

    def _assemble(self, equation: Equation) -> None:
        result, entries = equation.result, []
        for v, (start, low, high, strides) in zip(
            equation.operands, equation.params["places"], strict=True
        ):

            def where(place: Place, start: int = start, strides: Sequence[int] = strides) -> Place:
                total = Affine((), int(start))
                for i, stride in zip(place, strides, strict=True):
                    total = total + i.scaled(int(stride))
                return [*[Affine()] * (result.ndim - 1), total]

            domain = tuple(int(b) - int(a) for a, b in zip(low, high, strict=True))
            entries.append(Entry(result, v, domain, "+=", where, start=tuple(map(int, low))))
        self._store(result)
        self._enter(entries)

    def _scatter(self, equation: Equation) -> None:
        v, positions = equation.operands
        self._store(equation.result)
        self._whole(positions)
        entry = Entry(equation.result, v, v.shape, "+=", list, scattered=positions)
        self._enter([entry], reads=(positions,))

    # --- arrays into which several loops add --------------------------------------------------------------------------

    def _accumulates(self, equation: Equation) -> bool:
        """Whether an equation is a part of a sum of arrays that are zero outside of a slice."""
        result = equation.results[0]
        if equation.primitive is index.embed:
            terms: list[Equation | Value] = [equation]
        elif equation.primitive is elementwise.add and any(
            v in self._pending for v in equation.operands
        ):
            terms = []
            for v in equation.operands:
                terms += self._pending.pop(v, [v])
        else:
            return False
        reader = self._readers.get(result)
        if (
            self._uses[result] == 1
            and reader is not None
            and reader.primitive is elementwise.add
            and all(v.shape == result.shape and v.dtype == result.dtype for v in reader.operands)
            and reader.result.dtype == result.dtype
            and reader.operands[0] is not reader.operands[1]
        ):
            self._pending[result] = terms
            return True
        self._store(result)
        self._enter([self._term(result, term) for term in terms])
        return True

    def _term(self, target: Value, term: Equation | Value) -> Entry:
        if isinstance(term, Value):
            return Entry(target, term, target.shape, "+=", list)
        part, outer, at = term.operands[0], term.params["shape"], term.params["index"]
        domain = picked_shape(at, outer)
        return Entry(target, part, domain, "+=", lambda place: picked(at, outer, place))

    # --- loops --------------------------------------------------------------------------------------------------------

    def _enter(
        self,
        entries: list[Entry],
        *,
        fill: bool = True,
        first: int = 0,
        reads: Sequence[Value] = (),
    ) -> None:
        """Put entries of one target into loops; the target is filled before the first of them."""
        numbers = []
        for entry in entries:
            whole = (*reads, *((entry.value,) if entry.value.shape != entry.domain else ()))
            numbers.append(self._loop(entry.domain, (entry.value, *reads), whole, first))
            self._loop_at(numbers[-1]).body.append(entry)
        if fill and entries:
            self._loop_at(min(numbers)).fills.append(entries[0])
        if entries:
            self._made[entries[0].target] = max(numbers)

    def _loop(
        self, domain: Domain, reads: Sequence[Value], whole: Sequence[Value] = (), first: int = 0
    ) -> int:
        """The number of the first loop over that domain that may read these values; ``whole`` at any index."""
        domain = domain if math.prod(domain) != 1 else ()
        for v in reads:
            base = self.base(v)
            number = self._made.get(base, -1)
            if number >= 0:
                here = self._is_local(v, base, domain)
                if domain != () and any(v is w for w in whole):
                    here = False
                first = max(first, number if here else number + 1)
        numbers = self._by_domain.setdefault(domain, [])
        chosen = next((number for number in numbers if number >= first), len(self.steps))
        if chosen == len(self.steps):
            self.steps.append(Loop(domain))
            numbers.append(chosen)
        for v in reads:
            if self._made.get(self.base(v), chosen) != chosen or any(v is w for w in whole):
                self._whole(v)
        return chosen

    def _is_local(self, value: Value, base: Value, domain: Domain) -> bool:
        """Whether a loop over that domain has a value as a variable where it computes its base."""
        step = self.steps[self._made[base]]
        found = base in self._local and isinstance(step, Loop) and step.domain == domain
        return found and (domain == () or (base is value and value.shape == domain))

    def _loop_at(self, number: int) -> Loop:
        step = self.steps[number]
        assert isinstance(step, Loop)
        return step

    # --- where values lie ---------------------------------------------------------------------------------------------

    def base(self, value: Value) -> Value:
        """What a value is a view of."""
        while value.origin is not None and value.origin.primitive in VIEWS:
            if mixes_axes(value.origin):
                return self.base(self.in_memory(value.origin.operands[0]))
            (value,) = value.origin.operands
        return value

    def in_memory(self, value: Value) -> Value:
        """What lies in memory as the elements of a value, one behind the other: behind reshapes, or a copy."""
        while value not in self.copies:
            if value.origin is None or value.origin.primitive is not shape.reshape:
                return value
            (value,) = value.origin.operands
        return self.copies[value]

    def _whole(self, value: Value) -> None:
        """What is read outside of the loop that computes it has to be in memory."""
        base = self.base(value)
        if base.size > 1 and not isinstance(base, Constant) and base in self._made:
            self._store(base)

    def _store(self, value: Value) -> None:
        self.stored.add(value)


_REDUCTIONS = {"total": "+=", "sum": "+=", "max": "max", "min": "min", "prod": "*="}
_QUESTIONS = {"any": "|=", "all": "&="}


def reduction(equation: Equation) -> str | None:
    """How a reduction joins two elements, None for anything else."""
    name = equation.primitive.name
    if name in _QUESTIONS and len(equation.operands) == 1 and not equation.params:
        return _QUESTIONS[name]
    return _REDUCTIONS.get(name)


def _live(graph: Graph) -> list[Equation | Guard]:
    """The steps on which an element of an output or a guard depends."""
    needed = {v for v in graph.outputs if v.size}
    kept: list[Equation | Guard] = []
    for step in reversed(graph.steps):
        if isinstance(step, Guard):
            if not step.value.size:
                continue
            needed.add(step.value)
        elif needed.isdisjoint(step.results):
            continue
        else:
            needed.update(v for v in step.operands if v.size)
        kept.append(step)
    return kept[::-1]

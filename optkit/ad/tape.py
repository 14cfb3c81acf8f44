"""The two sweeps over a tape: cotangents backward, tangents forward.

An entry is ``(primitive, y, a, b, i, j)``. For the most frequent operations it is flat: of a `Binary` one ``y`` is the
result, ``a`` and ``b`` are its operands, ``i`` and ``j`` their positions on the tape, negative for one that is not
traced (`NUMBER` for a plain number, with which nothing is broadcast); of a `Unary` one, of a basic index and of a sum
over all elements ``a`` is the operand, ``b`` the parameters and ``i`` its position. For any other primitive ``a`` holds
the operands, ``b`` the parameters and ``i`` the positions. An input has no entry: an empty list stands in its place.

A cotangent has the shape of its value, or is a single number where it is the same for all elements, as below a sum: so
nothing is filled with copies of a number until an array is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import neg
from typing import Any

import numpy as np
from numpy import ndarray, zeros

from optkit.ad.core import Tracer
from optkit.ad.primitives import (
    Binary,
    Elementwise,
    Primitive,
    Unary,
    has_nan,
    strong_product,
    unbroadcast,
)
from optkit.ad.quiet import hush, quiet, unhush
from optkit.ad.rules.elementwise import add, multiply, square, subtract
from optkit.ad.rules.index import basic
from optkit.ad.rules.reduce import total as sum_of_all

# What the cotangent of a result begins with.
ONE = np.float64(1.0)
# The position of a plain number among the operands.
NUMBER = -2

Entry = tuple[Primitive, Any, Any, Any, Any, int]
Tape = list[Any]

# From this size on a tape is freed while it is swept, so that the sweep can use its memory.
_HEAVY_BYTES = 1 << 22


def pull_back(
    tape: Tape,
    seeds: dict[int, Any],
    inputs: int,
    once: bool = False,
    careful: bool = False,
    value: Any = 0.0,
) -> list[Any] | None:
    """Cotangents of the first so many places on the tape, the inputs; None where nothing depends on one.

    ``seeds`` maps positions to cotangents. The first sweep multiplies plainly; only if a result then shows NaN is it
    repeated with products in which an exact zero wins (`primitives.strong_product`), so that the rare case costs
    the common one nothing. A heavy tape that is swept only ``once`` is freed as the sweep passes; if NaN shows up then,
    the answer is None: record it again, and sweep it ``careful``-ly. Where the ``value`` itself is not finite, as at
    a pole, NaN is the honest slope and stays. (Below a finite number that a polynomial gave nobody looks for
    NaN: what is not finite anywhere in a polynomial makes its value not finite. Only a cotangent that overflows on the
    way can still meet a zero, and then shows as NaN.)
    """
    before = hush()
    try:
        freed = once and _is_heavy(tape)
        entries = _consume(tape) if freed else reversed(tape)
        cts, polynomial = _backward(tape, seeds, inputs, careful, entries)
        if careful or (polynomial and type(value) is np.float64):
            return cts
        for ct in cts:
            if has_nan(ct) and np.all(np.isfinite(value)):
                return None if freed else _backward(tape, seeds, inputs, True, reversed(tape))[0]
        return cts
    finally:
        unhush(before)


def _backward(  # noqa: C901, PLR0912, PLR0915 -- the one loop where a call more or less is felt, so it is written out
    tape: Tape, seeds: dict[int, Any], inputs: int, careful: bool, entries: Iterable[Any]
) -> tuple[list[Any], bool]:
    """One sweep over the ``entries`` of the tape, from the last to the first.

    Also whether it has met nothing but sums, differences, products and squares of values of one shape, and parts of
    inputs.
    """
    cts: list[Any] = [None] * len(tape)
    for index, seed in seeds.items():
        cts[index] = seed
    # 1 where the cotangent is an array made here, free to be added to in place.
    ours = bytearray(len(tape))
    found = cts[:inputs]
    polynomial = True
    for entry in entries:
        ct = cts.pop()
        if ct is None:
            continue
        if not entry:
            if len(cts) < inputs:
                found[len(cts)] = ct
            continue
        primitive, y, a, b, i, j = entry
        kind = type(primitive)
        if kind is Binary:
            first, second = primitive.partials
            # Whether no operand was broadcast.
            even = j == NUMBER or i == NUMBER or a.shape == b.shape
            if not even:
                polynomial = False
                if type(ct) is not ndarray:
                    ct = _filled(ct, y)
            elif primitive is not multiply and primitive is not add and primitive is not subtract:
                polynomial = False
            if i >= 0:
                if first is None:
                    term = ct
                else:
                    slope = first(y, a, b)
                    term = strong_product(ct, slope) if careful else ct * slope
                if not even and term.shape != a.shape:
                    term = _fitted(term, y, a)
                total = cts[i]
                cts[i] = term if total is None else total + term
            if j >= 0:
                if second is None:
                    term = ct
                elif second is neg:
                    term = -ct
                else:
                    slope = second(y, a, b)
                    term = strong_product(ct, slope) if careful else ct * slope
                if not even and term.shape != b.shape:
                    term = _fitted(term, y, b)
                total = cts[j]
                cts[j] = term if total is None else total + term
        elif kind is Unary:
            if primitive is square:
                # Twice a number costs less than twice an array.
                ct, slope = ct + ct, a
            else:
                polynomial = False
                slope = primitive.partials[0](y, a)
            term = strong_product(ct, slope) if careful else ct * slope
            total = cts[i]
            cts[i] = term if total is None else total + term
        elif primitive is basic:
            if i >= inputs:
                polynomial = False
            total = cts[i]
            if isinstance(ct, Tracer) or isinstance(total, Tracer):
                _pull(primitive, ct, y, (a,), b, (i,), cts)
                continue
            index = b["index"]
            if total is None:
                cts[i] = total = zeros(a.shape, ct.dtype)
                ours[i] = 1
                total[index] = ct
                continue
            if not ours[i] or type(total) is not ndarray or total.dtype is not ct.dtype:
                cts[i] = total = _own(total, ct, a.shape)
                ours[i] = 1
            part = total[index]
            if type(part) is ndarray:
                part += ct
            else:
                total[index] = part + ct
        elif primitive is sum_of_all:
            if isinstance(ct, Tracer):
                _pull(primitive, ct, y, (a,), b, (i,), cts)
                continue
            if type(ct) is ndarray:
                ct = ct[()]
            total = cts[i]
            cts[i] = ct if total is None else total + ct
        else:
            polynomial = False
            if type(ct) is not ndarray and kind is not Elementwise:
                ct = _filled(ct, y)
            accumulate = primitive.accumulate
            if accumulate is None or isinstance(y, Tracer):
                _pull(primitive, ct, y, a, b, i, cts)
                continue
            place = i[0]
            total = cts[place]
            if isinstance(ct, Tracer) or isinstance(total, Tracer):
                _pull(primitive, ct, y, a, b, i, cts)
                continue
            if not ours[place] or type(total) is not ndarray or total.dtype is not ct.dtype:
                cts[place] = total = _own(total, ct, a[0].shape)
                ours[place] = 1
            accumulate(total, ct, a, b)
    return found, polynomial


def _pull(
    primitive: Primitive, ct: Any, y: Any, args: Any, params: Any, parents: Any, cts: list[Any]
) -> None:
    """Add what an operation passes on to its operands to their cotangents."""
    for i, parent in enumerate(parents):
        if parent >= 0:
            term = primitive.pull(i, ct, y, args, params)
            total = cts[parent]
            cts[parent] = term if total is None else total + term


def _own(total: Any, ct: Any, shape: tuple[int, ...]) -> Any:
    """The cotangent ``total`` (None for zero) as an array made here, to which ``ct`` can be added in place."""
    if total is None:
        return np.zeros(shape, dtype=ct.dtype)
    made = np.empty(shape, dtype=np.result_type(total, ct))
    made[...] = total
    return made


def _filled(ct: Any, y: Any) -> Any:
    """A cotangent of the shape of ``y`` where it was one number for all elements."""
    if isinstance(ct, Tracer) or isinstance(y, np.generic | tuple):
        return ct
    return np.full(y.shape, ct) if type(y) is ndarray else np.broadcast_to(ct, y.shape)


def _fitted(term: Any, y: Any, operand: Any) -> Any:
    """What a result ``y`` passes on to an operand that was broadcast, or whose partner was."""
    return unbroadcast(term if term.shape == y.shape else np.broadcast_to(term, y.shape), operand)


def _consume(tape: Tape) -> Iterator[Any]:
    """The entries from the last to the first, each let go of when the next is asked for."""
    while tape:
        yield tape.pop()


def push_forward(
    tape: Tape, tangents: dict[int, Any], outputs: Sequence[int], k: int | None
) -> list[Any]:
    """Tangents of the ``outputs``, None where one depends on none of the seeds; ``k`` as in `registry`."""
    known: list[Any] = [None] * len(tape)
    for index, tangent in tangents.items():
        known[index] = tangent
    with quiet():
        for position, entry in enumerate(tape):
            if not entry:
                continue
            primitive, y, args, params, parents, last = entry
            if isinstance(primitive, Binary):
                args, params, parents = (args, params), {}, (parents, last)
            elif type(parents) is int:
                args, params, parents = (args,), params or {}, (parents,)
            operands = [known[p] if p >= 0 else None for p in parents]
            if any(t is not None for t in operands):
                known[position] = primitive.push(y, args, operands, params, k)
    return [known[i] for i in outputs]


def _is_heavy(tape: Tape) -> bool:
    """Whether the results on the tape take much memory, guessed from the one in the middle."""
    entry = tape[len(tape) // 2]
    return bool(entry) and len(tape) * getattr(entry[1], "nbytes", 0) > _HEAVY_BYTES

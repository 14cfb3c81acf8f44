"""The two sweeps over a tape: cotangents backward, tangents forward.

An entry is ``(primitive, y, a, b, i, j)``. For an elementwise primitive ``y`` is its result, ``a`` and ``b`` are its
operands, ``i`` and ``j`` their positions on the tape, −1 for one that is not traced (as is the missing second operand
of a unary one). These entries are flat because they are by far the most frequent. For any other primitive ``a`` holds
the operands, ``b`` the parameters and ``i`` the positions. An input has no entry: an empty list stands in its
place.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from optkit.ad.core import Tracer, primal
from optkit.ad.quiet import quiet
from optkit.ad.registry import Primitive, has_nan, strong_product, unbroadcast

Entry = tuple[Primitive, Any, Any, Any, Any, int]
Tape = list[Any]

# From this size on a tape is freed while it is swept, so that the sweep can use its memory.
_HEAVY_BYTES = 1 << 22


def pull_back(
    tape: Tape,
    seeds: dict[int, Any],
    inputs: int,
    *,
    once: bool = False,
    careful: bool = False,
    value: Any = 0.0,
) -> list[Any] | None:
    """Cotangents of the first so many places on the tape, the inputs; None where nothing depends on one.

    ``seeds`` maps positions to cotangents. The first sweep multiplies plainly; only if a result then shows NaN is it
    repeated with products in which an exact zero wins (`registry.strong_product`), so that the rare case costs the
    common one nothing. A heavy tape that is swept only ``once`` is freed as the sweep passes; if NaN shows up then,
    the answer is None: record it again, and sweep it ``careful``-ly. Where the ``value`` itself is not finite, as at
    a pole, NaN is the honest slope and stays.
    """
    with quiet():
        freed = once and _is_heavy(tape)
        cts = _backward(tape, seeds, inputs, careful, _consume(tape) if freed else reversed(tape))
        for ct in cts:
            if (
                ct is not None
                and not careful
                and has_nan(ct)
                and np.all(np.isfinite(primal(value)))
            ):
                return None if freed else _backward(tape, seeds, inputs, True, reversed(tape))
        return cts


def _backward(  # noqa: C901, PLR0912, PLR0915 -- the one loop where a call more or less is felt, so it is written out
    tape: Tape, seeds: dict[int, Any], inputs: int, careful: bool, entries: Iterable[Any]
) -> list[Any]:
    """One sweep over the ``entries`` of the tape, from the last to the first."""
    cts: list[Any] = [None] * len(tape)
    for index, seed in seeds.items():
        cts[index] = seed
    # 1 where the cotangent is an array made here, free to be added to in place.
    ours = bytearray(len(tape))
    found = cts[:inputs]
    for entry in entries:
        ct = cts.pop()
        if ct is None:
            continue
        if not entry:
            if len(cts) < inputs:
                found[len(cts)] = ct
            continue
        primitive, y, a, b, i, j = entry
        partials = primitive.partials
        if partials is None:
            place = i[0]
            total = cts[place]
            accumulate = primitive.accumulate
            if accumulate is None or isinstance(ct, Tracer) or isinstance(total, Tracer):
                _pull(primitive, ct, y, a, b, i, cts)
                continue
            if not ours[place] or type(total) is not np.ndarray or total.dtype is not ct.dtype:
                cts[place] = total = _own(total, ct, a[0].shape)
                ours[place] = 1
            accumulate(total, ct, a, b)
        elif len(partials) == 1:
            slope = partials[0](y, a)
            term = strong_product(ct, slope) if careful else ct * slope
            total = cts[i]
            cts[i] = term if total is None else total + term
        else:
            if i >= 0:
                partial = partials[0]
                if partial is None:
                    term = ct
                else:
                    slope = partial(y, a, b)
                    term = strong_product(ct, slope) if careful else ct * slope
                if term.shape != a.shape:
                    term = unbroadcast(term, a)
                total = cts[i]
                cts[i] = term if total is None else total + term
            if j >= 0:
                partial = partials[1]
                if partial is None:
                    term = ct
                elif partial is operator.neg:
                    term = -ct
                else:
                    slope = partial(y, a, b)
                    term = strong_product(ct, slope) if careful else ct * slope
                if term.shape != b.shape:
                    term = unbroadcast(term, b)
                total = cts[j]
                cts[j] = term if total is None else total + term
    return found


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
    return np.array(total, dtype=np.result_type(total, ct))


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
            if primitive.partials is not None:
                binary = len(primitive.partials) == 2
                args, parents, params = (
                    ((args, params), (parents, last), {}) if binary else ((args,), (parents,), {})
                )
            operands = [known[p] if p >= 0 else None for p in parents]
            if any(t is not None for t in operands):
                known[position] = primitive.push(y, args, operands, params, k)
    return [known[i] for i in outputs]


def _is_heavy(tape: Tape) -> bool:
    """Whether the results on the tape take much memory, guessed from the one in the middle."""
    entry = tape[len(tape) // 2]
    return bool(entry) and len(tape) * getattr(entry[1], "nbytes", 0) > _HEAVY_BYTES

"""The two sweeps over a tape: cotangents backward, tangents forward."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from optkit.ad.core import Tracer
from optkit.ad.registry import Primitive, has_nan, strong_product

# (primitive, positions of its operands on the tape or −1, result, operands, parameters); None for an input.
Entry = tuple[Primitive, tuple[int, ...], Any, Sequence[Any], dict[str, Any]]
Tape = list[Entry | None]

# A tape that holds more than this is freed entry by entry while the sweep passes.
_HEAVY_BYTES = 1 << 28


def pull_back(tape: Tape, seeds: dict[int, Any], inputs: Sequence[int], *, once: bool) -> list[Any]:
    """Cotangents of the ``inputs``, None where nothing depends on one; ``seeds`` maps positions to cotangents.

    The first sweep multiplies plainly; only if a result then shows NaN is it repeated with products in which an exact
    zero wins (`registry.strong_product`), so that the rare case costs the common one nothing. A heavy tape that is
    swept ``once`` goes carefully from the start and is freed as the sweep passes.
    """
    with np.errstate(all="ignore"):
        if once and _is_heavy(tape):
            return _backward(tape, seeds, inputs, strong_product, free=True)
        results = _backward(tape, seeds, inputs, operator.mul, free=False)
        if any(r is not None and has_nan(r) for r in results):
            results = _backward(tape, seeds, inputs, strong_product, free=False)
        return results


def _backward(tape: Tape, seeds: dict[int, Any], inputs: Sequence[int], times: Any, *, free: bool) -> list[Any]:
    cts: list[Any] = [None] * len(tape)
    for index, seed in seeds.items():
        cts[index] = seed
    ours = bytearray(len(tape))  # 1 where the cotangent is an array made here, free to be added to in place.
    for k in range(len(tape) - 1, -1, -1):
        ct, entry = cts[k], tape[k]
        if ct is None or entry is None:
            continue
        cts[k] = None
        if free:
            tape[k] = None
        primitive, parents, y, args, params = entry
        if primitive.accumulate is not None and not isinstance(ct, Tracer):
            parent = parents[0]
            if parent >= 0:
                cts[parent] = _accumulate(primitive, cts[parent], ours[parent], ct, args, params)
                ours[parent] = 1
            if len(parents) == 1:
                continue
            parents = (-1, *parents[1:])
        for i, parent in enumerate(parents):
            if parent < 0:
                continue
            term = primitive.pull(i, ct, y, args, params, times)
            total = cts[parent]
            if total is None:
                cts[parent] = term
            else:
                cts[parent] = total + term
                ours[parent] = 1
    return [cts[i] for i in inputs]


def _accumulate(
    primitive: Primitive, total: Any, ours: int, ct: Any, args: Sequence[Any], params: dict[str, Any]
) -> Any:
    """Add the cotangent of the first operand of ``primitive`` into ``total``, in place where that is possible."""
    assert primitive.accumulate is not None
    if total is None:
        total = np.zeros(np.shape(args[0]), dtype=ct.dtype)
    elif isinstance(total, Tracer) or total.dtype != ct.dtype:
        return total + primitive.pull(0, ct, None, args, params)
    elif not ours:
        total = np.array(total)
    primitive.accumulate(total, ct, *args, **params)
    return total


def push_forward(tape: Tape, tangents: dict[int, Any], outputs: Sequence[int], k: int | None) -> list[Any]:
    """Tangents of the ``outputs``, None where one depends on none of the seeds; ``k`` as in `registry`."""
    known: list[Any] = [None] * len(tape)
    for index, tangent in tangents.items():
        known[index] = tangent
    with np.errstate(all="ignore"):
        for position, entry in enumerate(tape):
            if entry is None:
                continue
            primitive, parents, y, args, params = entry
            operands = [known[p] if p >= 0 else None for p in parents]
            if any(t is not None for t in operands):
                known[position] = primitive.push(y, args, operands, params, k)
    return [known[i] for i in outputs]


def _is_heavy(tape: Tape) -> bool:
    """Whether the results on the tape take much memory, from a handful of them."""
    step = max(1, len(tape) // 4)
    sample = sum(getattr(entry[2], "nbytes", 0) for entry in tape[::step] if entry is not None)
    return sample * step > _HEAVY_BYTES

"""Dense Jacobians, by blocks of columns (forward) or row by row (reverse)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from optkit.ad import tree
from optkit.ad.arguments import Selection, call
from optkit.ad.capture import CaptureTracer
from optkit.ad.core import Tracer, primal
from optkit.ad.forward import ForwardTrace
from optkit.ad.recording import Recording, outputs
from optkit.ad.structured import StructuredTrace
from optkit.errors import InvalidInputError

# With no more inputs than this, forward mode is taken without finding out how many outputs there are.
_FEW_INPUTS = 16
# A block of directions is as wide as keeps a tangent of the size of the input below this many numbers …
_BLOCK_NUMBERS = 1 << 20
# … but no narrower than this.
_BLOCK_LEAST = 8


def value_and_jacobian(
    f: Callable[..., Any],
    selection: Selection,
    kwargs: dict[str, Any],
    mode: str,
    holomorphic: bool,
) -> tuple[Any, Any]:
    """The value and the Jacobian of one call: outputs' structure outside, inputs' inside."""
    leaves = selection.leaves
    complex_input = any(leaf.dtype.kind == "c" for leaf in leaves)
    n = sum(leaf.size for leaf in leaves)
    if mode == "auto" and n <= _FEW_INPUTS and not complex_input:
        mode = "forward"
    if mode != "forward" or complex_input:
        recording = Recording(f, selection, kwargs, selection.caller)
        values = recording.values
        complex_output = any(y.dtype.kind == "c" for y in values)
        if complex_input and complex_output and not holomorphic:
            raise InvalidInputError(
                f"ad.{selection.caller} of a complex result with respect to a complex argument needs "
                "holomorphic=True; for a function that is not complex differentiable, take real and imaginary parts "
                "as separate real arguments"
            )
        m = sum(y.size for y in values)
        # A real function of complex variables has no complex derivative; its rows come from reverse mode. A complex
        # function of real variables has real directions alone, so forward mode.
        by_rows = mode == "reverse" or (mode == "auto" and m < n)
        if (not complex_output) if complex_input != complex_output else by_rows:
            blocks = _by_rows(recording, values, leaves)
            return recording.value(), tree.unflatten(
                recording.structure, [selection.restore(row) for row in blocks], derived=False
            )
    values, structure, blocks = _by_columns(f, selection, kwargs, n)
    rows = [selection.restore(row) for row in blocks]
    return tree.unflatten(structure, values, derived=False), tree.unflatten(
        structure, rows, derived=False
    )


def _by_rows(recording: Recording, values: Sequence[Any], leaves: Sequence[Any]) -> list[list[Any]]:
    """For each output leaf and each input leaf the block of shape ``output.shape + input.shape``."""
    blocks = []
    for which, y in enumerate(values):
        rows = []
        for i in range(y.size):
            seeds = [np.zeros(v.shape, dtype=v.dtype) for v in values]
            seeds[which].reshape(-1)[i] = 1.0
            rows.append(recording.pull([seed[()] for seed in seeds]))
        whole = (
            [np.stack(parts) for parts in zip(*rows, strict=True)]
            if rows
            else [np.zeros(0)] * len(leaves)
        )
        blocks.append([_block(w, y.shape + x.shape, x) for w, x in zip(whole, leaves, strict=True)])
    return blocks


def _by_columns(
    f: Callable[..., Any], selection: Selection, kwargs: dict[str, Any], n: int
) -> tuple[list[Any], Any, list[list[Any]]]:
    """The same blocks, and the values with their structure, from runs with many directions at once."""
    leaves = selection.leaves
    compiled = any(map(_is_captured, leaves))
    width = n if compiled else max(_BLOCK_LEAST, _BLOCK_NUMBERS // max(n, 1))
    columns: list[list[Any]] = []
    for start in range(0, max(n, 1), max(width, 1)):
        k = min(width, n - start)
        trace: Any = StructuredTrace(k) if compiled else ForwardTrace(k)
        if compiled:
            firsts = np.cumsum([0, *(x.size for x in leaves)]).tolist()
            inputs = list(map(trace.seed, leaves, firsts[:-1]))
        else:
            seeds = _unit_directions(leaves, start, k)
            inputs = [trace.dual(x, seed) for x, seed in zip(leaves, seeds, strict=True)]
        try:
            results, structure = outputs(
                call(f, selection.arguments(inputs), kwargs), selection.caller
            )
        finally:
            trace.ended = True
        split = [trace.split(y) for y in results]
        columns.append([tangent for _, tangent in split])
    values = [value for value, _ in split]
    whole = [
        parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
        for parts in zip(*columns, strict=True)
    ]
    ends = np.cumsum([x.size for x in leaves]).tolist()
    return (
        values,
        structure,
        [
            [
                _block(tangent[..., end - x.size : end], (*np.shape(y), *x.shape), x)
                for x, end in zip(leaves, ends, strict=True)
            ]
            for y, tangent in zip(values, whole, strict=True)
        ],
    )


def _is_captured(x: Any) -> bool:
    """Whether a value is one of a function that is being compiled."""
    while isinstance(x, Tracer):
        if isinstance(x, CaptureTracer):
            return True
        x = x.value
    return False


def _block(derivatives: Any, shape: tuple[int, ...], x: Any) -> Any:
    """One block as the user gets it: of the kind and precision of the input, in memory of its own."""
    block = np.reshape(derivatives, shape)
    if isinstance(block, np.ndarray):
        block = np.array(
            block, dtype=x.dtype if block.dtype.kind == x.dtype.kind else None, order="C"
        )
    return block if shape or not isinstance(x, np.generic) else block[()]


def _unit_directions(leaves: Sequence[Any], start: int, k: int) -> Iterator[Any]:
    """Tangents of the leaves for the unit directions ``start, …, start + k − 1`` of all inputs laid end to end.

    The directions are the last axis, but the slowest in memory, so that NumPy's loops run along the values.
    """
    first = 0
    for x in leaves:
        seed = np.zeros((k, x.size), dtype=np.result_type(primal(x).dtype))
        for i in range(max(start, first), min(start + k, first + x.size)):
            seed[i - start, i - first] = 1.0
        first += x.size
        yield np.moveaxis(seed.reshape(k, *x.shape), 0, -1)

"""A function recorded once at a point, to be swept in either direction any number of times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from optkit.ad import tree
from optkit.ad.arguments import Selection, as_differentiable, call, output
from optkit.ad.core import Tracer, is_of
from optkit.ad.inplace import own
from optkit.ad.reverse import ReverseTrace
from optkit.ad.tape import ONE, pull_back, push_forward
from optkit.errors import InvalidInputError


class Recording:
    """The tape of one run of a function, with its inputs and outputs.

    Attributes
    ----------
    values : list
        The leaves of the result, without this recording's trace.
    structure : Structure or None
        How they were put together.
    """

    def __init__(
        self, f: Callable[..., Any], selection: Selection, kwargs: dict[str, Any], caller: str
    ) -> None:
        self._caller = caller
        self._selection = selection
        trace = ReverseTrace()
        inputs = [trace.lift(leaf) for leaf in selection.leaves]
        self._places = [tracer.index for tracer in inputs]
        try:
            results, self.structure = outputs(call(f, selection.arguments(inputs), kwargs), caller)
        finally:
            self._tape = trace.close()
        ours = [is_of(trace, y) for y in results]
        self._ends = [y.index if mine else None for y, mine in zip(results, ours, strict=True)]
        self.values = [y.value if mine else y for y, mine in zip(results, ours, strict=True)]

    def value(self) -> Any:
        """What the function returned."""
        return tree.unflatten(self.structure, [own(y) for y in self.values], derived=False)

    def pull(self, cotangents: Sequence[Any]) -> list[Any]:
        """The cotangents of the input leaves, given one for each output leaf."""
        seeds: dict[int, Any] = {}
        for end, ct in zip(self._ends, cotangents, strict=True):
            if end is not None:
                seeds[end] = seeds[end] + ct if end in seeds else ct
        results = pull_back(self._tape, seeds, len(self._places))
        assert (
            results is not None
        )  # Only a tape that is freed on the way may have to be recorded again.
        return list(map(finish_copy, results, self._selection.leaves))

    def push(self, tangents: Sequence[Any]) -> list[Any]:
        """The tangents of the output leaves, given one for each input leaf."""
        seeds = dict(zip(self._places, tangents, strict=True))
        results = iter(
            push_forward(self._tape, seeds, [end for end in self._ends if end is not None], None)
        )
        slopes = [None if end is None else next(results) for end in self._ends]
        return [
            np.zeros(y.shape, dtype=y.dtype)[()] if dy is None else own(dy)
            for y, dy in zip(self.values, slopes, strict=True)
        ]

    def pullback(self, cotangent: Any) -> tuple[Any, ...]:
        """One cotangent per argument, given one of the structure and shapes of the result."""
        leaves = tree.flatten_as(cotangent, self.structure, "the cotangent")
        checked = [
            matching(ct, y, "the cotangent", self._caller)
            for ct, y in zip(leaves, self.values, strict=True)
        ]
        result: tuple[Any, ...] = self._selection.restore(self.pull(checked))
        return result

    def pushforward(self, *tangents: Any) -> Any:
        """The tangent of the result, given one per argument."""
        return tree.unflatten(
            self.structure,
            self.push(tangent_leaves(self._selection, tangents, self._caller)),
            derived=False,
        )


def outputs(result: Any, caller: str) -> tuple[list[Any], tree.Structure | None]:
    """The checked leaves of what a function returned, and their structure."""
    leaves, structure = tree.flatten(result)
    return [output(leaf, f"the function given to ad.{caller}") for leaf in leaves], structure


def tangent_leaves(selection: Selection, tangents: tuple[Any, ...], caller: str) -> list[Any]:
    """The leaves of one tangent per selected argument, checked against the arguments."""
    if len(tangents) != len(selection.structures):
        raise InvalidInputError(
            f"ad.{caller}: {len(selection.structures)} arguments need as many tangents, got {len(tangents)}"
        )
    leaves = [
        leaf
        for tangent, (structure, _) in zip(tangents, selection.structures, strict=True)
        for leaf in tree.flatten_as(tangent, structure, "the tangent")
    ]
    return [
        matching(t, x, "the tangent", caller) for t, x in zip(leaves, selection.leaves, strict=True)
    ]


def matching(vector: Any, like: Any, what: str, caller: str) -> Any:
    """A tangent or cotangent, checked to have the shape of ``like`` and brought to its precision; a copy."""
    vector = as_differentiable(vector, f"{what} given to ad.{caller}")
    if np.shape(vector) != np.shape(like):
        raise InvalidInputError(
            f"{what} given to ad.{caller} has shape {np.shape(vector)}, but what it belongs to has {np.shape(like)}"
        )
    if isinstance(vector, Tracer):
        return own(vector)
    dtype = np.result_type(vector.dtype, like.dtype) if vector.dtype.kind == "c" else like.dtype
    return vector.astype(dtype)


def one_like(value: Any) -> Any:
    """Ones of the shape and kind of ``value``."""
    if type(value) is np.float64:
        return ONE
    if isinstance(value, np.generic):
        return type(value)(1)
    return np.ones(value.shape, dtype=value.dtype)


def finish(ct: Any, leaf: Any) -> Any:
    """A cotangent as the user gets it: of the kind and precision of the input, in memory of its own."""
    if (
        type(ct) is np.ndarray
        and ct.base is None
        and ct.dtype is leaf.dtype
        and type(leaf) is np.ndarray
    ):
        return ct
    return finish_copy(ct, leaf)


def finish_copy(ct: Any, leaf: Any) -> Any:
    """As `finish`, for a cotangent that may share memory with another one."""
    if ct is None:
        ct = np.zeros(leaf.shape, dtype=leaf.dtype)
    elif ct.shape != leaf.shape:  # One number for all elements.
        ct = np.full(leaf.shape, ct)
    if ct.dtype != leaf.dtype:
        # A real input keeps the real part: an imaginary change of it is not possible.
        ct = np.real(ct) if ct.dtype.kind == "c" and leaf.dtype.kind == "f" else ct
        ct = ct if isinstance(ct, Tracer) else ct.astype(leaf.dtype)
    if isinstance(ct, Tracer) or isinstance(leaf, Tracer):
        return own(ct)
    return ct[()] if isinstance(leaf, np.generic) else np.array(ct)

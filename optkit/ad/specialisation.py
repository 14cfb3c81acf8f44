"""The arguments of a compiled function, taken apart, and one specialisation of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from optkit.ad import tree
from optkit.ad.capture import Captured, is_number
from optkit.ad.core import Tracer
from optkit.ad.graph import Graph
from optkit.errors import InvalidTypeError


class Arguments(NamedTuple):
    """The arguments of one call.

    Attributes
    ----------
    dynamic : list
        Arrays and numbers, which the graph takes as inputs.
    key : tuple
        What a specialisation is good for: structures, shapes, dtypes and static values.
    rebuild : callable
        Puts other dynamic leaves in their places: ``dynamic → (args, kwargs)``.
    traced : bool
        Whether a leaf is being traced by another transformation.
    numbers : frozenset of int or None
        Where all arguments are arrays and floats given by position: which are floats.
    """

    dynamic: list[Any]
    key: Hashable
    rebuild: Callable[[Sequence[Any]], tuple[tuple[Any, ...], dict[str, Any]]]
    traced: bool
    numbers: frozenset[int] | None


def take_apart(
    args: tuple[Any, ...], kwargs: dict[str, Any], static: frozenset[int | str], name: str
) -> Arguments:
    """The arguments of a call of the function called ``name``; ``static`` holds positions and names."""
    dynamic: list[Any] = []
    key: list[Any] = []
    places: list[tuple[int | str, Any, list[Any]]] = []
    traced = False
    single = any(_is_single(a) for a in (*args, *kwargs.values()))
    named: list[tuple[int | str, Any]] = [*enumerate(args), *kwargs.items()]
    for where, argument in named:
        if where in static:
            key.append((where, _hashable(argument, where, name)))
            places.append((where, None, [argument]))
            continue
        leaves, structure = tree.flatten(argument)
        kept: list[Any] = []
        for leaf in leaves:
            traced = traced or _is_traced(leaf)
            # Beside arrays of single precision a plain number must stay one, or it would raise theirs.
            weak = single and type(leaf) in (float, complex)
            if _is_dynamic(leaf) and not weak:
                plain = _as_input(leaf)
                dynamic.append(plain)
                kept.append(_DYNAMIC)
                key.append((where, type(leaf), plain.dtype, plain.shape))
            else:
                kept.append(leaf)
                key.append((where, None if _is_traced(leaf) else _hashable(leaf, where, name)))
        key.append(structure)
        places.append((where, structure, kept))

    def rebuild(leaves: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        rest = iter(leaves)
        made = {
            where: tree.unflatten(s, [next(rest) if k is _DYNAMIC else k for k in kept])
            for where, s, kept in places
        }
        words = {where: value for where, value in made.items() if isinstance(where, str)}
        return tuple(made[i] for i in range(len(args))), words

    plain = not kwargs and len(dynamic) == len(args)
    plain = plain and all(type(a) is np.ndarray or type(a) is float for a in args)
    numbers = frozenset(i for i, a in enumerate(args) if type(a) is float) if plain else None
    return Arguments(dynamic, tuple(key), rebuild, traced, numbers)


class Specialisation:
    """A graph with what runs it.

    Attributes
    ----------
    graph, cleaned : Graph
        As captured, and behind the passes.
    program : callable
        ``inputs → outputs``, None where a guard failed.
    entry : callable or None
        Takes the arguments of the function as they come and gives its result, `NotImplemented` where it does not fit;
        the fast way past all that is done in Python.
    seconds : dict
        How long the steps of making it took.
    """

    def __init__(self, captured: Captured, cleaned: Graph, program: Any) -> None:
        self.graph = captured.graph
        self.cleaned = cleaned
        self.program = program
        self.calls = 0
        self.seconds: dict[str, float] = {}
        # The numbers of the captured run are not kept: only their places among what else it returned.
        leaves = [0.0 if is_number(leaf) else leaf for leaf in captured.leaves]
        self._captured = captured._replace(leaves=leaves)
        self.entry = program.entry() if hasattr(program, "entry") else None

    def __call__(self, inputs: Sequence[Any]) -> Any:
        """The result of the function, `MISSED` where a guard failed."""
        outputs = self.program(inputs)
        if outputs is None:
            return MISSED
        self.calls += 1
        return self._captured.result(outputs)


class _Missed:
    def __repr__(self) -> str:
        return "a guard failed"


MISSED = _Missed()
_DYNAMIC = object()


def _is_traced(leaf: Any) -> bool:
    if isinstance(leaf, Tracer):
        return True
    objects = isinstance(leaf, np.ndarray) and leaf.dtype.hasobject
    return objects and any(isinstance(element, Tracer) for element in leaf.flat)


def _is_single(leaf: Any) -> bool:
    """Whether a leaf is of a precision that a float64 number would raise."""
    return isinstance(leaf, np.ndarray | np.generic) and leaf.dtype.char in "efF"


def _is_dynamic(leaf: Any) -> bool:
    if isinstance(leaf, np.ndarray | np.generic):
        return leaf.dtype.kind in "fciub"
    return isinstance(leaf, float | complex)


def _as_input(leaf: Any) -> Any:
    if isinstance(leaf, np.ma.MaskedArray | np.matrix):
        raise InvalidTypeError(
            f"ad.jit takes plain arrays, got a {type(leaf).__name__}; use np.asarray(x) or x.filled(0)"
        )
    if isinstance(leaf, np.ndarray):
        native = leaf if leaf.dtype.isnative else leaf.astype(leaf.dtype.newbyteorder("="))
        return np.asarray(native)
    return leaf if isinstance(leaf, np.generic) else np.asarray(leaf)[()]


def _bounds(part: slice) -> tuple[Any, Any, Any]:
    return part.start, part.stop, part.step


def _hashable(value: Any, where: int | str, name: str) -> Hashable:
    """A static value with its type, since ``1 == True``, and as it is written, since ``0.0 == -0.0``."""
    if type(value) is tuple:
        return tuple(_hashable(part, where, name) for part in value)
    if isinstance(value, float | complex | np.inexact):
        return (type(value), repr(value))
    if isinstance(value, slice):
        return (slice, *(_hashable(part, where, name) for part in _bounds(value)))
    if isinstance(value, np.ndarray):
        raise InvalidTypeError(
            f"ad.jit({name}): argument {where!r} is an array of dtype {value.dtype}; pass one of floats, integers or "
            "bools, or close over it"
        )
    try:
        hash(value)
    except TypeError:
        raise InvalidTypeError(
            f"ad.jit({name}): argument {where!r} holds a {type(value).__name__}, which is neither an array nor a "
            "number and cannot be compared with that of another call: close over it, or make it hashable"
        ) from None
    return (type(value), value)

"""The arguments of a function as one vector: flattening them, and naming its components in a report."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.ad import tree
from optkit.ad.differences import FIRST_STEP
from optkit.errors import InvalidInputError, InvalidTypeError
from optkit.optimize.validation import as_real
from optkit.testing.comparison import Direction

Array = NDArray[np.float64]
Shape = tuple[int, ...]

# A variable of less than this is as good as zero: nothing could be seen at steps of its size.
_TINY = 1e-100


@dataclass(frozen=True)
class Coordinates:
    """Those of the arguments of a function that it is differentiated with respect to, as one vector of shape (n,).

    Attributes
    ----------
    args : tuple
        All arguments, as they came.
    single : bool
        Whether one argument was asked for, not a tuple of them.
    argnums : tuple of int
        The positions of the differentiated arguments,
    structures : tuple of tree.Structure or None
        and how each is put together of its leaves, None for a plain array or number.
    arrays, names : tuple
        The leaves of all of them as float64 arrays, and their names.
    """

    args: tuple[Any, ...]
    single: bool
    argnums: tuple[int, ...]
    structures: tuple[tree.Structure | None, ...]
    arrays: tuple[Array, ...]
    names: tuple[str, ...]

    @classmethod
    def of(
        cls, f: Callable[..., Any], args: tuple[Any, ...], argnums: int | tuple[int, ...]
    ) -> Coordinates:
        """Validate what `gradcheck` was called with."""
        if not args:
            raise InvalidInputError("gradcheck needs the point: gradcheck(f, x, ...) checks f at x")
        single = isinstance(argnums, int)
        wanted = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        if any(not -len(args) <= position < len(args) for position in wanted) or not wanted:
            raise InvalidInputError(
                f"argnums={argnums} does not fit gradcheck(f, *args) with {len(args)} arguments"
            )
        positions = tuple(position % len(args) for position in wanted)
        parameters = _parameter_names(f, len(args))
        structures, arrays, names = [], [], []
        for position in positions:
            leaves, structure = tree.flatten(args[position])
            paths = _paths(structure, parameters[position])
            structures.append(structure)
            names += paths
            arrays += [real_copy(leaf, path) for leaf, path in zip(leaves, paths, strict=True)]
        return cls(args, single, positions, tuple(structures), tuple(arrays), tuple(names))

    @property
    def start(self) -> Array:
        """The point, shape (n,)."""
        return np.concatenate([np.zeros(0), *(array.reshape(-1) for array in self.arrays)])

    def arguments(self, x: Any) -> list[Any]:
        """All arguments, with those that are differentiated taken from ``x``, which may be traced."""
        leaves, start = [], 0
        for array in self.arrays:
            piece = x[start : start + array.size]
            leaves.append(piece.reshape(array.shape) if array.shape else piece[0])
            start += array.size
        return self.assembled(leaves)

    def assembled(self, leaves: list[Any]) -> list[Any]:
        """All arguments, with these leaves in the places of those that are differentiated."""
        arguments, rest = list(self.args), iter(leaves)
        for position, structure in zip(self.argnums, self.structures, strict=True):
            arguments[position] = tree.unflatten(
                structure, list(islice(rest, _leaf_count(structure)))
            )
        return arguments

    def leaves_of(self, derivative: Any, name: str) -> list[Any]:
        """The leaves of a derivative that has the structure of the differentiated arguments."""
        parts = (derivative,) if self.single else derivative
        if not isinstance(parts, tuple | list) or len(parts) != len(self.argnums):
            raise InvalidInputError(
                f"{name} must return a tuple of {len(self.argnums)}, one derivative per entry of argnums"
            )
        return [
            leaf
            for part, structure in zip(parts, self.structures, strict=True)
            for leaf in tree.flatten_as(part, structure, f"the derivative that {name} returns")
        ]

    def labels(self) -> list[str]:
        """The names of the n components: ``x``, ``x[2]``, ``x[0, 1]``."""
        return [
            name + index
            for name, array in zip(self.names, self.arrays, strict=True)
            for index in indices(array.shape)
        ]

    def sizes(self) -> Array:
        """How large each component naturally is, shape (n,): its own size, that of its argument where it is zero, or 1.

        Powers of two, so that steps in units of them are exact.
        """
        pieces = [np.zeros(0)]
        for array in self.arrays:
            size = np.abs(array.reshape(-1))
            largest = np.max(size, initial=0.0)
            pieces.append(np.where(size > _TINY, size, largest if largest > _TINY else 1.0))
        sizes = np.concatenate(pieces)
        return np.exp2(np.floor(np.log2(np.where(np.isfinite(sizes), sizes, 1.0))))

    def direction(self, j: int) -> Direction:
        """The direction of component ``j``."""
        sizes = self.sizes()
        size = float(sizes[j])
        vector = np.zeros_like(sizes)
        vector[j] = size
        # A component may be small by chance: then steps of the size of the others, or of 1, tell more.
        wider = tuple(FIRST_STEP * other / size for other in (np.max(sizes), 1.0) if other > size)
        return Direction(vector, size, f"∂{self.labels()[j]}", wider)

    def random_directions(self, count: int, rng: np.random.Generator) -> list[Direction]:
        """``count`` directions in which every component takes a step of its own size, up or down at random."""
        sizes = self.sizes()
        return [
            Direction(sizes * rng.choice([-1.0, 1.0], len(sizes)), 1.0, f"∂(random direction {k})")
            for k in range(1, count + 1)
        ]


def _leaf_count(structure: tree.Structure | None) -> int:
    return 1 if structure is None else sum(_leaf_count(part) for part in structure.parts)


def _paths(structure: tree.Structure | None, path: str) -> list[str]:
    """The names of the leaves below ``path``: ``p["rate"]``, ``p.rate``, ``p[0]``."""
    if structure is None:
        return [path]
    if issubclass(structure.kind, dict):
        steps = [f"[{key!r}]" for key in structure.names]
    elif structure.names:
        steps = [f".{name}" for name in structure.names]
    else:
        steps = [f"[{i}]" for i in range(len(structure.parts))]
    return [
        leaf
        for part, step in zip(structure.parts, steps, strict=True)
        for leaf in _paths(part, path + step)
    ]


def indices(shape: Shape) -> list[str]:
    """The index of every entry of an array of that shape, as Python writes it; one empty string for a scalar."""
    if not shape:
        return [""]
    return [f"[{', '.join(map(str, index))}]" for index in np.ndindex(shape)]


def _parameter_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the first ``count`` positional parameters of ``f``, as far as it tells them."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # built in: some tell no signature
        parameters = []
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [parameter.name for parameter in parameters if parameter.kind in positional][:count]
    return names + [f"args[{i}]" for i in range(len(names), count)]


def real_copy(value: Any, name: str) -> Array:
    """A float64 copy of ``value``, or the reason why there is none."""
    if np.iscomplexobj(value):
        raise InvalidTypeError(
            f"{name} is complex; gradcheck takes derivatives of real functions of real arguments: "
            "check the real and the imaginary part, for example lambda x: f(x).real"
        )
    array = as_real(value, name)
    if array.dtype.kind == "b":
        raise InvalidTypeError(f"{name} is boolean, which has no derivative")
    return np.array(array, dtype=np.float64)

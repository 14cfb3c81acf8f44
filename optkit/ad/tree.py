"""Nested containers of numbers and arrays: dicts, lists, tuples, namedtuples and dataclasses.

`flatten` gives the leaves in order and a `Structure`, `unflatten` puts leaves back. Dicts keep their order.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from optkit.errors import InvalidInputError


class Structure(NamedTuple):
    """How a container was put together.

    Its type, the names of its parts (if any), the structures of its parts, and for a subclass of dict an empty one like
    it (which knows its default factory and the like).
    """

    kind: Any
    names: tuple[Any, ...]
    parts: tuple[Any, ...]
    empty: Any = None

    def __str__(self) -> str:
        shown = [_show(part) for part in self.parts]
        if self.names:
            shown = [f"{n}: {part}" for n, part in zip(self.names, shown, strict=True)]
        return f"{self.kind.__name__}({', '.join(shown)})"


def _show(structure: Structure | None) -> str:
    return "*" if structure is None else str(structure)


def flatten(tree: Any) -> tuple[list[Any], Structure | None]:
    """The leaves of ``tree`` and its structure, None for a single leaf."""
    if type(tree) is np.ndarray:
        return [tree], None
    leaves: list[Any] = []
    return leaves, _flatten(tree, leaves)


def _flatten(tree: Any, leaves: list[Any]) -> Structure | None:
    kind = type(tree)
    names: tuple[Any, ...] = ()
    children: Sequence[Any]
    empty = None
    if isinstance(tree, dict):
        names, children = tuple(tree), list(tree.values())
        if kind is not dict:
            empty = copy.copy(tree)
            empty.clear()
    elif isinstance(tree, list | tuple):
        names, children = tuple(getattr(tree, "_fields", ())), tree
    elif dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        names = tuple(field.name for field in dataclasses.fields(tree) if field.init)
        children = [getattr(tree, name) for name in names]
    else:
        leaves.append(tree)
        return None
    return Structure(kind, names, tuple(_flatten(child, leaves) for child in children), empty)


def unflatten(structure: Structure | None, leaves: Sequence[Any], *, derived: bool = True) -> Any:
    """The container of that structure with these leaves.

    A dataclass is made by calling it, so that what it derives from its fields follows from the leaves. Without
    ``derived``, for derivatives, of which nothing follows, only its fields are set, the derived ones to None.
    """
    return leaves[0] if structure is None else _unflatten(structure, iter(leaves), derived)


def _unflatten(structure: Structure | None, leaves: Iterator[Any], derived: bool) -> Any:
    if structure is None:
        return next(leaves)
    children = [_unflatten(part, leaves, derived) for part in structure.parts]
    kind, names = structure.kind, structure.names
    named = dict(zip(names, children, strict=True)) if names else {}
    if issubclass(kind, dict):
        if kind is dict:
            return named
        made = copy.copy(structure.empty)
        for name, child in named.items():  # `update` need not be what it is for a dict (Counter).
            made[name] = child
        return made
    if issubclass(kind, list | tuple):
        return kind(**named) if named else kind(children)
    if derived:
        return kind(**named)
    made = object.__new__(kind)
    for field in dataclasses.fields(kind):
        object.__setattr__(made, field.name, named.get(field.name))
    return made


def flatten_as(tree: Any, structure: Structure | None, what: str) -> list[Any]:
    """The leaves of ``tree``, which must have the given structure; ``what`` names it in the error."""
    leaves, found = flatten(tree) if structure is not None else ([tree], None)
    if found != structure:
        raise InvalidInputError(
            f"{what} must have the structure {_show(structure)}, got {_show(found)}"
        )
    return leaves


def tree_map(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same container with ``function`` applied to each leaf."""
    leaves, structure = flatten(tree)
    return unflatten(structure, [function(leaf) for leaf in leaves])

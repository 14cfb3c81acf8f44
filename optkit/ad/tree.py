"""Nested containers of numbers and arrays: dicts, lists, tuples, namedtuples and dataclasses.

`flatten` gives the leaves in order and a `Structure`, `unflatten` puts leaves back. Dicts keep their order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from optkit.errors import InvalidInputError


class Structure(NamedTuple):
    """How a container was put together: its type, the names of its parts (if any), the structures of its parts."""

    kind: Any
    names: tuple[Any, ...]
    parts: tuple[Any, ...]

    def __str__(self) -> str:
        inner = [f"{n}: {_show(p)}" for n, p in zip(self.names, self.parts, strict=True)] if self.names else [
            _show(p) for p in self.parts
        ]  # fmt: skip
        return f"{self.kind.__name__}({', '.join(inner)})"


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
    if isinstance(tree, dict):
        names, children = tuple(tree), list(tree.values())
    elif isinstance(tree, list | tuple):
        names, children = tuple(getattr(tree, "_fields", ())), tree
    elif dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        names = tuple(field.name for field in dataclasses.fields(tree) if field.init)
        children = [getattr(tree, name) for name in names]
    else:
        leaves.append(tree)
        return None
    return Structure(kind, names, tuple(_flatten(child, leaves) for child in children))


def unflatten(structure: Structure | None, leaves: Sequence[Any]) -> Any:
    """The container of that structure with these leaves."""
    return leaves[0] if structure is None else _unflatten(structure, iter(leaves))


def _unflatten(structure: Structure | None, leaves: Iterator[Any]) -> Any:
    if structure is None:
        return next(leaves)
    children = [_unflatten(part, leaves) for part in structure.parts]
    kind, names = structure.kind, structure.names
    if issubclass(kind, dict):
        return (
            kind(zip(names, children, strict=True))
            if kind is dict
            else _like_dict(kind, names, children)
        )
    if names:
        return kind(**dict(zip(names, children, strict=True)))
    return kind(children)


def _like_dict(kind: Any, names: tuple[Any, ...], children: list[Any]) -> Any:
    # A defaultdict or the like: made empty, then filled.
    made = kind()
    made.update(zip(names, children, strict=True))
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

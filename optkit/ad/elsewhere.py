"""The door from the operators to the backends, which are a room above them.

``ad.grad(f, backend="jax")`` is a convenience that goes against the direction of imports, so the room is looked up by
name, here only, and when an operator is made: what the native engine does in every call knows nothing of it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from optkit.ad.backends.base import Backend
    from optkit.ad.backends.operators import Operators

Choice: TypeAlias = "str | Backend"


def by_backend(backend: Choice) -> Operators | None:
    """The operators of another backend, or None for the native engine, which the caller is."""
    if type(backend) is str and backend in ("auto", "native"):
        return None
    room = importlib.import_module("optkit.ad.backends.operators")
    operators: Operators = room.Operators(backend)
    return operators

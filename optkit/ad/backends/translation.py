"""A function written in the terms of a backend, as a function of NumPy arrays: what optimizers and checks evaluate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.ad import tree
from optkit.ad.backends.base import Backend, Function, Shape


class Translated:
    """Takes x as a NumPy array of float64 and gives NumPy numbers; ``f`` sees the arrays of its backend.

    Parameters
    ----------
    backend : Backend
        Whose terms ``f`` is written in.
    f : callable
        ``f(x, *args)``.
    scalar : bool
        Whether a result of shape (1,) stands for a number. Otherwise results are flat.
    """

    def __init__(self, backend: Backend, f: Callable[..., Any], *, scalar: bool) -> None:
        self.backend = backend
        self.f = f
        self._scalar = scalar
        self._kept: tuple[Shape, tuple[Any, ...], Function] | None = None

    def __call__(self, x: Any, *args: Any) -> Any:
        f = self.prepared(np.shape(x), args)
        return self.backend.value(f, np.array(x, dtype=np.float64).reshape(-1))

    def flat(self, shape: Shape, args: tuple[Any, ...]) -> Function:
        """``f`` of a flat x, in the terms of the backend, with a flat result."""

        def flat(x: Any) -> Any:
            (piece,) = self.backend.unpack(x, [shape])
            packed, shapes = self.backend.pack(tree.flatten(self.f(piece, *args))[0])
            if self._scalar:
                return packed[0] if shapes == [(1,)] else packed
            return self.backend.namespace.stack([packed]) if shapes == [()] else packed

        return flat

    def prepared(self, shape: Shape, args: tuple[Any, ...]) -> Function:
        """The same, prepared, and kept for as long as shape and arguments are the same objects."""
        kept = self._kept
        if kept is not None and kept[0] == shape and _same(kept[1], args):
            return kept[2]
        f = self.backend.prepare(self.flat(shape, args), np.ones(int(np.prod(shape)))).f
        self._kept = (shape, args, f)
        return f


def translated(
    backend: Backend, f: Callable[..., Any], *, scalar: bool = False
) -> Callable[..., Any]:
    """``f`` for NumPy arrays: itself, where the backend's functions take them."""
    return f if backend.takes_numpy else Translated(backend, f, scalar=scalar)


def _same(old: tuple[Any, ...], new: tuple[Any, ...]) -> bool:
    return len(old) == len(new) and all(a is b for a, b in zip(old, new, strict=True))

"""Minibatches: a few rows of the data at a time, in an order that a seed decides."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.errors import InvalidInputError


class Minibatches:
    """Batches of rows of arrays, shuffled anew in every epoch.

    Batch k is a function of the seed and of k alone, so that a solve which is resumed from a checkpoint goes on with
    the batch that would have come next.

    Parameters
    ----------
    *arrays : array_like
        Data with the same number of rows; a batch is a tuple of as many arrays, or the array if there is one only.
    size : int
        Rows of a batch; the last one of an epoch may have fewer.
    epochs : int, optional
        How often the data are gone through; without end when left out.
    seed : int
        Of the order.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> rng = np.random.default_rng(0)
    >>> a = rng.standard_normal((200, 3))
    >>> b = a @ [1.0, -2.0, 0.5]
    >>> def loss(x, batch):
    ...     rows, targets = batch
    ...     return np.mean((rows @ x - targets) ** 2)
    >>> batches = optkit.optimize.Minibatches(a, b, size=20, epochs=40)
    >>> optkit.minimize(loss, np.zeros(3), method=optkit.optimize.SGD(0.05), batches=batches).x.round(3)
    array([ 1. , -2. ,  0.5])
    """

    def __init__(
        self, *arrays: Any, size: int = 32, epochs: int | None = None, seed: int = 0
    ) -> None:
        self.arrays = tuple(np.asarray(array) for array in arrays)
        if not self.arrays or any(not array.ndim for array in self.arrays):
            raise InvalidInputError(
                "Minibatches needs one or more arrays with rows; write Minibatches(x, y)"
            )
        rows = {len(array) for array in self.arrays}
        if len(rows) > 1 or rows == {0}:
            raise InvalidInputError(
                f"Minibatches: arrays must have the same number of rows, at least one; got {sorted(rows)}"
            )
        if size < 1:
            raise InvalidInputError(f"Minibatches: size must be at least 1, got {size}")
        self.rows, self.size, self.epochs, self.seed = rows.pop(), size, epochs, seed
        self._order = lru_cache(maxsize=2)(self._shuffled)

    @property
    def per_epoch(self) -> int:
        """Batches of an epoch."""
        return -(-self.rows // self.size)

    def _shuffled(self, epoch: int) -> NDArray[np.intp]:
        return np.random.default_rng([self.seed, epoch]).permutation(self.rows)

    def __getitem__(self, k: int) -> Any:
        epoch, within = divmod(k, self.per_epoch)
        if k < 0 or (self.epochs is not None and epoch >= self.epochs):
            raise IndexError(f"batch {k} of {self.epochs} epochs of {self.per_epoch} batches")
        chosen = self._order(epoch)[within * self.size : (within + 1) * self.size]
        batch = tuple(array[chosen] for array in self.arrays)
        return batch if len(batch) > 1 else batch[0]

    def __iter__(self) -> Iterator[Any]:
        for k in itertools.count():
            try:
                batch = self[k]
            except IndexError:
                return
            yield batch


class Feed:
    """Hands out batches one after the other, from anything indexed by number or iterable."""

    def __init__(self, batches: Any) -> None:
        self.source = batches
        self.drawn = 0
        self.indexed = isinstance(batches, Minibatches)
        if not self.indexed and not hasattr(batches, "__iter__"):
            raise InvalidInputError(
                f"batches must be iterable, got {batches!r}; write batches=Minibatches(x, y, size=32)"
            )
        self.iterator = None if self.indexed else iter(batches)

    def __next__(self) -> Any:
        try:
            batch = self.source[self.drawn] if self.iterator is None else next(self.iterator)
        except (IndexError, StopIteration):
            raise StopIteration from None
        self.drawn += 1
        return batch

    def skip(self, count: int) -> None:
        """Go on as if ``count`` batches had been handed out."""
        if self.iterator is not None:
            for _ in itertools.islice(self.iterator, count - self.drawn):
                pass
        self.drawn = count

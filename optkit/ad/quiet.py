"""Silence about floating-point exceptions while derivatives are computed, at a sixth of the cost of `numpy.errstate`.

An infinite slope (√x at 0) or an undefined one in a branch that was not taken is nothing to warn of; what becomes of it
is decided by the rules. NumPy keeps its error state in a context variable. Setting it once in an empty context shows
which variable that is and what "ignore everything" looks like; from then on the variable is set and reset directly,
where `numpy.errstate` would build the state anew each time, a noticeable part of a small gradient.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np


def _error_state() -> list[tuple[Any, Any]]:
    context = contextvars.Context()
    context.run(np.seterr, all="ignore")
    return list(context.items())


_found = _error_state()

hush: Callable[[], Any]
unhush: Callable[[Any], Any]
if len(_found) == 1:
    _variable, _ignore = _found[0]
    # Silence floating-point exceptions until `unhush` is called with the result; in a ``try`` with ``finally``.
    hush, unhush = partial(_variable.set, _ignore), _variable.reset
else:  # Should a NumPy keep its error state in another way, the official road is always open.
    hush, unhush = partial(np.seterr, all="ignore"), lambda before: np.seterr(**before)


class quiet:  # noqa: N801 -- reads as the function that it is used as
    """A context manager in which floating-point exceptions raise no warnings and no errors."""

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = hush()

    def __exit__(self, *exception: object) -> None:
        unhush(self._before)

"""Silence about floating-point exceptions while derivatives are computed, at a sixth of the cost of `numpy.errstate`.

An infinite slope (√x at 0) or an undefined one in a branch that was not taken is nothing to warn of; what becomes of it
is decided by the rules. NumPy keeps its error state in a context variable. Setting it once in an empty context shows
which variable that is and what "ignore everything" looks like; from then on the variable is set and reset directly,
where `numpy.errstate` would build the state anew each time, a noticeable part of a small gradient.
"""

from __future__ import annotations

import contextvars
from typing import Any

import numpy as np


def _error_state() -> list[tuple[Any, Any]]:
    context = contextvars.Context()
    context.run(np.seterr, all="ignore")
    return list(context.items())


_found = _error_state()


class _Quiet:
    """As ``np.errstate(all="ignore")``."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        variable, ignore = _found[0]
        self._token = variable.set(ignore)

    def __exit__(self, *exception: object) -> None:
        _found[0][0].reset(self._token)


def quiet() -> Any:
    """A context manager in which floating-point exceptions raise no warnings and no errors."""
    # Should a NumPy keep its error state in another way, the official road is always open.
    return _Quiet() if len(_found) == 1 else np.errstate(all="ignore")

"""What a test problem is: a function, its start, its known minimum, and its residuals where it has some."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A function to minimise, with its usual start and its known minimum.

    Attributes
    ----------
    name : str
        What tables call it.
    fun : callable
        From shape (n,) to a scalar.
    x0 : array of shape (n,)
        The usual starting point.
    x_min : array of shape (n,) or None
        A minimiser, the one that is usually found from ``x0``; None where only its value is known in the literature.
    f_min : float
        The least value known.
    residuals : callable or None
        From shape (n,) to shape (m,), with ``fun(x) = np.sum(residuals(x) ** 2)``, for least-squares problems.
    other_minima : tuple of float
        Values of known local minima, inf and values at infinity among them, that a correct method may end in.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit.testing.problems import Case
    >>> Case("parabola", lambda x: x[0] ** 2 + 1.0, np.ones(1), np.zeros(1), 1.0).name
    'parabola'
    """

    name: str
    fun: Callable[[Any], Any]
    x0: Array
    x_min: Array | None
    f_min: float
    residuals: Callable[[Any], Any] | None = None
    other_minima: tuple[float, ...] = ()


def least_squares_case(
    name: str,
    residuals: Callable[[Any], Any],
    x0: Any,
    x_min: Any = None,
    f_min: float = 0.0,
    other_minima: tuple[float, ...] = (),
) -> Case:
    """A sum of squares; residuals of shape (m,) make the case."""

    def fun(x: Any) -> Any:
        return np.sum(residuals(x) ** 2)

    solution = None if x_min is None else np.array(x_min, dtype=np.float64)
    return Case(name, fun, np.array(x0, dtype=np.float64), solution, f_min, residuals, other_minima)

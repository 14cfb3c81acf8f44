"""The function under test as the checks see it: a function of one vector, watched while it is evaluated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.errors import InvalidInputError
from optkit.testing.coordinates import Coordinates, real_copy

Array = NDArray[np.float64]


class Subject:
    """A function, the point at which it is checked, and what is learnt about it by evaluating it.

    Attributes
    ----------
    name : str
        What reports call it.
    coordinates : Coordinates
        Its arguments as one vector.
    shape : tuple of int
        The shape of its value.
    single_precision : bool
        Whether its value has fewer digits than float64.
    evaluations : int
        How often it was called for differences.
    mutates : bool
        Whether it was seen to change its argument.
    """

    def __init__(self, f: Callable[..., Any], coordinates: Coordinates) -> None:
        name = getattr(f, "__name__", type(f).__name__)
        self.name = "f" if name == "<lambda>" else name
        self.coordinates = coordinates
        self.evaluations = 0
        self.mutates = False
        self._f = f
        value = self._call(coordinates.start)
        self.shape = np.shape(value)
        self.single_precision = in_single_precision(value)

    @property
    def symbol(self) -> str:
        """The letter of the function in the names of entries."""
        return self.name if len(self.name) == 1 else "f"

    def values(self, x: Array) -> Array:
        """The value at ``x`` as a flat float64 array, shape (m,); ``x`` is not changed."""
        try:
            returned = self._call(x)
        except Exception as error:
            error.add_note(f"raised while gradcheck evaluated {self.name} at a point nearby: {x}")
            raise
        value = real_copy(returned, f"the value of {self.name}")
        if value.shape != self.shape:
            raise InvalidInputError(
                f"{self.name} returned shape {self.shape} at first and shape {value.shape} at a point nearby; "
                "a function with a derivative returns one shape"
            )
        return value.reshape(-1)

    def traceable(self, x: Any) -> Any:
        """The same for a backend: takes what a backend puts in the place of x, returns a scalar or shape (m,)."""
        value = self._f(*self.coordinates.arguments(x))
        if isinstance(value, list | tuple):
            # An array to us, as to NumPy; a backend might see a container of scalars.
            value = np.stack(value)
        return np.reshape(value, (-1,)) if len(self.shape) > 1 else value

    def _call(self, x: Array) -> Any:
        mine = x.copy()
        # What is not finite is told by the report, entry by entry.
        with np.errstate(all="ignore"):
            value = self._f(*self.coordinates.arguments(mine))
        self.evaluations += 1
        self.mutates |= not np.array_equal(mine, x, equal_nan=True)
        # A function may return its argument, or a buffer that it fills again at the next call.
        return value.copy() if isinstance(value, np.ndarray) else value


def in_single_precision(value: Any) -> bool:
    """Whether ``value`` is an array or number of float32 or float16."""
    return getattr(value, "dtype", None) in (np.float32, np.float16)

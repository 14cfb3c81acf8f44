"""The function under test as the checks see it: a function of one vector, watched while it is evaluated."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.ad import tree
from optkit.ad.backends import Backend
from optkit.errors import InvalidInputError
from optkit.testing.coordinates import Coordinates, real_copy

Array = NDArray[np.float64]

# Of the natural size of a variable; its square is lost beside 1.
_COMPLEX_STEP = 1e-100


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

    def __init__(
        self, f: Callable[..., Any], coordinates: Coordinates, backend: Backend | None = None
    ) -> None:
        name = getattr(f, "__name__", type(f).__name__)
        self.name = "f" if name == "<lambda>" else name
        self.coordinates = coordinates
        self.evaluations = 0
        self.mutates = False
        self._f = f
        # Whose arrays the function wants, where it is not written in NumPy.
        self._backend = None if backend is None or backend.takes_numpy else backend
        if self._backend is not None:
            self._prepared = self._backend.prepare(self.traceable, coordinates.start)
        value = self._call(coordinates.start)
        self.shape = np.shape(value)
        self.single_precision = in_single_precision(value)

    @property
    def symbol(self) -> str:
        """The letter of the function in the names of entries."""
        return self.name if len(self.name) == 1 else "f"

    @functools.cached_property
    def deterministic(self) -> bool:
        """Whether two values at the same point are the same."""
        first, second = self.values(self.coordinates.start), self.values(self.coordinates.start)
        return np.array_equal(first, second, equal_nan=True)

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
        if self._backend is not None:
            leaves = self._backend.unpack(x, [array.shape for array in self.coordinates.arrays])
            value = self._f(*self.coordinates.assembled(leaves))
            return self._backend.pack(tree.flatten(value)[0])[0]
        value = self._f(*self.coordinates.arguments(x))
        if isinstance(value, list | tuple):
            # An array to us, as to NumPy; a backend might see a container of scalars.
            value = np.stack(value)
        return np.reshape(value, (-1,)) if len(self.shape) > 1 else value

    def complex_slope(self, v: Array) -> Array | None:
        """The slope along v by a complex step, shape (m,); None where the function does not take complex numbers."""
        if self._backend is not None or not self.deterministic:
            return None
        x = self.coordinates.start
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("error")  # a cast that drops the imaginary part warns
                moved = self._f(*self.coordinates.arguments(x + 1j * _COMPLEX_STEP * v))
        except Exception:  # whatever it is, real numbers do without
            return None
        self.evaluations += 1
        if not np.iscomplexobj(moved) or np.shape(moved) != self.shape:
            return None
        slope: Array = np.imag(np.reshape(moved, (-1,))) / _COMPLEX_STEP
        return slope

    def _call(self, x: Array) -> Any:
        self.evaluations += 1
        if self._backend is not None:
            return self._prepared.value(x)
        mine = x.copy()
        # What is not finite is told by the report, entry by entry.
        with np.errstate(all="ignore"):
            value = self._f(*self.coordinates.arguments(mine))
        self.mutates |= not np.array_equal(mine, x, equal_nan=True)
        # A function may return its argument, or a buffer that it fills again at the next call.
        return value.copy() if isinstance(value, np.ndarray) else value


def in_single_precision(value: Any) -> bool:
    """Whether ``value`` is an array or number of float32 or float16."""
    return getattr(value, "dtype", None) in (np.float32, np.float16)

"""A case: a function, the points at which its derivative is proven, and an oracle that knows it by other means."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Domain:
    """Where an operand is sampled: a union of intervals, and what makes a matrix of the kind that is needed.

    The samples of one operand keep a distance to each other, so that no two are tied.
    """

    pieces: tuple[tuple[float, float], ...]
    matrix: Callable[[Array], Array] | None = None

    def sample(self, random: np.random.Generator, shape: Shape) -> Array:
        """An array of that shape."""
        size = math.prod(shape)
        part = (random.permutation(size) + random.uniform(0.25, 0.75, size)) / max(size, 1)
        ends = np.cumsum([0.0, *(high - low for low, high in self.pieces)])
        x = np.zeros(size)
        for start, end, (low, _) in zip(ends[:-1], ends[1:], self.pieces, strict=True):
            at = part * ends[-1] - start
            x = np.where((at >= 0.0) & (at < end - start), low + at, x)
        x = x.reshape(shape)
        return x if self.matrix is None else self.matrix(x)


def _dominant(x: Array) -> Array:
    return x + 2.0 * np.eye(x.shape[-1])


def _graded(x: Array) -> Array:
    return x * (0.5 + np.arange(x.size, dtype=float).reshape(x.shape) ** 2 / 16.0)


REAL = Domain(((-2.0, 2.0),))
NONZERO = Domain(((-2.0, -0.2), (0.2, 2.0)))
POSITIVE = Domain(((0.2, 3.0),))
UNIT = Domain(((-0.9, 0.9),))
ABOVE_ONE = Domain(((1.2, 3.0),))
FRACTION = Domain(((-1.9, -1.1), (-0.9, -0.1), (0.1, 0.9), (1.1, 1.9)))  # no integers
BETWEEN = Domain(((-0.6, -0.4), (0.4, 0.6)))  # apart from FAR by 0.2
FAR = Domain(((-1.0, -0.8), (-0.2, 0.2), (0.8, 1.0)))
UNEVEN = Domain(NONZERO.pieces, _graded)  # sums of rows and columns are far from each other, too
REGULAR = Domain(((-0.6, 0.6),), _dominant)


@dataclass(frozen=True)
class Case:
    """A function, the shapes and domains of its operands, and how well its derivative can be known.

    Attributes
    ----------
    name : str
        The function with its keywords and shapes, unique in the table.
    function : callable
        Takes one array per operand and gives an array or a number.
    shapes, domains : tuple
        Of the operands.
    layout : {"C", "F", "strided"}
        How the operands lie in memory.
    analytic : bool
        Whether the function takes complex numbers and is complex differentiable, so that the complex step gives its
        derivative to the last digit; otherwise extrapolated differences give about ten.
    objects : bool
        Whether NumPy makes an array of single traced values on the way, by functions such as ``np.array([x[0]])``;
        what it makes of float32 there is its own affair.
    ulps : int
        By how many units in the last place (of the largest number around) its value under differentiation may differ
        from the plain one.
    reason : str
        Why the row is an exception, where it is one.
    """

    name: str
    function: Callable[..., Any]
    shapes: tuple[Shape, ...]
    domains: tuple[Domain, ...]
    layout: str = "C"
    analytic: bool = True
    objects: bool = False
    ulps: int = 0
    reason: str = ""

    @property
    def family(self) -> str:
        """The name without shapes and keywords."""
        return self.name.partition("[")[0]

    def arguments(self, dtype: Any = np.float64) -> tuple[Array, ...]:
        """The operands: the same ones at every call, in new memory."""
        random = np.random.default_rng(sum(map(ord, self.name)))
        return tuple(
            _laid_out(domain.sample(random, shape).astype(dtype), self.layout)
            for domain, shape in zip(self.domains, self.shapes, strict=True)
        )

    def directions(self, dtype: Any = np.float64) -> tuple[Array, ...]:
        """A direction of the order of 1 for each operand."""
        random = np.random.default_rng(sum(map(ord, self.name)) + 1)
        return tuple(random.uniform(-1.0, 1.0, shape).astype(dtype) for shape in self.shapes)

    def slope(self) -> Array:
        """The derivative at ``arguments()`` along ``directions()``, by the oracle."""
        x, v = self.arguments(), self.directions()

        def along(t: complex) -> Array:
            return np.asarray(self.function(*(a + t * d for a, d in zip(x, v, strict=True))))

        return along(1e-30j).imag / 1e-30 if self.analytic else extrapolated_slope(along)

    @property
    def accuracy(self) -> float:
        """The relative accuracy of `slope`."""
        return 1e-12 if self.analytic else 1e-8


def extrapolated_slope(along: Callable[[float], Array]) -> Array:
    """The derivative at 0 by central differences, extrapolated to step 0 (Richardson), without an error bar."""
    steps = [2.0**-k for k in range(12, 16)]
    table = [(along(h) - along(-h)) / (2.0 * h) for h in steps]
    for order in range(1, len(steps)):
        factor = 4.0**order
        table = [(factor * b - a) / (factor - 1.0) for a, b in itertools.pairwise(table)]
    return table[0]


def _laid_out(x: Array, layout: str) -> Array:
    if layout == "F":
        return np.asfortranarray(x)
    if layout == "strided":
        spread = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), dtype=x.dtype)
        spread[..., ::2] = x
        return spread[..., ::2]
    return x

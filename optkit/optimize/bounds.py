"""Simple bounds lᵢ ≤ xᵢ ≤ uᵢ, and what optimality means under them.

A variable is *held* where it sits on a bound and descent points out of the box: xᵢ = lᵢ with gᵢ > 0, or xᵢ = uᵢ
with gᵢ < 0. Held variables do not count; x is stationary when the gradient of the others, the *projected gradient*,
is zero (J. Nocedal & S. J. Wright, Numerical Optimization, 2nd ed., §16.7). lᵢ = uᵢ fixes a variable.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from optkit.errors import InvalidInputError
from optkit.optimize.validation import Vector, as_real

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Box:
    """The points between two ends, which may be infinite and may coincide.

    Attributes
    ----------
    lower, upper : ndarray of shape (n,)
        The ends, lower ≤ upper.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit.optimize import Box
    >>> box = Box.of([(0.0, 1.0), (None, 2.0)], 2)
    >>> box.project(np.array([-3.0, 5.0]))
    array([0., 2.])
    >>> box.projected_gradient(np.array([0.0, 1.0]), np.array([7.0, 7.0]))
    array([0., 7.])
    """

    lower: Vector
    upper: Vector

    @classmethod
    def of(cls, bounds: Any, n: int) -> Box:
        """The box of `scipy.optimize.Bounds`, of pairs (low, high), or a box as it is, for n variables."""
        if isinstance(bounds, Box):
            sides: list[Any] = [bounds.lower, bounds.upper]
        elif isinstance(bounds, scipy.optimize.Bounds):
            sides = [bounds.lb, bounds.ub]
        else:
            sides = _sides(bounds, n)
        ends = [as_real(side, "bounds") for side in sides]
        for end in ends:
            if end.shape not in ((), (1,), (n,)):
                raise InvalidInputError(
                    f"bounds have shape {end.shape}, but there are {n} variables; "
                    f"give Bounds scalars or {n} entries"
                )
        low, high = (np.broadcast_to(end, (n,)).astype(np.float64) for end in ends)
        wrong = ~(low <= high) | (low == np.inf) | (high == -np.inf)
        if wrong.any():
            i = int(np.argmax(wrong))
            text = "nan; write None for no bound"
            if low[i] > high[i]:
                text = f"lower {low[i]} > upper {high[i]}"
            elif low[i] == high[i]:
                text = f"no finite number lies between {low[i]} and {high[i]}"
            raise InvalidInputError(f"bounds of x[{i}]: {text}")
        return cls(low, high)

    @property
    def is_everything(self) -> bool:
        """Whether there is no finite bound."""
        return bool(np.isinf(self.lower).all() and np.isinf(self.upper).all())

    @property
    def restricts(self) -> bool:
        """Whether a variable that is not fixed has a bound."""
        bounded = np.isfinite(self.lower) | np.isfinite(self.upper)
        return bool((bounded & (self.lower < self.upper)).any())

    def project(self, x: Vector) -> Vector:
        """The nearest point of the box."""
        projected: Vector = np.minimum(np.maximum(x, self.lower), self.upper)
        return projected

    def admit(self, x0: Vector) -> Vector:
        """A start, moved into the box with a warning where it lies outside."""
        inside = self.project(x0)
        if not np.array_equal(inside, x0):
            i = int(np.argmax(inside != x0))
            warnings.warn(
                f"x0[{i}] = {x0[i]} is outside of the bounds and was moved to them",
                RuntimeWarning, 3,
            )  # fmt: skip
        return inside

    def interior(self, x: Vector, reach: Vector) -> tuple[Vector, Vector]:
        """A point near x, and a reach in the directions of ``reach``, such that point ± reach is in the box."""
        with np.errstate(invalid="ignore"):
            room = np.minimum(np.abs(reach), 0.5 * (self.upper - self.lower))
        center = np.minimum(np.maximum(x, self.lower + room), self.upper - room)
        return center, np.copysign(room, reach)

    def free(self, x: Vector, grad: Vector) -> Mask:
        """Which variables are not held at a bound by the gradient, shape (n,)."""
        held = ((x <= self.lower) & (grad >= 0.0)) | ((x >= self.upper) & (grad <= 0.0))
        mask: Mask = ~(held | (self.lower == self.upper))
        return mask

    def projected_gradient(self, x: Vector, grad: Vector) -> Vector:
        """The gradient, zero where a variable is held, shape (n,)."""
        projected: Vector = np.where(self.free(x, grad), grad, 0.0)
        return projected

    def reach(self, x: Vector, direction: Vector) -> float:
        """The largest t for which x + t · direction is in the box; inf when it never leaves."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ahead = np.where(direction > 0.0, self.upper - x, self.lower - x) / direction
        return float(np.min(ahead, initial=np.inf, where=direction != 0.0))


def _sides(bounds: Any, n: int) -> list[Any]:
    """The lower and the upper ends of a sequence of pairs (low, high), None standing for infinity."""
    try:
        pairs = [(low, high) for low, high in bounds]
    except (TypeError, ValueError):
        raise InvalidInputError(
            f"bounds must be one pair (low, high) for each of the {n} variables, got {bounds!r}; "
            "write bounds=[(0.0, 1.0), (None, 2.0), ...]"
        ) from None
    if len(pairs) != n:
        raise InvalidInputError(
            f"bounds must be one pair (low, high) for each of the {n} variables, got {len(pairs)}; to give all "
            f"variables the same, write bounds=[(low, high)] * {n}"
        )
    return [
        [-np.inf if low is None else low for low, _ in pairs],
        [np.inf if high is None else high for _, high in pairs],
    ]

"""The linear least-squares model within bounds: steps that bend at the walls of the box.

Minimise ½‖r + J p‖² within the region ‖D p‖ ≤ Δ and l ≤ x + p ≤ u. Variables *held* at a bound (there, with the
gradient pointing out of the box) stay. The others take the minimiser of the model within the region; where the way
there meets a bound first, the step goes that far, the variable that met it stays on it, and the model is minimised
again over the rest within what is left of the region, until a minimiser is inside or no variable is left. Each leg of
this path decreases the model, a convex function that is minimised along it, and there are at most n of them.

At the next point the gradient decides anew which variables are held, so that one that was stopped on the way is free
again. This is the projected, active-set form of the trust-region method (A. R. Conn, N. I. M. Gould & Ph. L. Toint,
Trust-Region Methods, SIAM 2000, §12.1; the path of legs is that of the dogbox method of C. Voglis & I. E. Lagaris, A
rectangular trust region dogleg approach for unconstrained and bound constrained nonlinear optimization, WSEAS 2004).
Points on the bounds are reached exactly, and once the right variables are held the convergence is that of the method
without bounds in the remaining ones. All works on the triangle R, so that J is factored once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from optkit.errors import InvalidInputError
from optkit.optimize.bounds import Box, Mask
from optkit.optimize.linear_model import LinearModel, Step, compress
from optkit.optimize.validation import Matrix, Vector

_EPS = float(np.finfo(np.float64).eps)


def landing(box: Box | None, x: Vector, step: Vector) -> Vector:
    """The point x + step, exactly on a bound where it comes within rounding of it."""
    if box is None:
        return x + step
    new = box.project(x + step)
    for bound in (box.lower, box.upper):
        new = np.where(_meets(new, bound, x), bound, new)
    return new


def _meets(x: Vector, wall: Vector, before: Vector) -> Mask:
    """Where x is on a finite wall, to the rounding of the step that led there."""
    with np.errstate(invalid="ignore"):
        close = np.abs(x - wall) <= 4.0 * _EPS * np.maximum(np.abs(wall), np.abs(before))
    mask: Mask = close & np.isfinite(wall)
    return mask


@dataclass(frozen=True, eq=False)
class BoundedModel:
    """The model at ``x`` within ``box``, of the triangle R, shape (k, n), and Qᵀr, shape (k,), of m rows."""

    scale: Vector
    triangle: Matrix
    rotated: Vector
    rows: int
    x: Vector
    box: Box
    free: Mask

    @classmethod
    def of(
        cls, jacobian: Matrix, residuals: Vector, scale: Vector, x: Vector, box: Box, free: Mask
    ) -> BoundedModel:
        """Factor the model at x; ``free`` are the variables that no bound holds."""
        triangle, rotated = compress(jacobian, residuals)
        return cls(scale, triangle, rotated, len(residuals), x, box, free)

    @cached_property
    def rank(self) -> int:
        """The numerical rank of the whole Jacobian, held variables included."""
        return self._model(np.ones(self.x.size, dtype=bool), self.rotated).rank

    @cached_property
    def first(self) -> LinearModel:
        """The model of the variables that no bound holds: where every path begins."""
        return self._model(self.free, self.rotated)

    @cached_property
    def whole(self) -> Step:
        """The step to the end of the path without a region."""
        return self.step_within(math.inf)

    @property
    def decrement(self) -> float:
        """The decrease at the end of the path."""
        return self.whole[1]

    def newton_step(self) -> Vector:
        return self.whole[0]

    def step_within(self, radius: float) -> Step:
        return self._path(lambda model, left: model.step_within(left), radius)

    def step_damped(self, damping: float) -> Step:
        return self._path(lambda model, _: model.step_damped(damping), math.inf)

    def dogleg_within(self, radius: float) -> Step:
        return self._path(lambda model, left: model.dogleg_within(left), radius)

    def damping_of(self, radius: float) -> float:
        raise InvalidInputError("geodesic acceleration takes no bounds; leave geodesic=True out")

    def solve(self, gradient: Vector, damping: float) -> Vector:
        raise InvalidInputError("geodesic acceleration takes no bounds; leave geodesic=True out")

    def _model(self, free: Mask, rotated: Vector) -> LinearModel:
        return LinearModel.of_triangle(self.triangle[:, free], rotated, self.scale[free], self.rows)

    def _path(self, minimise: Callable[[LinearModel, float], Step], radius: float) -> Step:
        step, free, left = np.zeros_like(self.x), self.free.copy(), radius
        while free.any() and left > 0.0:
            leg = np.zeros_like(step)
            begins = np.array_equal(free, self.free)
            here = self.first if begins else self._model(free, self.rotated + self.triangle @ step)
            leg[free] = minimise(here, left)[0]
            point = self.x + step
            reach = self.box.reach(point, leg)
            step = step + min(reach, 1.0) * leg
            if reach >= 1.0:
                break
            wall = np.where(leg > 0.0, self.box.upper, self.box.lower)
            stopped = free & (leg != 0.0) & _meets(self.x + step, wall, self.x)
            if not stopped.any():  # rounding has the last word
                break
            step[stopped] = (wall - self.x)[stopped]
            free &= ~stopped
            left = radius - float(np.linalg.norm(self.scale * step))
        change = self.triangle @ step
        predicted = -float(change @ self.rotated) - 0.5 * float(change @ change)
        return step, predicted, float(np.linalg.norm(self.scale * step))

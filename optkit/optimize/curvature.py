"""The true curvature at a point, to confirm a minimum or to refute one.

A quasi-Newton matrix, or the step lengths of a gradient method, know curvature only along the steps taken: where a
variable has hardly moved, nothing is known of it, and the distance to the minimum that they estimate may be wrong
by orders of magnitude. The Hessian ∇²f tells. To be free of the units of the variables it is scaled to a unit
diagonal, D⁻¹ ∇²f D⁻¹ with D² = |diag ∇²f| (as in Gill, Murray & Wright, Practical Optimization, 1981, §7.5); its
eigenvalues are then numbers of order one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from optkit.optimize.bounds import Box, Mask
from optkit.optimize.validation import Matrix, Vector

# Of the scaled Hessian: below rounding, and below the error of a Hessian from differences.
_NEGATIVE = -1e-6
_FLOOR = 1e-12
_ROUNDING = 1e-14


@dataclass(frozen=True, slots=True)
class Curvature:
    """The Hessian at a point in scaled variables, and the Newton step from there.

    Attributes
    ----------
    scale : ndarray of shape (n,)
        The diagonal of D.
    eigenvalues : ndarray of shape (n,)
        Of D⁻¹ ∇²f D⁻¹, ascending.
    directions : ndarray of shape (n, n)
        D⁻¹ times its eigenvectors, in columns.
    newton_step : ndarray of shape (n,)
        −(∇²f)⁻¹ g, negative eigenvalues replaced by their absolute values.
    decrement : float
        The decrease that the quadratic model predicts for it.
    """

    scale: Vector
    eigenvalues: Vector
    directions: Matrix
    newton_step: Vector
    decrement: float

    @classmethod
    def of(cls, hessian: Matrix, grad: Vector) -> Self:
        """Factor a finite Hessian, shape (n, n)."""
        diagonal = np.sqrt(np.abs(np.diag(hessian)))
        scale = np.where(diagonal > 0.0, diagonal, 1.0)
        eigenvalues, vectors = np.linalg.eigh(hessian / np.outer(scale, scale))
        directions = vectors / scale[:, None]
        slopes = directions.T @ grad
        # Along a direction without curvature, a slope that is rounding would become a long step.
        slopes[np.abs(slopes) <= _ROUNDING * np.linalg.norm(slopes)] = 0.0
        steps = slopes / _positive(eigenvalues)
        step = -(directions @ steps)
        return cls(scale, eigenvalues, directions, step, 0.5 * float(slopes @ steps))

    @classmethod
    def within(cls, hessian: Matrix, grad: Vector, x: Vector, box: Box | None) -> Self:
        """Factor the Hessian of the variables that no bound holds, and keep the Newton step within the bounds."""
        if box is None:
            return cls.of(hessian, grad)
        free = box.free(x, grad)
        full = cls.of(hessian[np.ix_(free, free)], grad[free])._spread(free)
        step = box.project(x + full.newton_step) - x
        decrement = -float(grad @ step + 0.5 * step @ hessian @ step)
        return replace(full, newton_step=step, decrement=max(decrement, 0.0))

    def _spread(self, free: Mask) -> Self:
        """The same among all variables: those that are not free do not move."""
        n, k = free.size, self.eigenvalues.size
        scale, step, directions = np.ones(n), np.zeros(n), np.zeros((n, k))
        scale[free], step[free], directions[free] = self.scale, self.newton_step, self.directions
        return replace(self, scale=scale, newton_step=step, directions=directions)

    @property
    def negative(self) -> bool:
        """Whether f curves downwards along some direction, so that no minimum is near."""
        return bool(self.eigenvalues.size and self.eigenvalues[0] < _NEGATIVE)

    @property
    def downward(self) -> Vector:
        """The direction of most negative curvature, of unit length."""
        direction: Vector = self.directions[:, 0] / np.linalg.norm(self.directions[:, 0])
        return direction

    def inverse(self) -> Matrix:
        """The inverse Hessian, made positive definite: eigenvalues by their absolute values, away from zero."""
        inverse: Matrix = (self.directions / _positive(self.eigenvalues)) @ self.directions.T
        return inverse


def _positive(eigenvalues: Vector) -> Vector:
    return np.maximum(np.abs(eigenvalues), _FLOOR)

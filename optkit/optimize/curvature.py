"""The true curvature at a point, to confirm a minimum or to refute one.

A quasi-Newton matrix, or the step lengths of a gradient method, know curvature only along the steps taken: where a
variable has hardly moved, nothing is known of it, and the distance to the minimum that they estimate may be wrong
by orders of magnitude. The Hessian ∇²f tells. To be free of the units of the variables it is scaled to a unit
diagonal, D⁻¹ ∇²f D⁻¹ with D² = |diag ∇²f| (as in Gill, Murray & Wright, Practical Optimization, 1981, §7.5); its
eigenvalues are then numbers of order one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optkit.optimize.validation import Matrix, Vector

_NEGATIVE = (
    -1e-6
)  # of the scaled Hessian: below rounding, and below the error of a Hessian from differences
_FLOOR = 1e-12
_ROUNDING = 1e-14


@dataclass(frozen=True, slots=True)
class Curvature:
    """The Hessian at a point in scaled variables, and the Newton step from there.

    Attributes
    ----------
    eigenvalues : ndarray of shape (n,)
        Of D⁻¹ ∇²f D⁻¹, ascending.
    directions : ndarray of shape (n, n)
        D⁻¹ times its eigenvectors, in columns.
    newton_step : ndarray of shape (n,)
        −(∇²f)⁻¹ g, negative eigenvalues replaced by their absolute values.
    decrement : float
        The decrease that the quadratic model predicts for it.
    """

    eigenvalues: Vector
    directions: Matrix
    newton_step: Vector
    decrement: float

    @classmethod
    def of(cls, hessian: Matrix, grad: Vector) -> Curvature:
        """Factor a finite Hessian, shape (n, n)."""
        diagonal = np.sqrt(np.abs(np.diag(hessian)))
        scale = np.where(diagonal > 0.0, diagonal, 1.0)
        eigenvalues, vectors = np.linalg.eigh(hessian / np.outer(scale, scale))
        directions = vectors / scale[:, None]
        slopes = directions.T @ grad
        # Along a direction without curvature, a slope that is rounding would become a long step.
        slopes[np.abs(slopes) <= _ROUNDING * np.linalg.norm(slopes)] = 0.0
        steps = slopes / _positive(eigenvalues)
        return cls(eigenvalues, directions, -(directions @ steps), 0.5 * float(slopes @ steps))

    @property
    def negative(self) -> bool:
        """Whether f curves downwards along some direction, so that no minimum is near."""
        return bool(self.eigenvalues[0] < _NEGATIVE)

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

"""The true curvature at a point, to confirm a minimum or to refute one.

A quasi-Newton matrix, or the step lengths of a gradient method, know curvature only along the steps taken: where a
variable has hardly moved, nothing is known of it, and the distance to the minimum that they estimate may be wrong
by orders of magnitude. The Hessian ∇²f tells. To be free of the units of the variables it is scaled to a unit
diagonal, D⁻¹ ∇²f D⁻¹ with D² = |diag ∇²f| (as in Gill, Murray & Wright, Practical Optimization, 1981, §7.5); its
eigenvalues are then numbers of order one.
"""

from __future__ import annotations

from collections.abc import Callable
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

    def matrix(self) -> Matrix:
        """The Hessian itself, put together again; the identity for variables that a bound holds."""
        dual = self.directions * (self.scale**2)[:, None]
        matrix: Matrix = (dual * self.eigenvalues) @ dual.T
        held = ~self.directions.any(axis=1)
        matrix[held, held] = 1.0
        return matrix

    def inverse(self) -> Matrix:
        """The inverse Hessian, made positive definite: eigenvalues by their absolute values, away from zero."""
        inverse: Matrix = (self.directions / _positive(self.eigenvalues)) @ self.directions.T
        return inverse


@dataclass(frozen=True, slots=True)
class Probe:
    """What a few conjugate-gradient steps on ∇²f p = −g show, where the Hessian is too large to have whole.

    Attributes
    ----------
    newton_step, decrement
        As for `Curvature`, as far as the steps have come; the decrement is never too large.
    downward : ndarray of shape (n,)
        A direction of negative curvature, if they met one; otherwise zero.
    """

    newton_step: Vector
    decrement: float
    downward: Vector

    @property
    def negative(self) -> bool:
        """Whether f curves downwards along some direction, so that no minimum is near."""
        return bool(self.downward.any())

    @classmethod
    def of(
        cls,
        product: Callable[[Vector], Vector],
        grad: Vector,
        x: Vector,
        box: Box | None,
        steps: int,
    ) -> Self:
        """Make so many steps, each of which costs a product with the Hessian, among the free variables."""
        free = 1.0 if box is None else box.free(x, grad).astype(np.float64)
        p, r = np.zeros_like(x), free * grad
        d, rr, decrement = -r, float(r @ r), 0.0
        end = 1e-20 * rr
        for _ in range(steps):
            if not rr > end:
                break
            hd = free * product(d)
            bend = float(d @ hd)
            if not bend > 0.0:
                if bend < _NEGATIVE * float(np.linalg.norm(d) * np.linalg.norm(hd)):
                    return cls(p, decrement, d / np.linalg.norm(d))
                break
            p, r = p + (rr / bend) * d, r + (rr / bend) * hd
            decrement += 0.5 * rr**2 / bend
            new = float(r @ r)
            d, rr = (new / rr) * d - r, new
        return cls(p if box is None else box.project(x + p) - x, decrement, np.zeros_like(x))


def _positive(eigenvalues: Vector) -> Vector:
    return np.maximum(np.abs(eigenvalues), _FLOOR)

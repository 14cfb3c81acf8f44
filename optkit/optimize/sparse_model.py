"""The linear least-squares model of a sparse Jacobian, by a sparse factorisation of the normal equations.

SciPy has no sparse QR factorisation. With A = J D⁻¹, whose columns have length one or less, AᵀA + λ is factored by
SuperLU with a symmetric ordering, and each solution is corrected once by its own residual r + A q: the corrected
seminormal equations, nearly as accurate as QR unless A is so ill-conditioned that AᵀA is singular to rounding (Å.
Björck, Stability analysis of the method of seminormal equations for linear least squares problems, Linear Algebra Appl.
88/89 (1987) 31–48). λ is never below 10 ε, which makes the step of a rank-deficient J very nearly the one of least
‖D p‖, as a Tikhonov regularisation does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import splu

from optkit.optimize.linear_model import Step
from optkit.optimize.validation import Vector

_EPS = float(np.finfo(np.float64).eps)
_LEAST_DAMPING = 10.0 * _EPS
_RADIUS_TOLERANCE = 0.1
_DENSE_UP_TO = 1000


@dataclass(frozen=True, eq=False)
class SparseModel:
    """The model ½‖r + A q‖² in the scaled variables q = D p; see `optkit.optimize.linear_model` for what it is asked.

    Attributes
    ----------
    scale : ndarray of shape (n,)
        The diagonal of D.
    matrix : sparse array of shape (m, n)
        A = J D⁻¹.
    residuals : ndarray of shape (m,)
        r.
    whole : tuple
        The step to the model's minimum with its predicted decrease and length.
    """

    scale: Vector
    matrix: Any
    residuals: Vector
    whole: Step

    @classmethod
    def of(cls, jacobian: Any, residuals: Vector, scale: Vector) -> SparseModel:
        """Factor the model at a point; everything must be finite, and ``scale`` positive."""
        matrix = (jacobian @ scipy.sparse.diags_array(1.0 / scale)).tocsc()
        empty = cls(scale, matrix, residuals, (np.zeros(0), 0.0, 0.0))
        return cls(scale, matrix, residuals, empty.step_damped(0.0))

    @property
    def rank(self) -> int:
        """The numerical rank; taken to be full where it would cost too much to know."""
        n = self.scale.size
        if not 0 < n <= _DENSE_UP_TO:
            return n
        squares = np.linalg.eigvalsh((self.matrix.T @ self.matrix).toarray())
        return int(np.count_nonzero(squares > n * _EPS * squares[-1]))

    @property
    def decrement(self) -> float:
        """The decrease at the model's minimum."""
        return self.whole[1]

    def newton_step(self) -> Vector:
        return self.whole[0]

    def step_damped(self, damping: float) -> Step:
        return self._step(self._minimiser(self._factor(damping), damping))

    def step_within(self, radius: float) -> Step:
        if self.whole[2] <= radius:
            return self.whole
        return self._step(self._secular(radius)[1])

    def damping_of(self, radius: float) -> float:
        return 0.0 if self.whole[2] <= radius else self._secular(radius)[0]

    def dogleg_within(self, radius: float) -> Step:
        newton = self.whole[0] * self.scale
        if self.whole[2] <= radius:
            return self.whole
        slope = self.matrix.T @ self.residuals
        bent = self.matrix @ slope
        cauchy = -slope * (float(slope @ slope) / float(bent @ bent))
        reach = math.sqrt(cauchy @ cauchy)
        if reach >= radius:
            return self._step(cauchy * (radius / reach))
        leg = newton - cauchy
        a, b, rest = float(leg @ leg), float(leg @ cauchy), radius**2 - reach**2
        return self._step(cauchy + rest / (b + math.sqrt(b * b + a * rest)) * leg)

    def solve(self, gradient: Vector, damping: float) -> Vector:
        solution: Vector = -self._factor(damping).solve(gradient / self.scale) / self.scale
        return solution

    def _factor(self, damping: float) -> Any:
        n = self.scale.size
        gram = self.matrix.T @ self.matrix
        gram = gram + max(damping, _LEAST_DAMPING) * scipy.sparse.eye_array(n)
        return splu(
            gram.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )  # fmt: skip

    def _minimiser(self, factor: Any, damping: float) -> Vector:
        q: Vector = -factor.solve(self.matrix.T @ self.residuals)
        correction = self.matrix.T @ (self.residuals + self.matrix @ q) + damping * q
        return q - factor.solve(correction)  # type: ignore[no-any-return]

    def _secular(self, radius: float) -> tuple[float, Vector]:
        """λ and q of the minimiser on the edge of the region; Newton's method as in `LinearModel`."""
        damping = 0.0
        while True:
            factor = self._factor(damping)
            q = self._minimiser(factor, damping)
            length = math.sqrt(q @ q)
            if length <= (1.0 + _RADIUS_TOLERANCE) * radius:
                return damping, q
            damping += (length / radius - 1.0) * length**2 / float(q @ factor.solve(q))

    def _step(self, q: Vector) -> Step:
        change = self.matrix @ q
        predicted = -float(change @ self.residuals) - 0.5 * float(change @ change)
        return q / self.scale, predicted, math.sqrt(q @ q)

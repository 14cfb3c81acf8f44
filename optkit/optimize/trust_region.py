"""The linear least-squares model inside a trust region, for Levenberg–Marquardt and its relatives.

Minimise ½‖r + J p‖² subject to ‖D p‖ ≤ Δ, with D a positive diagonal. In the scaled variables q = D p, with

    J D⁻¹ = Q R (QR factorisation),   R = U S Vᵀ (singular values of the small triangle),   c = Uᵀ Qᵀ r,

the minimiser is q(λ) = −V S (S² + λ)⁻¹ c for some λ ≥ 0, with λ = 0 when the Gauss-Newton step lies inside, and
otherwise ‖q(λ)‖ = Δ: the secular equation. Newton's method on 1/‖q(λ)‖ = 1/Δ from λ = 0, where ‖q‖ > Δ, rises to
the root monotonically, since 1/‖q(λ)‖ is concave.

Singular values below rounding are left out of everything, so λ = 0 gives the step of minimum ‖D p‖ and a
rank-deficient J needs no case of its own; m < n neither.

References
----------
---------- J. J. Moré, The Levenberg-Marquardt algorithm: implementation and theory, Lecture Notes in Mathematics
630, Springer 1978: the scaled region (§2), the secular equation and its Newton step (5.4)–(5.5). He factors [R; √λ
D] anew for each λ; one SVD of R makes each λ a sum of n terms, and reveals the rank.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.linalg import lapack

from optkit.optimize.validation import Matrix, Vector

_EPS = float(np.finfo(np.float64).eps)
_RADIUS_TOLERANCE = 0.1


@lru_cache(maxsize=64)
def _upper(k: int, n: int) -> Matrix:
    """Ones on and above the diagonal, zeros below: where LAPACK leaves its reflectors."""
    return np.triu(np.ones((k, n)))


@dataclass(frozen=True, slots=True)
class LinearModel:
    """The model ½‖r + J p‖² in scaled variables; k ≤ min(m, n) singular values are above rounding.

    Attributes
    ----------
    scale : ndarray of shape (n,)
        The diagonal of D.
    singular_values, coefficients : ndarray of shape (k,)
        S and c.
    directions : ndarray of shape (n, k)
        D⁻¹ V: the step that each scaled singular direction means for x.
    """

    scale: Vector
    singular_values: Vector
    coefficients: Vector
    directions: Matrix

    @classmethod
    def of(cls, jacobian: Matrix, residuals: Vector, scale: Vector) -> LinearModel:
        """Factor the model at a point; everything must be finite, and ``scale`` positive."""
        m, n = jacobian.shape
        k = min(m, n)
        if not k:
            return cls(scale, np.zeros(0), np.zeros(0), np.zeros((n, 0)))
        columns = np.empty((m, n + 1), order="F")
        np.divide(jacobian, scale, out=columns[:, :n])
        columns[:, n] = residuals
        # The triangle of [J D⁻¹, r] holds R and, as its last column, Qᵀr; Q is never formed. LAPACK is called directly
        # because the checks of numpy.linalg take longer than the factorisation of a small problem.
        triangle = lapack.dgeqrf(columns, overwrite_a=True)[0]
        r = triangle[:k, :n] * _upper(k, n)
        u, s, vt, failed = lapack.dgesdd(r, full_matrices=False, overwrite_a=True)
        if failed:
            raise np.linalg.LinAlgError("the singular value decomposition did not converge")
        c, least = triangle[:k, n] @ u, max(m, n) * _EPS * s[0]
        if s[-1] <= least:
            rank = int(np.count_nonzero(s > least))
            s, c, vt = s[:rank], c[:rank], vt[:rank]
        return cls(scale, s, c, (vt / scale).T)

    @property
    def rank(self) -> int:
        """The numerical rank of the scaled Jacobian."""
        return self.singular_values.size

    @property
    def decrement(self) -> float:
        """The decrease ½‖c‖² of the model at its minimum."""
        return 0.5 * float(self.coefficients @ self.coefficients)

    def newton_step(self) -> Vector:
        """The Gauss-Newton step; of all minimisers of the model, the one of least ‖D p‖."""
        step: Vector = -(self.directions @ (self.coefficients / self.singular_values))
        return step

    def step_within(self, radius: float) -> tuple[Vector, float, float]:
        """The minimiser within the region: the step, the predicted decrease, and its length ‖D p‖."""
        s, c = self.singular_values, self.coefficients
        weighted, squares, damping = s * c, s * s, 0.0
        while True:
            shrunk = squares + damping
            q = weighted / shrunk
            length = math.sqrt(q @ q)
            if length <= (1.0 + _RADIUS_TOLERANCE) * radius:
                break
            # Newton for 1/‖q‖ = 1/Δ; (5.5) of Moré with φ = ‖q‖ − Δ, φ′ = −Σ q²/(s² + λ) / ‖q‖.
            damping += (length / radius - 1.0) * length**2 / float((q / shrunk) @ q)
        predicted = self.decrement - 0.5 * damping**2 * float((c / shrunk) @ (c / shrunk))
        return -(self.directions @ q), predicted, length


def next_radius(radius: float, length: float, ratio: float, shrink: float) -> float:
    """The radius after a step of that length, whose decrease was ``ratio`` times the predicted one.

    A poor step (ratio < ¼) shrinks the region by ``shrink``, where its quadratic interpolant has its minimum, kept
    within [0.1, 0.5]; a good one (> ¾) doubles the region around the step (Moré 1978, §6).
    """
    if ratio < 0.25:
        return min(max(shrink, 0.1), 0.5) * min(radius, length)
    if ratio > 0.75:
        return max(radius, 2.0 * length)
    return radius


def gain_ratio(actual: float, predicted: float, noise: float) -> float:
    """The actual decrease over the predicted one; −inf for a value that is not finite.

    Where both are rounding of the value, it cannot tell a good step from a bad one, and the model, which rests on
    derivatives that rounding spares, is taken at its word.
    """
    if predicted <= noise and abs(actual) <= noise:
        return 1.0
    return actual / predicted if math.isfinite(actual) and predicted > 0.0 else -math.inf


def interpolated_shrink(slope: float, actual: float) -> float:
    """Where along a step, as a fraction of it, the parabola through value, slope and new value has its minimum."""
    curvature = -actual - slope
    return -0.5 * slope / curvature if math.isfinite(actual) and curvature > 0.0 else 0.1

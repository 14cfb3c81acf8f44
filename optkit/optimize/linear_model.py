"""The linear least-squares model and its minimisers: whole, damped, within a region, along the dogleg.

Minimise ½‖r + J p‖², whole, or subject to ‖D p‖ ≤ Δ, or with ½λ‖D p‖² added; D is a positive diagonal. In the scaled
variables q = D p, with

    J D⁻¹ = Q R (QR factorisation),   R = U S Vᵀ (singular values of the small triangle),   c = Uᵀ Qᵀ r,

the damped minimiser is q(λ) = −V S (S² + λ)⁻¹ c. Within the region it is the one for λ = 0 when that lies inside, and
otherwise the one with ‖q(λ)‖ = Δ: the secular equation. Newton's method on 1/‖q(λ)‖ = 1/Δ from λ = 0, where ‖q‖ > Δ,
rises to the root monotonically, since 1/‖q(λ)‖ is concave.

Singular values below rounding are left out of everything, so λ = 0 gives the step of minimum ‖D p‖ and a
rank-deficient J needs no case of its own; m < n neither.

The normal equations, on request, give S² and V as the eigenvalues and eigenvectors of D⁻¹JᵀJD⁻¹, and Sc = VᵀD⁻¹Jᵀr.
They cost half as much for m ≫ n, and lose half of the digits where the columns of J D⁻¹ are nearly dependent: singular
values below √ε of the largest are rounding there.

References
----------
---------- J. J. Moré, The Levenberg-Marquardt algorithm: implementation and theory, Lecture Notes in Mathematics
630, Springer 1978: the scaled region (§2), the secular equation and its Newton step (5.4)–(5.5). He factors [R; √λ
D] anew for each λ; one SVD of R makes each λ a sum of n terms, and reveals the rank.
M. J. D. Powell, A hybrid method for nonlinear equations, in P. Rabinowitz (ed.), Numerical Methods for Nonlinear
Algebraic Equations, 1970, 87–114: the dogleg (§3).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from scipy.linalg import lapack

from optkit.optimize.validation import Matrix, Vector

_EPS = float(np.finfo(np.float64).eps)
_RADIUS_TOLERANCE = 0.1

Step = tuple[
    Vector, float, float
]  # the step p, the decrease that the model predicts, the length ‖D p‖
Scaling = Callable[[Vector], Vector]  # from the norms of J's columns to D


class Model(Protocol):
    """What a solver asks of a model, whatever it was factored by."""

    @property
    def scale(self) -> Vector:
        """The diagonal of D, shape (n,)."""

    @property
    def rank(self) -> int:
        """The numerical rank of the scaled Jacobian."""

    @property
    def decrement(self) -> float:
        """The decrease at the model's minimum."""

    def newton_step(self) -> Vector:
        """The minimiser, shape (n,); of all minimisers the one of least ‖D p‖."""

    def step_within(self, radius: float) -> Step:
        """The minimiser within the region ‖D p‖ ≤ radius."""

    def step_damped(self, damping: float) -> Step:
        """The minimiser of the model with ½ damping ‖D p‖² added; the decrease is that of the model alone."""

    def dogleg_within(self, radius: float) -> Step:
        """The end of Powell's dogleg within the region."""

    def damping_of(self, radius: float) -> float:
        """The λ that goes with this radius."""

    def solve(self, gradient: Vector, damping: float) -> Vector:
        """−(JᵀJ + λD²)⁻¹ times a vector of shape (n,)."""


@lru_cache(maxsize=64)
def _upper(k: int, n: int) -> Matrix:
    """Ones on and above the diagonal, zeros below: where LAPACK leaves its reflectors."""
    return np.triu(np.ones((k, n)))


def compress(jacobian: Matrix, residuals: Vector) -> tuple[Matrix, Vector]:
    """R, shape (k, n), and Qᵀr, shape (k,), with k = min(m, n): all that the model needs of J = Q R and r."""
    m, n = jacobian.shape
    k = min(m, n)
    if not k:
        return np.zeros((k, n)), np.zeros(k)
    columns = np.empty((m, n + 1), order="F")
    columns[:, :n] = jacobian
    columns[:, n] = residuals
    # The triangle of [J, r] holds R and, as its last column, Qᵀr; Q is never formed. LAPACK is called directly
    # because the checks of numpy.linalg take longer than the factorisation of a small problem.
    triangle = lapack.dgeqrf(columns, overwrite_a=True)[0]
    return triangle[:k, :n] * _upper(k, n), triangle[:k, n]


def column_norms(matrix: Any) -> Vector:
    """The Euclidean norms of the columns, dense or sparse."""
    if hasattr(matrix, "toarray"):
        squares = np.asarray(matrix.multiply(matrix).sum(axis=0), dtype=np.float64)
        return np.sqrt(squares.reshape(-1))
    norms: Vector = np.sqrt(np.einsum("ij,ij->j", matrix, matrix))
    return norms


def as_dense(matrix: Any) -> Matrix:
    """The matrix as an array."""
    dense: Matrix = matrix.toarray() if hasattr(matrix, "toarray") else matrix
    return dense


def positive(norms: Vector) -> Vector:
    """Norms as a scale: a column that is zero has the scale 1."""
    return norms if norms.all() else np.where(norms > 0.0, norms, 1.0)


@dataclass(frozen=True, slots=True)
class LinearModel:
    """The model in scaled variables; k ≤ min(m, n) singular values are above rounding.

    Attributes
    ----------
    scale : ndarray of shape (n,)
        The diagonal of D.
    singular_values, coefficients : ndarray of shape (k,)
        S and c.
    directions : ndarray of shape (n, k)
        D⁻¹ V: the step that each scaled singular direction means for x.
    whole : ndarray of shape (k,)
        S⁻¹c, the step to the minimum, with the sign of −q.
    reach : float
        Its length ‖D p‖.
    decrement : float
        The decrease ½‖c‖² at the minimum.
    """

    scale: Vector
    singular_values: Vector
    coefficients: Vector
    directions: Matrix
    whole: Vector
    reach: float
    decrement: float

    @classmethod
    def of(cls, jacobian: Matrix, residuals: Vector, scale: Vector) -> LinearModel:
        """Factor the model at a point; everything must be finite, and ``scale`` positive."""
        triangle, rotated = compress(jacobian, residuals)
        return cls.of_triangle(triangle, rotated, scale, len(residuals))

    @classmethod
    def of_triangle(cls, triangle: Matrix, rotated: Vector, scale: Vector, m: int) -> LinearModel:
        """The model of an R and a Qᵀr; ``m`` rows went into them."""
        k, n = triangle.shape
        if not k or not n:
            return cls._of(scale, np.zeros(0), np.zeros(0), np.zeros((n, 0)))
        u, s, vt, failed = lapack.dgesdd(triangle / scale, full_matrices=False, overwrite_a=True)
        if failed:
            raise np.linalg.LinAlgError("the singular value decomposition did not converge")
        c, least = rotated @ u, max(m, n) * _EPS * s[0]
        if s[-1] <= least:
            rank = int(np.count_nonzero(s > least))
            s, c, vt = s[:rank], c[:rank], vt[:rank]
        return cls._of(scale, s, c, (vt / scale).T)

    @classmethod
    def of_normal_equations(cls, gram: Matrix, grad: Vector, scale: Vector) -> LinearModel:
        """The model of JᵀJ, shape (n, n), and Jᵀr."""
        if not grad.size:
            return cls._of(scale, np.zeros(0), np.zeros(0), np.zeros((0, 0)))
        squares, vectors = np.linalg.eigh(gram / np.outer(scale, scale))
        above = squares > len(grad) * _EPS * squares[-1]
        s, vectors = np.sqrt(squares[above]), vectors[:, above]
        return cls._of(scale, s, ((grad / scale) @ vectors) / s, vectors / scale[:, None])

    @classmethod
    def _of(cls, scale: Vector, s: Vector, c: Vector, directions: Matrix) -> LinearModel:
        whole = c / s
        reach, decrement = math.sqrt(whole @ whole), 0.5 * float(c @ c)
        return cls(scale, s, c, directions, whole, reach, decrement)

    @property
    def rank(self) -> int:
        """The numerical rank of the scaled Jacobian."""
        return self.singular_values.size

    def newton_step(self) -> Vector:
        """The Gauss-Newton step; of all minimisers of the model, the one of least ‖D p‖."""
        step: Vector = -(self.directions @ self.whole)
        return step

    def step_within(self, radius: float) -> Step:
        """The minimiser within the region: the step, the predicted decrease, and its length ‖D p‖."""
        if self.reach <= (1.0 + _RADIUS_TOLERANCE) * radius:
            return self.newton_step(), self.decrement, self.reach
        return self._step(*self._secular(radius))

    def step_damped(self, damping: float) -> Step:
        """The minimiser with ½ damping ‖D p‖² added."""
        s = self.singular_values
        shrunk = s * s + damping
        q = s * self.coefficients / shrunk
        return self._step(damping, q, shrunk, math.sqrt(q @ q))

    def damping_of(self, radius: float) -> float:
        return self._secular(radius)[0]

    def _step(self, damping: float, q: Vector, shrunk: Vector, length: float) -> Step:
        rest = self.coefficients / shrunk
        predicted = self.decrement - 0.5 * damping**2 * float(rest @ rest)
        return -(self.directions @ q), predicted, length

    def _secular(self, radius: float) -> tuple[float, Vector, Vector, float]:
        """λ, q(λ), S² + λ and ‖q‖ of the minimiser within the region."""
        weighted = self.singular_values * self.coefficients
        shrunk = squares = self.singular_values**2
        q, length, damping = self.whole, self.reach, 0.0
        while length > (1.0 + _RADIUS_TOLERANCE) * radius:
            # Newton for 1/‖q‖ = 1/Δ; (5.5) of Moré with φ = ‖q‖ − Δ, φ′ = −Σ q²/(s² + λ) / ‖q‖.
            damping += (length / radius - 1.0) * length**2 / float((q / shrunk) @ q)
            shrunk = squares + damping
            q = weighted / shrunk
            length = math.sqrt(q @ q)
        return damping, q, shrunk, length

    def dogleg_within(self, radius: float) -> Step:
        """The end of the dogleg: from 0 downhill to the model's minimum there, then towards the whole step."""
        s, c = self.singular_values, self.coefficients
        q = self.whole if self.reach <= radius else _dogleg(s, c, self.whole, radius)
        rest = c - s * q
        predicted = self.decrement - 0.5 * float(rest @ rest)
        return -(self.directions @ q), predicted, min(self.reach, math.sqrt(q @ q))

    def solve(self, gradient: Vector, damping: float) -> Vector:
        squares = self.singular_values**2 + damping
        solution: Vector = -(self.directions @ ((gradient @ self.directions) / squares))
        return solution


def _dogleg(s: Vector, c: Vector, newton: Vector, radius: float) -> Vector:
    """The point of the dogleg at distance ``radius`` from 0, in the coordinates of V (with the sign of −q)."""
    size = math.sqrt(
        newton @ newton
    )  # the unit of length: fourth powers would leave the range of float64
    whole, limit = newton / size, radius / size
    slope = s * (c / size)
    bent = s * slope
    cauchy = slope * (float(slope @ slope) / float(bent @ bent))
    reach = math.sqrt(cauchy @ cauchy)
    if reach >= limit:
        return cauchy * (radius / reach)
    leg = whole - cauchy
    a, b, rest = float(leg @ leg), float(leg @ cauchy), limit**2 - reach**2
    t = rest / (b + math.sqrt(b * b + a * rest))
    point: Vector = size * (cauchy + t * leg)
    return point

"""The quadratic model m(p) = gᵀp + ½ pᵀHp, and its minimum within a trust region ‖D p‖ ≤ Δ.

Symbols: g the gradient, H a symmetric matrix, D the positive diagonal ``scale``, q = D p the scaled step, with
g̃ = D⁻¹g and H̃ = D⁻¹HD⁻¹, w₁ ≤ … ≤ wₙ the eigenvalues of H̃, vᵢ its eigenvectors, cᵢ = vᵢᵀg̃.

- `MoreSorensen`, the global minimum: q(λ) = −Σ cᵢ/(wᵢ + λ) vᵢ with λ ≥ max(0, −w₁), where λ = 0 if that is inside, and
  otherwise ‖q(λ)‖ = Δ. In the *hard case* c₁ = 0 and ‖q(−w₁)‖ < Δ: then any multiple of v₁ may be added, and the one
  that reaches the boundary is (J. J. Moré & D. C. Sorensen, SIAM J. Sci. Stat. Comput. 4 (1983) 553–572, (2.4), lemmas
  2.1 and 2.3). They find λ by Cholesky factorisations; one spectral decomposition makes every λ a sum of n terms and
  the hard case visible.
- `DoglegPath`: from the minimum along −g̃ straight to the Newton point, as far as Δ allows (M. J. D. Powell 1970; J.
  Nocedal & S. J. Wright, Numerical Optimization, 2nd ed., (4.16)). Where H̃ is not positive definite the path is that
  of |H̃|, whose eigenvalues are the absolute ones (m is below that model everywhere), or leads along v₁ if that is
  better.
- `SteihaugToint`: conjugate gradients from p = 0, from products with H only, until the residual is small, the boundary
  is reached or a direction of negative curvature leads to it (T. Steihaug, SIAM J. Numer. Anal. 20 (1983) 626–637; N&W
  algorithm 7.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from scipy.linalg import lapack

from optkit.optimize.validation import Matrix, Vector, norm

_EPS = float(np.finfo(np.float64).eps)
Product = Callable[[Vector], Vector]


class ModelStep(NamedTuple):
    """A step p, the decrease −m(p) ≥ 0 that the model predicts, ‖D p‖, and whether that is the radius."""

    step: Vector
    predicted: float
    length: float
    on_boundary: bool


@dataclass(frozen=True)
class QuadraticModel:
    """gᵀp + ½ pᵀHp in scaled variables.

    Attributes
    ----------
    grad : ndarray of shape (n,)
        g.
    hessian : ndarray of shape (n, n)
        H.
    scale : ndarray of shape (n,)
        The diagonal of D.
    factor : ndarray of shape (n, n) or None
        The upper Cholesky factor of H̃; None where H̃ is not (or hardly) positive definite.
    values, vectors : ndarray of shape (n,) and (n, n), or None
        The spectral decomposition of H̃; None where the factor will do.
    """

    grad: Vector
    hessian: Matrix
    scale: Vector
    factor: Matrix | None
    values: Vector | None
    vectors: Matrix | None

    @classmethod
    def of(cls, grad: Vector, hessian: Matrix, scale: Vector) -> QuadraticModel:
        """Factor a finite symmetric matrix."""
        if not grad.size:
            return cls(grad, hessian, scale, np.empty((0, 0)), None, None)
        scaled = hessian / scale / scale[:, None]
        factor, failed = lapack.dpotrf(scaled, clean=1)
        diagonal = np.abs(factor.diagonal())
        if not failed and diagonal.min(initial=1.0) > 1e-7 * diagonal.max(initial=0.0):
            return cls(grad, hessian, scale, factor, None, None)
        return cls(grad, hessian, scale, None, *_spectrum(scaled))

    def spectrum(self) -> tuple[Vector, Matrix]:
        """The eigenvalues, ascending, and eigenvectors of H̃."""
        if self.values is not None and self.vectors is not None:
            return self.values, self.vectors
        return _spectrum(self.hessian / self.scale / self.scale[:, None])

    def newton(self) -> tuple[Vector, float]:
        """−H⁻¹g, negative eigenvalues of H̃ by their absolute values, and the decrease predicted for it."""
        slopes = self.grad / self.scale
        if not slopes.size:
            return slopes, 0.0
        if self.factor is not None:
            step = -lapack.dpotrs(self.factor, slopes)[0]
        else:
            values, vectors = self.spectrum()
            coefficients = vectors.T @ slopes
            # Along a direction without curvature, a slope that is rounding would become a long step.
            coefficients[np.abs(coefficients) <= 10.0 * _EPS * norm(slopes)] = 0.0
            floor = max(8.0 * _EPS * float(np.abs(values).max(initial=0.0)), 1e-300)
            step = -(vectors @ (coefficients / np.maximum(np.abs(values), floor)))
        return step / self.scale, max(-0.5 * float(slopes @ step), 0.0)

    def decrease(self, step: Vector) -> float:
        """−m(step)."""
        return -float(self.grad @ step) - 0.5 * float(step @ (self.hessian @ step))

    def finish(self, scaled: Vector, on_boundary: bool) -> ModelStep:
        """The step of which ``scaled`` is D p."""
        step = scaled / self.scale
        return ModelStep(step, self.decrease(step), norm(scaled), on_boundary)


def _spectrum(matrix: Matrix) -> tuple[Vector, Matrix]:
    values, vectors, failed = lapack.dsyevd(matrix)
    if failed:
        raise np.linalg.LinAlgError("the spectral decomposition did not converge")
    return values, vectors


class Subproblem(Protocol):
    """How the model is minimised within the region; any frozen object with this method will do."""

    def solve(self, model: QuadraticModel, radius: float) -> ModelStep:
        """A step within the region that decreases the model at least as much as the best one along −g."""


@dataclass(frozen=True)
class MoreSorensen(Subproblem):
    """The global minimum within the region.

    Parameters
    ----------
    tolerance : float
        How far ‖D p‖ may be from the radius, relatively.

    Examples
    --------
    A saddle, at which the gradient is zero: the hard case.

    >>> import numpy as np
    >>> from optkit.optimize import MoreSorensen, QuadraticModel
    >>> model = QuadraticModel.of(np.zeros(2), np.diag([1.0, -2.0]), np.ones(2))
    >>> np.abs(MoreSorensen().solve(model, 3.0).step)
    array([0., 3.])
    """

    tolerance: float = 1e-3

    def solve(self, model: QuadraticModel, radius: float) -> ModelStep:
        slopes = model.grad / model.scale
        if model.factor is not None:
            newton = -lapack.dpotrs(model.factor, slopes)[0]
            if norm(newton) <= radius:
                return model.finish(newton, False)
        w, vectors = model.spectrum()
        c = vectors.T @ slopes
        least, size = float(w[0]), max(float(np.abs(w).max()), 1e-300)
        tiny = 8.0 * _EPS * size
        if least > tiny:
            inside = -c / w
            if norm(inside) <= radius:
                return model.finish(vectors @ inside, False)
        else:
            low = w <= least + tiny
            if norm(c[low]) <= 8.0 * _EPS * norm(slopes) or not slopes.any():
                rest = np.where(low, 0.0, -c / np.where(low, 1.0, w - least))
                room = radius**2 - float(rest @ rest)
                if room >= 0.0:
                    if (
                        least >= -tiny
                    ):  # no curvature along it: nothing to be gained, the short step is best
                        return model.finish(vectors @ rest, False)
                    rest[0] = math.copysign(math.sqrt(room), -c[0])
                    return model.finish(vectors @ rest, True)
        shift = self._shift(w, c, radius)
        return model.finish(vectors @ (-c / (w + shift)), True)

    def _shift(self, w: Vector, c: Vector, radius: float) -> float:
        """λ with ‖q(λ)‖ = Δ: Newton on 1/‖q‖ = 1/Δ, kept in a bracket."""
        low, high = max(0.0, -float(w[0])), norm(c) / radius + max(0.0, -float(w[0]))
        # ‖q(λ)‖ ≥ |c₁|/(w₁ + λ): the root is not below this.
        shift = max(low, abs(float(c[0])) / radius - float(w[0]))
        for _ in range(100):
            denominator = w + shift
            if denominator[0] > 0.0:
                q = c / denominator
                length = norm(q)
                if abs(length - radius) <= self.tolerance * radius:
                    break
                low, high = (shift, high) if length > radius else (low, shift)
                new = shift + (length / radius - 1.0) * length**2 / float((q / denominator) @ q)
            else:
                new = math.nan
            if not low < new < high:
                new = (
                    math.sqrt(low * high) if low > 0.0 and high > 4.0 * low else 0.5 * (low + high)
                )
            if new == shift:
                break
            shift = new
        return shift


@dataclass(frozen=True)
class DoglegPath(Subproblem):
    """Powell's dogleg: cheap, and as good where H is positive definite and the model is good.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit.optimize import DoglegPath, QuadraticModel
    >>> model = QuadraticModel.of(np.array([2.0, 8.0]), np.diag([2.0, 4.0]), np.ones(2))
    >>> DoglegPath().solve(model, 10.0).step, round(DoglegPath().solve(model, 1.5).length, 12)
    (array([-1., -2.]), 1.5)
    """

    def solve(self, model: QuadraticModel, radius: float) -> ModelStep:
        path = self._along_the_path(model, radius)
        if model.factor is not None:
            return path
        values, vectors = model.spectrum()
        if not values[0] < 0.0:
            return path
        slopes = model.grad / model.scale
        down = math.copysign(radius, -float(vectors[:, 0] @ slopes)) * vectors[:, 0]
        valley = model.finish(down, True)
        return valley if valley.predicted > path.predicted else path

    def _along_the_path(self, model: QuadraticModel, radius: float) -> ModelStep:
        newton = model.newton()[0] * model.scale
        if norm(newton) <= radius:
            return model.finish(newton, False)
        slopes = model.grad / model.scale
        if model.factor is not None:
            bend = norm(model.factor @ slopes) ** 2
        else:
            w, vectors = model.spectrum()
            bend = float(np.abs(w) @ (vectors.T @ slopes) ** 2)
        steepness = norm(slopes)
        cauchy = -(steepness**2 / bend) * slopes if bend > 0.0 else -math.inf * slopes
        if not norm(cauchy) < radius:
            return model.finish(-(radius / steepness) * slopes, True)
        return model.finish(cauchy + to_boundary(cauchy, newton - cauchy, radius), True)


def to_boundary(start: Vector, direction: Vector, radius: float) -> Vector:
    """The multiple τ ≥ 0 of ``direction`` with ‖start + τ direction‖ = radius."""
    a, b, c = (
        float(direction @ direction),
        float(start @ direction),
        float(start @ start) - radius**2,
    )
    root = math.sqrt(max(b * b - a * c, 0.0))
    tau = (root - b) / a if b <= 0.0 else -c / (root + b)
    return tau * direction


@dataclass(frozen=True)
class SteihaugToint:
    """Truncated conjugate gradients: products with H only, for many variables.

    Parameters
    ----------
    max_products : int, optional
        Of H with a vector, in one step; twice the number of variables when left out.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit.optimize import SteihaugToint
    >>> hessian = np.diag([2.0, -4.0])
    >>> found = SteihaugToint().solve(np.array([2.0, 1.0]), lambda v: hessian @ v, 5.0, 1e-8)
    >>> found.on_boundary, round(found.length, 12)
    (True, 5.0)
    """

    max_products: int | None = None

    def solve(self, grad: Vector, product: Product, radius: float, tolerance: float) -> ModelStep:
        """Minimise until ‖H p + g‖ ≤ tolerance, within ‖p‖ ≤ radius."""
        p, r, d = np.zeros_like(grad), grad, -grad
        rr, predicted = float(grad @ grad), 0.0
        if not rr > 0.0:
            return ModelStep(p, 0.0, 0.0, False)
        for _ in range(self.max_products or 2 * grad.size + 10):
            hd = product(d)
            bend, dd = float(d @ hd), float(d @ d)
            slope = float(r @ d)
            if not bend > 0.0:
                return self._leave(p, d, slope, bend, predicted, radius)
            alpha = rr / bend
            ahead = p + alpha * d
            if norm(ahead) >= radius or not math.isfinite(dd):
                return self._leave(p, d, slope, bend, predicted, radius)
            predicted += 0.5 * alpha * rr
            p, r = ahead, r + alpha * hd
            new = float(r @ r)
            if math.sqrt(new) <= tolerance:
                break
            d = (new / rr) * d - r
            rr = new
        return ModelStep(p, predicted, norm(p), False)

    def _leave(
        self, p: Vector, d: Vector, slope: float, bend: float, predicted: float, radius: float
    ) -> ModelStep:
        """Go from p along d to the boundary."""
        way = to_boundary(p, d, radius)
        tau = math.sqrt(float(way @ way) / float(d @ d))
        predicted -= tau * slope + 0.5 * tau**2 * bend
        return ModelStep(p + way, predicted, radius, True)

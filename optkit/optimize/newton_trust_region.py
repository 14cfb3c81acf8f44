"""Newton's method in a trust region: the quadratic model with the true Hessian, as far as it has proved good.

Symbols: x the point, g and H = ∇²f there, m(p) = gᵀp + ½ pᵀHp the model of f(x + p) − f(x), Δ the radius, ρ the actual
over the predicted decrease. A step p that (nearly) minimises m within ‖D p‖ ≤ Δ is accepted when ρ > 10⁻⁴; Δ follows ρ
as for Levenberg–Marquardt (`optkit.optimize.trust_region.next_radius`). See `optkit.optimize.quadratic_model` for how m
is minimised; A. R. Conn, N. I. M. Gould & Ph. L. Toint, Trust-Region Methods, SIAM 2000, algorithm 6.1.1, and J.
Nocedal & S. J. Wright, Numerical Optimization, 2nd ed., algorithm 4.1, for the method.

- `TrustRegionNewton` takes the matrix H; `MoreSorensen` and `DoglegPath` minimise the model. Negative curvature is no
  obstacle but a way down. D is the identity, or by request √|diag H|, the largest so far.
- `TrustRegionNewtonCG` takes products H v only (`SteihaugToint`), for many variables. Conjugate gradients stop when the
  residual is η ‖g‖ with η = min(½, √(‖g‖/‖g₀‖)), which makes convergence superlinear (N&W (7.3)).

A step is accepted only when f, g and H are finite at its end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from optkit.optimize.curvature import Curvature
from optkit.optimize.line_search import first_step_length
from optkit.optimize.problem import Problem
from optkit.optimize.quadratic_model import (
    ModelStep,
    MoreSorensen,
    QuadraticModel,
    SteihaugToint,
    Subproblem,
)
from optkit.optimize.solver import Solver
from optkit.optimize.state import State
from optkit.optimize.trust_region import gain_ratio, interpolated_shrink, next_radius
from optkit.optimize.validation import Vector, is_finite, norm

_EPS = float(np.finfo(np.float64).eps)
TOO_SMALL = "the trust region has shrunk until the decrease within is rounding"


def first_radius(x: Vector, fun: float, grad: Vector) -> float:
    """The size of x; from x = 0, how far the linear model takes to lose |f|."""
    return 10.0 * first_step_length(x, fun, grad) * norm(grad) or 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRegionState(State):
    """A `State` with the factored model and the radius."""

    model: QuadraticModel
    radius: float


@dataclass(frozen=True)
class TrustRegionNewton(Solver[TrustRegionState]):
    """Newton's method in a trust region, with the Hessian as a matrix.

    The most robust method for smooth functions of up to a few hundred variables with second derivatives.

    Parameters
    ----------
    subproblem : Subproblem
        `MoreSorensen` or `DoglegPath`.
    scaled : bool
        Whether the region is an ellipsoid by the diagonal of the Hessian, instead of a ball.
    initial_radius : float, optional
        When left out, the size of x0.
    accept : float
        A step is accepted when the actual decrease is more than this fraction of the predicted one.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> def rosenbrock(x):
    ...     return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2
    >>> result = optkit.minimize(rosenbrock, [-1.2, 1.0], method="trust-exact")
    >>> result.success, np.round(result.x, 8)
    (True, array([1., 1.]))
    """

    subproblem: Subproblem = MoreSorensen()
    scaled: bool = False
    initial_radius: float | None = None
    accept: float = 1e-4

    name = "trust-exact"

    def init(self, problem: Problem, x0: Vector) -> TrustRegionState:
        """Make the model at the start."""
        fun, grad = problem.value_and_gradient(x0)
        radius = self.initial_radius or first_radius(x0, fun, grad)
        state = self._state(problem, x0, fun, grad, None, radius)
        if state is None:
            raise OverflowError(
                "the Hessian is not finite at x0; start where it is, or use method='bfgs'"
            )
        if self.scaled and self.initial_radius is None:
            size = norm(state.model.scale * x0) or norm(grad / state.model.scale) or 1.0
            state = replace(state, radius=size)
        return state

    def step(self, problem: Problem, state: TrustRegionState) -> TrustRegionState:
        """Try the minimiser of the model within the region; accept or reject it, and adapt the radius."""
        tried = self.subproblem.solve(state.model, state.radius)
        if tried.predicted <= state.noise < state.decrement:
            return replace(state, step_norm=0.0, stuck=TOO_SMALL)
        x = problem.within(state.x + tried.step)
        value = problem.value(x) if is_finite(x) else math.nan
        actual = gain(state.fun, value)
        ratio = gain_ratio(actual, tried.predicted, state.noise) if actual < math.inf else 1.0
        if ratio > self.accept:
            grad = problem.gradient(x)
            shrink = interpolated_shrink(float(state.grad @ tried.step), actual)
            radius = next_radius(state.radius, tried.length, ratio, shrink)
            new = self._state(problem, x, value, grad, state.model.scale, radius)
            if new is not None:
                return replace(new, step_norm=norm(tried.step), step_size=radius)
        return rejected(state, tried, actual)

    def _state(
        self, problem: Problem, x: Vector, fun: float, grad: Vector, scale: Vector | None,
        radius: float,
    ) -> TrustRegionState | None:  # fmt: skip
        if not is_finite(grad):
            return None
        hessian = problem.hessian(x)
        if not is_finite(hessian.reshape(-1)):
            return None
        if not self.scaled:
            scale = np.ones(x.size) if scale is None else scale
        else:
            diagonal = np.sqrt(np.abs(hessian.diagonal()))
            scale = diagonal if scale is None else np.maximum(diagonal, scale)
            scale = np.where(scale > 0.0, scale, 1.0)
        model = QuadraticModel.of(grad, hessian, scale)
        step, decrement = model.newton()
        if model.factor is None and (curvature := Curvature.of(hessian, grad)).negative:
            # No minimum is near, and the step within the region will use the way down.
            step = np.full_like(x, math.nan)
            decrement += 0.5 * abs(float(curvature.eigenvalues[0])) * radius**2
        return TrustRegionState(
            x=x, fun=fun, grad=grad, noise=problem.noise(fun), newton_step=step,
            decrement=decrement, model=model, radius=radius,
        )  # fmt: skip

    def inform(
        self, problem: Problem, state: TrustRegionState, curvature: Curvature | None
    ) -> TrustRegionState | None:
        """The curvature is known already; where the region has shrunk to nothing, start with one of the first size."""
        if not state.stuck:
            return replace(state)
        radius = first_radius(state.x, state.fun, state.grad)
        return replace(state, radius=radius, stuck="") if radius > state.radius else None


def gain(fun: float, value: float) -> float:
    """The actual decrease: inf from an infinite to a finite value, NaN to one that is not finite."""
    return fun - value if math.isfinite(value) else math.nan


def rejected(state: TrustRegionState, tried: ModelStep, actual: float) -> TrustRegionState:
    """The same point in a smaller region; stuck when the region has shrunk to the point."""
    shrink = interpolated_shrink(float(state.grad @ tried.step), actual)
    radius = next_radius(state.radius, tried.length, -math.inf, shrink)
    collapsed = bool(np.all(np.abs(tried.step) <= _EPS * np.abs(state.x)))
    stuck = TOO_SMALL if collapsed else ""
    return replace(state, step_norm=0.0, step_size=radius, radius=radius, stuck=stuck)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductState(State):
    """A `State` with the step that conjugate gradients propose, the radius, and the norm of the first gradient."""

    tried: ModelStep
    radius: float
    steepness: float


@dataclass(frozen=True)
class TrustRegionNewtonCG(Solver[ProductState]):
    """Newton's method in a trust region, from products of the Hessian with vectors.

    For many variables; where the Hessian is cheap, `TrustRegionNewton` is more robust.

    Parameters
    ----------
    subproblem : SteihaugToint
        How the model is minimised.
    initial_radius : float, optional
        When left out, the size of x0.
    accept : float
        A step is accepted when the actual decrease is more than this fraction of the predicted one.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> def rosenbrock(x):
    ...     return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)
    >>> result = optkit.minimize(rosenbrock, np.full(300, 0.5), method="trust-ncg")
    >>> result.success, result.x[:3].round(6)
    (True, array([1., 1., 1.]))
    """

    subproblem: SteihaugToint = SteihaugToint()
    initial_radius: float | None = None
    accept: float = 1e-4

    name = "trust-ncg"

    def init(self, problem: Problem, x0: Vector) -> ProductState:
        """Propose a first step."""
        fun, grad = problem.value_and_gradient(x0)
        radius = self.initial_radius or first_radius(x0, fun, grad)
        state = self._state(problem, x0, fun, grad, radius, norm(grad))
        if state is None:
            raise OverflowError(
                "products with the Hessian are not finite at x0; use method='lbfgs'"
            )
        return state

    def step(self, problem: Problem, state: ProductState) -> ProductState:
        """Try the proposed step; accept or reject it, adapt the radius, and propose the next."""
        tried = state.tried
        if tried.predicted <= state.noise and tried.on_boundary:
            return replace(state, step_norm=0.0, stuck=TOO_SMALL)
        x = problem.within(state.x + tried.step)
        value = problem.value(x) if is_finite(x) else math.nan
        actual = gain(state.fun, value)
        ratio = gain_ratio(actual, tried.predicted, state.noise) if actual < math.inf else 1.0
        shrink = interpolated_shrink(float(state.grad @ tried.step), actual)
        if ratio > self.accept:
            radius = next_radius(state.radius, tried.length, ratio, shrink)
            new = self._state(problem, x, value, problem.gradient(x), radius, state.steepness)
            if new is not None:
                return replace(new, step_norm=norm(tried.step), step_size=radius)
        radius = next_radius(state.radius, tried.length, -math.inf, shrink)
        stuck = TOO_SMALL if np.all(np.abs(tried.step) <= _EPS * np.abs(state.x)) else ""
        again = self._state(problem, state.x, state.fun, state.grad, radius, state.steepness)
        assert again is not None  # it was finite there before
        return replace(again, step_norm=0.0, step_size=radius, stuck=stuck)

    def _state(
        self, problem: Problem, x: Vector, fun: float, grad: Vector, radius: float, steepness: float
    ) -> ProductState | None:
        if not is_finite(grad):
            return None
        size = norm(grad)
        forcing = min(0.5, math.sqrt(size / steepness)) if steepness > 0.0 else 0.5
        tried = self.subproblem.solve(grad, lambda v: problem.hvp(x, v), radius, forcing * size)
        if not (is_finite(tried.step) and math.isfinite(tried.predicted)):
            return None
        # A step that the boundary has cut off says nothing of the distance to the minimum.
        newton = np.full_like(x, math.nan) if tried.on_boundary and size > 0.0 else tried.step
        return ProductState(
            x=x, fun=fun, grad=grad, noise=problem.noise(fun), newton_step=newton,
            decrement=max(tried.predicted, 0.0), tried=tried, radius=radius, steepness=steepness,
        )  # fmt: skip

"""Gauss-Newton and Levenberg–Marquardt: nonlinear least squares from values and Jacobians of the residuals.

Symbols: x the parameters, r(x) the residuals of shape (m,), J their Jacobian, f = ½‖r‖² the value, g = Jᵀr its
gradient, p the step, D the column scaling, Δ the radius. Both methods step to a minimiser of the linear model ½‖r +
J p‖², that is, they replace ∇²f by JᵀJ, which is right up to Σ rᵢ ∇²rᵢ: convergence is quadratic where the
residuals vanish and fast where they are small. Neither forms JᵀJ: see `optkit.optimize.trust_region` for the
factorisation and for what happens when J is rank-deficient or m < n.

- `GaussNewton` takes the minimiser p = −J⁺r (of least ‖D p‖ where it is not unique; D are the norms of J's columns)
  and searches along it (Nocedal & Wright, Numerical Optimization, 2nd ed., §10.3).
- `LevenbergMarquardt` takes the minimiser within ‖D p‖ ≤ Δ. D holds the largest norm that each column of J has had,
  so the method does not depend on the units of the parameters. With ρ = actual/predicted decrease the step is
  accepted when ρ > 10⁻⁴, and Δ follows ρ (J. J. Moré, The Levenberg-Marquardt algorithm, 1978, algorithm 7.1; D by
  (6.3)).

A step is accepted only when r, f, J and g are finite at its end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from optkit.optimize.line_search import Armijo, LineSearch
from optkit.optimize.residual_problem import LeastSquaresProblem
from optkit.optimize.solver import Solver
from optkit.optimize.state import LeastSquaresState
from optkit.optimize.trust_region import LinearModel, gain_ratio, next_radius
from optkit.optimize.validation import Vector, is_finite, norm

_EPS = float(np.finfo(np.float64).eps)
_TOO_SMALL = "the trust region has shrunk until the decrease within is rounding"


def linearize(
    problem: LeastSquaresProblem,
    x: Vector,
    scale: Vector | None = None,
    *,
    step_norm: float = math.nan,
    step_size: float = math.nan,
    radius: float = math.inf,
) -> LeastSquaresState | None:
    """The state at x, reached by a step of this length, or None when something there is not finite.

    D is the column norms of J, each at least that of ``scale``; a column that is zero has the scale 1.
    """
    residuals = problem.residuals(x)
    fun = 0.5 * float(residuals @ residuals)
    if not (math.isfinite(fun) and is_finite(x)):
        return None
    jacobian = problem.jacobian(x)
    norms: Vector = np.sqrt(np.einsum("ij,ij->j", jacobian, jacobian))
    grad = residuals @ jacobian
    if not (is_finite(norms) and is_finite(grad)):  # which no other entry of J leaves finite
        return None
    if scale is not None:
        norms = np.maximum(norms, scale)
    if not norms.all():
        norms = np.where(norms > 0.0, norms, 1.0)
    model = LinearModel.of(jacobian, residuals, norms)
    # Rounding moves each xⱼ by ε|xⱼ|, hence f by as much as this, even where it is exact at each x.
    rounding = problem.precision * float((np.abs(residuals) @ np.abs(jacobian)) @ np.abs(x))
    return LeastSquaresState(
        x=x, fun=fun, grad=grad, newton_step=model.newton_step(), decrement=model.decrement,
        noise=problem.noise(fun) + rounding, residuals=residuals, jacobian=jacobian, model=model,
        step_norm=step_norm, step_size=step_size, radius=radius,
    )  # fmt: skip


def linearize_start(problem: LeastSquaresProblem, x0: Vector) -> LeastSquaresState:
    """The state at a start that has been validated: only an overflow can be left."""
    state = linearize(problem, x0)
    if state is None:
        raise OverflowError(
            "the sum of squares or its gradient overflows at x0; rescale the residuals"
        )
    return state


@dataclass(frozen=True)
class GaussNewton(Solver[LeastSquaresState]):
    """Gauss-Newton with a line search.

    The simplest method for least squares and, near a solution with small residuals, as fast as any. Where the model
    is poor far from the solution, `LevenbergMarquardt` is more robust.

    Parameters
    ----------
    line_search : LineSearch
        How far to go along the step; tries the full step first.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> t = np.linspace(0.0, 2.0, 9)
    >>> y = 2.0 * np.exp(-1.5 * t)
    >>> fit = optkit.least_squares(
    ...     lambda p: p[0] * np.exp(-p[1] * t) - y, [1.0, 1.0], method=optkit.optimize.GaussNewton()
    ... )
    >>> np.round(fit.x, 6)
    array([2. , 1.5])
    """

    line_search: LineSearch = Armijo()

    name = "gauss-newton"
    problem_type = LeastSquaresProblem

    def init(self, problem: LeastSquaresProblem, x0: Vector) -> LeastSquaresState:
        """Linearise at the start."""
        return linearize_start(problem, x0)

    def step(self, problem: LeastSquaresProblem, state: LeastSquaresState) -> LeastSquaresState:
        """Search along the minimiser of the linear model."""
        step, new = state.newton_step, None
        found = self.line_search.search(problem, state, step, 1.0)
        if found is not None and (found.x != state.x).any():
            length = found.t * norm(step)
            new = linearize(problem, found.x, step_norm=length, step_size=found.t)
        return new or replace(
            state, step_norm=0.0,
            stuck="the line search found no lower sum of squares along the Gauss-Newton step; "
            "method='lm' is more robust",
        )  # fmt: skip


@dataclass(frozen=True)
class LevenbergMarquardt(Solver[LeastSquaresState]):
    """Levenberg–Marquardt in a scaled trust region: the default for least squares.

    Parameters
    ----------
    initial_radius : float
        The first radius, in units of ‖D x0‖ (of 1 where that is zero).
    accept : float
        A step is accepted when the actual decrease is more than this fraction of the predicted one.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> def residuals(x):
    ...     return np.array([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])
    >>> result = optkit.least_squares(residuals, [-1.2, 1.0], method=optkit.optimize.LevenbergMarquardt())
    >>> np.round(result.x, 6)
    array([1., 1.])
    """

    initial_radius: float = 1.0
    accept: float = 1e-4

    name = "lm"
    problem_type = LeastSquaresProblem

    def init(self, problem: LeastSquaresProblem, x0: Vector) -> LeastSquaresState:
        """Linearise at the start, and measure the first radius by it."""
        state = linearize_start(problem, x0)
        size = float(np.linalg.norm(state.model.scale * x0))
        return replace(state, radius=self.initial_radius * (size or 1.0))

    def step(self, problem: LeastSquaresProblem, state: LeastSquaresState) -> LeastSquaresState:
        """Try the minimiser of the model within the region; accept or reject it, and adapt the radius."""
        step, predicted, length = state.model.step_within(state.radius)
        if predicted <= state.noise < state.decrement:
            return replace(state, step_norm=0.0, stuck=_TOO_SMALL)
        x = state.x + step
        residuals = problem.residuals(x)
        actual = state.fun - 0.5 * float(residuals @ residuals)
        ratio = gain_ratio(actual, predicted, state.noise)
        if ratio <= self.accept:
            return self._reject(state, step, length, actual)
        shrink = _interpolated(float(state.grad @ step), actual)
        radius = next_radius(state.radius, length, ratio, shrink)
        new = linearize(
            problem, x, state.model.scale,
            radius=radius, step_size=radius, step_norm=norm(step),
        )  # fmt: skip
        return new or self._reject(state, step, length, math.nan)

    def _reject(
        self, state: LeastSquaresState, step: Vector, length: float, actual: float
    ) -> LeastSquaresState:
        shrink = _interpolated(float(state.grad @ step), actual)
        radius = next_radius(state.radius, length, -math.inf, shrink)
        collapsed = bool(np.all(np.abs(step) <= _EPS * np.abs(state.x)))
        stuck = _TOO_SMALL if collapsed else ""
        return replace(state, step_norm=0.0, step_size=radius, radius=radius, stuck=stuck)


def _interpolated(slope: float, actual: float) -> float:
    """Where along the step, as a fraction of it, the parabola through value, slope and new value has its minimum."""
    curvature = -actual - slope
    return -0.5 * slope / curvature if math.isfinite(actual) and curvature > 0.0 else 0.1

"""Line searches: how far to go along a direction p from x, given φ(t) = f(x + t p) with φ′(0) < 0.

- `Armijo`: shrink t until φ(t) ≤ φ(0) + c₁ t φ′(0), at the minimum of the interpolating parabola kept within [0.1,
  0.5] of the last t (Nocedal & Wright, Numerical Optimization, 2nd ed., §3.1 and §3.5). Needs values only.
- `StrongWolfe`: besides, |φ′(t)| ≤ c₂ |φ′(0)|, which makes sᵀy > 0 for quasi-Newton updates (J. J. Moré & D. J.
  Thuente, Line search algorithms with guaranteed sufficient decrease, ACM TOMS 20 (1994) 286–307; numbers in
  brackets are theirs).

Both add to the textbook:

- A trial at which f, or the gradient at the point to be accepted, is not finite is a rejected trial, never a
  failure: the search goes on between it and the best point.
- Values are known to rounding ε|f| only. Near a minimum the decrease drowns in it while the slope does not, so
  decrease is demanded up to that noise (the approximate Wolfe condition of Hager & Zhang, SIAM J. Optim. 16 (2005)
  170–192, (4.1), rests on the same observation), and where values are equal to within it, `StrongWolfe` goes by
  slopes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from optkit.optimize.problem import BaseProblem
from optkit.optimize.state import State
from optkit.optimize.validation import Vector, is_finite


class Trial(NamedTuple):
    """A point on the line: t, x + t p, f, and, where they were needed, the gradient and the slope φ′(t)."""

    t: float
    x: Vector
    fun: float
    grad: Vector | None
    slope: float


class LineSearch(Protocol):
    """Any frozen object with this method is a line search."""

    def search(
        self,
        problem: BaseProblem,
        state: State,
        direction: Vector,
        first: float,
        longest: float = math.inf,
    ) -> Trial | None:
        """The accepted point, with f and gradient finite there, or None when no step is acceptable.

        ``direction``, shape (n,), descends from ``state.x``; ``first`` is the first t to try, and ``longest`` the
        last t within the bounds.
        """


def start_of(state: State, direction: Vector) -> Trial:
    """The trial at t = 0."""
    return Trial(0.0, state.x, state.fun, state.grad, float(state.grad @ direction))


def visible_noise(state: State) -> float:
    """The rounding of f where it can hide the decrease of a full step, and zero where it cannot.

    Elsewhere a step so short that its decrease is rounding would always be acceptable, even uphill.
    """
    return state.noise if state.decrement <= 100.0 * state.noise else 0.0


def trial_with_value(problem: BaseProblem, start: Trial, direction: Vector, t: float) -> Trial:
    """The trial at t, its gradient left out."""
    x = problem.within(start.x + t * direction)
    return Trial(t, x, problem.value(x) if is_finite(x) else math.nan, None, math.nan)


def trial_with_slope(problem: BaseProblem, start: Trial, direction: Vector, t: float) -> Trial:
    """The trial at t; without gradient where there is no finite value."""
    x = problem.within(start.x + t * direction)
    if problem.separate or not is_finite(x):
        fun = problem.value(x) if is_finite(x) else math.nan
        if not math.isfinite(fun):
            return Trial(t, x, fun, None, math.nan)  # where there is no value, jac may not even run
    fun, grad = problem.value_and_gradient(x)
    return Trial(t, x, fun, grad, float(grad @ direction))


def first_step_length(x: Vector, fun: float, grad: Vector) -> float:
    """A step length along −g to begin with, when nothing is known of the curvature.

    It moves x by a tenth of its size; from x = 0, to where the linear model has lost a tenth of |f| (or by one, if
    f is zero too). Like Hager and Zhang's (2005, I0), it is free of the scales of x and f, only bolder.
    """
    size, steepness = math.sqrt(x @ x), math.sqrt(grad @ grad)
    if not 0.0 < steepness < math.inf:
        return 1.0
    if size > 0.0:
        return 0.1 * size / steepness
    return (0.1 * abs(fun) / steepness if 0.0 < abs(fun) < math.inf else 1.0) / steepness


@dataclass(frozen=True)
class Armijo(LineSearch):
    """Backtracking to sufficient decrease.

    Parameters
    ----------
    decrease : float
        c₁, in (0, ½).
    max_trials : int
        Trials before the search gives up.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> solver = optkit.optimize.GradientDescent(line_search=optkit.optimize.Armijo(decrease=0.1))
    >>> bool(optkit.minimize(lambda x: np.sum(x**4), [1.0, 2.0], method=solver).success)
    True
    """

    decrease: float = 1e-4
    max_trials: int = 60

    def search(
        self,
        problem: BaseProblem,
        state: State,
        direction: Vector,
        first: float,
        longest: float = math.inf,
    ) -> Trial | None:
        start = start_of(state, direction)
        t, noise = min(first, longest), visible_noise(state)
        for _ in range(self.max_trials):
            trial = trial_with_value(problem, start, direction, t)
            if -math.inf < trial.fun <= start.fun + self.decrease * t * start.slope + noise:
                trial = trial_with_slope(problem, start, direction, t)
                # A finite slope means a finite gradient: inf and nan leave traces in every sum.
                if math.isfinite(trial.slope):
                    return trial
            t *= _shrink(start, trial)
            if t * float(abs(direction).max()) == 0.0:
                break
        return None


def _shrink(start: Trial, trial: Trial) -> float:
    """The minimum of the parabola through φ(0), φ′(0) and φ(t), as a fraction of t, within [0.1, 0.5]."""
    curvature = trial.fun - start.fun - trial.t * start.slope
    if not 0.0 < curvature < math.inf:
        return 0.1 if not math.isfinite(trial.fun) else 0.5
    return min(max(-0.5 * trial.t * start.slope / curvature, 0.1), 0.5)


@dataclass(frozen=True)
class StrongWolfe(LineSearch):
    """The search of Moré and Thuente for sufficient decrease and small slope.

    Parameters
    ----------
    decrease, curvature : float
        c₁ < c₂, both in (0, 1): a small c₂ makes the search nearly exact.
    max_trials : int
        Trials after which the search returns the best point found, if it decreases f sufficiently.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> solver = optkit.optimize.BFGS(line_search=optkit.optimize.StrongWolfe(curvature=0.1))
    >>> bool(optkit.minimize(lambda x: np.sum(np.cosh(x)), [1.0, 2.0], method=solver).success)
    True
    """

    decrease: float = 1e-4
    curvature: float = 0.9
    max_trials: int = 40

    def search(
        self,
        problem: BaseProblem,
        state: State,
        direction: Vector,
        first: float,
        longest: float = math.inf,
    ) -> Trial | None:
        start = start_of(state, direction)
        interval = _Interval(start, self.decrease, visible_noise(state))
        t = min(first, longest)
        for _ in range(self.max_trials):
            trial = trial_with_slope(problem, start, direction, t)
            if not (-math.inf < trial.fun < math.inf and math.isfinite(trial.slope)):
                t = interval.wall(t)
                continue
            if interval.decreases(trial) and abs(trial.slope) <= -self.curvature * start.slope:
                return trial
            if t == longest and interval.decreases(trial) and trial.slope < 0.0:
                return trial
            t = min(interval.take(trial), longest)
            if interval.is_a_point():
                break
        best = interval.best
        return best if best.t > 0.0 and interval.decreases(best) else None


class _Interval:
    """The interval of Moré and Thuente: ``best`` is its end with the least value, ``other`` its other end, if any.

    The working memory of one search, which lives no longer than that; hence not frozen.
    """

    def __init__(self, start: Trial, decrease: float, noise: float) -> None:
        self.start, self.decrease, self.noise = start, decrease, noise
        self.best = start
        self.other: Trial | None = None
        self.limit = math.inf  # f is not finite there
        self.first_stage = True
        self.widths = (math.inf, math.inf)  # before and at the last trial

    def decreases(self, trial: Trial) -> bool:
        """Sufficient decrease (1.1), up to the noise of the values."""
        bound = self.start.fun + self.decrease * trial.t * self.start.slope
        return trial.fun <= bound + self.noise

    def is_a_point(self) -> bool:
        """Whether the interval has become so short that t is known to ten digits."""
        if self.other is None:
            return self.best.t >= (1.0 - 1e-10) * self.limit
        return self.widths[1] <= 1e-10 * max(self.best.t, self.other.t)

    def wall(self, t: float) -> float:
        """The next t, when f or its slope is not finite at this one."""
        self.limit = t
        return self.best.t + 0.25 * (t - self.best.t)

    def take(self, trial: Trial) -> float:
        """Update the interval with a trial (their updating algorithm, §2–3) and return the next t (§4)."""
        enough = self.decreases(trial)
        self.first_stage = self.first_stage and not (enough and trial.slope >= 0.0)
        low, new, other = self.best, trial, self.other
        if self.first_stage and not enough and trial.fun <= low.fun:
            # ψ(t) = φ(t) − φ(0) − c₁ t φ′(0) has a minimum where φ may still have none.
            low, new = self._auxiliary(low), self._auxiliary(new)
            other = None if other is None else self._auxiliary(other)
        if abs(new.fun - low.fun) <= self.noise:
            new = new._replace(fun=low.fun)
        t = _next_trial(low, new, other)
        if new.fun > low.fun:
            self.other = trial
        else:
            if new.slope * (low.t - new.t) < 0.0:
                self.other = self.best
            self.best = trial
        return self._safeguard(t, low.t, trial.t)

    def _auxiliary(self, trial: Trial) -> Trial:
        slope = self.decrease * self.start.slope
        return trial._replace(fun=trial.fun - trial.t * slope, slope=trial.slope - slope)

    def _safeguard(self, t: float, previous: float, last: float) -> float:
        if self.other is None:
            reach = last - previous
            t = max(min(t, last + 4.0 * reach), last + 0.1 * reach)
        else:
            width = abs(self.other.t - self.best.t)
            if width >= 0.66 * self.widths[0] or not 0.0 < abs(t - self.best.t) < width:
                t = self.best.t + 0.5 * (self.other.t - self.best.t)
            self.widths = (self.widths[1], width)
        return t if t < self.limit else self.best.t + 0.5 * (self.limit - self.best.t)


def _next_trial(low: Trial, new: Trial, other: Trial | None) -> float:
    """The four cases of their §4; ``low`` is the best end, ``new`` the trial, ``other`` the other end."""
    cubic = _cubic(low, new)
    if new.fun > low.fun:  # case 1: a minimum lies between
        quadratic = _quadratic(low, new)
        if abs(cubic - low.t) < abs(quadratic - low.t):
            return cubic
        return 0.5 * (quadratic + cubic) if math.isfinite(cubic) else quadratic
    if new.slope * low.slope < 0.0:  # case 2: again; the farther from the trial of cubic and secant
        secant = _secant(low, new)
        return cubic if abs(cubic - new.t) >= abs(secant - new.t) else secant
    forward = math.copysign(math.inf, new.t - low.t)
    if abs(new.slope) < abs(low.slope):  # case 3: the slope flattens on the way to a minimum
        secant = _secant(low, new)
        beyond = (cubic - new.t) * (new.t - low.t) > 0.0
        choices = (cubic if beyond else forward, secant)
        if other is None:
            return max(choices, key=lambda t: abs(t - new.t))
        t = min(choices, key=lambda t: abs(t - new.t))
        bound = new.t + 0.66 * (other.t - new.t)
        return min(t, bound) if new.t > low.t else max(t, bound)
    return _cubic(other, new) if other is not None else forward  # case 4: it steepens


def _cubic(a: Trial, b: Trial) -> float:
    """The minimiser of the cubic through values and slopes at a and b (Nocedal & Wright (3.59)); NaN if none."""
    d1 = a.slope + b.slope - 3.0 * (a.fun - b.fun) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0.0:
        return math.nan
    d2 = math.copysign(math.sqrt(square), b.t - a.t)
    denominator = b.slope - a.slope + 2.0 * d2
    return b.t - (b.t - a.t) * (b.slope + d2 - d1) / denominator if denominator else math.nan


def _quadratic(a: Trial, b: Trial) -> float:
    """The minimiser of the parabola through the values at a and b and the slope at a; NaN if none."""
    h = b.t - a.t
    curvature = b.fun - a.fun - a.slope * h
    return a.t - 0.5 * a.slope * h * h / curvature if curvature else math.nan


def _secant(a: Trial, b: Trial) -> float:
    """Where the straight line through the slopes at a and b is zero."""
    return b.t - b.slope * (b.t - a.t) / (b.slope - a.slope)

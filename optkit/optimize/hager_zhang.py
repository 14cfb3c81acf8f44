"""The line search of Hager and Zhang: secant steps on the slope, and values only as far as they can be trusted.

Symbols: φ(t) = f(x + t p), δ and σ the constants of the Wolfe conditions, ε_k the noise allowed in values, [a, b] an
interval with φ′(a) < 0, φ(a) ≤ φ(0) + ε_k and φ′(b) ≥ 0. A trial is accepted when either

    φ(t) − φ(0) ≤ δ t φ′(0)  and  φ′(t) ≥ σ φ′(0),                              (the Wolfe conditions)
    (2δ − 1) φ′(0) ≥ φ′(t) ≥ σ φ′(0)  and  φ(t) ≤ φ(0) + ε_k.            (the approximate Wolfe conditions)

Near a minimum a difference of values is known to √ε only, a slope to ε: the second form finds minima of nearly full
precision (W. W. Hager & H. Zhang, SIAM J. Optim. 16 (2005) 170–192, (4.1), and ACM TOMS 32 (2006) 113–137, §3:
bracket, secant² and update are its B, S and U). Here ε_k is the rounding of f, instead of 10⁻⁶ |f|. A trial without a
finite value or slope is taken for one that is too far.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from optkit.optimize.line_search import LineSearch, Trial, start_of, trial_with_slope
from optkit.optimize.problem import BaseProblem
from optkit.optimize.state import State
from optkit.optimize.validation import Vector


@dataclass(frozen=True)
class HagerZhang(LineSearch):
    """The search of Hager and Zhang with approximate Wolfe conditions.

    Parameters
    ----------
    decrease, curvature : float
        δ < ½ and σ, δ ≤ σ < 1.
    expand, shrink : float
        ρ, by which the search for an interval grows, and γ, the least factor by which two secants must shrink it.
    max_trials : int
        Evaluations after which the best point found is returned, if it decreases f.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> solver = optkit.optimize.BFGS(line_search=optkit.optimize.HagerZhang())
    >>> bool(optkit.minimize(lambda x: np.sum(np.cosh(x)), [1.0, 2.0], method=solver).success)
    True
    """

    decrease: float = 0.1
    curvature: float = 0.9
    expand: float = 5.0
    shrink: float = 0.66
    max_trials: int = 50

    def search(
        self,
        problem: BaseProblem,
        state: State,
        direction: Vector,
        first: float,
        longest: float = math.inf,
    ) -> Trial | None:
        start = start_of(state, direction)
        run = _Search(self, start, state.noise, longest)
        run.evaluate = lambda t: trial_with_slope(problem, start, direction, t)
        try:
            run.bracket(min(first, longest))
            while not run.is_a_point():
                run.double_secant()
        except _Found as found:
            return found.trial
        return run.best if run.best.t > 0.0 and run.decreases(run.best) else None


class _Found(Exception):  # noqa: N818  # how the search ends well, from whichever depth
    def __init__(self, trial: Trial) -> None:
        self.trial = trial


class _Search:
    """The working memory of one search, which lives no longer than that."""

    def __init__(self, options: HagerZhang, start: Trial, noise: float, longest: float) -> None:
        self.options, self.start, self.longest = options, start, longest
        self.ceiling = start.fun + noise
        self.noise = noise
        self.a = self.best = start
        self.b: Trial | None = None
        self.trials = 0
        self.evaluate: Callable[[float], Trial]

    def decreases(self, trial: Trial) -> bool:
        """Whether the value is lower than at the start, or as low by all that it can tell."""
        return trial.fun < self.start.fun or (
            trial.fun <= self.ceiling and trial.slope > self.start.slope
        )

    def is_a_point(self) -> bool:
        """Whether the search has shrunk to nothing, or has been going on for too long."""
        if self.trials >= self.options.max_trials or self.b is None:
            return True
        return self.b.t - self.a.t <= 1e-10 * self.b.t

    def trial(self, t: float) -> Trial:
        """Evaluate at t; raise `_Found` when the point will do."""
        self.trials += 1
        trial, slope0 = self.evaluate(t), self.start.slope
        if not _finite(trial):
            return trial._replace(fun=math.inf, slope=math.nan)
        if trial.fun < self.best.fun:
            self.best = trial
        flat = trial.slope >= self.options.curvature * slope0
        delta = self.options.decrease
        wolfe = trial.fun - self.start.fun <= delta * t * slope0
        approximate = trial.slope <= (2.0 * delta - 1.0) * slope0 and trial.fun <= self.ceiling
        if (flat and (wolfe or approximate)) or (t == self.longest and wolfe and trial.slope < 0.0):
            raise _Found(trial)
        return trial

    def bracket(self, t: float) -> None:
        """Find an interval [a, b] (their B0–B3)."""
        while self.trials < self.options.max_trials:
            trial = self.trial(t)
            if trial.slope >= 0.0:
                self.b = trial
                return
            if not trial.fun <= self.ceiling:  # too high, or not finite
                self.bisect(trial)
                return
            self.a = trial
            t = min(self.options.expand * t, self.longest)

    def bisect(self, high: Trial) -> None:
        """Shrink [a, high], which goes down at a and is high at its end, to an interval (their U3)."""
        self.b = high
        while self.trials < self.options.max_trials and self.b.t - self.a.t > 1e-14 * self.b.t:
            fraction = 0.5 if math.isfinite(self.b.fun) else 0.1
            trial = self.trial(self.a.t + fraction * (self.b.t - self.a.t))
            if trial.slope >= 0.0:
                self.b = trial
                return
            if trial.fun <= self.ceiling:
                self.a = trial
            else:
                self.b = trial

    def update(self, t: float) -> None:
        """Narrow [a, b] by a trial within it (their U0–U3)."""
        assert self.b is not None
        if not self.a.t < t < self.b.t:
            return
        trial = self.trial(t)
        if trial.slope >= 0.0:
            self.b = trial
        elif trial.fun <= self.ceiling:
            self.a = trial
        else:
            self.bisect(trial)

    def double_secant(self) -> None:
        """Two secants, and a bisection when they have not shrunk the interval enough (their S1–S4 and L2)."""
        a, b = self.a, self.b
        assert b is not None
        width, trials = b.t - a.t, self.trials
        c = _secant(a, b)
        self.update(c)
        if self.b is not None and c == self.b.t:
            self.update(_secant(b, self.b))
        elif c == self.a.t:
            self.update(_secant(a, self.a))
        if self.b.t - self.a.t > self.options.shrink * width or self.trials == trials:  # type: ignore[union-attr]
            self.update(0.5 * (self.a.t + self.b.t))  # type: ignore[union-attr]


def _finite(trial: Trial) -> bool:
    return -math.inf < trial.fun < math.inf and math.isfinite(trial.slope)


def _secant(a: Trial, b: Trial) -> float:
    """Where the straight line through the slopes is zero; NaN where it is level, or a slope unknown."""
    change = b.slope - a.slope
    return (a.t * b.slope - b.t * a.slope) / change if change else math.nan

"""Confidence intervals by profile likelihood: where the best fit with one parameter held becomes too bad.

With S(θ) the least sum of squares for one parameter held at θ, S* its minimum at θ̂, and s² the variance of the errors,

    τ(θ) = sign(θ − θ̂) √((S(θ) − S*) / s²)

is the profile t function; the interval of level 1 − α holds the θ with |τ(θ)| ≤ t, the quantile of Student's t for m −
n degrees of freedom (of the normal distribution when s is known): D. M. Bates & D. G. Watts, Nonlinear Regression
Analysis and Its Applications, 1988, §6.1.2 and A3.5. For a linear model τ is a straight line and the interval is θ̂ ± t
se; otherwise its bend is the curvature that ± forgets. Each end is the root of τ = ±t, found by inverse interpolation
within a bracket; every value of τ is a fit of the other parameters, started from the last one.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import scipy.optimize

from optkit.optimize.levenberg_marquardt import LevenbergMarquardt
from optkit.optimize.regression import Regression
from optkit.optimize.solver import solve
from optkit.optimize.validation import Vector

_DOUBLINGS = 30


@dataclass(eq=False)
class Profile:
    """τ for one parameter; remembers the last fit, from which the next one starts.

    Attributes
    ----------
    regression, name
        The regression, and the free parameter that is held.
    best : ndarray
        The estimates of all free parameters.
    cost : float
        S*/2.
    scale : float
        s.
    """

    regression: Regression
    name: str
    best: Vector
    cost: float
    scale: float

    def __post_init__(self) -> None:
        self.index = self.regression.parameters.free.index(self.name)
        self.center = float(self.best[self.index])
        self.others = np.delete(self.best, self.index)

    def tau(self, value: float) -> float:
        """τ at this value of the parameter; +inf or −inf where no fit is to be had."""
        side = math.copysign(1.0, value - self.center)
        problem = self.regression.fixing(self.name, value).problem(check_derivatives=False)
        try:
            found = solve(problem, LevenbergMarquardt(), self.others)
        except (ValueError, ArithmeticError):  # nothing finite there
            return side * math.inf
        self.others = found.x
        return side * math.sqrt(max(2.0 * (found.cost - self.cost), 0.0)) / self.scale

    def end(self, quantile: float, standard_error: float) -> float:
        """Where τ reaches the quantile, positive or negative; ±inf, or the bound, where it never does."""
        side = math.copysign(1.0, quantile)
        item = self.regression.parameters.table[self.name]
        wall = item.max if side > 0.0 else item.min
        self.others = np.delete(self.best, self.index)
        inner, outer = self.center, self.center
        step = abs(quantile) * standard_error
        if not 0.0 < step < math.inf:
            return wall
        for _ in range(_DOUBLINGS):
            outer = inner + side * step
            if side * (outer - wall) >= 0.0:
                outer = wall
            reached = side * self.tau(outer) >= abs(quantile)
            if reached:
                return self._root(quantile, inner, outer)
            if outer == wall:
                return wall
            inner, step = outer, 2.0 * step
        return side * math.inf

    def _root(self, quantile: float, inner: float, outer: float) -> float:
        def excess(value: float) -> float:
            if value == self.center:
                return -quantile
            tau = self.tau(value) - quantile
            return tau if math.isfinite(tau) else math.copysign(1e3 * abs(quantile), tau)

        tolerance = 1e-7 * abs(outer - self.center)
        root: float = scipy.optimize.brentq(excess, inner, outer, xtol=tolerance, rtol=1e-10)
        return root


def profile_interval(
    profile: Profile, quantile: float, standard_error: float
) -> tuple[float, float]:
    """The ends of the interval."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", RuntimeWarning
        )  # far from the estimate anything may overflow
        return profile.end(-quantile, standard_error), profile.end(quantile, standard_error)

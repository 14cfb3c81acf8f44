"""The slope of a function of one real variable at 0, from values alone, with an honest error bar.

Symbols: φ(t) is the function, with m outputs; h_k = h₀ / 2ᵏ is the ladder of steps;
T_{k,0} = (φ(h_k) − φ(−h_k)) / 2 h_k is the central difference, whose error is a series in h², so that

    T_{k,j} = T_{k,j−1} + (T_{k,j−1} − T_{k−1,j−1}) / (4ʲ − 1)

removes one power of h² after the other (Richardson). Ridders' idea is to judge each T_{k,j} by its distance to its two
parents and to keep the best of the whole tableau, which finds by itself the steps that are small enough for the
series and large enough for the rounding errors. To that distance we add what rounding alone does to a difference
quotient, the noise of φ over h_k, and we distrust a T_{k,j} which the differences at the smallest steps contradict:
agreement among large steps alone can be an accident (a period of the function that divides the step).

The same values give the slopes of the two sides, by Richardson in powers of h. Where both have converged and differ,
the function has a kink. Where one side does not exist (the edge of the domain), the other gives the estimate.

References
----------
C. J. F. Ridders, Accurate computation of F′(x) and F′(x)F″(x), Advances in Engineering Software 4 (1982) 75–76.
J. J. Moré, S. M. Wild, Estimating computational noise, SIAM Journal on Scientific Computing 33 (2011) 1292–1314.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

# About 1/16. Not a power of two, so that it is no multiple of a period that a function may have; of few bits, so that
# the points x ± h are exact.
FIRST_STEP = 68471 * 2.0**-20
_COUNT = 10
# The first steps of the other ladders, each beginning where the one before ends.
_FINER = (FIRST_STEP / 2.0**9, FIRST_STEP / 2.0**18)
_EPS = float(np.finfo(np.float64).eps)
# An estimate known to this part of the slopes around it needs no other ladder of steps.
_SETTLED = 1e-8
# A kink is claimed only where both sides are known to this part of the difference between them,
_SIDES_CONVERGED = 1e-3
# and where that difference is more than this part of them.
_SMALLEST_KINK = 1e-6
# Quotients that grow at every halving of the step by this factor or more have no limit: h^(−1/7) and steeper.
_GROWS = 1.1


@dataclass(frozen=True)
class Slope:
    """The slopes φ′(0) of m outputs, each array of shape (m,).

    Attributes
    ----------
    estimate, error_bar
        The best two-sided estimate (one-sided at the edge of a domain) and a bound on its error; NaN and inf where
        no estimate exists.
    left, right
        The slopes of the two sides; infinite where the quotients grow without limit.
    nearby
        |φ(±h) − φ(0)| / h at the largest step that could be evaluated: how steep the surroundings are.
    kink
        Whether the two sides have different slopes.
    """

    estimate: Array
    error_bar: Array
    left: Array
    right: Array
    nearby: Array
    kink: Flags


@dataclass(frozen=True)
class _Ladder:
    """The values of φ on a ladder of steps: ``steps`` (k, 1), ``center`` (m,), ``plus`` and ``minus`` (k, m)."""

    steps: Array
    center: Array
    plus: Array
    minus: Array
    noise: Array

    @property
    def right(self) -> Array:
        return (self.plus - self.center) / self.steps

    @property
    def left(self) -> Array:
        return (self.center - self.minus) / self.steps

    @property
    def central(self) -> Array:
        return (self.plus - self.minus) / (2.0 * self.steps)

    def rounding(self) -> Array:
        """What rounding does to each difference quotient: noise of φ, of its values, and of its argument, over h."""
        values = np.fmax(np.abs(self.center), np.fmax(np.abs(self.plus), np.abs(self.minus)))
        slopes = np.fmax(np.abs(self.right), np.abs(self.left))
        # The argument is as large as 1 in units of t, hence known to ε: its noise moves φ by ε times the slope.
        return 2.0 * (self.noise + _EPS * (values + slopes)) / self.steps


def slope_at_zero(
    phi: Callable[[float], Array], center: Array, noise: Array, wider: Iterable[float] = ()
) -> Slope:
    """Differentiate ``phi`` at 0, each output with its own best steps.

    Parameters
    ----------
    phi : callable
        The function, from a number t of the order of 1 to an array of shape (m,).
    center : array of shape (m,)
        Its value at 0.
    noise : array of shape (m,)
        The noise of its values, from `noise_level`; where the slope does not settle with it, it is measured anew.
    wider : iterable of float
        Larger first steps, to be tried where the usual ladder of steps does not settle.

    Returns
    -------
    Slope
        The estimates of the m slopes.
    """
    with np.errstate(all="ignore"):
        ladder = _evaluate(phi, center, noise, FIRST_STEP)
        slope = _slope_on(ladder)
        return slope if _is_settled(slope, center) else _unsettled_slope(phi, ladder, wider)


def _unsettled_slope(
    phi: Callable[[float], Array], ladder: _Ladder, wider: Iterable[float]
) -> Slope:
    """The slope where the first ladder is not enough: with the noise along this very φ, then with other steps."""
    center, noise = ladder.center, noise_level(phi)
    best = latest = _slope_on(replace(ladder, noise=noise))
    if _is_settled(best, center):
        return best
    for first_step in wider:
        best = _better(best, _slope_on(_evaluate(phi, center, noise, first_step)))
    for first_step in _FINER:
        noise = noise_level(phi, first_step, noise)
        finer = _slope_on(_evaluate(phi, center, noise, first_step))
        # A kink seen at large steps and not at small ones is elsewhere: the large steps have straddled it.
        straddled = latest.kink & ~finer.kink
        best = replace(_better(best, finer, straddled), kink=latest.kink & finer.kink)
        latest = finer
        if np.all(_is_accurate(best, center) & ~finer.kink | best.kink):
            break
    return best


def noise_level(
    phi: Callable[[float], Array], first_step: float = FIRST_STEP, coarser: Array | float = 0.0
) -> Array:
    """The noise of the values of ``phi`` near 0, shape (m,), at the scale of the ladder that begins at ``first_step``.

    Fourth differences of values on a fine grid are free of what is smooth at that scale; what is left is noise,
    amplified by √(8! / 4!²) (Moré and Wild 2011, §2). The sides are looked at apart, lest a kink at 0 pass for noise. A
    function that stands still on the grid is quantised, and as noisy as it was on the ``coarser`` one.
    """
    spacing = first_step / 2.0**13
    level, moves = np.zeros(()), np.array(True)
    with np.errstate(all="ignore"):
        for step in (spacing, -spacing):
            values = np.stack([phi(step * k) for k in range(1, 8)])
            level = np.fmax(level, np.max(np.abs(np.diff(values, n=4, axis=0)), axis=0))
            moves = moves & np.all(np.diff(values, axis=0) != 0.0, axis=0)
    level = np.where(np.isfinite(level), level / np.sqrt(70.0), 0.0)
    return np.where(moves, level, np.maximum(level, coarser))


def _evaluate(
    phi: Callable[[float], Array], center: Array, noise: Array, first_step: float
) -> _Ladder:
    steps = np.ldexp(first_step, -np.arange(_COUNT))
    plus = np.stack([phi(float(h)) for h in steps])
    minus = np.stack([phi(float(-h)) for h in steps])
    return _Ladder(steps[:, None], center, plus, minus, noise)


def _slope_on(ladder: _Ladder) -> Slope:
    rounding = ladder.rounding()
    right, right_bar = _side(ladder.right, rounding)
    left, left_bar = _side(ladder.left, rounding)
    gap = np.abs(right - left)
    apart = gap > _SMALLEST_KINK * np.maximum(np.abs(right), np.abs(left))
    unlimited = (
        (np.isinf(right) | np.isinf(left)) & (right != left) & ~np.isnan(right) & ~np.isnan(left)
    )
    kink = apart & (right_bar + left_bar <= _SIDES_CONVERGED * gap) | unlimited
    estimate, error_bar = _two_sided(ladder, rounding)
    infinite = np.isinf(np.fmax(right, left)) & np.isinf(np.fmin(right, left)) & ~kink
    return Slope(
        estimate=np.where(infinite, np.fmax(right, left), estimate),
        error_bar=np.where(infinite, np.inf, error_bar),
        left=left,
        right=right,
        nearby=_steepness(ladder),
        kink=kink,
    )


def _two_sided(ladder: _Ladder, rounding: Array) -> tuple[Array, Array]:
    """Central differences, extrapolated in h²; where one side does not exist, the other side alone."""
    estimate, error_bar = _extrapolate(ladder.central, rounding, order=2)
    for side in (ladder.right, ladder.left):
        edge, edge_bar = _at_edge(side, rounding)
        takes = np.isinf(error_bar) & ~np.isnan(edge)
        estimate, error_bar = np.where(takes, edge, estimate), np.where(takes, edge_bar, error_bar)
    return estimate, error_bar


def _side(quotients: Array, rounding: Array) -> tuple[Array, Array]:
    """The slope of one side and its error bar: extrapolated in h, or ±inf where the quotients grow without limit."""
    estimate, error_bar = _extrapolate(quotients, rounding, order=1)
    growth = quotients[-5:] / quotients[-6:-1]
    unlimited = np.all(growth >= _GROWS, axis=0) & (np.abs(quotients[-1]) > 100.0 * rounding[-1])
    infinite = np.copysign(np.inf, quotients[-1])
    return np.where(unlimited, infinite, estimate), np.where(unlimited, 0.0, error_bar)


def _extrapolate(first: Array, rounding: Array, order: int) -> tuple[Array, Array]:
    """Richardson's tableau over ``first`` (k, m), whose error is a series in h**order; its best entry, by Ridders."""
    candidates, bars = [], []
    previous, amplification = first, 1.0
    for j in range(1, len(first)):
        factor = 2.0 ** (order * j) - 1.0
        refined = previous[1:] + (previous[1:] - previous[:-1]) / factor
        amplification *= (factor + 2.0) / factor
        change = np.maximum(np.abs(refined - previous[1:]), np.abs(refined - previous[:-1]))
        candidates.append(refined)
        bars.append(change + amplification * rounding[j:])
        previous = refined
    values, errors = np.concatenate(candidates), np.concatenate(bars)
    finest = first[-1]
    doubt = np.max(np.abs(np.diff(first[-3:], axis=0)), axis=0) + 2.0 * rounding[-1]
    contradiction = np.abs(values - finest)
    errors += np.where(contradiction > 3.0 * doubt, contradiction, 0.0)
    return _smallest(values, errors)


def _at_edge(quotients: Array, rounding: Array) -> tuple[Array, Array]:
    """The limit of one-sided quotients at the edge of a domain, where fractional powers of h are usual.

    The changes of the quotients from step to step shrink geometrically, by the factor r that they show themselves; what
    is still to come is the rest of a geometric series.
    """
    change = np.abs(np.diff(quotients, axis=0))
    ratio = np.where(change[1:] == 0.0, 0.0, change[1:] / change[:-1])
    rest = np.where(ratio < 1.0, change[1:] * ratio / (1.0 - ratio), np.inf)
    return _smallest(quotients[2:], 2.0 * rest + change[1:] + rounding[2:])


def _smallest(values: Array, errors: Array) -> tuple[Array, Array]:
    """In each column of (k, m) arrays the value with the smallest error; NaN and inf where there is none."""
    errors = np.where(np.isfinite(values) & np.isfinite(errors), errors, np.inf)
    best = np.argmin(errors, axis=0)[None]
    error_bar = np.take_along_axis(errors, best, axis=0)[0]
    value = np.take_along_axis(values, best, axis=0)[0]
    return np.where(np.isfinite(error_bar), value, np.nan), error_bar


def _steepness(ladder: _Ladder) -> Array:
    slopes = np.fmax(np.abs(ladder.right), np.abs(ladder.left))
    slopes = np.where(np.isfinite(slopes), slopes, np.nan)
    first = np.argmax(np.isfinite(slopes), axis=0)[None]
    steepness: Array = np.nan_to_num(np.take_along_axis(slopes, first, axis=0)[0])
    return steepness


def _is_settled(slope: Slope, center: Array) -> bool:
    return bool(np.all(_is_accurate(slope, center) & ~slope.kink))


def _is_accurate(slope: Slope, center: Array) -> Flags:
    """Whether no other steps are needed: the slope is known well, or φ does not move, or φ(0) is not a number."""
    enough = _SETTLED * np.maximum(np.abs(slope.estimate), slope.nearby)
    known = np.isfinite(slope.error_bar) & (slope.error_bar <= enough)
    unmoved = (slope.estimate == 0.0) & (slope.nearby == 0.0)
    accurate: Flags = known | unmoved | ~np.isfinite(center)
    return accurate


def _better(old: Slope, new: Slope, must: Flags | bool = False) -> Slope:
    """Output by output the slope with the smaller error bar, and ``new`` where it ``must`` be."""
    takes = must | (new.error_bar < old.error_bar)
    return Slope(
        estimate=np.where(takes, new.estimate, old.estimate),
        error_bar=np.where(takes, new.error_bar, old.error_bar),
        left=np.where(takes | new.kink, new.left, old.left),
        right=np.where(takes | new.kink, new.right, old.right),
        nearby=old.nearby,
        kink=old.kink,
    )

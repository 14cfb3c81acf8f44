"""Difference quotients whose step balances truncation against noise, with an estimate of their error.

A quotient at the step h has two errors: truncation, c hᵖ (p = 1 for forward, 2 for central differences), and noise,
e / h. Where both are known, the best step is h* = h (N / pT)^(1/(p+1)), with T and N the two errors at h. T is
measured: the quotients at h and 2h differ by (2ᵖ − 1) T. N follows from the noise of the values (`noise_level`, after
Moré and Wild 2011). When T is hidden by the noise, the step is right if the noise is small beside the slope, and too
small otherwise: then nothing can be learnt from it but that it must grow. Each output has errors of its own; the step
balances their sum in units of the noise of each, and each output keeps the best quotient that it has met.

References
----------
J. J. Moré, S. M. Wild, Estimating derivatives of noisy simulations, ACM Transactions on Mathematical Software 38 (2012)
19:1–19:21, where the step follows from an estimate of the curvature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)
# So many steps are tried, each at the price of two evaluations (forward) or four (central).
_TRIES = 8
# Truncation below so many times the noise cannot be told from it.
_VISIBLE = 3.0
# While it is hidden, the step grows, by so much at a time, until the noise is this many times the usual one.
_LOUD = 30.0
_GROWTH = 64.0
# A step within this factor of the best one is good enough.
_NEAR = 3.0


@dataclass(frozen=True)
class Quotient:
    """Slopes of m outputs, shape (m,), bounds on their errors, and the step that was taken last."""

    slope: Array
    error: Array
    step: float


# A step is shortened to no less than this part of the usual one.
_LEAST = 2.0**-10


def balanced(
    phi: Callable[[float], Array], center: Array, noise: Array, *, order: int, wider: float = 1.0
) -> Quotient:
    """The slope of ``phi`` at 0.

    Parameters
    ----------
    phi : callable
        From a number t, of which 1 is the natural length, to an array of shape (m,).
    center : array of shape (m,)
        Its value at 0.
    noise : array of shape (m,)
        The noise of its values.
    order : {1, 2}
        Forward or central differences.
    wider : float
        Another natural length, of at least 1, to jump to where nothing can be seen at the first one.
    """
    usual = usual_noise(center, noise)
    step, longest = usual ** (1.0 / (order + 1)), wider * usual ** (1.0 / (order + 1))
    # Where the value happens to be next to 0 its noise is not: a step that follows it down would end where nothing
    # moves.
    least = step * _LEAST
    best = Quotient(np.full(np.shape(center), np.nan), np.full(np.shape(center), np.inf), step)
    side = 1.0
    with np.errstate(all="ignore"):
        for _ in range(_TRIES):
            found = _look(phi, center, noise, side * step, order)
            if not np.all(np.isfinite(found.slope) | ~np.isfinite(center)):
                # Over the edge of the domain: to the other side of it, or nearer.
                side, step = (-side, step) if order == 1 and side > 0.0 else (side, step / 16.0)
                continue
            best = _better(best, found)
            factor = _factor(found, usual ** (order / (order + 1)), order)
            if step < longest and (factor >= _GROWTH or not np.any(found.steepness)):
                step = longest
            elif 1.0 / _NEAR < factor < _NEAR:
                break
            elif step * factor < least:
                if step == least:
                    break
                step = least
            else:
                step *= factor
    return best


@dataclass(frozen=True)
class _Look:
    """The quotients at one step, with their two errors, and how steep the surroundings are."""

    slope: Array
    truncation: Array
    roundoff: Array
    steepness: Array
    step: float


def _look(
    phi: Callable[[float], Array], center: Array, noise: Array, h: float, order: int
) -> _Look:
    ahead = phi(h), phi(2.0 * h)
    behind = (center, center) if order == 1 else (phi(-h), phi(-2.0 * h))
    spread = 1.0 if order == 1 else 2.0
    one, two = (ahead[0] - behind[0]) / (spread * h), (ahead[1] - behind[1]) / (2.0 * spread * h)
    moves = [np.abs(value - center) for value in (*ahead, *behind)]
    largest = np.max([np.abs(center), *(np.abs(value) for value in ahead + behind)], axis=0)
    return _Look(
        slope=one if order == 1 else (4.0 * one - two) / 3.0,
        truncation=np.abs(two - one) / (2.0**order - 1.0),
        roundoff=2.0 * (noise + EPS * largest) / abs(h),
        steepness=np.max(moves, axis=0) / abs(h),
        step=h,
    )


def _better(best: Quotient, found: _Look) -> Quotient:
    """Output by output the quotient with the smaller error.

    That two quotients at a large step agree can be an accident. So a larger step has to be consistent with the smaller
    one before it, and a smaller step overrules a larger one that it contradicts.
    """
    error = found.truncation + found.roundoff
    contradicts = np.abs(found.slope - best.slope) > 3.0 * (best.error + found.roundoff)
    smaller = abs(found.step) < abs(best.step)
    takes = np.where(contradicts, smaller, error < best.error) | np.isnan(best.slope)
    return Quotient(
        np.where(takes, found.slope, best.slope),
        np.where(takes, error, best.error),
        found.step if np.any(takes) else best.step,
    )


def _factor(found: _Look, usual: float, order: int) -> float:
    """By how much to change the step."""
    seen = np.isfinite(found.truncation) & (found.steepness > 0.0) & (found.roundoff > 0.0)
    if not np.any(seen):  # nothing moves, or nothing is finite
        return 1.0
    noise = found.roundoff[seen]
    truncation = float(np.mean(found.truncation[seen] / noise))
    if truncation <= _VISIBLE:
        loudness = float(np.min(noise / found.steepness[seen])) / (_LOUD * usual)
        return min(max(loudness, 1.0), _GROWTH)
    return float(max((order * truncation) ** (-1.0 / (order + 1)), 1e-3))


def usual_noise(center: Array, noise: Array) -> float:
    """The noise relative to the values, as it is for most of the outputs."""
    size = np.maximum(np.abs(center), 1e3 * noise)
    relative = noise[size > 0.0] / size[size > 0.0]
    relative = relative[np.isfinite(relative)]
    return min(max(float(np.median(relative)) if relative.size else EPS, EPS), 1e-3)


def natural_sizes(x: Array) -> Array:
    """How large each component naturally is, shape (n,): its own size; that of the largest, or 1, where it is zero."""
    size = np.where(np.isfinite(x), np.abs(x), 0.0)
    largest = float(np.max(size, initial=0.0))
    return np.where(size > 1e-100, size, largest if largest > 1e-100 else 1.0)


def wider_length(x: Array, v: Array) -> float:
    """The natural length along v by the sizes of other variables, where it is 1 by those of the ones that v moves.

    A component may be small by chance: then steps of the size of the others, or of 1, tell more.
    """
    largest = float(np.max(np.abs(x[np.isfinite(x)]), initial=1.0))
    return max(largest / float(np.max(np.abs(v))), 1.0)

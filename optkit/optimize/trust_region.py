"""How far to trust a model: the radius of the region within which it is minimised, adapted to how well it predicts."""

from __future__ import annotations

import math


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

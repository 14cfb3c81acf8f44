"""One directional check of a derivative that the user wrote, against a finite difference at the start.

Two evaluations, f(x ± h v), give the one-sided slopes (f(x+hv) − f(x))/h and (f(x) − f(x−hv))/h. A right derivative
J v lies between the two, which differ by h vᵀ∇²f v, up to the rounding error ε|f|/h; outside of them by more than a
thousandth of their size, it is wrong. Strong curvature, a kink or noise widen the interval, so that a right
derivative is not refused where the difference is poor. With h = ε^(1/3) relative to x, three digits are left to be
sure of (Nocedal & Wright, Numerical Optimization, 2nd ed., §8.1; the directional test is that of Dennis & Schnabel,
1983, §5.4).

Whole families of mistakes are seen by one direction when it has no zero and no two equal components: a wrong sign
or factor, a transposed square Jacobian, a forgotten term. An error in one tiny entry is not; `optkit.gradcheck` is
thorough.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.errors import DerivativeError
from optkit.optimize.bounds import Box
from optkit.optimize.validation import Vector

_TOLERANCE = 1e-3


def direction_at(x: Vector) -> Vector:
    """A fixed direction relative to x, of mixed signs, without zeros or equal components."""
    golden = (np.arange(1, x.size + 1) * 0.6180339887498949) % 1.0
    weights = (0.5 + golden) * np.where(golden < 0.5, 1.0, -1.0)
    return np.asarray(weights * np.where(x == 0.0, 1.0, np.abs(x)), dtype=np.float64)


def check_direction(
    function: Callable[[Vector], Any],
    product: Callable[[Vector, Vector], Any],
    x: Vector,
    *,
    box: Box | None = None,
    names: tuple[str, str],
    precision: float,
) -> None:
    """Raise `DerivativeError` unless ``product(x, v)`` agrees with the change of ``function`` along v.

    Parameters
    ----------
    function
        The function; a number or an array.
    product
        Derivative times direction, of the shape of the value.
    box
        Bounds that no evaluation may leave; the place of the check is moved away from them.
    names
        What the derivative and the function are called in the message.
    precision
        The rounding unit of the function's values.

    Values that are not finite decide nothing: at the edge of a domain the check passes.
    """
    v = direction_at(x)
    h = precision ** (1.0 / 3.0)
    if box is not None:
        x, reach = box.interior(x, h * v)
        v = reach / h
    center = np.asarray(function(x), np.float64)
    claimed = np.asarray(product(x, v), np.float64)
    above, below = np.asarray(function(x + h * v)), np.asarray(function(x - h * v))
    forward, backward = (above - center) / h, (center - below) / h
    size = np.maximum(np.abs(forward), np.abs(backward))
    largest = np.maximum(np.abs(center), np.maximum(np.abs(above), np.abs(below)))
    margin = _TOLERANCE * np.maximum(size, np.max(size, initial=0.0) * 1e-3)
    margin = margin + 100.0 * precision * largest / h
    outside = np.maximum(
        claimed - np.maximum(forward, backward), np.minimum(forward, backward) - claimed
    )
    if not (np.isfinite(size).all() and np.any(outside > margin)):
        return
    worst = int(np.argmax(outside - margin))
    raise DerivativeError(
        _explain(names, claimed, (forward + backward) / 2.0, worst, margin),
        {"direction": v, "claimed": claimed, "difference": (forward + backward) / 2.0},
    )


def _explain(
    names: tuple[str, str],
    claimed: NDArray[np.float64],
    difference: NDArray[np.float64],
    worst: int,
    margin: NDArray[np.float64],
) -> str:
    derivative, function = names
    entry = f" of component {worst}" if claimed.ndim else ""
    has, expected = float(claimed.flat[worst]), float(difference.flat[worst])
    text = (
        f"{derivative} disagrees with {function} at x0: the slope{entry} along a test direction is {has:.6g} by "
        f"{derivative}, {expected:.6g} by a finite difference"
    )
    if np.all(np.abs(claimed + difference) <= 10.0 * margin):
        return f"{text}; the sign is wrong: return the negative of what {derivative} returns"
    return (
        f"{text}; correct {derivative}, or leave it out and let the backend differentiate "
        "(options={'check_derivatives': False} skips this check)"
    )

"""Derivatives of hypergeometric functions with respect to their parameters, by their series.

The series (DLMF 16.2.1) is differentiated term by term. Where its terms alternate it is used only after a
transformation that makes them positive (Kummer's, DLMF 13.2.39; Pfaff's, 15.8.1), or while little cancels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from optkit.ad.core import reveal
from optkit.ad.primitives import Constant
from optkit.ad.rules.parameters import fixed
from optkit.errors import NotDifferentiableError

# Up to this |z| the series of F(a, b; c; z) converges in a few hundred terms.
_RADIUS = 0.9
# What rounding and truncation may leave of the derivative, relative to it and the value.
_ACCURACY = 1e-8


def _terms(tops: Any, bottoms: Any, z: Any, which: int, terms: int) -> Iterator[tuple[Any, Any]]:
    """The terms of Σ Π(a)ₖ/Π(b)ₖ zᵏ/k!, k > 0, and their derivatives with respect to the parameter ``which``."""
    term: Any = 1.0 + 0.0 * z
    slope: Any = 0.0 * z
    for k in range(terms):
        above = [a + k for a in tops]
        below = [b + k for b in bottoms]
        scale = z / ((k + 1.0) * math.prod(below))
        ratio = scale * math.prod(above)
        if which < len(tops):
            others = math.prod(above[:which] + above[which + 1 :])
            slope = slope * ratio + term * scale * others
        else:
            slope = (slope - term / below[which - len(tops)]) * ratio
        term = term * ratio
        yield term, slope


def _series(tops: tuple[Any, ...], bottoms: tuple[Any, ...], z: Any, which: int, terms: int) -> Any:
    """The derivative of the series with respect to the parameter ``which``, those above the line first."""
    return sum((slope for _, slope in _terms(tops, bottoms, z, which, terms)), 0.0 * z)


def _error_impl(*given: Any, tops: int, which: tuple[int, ...], terms: int) -> Any:
    *parameters, z = given
    value, slope, rough, last = 0.0, 0.0, 0.0, 0.0
    with np.errstate(all="ignore"):
        for i in which:
            for term, moved in _terms(parameters[:tops], parameters[tops:], z, i, terms):
                value, slope = value + term, slope + moved
                rough = rough + np.abs(term) + np.abs(moved)
            last = last + np.abs(moved)
        error = np.finfo(np.float64).eps * rough + last
        size = np.abs(1.0 + value / len(which)) + np.abs(slope)
        return np.where(np.isfinite(error), error, math.inf) / size


# How much of the derivative of a series, by some of its parameters together, is lost to cancellation or with the terms
# that are left out.
_error = Constant("series error", _error_impl)


def _trust(error: Any, name: str, at: str) -> None:
    if np.any(reveal(error) > _ACCURACY):
        raise NotDifferentiableError(
            f"scipy.special.{name} has no derivative with respect to its parameters here, where the terms of its "
            f"series cancel: keep them constant with ad.stop_gradient({at}), or give the call a derivative with "
            "ad.custom_jvp"
        )


def _largest(z: Any) -> float:
    size = np.abs(reveal(z))
    return float(np.max(size, initial=0.0, where=np.isfinite(size)))


def hyp0f1_v(v: Any, z: Any) -> Any:
    """The derivative of ₀F₁(; v; z) with respect to ``v``."""
    if np.any(np.real(fixed(z)) < -25.0):
        raise NotDifferentiableError(
            "scipy.special.hyp0f1 has no derivative with respect to its argument v for z < −25, where its series "
            "cancels: write it as a Bessel function, gamma(v) (−z)^((1−v)/2) jv(v−1, 2 √(−z))"
        )
    return _series((), (v,), z, 0, 40 + math.ceil(4.0 * math.sqrt(_largest(z))))


def hyp1f1_parameter(a: Any, b: Any, z: Any, which: int) -> Any:
    """The derivative of ₁F₁(a; b; z) with respect to ``a`` (which = 0) or ``b`` (which = 1)."""
    size, most = _largest(z), max(_largest(a), _largest(b))
    last = 0.5 * (size + math.sqrt(size * size + 4.0 * most * size))  # From here on the terms fall.
    terms = 50 + math.ceil(last + 10.0 * math.sqrt(last) + most)
    plain = _error(a, b, z, tops=1, which=(which,), terms=terms)
    turned = _error(b - a, b, -z, tops=1, which=(0, 1)[: which + 1], terms=terms)
    mirrored = turned < plain
    _trust(np.minimum(plain, turned), "hyp1f1", "a")
    upright = _series((a,), (b,), np.where(mirrored, 0.0, z), which, terms)
    if not np.any(mirrored):
        return upright
    # e^z M(b − a, b, −z)
    mirror = np.where(mirrored, -z, 0.0)
    by_a = _series((b - a,), (b,), mirror, 0, terms)
    turned = -by_a if which == 0 else by_a + _series((b - a,), (b,), mirror, 1, terms)
    return np.where(mirrored, np.exp(-mirror) * turned, upright)


def hyp2f1_parameter(a: Any, b: Any, c: Any, z: Any, which: int) -> Any:
    """The derivative of ₂F₁(a, b; c; z) with respect to ``a``, ``b`` or ``c`` (which = 0, 1, 2)."""
    if which == 1:
        a, b, which = b, a, 0
    negative = np.real(fixed(z)) < 0
    w = np.where(negative, z, 0.0)
    w = w / (w - 1.0)
    inside = np.where(negative, 0.0, z)
    size = max(_largest(w), _largest(inside))
    if size > _RADIUS:
        raise NotDifferentiableError(
            "scipy.special.hyp2f1 has derivatives with respect to its arguments a, b and c for −9 ≤ z ≤ 0.9 only: keep "
            "them constant with ad.stop_gradient, or transform the argument (DLMF 15.8)"
        )
    terms = 60 if size == 0.0 else 60 + math.ceil(40.0 / -math.log(size))
    terms += math.ceil(2.0 * max(map(_largest, (a, b, c))))
    error = np.where(
        negative,
        _error(a, c - b, c, w, tops=2, which=(0,) if which == 0 else (1, 2), terms=terms),
        _error(a, b, c, inside, tops=2, which=(which,), terms=terms),
    )
    _trust(error, "hyp2f1", "c" if which == 2 else "a")
    upright = _series((a, b), (c,), inside, which, terms)
    if not np.any(negative):
        return upright
    # (1 − z)^(−a) F(a, c − b; c; z/(z − 1))
    power = np.power(1.0 - np.where(negative, z, 0.0), -a)
    if which == 0:
        value = _value((a, c - b), (c,), w, terms)
        turned = _series((a, c - b), (c,), w, 0, terms) + value * np.log(1.0 - w)
    else:
        turned = _series((a, c - b), (c,), w, 2, terms) + _series((a, c - b), (c,), w, 1, terms)
    return np.where(negative, power * turned, upright)


def _value(tops: tuple[Any, ...], bottoms: tuple[Any, ...], z: Any, terms: int) -> Any:
    term: Any = 1.0 + 0.0 * z
    total = term
    for k in range(terms):
        term = (
            term
            * z
            * math.prod(a + k for a in tops)
            / ((k + 1.0) * math.prod(b + k for b in bottoms))
        )
        total = total + term
    return total

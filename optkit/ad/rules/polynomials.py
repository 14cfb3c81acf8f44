"""Polynomials as arrays of coefficients, the highest power first."""

from __future__ import annotations

from typing import Any

import numpy as np

from optkit.ad.core import reveal
from optkit.ad.registry import composite, nonlinear
from optkit.ad.rules.elementwise import plain
from optkit.ad.rules.shape import traced


def _coefficients(p: Any) -> Any:
    return np.atleast_1d(traced(p.coeffs if isinstance(p, np.poly1d) else p))


def _like(result: Any, *operands: Any) -> Any:
    """A `numpy.poly1d` where one went in."""
    return np.poly1d(result) if any(isinstance(p, np.poly1d) for p in operands) else result


# --- values -----------------------------------------------------------------------------------------------------------


@composite(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    """Horner's rule."""
    p = _coefficients(p)
    x = x if isinstance(x, np.poly1d) else traced(x)
    y: Any = np.zeros_like(x) if not isinstance(x, np.poly1d) else 0
    for coefficient in p:
        y = y * x + coefficient
    return y


@composite(np.vander)
def _vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    x = traced(x)
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    x = x.astype(np.promote_types(x.dtype, int))
    powers = [np.ones_like(x)]
    for _ in range((len(x) if N is None else N) - 1):
        powers.append(powers[-1] * x)
    powers = powers[: len(x) if N is None else N]
    if not powers:
        return np.zeros((len(x), 0), np.result_type(x))
    return np.stack(powers if increasing else powers[::-1], axis=1)


# --- arithmetic -------------------------------------------------------------------------------------------------------


def _sum_of(a: Any, b: Any, sign: int) -> Any:
    p, q = _coefficients(a), _coefficients(b)
    n = max(len(p), len(q))
    p, q = (np.concatenate([np.zeros(n - len(c), c.dtype), c]) for c in (p, q))
    return _like(p + q if sign > 0 else p - q, a, b)


@composite(np.polyadd)
def _polyadd(a1: Any, a2: Any) -> Any:
    return _sum_of(a1, a2, 1)


@composite(np.polysub)
def _polysub(a1: Any, a2: Any) -> Any:
    return _sum_of(a1, a2, -1)


@composite(np.polymul)
def _polymul(a1: Any, a2: Any) -> Any:
    return _like(np.convolve(_coefficients(a1), _coefficients(a2)), a1, a2)


@composite(np.polydiv)
def _polydiv(u: Any, v: Any) -> Any:
    """Long division."""
    rest, divisor = _coefficients(u) + 0.0, _coefficients(v) + 0.0
    n = len(divisor)
    quotient = []
    for k in range(len(rest) - n + 1):
        quotient.append(rest[k] / divisor[0])
        rest = np.concatenate([rest[:k], rest[k : k + n] - quotient[-1] * divisor, rest[k + n :]])
    # What has been eliminated goes, and what is zero but for rounding.
    least = 0 if len(quotient) == 0 else len(quotient)
    while least < len(rest) - 1 and np.allclose(rest[least], 0, rtol=1e-14):
        least += 1
    rest = rest[min(least, len(rest) - 1) :]
    parts = np.stack(quotient) if quotient else np.zeros(1, np.result_type(rest))
    return _like(parts, u, v), _like(rest, u, v)


@composite(np.polyder)
def _polyder(p: Any, m: int = 1) -> Any:
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    c = _coefficients(p)
    for _ in range(int(m)):
        c = c[:-1] * np.arange(len(c) - 1, 0, -1)
    return _like(c, p)


@composite(np.polyint)
def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    c = _coefficients(p)
    constants = np.zeros(m, c.dtype) if k is None else np.atleast_1d(traced(k))
    if len(constants) == 1 and m > 1:
        constants = np.broadcast_to(constants, (m,))
    if len(constants) < m:
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    for i in range(m):
        c = np.concatenate([c / np.arange(len(c), 0, -1), constants[i : i + 1]])
    return _like(c, p)


# --- roots ------------------------------------------------------------------------------------------------------------


def _roots_jvp(tangents: Any, r: Any, p: Any) -> Any:
    """From p(r) = 0: ṙ = −ṗ(r) / p′(r); the more roots fall together, the steeper."""
    powers = np.vander(r, np.shape(p)[0])
    return -np.matmul(powers, tangents[0]) / np.polyval(np.polyder(p), r)


def _roots_vjp(ct: Any, r: Any, p: Any) -> Any:
    pulled = -np.matmul(ct / np.polyval(np.polyder(p), r), np.vander(r, np.shape(p)[0]))
    return pulled if np.iscomplexobj(p) else np.real(pulled)


_roots = nonlinear("roots", impl=np.roots, jvp=_roots_jvp, vjp=_roots_vjp)


@composite(np.roots)
def _np_roots(p: Any) -> Any:
    c = _coefficients(p)
    if c.ndim != 1:
        raise ValueError("Input must be a rank-1 array.")
    present = np.flatnonzero(reveal(np.not_equal(c, 0)))
    if not len(present):
        return np.zeros(0)
    first, last = present[0], present[-1]
    # A leading zero is no power, a trailing zero is a root at 0, which stays there by rule.
    regular = c[first : last + 1]
    zeros = len(c) - 1 - last
    if len(regular) == 1:
        return np.zeros(zeros, np.result_type(c))
    roots = _roots(regular)
    return np.concatenate([roots, np.zeros(zeros, np.result_type(roots))]) if zeros else roots


@composite(np.poly)
def _poly(seq_of_zeros: Any) -> Any:
    x = np.atleast_1d(traced(seq_of_zeros))
    zeros = np.linalg.eigvals(x) if x.ndim == 2 and x.shape[0] == x.shape[1] else x
    if zeros.ndim != 1:
        raise ValueError("input must be 1d or non-empty square 2d array.")
    p = np.ones(1, np.result_type(zeros))
    for zero in zeros:
        p = np.concatenate([p, np.zeros(1, p.dtype)]) - np.concatenate(
            [np.zeros(1, p.dtype), p * zero]
        )
    if np.iscomplexobj(zeros) and np.array_equal(np.sort(zeros), np.sort(np.conj(zeros))):
        p = np.real(p)
    return p


# --- fits -------------------------------------------------------------------------------------------------------------


@composite(np.polyfit)
def _polyfit(
    x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    x, y = traced(x) + 0.0, traced(y) + 0.0
    if x.ndim != 1 or y.ndim not in (1, 2) or len(x) != len(y):
        raise TypeError("expected 1D vector for x, and x and y to have same length")
    n = int(deg) + 1
    rcond = len(x) * np.finfo(np.result_type(x)).eps if rcond is None else rcond
    left, right = np.vander(x, n), y
    if w is not None:
        w = traced(w) + 0.0
        left, right = left * w[:, None], right * (w if y.ndim == 1 else w[:, None])
    # Columns of length 1 make the smallest condition number; the length is a constant that cancels.
    scale = plain(np.sqrt(np.sum(np.square(left), axis=0)))
    c, residuals, rank, singular = np.linalg.lstsq(left / scale, right, rcond)
    c = (c.T / scale).T
    if full:
        return c, residuals, rank, singular, rcond
    if not cov:
        return c
    # The inverse of AᵀA, as the Gram matrix of the pseudoinverse.
    inverse = np.linalg.lstsq(left / scale, np.eye(len(x), dtype=left.dtype), rcond)[0]
    base = np.matmul(inverse, inverse.T) / np.outer(scale, scale)
    factor = 1.0
    if cov != "unscaled":
        if len(x) <= n:
            raise ValueError(
                "the number of data points must exceed order to scale the covariance matrix"
            )
        factor = residuals / (len(x) - n)
    return c, base * factor if y.ndim == 1 else base[:, :, None] * factor

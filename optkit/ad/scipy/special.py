"""`scipy.special` with derivatives: every name of SciPy's, for traced values too.

The ufuncs (``gamma``, ``erf``, ``jv``, …) dispatch by themselves, from a plain ``import scipy.special`` as well. This
module adds the functions that turn their arguments into arrays first: ``logsumexp``, ``softmax``, ``polygamma``,
spherical Bessel functions, spherical harmonics, … What has no derivative refuses traced values by name.

Examples
--------
>>> import numpy as np
>>> from optkit import ad
>>> from optkit.ad.scipy import special
>>> ad.grad(special.logsumexp)(np.array([0.0, 0.0]))
array([0.5, 0.5])
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sp

from optkit.ad.core import Tracer, bind
from optkit.ad.primitives import pulled_product, strong_product
from optkit.ad.registry import FUNCTIONS, nonlinear
from optkit.ad.rules import special as _rules
from optkit.ad.rules.axes import all_axes
from optkit.ad.rules.parameters import fixed
from optkit.ad.rules.shape import traced
from optkit.ad.scipy.replacement import refused, replaces
from optkit.errors import NotDifferentiableError

# --- logsumexp, softmax -----------------------------------------------------------------------------------------------


def _logsumexp(x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """The largest terms apart, the others by log1p, so that small ones are not lost beside it."""
    top = np.max(x, axis=axis, keepdims=True)
    at_top = x == top
    count = np.sum(at_top, axis=axis, keepdims=True, dtype=x.dtype)
    shift = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        rest = np.sum(np.where(at_top, 0.0, np.exp(x - shift)), axis=axis, keepdims=True)
        y = np.log1p(rest / count) + np.log(count) + top
    return y if keepdims else np.squeeze(y, axis=axis)[()]


def _weights(x: Any, axis: tuple[int, ...]) -> Any:
    """The softmax; where the largest term is infinite, equal shares of those that are equal to it."""
    top = np.max(fixed(x), axis=axis, keepdims=True)
    infinite = np.isinf(top)
    e = np.exp(x - np.where(infinite, 0.0, top))
    if not np.any(infinite):
        return e / np.sum(e, axis=axis, keepdims=True)
    attained = fixed(x) == top
    share = attained / np.maximum(np.sum(attained, axis=axis, keepdims=True), 1)
    others = np.where(infinite, 1.0, e)
    return np.where(infinite, share, others / np.sum(others, axis=axis, keepdims=True))


def _logsumexp_jvp(tangents: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    terms = strong_product(tangents[0], _weights(x, axis))
    return np.sum(terms, axis=tuple(i - np.ndim(x) for i in axis), keepdims=keepdims)


def _logsumexp_vjp(ct: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    if not keepdims:
        ct = np.reshape(ct, tuple(1 if i in axis else n for i, n in enumerate(np.shape(x))))
    return pulled_product(ct, _weights(x, axis))


_primitive = nonlinear(
    "logsumexp", impl=_logsumexp, jvp=_logsumexp_jvp, vjp=_logsumexp_vjp, leading=True
)


@replaces(sp.logsumexp)
def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """`scipy.special.logsumexp`; its slopes are the softmax, equal shares where all terms are −∞."""
    x = traced(a)
    if b is None and not return_sign and x.dtype.kind == "f" and x.size:
        x = np.reshape(x, (1,)) if not x.ndim else x
        params = {"axis": all_axes(axis, x.ndim), "keepdims": bool(keepdims)}
        return bind(_primitive, (x,), params)
    weight = traced(1.0 if b is None else b)
    x, weight = x + 0.0 * fixed(weight), weight + 0.0 * np.zeros(np.shape(x))
    x, weight = (np.reshape(v, (1,)) if not v.ndim else v for v in (x, weight))
    axes = all_axes(axis, x.ndim)
    used = fixed(weight) != 0
    top = np.max(
        np.where(used, np.real(fixed(x)), -math.inf), axis=axes, keepdims=True, initial=-math.inf
    )
    shift = np.where(np.isfinite(top), top, 0.0)
    terms = np.where(used, weight * np.exp(np.where(used, x - shift, 0.0)), 0.0)
    total = np.sum(terms, axis=axes, keepdims=True)
    sign = np.sign(total)
    y = np.log(np.abs(total) if return_sign else total) + shift
    if not keepdims:
        y, sign = np.squeeze(y, axis=axes), np.squeeze(sign, axis=axes)
    return (y, sign) if return_sign else y


@replaces(sp.softmax)
def softmax(x: Any, axis: Any = None) -> Any:
    """`scipy.special.softmax`."""
    x = traced(x)
    e = np.exp(x - np.max(fixed(x), axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


@replaces(sp.log_softmax)
def log_softmax(x: Any, axis: Any = None) -> Any:
    """`scipy.special.log_softmax`."""
    x = traced(x)
    top = np.max(fixed(x), axis=axis, keepdims=True)
    shifted = x - np.where(np.isfinite(top), top, 0.0)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


# --- gamma and relatives ----------------------------------------------------------------------------------------------


@replaces(sp.polygamma)
def polygamma(n: Any, x: Any) -> Any:
    """`scipy.special.polygamma`; ``n`` is an integer."""
    return FUNCTIONS["polygamma"](n, traced(x))


@replaces(sp.multigammaln)
def multigammaln(a: Any, d: int) -> Any:
    """`scipy.special.multigammaln`; ``d`` is an integer."""
    a = traced(a)
    if int(d) != d:
        raise ValueError("d should be a positive integer (dimension)")
    if np.any(fixed(a) <= 0.5 * (d - 1)):
        raise ValueError(f"condition a ({fixed(a)}) > 0.5 * (d-1) ({0.5 * (d - 1)}) not met")
    total: Any = 0.25 * d * (d - 1) * math.log(math.pi)
    for j in range(int(d)):
        total = total + sp.gammaln(a - 0.5 * j)
    return total


def _inexact(name: str, exact: bool) -> None:
    if exact:
        raise NotDifferentiableError(
            f"scipy.special.{name} with exact=True counts in integers: use exact=False"
        )


@replaces(sp.factorial)
def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    """`scipy.special.factorial`, Γ(n + 1) and 0 below 0."""
    _inexact("factorial", exact)
    n = traced(n)
    below = (fixed(n) < 0) if extend == "zero" else np.zeros(np.shape(n), bool)
    return np.where(below, 0.0, sp.gamma(np.where(below, 0.0, n) + 1.0))


@replaces(sp.comb)
def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    """`scipy.special.comb`."""
    _inexact("comb", exact)
    N, k = traced(N), traced(k)
    if repetition:
        return comb(N + k - 1, k)
    inside = (fixed(k) <= fixed(N)) & (fixed(N) >= 0) & (fixed(k) >= 0)
    return np.where(inside, sp.binom(N, k), 0.0)


@replaces(sp.perm)
def perm(N: Any, k: Any, exact: bool = False) -> Any:
    """`scipy.special.perm`."""
    _inexact("perm", exact)
    N, k = traced(N), traced(k)
    inside = (fixed(k) <= fixed(N)) & (fixed(N) >= 0) & (fixed(k) >= 0)
    return np.where(inside, sp.poch(N - k + 1, k), 0.0)


@replaces(sp.diric)
def diric(x: Any, n: Any) -> Any:
    """`scipy.special.diric`, sin(nx/2)/(n sin(x/2)); ``n`` is a positive integer."""
    x, n = traced(x), np.asarray(n)
    # A sum of cosines where n is an integer: it has no singularity.
    valid = (n > 0) & (n == np.floor(n))
    top = int(np.max(np.where(valid, n, 1), initial=1))
    total: Any = 0.0 * x * np.ones(n.shape)
    for j in range(1, top + 1):
        total = total + np.where(j <= n, np.cos(0.5 * (n + 1 - 2 * j) * x), 0.0)
    return np.where(valid, total / np.where(valid, n, 1), math.nan)


# --- spherical Bessel functions and harmonics -------------------------------------------------------------------------


def _spherical(name: str, parity: int) -> Any:
    original = getattr(sp, f"spherical_{name}")
    ufuncs = {False: f"_spherical_{name}", True: f"_spherical_{name}_d"}

    @replaces(original)
    def function(n: Any, z: Any, derivative: bool = False) -> Any:
        z, n = traced(z), np.asarray(n, dtype=int)
        ufunc = getattr(sp._ufuncs, ufuncs[bool(derivative)])
        if np.iscomplexobj(z) or not np.any(fixed(z) < 0):
            return ufunc(n, z)
        if parity is None:
            raise NotDifferentiableError(f"scipy.special.spherical_{name} of negative numbers")
        # f(−z) = ±f(z) (DLMF 10.47(v))
        below = fixed(z) < 0
        sign = (-1.0) ** (n + parity + bool(derivative))
        return np.where(below, sign, 1.0) * ufunc(n, np.where(below, -z, z))

    function.__name__ = f"spherical_{name}"
    function.__doc__ = f"`scipy.special.spherical_{name}`; ``n`` is an integer."
    return function


spherical_jn = _spherical("jn", 0)
spherical_yn = _spherical("yn", 1)
spherical_in = _spherical("in", 0)
spherical_kn = refused(sp.spherical_kn, "scipy.special")


def _legendre(n: int, m: int, cos: Any, sin: Any) -> Any:
    """The associated Legendre function of degree n and order m ≥ 0, normalised on the sphere, by upward recurrence.

    In cosθ and sinθ it is a polynomial, so the poles are no special places (DLMF 14.10.3, 14.30.1).
    """
    value: Any = math.sqrt(1.0 / (4.0 * math.pi)) + 0.0 * cos
    for j in range(1, m + 1):
        value = -math.sqrt((2.0 * j + 1.0) / (2.0 * j)) * sin * value
    before: Any = 0.0
    for j in range(m + 1, n + 1):
        a = math.sqrt((4.0 * j * j - 1.0) / (j * j - m * m))
        b = math.sqrt(((j - 1.0) ** 2 - m * m) / (4.0 * (j - 1.0) ** 2 - 1.0))
        before, value = value, a * (cos * value - b * before)
    return value


def sph_harm_y(n: Any, m: Any, theta: Any, phi: Any, *, diff_n: int = 0) -> Any:
    """`scipy.special.sph_harm_y`; the degree and the order are integers.

    Parameters
    ----------
    n, m : array_like of int
        Degree and order.
    theta, phi : array_like
        Polar and azimuthal angle.
    diff_n : int
        SciPy's own derivatives, for plain values only.

    Returns
    -------
    complex scalar or array
        The spherical harmonic, of the shape to which the arguments broadcast.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit import ad
    >>> ad.grad(lambda t: sph_harm_y(1, 0, t, 0.0).real)(np.pi / 2).round(6)
    np.float64(-0.488603)
    """
    theta, phi = traced(theta), traced(phi)
    if diff_n or not (_is_traced(theta) or _is_traced(phi)):
        return sp.sph_harm_y(n, m, theta, phi, diff_n=diff_n)
    n, m = np.broadcast_arrays(np.asarray(n, dtype=int), np.asarray(m, dtype=int))
    cos, sin = np.cos(theta), np.sin(theta)
    total: Any = 0.0
    for degree, order in sorted(set(zip(n.ravel().tolist(), m.ravel().tolist(), strict=True))):
        here = (n == degree) & (m == order)
        size = _legendre(degree, abs(order), cos, sin) if abs(order) <= degree else 0.0 * cos
        sign = (-1.0) ** order if order < 0 else 1.0
        total = total + np.where(here, sign * size * np.exp(1j * order * phi), 0.0)
    return total


def _is_traced(x: Any) -> bool:
    return isinstance(x, Tracer)


# Plain Python over ufuncs and NumPy's functions: they take traced values as they are.
_TRANSPARENT = frozenset(
    "jvp yvp kvp ivp h1vp h2vp zeta lambertw softplus sinc jn bernoulli euler".split()
)


def __getattr__(name: str) -> Any:
    thing = getattr(sp, name)
    if isinstance(thing, np.ufunc) or name in _TRANSPARENT or not callable(thing):
        return thing
    return thing if isinstance(thing, type) else refused(thing, "scipy.special")


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(sp)})


assert _rules  # Declares the rules of the ufuncs, and of their private parts.

"""Polynomials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from optkit.ad.registry import FUNCTIONS
from optkit.testing.cases.case import NONZERO, POSITIVE, REAL, Case, Domain, Shape
from optkit.testing.cases.making import row

_APART = Domain(((-2.0, -1.7), (-1.0, -0.7), (0.2, 0.5), (1.4, 1.8)))
_POLYNOMIALS: tuple[tuple[str, Callable[..., Any], tuple[Shape, ...]], ...] = (
    ("polyval", np.polyval, ((4,), (2, 3))),
    ("polyval number", np.polyval, ((3,), ())),
    ("polyadd", np.polyadd, ((4,), (2,))),
    ("polysub", np.polysub, ((2,), (3,))),
    ("polymul", np.polymul, ((3,), (2,))),
    ("polydiv", lambda u, v: np.polydiv(u, v)[0], ((5,), (3,))),
    ("polydiv rest", lambda u, v: np.polydiv(u, v)[1], ((5,), (3,))),
    ("polydiv short", lambda u, v: np.polydiv(u, v)[1] * v[0], ((2,), (3,))),
    ("polyder", np.polyder, ((4,),)),
    ("polyder 2", lambda p: np.polyder(p, 2), ((4,),)),
    ("polyint", np.polyint, ((3,),)),
    ("polyint constants", lambda p, k: np.polyint(p, 2, k), ((3,), (2,))),
    ("polyint one", lambda p, k: np.polyint(p, 2, k), ((3,), ())),
    ("vander", np.vander, ((3,),)),
    ("vander N", lambda x: np.vander(x, 5, increasing=True), ((3,),)),
    ("poly", np.poly, ((3,),)),
    ("poly1d", lambda p, x: np.poly1d(p)(x), ((3,), (4,))),
    ("poly1d of a constant", lambda x: np.poly1d([1.0, -2.0, 3.0])(x), ((4,),)),
    (
        "poly1d arithmetic",
        lambda p, q: (np.poly1d(p) * np.poly1d(q) - np.poly1d(p).deriv())(1.5),
        ((3,), (2,)),
    ),
    ("polynomial.polyval", lambda p, x: np.polynomial.polynomial.polyval(x, p), ((3,), (4,))),
    ("Polynomial", lambda x: np.polynomial.Polynomial([1.0, -2.0, 0.5])(x), ((4,),)),
    ("Chebyshev", lambda x: np.polynomial.Chebyshev([1.0, -2.0, 0.5])(x), ((4,),)),
)

_FITS: tuple[tuple[str, Callable[..., Any], tuple[Shape, ...]], ...] = (
    ("polyfit", lambda x, y: np.polyfit(x, y, 2), ((6,), (6,))),
    ("polyfit several", lambda x, y: np.polyfit(x, y, 1), ((5,), (5, 2))),
    ("polyfit weights", lambda x, y, w: np.polyfit(x, y, 1, w=w), ((5,), (5,), (5,))),
    ("polyfit cov", lambda x, y: np.polyfit(x, y, 1, cov=True)[1], ((5,), (5,))),
    (
        "polyfit unscaled",
        lambda x, y, w: np.polyfit(x, y, 1, w=w, cov="unscaled")[1] + 0 * y[0],
        ((5,), (5,), (5,)),
    ),
    ("polyfit full", lambda x, y: np.polyfit(x, y, 1, full=True)[1], ((5,), (5,))),
)


def _quadratic_roots(p: Any) -> Any:
    r = np.roots(p)
    return np.stack([np.real(r), np.imag(r)]) if np.iscomplexobj(r) else r


def cases() -> Iterator[Case]:
    """The rows of this family."""
    for name, function, shapes in _POLYNOMIALS:
        yield row(
            name, function, *shapes, domains=NONZERO, objects=name in ("Polynomial", "Chebyshev")
        )
    yield row("roots", lambda x: np.roots(np.poly(x)), (4,), domains=_APART, analytic=False)
    yield row(
        "roots complex", _quadratic_roots, (3,), domains=Domain(((1.0, 1.3),)), analytic=False
    )
    yield row(
        "roots zeros",
        lambda p: np.roots(np.concatenate([0 * p[:1], p, 0 * p[:2]])),
        (2,),
        domains=POSITIVE,
        analytic=False,
    )
    for name, function, shapes in _FITS if np.linalg.lstsq in FUNCTIONS else ():
        yield row(
            name, function, *shapes, domains=(_APART, REAL, POSITIVE)[: len(shapes)], analytic=False
        )

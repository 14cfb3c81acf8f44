"""Unconstrained functions of any number of variables, in the manner of the CUTE collection.

Each is a row: a name, a function of x of shape (n,), a start. They are smooth; what is known of their minima is that a
point is one when the gradient vanishes and the Hessian is not negative in any direction, so that ``f_min`` is NaN
unless it is known by construction.

References
----------
N. Andrei, An unconstrained optimization test functions collection, Adv. Model. Optim. 10 (2008) 147–161: its formulas
are used; I. Bongartz, A. R. Conn, N. Gould & Ph. L. Toint, CUTE, ACM TOMS 21 (1995) 123–160.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.testing.problems.case import Case

Function = Callable[[Any], Any]


def _numbers(x: Any) -> Any:
    return np.arange(1.0, x.size + 1.0)


def _arwhead(x: Any) -> Any:
    return np.sum(3.0 - 4.0 * x[:-1]) + np.sum((x[:-1] ** 2 + x[-1] ** 2) ** 2)


def _bdqrtic(x: Any) -> Any:
    a, b, c, d = (x[k : x.size - 4 + k] for k in range(4))
    return np.sum((3.0 - 4.0 * a) ** 2) + np.sum(
        (a**2 + 2.0 * b**2 + 3.0 * c**2 + 4.0 * d**2 + 5.0 * x[-1] ** 2) ** 2
    )


def _cosine(x: Any) -> Any:
    return np.sum(np.cos(-0.5 * x[1:] + x[:-1] ** 2))


def _cube(x: Any) -> Any:
    return (x[0] - 1.0) ** 2 + np.sum(100.0 * (x[1:] - x[:-1] ** 3) ** 2)


def _dixon_price(x: Any) -> Any:
    return (x[0] - 1.0) ** 2 + np.sum(_numbers(x)[1:] * (2.0 * x[1:] ** 2 - x[:-1]) ** 2)


def _dqdrtic(x: Any) -> Any:
    return np.sum(x[:-2] ** 2 + 100.0 * x[1:-1] ** 2 + 100.0 * x[2:] ** 2)


def _edensch(x: Any) -> Any:
    a, b = x[:-1], x[1:]
    return 16.0 + np.sum((a - 2.0) ** 4 + (a * b - 2.0 * b) ** 2 + (b + 1.0) ** 2)


def _engval1(x: Any) -> Any:
    return np.sum((x[:-1] ** 2 + x[1:] ** 2) ** 2) + np.sum(3.0 - 4.0 * x[:-1])


def _extended_beale(x: Any) -> Any:
    a, b = x[::2], x[1::2]
    return np.sum(
        (1.5 - a * (1.0 - b)) ** 2
        + (2.25 - a * (1.0 - b**2)) ** 2
        + (2.625 - a * (1.0 - b**3)) ** 2
    )


def _extended_cliff(x: Any) -> Any:
    a, b = x[::2], x[1::2]
    return np.sum(((a - 3.0) / 100.0) ** 2 - (a - b) + np.exp(20.0 * (a - b)))


def _extended_himmelblau(x: Any) -> Any:
    a, b = x[::2], x[1::2]
    return np.sum((a**2 + b - 11.0) ** 2 + (a + b**2 - 7.0) ** 2)


def _extended_psc1(x: Any) -> Any:
    a, b = x[::2], x[1::2]
    return np.sum((a**2 + b**2 + a * b) ** 2 + np.sin(a) ** 2 + np.cos(b) ** 2)


def _extended_tet(x: Any) -> Any:
    a, b = x[::2], x[1::2]
    return np.sum(np.exp(a + 3.0 * b - 0.1) + np.exp(a - 3.0 * b - 0.1) + np.exp(-a - 0.1))


def _extended_white_holst(x: Any) -> Any:
    a, b = x[::2], x[1::2]
    return np.sum(100.0 * (b - a**3) ** 2 + (1.0 - a) ** 2)


def _extended_wood(x: Any) -> Any:
    a, b, c, d = x[::4], x[1::4], x[2::4], x[3::4]
    valleys = 100.0 * (a**2 - b) ** 2 + (a - 1.0) ** 2 + 90.0 * (c**2 - d) ** 2 + (1.0 - c) ** 2
    coupling = 10.1 * ((b - 1.0) ** 2 + (d - 1.0) ** 2) + 19.8 * (b - 1.0) * (d - 1.0)
    return np.sum(valleys + coupling)


def _fletchcr(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] + 1.0 - x[:-1] ** 2) ** 2)


def _genhumps(x: Any) -> Any:
    a, b = x[:-1], x[1:]
    return np.sum(np.sin(2.0 * a) ** 2 * np.sin(2.0 * b) ** 2 + 0.05 * (a**2 + b**2))


def _generalized_quartic(x: Any) -> Any:
    return np.sum(x[:-1] ** 2 + (x[1:] + x[:-1] ** 2) ** 2)


def _generalized_tridiagonal(x: Any) -> Any:
    a, b = x[:-1], x[1:]
    return np.sum((a + b - 3.0) ** 2 + (a - b + 1.0) ** 4)


def _hager(x: Any) -> Any:
    return np.sum(np.exp(x) - np.sqrt(_numbers(x)) * x)


def _himmelbg(x: Any) -> Any:
    a, b = x[::2], x[1::2]
    return np.sum((2.0 * a**2 + 3.0 * b**2) * np.exp(-a - b))


def _liarwhd(x: Any) -> Any:
    return np.sum(4.0 * (x**2 - x[0]) ** 2 + (x - 1.0) ** 2)


def _nondia(x: Any) -> Any:
    return (x[0] - 1.0) ** 2 + np.sum(100.0 * (x[0] - x[:-1] ** 2) ** 2)


def _nondquar(x: Any) -> Any:
    a, b = x[:-2], x[1:-1]
    return (x[0] - x[1]) ** 2 + (x[-2] + x[-1]) ** 2 + np.sum((a + b + x[-1]) ** 4)


def _perturbed_quadratic(x: Any) -> Any:
    return np.sum(_numbers(x) * x**2) + 0.01 * np.sum(x) ** 2


def _power(x: Any) -> Any:
    return np.sum((_numbers(x) * x) ** 2)


def _quartic(x: Any) -> Any:
    return np.sum((x - 1.0) ** 4)


def _raydan_1(x: Any) -> Any:
    return np.sum(_numbers(x) / 10.0 * (np.exp(x) - x))


def _raydan_2(x: Any) -> Any:
    return np.sum(np.exp(x) - x)


def _sinquad(x: Any) -> Any:
    middle = np.sin(x[1:-1] - x[-1]) - x[0] ** 2 + x[1:-1] ** 2
    return (x[0] - 1.0) ** 4 + np.sum(middle**2) + (x[-1] ** 2 - x[0] ** 2) ** 2


def _staircase(x: Any) -> Any:
    return np.sum((np.cumsum(x) - 1.0) ** 2)


def _tointgss(x: Any) -> Any:
    a, b, c = x[:-2], x[1:-1], x[2:]
    return np.sum((10.0 / (x.size + 2.0) + c**2) * (2.0 - np.exp(-((a - b) ** 2) / (0.1 + c**2))))


def _tridia(x: Any) -> Any:
    return (x[0] - 1.0) ** 2 + np.sum(_numbers(x)[1:] * (2.0 * x[1:] - x[:-1]) ** 2)


def _vardim(x: Any) -> Any:
    s = np.sum(_numbers(x) * x) - x.size * (x.size + 1.0) / 2.0
    return np.sum((x - 1.0) ** 2) + s**2 + s**4


def _dixmaan(alpha: float, beta: float, gamma: float, delta: float, k: tuple[int, ...]) -> Function:
    """The family DIXMAAN; n is divisible by 3."""

    def fun(x: Any) -> Any:
        n, m = x.size, x.size // 3
        i = _numbers(x) / n
        first = alpha * np.sum(i ** k[0] * x**2)
        second = beta * np.sum(i[:-1] ** k[1] * x[:-1] ** 2 * (x[1:] + x[1:] ** 2) ** 2)
        third = gamma * np.sum(i[: 2 * m] ** k[2] * x[: 2 * m] ** 2 * x[m:] ** 4)
        return 1.0 + first + second + third + delta * np.sum(i[:m] ** k[3] * x[:m] * x[2 * m :])

    return fun


# Name, function, what the start repeats, the least value where it is known.
_ROWS: list[tuple[str, Function, list[float], float]] = [
    ("ARWHEAD", _arwhead, [1.0], 0.0),
    ("BDQRTIC", _bdqrtic, [1.0], math.nan),
    ("COSINE", _cosine, [1.0], math.nan),
    ("CUBE", _cube, [-1.2, 1.0], 0.0),
    ("DIXON", _dixon_price, [1.0], math.nan),
    ("DQDRTIC", _dqdrtic, [3.0], 0.0),
    ("EDENSCH", _edensch, [0.0], math.nan),
    ("ENGVAL1", _engval1, [2.0], math.nan),
    ("extended Beale", _extended_beale, [1.0, 0.8], 0.0),
    ("extended Cliff", _extended_cliff, [0.0, -1.0], math.nan),
    ("extended Himmelblau", _extended_himmelblau, [1.0], 0.0),
    ("extended PSC1", _extended_psc1, [3.0, 0.1], math.nan),
    ("extended TET", _extended_tet, [0.1], math.nan),
    ("extended White and Holst", _extended_white_holst, [-1.2, 1.0], 0.0),
    ("extended Wood", _extended_wood, [-3.0, -1.0, -3.0, -1.0], 0.0),
    ("FLETCHCR", _fletchcr, [0.5], 0.0),
    ("GENHUMPS", _genhumps, [-50.6, 50.6], 0.0),
    ("generalized quartic", _generalized_quartic, [1.0], 0.0),
    ("generalized tridiagonal", _generalized_tridiagonal, [2.0], math.nan),
    ("HAGER", _hager, [1.0], math.nan),
    ("HIMMELBG", _himmelbg, [1.5], 0.0),
    ("LIARWHD", _liarwhd, [4.0], 0.0),
    ("NONDIA", _nondia, [-1.0], 0.0),
    ("NONDQUAR", _nondquar, [1.0, -1.0], 0.0),
    ("perturbed quadratic", _perturbed_quadratic, [0.5], 0.0),
    ("POWER", _power, [1.0], 0.0),
    ("QUARTC", _quartic, [2.0], 0.0),
    ("Raydan 1", _raydan_1, [1.0], math.nan),
    ("Raydan 2", _raydan_2, [1.0], math.nan),
    ("SINQUAD", _sinquad, [0.1], math.nan),
    ("staircase", _staircase, [0.0], 0.0),
    ("TOINTGSS", _tointgss, [3.0], math.nan),
    ("TRIDIA", _tridia, [1.0], 0.0),
    ("VARDIM", _vardim, [0.9], 0.0),
    ("DIXMAANA", _dixmaan(1.0, 0.0, 0.125, 0.125, (0, 0, 0, 0)), [2.0], 1.0),
    ("DIXMAANB", _dixmaan(1.0, 0.0625, 0.0625, 0.0625, (0, 0, 0, 1)), [2.0], 1.0),
    ("DIXMAANE", _dixmaan(1.0, 0.0, 0.125, 0.125, (1, 0, 0, 1)), [2.0], 1.0),
    ("DIXMAANF", _dixmaan(1.0, 0.0625, 0.0625, 0.0625, (1, 0, 0, 1)), [2.0], 1.0),
    ("DIXMAANI", _dixmaan(1.0, 0.0, 0.125, 0.125, (2, 0, 0, 2)), [2.0], 1.0),
    ("DIXMAANL", _dixmaan(1.0, 0.26, 0.26, 0.26, (2, 0, 0, 2)), [2.0], 1.0),
]


def unconstrained(n: int = 12) -> list[Case]:
    """All of them with n variables, n divisible by 12.

    Examples
    --------
    >>> from optkit.testing import problems
    >>> cases = problems.unconstrained(24)
    >>> len(cases), cases[0].name, cases[0].x0.shape
    (40, 'ARWHEAD, n = 24', (24,))
    """
    return [
        Case(f"{name}, n = {n}", fun, np.resize(np.array(start), n), None, f_min)
        for name, fun, start, f_min in _ROWS
    ]

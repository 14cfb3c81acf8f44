"""The problems of Moré, Garbow and Hillstrom with a fixed number of variables, 1 to 19.

Symbols are those of the paper: n variables, m residuals, t, u, v, w, y its data. Numbers of local minima and of
infima at infinity that it gives are in ``other_minima``.

References
----------
J. J. Moré, B. S. Garbow, K. E. Hillstrom, Testing unconstrained optimization software, ACM Transactions on Mathematical
Software 7 (1981) 17–41, section 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from optkit.testing.problems import classics
from optkit.testing.problems.case import Case, least_squares_case


def _data(text: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([float(number) for number in text.split()])


def freudenstein_roth() -> Case:
    """MGH 2: the usual start leads to the local minimum, 48.98, not to 0."""

    def residuals(x: Any) -> Any:
        a = x[0] + ((5.0 - x[1]) * x[1] - 2.0) * x[1] - 13.0
        b = x[0] + ((x[1] + 1.0) * x[1] - 14.0) * x[1] - 29.0
        return np.stack([a, b])

    return least_squares_case(
        "Freudenstein and Roth", residuals, [0.5, -2.0], [5.0, 4.0], 0.0, (48.984253679,)
    )


def powell_badly_scaled() -> Case:
    """MGH 3: at the minimum, the variables differ by a factor of 10⁶."""

    def residuals(x: Any) -> Any:
        return np.stack([1e4 * x[0] * x[1] - 1.0, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001])

    x_min = [1.0981593296999222e-05, 9.106146739866583]
    return least_squares_case("Powell, badly scaled", residuals, [0.0, 1.0], x_min)


def jennrich_sampson() -> Case:
    """MGH 6: two exponentials that want to be one."""
    i = np.arange(1.0, 11.0)

    def residuals(x: Any) -> Any:
        return 2.0 + 2.0 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))

    # Besides, 259.58 as both variables fall to −∞ is not below; 2020 is the infimum on the other side.
    return least_squares_case(
        "Jennrich and Sampson", residuals, [0.3, 0.4],
        [0.2578252136705121, 0.2578252136705121], 124.36218235561489, (259.58019,),
    )  # fmt: skip


def bard() -> Case:
    """MGH 8: a rational function, with an infimum of 17.4286 at infinity."""
    u = np.arange(1.0, 16.0)
    v = 16.0 - u
    w = np.minimum(u, v)
    y = _data("0.14 0.18 0.22 0.25 0.29 0.32 0.35 0.39 0.37 0.58 0.73 0.96 1.34 2.10 4.39")

    def residuals(x: Any) -> Any:
        return y - (x[0] + u / (v * x[1] + w * x[2]))

    return least_squares_case(
        "Bard", residuals, [1.0, 1.0, 1.0], None, 8.214877306578963e-3, (17.428691,)
    )


def gaussian() -> Case:
    """MGH 9: a bell curve through 15 points of one; the start is close."""
    half = "0.0009 0.0044 0.0175 0.0540 0.1295 0.2420 0.3521"
    y = np.concatenate([_data(half), [0.3989], _data(half)[::-1]])
    t = (8.0 - np.arange(1.0, 16.0)) / 2.0

    def residuals(x: Any) -> Any:
        return x[0] * np.exp(-x[1] * (t - x[2]) ** 2 / 2.0) - y

    return least_squares_case("Gaussian", residuals, [0.4, 1.0, 0.0], None, 1.1279327696188652e-8)


def meyer() -> Case:
    """MGH 10: the resistance of a thermistor; scales from 0.005 to 6000, and hardly any curvature along a valley."""
    t = 45.0 + 5.0 * np.arange(1.0, 17.0)
    y = _data(
        "34780 28610 23650 19630 16370 13720 11540 9744 8261 7030 6005 5147 4427 3820 3307 2872"
    )

    def residuals(x: Any) -> Any:
        return x[0] * np.exp(x[1] / (t + x[2])) - y

    return least_squares_case("Meyer", residuals, [0.02, 4000.0, 250.0], None, 87.94585517018605)


def gulf(m: int = 99) -> Case:
    """MGH 11: Gulf research and development; |yᵢ − x₂| as in the authors' code (the paper has a misprint there)."""
    t = np.arange(1.0, m + 1.0) / 100.0
    y = 25.0 + (-50.0 * np.log(t)) ** (2.0 / 3.0)

    def residuals(x: Any) -> Any:
        return np.exp(-(np.abs(y - x[1]) ** x[2]) / x[0]) - t

    # Far out there are plateaus, where all terms are constant: 0.038 and 6.6 among others.
    return least_squares_case(
        "Gulf", residuals, [5.0, 2.5, 0.15], [50.0, 25.0, 1.5], 0.0, (0.0380, 6.6)
    )


def box_three_dimensional(m: int = 10) -> Case:
    """MGH 12: three minima of value 0, one of them a whole line."""
    t = 0.1 * np.arange(1.0, m + 1.0)

    def residuals(x: Any) -> Any:
        return (
            np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10.0 * t))
        )  # fmt: skip

    return least_squares_case(
        "Box, three-dimensional", residuals, [0.0, 10.0, 20.0], [1.0, 10.0, 1.0], 0.0, (0.0755887,)
    )


def kowalik_osborne() -> Case:
    """MGH 15: a rational function, with an infimum of 1.027e-3 at infinity."""
    y = _data(".1957 .1947 .1735 .1600 .0844 .0627 .0456 .0342 .0323 .0235 .0246")
    u = _data("4 2 1 .5 .25 .167 .125 .1 .0833 .0714 .0625")

    def residuals(x: Any) -> Any:
        return y - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])

    return least_squares_case(
        "Kowalik and Osborne", residuals, [0.25, 0.39, 0.415, 0.39], None,
        3.0750560384924e-4, (1.02734e-3,),
    )  # fmt: skip


def brown_dennis(m: int = 20) -> Case:
    """MGH 16: large residuals at the minimum."""
    t = np.arange(1.0, m + 1.0) / 5.0

    def residuals(x: Any) -> Any:
        a = x[0] + t * x[1] - np.exp(t)
        b = x[2] + x[3] * np.sin(t) - np.cos(t)
        return a**2 + b**2

    return least_squares_case(
        "Brown and Dennis", residuals, [25.0, 5.0, -5.0, -1.0], None, 85822.20162635628
    )


def osborne_1() -> Case:
    """MGH 17: two exponentials and a constant."""
    t = 10.0 * np.arange(33.0)
    y = _data(
        ".844 .908 .932 .936 .925 .908 .881 .850 .818 .784 .751 .718 .685 .658 .628 .603 .580 "
        ".558 .538 .522 .506 .490 .478 .467 .457 .448 .438 .431 .424 .420 .414 .411 .406"
    )

    def residuals(x: Any) -> Any:
        return y - (x[0] + x[1] * np.exp(-t * x[3]) + x[2] * np.exp(-t * x[4]))

    # 1.106: both exponentials have become constants or have died out.
    return least_squares_case(
        "Osborne 1", residuals, [0.5, 1.5, -1.0, 0.01, 0.02], None,
        5.464894697482687e-5, (1.1060362,),
    )  # fmt: skip


def biggs_exp6(m: int = 13) -> Case:
    """MGH 18: three exponentials; from the usual start many methods end in the local minimum 5.66e-3."""
    t = 0.1 * np.arange(1.0, m + 1.0)
    y = np.exp(-t) - 5.0 * np.exp(-10.0 * t) + 3.0 * np.exp(-4.0 * t)

    def residuals(x: Any) -> Any:
        three = x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4])
        return three - y

    return least_squares_case(
        "Biggs, EXP6", residuals, [1.0, 2.0, 1.0, 1.0, 1.0, 1.0],
        [1.0, 10.0, 1.0, 5.0, 4.0, 3.0], 0.0, (5.655649925e-3, 0.30636677),
    )  # fmt: skip


def osborne_2() -> Case:
    """MGH 19: an exponential and three bells, n = 11, m = 65."""
    t = np.arange(65.0) / 10.0
    y = _data(
        "1.366 1.191 1.112 1.013 .991 .885 .831 .847 .786 .725 .746 .679 .608 .655 .616 .606 .602 "
        ".626 .651 .724 .649 .649 .694 .644 .624 .661 .612 .558 .533 .495 .500 .423 .395 .375 .372 "
        ".391 .396 .405 .428 .429 .523 .562 .607 .653 .672 .708 .633 .668 .645 .632 .591 .559 .597 "
        ".625 .739 .710 .729 .720 .636 .581 .428 .292 .162 .098 .054"
    )

    def residuals(x: Any) -> Any:
        bells = sum(x[k] * np.exp(-((t - x[7 + k]) ** 2) * x[4 + k]) for k in (1, 2, 3))
        return y - (x[0] * np.exp(-t * x[4]) + bells)

    x0 = [1.3, 0.65, 0.65, 0.7, 0.6, 3.0, 5.0, 7.0, 2.0, 4.5, 5.5]
    return least_squares_case("Osborne 2", residuals, x0, None, 4.013773629354773e-2, (1.7898135,))


def fixed_dimension() -> list[Case]:
    """MGH 1 to 19, in their order."""
    return [
        classics.rosenbrock(2), freudenstein_roth(), powell_badly_scaled(),
        classics.brown_badly_scaled(), classics.beale(), jennrich_sampson(),
        classics.helical_valley(), bard(), gaussian(), meyer(), gulf(), box_three_dimensional(),
        classics.powell_singular(), classics.wood(), kowalik_osborne(), brown_dennis(),
        osborne_1(), biggs_exp6(), osborne_2(),
    ]  # fmt: skip

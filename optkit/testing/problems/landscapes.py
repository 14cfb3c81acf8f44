"""Functions of two variables that are nasty to look at: many minima, flat floors, ridges, kinks.

The minima are global ones; a local method is not expected to find them from everywhere. Formulas and minima are those
of M. Jamil & X.-S. Yang, A literature survey of benchmark functions for global optimisation problems, Int. J. Math.
Model. Numer. Optim. 4 (2013) 150–194.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.testing.problems.case import Case


def _case(
    name: str, fun: Callable[[Any], Any], x0: list[float], x_min: list[float], f_min: float = 0.0
) -> Case:
    return Case(name, fun, np.array(x0), np.array(x_min), f_min)


def himmelblau() -> Case:
    """Four minima of the same value 0."""
    return _case(
        "Himmelblau", lambda x: (x[0] ** 2 + x[1] - 11.0) ** 2 + (x[0] + x[1] ** 2 - 7.0) ** 2,
        [0.0, 0.0], [3.0, 2.0],
    )  # fmt: skip


def six_hump_camel() -> Case:
    """Six minima, two of them global."""

    def fun(x: Any) -> Any:
        a, b = x[0], x[1]
        return (4.0 - 2.1 * a**2 + a**4 / 3.0) * a**2 + a * b + (4.0 * b**2 - 4.0) * b**2

    return _case(
        "six-hump camel", fun, [0.5, -0.5], [0.08984201310031806, -0.7126564030207397],
        -1.0316284534898774,
    )  # fmt: skip


def goldstein_price() -> Case:
    """Values from 3 to 10⁶, several minima."""

    def fun(x: Any) -> Any:
        a, b = x[0], x[1]
        s = 19.0 - 14.0 * a + 3.0 * a**2 - 14.0 * b + 6.0 * a * b + 3.0 * b**2
        t = 18.0 - 32.0 * a + 12.0 * a**2 + 48.0 * b - 36.0 * a * b + 27.0 * b**2
        return (1.0 + (a + b + 1.0) ** 2 * s) * (30.0 + (2.0 * a - 3.0 * b) ** 2 * t)

    return _case("Goldstein and Price", fun, [0.3, -0.7], [0.0, -1.0], 3.0)


def branin() -> Case:
    """Three global minima."""

    def fun(x: Any) -> Any:
        a = x[1] - 5.1 / (4.0 * np.pi**2) * x[0] ** 2 + 5.0 / np.pi * x[0] - 6.0
        return a**2 + 10.0 * (1.0 - 1.0 / (8.0 * np.pi)) * np.cos(x[0]) + 10.0

    return _case("Branin", fun, [2.5, 7.5], [np.pi, 2.275], 0.39788735772973816)


def mccormick() -> Case:
    """A wave on a tilted plane; unbounded below outside of its usual box."""
    x = [-0.5471975511965979, -1.5471975511965979]
    return _case(
        "McCormick",
        lambda x: np.sin(x[0] + x[1]) + (x[0] - x[1]) ** 2 - 1.5 * x[0] + 2.5 * x[1] + 1.0,
        [0.0, 0.0], x, -1.9132229549810367,
    )  # fmt: skip


def three_hump_camel() -> Case:
    """Three minima, the global one between the others."""
    return _case(
        "three-hump camel",
        lambda x: 2.0 * x[0] ** 2 - 1.05 * x[0] ** 4 + x[0] ** 6 / 6.0 + x[0] * x[1] + x[1] ** 2,
        [0.5, 0.5], [0.0, 0.0],
    )  # fmt: skip


def matyas() -> Case:
    """Convex, a plate that is a little bent."""
    return _case(
        "Matyas", lambda x: 0.26 * (x[0] ** 2 + x[1] ** 2) - 0.48 * x[0] * x[1], [5.0, -3.0],
        [0.0, 0.0],
    )  # fmt: skip


def booth() -> Case:
    """A quadratic."""
    return _case(
        "Booth", lambda x: (x[0] + 2.0 * x[1] - 7.0) ** 2 + (2.0 * x[0] + x[1] - 5.0) ** 2,
        [-5.0, 5.0], [1.0, 3.0],
    )  # fmt: skip


def easom() -> Case:
    """A hole in a plain: flat to rounding a few units away from the minimum."""
    return _case(
        "Easom",
        lambda x: -np.cos(x[0]) * np.cos(x[1]) * np.exp(-((x[0] - np.pi) ** 2) - (x[1] - np.pi) ** 2),
        [2.5, 3.5], [np.pi, np.pi], -1.0,
    )  # fmt: skip


def levy_13() -> Case:
    """Ripples on a bowl."""

    def fun(x: Any) -> Any:
        a, b = x[0], x[1]
        first = np.sin(3.0 * np.pi * a) ** 2 + (a - 1.0) ** 2 * (1.0 + np.sin(3.0 * np.pi * b) ** 2)
        return first + (b - 1.0) ** 2 * (1.0 + np.sin(2.0 * np.pi * b) ** 2)

    return _case("Levy 13", fun, [1.1, 1.1], [1.0, 1.0])


def ackley(n: int = 2) -> Case:
    """A funnel full of dents, with a kink at its bottom, where the minimum is."""

    def fun(x: Any) -> Any:
        root = np.sqrt(np.mean(x**2))
        return 20.0 - 20.0 * np.exp(-0.2 * root) + np.e - np.exp(np.mean(np.cos(2.0 * np.pi * x)))

    return Case(f"Ackley, n = {n}", fun, np.full(n, 0.3), np.zeros(n), 0.0)


def rastrigin(n: int = 2) -> Case:
    """A lattice of minima on a bowl."""

    def fun(x: Any) -> Any:
        return 10.0 * n + np.sum(x**2 - 10.0 * np.cos(2.0 * np.pi * x))

    return Case(f"Rastrigin, n = {n}", fun, np.full(n, 0.3), np.zeros(n), 0.0)


def styblinski_tang(n: int = 2) -> Case:
    """2ⁿ minima, one of them global."""

    def fun(x: Any) -> Any:
        return 0.5 * np.sum(x**4 - 16.0 * x**2 + 5.0 * x)

    x_min, f_min = -2.9035340277711772, -39.16616570377142
    return Case(
        f"Styblinski and Tang, n = {n}", fun, np.full(n, -1.0), np.full(n, x_min), n * f_min
    )


def landscapes() -> list[Case]:
    """All of them, in two dimensions.

    Examples
    --------
    >>> from optkit.testing import problems
    >>> len(problems.landscapes())
    13
    """
    return [
        himmelblau(), six_hump_camel(), goldstein_price(), branin(), mccormick(), three_hump_camel(),
        matyas(), booth(), easom(), levy_13(), ackley(), rastrigin(), styblinski_tang(),
    ]  # fmt: skip

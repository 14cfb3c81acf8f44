"""The problems of Moré, Garbow and Hillstrom with any number of variables, 20 to 35.

Symbols are those of the paper: n variables, m residuals. Minima are known for the numbers of variables that the
paper gives; for others ``f_min`` is NaN where it is not zero by construction.

References
----------
J. J. Moré, B. S. Garbow, K. E. Hillstrom, Testing unconstrained optimization software, ACM Transactions on Mathematical
Software 7 (1981) 17–41, section 3.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from optkit.errors import InvalidInputError
from optkit.testing.problems.case import Case, least_squares_case


def _require(condition: bool, name: str, what: str, n: int) -> None:
    if not condition:
        raise InvalidInputError(f"{name}(n) needs {what}, got {n}")


def watson(n: int = 6) -> Case:
    """MGH 20: a polynomial that almost solves a differential equation; ever worse conditioned with n, 2 to 31."""
    _require(2 <= n <= 31, "watson", "n from 2 to 31", n)
    t = (np.arange(1.0, 30.0) / 29.0)[:, None]
    power = np.arange(float(n))
    values = t**power
    slopes = np.zeros((29, n))
    slopes[:, 1:] = power[1:] * t ** (power[1:] - 1.0)
    minima = {
        6: 2.2876700535523838e-3, 9: 1.399760138098e-6, 12: 4.722381e-10,
    }  # fmt: skip

    def residuals(x: Any) -> Any:
        inner = slopes @ x - (values @ x) ** 2 - 1.0
        return np.concatenate([inner, np.stack([x[0], x[1] - x[0] ** 2 - 1.0])])

    return least_squares_case(
        f"Watson, n = {n}", residuals, np.zeros(n), None, minima.get(n, math.nan)
    )


def extended_rosenbrock(n: int = 10) -> Case:
    """MGH 21: n/2 Rosenbrock functions side by side."""
    _require(n >= 2 and n % 2 == 0, "extended_rosenbrock", "n even", n)

    def residuals(x: Any) -> Any:
        return np.concatenate([10.0 * (x[1::2] - x[::2] ** 2), 1.0 - x[::2]])

    x0 = np.resize([-1.2, 1.0], n)
    return least_squares_case(f"extended Rosenbrock, n = {n}", residuals, x0, np.ones(n))


def extended_powell_singular(n: int = 12) -> Case:
    """MGH 22: n/4 singular functions of Powell side by side."""
    _require(n >= 4 and n % 4 == 0, "extended_powell_singular", "n divisible by 4", n)

    def residuals(x: Any) -> Any:
        a, b, c, d = x[::4], x[1::4], x[2::4], x[3::4]
        return np.concatenate(
            [a + 10.0 * b, math.sqrt(5.0) * (c - d), (b - 2.0 * c) ** 2, math.sqrt(10.0) * (a - d) ** 2]
        )  # fmt: skip

    x0 = np.resize([3.0, -1.0, 0.0, 1.0], n)
    return least_squares_case(f"extended Powell singular, n = {n}", residuals, x0, np.zeros(n))


def penalty_1(n: int = 10) -> Case:
    """MGH 23: a sphere with a weak pull of 10⁻⁵."""
    minima = {4: 2.2499775008999e-5, 10: 7.0876514670904e-5}

    def residuals(x: Any) -> Any:
        return np.concatenate([math.sqrt(1e-5) * (x - 1.0), np.sum(x**2, keepdims=True) - 0.25])

    return least_squares_case(
        f"penalty I, n = {n}", residuals, np.arange(1.0, n + 1.0), None, minima.get(n, math.nan)
    )


def penalty_2(n: int = 10) -> Case:
    """MGH 24: an ellipsoid with a weak pull of exponentials."""
    i = np.arange(2.0, n + 1.0)
    y = np.exp(i / 10.0) + np.exp((i - 1.0) / 10.0)
    weights = n - np.arange(float(n))
    a = math.sqrt(1e-5)
    minima = {4: 9.3762936e-6, 10: 2.936605374e-4}

    def residuals(x: Any) -> Any:
        e = np.exp(x / 10.0)
        ends = np.stack([x[0] - 0.2, np.sum(weights * x**2) - 1.0])
        return np.concatenate([ends, a * (e[1:] + e[:-1] - y), a * (e[1:] - math.exp(-0.1))])

    return least_squares_case(
        f"penalty II, n = {n}", residuals, np.full(n, 0.5), None, minima.get(n, math.nan)
    )


def variably_dimensioned(n: int = 10) -> Case:
    """MGH 25: a quartic valley across a sphere."""
    j = np.arange(1.0, n + 1.0)

    def residuals(x: Any) -> Any:
        s = np.sum(j * (x - 1.0))
        return np.concatenate([x - 1.0, np.stack([s, s**2])])

    return least_squares_case(f"variably dimensioned, n = {n}", residuals, 1.0 - j / n, np.ones(n))


def trigonometric(n: int = 10) -> Case:
    """MGH 26: has many local minima, 2.795e-5 for n = 10 among them."""
    i = np.arange(1.0, n + 1.0)

    def residuals(x: Any) -> Any:
        return n - np.sum(np.cos(x)) + i * (1.0 - np.cos(x)) - np.sin(x)

    other = (2.7950561218781e-5,) if n == 10 else ()
    return least_squares_case(
        f"trigonometric, n = {n}", residuals, np.full(n, 1.0 / n), np.zeros(n), 0.0, other
    )


def brown_almost_linear(n: int = 10) -> Case:
    """MGH 27: linear but for one product; 1 is the value of a local minimum at (0, …, 0, n + 1)."""

    def residuals(x: Any) -> Any:
        linear = x[:-1] + np.sum(x) - (n + 1.0)
        return np.concatenate([linear, np.prod(x, keepdims=True) - 1.0])

    return least_squares_case(
        f"Brown almost linear, n = {n}", residuals, np.full(n, 0.5), np.ones(n), 0.0, (1.0,)
    )


def _grid(n: int) -> tuple[float, Any]:
    h = 1.0 / (n + 1.0)
    return h, h * np.arange(1.0, n + 1.0)


def discrete_boundary_value(n: int = 10) -> Case:
    """MGH 28: −u″ + (u + t + 1)³/2 = 0 by differences."""
    h, t = _grid(n)

    def residuals(x: Any) -> Any:
        edge = np.zeros(1)
        padded = np.concatenate([edge, x, edge])
        second = 2.0 * x - padded[:-2] - padded[2:]
        return second + h**2 * (x + t + 1.0) ** 3 / 2.0

    return least_squares_case(f"discrete boundary value, n = {n}", residuals, t * (t - 1.0))


def discrete_integral(n: int = 10) -> Case:
    """MGH 29: the same as an integral equation; a full Jacobian."""
    h, t = _grid(n)

    def residuals(x: Any) -> Any:
        cube = (x + t + 1.0) ** 3
        before = np.cumsum(t * cube)
        tail = (1.0 - t) * cube
        after = np.sum(tail) - np.cumsum(tail)
        return x + h * ((1.0 - t) * before + t * after) / 2.0

    return least_squares_case(f"discrete integral, n = {n}", residuals, t * (t - 1.0))


def broyden_tridiagonal(n: int = 10) -> Case:
    """MGH 30: each residual sees three neighbours."""

    def residuals(x: Any) -> Any:
        edge = np.zeros(1)
        padded = np.concatenate([edge, x, edge])
        return (3.0 - 2.0 * x) * x - padded[:-2] - 2.0 * padded[2:] + 1.0

    return least_squares_case(f"Broyden tridiagonal, n = {n}", residuals, np.full(n, -1.0))


def broyden_banded(n: int = 10) -> Case:
    """MGH 31: each residual sees five variables before it and one after."""
    i = np.arange(n)
    distance = i[None, :] - i[:, None]
    near = ((distance >= -5) & (distance <= 1) & (distance != 0)).astype(np.float64)

    def residuals(x: Any) -> Any:
        return x * (2.0 + 5.0 * x**2) + 1.0 - near @ (x * (1.0 + x))

    return least_squares_case(f"Broyden banded, n = {n}", residuals, np.full(n, -1.0))


def linear_full_rank(n: int = 10, m: int = 20) -> Case:
    """MGH 32: solved by one step of Gauss and Newton."""

    def residuals(x: Any) -> Any:
        common = -(2.0 / m) * np.sum(x) - 1.0
        return np.concatenate([x + common, np.ones(m - n) * common])

    return least_squares_case(
        f"linear, full rank, n = {n}", residuals, np.ones(n), -np.ones(n), float(m - n)
    )


def linear_rank_one(n: int = 10, m: int = 20) -> Case:
    """MGH 33: a plane of minima."""
    i, j = np.arange(1.0, m + 1.0), np.arange(1.0, n + 1.0)

    def residuals(x: Any) -> Any:
        return i * np.sum(j * x) - 1.0

    f_min = m * (m - 1.0) / (2.0 * (2.0 * m + 1.0))
    return least_squares_case(f"linear, rank 1, n = {n}", residuals, np.ones(n), None, f_min)


def linear_rank_one_with_zeros(n: int = 10, m: int = 20) -> Case:
    """MGH 34: besides, the first and last variables do not matter at all."""
    i = np.arange(m) * 1.0
    i[-1] = 0.0
    j = np.arange(1.0, n + 1.0)
    j[0] = j[-1] = 0.0

    def residuals(x: Any) -> Any:
        return i * np.sum(j * x) - 1.0

    f_min = (m**2 + 3.0 * m - 6.0) / (2.0 * (2.0 * m - 3.0))
    name = f"linear, rank 1, zero columns and rows, n = {n}"
    return least_squares_case(name, residuals, np.ones(n), None, f_min)


def chebyquad(n: int = 8) -> Case:
    """MGH 35: the nodes of a quadrature of equal weights; there is an exact one for n ≤ 7 and n = 9."""
    k = np.arange(1.0, n + 1.0)
    even = k % 2.0 == 0.0
    integrals = np.where(even, -1.0 / np.where(even, k**2 - 1.0, 1.0), 0.0)
    minima = {8: 3.5168737256779e-3, 10: 4.7727138e-3} | dict.fromkeys((*range(1, 8), 9), 0.0)
    other = (6.5039548e-3,) if n == 10 else ()

    def residuals(x: Any) -> Any:
        y = 2.0 * x - 1.0
        before, polynomial = 1.0, y
        means = []
        for _ in range(n):
            means.append(np.mean(polynomial))
            before, polynomial = polynomial, 2.0 * y * polynomial - before
        return np.stack(means) - integrals

    x0 = k / (n + 1.0)
    name, f_min = f"Chebyquad, n = {n}", minima.get(n, math.nan)
    return least_squares_case(name, residuals, x0, None, f_min, other)


def any_dimension() -> list[Case]:
    """MGH 20 to 35, in their order, each with its default number of variables."""
    return [
        watson(), extended_rosenbrock(), extended_powell_singular(), penalty_1(), penalty_2(),
        variably_dimensioned(), trigonometric(), brown_almost_linear(), discrete_boundary_value(),
        discrete_integral(), broyden_tridiagonal(), broyden_banded(), linear_full_rank(),
        linear_rank_one(), linear_rank_one_with_zeros(), chebyquad(),
    ]  # fmt: skip

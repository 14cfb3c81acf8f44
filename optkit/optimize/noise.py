"""How much of a function's value is noise, measured where rounding alone does not explain it.

The values fᵢ = f(x + i h d), i = 0 … m, lie on a line so short that a smooth f is a polynomial of low degree there.
In the table of their differences the smooth part dies out, while noise of standard deviation σ stays:

    σₖ² = (k!)² / (2k)! · mean of (Δᵏ fᵢ)²

tends to σ² as k grows (J. J. Moré & S. M. Wild, Estimating computational noise, SIAM J. Sci. Comput. 33 (2011)
1292–1314, (3.1) and algorithm ECnoise). The estimate is accepted where three orders in a row agree within a factor of
four and the differences change sign, as noise does and a polynomial does not.
"""

from __future__ import annotations

import math

import numpy as np

from optkit.optimize.problem import BaseProblem
from optkit.optimize.validation import Vector

_POINTS = 9
_AGREE = 4.0


def noise_level(problem: BaseProblem, x: Vector, direction: Vector) -> float:
    """The standard deviation of the noise of f near x, zero when none can be told from smooth change.

    Costs 9 evaluations for each of up to three spacings, from just above the rounding of x upwards.
    """
    size = float(np.max(np.abs(x), initial=0.0)) or 1.0
    length = float(np.max(np.abs(direction), initial=0.0))
    if not 0.0 < length < math.inf:
        return 0.0
    for exponent in (-12.0, -10.0, -8.0):
        unit = (10.0**exponent * size / length) * direction
        values = np.array([problem.value(problem.within(x + i * unit)) for i in range(_POINTS)])
        if not np.isfinite(values).all():
            return 0.0
        level = _from_differences(values)
        if level > 0.0:
            return level
    return 0.0


def _from_differences(values: Vector) -> float:
    """σ from the table of differences, zero where the orders do not agree."""
    levels, alternates = [], []
    table = values - values[0]
    if not np.abs(table).max() < 1e150:  # whose squares would overflow
        return 0.0
    for k in range(1, _POINTS - 2):
        table = np.diff(table)
        gamma = math.factorial(k) ** 2 / math.factorial(2 * k)
        levels.append(math.sqrt(gamma * float(np.mean(table**2))))
        alternates.append(float(table.min()) * float(table.max()) < 0.0)
    for k in range(len(levels) - 2):
        three = levels[k : k + 3]
        if 0.0 < max(three) <= _AGREE * min(three) and alternates[k]:
            return levels[k]
    return 0.0

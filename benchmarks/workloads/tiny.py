"""Functions so small that only the cost of a call is left."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from measure.workload import Function, Workload


def wave(x: Any) -> Any:
    return x * np.sin(x)


def wave_by_hand(x: Any) -> Any:
    return math.sin(x) + x * math.cos(x)


def square(x: Any) -> Any:
    return x @ x


def square_by_hand(x: Any) -> Any:
    return x @ x, 2.0 * x


def valley(x: Any) -> Any:
    a, b = x
    return 100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2


def valley_by_hand(x: Any) -> Any:
    a, b = x.tolist()
    curve, slope = b - a * a, 1.0 - a
    return (
        100.0 * curve * curve + slope * slope,
        np.array([-400.0 * a * curve - 2.0 * slope, 200.0 * curve]),
    )


def wave_with_numba() -> Function:
    from measure.vector_math import fast

    made: Function = fast(wave_by_hand)
    return made


def square_with_numba() -> Function:
    from measure.vector_math import fast

    @fast
    def value_and_gradient(x: Any) -> Any:
        gradient = np.empty_like(x)
        value = 0.0
        for i in range(x.size):
            value += x[i] * x[i]
            gradient[i] = 2.0 * x[i]
        return value, gradient

    made: Function = value_and_gradient
    return made


def valley_with_numba() -> Function:
    from measure.vector_math import fast

    @fast
    def value_and_gradient(x: Any) -> Any:
        a, b = x[0], x[1]
        curve, slope = b - a * a, 1.0 - a
        gradient = np.empty(2)
        gradient[0], gradient[1] = -400.0 * a * curve - 2.0 * slope, 200.0 * curve
        return 100.0 * curve * curve + slope * slope, gradient

    made: Function = value_and_gradient
    return made


_SLOW_TO_COMPILE = {"torch.compile": "costs ten seconds of compilation, and tells nothing new here"}

WORKLOADS = [
    Workload(
        key="tiny-number",
        title="gradient of x sin x, one number",
        function=wave,
        operator="grad",
        inputs=(1.5,),
        makers={"NumPy": lambda: wave_by_hand, "numba": wave_with_numba},
        without={"torch": "takes arrays only"},
    ),
    Workload(
        key="tiny-product",
        title="value + gradient of x @ x, n = 3",
        function=square,
        operator="value_and_grad",
        inputs=(np.array([1.0, 2.0, 3.0]),),
        makers={"NumPy": lambda: square_by_hand, "numba": square_with_numba},
        without=_SLOW_TO_COMPILE,
    ),
    Workload(
        key="tiny-unpacked",
        title="value + gradient, Rosenbrock of a, b = x",
        function=valley,
        operator="value_and_grad",
        inputs=(np.array([-1.2, 1.0]),),
        makers={"NumPy": lambda: valley_by_hand, "numba": valley_with_numba},
        without=_SLOW_TO_COMPILE,
    ),
]

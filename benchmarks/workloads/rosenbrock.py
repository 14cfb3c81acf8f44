"""Value and gradient of the chained Rosenbrock function (Rosenbrock 1960)."""

from __future__ import annotations

from typing import Any

import numpy as np

from measure import casadi_graph
from measure.workload import FirstCall, Function, Workload, compiled, eager


def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def by_hand(x: Any) -> Any:
    """As one would write it in NumPy, sharing between value and gradient what can be shared."""
    head = x[:-1]
    curve = x[1:] - head**2
    slope = 1.0 - head
    gradient = np.zeros_like(x)
    gradient[:-1] = -400.0 * head * curve - 2.0 * slope
    gradient[1:] += 200.0 * curve
    return np.sum(100.0 * curve**2 + slope**2), gradient


def with_numba() -> Function:
    from measure.vector_math import fast

    @fast
    def value_and_gradient(x: Any) -> Any:
        n = x.size
        gradient = np.empty(n)
        curve = x[1] - x[0] * x[0]
        slope = 1.0 - x[0]
        value = 100.0 * curve * curve + slope * slope
        gradient[0] = -400.0 * x[0] * curve - 2.0 * slope
        # Each element anew from its two neighbours: nothing is carried along, so that the loop becomes vectors.
        for i in range(n - 2):
            before, here = x[i], x[i + 1]
            curve = x[i + 2] - here * here
            slope = 1.0 - here
            value += 100.0 * curve * curve + slope * slope
            gradient[i + 1] = 200.0 * (here - before * before) - 400.0 * here * curve - 2.0 * slope
        gradient[n - 1] = 200.0 * (x[n - 1] - x[n - 2] * x[n - 2])
        return value, gradient

    made: Function = value_and_gradient
    return made


def graph(casadi: Any, n: int) -> tuple[Any, Any]:
    """The variables and the function as a graph: of scalars where that is small, else of vectors."""
    x = (casadi.SX if n <= 100 else casadi.MX).sym("x", n)
    head = x[:-1]
    return x, casadi.sum1(100.0 * (x[1:] - head**2) ** 2 + (1.0 - head) ** 2)


def in_casadi(n: int) -> Any:
    def build(casadi: Any) -> Any:
        x, value = graph(casadi, n)
        return casadi.Function("rosenbrock", [x], [value, casadi.gradient(value, x)])

    return casadi_graph.makers(build, [(1,), (n,)], lambda value, gradient: (value[0], gradient))


_SMALL = (eager(1 / 6, "autograd"), eager(2.5, "NumPy"))
_GOALS = {
    2: (*_SMALL, compiled(3, "numba"), compiled(1 / 8, "JAX")),
    100: (*_SMALL, compiled(3, "numba"), compiled(1 / 12, "JAX")),
    1_000: (*_SMALL, compiled(2, "numba"), compiled(1 / 10, "JAX")),
    10_000: (eager(1 / 2, "autograd"), compiled(2, "numba"), compiled(1 / 4, "JAX")),
    1_000_000: (eager(2, "NumPy"), compiled(1.5, "numba"), compiled(1 / 2, "JAX")),
}

WORKLOADS = [
    Workload(
        key=f"rosenbrock-{n}",
        title=f"value + gradient, Rosenbrock n = {n:,}",
        function=rosenbrock,
        operator="value_and_grad",
        inputs=(np.linspace(-1.0, 1.0, n),),
        makers={"NumPy": lambda: by_hand, "numba": with_numba, **in_casadi(n)},
        goals=goals,
        first_call=FirstCall(seconds=0.06, of_jax=1 / 3),
    )
    for n, goals in _GOALS.items()
]

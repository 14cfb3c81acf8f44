"""Jacobian of a sum of three exponentials at m points: residuals of a fit, few parameters and many data."""

from __future__ import annotations

from typing import Any

import numpy as np

from measure import casadi_graph
from measure.workload import FirstCall, Function, Workload, compiled, eager

M = 1000
POINT = np.array([1.0, 0.5, 2.0, 1.5, 0.7, 4.0])
TIMES = np.sort(np.random.default_rng(1).uniform(0.0, 4.0, M))
DATA = 0.9 * np.exp(-0.4 * TIMES) + 2.1 * np.exp(-1.4 * TIMES) + 0.8 * np.exp(-3.5 * TIMES)


def residuals(p: Any) -> Any:
    return (
        p[0] * np.exp(-p[1] * TIMES)
        + p[2] * np.exp(-p[3] * TIMES)
        + p[4] * np.exp(-p[5] * TIMES)
        - DATA
    )


def by_hand(p: Any) -> Any:
    jacobian = np.empty((M, 6))
    decay = np.exp(np.multiply.outer(TIMES, -p[1::2]))
    jacobian[:, 0::2] = decay
    jacobian[:, 1::2] = -p[0::2] * TIMES[:, None] * decay
    return jacobian


def with_numba() -> Function:
    from measure.vector_math import exp, fast

    @fast
    def jacobian_of(p: Any) -> Any:
        # Column by column, as Fortran and LAPACK have it: stores side by side become vectors.
        columns = np.empty((6, M))
        for k in range(3):
            amplitude, rate = p[2 * k], p[2 * k + 1]
            first, second = columns[2 * k], columns[2 * k + 1]
            for i in range(M):
                t = TIMES[i]
                decay = exp(-rate * t)
                first[i] = decay
                second[i] = -amplitude * t * decay
        return columns.T

    made: Function = jacobian_of
    return made


def graph(casadi: Any) -> Any:
    p = casadi.MX.sym("p", 6)
    t = casadi.DM(TIMES)
    r = sum(p[2 * k] * casadi.exp(-p[2 * k + 1] * t) for k in range(3)) - casadi.DM(DATA)
    return casadi.Function("jacobian", [p], [casadi.densify(casadi.jacobian(r, p))])


WORKLOADS = [
    Workload(
        key="exponentials",
        title=f"Jacobian, 3 exponentials, m = {M:,}, n = 6",
        function=residuals,
        operator="jacobian",
        inputs=(POINT,),
        makers={
            "NumPy": lambda: by_hand,
            "numba": with_numba,
            **casadi_graph.makers(graph, [(M, 6)], lambda jacobian: jacobian),
        },
        goals=(eager(1 / 4, "autograd"), compiled(2, "numba")),
        first_call=FirstCall(of_jax=1 / 3),
    )
]

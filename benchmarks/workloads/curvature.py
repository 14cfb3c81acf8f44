"""Second derivatives of the chained Rosenbrock function: the Hessian, and its product with a vector."""

from __future__ import annotations

from typing import Any

import numpy as np

from measure import casadi_graph
from measure.workload import FirstCall, Function, Workload, compiled, eager
from workloads.rosenbrock import graph, rosenbrock


def hessian_by_hand(x: Any) -> Any:
    n = x.size
    hessian = np.zeros((n, n))
    flat = hessian.ravel()
    diagonal = flat[:: n + 1]
    diagonal[:-1] = 1200.0 * x[:-1] ** 2 - 400.0 * x[1:] + 2.0
    diagonal[1:] += 200.0
    off = -400.0 * x[:-1]
    flat[1 :: n + 1] = off
    flat[n :: n + 1] = off
    return hessian


def product_by_hand(x: Any, v: Any) -> Any:
    head = x[:-1]
    off = -400.0 * head
    product = np.zeros_like(x)
    product[:-1] = (1200.0 * head**2 - 400.0 * x[1:] + 2.0) * v[:-1] + off * v[1:]
    product[1:] += 200.0 * v[1:] + off * v[:-1]
    return product


def hessian_with_numba() -> Function:
    from measure.vector_math import fast

    @fast
    def hessian_of(x: Any) -> Any:
        n = x.size
        hessian = np.zeros((n, n))
        for i in range(n - 1):
            hessian[i, i] += 1200.0 * x[i] * x[i] - 400.0 * x[i + 1] + 2.0
            hessian[i + 1, i + 1] = 200.0
            hessian[i, i + 1] = hessian[i + 1, i] = -400.0 * x[i]
        return hessian

    made: Function = hessian_of
    return made


def product_with_numba() -> Function:
    from measure.vector_math import fast

    @fast
    def product_of(x: Any, v: Any) -> Any:
        n = x.size
        product = np.empty(n)
        product[0] = (1200.0 * x[0] * x[0] - 400.0 * x[1] + 2.0) * v[0] - 400.0 * x[0] * v[1]
        for i in range(n - 2):
            here = x[i + 1]
            product[i + 1] = (
                (1200.0 * here * here - 400.0 * x[i + 2] + 202.0) * v[i + 1]
                - 400.0 * here * v[i + 2]
                - 400.0 * x[i] * v[i]
            )
        product[n - 1] = 200.0 * v[n - 1] - 400.0 * x[n - 2] * v[n - 2]
        return product

    made: Function = product_of
    return made


def hessian_graph(casadi: Any) -> Any:
    x, value = graph(casadi, N_HESSIAN)
    return casadi.Function("hessian", [x], [casadi.densify(casadi.hessian(value, x)[0])])


def product_graph(casadi: Any) -> Any:
    x, value = graph(casadi, N_PRODUCT)
    v = casadi.MX.sym("v", N_PRODUCT)
    product = casadi.jtimes(casadi.gradient(value, x), x, v)
    return casadi.Function("product", [x, v], [casadi.densify(product)])


N_HESSIAN, N_PRODUCT = 100, 100_000

WORKLOADS = [
    Workload(
        key="hessian",
        title=f"Hessian, Rosenbrock n = {N_HESSIAN}",
        function=rosenbrock,
        operator="hessian",
        inputs=(np.linspace(-1.0, 1.0, N_HESSIAN),),
        makers={
            "NumPy": lambda: hessian_by_hand,
            "numba": hessian_with_numba,
            **casadi_graph.makers(hessian_graph, [(N_HESSIAN, N_HESSIAN)], lambda hessian: hessian),
        },
        goals=(eager(1 / 6, "autograd"), compiled(3, "numba")),
        first_call=FirstCall(seconds=0.06, of_jax=1 / 3),
    ),
    Workload(
        key="hvp",
        title=f"Hessian product, Rosenbrock n = {N_PRODUCT:,}",
        function=rosenbrock,
        operator="hvp",
        inputs=(np.linspace(-1.0, 1.0, N_PRODUCT), np.cos(np.arange(float(N_PRODUCT)))),
        makers={
            "NumPy": lambda: product_by_hand,
            "numba": product_with_numba,
            **casadi_graph.makers(product_graph, [(N_PRODUCT,)], lambda product: product),
        },
        goals=(eager(1 / 3, "autograd"), compiled(2, "numba")),
        first_call=FirstCall(seconds=0.06, of_jax=1 / 3),
    ),
]

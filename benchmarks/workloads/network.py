"""Value and gradient of a network with one layer of tanh, 64-100-10, squared error over a batch of 256."""

from __future__ import annotations

from typing import Any

import numpy as np

from measure import casadi_graph
from measure.workload import FirstCall, Function, Workload, compiled, eager

BATCH, INPUTS, HIDDEN, OUTPUTS = 256, 64, 100, 10
_random = np.random.default_rng(2)
X = _random.normal(size=(BATCH, INPUTS))
TARGETS = _random.normal(size=(BATCH, OUTPUTS))
PARAMETERS = (
    _random.normal(size=(INPUTS, HIDDEN)) / 8.0,
    _random.normal(size=HIDDEN) / 8.0,
    _random.normal(size=(HIDDEN, OUTPUTS)) / 10.0,
    _random.normal(size=OUTPUTS) / 10.0,
)


def loss(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    hidden = np.tanh(X @ w1 + b1)
    return np.sum((hidden @ w2 + b2 - TARGETS) ** 2) / BATCH


def by_hand(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    hidden = X @ w1
    hidden += b1
    np.tanh(hidden, out=hidden)
    error = hidden @ w2
    error += b2
    error -= TARGETS
    value = np.vdot(error, error) / BATCH
    error *= 2.0 / BATCH
    before = error @ w2.T
    before *= 1.0 - hidden**2
    gradients = X.T @ before, before.sum(axis=0), hidden.T @ error, error.sum(axis=0)
    return value, gradients


def with_numba() -> Function:
    from measure.vector_math import fast, tanh

    @fast
    def value_and_gradients(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
        hidden = np.dot(X, w1)
        for i in range(BATCH):
            for j in range(HIDDEN):
                hidden[i, j] = tanh(hidden[i, j] + b1[j])
        error = np.dot(hidden, w2)
        value = 0.0
        g_b2 = np.zeros(OUTPUTS)
        for i in range(BATCH):
            for j in range(OUTPUTS):
                e = error[i, j] + b2[j] - TARGETS[i, j]
                value += e * e
                error[i, j] = e * (2.0 / BATCH)
                g_b2[j] += error[i, j]
        before = np.dot(error, w2.T)
        g_b1 = np.zeros(HIDDEN)
        for i in range(BATCH):
            for j in range(HIDDEN):
                b = before[i, j] * (1.0 - hidden[i, j] * hidden[i, j])
                before[i, j] = b
                g_b1[j] += b
        return value / BATCH, (np.dot(X.T, before), g_b1, np.dot(hidden.T, error), g_b2)

    made: Function = value_and_gradients
    return made


def graph(casadi: Any) -> Any:
    # CasADi stores matrices by columns: what NumPy has as w arrives as its transpose.
    w1, b1 = casadi.MX.sym("w1", HIDDEN, INPUTS), casadi.MX.sym("b1", HIDDEN)
    w2, b2 = casadi.MX.sym("w2", OUTPUTS, HIDDEN), casadi.MX.sym("b2", OUTPUTS)
    ones = casadi.DM.ones(1, BATCH)
    hidden = casadi.tanh(w1 @ casadi.DM(X.T) + b1 @ ones)
    error = w2 @ hidden + b2 @ ones - casadi.DM(TARGETS.T)
    value = casadi.sumsqr(error) / BATCH
    parameters = [w1, b1, w2, b2]
    return casadi.Function(
        "network", parameters, [value, *(casadi.gradient(value, w) for w in parameters)]
    )


WORKLOADS = [
    Workload(
        key="network",
        title=f"value + gradient, tanh network {INPUTS}-{HIDDEN}-{OUTPUTS}, batch {BATCH}",
        function=loss,
        operator="value_and_grad",
        argnums=(0, 1, 2, 3),
        inputs=PARAMETERS,
        makers={
            "NumPy": lambda: by_hand,
            "numba": with_numba,
            **casadi_graph.makers(
                graph,
                [(1,), (HIDDEN, INPUTS), (HIDDEN,), (OUTPUTS, HIDDEN), (OUTPUTS,)],
                lambda value, w1, b1, w2, b2: (value[0], (w1.T, b1, w2.T, b2)),
            ),
        },
        goals=(eager(1 / 1.5, "autograd"), compiled(1.2, "numba", "torch.compile")),
        first_call=FirstCall(of_jax=1 / 3),
    )
]

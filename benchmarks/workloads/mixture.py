"""Value and gradient of the log-posterior of a Gaussian mixture: the problem GMM of ADBench.

Šrajer, Kukelova, Fitzgibbon 2018, "A benchmark of selected algorithmic differentiation tools", with d = 10, k = 25,
N = 1000. A component has a weight e^α, a mean, and the inverse square root Q of its covariance: lower triangular, its
diagonal given by logarithms, below it the entries column by column. A Wishart prior is put on the covariances.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import multigammaln

from measure import casadi_graph
from measure.workload import FirstCall, Function, Workload, compiled, eager

D, K, N = 10, 25, 1000
BELOW = D * (D - 1) // 2
GAMMA, M = 1.0, 0  # of the Wishart prior
_random = np.random.default_rng(3)
X = _random.normal(size=(N, D))
POINT = (
    _random.normal(size=K),
    _random.uniform(size=(K, D)),
    0.5 * _random.normal(size=(K, D + BELOW)),
)
ZEROS = np.zeros((K, 1))
CONSTANT = -0.5 * N * D * math.log(2.0 * math.pi) - K * (
    (D + M + 1) * D * math.log(GAMMA / math.sqrt(2.0)) - float(multigammaln(0.5 * (D + M + 1), D))
)


def places() -> Any:
    """Where in (diagonal, entries below it, 0) each entry of Q is found."""
    index = np.full((D, D), D + BELOW)
    np.fill_diagonal(index, np.arange(D))
    columns, rows = np.triu_indices(D, 1)  # Those of the transpose, by rows: column by column.
    index[rows, columns] = D + np.arange(BELOW)
    return index


PLACES = places()


def logsumexp(x: Any, axis: int) -> Any:
    top = np.max(x, axis=axis)
    return top + np.log(np.sum(np.exp(x - top), axis=axis))


def log_posterior(alphas: Any, means: Any, factors: Any) -> Any:
    logs, below = factors[:, :D], factors[:, D:]
    diagonal = np.exp(logs)
    q = np.concatenate([diagonal, below, ZEROS], axis=1)[:, PLACES]
    scaled = (X - means[:, None, :]) @ np.swapaxes(q, 1, 2)
    log_determinants = np.sum(logs, axis=1)
    inner = (alphas + log_determinants)[:, None] - 0.5 * np.sum(scaled**2, axis=2)
    likelihood = np.sum(logsumexp(inner, 0)) - N * logsumexp(alphas, 0)
    squares = np.sum(diagonal**2) + np.sum(below**2)
    return CONSTANT + likelihood + 0.5 * GAMMA**2 * squares - M * np.sum(log_determinants)


def by_hand(alphas: Any, means: Any, factors: Any) -> Any:
    """With Q (x − μ) as one product of all x with all Q, from which Q μ is taken."""
    logs, below = factors[:, :D], factors[:, D:]
    diagonal = np.exp(logs)
    q = np.concatenate([diagonal, below, ZEROS], axis=1)[:, PLACES]
    scaled = X @ q.reshape(K * D, D).T
    scaled -= np.matmul(q, means[:, :, None]).reshape(K * D)
    scaled = scaled.reshape(N, K, D)
    log_determinants = logs.sum(axis=1)
    inner = (alphas + log_determinants) - 0.5 * np.einsum("nki,nki->nk", scaled, scaled)
    top = inner.max(axis=1, keepdims=True)
    weights = np.exp(inner - top)
    sums = weights.sum(axis=1, keepdims=True)
    weights /= sums
    shares = np.exp(alphas - alphas.max())
    share_sum = shares.sum()
    likelihood = (top + np.log(sums)).sum() - N * (alphas.max() + math.log(share_sum))
    squares = np.vdot(diagonal, diagonal) + np.vdot(below, below)
    value = CONSTANT + likelihood + 0.5 * GAMMA**2 * squares - M * log_determinants.sum()

    members = weights.sum(axis=0)
    scaled *= weights[:, :, None]
    total = scaled.sum(axis=0)
    g_q = total[:, :, None] * means[:, None, :]
    g_q -= (scaled.reshape(N, K * D).T @ X).reshape(K, D, D)
    g_means = np.matmul(total[:, None, :], q)[:, 0]
    g_factors = np.empty_like(factors)
    g_factors[:, :D] = np.diagonal(g_q, axis1=1, axis2=2) * diagonal
    g_factors[:, :D] += GAMMA**2 * diagonal**2 + (members - M)[:, None]
    columns, rows = np.triu_indices(D, 1)
    g_factors[:, D:] = g_q[:, rows, columns] + GAMMA**2 * below
    return value, (members - (N / share_sum) * shares, g_means, g_factors)


BLOCK = 100  # points at a time: what is kept for them stays in the cache


def with_numba() -> Function:  # noqa: C901, PLR0915 -- kernels written out by hand
    from measure.vector_math import exp, fast

    # Within a block the same coordinate of all points side by side: loops over it become vectors.
    blocks = np.ascontiguousarray(X.reshape(N // BLOCK, BLOCK, D).swapaxes(1, 2))

    @fast
    def triangle(factors: Any) -> Any:
        q = np.zeros((K, D, D))
        for k in range(K):
            at = D
            for j in range(D):
                q[k, j, j] = math.exp(factors[k, j])
                for i in range(j + 1, D):
                    q[k, i, j] = factors[k, at]
                    at += 1
        return q

    @fast
    def scale(q: Any, means: Any, x: Any, scaled: Any, inner: Any, offset: Any) -> None:
        """Q (x − μ) for one component and one block, and the exponent of the component's density."""
        width = inner.size
        inner[:] = offset
        for i in range(D):
            s = scaled[i]
            start = 0.0
            for j in range(i + 1):
                start -= q[i, j] * means[j]
            s[:] = start
            for j in range(i + 1):
                factor, row = q[i, j], x[j]
                for n in range(width):
                    s[n] += factor * row[n]
            for n in range(width):
                inner[n] -= 0.5 * s[n] * s[n]

    @fast
    def weigh(inner: Any, top: Any, sums: Any) -> Any:
        """Turn the exponents into the share that each component has in each point; the log-likelihood."""
        width = top.size
        top[:] = inner[0]
        for k in range(1, K):
            for n in range(width):
                top[n] = max(top[n], inner[k, n])
        sums[:] = 0.0
        for k in range(K):
            for n in range(width):
                inner[k, n] = exp(max(inner[k, n] - top[n], -700.0))
                sums[n] += inner[k, n]
        value = 0.0
        for n in range(width):
            value += top[n] + math.log(sums[n])
            sums[n] = 1.0 / sums[n]
        for k in range(K):
            for n in range(width):
                inner[k, n] *= sums[n]
        return value

    @fast
    def gather(weights: Any, scaled: Any, x: Any, total: Any, g_q: Any) -> None:
        """Add what one block gives to the gradient of one component."""
        width = weights.size
        for i in range(D):
            s = scaled[i]
            summed = 0.0
            for n in range(width):
                s[n] *= weights[n]
                summed += s[n]
            total[i] += summed
            for j in range(i + 1):
                row, product = x[j], 0.0
                for n in range(width):
                    product += s[n] * row[n]
                g_q[i, j] -= product

    @fast
    def finish(q: Any, total: Any, g_q: Any, members: Any, means: Any, factors: Any) -> Any:
        """The gradients of means and factors, and the part of the prior in the value."""
        g_means, g_factors = np.zeros((K, D)), np.empty_like(factors)
        value = 0.0
        for k in range(K):
            at = D
            for j in range(D):
                for i in range(j, D):
                    g_means[k, j] += total[k, i] * q[k, i, j]
                    slope = g_q[k, i, j] + total[k, i] * means[k, j] + GAMMA**2 * q[k, i, j]
                    value += 0.5 * GAMMA**2 * q[k, i, j] ** 2
                    if i == j:
                        g_factors[k, j] = slope * q[k, j, j] + members[k] - M
                        value -= M * factors[k, j]
                    else:
                        g_factors[k, at] = slope
                        at += 1
        return value, g_means, g_factors

    @fast
    def value_and_gradients(alphas: Any, means: Any, factors: Any) -> Any:
        q = triangle(factors)
        g_q, total, members = np.zeros((K, D, D)), np.zeros((K, D)), np.zeros(K)
        scaled, inner = np.empty((K, D, BLOCK)), np.empty((K, BLOCK))
        top, sums = np.empty(BLOCK), np.empty(BLOCK)
        offsets = np.empty(K)
        for k in range(K):
            offsets[k] = alphas[k] + np.sum(factors[k, :D])
        value = 0.0
        for block in range(N // BLOCK):
            x = blocks[block]
            for k in range(K):
                scale(q[k], means[k], x, scaled[k], inner[k], offsets[k])
            value += weigh(inner, top, sums)
            for k in range(K):
                members[k] += np.sum(inner[k])
                gather(inner[k], scaled[k], x, total[k], g_q[k])
        prior, g_means, g_factors = finish(q, total, g_q, members, means, factors)
        shares = np.exp(alphas - np.max(alphas))
        share_sum = np.sum(shares)
        value += CONSTANT + prior - N * (np.max(alphas) + math.log(share_sum))
        return value, (members - (N / share_sum) * shares, g_means, g_factors)

    assert N % BLOCK == 0
    made: Function = value_and_gradients
    return made


def graph(casadi: Any) -> Any:
    """One function for a component, mapped over all; matrices arrive transposed, as CasADi stores them by columns."""
    alpha, mean = casadi.MX.sym("alpha"), casadi.MX.sym("mean", D)
    factor = casadi.MX.sym("factor", D + BELOW)
    parts = casadi.vertcat(casadi.exp(factor[:D]), factor[D:], 0.0)
    q = casadi.reshape(parts[PLACES.T.ravel().tolist()], D, D)
    scaled = q @ casadi.DM(X.T) - (q @ mean) @ casadi.DM.ones(1, N)
    exponent = alpha + casadi.sum1(factor[:D]) - 0.5 * casadi.sum1(scaled**2).T
    component = casadi.Function("component", [alpha, mean, factor], [exponent])

    alphas, means = casadi.MX.sym("alphas", K), casadi.MX.sym("means", D, K)
    factors = casadi.MX.sym("factors", D + BELOW, K)
    inner = component.map(K)(alphas.T, means, factors)
    top = inner[:, 0]
    for k in range(1, K):
        top = casadi.fmax(top, inner[:, k])
    sums = casadi.sum2(casadi.exp(inner - top @ casadi.DM.ones(1, K)))
    likelihood = casadi.sum1(top + casadi.log(sums))
    likelihood -= N * casadi.logsumexp(alphas)
    logs = factors[:D, :]
    squares = casadi.sumsqr(casadi.exp(logs)) + casadi.sumsqr(factors[D:, :])
    value = CONSTANT + likelihood + 0.5 * GAMMA**2 * squares - M * casadi.sum1(casadi.sum2(logs))
    variables = [alphas, means, factors]
    gradients = [casadi.densify(casadi.gradient(value, v)) for v in variables]
    return casadi.Function("mixture", variables, [value, *gradients])


WORKLOADS = [
    Workload(
        key="mixture",
        title=f"value + gradient, Gaussian mixture d = {D}, k = {K}, N = {N:,}",
        function=log_posterior,
        operator="value_and_grad",
        argnums=(0, 1, 2),
        inputs=POINT,
        makers={
            "NumPy": lambda: by_hand,
            "numba": with_numba,
            **casadi_graph.makers(
                graph,
                [(1,), (K,), (D, K), (D + BELOW, K)],
                lambda value, alphas, means, factors: (value[0], (alphas, means.T, factors.T)),
            ),
        },
        goals=(eager(1 / 2, "autograd"), compiled(1.5, "numba")),
        first_call=FirstCall(of_jax=1 / 3),
    )
]

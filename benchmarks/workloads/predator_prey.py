"""Gradient of a misfit to data: 200 steps of the classical Runge-Kutta method, a Python loop over plain numbers.

The Lotka-Volterra equations x' = x (a − b y), y' = y (d x − c); the misfit is the sum of squares over all steps, and
its gradient is taken with respect to a, b, c, d.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from measure import casadi_graph
from measure.workload import FirstCall, Function, Workload, compiled, eager

STEPS, STEP = 200, 0.05
PREY, PREDATORS = 10.0, 5.0  # at the start
TRUE = (1.1, 0.4, 0.4, 0.1)


def rates(x: Any, y: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    return x * (a - b * y), y * (d * x - c)


def advance(x: Any, y: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    k1, m1 = rates(x, y, a, b, c, d)
    k2, m2 = rates(x + 0.5 * STEP * k1, y + 0.5 * STEP * m1, a, b, c, d)
    k3, m3 = rates(x + 0.5 * STEP * k2, y + 0.5 * STEP * m2, a, b, c, d)
    k4, m4 = rates(x + STEP * k3, y + STEP * m3, a, b, c, d)
    x = x + STEP / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    y = y + STEP / 6.0 * (m1 + 2.0 * m2 + 2.0 * m3 + m4)
    return x, y


def observations() -> list[tuple[float, float]]:
    state = PREY, PREDATORS
    seen = []
    for i in range(STEPS):
        state = advance(*state, *TRUE)
        seen.append((state[0] + 0.1 * float(np.sin(i)), state[1] + 0.1 * float(np.cos(i))))
    return seen


SEEN = observations()


def misfit(p: Any) -> Any:
    a, b, c, d = p
    x, y = PREY, PREDATORS
    total = 0.0
    for seen_x, seen_y in SEEN:
        x, y = advance(x, y, a, b, c, d)
        total = total + (x - seen_x) ** 2 + (y - seen_y) ** 2
    return total


# --- the gradient by hand: the steps, then their adjoints backward ----------------------------------------------------


def pull(u: Any, v: Any, x: Any, y: Any, q: Any) -> Any:
    """The cotangents of x, y, a, b, c, d for those, u and v, of the rates."""
    a, b, c, d = q
    ux, vy = u * x, v * y
    return u * (a - b * y) + vy * d, v * (d * x - c) - ux * b, ux, -ux * y, -vy, vy * x


def adjoint(compile_: Any, storage: Any, numbers: Any, seen: Any) -> Function:
    """The gradient of functions that are Python's or, by ``compile_``, numba's."""
    h, half, sixth = STEP, 0.5 * STEP, STEP / 6.0
    rates_of, pull_of = compile_(rates), compile_(pull)

    @compile_
    def record(points: Any, q: Any) -> None:
        """Keep, for each step, its four points and its result."""
        x, y = PREY, PREDATORS
        for i in range(0, 10 * STEPS, 10):
            k1, m1 = rates_of(x, y, *q)
            x2, y2 = x + half * k1, y + half * m1
            k2, m2 = rates_of(x2, y2, *q)
            x3, y3 = x + half * k2, y + half * m2
            k3, m3 = rates_of(x3, y3, *q)
            x4, y4 = x + h * k3, y + h * m3
            k4, m4 = rates_of(x4, y4, *q)
            points[i], points[i + 1], points[i + 2], points[i + 3] = x, y, x2, y2
            points[i + 4], points[i + 5], points[i + 6], points[i + 7] = x3, y3, x4, y4
            x += sixth * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
            y += sixth * (m1 + 2.0 * m2 + 2.0 * m3 + m4)
            points[i + 8], points[i + 9] = x, y

    @compile_
    def gradient(p: Any) -> Any:
        q, points = numbers(p), storage()
        record(points, q)
        ga = gb = gc = gd = gx = gy = 0.0
        for step in range(STEPS - 1, -1, -1):
            i = 10 * step
            gx += 2.0 * (points[i + 8] - seen[step, 0])
            gy += 2.0 * (points[i + 9] - seen[step, 1])
            u, v = sixth * gx, sixth * gy
            x4, y4, a4, b4, c4, d4 = pull_of(u, v, points[i + 6], points[i + 7], q)
            s, t = 2.0 * u + h * x4, 2.0 * v + h * y4
            x3, y3, a3, b3, c3, d3 = pull_of(s, t, points[i + 4], points[i + 5], q)
            s, t = 2.0 * u + half * x3, 2.0 * v + half * y3
            x2, y2, a2, b2, c2, d2 = pull_of(s, t, points[i + 2], points[i + 3], q)
            s, t = u + half * x2, v + half * y2
            x1, y1, a1, b1, c1, d1 = pull_of(s, t, points[i], points[i + 1], q)
            gx += x1 + x2 + x3 + x4
            gy += y1 + y2 + y3 + y4
            ga += a1 + a2 + a3 + a4
            gb += b1 + b2 + b3 + b4
            gc += c1 + c2 + c3 + c4
            gd += d1 + d2 + d3 + d4
        return np.array([ga, gb, gc, gd])

    made: Function = gradient
    return made


def by_hand() -> Function:
    """With Python's own numbers and lists, which for single numbers are faster than NumPy's."""
    seen = {(i, j): SEEN[i][j] for i in range(STEPS) for j in range(2)}
    return adjoint(lambda f: f, lambda: [0.0] * (10 * STEPS), lambda p: p.tolist(), seen)


def with_numba() -> Function:
    from measure.vector_math import fast

    storage = fast(lambda: np.empty(10 * STEPS))
    numbers = fast(lambda p: (p[0], p[1], p[2], p[3]))
    return adjoint(fast, storage, numbers, np.array(SEEN))


# --- peers ------------------------------------------------------------------------------------------------------------


def with_jax() -> Function:
    """With `jax.lax.scan`: the gradient of the loop written out is not compiled in reasonable time."""
    from measure.peers import import_jax, jax_caller

    jax = import_jax()
    jnp = jax.numpy
    seen = jnp.asarray(SEEN)

    def misfit(p: Any) -> Any:
        def step(state: Any, seen: Any) -> Any:
            x, y = advance(*state, *p)
            return (x, y), (x - seen[0]) ** 2 + (y - seen[1]) ** 2

        _, squares = jax.lax.scan(step, (jnp.asarray(PREY), jnp.asarray(PREDATORS)), seen)
        return jnp.sum(squares)

    return jax_caller(misfit, "grad")


def unrolled(casadi: Any) -> Any:
    p = casadi.SX.sym("p", 4)
    value = misfit([p[i] for i in range(4)])
    return casadi.Function("misfit", [p], [casadi.densify(casadi.gradient(value, p))])


def looped(casadi: Any) -> Any:
    """With the loop kept: gcc takes half a minute for the C of the loop written out."""
    state, seen, q = casadi.SX.sym("state", 2), casadi.SX.sym("seen", 2), casadi.SX.sym("q", 4)
    after = casadi.vertcat(*advance(state[0], state[1], *(q[i] for i in range(4))))
    step = casadi.Function("step", [state, q, seen], [after, casadi.sumsqr(after - seen)])
    p = casadi.MX.sym("p", 4)
    observed = casadi.DM(np.array(SEEN).T)
    start = casadi.DM([PREY, PREDATORS])
    _, squares = step.mapaccum("steps", STEPS)(start, casadi.repmat(p, 1, STEPS), observed)
    gradient = casadi.gradient(casadi.sum2(squares), p)
    return casadi.Function("misfit", [p], [casadi.densify(gradient)])


_CASADI = {
    "CasADi": casadi_graph.makers(unrolled, [(4,)], lambda gradient: gradient)["CasADi"],
    "CasADi C": casadi_graph.makers(looped, [(4,)], lambda gradient: gradient)["CasADi C"],
}

WORKLOADS = [
    Workload(
        key="predator-prey",
        title=f"gradient, RK4 Lotka-Volterra misfit, {STEPS} steps, scalar loop",
        function=misfit,
        operator="grad",
        inputs=(np.array([1.0, 0.45, 0.42, 0.11]),),
        makers={
            "NumPy": by_hand,
            "numba": with_numba,
            "JAX": with_jax,
            **_CASADI,
        },
        goals=(eager(1 / 10, "autograd"), compiled(2, "numba")),
        first_call=FirstCall(seconds=2.0),
    )
]

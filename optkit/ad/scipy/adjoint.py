"""The adjoint of an initial value problem: the gradient of a scalar at the price of one more integration.

Of ``y′ = f(t, y, θ)`` and a scalar that reads the states at some times, the sensitivity λ = ∂(scalar)/∂y(t) obeys

    λ′ = −(∂f/∂y)ᵀ λ,    g′ = −(∂f/∂θ)ᵀ λ,

backward in time from the last of them to the beginning, and jumps at each by the slope of the scalar there (Cao, Li,
Petzold & Serban 2003, "Adjoint sensitivity analysis for differential-algebraic equations", SIAM J. Sci. Comput. 24).
The states between the steps are those of SciPy's dense output, which keeps all steps of the forward integration.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate

from optkit.ad.directional import vjp
from optkit.errors import InnerSolveError

Slopes = Callable[[float, Any, Any], Any]


def swept_back(
    slopes: Slopes,
    states: Callable[[float], Any],
    times: Any,
    theta: Any,
    ct: Any,
    how: dict[str, Any],
) -> tuple[Any, Any, Any]:
    """The cotangents of the initial state, of the times and of ``theta``, given those of the states at the times.

    Parameters
    ----------
    slopes : callable
        ``(t, y, theta) → f``, as vectors.
    states : callable
        The solution at any time.
    times, theta : array
        The first of the times is that of the initial state.
    ct : array of shape (times, components)
    how : dict
        ``method`` and options of `scipy.integrate.solve_ivp`.

    Raises
    ------
    InnerSolveError
        When the backward integration failed.
    """
    n = ct.shape[1]
    scale = float(np.max(np.abs(ct), initial=0.0)) or 1.0  # The tolerances are relative to it.

    def backward(t: float, z: Any) -> Any:
        _, pull = vjp(lambda y, q: slopes(t, y, q), states(t), theta)
        by_state, by_theta = pull(z[:n])
        return -np.concatenate([by_state, by_theta])

    by_times = np.zeros(len(times))
    z = np.zeros(n + theta.size)
    at = times[-1]
    for i in range(len(times) - 1, 0, -1):
        if not np.any(ct[i]):
            continue
        z = _integrated(backward, at, times[i], z, how)
        at = times[i]
        z[:n] += ct[i] / scale
        by_times[i] = ct[i] @ slopes(at, states(at), theta)
    z = _integrated(backward, at, times[0], z, how)
    # A later beginning leaves the later states where they would be if the first one had moved back along its slope.
    by_times[0] = -scale * (z[:n] @ slopes(times[0], states(times[0]), theta))
    return scale * z[:n] + ct[0], by_times, scale * z[n:]


def _integrated(f: Any, begin: float, end: float, z: Any, how: dict[str, Any]) -> Any:
    if begin == end or not np.any(z):
        return z
    solved = scipy.integrate.solve_ivp(f, (begin, end), z, **how)
    if not solved.success:
        raise InnerSolveError(f"scipy.integrate.solve_ivp of the adjoint failed: {solved.message}")
    return solved.y[:, -1].copy()

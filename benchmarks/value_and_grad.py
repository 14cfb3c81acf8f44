"""Value and gradient of the chained Rosenbrock function: eager optkit, hand-written gradients, HIPS autograd.

    python benchmarks/value_and_grad.py [--repeat 15]

All are measured in turn within one run, round by round, and the medians of the rounds are reported: absolute times
drift on a shared machine, ratios of neighbours in time do not. "by hand" is one function for value and gradient that
shares what they have in common; "SciPy" is `scipy.optimize.rosen` and `rosen_der`, written by other hands. Autograd is
left out, and said to be, where it is not installed (``pip install optkit[bench]``).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize

from optkit import ad

Function = Callable[[Any], Any]

# (n, at most this multiple of the hand-written gradient, at most this multiple of autograd)
GOALS = [(2, 2.5, 1 / 6), (100, 2.5, 1 / 6), (10_000, None, 1 / 2)]


def rosenbrock(x: Any, np: Any = np) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def by_hand(x: Any) -> Any:
    """Value and gradient as one would write them in NumPy, sharing what can be shared."""
    head = x[:-1]
    curve = x[1:] - head**2
    slope = 1.0 - head
    gradient = np.zeros_like(x)
    gradient[:-1] = -400.0 * head * curve - 2.0 * slope
    gradient[1:] += 200.0 * curve
    return np.sum(100.0 * curve**2 + slope**2), gradient


def with_autograd() -> Function | None:
    try:
        import autograd
        import autograd.numpy as anp
    except ImportError:
        return None
    gradient: Function = autograd.value_and_grad(lambda x: rosenbrock(x, anp))
    return gradient


def seconds_per_call(function: Function, x: Any, least: float = 0.02) -> float:
    """The mean over as many calls as take about ``least`` seconds."""
    calls = 1
    while True:
        start = time.perf_counter()
        for _ in range(calls):
            function(x)
        spent = time.perf_counter() - start
        if spent >= least:
            return spent / calls
        calls = max(2 * calls, int(calls * least / max(spent, 1e-9)))


def measure(functions: dict[str, Function], x: Any, rounds: int) -> dict[str, float]:
    """The median over rounds in which each function has its turn, in microseconds."""
    for function in functions.values():
        seconds_per_call(function, x)  # Warm up.
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(1e6 * seconds_per_call(function, x))
    return {name: statistics.median(t) for name, t in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--repeat", type=int, default=15, help="rounds of which the median is taken"
    )
    rounds = parser.parse_args().repeat
    # A process that has once freed a large block keeps memory instead of returning it to the system after every
    # array; without this all three would be measured on page faults at n = 10,000, the first one most of all.
    np.ones(3_000_000)
    functions: dict[str, Function] = {
        "optkit": ad.value_and_grad(rosenbrock),
        "by hand": by_hand,
        "SciPy": lambda x: (scipy.optimize.rosen(x), scipy.optimize.rosen_der(x)),
    }
    autograd = with_autograd()
    if autograd is None:
        print("autograd is not installed, and left out")
    else:
        functions["autograd"] = autograd
    print(
        f"value and gradient of the chained Rosenbrock function, median of {rounds} rounds, µs a call\n"
    )
    print(
        f"{'n':>7}"
        + "".join(f"{name:>10}" for name in functions)
        + "   optkit / by hand   optkit / autograd"
    )
    for n, hand_goal, autograd_goal in GOALS:
        x = np.linspace(-1.0, 1.0, n)
        reference = by_hand(x)[1]
        for function in functions.values():
            np.testing.assert_allclose(function(x)[1], reference, rtol=1e-12, atol=1e-12)
        t = measure(functions, x, rounds)
        row = f"{n:>7}" + "".join(f"{t[name]:>10.1f}" for name in functions)
        row += "   " + verdict(t["optkit"] / t["by hand"], hand_goal)
        if autograd is not None:
            row += "   " + verdict(t["optkit"] / t["autograd"], autograd_goal)
        print(row)


def verdict(ratio: float, goal: float | None) -> str:
    if goal is None:
        return f"{ratio:>6.2f}          "
    return f"{ratio:>6.2f} ({'≤' if ratio <= goal else '>'} {goal:.2f})"


if __name__ == "__main__":
    main()

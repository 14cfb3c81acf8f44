"""Value and gradient of common compound functions: eager optkit against HIPS autograd.

    python benchmarks/compound_functions.py [--repeat 9]

Means, variances, norms, log-sum-exp and softmax written as users write them, measured in turn within one run; the
medians of the rounds are reported. No ratio should be above 1.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from optkit import ad

Function = Callable[[Any], Any]
SIZES = (10, 1_000, 100_000)


def logsumexp(x: Any, np: Any) -> Any:
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))


def cross_entropy(x: Any, np: Any) -> Any:
    """Of softmax probabilities in rows."""
    z = np.reshape(x, (-1, 10))
    z = z - np.max(z, axis=1, keepdims=True)
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    return -np.mean(np.log(p[:, 0]))


FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "mean": lambda x, np: np.mean(x) ** 2,
    "mean along rows": lambda x, np: np.sum(np.mean(np.reshape(x, (-1, 10)), axis=1) ** 2),
    "var": lambda x, np: np.var(x),
    "std along columns": lambda x, np: np.sum(np.std(np.reshape(x, (-1, 5)), axis=0)),
    "norm": lambda x, np: np.linalg.norm(x),
    "norm along rows": lambda x, np: np.sum(np.linalg.norm(np.reshape(x, (-1, 10)), axis=1)),
    "logsumexp": logsumexp,
    "softmax": cross_entropy,
    "logistic": lambda x, np: np.mean(np.logaddexp(0.0, x)),
    "prod": lambda x, np: np.prod(1.0 + 1e-6 * x),
    "max": lambda x, np: np.max(x),
    "clip": lambda x, np: np.sum(np.clip(x, -0.5, 0.5)),
    "standardise": lambda x, np: np.sum(((x - np.mean(x)) / (1e-8 + np.std(x))) ** 3),
    "sorted": lambda x, np: np.sum(np.sort(x)[2:5] ** 2),
    "difference": lambda x, np: np.sum(np.diff(x) ** 2),
    "rolled": lambda x, np: np.sum(x * np.roll(x, 1)),
}


def seconds_per_call(function: Function, x: Any, least: float = 0.01) -> float:
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeat", type=int, default=9, help="rounds of which the median is taken")
    rounds = parser.parse_args().repeat
    try:
        import autograd
        import autograd.numpy as anp
    except ImportError:
        print("autograd is not installed (pip install optkit[bench])")
        return
    np.ones(3_000_000)  # Keeps the memory allocator from giving pages back (see value_and_grad.py).
    print("µs a call, optkit / autograd (ratio)\n")
    print(f"{'':>18}" + "".join(f"{f'n = {n:,}':>26}" for n in SIZES))
    for name, f in FUNCTIONS.items():
        ours = ad.value_and_grad(lambda x, f=f: f(x, np))
        theirs = autograd.value_and_grad(lambda x, f=f: f(x, anp))
        row = f"{name:>18}"
        for n in SIZES:
            x = np.random.default_rng(0).standard_normal(n)
            np.testing.assert_allclose(ours(x)[1], theirs(x)[1], rtol=1e-9, atol=1e-12)
            times: list[tuple[float, float]] = [
                (seconds_per_call(ours, x), seconds_per_call(theirs, x)) for _ in range(rounds)
            ]
            a, b = (1e6 * statistics.median(t) for t in zip(*times, strict=True))
            row += f"{a:>9.1f} /{b:>9.1f} ({a / b:.2f})"
        print(row)


if __name__ == "__main__":
    main()

"""The table of cases, compiled: values and derivatives are those of the plain functions, on both executors."""

import warnings

import numpy as np
import pytest

from optkit import ad
from optkit.testing.cases import CASES

# One row of each family and one in so many of the others: shapes and layouts are the business of the rules themselves.
EVERY = 7


def sampled():
    seen = set()
    for number, case in enumerate(CASES):
        if case.family not in seen or number % EVERY == 0:
            seen.add(case.family)
            yield case


EXECUTORS = ["numpy", "llvm"]


def close(found, wanted, what):
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape, what
    assert found.dtype == wanted.dtype, what
    scale = 1.0 + np.max(np.abs(wanted), initial=0.0, where=np.isfinite(wanted))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12 * scale, err_msg=what)


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("case", list(sampled()), ids=lambda case: case.name)
def test_compiled_is_plain(case, executor):
    if executor == "llvm":
        pytest.importorskip("llvmlite")
    every = tuple(range(len(case.shapes)))

    def wave(*x):
        return np.sum(np.sin(case.function(*x)))

    functions = {
        "value": case.function,
        "gradient": ad.grad(wave, every),
        "directional derivative": lambda *xv: ad.jvp(
            case.function, xv[: len(every)], xv[len(every) :]
        )[1],
    }
    x, v = case.arguments(), case.directions()
    other = tuple(a * 0.97 if a.size else a for a in case.arguments())
    for what, f in functions.items():
        compiled = ad.jit(f, executor=executor)
        for point in (x, other):
            arguments = (*point, *v) if what == "directional derivative" else point
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", RuntimeWarning
                )  # A case is only safe at its own point.
                wanted = f(*arguments)
            found = compiled(*arguments)
            assert len(compiled.specialisations) >= 1
            pairs = (
                zip(found, wanted, strict=True) if isinstance(wanted, tuple) else [(found, wanted)]
            )
            for a, b in pairs:
                close(a, b, f"{what} of {case.name}")

"""Every built-in backend conforms; broken ones are caught, each by the scenario that is meant for its fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from optkit.ad.backends import Backend, Prepared
from optkit.ad.backends.native import NativeBackend
from optkit.ad.backends.registry import BUILT_IN
from optkit.errors import BackendError
from optkit.testing import conformance_tests, run_conformance
from optkit.testing.conformance import SCENARIOS, Status


@pytest.mark.parametrize("row", BUILT_IN, ids=lambda row: row.name)
def test_every_built_in_backend_conforms(row: Any) -> None:
    if not row.installed:
        pytest.skip(f"{row.package} is not installed")
    report = run_conformance(row.name)
    assert report, str(report)
    assert len(report.outcomes) == len(SCENARIOS)
    unsupported = [r for r in report.outcomes if r.status is Status.UNSUPPORTED]
    assert bool(unsupported) == bool(row.make().unsupported)


# --- broken on purpose ------------------------------------------------------------------------------------------------


class Broken(NativeBackend):
    """Right but for one fault."""

    @property
    def name(self) -> str:
        return type(self).__name__


class WrongSign(Broken):
    def value_and_grad(self, f: Any, x: Any) -> Any:
        y, gradient = super().value_and_grad(f, x)
        return y, -gradient


class Transposed(Broken):
    def value_and_jacobian(self, f: Any, x: Any) -> Any:
        y, jacobian = super().value_and_jacobian(f, x)
        square = jacobian.ndim == 2 and jacobian.shape[0] == jacobian.shape[1]
        return y, jacobian.T.copy() if square else jacobian


class DroppedTerm(Broken):
    """The Hessian of Gauss and Newton: without the curvature off the diagonal."""

    def hessian(self, f: Any, x: Any) -> Any:
        return np.diag(np.diag(super().hessian(f, x)))


class DroppedTermInProduct(Broken):
    def hvp(self, f: Any, x: Any, v: Any) -> Any:
        product = super().hvp(f, x, v)
        product[-1:] -= 1e-6 * product[-1:]
        return product


class Float32Leak(Broken):
    def value_and_vjp(self, f: Any, x: Any) -> Any:
        y, pullback = super().value_and_vjp(f, x)
        return y, lambda u: pullback(u).astype(np.float32).astype(np.float64)


class Float32Result(Broken):
    def value_and_jvp(self, f: Any, x: Any, v: Any) -> Any:
        y, dy = super().value_and_jvp(f, x, v)
        return y, dy.astype(np.float32)


class AliasingOutput(Broken):
    """Hands out the same buffer every time."""

    def __init__(self) -> None:
        super().__init__()
        self._buffers: dict[Any, Any] = {}

    def value_and_jacobian(self, f: Any, x: Any) -> Any:
        y, jacobian = super().value_and_jacobian(f, x)
        buffer = self._buffers.setdefault(jacobian.shape, np.empty(jacobian.shape))
        buffer[...] = jacobian
        return y, buffer


class AliasingInput(Broken):
    """Its pullback looks at x when it is called, not when it was made."""

    def value_and_vjp(self, f: Any, x: Any) -> Any:
        y = self.value(f, x)
        return y, lambda u: NativeBackend.value_and_vjp(self, f, x)[1](u)


class ReadOnly(Broken):
    def value_and_jacobian(self, f: Any, x: Any) -> Any:
        y, jacobian = super().value_and_jacobian(f, x)
        jacobian.flags.writeable = False
        return y, jacobian


class ChangesX(Broken):
    def value_and_grad(self, f: Any, x: Any) -> Any:
        result = super().value_and_grad(f, x)
        x += 1e-8
        return result


class ColumnVector(Broken):
    def value_and_grad(self, f: Any, x: Any) -> Any:
        y, gradient = super().value_and_grad(f, x)
        return y, gradient[:, None]


class Swallows(Broken):
    def value_and_jacobian(self, f: Any, x: Any) -> Any:
        try:
            return super().value_and_jacobian(f, x)
        except Exception:
            return 0.0, np.zeros(x.size)


class Disguises(Broken):
    def value_and_grad(self, f: Any, x: Any) -> Any:
        try:
            return super().value_and_grad(f, x)
        except Exception as error:
            raise BackendError("something went wrong") from error


class StalePreparation(Broken):
    """Keeps the derivative of the point at which it was prepared."""

    def prepare(self, f: Any, x: Any) -> Prepared:
        gradient = self.grad(f, x) if np.ndim(self.value(f, x)) == 0 else None

        class Stale(Prepared):
            def grad(self, x: Any) -> Any:
                return super().grad(x) if gradient is None else gradient

        return Stale(self, f)


class FlipsSettings(Broken):
    def value_and_grad(self, f: Any, x: Any) -> Any:
        np.seterr(over="raise")
        return super().value_and_grad(f, x)


class NotThreadSafe(Broken):
    """Keeps its point in the object while it works."""

    def value_and_grad(self, f: Any, x: Any) -> Any:
        import time

        self._x = x
        time.sleep(1e-3)
        return super().value_and_grad(f, self._x)


class BroadcastsDirections(Broken):
    def value_and_jvp(self, f: Any, x: Any, v: Any) -> Any:
        return super().value_and_jvp(f, x, np.broadcast_to(np.ravel(v)[:1], x.shape))


class LiesAboutSupport(Broken):
    """Declares branches unsupported, and then gives a wrong number instead of raising."""

    unsupported: Mapping[str, str] = {"branches": "there are only symbols"}

    def value_and_jacobian(self, f: Any, x: Any) -> Any:
        y, jacobian = super().value_and_jacobian(f, x)
        return y, jacobian * (1.0 if "branches" not in getattr(f, "__qualname__", "") else 2.0)


class NoNaN(Broken):
    def value_and_grad(self, f: Any, x: Any) -> Any:
        y, gradient = super().value_and_grad(f, x)
        return y, np.nan_to_num(gradient)


BROKEN = [
    (WrongSign, "gradient of", "looks like −1 × the right one"),
    (Transposed, "jacobian of square map", "looks transposed"),
    (DroppedTerm, "hessian of", "is off by"),
    (DroppedTermInProduct, "hvp of", "is off by"),
    (Float32Leak, "value_and_vjp of", "the digits of float32?"),
    (Float32Result, "value_and_jvp of", "float32"),
    (AliasingOutput, "results are the caller's own", "changes when it is called at another point"),
    (AliasingInput, "a pullback belongs to its point", "changes when x is changed"),
    (ReadOnly, "results are the caller's own", "cannot be written to"),
    (ChangesX, "arguments stay as they are", "x was changed"),
    (ColumnVector, "gradient of", "has shape"),
    (Swallows, "errors of the function pass through", "swallowed an exception"),
    (Disguises, "errors of the function pass through", "came out of grad as BackendError"),
    (StalePreparation, "gradient of", "is off by"),
    (FlipsSettings, "global settings stay as they are", "np.geterr()"),
    (NotThreadSafe, "threads do not disturb each other", "thread"),
    (BroadcastsDirections, "what cannot be right is refused", "is not refused"),
    (LiesAboutSupport, "jacobian of branches", "declared unsupported, but it does not raise"),
    (NoNaN, "NaN comes out where it goes in", "is not NaN"),
]


@pytest.mark.parametrize(
    ("kind", "scenario", "detail"), BROKEN, ids=lambda p: getattr(p, "__name__", "")
)
def test_a_broken_backend_is_caught_by_the_scenario_meant_for_it(
    kind: type[Backend], scenario: str, detail: str
) -> None:
    report = run_conformance(kind())
    assert not report
    caught = [row.detail for row in report.failures if row.scenario.startswith(scenario)]
    assert caught
    assert any(detail in text for text in caught), caught
    assert f"conformance of backend '{kind.__name__}'" in str(report)
    assert str(report).splitlines()[1].startswith("  FAIL")


class Neither(Backend):
    name = "neither"


def test_a_backend_that_does_nothing_fails_nearly_everything() -> None:
    report = run_conformance(Neither())
    assert len(report.failures) > 100


# --- the entry for pytest ---------------------------------------------------------------------------------------------

test_native_conforms_as_pytest_tests = conformance_tests("native")


def test_the_pytest_entry_fails_where_the_suite_does() -> None:
    test = conformance_tests(WrongSign)
    scenario = next(s for s in SCENARIOS if s.name == "gradient of Rosenbrock")
    with pytest.raises(AssertionError, match="looks like −1"):
        test(scenario)
    with pytest.raises(pytest.skip.Exception, match="declared unsupported: there are only symbols"):
        conformance_tests(Symbolic)(next(s for s in SCENARIOS if s.group == "branches"))


class Symbolic(Broken):
    unsupported: Mapping[str, str] = {"branches": "there are only symbols"}

    def value(self, f: Any, x: Any) -> Any:
        raise TypeError("symbols have no truth value")

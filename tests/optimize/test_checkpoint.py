"""Checkpoints: a resumed solve goes on bit for bit; files that are none; reports and progress."""

from __future__ import annotations

import io
import os

import numpy as np
import pytest

from optkit.errors import InvalidInputError
from optkit.optimize import BFGS, SGD, Minibatches, Progress, least_squares, minimize
from optkit.optimize.checkpoint import load, save
from optkit.optimize.drivers import MINIMIZERS

X0 = np.resize([-1.2, 1.0], 6)


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def residuals(x):
    return np.concatenate([10.0 * (x[1:] - x[:-1] ** 2), 1.0 - x[:-1]])


def same(one, other):
    for column in ("x", "fun", "gradient_norm", "step_norm", "step_size", "evaluations"):
        np.testing.assert_array_equal(one.history[column], other.history[column])
    assert (one.nfev, one.njev, one.nhev) == (other.nfev, other.njev, other.nhev)
    assert one.verdict is other.verdict
    np.testing.assert_array_equal(one.x, other.x)


@pytest.mark.parametrize("stop", [1, 7, 19])
@pytest.mark.parametrize("method", MINIMIZERS)
def test_a_resumed_minimisation_is_the_same_to_the_last_bit(method, stop, tmp_path):
    path = tmp_path / "run.npz"
    whole = minimize(rosenbrock, X0, method=method, max_iter=40, options={"keep_x": True})
    minimize(
        rosenbrock, X0, method=method, max_iter=min(stop, whole.nit - 1),
        options={"keep_x": True, "checkpoint": path},
    )  # fmt: skip
    rest = minimize(
        rosenbrock, X0, method=method, max_iter=40, options={"keep_x": True, "resume": path}
    )
    same(whole, rest)


@pytest.mark.parametrize("method", ["lm", "gn", "dogleg"])
def test_a_resumed_fit_is_the_same_to_the_last_bit(method, tmp_path):
    path = tmp_path / "run.npz"
    whole = least_squares(residuals, X0, method=method, options={"keep_x": True})
    least_squares(
        residuals, X0, method=method, max_iter=5, options={"keep_x": True, "checkpoint": path}
    )
    same(
        whole, least_squares(residuals, X0, method=method, options={"keep_x": True, "resume": path})
    )


def test_the_last_steps_after_a_refutation_are_resumed_too(tmp_path):
    """What the stopping tests have learnt belongs to the checkpoint: here, that the Hessian has spoken."""

    def badly_scaled(x):
        return 0.5 * (1e6 * (x[0] - 1.0)) ** 2 + 0.5 * (1e-6 * (x[1] - 1.0)) ** 2

    path = tmp_path / "run.npz"
    whole = minimize(badly_scaled, [0.0, 0.0], method="bfgs", options={"keep_x": True})
    for stop in range(whole.nit):
        minimize(
            badly_scaled, [0.0, 0.0], method="bfgs", max_iter=stop,
            options={"keep_x": True, "checkpoint": path},
        )  # fmt: skip
        options = {"keep_x": True, "resume": path}
        same(whole, minimize(badly_scaled, [0.0, 0.0], method="bfgs", options=options))


@pytest.mark.parametrize("indexed", [True, False])
def test_batches_go_on_where_they_were(indexed, tmp_path):
    rows = np.random.default_rng(0).standard_normal((50, 6))

    def batches():
        return (
            Minibatches(rows, size=7, seed=3)
            if indexed
            else iter(list(Minibatches(rows, size=7, epochs=9)))
        )

    def loss(x, batch):
        return np.mean((batch @ x - 1.0) ** 2)

    def run(**given):
        options = {"keep_x": True} | given.pop("options", {})
        return minimize(loss, X0, method=SGD(0.01), batches=batches(), options=options, **given)

    whole = run(max_iter=40)
    run(max_iter=17, options={"checkpoint": tmp_path / "run.npz"})
    same(whole, run(max_iter=40, options={"resume": tmp_path / "run.npz"}))


def test_an_exception_leaves_a_checkpoint_of_the_last_iteration(tmp_path):
    path, left = tmp_path / "run.npz", [30]

    def dying(x):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return rosenbrock(x)

    with pytest.raises(KeyboardInterrupt) as caught:
        minimize(dying, X0, method="bfgs", options={"checkpoint": path, "checkpoint_every": 1000})
    assert load(path)["state"].iteration == caught.value.partial_result.nit
    assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []
    resumed = minimize(rosenbrock, X0, method="bfgs", options={"resume": path})
    assert resumed.fun == minimize(rosenbrock, X0, method="bfgs").fun


def test_the_elapsed_time_goes_on(tmp_path):
    path = tmp_path / "run.npz"
    minimize(rosenbrock, X0, method="bfgs", max_iter=5, options={"checkpoint": path})
    content = load(path)
    content["run"]["elapsed"] = 100.0
    save(path, content)
    seconds = minimize(rosenbrock, X0, method="bfgs", options={"resume": path}).history.seconds
    assert seconds[5] < 100.0 < seconds[6]


def test_what_is_no_checkpoint_of_this_solve_is_refused(tmp_path):
    path = tmp_path / "run.npz"

    def resume(x0=X0, method="bfgs", where=path):
        return minimize(rosenbrock, x0, method=method, options={"resume": where})

    minimize(rosenbrock, X0, method="bfgs", max_iter=3, options={"checkpoint": path})
    with pytest.raises(InvalidInputError, match="there is no checkpoint"):
        resume(where=tmp_path / "other.npz")
    with pytest.raises(InvalidInputError, match="another x0"):
        resume(x0=X0 + 1.0)
    with pytest.raises(InvalidInputError, match="the checkpoint is of BFGS"):
        resume(method="lbfgs")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(InvalidInputError, match="is no checkpoint"):
        resume(where=tmp_path / "text.npz")
    np.savez(tmp_path / "arrays.npz", a=np.zeros(3))
    with pytest.raises(InvalidInputError, match="is no checkpoint"):
        resume(where=tmp_path / "arrays.npz")


def test_reading_a_checkpoint_creates_no_objects_but_those_of_dataclasses(tmp_path):
    text = '{"version": 1, "content": {"object": "os:_Environ", "number": 1, "fields": {}}}'
    np.savez(tmp_path / "evil.npz", structure=np.array(text))
    with pytest.raises(InvalidInputError, match="may not create"):
        load(tmp_path / "evil.npz")
    unknown = text.replace("os:_Environ", "not_imported:Thing")
    np.savez(tmp_path / "evil.npz", structure=np.array(unknown))
    with pytest.raises(InvalidInputError, match="import it before resuming"):
        load(tmp_path / "evil.npz")


def test_numbers_survive_exactly(tmp_path):
    content = {
        "floats": [0.1, -0.0, np.inf, -np.inf, np.nan, 5e-324], "int": 2**70, "none": None,
        "nested": ({"a": np.arange(3)},), "flag": np.bool_(True),
    }  # fmt: skip
    save(tmp_path / "numbers.npz", content)
    back = load(tmp_path / "numbers.npz")
    assert repr(back["floats"]) == repr(content["floats"])
    assert (back["int"], back["none"], back["flag"]) == (2**70, None, True)
    np.testing.assert_array_equal(back["nested"][0]["a"], np.arange(3))


# --------------------------------------------------------------------------------------------------- report, progress


@pytest.mark.parametrize("method", ["auto", "bfgs", "lbfgsb", "adam", "scipy:BFGS"])
def test_the_report_carries_the_numbers(method):
    result = minimize(rosenbrock, X0, method=method, max_iter=300)
    text = result.report()
    for expected in (
        result.message, f"{result.fun:.12g}", f"iterations {result.nit}", f"function {result.nfev}",
    ):  # fmt: skip
        assert " ".join(expected.split()) in " ".join(text.split())
    if not method.startswith("scipy:"):
        _, value, tolerance = result.criteria[0]
        assert f"{value:.3g} {'≤' if value <= tolerance else '>'} {tolerance:.3g}" in text
        assert result.success == (value <= tolerance)
    parts = {k: v for k, v in result.seconds.items() if k != "total"}
    assert 0.0 < sum(parts.values()) <= result.seconds["total"]


def test_the_report_of_a_fit():
    text = least_squares(residuals, X0).report()
    assert "rank of the Jacobian" in text
    assert "cosine of residuals and tangent plane" in text or "distance to the minimum" in text


@pytest.mark.parametrize("bar", [True, False])
def test_progress_writes_where_it_is_told(bar):
    if bar:
        pytest.importorskip("tqdm")
    text = io.StringIO()
    with Progress(total=100, file=text, every=0.0, bar=bar) as progress:
        result = minimize(rosenbrock, X0, method=BFGS(), callback=progress)
    assert result.success
    assert f"{result.history.fun[-1]:.6g}" in text.getvalue()
    assert text.getvalue().endswith("\n")

"""The benchmarks measure what they say: gradients written by hand are right, and times are compared fairly."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import optkit.ad

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    """The modules as a script in benchmarks/ finds them."""
    sys.path.insert(0, str(BENCHMARKS))
    names = [
        "speed",
        "workloads",
        "measure.peers",
        "measure.table",
        "measure.timing",
        "measure.workload",
    ]
    try:
        yield SimpleNamespace(**{n.rpartition(".")[2]: importlib.import_module(n) for n in names})
    finally:
        sys.path.remove(str(BENCHMARKS))


SMALL = [
    "rosenbrock-2",
    "rosenbrock-100",
    "predator-prey",
    "mixture",
    "exponentials",
    "hessian",
    "hvp",
    "network",
    "tiny-number",
    "tiny-product",
    "tiny-unpacked",
]


@pytest.mark.parametrize("key", SMALL)
def test_gradients_by_hand_agree_with_optkit(bench: Any, key: str) -> None:
    (workload,) = [w for w in bench.workloads.ALL if w.key == key]
    results = {
        peer: bench.peers.make(peer, workload)(*workload.inputs) for peer in ("optkit", "NumPy")
    }
    bench.speed.agree(results, workload)


def test_a_wrong_gradient_is_found_before_it_is_timed(bench: Any) -> None:
    workload = bench.workloads.ALL[0]
    value, gradient = bench.peers.make("NumPy", workload)(*workload.inputs)
    for wrong in ((value, gradient * (1 + 1e-9)), (value, gradient * np.nan), (value,)):
        with pytest.raises(bench.speed.DisagreementError, match="rosenbrock-2"):
            bench.speed.agree({"right": (value, gradient), "wrong": wrong}, workload)


def test_ratios_are_taken_within_rounds(bench: Any) -> None:
    """The machine is ten times slower in the second half, for both; the third function has every other turn."""
    slow = [1.0, 1.0, 10.0, 10.0]
    a = bench.timing.Times(dict(enumerate(2.0 * s for s in slow)))
    b = bench.timing.Times(dict(enumerate(slow)))
    seldom = bench.timing.Times({0: 5.0, 2: 50.0})
    assert a.ratio(b) == 2.0
    assert seldom.ratio(a) == 2.5


def test_all_have_their_turns(bench: Any) -> None:
    calls = {"a": 0, "b": 0}

    def count(name: str) -> None:
        calls[name] += 1

    times = bench.timing.interleave(
        {name: lambda name=name: count(name) for name in calls}, budget=0.01, slot=1e-4
    )
    assert all(t.median > 0 and len(t.by_round) >= 7 for t in times.values())
    assert times["a"].by_round.keys() == times["b"].by_round.keys()


def test_verdicts_name_the_nearest_peer(bench: Any) -> None:
    times = {
        name: bench.timing.Times({0: t}) for name, t in [("optkit", 3.0), ("x", 1.0), ("y", 2.0)]
    }
    goal = bench.workload.Goal("optkit", 1.2, ("x", "y"))
    assert bench.table.verdict(goal, times) == (1.5, "y", False)
    assert bench.table.verdict(goal, {"optkit": times["optkit"]}) is None
    assert bench.table.verdict(bench.workload.Goal("optkit", 3.0, ("x",)), times) == (
        3.0,
        "x",
        True,
    )


def test_a_peer_that_is_not_installed_is_left_out(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "autograd", None)
    with pytest.raises(bench.workload.NotThereError, match="autograd"):
        bench.peers.make("autograd", bench.workloads.ALL[0])


def test_the_table_says_what_was_left_out(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(optkit.ad, "jit", raising=False)
    monkeypatch.setitem(sys.modules, "autograd", None)
    workload = bench.workloads.ALL[0]
    found = bench.speed.run(workload, ["optkit", "optkit compiled", "NumPy", "autograd"], 0.01, 1)
    text = bench.table.markdown([found], bench.workload.PEERS)
    assert "- optkit compiled: there is no ad.jit yet" in text
    assert "- autograd: " in text
    assert "| not there |" in text
    assert "? (≤ 0.167 × autograd)" in text
    assert bench.table.data([found])["workloads"]["rosenbrock-2"]["goals"][1]["ratio"] > 0

"""The results as Markdown tables and as plain data for JSON."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from measure.timing import Times
from measure.workload import COMPILED, COMPILERS, EAGER, Goal, Workload


@dataclass
class Measured:
    """One line of the tables."""

    workload: Workload
    times: dict[str, Times] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)  # seconds of a first call
    left_out: dict[str, str] = field(default_factory=dict)  # peer → reason


def verdict(goal: Goal, times: Mapping[str, Times]) -> tuple[float, str, bool] | None:
    """The best ratio for the goal, the peer it is to, and whether the goal is met; None where it cannot be told."""
    ratios = [
        (times[goal.who].ratio(times[peer]), peer)
        for peer in goal.peers
        if goal.who in times and peer in times
    ]
    if not ratios:
        return None
    ratio, peer = min(ratios)
    return ratio, peer, ratio <= goal.ratio


def markdown(results: Sequence[Measured], peers: Sequence[str]) -> str:
    shown = [p for p in peers if any(p in r.times or p == COMPILED for r in results)]
    return "\n\n".join(
        part
        for part in (
            "Microseconds a call, median ± half the distance between the quartiles:",
            _table(
                ["workload", *shown],
                ([r.workload.title, *(_time(r, p) for p in shown)] for r in results),
            ),
            "Ratios to the peers of the goals, and whether each goal is met:",
            _table(
                ["workload", EAGER, COMPILED],
                (
                    [r.workload.title, _goals(r, EAGER), _goals(r, COMPILED)]
                    for r in results
                    if r.workload.goals
                ),
            ),
            *_first_calls(results),
            _left_out(results),
        )
        if part
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _time(result: Measured, peer: str) -> str:
    if peer not in result.times:
        return "not there" if peer == COMPILED else "–"
    times = result.times[peer]
    low, high = times.quartiles
    return f"{number(1e6 * times.median)} ± {50.0 * (high - low) / times.median:.0f} %"


def number(x: float) -> str:
    """Three digits, without an exponent."""
    if x >= 100.0:
        return f"{x:,.0f}"
    return f"{x:.1f}" if x >= 10.0 else f"{x:.2f}"


def _goals(result: Measured, who: str) -> str:
    cells = []
    for goal in result.workload.goals:
        if goal.who == who:
            found = verdict(goal, result.times)
            wanted = f"≤ {goal.ratio:.3g} × {' or '.join(goal.peers)}"
            if found is None:
                cells.append(f"? ({wanted})")
            else:
                ratio, peer, met = found
                beside = f" {peer}" if len(goal.peers) > 1 else ""
                cells.append(f"{ratio:.3g}{beside} ({wanted}) {'met' if met else '**missed**'}")
    return "; ".join(cells) or "no goal"


def first_call_verdicts(result: Measured) -> list[tuple[str, bool]]:
    """What the first call of the compiled function was to take, and whether it did."""
    goal, seconds = result.workload.first_call, result.first.get(COMPILED)
    if goal is None or seconds is None:
        return []
    found = []
    if goal.seconds is not None:
        found.append((f"≤ {1e3 * goal.seconds:.0f} ms", seconds <= goal.seconds))
    if goal.of_jax is not None and "JAX" in result.first:
        ratio = seconds / result.first["JAX"]
        found.append((f"{ratio:.3g} (≤ {goal.of_jax:.3g}) × JAX", ratio <= goal.of_jax))
    return found


def _first_calls(results: Sequence[Measured]) -> list[str]:
    peers = [p for p in COMPILERS if any(p in r.first for r in results)]
    if not peers:
        return []
    rows = []
    for r in results:
        cells = [number(1e3 * r.first[p]) if p in r.first else "–" for p in peers]
        verdicts = [
            f"{text} {'met' if met else '**missed**'}" for text, met in first_call_verdicts(r)
        ]
        rows.append([r.workload.title, *cells, "; ".join(verdicts) or "–"])
    return [
        "Milliseconds until a fresh function has given its first result, compilation included:",
        _table(["workload", *peers, f"goals of {COMPILED}"], rows),
    ]


def _left_out(results: Sequence[Measured]) -> str:
    reasons: dict[tuple[str, str], list[str]] = {}
    for r in results:
        for peer, reason in r.left_out.items():
            reasons.setdefault((peer, reason), []).append(r.workload.key)
    lines = []
    for (peer, reason), keys in reasons.items():
        where = "" if len(keys) == len(results) else f" (in {', '.join(keys)})"
        lines.append(f"- {peer}: {reason}{where}")
    return "\n".join(["Left out:", "", *lines]) if lines else ""


def data(results: Sequence[Measured]) -> dict[str, Any]:
    """Everything that was measured, as JSON can hold it; times in seconds."""
    return {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "workloads": {
            r.workload.key: {
                "title": r.workload.title,
                "times": {
                    peer: {
                        "median": t.median,
                        "quartiles": t.quartiles,
                        "rounds": len(t.by_round),
                    }
                    for peer, t in r.times.items()
                },
                "first_call": r.first,
                "left_out": r.left_out,
                "goals": [_goal_data(goal, r.times) for goal in r.workload.goals],
            }
            for r in results
        },
    }


def _goal_data(goal: Goal, times: Mapping[str, Times]) -> dict[str, Any]:
    found = verdict(goal, times)
    ratio, peer, met = found or (None, None, None)
    return {
        "who": goal.who,
        "at_most": goal.ratio,
        "of": goal.peers,
        "ratio": ratio,
        "to": peer,
        "met": met,
    }

"""The full report of a solve, as text: what was asked, how it went, what decided, where the time went."""

from __future__ import annotations

from typing import Any

import numpy as np

_WIDTH = 40


def report(result: Any) -> str:
    """The report of a `Result`; see `Result.report`."""
    parts = [_heading(result), _problem(result), _course(result), _criteria(result), _costs(result)]
    return "\n\n".join(part for part in parts if part)


def _heading(result: Any) -> str:
    lines = [f"optkit: {result.method}", "=" * (8 + len(result.method)), result.message]
    if result.get("choice"):
        lines.append(f"method 'auto' picked {result.choice}")
    return "\n".join(lines)


def _problem(result: Any) -> str:
    rows = [("variables", f"{result.x.size}")]
    for name, value in result.get("settings", {}).items():
        rows.append((name, value))
    return _table("Problem", rows)


def _course(result: Any) -> str:
    history = result.history
    if not len(history):
        return ""
    fun, steps = history.fun, history.step_norm[1:]
    final = result.get("cost", result.fun)
    rows = [
        ("value at the start", f"{fun[0]:.12g}"),
        ("value at the end", f"{final:.12g}"),
        ("decrease", f"{fun[0] - final:.6g}"),
        (
            "gradient norm, start → end",
            f"{history.gradient_norm[0]:.3g} → {history.gradient_norm[-1]:.3g}",
        ),
        ("iterations", f"{result.nit}"),
        ("of these, steps that were rejected", f"{int(np.count_nonzero(steps == 0.0))}"),
    ]
    if "rank" in result:
        rows.append(("rank of the Jacobian", f"{result.rank} of {result.x.size}"))
    return _table("Course", rows)


def _criteria(result: Any) -> str:
    rows = []
    for name, value, tolerance in result.get("criteria", []):
        sign = "≤" if value <= tolerance else ">"
        rows.append((name, f"{value:.3g} {sign} {tolerance:.3g}"))
    return _table("Criteria at the last point: value against tolerance", rows) if rows else ""


def _costs(result: Any) -> str:
    total = float(result.history.seconds[-1]) if len(result.history) else 0.0
    seconds = dict(result.get("seconds", {}))
    total = seconds.pop("total", total)
    rows = [
        ("evaluations of the function", f"{result.nfev}"),
        ("of the first derivative", f"{result.njev}"),
        ("of second derivatives and products", f"{result.nhev}"),
    ]
    for name, spent in seconds.items():
        rows.append((f"seconds: {name}", f"{spent:.4f}"))
    if seconds:
        rest = max(total - sum(seconds.values()), 0.0)
        rows.append(("seconds: the method itself", f"{rest:.4f}"))
    rows.append(("seconds: total", f"{total:.4f}"))
    return _table("Cost", rows)


def _table(title: str, rows: list[tuple[str, str]]) -> str:
    return "\n".join([title, *(f"  {name:<{_WIDTH}} {value}" for name, value in rows)])

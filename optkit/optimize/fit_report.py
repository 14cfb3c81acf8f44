"""How the result of a fit reads: the same facts as text and as HTML."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

from optkit.errors import RankDeficientError

if TYPE_CHECKING:
    from optkit.optimize.fit_result import FitResult

Rows = list[tuple[str, ...]]


def statistics(fit: FitResult) -> list[tuple[str, str]]:
    """Names and figures of the fit as a whole."""
    solution = fit.solution
    rows = [
        ("method", str(solution.method)),
        ("evaluations", f"{solution.nfev} of the model, {solution.njev} of its Jacobian"),
        ("data, free parameters", f"{fit.m}, {fit.n_free}"),
        ("chi-square", f"{fit.chi_square:.6g}"),
        ("reduced chi-square", f"{fit.reduced_chi_square:.6g}"),
        ("R-squared", f"{fit.r_squared:.6g}"),
        ("AIC, BIC", f"{fit.aic:.6g}, {fit.bic:.6g}"),
    ]
    if fit.absolute_sigma:
        rows.append(("sigma", "absolute: standard errors do not depend on the residuals"))
    return rows


def parameters(fit: FitResult, level: float) -> Rows:
    """One row a parameter: name, estimate, standard error, relative error, interval, and where it came from."""
    table, errors = fit.regression.parameters.table, fit.standard_errors
    rows: Rows = []
    for name, value in fit.values.items():
        item, error = table[name], errors[name]
        if item.expr is not None:
            origin = f"= {item.expr}" if isinstance(item.expr, str) else "= an expression"
        elif item.fixed:
            origin = "fixed"
        else:
            origin = f"from {item.value:.6g}"
            if value in (item.min, item.max):
                origin += ", at its bound"
        if item.fixed and item.expr is None:
            rows.append((name, f"{value:.8g}", "", "", "", origin))
        elif not math.isfinite(error):
            rows.append((name, f"{value:.8g}", "undetermined", "", "", origin))
        else:
            reach = fit.quantile(level) * error
            relative = f"{100.0 * error / abs(value):.2f} %" if value else ""
            interval = f"{value - reach:.6g} … {value + reach:.6g}"
            rows.append((name, f"{value:.8g}", f"{error:.4g}", relative, interval, origin))
    return rows


def correlations(fit: FitResult, least: float) -> list[tuple[str, str, float]]:
    """Pairs of parameters and their correlation, the strongest first."""
    matrix, names = fit.correlation, fit.names
    pairs = [
        (names[i], names[j], float(matrix[i, j]))
        for i in range(len(names))
        for j in range(i)
        if abs(matrix[i, j]) >= least
    ]
    return sorted(((b, a, c) for a, b, c in pairs), key=lambda pair: -abs(pair[2]))


def trouble(fit: FitResult) -> str:
    """Why there are no standard errors; empty when there are."""
    try:
        _ = fit.covariance
    except RankDeficientError as error:
        return str(error)
    return ""


def headings(level: float) -> tuple[str, ...]:
    """The names of the columns of `parameters`."""
    return (
        "parameter",
        "estimate",
        "std. error",
        "relative",
        f"{100.0 * level:g} % interval",
        "origin",
    )


def as_text(fit: FitResult, least: float, level: float) -> str:
    """The report for a terminal."""
    lines = [f"Fit {fit.message}" if fit.success else f"NO FIT: {fit.message}", ""]
    facts = statistics(fit)
    width = max(len(name) for name, _ in facts)
    lines += [f"  {name:<{width}}  {figure}" for name, figure in facts]
    rows = [headings(level), *parameters(fit, level)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines.append("")
    for row in rows:
        cells = [f"{row[0]:<{widths[0]}}"]
        cells += [f"{cell:>{w}}" for cell, w in zip(row[1:-1], widths[1:-1], strict=True)]
        lines.append("  " + "  ".join([*cells, row[-1]]).rstrip())
    problem = trouble(fit)
    if problem:
        return "\n".join([*lines, "", f"  {problem}"])
    pairs = correlations(fit, least)
    if pairs:
        lines += ["", f"  correlations (of at least {least:g})"]
        width = max(len(f"{a}, {b}") for a, b, _ in pairs)
        lines += [f"    {f'{a}, {b}':<{width}}  {c:+.4f}" for a, b, c in pairs]
    return "\n".join(lines)


def as_html(fit: FitResult, least: float, level: float) -> str:
    """The report for a notebook: tables without scripts or styles of their own."""
    parts = [
        f"<p><strong>{'Fit' if fit.success else 'No fit'}</strong> {html.escape(fit.message)}</p>"
    ]
    parts.append(_table([], [tuple(row) for row in statistics(fit)]))
    parts.append(_table(list(headings(level)), parameters(fit, level)))
    problem = trouble(fit)
    if problem:
        parts.append(f"<p>{html.escape(problem)}</p>")
    else:
        pairs = [(f"{a}, {b}", f"{c:+.4f}") for a, b, c in correlations(fit, least)]
        if pairs:
            parts.append(_table(["parameters", "correlation"], list(pairs)))
    return "\n".join(parts)


def _table(head: list[str], rows: Rows) -> str:
    def line(cells: tuple[str, ...] | list[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

    body = [line(row, "td") for row in rows]
    return "\n".join(["<table>", *([line(head, "th")] if head else []), *body, "</table>"])

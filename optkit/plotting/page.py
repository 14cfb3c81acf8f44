"""The report of a solve as one self-contained page of HTML: no scripts, nothing loaded from anywhere."""

from __future__ import annotations

import html
import io
import platform
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from optkit.errors import InvalidTypeError
from optkit.plotting.convergence import plot_convergence

_FEW_PARAMETERS, _MOST_PARAMETERS, _MOST_ROWS = 16, 200, 60

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; color: #1f2328; background: #fff;
       max-width: 60rem; margin: 2rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.verdict { padding: .6rem .9rem; border-left: .35rem solid; margin: 1rem 0; overflow-wrap: anywhere; }
.good { border-color: #009E73; background: #E8F5F1; } .bad { border-color: #D55E00; background: #FBEEE5; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .9rem .2rem 0; text-align: left; vertical-align: top; }
td.number, th.number { text-align: right; } thead th { border-bottom: 1px solid #8c959f; font-weight: 600; }
tbody tr + tr td, tbody tr + tr th { border-top: 1px solid #e6e8eb; } tbody th { font-weight: 400; color: #57606a; }
figure { margin: 0; } figure svg { max-width: 100%; height: auto; }
.scroll { overflow-x: auto; } footer { margin-top: 2.5rem; color: #57606a; font-size: .85rem; }
"""


def html_report(result: Any, path: Any = None, *, title: str | None = None) -> str:
    """The report of a solve as one page of HTML; `Result.to_html` calls it.

    Parameters
    ----------
    result : Result
        What `optkit.minimize` or `optkit.least_squares` returned.
    path : str or Path, optional
        Where to write it (UTF-8).
    title : str, optional
        What stands at the top; by default the method.

    Returns
    -------
    str
        The page: the verdict, the figures of the solve, the estimates (with standard errors where there are any), the
        convergence, drawn, and the history. It loads nothing and runs no script.

    Raises
    ------
    InvalidTypeError
        When ``result`` has no history.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> result = optkit.minimize(lambda x: np.sum((x - 1.0) ** 2), np.zeros(2))
    >>> page = result.to_html("report.html", title="A parabola")
    >>> "<h1>A parabola</h1>" in page
    True
    """
    if not hasattr(result, "history"):
        raise InvalidTypeError(
            f"html_report: expected what optkit.minimize or optkit.least_squares returned, got {type(result).__name__}"
        )
    heading = html.escape(title if title is not None else f"Solve by {result.method}")
    kind = "good" if result.success else "bad"
    word = "Success" if result.success else "No success"
    body = [
        f"<h1>{heading}</h1>",
        f'<p class="verdict {kind}"><strong>{word}.</strong> {html.escape(str(result.message))}</p>',
        _section("The solve", _facts(result)),
        _section("Convergence", _pictures(result)),
        _section("The point", _point(result)),
        _section("History", _history(result)),
        f"<footer>{html.escape(_environment())}</footer>",
    ]
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{heading}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n'
        + "\n".join(part for part in body if part)
        + "\n</body>\n</html>\n"
    )
    if path is not None:
        Path(path).write_text(page, encoding="utf-8")
    return page


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n{content}\n</section>" if content else ""


def _table(head: list[str], rows: list[list[str]], *, named: bool = True) -> str:
    """A table of cells that are escaped already; numbers, but for the first column where that has names."""

    def cell(tag: str, i: int, text: str) -> str:
        if named and i == 0:
            return f'<th scope="{"col" if tag == "th" else "row"}">{text}</th>'
        return f'<{tag}{" scope=col" if tag == "th" else ""} class="number">{text}</{tag}>'

    def line(tag: str, row: list[str]) -> str:
        return "<tr>" + "".join(cell(tag, i, text) for i, text in enumerate(row)) + "</tr>"

    top = f"<thead>{line('th', head)}</thead>" if head else ""
    body = "\n".join(line("td", row) for row in rows)
    return f'<div class="scroll"><table>{top}<tbody>\n{body}\n</tbody></table></div>'


def _number(value: Any, digits: int = 6) -> str:
    """A number with a true minus sign; a dash for what is not known."""
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return "–"
    if isinstance(value, int | np.integer):
        return f"{int(value):,}"
    return f"{float(value):.{digits}g}".replace("-", "−").replace("inf", "∞")


def _facts(result: Any) -> str:
    least_squares = hasattr(result, "cost")
    seconds = result.history.seconds[-1] if len(result.history) else np.nan
    facts = [
        ("method", html.escape(str(result.method))),
        ("half the sum of squares" if least_squares else "value",
         _number(result.cost if least_squares else result.fun, 10)),
        ("gradient norm at the end", _number(_last(result.history.gradient_norm), 3)),
        ("iterations", _number(result.nit)),
        ("evaluations of the function", _number(result.get("nfev"))),
        ("of its derivative", _number(result.get("njev"))),
        ("of its Hessian, or products with it", _number(result.get("nhev"))),
        ("time", f"{_number(float(seconds), 3)} s"),
    ]  # fmt: skip
    return _table([], [[name, value] for name, value in facts])


def _last(column: Any) -> float:
    return float(column[-1]) if len(column) else float("nan")


def _point(result: Any) -> str:
    x = np.ravel(np.asarray(result.x))
    errors, remark = _standard_errors(result, len(x))
    head = ["", "value"] + ["standard error"] * (errors is not None)
    rows = []
    for i in range(min(len(x), _MOST_PARAMETERS)):
        row = [f"x[{i}]", _number(float(x[i]), 8)]
        rows.append(row + ([_number(float(errors[i]), 3)] if errors is not None else []))
    more = len(x) - _MOST_PARAMETERS
    remark += f"<p>… and {more:,} more.</p>" if more > 0 else ""
    table = _table(head, rows) + remark
    if len(x) <= _FEW_PARAMETERS:
        return table
    return f"<details><summary>{len(x):,} variables</summary>\n{table}\n</details>"


def _standard_errors(result: Any, n: int) -> tuple[Any, str]:
    """The standard errors of the estimates where there are any; where there should be, but are none, the reason."""
    if not hasattr(type(result), "standard_errors"):
        return None, ""
    try:
        errors = np.ravel(np.asarray(result.standard_errors))
    except ArithmeticError as error:  # the covariance does not exist, and the error says why
        return None, f"<p>No standard errors: {html.escape(str(error))}</p>"
    return (errors, "") if len(errors) == n else (None, "")


def _pictures(result: Any) -> str:
    from matplotlib import style

    if not np.any(np.isfinite(result.history.fun)):
        return "<p>No value in the history is finite, so there is nothing to draw.</p>"
    slopes = result.history.gradient_norm
    known = bool(np.any(np.isfinite(slopes) & (slopes > 0.0)))
    with style.context("default"):  # The page is white, whatever style the user draws in.
        svg = _svg(result, known)
    label = "the objective above its best value" + (", and the gradient norm" if known else "")
    svg = svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
    return f"<figure>{svg}</figure>"


def _svg(result: Any, slopes: bool) -> str:
    """The course of the solve, with or without its gradient."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 3.6), layout="constrained")
    FigureCanvasSVG(figure)
    left, *right = np.atleast_1d(figure.subplots(1, 1 + slopes))
    plot_convergence(result, ax=left)
    if slopes:
        plot_convergence(result, y="gradient", ax=right[0])
    picture = io.StringIO()
    figure.savefig(picture, format="svg", metadata={"Date": None, "Creator": None})
    return re.sub(r"<metadata>.*?</metadata>", "", picture.getvalue(), flags=re.S)


def _history(result: Any) -> str:
    rows = list(result.history)
    shown = rows if len(rows) <= _MOST_ROWS else rows[: _MOST_ROWS // 2] + rows[-_MOST_ROWS // 2 :]
    head = ["iteration", "value", "gradient norm", "step", "evaluations", "seconds"]
    cells = [
        [
            _number(row.iteration), _number(row.fun, 10), _number(row.gradient_norm, 3),
            _number(row.step_norm, 3), _number(row.evaluations), _number(row.seconds, 3),
        ]
        for row in shown
    ]  # fmt: skip
    if len(shown) < len(rows):
        cells.insert(_MOST_ROWS // 2, ["⋮"] * len(head))
    return _table(head, cells, named=False)


def _environment() -> str:
    import scipy

    package = sys.modules[__name__.partition(".")[0]]  # above this room, so not imported
    return (
        f"optkit {package.__version__}, NumPy {np.__version__}, SciPy {scipy.__version__}, "
        f"Python {platform.python_version()}"
    )

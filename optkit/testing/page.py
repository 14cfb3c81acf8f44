"""A gradcheck report as one self-contained HTML page."""

from __future__ import annotations

import html
import io
from itertools import islice
from typing import TYPE_CHECKING

from optkit.testing.comparison import EntryVerdict
from optkit.testing.taylor import draw

if TYPE_CHECKING:
    from optkit.testing.report import DerivativeCheck, Entry, GradcheckReport

_SHOWN = 50
# Told apart by darkness too, not by hue alone.
_COLORS = {
    EntryVerdict.OK: "#e8f4ea",
    EntryVerdict.NOISY: "#f1f1f1",
    EntryVerdict.KINK: "#fff3cd",
    EntryVerdict.NOT_FINITE: "#ffe0c2",
    EntryVerdict.WRONG: "#f8c9c4",
}
_STYLE = """
.optkit { font: 14px/1.5 system-ui, sans-serif; max-width: 60em; color: #1b1b1b; background: #fff }
.optkit h2 { font-size: 1.2em } .optkit h3 { font-size: 1em; margin-bottom: .3em }
.optkit table { border-collapse: collapse; font-variant-numeric: tabular-nums }
.optkit td, .optkit th { padding: .2em .8em; border-bottom: 1px solid #ddd; text-align: right }
.optkit td:first-child, .optkit th:first-child, .optkit td:last-child, .optkit th:last-child { text-align: left }
"""


def fragment(report: GradcheckReport) -> str:
    """The report as an element for a notebook or a page."""
    verdict = "ok" if report.ok else "FAILED"
    parts = [
        f"<style>{_STYLE}</style>",
        f"<h2>gradcheck of {_text(report.function)}, derivative by {_text(report.source)}: {verdict}</h2>",
    ]
    parts += [f"<p><strong>{_text(problem)}</strong></p>" for problem in report.problems]
    parts += [_table(check) for check in report.checks]
    if report.taylor:
        said = "; ".join(map(str, report.taylor))
        parts.append(f"<h3>Taylor remainder</h3><p>{_text(said)}</p>{_picture(report)}")
    parts += [f"<p>note: {_text(note)}</p>" for note in report.notes]
    parts.append(f"<p>{report.evaluations} evaluations of {_text(report.function)}</p>")
    return f'<div class="optkit">{"".join(parts)}</div>'


def document(report: GradcheckReport) -> str:
    """The report as a page of its own."""
    title = f"gradcheck of {_text(report.function)}"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title></head><body>{fragment(report)}</body></html>\n"
    )


def _table(check: DerivativeCheck) -> str:
    rows = "".join(map(_row, islice(check.entries(), _SHOWN)))
    rest = check.comparison.given.size - _SHOWN
    more = f"<p>… and {rest} more</p>" if rest > 0 else ""
    hints = "".join(f"<p><strong>{_text(hint)}</strong></p>" for hint in check.hints())
    head = "".join(
        f"<th>{name}</th>" for name in ("entry", "given", "estimate", "± error bar", "verdict")
    )
    first = str(check).splitlines()[0]
    return f"<h3>{_text(first)}</h3>{hints}<table><tr>{head}</tr>{rows}</table>{more}"


def _row(entry: Entry) -> str:
    verdict = str(entry.verdict)
    if entry.verdict is EntryVerdict.KINK:
        verdict += f": slope {entry.left:.6g} on the left, {entry.right:.6g} on the right"
    cells = (
        entry.name,
        f"{entry.given:.9g}",
        f"{entry.estimate:.9g}",
        f"{entry.error_bar:.1e}",
        verdict,
    )
    shown = "".join(f"<td>{_text(cell)}</td>" for cell in cells)
    return f'<tr style="background:{_COLORS[entry.verdict]}">{shown}</tr>'


def _picture(report: GradcheckReport) -> str:
    """The plot of the remainders as SVG, in the page itself."""
    stream = io.StringIO()
    draw(report.taylor).figure.savefig(stream, format="svg", metadata={"Date": None})
    svg = stream.getvalue()
    return svg[svg.index("<svg") :]


def _text(value: object) -> str:
    return html.escape(str(value))

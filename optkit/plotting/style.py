"""What all pictures have in common. No global style is changed: everything is set on the axes that are drawn on.

Lines differ in colour, dash and marker at once, and the colours are those of Okabe and Ito, which can be told apart
with every kind of colour vision (M. Okabe, K. Ito, Color Universal Design, 2008).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from optkit.errors import InvalidTypeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
COLORS = (BLUE, VERMILION, GREEN, "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (6, 2)),
    (0, (2, 1.5)),
    (0, (7, 2, 1.5, 2)),
    (0, (4, 1, 1, 1, 1, 1)),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK, GREY, PALE = "0.15", "0.4", "0.9"
# A legend with longer names would press the picture aside.
_LONGEST_NAME = 40


def look(place: int) -> dict[str, Any]:
    """Colour and dash of the line in that place."""
    return {"color": COLORS[place % len(COLORS)], "linestyle": DASHES[place % len(DASHES)]}


def marker(place: int) -> str:
    """The marker of the line in that place."""
    return MARKERS[place % len(MARKERS)]


def short(name: str) -> str:
    """A name for a legend, cut where it is too long."""
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def axes(ax: Axes | None, caller: str, size: tuple[float, float] = (7.0, 4.5)) -> Axes:
    """The axes to draw on, of a new figure where none are given."""
    if ax is None:
        import matplotlib.pyplot as plt

        return plt.subplots(figsize=size, layout="constrained")[1]
    if not hasattr(ax, "plot"):
        raise InvalidTypeError(
            f"{caller}: ax must be a matplotlib Axes or None, got {ax!r}; "
            "write, for example, ax=plt.subplots()[1]"
        )
    return ax


def dress(ax: Axes, *, grid: bool = True) -> None:
    """A quiet frame, and a grid behind what is drawn."""
    if grid:
        ax.grid(True, which="major", color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def add_legend(ax: Axes, title: str | None = None, **options: Any) -> None:
    """A legend without a border; where it covers something, that shines through a little."""
    legend = ax.legend(
        frameon=True, framealpha=0.85, edgecolor="none", facecolor=ax.get_facecolor(), alignment="left",
        title=title, title_fontsize="small", **options,
    )  # fmt: skip
    legend.get_title().set_color(GREY)


def named(results: Any, label: str = "result") -> dict[str, Any]:
    """One result or several, by name."""
    # A Result is a mapping too, SciPy's OptimizeResult being a dict.
    several = (
        isinstance(results, Mapping) and not hasattr(results, "history") and "x" not in results
    )
    if several:
        return {str(name): result for name, result in results.items()}
    return {str(getattr(results, "method", label)): results}

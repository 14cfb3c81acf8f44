"""Profiles of solvers over a set of problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from optkit.errors import InvalidInputError, InvalidTypeError
from optkit.plotting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
Kind = Literal["performance", "data"]

_X_LABELS = {
    "performance": r"cost, as a multiple $\tau$ of the least of all solvers",
    "data": r"budget $\kappa$, in simplex gradients ($n+1$ evaluations)",
}
_LOG_FROM = 12.0
_MANY_STEPS = 30


def plot_profile(
    profiles: Mapping[str, tuple[Any, Any]],
    *,
    kind: Kind = "performance",
    ax: Axes | None = None,
) -> Axes:
    """Draw performance or data profiles: which part of the problems each solver has solved at which cost.

    Parameters
    ----------
    profiles : mapping of str to (costs, fractions)
        For each solver the costs, ascending, at which its fraction of solved problems rises, and the fractions, between
        0 and 1, that it rises to: two arrays of one shape (k,), both empty for a solver that solved nothing.
    kind : {"performance", "data"}
        What the costs are: multiples of what the best solver needed on the same problem, from 1 on; or evaluations
        over n + 1.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib Axes
        With one step function per solver, ranked in the legend by the area below it, on the axis as it is drawn.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        For arrays of different lengths, costs that do not ascend, fractions outside [0, 1] or that fall.

    Notes
    -----
    E. D. Dolan, J. J. Moré, "Benchmarking optimization software with performance profiles", Mathematical Programming 91
    (2002); J. J. Moré, S. M. Wild, "Benchmarking derivative-free optimization algorithms", SIAM Journal on Optimization
    20 (2009).

    Examples
    --------
    >>> import optkit
    >>> profiles = {"slow": ([2.0, 5.0], [0.4, 1.0]), "fast": ([1.0, 3.0], [0.6, 0.8])}
    >>> ax = optkit.plot_profile(profiles)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['1  fast', '2  slow']
    """
    if kind not in get_args(Kind):
        raise InvalidInputError(
            f"plot_profile: kind={kind!r} is not one of {', '.join(map(repr, get_args(Kind)))}"
        )
    curves = _curves(profiles, kind)
    first = 1.0 if kind == "performance" else 0.0
    last = max((float(x[-1]) for x, _ in curves.values() if len(x)), default=first)
    smallest = min((float(x[0]) for x, _ in curves.values() if len(x)), default=1.0)
    logarithmic = kind == "performance" or last > _LOG_FROM * max(smallest, 1e-300) * 10
    end = last * 1.15 if logarithmic else first + 1.08 * (last - first)
    end = max(end, first + 1.0 if kind == "performance" or end == first else end)
    start = first if kind == "performance" or not logarithmic else smallest / 1.5
    ax = style.axes(ax, "plot_profile")
    places = {name: place for place, name in enumerate(curves)}
    ranked = sorted(curves, key=lambda name: -_area(*curves[name], start, end, logarithmic))
    for rank, name in enumerate(ranked, start=1):
        _draw(ax, curves[name], start, end, places[name], f"{rank}  {style.short(name)}", rank)
    if logarithmic:
        ax.set_xscale("log", base=2 if end / start < 2**12 else 10)
        _plain_ticks(ax, end / start)
    ax.set_xlim(start, end)
    ax.set_ylim(0.0, 1.03)
    style.dress(ax)
    ax.set_xlabel(_X_LABELS[kind])
    ax.set_ylabel("fraction of problems solved")
    if len(curves) > 1:
        _add_legend(ax, len(curves))
    return ax


def _curves(profiles: Any, kind: str) -> dict[str, tuple[Array, Array]]:
    if not isinstance(profiles, Mapping) or not profiles:
        raise InvalidTypeError(
            "plot_profile takes a dict of (costs, fractions) by the names of the solvers, got "
            f"{'an empty one' if isinstance(profiles, Mapping) else type(profiles).__name__}"
        )
    curves = {}
    for name, pair in profiles.items():
        try:
            x, y = (np.asarray(values, dtype=np.float64) for values in pair)
        except (TypeError, ValueError) as error:
            raise InvalidTypeError(
                f"plot_profile: {name!r} must be a pair of arrays (costs, fractions), got {pair!r}"
            ) from error
        least = 1.0 - 1e-9 if kind == "performance" else 0.0
        wrong = (
            "costs and fractions of one shape (k,)" if x.ndim != 1 or x.shape != y.shape
            else "finite costs in ascending order" if not np.all(np.isfinite(x)) or np.any(np.diff(x) < 0)
            else f"costs of at least {least:g}" if np.any(x < least)
            else "fractions that rise, from 0 to 1 at most"
            if np.any(np.diff(y) < 0) or not np.all((y >= 0.0) & (y <= 1.0 + 1e-12))
            else ""
        )  # fmt: skip
        if wrong:
            raise InvalidInputError(f"plot_profile: {name!r} needs {wrong}")
        curves[str(name)] = x, y
    return curves


def _area(x: Array, y: Array, start: float, end: float, logarithmic: bool) -> float:
    """Below a step function, between the ends of the axis, as it is drawn."""
    edges = np.clip(np.concatenate([[start], x, [end]]), start, end)
    edges = np.log(edges) if logarithmic else edges
    heights = np.concatenate([[0.0], y])
    return float(np.sum(heights * np.diff(edges)))


def _draw(
    ax: Axes,
    curve: tuple[Array, Array],
    start: float,
    end: float,
    place: int,
    label: str,
    rank: int,
) -> None:
    x, y = curve
    at_start = y[x <= start][-1] if np.any(x <= start) else 0.0
    later = x > start
    xs = np.concatenate([[start], x[later], [end]])
    ys = np.concatenate([[at_start], y[later], [y[-1] if len(y) else 0.0]])
    every = max(1, len(xs) // _MANY_STEPS)
    ax.plot(
        xs, ys, drawstyle="steps-post", **style.look(place), linewidth=1.8, label=label,
        marker=style.marker(place), markersize=5.0, markeredgecolor="white", markeredgewidth=0.6,
        markevery=list(range(0, len(xs) - 1, every)), zorder=3.0 - 0.01 * rank, clip_on=True,
    )  # fmt: skip


def _plain_ticks(ax: Axes, ratio: float) -> None:
    """Numbers as people write them, 1, 2, 4 and not powers, as long as there are few."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    if ratio < 2**12:
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())


def _add_legend(ax: Axes, count: int) -> None:
    """Where curves end high there is room below; many names go beside the picture."""
    if count > 6:
        style.add_legend(
            ax, "best first", loc="upper left", bbox_to_anchor=(1.01, 1.0), handlelength=3.2
        )
    else:
        style.add_legend(ax, "best first", handlelength=3.2)

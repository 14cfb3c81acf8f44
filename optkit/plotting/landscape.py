"""The way of solvers through a landscape: contours of a function of two variables, and the iterates on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from optkit.errors import InvalidInputError
from optkit.plotting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

_GRID = 121
_LEVELS = 18
# Contours at equal ratios above the lowest value where the values span more than this, else at equal distances.
_WIDE = 50.0
_MANY_POINTS, _SOME_POINTS = 45, 18


def plot_path(
    fun: Callable[..., Any],
    results: Any,
    *,
    args: tuple[Any, ...] = (),
    bounds: Any = None,
    minimum: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the iterates of one or several solves over the contours of a function of two variables.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)`` for x of shape (2,); called on a grid of 121 × 121 points. Values that are not finite stay
        blank.
    results : Result, array of shape (n, 2), or mapping of str to either
        Results whose history holds the points (``options={"keep_x": True}``), or the points themselves; a dict names
        them in the legend.
    args : tuple
        Further arguments of ``fun``.
    bounds : ((low, high), (low, high)), optional
        The part of the plane that is shown; by default that of the iterates with a margin.
    minimum : array_like of shape (2,), optional
        A point to mark with a cross of hairs.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib Axes
        Contours are at equal ratios above the lowest value on the grid where the values span several orders of
        magnitude, else at equal distances. A path starts at a ring and ends in a dot, or, after a failure, in a cross.

    Raises
    ------
    InvalidInputError
        When a history has no points, the points are not two-dimensional, or there is nothing finite to draw.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> def f(x):
    ...     return (1.0 - x[0]) ** 2 + 100.0 * (x[1] - x[0] ** 2) ** 2
    >>> result = optkit.minimize(f, [-1.2, 1.0], options={"keep_x": True})
    >>> ax = optkit.plot_path(f, result, minimum=[1.0, 1.0])
    >>> ax.get_xlabel(), len(ax.lines[0].get_xdata()) == result.nit + 1
    ('$x_0$', True)
    """
    paths = _paths(results)
    low, high = _frame(paths, bounds, minimum)
    ax = style.axes(ax, "plot_path", (6.4, 5.2))
    _draw_contours(ax, fun, args, low, high)
    for place, (name, (points, success)) in enumerate(paths.items()):
        _draw_path(ax, points, success, place, name)
    if minimum is not None:
        x, y = np.asarray(minimum, dtype=np.float64)
        for width, color in ((4.0, "white"), (1.8, style.INK)):
            ax.scatter(x, y, marker="+", s=260.0, color=color, linewidths=width, zorder=7.0)
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
    ax.set_xlabel("$x_0$")
    ax.set_ylabel("$x_1$")
    style.dress(ax, grid=False)
    if len(paths) > 1:
        # Below the picture: over it, it would hide a part of the landscape.
        below: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (-0.02, -0.12)}
        style.add_legend(ax, ncols=2, handlelength=3.0, **below)
    return ax


def _paths(results: Any) -> dict[str, tuple[Array, bool]]:
    """The points of each run, and whether it succeeded."""
    one = not isinstance(results, Mapping) or hasattr(results, "history") or "x" in results
    runs = {getattr(results, "method", "path"): results} if one else dict(results)
    if not runs:
        raise InvalidInputError("plot_path got no results; give it a Result, or a dict of them")
    paths = {}
    for name, run in runs.items():
        success = bool(getattr(run, "success", True))
        points: Any = run
        if hasattr(run, "history"):
            if "x" not in run.history.columns:
                raise InvalidInputError(
                    f"plot_path: the history of {name!r} has no points; solve with options={{'keep_x': True}}"
                )
            points = run.history.x
        points = np.asarray(points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or not len(points):
            raise InvalidInputError(
                f"plot_path: the points of {name!r} have shape {points.shape}; it takes problems of two variables, "
                "points of shape (n, 2)"
            )
        paths[str(name)] = points, success
    return paths


def _frame(paths: dict[str, tuple[Array, bool]], bounds: Any, minimum: Any) -> tuple[Array, Array]:
    """The lower and the upper corner of what is shown."""
    if bounds is not None:
        corners = np.asarray(bounds, dtype=np.float64)
        if corners.shape != (2, 2) or not np.all(corners[:, 0] < corners[:, 1]):
            raise InvalidInputError(
                f"plot_path: bounds must be ((low, high), (low, high)), got {bounds!r}"
            )
        return corners[:, 0], corners[:, 1]
    points = np.concatenate([points for points, _ in paths.values()])
    points = points[np.all(np.isfinite(points), axis=1)]
    if minimum is not None:
        points = np.vstack([points, np.asarray(minimum, dtype=np.float64)])
    if not len(points):
        raise InvalidInputError("plot_path: none of the points is finite")
    low, high = np.min(points, axis=0), np.max(points, axis=0)
    size = high - low
    # A path along an axis, or a single point, still needs a plane around it.
    size = np.maximum(size, 0.25 * np.max(size))
    size = np.where(size > 0.0, size, np.maximum(np.abs(high), 1.0))
    middle = (low + high) / 2
    return middle - 0.62 * size, middle + 0.62 * size


def _draw_contours(
    ax: Axes, fun: Callable[..., Any], args: tuple[Any, ...], low: Array, high: Array
) -> None:
    x, y = (np.linspace(a, b, _GRID) for a, b in zip(low, high, strict=True))
    with np.errstate(all="ignore"):
        values = np.array([[float(fun(np.array([a, b]), *args)) for a in x] for b in y])
    values[~np.isfinite(values)] = np.nan
    if np.all(np.isnan(values)):
        raise InvalidInputError("plot_path: the function is nowhere finite in what is shown")
    height, levels = _heights(values)
    if levels is None:  # The function is constant here: no contour is to be seen.
        return
    colors: dict[str, Any] = {"cmap": "Blues_r", "alpha": 0.55}
    masked = np.ma.masked_invalid(height)
    ax.contourf(x, y, masked, levels=levels, extend="both", zorder=0.5, **colors)
    ax.contour(
        x, y, masked, levels=levels, colors="0.35", linewidths=0.45, linestyles="solid", zorder=0.6
    )


def _heights(values: Array) -> tuple[Array, Array | None]:
    """What the contours are drawn of, and at which levels."""
    gap = values - np.nanmin(values)
    spread = gap[np.isfinite(gap) & (gap > 0.0)]
    if not len(spread):
        return gap, None
    floor, top = np.quantile(spread, [0.01, 1.0])
    if np.median(spread) * _WIDE > top and top < _WIDE * np.quantile(spread, 0.05):
        return gap / top, np.linspace(0.0, 1.0, _LEVELS)
    return np.log10(np.maximum(gap, floor)), np.linspace(np.log10(floor), np.log10(top), _LEVELS)


def _draw_path(ax: Axes, points: Array, success: bool, place: int, name: str) -> None:
    import matplotlib.patheffects as effects

    look = style.look(place)
    marked = np.arange(len(points))
    if len(points) > _MANY_POINTS:
        marked = np.unique(np.geomspace(1, len(points), _SOME_POINTS).astype(int)) - 1
    # Later paths are thinner, so that where several take one way those below are seen.
    width = max(3.0 - 0.45 * place, 1.2)
    halo = [effects.Stroke(linewidth=width + 1.4, foreground="white"), effects.Normal()]
    ax.plot(
        points[:, 0], points[:, 1], **look, linewidth=width, marker=style.marker(place),
        markersize=4.0 + 0.7 * width, markeredgecolor="white", markeredgewidth=0.5,
        markevery=list(marked), label=style.short(name), path_effects=halo, zorder=3.0 + 0.1 * place,
    )  # fmt: skip
    color = look["color"]
    top: dict[str, Any] = {"zorder": 5.0 + 0.1 * place}
    ax.scatter(
        points[0, 0],
        points[0, 1],
        s=60.0,
        facecolor="white",
        edgecolor=color,
        linewidths=1.8,
        **top,
    )
    finite = points[np.all(np.isfinite(points), axis=1)]
    if len(finite):
        shape: dict[str, Any] = (
            {"marker": "o", "s": 62.0} if success else {"marker": "X", "s": 95.0}
        )
        ax.scatter(
            finite[-1, 0],
            finite[-1, 1],
            color=color,
            edgecolors="white",
            linewidths=0.9,
            **shape,
            **top,
        )

"""How solves converged: the objective's gap, the gradient, the steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, overload

import numpy as np
from numpy.typing import NDArray

from optkit.errors import InvalidInputError, InvalidTypeError
from optkit.plotting import style
from optkit.plotting.live import LivePlot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
Abscissa = Literal["iteration", "evaluations", "seconds"]
Ordinate = Literal["gap", "gradient", "step"]

_X_LABELS = {
    "iteration": "iterations",
    "evaluations": "evaluations of the function",
    "seconds": "time (s)",
}
_Y_LABELS = {
    "gap": r"objective above the best known,  $f - f^*$",
    "gradient": r"gradient norm  $\|\nabla f\|$",
    "step": r"step length  $\|\Delta x\|$",
}
_Y_COLUMNS = {"gap": "fun", "gradient": "gradient_norm", "step": "step_norm"}

# The legend ranks by how soon a run comes down to this part of where it started.
_GOAL = 1e-6
# When one run is so many times longer than another, a linear axis would press the shorter one flat.
_UNEQUAL = 12.0
_MANY_POINTS, _SOME_POINTS = 20, 9


@dataclass(frozen=True)
class _Curve:
    """One run: its name, its place among the others as they came, its points, whether it succeeded."""

    name: str
    place: int
    x: Array
    y: Array
    gap: Array
    success: bool

    def rank(self) -> tuple[float, float]:
        """Sorts the sooner before the later; those that never get there after all others, by how far they get."""
        gap = np.where(np.isfinite(self.gap), self.gap, np.inf)
        there = np.flatnonzero(gap <= _GOAL * gap[np.argmax(np.isfinite(gap))])
        return (float(self.x[there[0]]), 0.0) if len(there) else (np.inf, float(np.min(gap)))

    def marked(self, linear_up_to: float | None) -> list[int]:
        """The points that get a marker: all where there are few, else some at equal distances along the axis."""
        shown = np.flatnonzero(np.isfinite(self.y))
        if len(shown) <= _MANY_POINTS:
            return [int(k) for k in shown]
        along = self.x[shown]
        if linear_up_to is not None:
            along = np.log1p(along / linear_up_to)
        wanted = np.linspace(along[0], along[-1], _SOME_POINTS)
        nearest = np.minimum(np.searchsorted(along, wanted), len(shown) - 1)
        return [int(k) for k in np.unique(shown[nearest])]


@overload
def plot_convergence(
    results: Any,
    *,
    x: Abscissa = ...,
    y: Ordinate = ...,
    f_min: float | None = ...,
    live: Literal[False] = ...,
    ax: Axes | None = ...,
) -> Axes: ...


@overload
def plot_convergence(
    results: Any = ...,
    *,
    x: Abscissa = ...,
    y: Ordinate = ...,
    f_min: float | None = ...,
    live: Literal[True],
    ax: Axes | None = ...,
) -> LivePlot: ...


def plot_convergence(
    results: Any = None,
    *,
    x: Abscissa = "iteration",
    y: Ordinate = "gap",
    f_min: float | None = None,
    live: bool = False,
    ax: Axes | None = None,
) -> Axes | LivePlot:
    """Draw how one or several solves converged, or how one converges while it runs.

    Parameters
    ----------
    results : Result or mapping of str to Result
        What `optkit.minimize` or `optkit.least_squares` returned; a dict names the runs in the legend. With ``live`` it
        may be left out.
    x : {"iteration", "evaluations", "seconds"}
        What progress is measured against.
    y : {"gap", "gradient", "step"}
        The objective above the best known value, the norm of the gradient, or the length of the steps (rejected steps,
        of length 0, are left out).
    f_min : float, optional
        The best known value; by default, and where a run has found a better one, the best of all runs.
    live : bool
        Return a callback for `optkit.minimize` that draws the solve while it runs, beside the ``results`` if there are
        any; see `LivePlot`.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib Axes, or LivePlot
        With one line per run, in the order of the legend, which ranks: first comes who is first to bring the
        objective's gap down to a millionth of its start, in what ``x`` measures. Runs end in a dot when they were
        successful and in a cross when not.

    Raises
    ------
    InvalidTypeError
        When a result has no history.
    InvalidInputError
        When ``x`` or ``y`` is none of the names above, or there is nothing to draw.

    Notes
    -----
    A gap that is zero, or below what float64 can tell from it, is drawn at that limit, or just below all other gaps
    where the best known value is 0.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> def f(x):
    ...     return np.sum((x - 1.0) ** 4)
    >>> runs = {name: optkit.minimize(f, np.zeros(3), method=name) for name in ("bfgs", "gradient-descent")}
    >>> ax = optkit.plot_convergence(runs, y="gradient")
    >>> ax.get_yscale()
    'log'

    While it runs, in a window or a notebook:

    >>> result = optkit.minimize(f, np.zeros(3), callback=optkit.plot_convergence(live=True, y="gradient"))
    """
    _validate(x, y)
    _validate_target(f_min)
    ax = style.axes(ax, "plot_convergence")
    if live:
        if x == "evaluations":
            raise InvalidInputError(
                "plot_convergence: a callback is not told the evaluations; live=True takes x='iteration' or 'seconds'"
            )
        before = {} if results is None else style.named(results)
        return LivePlot(ax, before, {"x": x, "y": y, "f_min": f_min})
    return _plot(_runs(results), x, y, f_min, ax)


def _plot(runs: dict[str, _Run], x: Abscissa, y: Ordinate, f_min: float | None, ax: Axes) -> Axes:
    gaps = _gaps({name: run.history["fun"] for name, run in runs.items()}, f_min)
    curves = []
    for place, (name, run) in enumerate(runs.items()):
        values = gaps[name] if y == "gap" else run.history[_Y_COLUMNS[y]]
        positive = np.where(np.isfinite(values) & (values > 0.0), values, np.nan)
        abscissa = np.asarray(run.history[x], dtype=np.float64)
        curves.append(_Curve(name, place, abscissa, positive, gaps[name], bool(run.success)))
    if not any(np.any(np.isfinite(curve.y)) for curve in curves):
        raise InvalidInputError(
            f"plot_convergence: no run has a positive and finite {_Y_COLUMNS[y]}, so there is nothing to draw; methods "
            "without derivatives know no gradient"
        )
    curves.sort(key=_Curve.rank)
    linear_up_to = _linear_up_to(curves)
    for rank, curve in enumerate(curves, start=1):
        _draw(ax, curve, rank, curve.marked(linear_up_to))
    _scale(ax, x, linear_up_to)
    style.dress(ax)
    if len(curves) > 1:
        style.add_legend(ax, "fastest first", handlelength=3.2)
    ax.set_xlabel(_X_LABELS[x])
    ax.set_ylabel(_Y_LABELS[y])
    return ax


class _Run(NamedTuple):
    history: Any
    success: bool


def _validate(x: str, y: str) -> None:
    for name, value, known in (("x", x, get_args(Abscissa)), ("y", y, get_args(Ordinate))):
        if value not in known:
            choices = ", ".join(map(repr, known))
            raise InvalidInputError(f"plot_convergence: {name}={value!r} is not one of {choices}")


def _validate_target(f_min: Any) -> None:
    if f_min is not None and (isinstance(f_min, bool) or not isinstance(f_min, Real)):
        raise InvalidTypeError(
            f"plot_convergence: f_min must be a number or None, got {f_min!r}; write, for example, f_min=0.0"
        )


def _runs(results: Any) -> dict[str, _Run]:
    """The runs by name, as far as there is anything to draw of them."""
    runs = style.named(results)
    if not runs:
        raise InvalidInputError(
            "plot_convergence got no results; give it a Result, or a dict of them by name"
        )
    for name, result in runs.items():
        if not hasattr(result, "history"):
            raise InvalidTypeError(
                f"plot_convergence: {name!r} is a {type(result).__name__} without a history; "
                "give it what optkit.minimize or optkit.least_squares returned"
            )
    return {name: _Run(result.history, result.success) for name, result in runs.items()}


def _gaps(values: Mapping[str, Array], f_min: float | None) -> dict[str, Array]:
    """The values above the best known one, kept above zero so that a logarithmic axis can show them."""
    everything = np.concatenate([np.zeros(0), *values.values()])
    finite = everything[np.isfinite(everything)]
    if not len(finite):
        raise InvalidInputError(
            "plot_convergence: no run has a finite value, so there is nothing to draw"
        )
    best = min(float(np.min(finite)), np.inf if f_min is None else float(f_min))
    gaps = finite - best
    precision = float(np.finfo(np.float64).eps) * abs(best)
    smallest = np.min(gaps[gaps > precision], initial=np.inf)
    floor = precision or (0.1 * smallest if np.isfinite(smallest) else 1.0)
    return {name: np.maximum(value - best, floor) for name, value in values.items()}


def _draw(ax: Axes, curve: _Curve, rank: int, marked: list[int]) -> None:
    # The style goes by the place in the dict that came, so that a method keeps it from picture to picture.
    seen = bool(np.any(np.isfinite(curve.y)))
    name = style.short(curve.name) + ("" if seen else " (nothing to draw)")
    (line,) = ax.plot(
        curve.x,
        curve.y,
        **style.look(curve.place),
        linewidth=1.8,
        marker=style.marker(curve.place),
        markersize=5.5,
        markeredgecolor="white",
        markeredgewidth=0.7,
        markevery=marked,
        label=f"{rank}  {name}",
        zorder=3.0 - 0.01 * rank,
    )
    last = np.flatnonzero(np.isfinite(curve.y))[-1:]
    ax.scatter(
        curve.x[last],
        curve.y[last],
        color=line.get_color(),
        marker="o" if curve.success else "x",
        s=42.0 if curve.success else 60.0,
        linewidths=0.0 if curve.success else 2.2,
        zorder=line.get_zorder() + 0.005,
    )


def _linear_up_to(curves: list[_Curve]) -> float | None:
    """Where an axis that is linear at first, because every run starts at 0, becomes logarithmic; None for never."""
    moving = [curve.x for curve in curves if len(curve.x) > 1 and curve.x[-1] > 0.0]
    ends = [float(x[-1]) for x in moving]
    if not moving or max(ends) <= _UNEQUAL * min(ends):
        return None
    first = min(float(x[x > 0.0][0]) for x in moving)
    return float(10.0 ** np.floor(np.log10(first)))


def _scale(ax: Axes, x: Abscissa, linear_up_to: float | None) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set_yscale("log")
    if linear_up_to is not None:
        ax.set_xscale("symlog", linthresh=linear_up_to, linscale=0.6)
        ax.set_xlim(left=0.0)
        return
    ax.margins(x=0.02)
    if x != "seconds" and ax.get_xscale() == "linear":
        ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))

"""A fit: the data, the model with its band of confidence, and the residuals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from optkit import ad
from optkit.errors import InvalidInputError
from optkit.plotting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

_POINTS = 400
# More data than this are drawn smaller, and below the curve.
_SEVERAL = 60
# Height of the residuals, and their distance from the fit, in parts of the axes' height.
_BELOW, _DISTANCE = 0.3, 0.06


def plot_fit(  # noqa: PLR0913  # what a fit consists of
    model: Callable[..., Any],
    xdata: Any,
    ydata: Any,
    result: Any,
    *,
    sigma: Any = None,
    confidence: float | None = 0.95,
    residuals: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw a fitted curve over its data, with a band of confidence, and the residuals below.

    Parameters
    ----------
    model : callable
        ``model(x, *parameters)``, as for `scipy.optimize.curve_fit`, plain NumPy; x is an array.
    xdata, ydata : array_like of shape (m,)
        The data.
    result : LeastSquaresResult, or anything with ``x`` and ``covariance``
        The estimates, and their covariance of shape (n, n).
    sigma : float or array_like of shape (m,), optional
        Standard deviations of ``ydata``: drawn as error bars, and the residuals are measured in them.
    confidence : float or None
        The level of the band of the curve, between 0 and 1, pointwise; None for no band.
    residuals : bool
        Whether to draw the residuals, data minus model, in a panel below (``ax.child_axes[0]``).
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib Axes
        Of the fit.

    Raises
    ------
    InvalidInputError
        For data of different lengths, or a level outside (0, 1).
    RankDeficientError
        When the data do not determine every parameter, so that there is no band; ``confidence=None`` leaves it out.

    Notes
    -----
    The band is f(x, p) ± t √(gᵀ C g), with the gradient g of the model with respect to its parameters from automatic
    differentiation, their covariance C, and Student's t for m − n degrees of freedom (D. M. Bates, D. G. Watts,
    Nonlinear Regression Analysis and Its Applications, 1988, §2.3).

    Examples
    --------
    >>> import numpy as np, optkit
    >>> x = np.linspace(0.0, 4.0, 9)
    >>> y = np.array([2.1, 1.5, 1.3, 0.9, 0.7, 0.6, 0.4, 0.4, 0.2])
    >>> def model(x, a, k):
    ...     return a * np.exp(-k * x)
    >>> fit = optkit.least_squares(lambda p: model(x, *p) - y, [1.0, 1.0])
    >>> ax = optkit.plot_fit(model, x, y, fit)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['data', 'fit', '95 % band of the curve']
    """
    x, y, errors = _data(xdata, ydata, sigma)
    p = np.asarray(result.x, dtype=np.float64).ravel()
    if confidence is not None and not 0.0 < confidence < 1.0:
        raise InvalidInputError(
            f"plot_fit: confidence must be between 0 and 1, or None, got {confidence!r}"
        )
    at_data = _values(model, x, p)
    grid = _grid(x)
    curve = _values(model, grid, p)
    # All that may fail comes before anything is drawn.
    reach = None if confidence is None else _reach(model, grid, p, result, len(x), confidence)
    own = ax is None
    ax = style.axes(ax, "plot_fit", (6.8, 5.4) if residuals else (6.8, 4.4))
    if own:  # The layout leaves a little less room than the panel below needs.
        ax.figure.get_layout_engine().set(h_pad=0.12)  # type: ignore[union-attr, call-arg]
    if reach is not None:
        label = f"{100 * float(confidence or 0):.4g} % band of the curve"
        low, high = curve - reach, curve + reach
        ax.fill_between(grid, low, high, color=style.BLUE, alpha=0.2, linewidth=0.0, label=label)
    ax.plot(
        grid,
        curve,
        color=style.BLUE,
        linewidth=2.0,
        label="fit",
        zorder=2.5 if len(x) <= _SEVERAL else 3.5,
    )
    _draw_points(ax, x, y, errors)
    style.dress(ax)
    handles, labels = ax.get_legend_handles_labels()
    order = np.argsort([["data", "fit"].index(t) if t in ("data", "fit") else 2 for t in labels])
    ordered: dict[str, Any] = {
        "handles": [handles[i] for i in order],
        "labels": [labels[i] for i in order],
    }
    style.add_legend(ax, **ordered, markerscale=_point_size(0) / _point_size(len(x)))
    if residuals:
        _draw_residuals(ax, x, y - at_data, errors)
    return ax


def _data(xdata: Any, ydata: Any, sigma: Any) -> tuple[Array, Array, Array | None]:
    x, y = (np.asarray(values, dtype=np.float64) for values in (xdata, ydata))
    if x.ndim != 1 or x.shape != y.shape or not len(x):
        raise InvalidInputError(
            f"plot_fit: xdata and ydata must be of one shape (m,), got {x.shape} and {y.shape}"
        )
    if sigma is None:
        return x, y, None
    errors = np.asarray(sigma, dtype=np.float64)
    if errors.shape not in ((), x.shape) or not np.all(errors > 0.0):
        raise InvalidInputError(
            f"plot_fit: sigma must be positive, a number or of shape {x.shape}, got shape {errors.shape}"
        )
    return x, y, np.broadcast_to(errors, x.shape)


def _grid(x: Array) -> Array:
    """Where the curve is evaluated: from the first to the last datum, and at the data themselves."""
    return np.union1d(np.linspace(np.min(x), np.max(x), _POINTS), x)


def _values(model: Callable[..., Any], x: Array, p: Array) -> Array:
    values = np.asarray(model(x, *p), dtype=np.float64)
    if values.shape not in (x.shape, ()):
        raise InvalidInputError(
            f"plot_fit: the model returned shape {values.shape} for x of shape {x.shape}; it is called as "
            "model(x, *parameters) with an array x"
        )
    return np.broadcast_to(values, x.shape)


def _reach(
    model: Callable[..., Any], x: Array, p: Array, result: Any, m: int, confidence: float
) -> Array | None:
    """Half the width of the band; None where there are no degrees of freedom left to tell it from."""
    if m <= len(p):
        return None

    def curve(q: Any) -> Any:
        return model(x, *q) + np.zeros(len(x))

    slopes = ad.jacobian(curve)(p)
    covariance = np.asarray(result.covariance)
    variance = np.einsum("mi,ij,mj->m", slopes, covariance, slopes)
    student = float(stdtrit(m - len(p), (1.0 + confidence) / 2.0))
    reach: Array = student * np.sqrt(np.maximum(variance, 0.0))
    return reach


def _point_size(m: int) -> float:
    return 6.5 if m <= _SEVERAL else 4.0 if m <= 400 else 2.2


def _draw_points(ax: Axes, x: Array, y: Array, errors: Array | None, label: str = "data") -> None:
    # Many points hide each other: smaller and without a rim then.
    size = _point_size(len(x))
    ax.errorbar(
        x, y, yerr=errors, fmt="o", color=style.VERMILION, markersize=size, elinewidth=1.1,
        markeredgecolor="white", markeredgewidth=0.6 if len(x) <= 400 else 0.0, label=label, zorder=3.0,
    )  # fmt: skip


def _draw_residuals(ax: Axes, x: Array, r: Array, errors: Array | None) -> None:
    """The panel below; it belongs to ``ax``, so layouts make room for it."""
    below = ax.inset_axes((0.0, -_BELOW - _DISTANCE, 1.0, _BELOW), sharex=ax)
    ax.tick_params(labelbottom=False)
    if errors is not None:
        r, errors = r / errors, np.ones_like(r)
    below.axhline(0.0, color=style.BLUE, linewidth=1.2)
    _draw_points(below, x, r, errors, "")
    style.dress(below)
    finite = np.abs(r[np.isfinite(r)]) + (1.0 if errors is not None else 0.0)
    top = 1.15 * np.max(finite, initial=0.0)
    if top > 0.0:
        below.set_ylim(-top, top)
    # The labels carry their own exponents: a common one would stand in the panel above.
    below.yaxis.set_major_formatter(lambda value, _: f"{value:.3g}".replace("-", "−"))
    below.set_ylabel("residuals" if errors is None else "residuals / σ")

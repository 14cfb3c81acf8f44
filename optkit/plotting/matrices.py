"""A Jacobian: where its entries are and how large, and its singular values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from optkit.errors import InvalidInputError, InvalidTypeError
from optkit.plotting import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
What = Literal["sparsity", "singular values"]

# A picture shows at most so many cells along an axis; of more entries each cell shows the largest.
_CELLS = 400
_MOST_DENSE = 25_000_000
_FEW_NAMES = 24


def plot_jacobian(
    jacobian: Any,
    *,
    what: What = "sparsity",
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the pattern of a Jacobian with the size of its entries, or its singular values.

    Parameters
    ----------
    jacobian : array_like of shape (m, n), sparse array, or LeastSquaresResult
        Any matrix; of a result its ``jac``.
    what : {"sparsity", "singular values"}
        Where entries are, coloured by their size (zeros stay white, what is not finite is orange); or the singular
        values with the limit below which they cannot be told from zero.
    names : sequence of str, optional
        Of the columns, the parameters.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidInputError
        For what is no matrix, an unknown ``what``, entries that are not finite where singular values are wanted, or
        a sparse matrix that is too large to be made dense for them.

    Notes
    -----
    The limit is max(m, n) ε σ₁, as in `numpy.linalg.matrix_rank`. Of matrices of more than 400 rows or columns each
    cell of the picture shows the largest of its entries, so that no entry is lost.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> ax = optkit.plot_jacobian(np.diag([1.0, 1e-3, 0.0]))
    >>> ax.get_title(loc="left")
    '3 × 3, 2 nonzero entries (22.2 %)'
    >>> ax = optkit.plot_jacobian(np.diag([1.0, 1e-3, 0.0]), what="singular values")
    >>> ax.get_title(loc="left")
    'rank 2 of 3'
    """
    if what not in get_args(What):
        raise InvalidInputError(
            f"plot_jacobian: what={what!r} is not one of {', '.join(map(repr, get_args(What)))}"
        )
    matrix = _matrix(jacobian)
    if names is not None and len(names) != matrix.shape[1]:
        raise InvalidInputError(
            f"plot_jacobian: {len(names)} names for {matrix.shape[1]} columns of the Jacobian"
        )
    if what == "sparsity":
        return _draw_pattern(matrix, names, ax)
    return _draw_singular_values(matrix, ax)


def _matrix(jacobian: Any) -> Any:
    """The matrix, sparse or dense."""
    matrix = jacobian.jac if hasattr(jacobian, "jac") else jacobian
    if scipy.sparse.issparse(matrix):
        return scipy.sparse.coo_array(matrix)
    try:
        matrix = np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(
            f"plot_jacobian: expected a matrix of real numbers, got a {type(jacobian).__name__}"
        ) from error
    if matrix.ndim != 2 or not matrix.size:
        raise InvalidInputError(
            f"plot_jacobian: a Jacobian has shape (m, n) with m, n ≥ 1, got {matrix.shape}"
        )
    return matrix


def _draw_pattern(matrix: Any, names: Sequence[str] | None, ax: Axes | None) -> Axes:
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import MaxNLocator

    m, n = matrix.shape
    sparse = scipy.sparse.coo_array(matrix)
    sparse.sum_duplicates()
    sizes, broken = _cells(sparse)
    wide = float(np.clip(n / m, 0.35, 2.6))
    ax = style.axes(ax, "plot_jacobian", (min(3.2 * wide, 7.0) + 1.9, min(3.2 / wide, 6.0) + 1.3))
    extent = (-0.5, n - 0.5, m - 0.5, -0.5)
    frame: dict[str, Any] = {"extent": extent, "aspect": "auto", "interpolation": "nearest"}
    shown = np.ma.masked_invalid(sizes)
    if shown.count():
        low, high = float(shown.min()), float(shown.max())
        spread = LogNorm(low, high) if low < high else LogNorm(low / 2, low * 2)
        image = ax.imshow(shown, cmap="cividis_r", norm=spread, **frame)
        bar = ax.figure.colorbar(image, ax=ax, fraction=0.05, pad=0.03)
        bar.set_label("size of the entry")
        bar.outline.set_visible(False)
    if np.any(broken):
        marked = np.ma.masked_where(~broken, np.ones(broken.shape))
        from matplotlib.colors import ListedColormap

        ax.imshow(marked, cmap=ListedColormap([style.VERMILION]), **frame)
    ax.set_xlim(extent[:2])
    ax.set_ylim(extent[2:])
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
    if names is not None and n <= _FEW_NAMES:
        turned: dict[str, Any] = {"rotation": 45.0, "ha": "right", "rotation_mode": "anchor"}
        long = max(map(len, names)) * n > 40
        ax.set_xticks(
            range(n), labels=[style.short(name) for name in names], **(turned if long else {})
        )
    ax.set_xlabel("parameter")
    ax.set_ylabel("residual")
    ax.spines[:].set_color(style.GREY)
    ax.set_title(
        _count(sparse, int(np.sum(~np.isfinite(sparse.data)))), loc="left", fontsize="medium"
    )
    return ax


def _count(sparse: Any, broken: int) -> str:
    m, n = sparse.shape
    nonzero = int(np.count_nonzero(sparse.data))
    share = 100.0 * nonzero / (m * n)
    text = f"{m:,} × {n:,}, {nonzero:,} nonzero entries ({share:.3g} %)"
    return text if not broken else f"{text}, {broken:,} not finite"


def _cells(sparse: Any) -> tuple[Array, NDArray[np.bool_]]:
    """For each cell of the picture the size of its largest entry (NaN for none), and whether one is not finite."""
    m, n = sparse.shape
    rows, columns = min(m, _CELLS), min(n, _CELLS)
    i, j = sparse.coords[0] * rows // m, sparse.coords[1] * columns // n
    size = np.abs(sparse.data.astype(np.float64))
    finite = np.isfinite(size)
    largest = np.zeros((rows, columns))
    np.maximum.at(largest, (i[finite], j[finite]), size[finite])
    broken = np.zeros((rows, columns), dtype=bool)
    broken[i[~finite], j[~finite]] = True
    return np.where(largest > 0.0, largest, np.nan), broken


def _draw_singular_values(matrix: Any, ax: Axes | None) -> Axes:
    from matplotlib.ticker import MaxNLocator

    m, n = matrix.shape
    if scipy.sparse.issparse(matrix):
        if m * n > _MOST_DENSE:
            raise InvalidInputError(
                f"plot_jacobian: a sparse {m} × {n} matrix is too large for all its singular values; "
                "scipy.sparse.linalg.svds gives the largest"
            )
        matrix = matrix.toarray()
    if not np.all(np.isfinite(matrix)):
        raise InvalidInputError(
            "plot_jacobian: the Jacobian has entries that are not finite, and so no singular values"
        )
    values = np.linalg.svd(matrix, compute_uv=False)
    limit = max(m, n) * np.finfo(np.float64).eps * values[0]
    rank = int(np.sum(values > limit))
    ax = style.axes(ax, "plot_jacobian")
    ax.set_yscale("log")
    number = np.arange(1, len(values) + 1)
    sound, floor = values > limit, max(limit / 10.0, np.finfo(np.float64).tiny)
    mark: dict[str, Any] = {"linestyle": "none", "markersize": 6.5 if len(values) <= 60 else 3.0}
    ax.plot(number[sound], values[sound], "o", color=style.BLUE, label="singular values", **mark)
    if rank < len(values):
        low = np.maximum(values[~sound], floor)
        label = "indistinguishable from 0"
        ax.plot(number[~sound], low, "X", color=style.VERMILION, label=label, **mark)
    if values[0] > 0.0:
        ax.axhline(
            limit,
            color=style.GREY,
            linewidth=1.1,
            linestyle=(0, (4, 2)),
            label="limit of precision",
        )
    style.dress(ax)
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
    ax.margins(x=0.04)
    ax.set_xlabel("number")
    ax.set_ylabel("singular value")
    style.add_legend(ax, handlelength=1.8)
    title = f"rank {rank} of {n}"
    if rank == n:
        title += f", condition number {values[0] / values[-1]:.2g}"
    ax.set_title(title, loc="left", fontsize="medium")
    return ax

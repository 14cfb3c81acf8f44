"""The one table of cases: functions with the points at which their derivatives are to be proven.

A row of the table is a function of arrays; shapes, axes, keywords and layouts in memory are multiplied out from it.
Tests of the rules, of backends and of speed go through the same cases. A case knows how to make its arguments, away
from the points where it has no derivative, and an oracle for its derivative that has nothing to do with the engine.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Domain:
    """Where an operand is sampled: a union of intervals, and what makes a matrix of the kind that is needed.

    The samples of one operand keep a distance to each other, so that no two are tied.
    """

    pieces: tuple[tuple[float, float], ...]
    matrix: Callable[[Array], Array] | None = None

    def sample(self, random: np.random.Generator, shape: Shape) -> Array:
        """An array of that shape."""
        size = math.prod(shape)
        part = (random.permutation(size) + random.uniform(0.25, 0.75, size)) / max(size, 1)
        ends = np.cumsum([0.0, *(high - low for low, high in self.pieces)])
        x = np.zeros(size)
        for start, end, (low, _) in zip(ends[:-1], ends[1:], self.pieces, strict=True):
            at = part * ends[-1] - start
            x = np.where((at >= 0.0) & (at < end - start), low + at, x)
        x = x.reshape(shape)
        return x if self.matrix is None else self.matrix(x)


def _dominant(x: Array) -> Array:
    return x + 2.0 * np.eye(x.shape[-1])


def _graded(x: Array) -> Array:
    return x * (0.5 + np.arange(x.size, dtype=float).reshape(x.shape) ** 2 / 16.0)


REAL = Domain(((-2.0, 2.0),))
NONZERO = Domain(((-2.0, -0.2), (0.2, 2.0)))
POSITIVE = Domain(((0.2, 3.0),))
UNIT = Domain(((-0.9, 0.9),))
ABOVE_ONE = Domain(((1.2, 3.0),))
FRACTION = Domain(((-1.9, -1.1), (-0.9, -0.1), (0.1, 0.9), (1.1, 1.9)))  # no integers
BETWEEN = Domain(((-0.6, -0.4), (0.4, 0.6)))  # apart from FAR by 0.2
FAR = Domain(((-1.0, -0.8), (-0.2, 0.2), (0.8, 1.0)))
UNEVEN = Domain(NONZERO.pieces, _graded)  # sums of rows and columns are far from each other, too
REGULAR = Domain(((-0.6, 0.6),), _dominant)


@dataclass(frozen=True)
class Case:
    """A function, the shapes and domains of its operands, and how well its derivative can be known.

    Attributes
    ----------
    name : str
        The function with its keywords and shapes, unique in the table.
    function : callable
        Takes one array per operand and gives an array or a number.
    shapes, domains : tuple
        Of the operands.
    layout : {"C", "F", "strided"}
        How the operands lie in memory.
    analytic : bool
        Whether the function takes complex numbers and is complex differentiable, so that the complex step gives its
        derivative to the last digit; otherwise extrapolated differences give about ten.
    ulps : int
        By how many units in the last place (of the largest number around) its value under differentiation may differ
        from the plain one.
    reason : str
        Why the row is an exception, where it is one.
    """

    name: str
    function: Callable[..., Any]
    shapes: tuple[Shape, ...]
    domains: tuple[Domain, ...]
    layout: str = "C"
    analytic: bool = True
    ulps: int = 0
    reason: str = ""

    @property
    def family(self) -> str:
        """The name without shapes and keywords."""
        return self.name.partition("[")[0]

    def arguments(self, dtype: Any = np.float64) -> tuple[Array, ...]:
        """The operands: the same ones at every call, in new memory."""
        random = np.random.default_rng(sum(map(ord, self.name)))
        return tuple(
            _laid_out(domain.sample(random, shape).astype(dtype), self.layout)
            for domain, shape in zip(self.domains, self.shapes, strict=True)
        )

    def directions(self, dtype: Any = np.float64) -> tuple[Array, ...]:
        """A direction of the order of 1 for each operand."""
        random = np.random.default_rng(sum(map(ord, self.name)) + 1)
        return tuple(random.uniform(-1.0, 1.0, shape).astype(dtype) for shape in self.shapes)

    def slope(self) -> Array:
        """The derivative at ``arguments()`` along ``directions()``, by the oracle."""
        x, v = self.arguments(), self.directions()

        def along(t: complex) -> Array:
            return np.asarray(self.function(*(a + t * d for a, d in zip(x, v, strict=True))))

        return along(1e-30j).imag / 1e-30 if self.analytic else extrapolated_slope(along)

    @property
    def accuracy(self) -> float:
        """The relative accuracy of `slope`."""
        return 1e-12 if self.analytic else 1e-8


def extrapolated_slope(along: Callable[[float], Array]) -> Array:
    """The derivative at 0 by central differences, extrapolated to step 0 (Richardson), without an error bar."""
    steps = [2.0**-k for k in range(12, 16)]
    table = [(along(h) - along(-h)) / (2.0 * h) for h in steps]
    for order in range(1, len(steps)):
        factor = 4.0**order
        table = [(factor * b - a) / (factor - 1.0) for a, b in itertools.pairwise(table)]
    return table[0]


def _laid_out(x: Array, layout: str) -> Array:
    if layout == "F":
        return np.asfortranarray(x)
    if layout == "strided":
        spread = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), dtype=x.dtype)
        spread[..., ::2] = x
        return spread[..., ::2]
    return x


# --- what rows are multiplied by --------------------------------------------------------------------------------------

SHAPES: tuple[Shape, ...] = ((), (1,), (3,), (1, 3), (2, 3), (2, 1, 3), (0,), (0, 3))
# fmt: off
BROADCASTS: tuple[tuple[Shape, Shape], ...] = (
    ((), ()), ((), (3,)), ((3,), ()), ((1,), (3,)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (3,)),
    ((1, 3), (2, 1)), ((2, 1, 3), (2, 1)), ((0, 3), (1,)), ((), (0,)),
)
# fmt: on


def _axes(ndim: int) -> list[Any]:
    """None, every axis from both ends, pairs in both orders, all of them."""
    pairs = [(-1, 0), *itertools.permutations(range(ndim), 2)] if ndim > 1 else []
    return list(dict.fromkeys([None, *range(-ndim, ndim), *pairs, tuple(range(ndim))]))


def _text(shapes: tuple[Shape, ...], **keywords: Any) -> str:
    given = ["x".join(map(str, shape)) or "()" for shape in shapes]
    for key, value in keywords.items():
        given.append(
            f"{key}=mask{value.sum()}" if isinstance(value, np.ndarray) else f"{key}={value}"
        )
    return ", ".join(given)


def _case(
    name: str, function: Callable[..., Any], *shapes: Shape, domains: Any = REAL, **options: Any
) -> Case:
    """One case; ``domains`` is one for all operands or a tuple of them."""
    each = domains if isinstance(domains, tuple) else (domains,) * len(shapes)
    return Case(f"{name}[{_text(shapes)}]", function, shapes, each, **options)


def _unary(function: Any, domain: Domain, analytic: bool) -> Iterator[Case]:
    name = function.__name__
    for shape in SHAPES:
        yield _case(name, function, shape, domains=domain, analytic=analytic)
    for layout in ("F", "strided"):
        yield Case(f"{name}[2x3, {layout}]", function, ((2, 3),), (domain,), layout, analytic)


def _binary(function: Any, left: Domain, right: Domain, analytic: bool) -> Iterator[Case]:
    for shapes in BROADCASTS:
        yield _case(function.__name__, function, *shapes, domains=(left, right), analytic=analytic)


def _along_axes(
    function: Any,
    shapes: tuple[Shape, ...],
    domain: Domain = REAL,
    analytic: bool = True,
    **keywords: Any,
) -> Iterator[Case]:
    """A reduction over every choice of axes, with and without keepdims."""
    for shape in shapes:
        for axis, keepdims in itertools.product(_axes(len(shape)), (False, True)):
            given = keywords | {"axis": axis, "keepdims": keepdims}
            name = f"{function.__name__}[{_text((shape,), **given)}]"
            yield Case(name, partial(function, **given), (shape,), (domain,), analytic=analytic)


def _along_one_axis(function: Any, flat: bool = True, **keywords: Any) -> Iterator[Case]:
    """A cumulative function along every axis and, where it can, over all elements."""
    for shape in ((3,), (2, 3), (2, 3, 2), (0, 3)):
        for axis in [*range(-len(shape), len(shape)), *([None] if flat else [])]:
            given = keywords | {"axis": axis}
            name = f"{function.__name__}[{_text((shape,), **given)}]"
            yield Case(name, partial(function, **given), (shape,), (REAL,))


# --- elementwise ------------------------------------------------------------------------------------------------------

# fmt: off
_ANALYTIC: tuple[tuple[Any, Domain], ...] = (
    (np.negative, REAL), (np.positive, REAL), (np.square, REAL), (np.reciprocal, NONZERO), (np.sqrt, POSITIVE),
    (np.exp, REAL), (np.exp2, REAL), (np.expm1, REAL), (np.log, POSITIVE), (np.log2, POSITIVE), (np.log10, POSITIVE),
    (np.log1p, UNIT), (np.sin, REAL), (np.cos, REAL), (np.tan, UNIT), (np.arcsin, UNIT), (np.arccos, UNIT),
    (np.arctan, REAL), (np.sinh, REAL), (np.cosh, REAL), (np.tanh, REAL), (np.arcsinh, REAL), (np.arccosh, ABOVE_ONE),
    (np.arctanh, UNIT),
)
_OF_REALS: tuple[tuple[Any, Domain], ...] = (
    (np.absolute, NONZERO), (np.fabs, NONZERO), (np.cbrt, NONZERO), (np.deg2rad, REAL), (np.radians, REAL),
    (np.rad2deg, REAL), (np.degrees, REAL), (np.conjugate, REAL), (np.real, REAL),
)
_ANALYTIC_PAIRS: tuple[tuple[Any, Domain, Domain], ...] = (
    (np.add, REAL, REAL), (np.subtract, REAL, REAL), (np.multiply, REAL, REAL), (np.divide, REAL, NONZERO),
    (np.power, POSITIVE, REAL), (np.float_power, POSITIVE, REAL),
)
_PAIRS_OF_REALS: tuple[tuple[Any, Domain, Domain], ...] = (
    (np.arctan2, NONZERO, POSITIVE), (np.hypot, NONZERO, POSITIVE), (np.logaddexp, REAL, REAL),
    (np.logaddexp2, REAL, REAL), (np.copysign, NONZERO, NONZERO), (np.heaviside, NONZERO, REAL),
    (np.remainder, Domain(((7.2, 8.8),)), Domain(((-2.39, -2.21),))),  # quotients between −3 and −4
    (np.fmod, Domain(((-8.8, -7.2),)), Domain(((2.21, 2.39),))),
    (np.maximum, BETWEEN, FAR), (np.minimum, BETWEEN, FAR), (np.fmax, BETWEEN, FAR), (np.fmin, BETWEEN, FAR),
)
# fmt: on


def _raised(exponent: float, x: Any) -> Any:
    return x**exponent


def _elementwise() -> Iterator[Case]:
    for analytic, rows in ((True, _ANALYTIC), (False, _OF_REALS)):
        for function, domain in rows:
            yield from _unary(function, domain, analytic)
    for analytic, pairs in ((True, _ANALYTIC_PAIRS), (False, _PAIRS_OF_REALS)):
        for function, left, right in pairs:
            yield from _binary(function, left, right, analytic)
    for exponent, domain in ((2, NONZERO), (3, NONZERO), (-3.0, NONZERO), (0.5, POSITIVE)):
        for shape in SHAPES:
            yield _case(f"x ** {exponent}", partial(_raised, exponent), shape, domains=domain)
    yield _case("2 ** x", lambda x: 2**x, (2, 3))
    yield _case("x ** x", lambda x: x**x, (2, 3), domains=POSITIVE)
    yield _case("1 - 2 / x", lambda x: 1 - 2 / x, (2, 3), domains=NONZERO)
    yield _case("divmod", lambda x: sum(divmod(x, 2)), (2, 3), domains=FRACTION, analytic=False)


# --- reductions and cumulative functions ------------------------------------------------------------------------------

_MASK = np.array([[True, False, True], [True, True, False]])
_COLUMN = np.array([[True], [False]])
_FULL: tuple[Shape, ...] = ((), (1,), (3,), (2, 3), (2, 1, 3))
_MATRIX: tuple[Shape, ...] = ((2, 3),)

# fmt: off
_REDUCTIONS: tuple[tuple[Any, tuple[Shape, ...], bool, dict[str, Any]], ...] = (
    (np.sum, (*_FULL, (0, 3)), True, {}), (np.prod, (*_FULL, (0, 3)), True, {}), (np.mean, _FULL, True, {}),
    (np.max, _FULL, True, {}), (np.min, _FULL, True, {}), (np.ptp, ((3,), (2, 3)), True, {}),
    (np.var, _FULL, False, {}), (np.std, ((3,), (2, 3), (3, 1, 2)), False, {}),
    (np.sum, _MATRIX, True, {"initial": 2.5}), (np.prod, _MATRIX, True, {"initial": 2.5}),
    (np.max, _MATRIX, True, {"initial": 0.1}), (np.min, _MATRIX, True, {"initial": 0.1}),
    (np.sum, _MATRIX, True, {"where": _MASK}), (np.prod, _MATRIX, True, {"where": _MASK}),
    (np.sum, _MATRIX, True, {"where": _COLUMN}), (np.mean, _MATRIX, True, {"where": _MASK}),
    (np.max, _MATRIX, True, {"where": _MASK, "initial": -1.9}),
    (np.min, _MATRIX, True, {"where": _MASK, "initial": 1.9}),
    (np.var, _MATRIX, False, {"where": _MASK}), (np.var, _MATRIX, False, {"ddof": 1}),
    (np.var, _MATRIX, False, {"correction": 0.5}), (np.std, _MATRIX, False, {"ddof": 0.5}),
    (np.sum, _MATRIX, False, {"dtype": np.float64}), (np.mean, _MATRIX, False, {"dtype": np.float64}),
)
# fmt: on


def _reductions() -> Iterator[Case]:
    for function, shapes, analytic, keywords in _REDUCTIONS:
        yield from _along_axes(function, shapes, analytic=analytic, **keywords)
    yield from _along_one_axis(np.cumsum)
    yield from _along_one_axis(np.cumprod)
    yield from _along_one_axis(np.diff, flat=False)
    yield from _along_one_axis(np.diff, flat=False, n=2)
    yield _case("diff ends", lambda x: np.diff(x, axis=0, prepend=0.0, append=x[:1]), (2, 3))
    yield _case("var about", _var_about_mean, (2, 3), analytic=False)
    yield _case("max of list", lambda x: np.max([x[0], x[1] * x[2]]), (3,))
    yield _case("sum of list", lambda x: np.sum([x[0], x[1] * x[2]]), (3,))
    yield _case("builtin sum", lambda x: sum(x), (3,))
    yield _case("builtin max", lambda x: max(x), (3,), analytic=False)
    yield _case("reduce", lambda x: np.add.reduce(x) * np.multiply.reduce(x, axis=1).sum(), (2, 3))
    yield _case("accumulate", lambda x: np.add.accumulate(x, axis=1), (2, 3))
    yield _case(
        "methods", lambda x: x.sum(0) * x.mean(axis=-1, keepdims=True) + x.max() * x.prod(0), (2, 3)
    )


def _var_about_mean(x: Any) -> Any:
    return np.var(x, axis=0, mean=np.mean(x, axis=0, keepdims=True))


# --- shape, joining, splitting ----------------------------------------------------------------------------------------

# fmt: off
# Of one array of shape (2, 3, 4).
_REARRANGED: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("reshape", lambda x: np.reshape(x, (3, 2, 4))), ("reshape -1", lambda x: x.reshape(-1, 6)),
    ("reshape F", lambda x: np.reshape(x, (4, 6), order="F")), ("reshape A", lambda x: x.T.reshape(6, 4, order="A")),
    ("ravel", np.ravel), ("ravel F", lambda x: x.ravel(order="F")), ("ravel K", lambda x: x.T.ravel("K")),
    ("flatten", lambda x: x.flatten()), ("transpose", np.transpose), ("T", lambda x: x.T), ("mT", lambda x: x.mT),
    ("transpose axes", lambda x: np.transpose(x, (1, -1, 0))), ("permute", lambda x: x.transpose(2, 0, 1)),
    ("swapaxes", lambda x: np.swapaxes(x, 0, -1)), ("moveaxis", lambda x: np.moveaxis(x, (0, -1), (1, 0))),
    ("rollaxis", lambda x: np.rollaxis(x, 2, 1)), ("expand_dims", lambda x: np.expand_dims(x, (0, -1))),
    ("squeeze", lambda x: np.squeeze(x[:1])), ("squeeze axis", lambda x: np.squeeze(x[:, :1, :1], axis=(-1, 1))),
    ("atleast_1d", lambda x: np.atleast_1d(x[0, 0, 0])), ("atleast_2d", lambda x: np.atleast_2d(x[0, 0])),
    ("atleast_3d", lambda x: np.atleast_3d(x[0])),
    ("broadcast_to", lambda x: np.broadcast_to(x[:, :1], (5, 2, 3, 4))),
    ("broadcast_arrays", lambda x: np.broadcast_arrays(x[:1], x)[0]),
    ("array_split", lambda x: np.array_split(x, 3, axis=2)[1]), ("split", lambda x: np.split(x, [1, 3], axis=-1)[1]),
    ("split equal", lambda x: np.split(x, 3, axis=1)[2]), ("vsplit", lambda x: np.vsplit(x, 2)[1]),
    ("hsplit", lambda x: np.hsplit(x, 3)[1]), ("dsplit", lambda x: np.dsplit(x, 2)[0]), ("flip", np.flip),
    ("flip axes", lambda x: np.flip(x, (0, -1))), ("flipud", np.flipud), ("fliplr", np.fliplr),
    ("roll", lambda x: np.roll(x, 5)), ("roll axes", lambda x: np.roll(x, (1, -2), axis=(0, 2))),
    ("tile", lambda x: np.tile(x, (2, 1, 3))), ("tile more", lambda x: np.tile(x, (2, 1, 1, 2))),
    ("repeat", lambda x: np.repeat(x, 2)), ("repeat each", lambda x: np.repeat(x, [2, 0, 1], axis=1)),
    ("copy", np.copy), ("astype", lambda x: x.astype(np.result_type(x, np.float64))), ("diagonal", np.diagonal),
    ("diagonal offset", lambda x: np.diagonal(x, 1, 2, 1)), ("diag of matrix", lambda x: np.diag(x[0], -1)),
    ("diag of vector", lambda x: np.diag(x[0, 0], 1)), ("diagflat", lambda x: np.diagflat(x[0, :, :2], -1)),
    ("trace", lambda x: np.trace(x, 1, 0, 2)), ("tril", lambda x: np.tril(x, -1)), ("triu", lambda x: np.triu(x, 1)),
    ("iterate", lambda x: sum(r * r[0] for r in x)), ("full_like", lambda x: np.full_like(x[0], x[0, 0, 0])),
    ("full_like row", lambda x: np.full_like(x[0], x[1, 0])),
    ("np.array", lambda x: np.array([x[0, 0, 0], x[1, 2, 3] ** 2]) * x[0, 0, 1]),
    ("item", lambda x: x * x[0, 0, 0].item()), ("clip", lambda x: np.clip(x, -0.97, 1.03)),
    ("clip lower", lambda x: np.clip(x, x[0, :1], None)), ("clip method", lambda x: x.clip(max=0.51)),
    ("sort", np.sort), ("sort axis", lambda x: np.sort(x, axis=0)), ("sort flat", lambda x: np.sort(x, axis=None)),
    ("real", np.real),
)
# fmt: on
# Their plain versions do not take the imaginary part along, or NumPy cannot order complex numbers.
_NOT_ANALYTIC = ("astype", "clip", "clip lower", "clip method", "real")


def _rearranged() -> Iterator[Case]:
    for name, function in _REARRANGED:
        yield _case(name, function, (2, 3, 4), analytic=name not in _NOT_ANALYTIC)


_TWO: tuple[Shape, ...] = ((2, 3), (2, 3))
_THREE: tuple[Shape, ...] = ((3,), (2, 3), (1, 3))


def _assigned(a: Any, b: Any) -> Any:
    y = a + b
    y[1:] = a[:-1] * b
    y[..., 0] = b
    return y


def _assigned_row(a: Any, b: Any) -> Any:
    y = a * b[0]
    y[1:] = b
    return y


def _assigned_twice(a: Any, b: Any) -> Any:
    y = a + b[1]
    y[[2, 0, 2]] = b * b
    return y


def _assigned_masked(a: Any, b: Any) -> Any:
    y = a * b[0]
    y[_MASK] = b
    return y * y


def _augmented(a: Any, b: Any) -> Any:
    y = a * b
    y[0] *= a
    y[:, 1] += a[0]
    y -= a
    return y


# fmt: off
_JOINED: tuple[tuple[str, Callable[..., Any], tuple[Shape, ...]], ...] = (
    ("concatenate", lambda a, b: np.concatenate([a, b]), _TWO),
    ("concatenate axis", lambda a, b: np.concatenate((a, b), axis=-1), _TWO),
    ("concatenate flat", lambda a, b: np.concatenate([a, b], axis=None), ((2, 3), (2,))),
    ("concatenate empty", lambda a, b: np.concatenate([a, b]), ((0, 3), (2, 3))),
    ("concatenate constant", lambda a: np.concatenate([a, np.ones(2, a.dtype), a]), ((3,),)),
    ("stack", lambda a, b: np.stack([a, b, a]), _TWO), ("stack axis", lambda a, b: np.stack([a, b], axis=-2), _TWO),
    ("vstack", lambda a, b, c: np.vstack([a, b, c]), _THREE), ("hstack", lambda a, b: np.hstack([a, b]), _TWO),
    ("hstack vectors", lambda a, b: np.hstack([a, b]), ((3,), ())), ("dstack", lambda a, b: np.dstack([a, b]), _TWO),
    ("column_stack", lambda a, b: np.column_stack([a, b]), ((2,), (2, 3))),
    ("append", lambda a, b: np.append(a, b), ((2, 3), ())),
    ("append axis", lambda a, b: np.append(a, b, axis=1), _TWO),
    ("block", lambda a, b: np.block([[a, b], [b.T, np.eye(1, dtype=a.dtype)]]), ((2, 2), (2, 1))),
    ("block row", lambda a, b: np.block([a, b]), ((3,), ())), ("where", lambda a, b: np.where(_MASK, a, b), _TWO),
    ("where scalar", lambda a, b: np.where(_MASK, a, b), ((), (3,))),
    ("where number", lambda a: np.where(_MASK, a, 2.0), ((2, 3),)),
    ("where compare", lambda a, b: np.where(a > b, a * b, a - b), ((2, 1), (3,))),
    ("select", lambda a, b: np.select([_MASK, ~_MASK[::-1]], [a, b * b], a * b), _TWO),
    ("assign", _assigned, ((4,), ())), ("assign leading ones", _assigned_row, ((2, 3), (1, 1, 3))),
    ("assign duplicates", _assigned_twice, ((4,), (3,))), ("assign masked", _assigned_masked, ((2, 3), (4,))),
    ("augmented", _augmented, ((3,), (2, 3))),
)
# fmt: on


def _joined() -> Iterator[Case]:
    for name, function, shapes in _JOINED:
        yield _case(name, function, *shapes)


# --- indexing ---------------------------------------------------------------------------------------------------------

_FLAT_MASK = np.array([[True, False, True], [False, True, True]])
# fmt: off
# Of an array of shape (2, 3, 4).
INDICES: tuple[Any, ...] = (
    1, -1, slice(None), slice(1, None), slice(None, None, -2), ..., None, (), (0, 2), (0, 2, 3), (..., 1),
    (1, ..., -1), (None, ..., None), (slice(None), None, slice(0, 2)), (slice(0, 0),), [1], [1, 0, 1, 1], [],
    np.array([[0, 1], [1, 1]]), np.array(1), (0, [2, 0]), (slice(None), [2, 0, 2]), (..., [3, 3, 0]),
    ([0, 1], [2, 0]), ([0, 1], slice(None), [3, 0]), (1, slice(None), [3, 0]), ([[0], [1]], [2, 0]),
    (slice(None), [0, 1], [0, 1]), (slice(None), [0, 1], ..., [0, 1]), ([0, 1], None, [2, 2]), _FLAT_MASK,
    (_FLAT_MASK, slice(1, 3)), (_FLAT_MASK, [0, 1, 1, 2]), ([True, False],), (..., [True, False, True, True]),
    (slice(None), [True, False, True], [1, 3]), True, False, (True, [0, 1]),
    (slice(None), np.array(2), slice(None, 2)), np.ix_([0, 1], [2, 0], [1, 1]), np.triu_indices(2),
    np.unravel_index([3, 3, 23], (2, 3, 4)),
)
_TAKEN: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("take", lambda x: np.take(x, [5, 0, 5, -1])), ("take axis", lambda x: np.take(x, [[0, 2], [2, 2]], axis=1)),
    ("take wrap", lambda x: np.take(x, [5, -7], axis=0, mode="wrap")),
    ("take clip", lambda x: x.take([9, -9], 2, mode="clip")),
    ("take_along_axis", lambda x: np.take_along_axis(x, np.argsort(x, axis=1), axis=1)),
    ("take_along_axis flat", lambda x: np.take_along_axis(x, np.array([3, 3, 0]), axis=None)),
    ("compress", lambda x: np.compress([True, False, True], x, axis=1)),
    ("extract", lambda x: np.extract(x.real > 0, x)), ("masked", lambda x: x[x.real > 0] ** 2),
    ("swap", lambda x: x[::-1, :, [1, 0]][0]),
)
# fmt: on


def _indexed() -> Iterator[Case]:
    for number, index in enumerate(INDICES):
        yield _case(f"x[index {number}]", partial(_pick, index), (2, 3, 4))
    for name, function in _TAKEN:
        yield _case(name, function, (2, 3, 4))
    for index in ((), ..., None, (None, ...), True):
        yield _case(f"number[{index}]", partial(_pick, index), ())


def _pick(index: Any, x: Any) -> Any:
    return x[index]


# --- products ---------------------------------------------------------------------------------------------------------

# fmt: off
_MATMUL: tuple[tuple[Shape, Shape], ...] = (
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 2)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2)),
    ((2, 2, 3), (3, 2)), ((2, 3), (5, 3, 2)), ((2, 2, 3), (2, 3, 2)), ((1, 2, 3), (2, 3, 1)),
    ((2, 1, 2, 3), (3, 3, 1)), ((0, 3), (3, 2)), ((2, 0), (0, 2)), ((2, 3), (3, 0)), ((1, 1), (1, 1)),
)
_DOT: tuple[tuple[Shape, Shape], ...] = (
    ((3,), (3,)), ((2, 3), (3, 2)), ((), (2, 3)), ((2, 3), ()), ((2, 1, 3), (4, 3, 2)), ((3,), (2, 3, 2)),
)
_INNER: tuple[tuple[Shape, Shape], ...] = (((3,), (3,)), ((2, 3), (4, 3)), ((2, 1, 3), (3,)), ((), (2,)))
_EINSUM: tuple[Any, ...] = (
    ("ij,j->i", (2, 3), (3,)), ("ij,jk", (2, 3), (3, 2)), ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)),
    ("ba", (2, 3)), ("ii", (3, 3)), ("ii->i", (3, 3)), ("iij->j", (2, 2, 3)), ("iji->j", (2, 3, 2)),
    ("iii", (2, 2, 2)), ("ij,ij", (2, 3), (2, 3)), ("ij,ji->j", (2, 3), (3, 2)), ("i,j->ij", (2,), (3,)),
    ("i,i->i", (1,), (3,)), ("ij,j->i", (2, 1), (3,)), ("i,ij->", (2,), (2, 3)), ("...i->...", (2, 2, 3)),
    ("...ij,...jk", (2, 2, 3), (3, 2)), ("...,...", (2, 3), (3,)), ("i...,i...->...", (2, 3), (2, 1)),
    ("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)), ("i,i,i", (3,), (3,), (3,)), (",", (), ()), ("ij,->ij", (2, 3), ()),
    ("ii,i->i", (3, 3), (3,)), ("ab,B->aB", (2, 3), (2,)), ("ij,k->k", (2, 3), (2,)), ("ii,jj->", (2, 2), (3, 3)),
    ("ij->i", (0, 3)),
)
# fmt: on


def _products() -> Iterator[Case]:
    for function, pairs in ((np.matmul, _MATMUL), (np.dot, _DOT), (np.inner, _INNER)):
        for shapes in pairs:
            yield _case(function.__name__, function, *shapes)
    for axes in (0, 1, 2, (1, 0), ([0, 1], [1, 0]), ([-1], [0]), ([], [])):
        yield _case(f"tensordot {axes}", partial(_tensordot, axes), (2, 2), (2, 2))
    yield _case("tensordot 3d", partial(_tensordot, ([0, 2], [1, 0])), (2, 3, 4), (4, 2, 2))
    yield _case("outer", np.outer, (3,), (2, 2))
    yield _case("ufunc outer", lambda a, b: np.multiply.outer(a, b), (3,), (2, 2))
    yield _case("vdot", np.vdot, (2, 3), (2, 3), analytic=False)
    yield _case("cross", np.cross, (2, 3), (3,))
    yield _case("cross axis", lambda a, b: np.cross(a, b, axis=0), (3, 2), (3, 2))
    yield _case("kron", np.kron, (2, 3), (2,))
    yield _case("x @ A @ x", lambda x, A: x @ A @ x, (3,), (3, 3))
    yield _case("A @ x - b", lambda A, x, b: A @ x - b, (2, 3), (3,), (2,))
    yield _case("list @ x", lambda x: [[1.0, 2.0, 3.0]] @ x, (3,))
    for subscripts, *shapes in _EINSUM:
        yield _case(f"einsum {subscripts}", partial(np.einsum, subscripts), *shapes)
    yield _case(
        "einsum lists", lambda a, b: np.einsum(a, [0, 30], b, [30, 1], [1, 0]), (2, 3), (3, 2)
    )
    yield _case("einsum implicit", lambda a, b: np.einsum(a, [0, 30], b, [30, 28]), (2, 3), (3, 2))
    yield _case("einsum cube", lambda x: np.einsum("ij,jk,ik->", x, x, x, optimize=True), (3, 3))


def _tensordot(axes: Any, a: Any, b: Any) -> Any:
    return np.tensordot(a, b, axes)


# --- linear algebra ---------------------------------------------------------------------------------------------------

# fmt: off
_SYSTEMS: tuple[tuple[Shape, Shape], ...] = (
    ((3, 3), (3,)), ((3, 3), (3, 2)), ((3, 3), (3, 3)), ((2, 3, 3), (3,)), ((2, 3, 3), (3, 2)), ((3, 3), (2, 3, 1)),
    ((2, 3, 3), (2, 3, 2)), ((2, 1, 2, 2), (3, 2, 1)), ((1, 1), (1,)), ((2, 3, 3), (3, 3)), ((3, 3), (4, 3, 3)),
)
_OF_MATRICES: tuple[tuple[str, Callable[..., Any], bool], ...] = (
    ("inv", np.linalg.inv, True), ("det", np.linalg.det, True),
    ("slogdet", lambda a: np.linalg.slogdet(a).logabsdet, False),
    ("slogdet negative", lambda a: np.linalg.slogdet(-a)[1], False),
    ("cholesky", lambda a: np.linalg.cholesky(a @ a.mT), False),
    ("cholesky upper", lambda a: np.linalg.cholesky(a @ a.mT, upper=True), False),
)
# fmt: on


def _linear_algebra() -> Iterator[Case]:
    for shapes in _SYSTEMS:
        yield _case("solve", np.linalg.solve, *shapes, domains=(REGULAR, REAL))
    for name, function, analytic in _OF_MATRICES:
        for shape in ((1, 1), (2, 2), (3, 3), (2, 3, 3), (2, 1, 2, 2)):
            yield _case(name, function, shape, domains=REGULAR, analytic=analytic)
    yield _case(
        "b @ solve", lambda A, b: b @ np.linalg.solve(A, b), (3, 3), (3,), domains=(REGULAR, REAL)
    )


def _norms() -> Iterator[Case]:
    vector = (None, 2, 1, 0, 3, 1.5, 0.5, -1, -2.5, math.inf, -math.inf)
    matrix = (None, "fro", 1, -1, math.inf, -math.inf)
    pairs = ((0, 1), (1, 0), (-1, 0), (-2, -1))
    kinds: tuple[tuple[Shape, tuple[Any, ...], tuple[Any, ...]], ...] = (
        ((3,), vector, (None, 0, -1, (0,))),
        ((2, 3), vector, (0, 1, -1, (1,))),
        ((2, 3), matrix, (None, *pairs)),
        ((2, 3, 2), matrix, (*pairs, (2, 0))),
        ((2, 3, 2), (None,), (None, 1)),
        ((), (None,), (None,)),
    )
    for shape, orders, axes in kinds:
        for order, axis, keepdims in itertools.product(orders, axes, (False, True)):
            given: dict[str, Any] = {"ord": order, "axis": axis, "keepdims": keepdims}
            name = f"norm[{_text((shape,), **given)}]"
            yield Case(name, partial(np.linalg.norm, **given), (shape,), (UNEVEN,), analytic=False)


# --- the table --------------------------------------------------------------------------------------------------------

# Where a value may differ from NumPy's: families, units in the last place, why.
_ROUNDING = (
    ("float_power", 1, "computed by np.power, whose loops are others"),
    ("cumprod", 4, "products by doubling, which has a derivative at zeros"),
    ("norm", 2, "composed of sums and powers, without NumPy's shortcuts"),
    ("sum prod mean var", 2, "initial= and masked elements enter at another place of the sum"),
    ("dot", 2, "a matrix product in BLAS where NumPy takes its own loop"),
)


def _table() -> Iterator[Case]:
    rounding = {
        family: (ulps, why) for families, ulps, why in _ROUNDING for family in families.split()
    }
    for rows in (
        _elementwise, _reductions, _rearranged, _joined, _indexed, _products, _linear_algebra, _norms,
    ):  # fmt: skip
        for case in rows():
            ulps, reason = rounding.get(case.family, (0, ""))
            yield replace(case, ulps=ulps, reason=reason)


CASES = tuple(_table())

"""The one table of cases: functions with the points at which their derivatives are to be proven.

A row of the table is a function of arrays; shapes, axes, keywords and layouts in memory are multiplied out from it. Tests
of the rules, of backends and of speed go through the same cases. A case knows how to make its arguments, away from the
points where it has no derivative, and an oracle for its derivative that has nothing to do with the engine.
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
BROADCASTS: tuple[tuple[Shape, Shape], ...] = (
    ((), ()), ((), (3,)), ((3,), ()), ((1,), (3,)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (3,)),
    ((1, 3), (2, 1)), ((2, 1, 3), (2, 1)), ((0, 3), (1,)), ((), (0,)),
)  # fmt: skip


def _axes(ndim: int) -> Iterator[Any]:
    """None, every axis from both ends, pairs in both orders, all of them."""
    yield None
    yield from range(-ndim, ndim)
    yield from ((i, j) for i, j in itertools.permutations(range(ndim), 2))
    if ndim > 1:
        yield (-1, 0)
    yield tuple(range(ndim))


def _text(shapes: tuple[Shape, ...], **keywords: Any) -> str:
    given = ["x".join(map(str, shape)) or "()" for shape in shapes]
    named = (f"{key}={f'mask{value.sum()}' if isinstance(value, np.ndarray) else value}" for key, value in keywords.items())
    return ", ".join([*given, *named])


def _rows(
    name: str, function: Callable[..., Any], *operands: tuple[Shape, Domain] | Shape, **options: Any
) -> Iterator[Case]:
    """One case; an operand is a shape, or a shape with its domain."""
    pairs = [op if op and isinstance(op[-1], Domain) else (op, REAL) for op in operands]
    shapes, domains = zip(*pairs, strict=True)
    yield Case(f"{name}[{_text(shapes)}]", function, shapes, domains, **options)


def _unary(function: Callable[..., Any], domain: Domain, analytic: bool = True) -> Iterator[Case]:
    name = function.__name__
    for shape in SHAPES:
        yield Case(f"{name}[{_text((shape,))}]", function, (shape,), (domain,), analytic=analytic)
    for layout in ("F", "strided"):
        yield Case(f"{name}[2x3, {layout}]", function, ((2, 3),), (domain,), layout, analytic)


def _binary(function: Callable[..., Any], *domains: Domain, analytic: bool = True) -> Iterator[Case]:
    for shapes in BROADCASTS:
        yield Case(f"{function.__name__}[{_text(shapes)}]", function, shapes, domains, analytic=analytic)


def _reduction(
    function: Callable[..., Any], domain: Domain = REAL, *, analytic: bool = True, shapes: Any = None, **keywords: Any
) -> Iterator[Case]:
    for shape in shapes or ((), (1,), (3,), (2, 3), (2, 1, 3)):
        for axis, keepdims in itertools.product(dict.fromkeys(_axes(len(shape))), (False, True)):
            given = keywords | {"axis": axis, "keepdims": keepdims}
            name = f"{function.__name__}[{_text((shape,), **given)}]"
            yield Case(name, partial(function, **given), (shape,), (domain,), analytic=analytic)


def _cumulative(function: Callable[..., Any], **keywords: Any) -> Iterator[Case]:
    for shape in ((3,), (2, 3), (2, 3, 2), (0, 3)):
        axes = [*range(-len(shape), len(shape)), *([] if function is np.diff else [None])]
        for axis in axes:
            given = keywords | {"axis": axis}
            name = f"{function.__name__}[{_text((shape,), **given)}]"
            yield Case(name, partial(function, **given), (shape,), (REAL,))


# --- elementwise ------------------------------------------------------------------------------------------------------


def _elementwise() -> Iterator[Case]:
    for function, domain in (
        (np.negative, REAL), (np.positive, REAL), (np.square, REAL), (np.reciprocal, NONZERO), (np.sqrt, POSITIVE),
        (np.exp, REAL), (np.exp2, REAL), (np.expm1, REAL), (np.log, POSITIVE), (np.log2, POSITIVE),
        (np.log10, POSITIVE), (np.log1p, UNIT), (np.sin, REAL), (np.cos, REAL), (np.tan, UNIT), (np.arcsin, UNIT),
        (np.arccos, UNIT), (np.arctan, REAL), (np.sinh, REAL), (np.cosh, REAL), (np.tanh, REAL), (np.arcsinh, REAL),
        (np.arccosh, ABOVE_ONE), (np.arctanh, UNIT),
    ):  # fmt: skip
        yield from _unary(function, domain)
    for function, domain in (
        (np.absolute, NONZERO), (np.fabs, NONZERO), (np.cbrt, NONZERO), (np.deg2rad, REAL), (np.radians, REAL),
        (np.rad2deg, REAL), (np.degrees, REAL), (np.conjugate, REAL), (np.real, REAL),
    ):  # fmt: skip
        yield from _unary(function, domain, analytic=False)
    for function, left, right in (
        (np.add, REAL, REAL), (np.subtract, REAL, REAL), (np.multiply, REAL, REAL), (np.divide, REAL, NONZERO),
        (np.power, POSITIVE, REAL), (np.float_power, POSITIVE, REAL),
    ):  # fmt: skip
        yield from _binary(function, left, right)
    for function, left, right in (
        (np.arctan2, NONZERO, POSITIVE), (np.hypot, NONZERO, POSITIVE), (np.logaddexp, REAL, REAL),
        (np.logaddexp2, REAL, REAL), (np.copysign, NONZERO, NONZERO), (np.remainder, Domain(((7.2, 8.8),)), Domain(((-2.39, -2.21),))),
        (np.fmod, Domain(((-8.8, -7.2),)), Domain(((2.21, 2.39),))), (np.maximum, BETWEEN, FAR), (np.minimum, BETWEEN, FAR),
        (np.fmax, BETWEEN, FAR), (np.fmin, BETWEEN, FAR), (np.heaviside, NONZERO, REAL),
    ):  # fmt: skip
        yield from _binary(function, left, right, analytic=False)
    for base, shape in itertools.product((2, 0.5, -3.0, 3), SHAPES):
        domain = POSITIVE if base == 0.5 else NONZERO
        yield Case(f"x ** {base}[{_text((shape,))}]", partial(_raise_to, base), (shape,), (domain,))
    yield from _rows("2 ** x", lambda x: 2**x, (2, 3))
    yield from _rows("x ** x", lambda x: x**x, ((2, 3), POSITIVE))
    yield from _rows("1 - 2 / x", lambda x: 1 - 2 / x, ((2, 3), NONZERO))
    yield from _rows("x % 2, x // 2", lambda x: sum(divmod(x, 2)), ((2, 3), FRACTION), analytic=False)


def _raise_to(exponent: float, x: Any) -> Any:
    return x**exponent


# --- reductions and cumulative functions ------------------------------------------------------------------------------

_COLUMN = np.array([[True], [False]])
_MASK = np.array([[True, False, True], [True, True, False]])


def _reductions() -> Iterator[Case]:
    every = ((), (1,), (3,), (2, 3), (2, 1, 3), (0, 3))
    yield from _reduction(np.sum, shapes=every)
    yield from _reduction(np.prod, shapes=every)
    yield from _reduction(np.mean)
    yield from _reduction(np.max)
    yield from _reduction(np.min)
    yield from _reduction(np.ptp, shapes=((3,), (2, 3)))
    yield from _reduction(np.var, analytic=False)
    yield from _reduction(np.std, analytic=False, shapes=((3,), (2, 3), (3, 1, 2)))
    for function, options in (
        (np.sum, {"initial": 2.5}), (np.prod, {"initial": 2.5}), (np.max, {"initial": 0.1}), (np.min, {"initial": 0.1}),
        (np.sum, {"where": _MASK}), (np.prod, {"where": _MASK}), (np.mean, {"where": _MASK}), (np.sum, {"where": _COLUMN}),
        (np.max, {"where": _MASK, "initial": -1.9}), (np.min, {"where": _MASK, "initial": 1.9}),
        (np.var, {"where": _MASK}), (np.var, {"ddof": 1}), (np.var, {"correction": 0.5}), (np.std, {"ddof": 0.5}),
        (np.sum, {"dtype": np.float64}), (np.mean, {"dtype": np.float64}),
    ):  # fmt: skip
        analytic = function not in (np.var, np.std) and "dtype" not in options
        yield from _reduction(function, shapes=((2, 3),), analytic=analytic, **options)
    yield from _cumulative(np.cumsum)
    yield from _cumulative(np.cumprod)
    yield from _cumulative(np.diff)
    yield from _cumulative(np.diff, n=2)
    yield from _rows("diff, ends", lambda x: np.diff(x, axis=0, prepend=0.0, append=x[:1]), (2, 3))
    yield from _rows("var, mean=", _var_about_mean, (2, 3), analytic=False)
    yield from _rows("max, list", lambda x: np.max([x[0], x[1] * x[2]]), (3,))
    yield from _rows("sum, list", lambda x: np.sum([x[0], x[1] * x[2]]), (3,))
    yield from _rows("sum, builtin", lambda x: sum(x), (3,))
    yield from _rows("max, builtin", lambda x: max(x), (3,), analytic=False)
    yield from _rows("reduce", lambda x: np.add.reduce(x) * np.multiply.reduce(x, axis=1).sum(), (2, 3))
    yield from _rows("accumulate", lambda x: np.add.accumulate(x, axis=1), (2, 3))
    yield from _rows("methods", lambda x: x.sum(0) * x.mean(axis=-1, keepdims=True) + x.max() * x.prod(0), (2, 3))


def _var_about_mean(x: Any) -> Any:
    return np.var(x, axis=0, mean=np.mean(x, axis=0, keepdims=True))


# --- shape, joining, splitting ----------------------------------------------------------------------------------------


def _shaped() -> Iterator[Case]:
    for name, function in (
        ("reshape", lambda x: np.reshape(x, (3, 2, 4))), ("reshape -1", lambda x: x.reshape(-1, 6)),
        ("reshape F", lambda x: np.reshape(x, (4, 6), order="F")), ("reshape A", lambda x: x.T.reshape(6, 4, order="A")),
        ("ravel", np.ravel), ("ravel F", lambda x: x.ravel(order="F")), ("ravel K", lambda x: x.T.ravel("K")),
        ("flatten", lambda x: x.flatten()), ("transpose", np.transpose), ("T", lambda x: x.T), ("mT", lambda x: x.mT),
        ("transpose axes", lambda x: np.transpose(x, (1, -1, 0))), ("permute", lambda x: x.transpose(2, 0, 1)),
        ("swapaxes", lambda x: np.swapaxes(x, 0, -1)), ("moveaxis", lambda x: np.moveaxis(x, (0, -1), (1, 0))),
        ("rollaxis", lambda x: np.rollaxis(x, 2, 1)), ("expand_dims", lambda x: np.expand_dims(x, (0, -1))),
        ("squeeze", lambda x: np.squeeze(x[:1])), ("squeeze axis", lambda x: np.squeeze(x[:, :1, :1], axis=(-1, 1))),
        ("atleast_1d", lambda x: np.atleast_1d(x[0, 0, 0])), ("atleast_2d", lambda x: np.atleast_2d(x[0, 0])),
        ("atleast_3d", lambda x: np.atleast_3d(x[0])), ("broadcast_to", lambda x: np.broadcast_to(x[:, :1], (5, 2, 3, 4))),
        ("broadcast_arrays", lambda x: np.broadcast_arrays(x[:1], x)[0]),
        ("array_split", lambda x: np.array_split(x, 3, axis=2)[1]), ("split", lambda x: np.split(x, [1, 3], axis=-1)[1]),
        ("split equal", lambda x: np.split(x, 3, axis=1)[2]), ("vsplit", lambda x: np.vsplit(x, 2)[1]),
        ("hsplit", lambda x: np.hsplit(x, 3)[1]), ("dsplit", lambda x: np.dsplit(x, 2)[0]),
        ("flip", np.flip), ("flip axes", lambda x: np.flip(x, (0, -1))), ("flipud", np.flipud), ("fliplr", np.fliplr),
        ("roll", lambda x: np.roll(x, 5)), ("roll axes", lambda x: np.roll(x, (1, -2), axis=(0, 2))),
        ("tile", lambda x: np.tile(x, (2, 1, 3))), ("tile more", lambda x: np.tile(x, (2, 1, 1, 2))),
        ("repeat", lambda x: np.repeat(x, 2)), ("repeat each", lambda x: np.repeat(x, [2, 0, 1], axis=1)),
        ("copy", np.copy), ("astype", lambda x: x.astype(np.result_type(x, np.float64))),
        ("diagonal", np.diagonal), ("diagonal offset", lambda x: np.diagonal(x, 1, 2, 1)),
        ("diag of matrix", lambda x: np.diag(x[0], -1)), ("diag of vector", lambda x: np.diag(x[0, 0], 1)),
        ("diagflat", lambda x: np.diagflat(x[0, :, :2], -1)), ("trace", lambda x: np.trace(x, 1, 0, 2)),
        ("tril", lambda x: np.tril(x, -1)), ("triu", lambda x: np.triu(x, 1)), ("iterate", lambda x: sum(r * r[0] for r in x)),
        ("full_like", lambda x: np.full_like(x[0], x[0, 0, 0])), ("full_like row", lambda x: np.full_like(x[0], x[1, 0])),
        ("np.array", lambda x: np.array([x[0, 0, 0], x[1, 2, 3] ** 2]) * x[0, 0, 1]), ("item", lambda x: x * x[0, 0, 0].item()),
        ("clip", lambda x: np.clip(x, -0.97, 1.03)), ("clip lower", lambda x: np.clip(x, x[0, :1], None)),
        ("clip method", lambda x: x.clip(max=0.51)), ("sort", np.sort), ("sort axis", lambda x: np.sort(x, axis=0)),
        ("sort flat", lambda x: np.sort(x, axis=None)), ("real", np.real),
    ):  # fmt: skip
        yield from _rows(name, function, (2, 3, 4), analytic=name not in ("astype", "clip", "clip lower", "clip method", "real"))


def _joined() -> Iterator[Case]:
    two, three = ((2, 3), (2, 3)), ((3,), (2, 3), (1, 3))
    for name, function, shapes in (
        ("concatenate", lambda a, b: np.concatenate([a, b]), two),
        ("concatenate axis", lambda a, b: np.concatenate((a, b), axis=-1), two),
        ("concatenate flat", lambda a, b: np.concatenate([a, b], axis=None), ((2, 3), (2,))),
        ("concatenate empty", lambda a, b: np.concatenate([a, b]), ((0, 3), (2, 3))),
        ("concatenate constant", lambda a: np.concatenate([a, np.ones(2, a.dtype), a]), ((3,),)),
        ("stack", lambda a, b: np.stack([a, b, a]), two), ("stack axis", lambda a, b: np.stack([a, b], axis=-2), two),
        ("vstack", lambda a, b, c: np.vstack([a, b, c]), three), ("hstack", lambda a, b: np.hstack([a, b]), two),
        ("hstack vectors", lambda a, b: np.hstack([a, b]), ((3,), ())), ("dstack", lambda a, b: np.dstack([a, b]), two),
        ("column_stack", lambda a, b: np.column_stack([a, b]), ((2,), (2, 3))),
        ("append", lambda a, b: np.append(a, b), ((2, 3), ())), ("append axis", lambda a, b: np.append(a, b, axis=1), two),
        ("block", lambda a, b: np.block([[a, b], [b.T, np.eye(1, dtype=a.dtype)]]), ((2, 2), (2, 1))),
        ("block row", lambda a, b: np.block([a, b]), ((3,), ())),
        ("where", lambda a, b: np.where(_MASK, a, b), two), ("where scalar", lambda a, b: np.where(_MASK, a, b), ((), (3,))),
        ("where number", lambda a: np.where(_MASK, a, 2.0), ((2, 3),)),
        ("where compare", lambda a, b: np.where(a > b, a * b, a - b), ((2, 1), (3,))),
        ("select", lambda a, b: np.select([_MASK, ~_MASK[::-1]], [a, b * b], a * b), two),
        ("assign", _assigned, ((4,), ())), ("assign leading ones", _assigned_row, ((2, 3), (1, 1, 3))),
        ("assign duplicates", _assigned_twice, ((4,), (3,))), ("assign masked", _assigned_masked, ((2, 3), (4,))),
        ("augmented", _augmented, ((3,), (2, 3))),
    ):  # fmt: skip
        yield from _rows(name, function, *shapes)


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


# --- indexing ---------------------------------------------------------------------------------------------------------

_CUBE = np.array([[True, False, True], [False, True, True]])
INDICES: tuple[Any, ...] = (
    1, -1, slice(None), slice(1, None), slice(None, None, -2), ..., None, (), (0, 2), (0, 2, 3), (..., 1), (1, ..., -1),
    (None, ..., None), (slice(None), None, slice(0, 2)), (slice(0, 0),), [1], [1, 0, 1, 1], [], np.array([[0, 1], [1, 1]]),
    np.array(1), (0, [2, 0]), (slice(None), [2, 0, 2]), (..., [3, 3, 0]), ([0, 1], [2, 0]), ([0, 1], slice(None), [3, 0]),
    (1, slice(None), [3, 0]), ([[0], [1]], [2, 0]), (slice(None), [0, 1], [0, 1]), (slice(None), [0, 1], ..., [0, 1]),
    ([0, 1], None, [2, 2]), _CUBE, (_CUBE, slice(1, 3)), (_CUBE, [0, 1, 1, 2]), ([True, False],), (..., [True, False, True, True]),
    (slice(None), [True, False, True], [1, 3]), True, False, (True, [0, 1]), (slice(None), np.array(2), slice(None, 2)),
    np.ix_([0, 1], [2, 0], [1, 1]), np.triu_indices(2), np.unravel_index([3, 3, 23], (2, 3, 4)),
)  # fmt: skip


def _indexed() -> Iterator[Case]:
    for number, index in enumerate(INDICES):
        yield from _rows(f"x[...] {number}", partial(_pick, index), (2, 3, 4))
    for name, function in (
        ("take", lambda x: np.take(x, [5, 0, 5, -1])), ("take axis", lambda x: np.take(x, [[0, 2], [2, 2]], axis=1)),
        ("take wrap", lambda x: np.take(x, [5, -7], axis=0, mode="wrap")), ("take clip", lambda x: x.take([9, -9], 2, mode="clip")),
        ("take_along_axis", lambda x: np.take_along_axis(x, np.argsort(x, axis=1), axis=1)),
        ("take_along_axis flat", lambda x: np.take_along_axis(x, np.array([3, 3, 0]), axis=None)),
        ("compress", lambda x: np.compress([True, False, True], x, axis=1)), ("extract", lambda x: np.extract(x.real > 0, x)),
        ("masked", lambda x: x[x.real > 0] ** 2), ("swap", lambda x: x[::-1, :, [1, 0]][0]),
    ):  # fmt: skip
        yield from _rows(name, function, (2, 3, 4))
    for index in ((), ..., None, (None, ...), True):
        yield from _rows(f"x[{index}] of a number", partial(_pick, index), ())


def _pick(index: Any, x: Any) -> Any:
    return x[index]


# --- products ---------------------------------------------------------------------------------------------------------


def _products() -> Iterator[Case]:
    for left, right in (
        ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 2)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2)), ((2, 2, 3), (3, 2)),
        ((2, 3), (5, 3, 2)), ((2, 2, 3), (2, 3, 2)), ((1, 2, 3), (2, 3, 1)), ((2, 1, 2, 3), (3, 3, 1)), ((0, 3), (3, 2)),
        ((2, 0), (0, 2)), ((2, 3), (3, 0)), ((1, 1), (1, 1)),
    ):  # fmt: skip
        yield from _rows("matmul", np.matmul, left, right)
    for left, right in (((3,), (3,)), ((2, 3), (3, 2)), ((), (2, 3)), ((2, 3), ()), ((2, 1, 3), (4, 3, 2)), ((3,), (2, 3, 2))):
        yield from _rows("dot", np.dot, left, right)
    for left, right in (((3,), (3,)), ((2, 3), (4, 3)), ((2, 1, 3), (3,)), ((), (2,))):
        yield from _rows("inner", np.inner, left, right)
    for axes in (0, 1, 2, (1, 0), ([0, 1], [1, 0]), ([-1], [0]), ([], [])):
        yield from _rows(f"tensordot {axes}", partial(_tensordot, axes), (2, 2), (2, 2))
    yield from _rows("tensordot 3d", partial(_tensordot, ([0, 2], [1, 0])), (2, 3, 4), (4, 2, 2))
    yield from _rows("outer", np.outer, (3,), (2, 2))
    yield from _rows("ufunc outer", lambda a, b: np.multiply.outer(a, b), (3,), (2, 2))
    yield from _rows("vdot", np.vdot, (2, 3), (2, 3), analytic=False)
    yield from _rows("cross", np.cross, (2, 3), (3,))
    yield from _rows("cross axis", lambda a, b: np.cross(a, b, axis=0), (3, 2), (3, 2))
    yield from _rows("kron", np.kron, (2, 3), (2,))
    yield from _rows("x @ A @ x", lambda x, A: x @ A @ x, (3,), (3, 3))
    yield from _rows("A @ x - b", lambda A, x, b: A @ x - b, (2, 3), (3,), (2,))
    yield from _rows("list @ x", lambda x: [[1.0, 2.0, 3.0]] @ x, (3,))
    for subscripts, *shapes in (
        ("ij,j->i", (2, 3), (3,)), ("ij,jk", (2, 3), (3, 2)), ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)), ("ba", (2, 3)),
        ("ii", (3, 3)), ("ii->i", (3, 3)), ("iij->j", (2, 2, 3)), ("iji->j", (2, 3, 2)), ("iii", (2, 2, 2)), ("ij,ij", (2, 3), (2, 3)),
        ("ij,ji->j", (2, 3), (3, 2)), ("i,j->ij", (2,), (3,)), ("i,i->i", (1,), (3,)), ("ij,j->i", (2, 1), (3,)), ("i,ij->", (2,), (2, 3)),
        ("...i->...", (2, 2, 3)), ("...ij,...jk", (2, 2, 3), (3, 2)), ("...,...", (2, 3), (3,)), ("i...,i...->...", (2, 3), (2, 1)),
        ("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)), ("i,i,i", (3,), (3,), (3,)), (",", (), ()), ("ij,->ij", (2, 3), ()),
        ("ii,i->i", (3, 3), (3,)), ("ab,B->aB", (2, 3), (2,)), ("ij,k->k", (2, 3), (2,)), ("ii,jj->", (2, 2), (3, 3)), ("ij->i", (0, 3)),
    ):  # fmt: skip
        yield from _rows(f"einsum {subscripts}", partial(np.einsum, subscripts), *shapes)
    yield from _rows("einsum lists", lambda a, b: np.einsum(a, [0, 30], b, [30, 1], [1, 0]), (2, 3), (3, 2))
    yield from _rows("einsum lists implicit", lambda a, b: np.einsum(a, [0, 30], b, [30, 28]), (2, 3), (3, 2))
    yield from _rows("einsum square", lambda x: np.einsum("ij,jk,ik->", x, x, x, optimize=True), (3, 3))


def _tensordot(axes: Any, a: Any, b: Any) -> Any:
    return np.tensordot(a, b, axes)


# --- linear algebra ---------------------------------------------------------------------------------------------------


def _linear_algebra() -> Iterator[Case]:
    for left, right in (
        ((3, 3), (3,)), ((3, 3), (3, 2)), ((3, 3), (3, 3)), ((2, 3, 3), (3,)), ((2, 3, 3), (3, 2)), ((3, 3), (2, 3, 1)),
        ((2, 3, 3), (2, 3, 2)), ((2, 1, 2, 2), (3, 2, 1)), ((1, 1), (1,)), ((2, 3, 3), (3, 3)), ((3, 3), (4, 3, 3)),
    ):  # fmt: skip
        yield from _rows("solve", np.linalg.solve, (left, REGULAR), (right, REAL))
    for shape in ((1, 1), (2, 2), (3, 3), (2, 3, 3), (2, 1, 2, 2)):
        yield from _rows("inv", np.linalg.inv, (shape, REGULAR))
        yield from _rows("det", np.linalg.det, (shape, REGULAR))
        yield from _rows("slogdet", lambda a: np.linalg.slogdet(a).logabsdet, (shape, REGULAR), analytic=False)
        yield from _rows("slogdet, negative", lambda a: np.linalg.slogdet(-a)[1], (shape, REGULAR), analytic=False)
        yield from _rows("cholesky", lambda a: np.linalg.cholesky(a @ a.mT), (shape, REGULAR), analytic=False)
        yield from _rows("cholesky upper", _upper_factor, (shape, REGULAR), analytic=False)
    yield from _rows("quadratic form", lambda A, b: b @ np.linalg.solve(A, b), ((3, 3), REGULAR), ((3,), REAL))


def _upper_factor(a: Any) -> Any:
    return np.linalg.cholesky(a @ a.mT, upper=True)


def _norms() -> Iterator[Case]:
    vector = (None, 2, 1, 0, 3, 1.5, 0.5, -1, -2.5, math.inf, -math.inf)
    matrix = (None, "fro", 1, -1, math.inf, -math.inf)
    pairs = ((0, 1), (1, 0), (-1, 0), (-2, -1))
    for shape, orders, axes in (
        ((3,), vector, (None, 0, -1, (0,))), ((2, 3), vector, (0, 1, -1, (1,))), ((2, 3), matrix, (None, *pairs)),
        ((2, 3, 2), matrix, (*pairs, (2, 0))), ((2, 3, 2), (None,), (None, 1)), ((), (None,), (None,)),
    ):  # fmt: skip
        for order, axis, keepdims in itertools.product(orders, axes, (False, True)):
            given = {"ord": order, "axis": axis, "keepdims": keepdims}
            name = f"norm[{_text((shape,), **given)}]"
            yield Case(name, partial(np.linalg.norm, **given), (shape,), (UNEVEN,), analytic=False)


def _table() -> tuple[Case, ...]:
    families = (_elementwise, _reductions, _shaped, _joined, _indexed, _products, _linear_algebra, _norms)
    cases = tuple(itertools.chain.from_iterable(family() for family in families))
    exceptions = {family: (ulps, reason) for families, ulps, reason in _ROUNDING for family in families.split()}
    return tuple(
        replace(case, ulps=exceptions[case.family][0], reason=exceptions[case.family][1])
        if case.family in exceptions
        else case
        for case in cases
    )


# Where a value may differ from NumPy's: families, units in the last place, why.
_ROUNDING = (
    ("float_power", 1, "computed by np.power, whose loops are others"),
    ("cumprod", 4, "products by doubling, which has a derivative at zeros"),
    ("norm", 2, "composed of sums and powers, without NumPy's shortcuts"),
    ("sum prod mean var", 2, "initial= and masked elements enter at another place of the sum"),
    ("dot", 2, "a matrix product in BLAS where NumPy takes its own loop"),
)

CASES = _table()

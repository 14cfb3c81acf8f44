"""Differences, integrals, interpolation, padding, ranges, and functions called on parts of arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from optkit.testing.cases.case import NONZERO, POSITIVE, REAL, Case, Domain, Shape
from optkit.testing.cases.making import row

_vecdot: Any = np.vecdot
_NODES = np.array([0.0, 1.0, 1.5, 3.0])
_STEPS = Domain(((0.1, 0.2), (0.5, 0.6), (1.1, 1.3), (2.0, 2.2)))
_OFF_NODES = Domain(((-0.8, -0.2), (0.2, 0.8), (1.1, 1.4), (1.6, 2.8), (3.2, 3.9)))
_CALCULUS: tuple[tuple[str, Callable[..., Any], tuple[Shape, ...]], ...] = (
    ("ediff1d", np.ediff1d, ((2, 3),)),
    ("ediff1d ends", lambda x, a, b: np.ediff1d(x, to_end=a, to_begin=b), ((3,), (2,), ())),
    ("gradient", np.gradient, ((4,),)),
    ("gradient 2 points", np.gradient, ((2,),)),
    ("gradient axis", lambda x: np.gradient(x, axis=-1), ((2, 3),)),
    ("gradient both", lambda x: sum(np.gradient(x)), ((3, 4),)),
    ("gradient order 2", lambda x: np.gradient(x, edge_order=2, axis=0), ((3, 2),)),
    ("gradient step", lambda x, h: np.gradient(x, h + 3), ((4,), ())),
    ("gradient steps", lambda x, h: np.gradient(x, 2.0, h + 3, axis=(1, 0))[1], ((4, 3), ())),
    ("gradient points", lambda x, h: np.gradient(x, np.cumsum(h + 3), edge_order=2), ((4,), (4,))),
    ("trapezoid", np.trapezoid, ((2, 4),)),
    ("trapezoid dx", lambda y, h: np.trapezoid(y, dx=h, axis=0), ((3, 2), ())),
    ("trapezoid x", lambda y, x: np.trapezoid(y, x, axis=0), ((4, 2), (4,))),
    ("trapezoid x like y", lambda y, x: np.trapezoid(y, x), ((2, 4), (2, 4))),
    ("convolve", np.convolve, ((4,), (3,))),
    ("convolve same", lambda a, v: np.convolve(a, v, "same"), ((2,), (5,))),
    ("convolve valid", lambda a, v: np.convolve(a, v, mode="valid"), ((3,), (5,))),
    ("convolve number", np.convolve, ((3,), ())),
    ("matvec", np.matvec, ((2, 4, 3), (3,))),
    (
        "matmul axes",
        lambda a, b: np.matmul(a, b, axes=[(1, 0), (-2, -1), (0, 1)]),
        ((3, 2), (3, 4)),
    ),
)
_OF_REALS: tuple[tuple[str, Callable[..., Any], tuple[Shape, ...]], ...] = (
    ("correlate", np.correlate, ((5,), (3,))),
    ("vecmat", np.vecmat, ((2, 3), (3, 2))),
    ("vecdot axis", partial(_vecdot, axis=0, keepdims=True), ((3, 2), (3, 2))),
    ("vecdot", np.vecdot, ((2, 3), (3,))),
    ("correlate same", lambda a, v: np.correlate(a, v, "same"), ((4,), (4,))),
    ("correlate short", lambda a, v: np.correlate(a, v, mode="same"), ((2,), (5,))),
    ("correlate full", lambda a, v: np.correlate(a, v, "full"), ((2,), (3,))),
    ("unwrap", lambda x: np.unwrap(4 * x), ((2, 3),)),
    ("unwrap axis", lambda x, T: np.unwrap(x + 0 * T, axis=0, period=2 + T), ((4, 2), ())),
    ("unwrap discont", lambda x: np.unwrap(3 * x, discont=4.0), ((5,),)),
)


def _interpolations() -> Iterator[Case]:
    for shape in ((), (3,), (2, 3)):
        yield row(
            "interp",
            lambda x: np.interp(x, _NODES, [1.0, -1.0, 0.5, 2.0]),
            shape,
            domains=_OFF_NODES,
            analytic=False,
        )
    yield row(
        "interp nodes",
        lambda xp, fp: np.interp([0.3, 1.7, 9.0], np.cumsum(xp), fp),
        (4,),
        (4,),
        domains=(_STEPS, REAL),
        analytic=False,
    )
    yield row(
        "interp ends",
        lambda x, a, b: np.interp(x + 0 * (a + b), _NODES, _NODES**2, left=a, right=b),
        (5,),
        (),
        (),
        domains=(_OFF_NODES, REAL, REAL),
        analytic=False,
    )
    yield row(
        "interp period",
        lambda x, fp, T: np.interp(3 * x + 0 * T, [0.1, 2.0, 0.9], fp, period=2.3 + T / 50),
        (4,),
        (3,),
        (),
        domains=(_OFF_NODES, REAL, POSITIVE),
        analytic=False,
    )
    yield row(
        "interp one node",
        lambda x, fp: np.interp(x, [1.0], fp),
        (3,),
        (1,),
        domains=(_OFF_NODES, REAL),
        analytic=False,
    )


def _padded(x: Any, mode: str = "constant", **options: Any) -> Any:
    pad: Any = np.pad
    return pad(x, ((1, 2), (5, 3)), mode, **options)


def _fill_ends(line: Any, widths: Any, axis: Any, options: Any) -> None:
    line[: widths[0]] = line[widths[0]] * options["factor"]
    line[len(line) - widths[1] :] = axis + 1.0


_PADDED: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("pad", lambda x: np.pad(x, 1)),
    ("pad pair", lambda x: np.pad(x, (0, 2))),
    ("pad dict", lambda x: np.pad(x, {-1: (1, 2)})),
    ("pad values", partial(_padded, constant_values=((1.0, 2.0), (3.0, 4.0)))),
    ("pad traced value", lambda x: np.pad(x, 1, constant_values=x[0, 0] ** 2)),
    ("pad function", lambda x: np.pad(x, 1, _fill_ends, factor=2.0)),
    ("pad linear_ramp", partial(_padded, mode="linear_ramp", end_values=((1.0, 2.0), (3.0, 4.0)))),
    ("pad traced ramp", lambda x: np.pad(x, 2, "linear_ramp", end_values=x[1, 1])),
    ("pad stat_length", partial(_padded, mode="mean", stat_length=((1, 2), (2, 2)))),
    *(
        (f"pad {mode}", partial(_padded, mode=mode))
        for mode in (
            "edge",
            "linear_ramp",
            "maximum",
            "mean",
            "median",
            "minimum",
            "reflect",
            "symmetric",
            "wrap",
        )
    ),
    *(
        (f"pad {mode} odd", partial(_padded, mode=mode, reflect_type="odd"))
        for mode in ("reflect", "symmetric")
    ),
    ("sliding_window_view", lambda x: sliding_window_view(x, 2, axis=1)),
    ("sliding_window_view both", lambda x: sliding_window_view(x, (2, 2))),
    ("apply_along_axis", lambda x: np.apply_along_axis(lambda r: np.sum(r * r[0]), 0, x)),
    (
        "apply_along_axis matrix",
        lambda x: np.apply_along_axis(lambda r, k: np.outer(r, r[:k]), 0, x, 2),
    ),
    ("apply_along_axis last", lambda x: np.apply_along_axis(lambda r: r[::-1] * 2, -1, x)),
    ("apply_over_axes", lambda x: np.apply_over_axes(np.sum, x, [0, -1])),
    ("vectorize", lambda x: np.vectorize(lambda t: t * np.sin(t))(x) * x),
    ("vectorize lines", lambda x: np.vectorize(lambda r: np.sum(r * r), signature="(n)->()")(x)),
    (
        "frompyfunc",
        lambda x: np.frompyfunc(lambda a, b: a * b + 1.0, 2, 1)(x, x[0]).astype(x.dtype),
    ),
)
_RANGES: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("linspace", lambda a, b: np.linspace(a, b, 4)),
    ("linspace open", lambda a, b: np.linspace(a, b, 3, endpoint=False)),
    ("linspace arrays", lambda a, b: np.linspace(a, b[None] * np.ones((2, 1), a.dtype), 3, axis=1)),
    ("linspace step", lambda a, b: np.linspace(a, b, 3, retstep=True)[1]),
    ("linspace one", lambda a, b: np.linspace(a, b, 1) + b),
    ("logspace", lambda a, b: np.logspace(a, b, 3)),
    ("logspace base", lambda a, b: np.logspace(a, 2.0, 3, base=b, axis=-1)),
    ("geomspace", lambda a, b: np.geomspace(a, b, 4)),
    ("geomspace open", lambda a, b: np.geomspace(a, b, 3, False, axis=1)),
)
_GRIDS: tuple[tuple[str, Callable[..., Any], tuple[Shape, ...]], ...] = (
    ("meshgrid", lambda a, b: np.meshgrid(a, b)[0] * np.meshgrid(a, b)[1], ((2,), (3,))),
    (
        "meshgrid ij",
        lambda a, b, c: np.prod(np.stack(np.meshgrid(a, b, c, indexing="ij")), 0),
        ((2,), (3,), (2,)),
    ),
    (
        "meshgrid sparse",
        lambda a, b: np.add(*np.meshgrid(a, b, sparse=True, copy=False)),
        ((2,), (3,)),
    ),
)
# What NumPy does there cannot be done with complex numbers, or loses the imaginary part.
_NOT_ANALYTIC = ("pad maximum", "pad minimum", "pad median", "frompyfunc")


def cases() -> Iterator[Case]:
    """The rows of this family."""
    for analytic, rows in ((True, _CALCULUS), (False, _OF_REALS)):
        for name, function, shapes in rows:
            yield row(name, function, *shapes, analytic=analytic)
    yield from _interpolations()
    for name, function in _PADDED:
        yield row(
            name,
            function,
            (2, 3),
            analytic=name not in _NOT_ANALYTIC,
            objects=name in ("vectorize", "frompyfunc"),
        )
    for name, function in _RANGES:
        yield row(name, function, (2,), (2,), domains=(POSITIVE, POSITIVE), analytic=True)
    yield row(
        "geomspace negative",
        lambda a, b: np.geomspace(-a, -b, 3),
        (2,),
        (2,),
        domains=POSITIVE,
        analytic=False,
    )
    for name, function, shapes in _GRIDS:
        yield row(name, function, *shapes, domains=NONZERO)

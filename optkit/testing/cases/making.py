"""How the rows of the families become cases: what they are multiplied by."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from optkit.testing.cases.case import (
    REAL,
    Case,
    Domain,
    Shape,
)

SHAPES: tuple[Shape, ...] = ((), (1,), (3,), (1, 3), (2, 3), (2, 1, 3), (0,), (0, 3))
# fmt: off
BROADCASTS: tuple[tuple[Shape, Shape], ...] = (
    ((), ()), ((), (3,)), ((3,), ()), ((1,), (3,)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (3,)),
    ((1, 3), (2, 1)), ((2, 1, 3), (2, 1)), ((0, 3), (1,)), ((), (0,)),
)
# fmt: on

MASK = np.array([[True, False, True], [True, True, False]])


def every_axes(ndim: int) -> list[Any]:
    """None, every axis from both ends, pairs in both orders, all of them."""
    pairs = [(-1, 0), *itertools.permutations(range(ndim), 2)] if ndim > 1 else []
    return list(dict.fromkeys([None, *range(-ndim, ndim), *pairs, tuple(range(ndim))]))


def text(shapes: tuple[Shape, ...], **keywords: Any) -> str:
    """Shapes and keywords as the name of a case shows them."""
    given = ["x".join(map(str, shape)) or "()" for shape in shapes]
    for key, value in keywords.items():
        given.append(
            f"{key}=mask{value.sum()}" if isinstance(value, np.ndarray) else f"{key}={value}"
        )
    return ", ".join(given)


def parts(z: Any) -> Any:
    """The real and the imaginary parts of a result, which may be complex, side by side."""
    return np.stack([np.real(z), np.imag(z)])


def row(
    name: str, function: Callable[..., Any], *shapes: Shape, domains: Any = REAL, **options: Any
) -> Case:
    """One case; ``domains`` is one for all operands or a tuple of them."""
    each = domains if isinstance(domains, tuple) else (domains,) * len(shapes)
    return Case(f"{name}[{text(shapes)}]", function, shapes, each, **options)


def unary(function: Any, domain: Domain, analytic: bool) -> Iterator[Case]:
    """A function of one operand, in every shape and layout."""
    name = function.__name__
    for shape in SHAPES:
        yield row(name, function, shape, domains=domain, analytic=analytic)
    for layout in ("F", "strided"):
        yield Case(f"{name}[2x3, {layout}]", function, ((2, 3),), (domain,), layout, analytic)


def binary(function: Any, left: Domain, right: Domain, analytic: bool) -> Iterator[Case]:
    """A function of two operands, over the ways in which they broadcast."""
    for shapes in BROADCASTS:
        yield row(function.__name__, function, *shapes, domains=(left, right), analytic=analytic)


def along_axes(
    function: Any,
    shapes: tuple[Shape, ...],
    domain: Domain = REAL,
    analytic: bool = True,
    **keywords: Any,
) -> Iterator[Case]:
    """A reduction over every choice of axes, with and without keepdims."""
    for shape in shapes:
        for axis, keepdims in itertools.product(every_axes(len(shape)), (False, True)):
            given = keywords | {"axis": axis, "keepdims": keepdims}
            name = f"{function.__name__}[{text((shape,), **given)}]"
            yield Case(name, partial(function, **given), (shape,), (domain,), analytic=analytic)


def along_one_axis(function: Any, flat: bool = True, **keywords: Any) -> Iterator[Case]:
    """A cumulative function along every axis and, where it can, over all elements."""
    for shape in ((3,), (2, 3), (2, 3, 2), (0, 3)):
        for axis in [*range(-len(shape), len(shape)), *([None] if flat else [])]:
            given = keywords | {"axis": axis}
            name = f"{function.__name__}[{text((shape,), **given)}]"
            yield Case(name, partial(function, **given), (shape,), (REAL,))

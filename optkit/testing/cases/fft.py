"""Fourier transforms."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from optkit.testing.cases.case import REAL, Case, Shape
from optkit.testing.cases.making import parts, text

_Functions = tuple[Callable[..., Any], ...]
_NORMS = (None, "ortho", "forward")
_OF_REAL: _Functions = (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.ihfft)
_OF_COMPLEX: _Functions = (np.fft.fft, np.fft.ifft, np.fft.irfft, np.fft.hfft)
# fmt: off
_SEVERAL: tuple[dict[str, Any], ...] = (
    {}, {"axes": (0, 1)}, {"axes": (2, 0)}, {"axes": (-1,)}, {"axes": (1, 1)}, {"axes": (0, 2, 0)},
    {"s": (3, 4), "axes": (0, 2)}, {"s": (-1, 2), "axes": (1, 2)}, {"s": (2, 5), "axes": (1, 1)},
    {"norm": "ortho"}, {"norm": "forward", "axes": (1, 2)},
)
# fmt: on


def _real(function: Callable[..., Any], given: dict[str, Any], x: Any) -> Any:
    return parts(function(x, **given))


def _complex(function: Callable[..., Any], given: dict[str, Any], x: Any, y: Any) -> Any:
    return parts(function(x + 1j * y, **given))


def _case(
    function: Callable[..., Any], shape: Shape, given: dict[str, Any], of_complex: bool
) -> Case:
    kind = "complex " if of_complex else ""
    name = f"{kind}{function.__name__}[{text((shape,), **given)}]"
    call, count = (_complex, 2) if of_complex else (_real, 1)
    return Case(
        name, partial(call, function, given), (shape,) * count, (REAL,) * count, analytic=False
    )


def _along_one_axis() -> Iterator[Case]:
    for functions, of_complex in ((_OF_REAL, False), (_OF_COMPLEX, True)):
        for function, size, n in itertools.product(functions, (4, 5), (None, 3, 6)):
            given = {"n": n, "norm": _NORMS[(size + (n or 0)) % 3]}
            yield _case(function, (size,), given, of_complex)
        for function, norm, n in itertools.product(functions, _NORMS, (3, 4)):
            yield _case(function, (3, 2), {"n": n, "axis": 0, "norm": norm}, of_complex)
        for function in functions:
            yield _case(function, (1,), {"n": 1}, of_complex)
            yield _case(function, (2, 3), {"n": 2, "axis": -2}, of_complex)
    for function in (np.fft.irfft, np.fft.hfft):
        yield _case(function, (3,), {}, of_complex=False)


def _along_several_axes() -> Iterator[Case]:
    shape = (2, 3, 2)
    for given in _SEVERAL:
        for function in (np.fft.rfftn, np.fft.irfftn, np.fft.fftn):
            yield _case(function, shape, given, of_complex=False)
        for function in (np.fft.fftn, np.fft.ifftn, np.fft.irfftn):
            yield _case(function, shape, given, of_complex=True)
    for function in (np.fft.fft2, np.fft.ifft2, np.fft.irfft2):
        yield _case(function, shape, {}, of_complex=True)
        yield _case(function, (3, 4), {"s": (2, 5), "axes": (1, 0)}, of_complex=True)
    yield _case(np.fft.rfft2, (3, 3), {}, of_complex=False)


def cases() -> Iterator[Case]:
    """The rows of this family."""
    yield from _along_one_axis()
    yield from _along_several_axes()
    for function in (np.fft.fftshift, np.fft.ifftshift):
        for axes in (None, 0, (0, -1)):
            name = f"{function.__name__}[5x2, axes={axes}]"
            yield Case(name, partial(function, axes=axes), ((5, 2),), (REAL,))
    yield Case("fft of square[5]", _fft_of_square, ((5,),), (REAL,), analytic=False)
    yield Case(
        "power spectrum[6]", _power_spectrum, ((6,),), (REAL,), analytic=False, ulps=2,
        reason="squares that are added in another order",
    )  # fmt: skip


def _fft_of_square(x: Any) -> Any:
    return parts(np.fft.ifft(np.fft.fft(x, 4) ** 2))


def _power_spectrum(x: Any) -> Any:
    return np.abs(np.fft.rfft(x * np.hanning(6))) ** 2

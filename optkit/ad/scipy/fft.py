"""`scipy.fft` with derivatives: the transforms of NumPy under SciPy's names, and the cosine and sine transforms.

A cosine or sine transform is an orthogonal matrix O, scaled as a whole and, for some types, in its first or last row
or column: M = f L O R. So its transpose is f R Oᵀ L, and Oᵀ is the transform of the inverse type.

Examples
--------
>>> import numpy as np
>>> from optkit import ad
>>> from optkit.ad.scipy import fft
>>> ad.jacobian(lambda x: fft.dct(x, type=1))(np.ones(3)).round(3) + 0.0
array([[ 1.,  2.,  1.],
       [ 1.,  0., -1.],
       [ 1., -2.,  1.]])
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.fft

from optkit.ad.primitives import Linear
from optkit.ad.registry import linear
from optkit.ad.rules.axes import one_axis
from optkit.ad.rules.fft import SWAPPED, fit
from optkit.ad.rules.shape import traced
from optkit.ad.scipy.replacement import refused, replaces
from optkit.errors import NotDifferentiableError

__all__ = [
    "dct",
    "dctn",
    "dst",
    "dstn",
    "fft",
    "fft2",
    "fftn",
    "fftshift",
    "hfft",
    "hfft2",
    "hfftn",
    "idct",
    "idctn",
    "idst",
    "idstn",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "ihfft2",
    "ihfftn",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftn",
]


def __getattr__(name: str) -> Any:
    """What is not replaced here: SciPy's own, which refuses traced values."""
    original = getattr(scipy.fft, name)
    if callable(original) and not isinstance(original, type):
        return refused(original, "scipy.fft")
    return original


# --- Fourier transforms -----------------------------------------------------------------------------------------------


def _along_one_axis(name: str) -> Any:
    of_numpy = getattr(np.fft, name)

    def transform(
        x: Any, n: Any = None, axis: int = -1, norm: Any = None, *_: Any, **ignored: Any
    ) -> Any:
        return of_numpy(traced(x), n, axis, norm)

    return _named(transform, name)


def _along_axes(name: str, axes: Any) -> Any:
    hermitian = name in ("hfft2", "hfftn", "ihfft2", "ihfftn")
    plain = {"hfft2": "irfft2", "hfftn": "irfftn", "ihfft2": "rfft2", "ihfftn": "rfftn"}
    of_numpy = getattr(np.fft, plain.get(name, name))

    def transform(
        x: Any, s: Any = None, axes: Any = axes, norm: Any = None, *_: Any, **ignored: Any
    ) -> Any:
        x = traced(x)
        if axes is None and s is not None:
            axes = tuple(range(-len(s), 0))
        if not hermitian:
            return of_numpy(x, s, axes, norm)
        if name.startswith("i"):
            return np.conj(of_numpy(x, s, axes, SWAPPED[norm]))
        return of_numpy(np.conj(x), s, axes, SWAPPED[norm])

    return _named(transform, name)


def _named(transform: Any, name: str) -> Any:
    transform.__name__ = name
    transform.__doc__ = f"`scipy.fft.{name}`."
    return replaces(getattr(scipy.fft, name))(transform)


fft, ifft, rfft = _along_one_axis("fft"), _along_one_axis("ifft"), _along_one_axis("rfft")
irfft, hfft, ihfft = _along_one_axis("irfft"), _along_one_axis("hfft"), _along_one_axis("ihfft")
fft2, ifft2 = _along_axes("fft2", (-2, -1)), _along_axes("ifft2", (-2, -1))
rfft2, irfft2 = _along_axes("rfft2", (-2, -1)), _along_axes("irfft2", (-2, -1))
hfft2, ihfft2 = _along_axes("hfft2", (-2, -1)), _along_axes("ihfft2", (-2, -1))
fftn, ifftn, rfftn = (_along_axes(name, None) for name in ("fftn", "ifftn", "rfftn"))
irfftn, hfftn, ihfftn = (_along_axes(name, None) for name in ("irfftn", "hfftn", "ihfftn"))
fftshift, ifftshift = np.fft.fftshift, np.fft.ifftshift

# --- cosine and sine transforms ---------------------------------------------------------------------------------------

_INVERSE_TYPE = {1: 1, 2: 3, 3: 2, 4: 4}


def _ends(function: Any, kind: int, n: int) -> tuple[list[int], float, float]:
    """Which elements are scaled where a transform is not orthogonal, and by what L and R scale them."""
    place = 0 if function is scipy.fft.dct else n - 1
    if kind == 1 and function is scipy.fft.dct:
        return [0, n - 1], math.sqrt(2.0), math.sqrt(0.5)
    if kind == 2:
        return [place], math.sqrt(2.0), 1.0
    if kind == 3:
        return [place], 1.0, math.sqrt(0.5)
    return [], 1.0, 1.0


def _real_transform(function: Any) -> Linear:
    odd_one = -1 if function is scipy.fft.dct else 1

    def pulled(ct: Any, x: Any, axis: int, kind: int, norm: Any, orthogonal: bool) -> Any:
        n = np.shape(x)[axis]
        period = 2 * (n + odd_one) if kind == 1 else 2 * n
        power = {"backward": 0.5, "ortho": 0.0, "forward": -0.5}[norm or "backward"]
        left, right = np.full(n, float(period) ** power), np.ones(n)
        if not orthogonal:
            places, of_left, of_right = _ends(function, kind, n)
            left[places] *= of_left
            right[places] *= of_right
        along = (-1,) + (1,) * (np.ndim(ct) - axis - 1)
        weights = [w.reshape(along).astype(x.real.dtype) for w in (left, right)]
        back = primitive(
            ct * weights[0], axis=axis, kind=_INVERSE_TYPE[kind], norm="ortho", orthogonal=True
        )
        back = back * weights[1]
        return np.real(back) if np.iscomplexobj(back) and not np.iscomplexobj(x) else back

    def impl(x: Any, axis: int, kind: int, norm: Any, orthogonal: bool) -> Any:
        return function(x, kind, axis=axis, norm=norm, orthogonalize=orthogonal)

    primitive = linear(f"scipy {function.__name__}", pulled, impl=impl, tangent="same")
    return primitive


_PRIMITIVES = {function: _real_transform(function) for function in (scipy.fft.dct, scipy.fft.dst)}


def _apply(
    primitive: Linear, x: Any, kind: int, n: Any, axis: int, norm: Any, orthogonal: Any
) -> Any:
    if kind not in _INVERSE_TYPE:
        raise ValueError("invalid type of transform: must be 1, 2, 3 or 4")
    if norm not in SWAPPED:
        raise ValueError(f'Invalid norm value {norm!r}, should be "backward", "ortho" or "forward"')
    axis = one_axis(axis, x.ndim)
    x = x if n is None else fit(x, int(n), axis)
    by_norm = norm == "ortho"
    orthogonal = by_norm if orthogonal is None else bool(orthogonal)
    if orthogonal is not by_norm and np.iscomplexobj(x):
        raise NotDifferentiableError(
            "a cosine or sine transform of a complex traced array with orthogonalize=, which SciPy passes over there: "
            "transform x.real and x.imag"
        )
    return primitive(x, axis=axis, kind=kind, norm=norm, orthogonal=orthogonal)


def _one(name: str) -> Any:
    """A transform along one axis; the inverse is that of the inverse type, scaled the other way."""
    inverse = name.startswith("i")
    primitive = _PRIMITIVES[getattr(scipy.fft, name.removeprefix("i"))]

    def transform(
        x: Any,
        type: int = 2,  # noqa: A002 -- SciPy's name
        n: Any = None,
        axis: int = -1,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        orthogonalize: Any = None,
    ) -> Any:
        kind, scaled = (
            (_INVERSE_TYPE.get(type, type), SWAPPED.get(norm, norm)) if inverse else (type, norm)
        )
        return _apply(primitive, traced(x), kind, n, axis, scaled, orthogonalize)

    return _named(transform, name)


def _many(name: str) -> Any:
    """A transform along several axes, one after the other."""
    each = _one(name.removesuffix("n"))

    def transform(
        x: Any,
        type: int = 2,  # noqa: A002 -- SciPy's name
        s: Any = None,
        axes: Any = None,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        orthogonalize: Any = None,
    ) -> Any:
        x = traced(x)
        sizes = None if s is None else list(s) if np.iterable(s) else [s]
        if axes is None:
            axes = range(x.ndim) if sizes is None else range(x.ndim - len(sizes), x.ndim)
        axes = list(axes) if np.iterable(axes) else [axes]
        for i, axis in enumerate(axes):
            n = None if sizes is None or sizes[i] == -1 else sizes[i]
            x = each(x, type, n, axis, norm, orthogonalize=orthogonalize)
        return x

    return _named(transform, name)


dct, idct, dst, idst = (_one(name) for name in ("dct", "idct", "dst", "idst"))
dctn, idctn, dstn, idstn = (_many(name) for name in ("dctn", "idctn", "dstn", "idstn"))

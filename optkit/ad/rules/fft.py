"""Fourier transforms, along any axes, of real and complex arrays.

Four linear primitives of one axis, `np.fft.fft`, `ifft`, `rfft`, `irfft`, carry the rest, as they do in NumPy. The
matrix of a discrete Fourier transform is symmetric, so that of ``fft`` and ``ifft`` is its own transpose; a transform
of n points pads or cuts its argument, and the transpose cuts or pads. The spectrum of a real array holds one of each
pair of conjugate frequencies: there the transpose is the other transform, with a weight of 2 or ½ on the pairs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from optkit.ad.registry import FUNCTIONS, composite, linear
from optkit.ad.rules.axes import one_axis, without_out
from optkit.ad.rules.shape import traced

# In which direction a transform is scaled when it is read backwards.
SWAPPED = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def fit(x: Any, n: int, axis: int) -> Any:
    """``x`` cut or padded with zeros to ``n`` elements along an axis."""
    size = np.shape(x)[axis]
    if size > n:
        return x[(slice(None),) * axis + (slice(n),)]
    if size == n:
        return x
    shape = (*np.shape(x)[:axis], n - size, *np.shape(x)[axis + 1 :])
    return np.concatenate([x, np.zeros(shape, dtype=x.dtype)], axis=axis)


def _pairs(n: int, bins: int, ndim: int, axis: int, weight: float, dtype: Any) -> Any:
    """``weight`` for the frequencies that stand for a pair; 1 for zero and the middle one of an even n."""
    weights = np.full(bins, weight, dtype=dtype)
    weights[0] = 1.0
    if n % 2 == 0 and n // 2 < bins:
        weights[n // 2] = 1.0
    return weights.reshape((-1,) + (1,) * (ndim - axis - 1))


def _complex_transform(function: Any) -> Any:
    def pulled(ct: Any, x: Any, n: int, axis: int, norm: Any) -> Any:
        back = fit(primitive(ct, n=n, axis=axis, norm=norm), np.shape(x)[axis], axis)
        return back if np.iscomplexobj(x) else np.real(back)

    primitive = linear(
        function.__name__,
        pulled,
        impl=lambda x, n, axis, norm: function(x, n, axis, norm),
        tangent="same",
    )
    return primitive


def _rfft_pulled(ct: Any, x: Any, n: int, axis: int, norm: Any) -> Any:
    weights = _pairs(n, np.shape(ct)[axis], np.ndim(ct), axis, 0.5, x.dtype)
    back = _irfft(np.conj(ct) * weights, n=n, axis=axis, norm=SWAPPED[norm])
    return fit(back, np.shape(x)[axis], axis)


def _irfft_pulled(ct: Any, x: Any, n: int, axis: int, norm: Any) -> Any:
    ct = np.real(ct)  # What is real counts by the real part of its cotangent.
    bins = n // 2 + 1
    weights = _pairs(n, bins, np.ndim(ct), axis, 2.0, ct.dtype)
    back = np.conj(_rfft(ct, n=n, axis=axis, norm=SWAPPED[norm])) * weights
    back = fit(back, np.shape(x)[axis], axis)
    return back if np.iscomplexobj(x) else np.real(back)


_rfft = linear(
    "rfft",
    _rfft_pulled,
    impl=lambda x, n, axis, norm: np.fft.rfft(x, n, axis, norm),
    tangent="same",
)
_irfft = linear(
    "irfft",
    _irfft_pulled,
    impl=lambda x, n, axis, norm: np.fft.irfft(x, n, axis, norm),
    tangent="same",
)
_PRIMITIVES = {
    np.fft.fft: _complex_transform(np.fft.fft),
    np.fft.ifft: _complex_transform(np.fft.ifft),
    np.fft.rfft: _rfft,
    np.fft.irfft: _irfft,
}

# --- along one axis ---------------------------------------------------------------------------------------------------


def _one_axis(function: Any, primitive: Any) -> Any:
    name = function.__name__

    def transform(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
        without_out(out, f"fft.{name}")
        x = traced(a)
        axis = one_axis(axis, x.ndim)
        if n is None:
            n = x.shape[axis] if function is not np.fft.irfft else 2 * (x.shape[axis] - 1)
        if n < 1:
            raise ValueError(f"Invalid number of FFT data points ({n}) specified.")
        if norm not in SWAPPED:
            raise ValueError(
                f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".'
            )
        if function is np.fft.rfft and np.iscomplexobj(x):
            raise TypeError("np.fft.rfft takes real arrays: use np.fft.fft")
        return primitive(x, n=int(n), axis=axis, norm=norm)

    return transform


for _function, _primitive in _PRIMITIVES.items():
    FUNCTIONS[_function] = _one_axis(_function, _primitive)


@composite(np.fft.hfft)
def _hfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    x = traced(a)
    n = 2 * (x.shape[axis] - 1) if n is None else n
    return np.fft.irfft(np.conj(x), n, axis, _swapped(norm), out)


@composite(np.fft.ihfft)
def _ihfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    return np.conj(np.fft.rfft(traced(a), n, axis, _swapped(norm), out))


def _swapped(norm: Any) -> Any:
    if norm not in SWAPPED:
        raise ValueError(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    return SWAPPED[norm]


# --- along several axes -----------------------------------------------------------------------------------------------


def _several(function: Any, steps: Any, default_axes: Any) -> None:
    """Declare ``function``: the transforms ``steps`` = (of the last axis, of the others), last axis first or last."""
    last_step, other_step = steps
    backward = last_step is np.fft.irfft

    def transform(
        a: Any, s: Any = None, axes: Any = default_axes, norm: Any = None, out: Any = None
    ) -> Any:
        without_out(out, f"fft.{function.__name__}")
        x = traced(a)
        sizes, axes = _sizes(x, s, axes, backward)
        order = list(zip(sizes, axes, strict=True))
        if not order:
            return np.copy(x)
        if backward:
            for n, axis in order[:-1]:
                x = other_step(x, n, axis, norm)
            return last_step(x, *order[-1], norm)
        x = last_step(x, *order[-1], norm)
        for n, axis in order[-2::-1]:
            x = other_step(x, n, axis, norm)
        return x

    composite(function)(transform)


def _sizes(x: Any, s: Any, axes: Any, backward: bool) -> tuple[list[int], list[int]]:
    """The number of points for each axis, and the axes, from the arguments that NumPy takes."""
    if axes is None:
        axes = range(x.ndim) if s is None else range(-len(s), 0)
    axes = [one_axis(axis, x.ndim) for axis in axes]
    if s is None:
        sizes = [x.shape[axis] for axis in axes]
        if backward:
            sizes[-1] = 2 * (sizes[-1] - 1)
        return sizes, axes
    if len(s) != len(axes):
        raise ValueError("Shape and axes have different lengths.")
    sizes = [x.shape[axis] if n == -1 else n for n, axis in zip(s, axes, strict=True)]
    return sizes, axes


for _function, _steps, _axes in (
    (np.fft.fftn, (np.fft.fft, np.fft.fft), None),
    (np.fft.ifftn, (np.fft.ifft, np.fft.ifft), None),
    (np.fft.fft2, (np.fft.fft, np.fft.fft), (-2, -1)),
    (np.fft.ifft2, (np.fft.ifft, np.fft.ifft), (-2, -1)),
    (np.fft.rfftn, (np.fft.rfft, np.fft.fft), None),
    (np.fft.rfft2, (np.fft.rfft, np.fft.fft), (-2, -1)),
    (np.fft.irfftn, (np.fft.irfft, np.fft.ifft), None),
    (np.fft.irfft2, (np.fft.irfft, np.fft.ifft), (-2, -1)),
):
    _several(_function, _steps, _axes)


@composite(np.fft.fftshift)
def _fftshift(x: Any, axes: Any = None) -> Any:
    return _shifted(traced(x), axes, lambda n: n // 2)


@composite(np.fft.ifftshift)
def _ifftshift(x: Any, axes: Any = None) -> Any:
    return _shifted(traced(x), axes, lambda n: -(n // 2))


def _shifted(x: Any, axes: Any, by: Any) -> Any:
    axes = range(x.ndim) if axes is None else axes if np.iterable(axes) else (axes,)
    axes = tuple(int(axis) for axis in axes)
    return np.roll(x, [by(x.shape[axis]) for axis in axes], axes)

"""Matrix products and their relatives: bilinear functions.

Two primitives, `matmul` and `einsum`, carry all of them.
"""

from __future__ import annotations

import string
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from optkit.ad import inplace
from optkit.ad.primitives import Linear, unbroadcast
from optkit.ad.registry import composite, linear
from optkit.ad.rules.axes import recent, with_ndim, without_out
from optkit.ad.rules.index import setitem
from optkit.ad.rules.shape import traced

# --- matmul -----------------------------------------------------------------------------------------------------------


def _matmul_left(ct: Any, a: Any, b: Any) -> Any:
    """The cotangent of ``a`` in ``a @ b``; vectors are matrices with one row or one column."""
    if np.ndim(b) == 1:
        return unbroadcast(ct[..., None] * b if np.ndim(ct) else ct * b, a)
    if np.ndim(a) == 1:
        return unbroadcast(np.matmul(b, ct[..., None])[..., 0], a)
    return unbroadcast(np.matmul(ct, np.swapaxes(b, -1, -2)), a)


def _matmul_right(ct: Any, a: Any, b: Any) -> Any:
    """The cotangent of ``b`` in ``a @ b``."""
    if np.ndim(a) == 1:
        return unbroadcast(ct[..., None, :] * a[:, None] if np.ndim(b) > 1 else ct * a, b)
    if np.ndim(b) == 1:
        return unbroadcast(np.matmul(np.swapaxes(a, -1, -2), ct[..., None])[..., 0], b)
    return unbroadcast(np.matmul(np.swapaxes(a, -1, -2), ct), b)


def _matmul_tangent(tangents: Any, args: Any, params: Any, k: int) -> Any:
    (a, b), (ta, tb) = args, tangents
    if tb is not None:
        if np.ndim(b) == 1:
            return np.matmul(a, tb)  # The directions are the columns.
        return np.moveaxis(np.matmul(a, _front(tb, np.ndim(a))), 0, -1)
    if np.ndim(a) > 1:
        return np.moveaxis(np.matmul(_front(ta, np.ndim(b)), b), 0, -1)
    if np.ndim(b) == 1:
        return np.matmul(b, ta)
    return np.swapaxes(np.matmul(ta.T, b), -1, -2)  # The directions are the rows.


def _front(t: Any, ndim: int) -> Any:
    """The tangent of a matrix with its directions in front of as many axes as its partner has."""
    front = np.moveaxis(t, -1, 0)
    return np.reshape(front, (len(front), *(1,) * (ndim + 1 - front.ndim), *front.shape[1:]))


matmul = linear(np.matmul, _matmul_left, _matmul_right, tangent=_matmul_tangent, each=True)


@composite(np.dot)
def _dot(a: Any, b: Any, out: Any = None) -> Any:
    without_out(out, "dot")
    a, b = traced(a), traced(b)
    if not a.ndim or not b.ndim:
        return a * b
    if b.ndim == 1 or (a.ndim <= 2 and b.ndim == 2):
        return np.matmul(a, b)
    return np.tensordot(a, b, (-1, -2))


@composite(np.inner)
def _inner(a: Any, b: Any, /) -> Any:
    a, b = traced(a), traced(b)
    return np.tensordot(a, b, (-1, -1)) if a.ndim and b.ndim else a * b


@composite(np.vdot)
def _vdot(a: Any, b: Any, /) -> Any:
    return np.matmul(np.ravel(np.conj(traced(a))), np.ravel(traced(b)))


@composite(np.vecdot)
def _vecdot(a: Any, b: Any) -> Any:
    a = np.conj(traced(a))
    return np.matmul(a[..., None, :], traced(b)[..., :, None])[..., 0, 0]


def _is_matrix(a: Any, name: str) -> None:
    if np.ndim(a) < 2:
        raise ValueError(f"np.{name}: a matrix has two dimensions at least, this has {np.ndim(a)}")


@composite(*recent("matvec"))
def _matvec(a: Any, x: Any) -> Any:
    _is_matrix(a, "matvec")
    return np.matmul(traced(a), traced(x)[..., :, None])[..., 0]


@composite(*recent("vecmat"))
def _vecmat(x: Any, a: Any) -> Any:
    _is_matrix(a, "vecmat")
    return np.matmul(np.conj(traced(x))[..., None, :], traced(a))[..., 0, :]


@composite(np.outer)
def _outer(a: Any, b: Any, out: Any = None) -> Any:
    without_out(out, "outer")
    return np.multiply(np.ravel(traced(a))[:, None], np.ravel(traced(b)))


@composite(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = traced(a), traced(b)
    if np.iterable(axes):
        axes_a, axes_b = axes
    else:
        axes_a, axes_b = range(a.ndim - axes, a.ndim), range(axes)
    axes_a, axes_b = normalize_axis_tuple(axes_a, a.ndim), normalize_axis_tuple(axes_b, b.ndim)
    if [a.shape[i] for i in axes_a] != [b.shape[i] for i in axes_b]:
        raise ValueError("shape-mismatch for sum")
    free_a = tuple(i for i in range(a.ndim) if i not in axes_a)
    free_b = tuple(i for i in range(b.ndim) if i not in axes_b)
    summed = int(np.prod([a.shape[i] for i in axes_a], dtype=int))
    shape_a, shape_b = tuple(a.shape[i] for i in free_a), tuple(b.shape[i] for i in free_b)
    rows, columns = int(np.prod(shape_a, dtype=int)), int(np.prod(shape_b, dtype=int))
    left = np.reshape(np.transpose(a, free_a + axes_a), (rows, summed))
    right = np.reshape(np.transpose(b, axes_b + free_b), (summed, columns))
    return np.reshape(np.matmul(left, right), shape_a + shape_b)


@composite(np.kron)
def _kron(a: Any, b: Any) -> Any:
    a, b = traced(a), traced(b)
    ndim = max(a.ndim, b.ndim)
    a, b = with_ndim(a, ndim), with_ndim(b, ndim)
    spread = [np.reshape(x, [n for size in x.shape for n in pair(size)])
              for x, pair in ((a, lambda n: (n, 1)), (b, lambda n: (1, n)))]  # fmt: skip
    return np.reshape(spread[0] * spread[1], [m * n for m, n in zip(a.shape, b.shape, strict=True)])


@composite(np.cross)
def _cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(traced(a), axisa, -1), np.moveaxis(traced(b), axisb, -1)
    sizes = (a.shape[-1], b.shape[-1])
    if not set(sizes) <= {2, 3}:
        raise ValueError(f"np.cross takes vectors of two or three components, these have {sizes}")
    if sizes == (2, 2):
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = (
        np.concatenate([v, np.zeros_like(v[..., :1])], axis=-1) if v.shape[-1] == 2 else v
        for v in (a, b)
    )
    after, before = [1, 2, 0], [2, 0, 1]
    return np.moveaxis(a[..., after] * b[..., before] - a[..., before] * b[..., after], -1, axisc)


# --- convolution ------------------------------------------------------------------------------------------------------


def _convolve_left(ct: Any, a: Any, v: Any) -> Any:
    """The cotangent of ``a`` in the full convolution of ``a`` and ``v``."""
    return _convolve(ct, v[::-1])[len(v) - 1 : len(v) - 1 + len(a)]


_convolve = linear(
    "convolve",
    _convolve_left,
    lambda ct, a, v: _convolve_left(ct, v, a),
    impl=np.convolve,
    each=True,
)


def _sequences(a: Any, v: Any) -> tuple[Any, Any]:
    if a.ndim != 1 or v.ndim != 1:
        raise ValueError(
            f"the operands must be sequences, but they have {a.ndim} and {v.ndim} dimensions"
        )
    if not a.size or not v.size:
        raise ValueError("a and v cannot be empty")
    return a, v


@composite(np.convolve)
def _np_convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    a, v = _sequences(np.atleast_1d(traced(a)), np.atleast_1d(traced(v)))
    least = min(a.size, v.size)
    return _part(_convolve(a, v), mode, (least - 1) // 2, a.size, v.size)


@composite(np.correlate)
def _correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    a, v = _sequences(traced(a), traced(v))
    # NumPy centers the shorter one in the longer one, whichever comes first.
    start = (v.size - 1) // 2 if a.size >= v.size else a.size // 2
    return _part(_convolve(a, np.conj(v)[::-1]), mode, start, a.size, v.size)


def _part(full: Any, mode: Any, start: int, m: int, n: int) -> Any:
    """The part of a full convolution of lengths ``m`` and ``n`` that a mode asks for; "same" begins at ``start``."""
    mode = {0: "valid", 1: "same", 2: "full"}.get(mode, mode)
    if mode == "full":
        return full
    if mode == "same":
        return full[start : start + max(m, n)]
    if mode == "valid":
        return full[min(m, n) - 1 : max(m, n)]
    raise ValueError(f"mode must be one of 'valid', 'same', or 'full' (got {mode!r})")


# --- einsum -----------------------------------------------------------------------------------------------------------


class _Einsum(Linear):
    """``einsum`` with an explicit output and no ellipsis; linear in each operand."""

    __slots__ = ()

    def pull(self, i: int, ct: Any, y: Any, args: Any, params: dict[str, Any]) -> Any:
        inputs, output = _subscripts(params["subscripts"])
        x, mine = args[i], inputs[i]
        # An index that only operand i has was summed over: its cotangent is spread along it. A repeated index (a
        # diagonal) is taken once and put back on the diagonal.
        others = [(s, a) for j, (s, a) in enumerate(zip(inputs, args, strict=True)) if j != i]
        found = set(output).union(*(s for s, _ in others))
        distinct = "".join(dict.fromkeys(mine))
        sizes = {
            c: n
            for s, a in zip(inputs, args, strict=True)
            for c, n in zip(s, np.shape(a), strict=True)
            if n != 1
        }
        left = ",".join([output, *(s for s, _ in others)])
        pulled = einsum(
            ct,
            *(a for _, a in others),
            subscripts=left + "->" + "".join(c for c in distinct if c in found),
            optimize=bool(params["optimize"]) or len(args) > 2,
        )
        shape = tuple(sizes.get(c, 1) for c in distinct)
        pulled = np.broadcast_to(
            pulled[tuple(slice(None) if c in found else None for c in distinct)], shape
        )
        if len(distinct) < len(mine):
            index = tuple(
                np.arange(shape[distinct.index(c)]).reshape([-1 if c == d else 1 for d in distinct])
                for c in mine
            )
            pulled = setitem(
                np.zeros(tuple(sizes.get(c, 1) for c in mine), dtype=ct.dtype), pulled, index
            )
        return unbroadcast(pulled, x)

    def push(self, y: Any, args: Any, tangents: Any, params: dict[str, Any], k: int | None) -> Any:
        inputs, output = _subscripts(params["subscripts"])
        letter = (
            ""
            if k is None
            else next(c for c in string.ascii_letters if c not in params["subscripts"])
        )
        total = None
        for i, t in enumerate(tangents):
            if t is None:
                continue
            names = [s + letter if j == i else s for j, s in enumerate(inputs)]
            operands = [t if j == i else a for j, a in enumerate(args)]
            term = self(
                *operands,
                subscripts=f"{','.join(names)}->{output}{letter}",
                optimize=params["optimize"],
            )
            total = term if total is None else total + term
        return total


einsum = _Einsum(
    "einsum",
    lambda *operands, subscripts, optimize: np.einsum(subscripts, *operands, optimize=optimize),
    each=True,
)


def _subscripts(text: str) -> tuple[list[str], str]:
    left, right = text.split("->")
    return left.split(","), right


@composite(np.einsum)
def _np_einsum(*operands: Any, out: Any = None, optimize: Any = False, **options: Any) -> Any:
    without_out(out, "einsum")
    if options.get("dtype") is not None:
        operands = (operands[0], *(traced(a).astype(options["dtype"]) for a in operands[1:]))
    if isinstance(operands[0], str):
        text, arrays = operands[0].replace(" ", ""), [traced(a) for a in operands[1:]]
    else:  # The other way to call it: operand, list of index numbers, operand, list, …, [output list].
        pairs = list(zip(operands[0::2], operands[1::2], strict=False))
        arrays = [traced(a) for a, _ in pairs]
        text = ",".join(_letters(numbers) for _, numbers in pairs)
        if len(operands) % 2:
            text += "->" + _letters(operands[-1])
    inputs, output = _explicit(text, [a.ndim for a in arrays])
    params = {"subscripts": ",".join(inputs) + "->" + output, "optimize": optimize}
    result = einsum(*arrays, **params)
    if len(arrays) == 1:  # Without a sum, as in "ii->i", NumPy makes a view.
        inplace.link(result, arrays[0], einsum, params)
    return result


_LETTERS = string.ascii_uppercase + string.ascii_lowercase  # in NumPy's order


def _letters(numbers: Any) -> str:
    return "".join("..." if n is Ellipsis else _LETTERS[n] for n in numbers)


def _explicit(text: str, ndims: list[int]) -> tuple[list[str], str]:
    """Subscripts with the ellipsis spelled out and the output given, by NumPy's rules."""
    left, arrow, right = text.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(ndims):
        raise ValueError(f"einsum: {len(inputs)} subscripts for {len(ndims)} operands")
    widths = [n - len(s.replace("...", "")) for s, n in zip(inputs, ndims, strict=True)]
    unused = [c for c in string.ascii_letters if c not in text]
    width = max((w for w, s in zip(widths, inputs, strict=True) if "..." in s), default=0)
    dots = "".join(unused[:width])
    named = "".join(inputs).replace(".", "")
    inputs = [
        s.replace("...", dots[len(dots) - w :] if w else "")
        for s, w in zip(inputs, widths, strict=True)
    ]
    if any(len(s) != n for s, n in zip(inputs, ndims, strict=True)):
        raise ValueError(f"einsum: subscripts {text!r} do not fit operands of {ndims} dimensions")
    if arrow and width and "..." not in right:
        raise ValueError(
            f"einsum: the output of {text!r} needs an ellipsis for the axes that '...' stands for"
        )
    if arrow:
        return inputs, right.replace("...", dots)
    return inputs, dots + "".join(sorted(c for c in set(named) if named.count(c) == 1))

"""The nonlinear regression sets of the NIST Statistical Reference Datasets: the models, and a reader of the files.

The 27 files (public domain, https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml) are not part of the package. Each
holds data, two starts, certified estimates to eleven digits, their standard deviations, and the residual sum of
squares.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.errors import InvalidInputError

Array = NDArray[np.float64]


def _peaks(x: Any, b: Any) -> Any:
    first, second = (x - b[3]) / b[4], (x - b[6]) / b[7]
    return b[0] * np.exp(-b[1] * x) + b[2] * np.exp(-(first**2)) + b[5] * np.exp(-(second**2))


def _cycles(x: Any, b: Any) -> Any:
    def wave(cosine: Any, sine: Any, period: Any) -> Any:
        angle = 2.0 * np.pi * x / period
        return cosine * np.cos(angle) + sine * np.sin(angle)

    return b[0] + wave(b[1], b[2], 12.0) + wave(b[4], b[5], b[3]) + wave(b[7], b[8], b[6])


def _cubic_ratio(x: Any, b: Any) -> Any:
    return (b[0] + x * (b[1] + x * (b[2] + x * b[3]))) / (1.0 + x * (b[4] + x * (b[5] + x * b[6])))


def _decays(x: Any, b: Any) -> Any:
    return b[0] * np.exp(-b[1] * x) + b[2] * np.exp(-b[3] * x) + b[4] * np.exp(-b[5] * x)


def _chwirut(x: Any, b: Any) -> Any:
    return np.exp(-b[0] * x) / (b[1] + b[2] * x)


def _saturation(x: Any, b: Any) -> Any:
    return b[0] * (1.0 - np.exp(-b[1] * x))


# Each takes the predictors and the vector of parameters.
MODELS: dict[str, Callable[[Any, Any], Any]] = {
    "Bennett5": lambda x, b: b[0] * (b[1] + x) ** (-1.0 / b[2]),
    "BoxBOD": _saturation,
    "Chwirut1": _chwirut,
    "Chwirut2": _chwirut,
    "DanWood": lambda x, b: b[0] * x ** b[1],
    "ENSO": _cycles,
    "Eckerle4": lambda x, b: b[0] / b[1] * np.exp(-0.5 * ((x - b[2]) / b[1]) ** 2),
    "Gauss1": _peaks,
    "Gauss2": _peaks,
    "Gauss3": _peaks,
    "Hahn1": _cubic_ratio,
    "Kirby2": lambda x, b: (b[0] + x * (b[1] + x * b[2])) / (1.0 + x * (b[3] + x * b[4])),
    "Lanczos1": _decays,
    "Lanczos2": _decays,
    "Lanczos3": _decays,
    "MGH09": lambda x, b: b[0] * (x**2 + x * b[1]) / (x**2 + x * b[2] + b[3]),
    "MGH10": lambda x, b: b[0] * np.exp(b[1] / (x + b[2])),
    "MGH17": lambda x, b: b[0] + b[1] * np.exp(-x * b[3]) + b[2] * np.exp(-x * b[4]),
    "Misra1a": _saturation,
    "Misra1b": lambda x, b: b[0] * (1.0 - (1.0 + b[1] * x / 2.0) ** -2.0),
    "Misra1c": lambda x, b: b[0] * (1.0 - (1.0 + 2.0 * b[1] * x) ** -0.5),
    "Misra1d": lambda x, b: b[0] * b[1] * x / (1.0 + b[1] * x),
    "Nelson": lambda x, b: b[0] - b[1] * x[0] * np.exp(-b[2] * x[1]),
    "Rat42": lambda x, b: b[0] / (1.0 + np.exp(b[1] - b[2] * x)),
    "Rat43": lambda x, b: b[0] / (1.0 + np.exp(b[1] - b[2] * x)) ** (1.0 / b[3]),
    "Roszman1": lambda x, b: b[0] - b[1] * x - np.arctan(b[2] / (x - b[3])) / np.pi,
    "Thurber": _cubic_ratio,
}


@dataclass(frozen=True, eq=False)
class DataSet:
    """One of the files.

    Attributes
    ----------
    name : str
        The set's.
    x, y : ndarray
        The predictors, shape (m,) or (2, m), and the response, shape (m,); Nelson's is the logarithm, as its model
        says.
    starts : ndarray of shape (2, n)
        The far start and the near one.
    certified, deviations : ndarray of shape (n,)
        The certified estimates and their standard deviations.
    sum_of_squares : float
        The certified residual sum of squares.
    """

    name: str
    x: Array
    y: Array
    starts: Array
    certified: Array
    deviations: Array
    sum_of_squares: float

    def model(self, x: Any, b: Any) -> Any:
        """The curve for the parameters b, shape (n,)."""
        return MODELS[self.name](x, b)

    def residuals(self, b: Any) -> Any:
        """Model minus data, shape (m,)."""
        return self.model(self.x, b) - self.y

    def jacobian(self, b: Any) -> Array:
        """Of the residuals, by complex steps, exact to rounding."""
        columns = np.eye(len(b)) * 1e-200j
        return np.stack([self.residuals(b + step).imag / 1e-200 for step in columns], axis=-1)


def read(path: str | Path) -> DataSet:
    """Read a file as NIST publishes it; its name tells the set.

    Parameters
    ----------
    path : str or Path
        For example ``"Misra1a.dat"``.
    """
    path = Path(path)
    name = path.stem
    if name not in MODELS:
        raise InvalidInputError(f"no set called {name!r}; known: {', '.join(MODELS)}")
    text = path.read_text(encoding="utf-8")
    place = re.search(r"Data\s+\(lines\s+(\d+) to\s+(\d+)\)", text)
    total = re.search(r"Residual Sum of Squares: +(\S+)", text)
    rows = re.findall(r"^ *b\d+ *= +(\S+) +(\S+) +(\S+) +(\S+) *$", text, re.MULTILINE)
    if place is None or total is None or not rows:
        raise InvalidInputError(f"{path} is not a file of the NIST nonlinear regression sets")
    lines = text.splitlines()[int(place[1]) - 1 : int(place[2])]
    y, *x = np.loadtxt(lines, unpack=True)
    table = np.array(rows, dtype=np.float64)
    return DataSet(
        name, x=x[0] if len(x) == 1 else np.array(x), y=np.log(y) if name == "Nelson" else y,
        starts=table[:, :2].T.copy(), certified=table[:, 2], deviations=table[:, 3],
        sum_of_squares=float(total[1]),
    )  # fmt: skip


def digits(found: Any, certified: Any) -> float:
    """LRE: the digits that agree with the certified values in the worst of them, from 0 to the 11 that there are.

    Examples
    --------
    >>> from optkit.testing.nist import digits
    >>> round(digits([1.0001, 2.0], [1.0, 2.0]), 6), digits([3.0], [1.0])
    (4.0, 0.0)
    """
    found, certified = np.asarray(found, dtype=np.float64), np.asarray(certified, dtype=np.float64)
    error = np.abs(found - certified) / np.abs(certified)
    if not np.isfinite(error).all():
        return 0.0
    return max(0.0, float(np.min(-np.log10(np.maximum(error, 1e-11)))))

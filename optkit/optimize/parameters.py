"""Named parameters of a model: free, within bounds, fixed, or expressions of others.

A fit varies the vector z of the *free* parameters. `Parameters.values` makes all of them out of it: the free ones as
they are, the fixed ones as given, and the expressions in an order in which what they need is known.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import scipy.optimize

from optkit.errors import InvalidInputError, InvalidTypeError
from optkit.optimize.expressions import compile_expression
from optkit.optimize.validation import Vector, as_real, unknown

Rule = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Parameter:
    """What is known of one parameter before the fit.

    Parameters
    ----------
    value : float
        Where it starts, or stays.
    min, max : float
        Its bounds.
    fixed : bool
        Whether it stays.
    expr : str or callable, optional
        Its value as an expression of other parameters, ``"2 * a + sqrt(b)"``, or as a function of them by name,
        ``lambda a, b: 2 * a + np.sqrt(b)``.

    Examples
    --------
    >>> import numpy as np, optkit
    >>> from optkit.optimize import Parameter
    >>> t = np.linspace(0.0, 3.0, 20)
    >>> y = 2.0 * np.exp(-1.5 * t) + 1.0
    >>> fit = optkit.curve_fit(
    ...     lambda t, a, rate, base: a * np.exp(-rate * t) + base, t, y,
    ...     {"a": Parameter(1.0, min=0.0), "rate": 1.0, "base": Parameter(expr="a / 2")},
    ... )
    >>> {name: round(value, 6) for name, value in fit.values.items()}
    {'a': 2.0, 'rate': 1.5, 'base': 1.0}
    """

    value: float = 1.0
    min: float = -math.inf
    max: float = math.inf
    fixed: bool = False
    expr: str | Callable[..., Any] | None = None


@dataclass(frozen=True, eq=False)
class Parameters:
    """The parameters of a model in its order; made by `parameters_of`."""

    table: dict[str, Parameter]
    free: tuple[str, ...]
    rules: dict[str, Rule] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of the model."""
        return tuple(self.table)

    @property
    def start(self) -> Vector:
        """The start of the free ones."""
        return np.array([self.table[name].value for name in self.free], dtype=np.float64)

    @property
    def bounds(self) -> list[tuple[float, float]] | None:
        """The bounds of the free ones, None where there are none."""
        pairs = [(self.table[name].min, self.table[name].max) for name in self.free]
        return None if all(math.isinf(a) and math.isinf(b) for a, b in pairs) else pairs

    def values(self, z: Any) -> list[Any]:
        """All values, in the order of the model, from those of the free ones; differentiable."""
        if len(self.free) == len(self.table):
            return [z[i] for i in range(len(self.free))]
        known: dict[str, Any] = {
            name: item.value for name, item in self.table.items() if item.fixed
        }
        known |= {name: z[i] for i, name in enumerate(self.free)}
        for name, rule in self.rules.items():
            known[name] = rule(known)
        return [known[name] for name in self.table]

    def fixing(self, name: str, value: float) -> Parameters:
        """The same parameters with a free one fixed."""
        table = self.table | {name: replace(self.table[name], value=value, fixed=True)}
        return replace(self, table=table, free=tuple(n for n in self.free if n != name))


def names_of(model: Callable[..., Any], p0: Any) -> tuple[list[str], bool, dict[str, float]]:
    """The names of a model's parameters, whether it takes them as one vector, and their defaults."""
    count = None if p0 is None or isinstance(p0, Mapping) else np.size(p0)
    try:
        listed = list(inspect.signature(model).parameters.values())[1:]
    except (TypeError, ValueError):  # some callables have no signature
        listed = [inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)]
    if any(item.kind is item.VAR_POSITIONAL for item in listed):
        if isinstance(p0, Mapping):
            return list(p0), False, {}
        if count is None:
            raise InvalidInputError(
                "a model with *args does not tell how many parameters it has; give p0"
            )
        return [f"p{i}" for i in range(count)], False, {}
    listed = [
        item for item in listed if item.kind in (item.POSITIONAL_OR_KEYWORD, item.POSITIONAL_ONLY)
    ]
    names = [item.name for item in listed]
    listing = np.ndim(p0) == 1 and not isinstance(p0, Mapping)
    if len(names) == 1 and listing and (count != 1 or isinstance(p0, np.ndarray)):
        return [f"{names[0]}[{i}]" for i in range(count or 0)], True, {}
    defaults = {
        item.name: float(item.default)
        for item in listed
        if isinstance(item.default, (int, float)) and not isinstance(item.default, bool)
    }
    return names, False, defaults


def parameters_of(
    names: list[str], p0: Any, bounds: Any, fixed: Any, expressions: Any, defaults: dict[str, float]
) -> Parameters:
    """The parameters that the arguments of `optkit.curve_fit` describe."""
    table = _starts(names, p0, defaults)
    for name, (low, high) in _bounds(names, bounds).items():
        table[name] = replace(table[name], min=low, max=high)
    for name, value in _named(names, fixed, "fixed").items():
        item = replace(table[name], fixed=True)
        table[name] = item if value is None else replace(item, value=_number(value, name))
    for name, rule in _named(names, expressions, "expressions").items():
        table[name] = replace(table[name], expr=rule)
    for name, item in table.items():
        if not item.min <= item.max:
            raise InvalidInputError(f"bounds of {name}: lower {item.min} > upper {item.max}")
        if item.expr is None and item.min == item.max:
            table[name] = replace(item, value=item.min, fixed=True)
    free = tuple(name for name, item in table.items() if not item.fixed and item.expr is None)
    return Parameters(table, free, _rules(table))


def _starts(names: list[str], p0: Any, defaults: dict[str, float]) -> dict[str, Parameter]:
    if p0 is None:
        return {name: Parameter(defaults.get(name, 1.0)) for name in names}
    if isinstance(p0, Mapping):
        given = _named(names, p0, "p0")
        table = {name: Parameter(defaults.get(name, 1.0)) for name in names}
        return table | {name: _parameter(item, name) for name, item in given.items()}
    flat = np.atleast_1d(as_real(p0, "p0")).astype(np.float64)
    if flat.shape != (len(names),):
        raise InvalidInputError(
            f"p0 must hold {len(names)} values, for {', '.join(names)}; got shape {flat.shape}"
        )
    return {name: Parameter(_number(value, name)) for name, value in zip(names, flat, strict=True)}


def _parameter(item: Any, name: str) -> Parameter:
    if isinstance(item, Mapping):
        known = [entry.name for entry in fields(Parameter)]
        for key in item:
            if key not in known:
                raise InvalidInputError(unknown(f"entry {key!r} of p0[{name!r}]", str(key), known))
        item = Parameter(**item)
    if isinstance(item, Parameter):
        _number(item.value, name)
        return item
    return Parameter(_number(item, name))


def _number(value: Any, name: str) -> float:
    array = as_real(value, f"the value of {name}")
    if array.size != 1 or not np.isfinite(array).all():
        raise InvalidInputError(f"the value of {name} must be a finite number, got {value!r}")
    return float(array.reshape(()))


def _named(names: list[str], given: Any, what: str) -> dict[str, Any]:
    """A mapping by name; a sequence of names is one to None."""
    if given is None:
        return {}
    if isinstance(given, str):
        given = [given]
    entries = dict(given) if isinstance(given, Mapping) else dict.fromkeys(given)
    for name in entries:
        if name not in names:
            raise InvalidInputError(unknown(f"parameter {name!r} in {what}", str(name), names))
    return entries


def _bounds(names: list[str], bounds: Any) -> dict[str, tuple[float, float]]:
    """Bounds by name, as SciPy's pair (lower, upper), or as `scipy.optimize.Bounds`."""
    if bounds is None:
        return {}
    if isinstance(bounds, Mapping):
        pairs = _named(names, bounds, "bounds")
        return {
            name: (-math.inf if low is None else low, math.inf if high is None else high)
            for name, (low, high) in pairs.items()
        }
    if isinstance(bounds, scipy.optimize.Bounds):
        bounds = (bounds.lb, bounds.ub)
    n = len(names)
    try:
        low, high = (np.broadcast_to(np.asarray(side, dtype=np.float64), (n,)) for side in bounds)
    except (TypeError, ValueError):
        raise InvalidInputError(
            f"bounds must be a dict from names to (low, high), or two sequences (lower, upper) for the {n} "
            f"parameters {', '.join(names)}; got {bounds!r}"
        ) from None
    if np.isnan(low).any() or np.isnan(high).any():
        raise InvalidInputError("bounds hold nan; write -np.inf or np.inf for no bound")
    return {name: (float(a), float(b)) for name, a, b in zip(names, low, high, strict=True)}


def _rules(table: dict[str, Parameter]) -> dict[str, Rule]:
    """The expressions in an order in which what each needs is known before it."""
    waiting: dict[str, tuple[Rule, set[str]]] = {}
    for name, item in table.items():
        if item.expr is not None:
            waiting[name] = _rule(item.expr, name, list(table))
    rules: dict[str, Rule] = {}
    while waiting:
        ready = [name for name, (_, used) in waiting.items() if not used & waiting.keys()]
        if not ready:
            raise InvalidInputError(
                f"the expressions of {', '.join(waiting)} depend on each other in a circle"
            )
        for name in ready:
            rules[name] = waiting.pop(name)[0]
    return rules


def _rule(expr: Any, name: str, names: list[str]) -> tuple[Rule, set[str]]:
    if isinstance(expr, str):
        return compile_expression(expr, name, names)
    if not callable(expr):
        raise InvalidTypeError(
            f"the expression of {name!r} must be a text or a function, got {expr!r}"
        )
    used = list(inspect.signature(expr).parameters)
    _named(names, used, f"the expression of {name}")
    return (lambda values: expr(*(values[n] for n in used))), set(used)

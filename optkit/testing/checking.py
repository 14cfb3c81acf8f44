"""gradcheck: derivatives against finite differences that know their own error."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optkit.ad.backends import Backend, get_backend
from optkit.errors import DerivativeError, InvalidInputError, InvalidTypeError
from optkit.testing.claims import (
    Claim,
    Derivative,
    MisshapenError,
    gradient_function,
    hessian_by_backend,
    hessian_by_hand,
    hessian_by_products,
    jacobian_by_backend,
    jacobian_by_hand,
)
from optkit.testing.comparison import Comparison, Direction, EntryVerdict, Examiner, Tolerance
from optkit.testing.consistency import disagreements, second_disagreements
from optkit.testing.coordinates import Coordinates, indices
from optkit.testing.report import DerivativeCheck, GradcheckReport
from optkit.testing.subject import Subject
from optkit.testing.taylor import TaylorRemainder, remainders

Array = NDArray[np.float64]

# More variables than this are checked along random directions, of which so many are tried.
_WIDE = 200
_RANDOM_DIRECTIONS = 8
_RTOL = 1e-6
_RTOL_FLOAT32 = 1e-4


def gradcheck(  # noqa: PLR0913 - one keyword per thing that a user may say; all of them have defaults
    f: Callable[..., Any],
    *args: Any,
    order: int = 1,
    jac: Callable[..., Any] | bool | None = None,
    hess: Callable[..., Any] | None = None,
    hessp: Callable[..., Any] | None = None,
    backend: str | Backend = "auto",
    argnums: int | tuple[int, ...] = 0,
    rtol: float | None = None,
    atol: float = 0.0,
    seed: int = 0,
    raise_on_failure: bool = True,
) -> GradcheckReport:
    """Check the derivative of ``f`` at a point against finite differences.

    Parameters
    ----------
    f : callable
        Returns a real scalar or array.
    *args
        The point: the arguments of ``f``. Integers and float32 are promoted to float64.
    order : {1, 2}
        2 checks the Hessian of a scalar-valued ``f`` too, against differences of its gradient.
    jac : callable or True, optional
        The derivative to check, called like ``f``; returns an array of shape ``f(x).shape + x.shape`` (a gradient has
        the shape of x), sparse or a LinearOperator if you like; a tuple of these when ``argnums`` is a tuple. True
        says that ``f`` returns the pair (value, derivative). Without it the derivative by ``backend`` is checked.
    hess : callable, optional
        The Hessian to check, of shape ``x.shape + x.shape``; implies ``order=2``.
    hessp : callable, optional
        Its product with a vector to check, ``hessp(x, v, *args)`` of the shape of x; implies ``order=2``.
    backend : str or Backend
        Who differentiates where ``jac`` and ``hess`` do not. For the backend of a framework, ``f`` is written in its
        terms.
    argnums : int or tuple of int
        The arguments with respect to which ``f`` is differentiated: numbers, arrays, or containers of them.
    rtol, atol : float
        An entry passes when ``|given − estimate| ≤ error bar + atol + rtol · max(|given|, |estimate|)``. ``rtol`` is
        1e-6 by default, and 1e-4 where ``f`` or its derivative comes in float32.
    seed : int
        For the random directions that are used instead of single variables when there are more than 200 of them, and
        for the comparison of forward with reverse mode.
    raise_on_failure : bool
        Whether to raise, or only to return the report.

    Returns
    -------
    GradcheckReport
        True as a condition when everything agrees; ``print(report)`` shows the entries, worst first. Each is *ok*,
        *wrong*, *kink here* (both sides have a slope, and they differ), *too noisy to tell* or *not finite*; only
        *ok* passes.

    Raises
    ------
    DerivativeError
        When anything does not pass; it carries the ``report``.
    InvalidInputError, InvalidTypeError
        When an argument does not fit.

    Notes
    -----
    The differences are central, extrapolated over steps from 1/16 of each variable down, with the error bar that the
    extrapolation shows (Ridders 1982) plus what the measured noise of ``f`` (Moré and Wild 2011) does to them. So
    there is no step to choose, and functions of every scale can be checked with the same tolerances. A check of n
    variables takes about 20 n evaluations of ``f``, more where ``f`` is noisy or has a kink.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit.testing import gradcheck
    >>> def f(x):
    ...     return x[0] ** 2 * x[1]
    >>> bool(gradcheck(f, np.array([1.0, 2.0]), jac=lambda x: np.array([2 * x[0] * x[1], x[0] ** 2])))
    True
    >>> report = gradcheck(
    ...     f,
    ...     np.array([1.0, 2.0]),
    ...     jac=lambda x: np.array([2 * x[0] * x[1], -x[0] ** 2]),
    ...     raise_on_failure=False,
    ... )
    >>> report.entries[0].name, report.entries[0].verdict.value
    ('∂f/∂x[1]', 'wrong')
    """
    _validate(f, order, (rtol, atol))
    f, derivative = _separated(f, jac)
    chosen = get_backend(backend)
    subject = Subject(f, Coordinates.of(f, args, argnums), None if derivative else chosen)
    rng = np.random.default_rng(seed)
    check = _Gradcheck(subject, derivative, hess, hessp, chosen, (rtol, atol), rng)
    report = check.run(order if hess is None and hessp is None else 2)
    if raise_on_failure and not report:
        raise DerivativeError(str(report), report)
    return report


@dataclass(frozen=True)
class _Gradcheck:
    """One call of gradcheck."""

    subject: Subject
    jac: Derivative | None
    hess: Derivative | None
    hessp: Derivative | None
    backend: Backend
    tolerance: tuple[float | None, float]
    rng: np.random.Generator

    def run(self, order: int) -> GradcheckReport:
        if order == 2 and np.prod(self.subject.shape) != 1:
            raise InvalidInputError(
                f"order=2 needs a scalar-valued function, but {self.subject.name} returned shape {self.subject.shape}; "
                "check one component at a time, for example lambda x: f(x)[0]"
            )
        checks: list[DerivativeCheck] = []
        problems: list[str] = []
        notes: list[str] = []
        taylor: tuple[TaylorRemainder, ...] = ()
        try:
            # What is not finite is told by the report, entry by entry.
            with np.errstate(all="ignore"):
                first = self._first_claim()
                seconds = self._second_claims() if order == 2 else []
                checks.append(self._first_order(first))
                problems += disagreements(
                    self._by_itself, self.subject, self.rng, self._tolerance()
                )
                if order == 2 and checks[0].ok and not problems:
                    if self.hess is None and self.hessp is None and not self._wide:
                        rtol = max(self._tolerance().rtol, 10.0 * self.backend.accuracy[1])
                        problems += second_disagreements(self.backend, self.subject, self.rng, rtol)
                    checks += [self._second_order(title, claim) for title, claim in seconds]
                elif order == 2:
                    notes.append(
                        "the Hessian was not checked: the gradient to compare it with is not right"
                    )
                checked = seconds if len(checks) > 1 else []
                taylor = self._taylor(
                    first, checked, "Jacobian" if self.subject.shape else "gradient"
                )
                for claim in (first, *(claim for _, claim in seconds)):
                    notes += claim.remarks
                notes += self._oddities()
        except MisshapenError as error:
            problems.append(str(error))
        return GradcheckReport(
            function=self.subject.name,
            source=self._source(order),
            checks=tuple(checks),
            problems=tuple(problems),
            notes=tuple(notes),
            evaluations=self.subject.evaluations,
            taylor=taylor,
        )

    @property
    def _by_itself(self) -> Backend | None:
        """The backend whose derivatives are compared with each other, where they are what is checked."""
        return self.backend if self.jac is None else None

    def _first_claim(self) -> Claim:
        if self.jac is not None:
            return jacobian_by_hand(self.subject, self.jac)
        return jacobian_by_backend(self.subject, self.backend, self._wide)

    def _second_claims(self) -> list[tuple[str, Claim]]:
        """What is said of the Hessian, each with what the report calls it."""
        claims = []
        if self.hess is not None:
            claims.append(("Hessian", hessian_by_hand(self.subject, self.hess)))
        if self.hessp is not None:
            claims.append(("Hessian by products", hessian_by_products(self.subject, self.hessp)))
        if not claims:
            claims.append(("Hessian", hessian_by_backend(self.subject, self.backend, self._wide)))
        return claims

    def _first_order(self, claim: Claim) -> DerivativeCheck:
        subject = self.subject
        title = "Jacobian" if subject.shape else "gradient"
        prefixes = [f"∂{subject.symbol}{index}/" for index in indices(subject.shape)]
        return self._examine(subject.values, claim, title, prefixes, subject.complex_slope)

    def _second_order(self, title: str, claim: Claim) -> DerivativeCheck:
        subject = self.subject
        gradient = gradient_function(subject, self.jac, self.backend)
        prefixes = [f"∂²{subject.symbol}/∂{label}" for label in subject.coordinates.labels()]
        return self._examine(gradient, claim, title, prefixes)

    def _taylor(
        self, first: Claim, seconds: list[tuple[str, Claim]], name: str
    ) -> tuple[TaylorRemainder, ...]:
        """The remainders along a random direction, of a random combination of the outputs."""
        subject, x = self.subject, self.subject.coordinates.start
        if not x.size or not np.prod(subject.shape):
            return ()
        v = subject.coordinates.random_directions(1, self.rng)[0].vector
        weights = self.rng.uniform(0.5, 1.5, int(np.prod(subject.shape)))
        curvature = float(weights[0] * (v @ seconds[0][1].along(v))) if seconds else None
        return remainders(
            lambda t: float(weights @ subject.values(x + t * v)),
            float(weights @ first.along(v)),
            curvature,
            (name, "Hessian"),
        )

    def _examine(
        self,
        function: Callable[[Array], Array],
        claim: Claim,
        title: str,
        prefixes: list[str],
        complex_slope: Callable[[Array], Array | None] | None = None,
    ) -> DerivativeCheck:
        """Compare ``claim`` with the differences of ``function``: all columns, or random directions when wide."""
        coordinates = self.subject.coordinates
        x = coordinates.start
        along = coordinates.random_directions(1, self.rng)[0].vector
        examiner = Examiner.at(function, x, along, self._tolerance(claim), complex_slope)
        if self._wide:
            directions = coordinates.random_directions(_RANDOM_DIRECTIONS, self.rng)
        else:
            directions = [coordinates.direction(j) for j in range(x.size)]
        comparison = examiner.compare(claim.along, directions)
        if self._wide and np.any(comparison.verdicts != EntryVerdict.OK):
            comparison = comparison.beside(self._culprit(examiner, claim, directions, comparison))
        return DerivativeCheck(title, tuple(prefixes), comparison, complete=not self._wide)

    def _culprit(
        self,
        examiner: Examiner,
        claim: Claim,
        directions: Sequence[Direction],
        comparison: Comparison,
    ) -> Comparison:
        """One variable that is to blame for the worst entry, found by halving its direction."""
        output, worst = comparison.worst_first()[0]
        candidates = np.arange(examiner.x.size)
        alone = examiner.of_output(output)
        while candidates.size > 1:
            halves = np.array_split(candidates, 2)
            parts = [_restricted(directions[worst], half) for half in halves]
            found = alone.compare(lambda v: claim.along(v)[[output]], parts)
            candidates = halves[found.worst_first()[0][1]]
        column = self.subject.coordinates.direction(int(candidates[0]))
        return examiner.compare(claim.along, [column])

    @property
    def _wide(self) -> bool:
        return self.subject.coordinates.start.size > _WIDE

    def _tolerance(self, claim: Claim | None = None) -> Tolerance:
        rtol, atol = self.tolerance
        if rtol is None:
            single = self.subject.single_precision or (claim is not None and claim.single_precision)
            rtol = _RTOL_FLOAT32 if single else _RTOL
        return Tolerance(rtol, atol)

    def _source(self, order: int) -> str:
        by_backend = f"backend {self.backend.name!r}"
        first = by_backend if self.jac is None else "jac"
        names = [name for name in ("hess", "hessp") if getattr(self, name) is not None]
        sources = [first, *(names or [by_backend])] if order == 2 else [first]
        return " and ".join(dict.fromkeys(sources))

    def _oddities(self) -> list[str]:
        """What a caller of the function should know, although it is not a wrong derivative."""
        subject = self.subject
        x = subject.coordinates.start
        notes = []
        if not subject.deterministic:
            first, second = subject.values(x), subject.values(x)
            by = np.max(np.nan_to_num(np.abs(first - second)))
            notes.append(
                f"{subject.name} is not deterministic: two values at the same point differ by {by:.1e}"
            )
        if subject.mutates:
            notes.append(f"{subject.name} changes its argument in place")
        return notes


def _restricted(direction: Direction, indices_: NDArray[np.intp]) -> Direction:
    """The direction with all other components at rest."""
    vector = np.zeros_like(direction.vector)
    vector[indices_] = direction.vector[indices_]
    return Direction(vector, direction.unit, direction.label)


def _separated(
    f: Callable[..., Any], jac: Callable[..., Any] | bool | None
) -> tuple[Callable[..., Any], Derivative | None]:
    """The function and its derivative as two, where ``jac=True`` says that one call gives both."""
    if not isinstance(jac, bool):
        return f, jac
    if not jac:
        return f, None

    def both(*args: Any) -> Any:
        pair = f(*args)
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise InvalidTypeError(
                f"with jac=True, f must return the pair (value, derivative), got {type(pair).__name__}"
            )
        return pair

    return functools.wraps(f)(lambda *args: both(*args)[0]), lambda *args: both(*args)[1]


def _validate(f: Any, order: Any, tolerance: tuple[float | None, float]) -> None:
    if not callable(f):
        raise InvalidTypeError(
            f"gradcheck(f, *args) needs a function first, got {type(f).__name__}"
        )
    if order not in (1, 2):
        raise InvalidInputError(
            f"order must be 1 (first derivatives) or 2 (and the Hessian), got {order!r}"
        )
    for name, value in zip(("rtol", "atol"), tolerance, strict=True):
        missing = name == "rtol" and value is None
        if not missing and (isinstance(value, bool) or not isinstance(value, Real)):
            raise InvalidTypeError(
                f"gradcheck: {name} must be a number, got {value!r}; write, for example, {name}=1e-6"
            )
    if any(value is not None and not value >= 0.0 for value in tolerance):
        raise InvalidInputError(
            f"rtol and atol must not be negative, got {tolerance[0]} and {tolerance[1]}"
        )

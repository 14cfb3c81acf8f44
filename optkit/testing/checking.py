"""gradcheck: derivatives against finite differences that know their own error."""

from __future__ import annotations

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
    jacobian_by_backend,
    jacobian_by_hand,
)
from optkit.testing.comparison import Comparison, Direction, EntryVerdict, Examiner, Tolerance
from optkit.testing.coordinates import Coordinates, indices
from optkit.testing.report import DerivativeCheck, GradcheckReport
from optkit.testing.subject import Subject

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
    jac: Callable[..., Any] | None = None,
    hess: Callable[..., Any] | None = None,
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
    jac : callable, optional
        The derivative to check, called like ``f``; returns an array of shape ``f(x).shape + x.shape`` (a gradient has
        the shape of x), sparse if you like; a tuple of these when ``argnums`` is a tuple. Without it the derivative by
        ``backend`` is checked.
    hess : callable, optional
        The Hessian to check, of shape ``x.shape + x.shape``; implies ``order=2``.
    backend : str or Backend
        Who differentiates where ``jac`` and ``hess`` do not.
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
    subject = Subject(f, Coordinates.of(f, args, argnums))
    rng = np.random.default_rng(seed)
    check = _Gradcheck(subject, jac, hess, get_backend(backend), (rtol, atol), rng)
    report = check.run(order if hess is None else 2)
    if raise_on_failure and not report:
        raise DerivativeError(str(report), report)
    return report


@dataclass(frozen=True)
class _Gradcheck:
    """One call of gradcheck."""

    subject: Subject
    jac: Derivative | None
    hess: Derivative | None
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
        try:
            # What is not finite is told by the report, entry by entry.
            with np.errstate(all="ignore"):
                checks.append(self._first_order())
                problems += self._disagreement_of_modes()
                if order == 2 and checks[0].ok and not problems:
                    checks.append(self._second_order())
                elif order == 2:
                    notes.append(
                        "the Hessian was not checked: the gradient to compare it with is not right"
                    )
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
        )

    def _first_order(self) -> DerivativeCheck:
        subject = self.subject
        if self.jac is not None:
            claim = jacobian_by_hand(subject, self.jac)
        else:
            claim = jacobian_by_backend(subject, self.backend, self._wide)
        title = "Jacobian" if subject.shape else "gradient"
        prefixes = [f"∂{subject.symbol}{index}/" for index in indices(subject.shape)]
        return self._examine(subject.values, claim, title, prefixes)

    def _second_order(self) -> DerivativeCheck:
        subject = self.subject
        if self.hess is not None:
            claim = hessian_by_hand(subject, self.hess)
        else:
            claim = hessian_by_backend(subject, self.backend, self._wide)
        gradient = gradient_function(subject, self.jac, self.backend)
        prefixes = [f"∂²{subject.symbol}/∂{label}" for label in subject.coordinates.labels()]
        return self._examine(gradient, claim, "Hessian", prefixes)

    def _examine(
        self, function: Callable[[Array], Array], claim: Claim, title: str, prefixes: list[str]
    ) -> DerivativeCheck:
        """Compare ``claim`` with the differences of ``function``: all columns, or random directions when wide."""
        coordinates = self.subject.coordinates
        x = coordinates.start
        along = coordinates.random_directions(1, self.rng)[0].vector
        examiner = Examiner.at(function, x, along, self._tolerance(claim))
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
        while candidates.size > 1:
            halves = np.array_split(candidates, 2)
            parts = [_restricted(directions[worst], half) for half in halves]
            found = examiner.compare(claim.along, parts)
            suspect = next(j for i, j in found.worst_first() if i == output)
            candidates = halves[suspect]
        column = self.subject.coordinates.direction(int(candidates[0]))
        return examiner.compare(claim.along, [column])

    def _disagreement_of_modes(self) -> list[str]:
        """Whether ⟨u, J v⟩ = ⟨Jᵀu, v⟩ for random u and v, where a backend has both products by itself."""
        kind, subject = type(self.backend), self.subject
        both = (
            kind.value_and_jvp is not Backend.value_and_jvp
            and kind.value_and_vjp is not Backend.value_and_vjp
        )
        x = subject.coordinates.start
        if self.jac is not None or not both or not x.size:
            return []
        v = subject.coordinates.sizes() * self.rng.standard_normal(x.size)
        u = self.rng.standard_normal(subject.shape)
        u = u.reshape(-1) if subject.shape else u
        pushed = np.asarray(self.backend.value_and_jvp(subject.traceable, x, v)[1])
        pulled = np.asarray(self.backend.value_and_vjp(subject.traceable, x)[1](u))
        forward, reverse = float(np.sum(u * pushed)), float(np.sum(pulled * v))
        largest = np.sum(np.abs(u * pushed)) + np.sum(np.abs(pulled * v))
        # NaN is no disagreement: the entries tell of it.
        if not abs(forward - reverse) > self._tolerance().rtol * largest:
            return []
        return [
            f"forward and reverse mode disagree: ⟨u, J v⟩ = {forward:.9g}, ⟨Jᵀu, v⟩ = {reverse:.9g}"
        ]

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
        second = by_backend if self.hess is None else "hess"
        return first if order == 1 or first == second else f"{first} and {second}"

    def _oddities(self) -> list[str]:
        """What a caller of the function should know, although it is not a wrong derivative."""
        subject = self.subject
        x = subject.coordinates.start
        first, second = subject.values(x), subject.values(x)
        notes = []
        if not np.array_equal(first, second, equal_nan=True):
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

"""A small, quick selection of problems, from the collection of Moré, Garbow and Hillstrom (MGH) and elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from optkit.errors import InvalidInputError
from optkit.testing.problems.case import Case, least_squares_case


def rosenbrock(n: int = 2) -> Case:
    """The chained Rosenbrock function: a curved valley with a flat floor, in n ≥ 2 dimensions.

    f(x) = Σᵢ 100 (xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)², from (−1.2, 1, −1.2, 1, …); MGH 1 for n = 2. From n = 4 on there is a
    second, local minimum near (−1, 1, …, 1).

    Examples
    --------
    >>> from optkit.testing import problems
    >>> case = problems.rosenbrock(10)
    >>> float(case.fun(case.x_min)), case.residuals(case.x0).shape
    (0.0, (18,))
    """
    if n < 2:
        raise InvalidInputError(f"rosenbrock(n) needs n of at least 2, got {n}")

    def residuals(x: Any) -> Any:
        return np.concatenate([10.0 * (x[1:] - x[:-1] ** 2), 1.0 - x[:-1]])

    def fun(x: Any) -> Any:
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    name = "Rosenbrock" if n == 2 else f"Rosenbrock, n = {n}"
    return Case(name, fun, np.resize([-1.2, 1.0], n), np.ones(n), 0.0, residuals)


def quadratic(n: int = 10, condition: float = 100.0) -> Case:
    """A convex quadratic, ½ Σᵢ dᵢ (xᵢ − 1)², with dᵢ from 1 to ``condition`` in a geometric series.

    Examples
    --------
    >>> import numpy as np
    >>> from optkit.testing import problems
    >>> problems.quadratic(3, condition=9.0).fun(np.array([0.0, 0.0, 1.0]))
    np.float64(2.0)
    """
    weights = np.geomspace(1.0, condition, n)

    def fun(x: Any) -> Any:
        return 0.5 * np.sum(weights * (x - 1.0) ** 2)

    return Case(f"quadratic, n = {n}", fun, np.zeros(n), np.ones(n), 0.0)


def brown_badly_scaled() -> Case:
    """MGH 4: the variables at the minimum differ by a factor of 5 · 10¹¹.

    Examples
    --------
    >>> from optkit.testing import problems
    >>> problems.brown_badly_scaled().x_min
    array([1.e+06, 2.e-06])
    """

    def residuals(x: Any) -> Any:
        return np.stack([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2.0])

    return least_squares_case("Brown, badly scaled", residuals, [1.0, 1.0], [1e6, 2e-6])


def beale() -> Case:
    """MGH 5: flat towards infinity on one side of the start, a narrow valley on the other.

    Examples
    --------
    >>> from optkit.testing import problems
    >>> problems.beale().x_min
    array([3. , 0.5])
    """
    power = np.array([1.0, 2.0, 3.0])
    values = np.array([1.5, 2.25, 2.625])

    def residuals(x: Any) -> Any:
        return values - x[0] * (1.0 - x[1] ** power)

    return least_squares_case("Beale", residuals, [1.0, 1.0], [3.0, 0.5])


def powell_singular() -> Case:
    """MGH 13: the Hessian is singular at the minimum, so that convergence is no better than linear.

    Examples
    --------
    >>> from optkit.testing import problems
    >>> problems.powell_singular().x0
    array([ 3., -1.,  0.,  1.])
    """

    def residuals(x: Any) -> Any:
        return np.stack(
            [
                x[0] + 10.0 * x[1],
                np.sqrt(5.0) * (x[2] - x[3]),
                (x[1] - 2.0 * x[2]) ** 2,
                np.sqrt(10.0) * (x[0] - x[3]) ** 2,
            ]
        )

    return least_squares_case("Powell, singular", residuals, [3.0, -1.0, 0.0, 1.0], [0.0] * 4)


def wood() -> Case:
    """MGH 14: two Rosenbrock valleys, coupled; there is a stationary point that is no minimum near the way.

    Examples
    --------
    >>> from optkit.testing import problems
    >>> round(float(problems.wood().fun([-1.0, 1.0, -1.0, 1.0])), 3)
    8.0
    """

    def residuals(x: Any) -> Any:
        return np.stack(
            [
                10.0 * (x[1] - x[0] ** 2),
                1.0 - x[0],
                np.sqrt(90.0) * (x[3] - x[2] ** 2),
                1.0 - x[2],
                np.sqrt(10.0) * (x[1] + x[3] - 2.0),
                (x[1] - x[3]) / np.sqrt(10.0),
            ]
        )

    return least_squares_case("Wood", residuals, [-3.0, -1.0, -3.0, -1.0], [1.0] * 4)


def helical_valley() -> Case:
    """MGH 7: a valley that winds around an axis; the function jumps where its angle does, on x₀ = 0, x₁ < 0.

    Examples
    --------
    >>> from optkit.testing import problems
    >>> problems.helical_valley().residuals([-1.0, 0.0, 5.0])
    array([0., 0., 5.])
    """

    def residuals(x: Any) -> Any:
        angle = np.arctan(x[1] / x[0]) / (2.0 * np.pi) + np.where(x[0] < 0.0, 0.5, 0.0)
        return np.stack(
            [
                10.0 * (x[2] - 10.0 * angle),
                10.0 * (np.sqrt(x[0] ** 2 + x[1] ** 2) - 1.0),
                x[2],
            ]
        )

    return least_squares_case("helical valley", residuals, [-1.0, 0.0, 0.0], [1.0, 0.0, 0.0])


def three_exponentials(m: int = 60) -> Case:
    """A sum of three exponentials to m points without noise: parameters that can hardly be told apart.

    The amplitudes are x₀, x₂, x₄ and the rates x₁, x₃, x₅; sums of exponentials are the classical ill-conditioned fit
    (C. Lanczos, Applied Analysis, 1956, pp. 272–280, from where the amplitudes and rates are).

    Examples
    --------
    >>> from optkit.testing import problems
    >>> problems.three_exponentials(m=24).residuals(problems.three_exponentials().x0).shape
    (24,)
    """
    t = np.linspace(0.0, 2.0, m)
    truth = [0.0951, 1.0, 0.8607, 3.0, 1.5576, 5.0]

    def model(x: Any) -> Any:
        return x[0] * np.exp(-x[1] * t) + x[2] * np.exp(-x[3] * t) + x[4] * np.exp(-x[5] * t)

    data = model(truth)

    def residuals(x: Any) -> Any:
        return model(x) - data

    return least_squares_case(
        "three exponentials", residuals, [0.5, 0.7, 1.0, 2.2, 1.0, 7.0], truth
    )


def michaelis_menten() -> Case:
    """Enzyme kinetics: the velocity Vmax · c / (Km + c) of treated Puromycin cells, 12 observations.

    x = (Vmax, Km), in counts/min² and ppm. Bates and Watts, Nonlinear Regression Analysis and Its Applications, 1988,
    table A1.3; their estimates are 212.7 ± 6.95 and 0.0641 ± 0.00828.

    Examples
    --------
    >>> from optkit.testing import problems
    >>> problems.michaelis_menten().x_min.tolist()
    [212.68374314253606, 0.06412128168156707]
    """
    concentration = np.repeat([0.02, 0.06, 0.11, 0.22, 0.56, 1.10], 2)
    velocity = np.array([76.0, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200])

    def residuals(x: Any) -> Any:
        return x[0] * concentration / (x[1] + concentration) - velocity

    return least_squares_case(
        "Michaelis-Menten",
        residuals,
        [200.0, 0.05],
        [212.68374314253607, 0.06412128168156707],
        1195.4488144393593,
    )


def all_cases() -> list[Case]:
    """One of each.

    Examples
    --------
    >>> from optkit.testing import problems
    >>> [case.name for case in problems.all_cases() if case.residuals is None]
    ['quadratic, n = 10']
    """
    builders: list[Callable[[], Case]] = [
        rosenbrock,
        quadratic,
        brown_badly_scaled,
        beale,
        helical_valley,
        powell_singular,
        wood,
        three_exponentials,
        michaelis_menten,
    ]
    return [build() for build in builders]

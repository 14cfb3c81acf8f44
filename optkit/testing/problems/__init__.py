"""Problems with known answers, to try optimizers and derivatives on.

Each is plain NumPy, so that optkit differentiates it as it stands. Where a problem is a sum of squares, its residuals
are given too; the objective is then ‖r(x)‖² as in the collection of Moré, Garbow and Hillstrom, without the factor ½ of
least-squares solvers.

- `more_garbow_hillstrom`: the 35 problems of that collection.
- `unconstrained`: forty smooth functions of any number of variables, in the manner of CUTE.
- `landscapes`: nasty functions of two variables.
- `all_cases`: one of each of a small, quick selection.

References
----------
J. J. Moré, B. S. Garbow, K. E. Hillstrom, Testing unconstrained optimization software, ACM Transactions on Mathematical
Software 7 (1981) 17–41; "MGH n" in a docstring is its problem number n.
"""

from optkit.testing.problems.case import Case
from optkit.testing.problems.classics import (
    all_cases,
    beale,
    brown_badly_scaled,
    helical_valley,
    michaelis_menten,
    powell_singular,
    quadratic,
    rosenbrock,
    three_exponentials,
    wood,
)
from optkit.testing.problems.landscapes import ackley, landscapes, rastrigin, styblinski_tang
from optkit.testing.problems.mgh_fixed import (
    bard,
    biggs_exp6,
    box_three_dimensional,
    brown_dennis,
    fixed_dimension,
    freudenstein_roth,
    gaussian,
    gulf,
    jennrich_sampson,
    kowalik_osborne,
    meyer,
    osborne_1,
    osborne_2,
    powell_badly_scaled,
)
from optkit.testing.problems.mgh_scalable import (
    any_dimension,
    brown_almost_linear,
    broyden_banded,
    broyden_tridiagonal,
    chebyquad,
    discrete_boundary_value,
    discrete_integral,
    extended_powell_singular,
    extended_rosenbrock,
    linear_full_rank,
    linear_rank_one,
    linear_rank_one_with_zeros,
    penalty_1,
    penalty_2,
    trigonometric,
    variably_dimensioned,
    watson,
)
from optkit.testing.problems.unconstrained import unconstrained

__all__ = [
    "Case",
    "ackley",
    "all_cases",
    "bard",
    "beale",
    "biggs_exp6",
    "box_three_dimensional",
    "brown_almost_linear",
    "brown_badly_scaled",
    "brown_dennis",
    "broyden_banded",
    "broyden_tridiagonal",
    "chebyquad",
    "discrete_boundary_value",
    "discrete_integral",
    "extended_powell_singular",
    "extended_rosenbrock",
    "freudenstein_roth",
    "gaussian",
    "gulf",
    "helical_valley",
    "jennrich_sampson",
    "kowalik_osborne",
    "landscapes",
    "linear_full_rank",
    "linear_rank_one",
    "linear_rank_one_with_zeros",
    "meyer",
    "michaelis_menten",
    "more_garbow_hillstrom",
    "osborne_1",
    "osborne_2",
    "penalty_1",
    "penalty_2",
    "powell_badly_scaled",
    "powell_singular",
    "quadratic",
    "rastrigin",
    "rosenbrock",
    "styblinski_tang",
    "three_exponentials",
    "trigonometric",
    "unconstrained",
    "variably_dimensioned",
    "watson",
    "wood",
]


def more_garbow_hillstrom() -> list[Case]:
    """The 35 problems of Moré, Garbow and Hillstrom, in their order; those of any dimension with n of about ten.

    Examples
    --------
    >>> from optkit.testing import problems
    >>> len(problems.more_garbow_hillstrom()), problems.more_garbow_hillstrom()[9].name
    (35, 'Meyer')
    """
    return [*fixed_dimension(), *any_dimension()]

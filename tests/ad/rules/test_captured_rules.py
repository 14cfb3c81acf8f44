"""A captured function asks its rules anew: nothing that a rule looked at in the first call stays as it was."""

import numpy as np
import pytest

from optkit import ad
from optkit.testing.cases import CASES


def of_each_family():
    """One case for each function, with its operands in another order."""
    families = {case.family: case for case in CASES if all(0 not in s for s in case.shapes)}
    return list(families.values())


def turned(case):
    return tuple(a[..., ::-1] * (1 + 1e-3) if a.ndim else a * (1 + 1e-3) for a in case.arguments())


@pytest.mark.parametrize("case", of_each_family(), ids=lambda case: case.family)
def test_a_captured_function_is_the_function_at_other_arguments(case):
    captured = ad.jit(case.function, executor="numpy")
    for x in (case.arguments(), turned(case), case.arguments()):
        wanted = np.asarray(case.function(*x))
        found = np.asarray(captured(*x))
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)

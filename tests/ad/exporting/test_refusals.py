"""A function that can be captured at one point only is not exported."""

import numpy as np
import pytest

from optkit import ad
from optkit.errors import ExportError


def test_a_function_that_hands_numbers_to_foreign_code_is_refused():
    def f(x):
        return x[0] * 2.0 if float(np.sum(x)) == 0.3 else x[1]

    # float(x) of a captured value is refused or kept as a guard on that very number; neither may be exported.
    with pytest.raises((ExportError, TypeError)):
        ad.export(f, np.array([0.1, 0.25]), name="f", derivative=None)

"""The nonlinear regression sets of the NIST Statistical Reference Datasets, from both starts, at default options.

The data are not part of the project; without them these tests are skipped.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from optkit.errors import InvalidInputError
from optkit.optimize import Verdict, curve_fit, least_squares
from optkit.testing import nist
from optkit.testing.nist import digits

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "nist"
NAMES = sorted(path.stem for path in FOLDER.glob("*.dat"))
here = pytest.mark.skipif(not NAMES, reason="the NIST data are not here")


@pytest.fixture(scope="module")
def data():
    return {name: nist.read(FOLDER / f"{name}.dat") for name in NAMES}


@pytest.fixture(scope="module")
def fits(data):
    """All fits: exact Jacobians, no tuning."""
    with np.errstate(all="ignore"):
        return {
            (name, start): (
                one, least_squares(one.residuals, one.starts[start], jac=one.jacobian),
            )
            for name, one in data.items()
            for start in (0, 1)
        }  # fmt: skip


@here
@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_the_certified_parameters_are_found(fits, name, start):
    one, fit = fits[name, start]
    assert digits(fit.x, one.certified) > 9.0
    assert digits(2.0 * fit.cost, one.sum_of_squares) > 9.0
    assert fit.verdict in (Verdict.CONVERGED, Verdict.STALLED)
    assert fit.rank == fit.x.size


@here
def test_the_digits_are_ten_on_average(fits):
    assert np.mean([digits(fit.x, one.certified) for one, fit in fits.values()]) >= 10.0
    errors = [digits(fit.standard_errors, one.deviations) for one, fit in fits.values()]
    assert np.mean(errors) >= 9.9


@here
@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_curve_fit_and_the_engine_give_the_same_digits(data, name, start):
    one = data[name]
    with np.errstate(all="ignore"):
        fit = curve_fit(one.model, one.x, one.y, one.starts[start])
    assert fit.success, fit.message
    assert digits(fit.popt, one.certified) > 9.0
    assert digits(np.sqrt(np.diag(fit.pcov)), one.deviations) > 9.0


@here
@pytest.mark.parametrize("name", ["Chwirut2", "DanWood", "Gauss1", "Misra1a", "Rat42", "Kirby2"])
def test_gauss_newton_finds_them_from_the_near_start(data, name):
    one = data[name]
    fit = least_squares(one.residuals, one.starts[1], jac=one.jacobian, method="gauss-newton")
    assert fit.success
    assert digits(fit.x, one.certified) > 9.0


# Sets whose data are few enough to write down, and hard: the residuals for x, y and the certified values.
HARD = {
    "BoxBOD": ([1, 2, 3, 5, 7, 10], [109, 149, 149, 191, 213, 224], [[1.0, 1.0], [100.0, 0.75]],
               [2.1380940889e02, 5.4723748542e-01]),
    "MGH10": (range(50, 126, 5),
              [34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872],
              [[2.0, 400000.0, 25000.0], [0.02, 4000.0, 250.0]],
              [5.6096364710e-03, 6.1813463463e03, 3.4522363462e02]),
    "Rat43": (range(1, 16),
              [16.08, 33.83, 65.80, 97.20, 191.55, 326.20, 386.87, 520.53, 590.03, 651.92, 724.93, 699.56, 689.96,
               637.56, 717.41],
              [[100.0, 10.0, 1.0, 1.0], [700.0, 5.0, 0.75, 1.3]],
              [6.9964151270e02, 5.2771253025e00, 7.5962938329e-01, 1.2792483859e00]),
}  # fmt: skip


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", HARD)
def test_hard_ones_from_afar(name, start):
    x, y, starts, certified = HARD[name]
    with np.errstate(all="ignore"):
        fit = curve_fit(nist.MODELS[name], np.array(x, dtype=float), y, np.array(starts[start]))
    assert fit.success, fit.message
    assert digits(fit.popt, certified) > 9.0


def test_a_file_is_read_as_published(tmp_path):
    lines = [
        "NIST/ITL StRD", "Residual Sum of Squares:  2.5E-01", "  b1 =   500   250   2.0E+02  2.7E+00",
        "  b2 =  1E-4   2E-4   5.0E-04  7.2E-06", "Data (lines 6 to 7)", " 10.0E0  77.6E0", " 14.0E0 114.9E0",
    ]  # fmt: skip
    path = tmp_path / "Misra1a.dat"
    path.write_text("\n".join(lines), encoding="utf-8")
    one = nist.read(path)
    assert (one.name, one.sum_of_squares) == ("Misra1a", 0.25)
    assert one.starts.tolist() == [[500.0, 1e-4], [250.0, 2e-4]]
    assert (one.y.tolist(), one.x.tolist()) == ([10.0, 14.0], [77.6, 114.9])
    np.testing.assert_allclose(
        one.jacobian(one.starts[0])[:, 0], 1.0 - np.exp(-1e-4 * one.x), rtol=1e-14
    )
    with pytest.raises(InvalidInputError, match="no set called 'Misra'"):
        nist.read("Misra.dat")
    (tmp_path / "Nelson.dat").write_text("nothing", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="is not a file of the NIST"):
        nist.read(tmp_path / "Nelson.dat")

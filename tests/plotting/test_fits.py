"""Fits with their bands and residuals."""

import numpy as np
import pytest
import scipy.stats

import optkit
from optkit.errors import InvalidInputError, RankDeficientError

X = np.linspace(0.0, 3.0, 12)
Y = 1.0 + 2.0 * X + np.array([0.1, -0.2, 0.05, 0.1, -0.1, 0.2, -0.15, 0.0, 0.1, -0.05, 0.05, -0.1])


def line(x, a, b):
    return a + b * x


def fitted(model=line, start=(0.0, 0.0)):
    return optkit.least_squares(lambda p: model(X, *p) - Y, list(start))


def test_the_band_of_a_straight_line_is_the_one_of_the_textbooks():
    """Draper and Smith, Applied Regression Analysis, §3.1: s √(1/m + (x − x̄)²/Sxx) times Student's t."""
    ax = optkit.plot_fit(line, X, Y, fitted(), confidence=0.9)
    (band,) = [c for c in ax.collections if "90 %" in str(c.get_label())]
    vertices = band.get_paths()[0].vertices
    slope, intercept = np.polyfit(X, Y, 1)
    s = np.sqrt(np.sum((Y - intercept - slope * X) ** 2) / (len(X) - 2))
    student = scipy.stats.t.ppf(0.95, len(X) - 2)
    for x in (X[0], X[-1]):
        reach = (
            student * s * np.sqrt(1 / len(X) + (x - X.mean()) ** 2 / np.sum((X - X.mean()) ** 2))
        )
        drawn = vertices[np.isclose(vertices[:, 0], x), 1]
        assert np.max(drawn) == pytest.approx(intercept + slope * x + reach, rel=1e-8)
        assert np.min(drawn) == pytest.approx(intercept + slope * x - reach, rel=1e-8)


def test_residuals_are_data_minus_model_in_a_panel_below():
    result = fitted()
    ax = optkit.plot_fit(line, X, Y, result)
    (below,) = ax.child_axes
    ax.figure.canvas.draw()
    assert below.get_window_extent().y1 < ax.get_window_extent().y0
    drawn = next(data for data in below.lines if len(data.get_xdata()) == len(X))
    np.testing.assert_allclose(drawn.get_ydata(), Y - line(X, *result.x), atol=1e-12)
    assert below.get_ylabel() == "residuals"
    assert below.get_xlim() == ax.get_xlim()
    assert ax.figure.bbox.y0 <= below.get_tightbbox().y0  # nothing of it is cut off
    assert not optkit.plot_fit(line, X, Y, result, residuals=False).child_axes


def test_standard_deviations_are_bars_and_the_unit_of_the_residuals():
    result = fitted()
    ax = optkit.plot_fit(line, X, Y, result, sigma=0.2)
    (below,) = ax.child_axes
    drawn = next(data for data in below.lines if len(data.get_xdata()) == len(X))
    np.testing.assert_allclose(drawn.get_ydata(), (Y - line(X, *result.x)) / 0.2, atol=1e-12)
    assert below.get_ylabel() == "residuals / σ"
    bars = [c for c in ax.collections if type(c).__name__ == "LineCollection"]
    assert len(bars[0].get_segments()) == len(X)


def test_data_in_any_order_and_a_constant_model():
    order = np.random.default_rng(0).permutation(len(X))
    ax = optkit.plot_fit(line, X[order], Y[order], fitted())
    curve = next(data for data in ax.lines if data.get_label() == "fit")
    assert np.all(np.diff(curve.get_xdata()) > 0)
    flat = optkit.least_squares(lambda p: p[0] + 0.0 * X - Y, [0.0])
    optkit.plot_fit(lambda x, c: c, X, Y, flat)


def test_no_degrees_of_freedom_no_band():
    result = optkit.least_squares(lambda p: line(X[:2], *p) - Y[:2], [0.0, 0.0])
    ax = optkit.plot_fit(line, X[:2], Y[:2], result)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["data", "fit"]


def test_parameters_that_are_not_determined_have_no_band():
    def product(x, a, b):
        return a * b * x

    result = fitted(product, (1.0, 1.0))
    with pytest.raises(RankDeficientError):
        optkit.plot_fit(product, X, Y, result)
    optkit.plot_fit(product, X, Y, result, confidence=None)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"xdata": X[:3]}, r"of one shape \(m,\), got \(3,\) and \(12,\)"),
        ({"confidence": 95}, "between 0 and 1"),
        ({"sigma": -1.0}, "sigma must be positive"),
        ({"sigma": np.ones(3)}, "sigma must be positive, a number or of shape"),
        ({"model": lambda x, a, b: np.ones(3)}, "the model returned shape"),
    ],
)
def test_what_does_not_fit_is_refused(changes, says):
    arguments = {"model": line, "xdata": X, "ydata": Y, "result": fitted()} | changes
    with pytest.raises(InvalidInputError, match=says):
        optkit.plot_fit(**arguments)

"""Profiles of solvers."""

import numpy as np
import pytest

import optkit
from optkit.errors import InvalidInputError, InvalidTypeError


def names(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def height(line, x):
    """What a step function shows at x."""
    xs, ys = line.get_data()
    return ys[np.searchsorted(xs, x, side="right") - 1]


def test_steps_rise_where_they_should():
    ax = optkit.plot_profile({"a": ([1.0, 2.0, 8.0], [0.25, 0.5, 0.75]), "b": ([4.0], [1.0])})
    a, b = sorted(ax.lines, key=lambda line: str(line.get_label())[3:])
    assert [height(a, x) for x in (1.0, 1.9, 2.0, 7.9, 8.0, 9.0)] == [
        0.25,
        0.25,
        0.5,
        0.5,
        0.75,
        0.75,
    ]
    assert [height(b, x) for x in (1.0, 3.9, 4.0, 9.0)] == [0.0, 0.0, 1.0, 1.0]
    assert all(line.get_drawstyle() == "steps-post" for line in ax.lines)
    assert ax.get_xscale() == "log"
    assert ax.get_xlim()[0] == 1.0
    assert ax.get_xlim()[1] > 8.0


def test_solvers_are_ranked_by_area_and_one_that_solves_nothing_is_last():
    profiles = {"nothing": ([], []), "late": ([8.0], [1.0]), "early": ([1.0], [0.9])}
    assert names(optkit.plot_profile(profiles)) == ["1  early", "2  late", "3  nothing"]


def test_data_profiles_have_their_own_axis():
    ax = optkit.plot_profile({"a": ([5.0, 10.0], [0.5, 1.0])}, kind="data")
    assert "simplex gradients" in ax.get_xlabel()
    assert ax.get_xlim()[0] == 0.0
    wide = optkit.plot_profile({"a": ([1.0, 1000.0], [0.5, 1.0])}, kind="data")
    assert wide.get_xscale() == "log"


def test_all_at_one_point_and_none_at_all():
    assert optkit.plot_profile({"a": ([1.0], [1.0])}).get_xlim() == (1.0, 2.0)
    optkit.plot_profile({"a": ([], [])}, kind="data")


@pytest.mark.parametrize(
    ("profiles", "error", "says"),
    [
        ({}, InvalidTypeError, "an empty one"),
        ([1.0], InvalidTypeError, "got list"),
        ({"a": 3.0}, InvalidTypeError, "'a' must be a pair"),
        ({"a": ([1.0], [0.5, 1.0])}, InvalidInputError, "of one shape"),
        ({"a": ([2.0, 1.0], [0.5, 1.0])}, InvalidInputError, "ascending"),
        ({"a": ([1.0, np.inf], [0.5, 1.0])}, InvalidInputError, "finite costs"),
        ({"a": ([0.5], [0.5])}, InvalidInputError, "at least"),
        ({"a": ([1.0, 2.0], [0.5, 0.4])}, InvalidInputError, "fractions that rise"),
        ({"a": ([1.0], [1.5])}, InvalidInputError, "from 0 to 1"),
    ],
)
def test_what_is_no_profile_is_refused(profiles, error, says):
    with pytest.raises(error, match=says):
        optkit.plot_profile(profiles)


def test_the_kind_is_checked():
    with pytest.raises(InvalidInputError, match="kind='accuracy'"):
        optkit.plot_profile({"a": ([1.0], [1.0])}, kind="accuracy")

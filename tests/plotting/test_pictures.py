"""What all pictures have in common: they draw where they are told to, and refuse what they cannot draw."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import optkit
from optkit.errors import InvalidTypeError


def parabola(x):
    return np.sum((x - 1.0) ** 2)


def straight(x, a, b):
    return a + b * x


X = np.array([0.0, 1.0, 2.0, 3.0])
Y = np.array([1.1, 2.9, 5.1, 6.9])
FIT = optkit.least_squares(lambda p: straight(X, *p) - Y, [0.0, 0.0])
RUN = optkit.minimize(parabola, [3.0, 0.0], options={"keep_x": True})
PICTURES = {
    "plot_convergence": lambda ax: optkit.plot_convergence(RUN, ax=ax),
    "plot_path": lambda ax: optkit.plot_path(parabola, RUN, ax=ax),
    "plot_fit": lambda ax: optkit.plot_fit(straight, X, Y, FIT, ax=ax),
    "plot_jacobian": lambda ax: optkit.plot_jacobian(FIT, ax=ax),
    "plot_profile": lambda ax: optkit.plot_profile({"a": ([1.0, 2.0], [0.5, 1.0])}, ax=ax),
}
every_picture = pytest.mark.parametrize("name", PICTURES)


@every_picture
def test_it_makes_axes_of_its_own(name):
    ax = PICTURES[name](None)
    assert plt.get_fignums() == [ax.figure.number]
    assert ax.get_xlabel() or name == "plot_fit"


@every_picture
def test_it_draws_where_it_is_told_to(name):
    figure, axes = plt.subplots(1, 2)
    assert PICTURES[name](axes[1]) is axes[1]
    assert plt.get_fignums() == [figure.number]
    assert not axes[0].has_data()
    assert axes[1].has_data()


@every_picture
def test_what_is_no_axes_is_refused_by_name(name):
    with pytest.raises(InvalidTypeError, match=f"{name}: ax must be a matplotlib Axes"):
        PICTURES[name](3)


@every_picture
def test_it_can_be_saved(name, tmp_path):
    ax = PICTURES[name](None)
    for kind in ("png", "svg", "pdf"):
        ax.figure.savefig(tmp_path / f"picture.{kind}")
        assert (tmp_path / f"picture.{kind}").stat().st_size > 1000


def test_legends_can_be_read_in_a_dark_style():
    with plt.style.context("dark_background"):
        ax = optkit.plot_convergence({"a": RUN, "b": RUN})
        legend = ax.get_legend()
        assert legend.get_frame().get_facecolor()[:3] == (0.0, 0.0, 0.0)

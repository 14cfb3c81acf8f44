"""Nested containers come apart and go together again."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pytest

from optkit import ad
from optkit.ad import tree
from optkit.errors import InvalidInputError


class Point(NamedTuple):
    x: Any
    y: Any


@dataclasses.dataclass(frozen=True)
class Model:
    weights: Any
    bias: Any = 0.0
    calls: int = dataclasses.field(default=0, init=False)


CONTAINERS = [
    1.0,
    (),
    [],
    {},
    [1.0, 2.0],
    (1.0, [2.0, (3.0,)]),
    {"b": 1.0, "a": {"c": 2.0}},
    collections.OrderedDict(b=1.0, a=2.0),
    Point(1.0, [2.0]),
    Model(1.0, Point(2.0, {"k": 3.0})),
]


@pytest.mark.parametrize("container", CONTAINERS, ids=str)
def test_what_is_taken_apart_can_be_put_together(container: Any) -> None:
    leaves, structure = tree.flatten(container)
    again = tree.unflatten(structure, leaves)
    assert again == container
    assert type(again) is type(container)


def test_leaves_come_in_the_order_of_the_container() -> None:
    leaves, _ = tree.flatten({"b": [1.0, (2.0, 3.0)], "a": Point(4.0, Model(5.0, 6.0))})
    assert leaves == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def test_arrays_and_strings_are_leaves() -> None:
    x = np.ones((2, 2))
    leaves, structure = tree.flatten([x, "name", None])
    assert leaves[0] is x
    assert leaves[1:] == ["name", None]
    assert str(structure) == "list(*, *, *)"


def test_a_dict_that_makes_its_own_entries_keeps_its_kind() -> None:
    made = tree.tree_map(lambda leaf: 2 * leaf, collections.defaultdict(float, a=1.0))
    assert isinstance(made, collections.defaultdict)
    assert made == {"a": 2.0}


def test_another_structure_is_refused_with_both_shown() -> None:
    _, structure = tree.flatten({"a": 1.0, "b": (2.0,)})
    with pytest.raises(
        InvalidInputError, match=r"the tangent .*dict\(a: \*, b: tuple\(\*\)\).*list\(\*\)"
    ):
        tree.flatten_as([1.0], structure, "the tangent")


@dataclasses.dataclass(frozen=True)
class Derived:
    rate: Any
    scale: Any
    product: Any = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise ValueError("rate must not be negative")
        object.__setattr__(self, "product", self.rate * self.scale)


def test_what_a_dataclass_derives_from_its_fields_is_differentiated() -> None:
    def f(p: Derived) -> Any:
        return p.product**2

    gradient = ad.grad(f)(Derived(2.0, -3.0))
    assert (gradient.rate, gradient.scale, gradient.product) == (36.0, -24.0, None)
    hessian = ad.hessian(f)(Derived(2.0, -3.0))
    assert (hessian.rate.rate, hessian.rate.scale) == (18.0, -24.0)


def test_subclasses_of_dict_stay_what_they_are() -> None:
    params = collections.defaultdict(lambda: 7.0, {"a": 2.0})
    gradient = ad.grad(lambda p: p["a"] * p["missing"])(params)
    assert type(gradient) is collections.defaultdict
    assert gradient == {"a": 7.0}
    counter = collections.Counter({"a": 2.0, "b": 3.0})
    assert ad.grad(lambda p: p["a"] * p["b"])(counter) == {"a": 3.0, "b": 2.0}

"""What is exported: a function and its derivatives, captured at one or several points, with names for everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from optkit.ad import tree
from optkit.ad.capture import Captured, capture, is_number
from optkit.ad.exporting.naming import argument_names, leaf_names, without_clash
from optkit.ad.graph import Graph
from optkit.ad.passes import simplify
from optkit.ad.specialisation import Arguments, take_apart
from optkit.ad.transforms import hessian, value_and_grad, value_and_jacobian
from optkit.errors import ExportError, InvalidInputError

DERIVATIVES = ("gradient", "jacobian", "hessian")


class Array(NamedTuple):
    """An argument or a result of an exported function."""

    name: str
    shape: tuple[int, ...]
    dtype: Any


class Routine(NamedTuple):
    """One function to be written.

    Attributes
    ----------
    name : str
    about : str
        What it computes, in words.
    inputs, outputs : list of Array
    fixed : list of str
        The arguments that are a part of the function, with their values.
    graphs : list of Graph
        One for each way that the function takes through its branches; the first whose guards hold is the function.
    structure : Structure or None
        How Python puts the outputs together.
    is_plain : bool
        Whether this is the function itself, not a derivative.
    """

    name: str
    about: str
    inputs: list[Array]
    outputs: list[Array]
    fixed: list[str]
    graphs: list[Graph]
    structure: tree.Structure | None
    is_plain: bool


def routines_of(
    f: Callable[..., Any],
    points: Sequence[tuple[Any, ...]],
    name: str,
    derivatives: Sequence[str] | None,
    argnums: int | tuple[int, ...],
) -> list[Routine]:
    """The function and its derivatives; for ``derivatives=None`` the one that fits what the function returns."""
    plain = _routine(f, f, points, name, f"The function {name}.", ["value"])
    if derivatives is None:
        single = plain.structure is None and plain.outputs[0].shape == ()
        derivatives = ("gradient",) if single else ("jacobian",)
    return [plain, *(_derivative(f, points, name, d, argnums) for d in derivatives)]


def _derivative(
    f: Callable[..., Any],
    points: Sequence[tuple[Any, ...]],
    name: str,
    derivative: str,
    argnums: int | tuple[int, ...],
) -> Routine:
    if derivative == "gradient":
        about, roots = f"The value of {name} and its gradient.", ["value", "gradient"]
        g, suffix = value_and_grad(f, argnums), "grad"
    elif derivative == "jacobian":
        about = f"The value of {name} and its Jacobian (axes of the value first)."
        roots, suffix = ["value", "jacobian"], "jacobian"
        g = value_and_jacobian(f, argnums)
    elif derivative == "hessian":
        about, roots, suffix = f"The Hessian of {name}.", ["hessian"], "hessian"
        g = hessian(f, argnums)
    else:
        raise InvalidInputError(
            f"ad.export: derivative must be one of {', '.join(DERIVATIVES)}, a tuple of them, or None, got "
            f"{derivative!r}"
        )
    made = _routine(f, g, points, f"{name}_{suffix}", about, roots)
    if derivative == "gradient" and isinstance(argnums, tuple):
        return made._replace(outputs=_named_after(made, argument_names(f, len(points[0])), argnums))
    return made


def _named_after(made: Routine, names: list[str], argnums: tuple[int, ...]) -> list[Array]:
    """The outputs with gradients named after the arguments: ``gradient_w`` for ``gradient_0``."""
    renamed = {f"gradient_{n}": f"gradient_{names[number]}" for n, number in enumerate(argnums)}
    taken = {array.name for array in made.inputs}
    outputs = []
    for array in made.outputs:
        parts = array.name.split("_")
        head = "_".join(parts[:2])
        rest = "".join(f"_{part}" for part in parts[2:])
        outputs.append(array._replace(name=without_clash(renamed.get(head, head) + rest, taken)))
    return outputs


def _routine(
    f: Callable[..., Any],
    g: Callable[..., Any],
    points: Sequence[tuple[Any, ...]],
    name: str,
    about: str,
    roots: list[str],
) -> Routine:
    """``g``, which is ``f`` or a derivative of it, captured at each of the points."""
    first = take_apart(points[0], {}, frozenset(), name)
    taken: set[str] = set()
    inputs, fixed = _arguments(f, points[0], first, taken)
    graphs: list[Graph] = []
    seen: set[str] = set()
    captured = None
    for point in points:
        arguments = take_apart(point, {}, frozenset(), name)
        if arguments.traced:
            raise ExportError("ad.export inside of a derivative: call it with plain arrays")
        if arguments.key != first.key:
            raise InvalidInputError(
                "ad.export: the points of branches= must have the shapes, dtypes and fixed values of the arguments"
            )
        with np.errstate(all="ignore"):  # A branch may be exported for the sake of its NaN.
            found = capture(g, arguments.dynamic, arguments.rebuild)
        graph = simplify(_frozen(found.graph))
        _check_guards(graph, name)
        if captured is not None:
            _check_same(captured, graphs[0], found, graph, name)
        captured = captured or found
        if str(graph) not in seen:
            seen.add(str(graph))
            graphs.append(graph)
    assert captured is not None
    outputs = _outputs(captured, graphs[0], roots, taken, name)
    return Routine(name, about, inputs, outputs, fixed, graphs, captured.structure, f is g)


def _arguments(
    f: Callable[..., Any], args: tuple[Any, ...], arguments: Arguments, taken: set[str]
) -> tuple[list[Array], list[str]]:
    """The arrays and numbers among the arguments, and in words what is fixed."""
    inputs, fixed = [], []
    leaves = [leaf for arg in args for leaf in tree.flatten(arg)[0]]
    names = [
        path
        for name, arg in zip(argument_names(f, len(args)), args, strict=True)
        for path in leaf_names(tree.flatten(arg)[1], name)
    ]
    dynamic = iter(arguments.dynamic)
    # The key has (where, type, dtype, shape) of what changes from call to call, (where, value) of what is fixed.
    kinds = [entry for entry in arguments.key if type(entry) is tuple]  # type: ignore[attr-defined]
    for path, leaf, kind in zip(names, leaves, kinds, strict=True):
        if len(kind) == 4:
            x = next(dynamic)
            inputs.append(Array(without_clash(path, taken), np.shape(x), np.asarray(x).dtype))
        else:
            fixed.append(f"{path} = {leaf!r}")
    if not inputs:
        raise InvalidInputError(
            "ad.export: no argument is an array or a floating-point number, so that nothing can change from call to "
            "call; write 2.0 for 2"
        )
    return inputs, fixed


def _outputs(
    captured: Captured, graph: Graph, roots: list[str], taken: set[str], name: str
) -> list[Array]:
    for leaf in captured.leaves:
        if not is_number(leaf):
            raise ExportError(
                f"ad.export: {name} returns a {type(leaf).__name__}; return arrays and floating-point numbers only"
            )
    structure = captured.structure
    if len(roots) == 1:
        names = list(leaf_names(structure, roots[0]))
    else:
        assert structure is not None
        names = [
            n
            for root, part in zip(roots, structure.parts, strict=True)
            for n in leaf_names(part, root)
        ]
    return [
        Array(without_clash(n, taken), v.shape, v.dtype)
        for n, v in zip(names, graph.outputs, strict=True)
    ]


def _check_guards(graph: Graph, name: str) -> None:
    """Refuse a graph that is good for one point alone, since something took plain numbers out of it."""
    for guard in graph.guards:
        expected = np.asarray(guard.expected)
        if expected.dtype.kind in "fc" and not np.all(expected == np.rint(expected)):
            raise ExportError(
                f"ad.export: {name} hands the numbers of a {str(guard.value)[7:-1]} to code that cannot be captured, "
                "so that what was captured is good at one point only"
            )


def _check_same(a: Captured, graph: Graph, b: Captured, other: Graph, name: str) -> None:
    """Raise unless two runs returned the same kind of thing."""
    kinds = [[(v.shape, v.dtype) for v in g.outputs] for g in (graph, other)]
    if a.structure != b.structure or kinds[0] != kinds[1]:
        raise ExportError(
            f"ad.export: {name} returns arrays of other shapes at another point of branches=, which one function in C "
            "cannot; export them under two names"
        )


def _frozen(graph: Graph) -> Graph:
    """The graph with copies of the arrays that the function closed over, as they are now."""
    for constant in graph.constants():
        if isinstance(constant.data, np.ndarray):
            constant.data = constant.data.copy()
    return graph

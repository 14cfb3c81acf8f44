"""A solve in a file: everything that the next step depends on, so that a resumed solve goes on bit for bit.

States, and what they are made of, are frozen dataclasses, arrays and numbers. They are written as JSON text for the
structure and arrays for the numbers, into one ``.npz`` file without pickled objects. An object that occurs twice is
written once, so that what was the same object is the same object again. The file is replaced in one stroke: a solve
that is killed while writing leaves the last checkpoint as it was.

Reading creates objects of dataclasses only, of modules that are imported already, and calls none of their code.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import tempfile
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from optkit.errors import InvalidInputError
from optkit.optimize.result import Verdict

VERSION = 1
_SIMPLE = (bool, int, str, type(None))


def save(path: str | os.PathLike[str], content: dict[str, Any]) -> None:
    """Write ``content``, a dict of numbers, arrays, dataclasses and containers of them, to a file."""
    target = Path(path)
    writer = _Writer()
    text = json.dumps({"version": VERSION, "content": writer.encode(content)})
    arrays = {f"a{i}": array for i, array in enumerate(writer.arrays)}
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez(stream, structure=np.array(text), **arrays)  # type: ignore[arg-type]
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What `save` has written."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found = json.loads(str(file["structure"]))
            arrays = [file[f"a{i}"] for i in range(len(file.files) - 1)]
    except FileNotFoundError:
        raise InvalidInputError(
            f"there is no checkpoint {os.fspath(path)!r} to resume from"
        ) from None
    except (ValueError, KeyError, OSError, EOFError) as error:
        raise InvalidInputError(f"{os.fspath(path)!r} is no checkpoint: {error}") from error
    if found.get("version") != VERSION:
        raise InvalidInputError(
            f"{os.fspath(path)!r} is a checkpoint of version {found.get('version')}, expected {VERSION}"
        )
    content: dict[str, Any] = _Reader(arrays).decode(found["content"])
    return content


class _Writer:
    def __init__(self) -> None:
        self.arrays: list[np.ndarray[Any, Any]] = []
        self.numbers: dict[int, int] = {}  # by the id of an object
        self.kept: list[Any] = []  # so that no id is used twice

    def encode(self, value: Any) -> Any:
        if isinstance(value, Verdict):
            return {"verdict": value.name}
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, _SIMPLE):
            return value
        if isinstance(value, float):
            return {"float": value.hex()}
        if isinstance(value, np.ndarray):
            if id(value) not in self.numbers:
                self.numbers[id(value)] = len(self.arrays)
                self.arrays.append(
                    value
                )  # in its order, on which the last bit of a product may depend
                self.kept.append(value)
            return {"array": self.numbers[id(value)], "writeable": bool(value.flags.writeable)}
        if isinstance(value, dict):
            return {"dict": {key: self.encode(item) for key, item in value.items()}}
        if isinstance(value, (list, tuple)):
            return {_kind(value): [self.encode(item) for item in value], "type": _name(type(value))}
        return self._object(value)

    def _object(self, value: Any) -> Any:
        if not dataclasses.is_dataclass(value) or isinstance(value, type):
            raise InvalidInputError(
                f"a checkpoint cannot hold {type(value).__name__} objects; make the state of the solver of "
                "dataclasses, arrays and numbers"
            )
        if id(value) in self.numbers:
            return {"again": self.numbers[id(value)]}
        self.kept.append(value)
        number = self.numbers[id(value)] = len(self.kept)
        skip = getattr(type(value), "NOT_SAVED", ())
        fields = {
            field.name: None if field.name in skip else self.encode(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
        return {"object": _name(type(value)), "number": number, "fields": fields}


def _kind(value: Any) -> str:
    return "named" if hasattr(value, "_fields") else "list" if isinstance(value, list) else "tuple"


def _name(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


class _Reader:
    def __init__(self, arrays: list[np.ndarray[Any, Any]]) -> None:
        self.arrays = arrays
        self.objects: dict[int, Any] = {}

    def decode(self, value: Any) -> Any:  # noqa: C901  # one branch for each kind of value
        if not isinstance(value, dict):
            return value
        if "float" in value:
            return float.fromhex(value["float"])
        if "verdict" in value:
            return Verdict[value["verdict"]]
        if "array" in value:
            array = self.arrays[value["array"]]
            array.flags.writeable = value["writeable"]
            return array
        if "again" in value:
            return self.objects[value["again"]]
        if "dict" in value:
            return {key: self.decode(item) for key, item in value["dict"].items()}
        if "object" in value:
            return self._object(value)
        if "list" in value:
            return [self.decode(item) for item in value["list"]]
        if "tuple" in value:
            return tuple(self.decode(item) for item in value["tuple"])
        cls = _class(value["type"])
        if not (issubclass(cls, tuple) and hasattr(cls, "_fields")):
            raise InvalidInputError(f"a checkpoint may not create a {value['type']}")
        return tuple.__new__(cls, [self.decode(item) for item in value["named"]])

    def _object(self, value: dict[str, Any]) -> Any:
        cls = _class(value["object"])
        if not dataclasses.is_dataclass(cls) or issubclass(cls, Enum):
            raise InvalidInputError(f"a checkpoint may not create a {value['object']}")
        new = object.__new__(cls)
        self.objects[value["number"]] = new
        for field in dataclasses.fields(cls):
            object.__setattr__(new, field.name, self.decode(value["fields"][field.name]))
        return new


def _class(name: str) -> type:
    """The class of that name, in a module that is imported already."""
    module, _, qualified = name.partition(":")
    found: Any = sys.modules.get(module)
    for part in qualified.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type):
        raise InvalidInputError(
            f"the checkpoint holds a {qualified} of {module}, which is not imported; import it before resuming"
        )
    return found

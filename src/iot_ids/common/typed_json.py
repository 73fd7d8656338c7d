"""Read a saved JSON file into the dataclass that describes it, checking every key, type and length."""

import json
import math
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from itertools import repeat
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def read_json(file: Path, shape: type[T]) -> T:
    """Read `file` as an instance of `shape`, a dataclass, whose defaults fill in missing keys.

    Raises:
        ValueError: it is not JSON, or a value does not fit the dataclass; the message names file and key.
    """
    return convert(json.loads(file.read_text(encoding="utf-8")), shape, file.name)  # type: ignore[no-any-return]


def convert(value: Any, kind: Any, where: str) -> Any:
    """Convert a JSON `value` to `kind`: a dataclass, an enum, a list, tuple or dict of kinds, a plain type or None.

    A float must be finite; true is not a number.

    Raises:
        ValueError: it does not fit; the message says `where`.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _object(value, kind, where)
    if origin is UnionType:
        return None if value is None else convert(value, next(each for each in inner if each is not type(None)), where)
    if origin is dict:
        return {name: convert(each, inner[1], f"{where}.{name}") for name, each in _of(value, dict, where).items()}
    if origin is list or origin is tuple:
        kinds = repeat(inner[0], len(_of(value, list, where))) if inner[1:] in ((), (...,)) else inner
        return origin(convert(*pair, f"{where}[{at}]") for at, pair in enumerate(zip(value, kinds, strict=True)))
    if issubclass(kind, Enum):
        return kind(value)
    if kind is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    return _of(value, kind, where)


def require(holds: object, message: str) -> None:
    """Raise a ValueError with `message` unless a condition on a saved file holds."""
    if not holds:
        raise ValueError(message)


def _object(value: Any, kind: Any, where: str) -> Any:
    given, hints = _of(value, dict, where), get_type_hints(kind)
    if unknown := sorted(given.keys() - hints.keys()):
        raise ValueError(f"{where}: {', '.join(unknown)} is unknown to this version")
    needed = [each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING]
    if missing := [name for name in needed if name not in given]:
        raise ValueError(f"{where}: {', '.join(missing)} is missing")
    return kind(**{name: convert(each, hints[name], f"{where}: {name}") for name, each in given.items()})


def _of(value: Any, kind: type, where: str) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{where} is {value!r:.80}, and should be of type {kind.__name__}")
    return value

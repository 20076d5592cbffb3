"""Dataclasses as JSON text and back; strict on the way in: a damaged row is an error and never a wrong value."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from datetime import UTC, datetime, time, timedelta
from enum import Enum, IntEnum
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from watcher.errors import StoreError

T = TypeVar("T")

_SCALARS = (str, int, float, bool)


def dumps(value: object) -> str:
    """One line of compact JSON; equal values give equal text."""
    return storable(json.dumps(_encode(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False))


def loads(kind: type[T], text: str) -> T:
    """The value of type ``kind`` that ``text`` was made from; raises StoreError where it does not fit the type."""
    try:
        return typing.cast("T", _decode(kind, json.loads(text), kind.__name__))
    except ValueError as error:
        raise StoreError(f"a stored {kind.__name__} is not readable: {error}") from error


def storable(text: str) -> str:
    """The text with lone surrogates as question marks, which SQLite refuses; every offset stays as it was."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def encode_time(at: datetime) -> str:
    """ISO 8601 in UTC of constant width, so that text order is time order; raises ValueError for a naive time."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def decode_time(text: str) -> datetime:
    """The aware time in UTC; raises StoreError for anything that ``encode_time`` does not write."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise StoreError(f"a stored time is not readable: {text[:40]!r}") from error
    if at.tzinfo is None:
        raise StoreError(f"a stored time has no zone: {text[:40]!r}")
    return at


def _encode(value: object) -> Any:
    if isinstance(value, Enum):
        return value.name.lower() if isinstance(value, IntEnum) else value.value
    if value is None or isinstance(value, _SCALARS):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    if isinstance(value, datetime):
        return encode_time(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _decode(kind: Any, data: Any, where: str) -> Any:
    origin = get_origin(kind)
    if origin is typing.Union or origin is types.UnionType:
        inner = [arg for arg in get_args(kind) if arg is not type(None)]
        if data is None and len(inner) < len(get_args(kind)):
            return None
        if len(inner) != 1:
            raise TypeError(f"{where}: only `X | None` can be decoded")
        return _decode(inner[0], data, where)
    if origin is tuple:
        return _decode_tuple(get_args(kind), data, where)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _decode_dataclass(kind, data, where)
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return _decode_name(kind, _expect(str, data, where), where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(_expect(str, data, where))
    if kind is datetime:
        return decode_time(_expect(str, data, where))
    if kind is time:
        return time.fromisoformat(_expect(str, data, where))
    if kind is timedelta:
        return timedelta(seconds=_expect(float, data, where))
    if kind in _SCALARS:
        return _expect(kind, data, where)
    raise TypeError(f"{where}: {kind} has no JSON form")


def _decode_name(kind: type[IntEnum], name: str, where: str) -> IntEnum:
    for member in kind:
        if member.name.lower() == name:
            return member
    raise ValueError(f"{where}: {name!r} is no {kind.__name__}")


def _decode_tuple(args: tuple[Any, ...], data: Any, where: str) -> tuple[Any, ...]:
    items = _expect(list, data, where)
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(_decode(args[0], item, where) for item in items)
    if len(items) != len(args):
        raise ValueError(f"{where}: expected {len(args)} items, found {len(items)}")
    return tuple(_decode(arg, item, where) for arg, item in zip(args, items, strict=True))


def _decode_dataclass(kind: type, data: Any, where: str) -> Any:
    given = _expect(dict, data, where)
    hints = _hints(kind)
    if unknown := given.keys() - hints.keys():
        raise ValueError(f"{where}: unknown key {min(unknown)}")
    for field in dataclasses.fields(kind):
        # A field that a later version added has a default, so that older rows stay readable.
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and field.name not in given:
            raise ValueError(f"{where}: {field.name} is missing")
    return kind(**{name: _decode(hints[name], item, f"{where}.{name}") for name, item in given.items()})


def _expect(kind: type[T], data: Any, where: str) -> T:
    # bool is an int in Python but never in a file; an int is a fine float.
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return typing.cast("T", float(data))
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
        raise ValueError(f"{where}: expected {kind.__name__}, found {type(data).__name__}")
    return data

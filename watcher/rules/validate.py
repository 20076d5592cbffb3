"""One document against its model; every error of pydantic is said at its place, in the words of the language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from babel import Locale
from pydantic import BaseModel, ValidationError

from watcher.rules.documents import Loading, RuleFile
from watcher.rules.schema import DOCUMENTS
from watcher.rules.values import describe, list_names, nearest
from watcher.rules.yaml_nodes import Node, NodeKind


def validate(file: RuleFile, kind: str, node: Node, loading: Loading) -> BaseModel | None:
    """The model of a document; None where it has problems, which are added."""
    empty = list(_empty_values(node, ()))
    for path, place in empty:
        after = "-" if place.is_empty else "the colon"
        loading.wrong(file, place, f"{_dotted(path)}expected a value after {after}, found nothing")
    model = DOCUMENTS[kind]
    try:
        valid = model.model_validate(node.data())
    except ValidationError as error:
        for found in error.errors(include_url=False):
            _report(file, model, node, found, [path for path, _ in empty], loading)
        return None
    return None if empty else valid


def _empty_values(node: Node, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Node]]:
    for key, value in node.pairs:
        here = (*path, key.value or "")
        if value.is_empty:
            yield here, key
        yield from _empty_values(value, here)
    for item in node.items:
        if item.is_empty:
            yield path, item
        yield from _empty_values(item, path)


def _report(
    file: RuleFile,
    model: type[BaseModel],
    root: Node,
    found: Any,
    empty: Sequence[tuple[str, ...]],
    loading: Loading,
) -> None:
    """Adds the problem for one pydantic error; nothing where an empty value already says it."""
    steps: list[str | int] = [step for step in found["loc"] if step != "[key]"]
    path = tuple(step for step in steps if isinstance(step, str))
    kind, value = found["type"], found.get("input")
    if kind != "extra_forbidden" and any(where[: len(path)] == path for where in empty):
        return
    if kind == "missing":
        node = _node_at(root, steps[:-1])
        place = root.pairs[0][0] if node is root else node
        loading.wrong(file, place, f"{_dotted(path[:-1])}the key {path[-1]}: is missing here", "missing-key")
        return
    if kind == "extra_forbidden":
        parent = _node_at(root, steps[:-1])
        keys = _keys_of(_model_at(model, steps[:-1]))
        unused = [key for key in keys if parent.key(key) is None]
        name = path[-1]
        meant = nearest(name, unused) or nearest(name, keys)
        better = f"did you mean {meant}?" if meant else f"expected one of {list_names(unused or keys, 30)}"
        loading.wrong(file, parent.key(name), f"{_dotted(path[:-1])}unknown key {name}: {better}", "unknown-key")
        return
    node = _node_at(root, steps)
    if found["loc"][-1:] == ("[key]",):
        parent = _node_at(root, steps[:-1])
        node, path = parent.key(path[-1]) or parent, path[:-1]
    message = _message(kind, found, value, _model_at(model, steps))
    if "languages" in path or "language" in path:
        message = language_hint(value) or message
    loading.wrong(file, node, f"{_dotted(path)}{message}")


def _message(kind: str, found: Any, value: object, model: type[BaseModel] | None) -> str:
    """What was expected, for one type of pydantic error."""
    if kind == "rules":
        return str(found["ctx"]["message"])
    if kind in ("tuple_type", "list_type"):
        return f"expected a list, each item on its own line after - , found {describe(value)}"
    if kind in ("model_type", "model_attributes_type", "mapping_type", "dict_type"):
        keys = _keys_of(model) if kind.startswith("model") else []
        if keys[:1] == ["at_least"] and isinstance(value, str) and value.strip().isdecimal():
            return f"expected a key with the number: write {{at_least: {value.strip()}}}"
        if keys[:1] == ["at_least"]:
            return f"expected a key with a number, like {{at_least: 1}}, found {describe(value)}"
        what = list_names(keys, 6) if keys else "names of your own"
        return f"expected keys with values ({what}), found {describe(value)}"
    if kind == "too_short":
        return "expected at least one, found none"
    return str(found["msg"]).lower()


def _dotted(path: Sequence[str]) -> str:
    return f"{'.'.join(path)}: " if path else ""


def _node_at(root: Node, steps: Sequence[str | int]) -> Node:
    """The node at a pydantic location, or the nearest around it; a single text may stand for a list of one."""
    node = root
    for step in steps:
        if isinstance(step, int):
            inner = node.items[step] if node.kind is NodeKind.LIST and step < len(node.items) else None
        else:
            inner = node.get(step)
        if inner is None:
            return node
        node = inner
    return node


def _model_at(model: type[BaseModel] | None, steps: Sequence[str | int]) -> type[BaseModel] | None:
    """The model that describes what stands at a location."""
    annotation: Any = model
    for step in steps:
        current = _model_in(annotation)
        if isinstance(step, str) and current and not _mapping_in(annotation):
            fields = current.model_fields
            name = next((name for name, info in fields.items() if step in (name, info.alias)), None)
            annotation = fields[name].annotation if name else None
        elif isinstance(step, str):
            annotation = current
    return _model_in(annotation)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for inner in get_args(annotation) if (model := _model_in(inner))), None)


def _mapping_in(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return True
    return any(_mapping_in(inner) for inner in get_args(annotation))


def _keys_of(model: type[BaseModel] | None) -> list[str]:
    """The keys that a person may write, in the order of the reference."""
    if model is None:
        return []
    return [info.alias or name for name, info in model.model_fields.items()]


def language_hint(value: object) -> str | None:
    """What to write instead of a language's name or of a code that is none; None where nothing is near."""
    if not isinstance(value, str):
        return None
    codes = {name.casefold(): code for code, name in Locale("en").languages.items() if len(code) == 2}
    word = value.strip().casefold()
    code = codes.get(word) or (word if word in codes.values() else None) or codes.get(nearest(word, codes) or "")
    return f"{value.strip()} is no code of a language: did you mean {code}?" if code else None

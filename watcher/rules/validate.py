"""One document against its model; every error of pydantic is said at its place, in the words of the language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from babel import Locale
from pydantic import BaseModel, ValidationError

from watcher.errors import Location, Problem
from watcher.rules.documents import Loading, RuleFile
from watcher.rules.schema import DOCUMENTS, Clue
from watcher.rules.values import describe, list_names, nearest
from watcher.rules.yaml_nodes import Node, NodeKind

_PHRASE_KEYS = frozenset({"phrases", "not_phrases", "title_has", "items"})
_CLUE_KEYS = tuple(info.alias or name for name, info in Clue.model_fields.items())


def validate(file: RuleFile, kind: str, node: Node, loading: Loading) -> BaseModel | None:
    """The model of a document; None where it has problems, which are added."""
    empty = list(_empty_values(node, ()))
    for path, place in empty:
        after = "-" if place.is_empty else "the colon"
        message = f"expected a value after {after}, found nothing"
        if not place.is_empty and not _has_colon(file, place):
            message = f"there is no colon after {describe(place.value)}: put a value that has a comma in quotes"
        loading.wrong(file, place, f"{_dotted(path)}{message}")
    joined = list(_joined_lines(node, ()))
    for path, value in joined:
        message = "expected a list, each phrase on its own line after - , found one text of several lines"
        loading.wrong(file, value, f"{_dotted(path)}{message}")
    model = DOCUMENTS[kind]
    try:
        valid = model.model_validate(node.data())
    except ValidationError as error:
        for found in error.errors(include_url=False):
            _report(file, model, node, found, [path for path, _ in empty], loading)
        return None
    return None if empty or joined else valid


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


def _joined_lines(node: Node, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Phrases below each other without their dashes, which YAML silently joins into one."""
    for key, value in node.pairs:
        here = (*path, key.value or "")
        text = value.value or ""
        is_joined = value.style == "" and value.end_line > value.line
        if key.value in _PHRASE_KEYS and text and (is_joined or (value.style == "|" and "\n" in text.strip())):
            yield here, value
        yield from _joined_lines(value, here)
    for item in node.items:
        yield from _joined_lines(item, path)


def _has_colon(file: RuleFile, key: Node) -> bool:
    rest = file.lines[key.end_line - 1][key.end_column - 1 :] if key.end_line <= len(file.lines) else ":"
    return rest.lstrip().startswith(":")


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
    misplaced = _misplaced(root, path)
    if misplaced:
        key, message = misplaced
        told = Problem(Location(file.path, key.line, key.column), message, "unknown-key")
        if told not in loading.problems:
            loading.problems.append(told)
        return
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
        if name in _CLUE_KEYS and "look_for" in keys:
            better = f"it belongs to a clue: look_for: {{a_name: {{{name}: ...}}}}"
        loading.wrong(file, parent.key(name), f"{_dotted(path[:-1])}unknown key {name}: {better}", "unknown-key")
        return
    node = _node_at(root, steps)
    if kind == "too_short" and node.items:
        return  # its items are wrong, and each says so
    if found["loc"][-1:] == ("[key]",):
        parent = _node_at(root, steps[:-1])
        node, path = parent.key(path[-1]) or parent, path[:-1]
    message = _message(kind, found, value, _model_at(model, steps))
    if "languages" in path or "language" in path:
        message = language_hint(value) or message
    loading.wrong(file, node, f"{_dotted(path)}{message}")


def _misplaced(root: Node, path: Sequence[str]) -> tuple[Node, str] | None:
    """A key that stands where only names of clues do, and where it belongs; None where it is a clue all the same."""
    if "look_for" not in path[:-1]:
        return None
    depth = path.index("look_for") + 1
    look_for, name = root.at(*path[:depth]), path[depth]
    key, value = (look_for.key(name), look_for.get(name)) if look_for else (None, None)
    if key is None or value is None or any(value.get(clue_key) for clue_key in _CLUE_KEYS):
        return None
    if name in _CLUE_KEYS:
        return key, f"look_for: {name} needs a clue around it, with a name of your own: {{a_name: {{{name}: ...}}}}"
    if name in DOCUMENTS["rule"].model_fields:
        return key, f"{name} belongs beside look_for, not in it: indent it less"
    return None


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
        if "one_from" in keys and isinstance(value, list):
            return "expected a number, like {at_least: 2}; which states goes into a list of kind states, for one_from"
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

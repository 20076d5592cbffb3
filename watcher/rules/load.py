"""Rule files to a checked `RuleSet`, or to every mistake in all of them, each with its place and a better word."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_origin

from babel import Locale
from babel.core import get_global
from pydantic import BaseModel, ValidationError

from watcher.errors import Location, Problem, RuleError
from watcher.rules.phrases import ListRef, Phrase, PhraseError, parse_phrase
from watcher.rules.schema import (
    DOCUMENTS,
    Append,
    Rule,
    RuleList,
    RuleSet,
    describe,
    list_names,
    nearest,
    nearest_spelling,
    not_among,
)
from watcher.rules.yaml_nodes import Node, NodeKind, parse_yaml, split_lines
from watcher.understand.gazetteer import Gazetteer

__all__ = ["RuleSet", "load_rules"]

MAX_FILE_BYTES = 5_000_000  # ten thousand rules fit
SUFFIXES = frozenset({".yaml", ".yml"})

# Specified, and refused until they are evaluated: a rule that is silently ignored looks like a quiet day.
NOT_YET = ("steps", "in_order", "count", "escalate")

_DECLARES = re.compile(r"^(list|rule|append):[ \t]+([\w-]+)", re.MULTILINE)
_TRAILING_COMMENT = re.compile(r"[ \t]+#[^\s#]")

# What people write instead of a code, beyond the English names and the three-letter codes of CLDR.
_STATE_ALIASES = {
    "UK": "GB",
    "EL": "GR",
    "UAE": "AE",
    "DRC": "CD",
    "DPRK": "KP",
    "ROK": "KR",
    "PRC": "CN",
    "KSA": "SA",
    "KO": "XK",
    "KV": "XK",
    "BRITAIN": "GB",
    "ENGLAND": "GB",
    "AMERICA": "US",
    "BURMA": "MM",
    "CZECH REPUBLIC": "CZ",
    "HOLLAND": "NL",
    "TURKEY": "TR",
    "IVORY COAST": "CI",
    "PALESTINE": "PS",
    "MACEDONIA": "MK",
}


@dataclass(slots=True)
class _File:
    """One rule file while it is read; ``path`` is as people see it."""

    path: str
    real: Path
    root: Path  # tests may name files below it
    text: str = ""
    lines: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Document:
    file: _File
    kind: str  # list, rule, append
    node: Node
    model: BaseModel | None  # None: it has problems

    @property
    def name(self) -> str:
        named = self.node.get(self.kind)
        return (named.value or "").strip() if named else ""


@dataclass(slots=True)
class _Loading:
    """Everything found so far; later stages look names up across all files."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    documents: list[_Document] = field(default_factory=list)
    hidden_names: set[str] = field(default_factory=set)  # declared in what a syntax error hides
    test_texts: dict[tuple[str, str], str] = field(default_factory=dict)

    def wrong(self, file: _File, node: Node | None, message: str, code: str = "invalid", *, offset: int = 0) -> None:
        line, column = (node.line, node.column + offset) if node else (0, 0)
        self.problems.append(Problem(Location(file.path, line, column), message, code))


def load_rules(paths: Sequence[Path]) -> RuleSet:
    """The rules of these files and folders, checked, in file order.

    Folders are read with their subfolders, sorted, *.yaml and *.yml; hidden ones and those named ``tests`` are left
    out. Raises `RuleError` with every problem of every file.
    """
    loading = _Loading()
    files = _find_files(paths, loading)
    for file in files:
        _read_documents(file, loading)
    _check_references(loading)
    problems = loading.problems
    if not problems and not any(document.kind == "rule" for document in loading.documents):
        place = files[0].path if files else "rules"
        problems.append(Problem(Location(place), "there is no rule: here, so nothing would ever alert", "no-rules"))
    if problems:
        order = {file.path: index for index, file in enumerate(files)}
        in_order = sorted(set(problems), key=lambda problem: (order.get(problem.location.path, -1), problem))
        raise RuleError(tuple(in_order))
    return _assemble(files, loading)


def _find_files(paths: Sequence[Path], loading: _Loading) -> list[_File]:
    files: list[_File] = []
    seen: set[Path] = set()
    for path in paths:
        if path.is_dir():
            found = sorted(
                (inner for inner in path.rglob("*") if inner.suffix in SUFFIXES and not inner.is_dir()),
                key=lambda inner: inner.relative_to(path).as_posix(),
            )
            found = [inner for inner in found if not _is_left_out(inner.relative_to(path))]
            root = path
            if not found:
                message = "there are no rule files (*.yaml) in this folder"
                loading.problems.append(Problem(Location(path.as_posix()), message, "no-files"))
        elif path.is_file():
            found, root = [path], path.parent
        else:
            message = "there is no such file or folder"
            loading.problems.append(Problem(Location(path.as_posix()), message, "no-files"))
            continue
        for inner in found:
            if inner.resolve() not in seen:
                seen.add(inner.resolve())
                files.append(_File(inner.as_posix(), inner.resolve(), root.resolve()))
    return files


def _is_left_out(relative: Path) -> bool:
    return any(part.startswith(".") or part == "tests" for part in relative.parts[:-1]) or relative.name.startswith(".")


def _read_documents(file: _File, loading: _Loading) -> None:
    try:
        body = file.real.read_bytes()
    except OSError as error:
        loading.wrong(file, None, f"this file cannot be read: {(error.strerror or 'unknown reason').lower()}")
        return
    if len(body) > MAX_FILE_BYTES:
        loading.wrong(file, None, f"this file is too large: expected at most {MAX_FILE_BYTES // 1_000_000} MB")
        return
    text = _decode(body, file, loading)
    if text is None:
        return
    file.text, file.lines = text, split_lines(text)
    if not text.strip():
        message = "this file is empty"
        loading.warnings.append(Problem(Location(file.path), message, "empty-file"))
        return
    parsed = parse_yaml(text, file.path)
    loading.problems.extend(parsed.problems)
    if not parsed.is_whole:
        loading.hidden_names.update(name for _, name in _DECLARES.findall(text))
    for node in parsed.documents:
        _read_document(file, node, loading)
        loading.warnings.extend(_suspicious_comments(file, node))


def _decode(body: bytes, file: _File, loading: _Loading) -> str | None:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        loading.wrong(file, None, "this file is UTF-16: save it as UTF-8")
        return None
    try:
        return body.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        before = split_lines(body[: error.start].removeprefix(b"\xef\xbb\xbf").decode("utf-8"))
        location = Location(file.path, len(before), len(before[-1]) + 1)
        loading.problems.append(Problem(location, "this is no UTF-8 text: save the file as UTF-8", "not-utf8"))
        return None


def _suspicious_comments(file: _File, node: Node) -> Iterator[Problem]:
    """A # that YAML takes for a comment although it reads like part of the value."""
    if node.kind is NodeKind.SCALAR:
        if node.value is not None and not node.style and node.end_line <= len(file.lines):
            rest = file.lines[node.end_line - 1][node.end_column - 1 :]
            if _TRAILING_COMMENT.match(rest):
                message = f"the rest of this line, {describe(rest)}, is a comment: put the value in quotes if it is not"
                yield Problem(Location(file.path, node.line, node.column), message, "yaml-comment-in-phrase")
        return
    for inner in node.items if node.kind is NodeKind.LIST else [value for _, value in node.pairs]:
        yield from _suspicious_comments(file, inner)


def _read_document(file: _File, node: Node, loading: _Loading) -> None:
    expected = "expected a document that begins with rule:, list: or append:"
    if node.kind is not NodeKind.MAP:
        loading.wrong(file, node, f"{expected}, found {'a list' if node.kind is NodeKind.LIST else 'only text'}")
        return
    kinds = [kind for kind in DOCUMENTS if node.key(kind)]
    if not kinds:
        first = node.pairs[0][0] if node.pairs else node
        meant = nearest(first.value or "", DOCUMENTS)
        found = f", found {first.value}" if first.value else ""
        loading.wrong(file, first, f"{expected}{found}{f': did you mean {meant}?' if meant else ''}", "unknown-key")
        return
    if len(kinds) > 1:
        message = f"this is {' and '.join(kinds)} in one document: put --- on a line of its own between them"
        loading.wrong(file, node.key(kinds[1]), message)
        return
    before = len(loading.problems)
    model = _validate(file, kinds[0], node, loading)
    document = _Document(file, kinds[0], node, model)
    if kinds[0] == "rule":
        _refuse_not_yet(document, loading)
        _read_test_files(document, loading)
    if len(loading.problems) > before:
        document.model = None
    loading.documents.append(document)


# What pydantic found, said at its place.


def _validate(file: _File, kind: str, node: Node, loading: _Loading) -> BaseModel | None:
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
    file: _File,
    model: type[BaseModel],
    root: Node,
    found: Any,
    empty: Sequence[tuple[str, ...]],
    loading: _Loading,
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
        message = _language_hint(value) or message
    loading.wrong(file, node, f"{_dotted(path)}{message}")


def _message(kind: str, found: Any, value: object, model: type[BaseModel] | None) -> str:
    """What was expected, for one type of pydantic error."""
    if kind == "rules":
        return str(found["ctx"]["message"])
    if kind in ("tuple_type", "list_type"):
        return f"expected a list, each item on its own line after - , found {describe(value)}"
    if kind in ("model_type", "model_attributes_type", "mapping_type", "dict_type"):
        keys = _keys_of(model) if kind.startswith("model") else []
        if "at_least" in keys and isinstance(value, str) and value.strip().isdecimal():
            return f"expected a key with the number: write {{at_least: {value.strip()}}}"
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


def _language_hint(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    codes = {name.casefold(): code for code, name in Locale("en").languages.items() if len(code) == 2}
    word = value.strip().casefold()
    code = codes.get(word) or (word if word in codes.values() else None) or codes.get(nearest(word, codes) or "")
    return f"{value.strip()} is no code of a language: did you mean {code}?" if code else None


# What only this program knows to be wrong.


def _refuse_not_yet(document: _Document, loading: _Loading) -> None:
    """Keys that the language has and the evaluator does not."""
    advice = "leave it out, or keep the rule in a folder that is not loaded"
    for key in NOT_YET:
        loading_key = document.node.key(key)
        if loading_key:
            loading.wrong(document.file, loading_key, f"{key} is not supported yet: {advice}", "not-supported")
    for name, clue in _pairs(document.node.get("look_for")):
        regex = clue.key("regex")
        if regex:
            message = f"look_for.{name.value}.regex is not supported yet: write phrases"
            loading.wrong(document.file, regex, message, "not-supported")
    for test in _items(document.node.get("tests")):
        stream = test.key("stream")
        if stream:
            message = "tests.stream is not supported yet: write text, or title and text"
            loading.wrong(document.file, stream, message, "not-supported")


def _read_test_files(document: _Document, loading: _Loading) -> None:
    """Reads the `file` of each test, which must lie below the rules folder."""
    file = document.file
    for test in _items(document.node.get("tests")):
        named = test.get("file")
        if named is None or named.kind is not NodeKind.SCALAR or not named.value:
            continue
        name = named.value.strip()
        path = (file.real.parent / name).resolve() if "\0" not in name else file.root
        if Path(name).is_absolute() or not path.is_relative_to(file.root):
            message = f"tests.file: expected a file below the rules folder, found {name}"
        elif not path.is_file():
            beside = [other.relative_to(file.real.parent).as_posix() for other in _text_files(file.real.parent)]
            meant = nearest(name, beside)
            message = f"tests.file: there is no file {name}" + (f": did you mean {meant}?" if meant else "")
        elif path.stat().st_size > MAX_FILE_BYTES:
            message = f"tests.file: {name} is too large: expected one article"
        else:
            try:
                loading.test_texts[document.name, name] = path.read_text(encoding="utf-8-sig")
                continue
            except UnicodeDecodeError:
                message = f"tests.file: {name} is no UTF-8 text: save it as UTF-8"
            except OSError as error:
                message = f"tests.file: {name} cannot be read: {(error.strerror or 'unknown reason').lower()}"
        loading.wrong(file, named, message, "test-file")


def _text_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("**/*.txt") if path.is_file())[:1000]


def _pairs(node: Node | None) -> list[tuple[Node, Node]]:
    return node.pairs if node else []


def _items(node: Node | None) -> list[Node]:
    return node.items if node else []


def _check_references(loading: _Loading) -> None:
    """Names across documents: clues, lists, rules, states, and the phrases that hold them."""
    lists: dict[str, _Document] = {}
    rules: dict[str, _Document] = {}
    for document in loading.documents:
        known = {"list": lists, "rule": rules}.get(document.kind)
        if known is None or not document.name:
            continue
        earlier = known.get(document.name)
        if earlier is None:
            known[document.name] = document
            continue
        place = earlier.node.get(document.kind)
        where = f"{earlier.file.path}:{place.line}" if place else earlier.file.path
        message = f"the {document.kind} {document.name} is there twice, first in {where}: rename one"
        if document.kind == "list":
            message += ", or add to it with append:"
        loading.wrong(document.file, document.node.get(document.kind), message, f"duplicate-{document.kind}")
    checker = _Checker(loading, lists, rules)
    for document in loading.documents:
        checker.check(document)
    checker.check_cycles()


@dataclass(slots=True)
class _Checker:
    loading: _Loading
    lists: dict[str, _Document]
    rules: dict[str, _Document]
    # list name to the lists it takes in, each with the place that says so
    takes_in: dict[str, list[tuple[str, _File, Node, int]]] = field(default_factory=dict)

    def check(self, document: _Document) -> None:
        if document.kind == "rule":
            self._check_rule(document)
        elif document.kind == "list":
            self._check_items(document, document)
        else:
            self._check_append(document)

    def _check_append(self, document: _Document) -> None:
        node = document.node
        named = node.get("append")
        wants_list = node.key("items") is not None or node.key("unless") is None
        targets = self.lists if wants_list else self.rules
        target = targets.get(document.name)
        if target is None:
            if document.name not in self.loading.hidden_names:
                what = "list" if wants_list else "rule"
                self.loading.wrong(
                    document.file, named, f"append: {not_among(what, document.name, targets)}", f"unknown-{what}"
                )
            return
        if wants_list:
            self._check_items(document, target)
        else:
            self._check_unless(document, target)

    def _check_items(self, document: _Document, target: _Document) -> None:
        """The items of a list; ``target`` says of which kind they are."""
        kind = target.node.get("kind")
        items = document.node.get("items")
        for item in items.scalars() if items else ():
            if kind is not None and kind.value == "states":
                self._check_state(document, item, "items", list_name=target.name)
            elif kind is not None and kind.value == "phrases":
                for ref in self._check_phrase(document, item, "items"):
                    self._takes_in(target.name, ref.name, document.file, item, _column_in(document.file, item, ref))

    def _takes_in(self, name: str, other: str, file: _File, node: Node, offset: int) -> None:
        self.takes_in.setdefault(name, []).append((other, file, node, offset))

    def _check_rule(self, document: _Document) -> None:
        node = document.node
        for name, clue in _pairs(node.get("look_for")):
            key = f"look_for.{name.value}"
            for phrases in ("phrases", "not_phrases"):
                self._check_phrases(document, clue.get(phrases), f"{key}.{phrases}")
            for which in ("one_from", "all_from"):
                named = clue.at("states", which)
                if named is not None:
                    self._check_list(document, named, f"{key}.states.{which}", kind="states")
        for key in ("all_of", "any_of", "none_of"):
            self._check_clues(document, node.at("alert_when", key), f"alert_when.{key}")
        self._check_clues(document, node.at("alert_when", "at_least", "of"), "alert_when.at_least.of")
        for together in _items(node.get("close_together")):
            self._check_clues(document, together.get("clues"), "close_together.clues")
        self._check_unless(document, document)
        for by in node.at("group", "by").scalars() if node.at("group", "by") else ():  # type: ignore[union-attr]
            for word in (by.value or "").split(","):
                if word.strip().startswith("$"):
                    self._check_list(document, by, "group.by", kind=None, name=word.strip()[1:])
        for test in _items(node.get("tests")):
            self._check_clues(document, test.get("missing"), "tests.missing")
            states = test.at("extracts", "states")
            for state in states.scalars() if states else ():
                for code in (state.value or "").split(","):
                    self._check_state(document, state, "tests.extracts.states", code=code.strip())
        for languages in (node.get("languages"), *(test.get("language") for test in _items(node.get("tests")))):
            for language in languages.scalars() if languages else ():
                self._check_language(document, language)

    def _check_unless(self, document: _Document, target: _Document) -> None:
        """The exceptions of ``document``, which talk about the clues of ``target``."""
        for exception in _items(document.node.get("unless")):
            self._check_phrases(document, exception.get("phrases"), "unless.phrases")
            self._check_phrases(document, exception.get("title_has"), "unless.title_has")
            self._check_clues(document, exception.get("of"), "unless.of", rule=target)

    def _check_clues(self, document: _Document, names: Node | None, key: str, rule: _Document | None = None) -> None:
        look_for = (rule or document).node.get("look_for")
        if names is None or look_for is None:
            return
        known = [clue.value or "" for clue, _ in look_for.pairs]
        for node in names.scalars():
            for name in (word.strip() for word in (node.value or "").split(",")):
                if name not in known and nearest_spelling(name) == name:
                    message = f"{key}: {not_among('clue of this rule', name, known)}"
                    self.loading.wrong(document.file, node, message, "unknown-clue")

    def _check_phrases(self, document: _Document, phrases: Node | None, key: str) -> None:
        for node in phrases.scalars() if phrases else ():
            self._check_phrase(document, node, key)

    def _check_phrase(self, document: _Document, node: Node, key: str) -> list[ListRef]:
        """The lists that the phrase refers to and that exist."""
        if not (node.value or "").strip():
            return []  # the schema has said so
        try:
            phrase = parse_phrase(node.value or "")
        except PhraseError as error:
            offset = _column(document.file, node, error.offset)
            self.loading.wrong(document.file, node, f"{key}: {error.message}", "phrase-syntax", offset=offset)
            return []
        return [
            part
            for part in phrase.walk()
            if isinstance(part, ListRef)
            and self._check_list(
                document, node, key, kind="phrases", name=part.name, offset=_column_in(document.file, node, part)
            )
        ]

    def _check_list(
        self, document: _Document, node: Node, key: str, *, kind: str | None, name: str | None = None, offset: int = 0
    ) -> bool:
        """Whether the list exists; a wrong name or kind is reported at ``offset`` into the node."""
        if name is None:
            name = (node.value or "").strip()
            if not name or nearest_spelling(name) != name:
                return False  # the schema has said so
        known = self.lists.get(name)
        if known is None:
            if name not in self.loading.hidden_names:
                of_kind = [
                    other
                    for other, list_document in self.lists.items()
                    if kind is None or _kind_of(list_document) in (kind, "")
                ]
                message = f"{key}: {not_among('list', name, of_kind)}"
                self.loading.wrong(document.file, node, message, "unknown-list", offset=offset)
            return False
        if kind and _kind_of(known) and _kind_of(known) != kind:
            message = f"{key}: expected a list of kind {kind}, but {name} is of kind {_kind_of(known)}"
            self.loading.wrong(document.file, node, message, "wrong-list-kind", offset=offset)
            return False
        return True

    def _check_state(
        self, document: _Document, node: Node, key: str, *, code: str | None = None, list_name: str | None = None
    ) -> None:
        code = (node.value or "").strip() if code is None else code
        if not code:
            return
        if list_name is not None and code.startswith("$"):
            if self._check_list(document, node, key, kind="states", name=code[1:]):
                self._takes_in(list_name, code[1:], document.file, node, 0)
            return
        names = _state_names()
        if code in names:
            return
        meant = _state_meant(code)
        better = f"did you mean {meant} ({names[meant]})?" if meant else "expected ISO 3166 codes, like AM or AZ"
        self.loading.wrong(
            document.file, node, f"{key}: {describe(code)} is no code of a state: {better}", "unknown-state"
        )

    def _check_language(self, document: _Document, node: Node) -> None:
        for code in (word.strip() for word in (node.value or "").split(",")):
            if re.fullmatch(r"[a-z]{2}", code) and code not in Locale("en").languages:
                hint = _language_hint(code) or f"{code} is no code of a language: expected one like en or ru"
                self.loading.wrong(document.file, node, f"languages: {hint}", "unknown-language")

    def check_cycles(self) -> None:
        """Reports each list that takes itself in, at the item that closes the circle."""
        done: set[str] = set()
        for start in self.lists:
            self._walk(start, done)

    def _walk(self, start: str, done: set[str]) -> None:
        # Depth first with a stack of its own: a chain of lists may be longer than Python's recursion allows.
        stack = [(start, iter(self.takes_in.get(start, ())))] if start not in done else []
        trail = [start]
        while stack:
            name, others = stack[-1]
            following = next(others, None)
            if following is None:
                done.add(name)
                stack.pop()
                trail.pop()
                continue
            other, file, node, offset = following
            if other in trail:
                around = [*trail[trail.index(other) :], other]
                circle = ", ".join(f"{outer} takes in {inner}" for outer, inner in pairwise(around))
                self.loading.wrong(file, node, f"items: this closes a circle: {circle}", "list-cycle", offset=offset)
            elif other not in done:
                trail.append(other)
                stack.append((other, iter(self.takes_in.get(other, ()))))


def _kind_of(document: _Document) -> str:
    kind = document.node.get("kind")
    return kind.value or "" if kind and kind.value in ("phrases", "states") else ""


def _column_in(file: _File, node: Node, part: ListRef) -> int:
    return _column(file, node, part.offset)


def _column(file: _File, node: Node, offset: int) -> int:
    """How far right of the node's start the character at ``offset`` of its text stands; 0 where that is not plain."""
    if node.line != node.end_line or node.style in ("|", ">"):
        return 0
    line = file.lines[node.line - 1]
    raw = line[node.column - 1 : node.end_column - 1]
    if not node.style:
        return offset if raw == node.value else 0
    if node.style == "'":
        return offset + 1 + (node.value or "")[:offset].count("'")
    return offset + 1 if raw[1:-1] == node.value else 0


@cache
def _state_names() -> Mapping[str, str]:
    return Gazetteer.load().names()


@cache
def _state_meant(text: str) -> str | None:
    """The code that somebody who wrote this meant: another code, a name, a misspelt name."""
    names = _state_names()
    upper = text.upper()
    if upper in names:
        return upper
    successors = get_global("territory_aliases").get(upper, ())
    candidates = [_STATE_ALIASES.get(upper), *(successors if len(successors) == 1 else ())]
    by_name = {name.casefold(): code for code, name in names.items()}
    by_name |= {name.casefold(): code for code, name in Locale("en").territories.items() if code in names}
    by_name |= {alias.casefold(): code for alias, code in _STATE_ALIASES.items() if len(alias) > 3}
    candidates.append(by_name.get(text.casefold()))
    if len(text) > 3:
        candidates.append(by_name.get(nearest(text, by_name) or ""))
    return next((code for code in candidates if code in names), None)


# The set, once nothing is wrong.


def _assemble(files: Sequence[_File], loading: _Loading) -> RuleSet:
    rules: dict[str, Rule] = {}
    lists: dict[str, RuleList] = {}
    locations: dict[tuple[str, ...], Location] = {}
    for document in loading.documents:
        if isinstance(document.model, Rule):
            rules[document.model.rule] = document.model
            _locate(document, (document.model.rule,), locations)
        elif isinstance(document.model, RuleList):
            lists[document.model.list] = document.model
            _locate(document, (f"${document.model.list}",), locations)
    for document in loading.documents:
        addition = document.model
        if not isinstance(addition, Append):
            continue
        if addition.items is not None:
            base = lists[addition.append]
            lists[addition.append] = base.model_copy(update={"items": base.items + addition.items})
            prefix, key, shift = (f"${addition.append}",), "items", len(base.items)
        else:
            rule = rules[addition.append]
            rules[addition.append] = rule.model_copy(update={"unless": rule.unless + (addition.unless or ())})
            prefix, key, shift = (addition.append,), "unless", len(rule.unless)
        added = document.node.get(key)
        if added is not None:
            _locate_values(document.file, added, (*prefix, key), locations, shift)
    lists_used = {rule_id: _lists_used(rule, lists) for rule_id, rule in rules.items()}
    versions = {
        rule_id: _hash(
            [
                rule.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"tests"}),
                [[name, lists[name].kind, lists[name].items] for name in lists_used[rule_id]],
            ]
        )
        for rule_id, rule in rules.items()
    }
    return RuleSet(
        rules=tuple(rules.values()),
        lists=lists,
        locations=locations,
        files=tuple(Path(file.path) for file in files),
        version=_hash(versions),
        rule_versions=versions,
        lists_used=lists_used,
        test_texts=loading.test_texts,
        source_texts={file.path: file.text for file in files},
        warnings=tuple(loading.warnings),
    )


def _hash(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _locate(document: _Document, prefix: tuple[str, ...], locations: dict[tuple[str, ...], Location]) -> None:
    named = document.node.key(document.kind) or document.node
    locations[prefix] = Location(document.file.path, named.line, named.column)
    _locate_values(document.file, document.node, prefix, locations)


def _locate_values(
    file: _File, node: Node, prefix: tuple[str, ...], locations: dict[tuple[str, ...], Location], shift: int = 0
) -> None:
    """Keys where the key stands, items of lists where the item stands; a text for a list of one is its item 0."""
    for key, value in node.pairs:
        path = (*prefix, key.value or "")
        locations[path] = Location(file.path, key.line, key.column)
        _locate_values(file, value, path, locations)
    for index, item in enumerate(node.items):
        path = (*prefix, str(index + shift))
        locations[path] = Location(file.path, item.line, item.column)
        _locate_values(file, item, path, locations)
    if node.kind is NodeKind.SCALAR:
        locations.setdefault((*prefix, str(shift)), Location(file.path, node.line, node.column))


def _lists_used(rule: Rule, lists: Mapping[str, RuleList]) -> tuple[str, ...]:
    """Names, sorted, of the lists that a rule reads, also through other lists."""
    waiting = set(_direct_lists(rule))
    used: set[str] = set()
    while waiting:
        name = waiting.pop()
        used.add(name)
        waiting.update(set(_names_in(lists[name].items)) - used)
    return tuple(sorted(used))


def _direct_lists(rule: Rule) -> Iterator[str]:
    for clue in rule.clues.values():
        yield from _names_in((*(clue.phrases or ()), *(clue.not_phrases or ())))
        if clue.states:
            yield from (name for name in (clue.states.one_from, clue.states.all_from) if name)
    for exception in rule.unless:
        yield from _names_in((*(exception.phrases or ()), *(exception.title_has or ())))
    yield from (by[1:] for by in rule.group.by if by.startswith("$"))


def _names_in(phrases: Collection[str]) -> Iterator[str]:
    for text in phrases:
        if "$" in text:
            phrase: Phrase = parse_phrase(text)
            yield from phrase.list_names

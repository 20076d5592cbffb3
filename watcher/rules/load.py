"""Rule files to a checked `RuleSet`, or to every mistake in all of them, each with its place and a better word."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from watcher.errors import Location, Problem, RuleError
from watcher.rules.building import without_collecting
from watcher.rules.documents import Document, Loading, RuleFile, items_of
from watcher.rules.phrases import parse_phrase
from watcher.rules.references import check_references
from watcher.rules.schema import DOCUMENTS, Append, CueGroup, Rule, RuleList, RuleSet, RuleText, StateNames
from watcher.rules.validate import validate
from watcher.rules.values import describe, nearest
from watcher.rules.yaml_nodes import Node, NodeKind, parse_yaml, split_lines

__all__ = ["RuleSet", "find_rule_files", "load_rules", "load_texts"]

MAX_FILE_BYTES = 5_000_000  # ten thousand rules fit

SUFFIXES = frozenset({".yaml", ".yml"})

_DECLARES = re.compile(r"^(list|rule|append):[ \t]+([\w-]+)", re.MULTILINE)

_BOUNDARY = re.compile(r"(---|\.\.\.)(?=\s|$)")

_TRAILING_COMMENT = re.compile(r"[ \t]+#[^\s#]")


@without_collecting()
def load_rules(paths: Sequence[Path]) -> RuleSet:
    """The rules of these files and folders, checked, in file order.

    Folders are read with their subfolders, sorted, *.yaml and *.yml; hidden ones and those named ``tests`` are left
    out. Raises `RuleError` with every problem of every file.
    """
    loading = Loading()
    files = _find_files(paths, loading)
    for file in files:
        _read_documents(file, loading)
    return _checked(files, loading)


def load_texts(texts: Sequence[RuleText]) -> RuleSet:
    """The rules that these documents make, as `load_rules` would; files that their tests name are not looked at.

    Raises `RuleError`, where the path of a location is the kind and the name of the document.
    """
    loading = Loading(reads_test_files=False)
    files = [RuleFile(f"{one.kind} {one.name}", Path(), Path()) for one in texts]
    for file, one in zip(files, texts, strict=True):
        _read_text(file, one.text, loading)
    return _checked(files, loading)


def _checked(files: Sequence[RuleFile], loading: Loading) -> RuleSet:
    check_references(loading)
    problems = loading.problems
    if not problems and not any(document.kind == "rule" for document in loading.documents):
        place = files[0].path if files else "rules"
        problems.append(Problem(Location(place), "there is no rule: here, so nothing would ever alert", "no-rules"))
    if problems:
        order = {file.path: index for index, file in enumerate(files)}
        in_order = sorted(set(problems), key=lambda problem: (order.get(problem.location.path, -1), problem))
        raise RuleError(tuple(in_order))
    return _assemble(files, loading)


def find_rule_files(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The files that `load_rules` would read, as they are on disk now, in its order."""
    return tuple(file.real for file in _find_files(paths, Loading()))


def _find_files(paths: Sequence[Path], loading: Loading) -> list[RuleFile]:
    files: list[RuleFile] = []
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
                files.append(RuleFile(inner.as_posix(), inner.resolve(), root.resolve()))
    return files


def _is_left_out(relative: Path) -> bool:
    return any(part.startswith(".") or part == "tests" for part in relative.parts[:-1]) or relative.name.startswith(".")


def _read_documents(file: RuleFile, loading: Loading) -> None:
    try:
        body = file.real.read_bytes()
    except OSError as error:
        loading.wrong(file, None, f"this file cannot be read: {(error.strerror or 'unknown reason').lower()}")
        return
    if len(body) > MAX_FILE_BYTES:
        loading.wrong(file, None, f"this file is too large: expected at most {MAX_FILE_BYTES // 1_000_000} MB")
        return
    text = _decode(body, file, loading)
    if text is not None:
        _read_text(file, text, loading)


def _read_text(file: RuleFile, text: str, loading: Loading) -> None:
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


def _decode(body: bytes, file: RuleFile, loading: Loading) -> str | None:
    # Without a byte order mark UTF-16 shows in the zero beside the first letter.
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in body[:2]:
        loading.problems.append(Problem(Location(file.path, 1, 1), "this file is UTF-16: save it as UTF-8", "not-utf8"))
        return None
    try:
        return body.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        before = split_lines(body[: error.start].removeprefix(b"\xef\xbb\xbf").decode("utf-8"))
        location = Location(file.path, len(before), len(before[-1]) + 1)
        loading.problems.append(Problem(location, "this is no UTF-8 text: save the file as UTF-8", "not-utf8"))
        return None


def _suspicious_comments(file: RuleFile, node: Node) -> Iterator[Problem]:
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


def _read_document(file: RuleFile, node: Node, loading: Loading) -> None:
    expected = "expected a document that begins with rule:, list:, append:, states: or cues:"
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
    model = validate(file, kinds[0], node, loading)
    document = Document(file, kinds[0], node, model)
    if kinds[0] == "rule" and loading.reads_test_files:
        _read_test_files(document, loading)
    if len(loading.problems) > before:
        document.model = None
    loading.documents.append(document)


def _read_test_files(document: Document, loading: Loading) -> None:
    """Reads the `file` of each test, and of each article of a stream, which must lie below the rules folder."""
    file = document.file
    tests = items_of(document.node.get("tests"))
    for article in (*tests, *(item for test in tests for item in items_of(test.get("stream")))):
        named = article.get("file")
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


def _assemble(files: Sequence[RuleFile], loading: Loading) -> RuleSet:
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
    state_names = tuple(document.model for document in loading.documents if isinstance(document.model, StateNames))
    # They decide what every rule sees; without any the versions are as they always were.
    names = [[one.model_dump(mode="json", exclude_unset=True) for one in state_names]] if state_names else []
    cue_groups = tuple(document.model for document in loading.documents if isinstance(document.model, CueGroup))
    names += [[one.model_dump(mode="json", exclude_unset=True) for one in cue_groups]] if cue_groups else []
    lists_used = {rule_id: _lists_used(rule, lists) for rule_id, rule in rules.items()}
    versions = {
        rule_id: _hash(
            [
                rule.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"tests"}),
                [[name, lists[name].kind, lists[name].items] for name in lists_used[rule_id]],
                *names,
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
        state_names=state_names,
        cue_groups=cue_groups,
        documents=tuple(RuleText(document.kind, document.name, _text_of(document)) for document in loading.documents),
    )


def _text_of(document: Document) -> str:
    """The document as it is written, without what stands before it or parts it from the next."""
    lines, start = document.file.lines, document.node.line - 1
    end = start + 1
    while end < len(lines) and not _BOUNDARY.match(lines[end]):
        end += 1
    # A document may begin on the line that parts it from the one before it.
    first = _BOUNDARY.sub(lambda found: " " * len(found[0]), lines[start])
    return "\n".join([first, *lines[start + 1 : end]]).rstrip() + "\n"


def _hash(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _locate(document: Document, prefix: tuple[str, ...], locations: dict[tuple[str, ...], Location]) -> None:
    named = document.node.key(document.kind) or document.node
    locations[prefix] = Location(document.file.path, named.line, named.column)
    _locate_values(document.file, document.node, prefix, locations)


def _locate_values(
    file: RuleFile, node: Node, prefix: tuple[str, ...], locations: dict[tuple[str, ...], Location], shift: int = 0
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
    for clue in (clue for part in rule.parts for clue in part.clues.values()):
        yield from _names_in((*(clue.phrases or ()), *(clue.not_phrases or ())))
        if clue.states:
            yield from (name for name in (clue.states.one_from, clue.states.all_from) if name)
    for exception in rule.unless:
        yield from _names_in((*(exception.phrases or ()), *(exception.title_has or ())))
    yield from (by[1:] for by in rule.group.by if by.startswith("$"))


def _names_in(phrases: Collection[str]) -> Iterator[str]:
    for text in phrases:
        if "$" in text:
            yield from parse_phrase(text).list_names

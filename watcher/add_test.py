"""A test added to a rule in its own file, every other character of the file left as it is."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from watcher.errors import Location, RuleError, WatcherError
from watcher.model import Article
from watcher.rules.load import load_rules
from watcher.rules.schema import Expect, Rule, RuleSet
from watcher.rules.yaml_nodes import Node, NodeKind, parse_yaml, split_lines

_INDENT = 2
# What a plain block of text can hold; tabs, special line breaks and the like need quotes and escapes.
_SPECIAL = re.compile("[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]|[\ud800-\udfff]")  # no text of a rule file may have these


@dataclass(frozen=True, slots=True)
class NewTest:
    """What is to be written."""

    name: str
    title: str
    text: str
    language: str | None  # None: the rule's first
    published_at: datetime | None
    expect: Expect
    missing: tuple[str, ...] = ()


def as_test(article: Article, rule: Rule, expect: Expect, missing: Sequence[str]) -> NewTest:
    """The test that an article makes for a rule; ``missing`` only counts where no alert is expected."""
    title, text = (_CONTROL.sub(" ", value).strip() for value in (article.title, article.text))
    languages = rule.languages or ()
    day = f" of {article.published_at:%Y-%m-%d}" if article.published_at else ""
    return NewTest(
        name=f"article {' '.join(_CONTROL.sub(' ', article.id).split())}{day}",
        title=" ".join(title.split()),
        text=text,
        language=None if languages[:1] == (article.language,) or article.language == "und" else article.language,
        published_at=article.published_at,
        expect=expect,
        missing=tuple(missing) if expect is Expect.NO_ALERT else (),
    )


def add_test(paths: Sequence[Path], rule_set: RuleSet, rule_id: str, test: NewTest) -> Location:
    """Where the test now stands; ``rule_set`` is what was loaded from ``paths``.

    Raises `WatcherError`, the file left or put back as it was, where the rule has the test already, where the file has
    changed since it was loaded, or where it would not load with the test in it.
    """
    rule = next(rule for rule in rule_set.rules if rule.rule == rule_id)
    _refuse_known(rule, test)
    path = Path(rule_set.location(rule_id).path)
    body = path.read_bytes()
    text = body.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    if text != rule_set.source_texts[str(path)]:
        raise WatcherError(f"{path} has changed since it was loaded: try again")
    new_text = _inserted(text, str(path), rule_id, test)
    prefix = body[: len(body) - len(body.removeprefix(b"\xef\xbb\xbf"))]
    _write(path, prefix + new_text.encode("utf-8"))
    try:
        return _verified(paths, rule_set, rule_id, test)
    except BaseException:
        _write(path, body)
        raise


def _refuse_known(rule: Rule, test: NewTest) -> None:
    for known in rule.tests:
        same = (known.title or "") == test.title and (known.text or "").split() == test.text.split()
        if known.name == test.name or same:
            raise WatcherError(f"{rule.rule} has that test already: {known.name or test.name}")


def _verified(paths: Sequence[Path], before: RuleSet, rule_id: str, test: NewTest) -> Location:
    """Where the test stands in the files as they are now; raises unless they say what they said, and the test."""
    try:
        after = load_rules(paths)
    except RuleError as error:
        raise WatcherError(f"the test was not written, the file would be wrong with it: {error}") from error
    tests = {rule.rule: rule.tests for rule in after.rules}
    expected = {rule.rule: rule.tests for rule in before.rules}
    added = tests[rule_id][-1:]
    is_there = tests == expected | {rule_id: (*expected[rule_id], *added)} and [one.name for one in added] == [
        test.name
    ]
    if after.version != before.version or not is_there:
        raise WatcherError("the test was not written: its place in the file could not be found for certain")
    return after.location(rule_id, "tests", str(len(tests[rule_id]) - 1))


def _inserted(text: str, path: str, rule_id: str, test: NewTest) -> str:
    """The file with the test after the rule's last one."""
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.split(newline)
    if len(lines) != len(split_lines(text)):
        raise WatcherError(f"{path} mixes different line ends: save it with one kind")
    documents = parse_yaml(text, path).documents
    document = next(one for one in documents if (name := one.get("rule")) and (name.value or "").strip() == rule_id)
    tests = document.get("tests")
    block = _block(test, _INDENT)
    if tests is None:
        after, added = _last_content_line(lines, _last_scalar(document)), ["tests:", *block]
    elif tests.kind is not NodeKind.LIST or tests.is_flow:
        raise WatcherError(
            f"{Location(path, tests.line, tests.column)}: these tests are written in brackets: "
            "write them one below the other, each with a -"
        )
    else:
        after = _last_content_line(lines, _last_scalar(tests.items[-1]))
        added = _block(test, _dash_column(lines, tests.items[-1]))
    return newline.join([*lines[:after], *added, *lines[after:]]) + ("" if after < len(lines) else newline)


def _last_scalar(node: Node) -> Node:
    """The scalar that ends a node."""
    while node.kind is not NodeKind.SCALAR:
        inner = [value for _, value in node.pairs] if node.kind is NodeKind.MAP else node.items
        if not inner:
            return node
        node = inner[-1]
    return node


def _last_content_line(lines: Sequence[str], last: Node) -> int:
    """The number, from 1, of the last line that a value stands on, with the brackets that close after it."""
    if last.style in ("|", ">"):
        # The mark of a block is where the next thing begins; blank lines and comments before it are not its own.
        indent = len(lines[last.line - 1]) - len(lines[last.line - 1].lstrip())
        number = last.line
        for index in range(last.line, len(lines)):
            line = lines[index]
            if line.strip() and len(line) - len(line.lstrip()) <= indent:
                break
            number = index + 1 if line.strip() else number
        return number
    number = max(last.end_line, last.line)
    while number < len(lines) and re.match(r"\s*[\]}]", lines[number]):
        number += 1
    return number


def _dash_column(lines: Sequence[str], item: Node) -> int:
    """How far the dash of an item is indented."""
    before = lines[item.line - 1][: item.column - 1].rstrip()
    if before.endswith("-") and not before[:-1].strip():
        return len(before) - 1
    raise WatcherError("the test was not written: the last test of the rule does not begin beside its -")


def _block(test: NewTest, indent: int) -> list[str]:
    values: Mapping[str, str | None] = {
        "name": test.name,
        "title": test.title or None,
        "text": test.text or None,
        "published": test.published_at.isoformat().replace("+00:00", "Z") if test.published_at else None,
        "language": test.language,
    }
    inner = " " * (indent + _INDENT)
    lines = [line for key, value in values.items() if value is not None for line in _pair(key, value, inner)]
    lines.append(f"{inner}expect: {test.expect}")
    if test.missing:
        lines.append(f"{inner}missing: [{', '.join(test.missing)}]")
    lines[0] = f"{' ' * indent}- {lines[0].strip()}"
    return lines


def _pair(key: str, value: str, indent: str) -> list[str]:
    is_plain = not _SPECIAL.search(value) and not value.startswith(" ")
    if key == "text" and is_plain:
        return [f"{indent}text: |-", *(f"{indent}{' ' * _INDENT}{line}".rstrip() for line in value.split("\n"))]
    if key in ("published", "language"):
        return [f"{indent}{key}: {value}"]
    quoted = _SPECIAL.sub(lambda found: f"\\U{ord(found[0]):08X}", json.dumps(value, ensure_ascii=False))
    return [f"{indent}{key}: {quoted}"]


def _write(path: Path, body: bytes) -> None:
    """Nothing; the file has the old content or the new one, whenever the process ends."""
    target = path.resolve()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
        Path(name).chmod(target.stat().st_mode & 0o777)
        Path(name).replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise

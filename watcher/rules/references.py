"""Names across documents: clues, lists, rules, states and languages, and the phrases that hold them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from babel import Locale
from babel.core import get_global

from watcher.rules.documents import Document, Loading, RuleFile, items_of, pairs_of
from watcher.rules.phrases import ListRef, PhraseError, parse_phrase
from watcher.rules.regex import RegexError, compile_regex
from watcher.rules.schema import SECTIONS
from watcher.rules.validate import language_hint
from watcher.rules.values import describe, nearest, nearest_spelling, not_among
from watcher.rules.yaml_nodes import Node
from watcher.text.fold import fold_term
from watcher.understand.gazetteer import Gazetteer, leader_problem
from watcher.understand.words import mistake_in

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

_ORGANISATION = "an organisation"
_NO_NAME = frozenset(",|\n")


def check_references(loading: Loading) -> None:
    """Adds a problem for every name that nothing bears, and for every phrase that cannot be read."""
    lists: dict[str, Document] = {}
    rules: dict[str, Document] = {}
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
    loading: Loading
    lists: dict[str, Document]
    rules: dict[str, Document]
    # list name to the lists it takes in, each with the place that says so
    takes_in: dict[str, list[tuple[str, RuleFile, Node, int]]] = field(default_factory=dict)

    def check(self, document: Document) -> None:
        if document.kind == "rule":
            self._check_rule(document)
        elif document.kind == "list":
            self._check_items(document, document)
        elif document.kind == "states":
            self._check_state_names(document)
        elif document.kind == "cues":
            self._check_cues(document)
        else:
            self._check_append(document)

    def _check_state_names(self, document: Document) -> None:
        """Codes of states, names that are another's already, leaders without their years."""
        for section in SECTIONS:
            rows = pairs_of(document.node.get(section))
            for code, names in rows if section != "no_states" else ():
                self._check_state(document, code, section)
                for name in names.scalars():
                    written = (name.value or "").strip()
                    problem = leader_problem(written) if section == "leaders" else _taken(written, code.value or "")
                    if problem is not None:
                        self.loading.wrong(document.file, name, f"{section}.{code.value}: {problem}", "state-name")
        for language in _scalars(document.node.get("languages")):
            self._check_language(document, language)

    def _check_cues(self, document: Document) -> None:
        """Phrases as the cue files write them, and codes of languages."""
        for word in _scalars(document.node.get("words")):
            problem = mistake_in((word.value or "").strip())
            if problem is not None:
                self.loading.wrong(document.file, word, f"words: {problem}", "cue")
        for language in _scalars(document.node.get("languages")):
            self._check_language(document, language)

    def _check_append(self, document: Document) -> None:
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

    def _check_items(self, document: Document, target: Document) -> None:
        """The items of a list; ``target`` says of which kind they are."""
        kind = target.node.get("kind")
        items = document.node.get("items")
        for item in items.scalars() if items else ():
            if kind is not None and kind.value == "states":
                self._check_state(document, item, "items", list_name=target.name)
            elif kind is not None and kind.value == "phrases":
                for ref in self._check_phrase(document, item, "items"):
                    self._takes_in(target.name, ref.name, document.file, item, _column_in(document.file, item, ref))

    def _takes_in(self, name: str, other: str, file: RuleFile, node: Node, offset: int) -> None:
        self.takes_in.setdefault(name, []).append((other, file, node, offset))

    def _check_rule(self, document: Document) -> None:
        node = document.node
        self._check_part(document, node, "")
        steps = pairs_of(node.get("steps"))
        for name, step in steps:
            self._check_part(document, step, f"steps.{name.value}.")
        if steps:
            self._check_names(
                document,
                node.at("in_order", "steps"),
                "in_order.steps",
                "step",
                [name.value or "" for name, _ in steps],
            )
        self._check_unless(document, document)
        for by in node.at("group", "by").scalars() if node.at("group", "by") else ():  # type: ignore[union-attr]
            for word in (by.value or "").split(","):
                if word.strip().startswith("$"):
                    self._check_list(document, by, "group.by", kind=None, name=word.strip()[1:])
        for test in items_of(node.get("tests")):
            if steps:
                names = [name.value or "" for name, _ in steps]
                self._check_names(document, test.get("missing"), "tests.missing", "step", names)
            else:
                self._check_clues(document, test.get("missing"), "tests.missing", _clues_of(document))
            self._check_copies(document, items_of(test.get("stream")))
            states = test.at("extracts", "states")
            for state in states.scalars() if states else ():
                for code in (state.value or "").split(","):
                    self._check_state(document, state, "tests.extracts.states", code=code.strip())
        for languages in (node.get("languages"), *(test.get("language") for test in items_of(node.get("tests")))):
            for language in languages.scalars() if languages else ():
                self._check_language(document, language)

    def _check_part(self, document: Document, node: Node, before: str) -> None:
        """The clues of a rule, or of a step, and what speaks of them; ``before`` begins the keys in messages."""
        look_for = pairs_of(node.get("look_for"))
        for name, clue in look_for:
            key = f"{before}look_for.{name.value}"
            for phrases in ("phrases", "not_phrases"):
                self._check_phrases(document, clue.get(phrases), f"{key}.{phrases}")
            self._check_regex(document, clue.get("regex"), f"{key}.regex")
            for which in ("one_from", "all_from"):
                named = clue.at("states", which)
                if named is not None:
                    self._check_list(document, named, f"{key}.states.{which}", kind="states")
        known = [name.value or "" for name, _ in look_for]
        for key in ("all_of", "any_of", "none_of"):
            self._check_clues(document, node.at("alert_when", key), f"{before}alert_when.{key}", known)
        self._check_clues(document, node.at("alert_when", "at_least", "of"), f"{before}alert_when.at_least.of", known)
        for together in items_of(node.get("close_together")):
            self._check_clues(document, together.get("clues"), f"{before}close_together.clues", known)

    def _check_regex(self, document: Document, node: Node | None, key: str) -> None:
        if node is None or not (node.value or "").strip():
            return
        try:
            compile_regex((node.value or "").strip())
        except RegexError as error:
            offset = _column(document.file, node, error.offset)
            self.loading.wrong(document.file, node, f"{key}: {error.message}", "regex-syntax", offset=offset)

    def _check_copies(self, document: Document, stream: Sequence[Node]) -> None:
        """Each `copy_of` names an article before it that has a text of its own."""
        for position, item in enumerate(stream):
            node = item.get("copy_of")
            number = node.value.strip() if node and node.value else ""
            if node is None or not number.isdecimal() or number == "0":
                continue
            if int(number) > position:
                message = f"expected the number of an earlier article, counted from 1, found {number}"
            elif stream[int(number) - 1].get("copy_of") is not None:
                message = f"article {number} is a copy itself: name the one that it repeats"
            else:
                continue
            self.loading.wrong(document.file, node, f"tests.stream.copy_of: {message}")

    def _check_unless(self, document: Document, target: Document) -> None:
        """The exceptions of ``document``, which talk about the clues of ``target``."""
        for exception in items_of(document.node.get("unless")):
            self._check_phrases(document, exception.get("phrases"), "unless.phrases")
            self._check_phrases(document, exception.get("title_has"), "unless.title_has")
            self._check_clues(document, exception.get("of"), "unless.of", _clues_of(target))

    def _check_clues(self, document: Document, names: Node | None, key: str, known: Sequence[str]) -> None:
        if known:  # without clues the schema has said so
            self._check_names(document, names, key, "clue", known)

    def _check_names(self, document: Document, names: Node | None, key: str, what: str, known: Sequence[str]) -> None:
        for node in names.scalars() if names else ():
            for name in (word.strip() for word in (node.value or "").split(",")):
                if name not in known and nearest_spelling(name) == name:
                    message = f"{key}: {not_among(f'{what} of this rule', name, known)}"
                    self.loading.wrong(document.file, node, message, f"unknown-{what}")

    def _check_phrases(self, document: Document, phrases: Node | None, key: str) -> None:
        for node in phrases.scalars() if phrases else ():
            self._check_phrase(document, node, key)

    def _check_phrase(self, document: Document, node: Node, key: str) -> list[ListRef]:
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
        self, document: Document, node: Node, key: str, *, kind: str | None, name: str | None = None, offset: int = 0
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
        self, document: Document, node: Node, key: str, *, code: str | None = None, list_name: str | None = None
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

    def _check_language(self, document: Document, node: Node) -> None:
        for code in (word.strip() for word in (node.value or "").split(",")):
            if re.fullmatch(r"[a-z]{2}", code) and code not in _languages():
                hint = language_hint(code) or f"{code} is no code of a language: expected one like en or ru"
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


def _clues_of(document: Document) -> list[str]:
    """The names of all clues of a rule, those of its steps too."""
    parts = (document.node, *(step for _, step in pairs_of(document.node.get("steps"))))
    return [name.value or "" for part in parts for name, _ in pairs_of(part.get("look_for"))]


def _kind_of(document: Document) -> str:
    kind = document.node.get("kind")
    return kind.value or "" if kind and kind.value in ("phrases", "states") else ""


def _column_in(file: RuleFile, node: Node, part: ListRef) -> int:
    return _column(file, node, part.offset)


def _column(file: RuleFile, node: Node, offset: int) -> int:
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


def _scalars(node: Node | None) -> Sequence[Node]:
    return list(node.scalars()) if node else ()


def _taken(written: str, code: str) -> str | None:
    """What is wrong with a new name of a state; None: nothing."""
    name = written.rstrip("?=").strip()
    if not any(character.isalpha() for character in name) or not _NO_NAME.isdisjoint(name):
        return f"expected a name, one for each item and without |, found {describe(written)}"
    meanings = Gazetteer.load().meanings.get(fold_term(name), ())
    others = sorted({meaning.code for meaning in meanings if meaning.code and not meaning.is_surname} - {code})
    if not others or code in {meaning.code for meaning in meanings}:
        return None
    names = _state_names()
    other = f"{others[0]} ({names[others[0]]})" if others[0] in names else others[0]
    return f"{describe(name)} is a name of {other} already, and names are added, never taken away"


@cache
def _languages() -> Collection[str]:
    return frozenset(Locale("en").languages)


@cache
def _state_names() -> Mapping[str, str]:
    gazetteer = Gazetteer.load()
    return {**gazetteer.names(), **dict.fromkeys(sorted(gazetteer.organisations), _ORGANISATION)}


@cache
def _state_meant(text: str) -> str | None:
    """The code that somebody who wrote this meant: another code, a name, a misspelt name."""
    names = _state_names()
    upper = text.upper()
    if upper in names:
        return upper
    successors = get_global("territory_aliases").get(upper, ())
    candidates = [_STATE_ALIASES.get(upper), *(successors if len(successors) == 1 else ())]
    by_name = {(code if name == _ORGANISATION else name).casefold(): code for code, name in names.items()}
    by_name |= {name.casefold(): code for code, name in Locale("en").territories.items() if code in names}
    by_name |= {alias.casefold(): code for alias, code in _STATE_ALIASES.items() if len(alias) > 3}
    candidates.append(by_name.get(text.casefold()))
    if len(text) > 3:
        candidates.append(by_name.get(nearest(text, by_name) or ""))
    return next((code for code in candidates if code in names), None)

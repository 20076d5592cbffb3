"""The names of states in the data files, compiled into one automaton over folded text."""

from __future__ import annotations

import functools
import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import resources
from typing import Any, Literal

import ahocorasick_rs
import yaml

from watcher.text.fold import fold, fold_term

Kind = Literal["name", "demonym", "capital", "government", "leader", "forces", "territory", "organisation"]

_DATA = resources.files("watcher.understand") / "data" / "states"
_THEMES = ("leaders", "territories", "traps", "compounds", "cues", "organisations")
_KINDS: dict[str, Kind] = {
    "names": "name",
    "demonyms": "demonym",
    "capitals": "capital",
    "government": "government",
    "forces": "forces",
}
_LEADER = re.compile(r"\s*(?P<spellings>.+?)\s+(?P<since>\d{4})-(?P<until>\d{4})?\s*$")
_SPELLING = re.compile(r"(?P<name>[^(!]+?)\s*(?:\((?P<surname>[^)]+)\))?(?P<sure>!)?$")
_OPEN_END = 9999
# A full table of transitions is searched three times as fast. Names in Latin letters take 7 MB so, Russian ones 30.
_MAX_TABLE_BYTES = 60_000
# "To" and the article melt into one: للعراق.
_ARABIC_ARTICLE, _ARABIC_TO_THE = "ال", "لل"
_BETWEEN_TERMS = "|"  # in no name, and folded to itself


@dataclass(frozen=True, slots=True)
class Name:
    """One meaning of a term."""

    code: str  # of the state; empty for a territory and for a name that holds no state
    kind: Kind | None  # None: a longer name that holds no state
    written: str  # as in the data: where it has a capital letter, so must the text
    languages: frozenset[str]  # empty: every language
    is_ambiguous: bool = False
    is_surname: bool = False  # of a leader, without the rest of the name
    is_combining: bool = False  # only before a hyphen: "Russo-"
    is_unmistakable: bool = False  # of a surname: needs neither the full name nor a title
    years: tuple[int, int] = (0, _OPEN_END)  # of a leader's office
    until: date | None = None  # a former state's last day
    reason: str = ""  # of a longer name that holds no state: "newspaper"


@dataclass(frozen=True, slots=True)
class Compounds:
    """How a language makes a description of a name, as compiled patterns; None: it has no such form."""

    after_hyphen: re.Pattern[str] | None
    after_space: re.Pattern[str] | None
    before_hyphen: re.Pattern[str] | None
    before_space: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Patterns:
    """The contexts of English that take a party away or make an ambiguous name one, compiled from traps and cues."""

    press: re.Pattern[str]
    institutions: re.Pattern[str]
    institutions_before: re.Pattern[str]
    namesake_places: re.Pattern[str]
    rivers: frozenset[str]  # states that share their name with a river
    treaties: re.Pattern[str]
    sports: re.Pattern[str]
    things: re.Pattern[str]
    ethnic: re.Pattern[str]
    relations: re.Pattern[str]
    titles: re.Pattern[str]
    title_ends: tuple[frozenset[str], tuple[str, ...]]  # the last words of titles, and their beginnings
    former: re.Pattern[str]  # before a leader: no longer in office
    offices: re.Pattern[str]
    cities: Mapping[str, re.Pattern[str]]
    other_reading: Mapping[str, re.Pattern[str]]
    office_in_sentence: frozenset[str]
    given_names: frozenset[str]
    first_names: frozenset[str]  # names of states that are first names too
    surnames: frozenset[str]  # names of states and capitals that are surnames too
    arabic_killings: frozenset[str]  # folded; a demonym with the article alone behind one is a surname
    arabic_given_names: frozenset[str]  # folded; a demonym with the article behind one is a surname
    before_surname: frozenset[str]  # capitalised words before a bare surname that are no given name
    initials: Mapping[str, frozenset[str]]  # of the given names of the leaders with a surname
    rivals: Mapping[str, tuple[str, str]]

    def may_end_title(self, word: str) -> bool:
        """Whether a title of office can end with this word."""
        words, beginnings = self.title_ends
        folded = word.casefold()
        return folded in words or folded.startswith(beginnings)


@dataclass(frozen=True, slots=True)
class AddedNames:
    """Names of an operator's own, in the form of the shipped files."""

    languages: frozenset[str]  # empty: every language
    sections: Mapping[str, Mapping[str, Sequence[str]]]  # "names", "leaders"... to names by code


@dataclass(frozen=True, slots=True)
class NameTable:
    """The names that texts of some languages can hold."""

    automaton: ahocorasick_rs.AhoCorasick  # over folded text; pattern i means meanings[i]
    meanings: tuple[tuple[Name, ...], ...]


@dataclass(frozen=True, eq=False)
class Gazetteer:
    """Every name of a state that we know, ready to look for; built once by `load`, safe to share between threads."""

    version: str  # hash of the data files
    meanings: Mapping[str, tuple[Name, ...]]  # by folded term, of all languages
    languages: frozenset[str]  # with a file of their own; any other language is read with all of them
    name_endings: Mapping[str, re.Pattern[str]]  # what a name may carry up to the end of the word, by language
    compounds: Mapping[str, Compounds]
    patterns: Patterns
    organisations: frozenset[str]  # codes that a list of kind states may hold beside those of states
    _short_names: Mapping[str, str]
    _endings: Mapping[str, Mapping[str, Any]] = field(repr=False)  # by language: how its names are inflected
    _tables: dict[frozenset[str], NameTable] = field(default_factory=dict, repr=False)

    @classmethod
    @functools.cache  # the files come with the program; checking, compiling and naming states want the same one
    def load(cls) -> Gazetteer:
        """The gazetteer of the shipped data files; the same object on every call."""
        digest = hashlib.sha256()
        themes: dict[str, Any] = {}
        languages: dict[str, Any] = {}
        files = (entry for entry in _DATA.iterdir() if entry.name.endswith(".yaml"))
        for path in sorted(files, key=lambda entry: entry.name):
            body = path.read_bytes()
            digest.update(path.name.encode() + b"\0" + body)
            stem = path.name.removesuffix(".yaml")
            # The base loader gives nothing but text, so `NO` stays Norway; the C one takes a tenth of the time.
            data = yaml.load(body, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506
            (themes if stem in _THEMES else languages)[stem] = data
        terms: dict[str, list[Name]] = {}
        for term, name in _folded(_all_names(themes, languages)):
            known = terms.setdefault(term, [])
            if name not in known:
                known.append(name)
        return cls(
            version=digest.hexdigest()[:16],
            meanings={term: tuple(names) for term, names in terms.items()},
            languages=frozenset(languages),
            name_endings={code: _endings(data) for code, data in languages.items() if "name_endings" in data},
            compounds={language: _compounds(table) for language, table in themes["compounds"].items()},
            patterns=_patterns(themes, languages),
            organisations=frozenset(themes["organisations"]),
            _endings={
                language: {key: data[key] for key in ("endings", "demonym_endings") if key in data}
                for language, data in languages.items()
            },
            _short_names={code: _items(row)[0].rstrip("?") for code, row in languages["en"]["names"].items()},
        )

    def extended(self, additions: Sequence[AddedNames]) -> Gazetteer:
        """This gazetteer with more names; itself where there are none. What is there already stays as it is."""
        if not additions:
            return self
        digest = hashlib.sha256(self.version.encode())
        terms = {term: list(names) for term, names in self.meanings.items()}
        leaders: list[Mapping[str, str]] = []
        for addition in additions:
            digest.update(repr((sorted(addition.languages), addition.sections)).encode())
            rows = {
                "traps" if key == "no_states" else key: {code: ", ".join(row) for code, row in by_code.items()}
                for key, by_code in addition.sections.items()
            }
            leaders.append(rows.get("leaders", {}))
            for language in sorted(addition.languages or self.languages):
                for term, name in _folded(_language_names(language, {**self._endings.get(language, {}), **rows})):
                    known = terms.setdefault(term, [])
                    if name not in known:
                        known.append(name)
        initials = {**_initials(leaders), **self.patterns.initials}
        return replace(
            self,
            version=digest.hexdigest()[:16],
            meanings={term: tuple(names) for term, names in terms.items()},
            languages=self.languages.union(*(addition.languages for addition in additions)),
            patterns=replace(self.patterns, initials=initials),
            _tables={},
        )

    def table(self, languages: frozenset[str]) -> NameTable:
        """The names in texts of these languages; built when first asked for."""
        known = self._tables.get(languages)
        if known is None:
            of_languages = {
                term: tuple(name for name in names if not name.languages or name.languages & languages)
                for term, names in self.meanings.items()
            }
            wanted = {term: names for term, names in of_languages.items() if names}
            size_bytes = sum(len(term.encode()) for term in wanted)
            kind = ahocorasick_rs.Implementation.DFA if size_bytes <= _MAX_TABLE_BYTES else None
            automaton = ahocorasick_rs.AhoCorasick(list(wanted), store_patterns=False, implementation=kind)
            known = self._tables[languages] = NameTable(automaton, tuple(wanted.values()))
        return known

    @functools.cached_property
    def full_names(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """The folded full names of leaders by their state and the surname as written."""
        found: dict[tuple[str, str], set[str]] = {}
        surnames: dict[str, set[str]] = {}
        leaders = [(term, name) for term, names in self.meanings.items() for name in names if name.kind == "leader"]
        for _, name in leaders:
            if name.is_surname:
                surnames.setdefault(name.code, set()).add(name.written)
        for term, name in leaders:
            if not name.is_surname:
                for surname in surnames.get(name.code, ()):
                    if surname in name.written:
                        found.setdefault((name.code, surname), set()).add(term)
        return {key: tuple(sorted(terms)) for key, terms in found.items()}

    def names(self) -> Mapping[str, str]:
        """The English short name of each party by its ISO 3166-1 alpha-2 code (XK: Kosovo)."""
        return self._short_names


def _all_names(themes: Mapping[str, Any], languages: Mapping[str, Any]) -> Iterator[tuple[str, Name]]:
    """Written form and meaning, in a fixed order."""
    for language, data in languages.items():
        yield from _language_names(language, data)
    paradigms = {language: data["endings"] for language, data in languages.items() if "endings" in data}
    for language, row in themes["territories"]["territories"].items():
        for term in _items(row):
            yield from _forms(Name("", "territory", term, frozenset({language})), paradigms.get(language))
    for code, table in themes["territories"]["former_states"].items():
        until = date.fromisoformat(table["until"])
        for language in table.keys() - {"until"}:
            for term in table[language]:
                name = Name(code, "name", term, frozenset({language}), until=until)
                yield from _forms(name, paradigms.get(language))
    for code, table in themes["organisations"].items():
        for language, row in table.items():
            for term in row:
                name = Name(code, "organisation", term, frozenset({language}))
                yield from _forms(name, paradigms.get(language))
    for reason, row in themes["traps"]["names"].items():
        for term in _items(row):
            yield term, Name("", None, term, frozenset(), reason=reason)
    for code, row in themes["leaders"]["leaders"].items():
        yield from _terms(_leaders(code, row, frozenset()), None)


def _language_names(language: str, data: Mapping[str, Any]) -> Iterator[tuple[str, Name]]:
    only = frozenset({language})
    endings = data.get("endings")
    for section, kind in _KINDS.items():
        inflected = data.get("demonym_endings", endings) if section == "demonyms" else endings
        for code, row in data.get(section, {}).items():
            for item in _items(row):
                name = Name(code, kind, item.rstrip("?="), only, is_ambiguous=item.endswith("?"))
                yield from _forms(name, None if item.endswith("=") else inflected)
    for code, row in data.get("combining", {}).items():
        for item in _items(row):
            yield item, Name(code, "demonym", item, only, is_combining=True)
    for code, row in data.get("leaders", {}).items():
        yield from _terms(_leaders(code, row, only), endings)
    for reason, row in data.get("traps", {}).items():
        for item in _items(row):
            yield from _forms(Name("", None, item, only, reason=reason), endings)


def leader_problem(written: str) -> str | None:
    """What is wrong with a leader as written in the data; None: nothing."""
    try:
        names = list(_leaders("", written, frozenset()))
    except ValueError as error:
        return str(error)
    return None if names else "expected a name, found none"


def _terms(names: Iterable[Name], endings: Mapping[str, str] | None) -> Iterator[tuple[str, Name]]:
    for name in names:
        yield from _forms(name, endings)


def _leaders(code: str, row: str, languages: frozenset[str]) -> Iterator[Name]:
    """The full name of each leader, in each spelling, and the surname."""
    for item in _items(row):
        leader = _LEADER.match(item)
        if leader is None:
            raise ValueError(f"{item!r} has no years: write them like Nikol Pashinyan! 2018-")
        years = int(leader["since"]), int(leader["until"] or _OPEN_END)
        for written in leader["spellings"].split("/"):
            spelling = _SPELLING.match(written.strip())
            if spelling is None:
                raise ValueError(f"{written.strip()!r} is no name")
            full = spelling["name"]
            surname = spelling["surname"] or full.rsplit(" ", 1)[-1]
            yield Name(code, "leader", full, languages, years=years)
            if surname != full:
                is_sure = spelling["sure"] is not None
                yield Name(code, "leader", surname, languages, is_surname=True, is_unmistakable=is_sure, years=years)


def _initials(rows: Iterable[Mapping[str, str]]) -> dict[str, frozenset[str]]:
    initials: dict[str, set[str]] = {}
    full = ""
    for code, row in (pair for leaders in rows for pair in leaders.items()):
        for name in _leaders(code, row, frozenset()):
            if name.is_surname:
                initials.setdefault(name.written, set()).add(full[0])
            else:
                full = name.written
    return {surname: frozenset(letters) for surname, letters in initials.items()}


def _folded(names: Iterable[tuple[str, Name]]) -> Iterator[tuple[str, Name]]:
    """Names by their folded terms, each term once for a name."""
    written = list(names)
    # One text is folded in a tenth of the time that its words take one by one.
    terms = fold(_BETWEEN_TERMS.join(form for form, _ in written)).text.split(_BETWEEN_TERMS)
    for term, (_, name) in zip((term.strip(" ") for term in terms), written, strict=True):
        yield term, name
        if term.startswith(_ARABIC_ARTICLE):
            yield _ARABIC_TO_THE + term.removeprefix(_ARABIC_ARTICLE), name


def _forms(name: Name, endings: Mapping[str, str] | None) -> Iterator[tuple[str, Name]]:
    """A name under each of its inflected forms, sorted; under its own where there are no endings."""
    for form in sorted(_written_forms(name.written, endings)):
        yield form, name


def _written_forms(written: str, endings: Mapping[str, str] | None) -> set[str]:
    if not endings:
        return {written}
    words = [_word_forms(word, endings) for word in written.split(" ")]
    if len(words) == 1:
        return {form for column in words[0] for form in column}
    # Words of one name stand in the same case, so paradigms of one length go side by side.
    size = max(len(column) for forms in words for column in forms)
    usable = [[column for column in forms if len(column) in (1, size)] or forms[:1] for forms in words]
    return {
        " ".join(column[case % len(column)] for column in columns)
        for columns in itertools.product(*usable)
        for case in range(size)
    }


def _word_forms(word: str, endings: Mapping[str, str]) -> list[list[str]]:
    """The paradigms of a word: each a row of forms, by the longest ending in the table; the word alone if none fits."""
    for size in range(min(len(word) - 1, 4), -1, -1):
        ending = word[len(word) - size :]
        key = ending or ("consonant" if word[-1:].isalpha() and word[-1] not in _VOWELS and not word.isupper() else "")
        if key in endings:
            stem = word[: len(word) - size]
            return [[stem + form.strip("_") for form in row.split()] for row in endings[key].split("|")]
    return [[word]]


_VOWELS = frozenset("аеёиіїйоуыэюяьєАЕЁИІОУЫЭЮЯ'’")


def _items(row: str) -> list[str]:
    return [item.strip().strip('"') for item in row.split(",") if item.strip()]


def _alternatives(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))


def _endings(data: Mapping[str, Any]) -> re.Pattern[str]:
    rows = (_alternatives(fold_term(ending) for ending in row.split()) for row in data["name_endings"])
    return re.compile("".join(f"(?:{row})?" for row in rows) + r"(?!\w)")


def _stems(words: Iterable[str]) -> str:
    """As `_alternatives`; a ``*`` at the end of a word is any ending."""
    return _alternatives(words).replace(r"\*", r"\w*")


def _compounds(table: Mapping[str, list[str]]) -> Compounds:
    hyphen = "[-\u2010\u2011\u2013\u2212]"
    after = _alternatives(table.get("after_hyphen", ()))
    # "US/UN-brokered", "Turkish-Russian-brokered", "US- and Russian-brokered".
    joined = rf"(?:[-/\u2013][A-Z][\w.]*){{0,2}}|{hyphen},? (?:(?:and|or) )?[\w.]+ ?"
    before = _alternatives(table.get("before_hyphen", ()))
    behind = _stems(fold_term(phrase) for phrase in table.get("after_space", ()))
    ahead = _stems(fold_term(phrase) for phrase in table.get("before_space", ()))
    article = r"(?! (?:a|an|the|by|to|his|her|its|their|with|for|in|on|at|as|up|out|off|over|from|and)\b)"
    return Compounds(
        after_hyphen=re.compile(rf"(?:{joined}){hyphen}(?P<word>(?:{after}|[a-z]{{3,}}ed)\b)") if after else None,
        after_space=re.compile(rf" (?P<word>{behind})\b{article}") if behind else None,
        before_hyphen=re.compile(rf"(?:^|[^\w])(?P<word>{before}){hyphen}\s?$", re.IGNORECASE) if before else None,
        before_space=re.compile(rf"(?:^|[^\w])(?P<word>{ahead}) ?(?:ال)?$") if ahead else None,
    )


def _patterns(themes: Mapping[str, Any], languages: Mapping[str, Any]) -> Patterns:
    traps, cues, leaders = themes["traps"], themes["cues"], themes["leaders"]
    rows = (leaders, *languages.values())
    written_titles = [item for data in rows for item in _items(data.get("titles", ""))]
    titles = _stems(written_titles)
    title_ends = [title.split()[-1].casefold() for title in written_titles]
    former = _stems(item for data in rows for item in _items(data.get("former", "")))

    def behind(key: str, *, flags: int = 0) -> re.Pattern[str]:
        return re.compile(rf" (?P<word>(?:{_alternatives(_items(traps[key]))}))\b", flags)

    def anywhere(row: str, *, flags: int = 0) -> re.Pattern[str]:
        return re.compile(rf"\b(?P<word>(?:{_alternatives(_items(row))}))(?!\w)", flags)

    return Patterns(
        press=behind("press"),
        institutions=behind("institutions"),
        institutions_before=re.compile(
            rf"\b(?P<word>{_alternatives(_items(traps['institutions_before']))})(?: the)? $"
        ),
        namesake_places=re.compile(rf",? (?P<word>{_alternatives(_items(traps['namesake_places']))})(?!\w)"),
        rivers=frozenset(_items(traps["rivers"])),
        treaties=re.compile(
            rf" (?:(?:peace|climate|nuclear|ceasefire) )?(?P<word>{_alternatives(_items(traps['treaties']))})\b",
            re.IGNORECASE,
        ),
        sports=re.compile(rf"(?:['’]s?)? (?P<word>{_alternatives(_items(traps['sports']))})\b"),
        things=re.compile(rf"[- ](?P<word>{_alternatives(_items(traps['things']))})\b(?! government)"),
        ethnic=re.compile(rf"\b(?P<word>{_alternatives(_items(traps['ethnic']))}) $", re.IGNORECASE),
        relations=re.compile(rf"[- ]Americans? (?:\w+ )?(?:{_alternatives(_items(traps['relations']))})\b"),
        titles=re.compile(rf"(?:^|\W)(?:{titles}) $", re.IGNORECASE),
        title_ends=(
            frozenset(end for end in title_ends if not end.endswith("*")),
            tuple(end[:-1] for end in title_ends if end.endswith("*")),
        ),
        former=re.compile(rf"\b(?P<word>{former})(?:[ -][\w.'’]+){{0,4}}[ -]$", re.IGNORECASE),
        offices=anywhere(cues["offices"], flags=re.IGNORECASE),
        cities={code: anywhere(row) for code, row in cues["cities"].items()},
        other_reading={code: anywhere(row) for code, row in cues["other_reading"].items()},
        office_in_sentence=frozenset(cues["office_in_sentence"]),
        given_names=frozenset(_items(cues["given_names"])),
        first_names=frozenset(_items(cues["first_names"])),
        surnames=frozenset(_items(cues["surnames"])),
        arabic_killings=frozenset(fold_term(word) for word in _items(languages["ar"]["killings"])),
        arabic_given_names=frozenset(fold_term(name) for name in _items(languages["ar"]["given_names"])),
        before_surname=frozenset(_items(cues["before_surname"])),
        initials=_initials([leaders["leaders"], *(data.get("leaders", {}) for data in languages.values())]),
        rivals={
            written: (first, second)
            for (first, second), row in ((codes.split("/"), row) for codes, row in cues["rivals"].items())
            for written in _items(row)
        },
    )

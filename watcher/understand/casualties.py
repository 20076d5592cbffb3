"""Killed and injured people that a text reports: figures with lower bounds, whose they are, and their stance.

Words of killing and injury (``data/casualties``, one file a language) are tied to the number they go with by where the
language puts it: "killed 12", "12 were killed", "dozens of deaths", "the death toll rose to 105".
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any, Literal

from ahocorasick_rs import AhoCorasick

from watcher.model import Stance, Toll
from watcher.text.dates import DateMention
from watcher.text.fold import fold_term
from watcher.text.numbers import Figure, find_figures
from watcher.text.reading import Reading
from watcher.text.sentences import Sentence
from watcher.understand.stance import Judgement, dates_in, judge
from watcher.understand.states import Gazetteer, StateMention, find_states
from watcher.understand.words import Hit, PhraseTable, anchor_words, languages_of, read_data, words_of

Kind = Literal["killed", "injured"]

# How far a number may stand from its word: "12 people who had come to the market on Friday were killed".
_BEFORE_WORDS = 16
_TOTAL_WORDS = 14
_NOUN_WORDS = 5
_ARTICLE_WORDS = 5  # "a retired Israeli army officer"
_SIDE_WORDS = 7
_PART_ENDS = frozenset({",", ";", ":", "—", "(", ")"})
_ELLIPSIS_ENDS = frozenset({".", ",", ";", "—", "and", "while", "on", "of", "dead", ")", '"', "in"})
_QUOTES = frozenset({'"', "'"})
_YEARS = range(1800, 2101)
_NO_SETS = frozenset({"language", "triggers", "not", "totals", "running"})


@dataclass(frozen=True, slots=True)
class Casualty:
    """One mention of killed or injured people; half-open offsets in ``reading.full``, from number to word."""

    kind: Kind
    start: int
    end: int
    at_least: int
    at_most: int | None
    vague: bool
    stance: Stance
    cue: tuple[int, int] | None
    is_total: bool
    side: str | None  # state or name of the victims' side; only where a sentence has several figures of one kind
    sentence: int = 0  # index, which tells what stands together
    figure: tuple[int, int] | None = None  # offsets of the number; None: named without one
    is_running: bool = False  # of a whole war so far ("since the war began"), not of this event


class _Place(StrEnum):
    """Where the number of a trigger stands."""

    AFTER = "after"
    BEFORE = "before"
    EITHER = "either"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class _Trigger:
    kind: Kind
    place: _Place
    counts_alone: bool
    people: str  # "always": only with people named; "alone": so where there is no number; "": never
    only_denied: bool
    is_campaign: bool  # with a state as its place it counts what a whole war has cost
    letter: str  # must stand in the original: folding makes Turkish "öldü" (died) and "oldu" (became) one word


class _WordSet:
    """Folded words, and beginnings of words (written with a ``*``)."""

    __slots__ = ("_beginnings", "_words")

    def __init__(self, written: Iterable[str]) -> None:
        folded = [fold_term(word) or word for word in written]
        self._words = frozenset(word for word in folded if not word.endswith("*"))
        self._beginnings = tuple(word[:-1] for word in folded if word.endswith("*"))

    def __contains__(self, word: str) -> bool:
        return word in self._words or word.startswith(self._beginnings)


_NO_WORDS = _WordSet(())


@dataclass(frozen=True, slots=True)
class _Language:
    triggers: PhraseTable[_Trigger | None]  # None: a figure of speech
    anchors: tuple[str, ...]  # ``*`` for any ending
    automaton: AhoCorasick  # over the anchors; finds the sentences worth a look in the folded text
    sets: Mapping[str, _WordSet]
    totals: PhraseTable[None]
    running: PhraseTable[frozenset[str]]  # each with the numerals that stand in the phrase itself

    def __getitem__(self, name: str) -> _WordSet:
        return self.sets.get(name, _NO_WORDS)


def _data(language: str) -> dict[str, Any] | None:
    return read_data("casualties", "en" if language == "und" else language)


@lru_cache(maxsize=32)
def _language(code: str) -> _Language | None:
    data = _data(code)
    if data is None:
        return None
    entries: list[tuple[str, _Trigger | None]] = []
    for group in data["triggers"]:
        trigger = _Trigger(
            kind="killed" if group["kind"] == "killed" else "injured",
            place=_Place(group["figure"]),
            counts_alone=group.get("alone") == "true",
            people=group.get("people", ""),
            only_denied=group.get("denied") == "true",
            is_campaign=group.get("campaign") == "true",
            letter=group.get("letter", ""),
        )
        entries.extend((phrase, trigger) for phrase in group["words"])
    anchors = tuple(sorted(_anchors(data)))
    entries.extend((phrase, None) for phrase in data.get("not", ()))
    listed = {key: value for key, value in data.items() if key not in _NO_SETS}
    return _Language(
        triggers=PhraseTable(entries, gaps_cross_commas=False),
        anchors=anchors,
        automaton=AhoCorasick([word.removesuffix("*") for word in anchors]),
        sets={key: _WordSet(value) for key, value in listed.items()},
        totals=PhraseTable((phrase, None) for phrase in data.get("totals", ())),
        running=PhraseTable((phrase, frozenset(re.findall(r"\d+", phrase))) for phrase in data.get("running", ())),
    )


def _anchors(data: dict[str, Any]) -> frozenset[str]:
    return frozenset(word for group in data["triggers"] for phrase in group["words"] for word in anchor_words(phrase))


# Folded terms, ``*`` for any ending; an article of the language without any of them reports no casualties.
TRIGGERS: Mapping[str, tuple[str, ...]] = {
    language: tuple(sorted(_anchors(data)))
    for language in languages_of("casualties")
    if (data := _data(language)) is not None
}


@dataclass(frozen=True, slots=True)
class _Number:
    """A figure that may count people, at the words ``start`` up to ``end``; ``people``: its noun is known to be."""

    start: int
    end: int
    figure: Figure
    people: bool
    is_article: bool = False  # "a soldier": one, where others are counted


class _Report:
    """What one sentence reports."""

    def __init__(self, reading: Reading, sentence: Sentence, language: _Language) -> None:
        self.reading = reading
        self.sentence = sentence
        self.language = language
        self.placed = words_of(reading, sentence)
        self.words = self.placed.words
        hits = [hit for hit in _keep_longest(language.triggers.find(self.placed)) if self._has_letter(hit)]
        self.attributes = tuple(hit for hit in hits if self._is_attribute(hit))
        self.triggers = tuple(hit for hit in hits if hit not in self.attributes)
        self._trigger_words = {i for hit in self.triggers for i in hit.literal}
        self.numbers: tuple[_Number, ...] = ()
        self._number_starts: list[int] = []
        self._counting_things: set[int] = set()  # the words of "hundreds" in "hundreds of sheep"

    def read(self) -> Iterator[Casualty]:
        """The casualties in order of their triggers."""
        # A denial and the word that it denies may both be triggers, which say the same: "resulting in no deaths".
        for casualty in dict.fromkeys(self._read()):
            is_running = any(start <= casualty.start < end for start, end in self._running_parts)
            yield replace(casualty, is_running=True) if is_running else casualty

    @cached_property
    def _totals(self) -> list[Hit[None]]:
        return self.language.totals.find(self.placed)

    @cached_property
    def _total_starts(self) -> list[int]:
        return [hit.start for hit in self._totals]

    @cached_property
    def _running_parts(self) -> list[tuple[int, int]]:
        """The parts of the sentence, as offsets, that speak of a whole war so far."""
        parts: list[tuple[int, int]] = []
        for hit in self.language.running.find(self.placed):
            numerals = {word for word in self.words[hit.start : hit.end] if word.isdecimal()} - hit.value
            if any(int(numeral) not in _YEARS for numeral in numerals):
                continue  # "since 5 am"
            start, end = hit.start, hit.end
            while start and self.words[start - 1] not in _PART_ENDS:
                start -= 1
            while end < len(self.words) and self.words[end] not in _PART_ENDS:
                end += 1
            if start == hit.start and end < len(self.words):
                # "Since the war began in 2022, 40,000 people have died"
                end += 1
                while end < len(self.words) and self.words[end] not in _PART_ENDS:
                    end += 1
            folded = self.reading.folded
            parts.append(folded.original(self.placed.starts[start], self.placed.ends[end - 1]))
        return parts

    def _read(self) -> Iterator[Casualty]:
        if not self.triggers:
            # "The killed soldiers were buried": they are told of only where nothing else is.
            yield from (self._casualty(hit, None) for hit in self.attributes if self._counts_alone(hit))
            return
        self._read_numbers()
        last: Casualty | None = None
        used: set[tuple[Kind, int]] = set()
        skip = -1
        for position, hit in enumerate(self.triggers):
            if position == skip:
                continue
            trigger = hit.value
            found = self._numbers_of(hit, position)
            partner = self._partner(position)
            if partner is not None:
                other = self._numbers_of(partner, position + 1)
                if (found or other) and (not found or not other or found[0] == other[0]):
                    # "killed and wounded 20": the number covers both, so each is at least one of them.
                    number = (found or other)[0]
                    yield self._casualty(hit, number, is_shared=True)
                    yield self._casualty(partner, number, is_shared=True)
                    skip = position + 1
                    continue
            for number in found:
                if (trigger.kind, number.start) not in used:
                    used.add((trigger.kind, number.start))
                    last = self._casualty(hit, number)
                    yield last
            if not found and self._counts_alone(hit):
                casualty = self._casualty(hit, None, until=partner.end if partner else 0)
                if not trigger.only_denied or casualty.stance is Stance.DENIED:
                    yield casualty
        if last is not None:
            yield from self._sums(last, {number for _, number in used})

    def _sums(self, last: Casualty, used: set[int]) -> Iterator[Casualty]:
        """What a sum without a word of its own comes to: "17 dead in Goma and 9 in Sake, for a total of 26"."""
        for hit in self._totals:
            for number in self._numbers_between(hit.end, min(len(self.words), hit.end + 3)):
                follower = self.words[number.end] if number.end < len(self.words) else "."
                is_later = last.figure is not None and number.figure.start > last.figure[0]
                if is_later and number.start not in used and follower in {".", ",", ";", ")"}:
                    yield self._elliptic(last, number, is_total=True, side=None)

    def _partner(self, position: int) -> Hit[_Trigger] | None:
        """The trigger of the other kind that "and" or "or" joins to this one."""
        if position + 1 >= len(self.triggers):
            return None
        one, other = self.triggers[position], self.triggers[position + 1]
        if one.value.kind == other.value.kind:
            return None
        between = self.words[one.end : other.start]
        is_joined = 0 < len(between) <= 2 and all(word in self.language["joins"] for word in between)
        return other if is_joined else None

    def _read_numbers(self) -> None:
        reading, sentence = self.reading, self.sentence
        figures = find_figures(reading.full, sentence.start, sentence.end, reading.language)
        has_pair = any(word in self.language["pairs"] for word in self.words)
        if not figures and not has_pair:
            return
        dates = dates_in(reading, sentence)
        numbers = (self._number(figure, dates) for figure in figures)
        counted = [number for number in numbers if number is not None]
        self.numbers = tuple(sorted([*counted, *self._articles(figures)], key=lambda number: number.start))
        self._number_starts = [number.start for number in self.numbers]

    def _articles(self, figures: Sequence[Figure]) -> Iterator[_Number]:
        """The one of "five civilians and a soldier", the two of an Arabic dual; only beside stated figures."""
        language, words = self.language, self.words
        for i, word in enumerate(words):
            if word in language["pairs"]:
                size, end = 2, i + 1
            elif word in language["singular"]:
                size, end = 1, self._person_after(i)
            else:
                continue
            start, last = self.reading.folded.original(self.placed.starts[i], self.placed.ends[end - 1])
            if end > i and not any(figure.start < last and start < figure.end for figure in figures):
                end_of_word = self.reading.folded.original(self.placed.starts[i], self.placed.ends[i])[1]
                yield _Number(i, i + 1, Figure(start, end_of_word, size, None, False), True, is_article=True)

    def _person_after(self, index: int) -> int:
        """The word after the noun of "a young soldier"; ``index`` where no person is meant."""
        for i in range(index + 1, min(index + _ARTICLE_WORDS, len(self.words))):
            word = self.words[i]
            if word in self.language["people"]:
                return i + 1
            if word == "," or word in self.language["stops"] or i in self._trigger_words:
                break
            if word in self.language["things"]:
                break
        return index

    def _number(self, figure: Figure, dates: tuple[DateMention, ...]) -> _Number | None:
        """The figure as a number of people, or None where it counts something else."""
        language, words, full = self.language, self.words, self.reading.full
        # Dates come in order and do not overlap.
        at = bisect_left(dates, figure.end, key=_date_start) - 1
        if at >= 0 and figure.start < dates[at].end and not figure.vague:
            return None
        # "44-day", "F-16", "12.5", "14:30", "20%"
        if (
            full[figure.end : figure.end + 1] in ("-", "‑", "%", "°", ":")
            and full[figure.end + 1 : figure.end + 2].strip()
        ):
            return None
        if full[figure.end : figure.end + 1] == "%" or full[max(0, figure.start - 1) : figure.start] in (
            "-",
            "$",
            "€",
            "£",
            "#",
            ":",
        ):
            return None
        folded_start, folded_end = self.reading.folded.folded(figure.start, figure.end)
        start = self.placed.first_from(folded_start)
        end = start
        while end < len(words) and self.placed.starts[end] < folded_end:
            end += 1
        if start >= end:
            return None
        before = words[start - 1] if start else ""
        if before in language["labels"] and not figure.vague:
            return None
        is_people = False
        is_thing = False
        for i in range(end, min(end + _NOUN_WORDS, len(words))):
            word = words[i]
            if word in language["people"]:
                is_people = True
                break
            if word in language["things"]:
                is_thing = True
            elif is_thing and word in language["joins"]:
                break  # "300 cattle and two people"
            elif word in language["stops"] or word in language["finite"] or word == "," or i in self._trigger_words:
                break
        if is_thing and not is_people:
            self._counting_things.update(range(start, end))
            return None
        if (
            not is_people
            and figure.at_least in _YEARS
            and end - start == 1
            and (before in language["years_after"] or before in language["months"])
        ):
            return None
        if end < len(words) and words[end] in language["months"] and not is_people:
            return None
        if figure.at_least <= 0:
            return None
        return _Number(start, end, figure, is_people)

    def _numbers_of(self, hit: Hit[_Trigger], position: int) -> list[_Number]:
        trigger = hit.value
        if trigger.only_denied:
            return []
        limit = self.triggers[position + 1].start if position + 1 < len(self.triggers) else len(self.words) + 2
        if trigger.place is _Place.TOTAL:
            total = self._total(hit)
            return [] if total is None else [total]
        if trigger.place is _Place.BEFORE:
            return self._before(hit, position)
        if trigger.place is _Place.AFTER:
            after = self._after(hit, len(self.words))
            return [] if after is None else self._chain_after(after, trigger, limit)
        after = None if self._is_passive(hit) else self._after(hit, len(self.words))
        if after is not None and not self._belongs_to_next(after, position):
            return self._chain_after(after, trigger, limit)
        return [] if self._has_object(hit) else self._before(hit, position)

    def _after(self, hit: Hit[_Trigger], limit: int) -> _Number | None:
        """The number right after a trigger, fillers between them allowed."""
        inside = [n for n in self._numbers_between(hit.start, hit.end) if n.start not in hit.literal]
        if inside:
            return inside[0]
        at = bisect_right(self._number_starts, hit.end - 1)
        if at == len(self.numbers) or self.numbers[at].start >= limit:
            return None
        number = self.numbers[at]
        if number.start - hit.end > _NOUN_WORDS + 1:
            return None
        between = range(hit.end, number.start)
        if not all(
            self.words[i] in self.language["fillers"]
            or self.words[i] in _QUOTES
            or i in self._trigger_words
            or self._is_single_person(i, hit.end)
            for i in between
        ):
            return None
        # "killed and wounded 20", "killed a man and two women", but not "5,000 injured and dozens missing".
        is_joined = any(self.words[i] in self.language["joins"] for i in between)
        if is_joined and not any(i in self._trigger_words or self.words[i] in self.language["people"] for i in between):
            return None
        if hit.value.people == "always" and not number.people:
            return None
        return number

    def _is_single_person(self, index: int, start: int) -> bool:
        """Whether the word is the noun of "a woman", with "a" not before the word ``start``."""
        return self.words[index] in self.language["people"] and any(
            word in self.language["singular"] for word in self.words[max(start, index - 2) : index]
        )

    def _numbers_between(self, start: int, end: int) -> list[_Number]:
        low = bisect_right(self._number_starts, start - 1)
        return [n for n in self.numbers[low : bisect_right(self._number_starts, end - 1)] if n.end <= end]

    def _chain_after(self, first: _Number, trigger: _Trigger, limit: int) -> list[_Number]:
        """A number and those that "and" adds: "killed 49 Armenian and 50 Azerbaijani soldiers"."""
        chain = [first]
        at = bisect_right(self._number_starts, first.start)
        for number in self.numbers[at : at + 4]:
            # "3 killed, 12 wounded": a number right before the next trigger is that trigger's.
            if number.end + 1 >= limit or not self._is_joined(chain[-1], number):
                break
            chain.append(number)
        return chain

    def _is_joined(self, one: _Number, other: _Number) -> bool:
        between = range(one.end, other.start)
        joins = self.language["joins"]
        # Arabic writes "and" together with the numeral.
        is_joined = self.reading.full[other.figure.start - 1 : other.figure.start] in joins
        if len(between) > 2 * _NOUN_WORDS or not (
            is_joined or any(self.words[i] == "," or self.words[i] in joins for i in between)
        ):
            return False
        if other.end < len(self.words) and self.words[other.end] in self.language["part_of"]:
            return False  # "26 people, 7 of them injured"
        return not any(self._divides(self.words[i]) or i in self._trigger_words for i in between)

    def _divides(self, word: str) -> bool:
        language = self.language
        return word in language["including"] or word in language["finite"] or word in language["stops"]

    def _belongs_to_next(self, number: _Number, position: int) -> bool:
        """Whether "2 killed, 3 wounded" gives the number to the next trigger: this one has its own before it."""
        if position + 1 >= len(self.triggers):
            return False
        following = self.triggers[position + 1]
        if following.value.place not in (_Place.EITHER, _Place.BEFORE):
            return False
        if following.start - number.end > 2 or following.start < number.end:
            return False
        hit = self.triggers[position]
        return any(hit.start - n.end <= 2 for n in self._numbers_between(max(0, hit.start - 8), hit.start))

    def _has_letter(self, hit: Hit[_Trigger]) -> bool:
        if not hit.value.letter:
            return True
        start, end = self.reading.folded.original(self.placed.starts[hit.start], self.placed.ends[hit.end - 1])
        return hit.value.letter in self.reading.full[start:end].lower()

    def _is_attribute(self, hit: Hit[_Trigger]) -> bool:
        """Whether the trigger only describes people who do something else: "three of the wounded soldiers died"."""
        if hit.value.place is not _Place.EITHER or not hit.start or hit.end >= len(self.words):
            return False
        before = self.words[hit.start - 1]
        is_noun_phrase = before in self.language["articles"] or before in self.language["singular"]
        return is_noun_phrase and self.words[hit.end] in self.language["people"]

    def _is_passive(self, hit: Hit[_Trigger]) -> bool:
        return any(word in self.language["be"] for word in self.words[max(0, hit.start - 3) : hit.start])

    def _has_object(self, hit: Hit[_Trigger]) -> bool:
        """Whether people follow as the object, so that a number before it counts the killers."""
        if self._is_passive(hit):
            return False
        for word in self.words[hit.end : hit.end + 4]:
            if word in self.language["people"]:
                return True
            if word in self.language["stops"] or word in self.language["joins"] or word == ",":
                return False
        return False

    def _before(self, hit: Hit[_Trigger], position: int) -> list[_Number]:
        """The number that a trigger's subject counts, and those that "and" adds to it."""
        language, words = self.language, self.words
        low = max(0, hit.start - _BEFORE_WORDS)
        earlier = self.triggers[position - 1] if position else None
        if earlier is not None and earlier.end <= hit.start and words[earlier.end - 1] not in language["people"]:
            low = max(low, earlier.end)
        candidates = self._numbers_between(low, hit.start)
        inside = [n for n in self._numbers_between(hit.start, hit.end) if n.start not in hit.literal]
        if inside:
            return inside[:1]
        for number in reversed(candidates):
            if not self._is_subject(number, hit) or self._is_aside(number, hit):
                continue
            chain = [self._part_of(number)]
            at = bisect_left(self._number_starts, chain[0].start)
            for other in reversed(self.numbers[max(0, at - 3) : at]):
                if other.start < low or not self._is_joined(other, chain[0]):
                    break
                chain.insert(0, other)
            return chain
        return []

    def _is_aside(self, number: _Number, hit: Hit[_Trigger]) -> bool:
        """Whether the number is that of "37 people, 12 of them children, were killed"."""
        of_them = self.words[number.end : number.end + 2]
        return (
            len(of_them) == 2
            and of_them[0] in self.language["part_of"]
            and of_them[1] in self.language["them"]
            and "," in self.words[number.end : hit.start]
        )

    def _part_of(self, whole: _Number) -> _Number:
        """The three of "three of the eight hostages" or "three of a crew of eight"; the number itself otherwise."""
        language = self.language
        at = whole.start - 1
        while at >= 0 and whole.start - at <= _NOUN_WORDS:
            word = self.words[at]
            if word in language["part_of"]:
                behind = at - 1 if self.words[at - 1] in language["out_of"] else at  # "eight out of ten"
                part = next((n for n in self._numbers_between(max(0, at - 4), at) if n.end == behind), None)
                if part is not None:
                    return part
            elif not (word in language["articles"] or word in language["own"] or word in language["singular"]):
                is_group = word in language["people"] and self.words[at + 1] in language["part_of"]
                if not is_group:
                    break
            at -= 1
        return whole

    def _is_subject(self, number: _Number, hit: Hit[_Trigger]) -> bool:
        language, words = self.language, self.words
        # "Three people, including two children, were killed": two is part of three.
        for i in range(number.start - 1, max(-1, number.start - 5), -1):
            if words[i] == "," or words[i] in language["finite"]:
                break
            if words[i] in language["including"]:
                return False
        verbal = (language["be"], language["finite"], language["adverbs"])
        group = hit.start
        while group > number.end and (
            words[group - 1].endswith("ly") or any(words[group - 1] in kind for kind in verbal)
        ):
            group -= 1
        if hit.value.people == "always" and not number.people and group - number.end > 1:
            return False
        relative = False
        for i in range(number.end, group):
            if words[i] in {"who", "that", "which"}:
                relative = True
            elif words[i] in language["finite"]:
                if not relative:
                    return False
                relative = False
        return number.people or group - number.end <= _NOUN_WORDS + 3

    def _total(self, hit: Hit[_Trigger]) -> _Number | None:
        """The number that a total comes to, after "to", "of", "at"...; "from 81 to 105" gives the second."""
        language, words = self.language, self.words
        inside = [n for n in self._numbers_between(hit.start, hit.end) if n.start not in hit.literal]
        if inside:
            return inside[-1]
        numbers = self._numbers_between(hit.end, min(len(words), hit.end + _TOTAL_WORDS))
        for i, number in enumerate(numbers):
            if any(word in {";", ".", "?"} for word in words[hit.end : number.start]):
                return None
            before = words[number.start - 1]
            if before in language["changed_from"] or words[number.start] in language["changed_from"]:
                if number.figure.at_most is not None:
                    return _at_its_most(number)
                if i + 1 < len(numbers):
                    new = numbers[i + 1]
                    return _at_its_most(new) if words[new.start] in language["changed_to"] else new
            if words[number.start] in language["changed_to"] and number.figure.at_most is not None:
                return _at_its_most(number)  # Russian "rose to 105" and "up to 105" are the same words
            if before in language["connectors"] or before in language["fillers"]:
                return number
        return None

    def _counts_alone(self, hit: Hit[_Trigger]) -> bool:
        trigger, words = hit.value, self.words
        if not trigger.counts_alone:
            return False
        if trigger.only_denied:
            return True
        after = self._noun_kind(range(hit.end, min(len(words), hit.end + _NOUN_WORDS)))
        subject = range(hit.start - 1, max(-1, hit.start - _NOUN_WORDS - 3), -1)
        before = self._noun_kind(subject) if trigger.place in (_Place.BEFORE, _Place.EITHER) else None
        kinds = [after if not self._is_passive(hit) else None, before]
        if True in kinds:
            return True
        return False not in kinds and not trigger.people

    def _noun_kind(self, indexes: range) -> bool | None:
        """True: people; False: a thing; None: neither is named there."""
        language = self.language
        found: bool | None = None
        for i in indexes:
            word = self.words[i]
            if word in language["people"] and i not in self._counting_things:
                return True
            if word in language["things"] and found is None:
                found = False
            if word in language["stops"] or word == ",":
                break
        return found

    def _casualty(
        self, hit: Hit[_Trigger], number: _Number | None, *, is_shared: bool = False, until: int = 0
    ) -> Casualty:
        trigger = hit.value
        folded, placed = self.reading.folded, self.placed
        first, last = hit.start, hit.end
        at_least, at_most, vague = 1, None, True
        is_total = trigger.place is _Place.TOTAL
        if number is not None:
            figure = number.figure
            first, last = min(first, number.start), max(last, number.end)
            at_least, vague = figure.at_least, figure.vague
            at_most = figure.at_most if figure.at_most != figure.at_least else None
            if is_shared:
                at_least, at_most, vague = 1, figure.at_most or figure.at_least, True
            is_total = (is_total or self._is_in_all(number)) and not self._is_local(hit, number)
        else:
            vague = not self._is_one_person(hit)
        start, end = folded.original(placed.starts[first], placed.ends[last - 1])
        judged_start, judged_end = folded.original(placed.starts[hit.start], placed.ends[max(hit.end, last, until) - 1])
        judgement = judge(self.reading, judged_start, judged_end)
        if number is not None and judgement.stance is Stance.DENIED and self._is_of_another(judgement, number, hit):
            judgement = Judgement(Stance.HAPPENED, None)
        if number is None and self.words[hit.end : hit.end + 1] and self.words[hit.end] in self.language["none"]:
            # "killed no one": what is denied stands behind the verb.
            judgement = Judgement(Stance.DENIED, folded.original(placed.starts[hit.end], placed.ends[hit.end]))
        return Casualty(
            kind=trigger.kind,
            start=start,
            end=end,
            at_least=at_least,
            at_most=at_most,
            vague=vague,
            stance=judgement.stance,
            cue=judgement.cue,
            is_total=is_total,
            side=None,
            sentence=self.sentence.index,
            figure=None if number is None else (number.figure.start, number.figure.end),
        )

    def _is_of_another(self, judgement: Judgement, number: _Number, hit: Hit[_Trigger]) -> bool:
        """Whether what is denied is only joined to the number: "one soldier and no civilians had died"."""
        if judgement.cue is None or not number.figure.end <= judgement.cue[0] < judgement.cue[1]:
            return False
        cue = self.placed.first_from(self.reading.folded.folded(*judgement.cue)[0])
        return number.end < cue < hit.start and self.words[cue - 1] in self.language["joins"]

    def _is_one_person(self, hit: Hit[_Trigger]) -> bool:
        """Whether "a soldier" stands beside the trigger."""
        nearby = self.words[max(0, hit.start - 6) : hit.end + 6]
        return any(
            word in self.language["singular"] and any(noun in self.language["people"] for noun in nearby[i + 1 : i + 6])
            for i, word in enumerate(nearby)
        )

    def _is_local(self, hit: Hit[_Trigger], number: _Number) -> bool:
        """Whether a total is that of one place among several."""
        before = self.words[max(0, min(hit.start, number.start) - 4) : hit.start]
        return any(word in self.language["local"] for word in before)

    def _is_in_all(self, number: _Number) -> bool:
        first = bisect_left(self._total_starts, number.start - _TOTAL_WORDS)
        near = self._totals[first : bisect_right(self._total_starts, number.end + 6)]
        return any(0 <= number.start - hit.end <= 3 or 0 <= hit.start - number.end <= 6 for hit in near)

    def _is_of_campaign(self, casualty: Casualty, parties: Sequence[StateMention]) -> bool:
        """Whether a total counts one's dead of a whole war: "the number of Turkish soldiers killed in Syria"."""
        if not casualty.is_total or not self._campaign_starts & {casualty.start}:
            return False
        inside = [party for party in parties if casualty.start < party.start < casualty.end and party.kind == "name"]
        places = (self.placed.first_from(self.reading.folded.folded(party.start, party.end)[0]) for party in inside)
        return any(self.words[at - 1] in self.language["stops"] for at in places)

    @cached_property
    def _campaign_starts(self) -> frozenset[int]:
        original = self.reading.folded.original
        hits = [hit for hit in self.triggers if hit.value.is_campaign]
        return frozenset(original(self.placed.starts[hit.start], self.placed.ends[hit.start])[0] for hit in hits)

    def with_sides(self, casualties: list[Casualty], states: tuple[StateMention, ...]) -> list[Casualty]:
        """The casualties with the states whose people they are, and the figures without a verb ("... reported 50")."""
        sentence = self.sentence
        parties = tuple(s for s in states if s.excluded is None and sentence.start <= s.start < sentence.end)
        casualties = [replace(c, is_running=True) if self._is_of_campaign(c, parties) else c for c in casualties]
        by_offset = {number.figure.start: number for number in self.numbers}
        sided: list[Casualty] = []
        taken: set[int] = set()
        for casualty in casualties:
            if casualty.figure is None:
                sided.append(casualty)
                continue
            number = by_offset[casualty.figure[0]]
            taken.add(number.start)
            sided.append(replace(casualty, side=self._side(number, parties)))
        last = next((c for c in reversed(sided) if c.figure is not None and c.side is not None), None)
        if last is None or last.figure is None:
            return sided
        for number in self.numbers:
            if number.is_article or number.start in taken or number.figure.start < last.figure[1]:
                continue
            if not self._is_elliptic(number, parties):
                continue
            side = self._side(number, parties) or self._party_before(number, parties)
            sided.append(self._elliptic(last, number, is_total=last.is_total, side=side))
        return sided

    @staticmethod
    def _elliptic(last: Casualty, number: _Number, *, is_total: bool, side: str | None) -> Casualty:
        """A number that shares the verb of the casualty before it."""
        figure = number.figure
        return replace(
            last,
            start=figure.start,
            end=figure.end,
            at_least=figure.at_least,
            at_most=figure.at_most if figure.at_most != figure.at_least else None,
            vague=figure.vague,
            is_total=is_total,
            side=side,
            figure=(figure.start, figure.end),
        )

    def _side(self, number: _Number, parties: Sequence[StateMention]) -> str | None:
        """The state that the number's noun names ("49 Armenian soldiers"), or refers to ("49 of its soldiers")."""
        language, words = self.language, self.words
        following = bisect_right(self._number_starts, number.start)
        stop = min(number.end + _SIDE_WORDS, len(words))
        if following < len(self.numbers):
            stop = min(stop, self.numbers[following].start)
        for i in range(number.end, stop):
            offset = self.reading.folded.original(self.placed.starts[i], self.placed.ends[i])[0]
            at = bisect_right(parties, offset, key=_start) - 1
            if at >= 0 and offset < parties[at].end:
                return parties[at].code
            if words[i] in language["own"]:
                return self._party_before(number, parties)
            if words[i] in language["finite"] or words[i] in language["joins"] or words[i] == ",":
                break
        before = words[max(0, number.start - 2) : number.start]
        if any(word in language["losing"] for word in before):
            return self._party_before(number, parties)
        at = bisect_left(parties, number.figure.start, key=_start) - 1
        if at >= 0 and 0 < number.figure.start - parties[at].end <= 2:
            return parties[at].code  # "Armenia lost 105 soldiers and Azerbaijan 71"
        return self._proper_side(number)

    def _proper_side(self, number: _Number) -> str | None:
        """The side that is no state but has a name of its own: "13 Houthi fighters"."""
        language, words = self.language, self.words
        is_title = self.sentence.start < self.reading.title_end  # any word may have its capital there
        if is_title or number.end + 1 >= len(words) or words[number.end + 1] not in language["people"]:
            return None
        start, end = self.reading.folded.original(self.placed.starts[number.end], self.placed.ends[number.end])
        written = self.reading.full[start:end]
        is_proper = written[:1].isupper() and not written.isupper() and words[number.end] not in language["people"]
        return written if is_proper else None

    def _party_before(self, number: _Number, parties: Sequence[StateMention]) -> str | None:
        at = bisect_left(parties, number.figure.start, key=_start) - 1
        return parties[at].code if at >= 0 else None

    def _is_elliptic(self, number: _Number, parties: Sequence[StateMention]) -> bool:
        """Whether a state's verb or name stands right before the number and nothing but its end behind it."""
        follower = self.words[number.end] if number.end < len(self.words) else "."
        if follower not in _ELLIPSIS_ENDS and follower not in self.language["own"] and not number.people:
            return False
        before = self.words[number.start - 1] if number.start else ""
        if before in self.language["reporting"]:
            return True
        at = bisect_left(parties, number.figure.start, key=_start) - 1
        return at >= 0 and 0 < number.figure.start - parties[at].end <= 2


def _at_its_most(number: _Number) -> _Number:
    """The number with its upper bound for its figure, where it has one."""
    figure = number.figure
    return number if figure.at_most is None else replace(number, figure=replace(figure, at_least=figure.at_most))


def _date_start(date: DateMention) -> int:
    return date.start


def _start(party: StateMention) -> int:
    return party.start


def _keep_longest(hits: list[Hit[_Trigger | None]]) -> Iterator[Hit[_Trigger]]:
    """Triggers that no longer trigger and no figure of speech of the same length takes, in text order."""
    taken: set[int] = set()
    kept: list[Hit[_Trigger]] = []
    for hit in sorted(hits, key=lambda hit: (-len(hit.literal), hit.value is not None, hit.start)):
        trigger = hit.value
        if hit.literal & taken and not (trigger is not None and trigger.only_denied):
            continue
        taken |= hit.literal
        if trigger is not None:
            kept.append(Hit(hit.start, hit.end, hit.literal, trigger))
    yield from sorted(kept, key=lambda hit: (hit.start, hit.end))


def find_casualties(reading: Reading, gazetteer: Gazetteer) -> tuple[Casualty, ...]:
    """The killed and injured that the text reports, in text order, of every stance.

    Figures of speech, animals, fears and the missing are left out. A word of killing without a number counts 1.
    """
    sentences = sentences_with_casualties(reading)
    return tuple(casualty for index in sentences for casualty in find_casualties_in(reading, gazetteer, index))


def sentences_with_casualties(reading: Reading) -> Mapping[int, None]:
    """The indexes of the sentences, in order, outside which nobody is killed or injured."""
    known: Mapping[int, None] | None = reading.cache.get("casualties")
    if known is None:
        language = _language(reading.language)
        found = () if language is None else _sentences_with_trigger(reading, language)
        known = {sentence.index: None for sentence in found if not _repeats_title(reading, sentence)}
        reading.cache["casualties"] = known
    return known


def find_casualties_in(reading: Reading, gazetteer: Gazetteer, index: int) -> tuple[Casualty, ...]:
    """The killed and injured that one of `sentences_with_casualties` reports, in text order."""
    key = f"casualties.{index}"
    known: tuple[Casualty, ...] | None = reading.cache.get(key)
    if known is None:
        language, sentence = _language(reading.language), reading.sentence(index)
        if language is None or sentence is None:
            return ()
        report = _Report(reading, sentence, language)
        casualties = list(report.read())
        if casualties and len(report.numbers) > 1:
            casualties = report.with_sides(casualties, find_states(reading, gazetteer, sentence))
        known = reading.cache[key] = tuple(sorted(casualties, key=lambda c: (c.start, c.end, c.kind)))
    return known


def _repeats_title(reading: Reading, sentence: Sentence) -> bool:
    repeated = reading.repeated_title
    return repeated is not None and repeated[0] <= sentence.start and sentence.end <= repeated[1]


def _sentences_with_trigger(reading: Reading, language: _Language) -> Iterator[Sentence]:
    folded = reading.folded
    position = 0
    for anchor, start, end in language.automaton.find_matches_as_indexes(folded.text, overlapping=True):
        if start < position or folded.text[start - 1 : start].isalnum():
            continue
        if folded.text[end : end + 1].isalnum() and not language.anchors[anchor].endswith("*"):
            continue
        sentence = reading.sentence_at(folded.original(start, end)[0])
        yield sentence
        position = max(end, folded.folded(sentence.start, sentence.end)[1])


def toll(
    casualties: Sequence[Casualty], kind: str, accept: frozenset[Stance]
) -> tuple[Toll, tuple[Casualty, ...]] | None:
    """The toll of one kind and the mentions it rests on; None where no mention of that kind has an accepted stance.

    A running total of a whole war counts only where there is no other figure. A total beats its parts; else the highest
    single figure, or the sum of what one sentence gives for several sides.
    """
    counted = [c for c in casualties if c.kind == kind and c.stance in accept]
    # What a whole war has cost so far is no toll of the event, unless the text has no other.
    counted = [c for c in counted if not c.is_running] or counted
    if not counted:
        return None
    totals = [c for c in counted if c.is_total]
    best: tuple[Casualty, ...] = (max(totals or counted, key=lambda c: c.at_least),)
    if not totals:
        by_sentence: dict[int, dict[str, Casualty]] = {}
        for casualty in counted:
            if casualty.side is not None:
                sides = by_sentence.setdefault(casualty.sentence, {})
                known = sides.get(casualty.side)
                if known is None or known.at_least < casualty.at_least:
                    sides[casualty.side] = casualty
        for sides in by_sentence.values():
            if len(sides) > 1 and sum(c.at_least for c in sides.values()) > best[0].at_least:
                best = tuple(sides.values())
    at_most = sum(c.at_most or c.at_least for c in best) if any(c.at_most is not None for c in best) else None
    return Toll(sum(c.at_least for c in best), at_most, any(c.vague for c in best)), best

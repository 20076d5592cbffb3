"""Whether a text says that a match happened, is planned, possible, denied or past, and the words that decide it.

The method is that of NegEx and ConText: cue phrases (``data/cues``, one file a language) with a direction and a reach
that ends at the clause. Two refinements keep cues from leaking: a clause that depends on another states its own facts
("could invoke it *after 49 soldiers died*"), and an auxiliary never governs a verb that has a finite form of its own
("did not wait and *invoked*").
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from watcher.model import Stance
from watcher.text.dates import DateMention, find_dates
from watcher.text.fold import fold_term
from watcher.text.reading import Reading
from watcher.text.sentences import Sentence
from watcher.understand.words import DASH, Hit, PhraseTable, Words, languages_of, read_data, words_of

# "On 13 September" in an article of 14 September is now (rules, section 9).
_RECENT = timedelta(days=31)
_FIRST_YEAR = 1500  # four digits below are rather a number of something
_QUESTION_MARKS = ("?", "؟", "՞")
# Nothing farther away than this speaks about a match; keeps hostile sentences without an end linear.
_REACH_WORDS = 80
_PREPOSITION_WORDS = 5  # "in the largest joint naval exercise"
_LAST_VERB_WORDS = 2  # behind a match, where the verb comes last
_DATE_WORDS = 6  # between a verb and its date
_LONGEST_RETELLING = 3  # sentences that go on with a date before they need one of their own
_SENTENCE_ENDS = frozenset({".", "!", "…"})


@dataclass(frozen=True, slots=True)
class Judgement:
    """The stance of a match, and where in ``reading.full`` the cue is that decided; None: nothing spoke against it."""

    stance: Stance
    cue: tuple[int, int] | None


class _Governs(StrEnum):
    """What a cue has power over; the words are those of the data files."""

    FOLLOWING = "following"  # a verb or noun after it, not a verb with a finite form of its own
    SUBJECT = "subject"  # the noun after it and the one verb of that noun
    STATEMENT = "statement"  # the whole statement after it
    PRECEDING = "preceding"  # what stands before it as its subject
    SETTING = "setting"  # its whole clause and the clauses that hang on it
    CONDITION = "condition"  # its own clause and the one that it is a condition of
    ENDING = "ending"  # the word itself and the words of the match right before it
    NOTHING = "nothing"  # looks like a cue and is none


class _Clause(StrEnum):
    """How a clause begins, which decides what reaches into it."""

    MAIN = "main"
    CONTRAST = "contrast"  # but, however, a semicolon: nothing reaches over
    DEPENDENT = "dependent"  # after, because, although: states its own facts
    RELATIVE = "relative"  # which, who
    TRANSPARENT = "transparent"  # when, as, while: shares its time with the main clause
    CONDITION = "condition"  # if, unless
    NONE = "none"  # looks like a beginning and is none


_CLOSED_BY_COMMA = frozenset({_Clause.DEPENDENT, _Clause.RELATIVE, _Clause.TRANSPARENT, _Clause.CONDITION})


@dataclass(frozen=True, slots=True)
class _Cue:
    stance: Stance
    governs: _Governs
    is_auxiliary: bool = False  # counts inside a match too
    is_attached: bool = False  # only when it touches the match or its verb
    within: int | None = None  # at most so many words away
    only_bare: bool = False  # only before a verb without an ending: "to invoke", not "to strikes"
    begins: tuple[str, ...] = ()  # only before a match that begins so: Arabic "qad" is "may" before an imperfect only
    only_first: bool = False  # only at the beginning of a sentence: "Were Armenia to invoke it"
    not_past: bool = False  # "warned that" says nothing against what has happened
    rank: int = 0
    is_date: bool = False
    is_ahead: bool = False  # a date after the article's own: of what is to come, or of last year without saying so
    spares: frozenset[str] = frozenset()  # matches that it says nothing against when it stands behind them
    until_comma: bool = False  # "On the anniversary of the war, they fought again"
    opened_by: frozenset[str] = frozenset()  # "in an exercise" sets the scene, "against the exercise" does not


# Which of several cues wins: what never claims to be real, then what did not happen, then doubt, then time.
_RANKS = {Stance.DENIED: 40, Stance.POSSIBLE: 30, Stance.PAST: 20, Stance.PLANNED: 10}
_UNREAL_RANK = 50


class _Placed(NamedTuple):
    """A cue found at the words ``start`` up to ``end`` of its sentence."""

    start: int
    end: int
    cue: _Cue
    literal: frozenset[int] = frozenset()  # its words that fill no gap, where it has gaps


@dataclass(frozen=True, slots=True)
class _Ending:
    """A cue that is the ending of a word."""

    folded: str
    as_written: str  # the ending with its accents, where they matter; else empty
    cue: _Cue


@dataclass(frozen=True, slots=True)
class _Language:
    cues: PhraseTable[_Cue]
    clauses: PhraseTable[_Clause]
    finite: frozenset[str]  # auxiliaries with a finite form: "was", "has", "will"
    past_finite: frozenset[str]
    timeless: frozenset[str]  # auxiliaries that no past date goes with: "has", "is", "will"
    bare: frozenset[str]  # "be", "been", "to"
    finite_alone: frozenset[str]  # finite unless a finite one goes with it: "have"
    not_bare_endings: tuple[str, ...]
    participle_endings: tuple[str, ...]
    adverbs: frozenset[str]
    adverb_endings: tuple[str, ...]
    past_forms: frozenset[str]
    past_endings: tuple[str, ...]
    past_endings_of_last_verb: tuple[str, ...]  # where the verb comes last, as in Turkish
    past_endings_as_written: tuple[str, ...]  # with their accents: Spanish "invocó", not "invoco"
    not_past_forms: frozenset[str]
    joining: frozenset[str]  # may stand between two verbs that share an auxiliary
    ands: frozenset[str]  # join two verbs of one subject
    reports: tuple[str, ...]  # "reports that it invoked ... are false"
    years_after: frozenset[str]  # "in 2020"
    not_years_after: frozenset[str]  # "since 2020"
    prepositions: frozenset[str]
    not_years_before: frozenset[str]  # the same where the word follows: Turkish "2020'den beri"
    past_nouns: frozenset[str]  # "the 2020 war"
    deadlines: frozenset[str]  # "until 3 May", "for Monday": no time at which the verb before it happens
    time_openers: frozenset[str]  # "after the 2001 attacks" dates its clause
    lasting_verbs: frozenset[str]
    beginning_verbs: frozenset[str]  # what began long ago may go on
    goes_on: PhraseTable[bool]  # how a sentence begins that goes on with a retelling; True: with a number
    reported: frozenset[str]  # "said": news again
    endings: tuple[_Ending, ...]
    not_endings: frozenset[str]


@dataclass(frozen=True, slots=True)
class AddedCues:
    """A group of cues beside the shipped ones, with the keys that groups have in the data files."""

    languages: frozenset[str]
    group: Mapping[str, Any]


class Cues:
    """The cues of every language, the shipped ones and those added; a language is read when first asked for."""

    def __init__(self, added: tuple[AddedCues, ...] = ()) -> None:
        self._added = added
        self._languages: dict[str, _Language | None] = {}

    def give(self, reading: Reading) -> None:
        """Lets the stances in a reading, none of which was asked for yet, be judged by these."""
        if self._added:
            reading.cache[_CUES] = self

    def of(self, code: str) -> _Language | None:
        """The cues of a language; None where there are none."""
        if code not in self._languages:
            self._languages[code] = self._read("en" if code == "und" else code)
        return self._languages[code]

    def _read(self, code: str) -> _Language | None:
        groups = [one.group for one in self._added if code in one.languages]
        if not groups:
            return _shipped(code)
        data = read_data("cues", code) or {}
        return _build({**data, "cues": [*data.get("cues", ()), *groups]})


_CUES = "stance.cues"
_SHIPPED = Cues()


@lru_cache(maxsize=32)
def _shipped(code: str) -> _Language | None:
    data = read_data("cues", code)
    return None if data is None else _build(data)


def _flag(group: Mapping[str, Any], key: str) -> bool:
    """Whether a key is true, as a file's text or as what an operator's file was read to."""
    return group.get(key) in ("true", True)


def _build(data: dict[str, Any]) -> _Language:
    def words(key: str) -> frozenset[str]:
        return frozenset(fold_term(word) for word in data.get(key, ()))

    cues: list[tuple[str, _Cue]] = []
    endings: list[_Ending] = []
    for group in data["cues"]:
        stance = Stance(group.get("stance") or Stance.HAPPENED)
        governs = _Governs(group["governs"])
        unreal = _flag(group, "unreal")
        cue = _Cue(
            stance=stance,
            governs=governs,
            is_auxiliary=_flag(group, "auxiliary"),
            is_attached=_flag(group, "attached"),
            within=int(group["within"]) if group.get("within") else None,
            begins=tuple(fold_term(beginning) for beginning in group.get("begins", ())),
            only_bare=_flag(group, "only_bare"),
            only_first=_flag(group, "only_first"),
            not_past=_flag(group, "not_past"),
            rank=_UNREAL_RANK if unreal else _RANKS.get(stance, 0),
            spares=frozenset(fold_term(word) for word in group.get("spares") or ()),
            until_comma=_flag(group, "until_comma"),
            opened_by=frozenset(fold_term(word) for word in group.get("opened_by") or ()),
        )
        if governs is _Governs.ENDING or _flag(group, "endings"):
            accented = _flag(group, "as_written")
            endings.extend(_Ending(fold_term(one), one if accented else "", cue) for one in group["words"])
        else:
            cues.extend((phrase, cue) for phrase in group["words"])
    clauses = [(phrase, _Clause(kind)) for kind, phrases in data.get("clauses", {}).items() for phrase in phrases]
    clauses += [(mark, _Clause.CONTRAST) for mark in (";", DASH)]
    return _Language(
        cues=PhraseTable(cues),
        clauses=PhraseTable(clauses),
        finite=words("finite"),
        past_finite=words("past_finite"),
        timeless=words("timeless"),
        bare=words("bare"),
        finite_alone=words("finite_alone"),
        not_bare_endings=tuple(data.get("not_bare_endings", ())),
        participle_endings=tuple(data.get("participle_endings", ())),
        adverbs=words("adverbs"),
        adverb_endings=tuple(data.get("adverb_endings", ())),
        past_forms=words("past_forms"),
        past_endings=tuple(fold_term(ending) for ending in data.get("past_endings", ())),
        past_endings_of_last_verb=tuple(fold_term(ending) for ending in data.get("past_endings_of_last_verb", ())),
        past_endings_as_written=tuple(data.get("past_endings_as_written", ())),
        not_past_forms=words("not_past_forms"),
        joining=words("joining"),
        ands=words("ands"),
        reports=tuple(fold_term(word) for word in data.get("reports", ())),
        years_after=words("years_after"),
        not_years_after=words("not_years_after"),
        prepositions=words("prepositions"),
        not_years_before=words("not_years_before"),
        past_nouns=words("past_nouns"),
        deadlines=words("deadlines"),
        time_openers=words("time_openers"),
        lasting_verbs=words("lasting_verbs"),
        beginning_verbs=words("beginning_verbs"),
        goes_on=PhraseTable(
            (phrase, key == "goes_on_counting")
            for key in ("goes_on", "goes_on_counting")
            for phrase in data.get(key, ())
        ),
        reported=words("reported"),
        endings=tuple(sorted(endings, key=lambda ending: -len(ending.folded))),
        not_endings=words("not_endings"),
    )


@dataclass(frozen=True, slots=True)
class _VerbGroup:
    """The auxiliaries and adverbs right before a match: words ``start`` up to the match."""

    start: int
    is_finite: bool
    is_past: bool
    is_timeless: bool


class _Analysis:
    """One sentence with its clauses and cues, made once for all matches in it."""

    def __init__(self, reading: Reading, sentence: Sentence, language: _Language) -> None:
        self.words = words_of(reading, sentence)
        self.language = language
        self._reading = reading
        self.clause_of, self.kinds = _clauses(self.words, language)
        placed = [p for p in _place(language.cues.find(self.words)) if not p.cue.only_first or self._is_first(p.start)]
        placed += self._endings()
        dates, self.recent, dated = self._dates(reading, sentence)
        # "May" in "May 2021" is no auxiliary.
        self.undated_words = frozenset(word for i, word in enumerate(self.words.words) if i not in dated)
        self.cues = tuple(sorted(placed + dates, key=lambda p: p.start))
        self._cue_starts = [placed.start for placed in self.cues]
        self._time_phrases: dict[int, bool] = {}  # by clause
        self.questions = tuple(i for i, word in enumerate(self.words.words) if word in _QUESTION_MARKS)

    def _dates(self, reading: Reading, sentence: Sentence) -> tuple[list[_Placed], tuple[int, ...], set[int]]:
        """Cues for dates long past or ahead, the words where dates stand that are not past, and those of any date."""
        language, words = self.language, self.words.words
        today = reading.reference_at.date()
        oldest = (reading.reference_at - _RECENT).date()
        found: list[_Placed] = []
        recent: list[int] = []
        dated: set[int] = set()
        for mention in dates_in(reading, sentence):
            start, end = self.indexes(reading, mention.start, mention.end)
            if start >= end:
                continue
            dated.update(range(start, end))
            if mention.latest >= oldest:
                recent.append(start)
                if mention.earliest > today:
                    before = words[start - 1] if start else ""
                    if language.deadlines and before not in language.deadlines:
                        found.append(_Placed(start, end, _AHEAD))
                    if not mention.is_anchored and any(char.isdigit() for char in mention.text):
                        found.append(_Placed(start, end, _LAST_YEAR))
                continue
            while start < end - 1 and words[start] in language.years_after | language.bare | {"the"}:
                start += 1
            if not self._is_no_past(start, end):
                found.append(_past_date(start, end))
        # "The war of 1994", "the 2020 war": years that are no date of their own.
        for i, word in enumerate(words):
            is_year = len(word) == 4 and word.isdecimal() and _FIRST_YEAR <= int(word) < oldest.year
            if is_year and i not in dated and language.years_after and not self._is_no_past(i, i + 1):
                found.append(_past_date(i, i + 1))
        return found, tuple(sorted(recent)), dated

    def _is_no_past(self, start: int, end: int) -> bool:
        """Whether an old date only names something ("the 2020 ceasefire") or a beginning ("since 2020")."""
        language, words = self.language, self.words.words
        before = words[start - 1] if start else ""
        if before in language.not_years_after or not language.not_years_before.isdisjoint(words[end : end + 4]):
            return True
        if before in language.years_after | {"the"} and start > 1 and words[start - 2] in language.not_years_after:
            # "since the 2020 war", "unlike in 2021"; but "after the 2020 war" is a time.
            return words[start - 2] not in language.time_openers
        if end - start > 1 or not words[start].isdecimal() or not language.years_after:
            return False
        follower = words[end] if end < len(words) else ""
        return before not in language.years_after and follower not in language.past_nouns

    def _endings(self) -> list[_Placed]:
        """Cues that are endings of a word: Turkish negates so, Spanish has its future so."""
        language = self.language
        placed: list[_Placed] = []
        for i, word in enumerate(self.words.words if language.endings else ()):
            if word in language.not_endings:
                continue
            for ending in language.endings:
                if len(word) > len(ending.folded) + 1 and word.endswith(ending.folded):
                    if self._as_written(i).endswith(ending.as_written):
                        placed.append(_Placed(i, i + 1, ending.cue))
                    break
        return placed

    def _is_first(self, index: int) -> bool:
        """Whether a sentence begins with the word, be it one within quotation marks."""
        return all(not word[0].isalnum() for word in self.words.words[max(0, index - 2) : index])

    def indexes(self, reading: Reading, start: int, end: int) -> tuple[int, int]:
        """The word indexes that cover the offsets ``start`` up to ``end`` of ``reading.full``."""
        folded_start, folded_end = reading.folded.folded(start, end)
        first = self.words.first_from(folded_start)
        last = first
        while last < len(self.words) and self.words.starts[last] < folded_end:
            last += 1
        return first, last

    def is_past_form(self, index: int) -> bool:
        word, language = self.words.words[index], self.language
        if word in language.not_past_forms:
            return False
        if word in language.past_forms or (bool(language.past_endings) and word.endswith(language.past_endings)):
            return True
        endings = language.past_endings_as_written
        return bool(endings) and self._as_written(index).endswith(endings)

    def _as_written(self, index: int) -> str:
        """A word with its accents, in small letters."""
        start, end = self._reading.folded.original(self.words.starts[index], self.words.ends[index])
        return self._reading.full[start:end].lower()

    def _is_finite(self, index: int) -> bool:
        word = self.words.words[index]
        return word in self.language.finite or word.endswith("n't")

    def verb_group(self, first: int) -> _VerbGroup:
        """The verb group that ends right before the word ``first``; empty groups start at ``first``."""
        words, language = self.words.words, self.language
        start = first
        while True:
            start = self._group_start(start)
            own = words[start:first]
            if start < first or not self.is_past_form(first):
                break
            # "could be killed or wounded": the second verb shares the auxiliaries of the first.
            earlier = first - 1
            while earlier >= 0 and (words[earlier] in language.joining or words[earlier][0].isdigit()):
                earlier -= 1
            if earlier < 0 or earlier == first - 1 or not self.is_past_form(earlier):
                break
            shared = self._group_start(earlier)
            if shared == earlier:
                break
            start, own = shared, words[shared:earlier]
            break
        finite = any(word in language.finite or word.endswith("n't") for word in own)
        if not finite and "to" not in own:
            finite = any(word in language.finite_alone for word in own)
        # A past form with only adverbs before it is a finite verb itself.
        bare = any(word in language.bare for word in own)
        is_simple_past = not finite and not bare and first < len(words) and self.is_past_form(first)
        is_past = is_simple_past or any(word in language.past_finite for word in own)
        return _VerbGroup(start, finite or is_simple_past, is_past, any(word in language.timeless for word in own))

    def _group_start(self, first: int) -> int:
        words, language = self.words.words, self.language
        while first and (
            words[first - 1] in language.finite
            or words[first - 1] in language.bare
            or words[first - 1] in language.adverbs
            or words[first - 1].endswith("n't")
            or (bool(language.adverb_endings) and words[first - 1].endswith(language.adverb_endings))
        ):
            first -= 1
        return first

    def decide(self, first: int, last: int) -> _Placed | None:
        """The cue that decides about the words ``first`` up to ``last``, or None."""
        best: tuple[int, int] | None = None
        winner: _Placed | None = None
        group = self.verb_group(first)
        near = bisect_left(self._cue_starts, first - _REACH_WORDS)
        for placed in self.cues[near : bisect_right(self._cue_starts, last + _REACH_WORDS)]:
            rank = self._rank(placed, first, last, group)
            if not rank:
                continue
            distance = first - placed.end if placed.end <= first else max(0, placed.start - last)
            if best is None or (-rank, distance) < best:
                best, winner = (-rank, distance), placed
        return winner

    def is_asked(self, last: int) -> int | None:
        """The question mark that makes a question of the match that ends before word ``last``, or None."""
        at = bisect_left(self.questions, last)
        if at == len(self.questions) or self.questions[at] > last + _REACH_WORDS:
            return None
        mark = self.questions[at]
        return None if any(word in _SENTENCE_ENDS for word in self.words.words[last : mark - 1]) else mark

    def _rank(self, placed: _Placed, first: int, last: int, group: _VerbGroup) -> int:
        """How strongly a cue speaks about a match; 0: not at all."""
        cue = placed.cue
        if cue.governs is _Governs.ENDING:
            return (
                cue.rank
                if first <= placed.start < last + (cue.within or 0) and self._together(last - 1, placed.start)
                else 0
            )
        if placed.start >= first and placed.end <= last:
            return cue.rank if cue.is_auxiliary else 0
        if placed.start < last and placed.end > first:
            # By halves it is part of what the rule looks for, unless it is an auxiliary: "ne [rappelle pas]". With the
            # match in its gap it speaks of it ("has only [invoked] it once"), but not of who is told to do something.
            if cue.is_auxiliary and placed.start < first:
                return cue.rank
            is_around = bool(placed.literal) and placed.literal.isdisjoint(range(first, last))
            return cue.rank if is_around and cue.governs not in (_Governs.FOLLOWING, _Governs.SUBJECT) else 0
        if cue.is_ahead:
            is_meant = self._is_dated_ahead if cue.stance is Stance.PLANNED else self._is_last_year
            return cue.rank if is_meant(placed, first, last, group) else 0
        if cue.governs is _Governs.SETTING:
            return cue.rank if self._is_set(placed, first, last, group) else 0
        if cue.governs is _Governs.CONDITION:
            return self._condition_rank(placed, first, group)
        if cue.governs is _Governs.PRECEDING:
            return cue.rank if self._is_subject_of(placed, first, last, group) else 0
        return cue.rank if placed.end <= first and self._is_governed(placed, first, group) else 0

    def _together(self, one: int, other: int) -> bool:
        return self.clause_of[one] == self.clause_of[other]

    def _is_governed(self, placed: _Placed, first: int, group: _VerbGroup) -> bool:
        cue, words = placed.cue, self.words.words
        is_direct = placed.end >= group.start
        if cue.only_bare and words[first].endswith(self.language.not_bare_endings):
            return False
        if cue.begins and not words[first].startswith(cue.begins):
            return False
        if cue.is_attached:
            return is_direct
        if cue.within is not None and first - placed.end > cue.within:
            return False
        if cue.not_past and group.is_past:
            return False
        if is_direct:
            return True
        if not self._together(placed.end - 1, first):
            return False
        between = [i for i in range(placed.end, group.start) if self._together(i, first)]
        if cue.governs is _Governs.STATEMENT:
            return not self._starts_anew(between, group)
        if cue.governs is _Governs.FOLLOWING:
            return not group.is_finite and not any(self._is_finite(i) for i in between)
        # SUBJECT: "no soldiers were killed", but not "gave no answer and killed soldiers".
        if any(self._is_finite(i) for i in between):
            return False
        if not any(words[i] in self.language.ands or words[i] in {",", '"'} for i in between):
            return True
        return not group.is_finite or not self._is_object(placed)

    def _is_object(self, placed: _Placed) -> bool:
        """Whether a verb of the same clause stands before the cue."""
        return any(
            self._together(i, placed.start) and (self._is_finite(i) or self.is_past_form(i))
            for i in range(max(0, placed.start - _REACH_WORDS), placed.start)
        )

    def _starts_anew(self, between: list[int], group: _VerbGroup) -> bool:
        """Whether ", and" begins another statement, with its own verb, before the match."""
        words, ands = self.words.words, self.language.ands
        for i in between:
            if words[i] == "," and i + 2 < len(words) and words[i + 1] in ands and words[i + 2] != "that":
                return group.is_finite or any(self._is_finite(k) for k in between if k > i)
        return False

    def _is_subject_of(self, placed: _Placed, first: int, last: int, group: _VerbGroup) -> bool:
        if placed.start < last or not self._together(last - 1, placed.start):
            return False
        if placed.cue.within is not None and placed.start - last > placed.cue.within:
            return False
        words = self.words.words
        if any(words[i] in self.language.ands or words[i] in {"but", "that"} for i in range(last, placed.start)):
            return False
        if not group.is_finite or not self.language.reports:
            return True
        return any(words[i].startswith(self.language.reports) for i in range(max(0, first - _REACH_WORDS), first))

    def _condition_rank(self, placed: _Placed, first: int, group: _VerbGroup) -> int:
        clause, own = self.clause_of[first], self.clause_of[placed.start]
        if clause == own:
            return _UNREAL_RANK if placed.end <= first else 0
        if group.is_past:
            return 0
        if placed.end <= first:
            # "If attacked, it will invoke": up to the next contrast.
            passed = {self.kinds[c] for c in self.clause_of[placed.end : first + 1] if c != own}
            return placed.cue.rank if passed <= {_Clause.MAIN, _Clause.CONDITION} else 0
        return placed.cue.rank if self.clause_of[placed.start - 1] == clause else 0

    def _is_set(self, placed: _Placed, first: int, last: int, group: _VerbGroup) -> bool:
        cue = placed.cue
        clause, own = self.clause_of[first], self.clause_of[placed.start]
        if cue.is_date and group.is_timeless:
            return False
        if cue.spares and placed.start >= last and not cue.spares.isdisjoint(self.words.words[first:last]):
            return False
        if cue.until_comma and group.is_past and "," in self.words.words[placed.end : first]:
            return clause != own and self.kinds[clause] is _Clause.RELATIVE
        if cue.opened_by and not self._sets_scene(placed, first):
            return False
        if cue.stance is Stance.PAST and self._has_recent_date(placed, first, last):
            return False
        if clause == own:
            return not (cue.is_date and self._is_stolen(placed, first, last))
        if placed.end <= first:
            if cue.is_date and self._is_stolen(placed, first, last):
                return False
            own_kind = self.kinds[own]
            if own_kind in (_Clause.DEPENDENT, _Clause.RELATIVE) and self.kinds[clause] is _Clause.MAIN:
                return cue.is_date and self._is_time_phrase(placed.start)
            return all(
                self.kinds[c] is not _Clause.CONTRAST for c in self.clause_of[placed.end : first + 1] if c != own
            )
        if cue.is_date and self._is_time_phrase(placed.start):
            return clause == self.clause_of[self._clause_start(placed.start) - 1] and not self._is_stolen(
                placed, first, last
            )
        return (
            self.kinds[own] in (_Clause.TRANSPARENT, _Clause.RELATIVE)
            and clause == self.clause_of[self._clause_start(placed.start) - 1]
            and (self.kinds[own] is _Clause.TRANSPARENT or placed.start - self._clause_start(placed.start) <= 2)
        )

    def _is_dated_ahead(self, placed: _Placed, first: int, last: int, group: _VerbGroup) -> bool:
        """Whether a match without a past tense has the date to itself: "closes its border on 1 May"."""
        if group.is_past or group.is_finite or not self._together(first, placed.start):
            return False
        if placed.end <= first:
            return self._clause_start(first) + 2 >= placed.start
        if placed.start - last > _DATE_WORDS:
            return False
        return not any(self.is_past_form(i) for i in range(first, placed.start))

    def _is_last_year(self, placed: _Placed, first: int, last: int, group: _VerbGroup) -> bool:
        """Whether a day that lies ahead stands before a verb that says it has happened: "On 1 October they invaded"."""
        if placed.end > first or not self._together(first, placed.start):
            return False
        endings = self.language.past_endings_of_last_verb
        return group.is_past or any(
            word.endswith(endings) and word not in self.language.not_past_forms
            for word in self.words.words[last - 1 : last + _LAST_VERB_WORDS]
        )

    def _sets_scene(self, placed: _Placed, first: int) -> bool:
        """Whether the preposition before the cue says that all this happens in it; without one, if named first."""
        words, language = self.words.words, self.language
        for i in range(placed.start - 1, max(placed.start - 1 - _PREPOSITION_WORDS, -1), -1):
            if words[i] in placed.cue.opened_by:
                return True
            if words[i] in language.prepositions:
                return False
        kind = self.kinds[self.clause_of[placed.start]]
        return placed.end <= first and kind not in (_Clause.TRANSPARENT, _Clause.DEPENDENT)

    def _is_time_phrase(self, index: int) -> bool:
        """Whether the clause of a date is a mere "after the 2001 attacks" at the edge of its sentence."""
        clause = self.clause_of[index]
        if clause not in self._time_phrases:
            self._time_phrases[clause] = self._find_time_phrase(index)
        return self._time_phrases[clause]

    def _find_time_phrase(self, index: int) -> bool:
        start = self._clause_start(index)
        end = index
        while end < len(self.words) and end < index + _REACH_WORDS and self._together(end, index):
            end += 1
        words = self.words.words
        is_edge = not start or not any(word[0].isalnum() for word in words[end : end + _REACH_WORDS])
        return (
            is_edge
            and words[start] in self.language.time_openers
            and not any(self._is_finite(i) or self.is_past_form(i) for i in range(start, end))
        )

    def retelling(self) -> _Placed | None:
        """The past date of a sentence whose every main verb is past, or None."""
        language, words = self.language, self.words.words
        if self.recent or not self.undated_words.isdisjoint(language.timeless | language.beginning_verbs):
            return None
        dates = [placed for placed in self.cues if placed.cue.is_date and not placed.cue.is_ahead]
        verbs = [
            i
            for i in range(min(len(words), _REACH_WORDS))
            if self.kinds[self.clause_of[i]] in (_Clause.MAIN, _Clause.CONTRAST) and self.is_past_form(i)
        ]
        if not dates or not verbs:
            return None
        decided = (self.decide(i, i + 1) for i in verbs)
        return dates[0] if all(placed is not None and placed.cue.stance is Stance.PAST for placed in decided) else None

    def goes_on(self, *, in_paragraph: bool) -> bool:
        """Whether the sentence tells nothing but more of what the one before it tells."""
        language = self.language
        return self.may_go_on() and any(
            self._is_first(hit.start) and hit.start < 2 and (in_paragraph or not hit.value)
            for hit in language.goes_on.find(self.words)
        )

    def may_go_on(self) -> bool:
        """Whether nothing in the sentence, a date, a tense or a speaker, says that it is news."""
        language = self.language
        return not self.recent and self.undated_words.isdisjoint(language.timeless | language.reported)

    def _clause_start(self, index: int) -> int:
        lowest = max(0, index - _REACH_WORDS)
        while index > lowest and self.clause_of[index - 1] == self.clause_of[index]:
            index -= 1
        return index

    def _has_recent_date(self, placed: _Placed, first: int, last: int) -> bool:
        """Whether a recent date stands in the clause of the match, nearer to it than the past one."""
        distance = first - placed.end if placed.end <= first else placed.start - last
        is_own_clause = self._together(first, placed.start)
        near = bisect_left(self.recent, first - _REACH_WORDS)
        return any(
            self._together(at, first) and (not is_own_clause or min(abs(at - first), abs(at - last)) <= distance)
            for at in self.recent[near : bisect_right(self.recent, last + _REACH_WORDS)]
        )

    def _is_stolen(self, placed: _Placed, first: int, last: int) -> bool:
        """Whether another verb has the date, as in "the treaty signed in 1992 was invoked"."""
        language, words = self.language, self.words.words
        if placed.start >= last:
            between = range(last, placed.start)
            return any(self.is_past_form(i) or words[i] in language.past_finite for i in between)
        is_joined = not language.ands.isdisjoint(words[placed.end : first])
        if is_joined or words[first].endswith(language.participle_endings):
            return False  # "attacked in 2020, killing 12", "attacked in 2020 and killed 12"
        clause_start = self._clause_start(placed.start)
        if self.kinds[self.clause_of[clause_start]] not in (_Clause.MAIN, _Clause.CONTRAST):
            return False
        verbs = [
            i
            for i in range(max(clause_start, placed.start - 4), placed.start)
            if self.is_past_form(i) and words[i] not in language.lasting_verbs
        ]
        return bool(verbs) and verbs[-1] > clause_start and self.verb_group(verbs[-1]).start == verbs[-1]


_AHEAD = _Cue(Stance.PLANNED, _Governs.SETTING, rank=_RANKS[Stance.PLANNED], is_date=True, is_ahead=True)
_PAST = _Cue(Stance.PAST, _Governs.SETTING, rank=_RANKS[Stance.PAST], is_date=True)
_LAST_YEAR = _Cue(Stance.PAST, _Governs.SETTING, rank=_RANKS[Stance.PAST], is_date=True, is_ahead=True)


def _past_date(start: int, end: int) -> _Placed:
    return _Placed(start, end, _PAST)


def _place(hits: list[Hit[_Cue]]) -> Iterator[_Placed]:
    """The cues that are no part of a longer one, as "ruled out" is of "not ruled out", and touch no exception.

    What governs the words before it takes nothing from what governs those after it: "will" still rules in "will begin".
    """
    owner: dict[tuple[int, bool], Hit[_Cue]] = {}  # by word and whether it governs what stands before it
    kept: list[Hit[_Cue]] = []
    for hit in sorted(hits, key=lambda hit: (-len(hit.literal), hit.value.governs is not _Governs.NOTHING, hit.start)):
        is_exception = hit.value.governs is _Governs.NOTHING
        side = hit.value.governs is _Governs.PRECEDING
        owners = [owner[i, side] for i in hit.literal if (i, side) in owner]
        if any(other.value.governs is _Governs.NOTHING for other in owners):
            continue
        if len(owners) == len(hit.literal) and any(len(other.literal) > len(hit.literal) for other in owners):
            continue
        for i in hit.literal:
            for at in ((i, True), (i, False)) if is_exception else ((i, side),):
                owner.setdefault(at, hit)
        kept.append(hit)
    for hit in kept:
        if hit.value.governs is not _Governs.NOTHING:
            has_gap = len(hit.literal) < hit.end - hit.start
            yield _Placed(hit.start, hit.end, hit.value, hit.literal if has_gap else frozenset())


def _clauses(words: Words, language: _Language) -> tuple[tuple[int, ...], tuple[_Clause, ...]]:
    """For each word the number of its clause, and for each clause its kind.

    A clause in the middle that a comma closes gives back to the clause around it.
    """
    beginnings: dict[int, Hit[_Clause]] = {}
    covered = -1
    held: set[int] = set()  # the words of beginnings; a comma among them closes nothing: "после того, как"
    for hit in sorted(language.clauses.find(words), key=lambda h: (h.start, -len(h.literal))):
        if hit.start >= covered:
            beginnings[hit.start] = hit
            held |= hit.literal
            covered = hit.end if hit.value is _Clause.NONE else hit.start + 1
    clause_of: list[int] = []
    used: set[int] = set()
    kinds: list[_Clause] = [_Clause.MAIN]
    current, around = 0, 0
    for i, word in enumerate(words.words):
        beginning = beginnings.get(i)
        if beginning is not None and beginning.value is not _Clause.NONE:
            if kinds[current] in (_Clause.MAIN, _Clause.CONTRAST):
                around = current
            kinds.append(beginning.value)
            current = len(kinds) - 1
            if beginning.value is _Clause.CONTRAST:
                around = current
        elif word == "(":
            around = current if kinds[current] in (_Clause.MAIN, _Clause.CONTRAST) else around
            kinds.append(_Clause.RELATIVE)
            current = len(kinds) - 1
        clause_of.append(current)
        used.add(current)
        is_end = word == ")"
        if word == "," and i not in held:
            # "which crashed in 1985, killing all": a participle goes on with the clause before the comma.
            is_end = not (i + 1 < len(words) and words.words[i + 1].endswith(language.participle_endings))
        if is_end and kinds[current] in _CLOSED_BY_COMMA:
            if around not in used:
                kinds.append(_Clause.MAIN)
                around = len(kinds) - 1
            current = around
    return tuple(clause_of), tuple(kinds)


def judge(reading: Reading, start: int, end: int) -> Judgement:
    """The stance of the match at ``start`` up to ``end`` of ``reading.full``, by the cues of its own sentence.

    Languages without a cue file judge everything as happened.
    """
    cues: Cues = reading.cache.get(_CUES, _SHIPPED)
    language = cues.of(reading.language)
    if language is None:
        return Judgement(Stance.HAPPENED, None)
    sentence = reading.sentence_at(start)
    analysis = _analysis(reading, sentence, language)
    first, last = analysis.indexes(reading, start, min(end, sentence.end))
    if first >= last:
        return Judgement(Stance.HAPPENED, None)
    asked = analysis.is_asked(last)
    if asked is not None:
        return Judgement(Stance.POSSIBLE, _original(reading, analysis.words, asked, asked + 1))
    placed = analysis.decide(first, last)
    if placed is None:
        return _retold(reading, sentence, language) or Judgement(Stance.HAPPENED, None)
    return Judgement(placed.cue.stance, _original(reading, analysis.words, placed.start, placed.end))


def dates_in(reading: Reading, sentence: Sentence) -> tuple[DateMention, ...]:
    """The dates that a sentence names; cached on the reading."""
    key = f"dates.{sentence.index}"
    known: tuple[DateMention, ...] | None = reading.cache.get(key)
    if known is None:
        known = reading.cache[key] = find_dates(
            reading.full, sentence.start, sentence.end, reading.language, reading.reference_at
        )
    return known


def _analysis(reading: Reading, sentence: Sentence, language: _Language) -> _Analysis:
    key = f"stance.{sentence.index}"
    known: _Analysis | None = reading.cache.get(key)
    if known is None:
        known = reading.cache[key] = _Analysis(reading, sentence, language)
    return known


def _retold(reading: Reading, sentence: Sentence, language: _Language) -> Judgement | None:
    """Past, where the sentence goes on with what an earlier one dates: "They fought in 2020. It killed 6,000."."""
    own = sentence
    for _ in range(_LONGEST_RETELLING):
        earlier = reading.sentence(own.index - 1)
        if earlier is None or own.start <= reading.text_start:
            return None
        in_paragraph = earlier.paragraph == own.paragraph
        analysis = _analysis(reading, own, language)
        # What stands between the date and the match need not begin like a sentence that goes on.
        if not (
            analysis.goes_on(in_paragraph=in_paragraph) or (own != sentence and in_paragraph and analysis.may_go_on())
        ):
            return None
        analysis = _analysis(reading, earlier, language)
        placed = analysis.retelling()
        if placed is not None:
            return Judgement(Stance.PAST, _original(reading, analysis.words, placed.start, placed.end))
        own = earlier
    return None


def _original(reading: Reading, words: Words, first: int, last: int) -> tuple[int, int]:
    return reading.folded.original(words.starts[first], words.ends[last - 1])


def languages() -> tuple[str, ...]:
    """The languages whose cues are known."""
    return languages_of("cues")

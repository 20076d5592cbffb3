"""Which states a text names as parties, and why the other names in it are none.

A capital counts for its state, because news uses it for the government ("Yerevan accused Baku"). It is a mere place
where something is hosted in it ("talks in Vienna", "the Vienna talks") or somebody speaks there ("said in Moscow").
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count

from watcher.text.fold import fold_term, is_word_end, is_word_start
from watcher.text.reading import Reading
from watcher.text.sentences import Sentence
from watcher.understand.gazetteer import Compounds, Gazetteer, Kind, Name

__all__ = ["Gazetteer", "StateMention", "find_states"]

ORGANISATION = "organisation"  # why an organisation is no party; a list that holds its code takes it all the same

_CACHE_KEY = "states"

# Between a Turkish name and the end of the word, folded: plural, possessive, case, relative -ki.
_TURKISH_ENDING = re.compile(
    r"(?:'\w{1,10}|(?:l[iu])?(?:l[ae]r)?(?:[iu]m[iu]z)?(?:s[iu])?"
    r"(?:n?[iu]n|y?[iu]|n?[ae]|y[ae]|n?[dt][ae]n?|y?l[ae])?(?:k[iu])?)(?!\w)"
)
_TURKISH = frozenset({"tr", "az"})
# What Arabic writes together with the next word: and, so, with, to, like, the.
_ARABIC_PREFIX = re.compile(r"(?:^|[^\w])(?:[وف]?(?:[بلك]|س)?(?:ال)?|[وف]?لل)$")

_ARABIC_ARTICLE = "ال"
_ARABIC_PREPOSITIONS = frozenset(
    {"في", "خلال", "اثر", "بعد", "قرب", "غرب", "شرق", "شمال", "جنوب", "وسط", "داخل", "مع", "من"}
)
_ARABIC_FATHER = frozenset({"ابو", "ابي", "ابا", "ابن", "عبد", "ام"})

_MONTH = (
    r"(?i:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_DASH = r"(?:--?|[\u2013\u2014\u2015])"
_PLACES = r"[^\W\d_][\w.'’-]*(?:[ ,/]{1,2}(?:[^\W\d_a-z][\w.'’]*|and|of|de|al|\d{1,4})){0,9}?[,.]?"
# A dateline at the start of a line: places, then an agency, a date, or in capitals a dash.
_DATELINES = (
    re.compile(rf"\W{{0,3}}{_PLACES} ?\([A-Z][\w .,/&-]{{1,40}}\) ?(?:{_DASH}|:)"),
    re.compile(rf"\W{{0,3}}{_PLACES} ?/[A-Za-z. ]{{2,20}}/"),
    re.compile(
        rf"\W{{0,3}}{_PLACES} ?\(?(?:{_MONTH} \d{{1,2}}|\d{{1,2}} {_MONTH})(?:,? \d{{4}})?\)?[,.]?"
        rf"(?: ?(?:\([^()]{{2,40}}\)|/[^/]{{2,30}}/|[A-Z][A-Za-z]+[.,]))? ?(?:{_DASH}|[:.])",
    ),
    re.compile(rf"\W{{0,3}}[A-Z][A-Z.'’ -]+(?:[,/] ?[\w. ]{{2,30}}){{0,2}} {_DASH} "),
)
# Behind a capital that begins a line: "Ouagadougou - Rwanda's threat", "Caracas, Venezuela - The results".
_DATELINE_REST = re.compile(rf"(?:, [A-Z][\w. ]{{1,25}})?,? {_DASH} ")
# Behind a capital in capitals that begins a line: "ISLAMABAD: Pakistan said", "MANILA U.S. jets", "SEOUL/TOKYO Japan".
_CAPS_DATELINE_REST = re.compile(r"(?:/[A-Z ]+)?(?:: | (?=[A-Z]))")
_SHARED_DATELINE = re.compile(r"\W{0,3}(?:[A-Z][A-Z .]+/)*")  # before it: "SEOUL/TOKYO"
# Behind a city that begins a line and is no capital: "GORIS, Armenia —".
_CITY_BEFORE = re.compile(r"\W{0,3}[A-Z][\w'’.-]+(?: [A-Z][\w'’.-]+)?, $")
_LONGEST_DATELINE = 110
# "Columbus, Georgia, U.S."
_TOWN_BEFORE = re.compile(r"[A-Z][\w'’.-]+, $")
_COUNTRY_BEHIND = re.compile(r", (?:the )?(?:United States|USA|U\.S|US)\b")

_HOSTED = (
    r"(?:talks|summits?|meetings?|meet|meets|met|conferences?|forums?|negotiations|negotiating|ceremony|consultations"
    r"|gathering|gathered|congress|workshop|seminar|symposium|festival|exhibition|held|hosted|hearing|trial)"
)
_HOSTED_BEFORE = re.compile(
    rf"\b{_HOSTED}\b(?:\W+\w+){{0,6}}?\W+(?:in|at|near|outside)\s+(?:central |downtown )?$", re.IGNORECASE
)
_HOSTED_BEHIND = re.compile(rf" (?:peace |nuclear |security |climate )?{_HOSTED}\b")
_SPOKE_THERE = re.compile(
    r"\b(?:said|told \w+(?: \w+)?|speaking|spoke|reporters|journalists|correspondents?|reporting|newsroom|bureau)"
    r" (?:in|from) $"
)
_THE_BEFORE = re.compile(r"\b[Tt]he $")
_RIVER_BEHIND = re.compile(
    r"[.,;)]|$"
    r"| (?:and|or|in|at|near|into|to|from|on|is|was|were|flows?|flowed|floods?|flooded|overflowed|rose|bursts?)\b"
)
# Between a state and the holder of an office of it; before a state that stands behind the office.
_OFFICE = re.compile(
    r"(?:['’]s?)? (?:(?i:new|acting|interim|deputy|then|current|outgoing|caretaker|longtime|top) )*(?P<office>.+?),? "
)
_OF_BEFORE = re.compile(r"(?<= )(?:(?:of|de|du|del|des|da|di|la|le|les|el|the) |de l['’]|d['’]|l['’])+$")
_LONGEST_OFFICE = 40
# What brings two leaders together: "Trump and Kim", "Pashinyan said Medvedev".
_BETWEEN_LEADERS = re.compile(
    r" (?:and|meets?|met|tells|told|said|says|accused|accuses|warned|warns|urged|urges|called|calls|phoned|thanked"
    r"|thanks|invited|invites|et|y|ve|и|та|і|و)(?: that)? ",
)
# "Saleh al-Iraqi", "Mohammed Al Sudani"; without the hyphen "al" is a word of other languages.
_NISBA_BEFORE = re.compile(r"\b[AaEe](?:[lnrst]|sh)-$|\b[A-Z][\w'’-]+ [Aa]l $")
# "the states of Borno, Niger and Plateau", "Borno, Niger and Plateau states"
_REGIONS = r"(?:states?|provinces?|counties|governorates)"
_REGION = r"[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?"
_REGIONS_OF_BEFORE = re.compile(
    rf"\b(?i:{_REGIONS}) (?:of|including|such as|like) (?P<list>(?:{_REGION}, )*(?:{_REGION},? (?:and|or) )?)$"
)
_REGIONS_BEFORE = re.compile(rf"(?P<list>(?:{_REGION}, )*(?:{_REGION},? (?:and|or) )?)$")
_REGIONS_BEHIND = re.compile(rf"(?P<list>(?:(?:,? and |, | or ){_REGION})*)(?P<regions> (?i:{_REGIONS})\b)?")
_WORD = re.compile(r"[\w.'’]+")
_NEXT_WORD = re.compile(r" ([A-Z][\w'’]+)")
_LAST_WORD = re.compile(r"([^\W\d_][\w'’.-]*) $")
# "speaks in French", not "in French waters".
_TONGUE_BEFORE = re.compile(r"\b(?:in|into|from) $")
_TONGUE_BEHIND = re.compile(r"(?=[.,;:!?)\"”]|$| (?:and|or|that|on|but|to|at|as|was|is|said)\b)")
_OF_THE_STATE = re.compile(r"\b(?P<word>[\w ]{3,40}?) (?:of|in|from|to) (?:the )?$", re.IGNORECASE)
_US_BEHIND = re.compile(
    r"(?:-|['’]S\b| (?:TROOPS|ARMY|FORCES?|PRESIDENT|SAYS?|SAID|WARNS?|MILITARY|NAVY|NAVAL|MARINES?|STRIKES?|AIR"
    r"|AIRSTRIKES?|EMBASSY|OFFICIALS?|SENATE|SENATORS?|CONGRESS|DRONES?|ENVOYS?|AMBASSADOR|WARSHIPS?|WARPLANES?|JETS?"
    r"|SOLDIERS?|GENERAL|STATE|SECRETARY|DEFEN[CS]E|TREASURY|DOLLAR|SANCTIONS|TANKERS?|DIPLOMATS?|CONSULATE|CITIZENS?"
    r"|NATIONALS?)\b)"
)
# Before the pronoun rather than the state.
_PRONOUN_BEFORE = re.compile(
    r"\b(?:LETS?|TELL|TELLS|TOLD|GIVES?|GAVE|SHOWS?|SHOWED|HELPS?|HELPED|TEACH|TEACHES|MAKES?|MADE|KEEPS?|KEPT|LEAVES?|LEFT"
    r"|SAVES?|SAVED|BRINGS?|BROUGHT|ASKS?|ASKED|TAKES?|TOOK|LEADS?|LED|OF|FOR|AMONG|AROUND|BEHIND|BEFORE|UPON|LIKE|ABOUT"
    r"|ALL|BOTH|BETWEEN) $"
)
_SHORTEST_PART = 500  # characters; looking at a part costs as much as at so many more
_HEADLINE_SHARE = 0.7  # share of capitalised words from which a sentence reads as a headline in title case


@dataclass(frozen=True, slots=True)
class StateMention:
    """A name of a state in a text; offsets are half-open, in code points of ``Reading.full``."""

    code: str  # ISO 3166-1 alpha-2, XK for Kosovo; an organisation's own; a former state's old one; "" for a territory
    start: int
    end: int
    kind: Kind
    excluded: str | None  # why it names no party, in words; None: it counts


@dataclass(frozen=True, slots=True)
class _Hit:
    """A name where it stands."""

    name: Name
    meanings: tuple[Name, ...]  # all of them: several leaders can share a surname
    term_start: int  # in the folded text
    term_end: int
    start: int  # in the original
    end: int


@dataclass(frozen=True, slots=True)
class _Part:
    """The names in one part of the text: a paragraph, or several short ones."""

    hits: Sequence[_Hit]  # those that name something, in text order
    hidden: Sequence[tuple[_Hit, str]]  # inside a longer name that holds no state, with the reason


def find_states(reading: Reading, gazetteer: Gazetteer, sentence: Sentence | None = None) -> tuple[StateMention, ...]:
    """Every name of a state in text order, those that name no party included, with the reason.

    With a sentence only those in it, which costs no more than its paragraph asks for.
    """
    text: _Text | None = reading.cache.get(_CACHE_KEY)
    if text is None or text.version != gazetteer.version:
        text = reading.cache[_CACHE_KEY] = _Text(reading, gazetteer)
    if sentence is None:
        return text.mentions(0, len(reading.full))
    return text.mentions(sentence.start, sentence.end)


class _Text:
    """The names in one reading and what surrounds them."""

    def __init__(self, reading: Reading, gazetteer: Gazetteer) -> None:
        self.version = gazetteer.version
        self._reading = reading
        self._gazetteer = gazetteer
        self._full = reading.full
        self._folded = reading.folded.text
        language = reading.language
        self._languages = frozenset({language}) if language in gazetteer.languages else gazetteer.languages
        # Whether names carry endings that the table does not list. Those of Turkish are too short for other languages.
        self._is_turkish = language in _TURKISH
        self._is_inflected = self._is_turkish or not self._languages.isdisjoint(gazetteer.name_endings)
        self._compounds = [table for code, table in gazetteer.compounds.items() if code in self._languages]
        # English contexts are cheap to look for and rarely mislead in other languages of the same script.
        self._has_capitals = any(character.isupper() for character in self._full)
        self._codes: dict[tuple[int, int], frozenset[str]] = {}
        self._found: dict[tuple[re.Pattern[str], int, int], bool] = {}
        self._paragraphs: dict[int, tuple[int, int]] = {}
        self._titles: dict[int, bool] = {}
        self._caps: dict[int, bool] = {}
        self._reasons: dict[int, str | None] = {}  # by start of the hit: why it is no party, ambiguity aside
        # Part by part, as they are asked for: most rules want to know of a sentence or two.
        self._part_starts: list[int] = []  # as far as they were asked for
        self._more_starts = _part_starts(reading)
        self._candidate_parts: dict[int, Sequence[_Hit]] = {}
        self._found_parts: dict[int, _Part] = {}
        self._settled_parts: dict[int, Sequence[_Hit]] = {}

    def mentions(self, start: int, end: int) -> tuple[StateMention, ...]:
        """The mentions that begin between two offsets; what they do not ask for of the others is not worked out."""
        judged = [(hit, self._verdict(hit)) for hit in self._hits_between(start, end)]
        for number in self._parts_between(start, end):
            judged += [(hit, reason) for hit, reason in self._found_part(number).hidden if start <= hit.start < end]
        repeated = self._reading.repeated_title or (0, 0)
        mentions = [
            StateMention(hit.name.code, hit.start, hit.end, hit.name.kind, reason)
            for hit, reason in judged
            if hit.name.kind is not None and not (repeated[0] <= hit.start and hit.end <= repeated[1])
        ]
        return tuple(sorted(mentions, key=lambda mention: (mention.start, mention.end)))

    def _verdict(self, hit: _Hit) -> str | None:
        """Why a hit is no party; None: it is one."""
        reason = self._reason(hit)
        return self._ambiguity(hit) if reason is None else reason

    def _reason(self, hit: _Hit) -> str | None:
        """Why a hit is no party, whatever the other names say."""
        if hit.start not in self._reasons:
            self._reasons[hit.start] = self._exclusion(hit)
        return self._reasons[hit.start]

    def _parts_between(self, start: int, end: int) -> range:
        """The numbers of the parts that have a share of these offsets."""
        self._cut(end)
        return range(bisect_right(self._part_starts, start) - 1, bisect_left(self._part_starts, end))

    def _cut(self, offset: int | None) -> None:
        """Cuts parts off until one begins behind the offset; None: to the end."""
        starts = self._part_starts
        while not starts or offset is None or starts[-1] <= offset:
            start = next(self._more_starts, None)
            if start is None:
                return
            starts.append(start)

    @property
    def _all_parts(self) -> range:
        self._cut(None)
        return range(len(self._part_starts))

    def _hits_between(self, start: int, end: int) -> Iterator[_Hit]:
        """The hits that begin between two offsets, each for the state that it means here."""
        for number in self._parts_between(start, end):
            hits = self._part(number)
            yield from hits[bisect_left(hits, start, key=_start_of) : bisect_left(hits, end, key=_start_of)]

    def _part(self, number: int) -> Sequence[_Hit]:
        """The hits of a part, shared names settled."""
        if number not in self._settled_parts:
            hits = self._found_part(number).hits
            rivals = self._gazetteer.patterns.rivals
            if not rivals.keys().isdisjoint(hit.name.written for hit in hits):
                hits = [self._among_rivals(hit) for hit in hits]
            self._settled_parts[number] = hits
        return self._settled_parts[number]

    def _found_part(self, number: int) -> _Part:
        """The longest names of a part from left to right, and those that a longer name of another thing hides."""
        if number not in self._found_parts:
            self._found_parts[number] = self._find_part(number)
        return self._found_parts[number]

    def _find_part(self, number: int) -> _Part:
        hits: list[_Hit] = []
        hidden: list[tuple[_Hit, str]] = []
        settled = [self._settle_surname(hit) if hit.name.is_surname else hit for hit in self._candidates(number)]
        leaders = [hit for hit in settled if hit is not None and hit.name.kind == "leader"]
        for candidate, known in zip(self._candidates(number), settled, strict=True):
            hit = known or self._among_leaders(candidate, leaders)
            if hit is None:
                continue
            last = hits[-1] if hits else None
            if last is not None and hit.term_start < last.term_end:
                if last.name.kind is None and hit.name.kind is not None and hit.term_end <= last.term_end:
                    hidden.append((hit, f"{last.name.reason}: {self._full[last.start : last.end]}"))
                continue
            hits.append(hit)
        return _Part([hit for hit in hits if hit.name.kind is not None], hidden)

    @cached_property
    def _own_codes(self) -> frozenset[str]:
        """The states that the text names by a name that no other state shares."""
        rivals = self._gazetteer.patterns.rivals
        hits = (hit for number in self._all_parts for hit in self._found_part(number).hits)
        return frozenset(h.name.code for h in hits if h.name.written not in rivals and self._reason(h) is None)

    def _among_rivals(self, hit: _Hit) -> _Hit:
        """The hit for the second state of a shared name where only that one has a name of its own in the text."""
        first, second = self._gazetteer.patterns.rivals.get(hit.name.written, ("", ""))
        if second not in self._own_codes or first in self._own_codes:
            return hit
        self._reason(hit)  # by the words around the name as the data has it
        return replace(hit, name=replace(hit.name, code=second))

    def _candidates(self, number: int) -> Sequence[_Hit]:
        """Every name in a part as it is written there, overlapping ones too; the longest of a place first."""
        if number not in self._candidate_parts:
            found = sorted(self._find_candidates(number), key=lambda hit: (hit.term_start, -hit.term_end))
            self._candidate_parts[number] = found
        return self._candidate_parts[number]

    def _find_candidates(self, number: int) -> Iterator[_Hit]:
        text, folded = self._folded, self._reading.folded
        table = self._gazetteer.table(self._languages)
        behind = self._part_starts[number + 1] if number + 1 < len(self._part_starts) else len(self._full)
        first_term, last_term = folded.folded(self._part_starts[number], behind)
        matches = table.automaton.find_matches_as_indexes(text[first_term:last_term], overlapping=True)
        for index, start_in_part, end_in_part in matches:
            start, end = start_in_part + first_term, end_in_part + first_term
            # Most hits stand inside other words; this test is cheaper than the full one, which Arabic prefixes need.
            if start and text[start - 1].isalpha() and text[start] < "\u0600":
                continue
            if not self._is_inflected and text[end : end + 1].isalpha() and text[end - 1].isalpha():
                continue
            names = table.meanings[index]
            if not self._is_word(start, end, names):
                continue
            first, last = folded.original(start, end)
            names = tuple([name for name in names if self._is_written(name, first, last)])
            if names:
                # A name proper goes before a surname that is spelled like it.
                name = names[0] if len(names) == 1 else min(names, key=lambda name: name.is_surname)
                yield _Hit(name, names, start, end, first, last)

    def _is_word(self, start: int, end: int, names: Sequence[Name]) -> bool:
        text = self._folded
        if not is_word_start(text, start) and not (
            "\u0600" <= text[start] <= "\u06ff" and _ARABIC_PREFIX.search(text[max(start - 5, 0) : start])
        ):
            return False
        if is_word_end(text, end):
            return True
        languages = frozenset[str]().union(*(name.languages for name in names))
        if (not languages or languages & _TURKISH) and self._is_turkish:
            return _TURKISH_ENDING.match(text, end) is not None
        endings = (self._gazetteer.name_endings[code] for code in languages & self._gazetteer.name_endings.keys())
        # An abbreviation has its ending behind a hyphen.
        is_abbreviation = all(_is_abbreviation(name.written) for name in names)
        return not is_abbreviation and any(ending.match(text, end) for ending in endings)

    def _is_written(self, name: Name, start: int, end: int) -> bool:
        """Whether the original has the capital letters of the name, or is wholly in one case."""
        original = self._full[start:end]
        if "\n\n" in original:
            return False
        if not self._has_capitals and name.written != name.written.swapcase():
            return not name.is_ambiguous and not name.is_surname and not _is_abbreviation(name.written)
        if original == name.written and original != "US":
            return True
        if "ı" in original and "ı" not in name.written:
            return False  # Turkish: "malı" is no "Mali"
        if self._is_caps(start):
            return not (name.written == "US" and not self._is_united_states(start, end))
        if name.written.islower():
            return True
        written, found = _WORD.findall(name.written), _WORD.findall(original)
        if len(written) != len(found):
            found = [original] * len(written)
        for expected, word in zip(written, found, strict=True):
            if _is_abbreviation(expected) and not expected[1:].islower():
                if not word.isupper():
                    return False
            elif expected[0].isupper() and not word[0].isupper():
                return False
        return True

    def _is_united_states(self, start: int, end: int) -> bool:
        """Whether US in a text wholly in capitals is the state and not the pronoun."""
        if _US_BEHIND.match(self._full, end):
            return True
        return _PRONOUN_BEFORE.search(self._before(start)) is None

    def _settle_surname(self, hit: _Hit) -> _Hit | None:
        """The hit for the leader whom a bare surname means; None where it means nobody that we know."""
        surnames = [name for name in hit.meanings if name.is_surname]
        is_sure = len(surnames) == 1 and surnames[0].is_unmistakable
        named = [] if is_sure else [name for name in surnames if self._is_named_in_full(name)]
        year = self._reading.reference_at.year
        in_office = [name for name in surnames if name.years[0] - 1 <= year <= name.years[1] + 1]
        sure = [name for name in surnames if name.is_unmistakable]
        for choice in (named, [name for name in sure if name in in_office], sure, in_office):
            codes = {name.code for name in choice}
            if len(codes) == 1 and (choice is not in_office or self._has_title(hit)):
                return hit if choice[0] == hit.name else replace(hit, name=choice[0])
        return None

    def _among_leaders(self, hit: _Hit, leaders: Sequence[_Hit]) -> _Hit | None:
        """The hit for a leader in office who is named beside another: "Trump and Kim met"."""
        names = [name for name in hit.meanings if name.is_surname and self._is_in_office(name)]
        if len({name.code for name in names}) != 1 or not self._is_beside(hit, leaders):
            return None
        return replace(hit, name=names[0])

    def _is_beside(self, hit: _Hit, leaders: Sequence[_Hit]) -> bool:
        at = bisect_left(leaders, hit.start, key=_start_of)
        if at and _BETWEEN_LEADERS.fullmatch(self._full[leaders[at - 1].end : hit.start]):
            return not _NEXT_WORD.match(self._behind(hit.end))
        if at == len(leaders) or not _BETWEEN_LEADERS.fullmatch(self._full[hit.end : leaders[at].start]):
            return False
        before = _LAST_WORD.search(self._before(hit.start))
        return before is None or not before[1][0].isupper()

    def _is_in_office(self, name: Name) -> bool:
        return name.years[0] <= self._reading.reference_at.year <= name.years[1]

    def _is_named_in_full(self, surname: Name) -> bool:
        """Whether the text calls a leader of that surname and state by the full name, too."""
        for full in self._gazetteer.full_names.get((surname.code, surname.written), ()):
            at = self._folded.find(full)
            while at >= 0:
                offset, _ = self._reading.folded.original(at, at + len(full))
                for hit in self._candidates(self._parts_between(offset, offset + 1)[0]):
                    name = hit.name
                    is_full = name.kind == "leader" and not name.is_surname
                    if is_full and name.code == surname.code and surname.written in name.written:
                        return True
                at = self._folded.find(full, at + 1)
        return False

    def _has_title(self, hit: _Hit) -> bool:
        """Whether a title of office stands before a name: "President Biya", "le président camerounais Biya"."""
        before = self._before(hit.start)
        if self._ends_with_title(before):
            return True
        word = _LAST_WORD.search(before)
        return word is not None and not word[1][0].isupper() and self._ends_with_title(before[: word.start()])

    def _ends_with_title(self, before: str) -> bool:
        patterns = self._gazetteer.patterns
        word = _LAST_WORD.search(before)  # spares the long pattern
        return word is not None and patterns.may_end_title(word[1]) and patterns.titles.search(before) is not None

    def _exclusion(self, hit: _Hit) -> str | None:
        """Why a name is no party, whatever else the text says; None: nothing speaks against it."""
        name = hit.name
        if name.kind == "territory":
            return "territory"
        if name.kind == "organisation":
            return self._compound(hit) or ORGANISATION
        if name.until is not None and self._reading.reference_at.date() > name.until:
            return "former state"
        if name.is_combining and not re.match("[-\u2010\u2011\u2013][A-Z]", self._full[hit.end : hit.end + 2]):
            return "no name by itself"
        reason = self._compound(hit)
        if reason is not None:
            return reason
        if self._is_dateline(hit):
            return "dateline"
        if name.kind == "leader" and (reason := self._no_leader(hit)):
            return reason
        return self._other_thing(hit)

    def _no_leader(self, hit: _Hit) -> str | None:
        """Why a leader's name does not stand for the state: out of office, or somebody else's."""
        patterns = self._gazetteer.patterns
        year = self._reading.reference_at.year
        same = (name for name in hit.meanings if name.code == hit.name.code and name.kind == "leader")
        if not any(name.years[0] - 1 <= year <= name.years[1] for name in same):
            return f"out of office: {hit.name.written}"
        before = self._before(hit.start)
        if found := patterns.former.search(before):
            return f"out of office: {found['word'].lower()} {hit.name.written}"
        if state := self._other_office(hit):
            return f"person: {state} {hit.name.written}"
        if hit.name.is_surname and (namesake := self._namesake(hit)):
            return f"person: {namesake}"
        return None

    def _other_office(self, hit: _Hit) -> str | None:
        """The name of another state of which the person holds an office: "Colombian defence minister Pedro Sánchez"."""
        number = bisect_right(self._part_starts, hit.start) - 1
        hits = self._found_part(number).hits
        at = bisect_left(hits, hit.start, key=_start_of) - 1
        if at < 0:
            return None
        state = hits[at]
        if state.name.code in ("", hit.name.code) or state.name.kind not in ("name", "demonym"):
            return None
        titles = self._gazetteer.patterns.titles
        between = self._full[state.end : hit.start]
        if len(between) > _LONGEST_OFFICE or state.start < self._reading.sentence_at(hit.start).start:
            return None
        if between in (" ", ", "):  # "министр обороны Колумбии Педро Санчес"
            is_office = titles.search(_OF_BEFORE.sub("", self._before(state.start))) is not None
        else:
            office = _OFFICE.fullmatch(between)
            is_office = office is not None and titles.fullmatch(f" {office['office']} ") is not None
        return self._full[state.start : state.end] if is_office else None

    def _namesake(self, hit: _Hit) -> str | None:
        """The full name of somebody who shares a leader's surname: "Hunter Biden"."""
        before = self._before(hit.start)
        found = _LAST_WORD.search(before)
        if (
            found is None
            or found[1].endswith(".")
            or not found[1][0].isupper()
            or found[1].isupper()
            or self._is_title_case(hit.start)
        ):
            return None
        patterns = self._gazetteer.patterns
        word = found[1]
        if word in patterns.before_surname or patterns.titles.search(before):
            return None
        if word[0] in patterns.initials[hit.name.written]:
            return None  # another spelling of the leader's own name
        return None if self._is_name(word.removesuffix("'s").removesuffix("’s")) else f"{word} {hit.name.written}"

    def _compound(self, hit: _Hit) -> str | None:
        before, behind = self._before(hit.start), self._behind(hit.end)
        folded_before = self._folded[max(hit.term_start - 40, 0) : hit.term_start]
        folded_behind = self._folded[hit.term_end : hit.term_end + 40]
        for compounds in self._compounds:
            word = self._compound_word(compounds, hit, before, behind, folded_before, folded_behind)
            if word is not None:
                return word
        return None

    @staticmethod
    def _compound_word(
        compounds: Compounds, hit: _Hit, before: str, behind: str, folded_before: str, folded_behind: str
    ) -> str | None:
        if compounds.after_hyphen and (found := compounds.after_hyphen.match(behind)):
            return f"X-{found['word']}"
        if compounds.before_hyphen and (found := compounds.before_hyphen.search(before)):
            return f"{found['word'].lower()}-X"
        if compounds.before_space and (found := compounds.before_space.search(folded_before)):
            return f"{found['word'].strip()} X"
        is_adjective = hit.name.kind == "demonym" or compounds.after_hyphen is None
        if is_adjective and compounds.after_space and (found := compounds.after_space.match(folded_behind)):
            return f"X {found['word']}"
        return None

    def _is_dateline(self, hit: _Hit) -> bool:
        if hit.start < self._reading.title_end or hit.name.kind not in ("name", "capital"):
            return False
        line = self._full.rfind("\n", 0, hit.start) + 1
        if hit.start - max(line, self._reading.text_start) > _LONGEST_DATELINE:
            return False
        head = self._full[line : hit.start]
        # In a line wholly in capitals, capitals and a dash are no dateline.
        end_of_line = self._full.find("\n", hit.end)
        is_caps = self._full[line : end_of_line if end_of_line >= 0 else None].isupper()
        forms = _DATELINES[:-1] if is_caps else _DATELINES
        if any((found := form.match(self._full, line)) and found.end() >= hit.end for form in forms):
            return True
        behind = self._full[hit.end : hit.end + 60]
        if hit.name.kind == "name":
            city = _CITY_BEFORE.fullmatch(head)
            return city is not None and re.match(rf"(?: \([^()]+\))? {_DASH} ", behind) is not None
        if not _SHARED_DATELINE.fullmatch(head):
            return False
        if _DATELINE_REST.match(behind):
            return True
        is_upper = self._full[hit.start : hit.end].isupper() and not is_caps
        return is_upper and _CAPS_DATELINE_REST.match(behind) is not None

    def _other_thing(self, hit: _Hit) -> str | None:
        """What else the words around a name make of it: a newspaper, a treaty, a person."""
        patterns = self._gazetteer.patterns
        kind = hit.name.kind
        before, behind = self._before(hit.start), self._behind(hit.end)
        if not self._is_caps(hit.start) and kind in ("name", "capital", "demonym"):
            in_running_text = not self._is_title_case(hit.start)
            if in_running_text and (found := patterns.press.match(behind)):
                return f"newspaper: X {found['word']}"
            if found := patterns.institutions.match(behind):
                return f"institution: X {found['word']}"
            if found := patterns.institutions_before.search(before):
                return f"institution: {found['word']} X"
            if hit.name.is_ambiguous and _TOWN_BEFORE.search(before) and _COUNTRY_BEHIND.match(behind):
                return "another place: a town in X, U.S."
            if kind != "demonym" and (found := patterns.namesake_places.match(behind)):
                return f"another place: X, {found['word']}"
            if person := self._person(hit, before, behind, in_running_text):
                return f"person: {person}"
        if kind == "name" and self._is_region(hit, behind):
            return "another place: a state or province of that name"
        if hit.name.written in patterns.rivers and _THE_BEFORE.search(before) and _RIVER_BEHIND.match(behind):
            return "another place: the river X"
        if found := patterns.sports.match(behind):
            return f"sport: X {found['word']}"
        if kind == "capital":
            if found := patterns.treaties.match(behind):
                return f"treaty: X {found['word']}"
            return self._place(hit, before, behind)
        if kind == "demonym":
            return self._people(hit, before, behind)
        return None

    def _is_region(self, hit: _Hit, behind: str) -> bool:
        """Whether the name stands in a list of some state's parts, of which another is no state itself."""
        after = _REGIONS_BEHIND.match(behind)
        before = self._full[max(hit.start - 120, 0) : hit.start]
        listed = _REGIONS_OF_BEFORE.search(before)
        if listed is None and (after is None or after["regions"] is None):
            return False
        others = [] if after is None else re.findall(_REGION, after["list"])
        if listed is None:
            listed = _REGIONS_BEFORE.search(before)
        if listed is not None:
            others += re.findall(_REGION, listed["list"])
        return any(not self._is_name(other) for other in others)

    def _people(self, hit: _Hit, before: str, behind: str) -> str | None:
        patterns = self._gazetteer.patterns
        if _NISBA_BEFORE.search(before) or self._is_arabic_surname(hit):
            return "person: al-X"
        if found := patterns.things.match(behind):
            return f"thing: X {found['word']}"
        if found := patterns.ethnic.search(before):
            return f"people: {found['word'].lower()} X"
        if _TONGUE_BEFORE.search(before) and _TONGUE_BEHIND.match(behind) and not hit.name.written.endswith("s"):
            return "language"
        if hit.name.code != "US":
            if re.match("[- ]Americans?\\b", behind) and not patterns.relations.match(behind):
                return "people: X-American"
        elif any(name.kind in ("demonym", "territory") for name in self._names_before(hit)):
            # The part before "American" was judged by the same words.
            american = self._full[hit.start - 1 : hit.end] + behind
            if re.match("[- ]", american) and not patterns.relations.match(american):
                return "people: X-American"
        return None

    def _is_arabic_surname(self, hit: _Hit) -> bool:
        """Whether the demonym is the last part of an Arabic name: "أبو أحمد المصري"."""
        before = self._folded[max(hit.term_start - 30, 0) : hit.term_start]
        if not before.endswith(_ARABIC_ARTICLE):
            return False
        words = before.removesuffix(_ARABIC_ARTICLE).split()[-2:]
        patterns = self._gazetteer.patterns
        if not words:
            return False
        if words[-1] in patterns.arabic_given_names or (len(words) == 2 and words[0] in _ARABIC_FATHER):
            return True
        # "تقتل السوداني في": with the article and no noun it is somebody whom readers know by that name.
        behind = self._folded[hit.term_end : hit.term_end + 20].split()[:1]
        is_alone = not behind or behind[0] in _ARABIC_PREPOSITIONS or not behind[0][0].isalpha()
        return words[-1] in patterns.arabic_killings and is_alone and self._folded[hit.term_end - 1] == "ي"

    def _names_before(self, hit: _Hit) -> Sequence[Name]:
        """What the word before a name means by itself."""
        found = re.search(r"([\w']+) $", self._folded[max(hit.term_start - 30, 0) : hit.term_start])
        if found is None:
            return []
        return self._names_of(found[1].removesuffix("'s"))

    def _place(self, hit: _Hit, before: str, behind: str) -> str | None:
        if _HOSTED_BEHIND.match(behind):
            return "place: X talks"
        if _SPOKE_THERE.search(before):
            return "place: said in X"
        clause, _ = self._reading.clause_at(hit.start)
        if _HOSTED_BEFORE.search(self._full[max(clause, hit.start - 90) : hit.start]):
            return "place: talks in X"
        return None

    def _person(self, hit: _Hit, before: str, behind: str, in_running_text: bool) -> str | None:
        patterns = self._gazetteer.patterns
        written = hit.name.written
        if written in patterns.surnames and (found := _LAST_WORD.search(before)) and found[1] in patterns.given_names:
            return f"{found[1]} {written}"
        is_first_name = written in patterns.first_names and hit.name.is_ambiguous and in_running_text
        if is_first_name and (found := _NEXT_WORD.match(behind)):
            is_office = patterns.offices.match(behind.lstrip().lower())
            if not is_office and not self._is_name(found[1]):
                return f"{written} {found[1]}"
        return None

    def _is_name(self, word: str) -> bool:
        """Whether a word by itself names a state, a capital or a territory."""
        return any(name.kind not in (None, "leader") for name in self._names_of(fold_term(word)))

    def _names_of(self, term: str) -> Sequence[Name]:
        return self._gazetteer.meanings.get(term, ())

    def _ambiguity(self, hit: _Hit) -> str | None:
        """Why an ambiguous name does not count; None where a cue settles it."""
        if not hit.name.is_ambiguous:
            return None
        patterns = self._gazetteer.patterns
        code = hit.name.code
        start, end = self._paragraph(hit.start)
        if code in self._codes_between(start, end):
            return None
        if code in patterns.cities and self._has(patterns.cities[code], start, end):
            return None
        clause_start, clause_end = self._reading.clause_at(hit.start)
        if hit.name.kind != "name" and hit.name.kind != "demonym":
            return f"ambiguous: {hit.name.written}"
        behind, before = self._behind(hit.end), self._before(hit.start)
        if any(patterns.offices.match(behind, position) for position in _word_starts(behind, limit=3)):
            return None
        if (owner := _OF_THE_STATE.search(before)) and patterns.offices.search(owner["word"]):
            return None
        other_reading = patterns.other_reading.get(code)
        if other_reading is not None and self._has(other_reading, start, end):
            return f"ambiguous: {hit.name.written}"
        if code in patterns.office_in_sentence:
            sentence = self._reading.sentence_at(hit.start)
            if self._has(patterns.offices, sentence.start, sentence.end):
                return None
        if self._codes_between(clause_start, clause_end) - {code}:
            return None
        return f"ambiguous: {hit.name.written}"

    def _codes_between(self, start: int, end: int) -> frozenset[str]:
        """The states that unambiguous names between two offsets of the text name."""
        key = start, end
        if key not in self._codes:
            sure = (hit for hit in self._hits_between(start, end) if not hit.name.is_ambiguous)
            self._codes[key] = frozenset(hit.name.code for hit in sure if self._reason(hit) is None) - {""}
        return self._codes[key]

    def _has(self, pattern: re.Pattern[str], start: int, end: int) -> bool:
        """Whether the pattern is found in a stretch of the text; remembered, since its names all ask."""
        key = pattern, start, end
        if key not in self._found:
            self._found[key] = pattern.search(self._full[start:end]) is not None
        return self._found[key]

    def _paragraph(self, offset: int) -> tuple[int, int]:
        """The paragraph around an offset; a title and the first paragraph of the text explain each other."""
        sentence = self._reading.sentence_at(offset)
        if sentence.paragraph not in self._paragraphs:
            self._paragraphs[sentence.paragraph] = self._find_paragraph(sentence)
        return self._paragraphs[sentence.paragraph]

    def _find_paragraph(self, sentence: Sentence) -> tuple[int, int]:
        reading = self._reading
        first = last = sentence.paragraph
        title, second = reading.sentence(0), reading.sentence(1)
        if title is None:
            return 0, len(reading.full)
        if reading.title_end and second is not None and first in (title.paragraph, second.paragraph):
            first, last = title.paragraph, second.paragraph
        start, end = sentence.start, sentence.end
        index = sentence.index
        while (earlier := reading.sentence(index - 1)) is not None and earlier.paragraph >= first:
            start, index = earlier.start, index - 1
        index = sentence.index
        while (later := reading.sentence(index + 1)) is not None and later.paragraph <= last:
            end, index = later.end, index + 1
        return start, end

    def _before(self, start: int) -> str:
        return self._full[max(start - 60, 0) : start]

    def _behind(self, end: int) -> str:
        return self._full[end : end + 80]

    def _is_caps(self, offset: int) -> bool:
        sentence = self._reading.sentence_at(offset)
        if sentence.index not in self._caps:
            self._caps[sentence.index] = self._reading.is_caps(sentence.start, sentence.end)
        return self._caps[sentence.index]

    def _is_title_case(self, offset: int) -> bool:
        """Whether the sentence is a headline in which most words have a capital."""
        sentence = self._reading.sentence_at(offset)
        if sentence.index not in self._titles:
            written = self._full[sentence.start : sentence.end].strip()
            words = [word for word in _WORD.findall(written) if len(word) > 3]
            capitalised = sum(word[0].isupper() for word in words)
            # A full stop tells a sentence full of names from a headline.
            self._titles[sentence.index] = written[-1:] != "." and capitalised >= _HEADLINE_SHARE * len(words)
        return self._titles[sentence.index]


def _start_of(hit: _Hit) -> int:
    return hit.start


def _part_starts(reading: Reading) -> Iterator[int]:
    """Where the text may be cut into parts to look at one by one; the first at 0, so that no offset is outside."""
    start, paragraph = 0, 0
    yield start
    for sentence in map(reading.sentence, count()):
        if sentence is None:
            return
        if sentence.paragraph != paragraph and sentence.start - start >= _SHORTEST_PART:
            start = sentence.start
            yield start
        paragraph = sentence.paragraph


def _is_abbreviation(word: str) -> bool:
    return word.isupper() and sum(character.isalpha() for character in word) > 1


def _word_starts(text: str, limit: int) -> list[int]:
    """Where the first ``limit`` words of what follows a name begin, a possessive left out."""
    return [found.start() + 1 for found in re.finditer(r" \w", text)][:limit]

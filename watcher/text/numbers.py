"""Figures of people in a text, and the ways to write a number."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from watcher.text.fold import Folded, fold, fold_term
from watcher.text.number_words import BY_LANGUAGE, NumberWords

_TOKEN = re.compile(r"\d+(?:[.,٫٬]\d+)*|[^\W\d_]+|[^\s\w]|_")
_DATE_OR_TIME = re.compile(
    r"\b\d{1,2}[./]\d{1,2}[./](?:\d{4}|\d{2})\b|\b\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b|\b\d{1,2}:\d{2}(?::\d{2})?\b"
    r"|\b\d+/\d+\b|\b\d{1,2}[.h]\d{2}(?=\s?(?:[ap]\.?m\b|gmt\b|utc\b))",
    re.IGNORECASE,
)
_GROUPED = re.compile(r"\d{1,3}(?:[,٬]\d{3})+$")
_DOT_GROUPED = re.compile(r"\d{1,3}(?:\.\d{3})+$")
_DECIMAL = re.compile(r"\d+[.,٫]\d+$")
_GROUPING_SPACES = "\u00a0\u2009\u202f"
_HYPHENS = "-‐‑‒–—−"
_YEARS = range(1800, 2100)
_LARGEST = 10**10  # more than there are people
_LONGEST_NUMERAL = 15  # with its separators
_AGES = range(1, 120)
_PHRASE_WORDS = 4  # the longest phrase of the tables
_SCALED_SUFFIX = {"k": 1_000, "m": 1_000_000, "mn": 1_000_000, "bn": 1_000_000_000, "b": 1_000_000_000}
# "rose from 12 to 15" states a new figure, no range.
_CHANGES = frozenset("rose rise rises risen rising up increased climbed jumped grew went revised raised soared".split())
_SPELLED_LIMIT = 1_000  # rules name articles and small figures; larger ones are written in digits
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_ROMAN_LIMIT = 4_000


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of something as the text gives it; half-open offsets in code points of the text as given."""

    start: int
    end: int
    at_least: int
    at_most: int | None  # only where the text states a bound; None for "12" and for "more than 12"
    vague: bool  # "dozens", "several"


def find_figures(text: str, start: int, end: int, language: str) -> tuple[Figure, ...]:
    """The figures within ``start:end`` that can count people, in text order, each with its qualifiers.

    Years, dates, times, ages, measures, money, percentages, ordinals and the numbers of articles are left out.
    An unknown language is read with the English words.
    """
    lexicon = _lexicon(language if language in BY_LANGUAGE else "en")
    return _Scan(text, start, end, lexicon).figures()


def number_forms(token: str, languages: tuple[str, ...], *, roman: bool) -> frozenset[str]:
    """The folded ways to write the number that ``token`` is, itself included; only itself where it is no number."""
    folded = fold_term(token)
    value = _plain_value(folded, languages)
    if value is None:
        return frozenset({folded})
    forms = {folded, str(value)}
    if value >= 1_000:
        forms.add(f"{value:,}")
    for language in languages:
        if language in BY_LANGUAGE:
            forms |= _spelled(language).get(value, frozenset())
    if roman and 0 < value < _ROMAN_LIMIT:
        forms.add(_roman(value))
    return frozenset(forms)


def _plain_value(folded: str, languages: Sequence[str]) -> int | None:
    if folded[:1].isdecimal():
        return _numeral(folded, dot_groups=False)
    for language in languages:
        if language in BY_LANGUAGE:
            value = _values(language).get(folded)
            if value is not None:
                return value
    return None


@functools.cache
def _values(language: str) -> Mapping[str, int]:
    """The value of each folded spelling of a number below a thousand."""
    return {form: value for value, forms in _spelled(language).items() for form in forms}


def _roman(value: int) -> str:
    numeral = ""
    for size, letters in _ROMAN:
        count, value = divmod(value, size)
        numeral += letters * count
    return numeral


@functools.cache
def _spelled(language: str) -> Mapping[int, frozenset[str]]:
    """Folded spellings of the numbers below a thousand, as far as the language's tables go."""
    words = BY_LANGUAGE[language]
    forms: dict[int, list[str]] = {}
    for word, value in words.units.items():
        forms.setdefault(value, []).append(fold_term(word))
    for tens in range(20, 100, 10):
        for unit in range(1, 20 if tens in words.added_teens else 10):
            if tens in forms and unit in forms and (unit >= 10 or tens + unit not in forms):
                forms.setdefault(tens + unit, []).extend(
                    fold_term(ten + joiner + one)
                    for ten in forms[tens]
                    for joiner in words.tens_joiners
                    for one in forms[unit]
                )
    if language == "en":
        for hundreds in range(100, _SPELLED_LIMIT, 100):
            openers = [f"{one} hundred" for one in forms[hundreds // 100]]
            if hundreds == 100:
                openers.append("a hundred")
            forms[hundreds] = openers
            for rest in range(1, 100):
                forms[hundreds + rest] = [
                    f"{opener}{joiner}{tail}" for opener in openers for joiner in (" and ", " ") for tail in forms[rest]
                ]
    return {value: frozenset(spellings) for value, spellings in forms.items()}


_Phrases = Mapping[str, tuple[tuple[tuple[str, ...], int], ...]]


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """One language's words, folded, cut into tokens and indexed by their first token, the longest phrase first."""

    words: NumberWords
    units: _Phrases
    multipliers: Mapping[str, int]
    several: _Phrases
    plurals: _Phrases
    fixed: _Phrases
    at_least: _Phrases
    at_most: _Phrases
    or_more: _Phrases
    percent: _Phrases
    half_more: _Phrases
    starts: frozenset[str]  # what a figure in words, with its qualifiers, can begin with
    one_and_a_half: frozenset[str]
    between: tuple[tuple[str, str], ...]
    measures: re.Pattern[str]
    labels: re.Pattern[str]
    people: re.Pattern[str]
    months: re.Pattern[str]


@functools.cache
def _lexicon(language: str) -> _Lexicon:
    words = BY_LANGUAGE[language]
    tables = {
        "units": _phrases(words.units.items()),
        "several": _phrases(words.several.items()),
        "plurals": _phrases(words.plurals.items()),
        "fixed": _phrases(words.fixed.items()),
        "at_least": _phrases((phrase, 0) for phrase in words.at_least),
        "at_most": _phrases((phrase, 0) for phrase in words.at_most),
        "percent": _phrases((phrase, 0) for phrase in words.percent),
    }
    multipliers = {fold_term(word): value for word, value in words.multipliers.items()}
    one_and_a_half = frozenset(map(fold_term, words.one_and_a_half))
    between = tuple((fold_term(opener), fold_term(joiner)) for opener, joiner in words.between)
    return _Lexicon(
        words=words,
        multipliers=multipliers,
        or_more=_phrases((phrase, 0) for phrase in words.or_more),
        half_more=_phrases((phrase, 0) for phrase in words.half_more),
        one_and_a_half=one_and_a_half,
        between=between,
        starts=frozenset[str]().union(
            *tables.values(), multipliers, one_and_a_half, words.articles, (opener for opener, _ in between)
        ),
        **tables,
        measures=_any_of(words.measures),
        labels=_any_of(words.labels),
        people=_any_of(words.people),
        months=_any_of(words.months),
    )


def _phrases(entries: Iterable[tuple[str, int]]) -> _Phrases:
    by_first: dict[str, list[tuple[tuple[str, ...], int]]] = {}
    for phrase, value in entries:
        tokens = tuple(_TOKEN.findall(fold_term(phrase)))
        by_first.setdefault(tokens[0], []).append((tokens, value))
    return {first: tuple(sorted(found, key=lambda item: -len(item[0]))) for first, found in by_first.items()}


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    alternatives = []
    for word in words:
        folded = fold_term(word.rstrip("*"))
        alternatives.append(re.escape(folded) + (r"\w*" if word.endswith("*") else ""))
    return re.compile("|".join(alternatives))


def _numeral(token: str, dot_groups: bool) -> int | None:
    """The whole number that a numeral is, its thousands grouped or not; None for a decimal."""
    if len(token) > _LONGEST_NUMERAL:
        return None
    if token.isdecimal():
        return int(token)
    if _GROUPED.match(token) or (dot_groups and _DOT_GROUPED.match(token)):
        return int(re.sub(r"\D", "", token))
    return None


def _follows_and(last: int, value: int) -> bool:
    """Whether a number word may follow the prefixed "and": five-and-twenty, hundred-and-fifty; no ten-and-twenty."""
    return last < 10 <= value < 100 if last < 100 else value < last


def _is_yearlike(token: str) -> bool:
    return token.isdecimal() and len(token) == 4 and int(token) in _YEARS


@dataclass(frozen=True, slots=True)
class _Number:
    """A number as read at some token: its bounds, and the token after it."""

    at_least: int
    at_most: int | None
    vague: bool
    after: int


class _Scan:
    """One pass over the tokens of a stretch of text."""

    def __init__(self, text: str, start: int, end: int, lexicon: _Lexicon) -> None:
        self.text = text
        self.offset = start
        self.lexicon = lexicon
        self.folded: Folded = fold(text[start:end])
        found = list(_TOKEN.finditer(self.folded.text))
        self.tokens = [token[0] for token in found]
        self.spans = [token.span() for token in found]
        self.blocked = [self.folded.folded(*m.span()) for m in _DATE_OR_TIME.finditer(text[start:end])]

    def figures(self) -> tuple[Figure, ...]:
        """All figures in text order."""
        found: list[Figure] = []
        i = 0
        is_listed_label = False  # "Articles 4 and 5": what labelled the first labels the next
        while i < len(self.tokens):
            token = self.tokens[i]
            if token not in self.lexicon.starts and not token[0].isdecimal():
                is_listed_label = is_listed_label and self._continues_list(token)
                i += 1
                continue
            if (percent := self._phrase(self.lexicon.percent, i)) is not None:
                i = percent[0]
                continue
            first, kind = self._qualifier(i)
            number = self._range(first) or self._number(first)
            if number is None and first > i:
                first, kind = i, ""
                number = self._number(i)
            if number is None:
                is_listed_label = is_listed_label and self._continues_list(token)
                i += 1
                continue
            second = self._spoken_year(first, number)
            if second is not None:
                i = second.after
                continue
            if self._is_labelled(first) or (is_listed_label and kind == ""):
                is_listed_label = True
                i = number.after
                continue
            is_listed_label = False
            if self._counts(first, number, kind):
                found.append(self._figure(i, number, kind))
                i = self._after_suffix(number.after)
            else:
                i = number.after
        return tuple(found)

    def _continues_list(self, token: str) -> bool:
        return token in self.lexicon.words.joiners or token in {",", "or"}

    def _figure(self, i: int, number: _Number, kind: str) -> Figure:
        start, _ = self._original(i)
        _, end = self._original(self._after_suffix(number.after) - 1)
        at_least, at_most = number.at_least, number.at_most
        if kind == "at most":
            at_least, at_most = min(1, at_least), at_most if at_most is not None else at_least
        return Figure(start, end, at_least, at_most, number.vague)

    def _original(self, i: int) -> tuple[int, int]:
        start, end = self.folded.original(*self.spans[i])
        return start + self.offset, end + self.offset

    def _qualifier(self, i: int) -> tuple[int, str]:
        """The token after the qualifiers that begin at ``i``, and the bound that they make of the figure."""
        kind = ""
        while True:
            if (after := self._phrase(self.lexicon.at_most, i)) is not None:
                i, kind = after[0], "at most"
            elif (after := self._phrase(self.lexicon.at_least, i)) is not None:
                i, kind = after[0], kind or "at least"
            else:
                return i, kind

    def _phrase(self, phrases: _Phrases, i: int) -> tuple[int, int] | None:
        """The token after the longest of ``phrases`` at ``i``, and its value."""
        if i >= len(self.tokens):
            return None
        for tokens, value in phrases.get(self.tokens[i], ()):
            if tuple(self.tokens[i : i + len(tokens)]) == tokens:
                return i + len(tokens), value
        return None

    def _after_suffix(self, i: int) -> int:
        """The token after an "or more" at ``i``, or ``i``."""
        j = i + 1 if i < len(self.tokens) and self.tokens[i] == "'" else i  # Turkish: 12'den fazla
        after = self._phrase(self.lexicon.or_more, j)
        return after[0] if after else i

    def _range(self, i: int) -> _Number | None:
        """A range at token ``i``: between A and B, from A to B, A to B, A-B."""
        words = self.lexicon.words
        opener = self.tokens[i] if i < len(self.tokens) else ""
        for begin, joiner in self.lexicon.between:
            if opener == begin:
                is_change = i > 0 and self.tokens[i - 1] in _CHANGES
                return None if is_change else self._joined(i + 1, {joiner})
        if i > 0 and i > 1 and self.tokens[i - 1] == "from" and self.tokens[i - 2] in _CHANGES:
            return None
        return self._joined(i, words.ranges, allow_hyphen=True)

    def _joined(self, i: int, joiners: Collection[str], *, allow_hyphen: bool = False) -> _Number | None:
        low = self._number(i)
        if low is None or low.vague or low.after >= len(self.tokens):
            return None
        j = low.after
        if self.tokens[j] in joiners:
            j = self._qualifier(j + 1)[0]
        elif self.lexicon.words.prefixed_and in joiners and (value := self._prefixed(self.tokens[j])):
            return _Number(low.at_least, value, False, j + 1) if low.at_least < value else None
        elif not (allow_hyphen and self._is_hyphenated(j)):
            return None
        high = self._number(j)
        if high is None or high.vague or low.at_least >= high.at_least:
            return None
        at_least = low.at_least
        scale = high.at_least // at_least if at_least else 0
        if scale >= 1_000 and self.tokens[high.after - 1] in self.lexicon.multipliers:
            at_least *= self.lexicon.multipliers[self.tokens[high.after - 1]]  # "10 to 15 thousand"
        return _Number(at_least, high.at_least, False, high.after)

    def _is_hyphenated(self, j: int) -> bool:
        """Whether one hyphen and nothing else stands between the numbers around token ``j``."""
        if not self.tokens[j][0].isdecimal() or not self.tokens[j - 1][0].isdecimal():
            return False
        gap = self.text[self._original(j - 1)[1] : self._original(j)[0]]
        return len(gap) == 1 and gap in _HYPHENS

    def _number(self, i: int) -> _Number | None:
        """The number that begins at token ``i``, words or digits."""
        if i >= len(self.tokens):
            return None
        return self._vague(i) or self._fixed(i) or self._exact(i)

    def _vague(self, i: int) -> _Number | None:
        if (found := self._phrase(self.lexicon.several, i)) is not None:
            after, value = found
            while after < len(self.tokens) and self.tokens[after] in self.lexicon.multipliers:
                value *= self.lexicon.multipliers[self.tokens[after]]
                after += 1
            return self._multiplied(value, after)
        if (found := self._phrase(self.lexicon.plurals, i)) is not None:
            return self._multiplied(found[1], found[0])
        return None

    def _multiplied(self, value: int, after: int) -> _Number:
        """A vague quantity, with the "of thousands" after it."""
        j = after + 1 if after < len(self.tokens) and self.tokens[after] in self.lexicon.words.of else after
        while (found := self._phrase(self.lexicon.plurals, j)) is not None:
            after, value = found[0], value * found[1]
            j = after + 1 if after < len(self.tokens) and self.tokens[after] in self.lexicon.words.of else after
        return _Number(value, None, True, after)

    def _fixed(self, i: int) -> _Number | None:
        is_article = self.tokens[i] in self.lexicon.words.articles
        found = self._phrase(self.lexicon.fixed, i) or (self._phrase(self.lexicon.fixed, i + 1) if is_article else None)
        return _Number(found[1], None, False, found[0]) if found else None

    def _exact(self, i: int) -> _Number | None:
        tokens = self.tokens
        if tokens[i][0].isdecimal():
            return self._digits(i)
        is_article = tokens[i] in self.lexicon.words.articles
        j = i + 1 if is_article and i + 1 < len(tokens) and tokens[i + 1] in self.lexicon.multipliers else i
        total, current, last, after = 0, 0, 0, i
        while j < len(tokens):
            token = tokens[j]
            size_behind = self._multiplier(j + 1)
            half = self._phrase(self.lexicon.half_more, j) if after > i else None
            if token in self.lexicon.one_and_a_half and size_behind > 1 and after == i:
                total, last, j = size_behind * 3 // 2, size_behind, j + 2
            elif half is not None and (size := self._multiplier(half[0])) > 1 and current:
                total, current, last, j = total + current * size + size // 2, 0, size, half[0] + 1
            elif half is not None and last >= 1_000 and not current:
                total, j = total + last // 2, half[0]
            elif token in self.lexicon.multipliers:
                size = self.lexicon.multipliers[token]
                if size in {12, 100}:
                    current = max(current, 1) * size
                else:
                    total, current = total + max(current, 1) * size, 0
                last, j = size, j + 1
            elif (found := self._phrase(self.lexicon.units, j)) is not None and self._adds(last, found[1]):
                j, last = found[0], found[1]
                current += last
            elif after > i and token == self.lexicon.words.prefixed_and and self._follows_digits(last, j + 1):
                current, last, j = current + int(tokens[j + 1]), int(tokens[j + 1]), j + 2
            elif after > i and (value := self._prefixed(token)) is not None and _follows_and(last, value):
                current, last, j = current + value, value, j + 1
            elif token in self.lexicon.words.joiners and after > i and last >= 20:
                rest = self._phrase(self.lexicon.units, j + 1)
                if rest is None or not self._adds(last, rest[1]):
                    break
                j += 1
                continue
            else:
                break
            after = j
        return _Number(total + current, None, False, after) if after > i else None

    def _follows_digits(self, last: int, j: int) -> bool:
        """Whether the numeral at token ``j`` goes on a number in words: "ألفين و800"."""
        numeral = self.tokens[j] if j < len(self.tokens) else ""
        return last >= 100 and numeral.isdecimal() and int(numeral) < min(last, 1_000)

    def _multiplier(self, i: int) -> int:
        """What the token multiplies a number before it by; 1 where it does not."""
        return self.lexicon.multipliers.get(self.tokens[i], 1) if i < len(self.tokens) else 1

    def _prefixed(self, token: str) -> int | None:
        """The value of a number word with the language's prefixed "and"."""
        prefix = self.lexicon.words.prefixed_and
        if not prefix or not token.startswith(prefix):
            return None
        entries = self.lexicon.units.get(token[len(prefix) :], ())
        return next((value for words, value in entries if len(words) == 1), None)

    def _adds(self, last: int, value: int) -> bool:
        """Whether a number word can follow one of size ``last``: "twenty five", no "twenty thirty"."""
        if last == 0 or last >= 1_000:
            return True
        if last in self.lexicon.words.added_teens and value < 20:
            return True
        if last >= 100:
            return value < 100
        return last >= 20 and last % 10 == 0 and value < 10

    def _digits(self, i: int) -> _Number | None:
        tokens, lexicon = self.tokens, self.lexicon
        value, after = _numeral(tokens[i], lexicon.words.dot_groups), i + 1
        if tokens[i].isdecimal() and len(tokens[i]) <= 3:
            while after < min(len(tokens), i + 4) and len(tokens[after]) == 3 and self._groups(after):
                value, after = (value or 0) * 1_000 + int(tokens[after]), after + 1
        if after < len(tokens):
            size = lexicon.multipliers.get(tokens[after])
            is_glued = self.spans[after][0] == self.spans[after - 1][1]
            if is_glued and tokens[after] in _SCALED_SUFFIX and self._people_at(after + 1):
                size = _SCALED_SUFFIX[tokens[after]]
            if size is not None and len(tokens[i]) <= _LONGEST_NUMERAL:
                number = float(re.sub("[,٫]", ".", tokens[i])) if value is None else value
                return _Number(round(number * size), None, False, after + 1)
        if value is None or value > _LARGEST:
            return None
        return _Number(value, None, False, after)

    def _groups(self, j: int) -> bool:
        """Whether the white space before token ``j`` groups the thousands of one numeral."""
        if not self.tokens[j].isdecimal():
            return False
        gap = self.text[self._original(j - 1)[1] : self._original(j)[0]]
        if len(gap) != 1 or (gap != " " and gap not in _GROUPING_SPACES):
            return False
        # "On May 12 300 people died" has a day and a number.
        return gap != " " or not (j >= 2 and self.lexicon.months.fullmatch(self.tokens[j - 2]))

    def _people_at(self, i: int) -> bool:
        return i < len(self.tokens) and bool(self.lexicon.people.fullmatch(self.tokens[i]))

    def _is_labelled(self, i: int) -> bool:
        """Whether the number at token ``i`` is the number of something: Article 4, No. 7, $5."""
        if i == 0:
            return False
        before = self.tokens[i - 1]
        if before == "." and i >= 2:
            label = self.tokens[i - 2]
            return bool(self.lexicon.labels.fullmatch(label)) or bool(self.lexicon.months.fullmatch(label))
        if before == "no" and self.lexicon.words.articles:
            return False  # "no 12 soldiers" is a denial; "No. 12" has its stop
        return bool(self.lexicon.labels.fullmatch(before))

    def _counts(self, i: int, number: _Number, kind: str) -> bool:
        """Whether the number at token ``i`` can count people."""
        if number.vague:
            return not self._is_measure(number.after)
        first, last = self.spans[i][0], self.spans[number.after - 1][1]
        if any(start < last and first < end for start, end in self.blocked):
            return False
        if self._is_glued(i, number.after) or self._is_measure(number.after) or self._is_date(i, number.after):
            return False
        if self._is_age(i, number) or self._is_pronoun(i, number.after):
            return False
        numerals = [token for token in self.tokens[i : number.after] if token[0].isdecimal()]
        is_yearlike = number.at_least in _YEARS and bool(numerals) and all(map(_is_yearlike, numerals))
        return not is_yearlike or (kind != "" and i > 0) or (self._people_at(number.after) and not self._year_opener(i))

    def _spoken_year(self, i: int, number: _Number) -> _Number | None:
        """The second of two number words side by side that do not add up: nineteen eighty."""
        after = number.after
        if number.vague or number.at_least not in range(10, 100) or not self.tokens[i][0].isalpha():
            return None
        return self._exact(after) if self._phrase(self.lexicon.units, after) else None

    def _year_opener(self, i: int) -> bool:
        before = self.tokens[i - 1] if i else ""
        return before in {"in", "since", "of", "by", "until", "from", "during", "en", "в", "у", "до", "с"} or bool(
            self.lexicon.months.fullmatch(before)
        )

    def _is_glued(self, i: int, after: int) -> bool:
        """Whether the numeral is part of a name or an ordinal: T-72, MiG29, 1990s, 4th."""
        if not self.tokens[i][0].isdecimal():
            return self._is_capitalised_name(i)
        start, end = self._original(i)[0], self._original(after - 1)[1]
        before, following = self.text[max(start - 2, self.offset) : start], self.text[end : end + 2]
        is_and = before[-1:] == self.lexicon.words.prefixed_and and not before[:-1].isalpha()
        if (before[-1:].isalpha() and not is_and) or (
            before[-1:] in _HYPHENS and before[:1].isalnum() and len(before) == 2
        ):
            return True
        if following[:1].isalpha() and self.tokens[after - 1] not in self.lexicon.multipliers:
            return self.tokens[after - 1] not in _SCALED_SUFFIX
        return following[:1] in _HYPHENS and following[1:].isdecimal()

    def _is_capitalised_name(self, i: int) -> bool:
        """Whether a number word is part of a name: Group of Seven, the Big Four."""
        start, _ = self._original(i)
        if i == 0 or not self.text[start].isupper() or self.text[start : start + 2].isupper():
            return False
        return self.tokens[i - 1] in {"of", "the", "big"} and self.tokens[i] in self.lexicon.units

    def _is_measure(self, after: int) -> bool:
        if after >= len(self.tokens):
            return False
        return bool(self.lexicon.measures.fullmatch(self.tokens[after])) or bool(
            self._phrase(self.lexicon.percent, after)
        )

    def _is_date(self, i: int, after: int) -> bool:
        months = self.lexicon.months
        if after < len(self.tokens) and months.fullmatch(self.tokens[after]) and self._is_month(after):
            return True
        if (
            after + 1 < len(self.tokens)
            and self.tokens[after] in {"de", "of"}
            and months.fullmatch(self.tokens[after + 1])
        ):
            return True
        return i > 0 and bool(months.fullmatch(self.tokens[i - 1])) and self._is_month(i - 1)

    def _is_month(self, i: int) -> bool:
        """Whether the month's name at token ``i`` is not the verb ``may`` or the verb ``march``."""
        return self.tokens[i] not in {"may", "march", "mar"} or self.text[self._original(i)[0]].isupper()

    def _is_age(self, i: int, number: _Number) -> bool:
        """Whether it is the age in "John Smith, 25, said"."""
        after = number.after
        if i < 2 or after >= len(self.tokens) or self.tokens[i - 1] != "," or self.tokens[after] not in ",.":
            return False
        return number.at_least in _AGES and after == i + 1 and self.text[self._original(i - 2)[0]].isupper()

    def _is_pronoun(self, i: int, after: int) -> bool:
        """Whether it is the "one" of "no one", "one another", "one in five"."""
        if self.tokens[i] != "one" or after != i + 1:
            return after + 1 < len(self.tokens) and self.tokens[after] == "in" and self.tokens[i] == "one"
        before = self.tokens[i - 1] if i else ""
        following = self.tokens[after] if after < len(self.tokens) else ""
        return before in {"no", "any", "every", "this", "that", "the", "which"} or following in {"another", "in", "s"}

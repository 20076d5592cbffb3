"""Sentences and paragraphs of a text; offsets point into the text as given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from watcher.text.clauses import split_clauses

__all__ = ["Sentence", "each_sentence", "split_clauses", "split_sentences"]

# A blank line, or a line that begins with a bullet or a list number. Zero-width characters fill no line. The pattern
# begins with a plain set, which the engine finds fastest: an eighth of the time of "\r?\n".
_PARAGRAPH_BREAK = re.compile(
    r"[\n\u2029\r](?:(?<=\r)\n)?(?:(?<=\n)(?:[^\S\n]*(?:[\u200b\ufeff]*\r?\n\s*)+"
    r"|[^\S\n]*(?=[•●▪■◦‣∙·*–—-][^\S\n]+\S)"
    r"|[^\S\n]*(?=\(?(?P<number>\d{1,2})[.)][^\S\n]+\S))"
    r"|(?<=\u2029)\s*)"
)
_MARKS = ".!?…؟։。！？।۔"
# A mark with what may close a sentence after it: quotes, brackets, Wikipedia's reference numbers. Armenian full stops
# are often typed as colons. The pattern begins with a plain set, too.
# French sets a space before its closing quotation mark.
_STOP = re.compile(rf"[{_MARKS}:]++(?P<closers>(?:[\"'”’»)\]›]|[ \u00a0\u202f]»(?=\s|$))*+(?:\[\d{{1,3}}\])*+)")
_NEED_NO_SPACE = "。！？"
_GLUED = re.compile(r"[\"“«(]?[^\W\d_]{2}")  # the next sentence, where the space before it is missing
_ARMENIAN = re.compile("[\u0561-\u0587]")
_LAST_TOKEN = re.compile(r"[^\s\"'“”‘’«»()\[\]—–/]+$")
_LONGEST_TOKEN = 40
_WORD = re.compile(r"\w")
_NEXT_WORD = re.compile(r"[\s\"'“”‘’«»„(\[—–-]*(\w[\w'’-]*)?")
_LETTER_CHAIN = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}$")  # U.S, e.g, a.m, т.е
_TURKISH = re.compile("[ığşİĞŞ]")
_BULLET_TOKEN = re.compile(r"\(?(?:\d{1,2}|[a-zA-Z]|[ivxIVX]{1,4})\)?$")
# Abbreviations with a capital, words without one: "the men sat.", "he told me."
_WORDS_TOO = frozenset("sat sun wed mar dec may no me co gen inc corp ave cap hon det rep fig par".split())
_LOWER_CASE_NAMES = ("al-", "el-", "an-", "ash-", "as-")

# Never the end of a sentence: a name or a number follows.
_TITLES = frozenset(
    "mr mrs ms messrs sens reps govs gens drs profs hz"
    " dr prof gen lt col maj sgt capt cpl cmdr cdr adm brig gov sen rep pres rev hon fr ste"
    " mt ft vs cf"
    " incl"
    " viz ca approx e.g i.e eg ie pte pvt supt insp atty asst amb det ald mme mlle mm me m.sc ph sr sra srta gral cnel"
    " ген полк подп маи кап акад проф гр им ул тов г-н doc alb org tugg gen korg yrd av sn sn prof doç"
    " dres ud uds lic ing núm pág cap col tte ee ff jj rr"
    " ген проф акад ім вул тов".split()
)
# Followed by a number they end nothing; else they can end a sentence.
_BEFORE_NUMBERS = frozenset(
    "no nos art arts p pp vol ch sec par para res reg fig est c ca approx app doc núm nr n nо № ст стр п пп гл рис"
    " jan feb mar apr jun jul aug sep sept oct nov dec янв фев февр мар апр авг сент окт нояб дек janv févr avr juil"
    " mad s sy".split()
)
# Can stand before a name or end a sentence: the next word decides.
_UNDECIDED = frozenset(
    "inc ltd corp co llc bros jr sr dept univ assn intl natl govt jan feb mar apr jun jul aug sep sept oct nov"
    " dec mon tue"
    " tues wed thu thurs fri sat sun st ave rd blvd bldg no gen".split()
)
# Russian and Ukrainian abbreviations that follow a number or a list: "2022 г.", "и др."
_AFTER_NUMBERS = frozenset("г гг р рр в вв ч мин сек км м тыс млн млрд руб долл".split())
_CLOSING = frozenset("т.д т.п etc vb ö.a".split())
_STARTERS = frozenset(
    "the a an this that these those it its he she they we i you his her their our but and or so yet in on at by"
    " for from"
    " with without after before since until during while when where if as although though because however meanwhile"
    " moreover earlier later there here now then both many most some several no not one two three yesterday today last"
    " is are was were will would can could does did has have had"
    " under over between among according despite following officials what who why how".split()
)
_AFTER_TIME = frozenset(
    "gmt utc est edt cet cest eet msk et pt ist monday tuesday wednesday thursday friday saturday sunday"
    " january february"
    " march april may june july august september october november december local eastern".split()
)
_MORE_THAN_WORDS = frozenset().union(
    _WORDS_TOO, _TITLES, _BEFORE_NUMBERS, _UNDECIDED, _AFTER_NUMBERS, _CLOSING, ("no",)
)


@dataclass(slots=True, unsafe_hash=True)  # never changed; frozen it takes three times as long to make
class Sentence:
    """A sentence; half-open offsets in code points, white space around it left out."""

    index: int
    start: int
    end: int
    paragraph: int


def split_sentences(full: str, title_end: int) -> tuple[Sentence, ...]:
    """All sentences in order; a title (``title_end`` > 0) is the first one and paragraph 0 by itself.

    A blank line, a bullet or a list number ends a sentence without its stop; a single line break is white space.
    """
    return tuple(each_sentence(full, title_end))


def each_sentence(full: str, title_end: int) -> Iterator[Sentence]:
    """The same one by one; the text behind those that were asked for is not looked at."""
    index = paragraph = 0
    if full[:title_end].strip():
        yield Sentence(0, *_stripped(full, 0, title_end), 0)
        index = paragraph = 1
    splitter = _Splitter(full)
    for paragraph_start, paragraph_end in _paragraphs(full, title_end):
        count = index
        for start, end in splitter.sentences(paragraph_start, paragraph_end):
            yield Sentence(index, start, end, paragraph)
            index += 1
        paragraph += index > count


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _paragraphs(full: str, begin: int) -> Iterator[tuple[int, int]]:
    start = begin
    last_number = 0
    for found in _PARAGRAPH_BREAK.finditer(full, begin):
        if found["number"] is not None:
            number = int(found["number"])
            # In hard-wrapped text a line can begin with the "81." that ends a sentence.
            before = full[start : found.start()].rstrip()[-1:]
            if number not in {1, last_number + 1} and before not in (*_MARKS, ":", ";", ""):
                continue
            last_number = number
        yield start, found.start()
        start = found.end()
    yield start, len(full)


class _Splitter:
    """Decides which stops of one text end a sentence."""

    def __init__(self, full: str) -> None:
        self.full = full
        self.is_lower = full.islower()
        self.is_turkish = _TURKISH.search(full) is not None

    def sentences(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """The sentences of the paragraph ``begin:end``, stripped, none empty."""
        pending: tuple[int, int] | None = None
        for piece in self._pieces(begin, end):
            if pending is None:
                pending = piece
            elif _WORD.search(self.full, *piece):
                yield pending
                pending = piece
            else:  # marks that stand apart: « text ».
                pending = pending[0], piece[1]
        if pending is not None:
            yield pending

    def _pieces(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        start = begin
        for found in _STOP.finditer(self.full, begin, end):
            at, behind = found.span()
            ends = self._ends_surely(at, behind, start, end)
            if ends or (ends is None and self._ends_sentence(found, start, end)):
                yield _stripped(self.full, start, behind)
                start = behind
        last = _stripped(self.full, start, end)
        if last[0] < last[1]:
            yield last

    def _ends_surely(self, at: int, behind: int, start: int, end: int) -> bool | None:
        """What `_ends_sentence` says of the stop at ``at:behind`` where a glance tells, as it mostly does."""
        full = self.full
        mark = full[at:behind]
        if mark == ":":
            return None if "\u0561" <= full[at - 1 : at] <= "\u0587" else False
        if behind == end:
            return None if mark[0] == ":" else True
        if mark != "." or full[behind] != " ":
            return None
        following = full[behind + 1 : min(behind + 2, end)]
        before = full.rfind(" ", start, at) + 1
        token = full[before:at]
        # A word of more than one letter that is no abbreviation and no number of a list, before a capital.
        if not (before and following.isalpha() and following.isupper() and token.isalpha()):
            return None
        is_word = len(token) > 1 and token.lower() not in _MORE_THAN_WORDS and token.strip("ivxIVX")
        return True if is_word else None

    def _ends_sentence(self, found: re.Match[str], start: int, end: int) -> bool:
        full = self.full
        mark = full[found.start() : found.start("closers")]
        is_glued = found.end() < end and not full[found.end()].isspace()
        if mark == ":" and (is_glued or not _ARMENIAN.match(full, found.start() - 1)):
            return False
        if is_glued:
            return mark[-1] in _NEED_NO_SPACE or self._is_glued_stop(found, mark)
        following = _NEXT_WORD.match(full, found.end(), end)
        word = (following[1] or "") if following else ""
        if not word:
            return True
        if word[0].islower() and not self.is_lower and not word.startswith(_LOWER_CASE_NAMES):
            return False
        if mark == ".":
            return self._full_stop_ends(found, start, word)
        # "[...]" and "(…)" stand inside a sentence.
        return not (found["closers"] and full[max(found.start() - 1, 0)] in "[(")

    def _is_glued_stop(self, found: re.Match[str], mark: str) -> bool:
        """Whether the space after a sentence is missing: "killed.The"."""
        before = self.full[max(found.start() - 2, 0) : found.start()]
        following = _GLUED.match(self.full, found.end())
        if len(mark) > 1 or following is None or len(before) < 2:
            return False
        return before.isalpha() and before.islower() and following[0][-2].isupper() and following[0][-1].islower()

    def _full_stop_ends(self, found: re.Match[str], start: int, word: str) -> bool:
        """Whether a single full stop before ``word`` ends a sentence rather than an abbreviation."""
        token_match = _LAST_TOKEN.search(self.full, max(start, found.start() - _LONGEST_TOKEN), found.start())
        token = token_match[0] if token_match else ""
        if token_match and not self.full[start : token_match.start()].strip(" \t\r\n(") and _BULLET_TOKEN.match(token):
            return False  # the number of a list item
        if found["closers"] and found["closers"][0] in "\"'”’»":
            return True
        lower = token.lower()
        if word[0].isdigit() and lower in _BEFORE_NUMBERS:
            return False
        if lower == "no" and token_match and token_match.start() == start:
            return True  # an answer
        if lower in _WORDS_TOO and token == lower and not self.is_lower:
            return True
        if token.isdigit():
            return not (self.is_turkish and len(token) <= 2)  # Turkish ordinals: 2. Ordu
        is_starter = word.lower() in _STARTERS and (len(word) > 1 or self.full[found.end() :][:3].strip() == word)
        if lower in _TITLES:
            return False
        if lower in _CLOSING:
            return True
        if lower in _AFTER_NUMBERS:
            return self.full[: found.start() - len(token)].rstrip()[-1:].isdigit() and not word[0].isdigit()
        if len(token) == 1 and token.isalpha():
            return token.isupper() and is_starter  # an initial, "v.", an Arabic honorific
        if lower in {"a.m", "p.m"}:
            return word.lower() not in _AFTER_TIME
        if _LETTER_CHAIN.match(token) or lower in _UNDECIDED:
            return is_starter
        return True

"""Case and accent folding that keeps offsets to the original, and what counts as a whole word in folded text."""

from __future__ import annotations

import functools
import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_CodePoints = npt.NDArray[np.uint32]
_Characters = npt.NDArray[np.uint8] | npt.NDArray[np.uint32]
_Offsets = npt.NDArray[np.intp]

_SPACE = 0x20
# One above the last code point, so no character can be mistaken for it.
_DROPPED = 0x110000
_LAST_ASCII, _LAST_BYTE = 0x7F, 0xFF
_FEW = 0.25  # share of characters beyond ASCII from which looking all of them up is quicker than picking these out
_NEVER_FOLDED = b"X"  # no folded text has a capital, so one can mark what is left out

# Combining marks that are accents or vowel signs; marks of other scripts (Devanagari, Thai, kana) carry the word.
_MARK_RANGES = (
    (0x0300, 0x036F),  # Latin, Greek, Cyrillic accents
    (0x0483, 0x0489),
    (0x0591, 0x05BD),  # Hebrew points
    (0x05BF, 0x05BF),
    (0x05C1, 0x05C2),
    (0x05C4, 0x05C5),
    (0x05C7, 0x05C7),
    (0x0610, 0x061A),  # Arabic signs and harakat
    (0x064B, 0x065F),
    (0x0670, 0x0670),
    (0x06D6, 0x06DC),
    (0x06DF, 0x06E4),
    (0x06E7, 0x06E8),
    (0x06EA, 0x06ED),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFE20, 0xFE2F),
)
_INVISIBLE_RANGES = (
    (0x00AD, 0x00AD),  # soft hyphen
    (0x0640, 0x0640),  # tatweel
    (0x061C, 0x061C),
    (0x180E, 0x180E),
    (0x200B, 0x200F),  # zero width space, joiners, direction marks
    (0x202A, 0x202E),
    (0x2060, 0x2064),
    (0x2066, 0x2069),
    (0xFEFF, 0xFEFF),
    (0x055B, 0x055C),  # Armenian stress and exclamation stand inside the word
    (0x055E, 0x055E),  # as does the Armenian question mark
)
# What neither case mapping nor decomposition gives.
_OVERRIDES = {
    **dict.fromkeys("‘’‚‛ʼʻʹ′‵´`՚＇ˈ", "'"),
    **dict.fromkeys("“”„‟«»″‶〝〞＂", '"'),
    **dict.fromkeys("−⁃", " "),  # minus and hyphen bullet are no dashes to Unicode
    **dict.fromkeys("ıİ", "i"),
    **dict.fromkeys("łŁ", "l"),
    **dict.fromkeys("øØ", "o"),
    **dict.fromkeys("đĐðÐ", "d"),
    **dict.fromkeys("ħĦ", "h"),
    **dict.fromkeys("ŧŦ", "t"),
    **dict.fromkeys("ٱ", "ا"),
    **dict.fromkeys("ىیے", "ي"),
    **dict.fromkeys("ک", "ك"),
    **dict.fromkeys("ةہە", "ه"),
    **dict.fromkeys("ґҐ", "г"),
    "ς": "σ",
}
# Decompositions that keep the character's identity; superscripts, fractions and circled digits would change a number.
_IDENTITY_DECOMPOSITIONS = ("<wide>", "<narrow>", "<initial>", "<medial>", "<final>", "<isolated>", "<font>")
# Everything with case, accents, dashes, spaces or presentation forms; Hangul and ideographs have none of them.
_FOLDED_RANGES = ((0x0000, 0x3100), (0xA640, 0xABFF), (0xFB00, 0x10000), (0x10400, 0x1F000))

# French elisions, already folded, without their apostrophe.
_ELIDED = frozenset("l d qu j n s c m t jusqu lorsqu puisqu quoiqu presqu quelqu".split())
# Turkish writes an apostrophe between a name and its endings; forms after folding.
_TURKISH_ENDINGS = frozenset(
    "a e i u ya ye yi yu na ne ni nu in un nin nun da de ta te nda nde dan den tan ten ndan nden la le yla yle"
    " li lu lik luk ca ce ki daki deki taki teki ndaki ndeki lar ler lari leri larin lerin si nca nce"
    " dir dur tir tur".split()
)
_APOSTROPHE = "'"
_CYRILLIC = 0x0400, 0x052F
_DIGIT_SEPARATORS = ".,٫٬"


@dataclass(frozen=True, eq=False)
class Folded:
    """A folded text; its offsets and those of the original convert into each other."""

    text: str
    _original_length: int
    _omitted: _Offsets  # offsets in the original that have no code point of their own, ascending

    @functools.cached_property
    def _left_out(self) -> list[int]:
        """The same as a list, which is searched faster; most texts are never asked for it."""
        offsets: list[int] = self._omitted.tolist()
        return offsets

    @functools.cached_property
    def _gaps(self) -> list[int]:
        """For each of them, the offset in the folded text before which it stood."""
        offsets: list[int] = (self._omitted - np.arange(len(self._omitted))).tolist()
        return offsets

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that was folded into ``start:end``, its trailing accents included."""
        gaps = self._gaps
        if not gaps:
            return start, end
        length = self._original_length
        return min(start + bisect_right(gaps, start), length), min(end + bisect_right(gaps, end), length)

    def folded(self, start: int, end: int) -> tuple[int, int]:
        """The folded span of the original's ``start:end``; what was dropped moves to the next code point kept."""
        left_out = self._left_out
        if not left_out:
            return start, end
        length = len(self.text)
        return min(start - bisect_left(left_out, start), length), min(end - bisect_left(left_out, end), length)


def fold(text: str) -> Folded:
    """Lower case without accents, white space and dashes as single spaces, straight quotes; any Unicode.

    An apostrophe between Cyrillic letters vanishes: "перемир’я" is found by "перемир*".
    """
    folded = _fold_characters(text)
    left_out = _left_out(folded)
    if folded.dtype == np.uint8:
        folded[left_out] = _NEVER_FOLDED[0]
        kept = folded.tobytes().translate(None, _NEVER_FOLDED).decode("latin-1")
    else:
        is_kept = np.ones(len(folded), dtype=np.bool_)
        is_kept[left_out] = False
        kept = folded[is_kept].tobytes().decode("utf-32-le", "surrogatepass")
    return Folded(kept, len(text), left_out)


def _fold_characters(text: str) -> _Characters:
    """What each code point folds to; bytes, which cost a fraction, where the text is Latin and none is dropped."""
    if text.isascii():
        return np.frombuffer(bytearray(text.encode().translate(_byte_table())), dtype=np.uint8)
    encoded = text.encode("utf-16-le", "surrogatepass")
    if len(encoded) > 2 * len(text):
        code_points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    else:
        code_points = np.frombuffer(encoded, dtype="<u2")
    is_other = code_points > _LAST_ASCII
    if np.count_nonzero(is_other) > len(code_points) * _FEW:
        looked_up: _CodePoints = _fold_table()[code_points]
        return looked_up
    folded: _Characters = np.frombuffer(
        bytearray(code_points.astype(np.uint8)).translate(_byte_table()), dtype=np.uint8
    )
    others = is_other.nonzero()[0]
    folded_others = _fold_table()[code_points[others]]
    if np.maximum.reduce(folded_others) > _LAST_BYTE:
        folded = folded.astype(np.uint32)
    folded[others] = folded_others
    return folded


def _left_out(folded: _Characters) -> _Offsets:
    """Where what is dropped stands, and every space that follows another."""
    is_space = folded == _SPACE
    if folded.dtype == np.uint32:
        is_dropped = folded == _DROPPED
        is_dropped[_inside_cyrillic_words(folded)] = True
        if is_dropped.any():
            kept = np.flatnonzero(~is_dropped)
            is_space = is_space[kept]
            is_dropped[kept[1:][is_space[1:] & is_space[:-1]]] = True
            return np.flatnonzero(is_dropped)
    doubled: _Offsets = (is_space[1:] & is_space[:-1]).nonzero()[0]
    return doubled + 1


def _inside_cyrillic_words(folded: _Characters) -> _Offsets:
    """Where an apostrophe stands between two Cyrillic letters: in Ukrainian and Belarusian it is part of the word."""
    if not (folded == ord(_APOSTROPHE)).any():
        return np.empty(0, dtype=np.intp)
    kept = (folded != _DROPPED).nonzero()[0]  # an accent on the letter before
    letters = folded[kept]
    at = (letters[1:-1] == ord(_APOSTROPHE)).nonzero()[0] + 1
    low, high = _CYRILLIC
    before, behind = letters[at - 1], letters[at + 1]
    inside: _Offsets = kept[at[(before >= low) & (before <= high) & (behind >= low) & (behind <= high)]]
    return inside


def fold_term(term: str) -> str:
    """A term folded like the texts that it is looked for in, without outer spaces."""
    return fold(term).text.strip(" ")


def is_word_start(folded_text: str, i: int) -> bool:
    """Whether a whole word can begin at offset ``i`` of a folded text."""
    if i <= 0 or i >= len(folded_text):
        return True
    first, before = folded_text[i], folded_text[i - 1]
    if not _is_word_character(first):
        return True
    if _is_word_character(before):
        return False
    if before == _APOSTROPHE:
        letters = _letters_before(folded_text, i - 1)
        return not letters or letters in _ELIDED
    if first.isdigit() and before in _DIGIT_SEPARATORS:
        # "4,000" holds no "000" and ".5" no "5", but the sentence end in "war.5 died" does.
        return i >= 2 and not folded_text[i - 2].isdigit() and folded_text[i - 2] != " "
    return True


def is_word_end(folded_text: str, i: int) -> bool:
    """Whether a whole word can end before offset ``i`` of a folded text."""
    if i <= 0 or i >= len(folded_text):
        return True
    last, after = folded_text[i - 1], folded_text[i]
    if not _is_word_character(last):
        return True
    if _is_word_character(after):
        return False
    if after == _APOSTROPHE:
        letters = _letters_after(folded_text, i + 1)
        if not letters or letters == "s" or letters in _TURKISH_ENDINGS:
            return True
        return _letters_before(folded_text, i) in _ELIDED
    if last.isdigit() and after in _DIGIT_SEPARATORS:
        return i + 1 >= len(folded_text) or not folded_text[i + 1].isdigit()
    return True


def _is_word_character(character: str) -> bool:
    return character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"


def _letters_before(text: str, end: int) -> str:
    start = end
    while start > 0 and _is_word_character(text[start - 1]):
        start -= 1
    return text[start:end]


def _letters_after(text: str, start: int) -> str:
    end = start
    while end < len(text) and _is_word_character(text[end]):
        end += 1
    return text[start:end]


@functools.cache
def _fold_table() -> _CodePoints:
    """What each code point folds to, ``_DROPPED`` for those that vanish."""
    table = np.arange(_DROPPED, dtype=np.uint32)
    dropped = {code for low, high in _MARK_RANGES + _INVISIBLE_RANGES for code in range(low, high + 1)}
    for low, high in _FOLDED_RANGES:
        for code in range(low, high):
            if code not in dropped:
                table[code] = ord(_fold_character(chr(code), dropped))
    table[list(dropped)] = _DROPPED
    return table


@functools.cache
def _byte_table() -> bytes:
    """The same for ASCII, of which nothing vanishes."""
    return _fold_table()[: _LAST_BYTE + 1].astype(np.uint8).tobytes()


def _fold_character(character: str, dropped: set[int]) -> str:
    """The one character that ``character`` folds to; itself where only several would do (``ß``, ligatures)."""
    while True:
        folded = _fold_once(character, dropped)
        if folded == character:
            return folded
        character = folded


def _fold_once(character: str, dropped: set[int]) -> str:
    if character in _OVERRIDES:
        return _OVERRIDES[character]
    category = unicodedata.category(character)
    if character.isspace() or category == "Pd":
        return " "
    if category == "Nd":
        return str(unicodedata.decimal(character))
    lower = character.lower()
    if len(lower) == 1 and lower != character:
        return lower
    caseless = character.casefold()
    # Case folding turns small Cherokee letters into capitals.
    if len(caseless) == 1 and caseless.lower() == caseless != character:
        return caseless
    decomposition = unicodedata.decomposition(character)
    if decomposition and (decomposition[0] != "<" or decomposition.startswith(_IDENTITY_DECOMPOSITIONS)):
        base = [c for c in unicodedata.normalize("NFKD", character) if ord(c) not in dropped]
        if len(base) == 1:
            return base[0]
    return character

"""Hashed four-word windows of a text, for telling copies from independent reports."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from watcher.text.fold import fold

_WINDOW_WORDS = 4
# Enough to find 98 % of the truncated copies among 100,000 texts of some hundred words.
_SAMPLED_ONE_IN = 16
_KEPT_WHOLE = 16  # windows; a text of twenty words has no more
_OFTEN_ONE_IN = 4
_KEPT_OFTEN = 64  # windows, two or three sentences
# Code points from here on are ideographs, Hangul and symbols; all count as parts of words.
_PUNCTUATION_END = 0x3100
_LONGEST_WORD = 256  # letters beyond repeat the weights
# Odd constants of the 64-bit golden ratio and of MurmurHash3's finaliser: multiplying spreads, the shift mixes back.
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_SHIFT = np.uint64(33)

_Hashes = npt.NDArray[np.uint64]


def shingles(text: str) -> frozenset[int]:
    """Signed 64-bit hashes of all four-word windows, the same in every process; a shorter text is one window."""
    return frozenset(_windows(text).tolist())


def sample(text: str) -> tuple[int, ...]:
    """Those of the shingles by which copies of the text are looked for, ascending.

    All of the first, fewer of the next, one in sixteen of the rest, chosen by value so that copies keep the same ones:
    copies begin with the beginning, and what is cut to a few lines has no other windows. Measured on the items of news
    feeds (benchmarks/duplicates), one in sixteen alone finds a third of the copies, this all of them.
    """
    windows = _windows(text)
    middle, rest = windows[_KEPT_WHOLE:_KEPT_OFTEN], windows[_KEPT_OFTEN:]
    kept = (windows[:_KEPT_WHOLE], middle[middle % _OFTEN_ONE_IN == 0], rest[rest % _SAMPLED_ONE_IN == 0])
    return tuple(np.unique(np.concatenate(kept)).tolist())


@functools.lru_cache(maxsize=64)  # an article's are asked for twice, and as many are read at a time
def _windows(text: str) -> npt.NDArray[np.int64]:
    """The hash of each window, in the order of the text."""
    words = _word_hashes(text)
    if not len(words):
        return np.empty(0, dtype=np.int64)
    windows = max(len(words) - _WINDOW_WORDS + 1, 1)
    mixed = np.full(windows, _SPREAD)
    for position in range(min(_WINDOW_WORDS, len(words))):
        mixed = _mixed(mixed ^ words[position : position + windows])
    return mixed.view(np.int64)


def containment(a: frozenset[int], b: frozenset[int]) -> float:
    """The share of the smaller set that the other holds, 0 to 1; 0 where one is empty."""
    smaller = min(len(a), len(b))
    return len(a & b) / smaller if smaller else 0.0


def _word_hashes(text: str) -> _Hashes:
    """A hash of each word in order; punctuation parts words and counts for nothing."""
    encoded = fold(text).text.encode("utf-32-le", "surrogatepass")
    code_points = np.frombuffer(encoded, dtype="<u4")
    is_word = _word_table()[np.minimum(code_points, _PUNCTUATION_END)]
    at = np.flatnonzero(is_word)
    if not len(at):
        return np.empty(0, dtype=np.uint64)
    is_first = np.ones(len(at), dtype=bool)
    is_first[1:] = np.diff(at) > 1
    first = np.flatnonzero(is_first)
    position = np.arange(len(at)) - np.repeat(first, np.diff(first, append=len(at)))
    letters = _mixed(code_points[at].astype(np.uint64) + _SPREAD) * _weights()[position % _LONGEST_WORD]
    return _mixed(np.add.reduceat(letters, first))


def _mixed(values: _Hashes) -> _Hashes:
    spread = values * _MIX
    return spread ^ (spread >> _SHIFT)


@functools.cache
def _word_table() -> npt.NDArray[np.bool_]:
    return np.array([chr(code).isalnum() for code in range(_PUNCTUATION_END)] + [True])


@functools.cache
def _weights() -> _Hashes:
    return np.cumprod(np.full(_LONGEST_WORD, _SPREAD), dtype=np.uint64)

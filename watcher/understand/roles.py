"""Which states in a sentence stand beside what happened: mediators, hosts, announcers, sources, private persons.

They are named parties like all others; whoever asks leaves them out where enough states remain without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from watcher.text.fold import fold_term
from watcher.text.reading import Reading
from watcher.text.sentences import Sentence
from watcher.understand.gazetteer import Gazetteer
from watcher.understand.states import StateMention, find_states
from watcher.understand.words import PhraseTable, Words, read_data, words_of

_FEW_WORDS = 5  # between a phrase and the state: "brokered by the former president of"
_OPENING = 4  # words before a phrase that opens the sentence
_FEW_JOINING = 3  # between companions: ", as well as the"
# Before the state; right behind it; behind the subject; a noun behind or before an adjective.
_SIDES = ("before", "behind", "subject", "people", "people_before")
_MARKS = frozenset(';:()?!"—.')


@dataclass(frozen=True, slots=True)
class Role:
    """What a state does beside the deed."""

    reason: str  # for people: "mediator: brokered by"
    is_weak: bool  # may be a party all the same, so that two others must remain


@dataclass(frozen=True, slots=True)
class _Cue:
    role: str
    is_weak: bool
    side: str  # where the phrase stands: see `_SIDES`


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of one language."""

    table: PhraseTable[_Cue]
    acts: PhraseTable[None]
    passive: PhraseTable[None]
    stops: frozenset[str]
    joins: frozenset[str]
    prepositions: frozenset[str]
    back: frozenset[str]
    between: frozenset[str]
    agent: frozenset[str]
    openings: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Chain:
    """States named side by side: "Egypt, Qatar and the United States"; offsets of words."""

    first: int
    last: int  # inside
    mentions: Sequence[StateMention]
    has_and: bool = False
    until_comma: int = 1  # how many of them stand before the first comma


def find_roles(reading: Reading, gazetteer: Gazetteer, sentence: Sentence) -> Mapping[int, Role]:
    """The roles of the states in a sentence by the start of their mention; parties have none. Cached on the reading."""
    key = f"roles.{gazetteer.version}.{sentence.index}"
    found: dict[int, Role] | None = reading.cache.get(key)
    if found is None:
        found = reading.cache[key] = {}
        language = _words_of_language(reading.language)
        for start, role in _roles(reading, gazetteer, sentence, language) if language else ():
            if start not in found or found[start].is_weak:
                found[start] = role
    return found


def _roles(reading: Reading, gazetteer: Gazetteer, sentence: Sentence, language: _Words) -> Iterator[tuple[int, Role]]:
    words = words_of(reading, sentence)
    mentions = [one for one in find_states(reading, gazetteer, sentence) if one.code]
    chains = _chains(reading, words, mentions, language)
    for hit in language.table.find(words):
        cue = hit.value
        phrase = " ".join(words.words[hit.start : hit.end])
        chain = _beside(chains, hit.start, hit.end, cue)
        if chain is not None and _stands_by(chain, hit.start, hit.end, cue, words, language):
            is_weak = cue.is_weak
            if cue.is_weak and cue.side not in ("people", "people_before"):
                if _is_own(words, chain, hit.start, hit.end, cue, language):
                    continue
                is_weak = not _is_between_others(words, chain, chains, language)
            reason = f"{cue.role}: " + (f"X {phrase}" if cue.side in ("behind", "subject", "people") else f"{phrase} X")
            chosen = chain.mentions
            is_opening = hit.start <= _OPENING and words.words[0] in language.openings
            if cue.side == "before" and is_opening:  # "Under the auspices of Russia, Armenia and Georgia"
                chosen = chain.mentions[: chain.until_comma]
            if cue.side == "people":
                chosen = chain.mentions[-1:]
            elif cue.side == "people_before":
                chosen = chain.mentions[:1]
            yield from ((one.start, Role(reason, is_weak)) for one in chosen)


def _beside(chains: Sequence[_Chain], start: int, end: int, cue: _Cue) -> _Chain | None:
    """The nearest chain on the side of the cue at the words ``start`` up to ``end`` on which its states stand."""
    if cue.side in ("before", "people_before"):
        return next((chain for chain in chains if chain.first >= end), None)
    return next((chain for chain in reversed(chains) if chain.last < start), None)


def _stands_by(chain: _Chain, start: int, end: int, cue: _Cue, words: Words, language: _Words) -> bool:
    """Whether the cue at the words ``start`` up to ``end`` speaks of the chain."""
    if cue.side == "before":
        return _is_short(words, end, chain.first, language)
    if cue.side == "people":
        return chain.last + 1 == start and chain.mentions[-1].kind == "demonym"
    if cue.side == "people_before":
        return chain.first == end and chain.mentions[0].kind == "demonym"
    if cue.side == "behind":
        return chain.last + 1 == start
    before = words.words[chain.first - 1] if chain.first else ""
    if before == "the" and chain.first > 1:
        before = words.words[chain.first - 2]
    between = words.words[chain.last + 1 : start]
    return (
        before not in language.prepositions
        and language.prepositions.isdisjoint(between)
        and _is_short(words, chain.last + 1, start, language)
    )


def _is_short(words: Words, start: int, end: int, language: _Words) -> bool:
    between = words.words[start:end]
    return len(between) <= _FEW_WORDS and not any(
        word in language.stops or word == "," or word in _MARKS for word in between
    )


def _is_own(words: Words, chain: _Chain, start: int, end: int, cue: _Cue, language: _Words) -> bool:
    """Whether the sentence tells what the speaker does itself as well, or what is done to it."""
    is_behind = cue.side == "before" or (chain.first > 0 and words.words[chain.first - 1] == ",")
    told = words.words[: min(start, chain.first)] if is_behind else words.words[end:]
    if not language.back.isdisjoint(told):
        return True
    if cue.side != "subject":
        return False
    if language.agent.isdisjoint(told) and any(language.passive.find(words)):
        return True
    return any(hit.start >= end for hit in language.acts.find(words))


def _is_between_others(words: Words, chain: _Chain, chains: Sequence[_Chain], language: _Words) -> bool:
    """Whether the sentence names the sides: "a truce between Israel and Hamas"."""
    own = {one.code for one in chain.mentions}
    for at, word in enumerate(words.words):
        if word in language.between:
            for other in chains:
                is_near = at < other.first <= at + _FEW_JOINING
                if is_near and own.isdisjoint(one.code for one in other.mentions):
                    return True
    return False


def _chains(reading: Reading, words: Words, mentions: Sequence[StateMention], language: _Words) -> list[_Chain]:
    chains: list[_Chain] = []
    for mention in mentions:
        start, end = reading.folded.folded(mention.start, mention.end)
        first, last = words.first_from(start), words.first_from(end - 1)
        known = chains[-1] if chains else None
        if known is not None and first > known.last:
            between = words.words[known.last + 1 : first]
            is_same = mention.code == known.mentions[-1].code and _is_short(words, known.last + 1, first, language)
            is_glued = words.starts[first] < start  # "and" written with the name, as in Arabic
            is_listed = (between or is_glued) and len(between) <= _FEW_JOINING and language.joins.issuperset(between)
            has_comma = "," in between[:1]
            # "Israel and Lebanon, Egypt and Qatar" are two lists.
            if is_same or (is_listed and not (has_comma and known.has_and)):
                is_before = known.until_comma == len(known.mentions) and not has_comma
                until_comma = known.until_comma + is_before
                has_and = known.has_and or (bool(is_listed) and not has_comma)
                chains[-1] = _Chain(known.first, last, (*known.mentions, mention), has_and, until_comma)
                continue
        chains.append(_Chain(first, last, (mention,)))
    return chains


@lru_cache(maxsize=16)
def _words_of_language(language: str) -> _Words | None:
    data = read_data("roles", language)
    if data is None:
        return None
    entries = [
        (phrase, _Cue(row["name"], row.get("weak") == "yes", side))
        for row in data["roles"]
        for side in _SIDES
        for phrase in row.get(side, ())
    ]
    return _Words(
        PhraseTable(entries),
        PhraseTable((phrase, None) for phrase in data["acts"]),
        PhraseTable((phrase, None) for phrase in data["passive"]),
        *(
            frozenset(map(fold_term, data[key]))
            for key in ("stops", "joins", "prepositions", "back", "between", "agent", "openings")
        ),
    )

"""What an edit of an article means: whether it says anything else, and what became of the words that were quoted. Pure.

Sites rewrite their items all the time without saying anything new: relative times, clock times, a comma. Such an edit
is no revision. A sentence that was only put another way is no correction: what counts is whether the rules still find
in the text what they found when people were told.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from watcher.model import Article, Event, EventChange, EventDecision, Excerpt, Field, Match, Signal
from watcher.text.dates import find_dates
from watcher.text.fold import fold
from watcher.text.reading import Reading
from watcher.text.shingles import containment, shingles

SAME_TEXT = 0.2  # share of its windows of words that a shortened text has in common with the whole one, at least
SAME_SENTENCE = 0.5  # share of the words of the longer one that make two sentences versions of each other
REREAD_FIRST = timedelta(minutes=5)  # the usual time between two polls
REREAD_FOR = timedelta(days=3)  # what is edited later is history
CUT_SHARE = 0.6  # a text that ends so early, and is the beginning of what was there, was cut off and not edited

_CLOCK = re.compile(r"(?<!\d)\d{1,2}[:.h]\d{2}(?!\d)")
_WORD = re.compile(r"\w+")
# How sites say how old an item is, folded; the words of dates in running text (text.dates) know fewer of them.
_UNITS = (
    r"(?:s|secs?|seconds?|mins?|m|minutes?|hrs?|h|hours?|d|days?|sn|saniye|dk|dakika|sa|saat|gun|sekunden?|minuten?|stunden?|"
    r"tag(?:en?)?|segundos?|minutos?|horas?|dias?|secondi|minut[oi]|or[ae]|giorn[oi]|uur|dag(?:en)?|sekundy?|minut[ey]?|"
    r"godzin[ey]?|dni|saniyə|dəqiqə|րոպե|ժամ|օր|წუთის|საათის|დღის|ثانيه|دقيقه|ساعت|روز)\.?"
)
_AGE = re.compile(
    rf"(?<!\w)(?:(?:\d+\s?{_UNITS}\s|(?:an?|one|bir|un[ao]?|een)\s{_UNITS}\s)"
    r"(?:ago|once|evvel|fa|geleden|temu|əvvəl|առաջ|წინ|پيش|قبل)"
    rf"|(?:vor|ha|hace)\s(?:\d+\s?|(?:eine[rmn]?|uma?|una?)\s){_UNITS}"
    r"|just now|az once|az evvel|gerade eben|soeben|только что|щойно|ahora mismo|agora mesmo|a l'instant|proprio ora)"
    r"(?!\w)"
)


class Fate(StrEnum):
    """What became of a quoted sentence."""

    HELD = "held"
    CHANGED = "changed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of what was quoted from an article, and what stands there now."""

    fate: Fate
    now_says: str = ""  # a sentence of the article; empty unless CHANGED

    def __str__(self) -> str:
        match self.fate:
            case Fate.CHANGED:
                return f"The source has changed the sentence that we quoted: it now says “{self.now_says}”"
            case Fate.GONE:
                return "The source no longer holds the sentence that we quoted."
        return "The source still says what we quoted."


def telling_words(text: str, language: str, reference_at: datetime) -> tuple[str, ...]:
    """The folded words of the text without dates, ages and clock times: two texts with the same ones say the same."""
    for mention in reversed(find_dates(text, 0, len(text), language, reference_at)):
        text = f"{text[: mention.start]} {text[mention.end :]}"
    return tuple(_WORD.findall(_AGE.sub(" ", fold(_CLOCK.sub(" ", text)).text)))


def says_something_else(old: Article, new: Article) -> bool:
    """Whether the new version of an article says anything that the old one did not, or leaves something out."""
    if (old.title, old.text) == (new.title, new.text):
        return False
    at = old.published_at or old.first_seen_at
    return any(
        telling_words(one, old.language, at) != telling_words(other, old.language, at)
        for one, other in ((old.title, new.title), (old.text, new.text))
    )


def is_cut(old: str, new: str) -> bool:
    """Whether the new text is but the beginning of the old one, as behind a paywall: it takes nothing back."""
    before, after = _WORD.findall(fold(old).text), _WORD.findall(fold(new).text)
    beginning = after[: max(len(after) - 3, 0)]  # its last words may be "… read more"
    return len(after) < CUT_SHARE * len(before) and beginning == before[: len(beginning)]


def is_another_page(old: str, new: str) -> bool:
    """Whether the new text is short and has next to nothing of the old one: a request to log in, an error, an index."""
    is_short = len(new) < CUT_SHARE * len(old)
    return is_short and containment(shingles(old), shingles(new)) < SAME_TEXT


def hash_words(words: Sequence[str]) -> int:
    """A stable 64-bit number, signed as SQLite has them."""
    digest = hashlib.blake2b("\x1f".join(words).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def judge_quotes(
    excerpts: Sequence[Excerpt], old: Article, before: Sequence[Signal], new: Article, after: Sequence[Signal]
) -> Verdict:
    """What became of what was quoted from the old version, now that the article reads as the new one.

    ``before`` and ``after`` are what the rules found in the two. The worst fate counts; a sentence that the old version
    did not hold either was judged before.
    """
    verdicts = [_judge(excerpt, old, before, new, after) for excerpt in excerpts]
    for fate in (Fate.CHANGED, Fate.GONE):
        for verdict in verdicts:
            if verdict.fate is fate:
                return verdict
    return Verdict(Fate.HELD)


def decide_correction(
    event: Event,
    quoted: Sequence[Excerpt],
    old: Article,
    before: Sequence[Signal],
    new: Article,
    after: Sequence[Signal],
) -> EventDecision | None:
    """What to tell those who were told what the article says no longer; None where it still says so.

    ``event`` is as its reports have it now, ``quoted`` is what was shown of the old version in alerts about it,
    ``before`` and ``after`` as for `judge_quotes`. The reason of the decision is what happened to the quote, in words.
    """
    of_event = tuple(one for one in after if one.rule_id in event.rule_ids)
    verdict = judge_quotes(quoted, old, [one for one in before if one.rule_id in event.rule_ids], new, of_event)
    if verdict.fate is Fate.HELD:
        return None
    corrected = replace(event, notified_killed=event.killed.at_least if event.killed else 0)
    return EventDecision(corrected, (EventChange.CORRECTED,), str(verdict), of_event)


def _judge(excerpt: Excerpt, old: Article, before: Sequence[Signal], new: Article, after: Sequence[Signal]) -> Verdict:
    quoted = fold(excerpt.text).text.strip()
    at = _part(old, excerpt.field).find(excerpt.text)
    if at < 0 or quoted in fold(_part(new, excerpt.field)).text:
        return Verdict(Fate.HELD)
    end = at + len(excerpt.text)
    then, now = _by_clue(before, excerpt.field), _by_clue(after, excerpt.field)
    quoted_clues = {
        clue for clue, found in then.items() if any(at <= one.span.start and one.span.end <= end for one in found)
    }
    if quoted_clues and quoted_clues <= now.keys():
        for clue in sorted(quoted_clues):
            if _toll(then[clue]) != _toll(now[clue]):
                return Verdict(Fate.CHANGED, _sentence_of(new, max(now[clue], key=lambda one: _toll([one]) or 0)))
        return Verdict(Fate.HELD)  # said in other words, or elsewhere
    nearest = _nearest_sentence(excerpt, new)
    return Verdict(Fate.CHANGED, nearest) if nearest else Verdict(Fate.GONE)


def _part(article: Article, field: Field) -> str:
    return article.title if field is Field.TITLE else article.text


def _by_clue(signals: Sequence[Signal], field: Field) -> Mapping[tuple[str, str], list[Match]]:
    """The matches in that part of the article, by rule and clue."""
    found: defaultdict[tuple[str, str], list[Match]] = defaultdict(list)
    for signal in signals:
        for match in signal.matches:
            if match.span.field is field:
                found[signal.rule_id, match.clue].append(match)
    return found


def _toll(matches: Sequence[Match]) -> int | None:
    """The highest figure that the matches give; None where they count nobody."""
    return max((match.toll.at_least for match in matches if match.toll is not None), default=None)


def _reading(article: Article) -> Reading:
    return Reading.of(article.title, article.text, article.language, article.published_at or article.first_seen_at)


def _sentence_of(article: Article, match: Match) -> str:
    reading = _reading(article)
    offset = match.span.start + (0 if match.span.field is Field.TITLE else reading.text_start)
    sentence = reading.sentence_at(offset)
    return reading.full[sentence.start : sentence.end].strip()


def _nearest_sentence(excerpt: Excerpt, article: Article) -> str:
    """The sentence that shares the most words with what was quoted; empty where none is a version of it."""
    reading = _reading(article)
    wanted = Counter(_WORD.findall(fold(excerpt.text).text))
    best, most = "", SAME_SENTENCE
    for sentence in reading.sentences:
        if (sentence.start < reading.text_start) != (excerpt.field is Field.TITLE):
            continue
        text = reading.full[sentence.start : sentence.end]
        words = Counter(_WORD.findall(fold(text).text))
        longer = max(wanted.total(), words.total(), 1)
        if (share := (wanted & words).total() / longer) >= most:
            best, most = text.strip(), share
    return best


def reread_at(first_seen_at: datetime, read_at: datetime) -> datetime:
    """When an item whose listing has changed may be read again: after half of the time it was known when last read.

    So what is edited all the time is read some fifteen times in three days, most of them at the beginning.
    """
    return read_at + max(REREAD_FIRST, (read_at - first_seen_at) / 2)


def may_be_revised(published_at: datetime | None, first_seen_at: datetime, now: datetime) -> bool:
    """Whether an edit of the item can still be news."""
    return now - (published_at or first_seen_at) <= REREAD_FOR

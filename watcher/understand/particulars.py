"""What tells one happening from another besides its parties: places, days, and the names in the text."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from importlib import resources

import yaml

from watcher.model import Article, Field, Match, Particulars
from watcher.text.dates import find_dates
from watcher.text.fold import fold, fold_term
from watcher.text.reading import Reading
from watcher.understand.gazetteer import Gazetteer
from watcher.understand.states import find_states
from watcher.understand.wires import find_agency

_LEAD_SENTENCES = 5  # of the text, after the title; what stands further down is background more often than not
_MOST_WORDS = 16
_SHORTEST_WORD = 4
_LONGEST_PERIOD_DAYS = 2  # "on Tuesday night"; "last week" tells nothing
# A word with a capital that does not begin its sentence or quotation.
_NAME = re.compile(r"(?<=[^\W_][ ,] )[^\W\d_a-zа-я][\w’'-]+|(?<=[^\W_,;] )[^\W\d_][\w’'-]+|(?<=, )[^\W\d_][\w’'-]+")
# Words with a capital that every report of such things has; folded.
_COMMON = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april june july august september
    october november december president minister ministry prime foreign defence defense deputy general army navy force
    forces council security united nations union european parliament government republic state states secretary
    spokesman spokeswoman spokesperson embassy ambassador north south east west northern southern eastern western
    international national federal armed military agency news press police court people party""".split()
)


def particulars_of(article: Article, matches: Iterable[Match]) -> Particulars:
    """The particulars of an article; ``matches`` are what made its rules hold.

    Places are territories and cities, as folded words. Names are looked for in the title and the first sentences, and
    only in scripts with capitals; a headline in which every word has one gives none.
    """
    # Half a surrogate pair, which JSON can carry, is no letter; offsets stay as they are.
    title, text = (part.encode("utf-8", "replace").decode("utf-8") for part in (article.title, article.text))
    reading = Reading.of(title, text, article.language, article.published_at or article.first_seen_at)
    chosen = {
        reading.sentence_at(match.span.start + (0 if match.span.field is Field.TITLE else reading.text_start)).index
        for match in matches
    }
    body = [sentence.index for sentence in reading.sentences if sentence.start >= reading.text_start]
    places: set[str] = set()
    days: set[str] = set()
    words: dict[str, None] = {}
    for index in sorted(chosen.union(body[:_LEAD_SENTENCES])):
        sentence = reading.sentences[index]
        named = find_states(reading, Gazetteer.load(), sentence)
        for mention in named:
            if mention.kind == "territory":
                places.add(fold_term(reading.full[mention.start : mention.end]))
        for date in find_dates(reading.full, sentence.start, sentence.end, reading.language, reading.reference_at):
            if index in chosen and (date.latest - date.earliest).days < _LONGEST_PERIOD_DAYS:
                days |= {date.earliest.isoformat(), date.latest.isoformat()}
        if sentence.start < reading.text_start:
            continue
        spans = [(mention.start, mention.end) for mention in named]
        for found in _NAME.finditer(reading.full, sentence.start + 1, sentence.end):
            word = found[0]
            if not word[0].isupper() or any(start < found.end() and found.start() < end for start, end in spans):
                continue
            folded = fold_term(re.split(r"['’]", word)[0])
            if len(folded) >= _SHORTEST_WORD and not word.isupper() and folded not in _COMMON and not find_agency(word):
                words.setdefault(folded)
    return Particulars(tuple(sorted(places)), tuple(sorted(days)), tuple(sorted(list(words)[:_MOST_WORDS])))


def lowers_toll(article: Article) -> bool:
    """Whether the article says that an earlier count of victims was too high."""
    pattern = _lowered().get(article.language)
    return pattern is not None and pattern.search(fold(f"{article.title}\n{article.text}").text) is not None


@functools.cache
def _lowered() -> Mapping[str, re.Pattern[str]]:
    """By language, over folded text."""
    path = resources.files("watcher.understand") / "data" / "tolls" / "lowered.yaml"
    rows = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506 - only text
    return {
        language: re.compile("|".join(rf"(?<!\w)(?:{fold_term(row)})" for row in patterns).replace(" ", r"\s+"))
        for language, patterns in rows.items()
    }

"""What deciding about a signal costs with so many events stored.

    python -m benchmarks.events.run [--stored 10 1000 100000] [--signals 400]

Run it from the root of a checkout. Events of random pairs of states, with one to six reports each, are stored: one in
a hundred in the last day (open), the others over three years. Then articles with a signal each come in, every second
about the pair of another open event, the others about any pair. They go through all of `Recorder.record` but fetching
and matching: copies, events, alerts, deliveries. CPU time, the median of each hundred.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.builders import article, event, report, signal
from watcher.dedup import text_to_compare
from watcher.match import MatchResult
from watcher.model import Channel, Claim, Event, Recipient, Severity, Source, Toll
from watcher.recording import Reading, Recorder
from watcher.rulebook import RuleBook
from watcher.rules.compile import compile_rules
from watcher.rules.load import load_rules
from watcher.settings.schema import shipped_rules
from watcher.store import Store
from watcher.store.articles import ArticleKeys
from watcher.text.shingles import shingles
from watcher.understand.states import Gazetteer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RULE, FAMILY = "interstate-clash", "clash"
OPEN_ONE_IN = 100
PAST = timedelta(days=3 * 365)
WORDS = [a + b + c for a, b, c in itertools.product("bdkmnprst", "aeiou", ("lan", "rek", "mos", "tin"))]


def prose(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(WORDS, k=words)) + "."


def stored_event(number: int, pairs: Sequence[tuple[str, str]], chance: random.Random) -> Event:
    age = timedelta(days=1) if number % OPEN_ONE_IN == 0 else PAST
    at = NOW - chance.random() * age
    states = chance.choice(pairs)
    claim = Claim(RULE, FAMILY, Severity.CRITICAL, states, Toll(chance.randint(1, 90)))
    reports = tuple(
        report(
            article_id=f"{number}-{index}",
            source_id=f"s{index}",
            publisher=f"Publisher {chance.randrange(300)}",
            published_at=at + timedelta(minutes=10 * index),
            first_seen_at=at + timedelta(minutes=10 * index + 5),
            claims=(claim,),
        )
        for index in range(chance.randint(1, 6))
    )
    made = event(
        id=f"e{number}",
        rule_id=RULE,
        rule_ids=(RULE,),
        family=FAMILY,
        states=states,
        reports=reports,
        opened_at=at,
        last_seen_at=reports[-1].published_at,
    )
    return replace(made, announced_at=at)


def fill(store: Store, number: int, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, ...]]:
    """The parties of the open events."""
    chance = random.Random(1)
    open_pairs = []
    for start in range(0, number, 1000):
        with store.transaction():
            for index in range(start, min(start + 1000, number)):
                made = stored_event(index, pairs, chance)
                store.events.save(made)
                if index % OPEN_ONE_IN == 0:
                    open_pairs.append(made.states)
    return open_pairs


def cost_ms(
    store: Store, book: RuleBook, pairs: Sequence[tuple[str, ...]], known: Sequence[tuple[str, ...]], signals: int
) -> float:
    """The median of the mean CPU milliseconds of each hundred signals."""
    chance, recorder, means = random.Random(2), Recorder(store), []
    for start in range(0, signals, 100):
        readings = []
        for number in range(start, start + 100):
            at = NOW + timedelta(seconds=number)
            one = article(
                id=f"new-{number}",
                source_id="bench",
                url=f"https://bench.example/{number}",
                text=prose(chance, 250),
                published_at=at,
                first_seen_at=at,
                publisher=f"Publisher {chance.randrange(300)}",
            )
            states = known[number // 2] if number % 2 and number // 2 < len(known) else chance.choice(pairs)
            found = signal(rule_id=RULE, family=FAMILY, article_id=one.id, states=tuple(sorted(states)), killed=Toll(5))
            result = MatchResult((found,), (), ())
            readings.append(
                Reading(one, ArticleKeys("bench", url=one.url), result, shingles(text_to_compare(one)), None)
            )
        source = Source("bench", "https://bench.example/")
        began = time.process_time()
        for reading in readings:
            recorder.record(source, book, [reading], reading.article.first_seen_at)
        means.append((time.process_time() - began) * 1000 / len(readings))
    return statistics.median(means)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stored", type=int, nargs="*", default=[10, 1_000, 100_000])
    parser.add_argument("--signals", type=int, default=400)
    arguments = parser.parse_args()
    rule_set = load_rules([shipped_rules()])
    gazetteer = Gazetteer.load()
    desk = Recipient("desk", Channel.CONSOLE, "-")
    book = RuleBook.of(rule_set, compile_rules(rule_set, gazetteer), gazetteer.names(), [desk])
    pairs = list(itertools.combinations(sorted(gazetteer.names()), 2))
    print(f"{platform.machine()}, Python {platform.python_version()}")
    first = None
    for number in arguments.stored:
        with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "w.db", exclusive=True) as store:
            known = fill(store, number, pairs)
            cost = cost_ms(store, book, pairs, known, arguments.signals)
        first = first or cost
        print(f"{number:>9,} events: {cost:6.2f} ms for a signal, {cost / first:.2f} times the first", flush=True)


if __name__ == "__main__":
    main()

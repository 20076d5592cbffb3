"""How many copies the index of texts finds, and what a look costs with 100,000 texts stored.

    python -m benchmarks.duplicates.run FILE.jsonl.gz... [--stored 100000]

Run it from the root of a checkout. The files hold articles (`id`, `title`, `text`). Two texts are copies where the
shorter shares 80 % of its four-word windows with the longer; the reference compares every text with every earlier one.
For each file, the share of those pairs that the store's index gives, and of the given pairs how many are copies. Then
texts of random words are stored up to the number asked for, and hashing and looking up further ones is timed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import platform
import random
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.builders import article
from watcher.dedup import COPY_CONTAINMENT, text_to_compare
from watcher.model import Article
from watcher.recording import find_same_text
from watcher.store import Store
from watcher.store.articles import ArticleKeys
from watcher.text.shingles import sample, shingles

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LOOKS = 2_000


def read(path: Path) -> list[Article]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return [
        article(id=f"a{n}", title=record.get("title") or "", text=record.get("text") or "", first_seen_at=NOW)
        for n, record in enumerate(records)
    ]


def copies(articles: Sequence[Article]) -> set[tuple[str, str]]:
    """Every pair of copies, by comparing all; a pair without a common window cannot be one."""
    holding: dict[int, list[int]] = defaultdict(list)
    known = [shingles(text_to_compare(one)) for one in articles]
    pairs = set()
    for index, hashes in enumerate(known):
        shared = Counter(other for value in hashes for other in holding[value])
        pairs |= {
            (articles[other].id, articles[index].id)
            for other, count in shared.items()
            if count / min(len(hashes), len(known[other])) >= COPY_CONTAINMENT
        }
        for value in hashes:
            holding[value].append(index)
    return pairs


@dataclass
class Index:
    """The store's index, as the daemon uses it."""

    store: Store

    def find(self, one: Article) -> frozenset[str]:
        text = text_to_compare(one)
        return find_same_text(self.store, one.id, shingles(text), sample(text), NOW)

    def add(self, articles: Sequence[Article]) -> None:
        with self.store.transaction():
            for one in articles:
                keys = ArticleKeys("s", guid=one.id)
                self.store.articles.insert(one, keys, sampled=sample(text_to_compare(one)))


def measure_recall(path: Path, folder: Path) -> None:
    articles = read(path)
    expected = copies(articles)
    with Store.open(folder / f"{path.name}.db", exclusive=True) as store:
        index, given = Index(store), set()
        for one in articles:
            given |= {(other, one.id) for other in index.find(one)}
            index.add([one])
    right = len(given & expected)
    print(
        f"{path.name}: {len(articles)} texts, {len(expected)} pairs of copies; found "
        f"{right / max(len(expected), 1):.3f} of them, {right / max(len(given), 1):.3f} of what was given is right"
    )


def measure_cost(stored: int, folder: Path) -> None:
    rng = random.Random(7)
    vocabulary = ["".join(rng.choices("aeioubcdfglmnprstv", k=rng.randint(3, 9))) for _ in range(30_000)]
    # Frequent words are frequent, as in any language: the rank decides (Zipf).
    weights = [1 / (rank + 3) for rank in range(len(vocabulary))]

    def text(number: int) -> Article:
        words = rng.choices(vocabulary, weights, k=rng.choice((25, 60, 300, 700)))
        return article(id=f"r{number}", title="", text=" ".join(words), first_seen_at=NOW)

    with Store.open(folder / "cost.db", exclusive=True) as store:
        index = Index(store)
        begin = time.process_time()
        for start in range(0, stored, 1_000):
            index.add([text(number) for number in range(start, start + 1_000)])
        filled = (time.process_time() - begin) / stored
        new = [text(stored + number) for number in range(LOOKS)]
        sampled = [sample(one.text) for one in new]
        begin = time.process_time()
        for one in new:
            shingles(one.text)
            sample(one.text)
        hashing = (time.process_time() - begin) / LOOKS
        begin = time.process_time()
        for values in sampled:
            store.articles.candidates(values, NOW)
        looking = (time.process_time() - begin) / LOOKS
        size = (folder / "cost.db").stat().st_size / stored
    print(
        f"with {stored:,} texts of 25 to 700 words stored: hashing {hashing * 1e3:.3f} ms, "
        f"looking {looking * 1e3:.3f} ms a text; making and storing one {filled * 1e3:.3f} ms; "
        f"{size:,.0f} bytes each, texts included"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--stored", type=int, default=100_000)
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}")
    with tempfile.TemporaryDirectory() as folder:
        for path in options.files:
            measure_recall(path, Path(folder))
        measure_cost(options.stored, Path(folder))


if __name__ == "__main__":
    main()

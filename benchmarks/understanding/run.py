"""What understanding costs beside the search it follows, on the articles in which some rule is a candidate.

    python -m benchmarks.understanding.run [--articles FILE] [--rules FOLDER] [--rounds 5]

"Search" is all of `match_article` that looks for words: folding, the automaton, candidates, phrases. "Understanding" is
what it asks of sentences, stances (with their dates), states and casualties. The bare scan is the automaton alone. All
are taken in the same rounds by a clock around what asks for understanding, so that other work on the machine weighs on
all alike; the ratio counts.
"""

from __future__ import annotations

import argparse
import functools
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ahocorasick_rs import AhoCorasick

from benchmarks.matching.run import ARTICLES, read_articles
from watcher import match
from watcher.match import Facts, match_article
from watcher.rules.compile import compile_rules
from watcher.rules.load import load_rules
from watcher.text.fold import fold
from watcher.text.reading import Reading
from watcher.understand import casualties
from watcher.understand.gazetteer import Gazetteer

RULES = Path(__file__).parents[2] / "rules"
# What asks for understanding, by part: the module or class that has it, and the name it is called by.
ENTRANCES = {
    "sentences": [(Reading, "_split_next")],
    "stance": [(match, "judge"), (casualties, "judge")],
    "dates": [(match, "find_dates")],
    "states": [(match, "find_states"), (casualties, "find_states")],
    "casualties": [(match, "find_casualties_in"), (match, "sentences_with_casualties"), (match, "toll")],
}


class Clock:
    """CPU nanoseconds inside each part; what a part asks of another counts for the other alone."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(ENTRANCES, 0)
        self._running: list[str] = []
        self._since = 0

    def around(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(work)
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._turn(part)
            try:
                return work(*args, **kwargs)
            finally:
                self._turn(None)

        return timed

    def _turn(self, part: str | None) -> None:
        now = time.process_time_ns()
        if self._running:
            self.spent[self._running[-1]] += now - self._since
        if part is None:
            self._running.pop()
        else:
            self._running.append(part)
        self._since = time.process_time_ns()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=Path, default=ARTICLES)
    parser.add_argument("--rules", type=Path, default=RULES)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rules = compile_rules(load_rules([options.rules]), Gazetteer.load())
    every = read_articles(options.articles)
    articles = [article for article in every if Facts(rules, article, None).search.candidates()]
    candidates = {article.id for article in articles}
    others = [article for article in every if article.id not in candidates]
    if not articles:
        raise SystemExit("no rule is a candidate in any article")
    folded = [fold(f"{article.title}\n\n{article.text}").text for article in articles]
    plain = AhoCorasick(list(rules.terms), store_patterns=False)
    clock = Clock()
    for part, places in ENTRANCES.items():
        for module, name in places:
            setattr(module, name, clock.around(part, getattr(module, name)))
    for article in articles:
        match_article(rules, article)  # builds what is built once
    rounds = []
    for _ in range(options.rounds):
        clock.spent = dict.fromkeys(ENTRANCES, 0)
        start = time.process_time_ns()
        for article in articles:
            match_article(rules, article)
        middle_of_round = time.process_time_ns()
        for text in folded:
            plain.find_matches_as_indexes(text, overlapping=True)
        scan = time.process_time_ns() - middle_of_round
        rounds.append({"all": middle_of_round - start, "scan": scan, **clock.spent})
    per = 1e-3 / len(articles)
    middle = {part: per * statistics.median(one[part] for one in rounds) for part in rounds[0]}
    understanding = sum(middle[part] for part in ENTRANCES)
    ratios = [
        sum(one[part] for part in ENTRANCES) / (one["all"] - sum(one[part] for part in ENTRANCES)) for one in rounds
    ]
    clock.spent = dict.fromkeys(ENTRANCES, 0)
    for article in others:
        match_article(rules, article)
    elsewhere = 1e-3 * sum(clock.spent.values()) / max(len(others), 1)
    print(f"Python {platform.python_version()}, {len(rules.rules)} rules, {len(articles)} of {len(every)} articles")
    print(f"bare scan     {middle['scan']:8.0f} µs an article")
    print(f"search        {middle['all'] - understanding:8.0f} µs an article")
    print(f"understanding {understanding:8.0f} µs: " + ", ".join(f"{part} {middle[part]:.0f}" for part in ENTRANCES))
    print(f"ratio         {statistics.median(ratios):8.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print(f"understanding where no rule is a candidate: {elsewhere:.0f} µs an article, {len(others)} articles")


if __name__ == "__main__":
    main()

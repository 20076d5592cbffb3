"""Whether a rule that speaks over several articles (steps in order, counts) speaks now, and on which of them it rests.

Matching an article gives a signal of a step, or one to be counted. Here it meets the rule's own past: small frozen
values, decided about by the articles' own dates, so that the order of arrival makes no difference. Pure: the store, or
a `RuleMemory` where there is none, hands in the past.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from watcher.dedup import COPY_CONTAINMENT, COPY_WINDOW, report_of, text_to_compare
from watcher.independence import weigh
from watcher.model import Article, Report, Signal, Standing, Toll
from watcher.rules.compile import Counted, InSequence
from watcher.rules.schema import AndTimesUsual, CountOf, Sharing
from watcher.text.shingles import containment, shingles

OverTime = InSequence | Counted


@dataclass(frozen=True, slots=True)
class PastSignal:
    """An article on which a rule, or one of its steps, held: what deciding about later ones needs."""

    rule_id: str
    at: datetime  # the article's own date
    states: tuple[str, ...]
    killed: Toll | None
    injured: Toll | None
    items: tuple[str, ...]
    report: Report
    same_text: tuple[str, ...] = ()  # ids of the articles, there before it, whose text it repeats

    @property
    def step(self) -> str | None:
        return self.report.step

    @property
    def order(self) -> tuple[datetime, str]:
        """By date, and the same in every run where dates are equal."""
        return self.at, self.report.article_id


@dataclass(frozen=True, slots=True)
class Progress:
    """One thing that the rule wants of several articles, and how far it is."""

    label: str  # "step ties_broken", "3 publishers within 6h"
    is_there: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the rule speaks on an article, with the past that is known when it arrives."""

    speaks: bool
    outcome: str  # "step ties_broken", "counted 2 of 3"
    progress: tuple[Progress, ...]
    rests_on: tuple[PastSignal, ...] = ()  # with the article itself, by date; empty: it does not speak
    states: frozenset[str] | None = None  # that reached the count, where each is counted by itself


@dataclass(frozen=True, slots=True)
class Judged:
    """A signal of a rule that speaks over several articles, and what came of it."""

    signal: Signal  # as the article gave it
    past: PastSignal  # to be remembered
    decision: Decision
    whole: Signal | None  # what the rule says; None: nothing yet


def past_of(signal: Signal, article: Article, same_text: Iterable[str]) -> PastSignal:
    """What is remembered of a signal."""
    repeated = tuple(sorted(set(same_text) - {article.id}))
    return PastSignal(
        rule_id=signal.rule_id,
        at=date_of(article),
        states=signal.states,
        killed=signal.killed,
        injured=signal.injured,
        items=signal.items,
        report=replace(report_of(article), killed=signal.killed, step=signal.step, same_text=repeated),
        same_text=repeated,
    )


def date_of(article: Article) -> datetime:
    """When an article counts as news: its own date, else when it was first seen."""
    return article.published_at or article.first_seen_at


def judge(
    wanted: OverTime,
    signal: Signal,
    article: Article,
    past: Sequence[PastSignal],
    same_text: Iterable[str],
    watched_since: datetime | None,
) -> Judged:
    """What comes of a signal; ``past`` is that of its rule, ``watched_since`` when the rule began to look."""
    new = past_of(signal, article, same_text)
    decision = decide(wanted, new, past, watched_since)
    return Judged(signal, new, decision, _whole(signal, new, decision) if decision.speaks else None)


def decide(wanted: OverTime, new: PastSignal, past: Sequence[PastSignal], watched_since: datetime | None) -> Decision:
    """Whether the rule speaks with the new signal, by the dates of the articles and not by their order of arrival."""
    # A rule keeps its past when it is rewritten; steps that it no longer has are nothing to it.
    steps = wanted.steps if isinstance(wanted, InSequence) else (None,)
    same = (new.report.article_id, new.step)
    known = [one for one in past if one.step in steps and (one.report.article_id, one.step) != same]
    originals = without_copies([*known, new])
    if isinstance(wanted, InSequence):
        return _decide_sequence(wanted, new, originals)
    return _decide_count(wanted, new, originals, _voices([*known, new], new.states), watched_since)


_Voices = Mapping[str, str | None]  # by article: the voice that it speaks with; None: one that counts for nothing


def _voices(signals: Sequence[PastSignal], parties: Sequence[str]) -> _Voices:
    weighed = weigh({one.report.article_id: one.report for one in signals}.values(), parties)
    counted = (Standing.NEWSROOM, Standing.STATE)
    return {one.article_id: one.voice if one.standing in counted else None for one in weighed.reports}


def _heard(voices: _Voices, signals: Iterable[PastSignal]) -> int:
    """How many independent newsrooms are among them."""
    return len({voices[one.report.article_id] for one in signals} - {None})


def span_of(wanted: OverTime) -> timedelta:
    """How far apart articles may be that the rule puts together."""
    usual = wanted.usual if isinstance(wanted, Counted) else None
    return wanted.within + (usual.measured_over if usual else timedelta())


def without_copies(signals: Sequence[PastSignal]) -> tuple[PastSignal, ...]:
    """The signals by date, those left out whose step an earlier article of the same text reports already."""
    keys = {(one.report.article_id, one.step) for one in signals}
    first: dict[tuple[str, str | None], tuple[str, str | None]] = {}  # to another of its group, up to one for all

    def group(key: tuple[str, str | None]) -> tuple[str, str | None]:
        while key in first:
            key = first[key]
        return key

    for one in signals:
        own = (one.report.article_id, one.step)
        for other in ((article_id, one.step) for article_id in one.same_text):
            if other in keys and group(other) != group(own):
                first[group(own)] = group(other)
    earliest: dict[tuple[str, str | None], PastSignal] = {}
    for one in sorted(signals, key=lambda one: one.order):
        earliest.setdefault(group((one.report.article_id, one.step)), one)
    return tuple(earliest.values())


def _decide_sequence(wanted: InSequence, new: PastSignal, originals: Sequence[PastSignal]) -> Decision:
    outcome = f"step {new.step}"
    if new not in originals:
        return Decision(False, f"{outcome}, a copy", (Progress(outcome, False, "repeats an article that is known"),))
    best: list[PastSignal | None] = []
    for place, step in enumerate(wanted.steps):
        if step != new.step:
            continue
        for sharing in _shared(wanted.sharing, new, originals):
            chain = _chain(wanted, place, new, sharing)
            if sum(one is not None for one in chain) > sum(one is not None for one in best):
                best = chain
    if not best:
        detail = "names no state, and the steps must share " + str(wanted.sharing)
        return Decision(False, outcome, (Progress(outcome, False, detail),))
    rests_on = tuple(one for one in best if one is not None)
    progress = tuple(_step_progress(step, one, new, wanted) for step, one in zip(wanted.steps, best, strict=True))
    if len(rests_on) < len(wanted.steps):
        return Decision(False, outcome, progress)
    return Decision(True, "in order: " + ", ".join(wanted.steps), progress, rests_on)


def _shared(
    sharing: Sharing | None, new: PastSignal, originals: Sequence[PastSignal]
) -> Iterator[Sequence[PastSignal]]:
    """The signals that share with the new one what they must, for each way in which they can."""
    if sharing is None:
        yield originals
    elif sharing is Sharing.STATES and new.states:
        yield [one for one in originals if one.states == new.states]
    elif sharing is Sharing.A_STATE:
        for state in new.states:
            yield [one for one in originals if state in one.states]


def _chain(wanted: InSequence, place: int, new: PastSignal, signals: Sequence[PastSignal]) -> list[PastSignal | None]:
    """The signal for each step that is nearest to the new one, one truly before the other; None: there is none.

    The nearest make the shortest chain, so that if it is too long every other one is.
    """
    chain: list[PastSignal | None] = [None] * len(wanted.steps)
    chain[place] = at = new
    for index in range(place - 1, -1, -1):
        before = [one for one in signals if one.step == wanted.steps[index] and one.at < at.at]
        if not before or new.at - before[-1].at > wanted.within:
            break
        chain[index] = at = before[-1]
    first, at = at, new
    for index in range(place + 1, len(wanted.steps)):
        after = [one for one in signals if one.step == wanted.steps[index] and one.at > at.at]
        if not after or after[0].at - first.at > wanted.within:
            break
        chain[index] = at = after[0]
    return chain


def _step_progress(step: str, found: PastSignal | None, new: PastSignal, wanted: InSequence) -> Progress:
    label = f"step {step}"
    if found is None:
        return Progress(label, False, f"not found within {show_span(wanted.within)} of {show_time(new.at)}")
    who = "this article" if found == new else f"{found.report.publisher}, {found.report.article_id}"
    return Progress(label, True, f"{show_time(found.at)}, {', '.join(found.states) or 'no state'}, {who}")


def _decide_count(
    wanted: Counted,
    new: PastSignal,
    originals: Sequence[PastSignal],
    voices: _Voices,
    watched_since: datetime | None,
) -> Decision:
    what = f"{wanted.at_least} {wanted.of} within {show_span(wanted.within)}"
    if new not in originals:
        return Decision(False, "counted nothing, a copy", (Progress(what, False, "repeats an article that is known"),))
    best: Decision | None = None
    reached: set[str] = set()
    rests_on: dict[PastSignal, None] = {}
    for state in new.states if wanted.per_state else (None,):
        counted = [one for one in originals if state is None or state in one.states]
        decision = _count(wanted, new, counted, voices, watched_since, f"{what}, {state}" if state else what)
        if decision.speaks:
            reached |= {state} if state else set()
            rests_on.update(dict.fromkeys(decision.rests_on))
        if best is None or (decision.speaks, len(decision.rests_on)) > (best.speaks, len(best.rests_on)):
            best = decision
    if best is None:
        return Decision(False, "counted nothing", (Progress(what, False, "names no state, and each is counted"),))
    ordered = tuple(sorted(rests_on, key=lambda one: one.order))
    return replace(best, rests_on=ordered, states=frozenset(reached) if wanted.per_state else None)


def _count(
    wanted: Counted,
    new: PastSignal,
    counted: Sequence[PastSignal],
    voices: _Voices,
    watched_since: datetime | None,
    what: str,
) -> Decision:
    """The best window that holds the new signal, one that speaks before others."""
    times = [one.at for one in counted]
    low = bisect_left(times, new.at - wanted.within)
    high = bisect_right(times, new.at)
    best: tuple[bool, int] = (False, 0)
    progress: tuple[Progress, ...] = ()
    members: Sequence[PastSignal] = ()
    for first in range(low, high):
        inside = counted[first : bisect_right(times, times[first] + wanted.within)]
        number = _heard(voices, inside) if wanted.of is CountOf.PUBLISHERS else len(inside)
        if (True, number) <= best:
            continue
        enough = number >= wanted.at_least
        found = [Progress(what, enough, f"{number} of {wanted.at_least} since {show_time(times[first])}")]
        if wanted.usual is not None:
            found.append(_compare(wanted, wanted.usual, number, counted[:first], voices, times[first], watched_since))
        speaks = all(one.is_there for one in found)
        if (speaks, number) > best:
            best, progress, members = (speaks, number), tuple(found), inside
    speaks, number = best
    outcome = f"counted {number} of {wanted.at_least}"
    late = [one.detail for one in progress[1:] if not one.is_there]
    return Decision(speaks, "; ".join([outcome, *late]), progress, tuple(members) if speaks else ())


def _compare(
    wanted: Counted,
    usual: AndTimesUsual,
    number: int,
    before: Sequence[PastSignal],
    voices: _Voices,
    start: datetime,
    watched_since: datetime | None,
) -> Progress:
    """Whether the number is so many times the usual one of the windows before ``start``."""
    label = f"{usual.ratio:g} times as usual over {show_span(usual.measured_over)}"
    history = timedelta() if watched_since is None else max(start - watched_since, timedelta())
    if history < usual.needs_history:
        return Progress(label, False, f"history of {show_span(history)}, {show_span(usual.needs_history)} needed")
    windows = max(min(history, usual.measured_over) // wanted.within, 1)
    found = [one for one in before if start - windows * wanted.within < one.at]
    if wanted.of is CountOf.PUBLISHERS:
        heard = {((start - one.at) // wanted.within, voices[one.report.article_id]) for one in found}
        total = sum(voice is not None for _, voice in heard)
    else:
        total = len(found)
    mean = total / windows
    return Progress(label, number >= usual.ratio * mean, f"usually {mean:.2g} in {show_span(wanted.within)}")


def _whole(signal: Signal, new: PastSignal, decision: Decision) -> Signal:
    """The rule's signal, of all articles that it rests on."""
    members = decision.rests_on
    states = decision.states
    if states is None:
        states = frozenset(state for one in members for state in one.states)
    return replace(
        signal,
        states=tuple(sorted(states)),
        killed=_highest(one.killed for one in members),
        injured=_highest(one.injured for one in members),
        items=tuple(sorted({item for one in members for item in one.items})),
        earlier=tuple(one.report for one in members if one.report.article_id != new.report.article_id),
    )


def _highest(tolls: Iterable[Toll | None]) -> Toll | None:
    return max((toll for toll in tolls if toll is not None), key=lambda toll: toll.at_least, default=None)


def one_for_each_rule(judged: Iterable[Judged]) -> tuple[Signal, ...]:
    """What the rules say on one article; a rule that several of its steps complete says it once."""
    by_rule: dict[str, Signal] = {}
    for one in judged:
        if one.whole is None:
            continue
        known = by_rule.get(one.whole.rule_id)
        by_rule[one.whole.rule_id] = one.whole if known is None else _merged(known, one.whole)
    return tuple(by_rule.values())


def still_silent(judged: Iterable[Judged]) -> tuple[tuple[Signal, str], ...]:
    """The signals of rules that do not speak on the article yet, one for each rule, with what came of them."""
    judged = tuple(judged)
    spoken = {one.signal.rule_id for one in judged if one.whole is not None}
    by_rule: dict[str, tuple[Signal, str]] = {}
    for one in judged:
        rule_id = one.signal.rule_id
        if rule_id in by_rule:
            known, outcome = by_rule[rule_id]
            by_rule[rule_id] = (_merged(known, one.signal), f"{outcome}, {one.decision.outcome}")
        elif rule_id not in spoken:
            by_rule[rule_id] = (one.signal, one.decision.outcome)
    return tuple(by_rule.values())


def _merged(one: Signal, other: Signal) -> Signal:
    matches = {(match.span.field, match.span.start, match.span.end, match.clue): match for match in one.matches}
    matches |= {(match.span.field, match.span.start, match.span.end, match.clue): match for match in other.matches}
    earlier = {report.article_id: report for report in (*one.earlier, *other.earlier)}
    return replace(
        other,
        states=tuple(sorted({*one.states, *other.states})),
        killed=_highest((one.killed, other.killed)),
        injured=_highest((one.injured, other.injured)),
        items=tuple(sorted({*one.items, *other.items})),
        matches=tuple(matches[key] for key in sorted(matches, key=lambda key: (key[0] != "title", *key[1:]))),
        earlier=tuple(sorted(earlier.values(), key=lambda report: report.published_at or report.first_seen_at)),
    )


class RuleMemory:
    """The past of rules over a run of articles in any order, where there is no store: streams, bulk, backtests."""

    def __init__(self, wanted: Mapping[str, OverTime], watched_since: datetime | None = None) -> None:
        """``wanted`` by rule id; ``watched_since`` None: the date of the earliest article that was seen."""
        self._wanted = wanted
        self._since = watched_since
        self._past: dict[str, list[PastSignal]] = {}
        self._texts: dict[str, tuple[datetime, frozenset[int]]] = {}  # of the articles that are remembered

    def see(self, at: datetime) -> None:
        """Nothing; an article of that date was evaluated, whether anything came of it or not."""
        self._since = at if self._since is None else min(self._since, at)

    def judge(
        self, article: Article, partial: Sequence[Signal], hashes: frozenset[int] | None = None
    ) -> tuple[Judged, ...]:
        """What comes of an article's signals, which are remembered; ``hashes`` are the shingles of its text."""
        at = date_of(article)
        self.see(at)
        if not partial:
            return ()
        if hashes is None:
            hashes = shingles(text_to_compare(article))
        same_text = [
            other_id
            for other_id, (other_at, others) in self._texts.items()
            if abs(at - other_at) <= COPY_WINDOW
            and other_id != article.id
            and containment(hashes, others) >= COPY_CONTAINMENT
        ]
        self._texts[article.id] = (at, hashes)
        judged = []
        for signal in partial:
            past = self._past.setdefault(signal.rule_id, [])
            judged.append(judge(self._wanted[signal.rule_id], signal, article, past, same_text, self._since))
        for one in judged:
            self._past[one.signal.rule_id].append(one.past)
        return tuple(judged)


def show_span(span: timedelta) -> str:
    """A duration as rules write it, in the largest unit that fits."""
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds / 86400:.1f}d" if seconds > 86400 else f"{seconds}s"


def show_time(at: datetime) -> str:
    """A time to the minute."""
    return f"{at:%Y-%m-%d %H:%M}"

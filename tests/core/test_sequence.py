"""Rules over several articles: steps in order, counts, copies, and that the order of arrival makes no difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import article, signal
from watcher.model import Toll
from watcher.rules.compile import Counted, InSequence
from watcher.rules.schema import AndTimesUsual, CountOf, Sharing
from watcher.sequence import (
    Decision,
    Judged,
    PastSignal,
    RuleMemory,
    decide,
    one_for_each_rule,
    past_of,
    show_span,
    still_silent,
    without_copies,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
RULE = "csto-article-4-invoked"
TWO_STEPS = InSequence(("rupture", "call_up"), timedelta(days=10), Sharing.A_STATE)


def seen(
    step: str | None,
    hours: float,
    states: str = "AZ IR",
    *,
    publisher: str = "",
    name: str = "",
    copies: str = "",
    killed: int | None = None,
) -> PastSignal:
    """What is remembered of an article of that hour; its id is its name, else its step and hour."""
    article_id = name or f"{step}{hours:g}"
    at = START + timedelta(hours=hours)
    found = signal(
        article_id=article_id, step=step, states=tuple(states.split()), killed=Toll(killed) if killed else None
    )
    source = article(id=article_id, published_at=at, first_seen_at=at, publisher=publisher or article_id)
    return past_of(found, source, copies.split())


def final(wanted: InSequence | Counted, arrivals: Sequence[PastSignal], since: datetime | None = START) -> list[str]:
    """The ids of the articles on which the rule spoke, in order of arrival."""
    past: list[PastSignal] = []
    spoke = []
    for one in arrivals:
        if decide(wanted, one, past, since).speaks:
            spoke.append(one.report.article_id)
        past.append(one)
    return spoke


@pytest.mark.parametrize(
    ("name", "wanted", "arrivals", "spoke"),
    [
        ("in order", TWO_STEPS, [seen("rupture", 0), seen("call_up", 72, "IR")], ["call_up72"]),
        ("wrong order", TWO_STEPS, [seen("call_up", 0), seen("rupture", 72)], []),
        ("the first is read last", TWO_STEPS, [seen("call_up", 72), seen("rupture", 0)], ["rupture0"]),
        ("at one instant is in no order", TWO_STEPS, [seen("rupture", 5), seen("call_up", 5)], []),
        ("just in time", TWO_STEPS, [seen("rupture", 0), seen("call_up", 240)], ["call_up240"]),
        ("too late", TWO_STEPS, [seen("rupture", 0), seen("call_up", 240.1)], []),
        ("nothing shared", TWO_STEPS, [seen("rupture", 0, "AZ AM"), seen("call_up", 1, "IR")], []),
        ("no state named", TWO_STEPS, [seen("rupture", 0, ""), seen("call_up", 1, "")], []),
        (
            "nothing to share",
            replace(TWO_STEPS, sharing=None),
            [seen("rupture", 0, ""), seen("call_up", 1, "IR")],
            ["call_up1"],
        ),
        (
            "the same states",
            replace(TWO_STEPS, sharing=Sharing.STATES),
            [seen("rupture", 0), seen("call_up", 1, "IR"), seen("call_up", 2)],
            ["call_up2"],
        ),
        (
            "each further report",
            TWO_STEPS,
            [seen("rupture", 0), seen("call_up", 1), seen("call_up", 2)],
            ["call_up1", "call_up2"],
        ),
        (
            "the latest first step that is near enough",
            TWO_STEPS,
            [seen("rupture", 0), seen("rupture", 200), seen("call_up", 300)],
            ["call_up300"],
        ),
        (
            "a copy of the later step, made earlier known",
            TWO_STEPS,
            [seen("call_up", 0), seen("rupture", 72), seen("call_up", 96, copies="call_up0")],
            [],
        ),
        (
            "a copy tells another step",
            TWO_STEPS,
            [seen("rupture", 0), seen("call_up", 5, copies="rupture0")],
            ["call_up5"],
        ),
        (
            "a step twice",
            InSequence(("a", "b", "a"), timedelta(days=1), None),
            [seen("a", 0), seen("b", 1), seen("a", 2)],
            ["a2"],
        ),
        (
            "the middle is read last",
            InSequence(("a", "b", "c"), timedelta(days=1), Sharing.A_STATE),
            [seen("c", 20), seen("a", 0), seen("b", 30), seen("b", 10)],
            ["b10"],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_steps(name: str, wanted: InSequence, arrivals: list[PastSignal], spoke: list[str]) -> None:
    assert final(wanted, arrivals) == spoke


def count(of: CountOf = CountOf.PUBLISHERS, at_least: int = 3, *, per_state: bool = False) -> Counted:
    return Counted(of, at_least, timedelta(hours=6), per_state, None)


def r(hours: float, publisher: str, states: str = "RU", **values: str) -> PastSignal:
    return seen(None, hours, states, publisher=publisher, **values)


@pytest.mark.parametrize(
    ("name", "wanted", "arrivals", "spoke"),
    [
        ("three newsrooms", count(), [r(0, "A"), r(1, "B"), r(2, "C")], ["None2"]),
        ("one newsroom thrice", count(), [r(0, "A"), r(1, "A"), r(2, "A"), r(3, "B")], []),
        ("three reports", count(CountOf.REPORTS), [r(0, "A"), r(1, "A"), r(2, "A")], ["None2"]),
        ("at the edge", count(), [r(0, "A"), r(3, "B"), r(6, "C")], ["None6"]),
        ("too far apart", count(), [r(0, "A"), r(3, "B"), r(6.1, "C")], []),
        ("the window slides", count(), [r(0, "A"), r(3, "B"), r(7, "C"), r(8, "D")], ["None8"]),
        ("a copy counts nothing", count(), [r(0, "A"), r(1, "B"), r(2, "C", copies="None0")], []),
        ("the original comes last", count(), [r(2, "C"), r(1, "B"), r(0, "A", copies="None2")], []),
        ("the last fills a gap", count(), [r(5, "C"), r(0, "A"), r(2, "B")], ["None2"]),
        ("each state by itself", count(per_state=True), [r(0, "A", "RU"), r(1, "B", "KP"), r(2, "C", "RU KP")], []),
        ("one state", count(per_state=True), [r(0, "A"), r(1, "B", "RU KP"), r(2, "C", "RU")], ["None2"]),
        ("no state", count(per_state=True), [r(0, "A", ""), r(1, "B", ""), r(2, "C", "")], []),
        ("all states together", count(), [r(0, "A", "RU"), r(1, "B", "KP"), r(2, "C", "")], ["None2"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_counts(name: str, wanted: Counted, arrivals: list[PastSignal], spoke: list[str]) -> None:
    assert final(wanted, arrivals) == spoke


USUAL = AndTimesUsual(ratio=3, measured_over=timedelta(days=10), needs_history=timedelta(days=5))


@pytest.mark.parametrize(
    ("name", "of", "before", "since_days", "speaks", "says"),
    [
        ("a quiet past", CountOf.REPORTS, [], 10, True, "usually 0 in 6h"),
        ("nothing known", CountOf.REPORTS, [], None, False, "history of 0s, 5d needed"),
        ("too short a past", CountOf.REPORTS, [], 4, False, "history of 4d, 5d needed"),
        ("a little", CountOf.REPORTS, [24 * day + 1 for day in range(-10, 0)], 10, True, "usually 0.25 in 6h"),
        ("always as loud", CountOf.REPORTS, [hour - 240 for hour in range(0, 240, 3)], 10, False, "usually 2 in 6h"),
        (
            "one newsroom, always loud",
            CountOf.PUBLISHERS,
            [hour - 240 for hour in range(0, 240, 3)],
            10,
            True,
            "usually 1 in 6h",
        ),
        (
            "half of the time is known",
            CountOf.REPORTS,
            [-119 + hour for hour in range(0, 119, 6)],
            5,
            True,
            "usually 1 in 6h",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_compared_with_its_own_past(
    name: str, of: CountOf, before: list[float], since_days: float | None, speaks: bool, says: str
) -> None:
    wanted = replace(count(of), usual=USUAL)
    now = START + timedelta(days=20)
    hours = 20 * 24
    past = [r(hours + one, "A", name=f"old{one}") for one in before]
    past += [r(hours + 1, "B"), r(hours, "A")]
    since = None if since_days is None else now - timedelta(days=since_days)
    decision = decide(wanted, r(hours + 2, "C"), past, since)
    assert (decision.speaks, decision.progress[1].detail) == (speaks, says)
    assert decision.progress[1].label == "3 times as usual over 10d"
    assert decision.outcome.endswith(" of 3" if speaks else f" of 3; {says}")


def test_steps_of_an_earlier_wording_of_the_rule_are_nothing_to_it() -> None:
    assert final(count(), [seen("rupture", 0, "RU"), seen("rupture", 1, "RU"), r(2, "C")]) == []
    assert final(TWO_STEPS, [r(0, "A", "AZ IR"), seen("old", 0), seen("call_up", 1)]) == []


def test_an_article_that_comes_again_counts_once() -> None:
    assert final(count(CountOf.REPORTS), [r(0, "A", name="a"), r(0, "A", name="a"), r(1, "B", name="b")]) == []


def test_what_is_there_and_what_is_missing() -> None:
    decision = decide(TWO_STEPS, seen("call_up", 72, "IR"), [], START)
    assert (decision.outcome, [(one.label, one.is_there, one.detail) for one in decision.progress]) == (
        "step call_up",
        [
            ("step rupture", False, "not found within 10d of 2026-01-04 00:00"),
            ("step call_up", True, "2026-01-04 00:00, IR, this article"),
        ],
    )
    assert decide(count(), r(1, "B"), [r(0, "A")], START) == Decision(
        False,
        "counted 2 of 3",
        decide(count(), r(1, "B"), [r(0, "A")], START).progress,
    )


def judged(memory: RuleMemory, step: str, hours: float, states: str, text: str, killed: int = 0) -> tuple[Judged, ...]:
    at = START + timedelta(hours=hours)
    found = signal(step=step, states=tuple(states.split()), killed=Toll(killed) if killed else None, article_id=text)
    return memory.judge(article(id=text, text=text, published_at=at, first_seen_at=at), [found])


def test_the_whole_signal_has_the_states_and_the_highest_toll_of_every_step() -> None:
    memory = RuleMemory({RULE: TWO_STEPS})
    first = judged(memory, "rupture", 0, "AZ IR", "one", killed=30)
    assert one_for_each_rule(first) == ()
    assert [(one.step, outcome) for one, outcome in still_silent(first)] == [("rupture", "step rupture")]
    second = judged(memory, "call_up", 5, "IR", "two", killed=4)
    [whole] = one_for_each_rule(second)
    assert still_silent(second) == ()
    assert (whole.states, whole.killed, [one.article_id for one in whole.earlier]) == (("AZ", "IR"), Toll(30), ["one"])
    # What is remembered of it is still its own: the pair of the rupture must not spread to other call-ups.
    assert second[0].past.states == ("IR",)


def test_an_article_of_two_steps_is_one_that_waits() -> None:
    memory = RuleMemory({RULE: TWO_STEPS})
    both = memory.judge(article(published_at=START), [signal(step="rupture"), signal(step="call_up")])
    assert [outcome for _, outcome in still_silent(both)] == ["step rupture, step call_up"]
    assert one_for_each_rule(both) == ()


def test_a_memory_finds_copies_by_their_text() -> None:
    memory = RuleMemory({RULE: count()})
    words = "Moscow threatened its neighbours with a nuclear strike on Monday, officials in the capital said."
    spoke = []
    for number, text in enumerate((words, words, f"{words} Nobody was hurt.", "Another text of its own.", "A third.")):
        at = START + timedelta(hours=number)
        one = article(id=str(number), text=text, publisher=f"P{number}", published_at=at, first_seen_at=at)
        found = memory.judge(one, [signal(article_id=one.id)])
        spoke.append(found[0].decision.outcome)
    assert spoke == [
        "counted 1 of 3",
        "counted nothing, a copy",
        "counted nothing, a copy",
        "counted 2 of 3",
        "counted 3 of 3",
    ]


def test_copies_of_copies_are_one_group() -> None:
    chain = [r(3, "D", name="d", copies="c"), r(2, "C", name="c", copies="b"), r(1, "B", name="b")]
    assert [one.report.article_id for one in without_copies(chain)] == ["b"]
    assert without_copies([]) == ()


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(days=10), "10d"),
        (timedelta(hours=36), "36h"),
        (timedelta(minutes=90), "90m"),
        (timedelta(seconds=5), "5s"),
        (timedelta(days=2, seconds=1), "2.0d"),
    ],
)
def test_spans_are_shown_as_rules_write_them(span: timedelta, text: str) -> None:
    assert show_span(span) == text


STATES = st.sampled_from(["", "AZ", "IR", "AZ IR", "AM AZ", "PL"])


@st.composite
def arrivals(draw: st.DrawFn, steps: Sequence[str | None], *, with_copies: bool = False) -> list[PastSignal]:
    drawn = draw(
        st.lists(
            st.tuples(st.sampled_from(steps), st.integers(0, 400), STATES, st.sampled_from("ABCD"), st.integers(0, 3)),
            max_size=12,
        )
    )
    signals = []
    for number, (step, hours, states, publisher, text) in enumerate(drawn):
        # Articles of one text repeat each other, whichever of them is known first.
        same = " ".join(f"n{other}" for other, one in enumerate(drawn) if other != number and one[4] == text and text)
        signals.append(
            seen(step, hours, states, publisher=publisher, name=f"n{number}", copies=same if with_copies else "")
        )
    return signals


WANTED: list[tuple[InSequence | Counted, list[str | None]]] = [
    (TWO_STEPS, ["rupture", "call_up"]),
    (InSequence(("a", "b", "c"), timedelta(days=7), Sharing.STATES), ["a", "b", "c"]),
    (InSequence(("a", "b", "a"), timedelta(days=3), None), ["a", "b"]),
    (Counted(CountOf.PUBLISHERS, 3, timedelta(hours=48), True, None), [None]),
    (Counted(CountOf.REPORTS, 3, timedelta(hours=24), False, None), [None]),
]


@pytest.mark.parametrize(("wanted", "steps"), WANTED)
@given(data=st.data())
def test_the_order_of_arrival_makes_no_difference(
    wanted: InSequence | Counted, steps: list[str | None], data: st.DataObject
) -> None:
    signals = data.draw(arrivals(steps))
    shuffled = data.draw(st.permutations(signals))
    assert bool(final(wanted, signals)) == bool(final(wanted, shuffled))


@pytest.mark.parametrize(("wanted", "steps"), WANTED)
@given(data=st.data())
def test_what_holds_once_all_is_known_was_told_in_every_order(
    wanted: InSequence | Counted, steps: list[str | None], data: st.DataObject
) -> None:
    signals = data.draw(arrivals(steps, with_copies=True))
    shuffled = data.draw(st.permutations(signals))
    holds_at_last = any(
        decide(wanted, one, [other for other in signals if other is not one], START).speaks for one in signals
    )
    assert bool(final(wanted, shuffled)) or not holds_at_last

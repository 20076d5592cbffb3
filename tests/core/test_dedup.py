"""Which event a signal belongs to, and what of it is news."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.builders import NOW, article, event, policy, report, signal
from watcher.dedup import EventPolicy, add_copy, decide_article
from watcher.model import Article, Event, EventChange, EventDecision, Severity, Signal, Toll

CSTO = "csto-article-4-invoked"
CLASH = "interstate-clash"
SECOND = {"id": "article-2", "source_id": "radio", "publisher": "Radio", "url": "https://radio.example/2"}


def decide(
    *signals: Signal,
    of: Article | None = None,
    policies: tuple[EventPolicy, ...] = (),
    events: tuple[Event, ...] = (),
    same_text: frozenset[str] = frozenset(),
    after: timedelta = timedelta(),
) -> tuple[EventDecision, ...]:
    known = {one.rule_id: one for one in policies or (policy(),)}
    return decide_article(signals, of or article(), known, events, same_text, NOW + after)


def one(decisions: tuple[EventDecision, ...]) -> EventDecision:
    assert len(decisions) == 1
    return decisions[0]


def test_first_signal_opens_an_event_with_its_report() -> None:
    decision = one(decide(signal()))
    assert decision.changes == (EventChange.OPENED,)
    assert decision.is_news
    assert decision.event.states == ("AM", "AZ")
    assert decision.event.publishers == ("Courier",)
    assert decision.event.notified_killed == 12
    assert not decision.event.is_confirmed


def test_the_same_signal_gives_the_same_event_id() -> None:
    assert one(decide(signal())).event.id == one(decide(signal(), after=timedelta(hours=1))).event.id


# id, signal, article, policy, event, same text, expected changes
JOINING = [
    ("the same article again", {}, {}, {}, {}, set(), (EventChange.REPEATED,)),
    ("the same article through another feed", {}, {"source_id": "portal", "publisher": "Portal"}, {}, {}, set(), (EventChange.COPIED,)),
    ("a reprint", {}, SECOND, {}, {}, {"article-1"}, (EventChange.COPIED,)),
    ("another newsroom, the same facts", {}, SECOND, {}, {}, set(), (EventChange.CONFIRMED,)),
    ("another newsroom, after the time for confirming", {}, SECOND, {"confirm_within": timedelta(hours=-1)}, {}, set(), (EventChange.REPEATED,)),
    ("another newsroom, confirmation is no news for the rule", {}, SECOND, {"update_on": frozenset()}, {}, set(), (EventChange.REPEATED,)),
    ("the same newsroom again", {}, {"id": "article-2"}, {}, {}, set(), (EventChange.REPEATED,)),
    ("a higher toll, not doubled", {"killed": Toll(20)}, {"id": "article-2"}, {}, {}, set(), (EventChange.REPEATED,)),
    ("a doubled toll", {"killed": Toll(24)}, {"id": "article-2"}, {}, {}, set(), (EventChange.DEATHS_DOUBLED,)),
    ("a doubled toll in a copy", {"killed": Toll(99)}, SECOND, {}, {}, {"article-1"}, (EventChange.DEATHS_DOUBLED,)),
    ("a first toll", {"killed": Toll(1)}, {"id": "article-2"}, {}, {"killed": None, "notified_killed": 0}, set(), (EventChange.DEATHS_DOUBLED,)),
    ("a third state", {"states": ("AM", "AZ", "IR")}, {"id": "article-2"}, {}, {}, set(), (EventChange.NEW_STATE,)),
    ("one of the states only", {"states": ("AM",)}, {"id": "article-2"}, {}, {}, set(), (EventChange.REPEATED,)),
    (
        "everything at once",
        {"states": ("AM", "AZ", "IR"), "killed": Toll(99)},
        SECOND,
        {},
        {},
        set(),
        (EventChange.CONFIRMED, EventChange.DEATHS_DOUBLED, EventChange.NEW_STATE),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("of_signal", "of_article", "of_policy", "of_event", "same_text", "changes"),
    [row[1:] for row in JOINING],
    ids=[row[0] for row in JOINING],
)
def test_what_is_new_about_an_event(of_signal, of_article, of_policy, of_event, same_text, changes) -> None:
    item = article(**of_article)
    decision = one(
        decide(
            signal(article_id=item.id, **of_signal),
            of=item,
            policies=(policy(**of_policy),),
            events=(event(**of_event),),
            same_text=frozenset(same_text),
        )
    )
    assert decision.changes == changes
    assert decision.event.id == "event-1"


# id, states of the signal, hours later, opens a new event?
SEPARATE = [
    ("another pair", ("AM", "TR"), 0, True),
    ("no state at all", (), 0, True),
    ("the same pair within the day", ("AM", "AZ"), 23, False),
    ("the same pair after the event closed", ("AM", "AZ"), 25, True),
]


@pytest.mark.parametrize(("states", "hours", "opens"), [row[1:] for row in SEPARATE], ids=[row[0] for row in SEPARATE])
def test_when_a_signal_opens_another_event(states, hours, opens) -> None:
    decision = one(
        decide(
            signal(article_id="article-2", states=states),
            of=article(**SECOND, published_at=NOW + timedelta(hours=hours)),
            events=(event(),),
        )
    )
    assert (EventChange.OPENED in decision.changes) is opens


def test_a_rule_that_does_not_group_by_states_has_one_event() -> None:
    decision = one(
        decide(
            signal(article_id="article-2", states=("TR",)),
            of=article(**SECOND),
            policies=(policy(by_states=False),),
            events=(event(),),
        )
    )
    assert decision.event.id == "event-1"


def test_ten_follow_ups_with_the_same_facts_are_silent() -> None:
    current = event(is_confirmed=True, reports=(report(), report(article_id="x", source_id="x", publisher="X")))
    for number in range(10):
        item = article(id=f"follow-up-{number}", source_id=f"s{number}", publisher=f"P{number}")
        decision = one(decide(signal(article_id=item.id), of=item, events=(current,)))
        assert not decision.is_news
        current = decision.event
    assert len(current.publishers) == 12


def test_two_rules_on_one_article_are_one_event_led_by_the_more_severe() -> None:
    policies = (policy(), policy(rule_id=CLASH, family="clash", title="Clash"))
    clash = signal(rule_id=CLASH, family="clash", severity=Severity.WARNING, states=("AM", "AZ", "BY", "RU"))
    decision = one(decide(clash, signal(), policies=policies))
    assert decision.changes == (EventChange.OPENED,)
    assert decision.event.rule_id == CSTO
    assert decision.event.rule_ids == (CSTO, CLASH)
    assert decision.event.states == ("AM", "AZ")
    assert [one.rule_id for one in decision.signals] == [CSTO, CLASH]


@pytest.mark.parametrize("states", [(), ("AM",), ("AM", "RU"), ("AM", "AZ", "RU")])
def test_one_article_is_one_message_where_its_signals_share_a_party(states) -> None:
    policies = (policy(), policy(rule_id="help-asked"))
    decision = one(decide(signal(), signal(rule_id="help-asked", states=states), policies=policies))
    assert decision.changes == (EventChange.OPENED,)
    assert decision.event.states == ("AM", "AZ")


def test_a_leading_rule_without_states_takes_those_of_the_next() -> None:
    policies = (policy(), policy(rule_id="clash"))
    clash = signal(rule_id="clash", severity=Severity.WARNING)
    decision = one(decide(signal(states=()), clash, policies=policies))
    assert decision.event.states == ("AM", "AZ")


def test_two_rules_about_different_parties_are_two_events() -> None:
    policies = (policy(), policy(rule_id="ties-cut", family="rupture"))
    decisions = decide(signal(), signal(rule_id="ties-cut", states=("TR", "US")), policies=policies)
    assert [decision.event.states for decision in decisions] == [("AM", "AZ"), ("TR", "US")]


@pytest.mark.parametrize("same_text", [set(), {"article-1"}], ids=["another report", "a copy"])
def test_a_graver_rule_on_a_later_report_raises_the_event(same_text: set[str]) -> None:
    clash_event = event(rule_id=CLASH, rule_ids=(CLASH,), family="clash", severity=Severity.WARNING)
    policies = (policy(), policy(rule_id=CLASH, family="clash"))
    item = article(id="article-2")
    decision = one(
        decide(
            signal(article_id=item.id),
            signal(article_id=item.id, rule_id=CLASH, severity=Severity.WARNING),
            of=item,
            policies=policies,
            events=(clash_event,),
            same_text=frozenset(same_text),
        )
    )
    assert EventChange.SEVERITY_RAISED in decision.changes
    assert EventChange.RULE_ADDED in decision.changes
    assert decision.event.rule_ids == (CSTO, CLASH)
    assert [one.rule_id for one in decision.signals] == [CSTO, CLASH]
    assert decision.told_rule_ids == ()  # another family: news to everybody


def test_a_test_rule_never_joins_the_event_of_a_stable_one() -> None:
    decision = one(
        decide(
            signal(article_id="article-2"), of=article(**SECOND), policies=(policy(is_test=True),), events=(event(),)
        )
    )
    assert decision.event.id != "event-1"
    assert decision.event.is_test


def test_a_held_event_is_announced_when_it_is_confirmed() -> None:
    holds = (policy(hold_until_confirmed=True),)
    held = one(decide(signal(), policies=holds))
    assert held.changes == (EventChange.HELD,)
    assert not held.is_news
    still = one(
        decide(signal(article_id="article-3"), of=article(id="article-3"), policies=holds, events=(held.event,))
    )
    assert not still.is_news
    confirmed = one(decide(signal(article_id="article-2"), of=article(**SECOND), policies=holds, events=(still.event,)))
    assert confirmed.changes == (EventChange.OPENED, EventChange.CONFIRMED)
    assert confirmed.event.is_announced


@pytest.mark.parametrize("severity", [Severity.CRITICAL, Severity.WATCH], ids=["graver", "lesser"])
def test_a_rule_that_waits_neither_silences_nor_is_spoken_for_by_one_that_speaks_at_once(severity: Severity) -> None:
    policies = (policy(rule_id=CLASH), policy(rule_id="waits", hold_until_confirmed=True))
    decisions = decide(
        signal(rule_id=CLASH, severity=Severity.WARNING), signal(rule_id="waits", severity=severity), policies=policies
    )
    changes = {decision.event.rule_ids: decision.changes for decision in decisions}
    assert changes == {(CLASH,): (EventChange.OPENED,), ("waits",): (EventChange.HELD,)}
    second = [signal(rule_id="waits", article_id="article-2", severity=severity)]
    events = tuple(decision.event for decision in decisions)
    confirmed = one(decide(*second, of=article(**SECOND), policies=policies, events=events))
    assert confirmed.event.rule_ids == ("waits",)
    assert confirmed.changes == (EventChange.OPENED, EventChange.CONFIRMED)


def test_the_opener_counts_even_where_it_copies_a_text_outside_the_event() -> None:
    decision = one(decide(signal(), same_text=frozenset({"an agency's text that fired nothing"})))
    assert decision.event.publishers == ("Courier",)


def test_a_copy_without_a_signal_adds_a_source_once() -> None:
    item = article(**SECOND)
    decision = add_copy(event(), item, frozenset({"article-1"}), NOW)
    assert decision.changes == (EventChange.COPIED,)
    assert decision.event.reports[-1].copy_of == "article-1"
    assert decision.event.publishers == ("Courier",)
    again = add_copy(decision.event, item, frozenset({"article-1"}), NOW)
    assert again.changes == (EventChange.REPEATED,)
    assert again.event == decision.event


def test_deciding_twice_changes_nothing() -> None:
    opened = one(decide(signal())).event
    again = one(decide(signal(), events=(opened,)))
    assert again.changes == (EventChange.REPEATED,)
    assert replace(again.event, last_seen_at=opened.last_seen_at) == opened

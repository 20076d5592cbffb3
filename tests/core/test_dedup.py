"""Which event a signal belongs to, and what of it is news."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import NOW, article, event, policy, report, signal
from watcher.dedup import (
    EventPolicy,
    add_copy,
    add_denial,
    decide_article,
    find_events,
    merge_events,
    revised,
    split_event,
)
from watcher.model import Article, Claim, Event, EventChange, EventDecision, Particulars, Severity, Signal, Toll

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


def test_a_report_that_ties_two_events_makes_them_one_in_the_thread_told_first() -> None:
    first = one(decide(signal(states=("AM",)))).event
    later = article(**SECOND, title="Fighting in the south", published_at=NOW)
    second = one(decide(signal(article_id="article-2", states=("AM", "AZ"), killed=Toll(50)), of=later)).event
    second = replace(second, announced_at=NOW + timedelta(hours=1))
    item = article(id="article-3", source_id="herald", publisher="Herald")
    both = one(decide(signal(article_id=item.id), of=item, events=(second, first), same_text=frozenset({"article-1"})))
    assert both.event.id == first.id
    assert both.absorbed == (second.id,)
    assert {known.article_id for known in both.event.reports} == {"article-1", "article-2", "article-3"}
    assert both.event.killed == Toll(50)
    assert both.event.notified_killed == 50  # those of the second thread know it
    assert EventChange.DEATHS_DOUBLED not in both.changes


def test_what_an_operator_parted_stays_apart_and_what_was_put_together_takes_what_follows() -> None:
    current = one(decide(signal())).event
    item = article(**SECOND)
    grown = one(decide(signal(article_id=item.id), of=item, events=(current,))).event
    rest, part, apart = split_event(grown, ["article-2"], "ann", NOW)
    assert [[known.article_id for known in event.reports] for event in (rest, part)] == [["article-1"], ["article-2"]]
    third = article(id="article-3", source_id="herald", publisher="Herald")
    decision = one(
        decide_article(
            [signal(article_id=third.id)], third, {policy().rule_id: policy()}, (rest, part), frozenset(), NOW, [apart]
        )
    )
    assert decision.absorbed == ()
    again = one(
        decide_article(
            [signal(article_id=item.id)], item, {policy().rule_id: policy()}, (rest,), frozenset(), NOW, [apart]
        )
    )
    assert again.event.id != rest.id
    merged, together = merge_events(rest, part, "ann", NOW + timedelta(hours=1))
    assert (merged.id, len(merged.reports), together.is_together) == (rest.id, 2, True)
    unlike = signal(article_id=item.id, states=("TR", "US"))
    tied = one(
        decide_article([unlike], item, {policy().rule_id: policy()}, (rest,), frozenset(), NOW, [apart, together])
    )
    assert (tied.event.id, tied.reason) == (rest.id, "an operator put them together")


def test_neither_part_of_a_split_may_be_without_a_report_of_its_own() -> None:
    with pytest.raises(ValueError, match="both events need a report"):
        split_event(event(), ["article-1"], "ann", NOW)
    with pytest.raises(ValueError, match="no report of the article"):
        split_event(event(), ["elsewhere"], "ann", NOW)
    with pytest.raises(ValueError, match="with itself"):
        merge_events(event(), event(), "ann", NOW)


PLACES = {"here": Particulars(places=("karabakh",)), "there": Particulars(places=("nakhchivan",)), "": Particulars()}


# family of the other rule, places, tolls, joins?
ACROSS = [
    ("another family, nothing in common but the pair", "rupture", "", "", None, False),
    ("another family, the same place and toll", "rupture", "here", "here", 40, True),
    ("another family, other places and tolls", "rupture", "here", "there", 3, False),
    ("the same family, the same pair", "treaty", "", "", None, True),
    ("the same family, other places and tolls", "treaty", "here", "there", 3, False),
]


@pytest.mark.parametrize(
    ("family", "here", "there", "toll", "joins"), [row[1:] for row in ACROSS], ids=[row[0] for row in ACROSS]
)
def test_rules_that_differ_are_tied_by_what_the_texts_share(family, here, there, toll, joins) -> None:
    policies = {one.rule_id: one for one in (policy(), policy(rule_id="other", family=family))}
    lead = Claim(policy().rule_id, "treaty", Severity.CRITICAL, ("AM", "AZ"), Toll(40))
    known = report(claims=(lead,), killed=Toll(40), particulars=PLACES[here])
    item = report(
        article_id="article-2",
        claims=(Claim("other", family, Severity.CRITICAL, ("AM", "AZ"), toll and Toll(toll)),),
        killed=toll and Toll(toll),
        particulars=PLACES[there],
    )
    found = find_events(item, policies["other"], [event(reports=(known,))], policies)
    back = find_events(
        known, policies[policy().rule_id], [event(reports=(item,), rule_id="other", rule_ids=("other",))], policies
    )
    assert bool(found) is bool(back) is joins


# toll, whether it says that an earlier one was too high: in the order of the dates
TOLLS = [
    ([(12, False), (49, False)], 49),
    ([(105, False), (80, True)], 80),
    ([(105, False), (80, True), (105, False)], 80),  # an outlet that did not hear of it
    ([(105, False), (80, True), (120, False)], 120),
    ([(80, True)], 80),
    ([(40, False), (80, True)], 80),
]


@pytest.mark.parametrize(("tolls", "expected"), TOLLS)
def test_a_toll_grows_until_somebody_revises_it_down(tolls, expected) -> None:
    claim = Claim(policy().rule_id, "treaty", Severity.CRITICAL, ("AM", "AZ"))
    reports = tuple(
        report(
            article_id=str(n),
            published_at=NOW + timedelta(hours=n),
            claims=(replace(claim, killed=Toll(toll)),),
            lowers_toll=lowers,
        )
        for n, (toll, lowers) in enumerate(tolls)
    )
    assert revised(event(reports=reports[::-1]), {}).killed == Toll(expected)


def test_a_denial_is_told_once_for_each_party() -> None:
    policies = {policy().rule_id: policy()}
    known = one(decide(signal())).event
    first = add_denial(known, article(**SECOND), ["AZ"], policies, NOW)
    assert first.changes == (EventChange.DENIED,)
    assert first.event.denied_by == ("AZ",)
    again = add_denial(first.event, article(id="article-3"), ["AZ"], policies, NOW)
    assert not again.is_news
    other = add_denial(again.event, article(id="article-4"), ["AM"], policies, NOW)
    assert other.changes == (EventChange.DENIED,)


ROW = st.tuples(
    st.sampled_from(["csto-article-4-invoked", CLASH, "rupture"]),
    st.sampled_from([("AM", "AZ"), ("AM",), ("AM", "AZ", "RU"), ("RU", "TR"), ()]),
    st.sampled_from([None, 5, 12, 30]),
    st.integers(0, 60),
    st.sampled_from(["Courier", "Radio", "Azertac"]),
    st.sets(st.integers(0, 6), max_size=1),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=7), st.randoms(use_true_random=False))
def test_any_order_of_reports_gives_the_same_events(rows, order) -> None:
    families = {"csto-article-4-invoked": "treaty", CLASH: "clash", "rupture": "rupture"}
    policies = {rule_id: policy(rule_id=rule_id, family=family) for rule_id, family in families.items()}

    def final(numbers: list[int]) -> list[object]:
        events: dict[str, Event] = {}
        seen: set[int] = set()
        for number in numbers:
            rule_id, states, toll, hours, publisher, same = rows[number]
            ties = {*same, *(n for n, row in enumerate(rows) if number in row[-1])} & seen
            item = article(id=str(number), publisher=publisher, published_at=NOW + timedelta(hours=hours))
            found = signal(
                rule_id=rule_id, family=families[rule_id], article_id=item.id, states=states, killed=toll and Toll(toll)
            )
            known = tuple(events.values())
            for decision in decide_article([found], item, policies, known, frozenset(map(str, ties)), NOW):
                for gone in decision.absorbed:
                    del events[gone]
                events[decision.event.id] = decision.event
            seen.add(number)
        return sorted(
            (
                [(each.article_id, each.copy_of or "", each.voice) for each in event.reports],
                event.states,
                event.rule_ids,
                str(event.killed),
                event.is_confirmed,
            )
            for event in events.values()
        )

    numbers = list(range(len(rows)))
    straight = final(numbers)
    order.shuffle(numbers)
    assert final(numbers) == straight

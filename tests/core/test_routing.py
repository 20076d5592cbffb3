"""What an alert carries, who hears it, and when."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from tests.builders import NOW, article, event, match, recipient, report, signal
from watcher.hours import quiet_hours_end
from watcher.model import (
    AlertKind,
    Channel,
    EventChange,
    EventDecision,
    Field,
    QuietHours,
    Severity,
    Span,
    Toll,
)
from watcher.routing import (
    SendPolicy,
    compose_alert,
    compose_notice,
    derived_id,
    join_words,
    quote,
    route_alert,
    route_notice,
)

NAMES = {"AM": "Armenia", "AZ": "Azerbaijan", "IR": "Iran"}
TEXT = (
    "Parliament met on Wednesday. Pashinyan said that Yerevan had invoked Article four of the Collective Security Treaty. "
    "Clashes left dozens of deaths on both sides."
)


def decision(*changes: EventChange, **values) -> EventDecision:
    of_event = values.pop("event", None) or event(**values)
    return EventDecision(of_event, changes or (EventChange.OPENED,), "", (signal(states=of_event.states),))


def alert_of(one: EventDecision, item=None):
    return compose_alert(one, item or article(), NAMES, {}, NOW, None)


@pytest.mark.parametrize(
    ("words", "joined"),
    [((), ""), (("A",), "A"), (("A", "B"), "A and B"), (("A", "B", "C"), "A, B and C")],
)
def test_joins_words_as_english_does(words, joined) -> None:
    assert join_words(words) == joined


def test_an_alert_is_complete() -> None:
    alert = alert_of(decision(killed=Toll(99), injured=Toll(20, at_most=30)))
    assert alert.kind is AlertKind.EVENT
    assert alert.headline == (
        "A CSTO member invokes the mutual-defence clause: Armenia and Azerbaijan, at least 99 killed, 20 to 30 injured"
    )
    assert alert.publishers == ("Courier",)
    assert alert.reports[0].article_id == "article-1"
    assert alert.created_at == NOW


def test_the_newest_report_comes_first_and_copies_are_counted() -> None:
    of_event = event(
        reports=(
            report(),
            report(article_id="copy", source_id="mirror", publisher="Mirror", copy_of="article-1"),
            report(article_id="article-2", source_id="radio", publisher="Radio"),
        )
    )
    alert = alert_of(
        decision(EventChange.CONFIRMED, event=of_event), article(id="article-2", source_id="radio", publisher="Radio")
    )
    assert [one.article_id for one in alert.reports] == ["article-2", "article-1", "copy"]
    assert alert.publishers == ("Courier", "Radio")
    assert alert.copies == 1


def test_ids_come_from_content() -> None:
    assert alert_of(decision()).id == alert_of(decision()).id
    assert alert_of(decision()).id != alert_of(decision(EventChange.CONFIRMED)).id
    assert len(derived_id("a")) == 10
    assert derived_id("ab", "c") != derived_id("a", "bc")


def test_quotes_the_telling_sentences_with_their_words_marked() -> None:
    item = article(text=TEXT)
    found = signal(
        matches=(
            match("invoked Article four of the Collective Security Treaty", TEXT),
            match("Yerevan", TEXT, clue="two_states", state="AM", stance=None),
            match("dozens of deaths", TEXT, clue="deaths", toll=Toll(12, vague=True)),
        )
    )
    first, second = quote(item, (found,))
    assert first.text.startswith("Pashinyan said")
    assert [first.text[start:end] for start, end in first.highlights] == [
        "Yerevan",
        "invoked Article four of the Collective Security Treaty",
    ]
    assert [second.text[start:end] for start, end in second.highlights] == ["dozens of deaths"]


def test_quotes_few_sentences_and_the_title_only_where_the_text_says_less() -> None:
    text = "Troops moved. Troops rested. Troops fought near the pass. Nine soldiers died as troops fought on."
    item = article(title="Troops fought, nine died", text=text)
    title_span = Span(Field.TITLE, 0, 6)
    forces = [match("Troops", text, clue="forces", span=Span(Field.TEXT, start, start + 6)) for start in (0, 14, 29)]
    found = signal(
        matches=(
            match("Troops", item.title, clue="forces", span=title_span),
            *forces,
            match("troops", text, clue="forces"),
            match("fought on", text, clue="fighting"),
            match("Nine soldiers died", text, clue="deaths"),
        )
    )
    (excerpt,) = quote(item, (found,))
    assert excerpt.text == "Nine soldiers died as troops fought on."
    assert excerpt.highlights == ((0, 18), (22, 28), (29, 38))


def test_quotes_a_title_and_merges_marks_that_touch() -> None:
    item = article(title="Yerevan invokes Article 4", text="")
    found = signal(
        matches=(
            match("Yerevan", item.title, span=Span(Field.TITLE, 0, 7)),
            match("Yerevan invokes", item.title, span=Span(Field.TITLE, 0, 15)),
        )
    )
    (excerpt,) = quote(item, (found,))
    assert excerpt.field is Field.TITLE
    assert excerpt.highlights == ((0, 15),)


# id, recipient, event, send policy, heard?
SCOPES = [
    ("everything by default", {}, {}, SendPolicy(), True),
    ("the rule by pattern", {"rules": ("csto-*",)}, {}, SendPolicy(), True),
    ("another rule", {"rules": ("nato-*",)}, {}, SendPolicy(), False),
    ("no rule at all", {"rules": ()}, {}, SendPolicy(), False),
    ("a tag of the source", {"tags": ("caucasus",)}, {}, SendPolicy(), True),
    ("the family as a tag", {"tags": ("treaty",)}, {}, SendPolicy(), True),
    ("another tag", {"tags": ("sahel",)}, {}, SendPolicy(), False),
    ("one of the states", {"states": ("AZ",)}, {}, SendPolicy(), True),
    ("another state", {"states": ("IR",)}, {}, SendPolicy(), False),
    ("states wanted, none named", {"states": ("AM",)}, {"states": ()}, SendPolicy(), False),
    ("severe enough", {"min_severity": Severity.CRITICAL}, {}, SendPolicy(), True),
    ("not severe enough", {"min_severity": Severity.CRITICAL}, {"severity": Severity.WARNING}, SendPolicy(), False),
    ("a test rule", {}, {"is_test": True}, SendPolicy(), False),
    ("a test rule for test recipients", {"is_test": True}, {"is_test": True}, SendPolicy(), True),
    ("named by the rule", {"rules": ()}, {}, SendPolicy(to=("desk",)), True),
    ("not named by the rule", {}, {}, SendPolicy(to=("other",)), False),
]


@pytest.mark.parametrize(
    ("who", "what", "policy", "heard"), [row[1:] for row in SCOPES], ids=[row[0] for row in SCOPES]
)
def test_who_hears(who, what, policy, heard) -> None:
    one = decision(**what)
    deliveries = route_alert(alert_of(one), one, ("caucasus",), [recipient(**who)], {one.event.rule_id: policy}, NOW)
    assert bool(deliveries) is heard


def test_a_follower_of_another_rule_of_the_event_hears_by_that_rules_states_and_family() -> None:
    of_event = event(rule_ids=("csto-article-4-invoked", "help-asked"))
    helped = signal(rule_id="help-asked", family="alliance", states=("AM", "RU"))
    one = EventDecision(of_event, (EventChange.OPENED,), "", (signal(), helped))
    people = [
        recipient(id="russia", rules=("help-*",), states=("RU",)),
        recipient(id="alliances", rules=("help-*",), tags=("alliance",)),
        recipient(id="iran", rules=("help-*",), states=("IR",)),
    ]
    told = [each.recipient_id for each in route_alert(alert_of(one), one, (), people, {}, NOW)]
    assert told == ["russia", "alliances"]


def test_a_rule_that_is_only_added_is_told_to_those_who_did_not_follow_the_others() -> None:
    of_event = event(rule_ids=("csto-article-4-invoked", "csto-help"))
    one = EventDecision(of_event, (EventChange.RULE_ADDED,), "", (signal(),), told_rule_ids=("csto-article-4-invoked",))
    people = [recipient(id="all"), recipient(id="help-only", rules=("csto-help",))]
    assert [each.recipient_id for each in route_alert(alert_of(one), one, (), people, {}, NOW)] == ["help-only"]


def test_a_delivery_for_each_recipient_with_ids_of_their_own() -> None:
    one = decision()
    people = [recipient(id="a"), recipient(id="b", channel=Channel.EMAIL, target="b@example.org")]
    first = route_alert(alert_of(one), one, (), people, {}, NOW)
    assert first == route_alert(alert_of(one), one, (), people, {}, NOW)
    assert [(each.recipient_id, each.channel, each.target) for each in first] == [
        ("a", Channel.CONSOLE, "-"),
        ("b", Channel.EMAIL, "b@example.org"),
    ]
    assert first[0].id != first[1].id


NIGHT = QuietHours(time(22), time(7), "Asia/Yerevan")  # UTC+4 without a change of clocks
BERLIN = QuietHours(time(23), time(6), "Europe/Berlin")
LUNCH = QuietHours(time(12), time(13), "UTC")

QUIET = [
    ("before", NIGHT, datetime(2026, 1, 10, 17, 59, tzinfo=UTC), None),
    ("at the start", NIGHT, datetime(2026, 1, 10, 18, 0, tzinfo=UTC), datetime(2026, 1, 11, 3, 0, tzinfo=UTC)),
    ("after midnight", NIGHT, datetime(2026, 1, 11, 1, 0, tzinfo=UTC), datetime(2026, 1, 11, 3, 0, tzinfo=UTC)),
    ("at the end", NIGHT, datetime(2026, 1, 11, 3, 0, tzinfo=UTC), None),
    ("within a day", LUNCH, datetime(2026, 1, 10, 12, 30, tzinfo=UTC), datetime(2026, 1, 10, 13, 0, tzinfo=UTC)),
    ("clocks go forward", BERLIN, datetime(2026, 3, 28, 23, 0, tzinfo=UTC), datetime(2026, 3, 29, 4, 0, tzinfo=UTC)),
    ("clocks go back", BERLIN, datetime(2026, 10, 24, 22, 0, tzinfo=UTC), datetime(2026, 10, 25, 5, 0, tzinfo=UTC)),
]


@pytest.mark.parametrize(("quiet", "now", "end"), [row[1:] for row in QUIET], ids=[row[0] for row in QUIET])
def test_quiet_hours_follow_the_local_clock(quiet, now, end) -> None:
    assert quiet_hours_end(quiet, now) == end


@pytest.mark.parametrize(
    ("choice", "waits", "silent"), [("hold", True, False), ("send", False, False), ("silent", False, True)]
)
def test_what_a_rule_may_do_in_quiet_hours(choice, waits, silent) -> None:
    one = decision()
    now = datetime(2026, 1, 10, 20, 0, tzinfo=UTC)
    (delivery,) = route_alert(
        alert_of(one),
        one,
        (),
        [recipient(quiet_hours=NIGHT)],
        {one.event.rule_id: SendPolicy(in_quiet_hours=choice)},
        now,
    )
    assert delivery.not_before_at == now + (timedelta(hours=7) if waits else timedelta())
    assert delivery.is_silent is silent


def test_notices_reach_operators_only() -> None:
    notice = compose_notice("source:x failing", "Source x cannot be read", "timeout", Severity.WARNING, NOW)
    people = [recipient(), recipient(id="admin", is_operator=True)]
    assert [each.recipient_id for each in route_notice(notice, people, NOW)] == ["admin"]
    assert notice.kind is AlertKind.NOTICE

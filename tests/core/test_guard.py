"""Which alerts count as lost by new rules: the decision as a table, and the comparison over a store."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.builders import NOW, alert, article, event, report, signal
from watcher import guard
from watcher.guard import Given, Guard, GuardError, Loss, Verdict, Voice, compare, find_losses
from watcher.model import Extraction, RuleStatus
from watcher.rules.load import load_rules
from watcher.rules.schema import RuleSet
from watcher.store import Store
from watcher.store.articles import ArticleKeys

KEY = ("a1", "clash")
GIVEN = Given("alert1", "Shelling: Armenia and Azerbaijan", *KEY)
STABLE = {"clash": RuleStatus.STABLE}


def voice(*said: str, status: RuleStatus | None = RuleStatus.STABLE, why: str = "") -> Voice:
    """A rule set that has a signal, and an alert about it, or not."""
    return Voice(
        signals=frozenset({KEY}) if "signal" in said else frozenset(),
        alerts=frozenset({KEY}) if "alert" in said else frozenset(),
        silent={KEY: why} if why else {},
        statuses={} if status is None else {"clash": status},
    )


SPEAKS = voice("signal", "alert")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        pytest.param(SPEAKS, SPEAKS, None, id="nothing changes"),
        pytest.param(SPEAKS, voice(why="missing act"), "missing act", id="the rule no longer holds"),
        pytest.param(SPEAKS, voice(status=None), "the rule is gone", id="removed"),
        pytest.param(SPEAKS, voice(status=RuleStatus.OFF), "the rule has the status off", id="off"),
        pytest.param(SPEAKS, voice(status=RuleStatus.DRAFT), "the rule has the status draft", id="draft"),
        pytest.param(SPEAKS, voice(status=RuleStatus.TEST), "the rule has the status test", id="test"),
        pytest.param(SPEAKS, voice("signal", why="held: one publisher"), "held: one publisher", id="held from now on"),
        pytest.param(SPEAKS, voice("signal"), "it is part of another alert", id="joins another alert"),
        pytest.param(voice("signal"), voice("signal"), None, id="another article of the event alerts in both"),
        pytest.param(
            voice("signal"), voice(why="missing act"), "missing act", id="neither gives it, and the signal goes"
        ),
        pytest.param(voice(), voice(), None, id="lost long ago"),
        pytest.param(voice(), SPEAKS, None, id="found again"),
    ],
)
def test_what_is_lost(old: Voice, new: Voice, why: str | None) -> None:
    assert find_losses([GIVEN], old, new) == (() if why is None else (Loss(GIVEN, why),))


def test_nothing_given_is_nothing_lost() -> None:
    assert find_losses([], SPEAKS, voice()) == ()


def test_a_loss_in_one_line() -> None:
    assert str(Loss(GIVEN, "missing act")) == "alert1  Shelling: Armenia and Azerbaijan (clash): missing act"


RULE = """
rule: clash
title: Shelling
family: clash
severity: critical
languages: [en]
look_for:
  act: {phrases: [shell~ ..3 village*]}
  pair: {states: {at_least: 2}}
group: {by: [rule, states], for: 24h}
"""
TEXT = "Azerbaijan shelled a village of Armenia. Two soldiers were killed."


def rules(folder: Path, text: str = RULE) -> RuleSet:
    (folder / "rules.yaml").write_text(text, encoding="utf-8")
    return load_rules([folder / "rules.yaml"])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store in which the rule gave one alert about two articles; the later one to arrive has the earlier date."""
    store = Store.open(tmp_path / "watcher.db", exclusive=True)
    reports = (report(article_id="a1"), report(article_id="a2"))
    told = event(id="e1", rule_id="clash", reports=reports)
    with store.transaction():
        store.events.save(told)
        for number, (key, outcome) in enumerate((("a1", "opened"), ("a2", "repeated"))):
            at = NOW + timedelta(minutes=number)
            one = article(
                id=key, url=None, title="News", text=f"{TEXT} Reported by {key}.", extraction=Extraction.FULL,
                first_seen_at=at, published_at=NOW - timedelta(hours=number), publisher=key,
            )  # fmt: skip
            store.articles.insert(one, ArticleKeys("courier", guid=key))
            found = signal(article_id=key, rule_id="clash", family="clash")
            store.events.save_signal(found, at=at, event_id="e1", outcome=outcome)
        sent = alert(id="alert1", event_id="e1", rule_id="clash", reports=reports, created_at=NOW, headline="Shelling")
        store.events.save_alert(sent)
    return store


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(("title: Shelling", "title: Fire"), None, id="only words"),
        pytest.param(("shell~ ..3 village*", "shell~ ..3 town*"), "missing act", id="phrase"),
        pytest.param(("family: clash", "family: clash\nstatus: off"), "the rule has the status off", id="off"),
        pytest.param(("rule: clash", "rule: other"), "the rule is gone", id="renamed"),
        pytest.param(
            ("group:", "confirm: {publishers: 3, within: 6h, until_then: hold}\ngroup:"),
            "held: ",
            id="held until confirmed",
        ),
    ],
)
def test_the_alert_that_was_given_is_found_again_or_lost(
    tmp_path: Path, store: Store, change: tuple[str, str], why: str | None
) -> None:
    with store:
        verdict = compare(store, rules(tmp_path), rules(tmp_path, RULE.replace(*change)), NOW - timedelta(days=1))
    assert (verdict.alerts, verdict.is_partial) == (1, False)
    if why is None:
        assert verdict.losses == ()
    else:
        (loss,) = verdict.losses
        assert loss.given == Given("alert1", "Shelling", "a1", "clash")
        assert loss.why.startswith(why)


@pytest.mark.parametrize(
    ("old", "since"),
    [
        pytest.param(RULE.replace("shell~", "bomb~"), NOW - timedelta(days=1), id="the old rules would not give it"),
        pytest.param(RULE.replace("severity:", "status: test\nseverity:"), NOW - timedelta(days=1), id="test rule"),
        pytest.param(RULE, NOW + timedelta(seconds=1), id="too long ago"),
    ],
)
def test_what_does_not_count(tmp_path: Path, store: Store, old: str, since: object) -> None:
    with store:
        new = rules(tmp_path, RULE.replace("shell~", "besiege~"))
        assert compare(store, rules(tmp_path, old), new, since).losses == ()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("limit", "value"), [("MOST_ARTICLES", 1), ("MOST_CHARS", 100), ("READ_FOR", timedelta(seconds=-1))]
)
def test_of_too_much_only_the_latest_is_compared(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, limit: str, value: object
) -> None:
    monkeypatch.setattr(guard, limit, value)
    with store:
        other = rules(tmp_path, RULE.replace("shell~", "bomb~"))
        verdict = compare(store, rules(tmp_path), other, NOW - timedelta(days=1))
    assert verdict == Verdict((), 1, is_partial=True)


def test_the_comparison_in_its_own_process(tmp_path: Path, store: Store) -> None:
    old, new = rules(tmp_path), rules(tmp_path, RULE.replace("shell~", "bomb~"))
    watching, since = Guard(tmp_path / "watcher.db"), NOW - timedelta(days=1)
    with store:
        (loss,) = watching.compare(old, new, since).losses
    assert loss.why == "missing act"
    with pytest.raises(GuardError, match="not done within 0 seconds"):
        watching.compare(old, new, since, within=timedelta(0))
    with pytest.raises(GuardError, match="there is no store at"):
        Guard(tmp_path / "nothing.db").compare(old, new, since)
    watching.stop()
    with pytest.raises(GuardError, match="ended without an answer"):
        watching.compare(old, new, since)


def test_an_acceptance_holds_for_one_version_and_once(tmp_path: Path) -> None:
    with Store.open(None, exclusive=True) as store:
        with store.transaction():
            store.journal.accept_rules("v2", NOW)
            store.journal.accept_rules("v2", NOW + timedelta(hours=1))
        assert store.journal.are_rules_accepted("v2")
        assert not store.journal.are_rules_accepted("v3")
        with store.transaction():
            store.journal.use_acceptance("v2")
        assert not store.journal.are_rules_accepted("v2")

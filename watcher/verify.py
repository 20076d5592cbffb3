"""Whether an alert comes out again, byte for byte, from what was kept with it; else what comes out, and what changed.

The kept text is matched with the kept rules, and the event, as it stood, is decided about and written up again, by the
very functions that the daemon runs. Who was told is no part of it, nor when others are if nobody acknowledges.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import Any

from watcher.dedup import add_denial, decide_article, with_denials
from watcher.errors import RuleError, StoreError
from watcher.evidence import Evidence, Versions
from watcher.match import match_article
from watcher.model import Alert, AlertKind, EventDecision, Match, Signal, Stance
from watcher.revision import decide_correction
from watcher.routing import compose_alert, compose_escalation, tell_denial
from watcher.rulebook import event_policy
from watcher.rules.compile import CompiledRules, compile_rules
from watcher.rules.load import load_texts
from watcher.rules.schema import RuleSet, RuleText
from watcher.sequence import judge, one_for_each_rule
from watcher.store import Store
from watcher.store.codec import dumps, encode_time
from watcher.understand.states import Gazetteer

_SHOWN_CHARS = 160  # of a value in a message
_MOST_DIFFERENCES = 20  # in an alert; more say nothing new
_HASH_CHARS = 12


class Outcome(StrEnum):
    """What came of replaying an alert."""

    REPRODUCED = "reproduced"
    CHANGED = "changed"
    DAMAGED = "damaged"  # what was kept is not readable, or not what it was
    NO_EVIDENCE = "no evidence"  # decided before evidence was kept, or pruned
    NOTHING_TO_VERIFY = "nothing to verify"  # about the program itself


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of replaying an alert; sentences for people, in the order of the replay."""

    alert_id: str
    outcome: Outcome
    differences: tuple[str, ...] = ()  # between what was stored and what came out
    reasons: tuple[str, ...] = ()  # what is and what is not as it was then
    since: tuple[str, ...] = ()  # what has changed in the rules and the store since, which the replay does not touch

    @property
    def is_fine(self) -> bool:
        """Whether there is nothing to look into."""
        return self.outcome in (Outcome.REPRODUCED, Outcome.NOTHING_TO_VERIFY)


class Verifier:
    """Replays alerts of a store. ``in_force`` are the rules of today, to say what has changed since; None: unknown."""

    def __init__(self, store: Store, gazetteer: Gazetteer, versions: Versions, in_force: RuleSet | None) -> None:
        self._store = store
        self._gazetteer = gazetteer
        self._versions = versions
        self._now_texts = None if in_force is None else _by_name(in_force.documents)
        self._compiled: dict[tuple[str, ...], tuple[RuleSet, CompiledRules]] = {}

    def verify(self, alert: Alert) -> Verification:
        """What came of replaying the alert; of an escalation, the alert that it repeats is replayed."""
        if alert.event_id is None:
            return Verification(alert.id, Outcome.NOTHING_TO_VERIFY)
        original = alert if alert.kind is not AlertKind.ESCALATION else self._original(alert)
        if original is None:
            return Verification(alert.id, Outcome.NO_EVIDENCE)
        try:
            evidence = self._store.evidence.get(original.id)
        except StoreError as error:
            return Verification(alert.id, Outcome.DAMAGED, (str(error),))
        if evidence is None:
            return Verification(alert.id, Outcome.NO_EVIDENCE)
        differences = tuple(self._differences(original, evidence))
        if original is not alert:
            again = compose_escalation(original, alert.unacknowledged_since_at or alert.created_at)
            differences += tuple(_alert_differences(alert, again))
        since = tuple(self._since(evidence))
        if not differences:
            return Verification(alert.id, Outcome.REPRODUCED, since=since)
        return Verification(alert.id, Outcome.CHANGED, differences, tuple(self._reasons(evidence)), since)

    def _original(self, escalation: Alert) -> Alert | None:
        """The alert that an escalation repeats: escalations derive their id from it."""
        return next(
            (
                one
                for one in self._store.events.alerts_of_event(escalation.event_id or "")
                if one.kind is not AlertKind.ESCALATION and compose_escalation(one, one.created_at).id == escalation.id
            ),
            None,
        )

    def _differences(self, alert: Alert, evidence: Evidence) -> Iterator[str]:
        try:
            rule_set, compiled = self._rules(evidence.rules)
        except RuleError as error:
            yield f"this version does not accept the rule as it was: {error.problems[0]}"
            return
        grounds = evidence.grounds
        result = match_article(compiled, grounds.article, grounds.matched_at)
        found = (*result.signals, *result.partial)
        ours = [one for one in grounds.signals if one.rule_id in rule_set.rule_versions]
        yield from _signal_differences(ours, found)
        denial = evidence.known.denial
        if denial is not None and denial not in result.denials:
            yield f"rule {denial.rule_id}: the denial by {denial.denied_by}, “{_shortened(denial.words)}”, is not found"
            return
        decision = _decide_again(alert, evidence, rule_set, compiled, result.signals, result.partial)
        if decision is None:
            yield "nobody would be told: no decision about this event comes out"
            return
        again = _compose_again(alert, evidence, rule_set, decision, self._gazetteer.names())
        yield from _alert_differences(alert, again)

    def _rules(self, texts: Sequence[RuleText]) -> tuple[RuleSet, CompiledRules]:
        key = tuple(one.hash for one in texts)
        if key not in self._compiled:
            rule_set = load_texts(texts)
            self._compiled[key] = rule_set, compile_rules(rule_set, self._gazetteer)
        return self._compiled[key]

    def _reasons(self, evidence: Evidence) -> Iterator[str]:
        then, now = evidence.versions, self._versions
        hashes = ", ".join(f"{one.kind} {one.name} {one.hash[:_HASH_CHARS]}" for one in evidence.rules[:3])
        yield f"the text of the article and of the rules is what it was ({hashes})"
        changed = False
        for what, old, new in (
            ("the gazetteer", then.gazetteer, now.gazetteer),
            ("the data on cues, casualties and wires", then.data, now.data),
            ("the program", f"{then.program}, {then.code}", f"{now.program}, {now.code}"),
        ):
            if old != new:
                changed = True
                yield f"{what} has changed ({old} -> {new})"
        if not changed:
            yield "nothing that it rests on has changed: the stored alert or its evidence was altered"

    def _since(self, evidence: Evidence) -> Iterator[str]:
        if self._now_texts is not None:
            for name, old in _by_name(evidence.rules).items():
                now = self._now_texts.get(name, "")
                if now != old:
                    what = " ".join(name)
                    yield f"{what} is not there any more" if not now else f"{what} reads otherwise today"
        for article, _ in evidence.articles:
            stored = self._store.articles.get(article.id)
            if stored is None:
                yield f"article {article.id} is not in the store any more"
            elif (stored.title, stored.text) != (article.title, article.text):
                yield f"article {article.id} reads otherwise today"


def _by_name(texts: Sequence[RuleText]) -> dict[tuple[str, str], str]:
    """The text by kind and name, all of those that share one together."""
    joined: dict[tuple[str, str], str] = {}
    for one in texts:
        key = (one.kind, one.name)
        joined[key] = joined.get(key, "") + one.text
    return joined


def _decide_again(
    alert: Alert,
    evidence: Evidence,
    rule_set: RuleSet,
    compiled: CompiledRules,
    whole: Sequence[Signal],
    partial: Sequence[Signal],
) -> EventDecision | None:
    """The decision that led to the alert, made again; None: another one, or none."""
    grounds, edit, known = evidence.grounds, evidence.grounds.edit, evidence.known
    policies = {rule.rule: event_policy(rule) for rule in rule_set.rules}
    if known.denial is not None:
        return add_denial(known.events[0], grounds.article, [known.denial.denied_by], policies, evidence.decided_at)
    pasts = {one.rule_id: one for one in grounds.past}
    judged = [
        judge(
            compiled.over_time[one.rule_id],
            one,
            grounds.article,
            pasts[one.rule_id].signals,
            frozenset(grounds.same_text),
            pasts[one.rule_id].watched_since,
        )
        for one in partial
        if one.rule_id in pasts
    ]
    signals = (*whole, *one_for_each_rule(judged))
    if edit is not None and edit.quoted is not None:
        after = {one.rule_id: one for one in partial} | {one.rule_id: one for one in signals}
        return decide_correction(
            known.events[0], edit.quoted, edit.old, edit.signals, grounds.article, tuple(after.values())
        )
    decisions = decide_article(
        signals,
        grounds.article,
        policies,
        known.events,
        frozenset(grounds.same_text),
        evidence.decided_at,
        known.links,
        known.copies,
    )
    told = (with_denials(one, known.denials, policies, evidence.decided_at) for one in decisions)
    return next((one for one in told if one.event.id == alert.event_id and one.is_news), None)


def _compose_again(
    alert: Alert, evidence: Evidence, rule_set: RuleSet, decision: EventDecision, names: Mapping[str, str]
) -> Alert:
    grounds = evidence.grounds
    again = compose_alert(
        decision,
        grounds.article,
        names,
        {rule.rule: rule.title for rule in rule_set.rules},
        evidence.decided_at,
        evidence.previous_alert_id,
        quoted=[(one.article, one.signals) for one in evidence.quoted],
        version=encode_time(evidence.decided_at) if grounds.edit else "",
    )
    if grounds.edit is not None and grounds.edit.quoted is not None:
        again = replace(again, body=decision.reason)
    if evidence.known.denial is not None:
        again = replace(again, body=tell_denial(evidence.known.denial, names))
    # These follow from who is told and what was sent to them, and not from what was read.
    return replace(again, escalates_at=alert.escalates_at, held_back=alert.held_back)


def _signal_differences(then: Sequence[Signal], now: Sequence[Signal]) -> Iterator[str]:
    old = {(one.rule_id, one.step): one for one in then}
    new = {(one.rule_id, one.step): one for one in now}
    for key in sorted(old.keys() | new.keys(), key=str):
        name = f"rule {key[0]}" + (f", step {key[1]}," if key[1] else "")
        if key not in new:
            yield f"{name} does not hold"
        elif key not in old:
            yield f"{name} holds, and did not"
        else:
            yield from _clue_differences(name, old[key], new[key])


def _clue_differences(rule: str, then: Signal, now: Signal) -> Iterator[str]:
    if then.rule_version != now.rule_version:
        yield f"{rule} is read as version {now.rule_version} instead of {then.rule_version}"
    for clue in dict.fromkeys(one.clue for one in (*then.matches, *now.matches)):
        old = [one for one in then.matches if one.clue == clue]
        new = [one for one in now.matches if one.clue == clue]
        if old != new:
            was, found = _found(old), _found(new)
            # The same words may be found elsewhere.
            detail = f"{found} instead of {was}" if found != was else f"{found}, at other places or for other reasons"
            yield f"{rule}: the clue {clue} found {detail}"


def _found(matches: Sequence[Match]) -> str:
    """What a clue found, in a few words: states by their codes, else the words with their stance."""
    if any(one.state for one in matches):
        return ", ".join(sorted({one.state for one in matches if one.state}))
    words = [
        f"“{one.text}”" + (f" ({one.stance.value})" if one.stance not in (None, Stance.HAPPENED) else "")
        for one in matches
    ]
    return _shortened(", ".join(words)) or "nothing"


def _alert_differences(then: Alert, now: Alert) -> Iterator[str]:
    """One sentence for each part of the alert that is not the same, as canonical JSON has it."""
    old, new = dumps(then), dumps(now)
    if old != new:
        yield from islice(_value_differences("", json.loads(old), json.loads(new)), _MOST_DIFFERENCES)


def _value_differences(path: str, then: Any, now: Any) -> Iterator[str]:
    if isinstance(then, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*then, *now)):
            yield from _value_differences(f"{path}.{key}" if path else key, then.get(key), now.get(key))
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for index, (one, other) in enumerate(zip(then, now, strict=True)):
            yield from _value_differences(f"{path}[{index}]", one, other)
    elif then != now:
        yield f"{path}: {_value(now)} instead of {_value(then)}"


def _value(value: Any) -> str:
    return _shortened(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"

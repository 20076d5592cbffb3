"""What one reload swaps as a whole: the compiled rules with all that their signals need, and who is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from watcher.dedup import DEFAULT_CONFIRM_PUBLISHERS, EventPolicy
from watcher.model import EventChange, Recipient, RuleStatus
from watcher.mutes import Inhibit
from watcher.routing import EscalatePolicy, SendPolicy
from watcher.rules.compile import CompiledRules
from watcher.rules.schema import Rule, RuleSet, UntilThen
from watcher.sequence import OverTime


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules in force; mappings are by rule id, ``state_names`` by ISO code."""

    rules: CompiledRules
    version: str
    event_policies: Mapping[str, EventPolicy]
    send_policies: Mapping[str, SendPolicy]
    statuses: Mapping[str, RuleStatus]
    versions: Mapping[str, str]
    state_names: Mapping[str, str]
    recipients: tuple[Recipient, ...]
    over_time: Mapping[str, OverTime]  # of the rules that speak over several articles
    rule_set: RuleSet  # for another process to compile: without what only people need
    inhibits: tuple[Inhibit, ...] = ()  # which events silence which alerts

    @classmethod
    def of(
        cls,
        rule_set: RuleSet,
        compiled: CompiledRules,
        state_names: Mapping[str, str],
        recipients: Iterable[Recipient],
        inhibits: Iterable[Inhibit] = (),
    ) -> RuleBook:
        """The book of a rule set that was loaded and compiled."""
        return cls(
            rules=compiled,
            version=rule_set.version,
            event_policies={rule.rule: event_policy(rule) for rule in rule_set.rules},
            send_policies={rule.rule: send_policy(rule) for rule in rule_set.rules},
            statuses={rule.rule: rule.status for rule in rule_set.rules},
            versions=dict(rule_set.rule_versions),
            state_names=state_names,
            recipients=tuple(recipients),
            over_time=compiled.over_time,
            rule_set=replace(rule_set, locations={}, test_texts={}, source_texts={}, warnings=()),
            inhibits=tuple(inhibits),
        )

    def changes_since(self, old: RuleBook) -> dict[str, tuple[str, ...]]:
        """The ids of rules ``added``, ``changed`` and ``removed`` since the old book."""
        return {
            "added": tuple(sorted(self.versions.keys() - old.versions.keys())),
            "changed": tuple(
                sorted(
                    rule_id
                    for rule_id, version in self.versions.items()
                    if old.versions.get(rule_id, version) != version
                )
            ),
            "removed": tuple(sorted(old.versions.keys() - self.versions.keys())),
        }


def send_policy(rule: Rule) -> SendPolicy:
    """What a rule says about who is told, and when."""
    escalate = rule.escalate
    return SendPolicy(
        to=rule.send.to,
        in_quiet_hours=rule.send.in_quiet_hours.value,
        escalate=EscalatePolicy(escalate.if_not_acknowledged_in, escalate.to) if escalate else None,
    )


def event_policy(rule: Rule) -> EventPolicy:
    """What a rule says about its events."""
    confirm = rule.confirm
    return EventPolicy(
        rule_id=rule.rule,
        title=rule.title,
        family=rule.family,
        by_family="rules" in rule.group.by,
        by_states="states" in rule.group.by,
        by_items=any(by.startswith("$") for by in rule.group.by),
        group_for=rule.group.open_for,
        confirm_publishers=confirm.publishers if confirm else DEFAULT_CONFIRM_PUBLISHERS,
        confirm_within=confirm.within if confirm else None,
        hold_until_confirmed=confirm is not None and confirm.until_then is UntilThen.HOLD,
        update_on=frozenset(EventChange(reason.value) for reason in rule.update_on),
        is_test=rule.status is RuleStatus.TEST,
    )

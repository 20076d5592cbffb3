"""How a source does: its named states, when operators are told, and which rules no source can feed any more. Pure.

A source that fails, is silent or lists nothing but undated items is never given up; what changes here is what is said
about it. It is told once when it goes bad and once when it is good again, and one that goes to and fro has to stay good
for longer and longer before anybody hears that it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from watcher.model import FetchReason, Health, RuleStatus, Source, SourceState

if TYPE_CHECKING:  # polls without news get by without the rules, which take longer to import than 1,000 of them
    from watcher.rules.compile import CompiledRule

TELL_AFTER = 3  # polls in a row of trouble that may pass by itself
RELAPSE_WITHIN = timedelta(days=1)  # going bad so soon after it was told to be good is going to and fro
GOOD_AFTER_RELAPSE = 3  # good polls in a row before it is told again, doubling with each further relapse
GOOD_AFTER_LONGEST = 48  # good polls in a row: four hours of the usual five minutes


class Level(IntEnum):
    """How bad a state is; the order counts."""

    GOOD = 0
    DOUBTFUL = 1  # read, but not what is expected of it
    FAILING = 2


class HealthChange(StrEnum):
    """What operators are told."""

    WORSE = "worse"
    BETTER = "better"  # readable again, but not good
    GOOD_AGAIN = "good again"


_GOOD = frozenset({FetchReason.OK, FetchReason.NOT_MODIFIED})
_DOUBTFUL = frozenset({FetchReason.EMPTY, FetchReason.SILENT, FetchReason.ALL_UNDATED, FetchReason.BAD_LINES})


def level(state: FetchReason) -> Level:
    """How bad a state is."""
    if state in _GOOD:
        return Level.GOOD
    return Level.DOUBTFUL if state in _DOUBTFUL else Level.FAILING


def kind_of_trouble(state: FetchReason) -> str:
    """What sources in that state have in common; a network that is gone shows in two ways."""
    return "network" if state in (FetchReason.UNREACHABLE, FetchReason.TIMEOUT) else state.value


def is_failure(reason: FetchReason) -> bool:
    """Whether a poll with that outcome read nothing that it should have read.

    An empty list is none: the source may be new. That it stays so is what `expect_every` is for.
    """
    return level(reason) is Level.FAILING


def state_of(source: Source, state: SourceState, now: datetime) -> FetchReason:
    """The named state that the source is in now, the worst first."""
    if state.failures:
        return state.reason
    if state.reason is FetchReason.EMPTY and (state.new_item_at is not None or state.baseline_at is None):
        # It had items, or never gave so much as a list without any: no new outlet, but a page that says nothing.
        return FetchReason.EMPTY
    last = state.new_item_at or state.baseline_at
    if source.expect_every is not None and last is not None and now - last > source.expect_every:
        return FetchReason.SILENT
    if state.is_undated:
        return FetchReason.ALL_UNDATED
    return FetchReason.OK if state.reason is FetchReason.EMPTY else state.reason


def observe(
    health: Health, seen: FetchReason, now: datetime, *, is_poll: bool = True
) -> tuple[Health, HealthChange | None]:
    """The health after what was seen, and what operators are told of it; None: nothing.

    Without ``is_poll`` it was a mere look at the clock, which shows silence and counts as no poll.
    """
    is_same_level = level(seen) is level(health.state) and health.since_at is not None
    stays = is_same_level and (seen is health.state or level(seen) is Level.GOOD)
    after = replace(
        health,
        state=seen,
        since_at=health.since_at if stays else now,
        streak=(health.streak if is_same_level else 0) + is_poll,
    )
    change = _change(after)
    if change is None:
        return after, None
    is_soon = health.told_at is not None and now - health.told_at <= RELAPSE_WITHIN
    if change is HealthChange.BETTER or (is_soon and level(health.told) is Level.GOOD):
        after = replace(after, relapses=health.relapses + 1)
    elif change is HealthChange.WORSE and not is_soon:
        after = replace(after, relapses=0)
    told = FetchReason.OK if change is HealthChange.GOOD_AGAIN else seen
    return replace(after, told=told, told_at=now), change


def _change(health: Health) -> HealthChange | None:
    seen, told = level(health.state), level(health.told)
    if seen > told:
        may_pass = health.state.may_pass or health.state in (FetchReason.EMPTY, FetchReason.ALL_UNDATED)
        return HealthChange.WORSE if health.streak >= (TELL_AFTER if may_pass else 0) else None
    if seen < told and seen is Level.GOOD:
        return HealthChange.GOOD_AGAIN if health.streak >= _good_polls_needed(health) else None
    # From one trouble to a lesser one is told once; the next that is told is that all is well.
    return HealthChange.BETTER if seen < told and not health.relapses else None


def _good_polls_needed(health: Health) -> int:
    if not health.relapses or health.told is FetchReason.SILENT:  # a new item ends a silence for certain
        return 1
    doublings = min(health.relapses - 1, 10)  # the longest is reached long before
    return min(GOOD_AFTER_RELAPSE << doublings, GOOD_AFTER_LONGEST)


def is_live(health: Health) -> bool:
    """Whether news comes from the source, as far as operators were told: what goes to and fro is not live."""
    return health.told in _GOOD or health.told in (FetchReason.ALL_UNDATED, FetchReason.BAD_LINES)


@dataclass(frozen=True, slots=True)
class BlindRule:
    """A rule that no live source can feed."""

    rule_id: str
    why: str  # for people
    is_so_configured: bool  # no source was meant to feed it, as with rules in a language that nobody here reads


def find_blind(
    rules: Iterable[CompiledRule],
    statuses: Mapping[str, RuleStatus],
    sources: Sequence[Source],
    healths: Mapping[str, Health],
) -> tuple[BlindRule, ...]:
    """The rules that no live source can feed, by id, drafts aside: nobody is told what they find.

    A source without a health is taken for live, and one without a configured language may carry any.
    """
    found: dict[str, BlindRule] = {}
    for rule in rules:
        if statuses[rule.id] is RuleStatus.DRAFT:
            continue
        feeding = [source for source in sources if _may_feed(source, rule)]
        if not feeding:
            found[rule.id] = BlindRule(rule.id, _why_unfed(rule, sources), is_so_configured=True)
        elif not any(is_live(healths.get(source.id, Health())) for source in feeding):
            states = ", ".join(f"{source.id} ({healths[source.id].told.value})" for source in feeding)
            why = f"every source that could feed it is in trouble: {states}"
            found[rule.id] = BlindRule(rule.id, why, is_so_configured=False)
    return tuple(found[rule_id] for rule_id in sorted(found))


def say_blind(blind: Iterable[BlindRule]) -> dict[str, tuple[str, ...]]:
    """What to say of the rules that can see nothing, with their ids; those for one reason together."""
    by_reason: dict[str, list[str]] = {}
    for one in blind:
        by_reason.setdefault(one.why, []).append(one.rule_id)
    said: dict[str, tuple[str, ...]] = {}
    for why, rule_ids in by_reason.items():
        if len(rule_ids) == 1:
            said[f"rule {rule_ids[0]} can see nothing: {why}"] = (rule_ids[0],)
        else:
            said[f"{len(rule_ids)} rules can see nothing: {why}: {', '.join(rule_ids)}"] = tuple(rule_ids)
    return said


def _may_feed(source: Source, rule: CompiledRule) -> bool:
    return _speaks(source, rule) and _is_wanted(source, rule)


def _speaks(source: Source, rule: CompiledRule) -> bool:
    return not rule.languages or source.language is None or source.language in rule.languages


def _is_wanted(source: Source, rule: CompiledRule) -> bool:
    if rule.source_ids and source.id not in rule.source_ids:
        return False
    if rule.source_tags and rule.source_tags.isdisjoint(source.tags):
        return False
    return rule.not_source_tags.isdisjoint(source.tags)


def _why_unfed(rule: CompiledRule, sources: Sequence[Source]) -> str:
    if not any(_speaks(source, rule) for source in sources):
        return f"no source is in {' or '.join(sorted(rule.languages))}"
    if not any(_is_wanted(source, rule) for source in sources):
        return "no source has the ids and tags that it asks for"
    return f"no source with the ids and tags that it asks for is in {' or '.join(sorted(rule.languages))}"

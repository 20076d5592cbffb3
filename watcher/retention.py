"""What is kept how long: from the settings and the rules to the moments before which things are pruned. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

# Copies are looked for among the articles of two weeks (`dedup.COPY_WINDOW`); a day more for articles under way.
COPIES_FOR = timedelta(days=15)
# Rules may change their span, and articles come late: what they remember is kept for longer than they ask for.
PAST_MARGIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Keep:
    """How long things are kept."""

    text: timedelta = timedelta(days=90)
    alerts: timedelta = timedelta(days=1095)
    deliveries: timedelta = timedelta(days=365)
    notices: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """The moments before which things are pruned."""

    now: datetime
    copies_at: datetime  # hashes by which copies are found
    text_at: datetime  # texts, earlier versions of them, denials
    alerts_at: datetime  # closed events with all that they led to
    deliveries_at: datetime
    notices_at: datetime
    past_at: Mapping[str, datetime]  # by rule id: what it remembers of articles
    other_past_at: datetime  # of rules that there are no longer


def cutoffs(keep: Keep, spans: Mapping[str, timedelta], now: datetime) -> Cutoffs:
    """The moments that follow from what is configured; ``spans`` has how far back each rule looks, by its id."""
    return Cutoffs(
        now=now,
        copies_at=now - COPIES_FOR,
        text_at=now - keep.text,
        alerts_at=now - max(keep.alerts, keep.text),
        deliveries_at=now - keep.deliveries,
        notices_at=now - keep.notices,
        past_at={rule_id: now - span - PAST_MARGIN for rule_id, span in spans.items()},
        # A rule that is mended for some days must not have forgotten everything meanwhile.
        other_past_at=now - max((keep.text, *spans.values())) - PAST_MARGIN,
    )

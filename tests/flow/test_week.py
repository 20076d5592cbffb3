"""A week over each change of clocks: every message at the time that docs/delivery-times.md gives, none lost, none twice.

The program is the real one from the article to the channel, started anew now and then; the clock is moved by hand. The
oracle below is written from that page alone: it looks at the clocks of each zone minute by minute and at nothing of ours.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from tests.builders import article, recipient
from tests.core.rule_files import gazetteer, load
from watcher.dispatch import Dispatcher
from watcher.match import match_article
from watcher.model import (
    Alert,
    AlertKind,
    Channel,
    Delivered,
    DeliveryState,
    Digest,
    EventChange,
    Outcome,
    QuietHours,
    Recipient,
    Severity,
    Source,
)
from watcher.mutes import Mute
from watcher.notify.base import OutgoingMessage
from watcher.recording import Reading, Recorder
from watcher.rulebook import RuleBook
from watcher.rules.compile import compile_rules
from watcher.silenced import tell_silenced
from watcher.store import Store
from watcher.store.articles import ArticleKeys
from watcher.text.shingles import shingles

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WAIT = timedelta(minutes=15)

# Each with states of its own, so that no event is of two rules.
RULES = {
    "watch-hold": ("watch", "hold", "recalled its envoy", "Armenia Azerbaijan Georgia Iran"),
    "warning-hold": ("warning", "hold", "shelled a village", "India Pakistan China Nepal"),
    "warning-silent": ("warning", "silent", "sent drones", "Sudan Ethiopia Eritrea Kenya"),
    "warning-send": ("warning", "send", "closed its border", "Thailand Cambodia Laos Vietnam"),
    "critical-hold": ("critical", "hold", "declared war", "Serbia Kosovo Bosnia Croatia"),
    "critical-send": ("critical", "send", "fired missiles", "Israel Lebanon Syria Egypt"),
}
BOSSES = ("boss-in-new-york", "boss-with-digest")
RULE_SET = load(
    "\n---\n".join(
        f"""rule: {name}
family: {name.replace("-", "")}
severity: {severity}
languages: [en]
look_for:
  deed: {{phrases: [{words}]}}
  pair: {{states: {{at_least: 2}}}}
  deaths: {{killed: {{at_least: 1}}}}
group: {{by: [rule, states], for: 20h}}
update_on: [deaths_doubled]
send: {{in_quiet_hours: {policy}}}"""
        + (f"\nescalate: {{if_not_acknowledged_in: 15m, to: [{', '.join(BOSSES)}]}}" if severity == "critical" else "")
        for name, (severity, policy, words, _) in RULES.items()
    )
)


def wants(name: str, quiet: str = "", digest: str = "", **values: object) -> Recipient:
    """A recipient; ``quiet`` is "22:00-07:00 Asia/Yerevan", ``digest`` "08:00 Asia/Yerevan" or "hourly ..."."""
    hours = None
    if quiet:
        span, zone = quiet.split()
        start, end = map(time.fromisoformat, span.split("-"))
        hours = QuietHours(start, end, zone)
    together = None
    if digest:
        at, zone = digest.split()
        together = Digest(None if at == "hourly" else time.fromisoformat(at), zone)
    return recipient(id=name, target=name, quiet_hours=hours, digest=together, **values)


RECIPIENTS = (
    wants("at-once"),
    wants("new-york", "22:00-07:00 America/New_York"),
    wants("new-york-hourly", digest="hourly America/New_York"),
    wants("new-york-small-hours", digest="02:30 America/New_York"),  # not there in spring
    wants("new-york-half-past-one", digest="01:30 America/New_York"),  # twice in autumn
    wants("yerevan", "23:30-06:15 Asia/Yerevan"),
    wants("yerevan-hourly", "22:00-07:00 Asia/Yerevan", "hourly Asia/Yerevan"),
    wants("kolkata-daily", "21:00-08:30 Asia/Kolkata", "08:00 Asia/Kolkata"),
    wants("kolkata-hourly", digest="hourly Asia/Kolkata"),
    wants("lord-howe-hourly", "01:45-02:15 Australia/Lord_Howe", "hourly Australia/Lord_Howe"),
    wants("lord-howe-daily", digest="02:15 Australia/Lord_Howe"),  # not there in spring
    wants("lord-howe-small-hours", "01:30-02:10 Australia/Lord_Howe", "01:50 Australia/Lord_Howe"),  # twice in autumn
    wants("boss-in-new-york", "22:00-07:00 America/New_York", rules=()),
    wants("boss-with-digest", "23:00-05:00 Australia/Lord_Howe", "08:00 Australia/Lord_Howe", rules=()),
)
BOOK = RuleBook.of(RULE_SET, compile_rules(RULE_SET, gazetteer()), gazetteer().names(), RECIPIENTS)
SOURCE = Source(id="courier", url="https://courier.example/feed")


@dataclass(frozen=True, order=True)
class Told:
    """One message: when, to whom, what, and whether it makes a sound."""

    recipient: str
    at: datetime
    kind: str
    alerts: tuple[str, ...]  # ids, sorted; of digests and summaries the latest of each event
    sent_already: tuple[str, ...] = ()
    is_silent: bool = False


class Post:
    """A channel that keeps what it was asked to send."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.told: list[Told] = []
        self._clock = clock

    async def send(self, message: OutgoingMessage) -> Outcome:
        alert, delivery = message.alert, message.delivery
        items = [(item.alert_id, item.was_sent) for item in alert.items] or [(alert.id, False)]
        if alert.kind is AlertKind.ESCALATION:
            items = [(alert.reports[0].article_id, False)]  # its id is its own
        ids = {was_sent: tuple(sorted(one for one, sent in items if sent is was_sent)) for was_sent in (False, True)}
        self.told.append(
            Told(delivery.recipient_id, self._clock(), alert.kind.value, ids[False], ids[True], delivery.is_silent)
        )
        return Delivered(f"{len(self.told)}")

    async def aclose(self) -> None:
        return


@dataclass(frozen=True)
class Decided:
    """An alert as it was decided; the rest is the oracle's."""

    id: str
    event_id: str
    rule: str
    severity: Severity
    states: tuple[str, ...]
    article_id: str
    at: datetime


@dataclass(frozen=True)
class Muted:
    """Somebody wants to hear nothing of a state or rule."""

    since: datetime
    until: datetime
    what: str  # ISO code or rule id
    only: str | None  # id of a recipient


@dataclass
class World:
    """The program, the news and the people."""

    path: Path
    now: datetime
    post: Post = field(init=False)
    store: Store = field(init=False)
    decided: list[Decided] = field(default_factory=list)
    published: int = 0

    def __post_init__(self) -> None:
        self.post = Post(lambda: self.now)
        self.store = Store.open(self.path, exclusive=True)

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    def restart(self) -> None:
        """Nothing; the program ends and starts anew."""
        self.store.close()
        self.store = Store.open(self.path, exclusive=True)
        with self.store.transaction():
            self.store.together.retime(BOOK.recipients, self.now)

    def publish(self, rule: str, pair: tuple[str, str], killed: int) -> None:
        self.published += 1
        letters = Random(self.published)  # words that no other article has, so that none seems to be a copy
        filler = " ".join("".join(letters.choices("abdegiklmnorstu", k=7)) for _ in range(40))
        text = f"{pair[0]} {RULES[rule][2]} of {pair[1]}, and at least {killed} people were killed. It was {filler}."
        one = article(
            id=f"a{self.published}",
            url=f"https://courier.example/{self.published}",
            title=f"Report {self.published}",
            text=text,
            published_at=self.now,
            first_seen_at=self.now,
            publisher=f"Outlet {self.published}",
        )
        keys = ArticleKeys(source_id="courier", url=one.url, guid=one.id)
        reading = Reading(one, keys, match_article(BOOK.rules, one, self.now), shingles(text), None)
        self.decided += map(_decided, Recorder(self.store).record(SOURCE, BOOK, [reading], self.now))

    def mute(self, muted: Muted) -> None:
        state, rule = (None, muted.what) if muted.what in RULES else (muted.what, None)
        mute = Mute(0, None, rule, state, None, muted.only, False, "noise", "anna", muted.since, muted.until)
        with self.store.transaction():
            self.store.mutes.add(mute)

    def acknowledge(self, event_id: str) -> None:
        self.store.acknowledge(event_id, by="anna", now=self.now)

    def work(self) -> datetime | None:
        """When something is due next; what is due now was sent."""
        tell_silenced(self.store, BOOK.recipients, self.now)
        console = Dispatcher(
            self.store,
            {Channel.CONSOLE: self.post},
            BOOK.state_names,
            lambda: self.now,
            lambda: 0.0,
            lambda settled: None,
            recipients=lambda: BOOK.recipients,
        )
        asyncio.run(console.dispatch_due())
        return self.store.outbox.next_due_at(Channel.CONSOLE)

    def kept(self) -> dict[DeliveryState, int]:
        return {state: count for state, count in self.store.counts(self.now).deliveries.items() if count}


def _decided(alert: Alert) -> Decided:
    graver = {EventChange.OPENED, EventChange.DEATHS_DOUBLED}
    assert alert.event_id and alert.rule_id and set(alert.changes) <= graver
    return Decided(
        alert.id,
        alert.event_id,
        alert.rule_id,
        alert.severity,
        alert.states,
        alert.reports[0].article_id,
        alert.created_at,
    )


class Wall:
    """The clock on the wall of a zone, looked at every minute of the week and of some days before and after it."""

    def __init__(self, zone: str, began: datetime) -> None:
        self.shows: dict[datetime, datetime] = {}  # UTC to what the clock shows
        self.first: dict[datetime, datetime] = {}  # what it shows to UTC, the first time
        at = began - 6 * DAY
        while at < began + 14 * DAY:
            self.shows[at] = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
            self.first.setdefault(self.shows[at], at)
            at += MINUTE
        self.full_hours = [
            at for at, wall in self.shows.items() if wall.minute == 0 and began - 2 * DAY < at < began + 10 * DAY
        ]

    def reaches(self, day: date, clock: time) -> datetime:
        """When it shows that for the first time; as much later as it leaves out where it never does."""
        wall = datetime.combine(day, clock)
        if wall in self.first:
            return self.first[wall]
        before = max(shown for shown in self.first if shown < wall)
        after = min(shown for shown in self.first if shown > wall)
        return self.first[wall + (after - before - MINUTE)]

    def date_at(self, at: datetime) -> date:
        return self.shows[at.replace(second=0, microsecond=0)].date()


@dataclass
class Oracle:
    """When who is told what."""

    began: datetime
    off: list[tuple[datetime, datetime]]
    mutes: list[Muted]
    acknowledged: list[tuple[datetime, str]]
    walls: dict[str, Wall] = field(init=False)

    def __post_init__(self) -> None:
        zones = {one.zone for r in RECIPIENTS for one in (r.quiet_hours, r.digest) if one is not None}
        self.walls = {zone: Wall(zone, self.began) for zone in zones}

    def rests_until(self, who: Recipient, at: datetime) -> datetime | None:
        quiet = who.quiet_hours
        if quiet is None:
            return None
        wall = self.walls[quiet.zone]
        for ago in (1, 0):
            day = wall.date_at(at) - ago * DAY
            start = wall.reaches(day, quiet.start)
            end = wall.reaches(day if quiet.start < quiet.end else day + DAY, quiet.end)
            if start <= at < end:
                return end
        return None

    def slots(self, who: Recipient) -> list[datetime]:
        assert who.digest is not None
        wall = self.walls[who.digest.zone]
        if who.digest.at is None:
            return wall.full_hours
        first, last = wall.date_at(self.began - 2 * DAY), wall.date_at(self.began + 10 * DAY)
        days = [first + n * DAY for n in range((last - first).days)]
        return [wall.reaches(day, who.digest.at) for day in days]

    def runs_at(self, at: datetime) -> datetime:
        return next((on for off, on in self.off if off <= at < on), at)

    def awake_at(self, who: Recipient, at: datetime) -> datetime:
        """The first time from then on when the program runs and the recipient does not rest."""
        while True:
            later = self.rests_until(who, self.runs_at(at)) or self.runs_at(at)
            if later == at:
                return at
            at = later

    def muted_by(self, who: Recipient, one: Decided) -> int | None:
        """Which mute silences it for them; never two do at once in this week."""
        for number, mute in enumerate(self.mutes):
            is_about = one.rule == mute.what or mute.what in one.states
            if is_about and mute.since <= one.at < mute.until and mute.only in (None, who.id):
                return None if one.severity is Severity.CRITICAL else number
        return None

    def expect(self, decided: list[Decided]) -> list[Told]:
        return sorted(
            told
            for who in RECIPIENTS
            for told in (self.alerts_of(who, decided) if who.rules else self.escalations_of(who, decided))
        )

    def alerts_of(self, who: Recipient, decided: list[Decided]) -> list[Told]:
        found: list[Told] = []
        rested: dict[datetime, list[list[Decided]]] = defaultdict(list)  # what is one message if it is alone
        digests: dict[datetime, list[Decided]] = defaultdict(list)
        muted: dict[int, list[Decided]] = defaultdict(list)
        critical: list[tuple[datetime, Decided]] = []
        for one in decided:
            rests_until, policy = self.rests_until(who, one.at), RULES[one.rule][1]
            if (mute := self.muted_by(who, one)) is not None:
                muted[mute].append(one)
            elif who.digest is not None and one.severity < Severity.CRITICAL:
                digests[self.digest_at(who, one.at)].append(one)
            else:
                at = one.at
                if rests_until is not None and policy == "hold":
                    at = self.awake_at(who, rests_until)
                    rested[at].append([one])
                else:
                    is_silent = rests_until is not None and policy == "silent"
                    found.append(Told(who.id, at, "event", (one.id,), is_silent=is_silent))
                if one.severity is Severity.CRITICAL:
                    critical.append((at, one))
        for number, theirs in muted.items():
            over_at = self.runs_at(self.mutes[number].until)
            if who.digest is not None:
                digests[self.digest_at(who, over_at)] += theirs
            elif self.rests_until(who, over_at) is not None:
                rested[self.awake_at(who, over_at)].append(theirs)
            else:
                found.append(Told(who.id, over_at, "summary", latest(theirs)))
        for at, held in rested.items():
            alerts = [one for theirs in held for one in theirs]
            events = {one.event_id for one in alerts}
            # What a mute has silenced is a summary, be it of one alert.
            kind = (
                "summary" if len(events) > 1 or any(self.muted_by(who, one) is not None for one in alerts) else "event"
            )
            found.append(Told(who.id, at, kind, latest(alerts)))
        return found + self.digests_of(who, digests, critical)

    def digest_at(self, who: Recipient, at: datetime) -> datetime:
        return self.awake_at(who, next(slot for slot in self.slots(who) if slot > at))

    def digests_of(
        self, who: Recipient, digests: dict[datetime, list[Decided]], critical: list[tuple[datetime, Decided]]
    ) -> list[Told]:
        """The digests, each with the critical alerts that were sent since the one before would have come."""
        times = sorted({self.awake_at(who, slot) for slot in self.slots(who)}) if digests else []
        found = []
        for at, alerts in sorted(digests.items()):
            since = max(one for one in times if one < at)
            sent = [one for told, one in critical if since < one.at <= at and told <= at]
            found.append(Told(who.id, at, "digest", latest(alerts), latest(sent)))
        return found

    def escalations_of(self, who: Recipient, decided: list[Decided]) -> list[Told]:
        found: list[Told] = []
        for event_id in {one.event_id for one in decided if one.severity is Severity.CRITICAL}:
            steps = [(one.at, one) for one in decided if one.event_id == event_id]
            steps += [(at, None) for at, acked in self.acknowledged if acked == event_id]
            waiting: tuple[datetime, datetime, Decided] | None = None  # wanted, told, of which alert
            for at, one in sorted(steps, key=lambda step: step[0]):
                if waiting and waiting[1] <= at:
                    found.append(Told(who.id, waiting[1], "escalation", (waiting[2].article_id,)))
                    waiting = None
                if one is None:
                    waiting = None
                    continue
                wanted = max(min([at + WAIT, *([waiting[0]] if waiting else [])]), at)
                until = self.rests_until(who, wanted) if RULES[one.rule][1] == "hold" else None
                told = self.awake_at(who, until) if until else self.runs_at(wanted)
                waiting = (wanted, told, one)
            if waiting:
                found.append(Told(who.id, waiting[1], "escalation", (waiting[2].article_id,)))
        return found


def latest(alerts: list[Decided]) -> tuple[str, ...]:
    """The id of the last one of each event."""
    by_event = {one.event_id: one.id for one in sorted(alerts, key=lambda one: one.at)}
    return tuple(sorted(by_event.values()))


# Weeks that begin three days before the clocks change: in spring and autumn of New York, in autumn and spring of Lord Howe.
WEEKS = {
    "new york, spring": datetime(2026, 3, 5, tzinfo=UTC),
    "new york, autumn": datetime(2026, 10, 29, tzinfo=UTC),
    "lord howe, autumn": datetime(2026, 4, 2, tzinfo=UTC),
    "lord howe, spring": datetime(2026, 10, 1, tzinfo=UTC),
}
REPORTS = 240


@dataclass(frozen=True)
class Planned:
    """A report, and when somebody acknowledges its event."""

    at: datetime
    rule: str
    pair: tuple[str, str]
    killed: int  # twice as many as in the report before, which is news
    acknowledged_at: datetime | None


def plan(began: datetime, off: list[tuple[datetime, datetime]], random: Random) -> list[Planned]:
    """The reports of a week, half of them in the two days around the change of clocks; none while the program is off."""
    times = []
    for number in range(REPORTS):
        first, span = (began, 7 * DAY) if number % 2 else (began + 2.2 * DAY, 2 * DAY)
        at = first + timedelta(seconds=random.randrange(int(span.total_seconds())))
        # Some come at the very time of a digest, or of the beginning or end of quiet hours.
        times.append(at.replace(minute=random.choice([0, 15, 30]), second=0) if number % 8 == 0 else at)
    known: dict[tuple[str, tuple[str, str]], int] = {}
    reports = []
    for at in sorted(set(times)):
        rule = random.choice(list(RULES))
        first_state, second_state = random.choice(list(combinations(RULES[rule][3].split(), 2)))
        key = rule, (first_state, second_state)
        if any(since <= at < until for since, until in off):
            continue
        known[key] = known.get(key, 1) * 2
        is_acknowledged = RULES[rule][0] == "critical" and random.random() < 0.5
        acknowledged_at = at + timedelta(minutes=random.randint(1, 600)) if is_acknowledged else None
        reports.append(Planned(at, *key, known[key], acknowledged_at))
    return reports


def plan_mutes(began: datetime, random: Random) -> list[Muted]:
    """Mutes of states and rules, for all or one, one after the other."""
    mutes, at = [], began + HOUR
    while at < began + 6 * DAY:
        until = at + timedelta(minutes=random.randint(30, 900))
        what = random.choice(["AM", "IN", "SD", "TH", "RS", "warning-hold", "watch-hold", "warning-silent"])
        mutes.append(Muted(at, until, what, random.choice([None, None, *(one.id for one in RECIPIENTS)])))
        at = until + timedelta(minutes=random.randint(5, 200))
    return mutes


def live(world: World, reports: list[Planned], off: list[tuple[datetime, datetime]], mutes: list[Muted]) -> Oracle:
    """The oracle of what has happened; everything was told that there was to tell."""
    random = Random(len(reports))
    oracle = Oracle(world.now, off, mutes, [])
    steps: list[tuple[datetime, int, object]] = [(one.at, 1, one) for one in reports]
    steps += [(one.since, 0, one) for one in mutes]
    steps += [(one.until, 0, None) for one in mutes] + [(on, 0, None) for _, on in off]
    next_due: datetime | None = None
    while steps or next_due is not None:
        steps.sort(key=lambda step: step[:2])
        due = None if next_due is None else oracle.runs_at(max(next_due, world.now))
        if due is not None and (not steps or due < steps[0][0]):
            world.now = due
        else:
            world.now, _, step = steps.pop(0)
            match step:
                case Planned():
                    world.publish(step.rule, step.pair, step.killed)
                    if step.acknowledged_at is not None:
                        steps.append((step.acknowledged_at, 2, world.decided[-1].event_id))
                case Muted():
                    world.mute(step)
                case str():
                    oracle.acknowledged.append((world.now, step))
                    world.acknowledge(step)
        if oracle.runs_at(world.now) == world.now:
            if random.random() < 0.2:
                world.restart()
            next_due = world.work()
    return oracle


@pytest.mark.parametrize("week", WEEKS)
def test_each_message_comes_at_its_time_none_is_lost_and_none_comes_twice(week: str, tmp_path: Path) -> None:
    began = WEEKS[week]
    random = Random(week)
    off = [(began + days * DAY, began + days * DAY + timedelta(hours=hours)) for days, hours in ((1.3, 3), (3.4, 11))]
    reports, mutes = plan(began, off, random), plan_mutes(began, random)
    with World(tmp_path / "watcher.db", began) as world:
        oracle = live(world, reports, off, mutes)
        expected = oracle.expect(world.decided)
        told = sorted(world.post.told)
        assert [one for one in told if one not in expected] == []
        assert [one for one in expected if one not in told] == []
        assert told == expected  # none of them twice
        assert set(world.kept()) <= {DeliveryState.DELIVERED, DeliveryState.DROPPED}
        assert len(world.decided) == len(reports)
    kinds = Counter(one.kind for one in told)
    assert min(kinds[kind] for kind in ("event", "summary", "digest", "escalation")) > 10, kinds
    assert any(one.sent_already for one in told)
    assert any(one.is_silent for one in told)

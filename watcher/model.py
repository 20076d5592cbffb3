"""The values that flow through the stages; all frozen, all sequences tuples, all datetimes aware UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import IntEnum, StrEnum


class Severity(IntEnum):
    """How loud a rule is; the order counts."""

    WATCH = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def label(self) -> str:
        return self.name.lower()


class RuleStatus(StrEnum):
    """What happens to the signals of a rule."""

    DRAFT = "draft"  # evaluated and recorded, never sent
    TEST = "test"  # sent only to the test recipients
    STABLE = "stable"
    OFF = "off"  # not evaluated


class Stance(StrEnum):
    """Whether the text says that it happened."""

    HAPPENED = "happened"
    PLANNED = "planned"
    POSSIBLE = "possible"
    DENIED = "denied"
    PAST = "past"


class Field(StrEnum):
    """The part of an article that a span points into."""

    TITLE = "title"
    TEXT = "text"


class Extraction(StrEnum):
    """Where the text of an article came from."""

    FULL = "full"  # the linked page, or a feed that carries the whole text
    SUMMARY = "summary"  # only the feed's summary
    TITLE = "title"  # only the headline


class SourceKind(StrEnum):
    FEED = "feed"
    SITEMAP = "sitemap"
    PAGE = "page"
    TELEGRAM = "telegram"  # the web preview of a public channel
    RELIEFWEB = "reliefweb"
    GDELT = "gdelt"
    IMAP = "imap"  # newsletters in a mailbox
    JSONL = "jsonl"  # files that other programs append to


class FetchReason(StrEnum):
    """Why a fetch gave no new content, or why a body was not usable; the state a source is in."""

    OK = "ok"
    NOT_MODIFIED = "not modified"
    EMPTY = "empty"
    NOT_A_FEED = "not a feed"
    BLOCKED = "blocked"  # challenge or consent page
    HTTP_ERROR = "http error"
    TIMEOUT = "timeout"
    TOO_LARGE = "too large"
    TRUNCATED = "truncated"
    BAD_CERTIFICATE = "bad certificate"
    REFUSED_ADDRESS = "refused address"  # private or otherwise not allowed
    TOO_MANY_REDIRECTS = "too many redirects"
    UNREACHABLE = "unreachable"  # name resolution, connection refused or reset
    BAD_URL = "bad url"
    REFUSED = "refused"  # a login, a folder: the server will not do what we need
    NO_LINKS = "no links"  # the selector of a page finds none
    NO_PREVIEW = "no preview"  # a Telegram channel that shows nothing on the web
    BAD_LINES = "unusable lines"  # of a file; the others were read
    NO_ARTICLE = "no article text"
    SILENT = "silent"  # nothing new for longer than `expect_every`
    ALL_UNDATED = "all undated"  # none of the items has a date that can be believed

    @property
    def may_pass(self) -> bool:
        """Whether such trouble often ends by itself within minutes."""
        return self in (FetchReason.TIMEOUT, FetchReason.UNREACHABLE, FetchReason.TRUNCATED, FetchReason.HTTP_ERROR)


@dataclass(frozen=True, slots=True)
class Source:
    """A place that publishes news, as configured."""

    id: str
    url: str
    kind: SourceKind = SourceKind.FEED
    language: str | None = None  # ISO 639-1; None: detected for each article
    every: timedelta = timedelta(minutes=5)
    slowest: timedelta | None = None  # bound of the pauses of a quiet source; None: follows from every
    expect_every: timedelta | None = None  # longer silence is a fault
    publisher: str = ""  # newsroom family; the id where none is given
    affiliation: str = "unknown"  # independent, state, party...; shown in alerts
    state: str = ""  # ISO 3166-1 alpha-2 of the state whose media it is; empty: none, or not known
    tags: tuple[str, ...] = ()
    full_text: bool = True  # fetch the page when the feed carries only a summary
    catch_up: timedelta = timedelta(hours=24)  # first poll: older items are baseline, never alerted
    selector: str = ""  # of a page: which links are articles
    username: str = ""  # of a mailbox
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Where the next reading of a source starts; what the kind of source has no use for is None."""

    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None  # of the last body that was read to its end
    cursor: str | None = None  # how far a reader that goes through an archive has come; its own notation


@dataclass(frozen=True, slots=True)
class Health:
    """How a source does, and what operators know of it; ``watcher.health`` decides both."""

    state: FetchReason = FetchReason.OK
    since_at: datetime | None = None  # when it came into this state, or any good one; None: never polled
    streak: int = 0  # polls in a row that were as good or as bad
    told: FetchReason = FetchReason.OK  # what operators were told last
    told_at: datetime | None = None
    relapses: int = 0  # how often it went bad again soon after it was told to be good


@dataclass(frozen=True, slots=True)
class SourceState:
    """Where polling of a source stands; ``replace`` and save it after each poll."""

    source_id: str
    url: str  # that the bookmark belongs to
    bookmark: Bookmark = field(default_factory=Bookmark)
    reason: FetchReason = FetchReason.OK  # of the last poll
    detail: str = ""  # of the last failure, for people
    failures: int = 0  # in a row
    polled_at: datetime | None = None
    ok_at: datetime | None = None  # last poll without a failure
    new_item_at: datetime | None = None
    next_poll_at: datetime | None = None
    baseline_at: datetime | None = None  # when the first poll had stored what was there before us; None: not yet
    retry_at: datetime | None = None  # not polled earlier: the server said so
    fresh_until_at: datetime | None = None  # until then nothing changes, the server said
    asked_every: timedelta | None = None  # between two polls, as the source itself asks for
    is_undated: bool = False  # no item of the last list had a date, although this kind of source gives dates
    lost_at: datetime | None = None  # when a list shared nothing with what was known: items may have gone by unseen
    baseline_items: int = 0  # there before the first poll: known, never alerted
    undated_items: int = 0  # read without a date of their own since the first poll
    too_old_items: int = 0  # on which a rule held that wants nothing so old
    health: Health = field(default_factory=Health)


@dataclass(frozen=True, slots=True)
class FetchTarget:
    """What to fetch and what we know of it already."""

    url: str
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete body; validators are only set when the body is undamaged."""

    body: bytes  # after decompression
    final_url: str
    status: int
    content_type: str | None  # the whole header, with its charset
    etag: str | None
    last_modified: str | None
    fetched_at: datetime
    fresh_for: timedelta | None = None  # from fetched_at on, as the server's caching headers say; None: they do not


@dataclass(frozen=True, slots=True)
class NotModified:
    """The server says that nothing changed."""

    checked_at: datetime
    fresh_for: timedelta | None = None  # from checked_at on, as in Fetched


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """No usable body, and why."""

    reason: FetchReason
    detail: str  # one lower-case sentence for people
    checked_at: datetime
    status: int | None = None
    retry_after: timedelta | None = None


FetchOutcome = Fetched | NotModified | FetchFailed


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One item of a feed, cleaned: plain text, absolute URL."""

    source_id: str
    guid: str | None
    url: str | None
    title: str
    summary: str  # plain text; the whole article when ``is_full_text``
    is_full_text: bool
    published_at: datetime | None  # None: missing, unparsable or in the future
    publisher: str | None = None  # where one source gathers the work of many newsrooms; None: the source's
    language: str | None = None  # ISO 639-1, where the source says it for each item
    edited: str = ""  # when the source says it was edited last, in its own notation: another one is another edition


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """What a feed says; no entries means an empty feed, which is no error."""

    title: str
    language: str | None  # ISO 639-1, as the feed itself declares it
    entries: tuple[FeedEntry, ...]  # in the order of the feed
    damage: FetchReason | None = None  # TRUNCATED: cut off, only the entries before the cut; keep no validators of it
    every: timedelta | None = None  # between two polls, as the feed itself asks for (ttl, sy:updatePeriod)


@dataclass(frozen=True, slots=True)
class PageText:
    """What a page says, without its furniture."""

    title: str
    text: str
    published_at: datetime | None
    language: str | None
    canonical_url: str | None = None  # the address by which its own site wants it to be known


@dataclass(frozen=True, slots=True)
class Article:
    """One news item, cleaned; every later stage reads it and none changes it."""

    id: str  # hash of the canonical URL, else of source and guid, else of the text
    source_id: str
    url: str | None
    title: str
    text: str
    language: str  # ISO 639-1, "und" when not known
    extraction: Extraction
    published_at: datetime | None
    first_seen_at: datetime
    publisher: str = ""
    affiliation: str = "unknown"
    tags: tuple[str, ...] = ()
    state: str = ""  # whose media the source is, as configured


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open, in code points of the field as stored."""

    field: Field
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Cue:
    """The words that decided a stance."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Toll:
    """A number of people, read conservatively."""

    at_least: int
    at_most: int | None = None  # only where the text states one
    vague: bool = False  # "dozens", "several": shown as "at least"

    def __str__(self) -> str:
        if self.at_most is None:
            return f"at least {self.at_least:,}"
        if self.at_most <= self.at_least:
            return f"{self.at_least:,}"
        return f"{self.at_least:,} to {self.at_most:,}"


@dataclass(frozen=True, slots=True)
class Match:
    """A clue found in the text."""

    clue: str
    text: str  # the matched words as they stand in the original
    span: Span
    stance: Stance | None = None  # None for states, which have no stance
    cue: Cue | None = None
    state: str | None = None  # ISO 3166-1 alpha-2 (and XK), for states clues
    toll: Toll | None = None  # for killed and injured clues


@dataclass(frozen=True, slots=True)
class Signal:
    """A rule that holds on one article."""

    rule_id: str
    rule_version: str  # hash of the rule as loaded, with the lists it uses
    family: str
    severity: Severity
    article_id: str
    states: tuple[str, ...]  # sorted
    killed: Toll | None
    injured: Toll | None
    matches: tuple[Match, ...]  # only those that made the rule hold, in text order
    step: str | None = None  # of a rule of steps: which one the article reports
    items: tuple[str, ...] = ()  # of the lists that the rule groups by: those that were found, sorted
    earlier: tuple[Report, ...] = ()  # of a rule over several articles: the others that it rests on, by date


@dataclass(frozen=True, slots=True)
class Skipped:
    """A rule that did not look at an article, and why; never the same as no match."""

    rule_id: str
    reason: str  # "language: ru is not among en"


class EventChange(StrEnum):
    """What a signal did to an event; every value but REPEATED, COPIED and HELD is news."""

    OPENED = "opened"
    CONFIRMED = "confirmed"
    DEATHS_DOUBLED = "deaths_doubled"
    NEW_STATE = "new_state"
    SEVERITY_RAISED = "severity_raised"
    PUBLISHERS_DOUBLED = "publishers_doubled"
    CORRECTED = "correction"
    DENIED = "denied"  # a party denies what the rule looks for
    REPEATED = "repeated"  # another report, nothing new in it
    COPIED = "copied"  # a copy of a report that the event already has
    RULE_ADDED = "rule_added"  # another rule holds for the same happening; news for those who follow that rule
    HELD = "held"  # the rule wants a confirmation before anybody is told


class Standing(StrEnum):
    """What a voice is to the parties of an event."""

    NEWSROOM = "newsroom"
    STATE = "state"  # media of a state that is no party
    PARTY = "party"  # media of a party, or of a state where the parties are not known: confirms nothing
    UNCLEAR = "unclear"  # media of a state, and nobody said of which: confirms nothing


@dataclass(frozen=True, slots=True)
class Voice:
    """One independent say about an event: a newsroom, an agency with all that reprint it, the media of a state."""

    name: str  # "OC Media", "Reuters"; the outlets of a state where they speak for it
    standing: Standing
    state: str  # ISO code of media of a state; else empty
    outlets: tuple[str, ...]  # publishers that speak with this voice, by date
    copies: int  # reports beyond the first that only repeat its words
    confirms: bool  # whether it counts where independent newsrooms are counted


@dataclass(frozen=True, slots=True)
class Claim:
    """What a report says under one rule."""

    rule_id: str
    family: str
    severity: Severity
    states: tuple[str, ...]
    killed: Toll | None = None
    injured: Toll | None = None
    items: tuple[str, ...] = ()
    title: str = ""  # of the rule


@dataclass(frozen=True, slots=True)
class Particulars:
    """What tells one happening from another, besides its parties; each sorted."""

    places: tuple[str, ...] = ()  # territories and cities, by their names in the gazetteer
    days: tuple[str, ...] = ()  # ISO dates that the sentences give which made the rules hold
    words: tuple[str, ...] = ()  # folded words that begin with a capital inside a sentence, states left out


@dataclass(frozen=True, slots=True)
class Report:
    """One article's part in an event."""

    article_id: str
    source_id: str
    publisher: str
    affiliation: str
    title: str
    url: str | None
    published_at: datetime | None
    first_seen_at: datetime
    copy_of: str | None = None  # article id of the report that it copies
    killed: Toll | None = None
    step: str | None = None  # of a rule of steps: which one it reports
    reason: str = ""  # why it belongs to the event, in words
    state: str = ""  # whose media the source is
    origin: str | None = None  # the agency that it credits for the whole, by its usual name
    standing: Standing = Standing.NEWSROOM
    voice: str = ""  # name of the voice that it speaks with
    claims: tuple[Claim, ...] = ()  # by severity and rule; none: a copy without signals of its own, or a denial
    same_text: tuple[str, ...] = ()  # ids of the articles known before it whose text it repeats
    particulars: Particulars = Particulars()
    denied_by: tuple[str, ...] = ()  # states that deny in it what the rules look for
    lowers_toll: bool = False  # says that an earlier toll was too high
    rests_on: tuple[str, ...] = ()  # of a rule over several articles: ids of the others


@dataclass(frozen=True, slots=True)
class Denial:
    """What a rule looks for, denied in an article; no signal."""

    rule_id: str
    family: str
    article_id: str
    at: datetime  # the article's own date
    states: tuple[str, ...]  # named where it is denied, sorted
    denied_by: str  # ISO code
    words: str  # of the denial, as they stand in the text


@dataclass(frozen=True, slots=True)
class EventLink:
    """What an operator decided about articles, for ever: they belong together, or apart."""

    one: tuple[str, ...]  # article ids
    other: tuple[str, ...]
    is_together: bool
    by: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened in the world, as far as the reports say."""

    id: str
    rule_id: str  # the rule that leads: the most severe, then the first
    family: str
    title: str  # the leading rule's title
    severity: Severity
    states: tuple[str, ...]
    killed: Toll | None
    injured: Toll | None
    reports: tuple[Report, ...]  # by date, the same whatever the order of arrival
    opened_at: datetime  # date of the first report
    last_seen_at: datetime  # date of the last report
    is_confirmed: bool
    notified_killed: int  # the toll that recipients know
    notified_publishers: int  # independent publishers that recipients know
    group_for: timedelta  # stays open this long after the last report
    is_announced: bool = True  # False: held until it is confirmed; nobody was told yet
    rule_ids: tuple[str, ...] = ()  # every rule that holds for it, the leading one first
    is_test: bool = False  # of rules with status `test`; never mixed with stable ones
    items: tuple[str, ...] = ()  # of the lists that the rule groups by, sorted
    voices: tuple[Voice, ...] = ()  # those that confirm first, by date; `watcher.independence` weighs them
    denied_by: tuple[str, ...] = ()  # parties that deny it, sorted
    waits: bool = False  # of rules that wait for a confirmation; never mixed with those that speak at once
    announced_at: datetime | None = None  # when people were told first; None: not yet, or stored before this was noted
    told: Told | None = None  # None: nothing
    merged_into: str | None = None  # id of the event that took its reports over

    @property
    def publishers(self) -> tuple[str, ...]:
        """Names of the independent voices that confirm it, by date; copies, credits and media of parties do not."""
        return tuple(voice.name for voice in self.voices if voice.confirms)


@dataclass(frozen=True, slots=True)
class Told:
    """What recipients know of an event besides the toll and the number of newsrooms, whatever rule they follow."""

    states: tuple[str, ...]
    severity: Severity
    is_confirmed: bool
    denied_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventDecision:
    """What to do about a signal: the event as it is now, and what is new about it."""

    event: Event
    changes: tuple[EventChange, ...]
    reason: str  # for logs and `explain`: why it joined or opened
    signals: tuple[Signal, ...] = ()  # of this article, for this event; the most severe first
    told_rule_ids: tuple[str, ...] = ()  # a rule that was only added is no news to those who follow these
    absorbed: tuple[str, ...] = ()  # ids of the events whose reports it takes over, because a report links them

    @property
    def is_news(self) -> bool:
        """Whether people are told."""
        return not {EventChange.REPEATED, EventChange.COPIED, EventChange.HELD} & set(self.changes)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A quoted passage; highlights are (start, end) relative to ``text``, sorted, disjoint."""

    article_id: str
    field: Field
    text: str
    highlights: tuple[tuple[int, int], ...]


class AlertKind(StrEnum):
    """What the message is about."""

    EVENT = "event"
    NOTICE = "notice"  # about the daemon itself, for operators
    EXERCISE = "exercise"
    ESCALATION = "escalation"  # an alert once more, to others, because nobody has acknowledged it
    SUMMARY = "summary"  # several alerts in one message, because each alone would have been too many, or was muted
    DIGEST = "digest"  # everything of a day or an hour, for recipients who want it so


class Held(StrEnum):
    """Why a message waits to be told together with others."""

    QUIET = "quiet"  # the recipient's quiet hours
    DIGEST = "digest"  # the recipient wants everything together
    BUDGET = "budget"  # one by one they would be too many


@dataclass(frozen=True, slots=True)
class DigestItem:
    """One event as a digest or a summary tells it: as it was decided last."""

    alert_id: str  # of the latest alert about it
    at: datetime  # when that was decided
    severity: Severity
    headline: str
    family: str | None  # None: about watcher itself
    states: tuple[str, ...]
    killed: Toll | None
    publisher: str  # of the newest report; empty: none
    url: str | None  # of the newest report
    injured: Toll | None = None
    rule_title: str | None = None
    event_id: str | None = None
    changes: tuple[EventChange, ...] = ()  # all that is told of it here, by time; without OPENED: an update
    folded: int = 0  # earlier alerts about the same event, which this one stands for
    was_sent: bool = False  # told already, by itself, because it is critical


@dataclass(frozen=True, slots=True)
class Alert:
    """What we say about an event; complete, so that rendering needs nothing else."""

    id: str  # short, derived from content; shown to people
    kind: AlertKind
    event_id: str | None  # None for notices
    changes: tuple[EventChange, ...]
    severity: Severity
    headline: str  # what happened, one line of plain words
    rule_id: str | None
    rule_title: str | None
    family: str | None
    states: tuple[str, ...]
    killed: Toll | None
    injured: Toll | None
    excerpts: tuple[Excerpt, ...]
    reports: tuple[Report, ...]  # the newest decisive report first, then the others in order of arrival
    publishers: tuple[str, ...]  # independent ones: names of the voices that confirm
    copies: int  # reports folded away as copies
    extraction: Extraction | None  # of the report quoted; None for notices
    created_at: datetime
    body: str = ""  # notices only: plain text, may have several lines
    is_test_rule: bool = False
    previous_alert_id: str | None = None  # the first alert of the same event, which an update replies to
    also: tuple[str, ...] = ()  # titles of the other rules that hold for the event
    escalates_at: datetime | None = None  # when others are told unless somebody acknowledges it
    unacknowledged_since_at: datetime | None = None  # escalations only: when the first of what waits was decided
    voices: tuple[Voice, ...] = ()  # who says so, those that confirm first
    held_back: tuple[str, ...] = ()  # headlines of the alerts that this event has silenced since it was told of last
    items: tuple[DigestItem, ...] = ()  # digests and summaries only: what they tell, gravest first
    held_for: Held | None = None  # digests and summaries only: why it was not told one by one; None: was muted


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody says that they look after an event; holds for every alert about it up to then."""

    event_id: str
    by: str
    at: datetime
    note: str = ""


class Channel(StrEnum):
    TELEGRAM = "telegram"
    EMAIL = "email"
    CONSOLE = "console"
    WEBHOOK = "webhook"
    APPRISE = "apprise"  # any service that the apprise library knows, by its URL


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A daily span of local time in which nothing but urgent messages is sent; may pass midnight."""

    start: time
    end: time
    zone: str  # IANA name


@dataclass(frozen=True, slots=True)
class Budget:
    """How many messages with a sound a recipient wants at most within a sliding time."""

    count: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Digest:
    """When a recipient gets everything together: each full hour, or each day at a local time."""

    at: time | None  # None: every full hour
    zone: str  # IANA name


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who asked for alerts, over which channel, and for which."""

    id: str
    channel: Channel
    target: str  # chat id (of a topic in a forum: "-100200300/17"), mail address, URL; "-" for the console
    rules: tuple[str, ...] = ("*",)  # allow-list of rule ids, shell wildcards
    tags: tuple[str, ...] = ()  # of sources or families; empty: any
    states: tuple[str, ...] = ()  # empty: any
    min_severity: Severity = Severity.WATCH
    quiet_hours: QuietHours | None = None
    is_test: bool = False  # also gets rules with status `test`
    is_operator: bool = False  # gets notices about the daemon itself
    budget: Budget | None = None  # what is over it is told together, in one message; None: no limit
    digest: Digest | None = None  # None: each alert at once; critical ones are never kept for a digest
    is_discreet: bool = False  # the notification preview says no more than that there is an alert
    language: str = "en"  # of our own words; one of ``watcher.wording.LANGUAGES``
    address: str = field(default="", repr=False)  # where it goes, if that carries secrets: the target only names it
    secret: str = field(default="", repr=False)  # key of a webhook's signatures


class DeliveryState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"  # claimed, with a lease
    UNCERTAIN = "uncertain"  # sent, and nobody knows whether it arrived: looked at before it is sent again
    DELIVERED = "delivered"
    FAILED = "failed"  # given up, with the reason; visible until someone acts
    DROPPED = "dropped"  # by an operator, or an escalation that is not needed any more; with the reason
    MUTED = "muted"  # by a mute or a graver event, with the reason; told in a summary when that is over
    FOLDED = "folded"  # told by another message, a summary for example, which is on its way


@dataclass(frozen=True, slots=True)
class Delivery:
    """The attempt history of one alert for one recipient."""

    id: str  # derived from alert and recipient
    alert_id: str
    recipient_id: str
    channel: Channel
    target: str
    state: DeliveryState
    attempts: int
    not_before_at: datetime
    lease_until_at: datetime | None
    last_error: str | None
    reference: str | None  # what the channel calls the sent message: message id
    created_at: datetime
    settled_at: datetime | None
    is_silent: bool = False  # sent without a sound: the recipient's quiet hours, and the rule says `silent`
    silenced_by: str | None = None  # "mute:3" or "event:ID": why it is MUTED
    folded_into: str | None = None  # id of the delivery that tells it together with others
    uncertain_at: datetime | None = None  # when it was sent first without an answer: it may have arrived then
    held_for: Held | None = None  # why it waits until ``not_before_at``; None: for nothing but its time
    wanted_at: datetime | None = None  # of what is held: when it would be due if nothing held it


@dataclass(frozen=True, slots=True)
class Delivered:
    """Accepted by the channel; ``reference`` is its name for the message."""

    reference: str
    new_target: str | None = None  # a migrated chat: use this from now on


@dataclass(frozen=True, slots=True)
class Retry:
    """Not accepted, may be later."""

    reason: str
    after: timedelta | None = None  # the channel's own word (flood wait); None: our back-off
    new_target: str | None = None
    whole_channel: bool = False  # the wait holds for every recipient of this channel


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Never going to be accepted."""

    reason: str
    recipient_is_gone: bool = False  # blocked, deleted, unknown: close the recipient, tell operators


@dataclass(frozen=True, slots=True)
class Uncertain:
    """Sent, but no answer came: it may have arrived, or may not."""

    reason: str


Outcome = Delivered | Retry | GiveUp | Uncertain

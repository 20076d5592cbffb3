"""The bot's commands that look and change nothing: /last, /event, /sources, /status, /why, and what buttons show."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from watcher.bot.chart import Lane, can_draw, draw_chart, lanes_of, text_chart
from watcher.bot.desk import Desk
from watcher.bot.seats import latest_alert, recipients_of, seat_of, sees_all, visible_alert, visible_event
from watcher.bot.talk import Answer, Asked, Command, Document, Role
from watcher.errors import StoreError
from watcher.evidence import Evidence
from watcher.health import Level, level, state_of
from watcher.model import (
    Alert,
    DeliveryState,
    Event,
    EventChange,
    Match,
    Report,
    Signal,
    Source,
    SourceState,
    Standing,
    Toll,
    Voice,
)
from watcher.publish.page import render_alert_page
from watcher.render import clean, isolate, minute, render_telegram, safe_url, shorten
from watcher.wording import Wording

_LAST, _MOST_LAST = 5, 20  # alerts in /last, without a number and at most
_REPORTS = 15  # in the timeline of an event
_VOICES = 12
_SOURCES = 40
_HEADLINE_CHARS = 160
_SENTENCE_CHARS = 400
_WORDS_CHARS = 120
_SHOWN_MATCHES = 12
_HASH_DIGITS = 16  # enough to compare by eye


class Looking:
    """The handlers; ``register`` puts them on the desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._artist: ThreadPoolExecutor | None = None

    def register(self) -> None:
        """Nothing; the desk knows the commands from now on."""
        self._desk.commands |= {
            "last": Command(self.last, Role.MEMBER, "desk.menu_last"),
            "event": Command(self.event, Role.MEMBER, "desk.menu_event"),
            "sources": Command(self.sources, Role.MEMBER, "desk.menu_sources"),
            "status": Command(self.status, Role.MEMBER, "desk.menu_status"),
            "why": Command(self.why, Role.MEMBER, "desk.menu_why"),
        }

    async def last(self, asked: Asked) -> Sequence[Answer]:
        """The latest alerts that came to this place; operators get those of every place."""
        number = asked.words[0] if asked.words else str(_LAST)
        limit = min(max(int(number), 1), _MOST_LAST) if number.isdecimal() and len(number) < 5 else _LAST
        if sees_all(asked):
            alerts = self._desk.store.events.alerts(limit=limit)
        else:
            alerts = self._desk.store.told.latest(seat_of(self._desk, asked.place), limit)
        if not alerts:
            return [Answer(asked.wording.say("desk.last_none"))]
        return [Answer("\n\n".join(_alert_line(alert, asked.wording) for alert in alerts))]

    async def event(self, asked: Asked) -> Sequence[Answer]:
        """What is known of an event, report by report, and a picture of them over time."""
        event = visible_event(self._desk, asked, named(asked)) if asked.words else None
        if event is None:
            # A digest or a notice has no event; who is told discreetly reads it here.
            message = visible_alert(self._desk, asked, named(asked)) if asked.words else None
            if message is None or message.event_id is not None:
                return [unknown(asked, "/event")]
            whole = render_telegram(message, self._desk.book().state_names, asked.wording)
            return [Answer(whole, is_html=True)]
        alert = latest_alert(self._desk, asked, event)
        lanes = lanes_of(event)
        lines = self._facts(asked, event, alert)
        whole_alert = self._whole(asked, alert)
        if not lanes:
            return [*whole_alert, Answer("\n".join(lines))]
        lines += ["", asked.wording.say("desk.event_reports"), *_timeline(event, asked.wording)]
        if not can_draw():
            chart = text_chart(lanes)
            return [*whole_alert, Answer("\n".join([*lines, "", asked.wording.say("desk.event_chart"), *chart]))]
        picture, numbered = await self._draw(lanes)
        caption = [asked.wording.say("desk.event_chart"), asked.wording.say("desk.event_chart_key")]
        caption += [f"[{number}] {isolate(name)}" for number, name in enumerate(numbered, 1)]
        return [*whole_alert, Answer("\n".join(lines)), Answer("\n".join(caption), picture=picture)]

    def _whole(self, asked: Asked, latest: Alert | None) -> Sequence[Answer]:
        """The alert itself where messages are discreet: its quotations and links were shown nowhere yet."""
        alert = visible_alert(self._desk, asked, named(asked)) or latest
        if alert is None or not any(one.is_discreet for one in recipients_of(self._desk, asked.place)):
            return []
        if self._desk.store.events.acknowledgement_of(alert.id) is not None:  # then it asks for nobody
            alert = replace(alert, escalates_at=None, unacknowledged_since_at=None)
        whole = render_telegram(alert, self._desk.book().state_names, asked.wording)
        return [Answer(whole, is_html=True, is_silent=True)]

    async def _draw(self, lanes: Sequence[Lane]) -> tuple[bytes, tuple[str, ...]]:
        # A thread of its own, and only one: the library is not made for several, and readers of news go first.
        if self._artist is None:
            self._artist = ThreadPoolExecutor(1, "artist")
        return await asyncio.get_running_loop().run_in_executor(self._artist, draw_chart, lanes)

    def close(self) -> None:
        """Nothing; a picture that is being drawn is not waited for."""
        if self._artist is not None:
            self._artist.shutdown(wait=False, cancel_futures=True)

    def _facts(self, asked: Asked, event: Event, alert: Alert | None) -> list[str]:
        wording = asked.wording
        headline = isolate(shorten(clean(alert.headline if alert else event.title), _HEADLINE_CHARS, len))
        lines = [f"{wording.say(f'common.{event.severity.label}')} · {headline}"]
        lines.append(wording.say("desk.event_between", start=minute(event.opened_at), end=minute(event.last_seen_at)))
        if event.states:
            lines.append(_listed([wording.state(code) for code in event.states], wording))
        for toll, key in ((event.killed, "desk.event_killed"), (event.injured, "desk.event_injured")):
            if toll is not None:
                lines.append(wording.say(key, toll=say_toll(toll, wording)))
        if event.publishers:
            lines.append(wording.count("desk.event_newsrooms", len(event.publishers)))
        if event.denied_by:
            parties = _listed([wording.state(code) for code in event.denied_by], wording)
            lines.append(wording.say("desk.event_denied", parties=parties))
        closed = asked.now - event.last_seen_at > event.group_for
        lines.append(wording.say("desk.event_closed" if closed else "desk.event_open"))
        done = self._desk.store.events.acknowledgement_of(alert.id) if alert else None
        if done is not None:
            lines.append(wording.say("desk.ack_line", name=isolate(clean(done.by)), time=f"{done.at:%H:%M}"))
        lines.append(f"[{event.id}]")
        return lines

    async def sources(self, asked: Asked) -> Sequence[Answer]:
        """What is read, whose it is and how it does, trouble first; a word after it narrows."""
        states = {state.source_id: state for state in self._desk.store.articles.source_states()}
        wanted = " ".join(asked.words).casefold()
        found = [
            (level_of(source, states.get(source.id), asked.now), source)
            for source in self._desk.settings().to_sources()
            if wanted in f"{source.id} {source.publisher} {source.affiliation} {source.state}".casefold()
        ]
        found.sort(key=lambda one: (-(one[0] or 0), _name(one[1]).casefold()))
        lines = [asked.wording.count("desk.sources_read", len(found))]
        lines += [_source_line(how, source, asked.wording) for how, source in found[:_SOURCES]]
        if len(found) > _SOURCES:
            lines.append(asked.wording.count("desk.and_more", len(found) - _SOURCES))
        return [Answer("\n".join(lines))]

    async def status(self, asked: Asked) -> Sequence[Answer]:
        """Whether it works: when it read last, what waits, what is in trouble; operators get the figures."""
        wording, store = asked.wording, self._desk.store
        states = {state.source_id: state for state in store.articles.source_states()}
        sources = self._desk.settings().to_sources()
        failing = [one for one in sources if (level_of(one, states.get(one.id), asked.now) or Level.GOOD) > Level.GOOD]
        polled = max((state.polled_at for state in states.values() if state.polled_at), default=None)
        counts = store.counts(asked.now)
        lines = [wording.say("desk.status_polled", time=minute(polled)) if polled else wording.say("desk.status_never")]
        lines.append(
            wording.count("desk.status_failing", len(failing))
            if failing
            else wording.count("desk.status_all_read", len(sources))
        )
        late = counts.oldest_pending_at
        lines.append(
            wording.say("desk.status_late", time=minute(late)) if late else wording.say("desk.status_nothing_waits")
        )
        if sees_all(asked):
            lines += ["", *self._figures(asked, failing, states)]
        return [Answer("\n".join(lines))]

    def _figures(self, asked: Asked, failing: Sequence[Source], states: dict[str, SourceState]) -> list[str]:
        wording, store = asked.wording, self._desk.store
        counts, size = store.counts(asked.now), store.size()
        deliveries = _listed(
            [
                f"{number} {wording.say(f'desk.delivery_{state.value}')}"
                for state, number in sorted(counts.deliveries.items())
                if number and state is not DeliveryState.DELIVERED
            ],
            wording,
        )
        lines = [
            wording.say(
                "desk.status_store",
                articles=f"{counts.articles:,}",
                events=f"{counts.open_events:,}",
                alerts=f"{counts.alerts:,}",
                size=f"{size.bytes / 1e6:,.1f}",
            )
        ]
        if deliveries:
            lines.append(wording.say("desk.status_deliveries", counts=deliveries))
        if mutes := store.mutes.in_force(asked.now):
            lines.append(wording.count("desk.status_mutes", len(mutes)))
        lines += [f"⚠ {one.recipient_id}: {isolate(clean(one.reason))}" for one in store.outbox.closed_recipients()]
        for source in failing[:_VOICES]:
            detail = states[source.id].detail if source.id in states else ""
            lines.append(f"⚠ {isolate(_name(source))}: {isolate(shorten(clean(detail), _WORDS_CHARS, len))}")
        if len(failing) > _VOICES:
            lines.append(wording.count("desk.and_more", len(failing) - _VOICES))
        return lines

    async def why(self, asked: Asked) -> Sequence[Answer]:
        """Which rule spoke, on which words, and the sentences that they stand in."""
        alert = visible_alert(self._desk, asked, named(asked)) if asked.words else None
        if alert is None and asked.words and (event := visible_event(self._desk, asked, named(asked))) is not None:
            alert = latest_alert(self._desk, asked, event)
        if alert is None:
            return [unknown(asked, "/why")]
        wording = asked.wording
        lines = [isolate(shorten(clean(alert.headline), _HEADLINE_CHARS, len))]
        if alert.rule_id is None:
            return [Answer("\n".join([*lines, wording.say("desk.why_none")]))]
        title = isolate(clean(alert.rule_title or alert.rule_id))
        lines.append(wording.say("desk.why_rule", title=title, id=alert.rule_id))
        matches = [match for signal in _signals(_evidence(self._desk, alert)) for match in signal.matches]
        words = list(dict.fromkeys(_say_match(match, wording, with_clue=sees_all(asked)) for match in matches))
        if not words:  # nothing was kept: what the message marked
            marked = [one.text[start:end] for one in alert.excerpts for start, end in one.highlights]
            words = list(dict.fromkeys(f"“{isolate(clean(text))}”" for text in marked))
        if words:
            lines += [wording.say("desk.why_words"), *(f"• {one}" for one in words[:_SHOWN_MATCHES])]
        if len(words) > _SHOWN_MATCHES:
            lines.append(wording.count("desk.and_more", len(words) - _SHOWN_MATCHES))
        if alert.excerpts:
            lines += ["", wording.say("desk.why_sentences")]
            publishers = {report.article_id: report.publisher for report in alert.reports}
            for excerpt in alert.excerpts:
                sentence = isolate(shorten(clean(excerpt.text), _SENTENCE_CHARS, len))
                whose = isolate(clean(publishers.get(excerpt.article_id, "")))
                lines.append(f"“{sentence}”" + (f" — {whose}" if whose else ""))
        if alert.also:
            titles = wording.say("alert.semicolon").join(isolate(clean(one)) for one in alert.also)
            lines += ["", wording.say("desk.why_also", titles=titles)]
        return [Answer("\n".join(lines))]


def named(asked: Asked) -> str:
    """The id that stands after a command, as people copy it: in brackets, with capitals, with a full stop."""
    return asked.words[0].strip("[]().,;:<>«»\"'").lower()


def unknown(asked: Asked, command: str) -> Answer:
    """What is said of an id that nobody here knows, whether there is such an alert or not."""
    if not asked.words:
        return Answer(asked.wording.say("desk.which_id", command=command))
    return Answer(asked.wording.say("desk.unknown_id", id=isolate(shorten(clean(asked.words[0]), 40, len))))


def sources_of(desk: Desk, asked: Asked, alert: Alert) -> Sequence[Answer]:
    """Who says so: each voice with what it is, when it first did, where, and who only repeats it."""
    event = desk.store.events.get(desk.store.events.thread_of(alert.event_id)) if alert.event_id else None
    voices, reports = (event.voices, event.reports) if event else (alert.voices, alert.reports)
    lines = [isolate(shorten(clean(alert.headline), _HEADLINE_CHARS, len))]
    for voice in voices[:_VOICES]:
        lines += ["", *_voice_lines(voice, reports, asked.wording)]
    if len(voices) > _VOICES:
        lines += ["", asked.wording.count("desk.and_more", len(voices) - _VOICES)]
    if not voices:
        lines += ["", *(_report_line(report) for report in reports[:_VOICES])]
    return [Answer("\n".join(lines), reply_to=asked.message_id, is_silent=True)]


def _voice_lines(voice: Voice, reports: Sequence[Report], wording: Wording) -> list[str]:
    said = [report for report in reports if (report.voice or report.publisher) == voice.name]
    what = wording.say(
        f"desk.standing_{voice.standing.value}", state=wording.state(voice.state) if voice.state else "?"
    )
    affiliations = dict.fromkeys(report.affiliation for report in said if report.affiliation not in ("", "unknown"))
    owner = what
    if voice.standing is Standing.NEWSROOM and affiliations:
        owner = _listed([_affiliation(one, wording) for one in affiliations], wording)
    lines = [f"{'✓' if voice.confirms else '·'} {isolate(clean(voice.name))} — {owner}"]
    own = [report for report in said if report.copy_of is None] or said
    lines += [_report_line(report) for report in own[:3]]
    if voice.copies:
        outlets = [isolate(clean(one)) for one in voice.outlets if one != voice.name][:6]
        lines.append(
            wording.count("desk.voice_copies", voice.copies) + (f": {_listed(outlets, wording)}" if outlets else "")
        )
    return lines


def _report_line(report: Report) -> str:
    url = safe_url(report.url) or ""
    return f"{minute(report.published_at or report.first_seen_at)} {url}".strip()


def evidence_of(desk: Desk, asked: Asked, alert: Alert) -> Sequence[Answer]:
    """What the alert was decided from, how anybody can check it, and the whole as a page to keep."""
    wording = asked.wording
    evidence = _evidence(desk, alert)
    lines = [isolate(shorten(clean(alert.headline), _HEADLINE_CHARS, len))]
    if alert.rule_id is not None:
        title = isolate(clean(alert.rule_title or alert.rule_id))
        lines.append(wording.say("desk.why_rule", title=title, id=alert.rule_id))
    if evidence is None:
        return [
            Answer("\n".join([*lines, wording.say("desk.evidence_none")]), reply_to=asked.message_id, is_silent=True)
        ]
    words = dict.fromkeys(clean(match.text) for signal in _signals(evidence) for match in signal.matches)
    if words:
        quoted = ", ".join(f"“{isolate(shorten(one, _WORDS_CHARS, len))}”" for one in list(words)[:_SHOWN_MATCHES])
        lines.append(wording.say("desk.evidence_words", words=quoted))
    for article, raw_hash in evidence.articles:
        whose = isolate(clean(article.publisher or article.source_id))
        title = isolate(shorten(clean(article.title), _WORDS_CHARS, len))
        lines.append(f"• {whose}: {title}" + (f"\n  SHA-256 {raw_hash[:_HASH_DIGITS]}…" if raw_hash else ""))
    lines.append(wording.say("desk.evidence_decided", time=minute(evidence.decided_at)))
    lines.append(wording.say("desk.evidence_verify", command=f"watcher verify {alert.id}"))
    page = render_alert_page(alert, evidence, desk.book().state_names)
    document = Document(f"alert-{alert.id}.html", page.encode())
    return [
        Answer("\n".join(lines), reply_to=asked.message_id, is_silent=True),
        Answer(alert.id, document=document, is_silent=True),  # a caption is too short for all that
    ]


def _evidence(desk: Desk, alert: Alert) -> Evidence | None:
    try:
        return desk.store.evidence.get(alert.id)
    except StoreError:  # damaged: `watcher verify` tells how; here the message's own words are left
        return None


def _signals(evidence: Evidence | None) -> tuple[Signal, ...]:
    if evidence is None:
        return ()
    return (*evidence.grounds.signals, *(signal for quoted in evidence.quoted for signal in quoted.signals))


def _say_match(match: Match, wording: Wording, *, with_clue: bool) -> str:
    """The words and what they were taken for; ``with_clue``: also how the rule calls that, for who writes rules."""
    text = f"“{isolate(shorten(clean(match.text), _WORDS_CHARS, len))}”"
    told = [isolate(clean(match.clue))] if with_clue else []
    if match.state is not None:
        told.append(wording.state(match.state))
    elif match.toll is not None:
        told.append(say_toll(match.toll, wording))
    elif match.stance is not None:
        cue = f" (“{isolate(clean(match.cue.text))}”)" if match.cue is not None else ""
        told.append(wording.say(f"desk.stance_{match.stance.value}") + cue)
    return " — ".join((text, *([_listed(told, wording)] if told else [])))


def _listed(words: Sequence[str], wording: Wording) -> str:
    """The words in one line, with the comma of the language."""
    return wording.say("alert.comma").join(words)


def _affiliation(name: str, wording: Wording) -> str:
    """Whose an outlet is, in the reader's language where the word is one of the usual ones."""
    usual = f"alert.affiliation_{name}"
    return wording.say(usual) if usual in wording.forms else isolate(clean(name))


def say_toll(toll: Toll, wording: Wording) -> str:
    """A number of people, as conservatively as it was read."""
    if toll.at_most is None:
        return wording.say("desk.toll_at_least", number=toll.at_least)
    if toll.at_most <= toll.at_least:
        return str(toll.at_least)
    return wording.say("desk.toll_between", low=toll.at_least, high=toll.at_most)


def _alert_line(alert: Alert, wording: Wording) -> str:
    headline = isolate(shorten(clean(alert.headline), _HEADLINE_CHARS, len))
    marks = [minute(alert.created_at), wording.say(f"common.{alert.severity.label}")]
    if alert.changes and EventChange.OPENED not in alert.changes:
        marks.append(wording.say("mail.update"))
    return f"{' · '.join(marks)}\n{headline} [{alert.id}]"


def _timeline(event: Event, wording: Wording) -> list[str]:
    reports = event.reports
    lines = []
    for report in reports[-_REPORTS:]:
        title = isolate(shorten(clean(report.title), _WORDS_CHARS, len))
        mark = "○" if report.copy_of is not None else "●"
        when = minute(report.published_at or report.first_seen_at)
        lines.append(f"{mark} {when} {isolate(clean(report.publisher))}: {title}")
    if len(reports) > _REPORTS:
        lines.insert(0, wording.count("desk.and_earlier", len(reports) - _REPORTS))
    return lines


def level_of(source: Source, state: SourceState | None, now: datetime) -> Level | None:
    """How bad the source does; None: it was not read yet at this address."""
    if state is None or state.polled_at is None or state.url != source.url:
        return None
    return level(state_of(source, state, now))


def _name(source: Source) -> str:
    return clean(source.publisher or source.id)


def _source_line(how: Level | None, source: Source, wording: Wording) -> str:
    mark = {None: "○", Level.GOOD: "●", Level.DOUBTFUL: "◐", Level.FAILING: "✕"}[how]
    owner = " ".join(
        part
        for part in (
            "" if source.affiliation == "unknown" else _affiliation(source.affiliation, wording),
            f"({wording.state(source.state)})" if source.state else "",
        )
        if part
    )
    health = wording.say(f"desk.source_{'new' if how is None else how.name.lower()}")
    return f"{mark} {isolate(_name(source))}" + (f" — {owner}" if owner else "") + f": {health}"

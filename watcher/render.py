"""An alert as people read it: Telegram HTML, plain text, mail, JSON. Pure; one anatomy for every channel.

Our own words are in the reader's language (``wording``; English where none is given), what a source says stays as it
is.

The anatomy is built once from untrusted text that was cleaned and shortened (``compose``); only then does a channel add
its markup. So no cut ever falls into markup, and no text of a source ever becomes markup.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any
from urllib.parse import urlsplit

from watcher.model import (
    Alert,
    AlertKind,
    DigestItem,
    EventChange,
    Excerpt,
    Extraction,
    Held,
    Report,
    Severity,
    Standing,
    Toll,
    Voice,
)
from watcher.wording import Wording, wording_of

TELEGRAM_LIMIT = (
    4096  # UTF-16 code units after the entities are parsed (https://core.telegram.org/bots/api#sendmessage)
)
SUBJECT_CHARS = 150  # what mail programs show of a subject, generously

# Costs are UTF-16 code units after escaping, which bounds every channel. Together, at the last of the steps below, they
# stay well under TELEGRAM_LIMIT.
_HEADLINE_COST = 600
_TITLE_COST = 300
_NAME_COST = 80
_LINE_COST = 300
_URL_COST = 1000  # a longer address gives way to its site

_MAX_NAMES = 12
_MAX_MARKS = 13  # in one quotation: Telegram ignores, in the order of the text, what comes after 100 entities
_ELLIPSIS = "…"
_RIGHT_TO_LEFT_MARK = "\u200f"


class Style(Enum):
    """How a run of words stands out."""

    PLAIN = auto()
    STRONG = auto()  # bold where there is bold
    MARK = auto()  # matched words: bold, or *between asterisks*


@dataclass(frozen=True, slots=True)
class Run:
    """Clean words of one style, perhaps a link."""

    text: str
    style: Style = Style.PLAIN
    url: str | None = None


Line = tuple[Run, ...]
Paragraph = tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class _Room:
    """How much an alert may say."""

    excerpts: int
    excerpt_cost: int
    other_reports: int
    body_cost: int
    items: int  # of a digest
    line_cost: int = _LINE_COST


# From generous to what always fits.
_STEPS = (
    _Room(excerpts=6, excerpt_cost=1200, other_reports=8, body_cost=3500, items=20),
    _Room(excerpts=5, excerpt_cost=600, other_reports=6, body_cost=3000, items=15),
    _Room(excerpts=4, excerpt_cost=400, other_reports=4, body_cost=2500, items=10),
    _Room(excerpts=3, excerpt_cost=300, other_reports=2, body_cost=2000, items=6),
    _Room(excerpts=2, excerpt_cost=250, other_reports=0, body_cost=1500, items=4),
    _Room(excerpts=1, excerpt_cost=200, other_reports=0, body_cost=1000, items=2),
    _Room(excerpts=0, excerpt_cost=0, other_reports=0, body_cost=200, items=1, line_cost=100),
)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Whose language our own words are in."""

    wording: Wording
    names: Mapping[str, str]  # English names of states by code
    in_chat: bool = False  # where there are buttons, and commands of the bot; elsewhere commands of the shell
    is_answered: bool = False  # somebody looks after it: nobody need be asked any more

    @property
    def is_english(self) -> bool:
        return self.wording.language == "en"

    def say(self, key: str, /, **values: object) -> str:
        return self.wording.say(f"alert.{key}", **values)

    def count(self, key: str, number: int, /, **values: object) -> str:
        return self.wording.count(f"alert.{key}", number, **values)

    def known(self, key: str, otherwise: str) -> str:
        """A word that operators chose freely, in the reader's language where it is one of the usual ones."""
        return self.say(key) if f"alert.{key}" in self.wording.forms else otherwise

    def apart(self, text: str) -> str:
        """Text of others, so that its direction and ours do not reorder each other."""
        if not self.wording.is_right_to_left:
            return isolate(text)
        return f"\u2068{text}\u2069" if text and not text.startswith("\u2068") else text

    def state(self, code: str) -> str:
        return self.names.get(code, code) if self.is_english else self.wording.state(code)

    def states(self, codes: Sequence[str]) -> str:
        return self.join([self.state(code) for code in codes])

    def join(self, names: Sequence[str], separator: str = "comma", most: int = _LINE_COST) -> str:
        """The names in one line; the separator is a ``comma`` or a ``semicolon``, as the language writes it."""
        return join_names(names, self.say(separator), self.wording, most)

    def name(self, text: str) -> str:
        return self.apart(shorten(clean(text), _NAME_COST, cost))

    def time(self, at: datetime) -> str:
        return self.apart(minute(at))

    def number(self, number: int) -> str:
        return self.wording.number(number)

    def toll(self, toll: Toll) -> str:
        low = self.number(toll.at_least)
        if toll.at_most is None:
            return self.say("at_least", number=low)
        if toll.at_most <= toll.at_least:
            return low
        return self.say("between", low=low, high=self.number(toll.at_most))

    def family(self, family: str | None) -> str:
        if family is None:
            return self.wording.say("mail.about_watcher")
        usual = f"settings.family_{family.replace('-', '_')}"
        return self.wording.say(usual) if usual in self.wording.forms else self.name(family)


def render_telegram(
    alert: Alert, names: Mapping[str, str], wording: Wording | None = None, *, sent_at: datetime | None = None
) -> str:
    """Telegram HTML that fits one message, tags included; ``names`` are the English names of states by code.

    ``sent_at`` is when it was sent before, where it may have arrived then.
    """
    reader = _in_chat(names, wording)
    return _fit(alert, reader, _telegram_html, _may_repeat(sent_at, reader))


def render_telegram_text(
    alert: Alert, names: Mapping[str, str], wording: Wording | None = None, *, sent_at: datetime | None = None
) -> str:
    """The same without markup, for when Telegram refuses the HTML; fits one message."""
    reader = _in_chat(names, wording)
    return _fit(alert, reader, _plain_text, _may_repeat(sent_at, reader))


def _may_repeat(sent_at: datetime | None, reader: _Reader) -> Paragraph:
    return () if sent_at is None else ((Run(reader.say("may_repeat", time=reader.apart(f"{sent_at:%H:%M} UTC"))),),)


def render_headline_edit(
    first: Alert, latest: Alert, names: Mapping[str, str], wording: Wording | None = None, *, is_answered: bool = False
) -> str:
    """Telegram HTML of a message about an event, with a line under its headline that says how it stands now.

    No such line where it is the latest itself. ``is_answered``: somebody looks after it.
    """
    reader = _in_chat(names, wording, is_answered=is_answered)
    now = () if latest.id == first.id else ((Run(_how_it_stands(first, latest, reader), Style.STRONG),),)
    return _fit(first, reader, _telegram_html, now)


def render_discreet(alert: Alert, wording: Wording | None = None, *, sent_at: datetime | None = None) -> str:
    """Telegram HTML that says only that there is an alert, and how to read it: for who is read over the shoulder.

    A spoiler would not do: some apps show what is in it in their notifications.
    """
    reader = _reader({}, wording)
    command = f"<code>{html.escape(f'/event {alert.id}')}</code>"
    opening = html.escape(reader.say("discreet_open", command="\0"), quote=False).replace("\0", reader.apart(command))
    repeats = "".join(f"\n{run.text}" for line in _may_repeat(sent_at, reader) for run in line)
    return f"{reader.say('discreet')}{repeats}\n{opening}"


def render_text(alert: Alert, names: Mapping[str, str], wording: Wording | None = None) -> str:
    """The alert as plain text, matched words between asterisks, every link on a line of its own."""
    return _plain_text(compose(alert, _reader(names, wording), _STEPS[0]))


def render_email(alert: Alert, names: Mapping[str, str], wording: Wording | None = None) -> tuple[str, str, str]:
    """Subject (one line), text, and paragraphs of HTML for the body of a mail; each part can be read alone."""
    reader = _reader(names, wording)
    paragraphs = compose(alert, reader, _STEPS[0])
    labels = [f"[{label}]" for label in _labels(alert, reader)]
    subject = " ".join([*labels, _update_word(alert, reader), _headline(alert, reader)])
    return shorten(clean(subject), SUBJECT_CHARS, len), _plain_text(paragraphs) + "\n", _mail_html(paragraphs)


def _reader(names: Mapping[str, str], wording: Wording | None) -> _Reader:
    return _Reader(wording or wording_of(None), names)


def _in_chat(names: Mapping[str, str], wording: Wording | None, *, is_answered: bool = False) -> _Reader:
    return replace(_reader(names, wording), in_chat=True, is_answered=is_answered)


def render_json(alert: Alert, names: Mapping[str, str]) -> dict[str, Any]:
    """The alert for other programs: every fact as stored, and ``text`` as people would read it."""
    return {
        "id": alert.id,
        "kind": alert.kind.value,
        "event": alert.event_id,
        "previous_alert": alert.previous_alert_id,
        "changes": [change.value for change in alert.changes],
        "severity": alert.severity.label,
        "headline": alert.headline,
        "rule": alert.rule_id,
        "rule_title": alert.rule_title,
        "also": list(alert.also),
        "is_test_rule": alert.is_test_rule,
        "family": alert.family,
        "states": [{"code": code, "name": names.get(code, code)} for code in alert.states],
        "killed": _toll_json(alert.killed),
        "injured": _toll_json(alert.injured),
        "excerpts": [
            {
                "article": excerpt.article_id,
                "field": excerpt.field.value,
                "text": excerpt.text,
                "highlights": [list(span) for span in excerpt.highlights],
            }
            for excerpt in alert.excerpts
        ],
        "reports": [
            {
                "article": report.article_id,
                "source": report.source_id,
                "publisher": report.publisher,
                "affiliation": report.affiliation,
                "title": report.title,
                "url": report.url,
                "published": report.published_at and report.published_at.isoformat(),
                "first_seen": report.first_seen_at.isoformat(),
                "copy_of": report.copy_of,
            }
            for report in alert.reports
        ],
        "publishers": list(alert.publishers),
        "copies": alert.copies,
        "extraction": alert.extraction and alert.extraction.value,
        "created": alert.created_at.isoformat(),
        "escalates": alert.escalates_at and alert.escalates_at.isoformat(),
        "unacknowledged_since": alert.unacknowledged_since_at and alert.unacknowledged_since_at.isoformat(),
        "held_back": list(alert.held_back),
        "body": alert.body,
        "text": render_text(alert, names),
    }


def compose(alert: Alert, reader: _Reader, room: _Room, now: Paragraph = ()) -> tuple[Paragraph, ...]:
    """The anatomy of an alert: what, what is new, the words that say so, who says so and when, where it came from.

    ``now`` are lines that stand under the headline, about what came after this alert.
    """
    quotations: list[Paragraph] = []
    # The newest report is told below; what others said, earlier steps for example, says whose words they are.
    others = {report.article_id: report for report in alert.reports if report.article_id != alert.reports[0].article_id}
    quotations.extend(
        (_quotation(excerpt, room.excerpt_cost, others.get(excerpt.article_id), reader),)
        for excerpt in alert.excerpts[: room.excerpts]
    )
    ours: list[Paragraph] = []
    if alert.held_back:
        words = reader.say("semicolon").join(reader.apart(clean(headline)) for headline in alert.held_back)
        words = reader.say("held_back", headlines=words)
        ours.append(((Run(_line_of(words, room.line_cost)),),))
    if alert.items:
        ours.extend(_items(alert, reader, room))
    elif alert.body:
        body = shorten(clean(_body(alert, reader), keep_lines=True), room.body_cost, cost)
        quotations.append(tuple((Run(line),) for line in body.split("\n")))
    if alert.reports:
        ours.append(_main_report(alert, reader, room))
        ours.append(_other_reports(alert, reader, room.other_reports))
    ours.append(_footer(alert, reader))
    heading = _directed(_heading(alert, reader, room, now), reader)
    rest = (*quotations, *(_directed(paragraph, reader) for paragraph in ours))
    return tuple(paragraph for paragraph in (heading, *rest) if paragraph)


def _body(alert: Alert, reader: _Reader) -> str:
    """What was said besides quotations; who denies is said in English there, and in the heading in every language."""
    body = alert.body
    if EventChange.DENIED in alert.changes and not reader.is_english:
        for code in _denied_by(alert):
            body = body.removeprefix(f"{reader.names.get(code, code)} denies it: ")
    return body


def _directed(paragraph: Paragraph, reader: _Reader) -> Paragraph:
    """Lines that begin on the right where our words do, even where the words of others come first."""
    if not reader.wording.is_right_to_left:
        return paragraph
    return tuple((Run(_RIGHT_TO_LEFT_MARK), *line) for line in paragraph)


def _labels(alert: Alert, reader: _Reader) -> list[str]:
    labels = [reader.say("exercise")] if alert.kind is AlertKind.EXERCISE else []
    if alert.is_test_rule:
        labels.append(reader.say("test_rule"))
    if alert.kind is AlertKind.ESCALATION:
        labels.append(reader.say("escalated"))
    return [*labels, reader.say("notice" if alert.kind is AlertKind.NOTICE else alert.severity.label)]


def _headline(alert: Alert, reader: _Reader) -> str:
    """What happened; composed in English, but for what we say of a digest."""
    if alert.items and not reader.is_english:
        kinds = Counter(reader.family(item.family) for item in alert.items)
        counted = sorted(kinds.items(), key=lambda one: (-one[1], one[0]))
        told = reader.join([reader.say("kind", kind=kind, number=number) for kind, number in counted])
        key = "digest" if alert.kind is AlertKind.DIGEST else "held"
        return reader.count(key, len(alert.items), kinds=told)
    return clean(alert.headline) or reader.say("untitled")


def _update_word(alert: Alert, reader: _Reader) -> str:
    if EventChange.CORRECTED in alert.changes:
        return reader.say("correction")
    return reader.say("update") if _is_update(alert) else ""


def _is_update(alert: Alert) -> bool:
    return bool(alert.changes) and EventChange.OPENED not in alert.changes


def _heading(alert: Alert, reader: _Reader, room: _Room, now: Paragraph) -> Paragraph:
    headline = shorten(_headline(alert, reader), _HEADLINE_COST, cost)
    lines: list[Line] = []
    if alert.kind is AlertKind.EXERCISE:
        lines.append((Run(reader.say("exercise_note")),))
    if alert.unacknowledged_since_at is not None and not reader.is_answered:
        unheard = reader.say("unacknowledged", time=reader.time(alert.unacknowledged_since_at))
        lines.append((Run(unheard, Style.STRONG), Run(f" {_how_to_answer('to', alert, reader)}")))
    labels = reader.say("heading", labels=" · ".join(_labels(alert, reader)))
    shown = headline if alert.items and not reader.is_english else reader.apart(headline)
    lines.append((Run(labels), Run(shown, Style.STRONG)))
    lines.extend(now)
    if _is_update(alert):
        news = [_change_words(change, alert, reader) for change in alert.changes]
        told = reader.join(news, "semicolon", room.line_cost)
        lines.append((Run(f"{_update_word(alert, reader)} "), Run(told, Style.STRONG)))
    if facts := _facts(alert, headline, reader, room):
        lines.append((Run(facts),))
    if alert.also:
        titles = reader.join([reader.name(title) for title in alert.also], "semicolon", room.line_cost)
        lines.append((Run(reader.say("also", titles=titles)),))
    return tuple(lines)


def _facts(alert: Alert | DigestItem, headline: str, reader: _Reader, room: _Room) -> str:
    """States and tolls as far as the headline does not tell them."""
    states = [reader.state(code) for code in alert.states]
    facts = [reader.join(states, "comma", room.line_cost)] if any(state not in headline for state in states) else []
    facts += [
        words
        for toll, verb in ((alert.killed, "killed"), (alert.injured, "injured"))
        if toll is not None and (words := reader.say(verb, toll=reader.toll(toll))) not in headline
    ]
    return " · ".join(facts)


def _change_words(change: EventChange, alert: Alert, reader: _Reader) -> str:
    match change:
        case EventChange.CONFIRMED:
            return reader.say("confirmed")
        case EventChange.DEATHS_DOUBLED:
            return (
                reader.say("now_killed", toll=reader.toll(alert.killed)) if alert.killed else reader.say(change.value)
            )
        case EventChange.NEW_STATE:
            return reader.say("new_state", states=reader.states(alert.states))
        case EventChange.SEVERITY_RAISED:
            return reader.say("raised", severity=reader.wording.say(f"common.{alert.severity.label}"))
        case EventChange.PUBLISHERS_DOUBLED:
            return reader.count("reported_by", len(alert.publishers))
        case EventChange.CORRECTED:
            if alert.reports and alert.reports[0].lowers_toll and alert.killed:
                return reader.say("toll_lowered", toll=reader.toll(alert.killed))
            return reader.say("report_corrected")
        case EventChange.DENIED:
            denied_by = _denied_by(alert)
            return reader.count("denied", len(denied_by), states=reader.states(denied_by))
        case EventChange.RULE_ADDED:
            return reader.say("another_rule")
        case _:
            return change.value


def _denied_by(alert: Alert) -> list[str]:
    return sorted({state for report in alert.reports for state in report.denied_by})


def _how_it_stands(first: Alert, latest: Alert, reader: _Reader) -> str:
    """What the latest alert has other than the first: "Now: 105 killed, 3 newsrooms (update of ...)"."""
    facts = [
        reader.say(verb, toll=reader.toll(toll))
        for before, toll, verb in ((first.killed, latest.killed, "killed"), (first.injured, latest.injured, "injured"))
        if toll is not None and toll != before
    ]
    if len(latest.publishers) != len(first.publishers):
        facts.append(reader.count("now_newsrooms", len(latest.publishers)))
    if set(latest.states) - set(first.states):
        facts.append(reader.states(latest.states))
    if latest.severity > first.severity:
        facts.append(reader.wording.say(f"common.{latest.severity.label}"))
    if denied_by := _denied_by(latest):
        facts.append(reader.count("now_denied", len(denied_by), states=reader.states(denied_by)))
    facts = facts or [_change_words(change, latest, reader) for change in latest.changes]
    told = reader.join(facts)
    return reader.say("now", facts=told, time=reader.time(latest.created_at))


def _quotation(excerpt: Excerpt, room: int, other: Report | None, reader: _Reader) -> Line:
    excerpt = replace(excerpt, highlights=excerpt.highlights[:_MAX_MARKS])
    runs = [
        Run(clean(piece, trim=False), Style.MARK if marked else Style.PLAIN)
        for piece, marked in shorten_excerpt(excerpt, room)
    ]
    words = "".join(run.text for run in runs)
    opening, closing = ("\u2068", "\u2069") if _has_right_to_left(words) else ("", "")
    whose: Line = ()
    if other is not None:
        at = reader.time(other.published_at or other.first_seen_at)
        whose = (Run(f"{reader.name(other.publisher)}, {at}: "),)
    return (*whose, Run(f"{opening}“"), *(run for run in runs if run.text), Run(f"”{closing}"))


def _items(alert: Alert, reader: _Reader, room: _Room) -> list[Paragraph]:
    """What a digest or a summary tells: by severity, the gravest first, the long tail folded."""
    paragraphs: list[Paragraph] = []
    if why := _why_together(alert, reader):
        paragraphs.append(((Run(_line_of(why, room.line_cost)),),))
    shown = alert.items[: room.items]
    for severity in sorted(Severity, reverse=True):
        lines = [_item_line(item, reader, room) for item in shown if item.severity is severity]
        if lines:
            paragraphs.append(((Run(reader.say(severity.label), Style.STRONG),), *lines))
    command = reader.apart("/event ID" if reader.in_chat else "watcher alerts show ID")
    closing: list[Line] = [(Run(reader.say("to_open", command=command)),)]
    if left := len(alert.items) - len(shown):
        closing.insert(0, (Run(reader.say("more", number=reader.number(left))),))
    return [*paragraphs, tuple(closing)]


def _why_together(alert: Alert, reader: _Reader) -> str:
    """Why these were not told one by one; what was composed for it, which says most, is English."""
    if alert.kind is AlertKind.SUMMARY and reader.is_english:
        composed = clean(alert.body.partition("\n")[0])
        return "" if composed.startswith(f"{alert.items[0].severity.name}: ") else composed
    why = alert.held_for or ("muted" if alert.kind is AlertKind.SUMMARY else Held.DIGEST)
    return reader.wording.say(f"mail.why_{why}")


def _item_line(item: DigestItem, reader: _Reader, room: _Room) -> Line:
    headline = shorten(clean(item.headline) or reader.say("untitled"), _TITLE_COST, cost)
    told = [words for words in (_facts(item, headline, reader, room), reader.name(item.publisher)) if words]
    marks = [reader.apart(item.alert_id)]
    if item.changes and EventChange.OPENED not in item.changes:
        marks.append(reader.wording.say("mail.update"))
    if item.was_sent:
        marks.append(reader.wording.say("mail.sent_already"))
    rest = f"{reader.time(item.at)} ({reader.say('comma').join(marks)})"
    return (Run("• "), Run(reader.apart(headline), url=safe_url(item.url)), Run(" – " + " · ".join([*told, rest])))


def _main_report(alert: Alert, reader: _Reader, room: _Room) -> Paragraph:
    report = alert.reports[0]
    published = reader.say("date_unknown")
    if report.published_at:
        published = reader.say("published", time=reader.time(report.published_at))
    lines: list[Line] = [
        _report_line(report, reader),
        (Run(reader.say("first_seen", published=published, time=reader.time(report.first_seen_at))),),
        (Run(_newsrooms(alert, reader, room)),),
    ]
    if alert.extraction is Extraction.SUMMARY:
        lines.append((Run(reader.say("summary_only")),))
    if alert.extraction is Extraction.TITLE:
        lines.append((Run(reader.say("title_only")),))
    return tuple(lines)


def _report_line(report: Report, reader: _Reader) -> Line:
    title = reader.apart(shorten(clean(report.title), _TITLE_COST, cost)) or reader.say("untitled")
    outlet = reader.name(report.publisher or report.source_id)
    if report.affiliation not in ("", "unknown"):
        affiliation = reader.known(f"affiliation_{report.affiliation}", reader.name(report.affiliation))
        outlet += f" ({affiliation})"
    url = safe_url(report.url)
    if report.copy_of is not None:
        outlet = reader.say("a_copy", outlet=outlet)
    if url is None and report.url:
        outlet = reader.say("address_withheld", outlet=outlet)
    return (Run(title, url=url), Run(f" – {outlet}"))


def _newsrooms(alert: Alert, reader: _Reader, room: _Room) -> str:
    """Who says so: "2 independent newsrooms (OC Media; Reuters via 4 copies), 1 state outlet of a party (Azertac)"."""
    # Alerts that were stored before voices were weighed only have names.
    voices = alert.voices or tuple(Voice(name, Standing.NEWSROOM, "", (name,), 0, True) for name in alert.publishers)
    confirming = [voice for voice in voices if voice.confirms]
    others = [voice for voice in voices if not voice.confirms]
    told = reader.join([_voice(voice, reader) for voice in confirming], "semicolon", room.line_cost)
    if not confirming:
        words = reader.say("no_newsroom")
    elif len(confirming) == 1:
        words = reader.say("one_newsroom", who=f" ({told})" if confirming[0].copies else "")
    else:
        words = reader.count("newsrooms", len(confirming), who=told)
    for standing, key in _NOT_INDEPENDENT.items():
        of_kind = [voice for voice in others if voice.standing is standing]
        outlets = [outlet for voice in of_kind for outlet in (voice.name.split(", "))]
        if of_kind:
            copies = sum(voice.copies for voice in of_kind)
            shown = reader.join([reader.name(name) for name in outlets], "comma", room.line_cost)
            if copies:
                shown = reader.say("via_copies", name=shown, copies=reader.count("copies", copies))
            words += reader.say("comma") + reader.count(key, len(outlets), who=shown)
    if alert.copies and not alert.voices:
        words += reader.say("semicolon") + reader.count("copies", alert.copies)
    return words


# What is said of the voices that confirm nothing.
_NOT_INDEPENDENT = {
    Standing.PARTY: "party_media",
    Standing.UNCLEAR: "unclear_media",
    Standing.STATE: "state_media",
    Standing.NEWSROOM: "other_step",
}


def _voice(voice: Voice, reader: _Reader) -> str:
    name = reader.name(voice.name)
    if voice.standing is Standing.STATE:
        name = reader.say("media_of", name=name, state=voice.state if reader.is_english else reader.state(voice.state))
    if voice.copies:
        speaks_itself = voice.name in voice.outlets
        how = "with_copies" if speaks_itself else "via_copies"
        return reader.say(how, name=name, copies=reader.count("copies", voice.copies))
    return name


def _other_reports(alert: Alert, reader: _Reader, room: int) -> Paragraph:
    others = alert.reports[1:]
    lines = [_report_line(report, reader) for report in others[:room]]
    if left := len(others) - len(lines):
        lines.append((Run(reader.count("more_reports" if lines else "other_reports", left)),))
    return tuple(lines)


def _footer(alert: Alert, reader: _Reader) -> Paragraph:
    words = reader.say("id", id=reader.apart(alert.id))
    title = clean(alert.rule_title or "")
    if title and title not in clean(alert.headline):
        rule = reader.say("rule", title=reader.apart(shorten(title, _TITLE_COST, cost)))
        words = f"{rule} · {words}"
    lines: list[Line] = [(Run(words),)]
    if alert.escalates_at is not None and not reader.is_answered:
        lines.insert(0, (Run(_how_to_answer("escalates", alert, reader, time=reader.time(alert.escalates_at))),))
    return tuple(lines)


def _how_to_answer(key: str, alert: Alert, reader: _Reader, **values: object) -> str:
    """How somebody says that they look after it: by the button under the message, or by a command."""
    if reader.in_chat:
        return reader.say(f"{key}_press", button=reader.wording.say("desk.button_ack"), **values)
    key = "to_acknowledge" if key == "to" else key
    return reader.say(key, command=reader.apart(f"watcher alerts ack {alert.id}"), **values)


def minute(at: datetime) -> str:
    """The time in UTC to the minute: "2022-09-14 15:00 UTC"."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def join_names(names: Sequence[str], separator: str, wording: Wording | None = None, most: int = _LINE_COST) -> str:
    """The names in one line of at most that cost, the long tail folded: "A, B, and 7 more"."""
    shown = list(names[:_MAX_NAMES])
    while len(shown) > 1 and cost(separator.join(shown)) > most:
        shown.pop()
    if left := len(names) - len(shown):
        shown.append((wording or wording_of(None)).say("alert.more", number=left))
    return _line_of(separator.join(shown), most)


def _line_of(text: str, most: int) -> str:
    """The beginning of our own words, in which isolated text of others that is cut is closed again."""
    cut = shorten(text, most - 1, cost)
    return cut + "\u2069" * (cut.count("\u2068") - cut.count("\u2069"))


def safe_url(url: str | None) -> str | None:
    """The address if it may become a link: http or https, without white space; only its site where it is very long."""
    if url is None or not url.lower().startswith(("http://", "https://")) or clean(url) != url or " " in url:
        return None
    if cost(url) <= _URL_COST:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    site = f"{parts.scheme}://{parts.netloc}/"
    return site if cost(site) <= _URL_COST else None


# What makes text look other than it is: control characters, explicit bidirectional controls, tags, lone surrogates.
_CONTROLS = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
_SPACES = re.compile(r"\s+")
_BLANK_LINES = re.compile(r"\n{3,}")
_MARKS_IN_A_ROW = 4  # Vietnamese needs two, pointed Hebrew three; more only serves to draw over other lines


def clean(text: str, *, keep_lines: bool = False, trim: bool = True) -> str:
    """The text on one line and without characters that disguise it; safe to show, not yet escaped."""
    text = _CONTROLS.sub("", text)
    if keep_lines:
        lines = [_SPACES.sub(" ", line).strip() for line in text.splitlines()]
        return _limit_marks(_BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n"))
    text = _SPACES.sub(" ", text)
    return _limit_marks(text.strip() if trim else text)


def _limit_marks(text: str) -> str:
    if text.isascii():
        return text
    kept: list[str] = []
    in_a_row = 0
    for character in text:
        in_a_row = in_a_row + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if in_a_row <= _MARKS_IN_A_ROW:
            kept.append(character)
    return "".join(kept)


def isolate(text: str) -> str:
    """The text so that its direction does not reorder what stands around it; left alone where it is left to right."""
    return f"\u2068{text}\u2069" if _has_right_to_left(text) else text


def _has_right_to_left(text: str) -> bool:
    return not text.isascii() and any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)


def cost(text: str) -> int:
    """UTF-16 code units of the text once it is escaped for HTML."""
    return utf16_units(html.escape(text))


def utf16_units(text: str) -> int:
    """The length that Telegram counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def shorten(text: str, most: int, measure: Callable[[str], int]) -> str:
    """The beginning of the text up to a word's end, with an ellipsis; the whole text where it measures at most that."""
    if measure(text) <= most:
        return text
    low, high = 0, min(len(text), most)
    while low < high:  # the longest beginning that fits with the ellipsis
        middle = (low + high + 1) // 2
        if measure(text[:middle]) + measure(_ELLIPSIS) <= most:
            low = middle
        else:
            high = middle - 1
    cut = text[:low]
    space = cut.rfind(" ")
    if space > low // 2 and not text[low : low + 1].isspace():
        cut = cut[:space]
    return cut.rstrip() + _ELLIPSIS


# Code points of context on each side of a highlight, from plenty to none.
_CONTEXTS = (400, 250, 150, 100, 60, 30, 0)


def shorten_excerpt(excerpt: Excerpt, most: int) -> tuple[tuple[str, bool], ...]:
    """Pieces of the excerpt in order, each with whether it is highlighted, that cost at most that together.

    Whole where it fits; else the words around the highlights, at word boundaries, with an ellipsis for each gap; where
    even that is too much, the last highlights go first.
    """
    text, highlights = excerpt.text, excerpt.highlights
    if cost(text) <= most:
        return _pieces(text, ((0, len(text)),), highlights)
    while highlights:
        for context in _CONTEXTS:
            windows = _windows(text, highlights, context)
            pieces = _pieces(text, windows, highlights)
            if sum(cost(piece) for piece, _ in pieces) <= most:
                return pieces
        highlights = highlights[:-1]
    return ((shorten(text, most, cost), False),)


def _windows(text: str, highlights: tuple[tuple[int, int], ...], context: int) -> tuple[tuple[int, int], ...]:
    windows: list[tuple[int, int]] = []
    for start, end in highlights:
        left, right = max(0, start - context), min(len(text), end + context)
        if left > 0:  # forward to the next word's start
            left = next((i + 1 for i in range(left - 1, start) if text[i].isspace()), start)
        if right < len(text):  # back to the last word's end
            right = next((i for i in range(right, end, -1) if text[i].isspace()), end)
        if windows and left <= windows[-1][1] + 1:
            windows[-1] = (windows[-1][0], right)
        else:
            windows.append((left, right))
    return tuple(windows)


def _pieces(
    text: str, windows: tuple[tuple[int, int], ...], highlights: tuple[tuple[int, int], ...]
) -> tuple[tuple[str, bool], ...]:
    pieces: list[tuple[str, bool]] = []
    position = 0
    for left, right in windows:
        if left > position:
            pieces.append((f"{' ' if pieces else ''}{_ELLIPSIS} ", False))
        position = left
        for start, end in highlights:
            if left <= start and end <= right:
                pieces += [(text[position:start], False), (text[start:end], True)]
                position = end
        pieces.append((text[position:right], False))
        position = right
    if position < len(text):
        pieces.append((f" {_ELLIPSIS}", False))
    return tuple(piece for piece in pieces if piece[0])


def _fit(alert: Alert, reader: _Reader, write: Callable[[tuple[Paragraph, ...]], str], now: Paragraph = ()) -> str:
    for room in _STEPS[:-1]:
        text = write(compose(alert, reader, room, now))
        if utf16_units(text) <= TELEGRAM_LIMIT:
            return text
    return write(compose(alert, reader, _STEPS[-1], now))


def _plain_text(paragraphs: tuple[Paragraph, ...]) -> str:
    return "\n\n".join("\n".join(_plain_line(line) for line in paragraph) for paragraph in paragraphs)


def _plain_line(line: Line) -> str:
    words = "".join(f"*{run.text}*" if run.style is Style.MARK else run.text for run in line)
    return "\n".join([words, *(run.url for run in line if run.url)])


def _telegram_html(paragraphs: tuple[Paragraph, ...]) -> str:
    return "\n\n".join("\n".join("".join(map(_telegram_run, line)) for line in paragraph) for paragraph in paragraphs)


def _telegram_run(run: Run) -> str:
    """As HTML; an address that Telegram would drop without a word, and its link with it, stands there in the open."""
    if run.url is None or _LINKED.fullmatch(run.url):
        return _html_run(run)
    return f"{_html_run(replace(run, url=None))} {html.escape(run.url, quote=False)}"


# Telegram makes no link of a host without a dot, nor of a port that cannot be (TDLib, LinkManager::get_checked_link).
_LINKED = re.compile(r"https?://[\w-]+(?:\.[\w-]+)+(?::[1-9]\d{0,3})?(?:[/?#].*)?", re.IGNORECASE | re.DOTALL)


def _mail_html(paragraphs: tuple[Paragraph, ...]) -> str:
    return "\n".join(
        '<p dir="auto">' + "<br>\n".join("".join(map(_html_run, line)) for line in paragraph) + "</p>"
        for paragraph in paragraphs
    )


def _html_run(run: Run) -> str:
    text = html.escape(run.text, quote=False)
    if run.style is not Style.PLAIN:
        text = f"<b>{text}</b>"
    return f'<a href="{html.escape(run.url)}">{text}</a>' if run.url else text


def _toll_json(toll: Toll | None) -> dict[str, Any] | None:
    return None if toll is None else {"at_least": toll.at_least, "at_most": toll.at_most, "vague": toll.vague}

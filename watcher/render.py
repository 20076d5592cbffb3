"""An alert as people read it: Telegram HTML, plain text, mail, JSON. Pure; one anatomy for every channel.

The anatomy is built once from untrusted text that was cleaned and shortened (``compose``); only then does a channel add
its markup. So no cut ever falls into markup, and no text of a source ever becomes markup.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any
from urllib.parse import urlsplit

from watcher.model import Alert, AlertKind, EventChange, Excerpt, Extraction, Report, Standing, Toll, Voice

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
_ELLIPSIS = "…"


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


# From generous to what always fits.
_STEPS = (
    _Room(excerpts=6, excerpt_cost=1200, other_reports=8, body_cost=3500),
    _Room(excerpts=5, excerpt_cost=600, other_reports=6, body_cost=3000),
    _Room(excerpts=4, excerpt_cost=400, other_reports=4, body_cost=2500),
    _Room(excerpts=3, excerpt_cost=300, other_reports=2, body_cost=2000),
    _Room(excerpts=2, excerpt_cost=250, other_reports=0, body_cost=1500),
    _Room(excerpts=1, excerpt_cost=200, other_reports=0, body_cost=1000),
    _Room(excerpts=0, excerpt_cost=0, other_reports=0, body_cost=200),
)


def render_telegram(alert: Alert, names: Mapping[str, str]) -> str:
    """Telegram HTML that fits one message, tags included; ``names`` are the English names of states by code."""
    return _fit(alert, names, _telegram_html, TELEGRAM_LIMIT)


def render_telegram_text(alert: Alert, names: Mapping[str, str]) -> str:
    """The same without markup, for when Telegram refuses the HTML; fits one message."""
    return _fit(alert, names, _plain_text, TELEGRAM_LIMIT)


def render_text(alert: Alert, names: Mapping[str, str]) -> str:
    """The alert as plain text, matched words between asterisks, every link on a line of its own."""
    return _plain_text(compose(alert, names, _STEPS[0]))


def render_email(alert: Alert, names: Mapping[str, str]) -> tuple[str, str, str]:
    """Subject (one line), text, and paragraphs of HTML for the body of a mail; each part can be read alone."""
    paragraphs = compose(alert, names, _STEPS[0])
    subject = " ".join([f"[{label}]" for label in _labels(alert)] + [_update_word(alert), alert.headline])
    return shorten(clean(subject), SUBJECT_CHARS, len), _plain_text(paragraphs) + "\n", _mail_html(paragraphs)


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


def compose(alert: Alert, names: Mapping[str, str], room: _Room) -> tuple[Paragraph, ...]:
    """The anatomy of an alert: what, what is new, the words that say so, who says so and when, where it came from."""
    paragraphs: list[Paragraph] = [_heading(alert, names)]
    # The newest report is told below; what others said, earlier steps for example, says whose words they are.
    others = {report.article_id: report for report in alert.reports if report.article_id != alert.reports[0].article_id}
    paragraphs.extend(
        (_quotation(excerpt, room.excerpt_cost, others.get(excerpt.article_id)),)
        for excerpt in alert.excerpts[: room.excerpts]
    )
    if alert.held_back:
        words = "; ".join(clean(headline) for headline in alert.held_back)
        paragraphs.append(((Run(shorten(f"Held back meanwhile: {words}", _LINE_COST, cost)),),))
    if alert.body:
        body = shorten(clean(alert.body, keep_lines=True), room.body_cost, cost)
        paragraphs.append(tuple((Run(line),) for line in body.split("\n")))
    if alert.reports:
        paragraphs.append(_main_report(alert))
        paragraphs.append(_other_reports(alert, room.other_reports))
    paragraphs.append(_footer(alert))
    return tuple(paragraph for paragraph in paragraphs if paragraph)


def _labels(alert: Alert) -> list[str]:
    labels = ["EXERCISE"] if alert.kind is AlertKind.EXERCISE else []
    if alert.is_test_rule:
        labels.append("TEST RULE")
    if alert.kind is AlertKind.ESCALATION:
        labels.append("ESCALATED")
    return [*labels, "NOTICE" if alert.kind is AlertKind.NOTICE else alert.severity.name]


def _update_word(alert: Alert) -> str:
    if EventChange.CORRECTED in alert.changes:
        return "CORRECTION:"
    return "UPDATE:" if _is_update(alert) else ""


def _is_update(alert: Alert) -> bool:
    return bool(alert.changes) and EventChange.OPENED not in alert.changes


def _heading(alert: Alert, names: Mapping[str, str]) -> Paragraph:
    headline = shorten(clean(alert.headline), _HEADLINE_COST, cost)
    lines: list[Line] = []
    if alert.kind is AlertKind.EXERCISE:
        lines.append((Run("This is an EXERCISE. Nothing of this has happened."),))
    if alert.unacknowledged_since_at is not None:
        unheard = f"Nobody has acknowledged this since {minute(alert.unacknowledged_since_at)}."
        lines.append((Run(unheard, Style.STRONG), Run(f" To acknowledge it: watcher alerts ack {alert.id}")))
    lines.append((Run(" · ".join(_labels(alert)) + ": "), Run(isolate(headline), Style.STRONG)))
    if _is_update(alert):
        news = join_names([_change_words(change, alert, names) for change in alert.changes], "; ")
        lines.append((Run(f"{_update_word(alert)} "), Run(news, Style.STRONG)))
    facts = [names.get(code, code) for code in alert.states]
    facts = [join_names(facts, ", ")] if any(fact not in headline for fact in facts) else []
    facts += [
        words
        for toll, verb in ((alert.killed, "killed"), (alert.injured, "injured"))
        if toll is not None and (words := f"{toll} {verb}") not in headline
    ]
    if facts:
        lines.append((Run(" · ".join(facts)),))
    if alert.also:
        lines.append((Run(f"Also: {join_names([_short_name(title) for title in alert.also], '; ')}"),))
    return tuple(lines)


def _change_words(change: EventChange, alert: Alert, names: Mapping[str, str]) -> str:
    match change:
        case EventChange.CONFIRMED:
            return "confirmed by a second newsroom"
        case EventChange.DEATHS_DOUBLED:
            return f"now {alert.killed} killed" if alert.killed else "the death toll has doubled"
        case EventChange.NEW_STATE:
            return "another state is involved, now " + join_names([names.get(c, c) for c in alert.states], ", ")
        case EventChange.SEVERITY_RAISED:
            return f"raised to {alert.severity.label}"
        case EventChange.PUBLISHERS_DOUBLED:
            return f"now reported by {len(alert.publishers)} newsrooms"
        case EventChange.CORRECTED:
            if alert.reports and alert.reports[0].lowers_toll and alert.killed:
                return f"death toll revised down to {alert.killed}"
            return "a report was corrected"
        case EventChange.DENIED:
            denied_by = sorted({state for report in alert.reports for state in report.denied_by})
            verb = "denies" if len(denied_by) == 1 else "deny"
            return f"{join_names([names.get(c, c) for c in denied_by], ', ')} {verb} it"
        case EventChange.RULE_ADDED:
            return "another kind of signal"
        case _:
            return change.value


def _quotation(excerpt: Excerpt, room: int, other: Report | None) -> Line:
    runs = [
        Run(clean(piece, trim=False), Style.MARK if marked else Style.PLAIN)
        for piece, marked in shorten_excerpt(excerpt, room)
    ]
    words = "".join(run.text for run in runs)
    opening, closing = ("\u2068", "\u2069") if _has_right_to_left(words) else ("", "")
    whose: Line = ()
    if other is not None:
        whose = (Run(f"{_short_name(other.publisher)}, {minute(other.published_at or other.first_seen_at)}: "),)
    return (*whose, Run(f"{opening}“"), *(run for run in runs if run.text), Run(f"”{closing}"))


def _main_report(alert: Alert) -> Paragraph:
    report = alert.reports[0]
    published = f"published {minute(report.published_at)}" if report.published_at else "date unknown"
    lines: list[Line] = [
        _report_line(report),
        (Run(f"{published}, first seen {minute(report.first_seen_at)}"),),
        (Run(_newsrooms(alert)),),
    ]
    if alert.extraction is Extraction.SUMMARY:
        lines.append((Run("Read from the feed's summary only, not from the whole article."),))
    if alert.extraction is Extraction.TITLE:
        lines.append((Run("Read from the headline only; there was no text."),))
    return tuple(lines)


def _report_line(report: Report) -> Line:
    title = isolate(shorten(clean(report.title), _TITLE_COST, cost)) or "(without a title)"
    outlet = _short_name(report.publisher or report.source_id)
    if report.affiliation not in ("", "unknown"):
        outlet += f" ({_short_name(report.affiliation)})"
    url = safe_url(report.url)
    if report.copy_of is not None:
        outlet += ", a copy"
    if url is None and report.url:
        outlet += ", address withheld"
    return (Run(title, url=url), Run(f" – {outlet}"))


def _newsrooms(alert: Alert) -> str:
    """Who says so: "2 independent newsrooms (OC Media; Reuters via 4 copies), 1 state outlet of a party (Azertac)"."""
    # Alerts that were stored before voices were weighed only have names.
    voices = alert.voices or tuple(Voice(name, Standing.NEWSROOM, "", (name,), 0, True) for name in alert.publishers)
    confirming = [voice for voice in voices if voice.confirms]
    others = [voice for voice in voices if not voice.confirms]
    told = join_names([_voice(voice) for voice in confirming], "; ")
    if not confirming:
        words = "no independent newsroom, not confirmed"
    elif len(confirming) == 1:
        shown = f" ({told})" if confirming[0].copies else ""
        words = f"1 newsroom{shown}, not yet confirmed"
    else:
        words = f"{len(confirming)} independent newsrooms ({told})"
    for standing, what in _NOT_INDEPENDENT.items():
        of_kind = [voice for voice in others if voice.standing is standing]
        outlets = [outlet for voice in of_kind for outlet in (voice.name.split(", "))]
        if of_kind:
            copies = sum(voice.copies for voice in of_kind)
            shown = join_names([_short_name(name) for name in outlets], ", ")
            shown += f" via {_counted(copies, 'copy', 'copies')}" if copies else ""
            words += f", {_counted(len(outlets), *what)} ({shown})"
    if alert.copies and not alert.voices:
        words += f"; {_counted(alert.copies, 'copy', 'copies')}"
    return words


# What is said of the voices that confirm nothing: one, several.
_NOT_INDEPENDENT = {
    Standing.PARTY: ("state outlet of a party", "state outlets of parties"),
    Standing.UNCLEAR: ("state outlet of a state not named", "state outlets of states not named"),
    Standing.STATE: ("state outlet", "state outlets"),
    Standing.NEWSROOM: ("newsroom of another step", "newsrooms of other steps"),
}


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _voice(voice: Voice) -> str:
    name = _short_name(voice.name)
    if voice.standing is Standing.STATE:
        name += f", state media of {voice.state}"
    if voice.copies:
        speaks_itself = voice.name in voice.outlets
        name += f" {'with' if speaks_itself else 'via'} {_counted(voice.copies, 'copy', 'copies')}"
    return name


def _other_reports(alert: Alert, room: int) -> Paragraph:
    others = alert.reports[1:]
    lines = [_report_line(report) for report in others[:room]]
    if left := len(others) - len(lines):
        word = "report" if left == 1 else "reports"
        lines.append((Run(f"and {left} more {word}" if lines else f"{left} other {word}"),))
    return tuple(lines)


def _footer(alert: Alert) -> Paragraph:
    words = f"Alert {alert.id}"
    title = clean(alert.rule_title or "")
    if title and title not in clean(alert.headline):
        words = f"Rule: {isolate(shorten(title, _TITLE_COST, cost))} · {words}"
    lines: list[Line] = [(Run(words),)]
    if alert.escalates_at is not None:
        escalates = f"Escalates at {minute(alert.escalates_at)} unless acknowledged: watcher alerts ack {alert.id}"
        lines.insert(0, (Run(escalates),))
    return tuple(lines)


def minute(at: datetime) -> str:
    """The time in UTC to the minute: "2022-09-14 15:00 UTC"."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def join_names(names: Sequence[str], separator: str) -> str:
    """The names in one line, the long tail folded: "A, B, and 7 more"."""
    shown = list(names[:_MAX_NAMES])
    while len(shown) > 1 and cost(separator.join(shown)) > _LINE_COST:
        shown.pop()
    if left := len(names) - len(shown):
        shown.append(f"and {left} more")
    return shorten(separator.join(shown), _LINE_COST, cost)


def _short_name(name: str) -> str:
    return isolate(shorten(clean(name), _NAME_COST, cost))


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


def _fit(alert: Alert, names: Mapping[str, str], write: Callable[[tuple[Paragraph, ...]], str], most: int) -> str:
    for room in _STEPS[:-1]:
        text = write(compose(alert, names, room))
        if utf16_units(text) <= most:
            return text
    return write(compose(alert, names, _STEPS[-1]))


def _plain_text(paragraphs: tuple[Paragraph, ...]) -> str:
    return "\n\n".join("\n".join(_plain_line(line) for line in paragraph) for paragraph in paragraphs)


def _plain_line(line: Line) -> str:
    words = "".join(f"*{run.text}*" if run.style is Style.MARK else run.text for run in line)
    return "\n".join([words, *(run.url for run in line if run.url)])


def _telegram_html(paragraphs: tuple[Paragraph, ...]) -> str:
    return "\n\n".join("\n".join("".join(map(_html_run, line)) for line in paragraph) for paragraph in paragraphs)


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

"""An alert with its evidence as one page, to be kept, sent or printed; complete in itself for as long as it lasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from watcher.evidence import Evidence
from watcher.html_page import Mark, isolated, marked, page, printable
from watcher.model import Alert, Article, Excerpt, Field, Report, Signal
from watcher.render import minute, render_text, safe_url
from watcher.rules.schema import RuleText

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2330; --paper: #f6f7f9; --card: #fff; --line: #d0d5dd; --dim: #5d6b82;
  --mark: #fde68a; --edge: #b54708; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7ec; --paper: #101828; --card: #1d2939; --line: #475467; --dim: #a4b0c2; --mark: #7a5c00;
    --edge: #fdb022; } }
@media print {
  :root { color-scheme: light; --ink: #000; --paper: #fff; --card: #fff; --line: #999; --dim: #444; --mark: #eee; }
  section, blockquote, tr { break-inside: avoid; } mark { font-weight: 700; }
  a[href]::after { content: " (" attr(href) ")"; font-size: .8em; } }
* { box-sizing: border-box; }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 54rem; margin: 2rem auto; padding: 0 1rem; color: var(--ink);
  background: var(--paper); overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; line-height: 1.3; border-inline-start: 6px solid var(--edge); padding-inline-start: .8rem; }
h2 { font-size: 1.1rem; margin-top: 2rem; } h3 { font-size: 1rem; }
a { color: inherit; } .dim { color: var(--dim); }
blockquote, section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; margin: .8rem 0;
  padding: .6rem 1rem; }
blockquote, .text p { unicode-bidi: plaintext; white-space: pre-wrap; }
mark { background: var(--mark); color: inherit; border-radius: 3px; }
pre { white-space: pre-wrap; font: .85rem/1.5 ui-monospace, monospace; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: start; padding: .3rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top; }
"""


def render_alert_page(alert: Alert, evidence: Evidence | None, names: Mapping[str, str]) -> str:
    """The whole page; ``names`` of states by ISO code."""
    facts = [
        ("severity", alert.severity.label),
        ("what is new", ", ".join(change.value.replace("_", " ") for change in alert.changes) or alert.kind.value),
        ("states", ", ".join(f"{names.get(code, code)} ({code})" for code in alert.states)),
        ("killed", str(alert.killed or "")),
        ("injured", str(alert.injured or "")),
        ("independent newsrooms", ", ".join(alert.publishers)),
        ("copies of their reports", str(alert.copies or "")),
        ("rule", " ".join(part for part in (alert.rule_title, alert.rule_id and f"({alert.rule_id})") if part)),
        ("other rules", ", ".join(alert.also)),
        ("decided", minute(alert.created_at)),
        ("event", alert.event_id or ""),
        ("alert", alert.id),
    ]
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{isolated(value)}</td></tr>" for name, value in facts if value)
    body = alert.body and f"<p>{isolated(alert.body)}</p>"
    quotes = "".join(_quotation(excerpt) for excerpt in alert.excerpts)
    return page(
        alert.headline,
        _STYLE,
        f"<h1>{isolated(alert.headline)}</h1>\n{quotes}{body}\n<table>{rows}</table>\n{_reports(alert.reports)}"
        f"<h2>As it was sent</h2>\n<section><pre>{escape(printable(render_text(alert, names)))}</pre></section>\n"
        + (_evidence(evidence) if evidence else "<p class=dim>What it was decided from was not kept.</p>\n"),
    )


def _quotation(excerpt: Excerpt) -> str:
    text = printable(excerpt.text)
    marks = [Mark(start, end, "found", "", is_counted=True) for start, end in excerpt.highlights]
    return f'<blockquote dir="auto">{"".join(marked(text, 0, len(text), marks))}</blockquote>\n'


def _reports(reports: Sequence[Report]) -> str:
    if not reports:
        return ""
    rows = "".join(
        f"<tr><td>{isolated(one.publisher)}<br><span class=dim>{isolated(one.affiliation)}</span></td>"
        f"<td>{_link(one.url, one.title)}</td><td>{minute(one.published_at or one.first_seen_at)}</td>"
        f"<td>{'a copy' if one.copy_of else ''}</td></tr>"
        for one in reports
    )
    return (
        "<h2>Who says so</h2>\n<table><thead><tr><th>Newsroom</th><th>Report</th><th>Time</th><th></th></tr></thead>"
        f"<tbody>{rows}</tbody></table>\n"
    )


def _link(url: str | None, title: str) -> str:
    address = safe_url(url)
    shown = isolated(title or url or "")
    return f'<a href="{escape(address)}" rel="noopener noreferrer">{shown}</a>' if address else shown


def _evidence(evidence: Evidence) -> str:
    grounds = evidence.grounds
    articles = [_article(grounds.article, grounds.raw_hash, grounds.signals)]
    articles += [_article(one.article, one.raw_hash, one.signals) for one in evidence.quoted]
    versions = evidence.versions
    known = "".join(
        f"<li>{isolated(event.title)}, {len(event.reports)} report{'s' if len(event.reports) != 1 else ''}, "
        f"told of: {event.notified_killed} killed</li>"
        for event in evidence.known.events
    )
    return (
        f"<h2>What it was decided from</h2>\n{''.join(articles)}"
        f"<h3>What was known</h3>\n<ul>{known or '<li>nothing: it is the first of this event</li>'}</ul>\n"
        f"<h3>The rules, as they were</h3>\n{''.join(map(_rule, evidence.rules))}"
        f"<p class=dim>watcher {escape(versions.program)}, source {escape(versions.code)}, gazetteer "
        f"{escape(versions.gazetteer)}, data {escape(versions.data)}. "
        f"<code>watcher verify {escape(evidence.alert_id)}</code> works the alert out again.</p>\n"
    )


def _article(article: Article, raw_hash: str | None, signals: Sequence[Signal]) -> str:
    facts = [article.publisher or article.source_id, article.affiliation, *article.tags, f"language {article.language}"]
    facts.append(f"published {minute(article.published_at)}" if article.published_at else "without a date")
    facts.append(f"first seen {minute(article.first_seen_at)}")
    title = "".join(_parts(article.title, Field.TITLE, signals))
    return (
        f"<section><h3><bdi>{title}</bdi></h3>\n<p class=dim>{' · '.join(map(isolated, facts))}<br>"
        f"{_link(article.url, article.url or 'no address')}<br>"
        f"{f'SHA-256 of the page {escape(raw_hash)}' if raw_hash else 'read from the list of items itself'}</p>\n"
        f"<div class=text>{''.join(_paragraphs(article, signals))}</div></section>\n"
    )


def _paragraphs(article: Article, signals: Sequence[Signal]) -> Iterator[str]:
    text, marks = printable(article.text), _marks(Field.TEXT, signals)
    start = 0
    for paragraph in text.split("\n"):
        if paragraph.strip():
            yield f'<p dir="auto">{"".join(marked(text, start, start + len(paragraph), marks))}</p>\n'
        start += len(paragraph) + 1


def _parts(text: str, field: Field, signals: Sequence[Signal]) -> Iterator[str]:
    return marked(printable(text), 0, len(text), _marks(field, signals))


def _marks(field: Field, signals: Sequence[Signal]) -> list[Mark]:
    return [
        Mark(
            match.span.start,
            match.span.end,
            "found",
            ", ".join(part for part in (f"{signal.rule_id}: {match.clue}", match.state, match.stance) if part),
            is_counted=True,
        )
        for signal in signals
        for match in signal.matches
        if match.span.field is field
    ]


def _rule(rule: RuleText) -> str:
    return (
        f"<details><summary>{escape(rule.kind)} {isolated(rule.name)} <span class=dim>SHA-256 {rule.hash}</span>"
        f"</summary><pre>{escape(printable(rule.text))}</pre></details>\n"
    )

"""An explanation as one page for a browser: the article with every match marked, and the tree of PASS and FAIL.

Everything of an article or a rule is escaped, and its directions of writing stay within its own paragraph.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape

from watcher.consequences import Consequence, Hearing, status_in_words
from watcher.explain import Node, RuleExplanation, came_near
from watcher.html_page import Mark, isolated, marked, page, printable
from watcher.model import Article, Field, Match, RuleStatus
from watcher.text.reading import Reading

_COLOURS = 6  # of clues; the seventh clue has the colour of the first

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2330; --paper: #f6f7f9; --card: #fff; --line: #d0d5dd; --dim: #5d6b82;
  --pass: #067647; --fail: #b42318; --window: #eef4ff; --edge: #6172f3;
  --c0: #fde68a; --c1: #bfdbfe; --c2: #fbcfe8; --c3: #bbf7d0; --c4: #ddd6fe; --c5: #fed7aa; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7ec; --paper: #101828; --card: #1d2939; --line: #475467; --dim: #a4b0c2;
    --pass: #47cd89; --fail: #fda29b; --window: #24304d; --edge: #8098f9;
    --c0: #7a5c00; --c1: #1e4b8f; --c2: #84285f; --c3: #17603a; --c4: #4d3b96; --c5: #84430e; } }
* { box-sizing: border-box; }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: var(--ink);
  background: var(--paper); overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; line-height: 1.3; } h2 { font-size: 1.1rem; margin: 0; display: inline; }
h3 { font-size: .95rem; margin: 1.2rem 0 .3rem; }
a { color: inherit; }
.dim, .because { color: var(--dim); } .because { margin: .2rem 0 .8rem; }
section, .silent { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.25rem;
  margin: 1rem 0; }
section.signal { border-inline-start: 6px solid var(--pass); }
section.suppressed { border-inline-start: 6px solid var(--fail); }
section.waiting { border-inline-start: 6px solid var(--edge); }
.outcome { font-size: .8rem; font-weight: 600; text-transform: uppercase; letter-spacing: .04em; padding: .1rem .5rem;
  border: 1px solid currentcolor; border-radius: 1rem; margin-inline-start: .5rem; white-space: nowrap; }
.signal > summary .outcome { color: var(--pass); } .suppressed > summary .outcome { color: var(--fail); }
summary { cursor: pointer; }
.article { border-block: 1px solid var(--line); padding: .5rem 0; margin: .8rem 0; }
.article p { unicode-bidi: plaintext; white-space: pre-wrap; margin: .5rem 0; }
.article .title { font-weight: 700; font-size: 1.1rem; }
.n { color: var(--dim); font-size: .65rem; vertical-align: super; user-select: none; margin-inline-end: .15rem; }
.window { background: var(--window); box-shadow: 0 2px 0 var(--edge); }
mark { color: inherit; border-radius: 3px; padding: .05rem 0; background: none; }
.c0 { background: var(--c0); } .c1 { background: var(--c1); } .c2 { background: var(--c2); }
.c3 { background: var(--c3); } .c4 { background: var(--c4); } .c5 { background: var(--c5); }
.also { outline: 1px dashed currentcolor; outline-offset: -1px; }
.no { background: none; text-decoration: line-through; text-decoration-color: var(--fail); color: var(--dim); }
.cue { text-decoration: underline wavy var(--dim); text-underline-offset: .2em; }
.key { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem .8rem; font-size: .9rem; }
.key .swatch { border-radius: 3px; padding: .05rem .4rem; }
ul.tree, ul.tree ul { list-style: none; padding-inline-start: 1.2rem; margin: .2rem 0; } ul.tree { padding: 0; }
.tree li { margin: .15rem 0; }
.pass, .fail { font: 600 .72rem/1 ui-monospace, monospace; margin-inline-end: .4rem; }
.pass { color: var(--pass); } .fail { color: var(--fail); }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: start; padding: .3rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top; }
"""


def render_page(
    article: Article,
    explanations: Sequence[RuleExplanation],
    consequences: Mapping[str, Consequence],
    statuses: Mapping[str, RuleStatus],
    as_of: datetime,
    *,
    has_configuration: bool,
) -> str:
    """The whole page. Rules in the order given; consequences, of those that fired, and statuses by rule id."""
    reading = Reading.of(
        printable(article.title),
        printable(article.text),
        article.language,
        article.published_at or article.first_seen_at,
    )
    telling = [one for one in explanations if came_near(one)]
    silent = [one for one in explanations if one not in telling]
    name = article.title or article.id
    sections = "\n".join(
        _section(
            one,
            reading,
            _afterwards(consequences.get(one.rule_id), has_configuration=has_configuration),
            statuses[one.rule_id],
            is_open=not index,
        )
        for index, one in enumerate(telling)
    )
    body = f"{_head(article, as_of)}\n{sections or '<p>No rule came near.</p>'}\n{_silent(silent, statuses)}"
    return page(name, _STYLE, body)


def _head(article: Article, as_of: datetime) -> str:
    facts = [
        f"language {escape(article.language)}",
        f"published {article.published_at:%Y-%m-%d %H:%M} UTC" if article.published_at else "without a date",
        f"judged as of {as_of:%Y-%m-%d %H:%M} UTC",
    ]
    if article.publisher:
        facts.insert(0, isolated(article.publisher))
    if article.url and article.url.startswith(("http://", "https://")):
        address = escape(printable(article.url))
        facts.append(f'<a href="{address}" rel="noopener noreferrer">the article</a>')
    heading = isolated(article.title or "Why the rules spoke or stayed silent")
    return f"<h1>{heading}</h1>\n<p class=dim>{' · '.join(facts)}</p>"


def _section(
    explanation: RuleExplanation, reading: Reading, afterwards: str, status: RuleStatus, *, is_open: bool
) -> str:
    colours = _colours(explanation)
    outcome = explanation.outcome
    kind = outcome.value.replace(" ", "-")
    return (
        f'<section class="{kind}"><details class="{kind}"{" open" if is_open else ""}><summary>'
        f"<h2>{isolated(explanation.title)}</h2><span class=outcome>{escape(outcome.value)}</span></summary>\n"
        f"<p class=because>{escape(explanation.rule_id)} ({escape(status_in_words(status))}): "
        f"{isolated(explanation.reason)}</p>\n"
        f"{_key(colours)}\n<div class=article>{_article(explanation, reading, colours)}</div>\n"
        f"{_rejected(explanation)}<h3>How it was decided</h3>\n"
        f"<ul class=tree>{''.join(_tree(node) for node in explanation.nodes)}</ul>\n{afterwards}</details></section>"
    )


def _silent(explanations: Sequence[RuleExplanation], statuses: Mapping[str, RuleStatus]) -> str:
    if not explanations:
        return ""
    rows = "".join(
        f"<tr><td>{escape(one.rule_id)}</td><td>{escape(one.outcome.value)}</td><td>{isolated(one.reason)}</td>"
        f"<td>{escape(statuses[one.rule_id].value)}</td></tr>"
        for one in explanations
    )
    return (
        "<div class=silent><h2>Rules that did not come near</h2>\n<table><thead><tr><th>Rule</th><th>Outcome"
        f"</th><th>Why</th><th>Status</th></tr></thead><tbody>{rows}</tbody></table></div>\n"
    )


def _colours(explanation: RuleExplanation) -> dict[str, str]:
    """The class of each clue that found something."""
    names = dict.fromkeys(match.clue for match, _ in _matches(explanation))
    return {name: f"c{index % _COLOURS}" for index, name in enumerate(names)}


def _key(colours: Mapping[str, str]) -> str:
    entries = [f'<li><span class="swatch {style}">{escape(name)}</span></li>' for name, style in colours.items()]
    entries.append("<li><span class=no>found, not counted</span></li>")
    entries.append("<li><span class=cue>words that decided whether it happened</span></li>")
    entries.append("<li><span class=window>close together</span></li>")
    return f"<ul class=key>{''.join(entries)}</ul>"


def _all_nodes(nodes: Iterable[Node]) -> Iterator[Node]:
    """The nodes with all below them, as they are listed."""
    for node in nodes:
        yield node
        yield from _all_nodes(node.children)


def _matches(explanation: RuleExplanation) -> Iterator[tuple[Match, str | None]]:
    """Each match with the reason why it does not count, in the order of the clues."""
    for node in _all_nodes(explanation.nodes):
        if node.match is not None:
            yield node.match, node.rejected


def _windows(explanation: RuleExplanation) -> set[int]:
    """The numbers of the sentences of windows that were used."""
    return {
        number
        for node in _all_nodes(explanation.nodes)
        if node.sentences is not None and node.passed
        for number in range(node.sentences[0], node.sentences[1] + 1)
    }


def _article(explanation: RuleExplanation, reading: Reading, colours: Mapping[str, str]) -> str:
    marks = _marks(explanation, reading, colours)
    windows = _windows(explanation)
    paragraphs: dict[int, list[str]] = {}
    end = 0
    for sentence in reading.sentences:
        between = "" if sentence.paragraph not in paragraphs else escape(reading.full[end : sentence.start])
        inside = "".join(marked(reading.full, sentence.start, sentence.end, marks))
        number = f"<span class=n>{sentence.index}</span>"
        kind = " class=window" if sentence.index in windows else ""
        paragraphs.setdefault(sentence.paragraph, []).append(f"{between}{number}<span{kind}>{inside}</span>")
        end = sentence.end
    has_title = bool(reading.title_end)
    return "\n".join(
        f'<p dir="auto"{" class=title" if has_title and not index else ""}>{"".join(parts)}</p>'
        for index, parts in enumerate(paragraphs.values())
    )


def _marks(explanation: RuleExplanation, reading: Reading, colours: Mapping[str, str]) -> list[Mark]:
    marks = []
    for match, rejected in _matches(explanation):
        start = match.span.start + (0 if match.span.field is Field.TITLE else reading.text_start)
        value = match.state or (str(match.toll) if match.toll else "")
        said = ", ".join(part for part in (value, match.stance and match.stance.value) if part)
        says = f"{match.clue}: {said}" if said else match.clue
        if rejected is not None:
            says += f"; not counted: {rejected}"
        style = "no" if rejected is not None else colours[match.clue]
        marks.append(Mark(start, start + match.span.end - match.span.start, style, says, is_counted=rejected is None))
        if match.cue is not None:
            span = match.cue.span
            start = span.start + (0 if span.field is Field.TITLE else reading.text_start)
            says = f"makes it {match.stance}: {match.clue}" if match.stance else match.clue
            marks.append(Mark(start, start + span.end - span.start, "cue", says, is_counted=False))
    return marks


def _rejected(explanation: RuleExplanation) -> str:
    """Everything that was found and does not count, with the reason, for those who cannot point."""
    rows = "".join(
        f"<tr><td>{escape(match.clue)}</td><td>{isolated(' '.join(match.text.split()))}</td>"
        f"<td>{isolated(rejected)}</td></tr>"
        for match, rejected in _matches(explanation)
        if rejected is not None
    )
    if not rows:
        return ""
    return (
        "<h3>Found, but not counted</h3>\n<table><thead><tr><th>Clue</th><th>Words</th><th>Why not</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>\n"
    )


def _tree(node: Node) -> str:
    verdict = "<span class=pass>PASS</span>" if node.passed else "<span class=fail>FAIL</span>"
    detail = f": {isolated(node.detail)}" if node.detail else ""
    children = f"<ul>{''.join(_tree(child) for child in node.children)}</ul>" if node.children else ""
    return f"<li>{verdict}{isolated(node.label)}{detail}{children}</li>"


def _afterwards(consequence: Consequence | None, *, has_configuration: bool) -> str:
    """What would come of the signal; nothing where there is none."""
    if consequence is None:
        return ""
    told = isolated(consequence.told)
    if consequence.headline:
        told += f"<br><b>{isolated(consequence.headline)}</b>"
    if consequence.together:
        told += f"<br>in one message with {isolated(', '.join(consequence.together))}"
    rows = [("event", isolated(consequence.event)), ("group", isolated(consequence.group)), ("told", told)]
    if not has_configuration:
        rows.append(("recipients", "not known without a configuration; name it with --config"))
    elif not consequence.hearings:
        rows.append(("recipients", "none is configured"))
    rows += map(_hearing_row, consequence.hearings)
    if consequence.escalation:
        rows.append(("escalation", isolated(consequence.escalation)))
    rows += map(_hearing_row, consequence.escalated)
    listed = "".join(f"<tr><th>{isolated(name)}</th><td>{said}</td></tr>" for name, said in rows)
    return f"<h3>Afterwards</h3>\n<table>{listed}</table>\n"


def _hearing_row(one: Hearing) -> tuple[str, str]:
    verdict = "<span class=pass>YES</span>" if one.hears else "<span class=fail>NO</span>"
    return f"{one.recipient_id} ({one.channel.value})", verdict + isolated(one.reason)

"""The demo's page: the alerts as people get them, and every item with why it fired or stayed silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from watcher.model import Alert, Severity
from watcher.render import render_telegram

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2330;
  background: #f6f7f9; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
article { background: #fff; border-left: 6px solid #98a2b3; border-radius: 6px; padding: 1rem 1.25rem; margin: 1rem 0;
  white-space: pre-line; overflow-wrap: anywhere; box-shadow: 0 1px 3px rgb(0 0 0 / 12%); }
article.critical { border-color: #b42318; } article.warning { border-color: #b54708; }
table { border-collapse: collapse; width: 100%; background: #fff; }
th, td { text-align: start; padding: .4rem .6rem; border-bottom: 1px solid #e4e7ec; vertical-align: top; }
td.fired { color: #b42318; font-weight: 600; } td.silent { color: #475467; }
@media (prefers-color-scheme: dark) {
  body { color: #e4e7ec; background: #101828; } article, table { background: #1d2939; }
  th, td { border-color: #344054; }
  td.silent { color: #98a2b3; } a { color: #84adff; } td.fired, article.critical b { color: #fda29b; } }
"""


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One item as the demo lists it."""

    publisher: str
    title: str
    outcome: str  # "fired", "a copy", "silent"
    why: str


def render_page(alerts: Sequence[Alert], items: Sequence[ItemLine], names: Mapping[str, str]) -> str:
    """The whole page; nothing of a source becomes markup. Alerts in the order they are given."""
    blocks = "\n".join(
        f'<article class="{escape(Severity(alert.severity).label)}">{render_telegram(alert, names)}</article>'
        for alert in alerts
    )
    rows = "\n".join(
        f"<tr><td>{escape(item.publisher)}</td><td>{escape(item.title)}</td>"
        f'<td class="{"fired" if item.outcome != "silent" else "silent"}">{escape(item.outcome)}</td>'
        f"<td>{escape(item.why)}</td></tr>"
        for item in items
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>watcher demo</title><style>{_STYLE}</style></head><body>\n"
        "<h1>watcher demo</h1><p>Every outlet and text on this page is a sample. The daemon that read them is the real "
        f"one.</p>\n<h2>What people were told</h2>\n{blocks or '<p>Nothing yet.</p>'}\n"
        "<h2>What was read</h2>\n<table><thead><tr><th>Outlet</th><th>Item</th><th>Outcome</th><th>Why</th></tr>"
        f"</thead><tbody>\n{rows}\n</tbody></table></body></html>\n"
    )

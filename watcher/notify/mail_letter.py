"""The mail for one recipient: its headers, its text and its HTML, each readable alone. Pure but for drawing a chart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTPUTF8, Policy
from email.utils import format_datetime
from html import escape
from typing import cast
from urllib.parse import quote

from watcher.model import Alert, AlertKind, EventChange, Recipient, Severity
from watcher.notify.base import OutgoingMessage
from watcher.notify.mail_chart import can_draw, draw_bars
from watcher.notify.mail_digest import bars_of, digest_parts, zone_of
from watcher.render import SUBJECT_CHARS, clean, render_email, shorten
from watcher.wording import Wording, wording_of

# No colours: letters, lines and ground are the mail program's own, by day and by night.
_STYLE = (
    ":root{color-scheme:light dark;supported-color-schemes:light dark}"
    "body{font-family:sans-serif;line-height:1.45}table{border-collapse:collapse}"
    "th,td{text-align:start;vertical-align:top}img{max-width:100%;height:auto}h2{font-size:1em}"
)
# After the words for the preview: what fills it up, so that nothing from below gets into it, and shows nothing itself.
_FILLER = "&#847;&zwnj;&nbsp;" * 100
_LINE_CHARS = 78  # RFC 5322, section 2.1.1
_IDS = ("message-id", "in-reply-to", "references")


class _Verbatim(UnstructuredHeader, BaseHeader):
    """A header of addresses: folded between them and never encoded, which the standard library does to long ones."""

    def fold(self, *, policy: Policy) -> str:
        lines = [f"{self.name}:"]
        for word in str(self).split(" "):
            if len(lines[-1]) + 1 + len(word) > _LINE_CHARS and lines[-1].strip() != f"{self.name}:":
                lines.append("")
            lines[-1] += f" {word}"
        return "".join(f"{line}{policy.linesep}" for line in lines)


def _policy() -> Policy:
    registry = HeaderRegistry()
    for name in (*_IDS, "list-unsubscribe", "list-unsubscribe-post", "list-id"):
        registry.map_to_type(name, _Verbatim)
    return SMTPUTF8.clone(header_factory=registry)


_POLICY = _policy()


@dataclass(frozen=True, slots=True)
class Leave:
    """How the people at an address say that they want no more."""

    # Of recipient id and address: proves where the wish comes from. Holds the key, which nothing may print.
    token: Callable[[str, str], str] = field(repr=False)
    address: str  # for those whose mail program writes a mail
    link: Callable[[str], str] | None = None  # of a token; None: nothing of ours can be reached over HTTPS

    def by_mail(self, token: str) -> str:
        """The mailto address of RFC 2369."""
        return f"mailto:{quote(self.address, safe='@')}?subject={quote(f'unsubscribe {token}')}"


def build_mail(
    message: OutgoingMessage,
    sender: str,
    *,
    leave: Leave | None = None,
    first: Alert | None = None,
) -> EmailMessage:
    """The mail, the same bytes whenever it is built; ``first`` is what the mail told that it replies to."""
    if first is not None and first.items:  # a digest that told of many is no thread about this one
        message, first = replace(message, reply_to=None), None
    alert, delivery = message.alert, message.delivery
    wording = wording_of(message.recipient.language if message.recipient else None)
    domain = sender.rpartition("@")[2]
    proof = leave.token(delivery.recipient_id, delivery.target) if leave else ""
    own_id = message_id(alert.id, delivery.recipient_id, domain, proof)
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = sender
    mail["To"] = ascii_domain(delivery.target)
    mail["Date"] = format_datetime(alert.created_at)
    mail["Message-ID"] = own_id
    if message.reply_to is not None:
        mail["In-Reply-To"] = message.reply_to
        mail["References"] = message.reply_to
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies
    mail["X-Auto-Response-Suppress"] = "OOF, AutoReply"  # what Exchange goes by instead (MS-OXCMAIL 2.1.3.2.20)
    mail["List-Id"] = f"watcher alerts <alerts.{domain}>"
    mail["X-Watcher-Alert-Id"] = alert.id
    mail["X-Watcher-Severity"] = alert.severity.label
    if alert.severity is Severity.CRITICAL:
        mail["Importance"] = "high"  # RFC 2156, registered; what Outlook and Gmail's importers read
        mail["X-Priority"] = "1"  # not registered; what Thunderbird and Apple Mail read
    link = _add_leave(mail, leave, message)
    _add_words(mail, message, wording, first, _footer(delivery.target, leave, link, wording), own_id)
    for number, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"={hashlib.blake2b(f'{own_id} {number}'.encode(), digest_size=12).hexdigest()}=")
    return mail


def message_id(alert_id: str, recipient_id: str, domain: str, proof: str = "") -> str:
    """The Message-ID, which derives from alert and recipient: a mail sent twice is one mail to mail programs.

    ``proof`` is known to nobody else: whoever can name the id of a mail can say that it came back.
    """
    about = f"{alert_id}\n{recipient_id}".encode()
    return f"<{alert_id}.{hashlib.blake2b(about, key=proof.encode(), digest_size=12).hexdigest()}@{domain}>"


def alert_id_of(reference: str) -> str:
    """The id of the alert that the mail with that Message-ID told."""
    return reference.strip("<>").partition("@")[0].partition(".")[0]


def ascii_domain(address: str) -> str:
    """The address with its domain in the form that every server understands."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return address


def _add_leave(mail: EmailMessage, leave: Leave | None, message: OutgoingMessage) -> str:
    """The link for people, or the address that they write to; empty where there is neither."""
    if leave is None:
        return ""
    token = leave.token(message.delivery.recipient_id, message.delivery.target)
    ways = [f"<{leave.by_mail(token)}>"]
    if leave.link is not None:
        ways.insert(0, f"<{leave.link(token)}>")
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    mail["List-Unsubscribe"] = ", ".join(ways)  # RFC 2369: the way that is preferred first
    return leave.link(token) if leave.link is not None else leave.by_mail(token)


def _add_words(
    mail: EmailMessage,
    message: OutgoingMessage,
    wording: Wording,
    first: Alert | None,
    footer: tuple[str, str],
    own_id: str,
) -> None:
    alert, recipient = message.alert, message.recipient
    picture = picture_id = None

    def state_name(code: str) -> str:
        return message.names.get(code, code) if wording.language == "en" else wording.state(code)

    if alert.items:
        picture = _picture(alert, recipient)
        picture_id = f"chart.{own_id.strip('<>')}" if picture is not None else None
        told = digest_parts(alert, state_name, wording, recipient, picture_id)
        subject, text = told.subject, f"{told.lead}\n\n{told.text}\n\n{wording.say('mail.alert')} {alert.id}\n"
        html = f"<p>{escape(told.lead)}</p>\n{told.html}\n<p>{escape(wording.say('mail.alert'))} {alert.id}</p>"
    else:
        subject, text, html = render_email(alert, message.names, wording)
        if first is not None:
            # The same words as the first mail's, or Gmail breaks the thread; but how grave it is now must be seen.
            known = replace(alert, headline=first.headline, changes=(EventChange.OPENED,))
            subject = render_email(known, message.names, wording)[0]
    preview = _news(alert, text)
    if recipient is not None and recipient.is_discreet:
        subject, preview = wording.say("mail.discreet_subject"), wording.say("mail.discreet_subject")
        lead = wording.say("mail.discreet_lead")
        text, html = f"{lead}\n\n{text}", f"<p>{escape(lead)}</p>\n{html}"
    if message.reply_to is not None:
        subject = f"Re: {subject}"
    subject = shorten(clean(subject), SUBJECT_CHARS, len)
    mail["Subject"] = subject
    mail.set_content(f"{text}\n{footer[0]}\n")
    mail.add_alternative(_page(subject, preview, html, footer[1], wording), subtype="html")
    if picture is not None:
        page = cast("list[EmailMessage]", mail.get_payload())[1]
        page.add_related(picture, "image", "png", cid=f"<{picture_id}>", disposition="inline", filename="alerts.png")


def _picture(alert: Alert, recipient: Recipient | None) -> bytes | None:
    bars = bars_of(alert.items, zone_of(recipient))
    return draw_bars(bars) if bars and can_draw() else None


def _news(alert: Alert, text: str) -> str:
    """What of an update a preview shows after the subject, which stays that of the first mail; else nothing."""
    if alert.kind is not AlertKind.EVENT or not alert.changes or EventChange.OPENED in alert.changes:
        return ""
    heading = text.partition("\n\n")[0].splitlines()
    return " ".join(heading[1:])


def _footer(address: str, leave: Leave | None, link: str, wording: Wording) -> tuple[str, str]:
    """The last lines in text and in HTML."""
    sent = wording.say("mail.sent_to", address=_left_to_right(address) if wording.is_right_to_left else address)
    sent_html = escape(wording.say("mail.sent_to", address="\0")).replace(
        "\0", f'<bdi dir="ltr">{escape(address)}</bdi>'
    )
    if leave is None:
        return sent, f"<p>{sent_html}</p>"
    words = wording.say("mail.leave_link" if leave.link is not None else "mail.leave_mail")
    shown = link if leave.link is not None else leave.address
    return (
        f"{sent}\n{words}\n{link}",
        f'<p>{sent_html}<br>\n{escape(words)} <a href="{escape(link)}" dir="ltr">{escape(shown)}</a></p>',
    )


def _left_to_right(text: str) -> str:
    return f"\u2066{text}\u2069"


def _page(title: str, preview: str, body: str, footer: str, wording: Wording) -> str:
    direction = "rtl" if wording.is_right_to_left else "ltr"
    hidden = (
        f'<div style="display:none;max-height:0;overflow:hidden">{escape(preview)}{_FILLER}</div>\n' if preview else ""
    )
    return (
        f'<!DOCTYPE html>\n<html lang="{wording.language}" dir="{direction}"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="supported-color-schemes" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style></head>\n"
        f'<body dir="{direction}">\n{hidden}{body}\n<hr>\n{footer}\n</body></html>\n'
    )

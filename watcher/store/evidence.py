"""The evidence of each alert, compressed; texts are kept once, by their hash, however many alerts rest on them."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from watcher.errors import StoreError
from watcher.model import Article
from watcher.store.codec import dumps, loads, storable
from watcher.store.db import Db

if TYPE_CHECKING:  # with them come the rules, which polls without news do without
    from watcher.evidence import Evidence
    from watcher.rules.schema import RuleText

_SHOWN = 12  # digits of a hash in a message


class EvidenceStore:
    """What alerts were decided from. Writes need an open transaction."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def save(self, evidence: Evidence) -> None:
        """Nothing; keeps what a stored alert was decided from, once."""
        kept: dict[str, str] = {}

        def keep(text: str, _: str) -> str:
            text = storable(text)
            digest = _hash(text)
            kept[digest] = text
            return digest

        body = dumps(_with_texts(evidence, keep))
        if not self._db.insert("evidence", {"alert_id": evidence.alert_id, "body": _compress(body)}):
            return
        for digest, text in kept.items():
            self._db.insert("evidence_texts", {"hash": digest, "body": _compress(text)})
            self._db.insert("evidence_parts", {"alert_id": evidence.alert_id, "hash": digest})

    def get(self, alert_id: str) -> Evidence | None:
        """What the alert was decided from; None: nothing was kept. Raises StoreError where it is damaged."""
        from watcher.evidence import Evidence

        body = self._db.value("SELECT body FROM evidence WHERE alert_id = ?", (alert_id,))
        if body is None:
            return None
        return _with_texts(loads(Evidence, _decompress(body, f"the evidence of {alert_id}")), self._text)

    def _text(self, digest: str, what: str) -> str:
        body = self._db.value("SELECT body FROM evidence_texts WHERE hash = ?", (digest,))
        if body is None:
            raise StoreError(f"{what} is missing from the evidence: its hash is {digest[:_SHOWN]}")
        text = _decompress(body, what)
        if (found := _hash(text)) != digest:
            raise StoreError(
                f"{what} is not what it was when the alert was decided: its hash was {digest[:_SHOWN]}, "
                f"and is {found[:_SHOWN]}"
            )
        return text


def _with_texts(evidence: Evidence, exchange: Callable[[str, str], str]) -> Evidence:
    """The evidence with ``exchange(text, what it is)`` in the place of every text."""

    def article(one: Article) -> Article:
        return replace(one, text=exchange(one.text, f"the text of article {one.id}"))

    def rule(one: RuleText) -> RuleText:
        return replace(one, text=exchange(one.text, f"the text of {one.kind} {one.name}"))

    grounds, edit, known = evidence.grounds, evidence.grounds.edit, evidence.known
    return replace(
        evidence,
        grounds=replace(
            grounds,
            article=article(grounds.article),
            edit=edit and replace(edit, old=article(edit.old)),
        ),
        known=replace(
            known,
            copies=tuple(map(article, known.copies)),
            denials=tuple((article(one), denial) for one, denial in known.denials),
        ),
        quoted=tuple(replace(one, article=article(one.article)) for one in evidence.quoted),
        rules=tuple(rule(one) for one in evidence.rules),
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _compress(text: str) -> bytes:
    return zlib.compress(text.encode())


def _decompress(body: bytes, what: str) -> str:
    try:
        return zlib.decompress(body).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise StoreError(f"{what} is damaged: {error}") from error

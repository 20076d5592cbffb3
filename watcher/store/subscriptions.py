"""What people asked for in their chats, and the invitations that let them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime

from watcher.store.codec import decode_time, dumps, encode_time, loads
from watcher.store.db import Db
from watcher.store.kept import Kept
from watcher.store.people import hash_person
from watcher.subscriptions import Subscription, SubscriptionStatus, ended

_REQUESTS = "bot.requests"  # when places asked, and until when they may not again
SOMEBODY = "somebody"  # in place of a name that its owner had forgotten


@dataclass(frozen=True, slots=True)
class Invitation:
    """A code that lets people subscribe without being asked about one by one; the code itself is not stored."""

    id: int  # 0 until it is stored
    made_by: str
    made_at: datetime
    expires_at: datetime
    uses_left: int
    rules: tuple[str, ...] = ()  # proposed to who comes with it; empty: they choose


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much of a person was deleted."""

    subscriptions: int
    acknowledgements: int
    mutes: int


class Subscriptions:
    """The tables subscriptions and invitations; writes need an open transaction."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def save(self, subscription: Subscription) -> None:
        """Nothing; the subscription is as given, whatever it was before."""
        row = {
            "id": subscription.id,
            "target": subscription.target,
            "chat": subscription.chat,
            "status": subscription.status.value,
            "changed_at": encode_time(subscription.changed_at),
            "body": dumps(subscription),
        }
        self._db.upsert("subscriptions", row, key=("id",))

    def get(self, subscription_id: str) -> Subscription | None:
        """The one with that id."""
        return self._one("SELECT body FROM subscriptions WHERE id = ?", subscription_id)

    def of_target(self, target: str) -> Subscription | None:
        """The one of the chat or topic, whatever its status."""
        return self._one("SELECT body FROM subscriptions WHERE target = ?", target)

    def of_chat(self, chat: str) -> tuple[Subscription, ...]:
        """Those of the chat and of all its topics, by target."""
        rows = self._db.rows("SELECT body FROM subscriptions WHERE chat = ? ORDER BY target", (chat,))
        return tuple(loads(Subscription, row["body"]) for row in rows)

    def all(self, status: SubscriptionStatus | None = None) -> tuple[Subscription, ...]:
        """Every one, or those of that status, by id."""
        rows = self._db.rows(
            "SELECT body FROM subscriptions WHERE ?1 IS NULL OR status = ?1 ORDER BY id", (status and status.value,)
        )
        return tuple(loads(Subscription, row["body"]) for row in rows)

    def stamp(self) -> str:
        """Another text after each change, whoever made it."""
        row = self._db.row("SELECT count(*), max(changed_at) FROM subscriptions")
        return "" if row is None else f"{row[0]} {row[1]}"

    def delete(self, subscription_id: str) -> bool:
        """Whether there was one."""
        return bool(self._db.write("DELETE FROM subscriptions WHERE id = ?", (subscription_id,)))

    def move(self, old_chat: str, new_chat: str, now: datetime) -> tuple[Subscription, ...]:
        """Those of a group that has become another, with all its topics, as they are now; their ids stay."""
        moved = []
        for one in self.of_chat(old_chat):
            if self.of_target(target := new_chat + one.target[len(old_chat) :]) is None:
                moved.append(replace(one, target=target, changed_at=now))
                self.save(moved[-1])
            else:  # people were faster and have begun anew there
                self.delete(one.id)
        return tuple(moved)

    def end_chat(self, chat: str, because: str, now: datetime) -> tuple[Subscription, ...]:
        """Those of the chat and its topics that were not over yet, and are now."""
        over = [ended(one, because, now) for one in self.of_chat(chat) if one.status is not SubscriptionStatus.ENDED]
        for one in over:
            self.save(one)
        return tuple(over)

    def withdraw(self, recipient_id: str, reason: str, now: datetime) -> int:
        """How many messages that waited for the recipient are not sent any more."""
        return self._db.write(
            "UPDATE deliveries SET state = 'dropped', last_error = ?, settled_at = ? "
            "WHERE recipient_id = ? AND state IN ('pending', 'uncertain', 'muted')",
            (reason, encode_time(now), recipient_id),
        )

    def forget(self, person: int, now: datetime) -> Forgotten:
        """How much of a person was deleted: what they subscribed to in private, and their name wherever it stands.

        What groups get stays, without the name of who asked for it. Others of the same name keep theirs.
        """
        deleted = self._db.write("DELETE FROM subscriptions WHERE chat = ?", (str(person),))
        for one in self.all():
            if one.who_id == person:
                self.save(replace(one, who=SOMEBODY, who_id=0, changed_at=now))
        values = {"nobody": SOMEBODY, "person": hash_person(self._db, person)}
        self._db.write(
            """UPDATE deliveries SET last_error = replace(last_error, 'acknowledged by ' || k.who,
                'acknowledged by ' || :nobody) FROM alerts a JOIN acknowledgements k ON k.event_id = a.event_id
            WHERE k.person = :person AND a.id = deliveries.alert_id AND deliveries.state = 'dropped'""",
            values,
        )
        acknowledgements, mutes, _ = (
            self._db.write(f"UPDATE {table} SET who = :nobody, person = NULL WHERE person = :person", values)
            for table in ("acknowledgements", "mutes", "receipts")
        )
        return Forgotten(deleted, acknowledgements, mutes)

    def note_request(self, target: str, now: datetime, until: datetime) -> None:
        """Nothing; the place has asked to be let in, and does not ask again until then.

        This outlives ``forget``, as a hash; else who has that done could ask operators without end.
        """
        requests = self._requests(now)
        key = hash_person(self._db, target)
        asked_at = requests[key][0] if key in requests else encode_time(now)
        Kept(self._db).put(_REQUESTS, json.dumps({**requests, key: [asked_at, encode_time(until)]}))

    def has_asked(self, target: str, now: datetime) -> bool:
        """Whether it may not ask again yet."""
        return hash_person(self._db, target) in self._requests(now)

    def requests_since(self, at: datetime) -> int:
        """How many places have asked since then, of those that may not ask again yet."""
        return sum(asked_at > encode_time(at) for asked_at, _ in self._requests(at).values())

    def _requests(self, now: datetime) -> dict[str, list[str]]:
        found: dict[str, list[str]] = json.loads(Kept(self._db).get(_REQUESTS) or "{}")
        return {key: times for key, times in found.items() if times[1] > encode_time(now)}

    def invite(self, invitation: Invitation, code_hash: str) -> Invitation:
        """The invitation with its id; from now on the code of that hash is good."""
        number = self._db.insert_numbered(
            "invitations",
            {
                "code_hash": code_hash,
                "made_by": invitation.made_by,
                "made_at": encode_time(invitation.made_at),
                "expires_at": encode_time(invitation.expires_at),
                "uses_left": invitation.uses_left,
                "rules": " ".join(invitation.rules),
            },
        )
        return replace(invitation, id=number or 0)

    def use_invitation(self, code_hash: str, now: datetime) -> Invitation | None:
        """The invitation, used once more; None where there is none, or it is used up or over."""
        taken = self._db.write(
            "UPDATE invitations SET uses_left = uses_left - 1 WHERE code_hash = ? AND uses_left > 0 AND expires_at > ?",
            (code_hash, encode_time(now)),
        )
        rows = self._db.rows("SELECT * FROM invitations WHERE code_hash = ?", (code_hash,)) if taken else ()
        return next((_invitation(dict(row)) for row in rows), None)

    def invitations(self, now: datetime) -> tuple[Invitation, ...]:
        """Those that can still be used, the oldest first."""
        rows = self._db.rows(
            "SELECT * FROM invitations WHERE uses_left > 0 AND expires_at > ? ORDER BY id", (encode_time(now),)
        )
        return tuple(_invitation(dict(row)) for row in rows)

    def withdraw_invitation(self, number: int) -> bool:
        """Whether it could still be used, and now cannot."""
        return bool(self._db.write("UPDATE invitations SET uses_left = 0 WHERE id = ? AND uses_left > 0", (number,)))

    def _one(self, sql: str, value: str) -> Subscription | None:
        body = self._db.value(sql, (value,))
        return None if body is None else loads(Subscription, body)


def _invitation(row: dict[str, object]) -> Invitation:
    return Invitation(
        int(str(row["id"])),
        str(row["made_by"]),
        decode_time(str(row["made_at"])),
        decode_time(str(row["expires_at"])),
        int(str(row["uses_left"])),
        tuple(str(row["rules"]).split()),
    )

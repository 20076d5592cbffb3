"""Single values that the program makes once, or moves on, and must find again: keys, places in a mailbox."""

from __future__ import annotations

import secrets

from watcher.store.db import Db

_KEY_BYTES = 32  # as long as the hash that it is used with (RFC 2104, section 3)


class Kept:
    """The table kept_values; writes need an open transaction."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def get(self, name: str) -> str | None:
        """The value; None where there is none yet."""
        found: str | None = self._db.value("SELECT value FROM kept_values WHERE name = ?", (name,))
        return found

    def put(self, name: str, value: str) -> None:
        """Nothing; the value of that name from now on."""
        self._db.upsert("kept_values", {"name": name, "value": value}, key=("name",))

    def key(self, name: str) -> bytes:
        """The secret key of that name, made at the first call; it never stands in a log or a message."""
        if (found := self.get(name)) is not None:  # then nothing is written, and no transaction needed
            return bytes.fromhex(found)
        made = secrets.token_bytes(_KEY_BYTES)
        self.put(name, made.hex())
        return made

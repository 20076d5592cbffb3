"""The schema as ordered steps; a step that has been released is never edited, a change is a new step at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations

MIGRATION_SET = "watcher"

# Times are ISO 8601 text in UTC (codec.encode_time). Bodies are JSON (codec.dumps); columns beside a body repeat what
# queries need. No STRICT tables and no RETURNING: SQLite 3.34 is still shipped by long-term distributions. The primary
# key of a table without rowid comes first: before 3.41 quick_check finds faults where there are none otherwise.
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "0001_start",
        (
            """CREATE TABLE sources (
                id TEXT PRIMARY KEY, url TEXT NOT NULL, etag TEXT, last_modified TEXT, body_hash TEXT,
                reason TEXT NOT NULL, detail TEXT NOT NULL, failures INTEGER NOT NULL,
                polled_at TEXT, ok_at TEXT, new_item_at TEXT, next_poll_at TEXT, baseline_at TEXT)""",
            """CREATE TABLE articles (
                n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, source_id TEXT NOT NULL, url TEXT, title TEXT NOT NULL,
                text TEXT NOT NULL, language TEXT NOT NULL, extraction TEXT NOT NULL, published_at TEXT,
                first_seen_at TEXT NOT NULL, publisher TEXT NOT NULL, affiliation TEXT NOT NULL, tags TEXT NOT NULL,
                status TEXT NOT NULL, reason TEXT, raw_hash TEXT, sampled INTEGER NOT NULL)""",
            "CREATE INDEX articles_by_time ON articles (first_seen_at)",
            "CREATE INDEX articles_in_quarantine ON articles (first_seen_at) WHERE status = 'quarantined'",
            """CREATE TABLE article_keys (
                digest BLOB NOT NULL, kind TEXT NOT NULL, article_n INTEGER NOT NULL REFERENCES articles (n),
                PRIMARY KEY (digest)) WITHOUT ROWID""",
            """CREATE TABLE shingles (
                hash INTEGER NOT NULL, article_n INTEGER NOT NULL,
                PRIMARY KEY (hash, article_n)) WITHOUT ROWID""",
            """CREATE TABLE events (
                id TEXT PRIMARY KEY, rule_id TEXT NOT NULL, family TEXT NOT NULL, severity INTEGER NOT NULL,
                opened_at TEXT NOT NULL, last_seen_at TEXT NOT NULL, open_until_at TEXT NOT NULL,
                body TEXT NOT NULL)""",
            "CREATE INDEX events_open ON events (open_until_at)",
            """CREATE TABLE event_reports (
                event_id TEXT NOT NULL REFERENCES events (id), position INTEGER NOT NULL, article_id TEXT NOT NULL,
                body TEXT NOT NULL, PRIMARY KEY (event_id, position)) WITHOUT ROWID""",
            "CREATE INDEX event_reports_by_article ON event_reports (article_id)",
            """CREATE TABLE signals (
                n INTEGER PRIMARY KEY, article_id TEXT NOT NULL REFERENCES articles (id), rule_id TEXT NOT NULL,
                rule_version TEXT NOT NULL, family TEXT NOT NULL, severity INTEGER NOT NULL, at TEXT NOT NULL,
                event_id TEXT REFERENCES events (id), outcome TEXT NOT NULL, body TEXT NOT NULL,
                UNIQUE (article_id, rule_id))""",
            "CREATE INDEX signals_by_rule ON signals (rule_id, at)",
            """CREATE TABLE alerts (
                n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
                event_id TEXT REFERENCES events (id), rule_id TEXT, severity INTEGER NOT NULL, headline TEXT NOT NULL,
                created_at TEXT NOT NULL, body TEXT NOT NULL)""",
            "CREATE INDEX alerts_by_event ON alerts (event_id)",
            "CREATE INDEX alerts_by_time ON alerts (created_at)",
            """CREATE TABLE deliveries (
                n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, alert_id TEXT NOT NULL REFERENCES alerts (id),
                event_id TEXT, severity INTEGER NOT NULL, recipient_id TEXT NOT NULL, channel TEXT NOT NULL,
                target TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, not_before_at TEXT NOT NULL,
                lease_until_at TEXT, last_error TEXT, reference TEXT, created_at TEXT NOT NULL, settled_at TEXT,
                is_silent INTEGER NOT NULL, UNIQUE (alert_id, recipient_id))""",
            "CREATE INDEX deliveries_pending ON deliveries (event_id, recipient_id) WHERE state = 'pending'",
            "CREATE INDEX deliveries_sending ON deliveries (channel, target) WHERE state = 'sending'",
            "CREATE INDEX deliveries_failed ON deliveries (settled_at) WHERE state = 'failed'",
            "CREATE INDEX deliveries_by_event ON deliveries (event_id, recipient_id)",
            """CREATE TABLE recipient_states (
                recipient_id TEXT NOT NULL, target TEXT NOT NULL, new_target TEXT, closed_at TEXT, closed_reason TEXT,
                PRIMARY KEY (recipient_id, target)) WITHOUT ROWID""",
            """CREATE TABLE channel_waits (
                channel TEXT NOT NULL, target TEXT NOT NULL, until_at TEXT NOT NULL,
                PRIMARY KEY (channel, target)) WITHOUT ROWID""",
            """CREATE TABLE runs (
                id INTEGER PRIMARY KEY, version TEXT NOT NULL, started_at TEXT NOT NULL, alive_at TEXT NOT NULL,
                stopped_at TEXT)""",
            """CREATE TABLE notices (
                key TEXT PRIMARY KEY, state TEXT NOT NULL, detail TEXT NOT NULL, changed_at TEXT NOT NULL)
                WITHOUT ROWID""",
        ),
    ),
    (
        "0002_rules_over_several_articles",
        (
            """CREATE TABLE rule_past (
                article_id TEXT NOT NULL REFERENCES articles (id), rule_id TEXT NOT NULL, step TEXT NOT NULL,
                at TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (article_id, rule_id, step)) WITHOUT ROWID""",
            "CREATE INDEX rule_past_by_time ON rule_past (rule_id, at)",
            "CREATE TABLE rules_watched (rule_id TEXT PRIMARY KEY, since_at TEXT NOT NULL) WITHOUT ROWID",
        ),
    ),
    (
        "0003_accepted_rule_sets",
        ("CREATE TABLE accepted_rule_sets (version TEXT PRIMARY KEY, accepted_at TEXT NOT NULL) WITHOUT ROWID",),
    ),
    (
        "0004_source_cursors",
        ("ALTER TABLE sources ADD COLUMN cursor TEXT",),
    ),
    (
        "0005_acknowledgements",
        (
            # It covers the alerts of the event up to `alert_n`: by order and not by time, so that one which was
            # decided while somebody typed is never taken as seen.
            """CREATE TABLE acknowledgements (
                n INTEGER PRIMARY KEY, event_id TEXT NOT NULL REFERENCES events (id), alert_n INTEGER NOT NULL,
                at TEXT NOT NULL, who TEXT NOT NULL, note TEXT NOT NULL)""",
            "CREATE INDEX acknowledgements_by_event ON acknowledgements (event_id, alert_n)",
        ),
    ),
    (
        "0006_schedule_and_health_of_sources",
        (
            "ALTER TABLE sources ADD COLUMN retry_at TEXT",
            "ALTER TABLE sources ADD COLUMN fresh_until_at TEXT",
            "ALTER TABLE sources ADD COLUMN asked_every REAL",
            "ALTER TABLE sources ADD COLUMN is_undated INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE sources ADD COLUMN lost_at TEXT",
            "ALTER TABLE sources ADD COLUMN baseline_items INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE sources ADD COLUMN undated_items INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE sources ADD COLUMN health TEXT NOT NULL DEFAULT 'ok'",
            "ALTER TABLE sources ADD COLUMN health_since_at TEXT",
            "ALTER TABLE sources ADD COLUMN health_streak INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE sources ADD COLUMN health_told TEXT NOT NULL DEFAULT 'ok'",
            "ALTER TABLE sources ADD COLUMN health_told_at TEXT",
            "ALTER TABLE sources ADD COLUMN health_relapses INTEGER NOT NULL DEFAULT 0",
            # What operators were told before this step; the states of notices and of sources have the same names.
            "UPDATE sources SET health_told = coalesce((SELECT state FROM notices WHERE key = 'source:' || id), 'ok')",
            "UPDATE sources SET health_told = 'silent' WHERE health_told = 'ok' "
            "AND EXISTS (SELECT 1 FROM notices WHERE key = 'silence:' || id AND state = 'silent')",
            "DELETE FROM notices WHERE substr(key, 1, 8) = 'silence:'",
        ),
    ),
    (
        "0007_revisions",
        (
            "ALTER TABLE articles ADD COLUMN listed INTEGER",
            "ALTER TABLE articles ADD COLUMN listed_words INTEGER",
            "ALTER TABLE articles ADD COLUMN read_at TEXT",
            """CREATE TABLE revisions (
                n INTEGER PRIMARY KEY, article_n INTEGER NOT NULL REFERENCES articles (n), at TEXT NOT NULL,
                title TEXT NOT NULL, text TEXT NOT NULL, raw_hash TEXT)""",
            "CREATE INDEX revisions_by_article ON revisions (article_n)",
            """CREATE TABLE page_checks (
                article_id TEXT NOT NULL REFERENCES articles (id), planned_at TEXT NOT NULL, due_at TEXT NOT NULL,
                tries INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (article_id, planned_at)) WITHOUT ROWID""",
            "CREATE INDEX page_checks_due ON page_checks (due_at)",
        ),
    ),
    (
        "0008_outages",
        # Of which operators were not told yet: they are once every source that missed a poll was read again.
        ("CREATE TABLE outages (from_at TEXT PRIMARY KEY, until_at TEXT NOT NULL) WITHOUT ROWID",),
    ),
    (
        "0009_too_old_items",
        ("ALTER TABLE sources ADD COLUMN too_old_items INTEGER NOT NULL DEFAULT 0",),
    ),
    (
        "0010_one_happening_one_event",
        (
            "ALTER TABLE articles ADD COLUMN state TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE events ADD COLUMN merged_into TEXT",
            "CREATE INDEX events_merged ON events (merged_into) WHERE merged_into IS NOT NULL",
            # By what a signal may belong to an event: its parties ('' for none), rules and families. Found by key and
            # time, so that neither closed events nor those of others cost anything.
            """CREATE TABLE event_keys (
                key TEXT NOT NULL, last_seen_at TEXT NOT NULL, event_id TEXT NOT NULL, opened_at TEXT NOT NULL,
                PRIMARY KEY (key, last_seen_at, event_id)) WITHOUT ROWID""",
            "CREATE INDEX event_keys_by_event ON event_keys (event_id)",
            "INSERT INTO event_keys SELECT DISTINCT j.value, e.last_seen_at, e.id, e.opened_at "
            "FROM events e, json_each(e.body, '$.states') j",
            "INSERT INTO event_keys SELECT 'only:' || json_extract(body, '$.states[0]'), last_seen_at, id, opened_at "
            "FROM events WHERE json_array_length(body, '$.states') = 1",
            "INSERT INTO event_keys SELECT '', last_seen_at, id, opened_at FROM events "
            "WHERE json_array_length(body, '$.states') = 0",
            "INSERT INTO event_keys SELECT DISTINCT 'rule:' || j.value, e.last_seen_at, e.id, e.opened_at "
            "FROM events e, json_each(e.body, '$.rule_ids') j",
            "INSERT INTO event_keys SELECT 'family:' || family, last_seen_at, id, opened_at FROM events",
            """CREATE TABLE event_links (
                n INTEGER PRIMARY KEY, is_together INTEGER NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL)""",
            """CREATE TABLE event_link_articles (
                article_id TEXT NOT NULL, link_n INTEGER NOT NULL REFERENCES event_links (n),
                PRIMARY KEY (article_id, link_n)) WITHOUT ROWID""",
            """CREATE TABLE denials (
                article_id TEXT NOT NULL REFERENCES articles (id), rule_id TEXT NOT NULL, at TEXT NOT NULL,
                body TEXT NOT NULL, PRIMARY KEY (article_id, rule_id)) WITHOUT ROWID""",
            "CREATE INDEX denials_by_time ON denials (rule_id, at)",
        ),
    ),
    (
        "0011_evidence",
        (
            # What an alert was decided from; bodies are zlib over JSON and over text. Texts are shared by their hash.
            """CREATE TABLE evidence (
                alert_id TEXT PRIMARY KEY REFERENCES alerts (id) ON DELETE CASCADE, body BLOB NOT NULL)""",
            "CREATE TABLE evidence_texts (hash TEXT PRIMARY KEY, body BLOB NOT NULL)",
            """CREATE TABLE evidence_parts (
                alert_id TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE, hash TEXT NOT NULL,
                PRIMARY KEY (alert_id, hash)) WITHOUT ROWID""",
            "CREATE INDEX evidence_parts_by_text ON evidence_parts (hash)",
        ),
    ),
    (
        "0012_storms_and_mutes",
        (
            "ALTER TABLE deliveries ADD COLUMN held_at TEXT",  # when it was first over its recipient's budget
            "ALTER TABLE deliveries ADD COLUMN silenced_by TEXT",
            "ALTER TABLE deliveries ADD COLUMN folded_into TEXT",
            "CREATE INDEX deliveries_muted ON deliveries (silenced_by) WHERE state = 'muted'",
            "CREATE INDEX deliveries_folded ON deliveries (folded_into) WHERE state = 'folded'",
            "CREATE INDEX deliveries_by_recipient ON deliveries (recipient_id, settled_at)",
            """CREATE TABLE mutes (
                id INTEGER PRIMARY KEY, event_id TEXT, rule TEXT, state TEXT, source_id TEXT, recipient_id TEXT,
                also_critical INTEGER NOT NULL, reason TEXT NOT NULL, who TEXT NOT NULL, made_at TEXT NOT NULL,
                until_at TEXT NOT NULL, ended_at TEXT)""",
            "CREATE INDEX mutes_by_end ON mutes (until_at)",
        ),
    ),
    (
        "0013_sound_rule_sets",
        ("CREATE TABLE sound_rule_sets (fingerprint TEXT PRIMARY KEY) WITHOUT ROWID",),
    ),
    (
        "0014_retention",
        (
            # By what the walk through what is too old goes, over nothing that was pruned already.
            "CREATE INDEX articles_with_hashes ON articles (first_seen_at) WHERE sampled > 0",
            "CREATE INDEX articles_with_text ON articles (first_seen_at) WHERE text != ''",
            "CREATE INDEX revisions_by_time ON revisions (at)",
            "CREATE INDEX deliveries_by_time ON deliveries (created_at)",
            "CREATE INDEX signals_without_event ON signals (at) WHERE event_id IS NULL",
            "CREATE INDEX signals_by_event ON signals (event_id)",
        ),
    ),
    (
        "0015_latest_events",
        ("CREATE INDEX events_by_last_report ON events (last_seen_at DESC, id)",),
    ),
    (
        "0016_subscriptions",
        (
            """CREATE TABLE subscriptions (
                id TEXT PRIMARY KEY, target TEXT NOT NULL UNIQUE, chat TEXT NOT NULL, status TEXT NOT NULL,
                changed_at TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID""",
            "CREATE INDEX subscriptions_by_chat ON subscriptions (chat)",
            """CREATE TABLE invitations (
                id INTEGER PRIMARY KEY, code_hash TEXT NOT NULL UNIQUE, made_by TEXT NOT NULL, made_at TEXT NOT NULL,
                expires_at TEXT NOT NULL, uses_left INTEGER NOT NULL, rules TEXT NOT NULL)""",
        ),
    ),
    (
        "0017_feedback",
        (
            # Who said it stands here by a keyed hash of their id.
            "CREATE TABLE feedback_key (key BLOB NOT NULL)",
            "INSERT INTO feedback_key VALUES (randomblob(32))",
            """CREATE TABLE feedback (
                alert_id TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE, person TEXT NOT NULL, event_id TEXT,
                rules TEXT NOT NULL, verdict TEXT NOT NULL, at TEXT NOT NULL,
                PRIMARY KEY (alert_id, person)) WITHOUT ROWID""",
            "CREATE INDEX feedback_by_person ON feedback (person)",
            # Who said first, in each place, that an exercise arrived.
            """CREATE TABLE receipts (
                alert_id TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE, target TEXT NOT NULL,
                who TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (alert_id, target)) WITHOUT ROWID""",
            "CREATE INDEX deliveries_told ON deliveries (target) WHERE state IN ('delivered', 'uncertain')",
            # A mute that holds until its event takes no more reports, however long that is.
            "ALTER TABLE mutes ADD COLUMN to_the_end INTEGER NOT NULL DEFAULT 0",
        ),
    ),
    (
        "0018_uncertain_and_edits",
        (
            "ALTER TABLE deliveries ADD COLUMN uncertain_at TEXT",  # when it was sent first without an answer
            # Where limits and waits hold: of a topic in a Telegram forum, the forum.
            "ALTER TABLE deliveries ADD COLUMN chat TEXT AS (CASE channel WHEN 'telegram' "
            "THEN substr(target, 1, instr(target || '/', '/') - 1) ELSE target END) VIRTUAL",
            "DROP INDEX deliveries_pending",
            "CREATE INDEX deliveries_waiting ON deliveries (event_id, recipient_id) "
            "WHERE state IN ('pending', 'uncertain')",
            # One for each first message of an event: what its headline shall say since the latest update arrived.
            """CREATE TABLE headline_edits (
                delivery_id TEXT PRIMARY KEY REFERENCES deliveries (id) ON DELETE CASCADE,
                channel TEXT NOT NULL, alert_id TEXT NOT NULL, alert_n INTEGER NOT NULL,
                state TEXT NOT NULL, attempts INTEGER NOT NULL, not_before_at TEXT NOT NULL, last_error TEXT)""",
            "CREATE INDEX headline_edits_pending ON headline_edits (channel) WHERE state = 'pending'",
        ),
    ),
    (
        "0019_held_together",
        (
            # Why it waits until `not_before_at` (quiet, digest, budget), and when it would be due if nothing held it.
            "ALTER TABLE deliveries ADD COLUMN held_for TEXT",
            "ALTER TABLE deliveries ADD COLUMN wanted_at TEXT",
            "CREATE INDEX deliveries_held ON deliveries (channel, not_before_at) "
            "WHERE held_for IS NOT NULL AND state = 'pending' AND attempts = 0",
        ),
    ),
    (
        "0020_drills",
        (
            """CREATE TABLE drills (
                alert_id TEXT PRIMARY KEY, started_at TEXT NOT NULL, recipients TEXT NOT NULL, ended_at TEXT,
                missed TEXT NOT NULL DEFAULT '[]')""",
        ),
    ),
    (
        "0021_kept_values",
        ("CREATE TABLE kept_values (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",),
    ),
    (
        "0022_whose_names",
        (
            # Whose name stands there, as a keyed hash: people call themselves anything, and forget only their own.
            "ALTER TABLE acknowledgements ADD COLUMN person TEXT",
            "ALTER TABLE mutes ADD COLUMN person TEXT",
            "ALTER TABLE receipts ADD COLUMN person TEXT",
        ),
    ),
)


def migrations() -> Migrations:
    """Every step in order, for sqlite-utils to apply each in a transaction of its own and to write it down."""
    from sqlite_utils import Migrations

    every = Migrations(MIGRATION_SET)
    for name, statements in STEPS:
        every(name=name)(_Step(name, statements))
    return every


class _Step:
    def __init__(self, name: str, statements: tuple[str, ...]) -> None:
        self.__name__ = name
        self._statements = statements

    def __call__(self, db: Database, /) -> None:
        for statement in self._statements:
            db.execute(statement)

"""The store on real files: what it keeps, what it refuses, and what it says when the disk does not play along."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.builders import NOW, alert, article, delivery, event, match, recipient, report, signal
from watcher.errors import StoreError
from watcher.model import (
    Alert,
    AlertKind,
    Bookmark,
    Channel,
    Cue,
    DeliveryState,
    FetchReason,
    Field,
    Health,
    QuietHours,
    Severity,
    Signal,
    SourceState,
    Span,
    Toll,
)
from watcher.store import Store
from watcher.store.articles import (
    ArticleKeys,
    ArticleStatus,
    Candidate,
    KnownItem,
    Listing,
    PageCheck,
    Revision,
)
from watcher.store.codec import decode_time, dumps, encode_time, loads, storable
from watcher.store.journal import Outage
from watcher.store.migrations import STEPS

SHORT = timedelta(milliseconds=50)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "watcher.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path, exclusive=True, busy_timeout=SHORT) as opened:
        yield opened


KEYS = ArticleKeys("courier", url="https://courier.example/1", guid="tag:1", fingerprint="f1")


@pytest.mark.parametrize(
    "value",
    [
        alert(),
        event(),
        signal(matches=(match("killed", "were killed", cue=Cue("were", Span(Field.TEXT, 0, 4)), toll=Toll(1, 2)),)),
        recipient(quiet_hours=QuietHours(time(22, 0), time(7, 30), "Asia/Yerevan")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_survive_the_codec(value: Any) -> None:
    text = dumps(value)
    assert loads(type(value), text) == value
    assert dumps(loads(type(value), text)) == text


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        (Toll, "{", "a stored Toll is not readable: Expecting property name"),
        (Toll, "[]", "Toll: expected dict, found list"),
        (Toll, "{}", "Toll: at_least is missing"),
        (Toll, '{"at_least": 1, "more": 2}', "Toll: unknown key more"),
        (Toll, '{"at_least": "1"}', "Toll.at_least: expected int, found str"),
        (Toll, '{"at_least": true}', "Toll.at_least: expected int, found bool"),
        (Toll, '{"at_least": 1, "vague": 1}', "Toll.vague: expected bool, found int"),
        (Signal, dumps(signal()).replace('"critical"', '"loud"'), "'loud' is no Severity"),
        (Alert, dumps(alert()).replace('"full"', '"half"'), "'half' is not a valid Extraction"),
        (Alert, dumps(alert()).replace("[8,28]", "[8]"), "expected 2 items, found 1"),
        (Alert, dumps(alert()).replace(encode_time(NOW), "yesterday"), "a stored time is not readable: 'yesterday'"),
        (Alert, dumps(alert()).replace("+00:00", ""), "a stored time has no zone"),
    ],
)
def test_damaged_values_are_errors(kind: type, text: str, sentence: str) -> None:
    with pytest.raises(StoreError, match=sentence.replace("[", r"\[")):
        loads(kind, text)


def test_a_field_that_is_newer_than_the_row_gets_its_default() -> None:
    assert loads(Toll, '{"at_least": 3}') == Toll(3)


@dataclass(frozen=True)
class Odd:
    value: int | str


def test_what_has_no_json_form_is_a_programming_error() -> None:
    with pytest.raises(TypeError, match="set has no JSON form"):
        dumps({1})
    with pytest.raises(TypeError, match=r"only `X | None`"):
        loads(Odd, '{"value": 1}')
    with pytest.raises(TypeError, match="has no JSON form"):
        loads(Holder, '{"value": 1}')


@dataclass(frozen=True)
class Holder:
    value: bytes


def test_times() -> None:
    assert decode_time(encode_time(NOW)) == NOW
    assert encode_time(NOW) < encode_time(NOW + timedelta(microseconds=1)) < encode_time(NOW + timedelta(days=400))
    with pytest.raises(ValueError, match="without a zone"):
        encode_time(datetime(2022, 1, 1))  # noqa: DTZ001 - that is the case


def test_lone_surrogates_are_replaced_one_for_one() -> None:
    assert storable("a\ud800ж") == "a?ж"


def test_what_is_committed_is_there_after_reopening(path: Path) -> None:
    with Store.open(path, exclusive=True) as store, store.transaction():
        store.articles.insert(article(), KEYS, raw_hash="abc")
    with Store.open(path, exclusive=False) as store:
        stored = store.articles.get_stored("article-1")
    assert stored is not None
    assert stored.article == article()
    assert (stored.status, stored.reason, stored.raw_hash) == (ArticleStatus.EVALUATED, None, "abc")


def test_only_its_owner_can_read_the_file(store: Store, path: Path) -> None:
    with store.transaction():
        store.journal.start_run(NOW, "1")
    for name in ("watcher.db", "watcher.db-wal", "watcher.db.lock"):
        assert stat.S_IMODE(path.with_name(name).stat().st_mode) == 0o600


def test_a_second_daemon_is_told_who_is_there(store: Store, path: Path, tmp_path: Path) -> None:
    other_name = tmp_path / "link.db"
    other_name.symlink_to(path)
    for name in (path, other_name):
        with pytest.raises(StoreError, match=rf"another watcher \(process {os.getpid()}\) is running on .*watcher\.db"):
            Store.open(name, exclusive=True)
    store.close()
    store.close()
    Store.open(path, exclusive=True).close()


def test_a_killed_daemon_leaves_no_lock(path: Path) -> None:
    code = f"""
        import os, signal
        from pathlib import Path
        from watcher.store import Store
        store = Store.open(Path({str(path)!r}), exclusive=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False).returncode == -9
    Store.open(path, exclusive=True).close()


def test_commands_read_and_write_beside_the_daemon(store: Store, path: Path) -> None:
    with store.transaction():
        store.events.save_alert(alert())
        store.outbox.add([delivery(state=DeliveryState.FAILED)])
    with Store.open(path, exclusive=False) as command:
        assert command.counts(NOW).deliveries == {DeliveryState.FAILED: 1}
        with command.transaction():
            assert command.outbox.requeue("delivery-1", NOW)
    assert store.counts(NOW).deliveries == {DeliveryState.PENDING: 1}


def test_a_command_does_not_create_a_store(path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no store at .* yet"):
        Store.open(path, exclusive=False)
    assert not path.exists()


def test_a_newer_store_is_refused(path: Path) -> None:
    Store.open(path, exclusive=True).close()
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('watcher', '9999_future')")
    connection.close()
    for exclusive in (True, False):
        with pytest.raises(StoreError, match=r"written by a newer version of this program .it has 9999_future."):
            Store.open(path, exclusive=exclusive)


def test_an_older_store_waits_for_the_daemon(path: Path) -> None:
    sqlite3.connect(path).close()
    with pytest.raises(StoreError, match="start the daemon once"):
        Store.open(path, exclusive=False)


def test_steps_are_numbered_in_order() -> None:
    assert [int(name[:4]) for name, _ in STEPS] == list(range(1, len(STEPS) + 1))


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_bytes(b"no database at all, " * 100)
    with pytest.raises(StoreError, match="the file is not a database of this program"):
        Store.open(path, exclusive=True)
    with pytest.raises(StoreError, match="the file is not a database of this program"):
        Store.open(path, exclusive=False)


def test_a_damaged_file(path: Path) -> None:
    with Store.open(path, exclusive=True) as store, store.transaction():
        for n in range(200):
            store.articles.insert(article(id=f"a{n}", text="word " * 400), replace(KEYS, url=f"u{n}", guid=None))
    size = path.stat().st_size
    with path.open("r+b") as file:
        for offset in range(8192, size, 4096):
            file.seek(offset)
            file.write(b"\xff" * 2048)
    with pytest.raises(StoreError, match="the file is damaged"):
        read_everything(path)


def read_everything(path: Path) -> None:
    with Store.open(path, exclusive=True) as store:
        store.counts(NOW)
        list(store.articles.since(NOW))


def test_a_sound_file_has_no_damage(store: Store) -> None:
    assert store.damage() == ()


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"not a directory|file exists"):
        Store.open(tmp_path / "file" / "watcher.db", exclusive=True)


def test_the_store_in_memory_needs_no_file() -> None:
    with Store.open(None, exclusive=False) as store:
        assert store.counts(NOW).articles == 0


def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction():
        store.articles.insert(article(), KEYS)
        _ = 1 / 0
    assert store.articles.get("article-1") is None
    with store.transaction():
        store.articles.insert(article(), KEYS)
    assert store.articles.get("article-1") == article()


def test_nesting_and_writing_outside_are_programming_errors(store: Store) -> None:
    with pytest.raises(RuntimeError, match="open already"), store.transaction(), store.transaction():
        pass
    with pytest.raises(RuntimeError, match="needs an open transaction"):
        store.articles.insert(article(), KEYS)


def test_errors_of_the_caller_keep_their_names(store: Store) -> None:
    with pytest.raises(FileNotFoundError), store.transaction():
        raise FileNotFoundError


WRITES: dict[str, Callable[[Store], object]] = {
    "insert": lambda s: s.articles.insert(article(), KEYS),
    "add_keys": lambda s: s.articles.add_keys("known", KEYS),
    "set_status": lambda s: s.articles.set_status("known", ArticleStatus.QUARANTINED, "why"),
    "save_source_state": lambda s: s.articles.save_source_state(SourceState("courier", "https://courier.example/")),
    "set_listing": lambda s: s.articles.set_listing("known", Listing(1, 2)),
    "revise": lambda s: s.articles.revise(article(), at=NOW, raw_hash=None, sampled=[]),
    "add_aliases": lambda s: s.articles.add_aliases("known", ["u"]),
    "watch_page": lambda s: s.articles.watch_page("known", [NOW]),
    "put_off_page": lambda s: s.articles.put_off_page(PageCheck("known", NOW, 0), NOW),
    "settle_page": lambda s: s.articles.settle_page(PageCheck("known", NOW, 0)),
    "revise_signal": lambda s: s.events.revise_signal(signal()),
    "add_outage": lambda s: s.journal.add_outage(Outage(NOW, NOW)),
    "settle_outage": lambda s: s.journal.settle_outage(Outage(NOW, NOW)),
    "save": lambda s: s.events.save(event()),
    "save_signal": lambda s: s.events.save_signal(signal(), at=NOW, event_id=None, outcome="draft"),
    "save_alert": lambda s: s.events.save_alert(alert()),
    "add": lambda s: s.outbox.add([delivery()]),
    "claim_due": lambda s: s.outbox.claim_due(NOW, limit=1, lease=timedelta(minutes=2)),
    "settle_delivered": lambda s: s.outbox.settle_delivered(delivery(), reference="1", now=NOW),
    "settle_retry": lambda s: s.outbox.settle_retry(delivery(), not_before=NOW, reason="why"),
    "settle_failed": lambda s: s.outbox.settle_failed(delivery(), reason="why", now=NOW),
    "hold_back": lambda s: s.outbox.hold_back(Channel.TELEGRAM, None, NOW),
    "move_recipient": lambda s: s.outbox.move_recipient("desk", "-1", "-2"),
    "retarget": lambda s: s.outbox.retarget("desk", Channel.TELEGRAM, "-1"),
    "close_recipient": lambda s: s.outbox.close_recipient("desk", "-1", reason="why", now=NOW),
    "reopen_recipient": lambda s: s.outbox.reopen_recipient("desk"),
    "requeue": lambda s: s.outbox.requeue("delivery-1", NOW),
    "drop": lambda s: s.outbox.drop("delivery-1", reason="why", now=NOW),
    "start_run": lambda s: s.journal.start_run(NOW, "1"),
    "mark_alive": lambda s: s.journal.mark_alive(1, NOW),
    "stop_run": lambda s: s.journal.stop_run(1, NOW),
    "change_notice": lambda s: s.journal.change_notice("k", "s", "d", NOW),
    "clear_notice": lambda s: s.journal.clear_notice("k"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_locked_store_says_so(store: Store, path: Path, write: Callable[[Store], object]) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another program is writing to it"), store.transaction():
        write(store)
    other.execute("ROLLBACK")
    other.close()
    with store.transaction():
        store.journal.start_run(NOW, "1")


def test_a_full_disk_says_so_and_loses_nothing_older(store: Store) -> None:
    with store.transaction():
        store.articles.insert(article(id="before"), KEYS)
    pages = store._db.value("PRAGMA page_count")
    store._db.row(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="the disk is full"), store.transaction():
        store.articles.insert(article(text="x" * 100_000), replace(KEYS, url="u2"))
    store._db.row("PRAGMA max_page_count = 1000000")
    assert store.articles.get("article-1") is None
    assert store.articles.get("before") is not None
    with store.transaction():
        store.articles.insert(article(text="x" * 100_000), replace(KEYS, url="u2"))
    assert store.damage() == ()


def test_a_row_that_contradicts_the_others(store: Store) -> None:
    with pytest.raises(StoreError, match="a row contradicts what is stored"), store.transaction():
        store.events.save_signal(signal(article_id="nowhere"), at=NOW, event_id=None, outcome="opened")


def test_a_killed_writer_leaves_the_last_commit(path: Path) -> None:
    code = f"""
        import os, signal
        from pathlib import Path
        from tests.builders import article
        from watcher.store import Store
        from watcher.store.articles import ArticleKeys
        store = Store.open(Path({str(path)!r}), exclusive=True)
        with store.transaction():
            store.articles.insert(article(id="committed"), ArticleKeys("courier", url="u1"))
        with store.transaction():
            store.articles.insert(article(id="open"), ArticleKeys("courier", url="u2"))
            os.kill(os.getpid(), signal.SIGKILL)
    """
    checkout = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False, cwd=checkout)
    assert done.returncode == -9
    with Store.open(path, exclusive=True) as store:
        assert [stored.article.id for stored in store.articles.since(NOW)] == ["committed"]
        assert store.damage() == ()


def known_as(store: Store, keys: ArticleKeys) -> str | None:
    (item,) = store.articles.recognise([keys])
    return None if item is None else item.article_id


@pytest.mark.parametrize(
    ("keys", "is_known"),
    [
        (KEYS, True),
        (ArticleKeys("other", url=KEYS.url), True),
        (ArticleKeys("courier", guid="tag:1"), True),
        (ArticleKeys("other", guid="tag:1"), False),
        (ArticleKeys("courier", fingerprint="f1"), True),
        (ArticleKeys("other", fingerprint="f1"), False),
        (ArticleKeys("courier", url="tag:1", guid="f1"), False),
        (ArticleKeys("courier"), False),
    ],
)
def test_an_item_is_known_by_each_of_its_keys(store: Store, keys: ArticleKeys, is_known: bool) -> None:
    with store.transaction():
        store.articles.insert(article(), KEYS)
    assert known_as(store, keys) == ("article-1" if is_known else None)


def test_the_strongest_key_counts_where_they_disagree(store: Store) -> None:
    with store.transaction():
        store.articles.insert(article(), KEYS)
        store.articles.insert(article(id="article-2"), ArticleKeys("courier", url="u2", guid="tag:1"))
    assert known_as(store, ArticleKeys("courier", url="u2", guid="tag:1")) == "article-2"


def test_what_is_known_of_an_item(store: Store) -> None:
    listing, later = Listing(-(2**63), 2**63 - 1), NOW + timedelta(hours=1)
    with store.transaction():
        store.articles.insert(article(), KEYS)
    known = KnownItem(
        "article-1", "courier", "en", ArticleStatus.EVALUATED, article().published_at, NOW, None, NOW, True
    )
    assert store.articles.recognise([KEYS]) == [known]
    assert store.articles.recognise([ArticleKeys("other", url=KEYS.url)]) == [replace(known, by_guid=False)]
    with store.transaction():
        store.articles.set_listing("article-1", listing)
    assert store.articles.recognise([KEYS]) == [replace(known, listed=listing)]
    with store.transaction():
        store.articles.set_listing("article-1", Listing(1, None), read_at=later)
        store.articles.set_listing("article-1", listing)
    assert store.articles.recognise([KEYS]) == [replace(known, listed=listing, read_at=later)]


def test_an_article_is_inserted_once_and_learns_new_keys(store: Store) -> None:
    with store.transaction():
        assert store.articles.insert(article(), KEYS)
        assert not store.articles.insert(article(title="Changed"), replace(KEYS, guid="g" * 100_000))
        store.articles.add_keys("article-1", ArticleKeys("courier", guid="third"))
    assert store.articles.get("article-1") == article()
    assert known_as(store, ArticleKeys("courier", guid="g" * 100_000)) == "article-1"
    assert known_as(store, ArticleKeys("courier", guid="third")) == "article-1"


def test_other_addresses_find_an_article_and_prove_nothing(store: Store) -> None:
    with store.transaction():
        store.articles.insert(article(), KEYS)
        store.articles.insert(article(id="article-2"), ArticleKeys("courier", url="u2"))
        store.articles.add_aliases("article-2", ["moved", "all"])
        store.articles.add_aliases("article-1", ["all"])  # stays with the first
    assert store.articles.by_address([]) == ()
    assert store.articles.by_address(["moved"]) == store.articles.by_address(["all"]) == ("article-2",)
    assert set(store.articles.by_address([str(KEYS.url), "all"])) == {"article-1", "article-2"}
    assert known_as(store, ArticleKeys("courier", url="moved")) is None


def test_the_latest_edits_are_kept_and_copies_find_the_text_of_today(store: Store) -> None:
    with store.transaction():
        store.articles.insert(article(), KEYS, status=ArticleStatus.BASELINE, sampled=[1, 2])
        for n in range(15):
            edited = article(title=f"Title {n}", text=f"Text {n}")
            store.articles.revise(edited, at=NOW + timedelta(minutes=n), raw_hash=str(n), sampled=[n + 5])
    stored = store.articles.get_stored("article-1")
    assert stored is not None
    assert (stored.article, stored.status, stored.raw_hash) == (edited, ArticleStatus.EVALUATED, "14")
    revisions = store.articles.revisions("article-1")
    assert [one.text for one in revisions] == [f"Text {n}" for n in range(4, 14)]
    assert revisions[-1] == Revision(NOW + timedelta(minutes=14), "Title 13", "Text 13")
    assert store.articles.candidates([1, 2, 18], NOW) == ()
    assert store.articles.candidates([19], NOW) == (Candidate("article-1", 1, 1),)


def test_pages_to_read_again(store: Store) -> None:
    hours = [NOW + timedelta(hours=n) for n in (1, 6, 24)]
    with store.transaction():
        for name in ("article-1", "article-2"):
            store.articles.insert(article(id=name), ArticleKeys("courier", url=name))
        store.articles.watch_page("article-1", hours)
        store.articles.watch_page("article-2", hours)
        store.articles.watch_page("article-1", hours)  # once
    assert store.articles.due_pages(NOW, 9) == ()
    assert store.articles.due_pages(hours[0], 1) == (PageCheck("article-1", hours[0], 0),)
    first, second = store.articles.due_pages(hours[1], 9)
    assert (first, second) == (PageCheck("article-1", hours[1], 0), PageCheck("article-2", hours[1], 0))
    with store.transaction():
        store.articles.settle_page(first)  # the one of before with it
        store.articles.put_off_page(second, hours[1] + timedelta(minutes=30))
    assert store.articles.due_pages(hours[1], 9) == ()
    assert store.articles.due_pages(hours[1] + timedelta(minutes=30), 9) == (replace(second, tries=1),)
    assert [one.article_id for one in store.articles.due_pages(hours[2], 9)] == ["article-2", "article-1"]


def test_the_signal_of_an_edited_article(store: Store) -> None:
    edited = signal(killed=Toll(49), severity=Severity.WATCH)
    with store.transaction():
        store.articles.insert(article(), KEYS)
        assert not store.events.revise_signal(signal())
        store.events.save_signal(signal(), at=NOW, event_id=None, outcome="opened")
        assert store.events.revise_signal(edited)
    (stored,) = store.events.signals_of("article-1")
    assert (stored.signal, stored.outcome, stored.at) == (edited, "opened", NOW)
    with store.transaction():
        store.events.revise_signal(edited, outcome="withdrawn")
    assert store.events.signals_of("article-1")[0].outcome == "withdrawn"


def test_outages_wait_until_they_are_told(store: Store) -> None:
    one, other = (Outage(NOW + timedelta(hours=n), NOW + timedelta(hours=n, minutes=20)) for n in (5, 1))
    with store.transaction():
        for outage in (one, other, one):
            store.journal.add_outage(outage)
    assert store.journal.outages() == (other, one)
    with store.transaction():
        store.journal.settle_outage(other)
    assert store.journal.outages() == (one,)


def test_what_operators_were_told_of_sources_outlives_the_older_schema(path: Path) -> None:
    old = sqlite3.connect(path)
    with old:
        for _, statements in STEPS[:5]:
            for statement in statements:
                old.execute(statement)
        old.execute("CREATE TABLE _sqlite_migrations (migration_set TEXT, name TEXT, applied_at TEXT)")
        old.executemany("INSERT INTO _sqlite_migrations VALUES ('watcher', ?, '')", [(name,) for name, _ in STEPS[:5]])
        for name in ("bad", "good", "silent", "never"):
            old.execute("INSERT INTO sources (id, url, reason, detail, failures) VALUES (?, 'u', 'ok', '', 0)", (name,))
        old.executemany(
            "INSERT INTO notices VALUES (?, ?, '', '')",
            [("source:bad", "blocked"), ("source:good", "ok"), ("silence:silent", "silent"), ("silence:good", "ok")],
        )
    old.close()
    with Store.open(path, exclusive=True) as store:
        told = {state.source_id: state.health.told.value for state in store.articles.source_states()}
    assert told == {"bad": "blocked", "good": "ok", "silent": "silent", "never": "ok"}


def test_keys_need_their_article(store: Store) -> None:
    with pytest.raises(KeyError), store.transaction():
        store.articles.add_keys("nowhere", KEYS)


def test_text_that_sqlite_cannot_hold_is_made_to_fit(store: Store) -> None:
    with store.transaction():
        store.articles.insert(
            article(title="a\ud800b", text="\x00c\udfff"), replace(KEYS, url="u\ud800"), reason="\ud800"
        )
    stored = store.articles.get("article-1")
    assert stored is not None
    assert (stored.title, stored.text) == ("a?b", "\x00c?")


def test_status_and_reason(store: Store) -> None:
    with store.transaction():
        store.articles.insert(article(), KEYS, status=ArticleStatus.QUARANTINED, reason="too deep")
    assert store.counts(NOW).quarantined == 1
    assert [s.reason for s in store.articles.since(NOW, ArticleStatus.QUARANTINED)] == ["too deep"]
    with store.transaction():
        store.articles.set_status("article-1", ArticleStatus.EVALUATED)
    assert list(store.articles.since(NOW, ArticleStatus.QUARANTINED)) == []


def test_since_reads_every_page_in_order(store: Store) -> None:
    with store.transaction():
        for n in range(450):
            at = NOW + timedelta(minutes=n)
            store.articles.insert(article(id=f"a{n}", first_seen_at=at), ArticleKeys("courier", url=f"u{n}"))
    ids = [stored.article.id for stored in store.articles.since(NOW + timedelta(minutes=10))]
    assert ids == [f"a{n}" for n in range(10, 450)]


def test_candidates_share_the_most_hashes(store: Store) -> None:
    old = NOW - timedelta(days=8)
    with store.transaction():
        store.articles.insert(article(id="old", first_seen_at=old), ArticleKeys("a"), sampled=range(100))
        store.articles.insert(article(id="some"), ArticleKeys("a"), sampled=[1, 2, -(2**63)])
        store.articles.insert(article(id="most"), ArticleKeys("a"), sampled=range(1, 2000, 2))
        store.articles.insert(article(id="none"), ArticleKeys("a"), sampled=[5000])
    found = store.articles.candidates(range(1200), NOW - timedelta(days=7))
    assert found == (Candidate("most", 600, 1000), Candidate("some", 2, 3))
    assert store.articles.candidates([-(2**63)], old) == (Candidate("some", 1, 3),)
    assert store.articles.candidates([1], NOW + timedelta(days=1)) == ()
    assert store.articles.candidates([], old) == ()


def test_source_states(store: Store) -> None:
    url = "https://courier.example/feed"
    assert store.articles.source_state("courier", url) == SourceState("courier", url)
    health = Health(FetchReason.TIMEOUT, NOW, 2, FetchReason.SILENT, NOW, 1)
    state = SourceState(
        "courier",
        url,
        Bookmark('"1"', cursor="7"),
        failures=2,
        polled_at=NOW,
        baseline_at=NOW,
        detail="d\ud800",
        retry_at=NOW + timedelta(hours=1),
        fresh_until_at=NOW,
        asked_every=timedelta(minutes=1.5),
        is_undated=True,
        lost_at=NOW,
        baseline_items=3,
        undated_items=2,
        too_old_items=4,
        health=health,
    )
    with store.transaction():
        store.articles.save_source_state(replace(state, failures=1))
        store.articles.save_source_state(state)
    assert store.articles.source_state("courier", url) == replace(state, detail="d?")
    assert store.articles.source_states() == (replace(state, detail="d?"),)
    moved = store.articles.source_state("courier", url + "2")
    assert moved == SourceState(
        "courier", url + "2", baseline_at=NOW, baseline_items=3, undated_items=2, too_old_items=4, health=health
    )


def test_noted_states_count_at_once_and_are_written_later(tmp_path: Path) -> None:
    url = "https://courier.example/feed"
    first, second, third = (SourceState("courier", url, polled_at=NOW + timedelta(minutes=n)) for n in range(3))
    with (
        Store.open(tmp_path / "a.db", exclusive=True) as store,
        Store.open(tmp_path / "a.db", exclusive=False) as other,
    ):
        with store.transaction():
            store.articles.save_source_state(first)
        store.articles.note_source_state(second)
        assert store.articles.source_state("courier", url) == second
        assert store.articles.source_states() == (second,)
        assert other.articles.source_states() == (first,)
        with store.transaction():
            assert store.articles.save_noted() == 1
            assert store.articles.save_noted() == 0
        assert other.articles.source_states() == (second,)
        assert store.articles.source_state("courier", url + "2").polled_at is None
        store.articles.note_source_state(first)
        with store.transaction():
            store.articles.save_source_state(third)  # what was noted before is older
            assert store.articles.save_noted() == 0
        assert store.articles.source_state("courier", url) == third
        assert other.articles.source_states() == (third,)


def test_events_are_saved_with_their_reports(store: Store) -> None:
    grown = event(reports=(report(), report(article_id="article-2", copy_of="article-1")), last_seen_at=NOW)
    with store.transaction():
        store.events.save(event())
        store.events.save(grown)
        store.events.save(event(id="event-2", rule_ids=("x", "y"), opened_at=NOW + timedelta(minutes=1)))
    assert store.events.get("event-1") == grown
    assert store.events.get("nowhere") is None
    assert [e.id for e in store.events.by_article("article-1")] == ["event-1", "event-2"]
    assert [e.id for e in store.events.by_article("article-2")] == ["event-1"]
    assert [e.id for e in store.events.open_events(NOW)] == ["event-1", "event-2"]
    assert [e.id for e in store.events.open_events(NOW, rule_ids=["y"])] == ["event-2"]
    assert [e.id for e in store.events.open_events(NOW + timedelta(hours=24))] == ["event-1", "event-2"]
    assert store.events.open_events(NOW + timedelta(hours=24, seconds=1)) == ()
    assert [e.id for e in store.events.recent(1)] == ["event-1"]


def test_signals_are_saved_once(store: Store) -> None:
    with store.transaction():
        store.articles.insert(article(), KEYS)
        store.events.save(event())
        assert store.events.save_signal(signal(), at=NOW, event_id="event-1", outcome="opened")
        assert not store.events.save_signal(signal(rule_version="2"), at=NOW, event_id=None, outcome="repeated")
        other = signal(rule_id="other")
        assert store.events.save_signal(other, at=NOW + timedelta(hours=1), event_id=None, outcome="draft rule")
    first, second = store.events.signals_of("article-1")
    assert (first.signal, first.event_id, first.outcome) == (signal(), "event-1", "opened")
    assert (second.signal, second.event_id) == (other, None)
    assert store.events.signals_since(NOW + timedelta(minutes=1)) == (second,)
    assert store.events.signals_since(NOW, rule_ids=["other"]) == (second,)


def test_alerts_newest_first(store: Store) -> None:
    later = alert(id="b", event_id="event-1", created_at=NOW + timedelta(hours=1))
    notice = alert(id="c", kind=AlertKind.NOTICE, rule_id=None, created_at=NOW + timedelta(hours=2))
    first = alert(id="a", event_id="event-1")
    with store.transaction():
        store.events.save(event())
        assert [store.events.save_alert(each) for each in (first, later, notice, first)] == [True, True, True, False]
    assert store.events.get_alert("a") == first
    assert store.events.get_alert("nowhere") is None
    assert [each.id for each in store.events.alerts(limit=2)] == ["c", "b"]
    assert [each.id for each in store.events.alerts(limit=9, since=NOW + timedelta(minutes=1))] == ["c", "b"]
    assert [each.id for each in store.events.alerts(limit=9, kind=AlertKind.NOTICE)] == ["c"]
    assert [each.id for each in store.events.alerts(limit=9, rule_id="csto-article-4-invoked")] == ["b", "a"]
    assert [each.id for each in store.events.alerts_of_event("event-1")] == ["a", "b"]


def test_runs(store: Store) -> None:
    with store.transaction():
        first = store.journal.start_run(NOW, "1.0")
        store.journal.mark_alive(first, NOW + timedelta(minutes=5))
        second = store.journal.start_run(NOW + timedelta(hours=1), "1.1")
        store.journal.stop_run(second, NOW + timedelta(hours=2))
    newest, before = store.journal.runs()
    assert (before.version, before.alive_at, before.stopped_at) == ("1.0", NOW + timedelta(minutes=5), None)
    assert (newest.id, newest.stopped_at) == (second, NOW + timedelta(hours=2))


def test_notices_are_news_only_when_the_state_changes(store: Store) -> None:
    with store.transaction():
        assert store.journal.change_notice("source:a", "failing", "timeout", NOW)
        assert not store.journal.change_notice("source:a", "failing", "refused", NOW + timedelta(hours=1))
        assert store.journal.change_notice("source:a", "ok", "", NOW + timedelta(hours=2))
        assert store.journal.change_notice("rule:b", "blind", "no source", NOW)
    assert [notice.key for notice in store.journal.notices()] == ["rule:b", "source:a"]
    (notice,) = store.journal.notices("source:")
    assert (notice.state, notice.changed_at) == ("ok", NOW + timedelta(hours=2))
    with store.transaction():
        assert store.journal.clear_notice("source:a")
        assert not store.journal.clear_notice("source:a")


def test_counts(store: Store) -> None:
    with store.transaction():
        store.articles.insert(article(), KEYS)
        store.events.save(event())
        store.events.save_alert(alert())
        store.outbox.add([delivery()])
    counts = store.counts(NOW)
    assert (counts.articles, counts.open_events, counts.alerts, counts.quarantined) == (1, 1, 1, 0)
    assert (counts.deliveries, counts.oldest_pending_at) == ({DeliveryState.PENDING: 1}, NOW)

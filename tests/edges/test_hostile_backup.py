"""Archives that nobody's `watcher backup` has written: they write nowhere else, and end in one sentence."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import resource
import tarfile
from collections.abc import Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from watcher.backup import MANIFEST, STORE, make_backup, restore_files, restore_store
from watcher.errors import StoreError
from watcher.store import Store

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MB = 1 << 20


def archive(path: Path, members: Mapping[str, bytes], manifest: bytes | None = None, **about: Any) -> Path:
    """A file with those members and a manifest that fits them, but for what is said about it."""
    whole = {
        "format": 1,
        "made_at": NOW.isoformat(),
        "program": "1",
        "config": "config.toml",
        "rules": ["/srv/rules"],
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in members.items()},
        "waiting": 0,
        **about,
    }
    with tarfile.open(path, "w:gz") as tar:
        for name, content in {**members, MANIFEST: manifest or json.dumps(whole).encode()}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def everything_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize(
    "name",
    [
        "files//{outside}/evil.yaml",
        "files/./{outside}/evil.yaml",
        "files/../evil.yaml",
        "/{outside}/evil.yaml",
        "elsewhere//{outside}/evil.yaml",
        "elsewhere/0/../../evil.yaml",
        "elsewhere/0//{outside}/evil.yaml",
        "elsewhere/7/evil.yaml",
        "elsewhere/x/evil.yaml",
        "elsewhere/-1/evil.yaml",
        "files/evil\nname.yaml",
        "files/\x1b[2Jevil.yaml",
        "files/\u202eevil.yaml",
        "files/",
    ],
)
def test_no_name_leads_anywhere_else(tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    made = archive(tmp_path / "made.tar.gz", {name.format(outside=str(outside)[1:]): b"rule: evil\n"})
    before = everything_below(tmp_path)
    with pytest.raises(StoreError) as refused:
        restore_files(made, tmp_path / "etc")
    assert str(refused.value).isprintable()
    assert everything_below(tmp_path) - {"etc"} == before


@pytest.mark.parametrize(
    ("manifest", "about"),
    [
        (b"[]", {}),
        (b"{}", {}),
        (b"null", {}),
        (b"[" * 100_000, {}),
        (b'{"format": 1e999}', {}),
        (b"\xff\xfe", {}),
        (None, {"files": ["files/a"]}),
        (None, {"files": {"files/a": 1}}),
        (None, {"files": None}),
        (None, {"rules": [1]}),
        (None, {"rules": "abc"}),
        (None, {"config": ["x"]}),
        (None, {"waiting": "many"}),
        (None, {"made_at": "yesterday"}),
        (None, {"made_at": 5}),
        (None, {"made_at": "2026-03-01T00:00:00"}),
        (None, {"program": "1\x1b[2J"}),
        (None, {"format": 2}),
    ],
)
@pytest.mark.parametrize("way", ["files", "store"])
def test_a_manifest_that_is_none_is_a_sentence(
    tmp_path: Path, manifest: bytes | None, about: dict[str, Any], way: str
) -> None:
    made = archive(tmp_path / "made.tar.gz", {"files/a": b"x", STORE: b"no store"}, manifest, **about)
    with pytest.raises(StoreError) as refused:
        if way == "files":
            restore_files(made, tmp_path / "etc")
        else:
            restore_store(made, tmp_path / "state" / STORE, NOW)
    assert str(refused.value).isprintable()
    assert not (tmp_path / "etc").exists()
    assert not (tmp_path / "state" / STORE).exists()


@contextmanager
def little_memory(more: int) -> Any:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_what_unpacks_to_much_needs_no_memory(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "bomb.tar.gz"
    member = tarfile.TarInfo(MANIFEST)
    member.type, member.size = kind, 512 * MB
    with gzip.open(path, "wb", compresslevel=1) as packed:
        packed.write(member.tobuf())
        for _ in range(512):
            packed.write(b"0" * MB)
    with little_memory(128 * MB), pytest.raises(StoreError, match=r"no whole backup|no backup|does not belong"):
        restore_files(path, tmp_path / "etc")


def test_what_the_disk_has_no_room_for_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = archive(tmp_path / "made.tar.gz", {STORE: b"0" * MB})
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=MB // 2))
    with pytest.raises(StoreError, match="no room"):
        restore_store(made, tmp_path / "state" / STORE, NOW)
    assert {path.name for path in (tmp_path / "state").iterdir()} <= {f"{STORE}.lock"}


def test_the_configuration_is_never_readable_by_others(tmp_path: Path) -> None:
    made = archive(tmp_path / "made.tar.gz", {"files/config.toml": b"", "files/rules/a.yaml": b"", STORE: b""})
    restore_files(made, tmp_path / "etc")
    assert (tmp_path / "etc" / "config.toml").stat().st_mode & 0o077 == 0


def test_rules_behind_a_link_are_kept_under_their_own_name(tmp_path: Path) -> None:
    etc, shared = tmp_path / "etc", tmp_path / "shared"
    (etc / "rules").mkdir(parents=True)
    shared.mkdir()
    (shared / "a.yaml").write_text("rule: a\n")
    (etc / "rules" / "a.yaml").symlink_to(shared / "a.yaml")
    (etc / "config.toml").write_text("")
    with Store.open(tmp_path / STORE, exclusive=True):
        pass
    made = make_backup(tmp_path / STORE, etc / "config.toml", [etc / "rules"], (), tmp_path / "out.tar.gz", NOW)
    restore_files(made.path, tmp_path / "back")
    assert (tmp_path / "back" / "rules" / "a.yaml").read_text() == "rule: a\n"
    assert not (tmp_path / "back" / "rules" / "a.yaml").is_symlink()

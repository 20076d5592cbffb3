"""Every command of ours in the documentation, typed as it stands in a folder with a configuration, news and a store.

docs/first-rule.md has a test of its own, which also compares what is printed. `watcher run` is run with `--once`, and
sources are a file of news instead of sites; nothing else is changed but names that the pages make up.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import re
import shlex
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.pages import PAGES, blocks_of, page_id, typed_lines, watcher_arguments
from watcher.cli import main

RULES = ("clash.yaml", "lists")  # a part of what is shipped: a second less for each command
PACT = "rule: csto-article-4\nfamily: treaty\nlook_for:\n  pact: {phrases: [invoke~ ..4 collective security treaty]}\n"
# In this process: starting others takes longer than the little work that there is.
JOBS = ["rules backtest", "rules diff", "rules nearmiss"]
CONFIG = """
[store]
path = "watcher.db"
[rules]
paths = ["rules"]
[[recipients]]
id = "terminal"
channel = "console"
operator = true
[[recipients]]
id = "caucasus-desk"
channel = "console"
states = ["AM", "AZ"]
"""
NEWS = (
    (
        "wire-1",
        "Armenian and Azerbaijani troops exchanged fire on the border; 12 soldiers were killed, officials said.",
    ),
    ("wire-2", "Armenian and Azerbaijani troops exchanged fire on the border and 14 soldiers were killed, both said."),
    ("wire-3", "Indian and Pakistani troops exchanged fire on the border; 5 soldiers were killed, officials said."),
    (
        "wire-9",
        "Ethiopian and Eritrean troops may exchange fire on the border, where soldiers were killed, officials said.",
    ),
)
RUN = [page for page in PAGES if page.name != "first-rule.md" and any(
    watcher_arguments(line) for block in blocks_of(page, "sh") for line in typed_lines(block)
)]  # fmt: skip


def run(typed: list[str]) -> tuple[int, str, str]:
    """Exit code, standard output, standard error of a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main(typed)
    code = ended.value.code
    return code if isinstance(code, int) else int(bool(code)), out.getvalue(), err.getvalue()


@contextlib.contextmanager
def inside(folder: Path, news: Path) -> Iterator[None]:
    sources = [{"id": "wire", "kind": "jsonl", "url": str(news), "catch_up": "7d"}]
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("WATCHER_")]:
            patch.delenv(name)
        patch.chdir(folder)
        patch.setenv("WATCHER_SOURCES", json.dumps(sources))
        patch.setenv("WATCHER_RULES__PATHS", json.dumps([str(folder / "rules")]))
        patch.setenv("COLUMNS", "200")
        yield


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a desk has it after some hours: alerts about two events, and three messages that may have arrived."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "rules").mkdir()
    for name in RULES:
        source = CHECKOUT / "rules" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / "rules" / name)
    (of_the_readme,) = blocks_of(CHECKOUT / "README.md", "yaml")
    (folder / "rules" / "border-deaths.yaml").write_text(of_the_readme.text, encoding="utf-8")
    (folder / "rules" / "pact.yaml").write_text(PACT, encoding="utf-8")
    shutil.copytree(folder / "rules", folder / "changed-rules")
    at = datetime.now(UTC) - timedelta(hours=1)
    lines = [
        json.dumps({"id": name, "title": "", "text": text, "published": at.isoformat(), "lang": "en", "source": name})
        for name, text in NEWS
    ]
    (folder / "news.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    shutil.copy(folder / "news.jsonl", folder / "archive.jsonl")
    (folder / "archive.jsonl.gz").write_bytes(gzip.compress((folder / "news.jsonl").read_bytes()))
    labelled = [{**json.loads(line), "rules": []} for line in lines]
    (folder / "labelled.jsonl").write_text("".join(json.dumps(line) + "\n" for line in labelled), encoding="utf-8")
    for path in (folder, folder / "etc"):
        path.mkdir(exist_ok=True)
        (path / "config.toml").write_text(CONFIG, encoding="utf-8")
    with inside(folder, folder / "news.jsonl"):
        code, out, err = run(["run", "--once"])
        assert code == 0, out + err
    shutil.copy(folder / "watcher.db", folder / "etc" / "watcher.db")
    return folder


def names_of(folder: Path) -> dict[str, list[str]]:
    """What stands in this desk's store for each kind of name that a page may make up."""
    with contextlib.closing(sqlite3.connect(folder / "watcher.db")) as store, store:
        found = {
            "event": "SELECT id FROM events ORDER BY (SELECT count(*) FROM signals WHERE event_id = events.id)",
            "article": "SELECT article_id FROM signals GROUP BY event_id, article_id ORDER BY count(*) OVER (PARTITION BY event_id) DESC",
            "delivery": "SELECT id FROM deliveries",
        }
        names = {kind: [str(row[0]) for row in store.execute(sql)] for kind, sql in found.items()}
        store.execute("UPDATE deliveries SET state = 'uncertain', uncertain_at = created_at, settled_at = NULL")
    return names


def as_typed_here(words: list[str], folder: Path, names: dict[str, list[str]], known: dict[str, str]) -> list[str]:
    """The words with the names of this folder for those that the page makes up; ``known`` are those met before."""

    def real(word: str) -> str:
        if word == "DELIVERY...":
            return names["delivery"].pop()
        kind = {16: "event", 32: "article"}.get(len(word)) if re.fullmatch("[0-9a-f]+", word) else None
        if kind is not None:
            if word not in known:
                known[word] = names[kind].pop(0)
            return known[word]
        if re.fullmatch(r"watcher-\d+T\d+Z\.tar\.gz", word):
            return str(max((folder / "backups").glob("*.tar.gz")))
        word = re.sub(r"^/etc/watcher", str(folder / "etc"), word).replace(
            "/var/backups/watcher", str(folder / "backups")
        )
        return word.replace("NEW_RULES", "changed-rules")

    return [real(word) for word in words]


@pytest.mark.parametrize("page", RUN, ids=page_id)
def test_commands_do_what_they_are_said_to_do(page: Path, desk: Path, tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    shutil.copytree(desk, folder)
    (folder / "backups").mkdir()
    names, known = names_of(folder), dict[str, str]()
    ran = 0
    with inside(folder, folder / "news.jsonl"):
        for line in (line for block in blocks_of(page, "sh") for line in typed_lines(block)):
            typed = watcher_arguments(line)
            if not typed:
                continue
            if "restore" in typed and "--files" in typed:
                shutil.rmtree(folder / "etc")  # a machine with nothing but watcher
            words = as_typed_here(shlex.split(typed), folder, names, known)
            extra = {"run": ["--once"], "drill": ["--yes"]}.get(words[0], [])
            extra += ["--jobs", "1"] if " ".join(words[:2]) in JOBS else []
            code, out, err = run([*words, *extra])
            # 1 says that something is wrong with what was looked at, unless it says that it could not look.
            assert code == 0 or (code == 1 and not re.search(r"^watcher: ", err, re.MULTILINE)), f"{line}\n{out}{err}"
            ran += 1
    assert ran

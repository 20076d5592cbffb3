"""The Debian package from installation to purge, and what it brings beside the service."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.system.conftest import TOKEN, install
from tests.system.machine import Machine

pytestmark = pytest.mark.timeout(900)


def test_installed_upgraded_removed_and_purged(bare_machine: Machine, package: Path) -> None:
    machine, etc = bare_machine, bare_machine.folder / "etc" / "watcher"
    assert "watcher check && systemctl start watcher" in install(machine, package)
    assert machine.run("systemctl", "is-enabled", "watcher").strip() == "enabled"
    assert machine.run("systemctl", "is-active", "watcher", check=False).strip() == "inactive"
    assert ": good: " in machine.run("watcher", "check")  # as it is: nobody but the journal is told
    config = etc / "config.toml"
    config.write_text(config.read_text() + "\n[log]\nlevel = 'debug'\n")
    (etc / "credentials" / "telegram_token").write_text(TOKEN)
    (etc / "rules").mkdir()
    (etc / "rules" / "own.yaml").write_text("# mine\n")

    machine.run("systemctl", "start", "watcher")
    before = machine.property("MainPID")
    install(machine, package)
    assert machine.property("ActiveState") == "active"
    assert machine.property("MainPID") != before
    assert "debug" in config.read_text()

    machine.run("dpkg", "--remove", "escalation-watcher")
    assert machine.run("systemctl", "is-active", "watcher", check=False).strip() != "active"
    assert config.exists()
    assert (machine.folder / "var/lib/private/watcher/watcher.db").exists()
    assert not (machine.folder / "usr/lib/watcher").exists()

    machine.run("dpkg", "--purge", "escalation-watcher")
    assert not config.exists()
    assert not (etc / "credentials").exists()
    assert not (machine.folder / "var/lib/private/watcher").exists()
    assert (etc / "rules" / "own.yaml").exists()  # somebody's work, and none of ours


def test_completion_and_man_page_are_where_they_are_looked_for(bare_machine: Machine, package: Path) -> None:
    install(bare_machine, package)
    complete = "source /usr/share/bash-completion/completions/watcher; COMP_WORDS=(watcher stat); COMP_CWORD=1; _watcher_completion watcher; echo ${COMPREPLY[@]}"  # fmt: skip
    assert bare_machine.run("bash", "-c", complete).split() == ["status"]
    for path in ("man/man1/watcher.1.gz", "zsh/vendor-completions/_watcher", "fish/vendor_completions.d/watcher.fish"):
        assert (bare_machine.folder / "usr/share" / path).stat().st_size > 100


def test_lintian_finds_no_error(package: Path) -> None:
    if shutil.which("lintian") is None:
        pytest.skip("lintian is not installed")
    done = subprocess.run(
        ["lintian", "--fail-on=error", "--allow-root", str(package)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout

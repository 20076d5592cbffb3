"""``watcher init``: what it writes is valid, and what was there stays as it was."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from watcher.cli import common, main
from watcher.cli.init import starter
from watcher.settings import load_settings, shipped_rules

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATCHER_CONFIG", raising=False)

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_it_writes_is_valid_and_the_rules_are_those_that_are_shipped(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("init", "a desk")
    assert (code, out.splitlines()[-1]) == (
        0,
        "Next: edit a desk/config.toml, then: watcher check --config a desk/config.toml",
    )
    folder = tmp_path / "a desk"
    assert tree(folder / "rules") == tree(shipped_rules())
    assert stat.S_IMODE((folder / "credentials").stat().st_mode) == 0o700
    code, out, _ = run("check", "--config", folder / "config.toml")
    assert code == 0
    assert out.startswith(f"{folder}/config.toml: good:")
    settings = load_settings(folder / "config.toml", {})
    assert settings.rules.paths == (folder / "rules",)
    assert settings.store.path == folder / "watcher.db"
    assert [recipient.is_operator for recipient in settings.to_recipients()] == [True]


def test_the_channels_that_it_proposes_are_valid_once_the_marks_are_off(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path)
    config = tmp_path / "config.toml"
    lines = config.read_text().splitlines()
    begin = lines.index("# [telegram]")
    taken_off = [
        line.removeprefix("# ") if index >= begin and ("[" in line or " = " in line) else line
        for index, line in enumerate(lines)
    ]
    config.write_text(
        "\n".join(line.replace("# user_agent", "user_agent").replace("# [http]", "[http]") for line in taken_off)
    )
    for name in ("telegram_token", "email_password"):
        (tmp_path / "credentials" / name).write_text("1:secret\n")
        (tmp_path / "credentials" / name).chmod(0o600)
    settings = load_settings(config, {})
    assert [recipient.id for recipient in settings.recipients] == ["terminal", "desk", "duty-officer"]
    assert settings.warnings == ()


def test_without_rules_those_that_come_with_watcher_are_used(run: Run, tmp_path: Path) -> None:
    assert run("init", tmp_path, "--no-rules")[0] == 0
    assert not (tmp_path / "rules").exists()
    assert load_settings(tmp_path / "config.toml", {}).rules.paths == (shipped_rules(),)


def test_nothing_is_ever_overwritten(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("# mine\n")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.yaml").write_text("# mine\n")
    (tmp_path / "credentials").symlink_to("elsewhere")
    code, out, _ = run("init", tmp_path)
    assert code == 0
    assert out.count("is there already, left as it is") == 3
    assert tree(tmp_path) == {"config.toml": b"# mine\n", "rules/own.yaml": b"# mine\n"}
    assert (tmp_path / "credentials").readlink() == Path("elsewhere")


def test_a_configuration_beside_rules_of_ones_own_reads_them(run: Run, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    run("init", tmp_path, "--no-rules")
    assert load_settings(tmp_path / "config.toml", {}).rules.paths == (tmp_path / "rules",)


def test_a_folder_that_cannot_be_made_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = run("init", tmp_path / "file" / "desk")
    assert (code, err) == (1, f"watcher: {tmp_path}/file/desk: not a directory\n")


def test_what_changes_does_not_belong_into_etc() -> None:
    assert 'path = "/var/lib/watcher/watcher.db"' in starter(Path("/etc/watcher"), own_rules=False)


def test_commands_find_the_configuration_of_the_service_and_rules_that_lie_here_first(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = tmp_path / "etc"
    run("init", system)
    monkeypatch.setattr(common, "SYSTEM_CONFIG", system / "config.toml")
    assert common.find_config(None) == system / "config.toml"
    assert common.find_rules(None, None) == (system / "rules",)
    (tmp_path / "rules").mkdir()
    assert common.find_rules(None, None) == (Path("rules"),)
    (tmp_path / "config.toml").write_text("")
    assert common.find_config(None) == Path("config.toml")

"""The unit of systemd: sound, locked down, and each relaxation explained. A start of it: tests/system."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

UNIT = CHECKOUT / "systemd" / "watcher.service"
MOST_EXPOSED = 1.3  # of 10, as `systemd-analyze security` counts
LOAD_CREDENTIAL_FROM_FOLDER = 250  # the first systemd that does

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def analyze(*arguments: str) -> str:
    done = subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=60, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.fixture
def version() -> int:
    found = re.search(r"systemd (\d+)", analyze("--version"))
    assert found
    return int(found[1])


def test_systemd_understands_every_line(tmp_path: Path, version: int) -> None:
    if version < LOAD_CREDENTIAL_FROM_FOLDER:
        pytest.skip(f"systemd {version} is older than the unit supports")
    text = UNIT.read_text(encoding="utf-8")
    # The program and its man page are installed elsewhere.
    text = re.sub(r"=(\+?)watcher ", rf"=\1{sys.executable} ", text)
    (tmp_path / "watcher.service").write_text(text, encoding="utf-8")
    said = analyze("verify", "--man=no", str(tmp_path / "watcher.service"))
    assert [line for line in said.splitlines() if "watcher" in line] == []


def test_it_is_locked_down_and_each_relaxation_is_explained() -> None:
    said = analyze("security", "--offline=yes", "--no-pager", str(UNIT))
    overall = re.search(r"Overall exposure level for watcher\.service: ([\d.]+)", said)
    if overall is None:
        pytest.skip(f"systemd-analyze cannot judge a file: {said.strip()[:100]}")
    assert float(overall[1]) <= MOST_EXPOSED
    comments = " ".join(line for line in UNIT.read_text(encoding="utf-8").splitlines() if line.startswith("#"))
    explained = {"DeviceAllow": "ProtectClock"}  # judged by one name, relaxed by another
    for name in re.findall(r"^✗ (\w+)=", said, re.MULTILINE):
        if name == "RestrictAddressFamilies":
            assert all(family in comments for family in ("AF_INET", "AF_INET6", "AF_UNIX"))
        else:
            assert f"{explained.get(name, name)}=" in comments, name


def test_an_open_file_limit_is_not_below_what_the_program_asks_for() -> None:
    from watcher.cli.service import _OPEN_FILES

    assert f"LimitNOFILE={_OPEN_FILES}\n" in UNIT.read_text(encoding="utf-8")

"""The container's files say what the documentation promises; building it needs an engine and a base image."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tests.conftest import CHECKOUT

CONTAINERFILE = (CHECKOUT / "Containerfile").read_text(encoding="utf-8")


def instructions(name: str) -> list[str]:
    """The arguments of every instruction of that name, lines joined."""
    return re.findall(rf"^\s*{name} (.+)$", CONTAINERFILE.replace("\\\n", " "), re.MULTILINE)


def test_what_it_copies_is_there_and_sent_along() -> None:
    copied = [word for line in instructions("COPY") if not line.startswith("--from") for word in line.split()[:-1]]
    ignore = (CHECKOUT / ".containerignore").read_text(encoding="utf-8").splitlines()
    assert all((CHECKOUT / path).exists() for path in copied)
    assert {line.removeprefix("!") for line in ignore if line.startswith("!")} == set(copied)
    assert (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines() == ignore


def test_it_runs_without_rights_and_keeps_what_it_keeps_in_a_volume() -> None:
    (user,) = instructions("USER")
    assert int(user.split(":")[0]) > 0
    assert instructions("VOLUME") == ['["/var/lib/watcher"]']
    assert "WATCHER_STORE__PATH=/var/lib/watcher/watcher.db" in CONTAINERFILE
    assert instructions("HEALTHCHECK")


def test_the_root_is_read_only_and_nothing_is_granted() -> None:
    (service,) = yaml.safe_load((CHECKOUT / "compose.yaml").read_text(encoding="utf-8"))["services"].values()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "ports"} & service.keys()
    assert "./etc-watcher:/etc/watcher:ro" in service["volumes"]
    assert Path(service["build"]["dockerfile"]) == Path("Containerfile")

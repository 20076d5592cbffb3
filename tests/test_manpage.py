"""The man page tells of every command, and is sound roff."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from types import ModuleType

import pytest
import typer.main

from tests.conftest import CHECKOUT
from watcher.cli import make_app


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("watcher_manpage", CHECKOUT / "packaging" / "manpage.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_command_and_every_option_is_on_it(generator: ModuleType) -> None:
    page = re.sub(r"\\f[BIR]", "", generator.manpage("2026-01-01")).replace("\\-", "-").replace("\\&", "")

    def commands(command: object, path: str) -> dict[str, object]:
        children = getattr(command, "commands", {})
        if not children:
            return {path: command}
        return {name: one for key, child in children.items() for name, one in commands(child, f"{path} {key}").items()}

    for path, command in commands(typer.main.get_command(make_app()), "watcher").items():
        assert f"\n{path}" in page, path
        for parameter in command.params:  # type: ignore[attr-defined]
            for option in parameter.opts if parameter.param_type_name == "option" else ():
                assert option in page, f"{path} {option}"


def test_it_is_sound_roff(generator: ModuleType) -> None:
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed")
    done = subprocess.run(
        ["mandoc", "-Tlint", "-Wwarning"],
        input=generator.manpage("2026-01-01"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""

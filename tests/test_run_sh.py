"""run.sh where everything is installed already: what it runs, from where, and what it says when it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

PROGRAM = "import os, sys\nprint(os.getcwd(), sys.argv[1:])\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in a folder with spaces, installed as far as run.sh can tell, with a program that shows its call."""
    root = tmp_path / "a check out"
    programs = root / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("run.sh", "requirements-dev.txt", "pyproject.toml"):
        shutil.copy(CHECKOUT / name, root)
    (programs / "python").symlink_to(sys.executable)
    (programs / "watcher").write_text(PROGRAM, encoding="utf-8")
    (root / ".venv" / "packages.stamp").write_text(cksum(root / "requirements-dev.txt"), encoding="utf-8")
    (root / ".venv" / "checkout.stamp").write_text(f"{root}\n{cksum(root / 'pyproject.toml')}", encoding="utf-8")
    return root


def cksum(path: Path) -> str:
    return subprocess.run(["cksum"], input=path.read_bytes(), capture_output=True, check=True).stdout.decode()


def call(script: Path, *args: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [script, *args], cwd=cwd, env={**os.environ, **environ}, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("args", "program_args"),
    [
        ([], ["demo"]),
        (["--once"], ["demo", "--once"]),
        (["watcher", "match", "a file", "$x", ""], ["match", "a file", "$x", ""]),
    ],
)
def test_the_program_gets_its_arguments_and_the_folder_of_the_caller(
    checkout: Path, tmp_path: Path, args: list[str], program_args: list[str]
) -> None:
    done = call(checkout / "run.sh", *args, cwd=tmp_path)
    assert (done.stdout, done.stderr) == (f"{tmp_path} {program_args}\n", "")


def test_tests_in_a_machine_of_its_own_are_a_word_of_their_own(checkout: Path, tmp_path: Path) -> None:
    done = call(checkout / "run.sh", "test-system", "--version", cwd=tmp_path)
    assert (done.returncode, done.stdout.split()[0]) == (0, "pytest")


def test_a_link_to_it_finds_the_checkout(checkout: Path, tmp_path: Path) -> None:
    link = tmp_path / "watch"
    link.symlink_to(checkout / "run.sh")
    assert call(link, cwd=tmp_path).stdout == f"{tmp_path} ['demo']\n"


def test_an_unknown_word_is_answered_with_those_that_are_known(checkout: Path) -> None:
    done = call(checkout / "run.sh", "tset", cwd=checkout)
    assert done.returncode == 2
    assert "unknown word 'tset'; there is: ./run.sh" in done.stderr


def test_a_python_that_is_too_old_is_named(checkout: Path, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "dirname", "readlink", "cksum", "cat"):
        (programs / name).symlink_to(str(shutil.which(name)))
    old = programs / "python3"
    old.write_text('#!/bin/sh\nif [ "$1" = --version ]; then echo Python 3.9.2; else exit 1; fi\n', encoding="utf-8")
    old.chmod(0o755)
    (checkout / ".venv" / "packages.stamp").unlink()
    done = call(checkout / "run.sh", cwd=checkout, PATH=str(programs))
    assert done.returncode == 1
    assert done.stderr.startswith("run.sh: needs Python 3.11 or newer; found Python 3.9.2, and no python3.11")
    assert (checkout / ".venv" / "bin" / "watcher").exists()

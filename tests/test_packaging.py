"""What is installed elsewhere: the wheel starts without anything that only development needs, and pins are whole."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

PIN = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ; (.+?))? \\$", re.MULTILINE)


def pins(name: str) -> dict[str, set[str]]:
    """Versions of each package of a requirements file; several where Pythons differ."""
    found: dict[str, set[str]] = {}
    for package, version, marker in PIN.findall((CHECKOUT / name).read_text(encoding="utf-8")):
        found.setdefault(package, set()).add(f"{version} {marker}")
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_development_uses_the_very_versions_that_are_deployed() -> None:
    assert pins("requirements.txt").items() <= pins("requirements-dev.txt").items()


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    needed = [*project["project"]["dependencies"]]
    assert {normal(re.split(r"[\[<>=]", line)[0]) for line in needed} <= pins("requirements.txt").keys()
    needed += [line for group in groups.values() for line in group if isinstance(line, str)]
    assert {normal(re.split(r"[\[<>=]", line)[0]) for line in needed} <= pins("requirements-dev.txt").keys()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_name_no_host_and_hash_everything(name: str) -> None:
    for line in (CHECKOUT / name).read_text(encoding="utf-8").splitlines():
        assert PIN.match(line) or re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), line


def runtime_distributions() -> list[Distribution]:
    """What requirements.txt installs on this machine; those for other systems are not there."""
    found = []
    for name in pins("requirements.txt"):
        try:
            found.append(distribution(name))
        except PackageNotFoundError:
            continue
    return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment with the wheel and its run-time needs only; uses no network."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=CHECKOUT)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False, symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    for package in runtime_distributions():
        for top in {file.parts[0] for file in package.files or () if file.parts[0] not in ("..", "__pycache__")}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(package.locate_file(top))))
    python = environment / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", str(python), "install", "-qq", "--no-index", "--no-deps", str(wheel), cwd=folder)  # fmt: skip
    return environment / "bin"


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def test_the_installed_wheel_has_no_development_package(installed: Path, tmp_path: Path) -> None:
    script = "import importlib.util as u; print([n for n in ('pytest', 'hatchling', 'mypy') if u.find_spec(n)])"
    assert run(str(installed / "python"), "-c", script, cwd=tmp_path) == "[]\n"


def test_the_installed_wheel_starts(installed: Path, tmp_path: Path) -> None:
    assert "demo" in run(str(installed / "watcher"), "--help", cwd=tmp_path)


def test_the_installed_wheel_finds_the_shipped_rules(installed: Path, tmp_path: Path) -> None:
    script = "from watcher.settings import shipped_rules as f; print(*sorted(p.relative_to(f()) for p in f().rglob('*.yaml')))"
    expected = " ".join(
        sorted(str(path.relative_to(CHECKOUT / "rules")) for path in (CHECKOUT / "rules").rglob("*.yaml"))
    )
    assert run(str(installed / "python"), "-c", script, cwd=tmp_path) == f"{expected}\n"


def test_the_installed_wheel_needs_no_checkout_from_nothing_to_alerts(installed: Path, tmp_path: Path) -> None:
    """What somebody types who has only the wheel: rules, word lists, sample outlets and texts are all inside."""
    watcher = str(installed / "watcher")
    assert "rules: written" in run(watcher, "init", "desk", cwd=tmp_path)
    assert ": good: 7 sources" in run(watcher, "check", cwd=tmp_path / "desk")
    assert "passed" in run(watcher, "rules", "test", cwd=tmp_path / "desk")
    assert "Alert " in run(watcher, "demo", "--once", cwd=tmp_path)

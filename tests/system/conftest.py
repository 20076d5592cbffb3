"""A machine with the Debian package on it, built from this checkout."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.system.machine import Machine, MachineError, find_obstacle

TOKEN = "12345:not-a-real-token-but-a-secret"
WATCHDOG = 8  # seconds, for the tests; the unit has 120
HERE = Path(__file__).resolve().parent

CONFIG = """
[store]
path = "/var/lib/watcher/watcher.db"
[rules]
paths = ["rules"]
[http]
allow_private_networks = true
[[sources]]
id = "courier"
url = "http://127.0.0.1:8099/courier.xml"
every = "1s"
language = "en"
full_text = false
[telegram]
base_url = "http://127.0.0.1:8099/bot"
[[recipients]]
id = "desk"
channel = "telegram"
to = "2222"
"""
RULE = """
rule: recalled
title: Ambassador recalled
status: stable
family: rupture
severity: warning
look_for:
  break: {phrases: [recall~ ..3 ambassador]}
  two_states: {states: {at_least: 2}}
group: {by: [rule, states], for: 24h}
"""
# In the order of their codes, which is the order in which alerts name them; two for each event.
STATES = """
Austria Belgium Bulgaria Brazil Chile Colombia Cyprus Germany Denmark Estonia Spain Finland Greece Hungary Ireland Iceland Italy Japan
Kenya Lithuania Latvia Morocco Mexico Norway Nepal Peru Poland Portugal Romania Sweden Slovenia Slovakia Vietnam Zambia
""".split()


@pytest.fixture(scope="session", autouse=True)
def _chosen() -> None:
    """Skips these tests where nobody chose them, or where they cannot run, and says why."""
    if os.environ.get("WATCHER_TEST_SYSTEM") != "1":
        pytest.skip("minutes on a machine of its own: ./run.sh test-system")
    if obstacle := find_obstacle():
        pytest.skip(f"no machine of its own: {obstacle}")


@pytest.fixture(scope="session")
def package(_chosen: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Debian package; $WATCHER_DEB saves building it."""
    if given := os.environ.get("WATCHER_DEB"):
        return Path(given)
    built = subprocess.run(
        [CHECKOUT / "packaging" / "debian" / "build", tmp_path_factory.mktemp("package")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return Path(built.stdout.split()[-1])


def boot(name: str) -> Machine:
    try:
        machine = Machine.copy(name)
        machine.boot()
    except MachineError as error:
        pytest.skip(f"no machine of its own: {error}")
    return machine


def install(machine: Machine, package: Path) -> str:
    """What dpkg said."""
    (machine.folder / "srv" / package.name).write_bytes(package.read_bytes())
    return machine.run("dpkg", "--install", f"/srv/{package.name}")


@pytest.fixture
def bare_machine(package: Path) -> Iterator[Machine]:
    """A machine for one test alone; nothing of ours is on it."""
    machine = boot("bare")
    try:
        yield machine
    finally:
        machine.close()


@dataclass
class Service:
    """The configured service on a machine, with an outlet and a chat."""

    machine: Machine
    published: int = 0

    @property
    def etc(self) -> Path:
        return self.machine.folder / "etc" / "watcher"

    @property
    def pid(self) -> int:
        return int(self.machine.property("MainPID"))

    def configure(self, text: str = CONFIG) -> None:
        (self.etc / "config.toml").write_text(text)

    def publish(self) -> str:
        """The states of a new item that opens an event of its own, as the alert names them."""
        one, other = STATES[2 * self.published : 2 * self.published + 2]
        self.published += 1
        text = f"{one} recalled its ambassador from {other} on Monday."
        item = f"<item><guid>{one}-{other}</guid><link>http://127.0.0.1:8099/{one}-{other}</link><title>{text}</title><description>{text}</description></item>"
        feed = self.machine.folder / "srv" / "courier.xml"
        before = feed.read_text().partition("<item>") if feed.exists() else ("<rss version='2.0'><channel><title>Courier</title>", "", "</channel></rss>")  # fmt: skip
        new = feed.with_suffix(".new")
        new.write_text(
            "".join((before[0].removesuffix("</channel></rss>"), item, before[1], before[2] or "</channel></rss>"))
        )
        new.rename(feed)
        return f"{one} and {other}"

    def told(self, states: str) -> int:
        """How often the chat was told of them."""
        told = self.machine.folder / "srv" / "told.jsonl"
        return sum(states in line.replace("+", " ") for line in told.read_text().splitlines()) if told.exists() else 0

    def arrival(self, states: str) -> float:
        return self.machine.wait_until(lambda: self.told(states) > 0, f"message about {states}")


@pytest.fixture(scope="session")
def _machine(package: Path) -> Iterator[Service]:
    """The package installed as it is, then configured; the watchdog is impatient, or tests would take minutes."""
    machine = boot("service")
    try:
        yield configured(machine, package)
    finally:
        machine.close()


def configured(machine: Machine, package: Path) -> Service:
    """The service on that machine, with what is outside of it running."""
    install(machine, package)
    service = Service(machine)
    (machine.folder / "srv" / "outside.py").write_text((HERE / "outside.py").read_text())
    (service.etc / "rules").mkdir()
    (service.etc / "rules" / "recalled.yaml").write_text(RULE)
    (service.etc / "credentials" / "telegram_token").write_text(TOKEN)
    (service.etc / "credentials" / "telegram_token").chmod(0o600)
    edit = machine.folder / "etc" / "systemd" / "system" / "watcher.service.d"
    edit.mkdir(parents=True)
    (edit / "test.conf").write_text(f"[Service]\nWatchdogSec={WATCHDOG}\n")
    service.configure(CONFIG)
    service.publish()
    machine.run("systemctl", "daemon-reload")
    machine.run("systemd-run", "--unit=outside", "python3", "/srv/outside.py", "/srv")
    return service


@pytest.fixture
def service(_machine: Service) -> Iterator[Service]:
    """The service, running as configured; whatever a test did to it is undone."""
    _machine.configure()
    _machine.machine.run("systemctl", "reset-failed", "watcher", check=False)
    _machine.machine.run("systemctl", "restart", "watcher")
    yield _machine
    _machine.configure()

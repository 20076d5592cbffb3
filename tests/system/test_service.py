"""The service as the Debian package installs it, under a real systemd: start, watchdog, reload, death, stop, secrets."""

from __future__ import annotations

import os
import re
import time

import pytest

from tests.system.conftest import CONFIG, TOKEN, WATCHDOG, Service

pytestmark = pytest.mark.timeout(900)

# Seconds, as promised, where nobody else wants the processors; where they are wanted twice as much, twice as long.
SLOWED = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
READY_WITHIN, BACK_WITHIN, STOPPED_WITHIN = 5 * SLOWED, 3 * SLOWED, 5 * SLOWED
DYNAMIC_UIDS = range(61184, 65520)  # what systemd gives to DynamicUser=
MISTAKE = CONFIG.replace('every = "1s"', 'every = "one second"')


def test_it_is_ready_in_time_and_says_how_it_is(service: Service) -> None:
    machine = service.machine
    machine.run("systemctl", "stop", "watcher")
    began = time.monotonic()
    machine.run("systemctl", "start", "watcher")  # returns once it said that it is ready
    assert time.monotonic() - began < READY_WITHIN
    assert re.match(
        r"sources: 1; rules: 1; open events: \d+; alerts: \d+; undelivered: ", machine.property("StatusText")
    )
    states = service.publish()
    service.arrival(states)


def test_the_watchdog_is_fed(service: Service) -> None:
    machine = service.machine
    seen: set[str] = set()

    def pings() -> int:
        seen.add(machine.property("WatchdogTimestampMonotonic"))
        return len(seen)

    machine.wait_until(lambda: pings() >= 4, "watchdog pings", seconds=2 * WATCHDOG)
    assert machine.property("NRestarts") == "0"


def test_a_reload_takes_over_what_is_right_and_refuses_what_is_wrong(service: Service) -> None:
    machine, pid = service.machine, service.pid
    service.configure(CONFIG.replace('every = "1s"', 'every = "2s"'))
    machine.run("systemctl", "reload", "watcher")
    machine.wait_until(lambda: "reloaded" in machine.journal(f"_PID={pid}"), "reload")
    service.configure(MISTAKE)
    said = machine.run("systemctl", "reload", "watcher", check=False)
    assert "failed" in said
    assert "config.toml:" in machine.journal("--lines=20")
    machine.run("systemctl", "kill", "--signal=HUP", "--kill-who=main", "watcher")
    machine.wait_until(lambda: "reload_refused" in machine.journal(f"_PID={pid}"), "refusal")
    assert machine.property("ActiveState") == "active"
    states = service.publish()
    service.arrival(states)
    assert service.pid == pid


def test_killed_it_is_back_in_time_and_nothing_is_lost_or_told_twice(service: Service) -> None:
    machine = service.machine
    before = service.publish()
    service.arrival(before)
    waiting = service.publish()
    pid = service.pid
    machine.run("systemctl", "kill", "--signal=KILL", "--kill-who=main", "watcher")
    took = machine.wait_until(
        lambda: machine.property("ActiveState") == "active" and service.pid not in (0, pid), "new process"
    )
    assert took < BACK_WITHIN
    service.arrival(waiting)
    assert (service.told(before), service.told(waiting)) == (1, 1)
    assert int(machine.property("NRestarts")) == 1


def test_a_hung_process_is_ended_by_the_watchdog_and_goes_on(service: Service) -> None:
    machine, pid = service.machine, service.pid
    machine.run("kill", "-STOP", str(pid))
    machine.wait_until(
        lambda: machine.property("ActiveState") == "active" and service.pid not in (0, pid),
        "new process",
        seconds=3 * WATCHDOG + 10,
    )
    assert "Watchdog timeout" in machine.journal("--lines=100")
    states = service.publish()
    service.arrival(states)


def test_it_stops_cleanly_in_time(service: Service) -> None:
    began = time.monotonic()
    service.machine.run("systemctl", "stop", "watcher")
    assert time.monotonic() - began < STOPPED_WITHIN
    assert service.machine.property("Result") == "success"
    assert service.machine.property("ExecMainStatus") == "0"


def test_a_wrong_configuration_is_named_and_not_tried_again(service: Service) -> None:
    machine = service.machine
    machine.run("systemctl", "stop", "watcher")
    service.configure(MISTAKE)
    machine.run("systemctl", "start", "watcher", check=False)
    time.sleep(2)  # a restart would come after one
    assert machine.property("ActiveState") == "failed"
    assert (machine.property("ExecMainStatus"), machine.property("NRestarts")) == ("2", "0")
    assert re.search(r"/etc/watcher/config\.toml:\d+:\d+: sources\[\d\]\.every: ", machine.journal("--lines=20"))


def test_secrets_travel_as_credentials_only(service: Service) -> None:
    machine, pid = service.machine, service.pid
    service.arrival(service.publish())  # it was used
    assert machine.run("cat", "/run/credentials/watcher.service/watcher_telegram_token") == TOKEN
    for place in (
        f"/proc/{pid}/environ",
        f"/proc/{pid}/cmdline",
        "/var/lib/private/watcher",
        "/var/log",
        "/etc/systemd",
    ):
        assert machine.run("grep", "--recursive", "--text", "--files-with-matches", TOKEN, place, check=False) == ""
    assert TOKEN not in machine.run("journalctl", "--no-pager", "--output=export")
    uid = machine.run("stat", "--format=%u", f"/proc/{pid}").strip()
    assert int(uid) in DYNAMIC_UIDS
    refused = machine.run("setpriv", f"--reuid={uid}", "--clear-groups", "cat", "/etc/watcher/credentials/telegram_token", check=False)  # fmt: skip
    assert "Permission denied" in refused


def test_without_telegram_no_secret_and_no_folder_of_them_is_needed(service: Service) -> None:
    machine = service.machine
    before, _, after = CONFIG.partition("[telegram]")
    service.configure(before + '[[recipients]]\nid = "terminal"\nchannel = "console"\n')
    assert after
    machine.run("mv", "/etc/watcher/credentials", "/etc/watcher/put-away")
    try:
        machine.run("systemctl", "restart", "watcher")
        assert machine.property("ActiveState") == "active"
    finally:
        machine.run("mv", "/etc/watcher/put-away", "/etc/watcher/credentials")


def test_what_it_keeps_lies_in_its_state_folder_and_is_its_own(service: Service) -> None:
    machine = service.machine
    machine.run("touch", "/srv/stamp")
    machine.run("systemctl", "restart", "watcher")
    service.arrival(service.publish())
    outside = ("/proc", "/sys", "/run", "/dev", "/srv", "/var/log", "/tmp", "/etc/watcher")
    prune = [word for path in outside for word in ("-path", path, "-prune", "-o")]
    changed = machine.run("find", "/", *prune, "-newer", "/srv/stamp", "-type", "f", "-print").split()
    assert changed
    assert all(path.startswith(("/var/lib/private/watcher/", "/var/lib/systemd/")) for path in changed), changed
    modes = machine.run("find", "/var/lib/private/watcher", "-type", "f", "-printf", "%m %U\n").splitlines()
    assert {mode for mode, _ in map(str.split, modes)} == {"600"}
    assert {int(uid) in DYNAMIC_UIDS for _, uid in map(str.split, modes)} == {True}


def test_an_administrator_needs_no_options(service: Service) -> None:
    service.arrival(service.publish())
    assert "running" in service.machine.run("watcher", "status", check=False)
    assert "recalled.yaml" in service.machine.run("watcher", "rules", "check", check=False)  # it has no test: a finding


def test_the_unit_is_sound_and_locked_down(service: Service) -> None:
    machine = service.machine
    assert "watcher.service" not in machine.run("systemd-analyze", "verify", "--man=no", "watcher.service", check=False)
    found = re.search(r"Overall exposure level for watcher\.service: ([\d.]+)", machine.run("systemd-analyze", "--no-pager", "security", "watcher.service"))  # fmt: skip
    assert found
    assert float(found[1]) <= 1.3

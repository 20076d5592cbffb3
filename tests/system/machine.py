"""A machine of its own with a real systemd: systemd-nspawn on a bare Debian folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

CACHE = Path("/var/tmp/watcher-system")  # outside of the checkout, and kept
RELEASE = "bookworm"
# What the package depends on, so that installing it needs no network, and what a machine boots with.
PACKAGES = "systemd,systemd-sysv,dbus,python3,ca-certificates,libgcc-s1,libstdc++6,procps"
BOOT_WITHIN, COMMAND_WITHIN = 60, 300  # seconds; installing compiles the whole program


class MachineError(Exception):
    """No such machine can be had here; says why."""


def find_obstacle() -> str:
    """Why no machine can run here; empty where one may."""
    if os.geteuid() != 0:
        return "needs root"
    tools = {
        "systemd-nspawn": "systemd-container",
        "debootstrap": "debootstrap",
        "dpkg-deb": "dpkg",
        "nsenter": "util-linux",
    }
    missing = sorted({package for tool, package in tools.items() if shutil.which(tool) is None})
    return f"needs {', '.join(missing)}" if missing else ""


def base_folder() -> Path:
    """A bare Debian, made once from the mirror that this system uses itself. Raises MachineError."""
    key = hashlib.sha256(f"{RELEASE} {PACKAGES}".encode()).hexdigest()[:8]
    folder = CACHE / f"{RELEASE}-{key}"
    if folder.is_dir():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    half = folder.with_suffix(f".{os.getpid()}")
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"], capture_output=True, text=True, check=False
    )
    mirror = next(iter(listed.stdout.split()), "")
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", RELEASE, str(half)]
    made = subprocess.run([*command, *([mirror] if mirror else [])], capture_output=True, text=True, check=False)
    if made.returncode:
        shutil.rmtree(half, ignore_errors=True)
        raise MachineError(f"debootstrap: {(made.stdout + made.stderr).strip().splitlines()[-1:]}")
    half.rename(folder)
    return folder


@dataclass
class Machine:
    """A running copy of the base folder, without any network but its loopback."""

    folder: Path
    _nspawn: subprocess.Popen[bytes] | None = None
    _leader: int = 0
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.folder.with_suffix(".log")

    @classmethod
    def copy(cls, name: str) -> Machine:
        """One that has not started yet. Raises MachineError."""
        folder = CACHE / f"{name}-{os.getpid()}"
        subprocess.run(["cp", "-a", "--reflink=auto", str(base_folder()), str(folder)], check=True)
        return cls(folder)

    def boot(self) -> None:
        """Nothing, once its systemd has started everything. Raises MachineError."""
        # No unit and no registration: the machine that tests run on may have no systemd itself.
        command = ["systemd-nspawn", "--quiet", f"--directory={self.folder}", f"--machine={self.folder.name}", "--boot"]
        command += ["--private-network", "--register=no", "--keep-unit", "--console=pipe", "--link-journal=no"]
        with self.log.open("ab") as log:
            self._nspawn = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + BOOT_WITHIN
        while time.monotonic() < until and self._nspawn.poll() is None:
            children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
            if children and self.is_up(int(children[0])):
                return
            time.sleep(0.2)
        said = self.log.read_text(errors="replace").strip().splitlines()[-3:]
        self.close()
        raise MachineError(
            f"systemd-nspawn did not boot within {BOOT_WITHIN} s: {' / '.join(said) or 'it said nothing'}"
        )

    def is_up(self, leader: int) -> bool:
        self._leader = leader
        state = self.run("systemctl", "is-system-running", check=False).strip()
        return state in ("running", "degraded")

    def run(self, *command: str, check: bool = True) -> str:
        """What it prints, both ways; raises AssertionError with that where it fails."""
        inside = ["nsenter", "--target", str(self._leader), "--all", "--", *command]
        environ = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            inside, env=environ, text=True, check=False, timeout=COMMAND_WITHIN, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def property(self, name: str, unit: str = "watcher") -> str:
        """What systemd knows of the unit under that name."""
        return self.run("systemctl", "show", "--property", name, "--value", unit).strip()

    def journal(self, *arguments: str) -> str:
        return self.run("journalctl", "--quiet", "--no-pager", "--unit=watcher", *arguments)

    def wait_until(self, holds: Callable[[], bool], what: str, seconds: float = 30) -> float:
        """The seconds that it took; fails with the end of the journal where it does not in time."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if holds():
                return time.monotonic() - began
            time.sleep(0.05)
        raise AssertionError(f"no {what} within {seconds:.0f} s\n{self.journal('--lines=40')}")

    def close(self) -> None:
        """Nothing; it is switched off and its folder is gone."""
        if self._nspawn is not None and self._nspawn.poll() is None:
            if self._leader:
                self.run("systemctl", "poweroff", check=False)
            try:
                self._nspawn.wait(20)
            except subprocess.TimeoutExpired:
                self._nspawn.kill()
                self._nspawn.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.log.unlink(missing_ok=True)

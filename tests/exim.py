"""A real exim4 on a high port of loopback, without privileges, that delivers into folders: use as a context manager.

Debian and Ubuntu: ``apt install exim4-daemon-light``; its system service is neither needed nor touched.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

_PATIENCE = 30.0  # seconds

_CONFIGURATION = """\
primary_hostname = mail.example.org
spool_directory = {folder}/spool
log_file_path = {folder}/log-%slog
pid_file_path = {folder}/pid
exim_user = {user}
exim_group = {group}
deliver_drop_privilege
never_users =
keep_environment =
local_interfaces = 127.0.0.1
tls_advertise_hosts =
smtputf8_advertise_hosts = *
accept_8bitmime
acl_smtp_rcpt = at_rcpt
acl_smtp_data = at_data
# Before an address is taken the same happens as in the wild: some servers defer strangers, some know no such user.
begin acl
at_rcpt:
  deny message = relay not permitted
    !domains = example.net : example.org : late.example.net
  defer message = greylisted, please try again later
    local_parts = slow
  deny message = 5.1.1 no such user
    local_parts = nobody-here
  accept
at_data:
  accept
begin routers
fails_late:
  driver = redirect
  domains = late.example.net
  data = :fail: 550 5.1.1 there is no such mailbox
  allow_fail
into_folder:
  driver = accept
  transport = folder
begin transports
folder:
  driver = appendfile
  directory = {folder}/mail
  maildir_format
  delivery_date_add
  envelope_to_add
  return_path_add
  user = {user}
  group = {group}
"""


def find_exim() -> str | None:
    """Where the program is; None where it is not installed."""
    return shutil.which("exim4", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Exim:
    """The server; ``port`` is where it listens, ``delivered`` what it brought to an address."""

    def __init__(self) -> None:
        program = find_exim()
        assert program is not None
        self._program = program

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="exim-"))
        user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.getuid())
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        configuration = self._folder / "exim.conf"
        configuration.write_text(_CONFIGURATION.format(folder=self._folder, user=user.pw_uid, group=user.pw_gid))
        configuration.chmod(0o644)
        for name in ("spool", "mail"):
            (self._folder / name).mkdir()
        as_user = {}
        if os.geteuid() == 0:
            for path in (self._folder, *self._folder.rglob("*")):
                os.chown(path, user.pw_uid, user.pw_gid)
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._process = subprocess.Popen(
            [self._program, "-C", str(configuration), "-bdf", "-oX", f"127.0.0.1:{self.port}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            **as_user,
        )
        self._wait_for(self._answers, "the server did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def delivered(self, address: str) -> bytes:
        """The one mail for the address, as it was delivered."""
        found: list[bytes] = []

        def is_there() -> bool:
            mails = [path.read_bytes() for path in (self._folder / "mail" / "new").glob("*")]
            found[:] = [mail for mail in mails if f"Envelope-to: {address}\n".encode() in mail]
            return bool(found)

        self._wait_for(is_there, f"no mail for {address}")
        (mail,) = found
        return mail

    def _answers(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def _wait_for(self, holds: Callable[[], bool], otherwise: str) -> None:
        end = time.monotonic() + _PATIENCE
        while not holds():
            if time.monotonic() > end or self._process.poll() is not None:
                told = [path.read_text(errors="replace") for path in self._folder.glob("*") if path.is_file()]
                raise RuntimeError("\n".join([otherwise, *told[:4]]))
            time.sleep(0.02)

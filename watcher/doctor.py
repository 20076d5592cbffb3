"""Everything around the program that has to be right, looked at once: each finding with what to do about it.

Nothing is stored, nobody is told, and only questions are sent: to each source one poll, to Telegram who the bot is
and where it may speak, to the mail server whether it takes us.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import shutil
import socket
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from watcher.errors import StoreError
from watcher.fetch import Fetcher
from watcher.health import Level, level
from watcher.model import Bookmark, Channel, Recipient, Source, SourceKind
from watcher.notify.looking import look_at_address, look_at_bot, look_at_mail_server
from watcher.settings import EmailSettings, Settings, TelegramSettings
from watcher.sources import make_readers
from watcher.store import Store
from watcher.store.db import check_file
from watcher.workers import Workers

LITTLE_DISK = 500_000_000  # bytes; a busy desk's store grows by some MB a day, and a backup needs its size again
FEW_INODES = 1_000
ALIVE_WITHIN = timedelta(minutes=3)  # the daemon writes a sign of life every minute
FILES_BESIDE = 200  # descriptors for all but the connections to sources
OLDEST_CLOCK = datetime(2026, 1, 1, tzinfo=UTC)  # this program was written later
_CLOCK_UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)
_TIMEX_BYTES = 512  # more than struct timex has on any system


class Grade(StrEnum):
    """How bad a finding is."""

    GOOD = "good"
    DOUBTFUL = "warning"
    BAD = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    area: str  # "disk", "source oc-media"
    grade: Grade
    says: str  # one line
    do: str = ""  # what to do about it; empty where nothing is to be done


def good(area: str, says: str) -> Finding:
    """A thing that is as it should be."""
    return Finding(area, Grade.GOOD, says)


def doubtful(area: str, says: str, do: str) -> Finding:
    """A thing that works and may be meant, or may not."""
    return Finding(area, Grade.DOUBTFUL, says, do)


def bad(area: str, says: str, do: str) -> Finding:
    """A thing that will lose something."""
    return Finding(area, Grade.BAD, says, do)


async def examine(
    settings: Settings, fetcher: Fetcher, recipients: Sequence[Recipient], clock: Callable[[], datetime]
) -> tuple[Finding, ...]:
    """Every finding but those about configuration and rules, machine first, then network, then the channels."""
    findings = [
        *examine_clock(clock()),
        *examine_zones(recipients),
        *examine_disk(settings.store.path),
        *examine_store(settings.store.path, clock()),
        *examine_limits(len(settings.sources)),
    ]
    by_network = await asyncio.gather(
        examine_names(settings),
        examine_sources(settings.to_sources(), fetcher, settings.store.path, clock),
        examine_telegram(settings.telegram, recipients, settings.http.timeout),
        examine_mail(settings.email, settings.http.timeout),
        examine_webhooks(recipients, settings.http.timeout),
    )
    return (*findings, *(finding for found in by_network for finding in found))


def examine_clock(now: datetime, is_synchronised: bool | None = None) -> list[Finding]:
    """Whether the clock can be right; ``is_synchronised`` None: the system is asked."""
    if now < OLDEST_CLOCK:
        return [bad("clock", f"it says {now:%Y-%m-%d %H:%M} UTC, which is long past", "set the clock of this machine")]
    synchronised = _is_clock_synchronised() if is_synchronised is None else is_synchronised
    if not synchronised:
        return [
            doubtful(
                "clock",
                f"{now:%Y-%m-%d %H:%M} UTC; nothing keeps it right",
                "run a time service (timedatectl set-ntp true); inside a container the host's counts",
            )
        ]
    return [good("clock", f"{now:%Y-%m-%d %H:%M} UTC, kept right by a time service")]


def _is_clock_synchronised() -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        state: int = libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except AttributeError:  # no Linux
        return True
    return state not in (_CLOCK_UNSYNCHRONISED, -1)


def examine_zones(recipients: Iterable[Recipient]) -> list[Finding]:
    """Whether the time zones that people chose are known."""
    zones = {one.quiet_hours.zone: one.id for one in recipients if one.quiet_hours}
    zones |= {one.digest.zone: one.id for one in recipients if one.digest}
    unknown = []
    for zone in sorted(zones):
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            unknown.append(zone)
    if unknown:
        who = ", ".join(f"{zone} of {zones[zone]}" for zone in unknown)
        return [bad("time zones", f"not known here: {who}", "update the package tzdata")]
    return [good("time zones", ", ".join(sorted(zones)) or "none is needed")]


def examine_disk(store: Path) -> list[Finding]:
    """Whether there is room for the store, and whether nobody else can read or change it."""
    folder = next(parent for parent in (store.parent, *store.parents) if parent.is_dir())
    findings = []
    usage, inodes = shutil.disk_usage(folder), os.statvfs(folder)
    size = store.stat().st_size if store.is_file() else 0
    room = f"{usage.free / 1e9:,.1f} GB free, the store has {size / 1e6:,.1f} MB"
    if usage.free < max(LITTLE_DISK, size):
        findings.append(bad("disk", room, f"make room on the disk of {folder}, or move [store] path"))
    elif inodes.f_files and inodes.f_favail < FEW_INODES:
        findings.append(bad("disk", f"only {inodes.f_favail} more files can be made", f"remove files from {folder}"))
    else:
        findings.append(good("disk", room))
    if not os.access(folder, os.W_OK | os.X_OK):
        findings.append(bad("permissions", f"{folder} cannot be written by this user", "run as the service's user"))
        return findings
    open_to_others = [
        f"{path} ({stat.filemode(path.stat().st_mode)})"
        for path in (store, store.with_name(f"{store.name}-wal"), *store.parent.glob(f"{store.name}.before-*"))
        if path.is_file() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ]
    if open_to_others:
        findings.append(
            doubtful(
                "permissions", f"others can read {', '.join(open_to_others)}", "chmod 600; people's addresses are in it"
            )
        )
    elif folder.stat().st_mode & stat.S_IWOTH and not folder.stat().st_mode & stat.S_ISVTX:
        findings.append(bad("permissions", f"everybody can write in {folder}", f"chmod o-w {folder}"))
    else:
        findings.append(good("permissions", "the store is only its owner's"))
    return findings


def examine_store(path: Path, now: datetime) -> list[Finding]:
    """Whether the store is whole, the daemon runs, and what waits goes out."""
    if not path.is_file():
        return [doubtful("store", f"there is none at {path} yet", "start the daemon: watcher run")]
    try:
        check_file(path)
        with Store.open(path, exclusive=False) as store:
            (run, *_) = store.journal.runs(1) or (None,)
            counts = store.counts(now)
            closed = store.outbox.closed_recipients()
    except StoreError as error:
        return [bad("store", str(error), "bring back a backup: docs/backup.md")]
    findings = [good("store", f"whole; {counts.articles} articles, {counts.alerts} alerts")]
    if run is None:
        findings.append(doubtful("daemon", "it has never run on this store", "start it: watcher run"))
    elif run.alive_at - now > ALIVE_WITHIN:
        ahead = f"{run.alive_at:%Y-%m-%d %H:%M} UTC"
        findings.append(bad("clock", f"the store was written at {ahead}, which is to come", "set the clock right"))
    elif run.stopped_at is not None or now - run.alive_at > ALIVE_WITHIN:
        since = f"{run.stopped_at or run.alive_at:%Y-%m-%d %H:%M} UTC"
        findings.append(doubtful("daemon", f"not running since {since}", "start it, and read its log for why it ended"))
    else:
        findings.append(good("daemon", f"running since {run.started_at:%Y-%m-%d %H:%M} UTC, version {run.version}"))
    findings += [
        bad("recipient " + one.recipient_id, f"closed: {one.reason}", "put the address right, or watcher outbox retry")
        for one in closed
    ]
    return findings


def examine_limits(sources: int, soft: int | None = None) -> list[Finding]:
    """Whether as many connections can be open as there are sources; ``soft`` None: this process's own limit."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1] if soft is None else soft
    if limit != resource.RLIM_INFINITY and limit < sources + FILES_BESIDE:
        wanted = sources + FILES_BESIDE
        return [doubtful("open files", f"at most {limit}, for {sources} sources", f"allow {wanted} (LimitNOFILE=)")]
    return [good("open files", "unlimited" if limit == resource.RLIM_INFINITY else f"at most {limit}")]


async def examine_names(settings: Settings) -> list[Finding]:
    """Whether the names of sources and servers can be looked up."""
    hosts = {urlsplit(source.url).hostname for source in settings.sources if source.kind is not SourceKind.JSONL}
    hosts |= {urlsplit(settings.telegram.base_url).hostname} if settings.telegram else set()
    hosts |= {settings.email.host} if settings.email else set()
    names = sorted(filter(None, hosts))
    answers = await asyncio.gather(*map(_unknown, names))
    unknown = [f"{name} ({why})" for name, why in zip(names, answers, strict=True) if why]
    if not names:
        return []
    if len(unknown) == len(names):
        return [
            bad("names", "no name can be looked up", "this machine has no DNS: see /etc/resolv.conf and the network")
        ]
    if unknown:
        shown = ", ".join(unknown)
        return [bad("names", f"not found: {shown}", "look for a mistake in the address; else the site is gone")]
    return [good("names", f"all {len(names)} can be looked up")]


async def _unknown(name: str) -> str:
    try:
        await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return ""


async def examine_sources(
    sources: Sequence[Source], fetcher: Fetcher, store: Path, clock: Callable[[], datetime]
) -> list[Finding]:
    """Each source polled once, from its beginning; one whose server wants to be left alone is."""
    if not sources:
        return [bad("sources", "there is none, so nothing will ever be read", "watcher sources discover URL --add")]
    waiting = _told_to_wait(store, clock())
    readers = make_readers(fetcher, (workers := Workers(2)), clock)

    async def look(source: Source) -> Finding:
        area = f"source {source.id}"
        if until := waiting.get(source.id):
            return doubtful(area, f"its server wants no request before {until:%H:%M} UTC", "poll it less often: every")
        harvest = await readers[source.kind].read(source, Bookmark())
        if level(harvest.reason) is not Level.GOOD:
            says = f"{harvest.reason.value}: {harvest.detail}" if harvest.detail else harvest.reason.value
            find = bad if level(harvest.reason) is Level.FAILING else doubtful
            return find(area, says, f"watcher sources test {source.id} shows each step")
        newest = max((one.published_at for one in harvest.entries if one.published_at), default=None)
        when = f", the newest of {newest:%Y-%m-%d %H:%M} UTC" if newest else ", without dates"
        return good(area, f"{len(harvest.entries)} items{when if harvest.entries else ''}")

    try:
        return list(await asyncio.gather(*map(look, sources)))
    finally:
        workers.close()


def _told_to_wait(path: Path, now: datetime) -> dict[str, datetime]:
    if not path.is_file():
        return {}
    try:
        with Store.open(path, exclusive=False) as store:
            states = store.articles.source_states()
    except StoreError:  # told by examine_store
        return {}
    return {one.source_id: one.retry_at for one in states if one.retry_at and one.retry_at > now}


async def examine_telegram(
    telegram: TelegramSettings | None, recipients: Sequence[Recipient], patience: timedelta
) -> list[Finding]:
    """Whether the token is good, nobody else hears the bot's updates, and it may speak in each chat."""
    if telegram is None:
        return []
    chats = {one.target: one.id for one in recipients if one.channel is Channel.TELEGRAM}
    look = await look_at_bot(telegram.token.get_secret_value(), telegram.base_url, chats, patience)
    if look.is_token_refused:
        return [bad("telegram", f"the token is refused: {look.trouble}", "ask @BotFather for the token, /token")]
    if look.trouble:
        return [bad("telegram", look.trouble, f"is {telegram.base_url} reachable from here?")]
    findings = [good("telegram", f"the bot is {look.name}")]
    if look.webhook and telegram.mode == "polling":
        # Not the address: what follows its host is a secret.
        host = urlsplit(look.webhook).hostname
        findings.append(
            doubtful(
                "telegram", f"a webhook at {host} hears what people say to it", "is another program using the bot?"
            )
        )
    findings += [
        bad(f"recipient {chats[target]}", why, "add the bot to the chat; a person has to press Start first")
        if why
        else good(f"recipient {chats[target]}", "the bot may speak there")
        for target, why in look.chats
    ]
    return findings


async def examine_mail(email: EmailSettings | None, patience: timedelta) -> list[Finding]:
    """Whether the mail server lets us in and takes the sender."""
    if email is None:
        return []
    where = f"{email.host}:{email.port}"
    why = await look_at_mail_server(
        email.host,
        email.port,
        sender=email.sender,
        security=email.security,
        username=email.username,
        password=email.password.get_secret_value(),
        patience=patience,
    )
    if why:
        return [
            bad("mail", f"{where}: {why}", "compare host, port, security and login under [email] with your provider's")
        ]
    login = " and the login" if email.username else ""
    return [good("mail", f"{where} takes the sender {email.sender}{login}")]


async def examine_webhooks(recipients: Iterable[Recipient], patience: timedelta) -> list[Finding]:
    """Whether the servers of webhooks can be reached; nothing is posted."""

    async def look(recipient: Recipient) -> Finding:
        url = urlsplit(recipient.address or recipient.target)
        host = "its server" if recipient.address else url.hostname  # of a secret address, not even that
        port = url.port or (443 if url.scheme == "https" else 80)
        area = f"recipient {recipient.id}"
        if why := await look_at_address(url.hostname or "", port, patience):
            return bad(area, f"{host} cannot be reached: {why}", "is its server up, and its address right?")
        return good(area, f"{host} can be reached; `watcher drill` posts an exercise")

    hooks = [one for one in recipients if one.channel is Channel.WEBHOOK]
    return list(await asyncio.gather(*map(look, hooks)))

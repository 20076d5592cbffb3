"""The sections of the configuration, their defaults and what each setting is for."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from watcher.errors import Problem
from watcher.model import Budget, Channel, Digest, QuietHours, Recipient, Severity, Source, SourceKind
from watcher.mutes import Inhibit
from watcher.retention import Keep
from watcher.settings.values import (
    CHECK_ADDRESS,
    CHECK_TARGET,
    Duration,
    Id,
    Interval,
    Port,
    Size,
    Url,
    Word,
    at_least,
    check_language,
    check_listen,
    check_mail_address,
    check_own_language,
    check_public_url,
    check_rule_pattern,
    check_secret_url,
    check_selector,
    check_state,
    check_state_if_any,
    parse_budget,
    parse_digest,
    parse_drill_interval,
    parse_quiet_hours,
)
from watcher.web.services import kind_of

# One message a minute: more often, a sound tells nothing any more. Below that a desk decides itself what it can read.
DEFAULT_BUDGET = Budget(60, timedelta(hours=1))
ENV_PREFIX = "WATCHER_"
ENV_DELIMITER = "__"
_TELLING_CHARS = 12  # "/api/webhook" alone would be hidden everywhere, and tells nobody anything


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreSettings(_Section):
    path: Path = Field(Path("watcher.db"), description="the database file; made when it is not there")


class RulesSettings(_Section):
    paths: tuple[Path, ...] = Field((), description="folders and files of rules; empty: those that come with watcher")
    reload_on_change: bool = Field(True, description="reload when rules or this file change on disk, as SIGHUP does")
    guard: bool = Field(False, description="refuse to reload rules that would lose alerts which stable rules gave")
    guard_over: Annotated[Duration, at_least(timedelta(hours=1), "1h")] = Field(
        timedelta(days=30), description="how far back the guard looks"
    )


class HttpSettings(_Section):
    user_agent: Word = Field("escalation-watcher", description="how sites see us; put a contact address in it")
    timeout: Interval = Field(timedelta(seconds=20), description="for a whole fetch, wall clock, redirects included")
    max_bytes: Size = Field(5_000_000, description="largest body accepted, after decompression")
    concurrency: int = Field(50, ge=1, le=1000, description="fetches at the same time")
    per_host: int = Field(2, ge=1, le=100, description="fetches at the same time from one host")
    allow_private_networks: bool = Field(False, description="whether sources may live on loopback or private addresses")

    def to_fetcher(self) -> dict[str, Any]:
        """The arguments of a fetcher, but for its clock."""
        return self.model_dump()


class InhibitSettings(_Section):
    by: Literal["warning", "critical"] = Field("critical", description="events of this severity and above silence")
    silences: Literal["watch", "warning"] = Field("watch", description="alerts of this severity and below")
    families: tuple[Word, ...] = Field((), description="only events of these families silence; empty: any")

    @field_validator("silences")
    @classmethod
    def _is_quieter(cls, value: str, info: ValidationInfo) -> str:
        if value == info.data.get("by"):
            raise ValueError(f"expected a lower severity than by, which is {value}")
        return value


class PublishSettings(_Section):
    folder: str = Field("", description="where events.json and events.atom are written; empty: nowhere")
    events: int = Field(100, ge=1, le=10_000, description="the latest so many")
    sender: Word = Field("watcher@localhost", description="who says so, in CAP and Atom: a mail address or a domain")


class ServerSettings(_Section):
    listen: Annotated[str, AfterValidator(check_listen)] = Field(
        "127.0.0.1:9780", description="address and port of the HTTP endpoint; the section alone switches it on"
    )
    hosts: tuple[Word, ...] = Field(
        (), description="further names of this machine under which health and metrics may be asked for"
    )
    public_url: Annotated[str, AfterValidator(check_public_url)] = Field(
        "", description="https address under which a reverse proxy passes on /public/; empty: nothing is public"
    )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        parts = urlsplit(f"//{self.listen}")
        return parts.hostname or "", parts.port or 0


class HeartbeatSettings(_Section):
    url_file: str = Field(
        "", description="file that holds the address to call; empty: the systemd credential heartbeat_url"
    )
    url: Annotated[SecretStr, AfterValidator(check_secret_url)] = Field(
        SecretStr(""), description="the address itself; who knows it can fake a sign of life, so better in a file"
    )
    every: Annotated[Duration, at_least(timedelta(seconds=10), "10s")] = Field(
        timedelta(minutes=1), description="time between two calls"
    )


class DrillSettings(_Section):
    every: Annotated[timedelta | Literal["never"], BeforeValidator(parse_drill_interval)] = Field(
        timedelta(days=30), description="operators are reminded when the last drill is longer ago; or never"
    )


class RetentionSettings(_Section):
    text: Annotated[Duration, at_least(timedelta(days=30), "30d")] = Field(
        timedelta(days=90), description="texts of articles, and what edited ones said before"
    )
    alerts: Annotated[Duration, at_least(timedelta(days=30), "30d")] = Field(
        timedelta(days=1095), description="alerts and closed events, with the texts that they rest on"
    )
    deliveries: Annotated[Duration, at_least(timedelta(days=30), "30d")] = Field(
        timedelta(days=365), description="who got which alert, and when"
    )
    notices: Annotated[Duration, at_least(timedelta(days=7), "7d")] = Field(
        timedelta(days=90), description="messages about watcher itself, and when it ran"
    )


class LogSettings(_Section):
    format: Literal["auto", "console", "json"] = Field(
        "auto", description="auto: console on a terminal, short lines for the systemd journal, else json"
    )
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="the least that is written")


_OF_THE_WEB = (SourceKind.FEED, SourceKind.SITEMAP, SourceKind.PAGE)


class SourceSettings(_Section):
    id: Id = Field(description="permanent name of the source; letters, digits, _ . -")
    kind: SourceKind = Field(SourceKind.FEED, description="what is found there")
    url: Word = Field(description="where it is")
    every: Interval = Field(timedelta(minutes=5), description="time between two polls of a source with news")
    slowest: Interval | None = Field(
        None, description="longest time between two polls of a quiet one; left out: four times every, at most 1h"
    )
    expect_every: Interval | None = Field(
        None, description="silence longer than this is a fault; left out: any is fine"
    )
    catch_up: Duration = Field(
        timedelta(hours=24), description="at the very first poll, older items are noted but never alerted"
    )
    language: Annotated[str, AfterValidator(check_language)] = Field(
        "", description="ISO 639-1 code; empty: detected for each article"
    )
    publisher: str = Field(
        "", description="the newsroom family, inside which copies confirm nothing; empty: the host of the URL"
    )
    affiliation: Word = Field(
        "unknown",
        description="independent, state, party...; shown in alerts, and those of state and party confirm less",
    )
    state: Annotated[str, AfterValidator(check_state_if_any)] = Field(
        "", description="of state media: whose (ISO 3166 code); those of one state are one voice"
    )
    tags: tuple[Word, ...] = Field((), description="words of your own, for rules and recipients to select by")
    full_text: bool = Field(True, description="fetch the page when the feed carries only a summary")

    selector: str = Field(
        "", validate_default=True, description="of a page: CSS selector of the links that are articles"
    )
    username: str = Field("", description="of a mailbox")
    password_file: str = Field(
        "", description="file that holds the mailbox's password; empty: the systemd credential ID_password"
    )
    password: SecretStr = Field(SecretStr(""), description="the password itself; better in a file than here")

    @field_validator("url")
    @classmethod
    def _fits_kind(cls, value: str, info: ValidationInfo) -> str:
        kind = info.data.get("kind")
        if kind is None:
            return value
        if kind in _OF_THE_WEB and "@" in urlsplit(value).netloc:  # links in it would carry them to everybody
            raise ValueError("expected an address without a name and a password in it")
        return CHECK_ADDRESS[kind](value)

    @field_validator("selector")
    @classmethod
    def _selects_links(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("kind") is SourceKind.PAGE:
            return check_selector(value)
        if value and "kind" in info.data:
            raise ValueError("only a source of kind page has one")
        return value


class TelegramSettings(_Section):
    token_file: str = Field(
        "", description="file that holds the bot's token; empty: the systemd credential telegram_token"
    )
    token: SecretStr = Field(SecretStr(""), description="the token itself; better from the environment than from here")
    base_url: Url = Field("https://api.telegram.org/bot", description="another one for a local Bot API server")
    admins: tuple[int, ...] = Field((), description="Telegram user ids that may use operator commands")
    access: Literal["invited", "listed", "open"] = Field(
        "invited", description="who may subscribe: who has a code or was approved, who is in `allowed`, or everybody"
    )
    allowed: tuple[int, ...] = Field((), description="Telegram ids of people and chats that may subscribe uninvited")
    mode: Literal["polling", "webhook", "off"] = Field(
        "polling", description="how the bot hears people; off: it only sends, and another program may listen"
    )


class EmailSettings(_Section):
    host: Word = Field("localhost", description="the mail server")
    port: Port = Field(25, description="25 for none, 587 for starttls, 465 for tls, as a rule")
    security: Literal["none", "starttls", "tls"] = Field("none", description="how the connection is protected")
    username: str = Field("", description="empty: no login")
    password_file: str = Field(
        "", description="file that holds the password; empty: the systemd credential email_password"
    )
    password: SecretStr = Field(SecretStr(""), description="the password itself; better from the environment than here")
    sender: str = Field(description="address that alerts come from")
    unsubscribe_to: str = Field(
        "", description="address that people write to who want no more mails; empty: the sender"
    )

    bounces: str = Field(
        "", description="mailbox of the sender, like imaps://name@imap.example.org/INBOX; empty: it is not read"
    )
    bounces_password_file: str = Field(
        "", description="file that holds the mailbox's password; empty: the systemd credential email_bounces_password"
    )
    bounces_password: SecretStr = Field(SecretStr(""), description="the password itself; better in a file than here")

    @field_validator("bounces")
    @classmethod
    def _is_mailbox(cls, value: str) -> str:
        return CHECK_ADDRESS[SourceKind.IMAP](value) if value else value

    @field_validator("sender", "unsubscribe_to")
    @classmethod
    def _is_address(cls, value: str, info: ValidationInfo) -> str:
        return value if not value and info.field_name == "unsubscribe_to" else check_mail_address(value)


class RecipientSettings(_Section):
    id: Id = Field(description="permanent name of the recipient; letters, digits, _ . -")
    channel: Channel = Field(description="how the alerts travel")
    to: str = Field(
        "",
        coerce_numbers_to_str=True,
        validate_default=True,
        repr=False,  # the URL of an apprise service carries its secrets
        description="chat id, mail address or URL; console: none",
    )
    to_file: str = Field("", description="of apprise and webhook: file that holds the URL, which may carry secrets")
    secret_file: str = Field(
        "",
        description="of a webhook: file that holds the key of its signatures; empty: the systemd credential ID_secret",
    )
    secret: SecretStr = Field(SecretStr(""), description="the key itself; better in a file than here")
    rules: tuple[Annotated[str, AfterValidator(check_rule_pattern)], ...] = Field(
        ("*",), description="only these rules; * stands for anything"
    )
    tags: tuple[Word, ...] = Field((), description="only sources with one of these tags; empty: any")
    states: tuple[Annotated[str, AfterValidator(check_state)], ...] = Field(
        (), description="only events with one of these states (ISO 3166 codes); empty: any"
    )
    min_severity: Literal["watch", "warning", "critical"] = Field("watch", description="only this severity and above")
    quiet_hours: Annotated[QuietHours | None, BeforeValidator(parse_quiet_hours)] = Field(
        None, description="hours without messages (rules may except themselves); the time zone is part of it"
    )
    budget: Annotated[Budget | Literal["none"] | None, BeforeValidator(parse_budget)] = Field(
        None,
        description="messages with a sound at most, like 12/h; more are told together in one; "
        "left out: 60/h over Telegram and mail, none elsewhere",
    )
    digest: Annotated[Digest | None, BeforeValidator(parse_digest)] = Field(
        None,
        description="everything but critical alerts in one message, hourly Asia/Yerevan or daily 08:00 Asia/Yerevan; "
        "left out: each alert at once",
    )
    discreet: bool = Field(False, description="whether the notification says no more than that there is an alert")
    language: Annotated[str, AfterValidator(check_own_language)] = Field(
        "en", description="of our own words in the message: en, fr, ru, uk, es, tr or ar; quotations stay as they are"
    )
    operator: bool = Field(False, description="whether notices about watcher itself go there too")
    test: bool = Field(False, description="whether alerts of rules with status test go there too")

    @property
    def is_hidden(self) -> bool:
        """Whether the address carries secrets."""
        return self.channel is Channel.APPRISE or bool(self.to_file)

    @field_validator("to")
    @classmethod
    def _fits_channel(cls, value: str, info: ValidationInfo) -> str:
        channel = info.data.get("channel")
        return value if channel is None else CHECK_TARGET[channel](value)


class Settings(BaseSettings):
    """Everything that is configured; built directly, it reads neither files nor the environment."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
    )

    store: StoreSettings = StoreSettings()
    rules: RulesSettings = RulesSettings()
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()
    retention: RetentionSettings = RetentionSettings()
    publish: PublishSettings = PublishSettings()
    server: ServerSettings | None = None
    heartbeat: HeartbeatSettings | None = None
    drill: DrillSettings = DrillSettings()
    sources: tuple[SourceSettings, ...] = ()
    telegram: TelegramSettings | None = None
    email: EmailSettings | None = None
    recipients: tuple[RecipientSettings, ...] = ()
    inhibit: tuple[InhibitSettings, ...] = (InhibitSettings(),)

    _warnings: tuple[Problem, ...] = PrivateAttr(())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is allowed but probably not meant, in the order of the file."""
        return self._warnings

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets themselves, for those who must keep them out of sight."""
        held = (
            self.telegram and self.telegram.token,
            self.email and self.email.password,
            self.email and self.email.bounces_password,
            self.heartbeat and self.heartbeat.url,
            *(source.password for source in self.sources),
            *(recipient.secret for recipient in self.recipients),
            *(SecretStr(one.to) for one in self.recipients if one.is_hidden),
        )
        whole = [secret.get_secret_value() for secret in held if secret]
        return (*whole, *(part for one in whole for part in _telling_parts(one)))

    def to_sources(self) -> tuple[Source, ...]:
        """The sources as the program uses them, in the order of the file."""
        return tuple(
            Source(
                id=source.id,
                url=source.url,
                kind=source.kind,
                language=source.language or None,
                every=source.every,
                slowest=source.slowest,
                expect_every=source.expect_every,
                publisher=source.publisher or _publisher_of(source),
                affiliation=source.affiliation,
                state=source.state,
                tags=source.tags,
                full_text=source.full_text,
                catch_up=source.catch_up,
                selector=source.selector,
                username=source.username,
                password=source.password.get_secret_value(),
            )
            for source in self.sources
        )

    def to_recipients(self) -> tuple[Recipient, ...]:
        """The recipients as the program uses them, in the order of the file, then the bot's admins as operators."""
        listed = tuple(
            Recipient(
                id=recipient.id,
                channel=recipient.channel,
                target=_target_of(recipient),
                address=recipient.to if recipient.is_hidden else "",
                secret=recipient.secret.get_secret_value(),
                rules=recipient.rules,
                tags=recipient.tags,
                states=recipient.states,
                min_severity=Severity[recipient.min_severity.upper()],
                quiet_hours=recipient.quiet_hours,
                is_test=recipient.test,
                is_operator=recipient.operator,
                budget=_budget_of(recipient),
                digest=recipient.digest,
                is_discreet=recipient.discreet,
                language=recipient.language,
            )
            for recipient in self.recipients
        )
        told = {recipient.target for recipient in listed if recipient.is_operator}
        admins = self.telegram.admins if self.telegram else ()
        return listed + tuple(
            # No rules: an admin who wants alerts is a recipient like any other.
            Recipient(f"admin-{admin}", Channel.TELEGRAM, str(admin), rules=(), is_operator=True, budget=DEFAULT_BUDGET)
            for admin in dict.fromkeys(admins)
            if str(admin) not in told
        )

    def to_keep(self) -> Keep:
        """How long things are kept, as the program uses it."""
        return Keep(**dict(self.retention))

    def to_inhibits(self) -> tuple[Inhibit, ...]:
        """Which events silence which alerts, as the program uses it."""
        return tuple(
            Inhibit(Severity[one.by.upper()], Severity[one.silences.upper()], one.families) for one in self.inhibit
        )


def _target_of(recipient: RecipientSettings) -> str:
    """The address as it may be stored and shown: of one that carries secrets the kind, and what tells it apart."""
    if not recipient.is_hidden:
        return recipient.to
    # Another address counts as another recipient to those that were closed; eight digits give nothing of it away.
    return f"{kind_of(recipient.to)}://***#{hashlib.blake2b(recipient.to.encode(), digest_size=4).hexdigest()}"


def _telling_parts(secret: str) -> tuple[str, ...]:
    """Of an address, what makes it a secret and may be said without the rest; not what is too short to be one."""
    try:
        parts = urlsplit(secret)
    except ValueError:
        return ()
    if not parts.netloc:
        return ()
    return tuple(one for one in (parts.path, parts.query, parts.password or "") if len(one) >= _TELLING_CHARS)


def _budget_of(recipient: RecipientSettings) -> Budget | None:
    """Programs want every alert by itself, and nothing rings on a console: no budget there unless one is set."""
    if recipient.budget == "none":
        return None
    has_default = recipient.channel in (Channel.TELEGRAM, Channel.EMAIL)
    return recipient.budget or (DEFAULT_BUDGET if has_default else None)


def _publisher_of(source: SourceSettings) -> str:
    """The channel; else the host without www; the id where the host is a mere address, which names no newsroom."""
    if source.kind is SourceKind.TELEGRAM:
        return f"@{urlsplit(source.url).path.rstrip('/').rpartition('/')[2]}"
    host = urlsplit(source.url).hostname or source.id
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return source.id if "." not in host else host.removeprefix("www.")
    return source.id


def shipped_rules() -> Path:
    """The folder of rules that come with the program, in an installed package or in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "shipped_rules"
    return installed if installed.is_dir() else package.parent / "rules"


SECTIONS: Mapping[str, type[_Section]] = {
    "store": StoreSettings,
    "rules": RulesSettings,
    "http": HttpSettings,
    "log": LogSettings,
    "retention": RetentionSettings,
    "publish": PublishSettings,
    "server": ServerSettings,
    "heartbeat": HeartbeatSettings,
    "drill": DrillSettings,
    "sources": SourceSettings,
    "telegram": TelegramSettings,
    "email": EmailSettings,
    "recipients": RecipientSettings,
    "inhibit": InhibitSettings,
}
ARRAYS = ("sources", "recipients", "inhibit")

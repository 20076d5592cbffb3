"""The configuration: one TOML file, then the environment, then files that hold secrets; every mistake named at once."""

from __future__ import annotations

import difflib
import ipaddress
import re
import stat
import tomllib
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import time, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from babel import Locale
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources.utils import parse_env_vars

from watcher import __version__
from watcher.errors import ConfigError, Location, Problem
from watcher.model import Channel, QuietHours, Recipient, Severity, Source, SourceKind
from watcher.toml_marks import KeyPath, find_keys

ENV_PREFIX = "WATCHER_"
ENV_CONFIG = "WATCHER_CONFIG"  # where the configuration file is: read by the command line, not a setting
_ENV_DELIMITER = "__"

_DURATION_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SIZE_UNITS: Mapping[str, int] = {"B": 1} | {
    f"{prefix}{infix}B": base ** (power + 1)
    for power, prefix in enumerate("KMG")
    for infix, base in (("", 1000), ("i", 1024))
}
_ID = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
_CHAT = re.compile(r"-?\d{1,19}|@[A-Za-z]\w{3,31}", re.ASCII)  # chat id, or the name of a public channel
_MAIL_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")  # one bare address; the server judges the rest


def parse_duration(value: object) -> timedelta:
    """The length of time that ``30s``, ``5m``, ``2h`` or ``7d`` names; raises ValueError."""
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(r"(\d{1,6})([smhd])", value, re.ASCII) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"expected a length of time like 30s, 5m, 2h or 7d, found {value!r}")
    return timedelta(**{_DURATION_UNITS[found[2]]: int(found[1])})


def parse_size(value: object) -> int:
    """The number of bytes that ``5MB`` (5,000,000) or ``5MiB`` (5,242,880) names; raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError(f"expected a size with its unit, like 500KB, 5MB or 1GiB, found {value!r}")
    found = re.fullmatch(r"(\d{1,6}) ?([KMG]?i?B)", value, re.ASCII) if isinstance(value, str) else None
    if found is None or found[2] not in _SIZE_UNITS:
        raise ValueError(f"expected a size like 500KB, 5MB or 1GiB, found {value!r}")
    return int(found[1]) * _SIZE_UNITS[found[2]]


def parse_quiet_hours(value: object) -> QuietHours | None:
    """The span that ``22:00-07:00 Asia/Yerevan`` names, None for an empty text; raises ValueError."""
    if value == "":
        return None
    found = (
        re.fullmatch(r"(\d\d):(\d\d) ?- ?(\d\d):(\d\d)(?: +(\S+))?", value, re.ASCII)
        if isinstance(value, str)
        else None
    )
    if found is None:
        raise ValueError(f"expected hours and a time zone like 22:00-07:00 Asia/Yerevan, found {value!r}")
    zone = found[5]
    if zone is None:
        raise ValueError(f"expected a time zone after the hours, like {value} Asia/Yerevan")
    if zone not in (zones := zoneinfo.available_timezones()):
        raise ValueError(f"unknown time zone {zone!r}{_suggest(zone, zones)}")
    try:
        start, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    except ValueError:
        raise ValueError(f"expected hours between 00:00 and 23:59, found {value!r}") from None
    if start == end:
        raise ValueError(f"start and end are both {found[1]}:{found[2]}; leave quiet_hours out to have none")
    return QuietHours(start=start, end=end, zone=zone)


@cache
def _languages() -> Mapping[str, str]:
    """English name of each language that has a two-letter code."""
    return {code: name for code, name in Locale("en").languages.items() if len(code) == 2}


def _check_language(code: str) -> str:
    if code and code not in _languages():
        by_name = {name.lower(): known for known, name in _languages().items()}
        near = by_name.get(code.lower()) or re.split("[-_]", code.lower())[0]
        hint = f"; did you mean {near}?" if near in _languages() else ""
        raise ValueError(f"expected a two-letter language code like en or ru, found {code!r}{hint}")
    return code


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises when it is no number
    except ValueError as error:
        raise ValueError(f"not a URL: {str(error).lower()}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", url):
        raise ValueError(f"expected an address that starts with https:// or http://, found {url!r}")
    return url


def _check_state(code: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", code):
        raise ValueError(f"expected the two-letter code of a state in capitals, like AM, found {code!r}")
    return code


def _check_rule_pattern(pattern: str) -> str:
    if not re.fullmatch(r"[a-z0-9*?\[\]!-]+", pattern):
        raise ValueError(
            f"expected rule ids or patterns like csto-* (small letters, digits, hyphens), found {pattern!r}"
        )
    return pattern


def _suggest(word: object, known: Iterable[str]) -> str:
    """``; did you mean X?`` for the nearest of ``known``, also by the last part of a path; empty without one."""
    names = sorted(known)
    by_spelling = {name.rpartition("/")[2].lower(): name for name in names} | {name.lower(): name for name in names}
    near = difflib.get_close_matches(str(word).lower().replace(" ", "_"), by_spelling, n=1, cutoff=0.6)
    return f"; did you mean {by_spelling[near[0]]}?" if near else ""


def _at_least(least: timedelta, spelled: str) -> AfterValidator:
    def check(value: timedelta) -> timedelta:
        if value < least:
            raise ValueError(f"expected at least {spelled}")
        return value

    return AfterValidator(check)


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Interval = Annotated[Duration, _at_least(timedelta(seconds=1), "1s")]
Size = Annotated[int, BeforeValidator(parse_size), Field(gt=0)]
Url = Annotated[str, AfterValidator(_check_url)]
Id = Annotated[str, Field(pattern=_ID)]
Word = Annotated[str, Field(min_length=1)]
Port = Annotated[int, Field(ge=1, le=65535)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreSettings(_Section):
    path: Path = Field(Path("watcher.db"), description="the database file; made when it is not there")


class RulesSettings(_Section):
    paths: tuple[Path, ...] = Field((), description="folders and files of rules; empty: those that come with watcher")


class HttpSettings(_Section):
    user_agent: Word = Field(
        f"escalation-watcher/{__version__}", description="how sites see us; put a contact address in it"
    )
    timeout: Interval = Field(timedelta(seconds=20), description="for a whole fetch, wall clock, redirects included")
    max_bytes: Size = Field(5_000_000, description="largest body accepted, after decompression")
    concurrency: int = Field(50, ge=1, le=1000, description="fetches at the same time")
    per_host: int = Field(2, ge=1, le=100, description="fetches at the same time from one host")
    allow_private_networks: bool = Field(False, description="whether sources may live on loopback or private addresses")


class LogSettings(_Section):
    format: Literal["auto", "console", "json"] = Field(
        "auto", description="auto: console on a terminal, short lines for the systemd journal, else json"
    )
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="the least that is written")


class SourceSettings(_Section):
    id: Id = Field(description="permanent name of the source; letters, digits, _ . -")
    url: Url = Field(description="where it is")
    kind: SourceKind = Field(SourceKind.FEED, description="what is found there")
    every: Interval = Field(timedelta(minutes=5), description="time between two polls")
    expect_every: Interval | None = Field(
        None, description="silence longer than this is a fault; left out: any is fine"
    )
    catch_up: Duration = Field(
        timedelta(hours=24), description="at the very first poll, older items are noted but never alerted"
    )
    language: Annotated[str, AfterValidator(_check_language)] = Field(
        "", description="ISO 639-1 code; empty: detected for each article"
    )
    publisher: str = Field(
        "", description="the newsroom family, inside which copies confirm nothing; empty: the host of the URL"
    )
    affiliation: Word = Field("unknown", description="independent, state, party...; shown in alerts")
    tags: tuple[Word, ...] = Field((), description="words of your own, for rules and recipients to select by")
    full_text: bool = Field(True, description="fetch the page when the feed carries only a summary")

    @field_validator("expect_every")
    @classmethod
    def _not_shorter_than_a_poll(cls, value: timedelta | None, info: ValidationInfo) -> timedelta | None:
        every = info.data.get("every")
        if value is not None and every is not None and value < every:
            raise ValueError("expected no less than `every`: silence cannot be noticed between two polls")
        return value


class TelegramSettings(_Section):
    token_file: str = Field(
        "", description="file that holds the bot's token; empty: the systemd credential telegram_token"
    )
    token: SecretStr = Field(SecretStr(""), description="the token itself; better from the environment than from here")
    base_url: Url = Field("https://api.telegram.org/bot", description="another one for a local Bot API server")
    admins: tuple[int, ...] = Field((), description="Telegram user ids that may use operator commands")


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

    @field_validator("sender")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return _check_mail_address(value)


def _check_mail_address(value: str) -> str:
    if not _MAIL_ADDRESS.fullmatch(value):
        raise ValueError(f"expected one mail address like desk@example.org, found {value!r}")
    return value


def _check_chat(value: str) -> str:
    if not _CHAT.fullmatch(value):
        raise ValueError(f"expected a Telegram chat id like -100200300, or @name of a public channel, found {value!r}")
    return value


def _check_console(value: str) -> str:
    if value not in ("", "-"):
        raise ValueError("the console needs no address: leave `to` out")
    return "-"


_CHECK_TARGET: Mapping[Channel, Callable[[str], str]] = {
    Channel.TELEGRAM: _check_chat,
    Channel.EMAIL: _check_mail_address,
    Channel.WEBHOOK: _check_url,
    Channel.CONSOLE: _check_console,
}


class RecipientSettings(_Section):
    id: Id = Field(description="permanent name of the recipient; letters, digits, _ . -")
    channel: Channel = Field(description="how the alerts travel")
    to: str = Field(
        "", coerce_numbers_to_str=True, validate_default=True, description="chat id, mail address or URL; console: none"
    )
    rules: tuple[Annotated[str, AfterValidator(_check_rule_pattern)], ...] = Field(
        ("*",), description="only these rules; * stands for anything"
    )
    tags: tuple[Word, ...] = Field((), description="only sources with one of these tags; empty: any")
    states: tuple[Annotated[str, AfterValidator(_check_state)], ...] = Field(
        (), description="only events with one of these states (ISO 3166 codes); empty: any"
    )
    min_severity: Literal["watch", "warning", "critical"] = Field("watch", description="only this severity and above")
    quiet_hours: Annotated[QuietHours | None, BeforeValidator(parse_quiet_hours)] = Field(
        None, description="hours without messages (rules may except themselves); the time zone is part of it"
    )
    operator: bool = Field(False, description="whether notices about watcher itself go there too")
    test: bool = Field(False, description="whether alerts of rules with status test go there too")

    @field_validator("to")
    @classmethod
    def _fits_channel(cls, value: str, info: ValidationInfo) -> str:
        channel = info.data.get("channel")
        return value if channel is None else _CHECK_TARGET[channel](value)


class Settings(BaseSettings):
    """Everything that is configured; built directly, it reads neither files nor the environment."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=_ENV_DELIMITER,
    )

    store: StoreSettings = StoreSettings()
    rules: RulesSettings = RulesSettings()
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()
    sources: tuple[SourceSettings, ...] = ()
    telegram: TelegramSettings | None = None
    email: EmailSettings | None = None
    recipients: tuple[RecipientSettings, ...] = ()

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

    def to_sources(self) -> tuple[Source, ...]:
        """The sources as the program uses them, in the order of the file."""
        return tuple(
            Source(
                id=source.id,
                url=source.url,
                kind=source.kind,
                language=source.language or None,
                every=source.every,
                expect_every=source.expect_every,
                publisher=source.publisher or _publisher_of(source),
                affiliation=source.affiliation,
                tags=source.tags,
                full_text=source.full_text,
                catch_up=source.catch_up,
            )
            for source in self.sources
        )

    def to_recipients(self) -> tuple[Recipient, ...]:
        """The recipients as the program uses them, in the order of the file."""
        return tuple(
            Recipient(
                id=recipient.id,
                channel=recipient.channel,
                target=recipient.to,
                rules=recipient.rules,
                tags=recipient.tags,
                states=recipient.states,
                min_severity=Severity[recipient.min_severity.upper()],
                quiet_hours=recipient.quiet_hours,
                is_test=recipient.test,
                is_operator=recipient.operator,
            )
            for recipient in self.recipients
        )


def _publisher_of(source: SourceSettings) -> str:
    """The host without www; the id where the host is a mere address, which names no newsroom."""
    host = urlsplit(source.url).hostname or source.id
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return source.id if "." not in host else host.removeprefix("www.")
    return source.id


def shipped_rules() -> Path:
    """The folder of rules that come with the program, in an installed package or in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "shipped_rules"
    return installed if installed.is_dir() else package.parent / "rules"


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings of the file, overridden by ``WATCHER_...`` of ``environ``, with secrets read and paths absolute.

    Relative paths start at the file's folder (without a file: at the working directory). Raises ConfigError with
    every problem that there is.
    """
    return _Loading(path, environ).load()


class _Environment(EnvSettingsSource):
    """pydantic-settings' reader of environment variables, for the variables that it is given."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return parse_env_vars(self.environ, self.case_sensitive, self.env_ignore_empty, self.env_parse_none_str)

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value  # the model says what it expected instead, together with every other problem


_SECTIONS: Mapping[str, type[_Section]] = {
    "store": StoreSettings,
    "rules": RulesSettings,
    "http": HttpSettings,
    "log": LogSettings,
    "sources": SourceSettings,
    "telegram": TelegramSettings,
    "email": EmailSettings,
    "recipients": RecipientSettings,
}
_ARRAYS = ("sources", "recipients")


class _Loading:
    """One attempt to load; gathers problems and warnings on its way."""

    def __init__(self, path: Path | None, environ: Mapping[str, str]) -> None:
        self.path = path
        self.folder = (path.parent if path else Path()).resolve()
        self.environ = environ
        self.marks: Mapping[KeyPath, tuple[int, int]] = {}
        self.variables: dict[KeyPath, str] = {}  # key path -> name of the variable that sets it
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def load(self) -> Settings:
        raw = self.read_file()
        for key in [key for key in raw if key.startswith("_")]:  # pydantic-settings has arguments of such names
            del raw[key]
            self.add((key,), "unknown key")
        self.check_variables()
        usable = {name: value for name, value in self.environ.items() if name in self.variables.values()}
        _override(raw, _Environment(usable)())
        self.check_across(raw)
        settings = None
        try:
            settings = Settings(**raw)
        except ValidationError as error:
            self.problems.extend(self.explain(detail) for detail in error.errors(include_url=False))
        if settings is not None:
            settings = self.complete(settings)
        if settings is None or self.problems:
            raise ConfigError(tuple(sorted(self.problems, key=lambda problem: problem.location)))
        settings._warnings = tuple(sorted(self.warnings, key=lambda problem: problem.location))
        return settings

    def read_file(self) -> dict[str, Any]:
        if self.path is None:
            return {}
        name = str(self.path)
        try:
            text = self.path.read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise ConfigError(
                (Problem(Location(name), f"cannot be read: {(error.strerror or 'error').lower()}"),)
            ) from error
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise ConfigError((Problem(Location(name, line), "is not UTF-8 text"),)) from error
        try:
            raw = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError((_syntax_problem(name, text, str(error)),)) from error
        self.marks = find_keys(text)
        return raw

    def check_variables(self) -> None:
        """Accept the variables that name a setting, report the others."""
        for name in sorted(self.environ):
            if not name.upper().startswith(ENV_PREFIX) or name.upper() == ENV_CONFIG:
                continue
            section, *keys = name.upper().removeprefix(ENV_PREFIX).lower().split(_ENV_DELIMITER)
            where = Location(name)
            if section not in _SECTIONS:
                near = _suggest(section, _SECTIONS)
                self.problems.append(Problem(where, f"begins with no section of the settings{near}", "unknown-key"))
            elif section in _ARRAYS and keys:
                whole = f"{ENV_PREFIX}{section.upper()}"
                self.problems.append(Problem(where, f"the {section} are set as a whole: a JSON list in {whole}"))
            else:
                self.variables[(section, *keys)] = name

    def locate(self, path: KeyPath) -> Location:
        """Where the nearest part of ``path`` that somebody wrote stands; the environment overrides the file."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.variables:
                return Location(self.variables[path[:length]])
            if path[:length] in self.marks:
                return Location(str(self.path), *self.marks[path[:length]])
        return Location(str(self.path) if self.path else "configuration")

    def explain(self, error: ErrorDetails) -> Problem:
        """The validator's finding in the words of the file."""
        path = error["loc"]
        message = _MESSAGES.get(error["type"], _other)(error, path)
        code = "unknown-key" if error["type"] == "extra_forbidden" else "invalid"
        return Problem(self.locate(path), f"{_spell(path)}: {message}", code)

    def add(self, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(self.locate(path), f"{_spell(path)}: {message}"))

    def warn(self, path: KeyPath, message: str) -> None:
        self.warnings.append(Problem(self.locate(path), f"{_spell(path)}: {message}"))

    def check_across(self, raw: Mapping[str, Any]) -> None:
        """What no single section can know; reads the raw values, so that it is told together with the rest."""
        for section in _ARRAYS:
            first_with: dict[str, int] = {}
            for index, item in enumerate(_tables(raw.get(section))):
                name = item.get("id")
                if isinstance(name, str) and first_with.setdefault(name, index) != index:
                    first = self.locate((section, first_with[name], "id"))
                    self.add(
                        (section, index, "id"),
                        f"{name!r} is taken by line {first.line}" if first.line else f"{name!r} is taken",
                    )
        for index, item in enumerate(_tables(raw.get("recipients"))):
            channel = item.get("channel")
            if channel in ("telegram", "email") and channel not in raw:
                self.add(("recipients", index, "channel"), f"needs the section [{channel}], which is not there")
        if not raw.get("sources"):
            self.warn(("sources",), "there is none, so nothing will ever be read")
        if not raw.get("recipients") and "telegram" not in raw:
            self.warn(("recipients",), "there is none, so nobody will ever be told")

    def complete(self, settings: Settings) -> Settings:
        """The settings with secrets read and paths made absolute."""
        changes: dict[str, Any] = {
            "store": settings.store.model_copy(update={"path": self.folder / settings.store.path}),
            "rules": settings.rules.model_copy(
                update={"paths": tuple(self.folder / path for path in settings.rules.paths) or (shipped_rules(),)}
            ),
        }
        if telegram := settings.telegram:
            token = self.read_secret(("telegram", "token_file"), telegram.token_file, telegram.token)
            if not token.get_secret_value():
                self.add(("telegram",), "needs the bot's token: set token_file")
            elif re.search(r"[\s/]", token.get_secret_value()):
                self.add(("telegram", "token_file"), "holds something that is no bot token")
            changes["telegram"] = telegram.model_copy(update={"token": token})
        if email := settings.email:
            password = self.read_secret(("email", "password_file"), email.password_file, email.password)
            if email.username and not password.get_secret_value():
                self.add(("email", "username"), "needs a password: set password_file")
            if password.get_secret_value() and not email.username:
                self.add(("email",), "has a password but no username")
            if email.username and email.security == "none" and email.host not in ("localhost", "127.0.0.1", "::1"):
                self.warn(("email", "security"), "the password travels in clear; use starttls or tls")
            changes["email"] = email.model_copy(update={"password": password})
        return settings.model_copy(update=changes)

    def read_secret(self, path: KeyPath, name: str, given: SecretStr) -> SecretStr:
        """The first line of the named file, else of the systemd credential ``telegram_token``..., else ``given``."""
        credentials = Path(self.environ["CREDENTIALS_DIRECTORY"]) if self.environ.get("CREDENTIALS_DIRECTORY") else None
        section, key = str(path[0]), str(path[1])
        default = f"{section}_{key.removesuffix('_file')}"
        if credentials and (credentials / (name or default)).is_file():
            file = credentials / (name or default)
        elif name:
            file = self.folder / name
        else:
            self.warn_if_readable((section, key.removesuffix("_file")), self.path, given)
            return given
        try:
            secret = SecretStr(file.read_text(encoding="utf-8").strip())
        except OSError as error:
            self.add(path, f"{file} cannot be read: {(error.strerror or 'error').lower()}")
            return given
        except UnicodeDecodeError:
            self.add(path, f"{file} is not text")
            return given
        if not secret.get_secret_value():
            self.add(path, f"{file} is empty")
        if credentials is None or not file.is_relative_to(credentials):
            self.warn_if_readable(path, file, secret)
        return secret

    def warn_if_readable(self, path: KeyPath, file: Path | None, secret: SecretStr) -> None:
        if file and path not in self.variables and secret.get_secret_value() and file.stat().st_mode & stat.S_IROTH:
            self.warn(path, f"every user of this machine can read {file}; chmod 600 it")


def _override(base: dict[str, Any], other: Mapping[str, Any]) -> None:
    """Put ``other`` over ``base``, table by table."""
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _override(base[key], value)
        else:
            base[key] = value


def _tables(value: object) -> Iterator[Mapping[str, Any]]:
    """The tables of an array of tables; an empty one for each item that is none."""
    for item in value if isinstance(value, list) else ():
        yield item if isinstance(item, dict) else {}


def _syntax_problem(path: str, text: str, message: str) -> Problem:
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message, re.DOTALL)
    if found is None:
        return Problem(Location(path), f"not valid TOML: {message}", "syntax")
    line = int(found[2]) if found[2] else text.count("\n") + 1
    column = int(found[3]) if found[3] else len(text) - text.rfind("\n")
    return Problem(Location(path, line, column), f"not valid TOML: {found[1][0].lower()}{found[1][1:]}", "syntax")


def _spell(path: KeyPath) -> str:
    """``sources[1].url`` for the first source: people count from 1."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _unknown_key(_error: ErrorDetails, path: KeyPath) -> str:
    key = str(path[-1])
    if len(path) == 1:
        siblings: tuple[str, ...] = tuple(_SECTIONS)
    else:
        siblings = tuple(_SECTIONS[str(path[0])].model_fields)
    if near := _suggest(key, siblings):
        return f"unknown key{near}"
    homes = [
        f"[[{name}]]" if name in _ARRAYS else f"[{name}]"
        for name, model in _SECTIONS.items()
        if key in model.model_fields
    ]
    if homes:
        return f"unknown key here; it belongs in {' or '.join(homes)}"
    return f"unknown key; known are {', '.join(siblings)}"


def _one_of(error: ErrorDetails, _path: KeyPath) -> str:
    choices = re.findall(r"'([^']*)'", error["ctx"]["expected"])
    return f"expected one of {', '.join(choices)}, found {error['input']!r}{_suggest(error['input'], choices)}"


def _value_error(error: ErrorDetails, _path: KeyPath) -> str:
    return str(error["ctx"]["error"])


def _pattern(error: ErrorDetails, _path: KeyPath) -> str:
    return f"expected letters, digits, _ . - (at most 64, a letter or digit first), found {error['input']!r}"


def _table(_error: ErrorDetails, _path: KeyPath) -> str:
    return "expected a section with its own keys"  # what was found may hold a secret: not shown


def _expected(what: str) -> Callable[[ErrorDetails, KeyPath], str]:
    def message(error: ErrorDetails, path: KeyPath) -> str:
        is_secret = path[-1] in ("token", "password")
        return f"expected {what}" + ("" if is_secret else f", found {_shorten(error['input'])}")

    return message


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _limit(word: str, key: str) -> Callable[[ErrorDetails, KeyPath], str]:
    return lambda error, _path: f"expected {word} {error['ctx'][key]}, found {error['input']!r}"


def _other(error: ErrorDetails, _path: KeyPath) -> str:
    return f"{error['msg'][0].lower()}{error['msg'][1:]}"


_TEXT = _expected("text in quotes")
_NUMBER = _expected("a whole number")
_BOOL = _expected("true or false")
_LIST = _expected("a list in square brackets")
_MESSAGES: Mapping[str, Callable[[ErrorDetails, KeyPath], str]] = {
    "extra_forbidden": _unknown_key,
    "missing": lambda _error, path: f"missing; it is needed: {_description(path)}",
    "enum": _one_of,
    "literal_error": _one_of,
    "value_error": _value_error,
    "string_pattern_mismatch": _pattern,
    "string_too_short": lambda _error, _path: "is empty",
    "string_type": _TEXT,
    "path_type": _TEXT,
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_from_float": _NUMBER,
    "bool_type": _BOOL,
    "bool_parsing": _BOOL,
    "tuple_type": _LIST,
    "model_type": _table,
    "model_attributes_type": _table,
    "greater_than": _limit("more than", "gt"),
    "greater_than_equal": _limit("at least", "ge"),
    "less_than_equal": _limit("at most", "le"),
}


def _description(path: KeyPath) -> str:
    return _SECTIONS[str(path[0])].model_fields[str(path[-1])].description or ""

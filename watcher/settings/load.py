"""From a file, the environment and files of secrets to settings, or to every problem in them."""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource
from pydantic_settings.sources.utils import parse_env_vars

from watcher.errors import ConfigError, Location, Problem
from watcher.model import Channel, SourceKind
from watcher.settings.marks import KeyPath, find_keys
from watcher.settings.messages import explain, spell
from watcher.settings.schema import ARRAYS, ENV_DELIMITER, ENV_PREFIX, SECTIONS, Settings, shipped_rules
from watcher.settings.values import suggest

ENV_CONFIG = "WATCHER_CONFIG"  # where the configuration file is: read by the command line, not a setting


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


_SECRETS = (("telegram", "token"), ("email", "password"), ("email", "bounces_password"), ("heartbeat", "url"))

_ONLY_OF = {
    "secret": (Channel.WEBHOOK,),
    "secret_file": (Channel.WEBHOOK,),
    "to_file": (Channel.WEBHOOK, Channel.APPRISE),
}

_CREDENTIALS_ID = "watcher"  # what systemd prefixes where the unit loads a whole folder of credentials


class _Loading:
    """One attempt to load; gathers problems and warnings on its way."""

    def __init__(self, path: Path | None, environ: Mapping[str, str]) -> None:
        self.path = path
        self.folder = (path.parent if path else Path()).resolve()
        self.environ = environ
        credentials = environ.get("CREDENTIALS_DIRECTORY")
        self.credentials = Path(credentials) if credentials else None
        self.text = ""
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
        self.read_secrets(raw)
        self.check_across(raw)
        self.check_logins(raw)
        settings = None
        try:
            settings = Settings(**raw)
        except ValidationError as error:
            self.problems.extend(self.problem(detail) for detail in error.errors(include_url=False))
        if settings is None or self.problems:
            raise ConfigError(self.ordered(self.problems))
        for index, source in enumerate(settings.sources):
            if source.expect_every is not None and source.expect_every < source.every:
                path = ("sources", index, "expect_every")
                self.warn(path, "is shorter than `every`: the source will seem silent between two polls")
            if source.affiliation.casefold() == "state" and not source.state:
                self.warn(
                    ("sources", index, "affiliation"), 'is "state" without a `state`: what it says will confirm nothing'
                )
        settings = self.absolute(settings)
        settings._warnings = self.ordered(self.warnings)
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
            raise ConfigError((syntax_problem(name, text, str(error)),)) from error
        self.text = text
        return raw

    @cached_property
    def marks(self) -> Mapping[KeyPath, tuple[int, int]]:
        """Where each key stands: for problems only, as it takes as long as reading the file."""
        return find_keys(self.text)

    def check_variables(self) -> None:
        """Accept the variables that name a setting, report the others."""
        for name in sorted(self.environ):
            if not name.upper().startswith(ENV_PREFIX) or name.upper() == ENV_CONFIG:
                continue
            section, *keys = name.upper().removeprefix(ENV_PREFIX).lower().split(ENV_DELIMITER)
            where = Location(name)
            if section not in SECTIONS:
                near = suggest(section, SECTIONS)
                problem = Problem(where, f"begins with no section of the settings{near}", "unknown-key")
                # Without a setting's name behind it, it may well be another program's.
                (self.problems if keys else self.warnings).append(problem)
            elif section in ARRAYS and keys:
                whole = f"{ENV_PREFIX}{section.upper()}"
                self.problems.append(Problem(where, f"the {section} are set as a whole: a JSON list in {whole}"))
            else:
                self.variables[(section, *keys)] = name

    def locate(self, path: KeyPath) -> Location:
        """Where the nearest part of ``path`` that somebody wrote stands; the environment overrides the file."""
        if path[0] in ARRAYS and path[:1] in self.variables:  # replaces the file's array, does not add to it
            return Location(self.variables[path[:1]])
        for length in range(len(path), 0, -1):
            if path[:length] in self.variables:
                return Location(self.variables[path[:length]])
            if path[:length] in self.marks:
                return Location(str(self.path), *self.marks[path[:length]])
        return Location(str(self.path) if self.path else "configuration")

    def problem(self, error: ErrorDetails) -> Problem:
        """The validator's finding in the words of the file."""
        code = "unknown-key" if error["type"] == "extra_forbidden" else "invalid"
        return Problem(self.locate(error["loc"]), f"{spell(error['loc'])}: {explain(error)}", code)

    def ordered(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """The file's from top to bottom, then the environment's."""
        return tuple(sorted(problems, key=lambda problem: (problem.location.path != str(self.path), problem)))

    def add(self, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(self.locate(path), f"{spell(path)}: {message}"))

    def warn(self, path: KeyPath, message: str) -> None:
        self.warnings.append(Problem(self.locate(path), f"{spell(path)}: {message}"))

    def check_across(self, raw: Mapping[str, Any]) -> None:
        """What no single section can know; reads the raw values, so that it is told together with the rest."""
        for section in ARRAYS:
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

    def check_logins(self, raw: Mapping[str, Any]) -> None:
        """Whether each channel and mailbox has what it needs to log in; reads the raw values, secrets included."""
        telegram, email = raw.get("telegram"), raw.get("email")
        if isinstance(telegram, dict) and not telegram.get("token") and not telegram.get("token_file"):
            self.add(("telegram",), "needs the bot's token: set token_file")
        if isinstance(telegram, dict) and telegram.get("mode") == "webhook":
            server = raw.get("server")
            if not isinstance(server, dict) or not server.get("public_url"):
                needed = "webhook needs public_url in the section [server], where Telegram reaches it"
                self.add(("telegram", "mode"), needed)
        if isinstance(email, dict):
            if email.get("username") and not email.get("password") and not email.get("password_file"):
                self.add(("email", "username"), "needs a password: set password_file")
            if email.get("bounces") and not email.get("bounces_password") and not email.get("bounces_password_file"):
                self.add(("email", "bounces"), "a mailbox needs a password: set bounces_password_file")
            if email.get("bounces") and "@" not in str(email["bounces"]):
                self.add(("email", "bounces"), "a mailbox needs a username: imaps://name@host/INBOX")
            if email.get("password") and not email.get("username"):
                self.add(("email",), "has a password but no username")
            is_local = email.get("host", "localhost") in ("localhost", "127.0.0.1", "::1")
            if email.get("username") and email.get("security", "none") == "none" and not is_local:
                self.warn(("email", "security"), "the password travels in clear; use starttls or tls")
        heartbeat = raw.get("heartbeat")
        if isinstance(heartbeat, dict) and not heartbeat.get("url") and not heartbeat.get("url_file"):
            self.add(("heartbeat",), "needs the address to call: set url_file")
        for index, recipient in enumerate(_tables(raw.get("recipients"))):
            channel = recipient.get("channel")
            for key, channels in _ONLY_OF.items():
                if recipient.get(key) and channel in tuple(Channel) and channel not in channels:
                    self.add(("recipients", index, key), f"only a recipient of channel {' or '.join(channels)} has one")
        for index, source in enumerate(_tables(raw.get("sources"))):
            if source.get("kind") == SourceKind.IMAP:
                if not source.get("password") and not source.get("password_file"):
                    self.add(("sources", index), "a mailbox needs a password: set password_file")
                if not source.get("username") and "@" not in str(source.get("url")):
                    self.add(("sources", index), "a mailbox needs a username")
            for key in ("username", "password", "password_file"):
                if source.get(key) and source.get("kind") != SourceKind.IMAP:
                    self.add(("sources", index, key), "only a source of kind imap has one")

    def read_secrets(self, raw: Mapping[str, Any]) -> None:
        """Put what the files of secrets hold into ``raw``, over what the file and the environment say."""
        for section, key in _SECRETS:
            table = raw.get(section)
            if isinstance(table, dict):
                self.read_secret(table, (section, key), credential=f"{section}_{key}")
        for index, source in enumerate(_tables(raw.get("sources"))):
            if source.get("kind") == SourceKind.IMAP:
                self.read_secret(source, ("sources", index, "password"), credential=f"{source.get('id')}_password")
        for index, recipient in enumerate(_tables(raw.get("recipients"))):
            channel, name = recipient.get("channel"), recipient.get("id")
            if channel == Channel.WEBHOOK:
                self.read_secret(recipient, ("recipients", index, "secret"), credential=f"{name}_secret")
            if channel in (Channel.WEBHOOK, Channel.APPRISE) and (
                recipient.get("to_file") or channel == Channel.APPRISE
            ):
                self.read_secret(recipient, ("recipients", index, "to"), credential=f"{name}_to")

    def read_secret(self, table: dict[str, Any], path: KeyPath, credential: str) -> None:
        key = str(path[-1])
        path_of_file = (*path[:-1], f"{key}_file")
        file = self.find_secret(credential, table.get(f"{key}_file"))
        if file is None:
            if table.get(key) and self.path and path not in self.variables:
                self.warn_if_readable(path, self.path)
            return
        try:
            secret = file.read_text(encoding="utf-8").strip()
        except OSError as error:
            self.add(path_of_file, f"{file} cannot be read: {(error.strerror or 'error').lower()}")
            return
        except UnicodeDecodeError:
            self.add(path_of_file, f"{file} is not text")
            return
        if not secret:
            self.add(path_of_file, f"{file} is empty")
        if self.credentials is None or not file.is_relative_to(self.credentials):
            self.warn_if_readable(path_of_file, file)
        table[key] = secret

    def find_secret(self, default: str, name: object) -> Path | None:
        """The file ``name``, a systemd credential first; without a name that of the name ``default``, if it is there.

        That is looked for among the credentials, then in the folder ``credentials`` beside the configuration.
        """
        given = name if isinstance(name, str) else ""
        for credential in (given or default, f"{_CREDENTIALS_ID}_{given or default}"):
            if self.credentials and _is_there(self.credentials / credential):
                return self.credentials / credential
        if given:
            return self.folder / given
        file = self.folder / "credentials" / default
        return file if _is_there(file) else None

    def warn_if_readable(self, path: KeyPath, file: Path) -> None:
        if file.stat().st_mode & stat.S_IROTH:
            self.warn(path, f"every user of this machine can read {file}; chmod 600 it")

    def absolute(self, settings: Settings) -> Settings:
        """The settings with every path made absolute, and the shipped rules where no others are named."""
        store, rules, publish = settings.store, settings.rules, settings.publish
        paths = tuple(self.folder / path for path in rules.paths) or (shipped_rules(),)
        sources = tuple(
            source.model_copy(update={"url": str(self.folder / source.url)})
            if source.kind is SourceKind.JSONL
            else source
            for source in settings.sources
        )
        return settings.model_copy(
            update={
                "sources": sources,
                "store": store.model_copy(update={"path": self.folder / store.path}),
                "rules": rules.model_copy(update={"paths": paths}),
                "publish": publish.model_copy(
                    update={"folder": str(self.folder / publish.folder) if publish.folder else ""}
                ),
            }
        )


def _is_there(file: Path) -> bool:
    """Whether it is a file, or may be one: reading it says why it cannot be looked at."""
    try:
        return file.is_file()
    except PermissionError:
        return True


def _override(base: dict[str, Any], other: Mapping[str, Any]) -> None:
    """Put ``other`` over ``base``, table by table."""
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _override(base[key], value)
        else:
            base[key] = value


def _tables(value: object) -> Iterator[dict[str, Any]]:
    """The tables of an array of tables; an empty one for each item that is none."""
    for item in value if isinstance(value, list) else ():
        yield item if isinstance(item, dict) else {}


def syntax_problem(path: str, text: str, message: str) -> Problem:
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message, re.DOTALL)
    if found is None:
        return Problem(Location(path), f"not valid TOML: {message}", "syntax")
    line = int(found[2]) if found[2] else text.count("\n") + 1
    column = int(found[3]) if found[3] else len(text) - text.rfind("\n")
    return Problem(Location(path, line, column), f"not valid TOML: {found[1][0].lower()}{found[1][1:]}", "syntax")

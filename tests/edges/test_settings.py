"""Settings: what each layer overrides, how each mistake is told, and that example and reference hold every setting."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

from tests.conftest import CHECKOUT
from watcher.errors import ConfigError
from watcher.model import Budget, Channel, QuietHours, Recipient, Severity, Source, SourceKind
from watcher.mutes import Inhibit
from watcher.retention import Keep
from watcher.settings import Settings, load_settings, shipped_rules
from watcher.settings.marks import find_keys
from watcher.settings.schema import ARRAYS, DEFAULT_BUDGET, SECTIONS
from watcher.settings.values import parse_until

SOURCE = '[[sources]]\nid = "a"\nurl = "https://example.org/feed"\n'
CONSOLE = '[[recipients]]\nid = "c"\nchannel = "console"\n'
TOKEN = "123456:not-a-real-token"


def load(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> Settings:
    path = folder / "w.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ or {})


def problems(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, environ)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def secret(folder: Path, name: str, text: str, mode: int = 0o600) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_nothing_configured_gives_the_defaults() -> None:
    settings = load_settings(None, {})
    assert settings.store.path == Path.cwd() / "watcher.db"
    assert settings.rules.paths == (shipped_rules(),)
    assert (settings.http.timeout, settings.http.max_bytes) == (timedelta(seconds=20), 5_000_000)
    assert [str(warning) for warning in settings.warnings] == [
        "configuration: recipients: there is none, so nobody will ever be told",
        "configuration: sources: there is none, so nothing will ever be read",
    ]


def test_the_environment_overrides_the_file_key_by_key(tmp_path: Path) -> None:
    environ = {
        "WATCHER_HTTP__TIMEOUT": "30s",
        "watcher_http__per_host": "4",
        "WATCHER_RULES__PATHS": '["/etc/rules"]',
        "WATCHER_RECIPIENTS": '[{"id": "x", "channel": "console"}]',
        "WATCHER_CONFIG": "elsewhere.toml",
        "PATH": "/bin",
    }
    settings = load(tmp_path, f'[http]\ntimeout = "10s"\nconcurrency = 7\n{SOURCE}{CONSOLE}', environ)
    assert (settings.http.timeout, settings.http.per_host, settings.http.concurrency) == (timedelta(seconds=30), 4, 7)
    assert settings.rules.paths == (Path("/etc/rules"),)
    assert [recipient.id for recipient in settings.recipients] == ["x"]
    assert settings.warnings == ()


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    settings = load(tmp_path, f'[store]\npath = "data/w.db"\n[rules]\npaths = ["rules", "/abs"]\n{SOURCE}{CONSOLE}')
    assert settings.store.path == tmp_path / "data/w.db"
    assert settings.rules.paths == (tmp_path / "rules", Path("/abs"))


def test_each_kind_of_source_has_an_address_of_its_own(tmp_path: Path) -> None:
    addresses = {
        "@Some_Channel": ("telegram", "https://t.me/s/Some_Channel", "@Some_Channel"),
        "https://t.me/some_channel/": ("telegram", "https://t.me/s/some_channel", "@some_channel"),
        "https://t.me/s/some_channel": ("telegram", "https://t.me/s/some_channel", "@some_channel"),
        "https://mirror.example/s/some_channel": ("telegram", "https://mirror.example/s/some_channel", "@some_channel"),
        "in/news.jsonl": ("jsonl", f"{tmp_path}/in/news.jsonl", "s4"),
        "file:in%20coming": ("jsonl", f"{tmp_path}/in coming", "s5"),
        "/var/spool/news": ("jsonl", "/var/spool/news", "s6"),
        "https://www.example.org/sitemap.xml": ("sitemap", "https://www.example.org/sitemap.xml", "example.org"),
    }
    text = "".join(
        f"[[sources]]\nid = 's{number}'\nkind = '{of[0]}'\nurl = '{url}'\n"
        for number, (url, of) in enumerate(addresses.items())
    )
    found = load(tmp_path, text).to_sources()
    assert [(one.kind.value, one.url, one.publisher) for one in found] == list(addresses.values())


def test_sources_and_recipients_become_the_types_of_the_program(tmp_path: Path) -> None:
    text = """
        [telegram]
        token_file = "token"
        [[sources]]
        id = "oc"
        url = "https://www.oc-media.org/feed/"
        [[sources]]
        id = "local"
        url = "http://127.0.0.1:8000/list.jsonl"
        kind = "feed"
        language = "ru"
        every = "2h"
        expect_every = "2d"
        catch_up = "0s"
        publisher = "Local"
        affiliation = "close to the party"
        tags = ["a", "b"]
        full_text = false
        [[sources]]
        id = "bare"
        url = "http://127.0.0.1:8000/feed"
        [[recipients]]
        id = "desk"
        channel = "telegram"
        to = -100200300
        rules = ["csto-*"]
        tags = ["a"]
        states = ["AM"]
        min_severity = "warning"
        quiet_hours = "22:00-07:30 Asia/Yerevan"
        operator = true
        test = true
        [[recipients]]
        id = "mail"
        channel = "webhook"
        to = "https://example.org/hook"
    """
    secret(tmp_path, "token", TOKEN)
    settings = load(tmp_path, text)
    assert settings.to_sources() == (
        Source(id="oc", url="https://www.oc-media.org/feed/", publisher="oc-media.org"),
        Source(
            id="local",
            url="http://127.0.0.1:8000/list.jsonl",
            kind=SourceKind.FEED,
            language="ru",
            every=timedelta(hours=2),
            expect_every=timedelta(days=2),
            publisher="Local",
            affiliation="close to the party",
            tags=("a", "b"),
            full_text=False,
            catch_up=timedelta(0),
        ),
        Source(id="bare", url="http://127.0.0.1:8000/feed", publisher="bare"),
    )
    assert settings.to_recipients() == (
        Recipient(
            id="desk",
            channel=Channel.TELEGRAM,
            target="-100200300",
            rules=("csto-*",),
            tags=("a",),
            states=("AM",),
            min_severity=Severity.WARNING,
            quiet_hours=QuietHours(time(22), time(7, 30), "Asia/Yerevan"),
            is_test=True,
            is_operator=True,
            budget=DEFAULT_BUDGET,
        ),
        Recipient(id="mail", channel=Channel.WEBHOOK, target="https://example.org/hook"),
    )


@pytest.mark.parametrize(
    ("channel", "line", "budget"),
    [
        ("email", "", DEFAULT_BUDGET),
        ("email", 'budget = "none"', None),
        ("email", 'budget = "5/15m"', Budget(5, timedelta(minutes=15))),
        ("email", 'budget = "100/d"', Budget(100, timedelta(days=1))),
        ("console", "", None),
        ("console", 'budget = "3/2h"', Budget(3, timedelta(hours=2))),
    ],
)
def test_how_many_messages_with_a_sound_a_recipient_gets(
    tmp_path: Path, channel: str, line: str, budget: Budget | None
) -> None:
    mail = '[email]\nsender = "a@example.org"\n'
    settings = load(tmp_path, f'{mail}[[recipients]]\nid = "x"\nchannel = "{channel}"\nto = "a@b.example"\n{line}')
    assert settings.to_recipients()[0].budget == budget


def test_what_silences_what(tmp_path: Path) -> None:
    by_default = Inhibit(Severity.CRITICAL, Severity.WATCH)
    assert load(tmp_path, "").to_inhibits() == (by_default,)
    assert load(tmp_path, "inhibit = []").to_inhibits() == ()
    text = '[[inhibit]]\n[[inhibit]]\nby = "warning"\nfamilies = ["clash"]'
    assert load(tmp_path, text).to_inhibits() == (by_default, Inhibit(Severity.WARNING, Severity.WATCH, ("clash",)))


def test_how_long_things_are_kept(tmp_path: Path) -> None:
    assert load(tmp_path, "").to_keep() == Keep()
    assert load(tmp_path, '[retention]\ntext = "30d"').to_keep() == Keep(text=timedelta(days=30))


UNTIL_NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2h", datetime(2026, 11, 1, 14, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 8, 12, tzinfo=UTC)),
        ("2026-12-01", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-12-01 08:00 Asia/Yerevan", datetime(2026, 12, 1, 4, tzinfo=UTC)),
        ("2027-07-01T08:00 Europe/Paris", datetime(2027, 7, 1, 6, tzinfo=UTC)),
        ("2027-01-01 08:00 Europe/Paris", datetime(2027, 1, 1, 7, tzinfo=UTC)),
    ],
)
def test_when_something_ends(written: str, meant: datetime) -> None:
    assert parse_until(written, UNTIL_NOW) == meant


LENGTH = "expected a length of time like 30s, 5m, 2h or 7d"
SIZE = "expected a size like 500KB, 5MB or 1GiB"


# (the part of a configuration that is wrong, what is said of it)
def kind(name: str, url: str = "https://example.org/") -> str:
    return f"[[sources]]\nid = 'a'\nkind = '{name}'\nurl = '{url}'"


MISTAKES = [
    # keys and sections
    ("[htp]", "w.toml:1:2: htp: unknown key; did you mean http?"),
    ("[http]\ntimout = '3s'", "w.toml:2:1: http.timout: unknown key; did you mean timeout?"),
    ("[http]\nevery = '3s'", "w.toml:2:1: http.every: unknown key here; it belongs in [heartbeat] or [drill] or [[sources]]"),
    ("[log]\nzzz = 1", "w.toml:2:1: log.zzz: unknown key; known are format, level"),
    ("_env_file = 'x'", "w.toml:1:1: _env_file: unknown key"),
    ("http = 3", "w.toml:1:1: http: expected a section with its own keys"),
    ("sources = 3", "w.toml:1:1: sources: expected a list in square brackets, found 3"),
    ("sources = [3]", "w.toml:1:12: sources[1]: expected a section with its own keys"),
    ("[[sources]]\nid = 'b'", "w.toml:1:3: sources[1].url: missing; it is needed: where it is"),
    # syntax
    ("[http]\ntimeout 3", "w.toml:2:9: not valid TOML: expected '=' after a key in a key/value pair"),
    ("[http]\na = 1\na = 2", "w.toml:3:6: not valid TOML: cannot overwrite a value"),
    ("a = [1", "w.toml:1:7: not valid TOML: unclosed array"),
    # values
    ("[http]\ntimeout = '20 s'", f"w.toml:2:1: http.timeout: {LENGTH}, found '20 s'"),
    ("[http]\ntimeout = 20", f"w.toml:2:1: http.timeout: {LENGTH}, found 20"),
    ("[http]\ntimeout = '0s'", "w.toml:2:1: http.timeout: expected at least 1s"),
    ("[http]\nmax_bytes = 5000000", f"w.toml:2:1: http.max_bytes: {SIZE}, found 5000000"),
    ("[http]\nmax_bytes = '5iB'", f"w.toml:2:1: http.max_bytes: {SIZE}, found '5iB'"),
    ("[http]\nmax_bytes = '0B'", "w.toml:2:1: http.max_bytes: expected more than 0, found '0B'"),
    ("[http]\nconcurrency = 0", "w.toml:2:1: http.concurrency: expected at least 1, found 0"),
    ("[http]\nper_host = 101", "w.toml:2:1: http.per_host: expected at most 100, found 101"),
    ("[http]\nper_host = 1.5", "w.toml:2:1: http.per_host: expected a whole number, found 1.5"),
    ("[http]\nallow_private_networks = 'maybe'", "w.toml:2:1: http.allow_private_networks: expected true or false, found 'maybe'"),
    ("[store]\npath = 3", "w.toml:2:1: store.path: expected text in quotes, found 3"),
    ("[log]\nlevel = 'warn'", "w.toml:2:1: log.level: expected one of debug, info, warning, error, found 'warn'; did you mean warning?"),
    # sources
    (SOURCE + SOURCE, "w.toml:5:1: sources[2].id: 'a' is taken by line 2"),
    (kind("telegraph"), "w.toml:3:1: sources[1].kind: expected one of feed, sitemap, page, telegram, reliefweb, gdelt, imap, jsonl, found 'telegraph'; did you mean telegram?"),
    (kind("reliefweb", "https://api.reliefweb.int/v2/reports"), "w.toml:4:1: sources[1].url: ReliefWeb answers only with appname=NAME in the address, a name that it approved"),
    (kind("gdelt", "https://api.gdeltproject.org/api/v2/doc/doc"), "w.toml:4:1: sources[1].url: expected query=WORDS in the address of the search"),
    (kind("imap", "https://mail.example.org"), "w.toml:4:1: sources[1].url: expected a mailbox like imaps://mail.example.org/INBOX, found 'https://mail.example.org'"),
    (kind("imap", "imaps://a:b@mail.example.org"), "w.toml:4:1: sources[1].url: the password does not belong into the address; set password_file"),
    (kind("imap", "imaps://mail.example.org:x"), "w.toml:4:1: sources[1].url: not a URL: port could not be cast to integer value as 'x'"),
    (kind("imap", "imaps://mail.example.org"), "w.toml:1:3: sources[1]: a mailbox needs a password: set password_file"),
    (kind("imap", "imaps://mail.example.org"), "w.toml:1:3: sources[1]: a mailbox needs a username"),
    (kind("page"), "w.toml:1:3: sources[1].selector: a page needs the CSS selector of the links that are articles, like main h3 a"),
    (kind("page") + "\nselector = ' '", "w.toml:5:1: sources[1].selector: a page needs the CSS selector of the links that are articles, like main h3 a"),
    (kind("page") + "\nselector = 'h2 >'", "w.toml:5:1: sources[1].selector: expected a CSS selector like main h3 a, found 'h2 >': Expected selector, got <EOF at 4>"),
    (kind("page") + "\nselector = 'a::attr(href)'", "w.toml:5:1: sources[1].selector: expected a CSS selector like main h3 a, found 'a::attr(href)': Pseudo-elements are not supported."),
    (SOURCE + "selector = 'a'", "w.toml:4:1: sources[1].selector: only a source of kind page has one"),
    (kind("sitemap", "sitemap.xml"), "w.toml:4:1: sources[1].url: expected an address that starts with https:// or http://, found 'sitemap.xml'"),
    (kind("telegram", "https://t.me/+AbCdEf123"), "w.toml:4:1: sources[1].url: expected a public channel like @name or https://t.me/s/name, found 'https://t.me/+AbCdEf123'"),
    (kind("telegram", "@x"), "w.toml:4:1: sources[1].url: expected a public channel like @name or https://t.me/s/name, found '@x'"),
    (kind("jsonl", "https://example.org/x.jsonl"), "w.toml:4:1: sources[1].url: expected the path of a file or folder on this machine, found 'https://example.org/x.jsonl'"),
    (kind("jsonl", "file:"), "w.toml:4:1: sources[1].url: expected the path of a file or folder"),
    (SOURCE + "username = 'a'", "w.toml:4:1: sources[1].username: only a source of kind imap has one"),
    (SOURCE + "kind = 'fead'", "w.toml:4:1: sources[1].kind: expected one of feed, sitemap, page, telegram, reliefweb, gdelt, imap, jsonl, found 'fead'; did you mean feed?"),
    (SOURCE + "language = 'english'", "w.toml:4:1: sources[1].language: expected a two-letter language code like en or ru, found 'english'; did you mean en?"),
    (SOURCE + "language = 'pt-BR'", "w.toml:4:1: sources[1].language: expected a two-letter language code like en or ru, found 'pt-BR'; did you mean pt?"),
    (SOURCE + "language = 'zz'", "w.toml:4:1: sources[1].language: expected a two-letter language code like en or ru, found 'zz'"),
    (SOURCE + "tags = 'x'", "w.toml:4:1: sources[1].tags: expected a list in square brackets, found 'x'"),
    (SOURCE + "tags = [\n '']", "w.toml:5:2: sources[1].tags[1]: is empty"),
    (SOURCE + "expect_every = 'x'", f"w.toml:4:1: sources[1].expect_every: {LENGTH}, found 'x'"),
    ("[[sources]]\nid = 'a'\nurl = 'ftp://x.org/'", "w.toml:3:1: sources[1].url: expected an address that starts with https:// or http://, found 'ftp://x.org/'"),
    ("[[sources]]\nid = 'a'\nurl = 'http://x.org:port/'", "w.toml:3:1: sources[1].url: not a URL: port could not be cast to integer value as 'port'"),
    ("[[sources]]\nid = 'a b'\nurl = 'http://x.org/'", "w.toml:2:1: sources[1].id: expected letters, digits, _ . - (at most 64, a letter or digit first), found 'a b'"),
    # recipients
    (CONSOLE + CONSOLE, "w.toml:5:1: recipients[2].id: 'c' is taken by line 2"),
    (CONSOLE + "states = ['Armenia']", "w.toml:4:11: recipients[1].states[1]: expected the two-letter code of a state in capitals, like AM, found 'Armenia'"),
    (CONSOLE + "rules = ['CSTO']", "w.toml:4:10: recipients[1].rules[1]: expected rule ids or patterns like csto-* (small letters, digits, hyphens), found 'CSTO'"),
    (CONSOLE + "min_severity = 'crit'", "w.toml:4:1: recipients[1].min_severity: expected one of watch, warning, critical, found 'crit'; did you mean critical?"),
    (CONSOLE + "budget = '12'", "w.toml:4:1: recipients[1].budget: expected a number of messages in a time like 12/h or 5/15m, or none, found '12'"),
    (CONSOLE + "budget = '0/h'", "w.toml:4:1: recipients[1].budget: expected a number of messages in a time like 12/h or 5/15m, or none, found '0/h'"),
    (CONSOLE + "budget = 12", "w.toml:4:1: recipients[1].budget: expected a number of messages in a time like 12/h or 5/15m, or none, found 12"),
    ("[[inhibit]]\nby = 'warning'\nsilences = 'warning'", "w.toml:3:1: inhibit[1].silences: expected a lower severity than by, which is warning"),
    ("[[inhibit]]\nsilences = 'critical'", "w.toml:2:1: inhibit[1].silences: expected one of watch, warning, found 'critical'"),
    ("[retention]\ntext = '10d'", "w.toml:2:1: retention.text: expected at least 30d"),
    (CONSOLE + "quiet_hours = '22:00-07:00'", "w.toml:4:1: recipients[1].quiet_hours: expected a time zone after the hours, like 22:00-07:00 Asia/Yerevan"),
    (CONSOLE + "quiet_hours = '22:00-07:00 Yerevan'", "w.toml:4:1: recipients[1].quiet_hours: unknown time zone 'Yerevan'; did you mean Asia/Yerevan?"),
    (CONSOLE + "quiet_hours = '22:00-07:00 asia/yerevn'", "w.toml:4:1: recipients[1].quiet_hours: unknown time zone 'asia/yerevn'; did you mean Asia/Yerevan?"),
    (CONSOLE + "digest = 'hourly'", "w.toml:4:1: recipients[1].digest: expected a time zone at the end, like hourly Asia/Yerevan"),
    (CONSOLE + "digest = 'daily Asia/Yerevan'", "w.toml:4:1: recipients[1].digest: expected hourly Asia/Yerevan or daily 08:00 Asia/Yerevan, found 'daily Asia/Yerevan'"),
    (CONSOLE + "digest = 'daily 08:00 Yerevan'", "w.toml:4:1: recipients[1].digest: unknown time zone 'Yerevan'; did you mean Asia/Yerevan?"),
    (CONSOLE + "digest = 'daily 25:00 UTC'", "w.toml:4:1: recipients[1].digest: expected a time between 00:00 and 23:59, found 'daily 25:00 UTC'"),
    (CONSOLE + "language = 'French'", "w.toml:4:1: recipients[1].language: expected one of en, fr, ru, uk, es, tr, ar, found 'French'; did you mean fr?"),
    (CONSOLE + "language = 'türkçe'", "w.toml:4:1: recipients[1].language: expected one of en, fr, ru, uk, es, tr, ar, found 'türkçe'; did you mean tr?"),
    (CONSOLE + "language = 'uk_UA'", "w.toml:4:1: recipients[1].language: expected one of en, fr, ru, uk, es, tr, ar, found 'uk_UA'; did you mean uk?"),
    (CONSOLE + "language = 'de'", "w.toml:4:1: recipients[1].language: expected one of en, fr, ru, uk, es, tr, ar, found 'de'"),
    (CONSOLE + "quiet_hours = '22:00-22:00 UTC'", "w.toml:4:1: recipients[1].quiet_hours: start and end are both 22:00; leave quiet_hours out to have none"),
    (CONSOLE + "quiet_hours = '22:00-24:00 UTC'", "w.toml:4:1: recipients[1].quiet_hours: expected hours between 00:00 and 23:59, found '22:00-24:00 UTC'"),
    (CONSOLE + "quiet_hours = 22:00:00", "w.toml:4:1: recipients[1].quiet_hours: expected hours and a time zone like 22:00-07:00 Asia/Yerevan, found datetime.time(22, 0)"),
    ("[[recipients]]\nid = 'a'\nchannel = 'mail'", "w.toml:3:1: recipients[1].channel: expected one of telegram, email, console, webhook, apprise, found 'mail'; did you mean email?"),
    ("[[recipients]]\nid = 'a'\nchannel = 'webhook'\nto = 'x'", "w.toml:4:1: recipients[1].to: expected an address that starts with https:// or http://, found 'x'"),
    ("[[recipients]]\nid = 'a'\nchannel = 'email'\nto = 'a@b.c'", "w.toml:3:1: recipients[1].channel: needs the section [email], which is not there"),
    ("[[recipients]]\nid = 'a'\nchannel = 'telegram'\nto = '@channel'", "w.toml:3:1: recipients[1].channel: needs the section [telegram], which is not there"),
    # channels
    ("[email]\nhost = 'mail'", "w.toml:1:2: email.sender: missing; it is needed: address that alerts come from"),
    ("[email]\nsender = 'a@b.c, d@e.f'", "w.toml:2:1: email.sender: expected one mail address like desk@example.org, found 'a@b.c, d@e.f'"),
    ("[email]\nsender = 'a@b.c'\nusername = 'a'", "w.toml:3:1: email.username: needs a password: set password_file"),
    ("[email]\nsender = 'a@b.c'\npassword = 'a'", "w.toml:1:2: email: has a password but no username"),
    ("[telegram]", "w.toml:1:2: telegram: needs the bot's token: set token_file"),
    ("[telegram]\ntoken_file = 'none'", "w.toml:2:1: telegram.token_file: none cannot be read: no such file or directory"),
    ("[telegram]\ntoken = 4", "w.toml:2:1: telegram.token: expected text in quotes"),
    ("[telegram]\ntoken = 'a:b'\nadmins = ['me']", "w.toml:3:11: telegram.admins[1]: expected a whole number, found 'me'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    assert message in problems(tmp_path, text)


@pytest.mark.parametrize(
    ("to", "channel", "expected"),
    [
        ("x", "telegram", "a Telegram chat id like -100200300"),
        ("-100200300/", "telegram", "a Telegram chat id like -100200300"),
        ("-100200300/0", "telegram", "a Telegram chat id like -100200300"),
        ("x", "email", "one mail address"),
        ("", "webhook", "an address"),
    ],
)
def test_a_target_must_fit_its_channel(tmp_path: Path, to: str, channel: str, expected: str) -> None:
    found = problems(tmp_path, f"[[recipients]]\nid = 'a'\nchannel = '{channel}'\nto = '{to}'")
    assert any(f"recipients[1].to: expected {expected}" in line for line in found)


VARIABLES = [
    ({"WATCHER_HTTP__TIMEOUT": "x"}, f"WATCHER_HTTP__TIMEOUT: http.timeout: {LENGTH}, found 'x'"),
    ({"WATCHER_HTTP__TIMOUT": "x"}, "WATCHER_HTTP__TIMOUT: http.timout: unknown key; did you mean timeout?"),
    ({"WATCHER_STORES__PATH": "x"}, "WATCHER_STORES__PATH: begins with no section of the settings; did you mean store?"),
    ({"WATCHER_SOURCES__0__ID": "x"}, "WATCHER_SOURCES__0__ID: the sources are set as a whole: a JSON list in WATCHER_SOURCES"),
    ({"WATCHER_SOURCES": '[{"id": "a", "url": 3}]'}, "WATCHER_SOURCES: sources[1].url: expected text in quotes, found 3"),
    ({"WATCHER_SOURCES": "[{"}, "WATCHER_SOURCES: sources: expected a list in square brackets, found '[{'"),
    ({"WATCHER_TELEGRAM": '{"token": "hidden'}, "WATCHER_TELEGRAM: telegram: expected a section with its own keys"),
]  # fmt: skip


@pytest.mark.parametrize(("environ", "message"), VARIABLES)
def test_a_mistake_in_the_environment_names_its_variable(tmp_path: Path, environ: dict[str, str], message: str) -> None:
    assert problems(tmp_path, SOURCE + CONSOLE + "[http]\ntimeout = '3s'", environ) == [message]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "[http]\ntimeout = 1\nper_host = 'x'\n" + SOURCE + SOURCE + "kind = 1\n[telegram]\n[[recipients]]\nid = 'a'"
    lines = [line.split(" ")[0] for line in problems(tmp_path, text, {"WATCHER_X__Y": "1"})]
    assert lines == [
        "w.toml:2:1:",
        "w.toml:3:1:",
        "w.toml:8:1:",
        "w.toml:10:1:",
        "w.toml:11:2:",
        "w.toml:12:3:",
        "WATCHER_X__Y:",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "w.toml: cannot be read: no such file or directory"),
        (b"a = 1\nb = '\xff'", "w.toml:2: is not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_text(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "w.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_settings(path, {})
    assert str(caught.value) == f"{tmp_path}/{message}"


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    assert load(tmp_path, "\ufeff" + SOURCE + CONSOLE).sources[0].id == "a"


TELEGRAM = SOURCE + CONSOLE + "[telegram]\n"
EMAIL = SOURCE + CONSOLE + "[email]\nsender = 'a@b.c'\nusername = 'u'\n"


def test_secrets_come_from_files_and_are_never_shown(tmp_path: Path) -> None:
    secret(tmp_path, "token", f"{TOKEN}\n")
    secret(tmp_path, "password", "pass word\n")
    text = f"{TELEGRAM}token_file = 'token'\n" + EMAIL.removeprefix(SOURCE + CONSOLE) + "password_file = 'password'\n"
    settings = load(tmp_path, text)
    assert settings.telegram is not None
    assert settings.email is not None
    assert settings.telegram.token == SecretStr(TOKEN)
    assert settings.email.password == SecretStr("pass word")
    assert settings.secrets == (TOKEN, "pass word")
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert TOKEN not in shown
    assert "pass word" not in shown
    assert settings.warnings == ()


def test_systemd_credentials_are_found_by_default_and_by_name(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    secret(credentials, "telegram_token", "1:default", 0o444)
    secret(credentials, "other", "1:other", 0o444)
    environ = {"CREDENTIALS_DIRECTORY": str(credentials)}
    for line, token in [("", "1:default"), ("token_file = 'other'\n", "1:other")]:
        settings = load(tmp_path, TELEGRAM + line, environ)
        assert settings.telegram is not None
        assert settings.telegram.token == SecretStr(token)
        assert settings.warnings == ()


def test_a_folder_of_credentials_is_read_as_systemd_hands_it_over_and_where_it_lies(tmp_path: Path) -> None:
    handed_over = tmp_path / "run"
    for folder, name, token in [
        (tmp_path / "credentials", "telegram_token", "1:beside"),
        (handed_over, "watcher_telegram_token", "1:handed-over"),
    ]:
        folder.mkdir()
        secret(folder, name, token)
    for environ, token in [({}, "1:beside"), ({"CREDENTIALS_DIRECTORY": str(handed_over)}, "1:handed-over")]:
        settings = load(tmp_path, TELEGRAM, environ)
        assert settings.telegram is not None
        assert settings.telegram.token == SecretStr(token)
        assert settings.warnings == ()


def test_a_secret_file_overrides_the_environment(tmp_path: Path) -> None:
    secret(tmp_path, "token", TOKEN)
    environ = {"WATCHER_TELEGRAM__TOKEN": "1:from-environment"}
    for line, token in [("", "1:from-environment"), ("token_file = 'token'\n", TOKEN)]:
        settings = load(tmp_path, TELEGRAM + line, environ)
        assert settings.telegram is not None
        assert settings.telegram.token == SecretStr(token)


@pytest.mark.parametrize(("content", "message"), [(b"\n", "is empty"), (b"\xff", "is not text")])
def test_a_token_file_that_holds_no_token(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "token").write_bytes(content)
    found = problems(tmp_path, TELEGRAM + "token_file = 'token'\n[http]\ntimeout = 3")
    assert found[0] == f"w.toml:8:1: telegram.token_file: token {message}"
    assert len(found) == 2


@pytest.mark.parametrize(("more", "warned"), [("", True), ('state = "AZ"\n', False)])
def test_state_media_of_a_state_that_is_not_named_are_warned_about(tmp_path: Path, more: str, warned: bool) -> None:
    source = f"[[sources]]\nid = 'a'\nurl = 'https://a.example/'\naffiliation = 'state'\n{more}"
    settings = load(tmp_path, source)
    assert any("confirm nothing" in str(one) for one in settings.warnings) is warned
    assert settings.to_sources()[0].state == ("" if warned else "AZ")


def test_warnings_are_returned_and_stop_nothing(tmp_path: Path) -> None:
    secret(tmp_path, "password", "p", 0o644)
    text = EMAIL.replace(CONSOLE, f"expect_every = '1m'\n{CONSOLE}to = 'screen'\n")
    text += "host = 'mail.example.org'\nsecurity = 'none'\npassword_file = 'password'\n"
    settings = load(tmp_path, text, {"WATCHER_HOME": "/x"})
    assert [str(warning).replace(f"{tmp_path}/", "") for warning in settings.warnings] == [
        "w.toml:4:1: sources[1].expect_every: is shorter than `every`: the source will seem silent between two polls",
        "w.toml:13:1: email.security: the password travels in clear; use starttls or tls",
        "w.toml:14:1: email.password_file: every user of this machine can read password; chmod 600 it",
        "WATCHER_HOME: begins with no section of the settings",
    ]
    assert settings.to_recipients()[0].target == "-"


def test_a_secret_written_into_a_readable_configuration_is_warned_about(tmp_path: Path) -> None:
    secret(tmp_path, "w.toml", "", 0o644)
    settings = load(tmp_path, f"{TELEGRAM}token = '{TOKEN}'\n")
    assert [str(warning).replace(f"{tmp_path}/", "") for warning in settings.warnings] == [
        "w.toml:8:1: telegram.token: every user of this machine can read w.toml; chmod 600 it"
    ]


def test_addresses_that_carry_secrets_are_shown_by_their_kind(tmp_path: Path) -> None:
    secret(tmp_path, "ping", "https://hc.example/ping/d0a1-secret\n")
    secret(tmp_path, "slack", "json://user:pass-word@127.0.0.1/hook\n")
    secret(tmp_path, "key", "of the webhook\n")
    secret(tmp_path, "hook", "https://b.example/?key=pass-word\n")
    text = SOURCE + (
        "[heartbeat]\nurl_file = 'ping'\n"
        "[[recipients]]\nid = 'team'\nchannel = 'apprise'\nto_file = 'slack'\n"
        "[[recipients]]\nid = 'archive'\nchannel = 'webhook'\nto = 'https://a.example/'\nsecret_file = 'key'\n"
        "[[recipients]]\nid = 'hidden'\nchannel = 'webhook'\nto_file = 'hook'\n"
    )
    settings = load(tmp_path, text)
    team, archive, hidden = settings.to_recipients()
    assert (team.address, archive.secret) == ("json://user:pass-word@127.0.0.1/hook", "of the webhook")
    assert re.fullmatch(r"json://\*\*\*#[0-9a-f]{8}", team.target)
    assert (archive.target, archive.address) == ("https://a.example/", "")
    assert hidden.target.startswith("https://***#")
    assert hidden.address == "https://b.example/?key=pass-word"
    assert {"https://hc.example/ping/d0a1-secret", team.address, archive.secret, hidden.address} <= set(
        settings.secrets
    )
    shown = f"{settings!r} {settings} {team!r} {archive!r} {hidden!r}"
    assert not [one for one in ("d0a1", "pass-word", "of the webhook") if one in shown]
    assert settings.warnings == ()


APPRISE = "[[recipients]]\nid = 'team'\nchannel = 'apprise'\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (APPRISE + "to = 'nosuch://pass-word@x'", "to: apprise knows no such address of the kind nosuch://"),
        (APPRISE + "to = 'pass-word'", "to: apprise knows no such address"),
        (APPRISE + "to = 'slack://pass-word'", "to: apprise knows no such address of the kind slack://"),
        (APPRISE, "to: apprise knows no such address"),
        ("[heartbeat]\nurl = 'ftp://pass-word'", "url: expected an address that starts with https:// or http://"),
        ("[heartbeat]\nevery = '1m'", "heartbeat: needs the address to call: set url_file"),
        ("[drill]\nevery = '3h'", "drill.every: expected at least 1d, or never"),
        ("[drill]\nevery = 'often'", "drill.every: expected a length of time like 30d, or never, found 'often'"),
        (
            "[[recipients]]\nid = 'a'\nchannel = 'console'\nsecret = 'pass-word'",
            "secret: only a recipient of channel webhook has one",
        ),
        ("[server]\nlisten = '9780'", "server.listen: expected an address and a port like 127.0.0.1:9780"),
        ("[server]\npublic_url = 'http://a.example'", "server.public_url: expected an address like https://alerts"),
    ],
)
def test_mistakes_do_not_give_secrets_away(tmp_path: Path, text: str, message: str) -> None:
    found = problems(tmp_path, text)
    assert any(message in one for one in found), found
    assert "pass-word" not in "".join(found)


def test_without_the_library_an_apprise_recipient_is_a_clear_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    (found,) = problems(tmp_path, APPRISE + "to = 'json://pass-word@127.0.0.1'")
    assert found.endswith("to: needs the library apprise: pip install apprise")


EXAMPLE = (CHECKOUT / "config.example.toml").read_text(encoding="utf-8")
# What is commented out in the example has its # glued to it; prose has a space after it.
WHOLE_EXAMPLE = re.sub(r"^#(?=\S)", "", EXAMPLE, flags=re.MULTILINE)
# Settings for which the example shows a use instead of the default, and says what the default is.
SHOWN_IN_USE = {"user_agent", "token_file", "url_file", "admins", "allowed"}


def spell_default(value: object) -> str:
    """The default as the file spells it."""
    match value:
        case bool():
            return str(value).lower()
        case timedelta():
            seconds = int(value.total_seconds())
            units = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
            unit, size = next((u, s) for u, s in units if (seconds > s or s == 60 == seconds) and seconds % s == 0)
            return f'"{seconds // size}{unit}"'
        case int():
            return f'"{value // 1_000_000}MB"' if value >= 1_000_000 else str(value)
        case tuple():
            return "[" + ", ".join(f'"{item}"' for item in value) + "]"
        case SecretStr():
            return '""'
        case None:
            return ""
        case _:
            return f'"{value}"'


def settings_of(model: type[BaseModel]) -> dict[str, str | None]:
    """Each setting's default as the file spells it; None where it must be given."""
    return {
        name: None if field.default is PydanticUndefined else spell_default(field.default)
        for name, field in model.model_fields.items()
    }


def test_the_example_loads_as_it_is(tmp_path: Path) -> None:
    settings = load(tmp_path, EXAMPLE)
    assert settings.warnings == ()
    assert settings.to_recipients()[0].is_operator


def test_the_example_loads_with_everything_in_use(tmp_path: Path) -> None:
    secret(tmp_path, "telegram_token", TOKEN)
    secret(tmp_path, "mailbox_password", "of the mailbox")
    secret(tmp_path, "heartbeat_url", "https://hc.example/ping/uuid")
    secret(tmp_path, "archive_secret", "key")
    settings = load(tmp_path, WHOLE_EXAMPLE)
    assert settings.to_sources()[1].password == "of the mailbox"
    assert [recipient.channel for recipient in settings.recipients] == [
        Channel.CONSOLE,
        Channel.TELEGRAM,
        Channel.WEBHOOK,
    ]


def test_the_example_holds_every_setting_and_no_other() -> None:
    written = {(str(path[0]), str(path[-1])) for path in find_keys(WHOLE_EXAMPLE) if isinstance(path[-1], str)}
    known = {(section, key) for section, model in SECTIONS.items() for key in model.model_fields}
    assert {(section, key) for section, key in written if section != key} == known
    assert set(SECTIONS) == set(Settings.model_fields)


@pytest.mark.parametrize("section", [name for name in SECTIONS if name not in ARRAYS])
def test_the_example_shows_the_defaults(section: str) -> None:
    for key, default in settings_of(SECTIONS[section]).items():
        if default is not None and key not in SHOWN_IN_USE:
            assert re.search(rf"^{key} = {re.escape(default)} ", WHOLE_EXAMPLE, re.MULTILINE), key


REFERENCE = (CHECKOUT / "docs" / "configuration.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("section", SECTIONS)
def test_the_reference_has_a_row_for_every_setting(section: str) -> None:
    heading = f"## `[[{section}]]`" if section in ARRAYS else f"## `[{section}]`"
    part = REFERENCE.split(heading)[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", part, re.MULTILINE))
    expected = {
        key: "required" if default is None else f"`{default}`" if default else "none"
        for key, default in settings_of(SECTIONS[section]).items()
    }
    assert rows == expected


def test_shipped_rules_are_found_in_a_checkout() -> None:
    assert shipped_rules() == CHECKOUT / "rules"

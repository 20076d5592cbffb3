"""What people write as a value, read strictly: times, sizes, quiet hours, addresses, codes."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from watcher.model import Budget, Channel, Digest, QuietHours, SourceKind

_DURATION_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SIZE_UNITS: Mapping[str, int] = {"B": 1} | {
    f"{prefix}{infix}B": base ** (power + 1)
    for power, prefix in enumerate("KMG")
    for infix, base in (("", 1000), ("i", 1024))
}
ID = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
CHAT = re.compile(r"-?\d{1,19}|@[A-Za-z]\w{3,31}", re.ASCII)  # chat id, or the name of a public channel
MAIL_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")  # one bare address; the server judges the rest


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
    found = re.fullmatch(r"(\d{1,6}) ?([KMG]?i?B)", value, re.ASCII) if isinstance(value, str) else None
    if found is None or found[2] not in _SIZE_UNITS:
        raise ValueError(f"expected a size like 500KB, 5MB or 1GiB, found {value!r}")
    return int(found[1]) * _SIZE_UNITS[found[2]]


def parse_budget(value: object) -> Budget | str | None:
    """The limit that ``12/h`` or ``5/15m`` names, ``none`` as it is; raises ValueError."""
    if value is None or value == "none" or isinstance(value, Budget):
        return value
    found = re.fullmatch(r"([1-9]\d{0,3})/(\d{0,4})([mhd])", value, re.ASCII) if isinstance(value, str) else None
    if found is None or found[2].startswith("0"):
        raise ValueError(f"expected a number of messages in a time like 12/h or 5/15m, or none, found {value!r}")
    return Budget(int(found[1]), timedelta(**{_DURATION_UNITS[found[3]]: int(found[2] or 1)}))


def parse_until(value: str, now: datetime) -> datetime:
    """The time, as UTC, that ``2h``, ``2026-12-01`` or ``2026-12-01 08:00 Asia/Yerevan`` names; raises ValueError.

    A date alone is its beginning in UTC. Times that are over are refused.
    """
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(?: +(\S+))?)?", value, re.ASCII)
    if found is None:
        try:
            return now + parse_duration(value)
        except ValueError:
            wanted = "a time like 2h, 2026-12-01 or 2026-12-01 08:00 Asia/Yerevan"
            raise ValueError(f"expected {wanted}, found {value!r}") from None
    day, clock, name = found.groups()
    if clock is not None and name is None:
        raise ValueError(f"expected a time zone after the time, like {value} Asia/Yerevan")
    if name is not None:
        check_zone(name)
    try:
        local = datetime.fromisoformat(f"{day} {clock or '00:00'}")
    except ValueError:
        raise ValueError(f"there is no such day or time: {value!r}") from None
    until = local.replace(tzinfo=zoneinfo.ZoneInfo(name or "UTC")).astimezone(UTC)
    if until <= now:
        raise ValueError(f"{value} is over already")
    return until


def check_zone(name: str) -> str:
    """The name itself when it is one of an IANA time zone; raises ValueError."""
    if name not in (zones := zoneinfo.available_timezones()):
        raise ValueError(f"unknown time zone {name!r}{suggest(name, zones)}")
    return name


def parse_digest(value: object) -> Digest | None:
    """The times that ``hourly Asia/Yerevan`` or ``daily 08:00 Asia/Yerevan`` names, None for an empty text.

    Raises ValueError.
    """
    if value is None or isinstance(value, Digest):
        return value
    if value == "":
        return None
    found = (
        re.fullmatch(r"(hourly|daily (\d\d):(\d\d))(?: +(\S+))?", value, re.ASCII) if isinstance(value, str) else None
    )
    if found is None:
        raise ValueError(f"expected hourly Asia/Yerevan or daily 08:00 Asia/Yerevan, found {value!r}")
    when, hour, minute, zone = found.groups()
    if zone is None:
        raise ValueError(f"expected a time zone at the end, like {value} Asia/Yerevan")
    check_zone(zone)
    try:
        return Digest(None if when == "hourly" else time(int(hour), int(minute)), zone)
    except ValueError:
        raise ValueError(f"expected a time between 00:00 and 23:59, found {value!r}") from None


def parse_quiet_hours(value: object) -> QuietHours | None:
    """The span that ``22:00-07:00 Asia/Yerevan`` names, None for an empty text; raises ValueError."""
    if value is None or isinstance(value, QuietHours):
        return value
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
    check_zone(zone)
    try:
        start, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    except ValueError:
        raise ValueError(f"expected hours between 00:00 and 23:59, found {value!r}") from None
    if start == end:
        raise ValueError(f"start and end are both {found[1]}:{found[2]}; leave quiet_hours out to have none")
    return QuietHours(start=start, end=end, zone=zone)


# As CLDR has them; its tables of names are large, and loaded only to suggest one.
LANGUAGES = frozenset(
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en "
    "eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja "
    "jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb "
    "nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so "
    "sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh "
    "zu".split()
)


def check_language(code: str) -> str:
    """The code itself, also when empty; raises ValueError."""
    if code and code not in LANGUAGES:
        from babel import Locale

        by_name = {name.lower(): known for known, name in Locale("en").languages.items()}
        near = by_name.get(code.lower()) or re.split("[-_]", code.lower())[0]
        hint = f"; did you mean {near}?" if near in LANGUAGES else ""
        raise ValueError(f"expected a two-letter language code like en or ru, found {code!r}{hint}")
    return code


def check_own_language(code: str) -> str:
    """The code itself when our own sentences exist in that language; raises ValueError."""
    from watcher.wording import LANGUAGES as OURS  # with it comes babel, which a configuration in English does without

    if code not in OURS:
        from babel import Locale

        names = {known: known for known in OURS}
        for known in OURS:
            names |= {Locale(known).languages[known].lower(): known, Locale("en").languages[known].lower(): known}
        by_tag = re.split("[-_]", code.lower())[0]
        near = difflib.get_close_matches(code.lower(), names, n=1, cutoff=0.6)
        hint = names[near[0]] if near else by_tag if by_tag in OURS else ""
        hint = f"; did you mean {hint}?" if hint else ""
        raise ValueError(f"expected one of {', '.join(OURS)}, found {code!r}{hint}")
    return code


def check_url(url: str) -> str:
    """The URL itself when it is http or https with a host; raises ValueError."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises when it is no number
    except ValueError as error:
        raise ValueError(f"not a URL: {str(error).lower()}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", url):
        raise ValueError(f"expected an address that starts with https:// or http://, found {url!r}")
    return url


def check_listen(value: str) -> str:
    """The address itself when it is a host and a port; raises ValueError."""
    try:
        parts = urlsplit(f"//{value}")
        is_good = bool(parts.hostname and parts.port) and parts.netloc == value and "@" not in value
    except ValueError:
        is_good = False
    if not is_good:
        raise ValueError(f"expected an address and a port like 127.0.0.1:9780 or [::1]:9780, found {value!r}")
    return value


def check_secret_url(url: SecretStr) -> SecretStr:
    """The URL itself when it is http or https, or empty; raises ValueError, whose words hold nothing of it."""
    try:
        if url.get_secret_value():
            check_url(url.get_secret_value())
    except ValueError:
        raise ValueError("expected an address that starts with https:// or http://") from None
    return url


def check_apprise_url(url: str) -> str:
    """The URL itself when apprise knows its kind and all that it needs stands in it; raises ValueError without it."""
    from watcher.web.services import NoAppriseError, kind_of, open_service

    try:
        service = open_service(url)
    except NoAppriseError as error:
        raise ValueError(str(error)) from None
    if service is None:
        kind = kind_of(url)
        raise ValueError(f"apprise knows no such address{f' of the kind {kind}://' if kind else ''}")
    return url


def parse_drill_interval(value: object) -> timedelta | str:
    """The length of time that ``30d`` names, ``never`` as it is; raises ValueError."""
    if value == "never":
        return "never"
    try:
        interval = parse_duration(value)
    except ValueError:
        raise ValueError(f"expected a length of time like 30d, or never, found {value!r}") from None
    if interval < timedelta(days=1):
        raise ValueError("expected at least 1d, or never")
    return interval


def check_public_url(url: str) -> str:
    """The URL, without a slash at its end, when it is https and nothing but a host; raises ValueError."""
    if not url:
        return url
    parts = urlsplit(check_url(url))
    if parts.scheme != "https" or parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise ValueError(f"expected an address like https://alerts.example.org, found {url!r}")
    return url.rstrip("/")


_CHANNEL = re.compile(r"(?:@|(?:https?://)?t\.me/(?:s/)?)([A-Za-z]\w{3,31})/?", re.ASCII)


def check_telegram_channel(value: str) -> str:
    """The address of the web preview of the public channel that @name or https://t.me/name means."""
    if found := _CHANNEL.fullmatch(value):
        return f"https://t.me/s/{found[1]}"
    if urlsplit(value).hostname == "t.me" or not value.startswith(("http://", "https://")):
        raise ValueError(f"expected a public channel like @name or https://t.me/s/name, found {value!r}")
    return check_url(value)  # a mirror


def check_selector(selector: str) -> str:
    """The CSS selector itself when it can be read; raises ValueError."""
    if not selector.strip():
        raise ValueError("a page needs the CSS selector of the links that are articles, like main h3 a")
    from watcher.web.pages import compile_selector  # loads lxml, which most configurations need no sooner than a page

    try:
        compile_selector(selector)
    except ValueError as error:
        raise ValueError(f"expected a CSS selector like main h3 a, found {selector!r}: {error}") from None
    return selector


def check_reliefweb_search(url: str) -> str:
    """The URL itself when it names the program that asks; raises ValueError."""
    if "appname" not in dict(parse_qsl(urlsplit(check_url(url)).query)):
        raise ValueError("ReliefWeb answers only with appname=NAME in the address, a name that it approved")
    return url


def check_gdelt_search(url: str) -> str:
    """The URL itself when it says what to search for; raises ValueError."""
    if "query" not in dict(parse_qsl(urlsplit(check_url(url)).query)):
        raise ValueError("expected query=WORDS in the address of the search")
    return url


def check_mailbox(url: str) -> str:
    """The URL itself when it names a mail server and, perhaps, a folder; raises ValueError."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"not a URL: {str(error).lower()}") from None
    if parts.scheme not in ("imap", "imaps") or not parts.hostname:
        raise ValueError(f"expected a mailbox like imaps://mail.example.org/INBOX, found {url!r}")
    if parts.password:
        raise ValueError("the password does not belong into the address; set password_file")
    return url


def check_path(value: str) -> str:
    """The path that a file: URL means, or the path itself; raises ValueError."""
    parts = urlsplit(value)
    if parts.scheme not in ("", "file") or parts.hostname not in (None, "", "localhost"):
        raise ValueError(f"expected the path of a file or folder on this machine, found {value!r}")
    path = unquote(parts.path) if parts.scheme else value
    if not path.strip():
        raise ValueError("expected the path of a file or folder")
    return path


CHECK_ADDRESS: Mapping[SourceKind, Callable[[str], str]] = {
    SourceKind.FEED: check_url,
    SourceKind.SITEMAP: check_url,
    SourceKind.PAGE: check_url,
    SourceKind.TELEGRAM: check_telegram_channel,
    SourceKind.RELIEFWEB: check_reliefweb_search,
    SourceKind.GDELT: check_gdelt_search,
    SourceKind.IMAP: check_mailbox,
    SourceKind.JSONL: check_path,
}


def check_state(code: str) -> str:
    """The code itself when it looks like ISO 3166-1 alpha-2; raises ValueError."""
    if not re.fullmatch(r"[A-Z]{2}", code):
        raise ValueError(f"expected the two-letter code of a state in capitals, like AM, found {code!r}")
    return code


def check_state_if_any(code: str) -> str:
    """The code as `check_state` has it, or nothing."""
    return check_state(code) if code else code


def check_rule_pattern(pattern: str) -> str:
    """The pattern itself when a rule id can fit it; raises ValueError."""
    if not re.fullmatch(r"[a-z0-9*?\[\]!-]+", pattern):
        raise ValueError(
            f"expected rule ids or patterns like csto-* (small letters, digits, hyphens), found {pattern!r}"
        )
    return pattern


def suggest(word: object, known: Iterable[str]) -> str:
    """``; did you mean X?`` for the nearest of ``known``, also by the last part of a path; empty without one."""
    names = sorted(known)
    by_spelling = {name.rpartition("/")[2].lower(): name for name in names} | {name.lower(): name for name in names}
    near = difflib.get_close_matches(str(word).lower().replace(" ", "_"), by_spelling, n=1, cutoff=0.6)
    return f"; did you mean {by_spelling[near[0]]}?" if near else ""


def at_least(least: timedelta, spelled: str) -> AfterValidator:
    def check(value: timedelta) -> timedelta:
        if value < least:
            raise ValueError(f"expected at least {spelled}")
        return value

    return AfterValidator(check)


def check_mail_address(value: str) -> str:
    """The address itself when it is one bare address; raises ValueError."""
    if not MAIL_ADDRESS.fullmatch(value):
        raise ValueError(f"expected one mail address like desk@example.org, found {value!r}")
    return value


def check_chat(value: str) -> str:
    chat, _, topic = value.partition("/")
    if not CHAT.fullmatch(chat) or ("/" in value and not re.fullmatch(r"[1-9]\d*", topic, re.ASCII)):
        wanted = (
            "a Telegram chat id like -100200300, -100200300/17 for a topic of a forum, or @name of a public channel"
        )
        raise ValueError(f"expected {wanted}, found {value!r}")
    return value


CHECK_TARGET: Mapping[Channel, Callable[[str], str]] = {
    Channel.TELEGRAM: check_chat,
    Channel.EMAIL: check_mail_address,
    Channel.WEBHOOK: check_url,
    Channel.APPRISE: check_apprise_url,
    Channel.CONSOLE: lambda _: "-",  # there is only one, whatever it is called
}


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Interval = Annotated[Duration, at_least(timedelta(seconds=1), "1s")]
Size = Annotated[int, BeforeValidator(parse_size), Field(gt=0)]
Url = Annotated[str, AfterValidator(check_url)]
Id = Annotated[str, Field(pattern=ID)]
Word = Annotated[str, Field(min_length=1)]
Port = Annotated[int, Field(ge=1, le=65535)]

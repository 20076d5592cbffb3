"""What the endpoint offers: a method, a path, and who answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

PUBLIC_PREFIX = "/public/"  # all that a reverse proxy has to pass on, and all that it may


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked, its checks passed and its body read."""

    method: str
    path: str
    parts: Mapping[str, str] = field(default_factory=dict)  # of the path: "token" for /public/unsubscribe/{token}
    query: Mapping[str, str] = field(default_factory=dict)  # the last value of each name
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer; headers for security are added to it."""

    text: str = ""
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Route:
    """One address of the endpoint.

    ``path`` may hold parts like ``{token}``. A public one is also answered under the host of ``public_url`` and lives
    below ``PUBLIC_PREFIX``; the others only under names of this machine. ``is_for_programs``: a POST may come from
    anywhere (Telegram's servers, a mail program's one-click unsubscribe), so the handler itself tells who asks.
    """

    method: str
    path: str
    handler: Handler
    is_public: bool = False
    is_for_programs: bool = False

    def __post_init__(self) -> None:
        if self.is_public is not self.path.startswith(PUBLIC_PREFIX):
            raise ValueError(f"{self.path}: exactly the public routes begin with {PUBLIC_PREFIX}")

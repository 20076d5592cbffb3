"""Telegram's own parser of messages, offline: ``parseTextEntities`` of TDLib's JSON interface.

The library comes with the npm package ``prebuilt-tdlib``; ``.ci/run`` puts it into ``.tdlib`` beside the checkout's
files, and ``WATCHER_TDLIB`` names another ``libtdjson.so``.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


class ParserRefusedError(Exception):
    """What Telegram says where it does not take a text."""


def library() -> Path | None:
    """Where the library for this machine lies; None where it is not installed."""
    if named := os.environ.get("WATCHER_TDLIB"):
        return Path(named) if Path(named).is_file() else None
    machine = _MACHINES.get(platform.machine().lower(), "")
    libc = "glibc" if _glibc() else "musl"
    package = ROOT / ".tdlib" / "node_modules" / "@prebuilt-tdlib" / f"linux-{machine}-{libc}"
    found = package / "libtdjson.so"
    return found if found.is_file() else None


def _glibc() -> str | None:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (OSError, ValueError):  # musl knows the name and has no answer
        return None


@cache
def _execute() -> Callable[[bytes], bytes]:
    path = library()
    assert path is not None
    tdjson = ctypes.CDLL(str(path))
    execute = tdjson.td_execute
    execute.restype, execute.argtypes = ctypes.c_char_p, [ctypes.c_char_p]
    execute(b'{"@type":"setLogVerbosityLevel","new_verbosity_level":0}')

    def answer(request: bytes) -> bytes:
        return bytes(execute(request))

    return answer


def parse(source: str) -> tuple[str, tuple[dict[str, Any], ...]]:
    """The text as a reader gets it, and its entities (offset and length in UTF-16 units) of an HTML message.

    Raises ParserRefusedError. A lone surrogate cannot reach Telegram: the strings of its interface are UTF-8.
    """
    request = {"@type": "parseTextEntities", "text": source, "parse_mode": {"@type": "textParseModeHTML"}}
    answer = json.loads(_execute()(json.dumps(request, ensure_ascii=False).encode()))
    if answer["@type"] == "error":
        raise ParserRefusedError(answer["message"])
    return answer["text"], tuple(answer["entities"])

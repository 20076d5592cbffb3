"""Services that the apprise library can reach by one URL; an extra, loaded where somebody uses it."""

from __future__ import annotations

import logging
import re
import warnings
from typing import TYPE_CHECKING

from watcher.errors import WatcherError

if TYPE_CHECKING:
    from apprise import NotifyBase


class NoAppriseError(WatcherError):
    """The library is not installed."""


def open_service(url: str) -> NotifyBase | None:
    """The service behind the URL; None where apprise does not know it or lacks a part of it. Raises NoAppriseError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the many modules that its services load
            from apprise import Apprise
    except ImportError:
        raise NoAppriseError("needs the library apprise: pip install apprise") from None
    library_log = logging.getLogger("apprise")
    library_log.propagate = False  # its lines hold addresses, and those hold passwords
    if not library_log.handlers:
        library_log.addHandler(logging.NullHandler())  # without any, they would go to standard error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return Apprise.instantiate(url)


def kind_of(url: str) -> str:
    """``slack`` for ``slack://...``; empty where the URL has none that may be shown."""
    kind, separator, _ = url.partition("://")
    return kind if separator and re.fullmatch(r"[a-z][a-z0-9]{0,19}", kind) else ""

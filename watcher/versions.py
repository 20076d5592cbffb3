"""What this program is made of, so that an alert can say later what it was decided with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import watcher
from watcher.evidence import Versions
from watcher.understand.states import Gazetteer

_PACKAGE = Path(watcher.__file__).parent
_DATA = _PACKAGE / "understand" / "data"
_STATES = _DATA / "states"  # the gazetteer's, which has a version of its own


@cache  # what runs was loaded at the start; an upgrade on disk comes into force with the next one
def current_versions() -> Versions:
    """The versions of this program, its source and its data, as they are on disk at the first call."""
    data = (path for path in _DATA.rglob("*") if path.suffix in (".yaml", ".txt") and _STATES not in path.parents)
    return Versions(
        program=watcher.__version__,
        code=_hash(_PACKAGE.rglob("*.py")),
        gazetteer=Gazetteer.load().version,
        data=_hash(data),
    )


def _hash(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(_PACKAGE).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]

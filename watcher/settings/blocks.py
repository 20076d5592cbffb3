"""New ``[[sources]]`` blocks: how they are written, and put at the end of a configuration that stays valid."""

from __future__ import annotations

import json
import os
import re
import tempfile
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from watcher.settings.load import load_settings

Value = str | bool | Sequence[str]


def source_block(values: Mapping[str, Value]) -> str:
    """A block of the configuration; what is empty is left out."""
    lines = [f"{key} = {_toml(value)}" for key, value in values.items() if value not in ("", (), [])]
    return "\n".join(("[[sources]]", *lines)) + "\n"


def new_id(name: str, url: str, taken: Collection[str]) -> str:
    """An id for a source that nobody has yet: from its name, or its host where the name has no such letters."""
    wanted = _slug(name) or _slug((urlsplit(url).hostname or "").removeprefix("www.")) or "source"
    number, candidate = 1, wanted
    while candidate in taken:
        number += 1
        candidate = f"{wanted}-{number}"
    return candidate


def append_sources(config: Path, blocks: Sequence[str], environ: Mapping[str, str]) -> None:
    """Nothing; the blocks stand at the end of the configuration, or are all of a new one; all of them or none.

    Raises ConfigError where it would not be valid any more, and then leaves it as it was; OSError.
    """
    is_new = not config.exists()
    text = "" if is_new else config.read_text(encoding="utf-8")
    text = text + ("" if text.endswith("\n") or not text else "\n") + "".join("\n" + block for block in blocks)
    # Beside the file: relative paths in it start at its folder, and a move within a folder is all or nothing.
    descriptor, name = tempfile.mkstemp(prefix=config.name, dir=config.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            os.fsync(file.fileno())
        load_settings(Path(name), environ)
        if not is_new:  # else for its owner alone, as it may come to hold secrets
            Path(name).chmod(config.stat().st_mode & 0o777)
        Path(name).replace(config)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def _toml(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # A basic string of TOML is one of JSON, but for one control character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return "[" + ", ".join(map(_toml, value)) + "]"


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:40].strip("-")

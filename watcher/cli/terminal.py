"""Text for a terminal: colours only there, and nothing of an article or a file that the terminal would obey."""

from __future__ import annotations

import re
import sys

from rich.console import Console

# Control characters, and the marks that turn the direction of all that follows; line breaks and tabs may stay.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def harmless(text: str) -> str:
    """The text with each character that a terminal could obey, or that cannot be printed, replaced by one sign."""
    return _OBEYED.sub("\ufffd", text)


def printer(*, stderr: bool = False) -> Console:
    """Where to print text with styles: colours on a terminal only, lines never broken, nothing read as markup."""
    return Console(
        file=sys.stderr if stderr else sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=True
    )


def verdict_style(passed: bool) -> str:
    """The style of PASS or FAIL."""
    return "bold green" if passed else "bold red"

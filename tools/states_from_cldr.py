"""Write the names of the parties in one language from CLDR, as a data file of the gazetteer.

    python tools/states_from_cldr.py hy > watcher/understand/data/states/hy.yaml

For languages of which nobody in the project writes the rest of a file by hand.
"""

from __future__ import annotations

import sys

from babel import Locale

from watcher.understand.gazetteer import Gazetteer


def main(language: str) -> None:
    """Write the file to standard output; an unknown language raises babel's own error."""
    locale = Locale.parse(language)
    lines = [
        f"# {locale.english_name}. Source: CLDR (territories), written by tools/states_from_cldr.py.",
        f"language: {language}",
    ]
    lines += ["", "names:"]
    for code in Gazetteer.load().names():
        name = locale.territories.get(code)
        if name:
            # A name in brackets is an alternative; a comma would divide the row.
            name = name.split("(")[0].replace(",", " ").strip()
            lines.append(f"  {code}: {name.removesuffix('ი')}")  # Georgian drops the nominative's vowel in other cases
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])

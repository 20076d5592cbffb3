"""Prints precision and recall of each stance over the labelled sentences."""

from collections import Counter

from tests.understand.stance_cases import LANGUAGES, confusion
from watcher.model import Stance


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "    "


def main() -> None:
    for name, languages in (("en", ("en",)), ("others", LANGUAGES[1:])):
        counts = sum((confusion(language) for language in languages), Counter())
        print(f"{name:10} cases  precision  recall")
        for stance in Stance:
            right = counts[stance, stance]
            labelled = sum(times for (label, _), times in counts.items() if label is stance)
            judged = sum(times for (_, found), times in counts.items() if found is stance)
            print(f"{stance.value:10} {labelled:5}       {_share(right, judged)}    {_share(right, labelled)}")
    for language in LANGUAGES:
        counts = confusion(language)
        right = sum(times for (label, found), times in counts.items() if label is found)
        print(f"{language}: {right} of {counts.total()}")


main()

"""Feeds the loader of rules with damaged rule files; it must answer each with rules or with mistakes that have a place.

    python -m tests.fuzz_rules --inputs 100000 --jobs 2

Each input is a shipped rule with its lists, a shipped file, or one of tests/data/bad_rules, changed a few times: bytes,
words, structure. What loads is compiled and examined, too. Prints a failing input's number; `--first NUMBER --inputs 1 --show`
shows it again. Exit 1 when there is any.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from tests.fuzzing import change_bytes, main
from watcher.errors import RuleError
from watcher.rules.compile import compile_rules
from watcher.rules.lint import lint_rules
from watcher.rules.load import load_rules
from watcher.rules.schema import RuleSet
from watcher.understand.gazetteer import Gazetteer

CHECKOUT = Path(__file__).resolve().parents[1]
TODAY = date(2026, 12, 1)
# Seconds of the processor for one input: the slowest of 100,000 took less than one on an idle machine.
PATIENCE = 20.0

# What YAML, the phrase language and the readers of values treat in a way of their own.
SPECIAL = [
    *": - --- ... # % @ ` & * ! | > ? , [ ] { } ' \" \\ \t \r \x00 \x85 \u2028 \ufeff \ud7ff \U0001f525".split(" "),
    *"&a *a <<: !!python/object:os.system !!binary !!set !x %YAML %TAG ~ null true yes on .inf .nan 0x1F 1_000".split(),
    *"1e999 -1 0 99999999999999999999 00 2026-13-45 2026-11-20 72h 0s 999999d 2_sentences same_sentence".split(),
    *"$ $nobody $$ .. ..0 ..3 ..999999 ... ( ) (a|b) ((( ||| a|b ~ word~ * a* *a ** /a+/ /(a+)+$/ /[/ /\\1/ /a{1000}/".split(),
    *"list: rule: append: items: kind: look_for: alert_when: close_together: unless: tests: steps: count: phrases:".split(),
    "9" * 400,
    "a" * 5000,
    "[" * 300,
    "{a: " * 200,
    "- " * 300,
    "\n",
    "\n  ",
    "\n---\n",
]

Mutation = Callable[[bytes, random.Random], bytes]


@cache
def seeds() -> tuple[bytes, ...]:
    """What inputs are made of; often what is small and loads."""
    files = [path.read_bytes() for path in sorted((CHECKOUT / "tests" / "data" / "bad_rules").rglob("*.yaml"))]
    shipped = [path.read_bytes() for path in sorted((CHECKOUT / "rules").rglob("*.yaml"))]
    documents = [document for body in shipped for document in re.split(rb"^---\s*$", body, flags=re.MULTILINE)]
    lists = {found[1]: body for body in documents if (found := re.search(rb"^list:\s*(\S+)", body, re.MULTILINE))}
    whole = []
    for body in documents:
        if not re.search(rb"^rule:", body, re.MULTILINE):
            continue
        names = list(dict.fromkeys(re.findall(rb"\$(\w+)", body)))
        for name in names:
            inner = re.findall(rb"\$(\w+)", lists.get(name, b""))
            names.extend(one for one in dict.fromkeys(inner) if one not in names)
        parts = [body, *(lists[name] for name in names if name in lists)]
        whole.append(b"\n---\n".join(parts))
    # A list alone ends at the missing rule, a rule alone at its unknown lists.
    whole += [body + b"\n---\nrule: any\nlook_for: {a: {phrases: [$" + name + b"]}}\n" for name, body in lists.items()]
    # Large files cost most of the time and reach no other code.
    return tuple([body for body in whole if len(body) < 12_000] * 12 + files * 6 + shipped)


@cache
def words() -> tuple[bytes, ...]:
    """Words to put where others stand: all of the seeds, and the special ones."""
    found = {word for body in seeds() for word in re.findall(rb"[\w$~*.]+:?", body)}
    return (*sorted(found), *(text.encode("utf-8", "surrogatepass") for text in SPECIAL * 20))


def change_words(body: bytes, chance: random.Random) -> bytes:
    """One word or mark other, gone, twice, swapped or new."""
    parts = re.findall(rb"\w+|\s+|[^\w\s]", body) or [b""]
    at, other = chance.randrange(len(parts)), chance.randrange(len(parts))
    what = chance.randrange(5)
    if what == 0:
        parts[at] = chance.choice(words())
    elif what == 1:
        parts[at] = b""
    elif what == 2:
        parts[at], parts[other] = parts[other], parts[at]
    elif what == 3:
        parts[at] += chance.choice(words())
    else:
        parts[at] *= chance.choice((2, 3, 50))
    return b"".join(parts)


def change_structure(body: bytes, chance: random.Random) -> bytes:
    """One line, value or half of the file elsewhere, of another shape, or of another file."""
    lines = body.split(b"\n")
    at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    line = lines[at]
    key, colon, value = line.partition(b":")
    what = chance.randrange(9)
    if what == 0:
        del lines[at]
    elif what == 1:
        lines.insert(other, line)
    elif what == 2:
        lines[at], lines[other] = lines[other], line
    elif what == 3:
        lines[at] = b" " * chance.choice((1, 2, 4)) + line if chance.random() < 0.5 else line[chance.choice((1, 2)) :]
    elif what == 4:
        shape = chance.choice(
            (b" [%s]", b" {%s}", b" {a: %s}", b" [[%s]]", b" '%s'", b' "%s"', b" |\n    %s", b" &a %s", b" *a")
        )
        lines[at] = key + colon + (shape % value.strip() if b"%s" in shape else shape)
    elif what == 5:
        lines[at] = (
            key + colon + b" " + chance.choice((b"", b"~", b"[]", b"{}", b"- a", b"1", b"''", chance.choice(words())))
        )
    elif what == 6:
        first, last = sorted((at, other))
        lines[last:last] = lines[first:last] * chance.choice((1, 2, 20))
    elif what == 7:
        second = chance.choice(seeds()).split(b"\n")
        lines[at:] = second[chance.randrange(len(second)) :]
    else:
        lines[at:at] = (b"---", *chance.choice(seeds()).split(b"\n"), b"---")
    return b"\n".join(lines)


MUTATIONS: Sequence[Mutation] = (change_bytes, change_words, change_words, change_structure, change_structure)


def make_input(seed: int, number: int) -> bytes:
    """The same input for the same numbers, always."""
    chance = random.Random(f"{seed} {number}")
    body = chance.choice(seeds())
    for _ in range(chance.choice((1, 1, 1, 1, 2, 2, 3, 9))):
        body = chance.choice(MUTATIONS)(body, chance)
    return body[:200_000]


def judge(body: bytes, folder: Path) -> str:
    """What came of an input; AssertionError, or whatever else the loader lets out, where it is not what is promised."""
    path = folder / "fuzzed.yaml"
    path.write_bytes(body)
    try:
        rule_set = load_rules([path])
    except RuleError as error:
        _check(error, body, path)
        return "refused by the loader"
    try:
        compile_rules(rule_set, Gazetteer.load())
    except RuleError as error:
        _check(error, body, path)
        return "refused by the compiler"
    _check_findings(rule_set)
    return "loaded"


def _check(error: RuleError, body: bytes, path: Path) -> None:
    lines = len(re.split(r"\r\n|[\n\r\x85\u2028\u2029]", body.decode("utf-8", "replace")))
    assert error.problems, "an error without a mistake"
    for problem in error.problems:
        assert problem.location.path == path.as_posix(), problem
        assert 0 <= problem.location.line <= lines + 1, problem
        assert problem.location.column >= (1 if problem.location.line else 0), problem
        assert problem.message.strip(), problem
        assert "Traceback" not in problem.message, problem


def _check_findings(rule_set: RuleSet) -> None:
    for finding in lint_rules(rule_set, TODAY):
        assert finding.location.line >= 1, finding
        assert finding.message.strip(), finding


if __name__ == "__main__":
    main("tests.fuzz_rules", "Feeds the loader of rules with damaged rule files.", 100_000)

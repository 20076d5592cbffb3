"""What is legal in a rule set and probably not meant: findings with stable codes, each with its place.

A finding is silenced on its own line, or on the line above it, by a comment with a reason: ``# lint-ok: code reason``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType

from watcher.errors import Location
from watcher.model import RuleStatus, Source
from watcher.rules.phrases import Choice, Ending, Gap, Part, Word, parse_phrase
from watcher.rules.regex import compile_regex
from watcher.rules.schema import Clue, Expect, ListKind, Rule, RulePart, RuleSet
from watcher.rules.values import not_among
from watcher.text.inflect import inflect

WIDE_GAP = 12  # words; a longer gap joins what two clauses say
SHORT_WORD = 3  # letters; war and aid are in every second article
BROAD_STEM = 3  # letters before *; four is where the number of words that fit becomes readable
REVIEW_EVERY = timedelta(days=365)

# What search engines understand, and what to write instead.
_SEARCH_WORDS = {
    "AND": "make it two clues",
    "OR": "write alternatives as (aid|help)",
    "NOT": "write what must not be there under not_phrases",
}
# Names of states that are also names of people, animals, rivers or parts of other states.
AMBIGUOUS_NAMES = frozenset({"chad", "georgia", "guinea", "jordan", "niger", "turkey"})


class LintSeverity(StrEnum):
    ERROR = "error"  # the loader refuses the file
    WARNING = "warning"
    HINT = "hint"


# Every code with its severity. The first group is reported by the loader, as errors or on its way.
CODES: Mapping[str, LintSeverity] = MappingProxyType(
    {
        "yaml-duplicate-key": LintSeverity.ERROR,
        "unknown-key": LintSeverity.ERROR,
        "unknown-list": LintSeverity.ERROR,
        "list-cycle": LintSeverity.ERROR,
        "yaml-comment-in-phrase": LintSeverity.WARNING,
        "empty-file": LintSeverity.WARNING,
        "unused-list": LintSeverity.HINT,
        "unused-clue": LintSeverity.WARNING,
        "unused-step": LintSeverity.WARNING,
        "regex-used": LintSeverity.HINT,
        "phrase-too-short": LintSeverity.WARNING,
        "wildcard-too-broad": LintSeverity.WARNING,
        "gap-too-wide": LintSeverity.WARNING,
        "can-never-match": LintSeverity.WARNING,
        "always-matches": LintSeverity.WARNING,
        "shadowed-by-unless": LintSeverity.WARNING,
        "expired-until": LintSeverity.WARNING,
        "no-test": LintSeverity.WARNING,
        "no-negative-test": LintSeverity.WARNING,
        "stale-review": LintSeverity.HINT,
        "ambiguous-state-alone": LintSeverity.WARNING,
        "language-without-inflector": LintSeverity.WARNING,
        "language-without-source": LintSeverity.WARNING,
        "unknown-recipient": LintSeverity.WARNING,
        "window-shorter-than-poll": LintSeverity.WARNING,
        "bad-suppression": LintSeverity.WARNING,
    }
)

_SUPPRESSION = re.compile(r"(?:^|(?<=\s))#\s*lint-ok\b:?[ \t]*(?P<code>[a-z-]*)[ \t,:-]*(?P<reason>[^\r\n]*)")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is probably not meant."""

    location: Location
    code: str
    severity: LintSeverity
    message: str

    def __str__(self) -> str:
        return f"{self.location}: {self.severity}: {self.message} [{self.code}]"


def lint_rules(
    rule_set: RuleSet,
    today: date,
    *,
    sources: Sequence[Source] | None = None,
    recipients: Collection[str] | None = None,
) -> tuple[Finding, ...]:
    """Every finding that no comment silences, sorted by place.

    ``sources`` and ``recipients`` (ids and audiences) are those of the configuration; without them the codes that need
    them stay silent.
    """
    findings = [
        Finding(warning.location, warning.code, CODES[warning.code], warning.message) for warning in rule_set.warnings
    ]
    findings += _lint_lists(rule_set)
    for rule in rule_set.rules:
        findings += _lint_rule(rule_set, rule, today)
        if sources is not None:
            findings += _lint_sources(rule_set, rule, sources)
        if recipients is not None:
            findings += _lint_recipients(rule_set, rule, recipients)
    silenced, about_comments = _suppressions(rule_set.source_texts)
    kept = [
        finding
        for finding in findings
        if finding.code not in silenced.get((finding.location.path, finding.location.line), ())
    ]
    return tuple(sorted({*kept, *about_comments}))


def _finding(location: Location, code: str, message: str) -> Finding:
    return Finding(location, code, CODES[code], message)


def _suppressions(texts: Mapping[str, str]) -> tuple[dict[tuple[str, int], set[str]], list[Finding]]:
    """The codes silenced on each (path, line), and what is wrong with the comments themselves."""
    silenced: dict[tuple[str, int], set[str]] = {}
    findings: list[Finding] = []
    for path, text in texts.items():
        waiting: set[str] = set()  # from comments that stand alone, for the line that follows them
        for number, line in enumerate(text.splitlines(), start=1):
            codes = set(waiting)
            for found in _SUPPRESSION.finditer(line):
                location = Location(path, number, found.start() + 1)
                code = found["code"]
                if code not in CODES:
                    message = not_among("lint code", code or "an empty word", CODES)
                    findings.append(_finding(location, "bad-suppression", message))
                elif not found["reason"].strip():
                    message = f"expected a reason, like # lint-ok: {code} the desk wants it so"
                    findings.append(_finding(location, "bad-suppression", message))
                else:
                    codes.add(code)
            if line.lstrip().startswith("#"):
                waiting = codes
            else:
                waiting = set()
                if codes:
                    silenced[path, number] = codes
    return silenced, findings


def _lint_lists(rule_set: RuleSet) -> Iterator[Finding]:
    used = {name for names in rule_set.lists_used.values() for name in names}
    for name, rule_list in rule_set.lists.items():
        if name not in used:
            yield _finding(rule_set.location(f"${name}"), "unused-list", f"no rule uses the list {name}")
        if rule_list.kind is ListKind.PHRASES:
            for index, text in enumerate(rule_list.items):
                yield from _lint_phrase(rule_set, text, (f"${name}", "items", str(index)))


def _lint_rule(rule_set: RuleSet, rule: Rule, today: date) -> Iterator[Finding]:
    if rule.status is not RuleStatus.OFF:
        yield from _lint_tests(rule_set, rule)
    if rule.reviewed and today - rule.reviewed > REVIEW_EVERY:
        message = f"last reviewed on {rule.reviewed}, over a year ago: read it again and change the date"
        yield _finding(rule_set.location(rule.rule, "reviewed"), "stale-review", message)
    for index, exception in enumerate(rule.unless):
        if exception.until and exception.until < today:
            message = f"the exception {exception.name} ended on {exception.until}: remove it, or move its date"
            yield _finding(rule_set.location(rule.rule, "unless", str(index), "until"), "expired-until", message)
    gate = rule.sources
    if gate and gate.tags and set(gate.tags) <= set(gate.not_tags or ()):
        message = "every tag of tags is also in not_tags, so no source is read"
        yield _finding(rule_set.location(rule.rule, "sources"), "can-never-match", message)
    for path, text in _phrases_of(rule):
        yield from _lint_phrase(rule_set, text, path)
    for part in rule.parts:
        yield from _lint_conditions(rule_set, rule, part)
        yield from _lint_shadows(rule_set, rule, part)
        yield from _lint_regexes(rule_set, part)
    yield from _lint_steps(rule_set, rule)
    for language in rule.languages or ():
        word = next((word for word in _inflected_words(rule_set, rule) if inflect(word, language) is None), None)
        if word is not None:
            message = f"no word forms are known for the language {language}, so {word}~ finds only {word} there"
            location = rule_set.location(rule.rule, "languages")
            yield _finding(location, "language-without-inflector", f"{message}: write its stem with *")


def _lint_tests(rule_set: RuleSet, rule: Rule) -> Iterator[Finding]:
    here = rule_set.location(rule.rule)
    expectations = {test.expect for test in rule.tests}
    if Expect.ALERT not in expectations:
        yield _finding(here, "no-test", "no test of this rule expects an alert: add an article that must set it off")
    if expectations and Expect.NO_ALERT not in expectations:
        message = "no test of this rule expects silence: add an article that is near and must not set it off"
        yield _finding(here, "no-negative-test", message)


def _phrases_of(rule: Rule) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every phrase of a rule with its key path."""
    for part in rule.parts:
        for name, clue in part.clues.items():
            for key, phrases in (("phrases", clue.phrases), ("not_phrases", clue.not_phrases)):
                for index, text in enumerate(phrases or ()):
                    yield (*part.path, "look_for", name, key, str(index)), text
    for number, exception in enumerate(rule.unless):
        for key, phrases in (("phrases", exception.phrases), ("title_has", exception.title_has)):
            for index, text in enumerate(phrases or ()):
                yield (rule.rule, "unless", str(number), key, str(index)), text


def _lint_phrase(rule_set: RuleSet, text: str, path: tuple[str, ...]) -> Iterator[Finding]:
    phrase = parse_phrase(text)

    def at(offset: int) -> Location:
        return _in_phrase(rule_set, text, path, offset)

    for word in _lone_words(phrase.parts):
        letters = sum(char.isalpha() for char in word.text)
        if word.text.casefold() in AMBIGUOUS_NAMES:
            message = f"{word.text} alone is also another name: use a states clue, which knows the difference"
            yield _finding(at(word.offset), "ambiguous-state-alone", message)
        elif letters <= SHORT_WORD and not word.is_capitals and word.text.lower() != word.text.upper():
            message = f"{word.text} alone is in very many articles: add a word beside it"
            yield _finding(at(word.offset), "phrase-too-short", message)
    for part in phrase.walk():
        if isinstance(part, Gap) and part.at_most > WIDE_GAP:
            message = f"a gap of {part.at_most} words joins what does not belong together: use at most {WIDE_GAP}"
            yield _finding(at(part.offset), "gap-too-wide", message)
        elif isinstance(part, Word) and part.text in _SEARCH_WORDS:
            message = f"{part.text} is looked for as this very word, in capitals: {_SEARCH_WORDS[part.text]}"
            yield _finding(at(part.offset), "can-never-match", message)
        elif isinstance(part, Word) and part.ending is Ending.ANY:
            stem = sum(char.isalpha() for char in part.text)
            if stem <= BROAD_STEM:
                message = f"{part.text}* fits very many words: write more letters before *"
                yield _finding(at(part.offset), "wildcard-too-broad", message)


def _lone_words(parts: tuple[Part, ...]) -> Iterator[Word]:
    """Words that are a whole phrase by themselves."""
    if len(parts) != 1:
        return
    part = parts[0]
    if isinstance(part, Word):
        yield part
    elif isinstance(part, Choice):
        for alternative in part.alternatives:
            yield from _lone_words(alternative)


def _in_phrase(rule_set: RuleSet, text: str, path: tuple[str, ...], offset: int) -> Location:
    """Where the character at ``offset`` of a phrase stands; the start of the phrase where it is not written plainly."""
    start = rule_set.location(*path)
    lines = rule_set.source_texts.get(start.path, "").splitlines()
    line = lines[start.line - 1] if start.line <= len(lines) else ""
    for quote in (0, 1):
        if line.startswith(text, start.column - 1 + quote):
            return Location(start.path, start.line, start.column + quote + offset)
    return start


def _inflected_words(rule_set: RuleSet, rule: Rule) -> Iterator[str]:
    texts = [text for _, text in _phrases_of(rule)]
    for name in rule_set.lists_used.get(rule.rule, ()):
        if rule_set.lists[name].kind is ListKind.PHRASES:
            texts += rule_set.lists[name].items
    for text in texts:
        for part in parse_phrase(text).walk():
            if isinstance(part, Word) and part.ending is Ending.INFLECTED:
                yield part.text


def _lint_conditions(rule_set: RuleSet, rule: Rule, part: RulePart) -> Iterator[Finding]:
    """Clues that nothing uses, and conditions that contradict each other or ask for nothing."""
    when = part.alert_when
    together = {clue for window in part.close_together for clue in window.clues}
    if when is not None:
        at = rule_set.location(*part.path, "alert_when")
        all_of, any_of, none_of = set(when.all_of or ()), set(when.any_of or ()), set(when.none_of or ())
        some_of = set(when.at_least.of) if when.at_least else set()
        used = all_of | any_of | none_of | some_of | together | {exception.of for exception in rule.unless}
        for name in part.clues:
            if name not in used:
                location = rule_set.location(*part.path, "look_for", name)
                yield _finding(location, "unused-clue", f"nothing asks for the clue {name}: name it in alert_when")
        for name in sorted((all_of | together) & none_of):
            yield _finding(at, "can-never-match", f"the clue {name} must be found and must not be found")
        if any_of and any_of <= none_of:
            yield _finding(at, "can-never-match", "every clue of any_of is also in none_of")
        if when.at_least and len(some_of - none_of) < when.at_least.n:
            yield _finding(at, "can-never-match", "too few clues of at_least remain beside none_of")
        if not (all_of or any_of or some_of or together):
            yield _finding(at, "always-matches", "nothing must be found: nearly every article sets this rule off")
    for name, clue in part.clues.items():
        message = _impossible_states(rule_set, clue)
        if message:
            yield _finding(rule_set.location(*part.path, "look_for", name, "states"), "can-never-match", message)


def _lint_regexes(rule_set: RuleSet, part: RulePart) -> Iterator[Finding]:
    for name, clue in part.clues.items():
        if clue.regex is None:
            continue
        message = "a regular expression knows no word forms, no accents and no sentence ends: use phrases where they do"
        if not compile_regex(clue.regex).literals:
            message += "; no word is in all that this one matches, so it is looked for in every article"
        yield _finding(rule_set.location(*part.path, "look_for", name, "regex"), "regex-used", message)


def _lint_steps(rule_set: RuleSet, rule: Rule) -> Iterator[Finding]:
    """Steps that nothing asks for, and those that cannot share what they must."""
    order = rule.in_order
    if order is None:
        return
    for part in rule.parts:
        location = rule_set.location(*part.path)
        if part.step not in order.steps:
            yield _finding(location, "unused-step", f"in_order does not name the step {part.step}")
        elif order.sharing is not None and not _names_states(part):
            message = f"the step {part.step} looks for no states, so it shares none with the others"
            yield _finding(location, "can-never-match", message)


def _names_states(part: RulePart) -> bool:
    forbidden = part.alert_when.none_of or () if part.alert_when else ()
    return any(clue.states is not None and name not in forbidden for name, clue in part.clues.items())


def _impossible_states(rule_set: RuleSet, clue: Clue) -> str | None:
    states = clue.states
    if states is None or states.all_from is None:
        return None
    allowed = rule_set.states_of(states.all_from)
    if states.at_least > len(allowed):
        return f"{states.all_from} has {len(allowed)} states, so {states.at_least} from it are never found"
    if states.one_from is not None and not allowed & rule_set.states_of(states.one_from):
        return f"no state is on both {states.one_from} and {states.all_from}"
    return None


def _lint_shadows(rule_set: RuleSet, rule: Rule, part: RulePart) -> Iterator[Finding]:
    """Phrases that an exception takes away as soon as they are found."""
    for exception in rule.unless:
        if exception.phrases is None or exception.within or exception.until:
            continue
        if exception.title_has or exception.older_than or exception.event_older_than or exception.source_tags:
            continue
        shadows = {parse_phrase(text).parts for text in exception.phrases}
        for name, clue in part.clues.items():
            if not set(clue.accept) <= set(exception.accept) or not _is_required(part, name):
                continue
            for index, text in enumerate(clue.phrases or ()):
                if parse_phrase(text).parts in shadows:
                    location = rule_set.location(*part.path, "look_for", name, "phrases", str(index))
                    message = f"the exception {exception.name} has this phrase too, so it never alerts"
                    yield _finding(location, "shadowed-by-unless", message)


def _is_required(part: RulePart, clue: str) -> bool:
    return part.alert_when is None or clue not in (part.alert_when.none_of or ())


def _lint_sources(rule_set: RuleSet, rule: Rule, sources: Sequence[Source]) -> Iterator[Finding]:
    readable = [source for source in sources if _lets_in(rule, source)]
    for language in rule.languages or ():
        if not any(source.language in (None, language) for source in readable):
            message = f"no source that this rule reads is in the language {language}"
            yield _finding(rule_set.location(rule.rule, "languages"), "language-without-source", message)
    if not readable:
        return
    poll = min(source.every for source in readable)
    windows: list[tuple[tuple[str, ...], timedelta]] = []
    if rule.confirm:
        windows.append((("confirm", "within"), rule.confirm.within))
    if rule.in_order:
        windows.append((("in_order", "within"), rule.in_order.within))
    if rule.count:
        windows.append((("count", "within"), rule.count.within))
    windows += [
        (("unless", str(index), "older_than"), exception.older_than)
        for index, exception in enumerate(rule.unless)
        if exception.older_than
    ]
    for path, window in windows:
        if window < poll:
            message = f"{'.'.join(path[:1] + path[-1:])} is shorter than the time between two polls of any source"
            yield _finding(rule_set.location(rule.rule, *path), "window-shorter-than-poll", message)


def _lets_in(rule: Rule, source: Source) -> bool:
    gate = rule.sources
    if gate is None:
        return True
    tags = set(source.tags)
    return (
        (gate.ids is None or source.id in gate.ids)
        and (gate.tags is None or bool(tags & set(gate.tags)))
        and not (gate.not_tags and tags & set(gate.not_tags))
    )


def _lint_recipients(rule_set: RuleSet, rule: Rule, recipients: Collection[str]) -> Iterator[Finding]:
    for key, names in (("send", rule.send.to or ()), ("escalate", rule.escalate.to if rule.escalate else ())):
        for index, name in enumerate(names):
            if name not in recipients:
                location = rule_set.location(rule.rule, key, "to", str(index))
                yield _finding(location, "unknown-recipient", not_among("recipient", name, recipients))

"""The answers to the five questions of `watcher rules new`: asked for in a terminal, or read from a file."""

from __future__ import annotations

from pathlib import Path

import typer

from watcher.errors import Location, Problem, RuleError, WatcherError
from watcher.rules.draft import DEFAULT_FAMILY, Answers, clean_answer
from watcher.rules.values import FAMILIES, nearest, not_among, parse_family
from watcher.rules.yaml_nodes import Node, NodeKind, parse_yaml

_KEYS = ("title", "family", "words", "states", "deaths", "alert", "no alert")  # of a file of answers
_MOST_STATES, _MOST_DEATHS = 20, 1_000_000  # what a person can mean; more is a slip of the finger


def read_answers(path: Path) -> Answers:
    """The answers in a YAML file; raises RuleError with every mistake."""
    try:
        text = typer.get_text_stream("stdin").read() if str(path) == "-" else path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WatcherError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'no UTF-8 text'}") from error
    parsed = parse_yaml(text, str(path))
    problems = list(parsed.problems)
    if len(parsed.documents) != 1 or parsed.documents[0].kind is not NodeKind.MAP:
        problems.append(Problem(Location(str(path), 1, 1), f"expected the keys {', '.join(_KEYS)}"))
        raise RuleError(tuple(problems))
    root = parsed.documents[0]
    found: dict[str, Node] = {}
    for key, value in root.pairs:
        name = (key.value or "").replace("_", " ")
        if name in _KEYS:
            found[name] = value
        else:
            message = not_among("answer", key.value or "", _KEYS)
            problems.append(Problem(Location(str(path), key.line, key.column), message, "unknown-key"))

    def texts(name: str) -> tuple[str, ...]:
        written = tuple(clean_answer(node.value or "") for node in found[name].scalars()) if name in found else ()
        if not any(written):
            node = found.get(name, root)
            problems.append(Problem(Location(str(path), node.line, node.column), f"expected an answer to {name}"))
            return ("",)
        return tuple(filter(None, written))

    def number(name: str, most: int) -> int:
        node = found.get(name)
        if node is None or node.is_empty:
            return 0
        if node.value is None or not node.value.isdecimal() or int(node.value) > most:
            message = f"{name}: expected a number from 0 to {most:,}"
            problems.append(Problem(Location(str(path), node.line, node.column), message))
            return 0
        return int(node.value)

    def family() -> str:
        node = found.get("family")
        if node is None or node.is_empty:
            return DEFAULT_FAMILY
        try:
            return parse_family(node.value)
        except ValueError as error:
            problems.append(Problem(Location(str(path), node.line, node.column), f"family: {error}"))
            return DEFAULT_FAMILY

    answers = Answers(
        title=" ".join(texts("title")),
        words=texts("words"),
        states=number("states", _MOST_STATES),
        deaths=number("deaths", _MOST_DEATHS),
        alert=" ".join(texts("alert")),
        no_alert=" ".join(texts("no alert")),
        family=family(),
    )
    if problems:
        raise RuleError(tuple(problems))
    return answers


def ask(question: str) -> str:
    typer.echo(question)
    while True:
        answer = _line()
        if answer:
            return answer


def _line() -> str:
    return clean_answer(str(typer.prompt(">", default="", show_default=False, prompt_suffix=" ")))


def ask_family() -> str:
    typer.echo("\n2. What kind of signal is it? People subscribe by it. One of")
    typer.echo(f"   {', '.join(FAMILIES)}, or a word of your own. Enter alone: {DEFAULT_FAMILY}")
    while True:
        answer = _line() or DEFAULT_FAMILY
        # A slip would make a kind of its own, to which nobody has subscribed.
        meant = None if answer == DEFAULT_FAMILY else nearest(answer, FAMILIES)
        if meant not in (None, answer) and typer.confirm(f"   Did you mean {meant}?", default=True):
            return str(meant)
        try:
            return parse_family(answer)
        except ValueError as error:
            typer.echo(f"   {error}")


def ask_words() -> tuple[str, ...]:
    typer.echo("\n3. Which words give it away? One phrase on a line; an empty line ends.")
    typer.echo("   Plain words will do, like: recalled its ambassador. With marks they find more:")
    typer.echo("   recall~ any form of the word     ambassador* any ending     (aid|help) one of them")
    typer.echo("   ..4 up to four words in between, like: recall~ ..4 ambassador*")
    phrases: list[str] = []
    while True:
        phrase = _line()
        if phrase:
            phrases.append(phrase)
        elif phrases:
            return tuple(phrases)


def ask_states() -> int:
    question = "\n4. How many different states must it name? 0: none, 2: something between two. Enter alone: 2"
    return _ask_number(question, 2, _MOST_STATES)


def ask_deaths() -> int:
    return _ask_number("   And how many people killed must it report, at least? Enter alone: 0, none", 0, _MOST_DEATHS)


def _ask_number(question: str, default: int, most: int) -> int:
    typer.echo(question)
    while True:
        answer = _line() or str(default)
        if answer.isdecimal() and int(answer) <= most:
            return int(answer)
        typer.echo(f"   A number from 0 to {most:,}, please.")


def ask_sentences() -> tuple[str, str]:
    alert = ask("\n5. A sentence of news that must alert:")
    return alert, ask("   And one that is near it and must not, a threat or a denial for example:")

"""Why a rule spoke or stayed silent on an article: the evaluator's own verdict as a tree of PASS and FAIL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from watcher.likeness import Likeness
from watcher.match import Facts, Item, UnlessFinding, Verdict, WindowFinding, suppressed_by, work_out_rule
from watcher.model import Article, Match, Signal, Span
from watcher.rules.compile import CompiledClue, CompiledRule, CompiledRules, Counted, InSequence
from watcher.sequence import Judged, one_for_each_rule, show_span

_INDENT = "  "
_MAX_REJECTED = 6  # matches of a clue that do not count, as lines; the tree itself has all of them


class RuleOutcome(StrEnum):
    """What a rule made of an article."""

    SIGNAL = "signal"
    WAITING = "waiting"  # it holds, and speaks only together with other articles
    SUPPRESSED = "suppressed"
    NO_MATCH = "no match"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Node:
    """One step of the decision, and what it rests on."""

    label: str
    passed: bool
    detail: str = ""
    match: Match | None = None  # the place in the article that it speaks of
    children: tuple[Node, ...] = ()
    rejected: str | None = None  # of a match: why it does not count
    sentences: tuple[int, int] | None = None  # of a window: the numbers of its first and last sentence


@dataclass(frozen=True, slots=True)
class RuleExplanation:
    """How one rule came to its outcome."""

    rule_id: str
    title: str
    outcome: RuleOutcome
    reason: str  # one clause
    missing: tuple[str, ...]  # clues that alert_when lacks, or that none_of forbids and that are there; or steps
    nodes: tuple[Node, ...]
    signal: Signal | None


def explain_article(
    rules: CompiledRules,
    article: Article,
    now: datetime | None = None,
    rule_id: str | None = None,
    judged: Sequence[Judged] = (),
    likeness: Likeness | None = None,
) -> tuple[RuleExplanation, ...]:
    """The explanation of every rule, or of the one asked for, by id; empty where there is no such rule.

    ``now`` as for `watcher.match.match_article`, whose outcomes these are; ``judged`` is what came of the article's
    signals of rules that speak over several articles, without which such a rule is waiting. With ``likeness``, of the
    same rules, a phrase that is nowhere has the sentence that comes nearest to it.
    """
    facts = Facts(rules, article, now)
    parts: dict[str, list[CompiledRule]] = {}
    for rule in rules.rules:
        if rule_id in (None, rule.id):
            parts.setdefault(rule.id, []).append(rule)
    decided = {(one.signal.rule_id, one.signal.step): one for one in judged}
    return tuple(
        _explain_rule(own[0], facts, decided.get((own[0].id, None)), likeness)
        if own[0].step is None
        else _explain_steps(own, facts, [one for part in own if (one := decided.get((part.id, part.step)))], likeness)
        for own in parts.values()
    )


def came_near(explanation: RuleExplanation) -> bool:
    """Whether the rule fired, was stopped, or lacked one clue at most while it found more than states."""
    if explanation.outcome in (RuleOutcome.SIGNAL, RuleOutcome.WAITING, RuleOutcome.SUPPRESSED):
        return True
    nodes = [inner for node in explanation.nodes for inner in (node, *node.children)]
    matches = [child.match for node in nodes for child in node.children if child.match is not None]
    return len(explanation.missing) <= 1 and any(match.state is None for match in matches)


def explanation_to_json(explanation: RuleExplanation) -> dict[str, Any]:
    """The explanation as plain values, ready for `json.dumps`; docs/commands.md documents the keys."""
    return {
        "rule": explanation.rule_id,
        "title": explanation.title,
        "outcome": explanation.outcome.value,
        "reason": explanation.reason,
        "missing": list(explanation.missing),
        "tree": [_node_to_json(node) for node in explanation.nodes],
    }


def _node_to_json(node: Node) -> dict[str, Any]:
    return {
        "label": node.label,
        "passed": node.passed,
        "detail": node.detail,
        "match": None if node.match is None else _match_to_json(node.match),
        "rejected": node.rejected,
        "sentences": None if node.sentences is None else list(node.sentences),
        "children": [_node_to_json(child) for child in node.children],
    }


def _match_to_json(match: Match) -> dict[str, Any]:
    return {
        "clue": match.clue,
        "text": match.text,
        "field": match.span.field.value,
        "start": match.span.start,
        "end": match.span.end,
        "stance": None if match.stance is None else match.stance.value,
        "cue": None if match.cue is None else match.cue.text,
        "state": match.state,
        "toll": None if match.toll is None else asdict(match.toll),
    }


def render_explanation(explanation: RuleExplanation) -> list[str]:
    """The explanation as indented lines for a terminal."""
    lines = [f"{explanation.rule_id}: {explanation.outcome}, {explanation.reason}"]
    for node in explanation.nodes:
        lines.extend(_render(node, 1))
    return lines


def _render(node: Node, depth: int) -> Iterator[str]:
    detail = f": {node.detail}" if node.detail else ""
    yield f"{_INDENT * depth}{'PASS' if node.passed else 'FAIL'} {node.label}{detail}"
    rejected = [child for child in node.children if child.match is not None and not child.passed]
    hidden = {id(child) for child in rejected[_MAX_REJECTED:]}
    for child in node.children:
        if id(child) not in hidden:
            yield from _render(child, depth + 1)
    if hidden:
        yield f"{_INDENT * (depth + 1)}and {len(hidden)} more that do not count"


def _explain_rule(
    rule: CompiledRule, facts: Facts, judged: Judged | None, likeness: Likeness | None
) -> RuleExplanation:
    skipped = rule.gate(facts.article)
    gate = Node("languages and sources", skipped is None, skipped or "")
    if skipped is not None:
        return RuleExplanation(rule.id, rule.title, RuleOutcome.SKIPPED, skipped, (), (gate,), None)
    verdict = work_out_rule(rule, facts)
    nodes = (gate, *_verdict_nodes(verdict, facts, likeness))
    outcome, reason = _outcome(verdict)
    signal = verdict.signal
    if rule.over_time is not None and signal is not None:
        signal = judged.whole if judged else None
        nodes += (_over_time_node(rule.over_time, judged),)
        if signal is None:
            outcome = RuleOutcome.WAITING
            reason = judged.decision.outcome if judged else "it holds, and counts together with other articles"
        else:
            reason = f"every condition holds, {judged.decision.outcome if judged else ''}"
    return RuleExplanation(rule.id, rule.title, outcome, reason, verdict.missing, nodes, signal)


def _explain_steps(
    steps: Sequence[CompiledRule], facts: Facts, judged: Sequence[Judged], likeness: Likeness | None
) -> RuleExplanation:
    first = steps[0]
    skipped = first.gate(facts.article)
    gate = Node("languages and sources", skipped is None, skipped or "")
    if skipped is not None or not isinstance(first.over_time, InSequence):
        return RuleExplanation(first.id, first.title, RuleOutcome.SKIPPED, skipped or "", (), (gate,), None)
    verdicts = {step.step or "": work_out_rule(step, facts) for step in steps}
    nodes = [gate]
    for name, verdict in verdicts.items():
        holds, reason = verdict.signal is not None, _outcome(verdict)[1]
        nodes.append(Node(f"step {name}", holds, reason, children=tuple(_verdict_nodes(verdict, facts, likeness))))
    held = [name for name, verdict in verdicts.items() if verdict.signal is not None]
    whole = one_for_each_rule(judged)
    complete = next((one for one in judged if one.whole is not None), judged[0] if judged else None)
    missing = tuple(name for name in dict.fromkeys(first.over_time.steps) if name not in held)
    if complete is not None:
        lacking = {one.label for one in complete.decision.progress if not one.is_there}
        missing = tuple(name for name in dict.fromkeys(first.over_time.steps) if f"step {name}" in lacking)
    if held:
        nodes.append(_over_time_node(first.over_time, complete))
    if whole:
        reason = f"every step happened, {complete.decision.outcome}" if complete else ""
        return RuleExplanation(first.id, first.title, RuleOutcome.SIGNAL, reason, (), tuple(nodes), whole[0])
    if held:
        reason = f"{complete.decision.outcome if complete else 'step ' + ', '.join(held)}"
        reason += f", missing {', '.join(missing)}" if missing else ""
        return RuleExplanation(first.id, first.title, RuleOutcome.WAITING, reason, missing, tuple(nodes), None)
    stopped = [verdict for verdict in verdicts.values() if suppressed_by(verdict)]
    outcome, reason = _outcome(stopped[0]) if stopped else (RuleOutcome.NO_MATCH, "no step of it is reported")
    return RuleExplanation(first.id, first.title, outcome, reason, missing, tuple(nodes), None)


def _verdict_nodes(verdict: Verdict, facts: Facts, likeness: Likeness | None) -> list[Node]:
    return [
        *(_clue_node(clue, verdict, facts, likeness) for clue in verdict.rule.clues.values()),
        *(_window_node(finding, facts) for finding in verdict.windows),
        _alert_when_node(verdict),
        *(_unless_node(finding) for finding in verdict.unless),
    ]


def _over_time_node(wanted: InSequence | Counted, judged: Judged | None) -> Node:
    """What the rule wants of several articles, and how much of it is there."""
    if isinstance(wanted, InSequence):
        sharing = f", sharing {wanted.sharing}" if wanted.sharing else ""
        label = f"in order within {show_span(wanted.within)}{sharing}"
    else:
        label = f"at least {wanted.at_least} {wanted.of} within {show_span(wanted.within)}"
    if judged is None:
        return Node(label, False, "depends on other articles, which are not known here")
    children = tuple(Node(one.label, one.is_there, one.detail) for one in judged.decision.progress)
    return Node(label, judged.decision.speaks, judged.decision.outcome, children=children)


def _outcome(verdict: Verdict) -> tuple[RuleOutcome, str]:
    if verdict.signal is not None:
        return RuleOutcome.SIGNAL, "every condition holds"
    for stopped in suppressed_by(verdict):
        because = f": {stopped.because}" if stopped.because else ""
        return RuleOutcome.SUPPRESSED, f"unless {stopped.name}{because}"
    if verdict.missing:
        forbidden = [name for name in verdict.missing if name in verdict.rule.none_of]
        lacking = [name for name in verdict.missing if name not in forbidden]
        parts = [f"missing {', '.join(lacking)}"] if lacking else []
        parts += [f"found {', '.join(forbidden)}, which none_of forbids"] if forbidden else []
        return RuleOutcome.NO_MATCH, "; ".join(parts)
    return RuleOutcome.NO_MATCH, "the clues are not close together"


def _clue_node(clue: CompiledClue, verdict: Verdict, facts: Facts, likeness: Likeness | None) -> Node:
    name, finding = clue.name, verdict.findings[clue.name]
    children = [_item_node(name, item, _why_unused(name, item, verdict, facts), facts) for item in finding.items]
    if likeness and name in verdict.missing and not children and clue.phrases is not None:
        nearest = likeness.nearest(clue.phrases, facts.reading)
        if nearest is not None:
            children.append(Node("nearest", False, f"{nearest.why}: “{nearest.text}”"))
    return Node(f"clue {name}", name in verdict.held, finding.detail, children=tuple(children))


def _why_unused(name: str, item: Item, verdict: Verdict, facts: Facts) -> str | None:
    """Why a place that counts for the clue is no part of the signal."""
    if item.rejected is not None:
        return item.rejected
    if item.state is not None and verdict.signal is not None and item.state not in verdict.signal.states:
        role = facts.role_of(item)
        if role is not None:
            return role.reason
    near = [finding for finding in verdict.windows if name in finding.window.clues and finding.found]
    windows = [used for finding in near for used in finding.used]
    if not near or any(item in used.items[name] for used in windows):
        return None
    if any(used.clauses and used.items[name][0].sentence == item.sentence for used in windows):
        return "outside the clause that holds all clues of the window"
    return f"outside the window of {near[0].window}"


def _item_node(name: str, item: Item, reason: str | None, facts: Facts) -> Node:
    match = facts.match_of(name, item)
    said = [f"{_place(match.span)} “{' '.join(match.text.split())}”"]
    if match.state:
        said.append(match.state)
    if match.toll is not None:
        said.append(str(match.toll))
    if match.stance is not None:
        said.append(f"{match.stance} (“{match.cue.text}”)" if match.cue else str(match.stance))
    if reason is not None:
        said.append(f"not counted: {reason}")
    return Node("match", reason is None, ", ".join(said), match, rejected=reason)


def _place(span: Span) -> str:
    return f"{span.field}:{span.start}-{span.end}"


def _window_node(finding: WindowFinding, facts: Facts) -> Node:
    clues = ", ".join(finding.window.clues)
    children = []
    for one in finding.found:
        # The whole passage would drown the tree; where it begins and ends is enough to find it.
        items = [item for here in one.items.values() for item in here]
        start, end = min(item.start for item in items), max(item.end for item in items)
        states = f", states {', '.join(sorted(one.states))}" if one.states else ""
        is_used = one in finding.used
        unused = "" if is_used else ", not counted: names a state that the first one does not"
        text = " ".join(facts.reading.full[start:end].split())
        place = _place(facts.reading.span(start, end))
        by = " of the clause that holds all clues" if one.clauses else ""
        detail = f"{place} “{_shorten(text)}”{states}{by}{unused}"
        sentences = (min(item.sentence for item in items), max(item.sentence for item in items))
        children.append(Node("window", is_used, detail, sentences=sentences))
    detail = f"{len(finding.found)} found" if finding.found else "nowhere so close"
    return Node(f"{clues} within {finding.window}", bool(finding.found), detail, children=tuple(children))


def _shorten(text: str, most: int = 160) -> str:
    half = most // 2 - 1
    return text if len(text) <= most else f"{text[:half]} … {text[-half:]}"


def _alert_when_node(verdict: Verdict) -> Node:
    rule, held = verdict.rule, verdict.held
    children = []
    if rule.all_of:
        children.append(_condition("all_of", rule.all_of, held, all(name in held for name in rule.all_of)))
    if rule.any_of:
        children.append(_condition("any_of", rule.any_of, held, any(name in held for name in rule.any_of)))
    if rule.none_of:
        children.append(_condition("none_of", rule.none_of, held, held.isdisjoint(rule.none_of)))
    if rule.at_least:
        enough, names = rule.at_least
        passed = sum(name in held for name in names) >= enough
        children.append(_condition(f"at least {enough} of", names, held, passed))
    return Node("alert_when", all(child.passed for child in children), children=tuple(children))


def _condition(label: str, names: Iterable[str], held: frozenset[str], passed: bool) -> Node:
    return Node(label, passed, ", ".join(f"{name} {'yes' if name in held else 'no'}" for name in names))


def _unless_node(finding: UnlessFinding) -> Node:
    """An exception passes where it does not apply."""
    because = f" ({finding.unless.because})" if finding.applies and finding.unless.because else ""
    return Node(f"unless {finding.unless.name}", not finding.applies, finding.detail + because)

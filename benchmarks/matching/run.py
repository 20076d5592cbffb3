"""What matching costs: CPU per article with 10 to 10,000 rules, as a ratio to the bare automaton scan.

    python benchmarks/matching/run.py [--articles FILE] [--rules 10,100,1000,10000,FOLDER] [--broad 20] [--firing 0]
                                      [--dense] [--rounds 3] [--yara]

The bare scan is one overlapping search of the already folded text for the same terms with an automaton as
ahocorasick_rs builds it by default; "own" is the same search with the automaton that the rules are compiled to.
Everything else is on top of it: folding, candidates, sentences, states, stance, casualties, windows, exceptions.
Prints one line per rule count; "broad" is the share of the rules with a phrase that no name is part of. ``--yara``
lets YARA-X (``pip install yara-x``, not needed otherwise) look for the phrases of the same rules in the same folded
texts, without any of the rest.
"""

from __future__ import annotations

import argparse
import gzip
import json
import platform
import random
import re
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from ahocorasick_rs import AhoCorasick

from watcher.match import Facts, match_article
from watcher.model import Article, Extraction
from watcher.rules.compile import CompiledRules, Pattern, compile_rules
from watcher.rules.load import load_rules
from watcher.text.fold import fold
from watcher.understand.gazetteer import Gazetteer

ARTICLES = Path(__file__).parents[3] / "shared" / "data" / "corpus" / "long_articles_en.jsonl.gz"

# What desks that watch conflicts write into rules: what is done, to or with what, where, under which name.
VERBS = """
invoke~ activate~ trigger~ deploy~ send~ mobili(s|z)e~ order~ declare~ launch~ fire~ shell~ strike~ bomb~
attack~ seize~ capture~ occupy~ besiege~ blockade~ close~ cross~ violate~ breach~ break~ suspend~ sever~ recall~
expel~ summon~ threaten~ warn~ demand~ reject~ withdraw~ retreat~ reinforce~ evacuate~ arrest~ detain~ abduct~
execute~ shoot~ down~ intercept~ sink~ board~ sabotage~ ambush~ raid~ storm~ arm~ train~ supply~ accuse~
denounce~ ratify~ sign~
""".split()
OBJECTS = """
troops|forces|soldiers tanks|artillery missile*|rocket* drone*|(unmanned aircraft) warship*|frigate*|destroyer*
reservist*|conscript* ambassador*|diplomat* (martial law) (state of emergency) (general|partial|full)
mobili(s|z)ation airspace|airfield*|airport* border|frontier checkpoint*|outpost* (border guards)
embassy|consulate (peace talks) ceasefire|truce|armistice (no-fly zone) (mutual defence|mutual defense)
(treaty|pact|agreement) ultimatum sanctions hostage*|prisoner* (power plant) pipeline* dam|bridge|tunnel
village*|town* convoy* (supply line*) militia*|paramilitar* mercenar* (special forces) (air defence|air defense)
(nuclear weapon*|warhead*) (chemical weapon*) (cluster munition*) minefield* garrison* headquarters|command
submarine* helicopter*|aircraft|jet* (fighter jet*) parliament|presidency
""".split()
PLACES = """
Yerevan Baku Stepanakert Lachin Nakhchivan Goris Vardenis Tbilisi Sukhumi Tskhinvali Chisinau Tiraspol Kyiv
Kharkiv Odesa Kherson Mariupol Donetsk Luhansk Sevastopol Simferopol Minsk Brest Grodno Vilnius Kaliningrad
Narva Riga Suwalki Pristina Mitrovica Belgrade Sarajevo Damascus Aleppo Idlib Homs Deir-ez-Zor Raqqa Hasakah
Erbil Kirkuk Mosul Basra Tikrit Tehran Isfahan Natanz Bushehr Beirut Tripoli Sidon Gaza Rafah Jenin Nablus
Ramallah Hebron Haifa Eilat Sanaa Aden Hodeidah Marib Taiz Benghazi Misrata Sirte Khartoum Darfur Port-Sudan
Juba Malakal Abyei Addis-Ababa Mekelle Tigray Asmara Mogadishu Kismayo Goma Bukavu Bunia Kinshasa Bangui Bamako
Gao Timbuktu Mopti Niamey Agadez Ouagadougou Maiduguri Kabul Kandahar Herat Jalalabad Kunduz Quetta Peshawar
Srinagar Kargil Ladakh Galwan Doklam Lahore Karachi Dushanbe Khujand Batken Bishkek Osh Tashkent Andijan Almaty
Naypyidaw Mandalay Sittwe Myawaddy Preah-Vihear Phnom-Penh Taipei Kinmen Matsu Penghu Pyongyang Kaesong
Yeonpyeong Seoul Panmunjom Senkaku Okinawa Spratly Scarborough Mindanao Marawi Caracas Esequibo Georgetown
""".split()
NAMES = """
CSTO NATO (Collective Security Treaty) (North Atlantic Treaty) (Budapest Memorandum) (Minsk agreements) (Sochi
statement) (Vienna Convention) (Montreux Convention) (Rio Treaty) (Shanghai Cooperation Organi(s|z)ation)
(African Union) (Arab League) (Gulf Cooperation Council) (Security Council) (General Staff) (Ministry of
Defen(c|s)e) (Defen(c|s)e Minister) (Foreign Minister) (Prime Minister) (Chief of Staff) (National Guard)
(Revolutionary Guard~) (Article 4) (Article 5) (Article 51) (Chapter 7) (Protocol 2) (Geneva Convention~) (Open
Skies) (New START) (armed forces) (ground forces) (air force) (Black Sea Fleet)
""".split()


def _options(blocks: list[str]) -> list[str]:
    """Each phrase of a block, split at spaces outside parentheses."""
    found, depth, current = [], 0, ""
    for char in " ".join(blocks) + " ":
        depth += (char == "(") - (char == ")")
        if char == " " and depth == 0:
            found.extend([current] if current else [])
            current = ""
        else:
            current += char
    return [f"({one})" if "|" in one and not one.startswith("(") else one for one in found]


# What is in the news of any day; phrases of these fire.
EVENTS = """
kill~|wound~|injure~ attack~|strike~|bomb~ arrest~|detain~ (state of emergency) shell~|bombard~ protest~|riot~ resign~
(car bomb*) ceasefire explosion* (security forces) rebel*|insurgent* (suicide bomb*) gunm* evacuate~ airstrike* crash~
""".split()
COMMON = """
say~ people government president minister police country official* report~ group* leader* military forces state* city
""".split()


def _firing_phrase(rng: random.Random) -> str:
    event = rng.choice(_options(EVENTS)).strip("()").replace("_", " ")
    shape = rng.randrange(3)
    if shape == 0:
        return f"({event}) ..8 {rng.choice(PLACES).replace('-', ' ')}"
    return f"({event}) ..3 {rng.choice(COMMON)}" if shape == 1 else f"{rng.choice(COMMON)} ..3 ({event})"


def generate_rules(count: int, broad: int, firing: int = 0, *, dense: bool = False, seed: int = 20261123) -> str:
    """So many different rules as YAML; the same for the same arguments.

    One rule in ``broad`` also has a phrase that names no place and so meets ordinary articles, one in ``firing`` has
    one of what is in the news of any day; 0: none has. ``dense``: every rule looks for words that every article has.
    """
    rng = random.Random(seed)
    objects, names = _options(OBJECTS), _options(NAMES)
    documents = ["list: formats\nkind: phrases\nitems: [explained, timeline, anniversary, on this day, what to know]"]
    for number in range(count):
        phrases = []
        for _ in range(rng.randint(2, 4)):
            verbs = "|".join(rng.sample(VERBS, rng.randint(1, 3)))
            place = rng.choice(PLACES).replace("-", " ")
            shape = rng.randrange(4)
            if shape == 0:
                phrases.append(f"({verbs}) ..4 {rng.choice(objects)} ..6 {place}")
            elif shape == 1:
                phrases.append(f"({verbs}) ..3 {rng.choice(names)} ..6 {place}")
            elif shape == 2:
                phrases.append(f"{place} ..5 ({verbs}) ..3 {rng.choice(objects)}")
            else:
                phrases.append(f"({verbs}) ..3 {rng.choice(objects)} ..8 {rng.choice(names)}")
        if broad and number % broad == 0:
            phrases.append(f"({'|'.join(rng.sample(VERBS, 2))}) ..4 {rng.choice(objects)}")
        if firing and number % firing == 0:
            phrases = [_firing_phrase(rng)]
        if dense:
            phrases = [f"{rng.choice(COMMON)} ..{rng.randint(4, 8)} {rng.choice(COMMON)}" for _ in range(2)]
        kind = "states" if dense else rng.choice(("states", "both", "both", "killed"))
        accept = ", accept: [happened, past, possible]" if dense else ""
        clues = [f"  act: {{phrases: [{', '.join(json.dumps(p) for p in phrases)}]{accept}}}"]
        if kind != "killed":
            clues.append(f"  two_states: {{states: {{at_least: {rng.randint(1, 2)}}}}}")
        if kind != "states":
            clues.append(f"  deaths: {{killed: {{at_least: {rng.choice((1, 1, 5, 10))}}}}}")
        close = {"states": "[act, two_states]", "killed": "[act, deaths]", "both": "[deaths, two_states]"}[kind]
        documents.append(
            f"rule: generated-{number:05}\nfamily: clash\nseverity: warning\nlanguages: [en]\nlook_for:\n"
            + "\n".join(clues)
            + f"\nclose_together:\n  - {{clues: {close}, within: {rng.randint(1, 4)} sentences}}\n"
            + "unless:\n  - {name: retrospective, title_has: $formats}"
        )
    return "\n---\n".join(documents) + "\n"


def read_articles(path: Path) -> list[Article]:
    """The articles of a JSON Lines file, gzipped or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    articles = []
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            day = datetime.fromisoformat(record.get("published") or "2020-01-01")
            at = day if day.tzinfo else day.replace(tzinfo=UTC)
            articles.append(
                Article(
                    record["id"], record.get("source") or "", None, record.get("title") or "", record["text"],
                    record.get("lang") or "en", Extraction.FULL, at, at,
                )
            )  # fmt: skip
    return articles


def share_of_broad(rules: CompiledRules) -> float:
    """The share of rules that meet ordinary articles: one of their phrases has no slot that only names fill."""

    def is_broad(pattern: Pattern) -> bool:
        return not any(all(literal.is_name for literal in slot.literals) for slot in pattern.slots)

    count = 0
    for rule in rules.rules:
        sets = {clue.phrases for clue in rule.clues.values() if clue.phrases is not None}
        patterns = [rules.patterns[number] for one in sets for number in rules.phrase_sets[one]]
        count += not patterns or any(map(is_broad, patterns))
    return count / len(rules.rules)


def _seconds(work: object, rounds: int) -> float:
    """CPU seconds of the quickest round: what else the machine does only ever adds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()  # type: ignore[operator]
        best = min(best, time.process_time() - start)
    return best


def as_yara(rules: CompiledRules) -> str:
    """The phrases of the rules in YARA's language: words, endings and gaps, without anything that looks at meaning."""
    lines = []
    for number, rule in enumerate(rules.rules):
        sets = {clue.phrases for clue in rule.clues.values() if clue.phrases is not None}
        wanted = sorted({pattern for one in sets for pattern in rules.phrase_sets[one]})
        strings = [f"    $p{at} = /{_as_regex(rules.patterns[at])}/" for at in wanted]
        if strings:
            lines += [f"rule r{number} {{", "  strings:", *strings, "  condition: any of them", "}"]
    return "\n".join(lines)


def _as_regex(pattern: Pattern) -> str:
    parts = []
    for index, slot in enumerate(pattern.slots):
        forms = (re.escape(one.text).replace("/", "\\/") + "\\w*" * one.is_stem for one in slot.literals)
        gap = pattern.gaps[index - 1] if index else 0
        parts.append((f"(\\W+\\w+){{0,{gap}}}\\W+" if index else "") + f"({'|'.join(forms)})")
    return "\\b" + "".join(parts) + "\\b"


def measure_yara(rules: CompiledRules, articles: list[Article], rounds: int) -> tuple[float, float]:
    """CPU seconds to compile, microseconds per article to scan."""
    import yara_x

    texts = [fold(f"{article.title}\n\n{article.text}").text.encode() for article in articles]
    start = time.process_time()
    compiled = yara_x.compile(as_yara(rules))
    built = time.process_time() - start
    scanner = yara_x.Scanner(compiled)
    return built, 1e6 / len(articles) * _seconds(lambda: [scanner.scan(text) for text in texts], rounds)


def _resident_bytes() -> int:
    """Memory of this process; Linux only, elsewhere 0."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * resource.getpagesize() if statm.exists() else 0


def measure(rules: CompiledRules, articles: list[Article], rounds: int) -> dict[str, float]:
    """Microseconds per article for the scans, folding and all; percent of articles with a candidate, with a signal."""
    texts = [f"{article.title}\n\n{article.text}" for article in articles]
    folded = [fold(text).text for text in texts]
    automaton = rules.automaton
    assert automaton is not None
    plain = AhoCorasick(list(rules.terms), store_patterns=False)
    encoded = [text.encode() for text in folded]
    signals = [len(match_article(rules, article).signals) for article in articles]  # warms up, too
    worked_out = sum(bool(Facts(rules, article, None).search.candidates()) for article in articles)
    per = 1e6 / len(articles)
    return {
        "scan": per * _seconds(lambda: [plain.find_matches_as_indexes(t, overlapping=True) for t in folded], rounds),
        "own": per
        * _seconds(lambda: [automaton.find_matches_as_indexes(t, overlapping=True) for t in encoded], rounds),
        "fold": per * _seconds(lambda: [fold(text) for text in texts], rounds),
        "match": per * _seconds(lambda: [match_article(rules, article) for article in articles], rounds),
        "worked out": 100 * worked_out / len(articles),
        "fired": 100 * sum(map(bool, signals)) / len(articles),
        "signals": sum(signals) / len(articles),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=Path, default=ARTICLES)
    parser.add_argument("--rules", default="10,100,1000,10000")
    parser.add_argument("--broad", type=int, default=20)
    parser.add_argument("--firing", type=int, default=0)
    parser.add_argument("--dense", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--yara", action="store_true")
    options = parser.parse_args()
    articles = read_articles(options.articles)
    chars = sum(len(article.text) for article in articles) / len(articles)
    print(f"Python {platform.python_version()}, {len(articles)} articles of {chars:,.0f} characters on average")
    gazetteer = Gazetteer.load()
    print(
        "  rules  broad   terms  load s compile s    MB  scan µs   own µs  fold µs  match µs  ratio worked out   fired"
        " signals" + "  YARA s  YARA µs" * options.yara
    )
    for name in options.rules.split(","):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(name)
            if name.isdigit():
                path = Path(folder) / "generated.yaml"
                text = generate_rules(int(name), options.broad, options.firing, dense=options.dense)
                path.write_text(text, encoding="utf-8")
            before = _resident_bytes()
            start = time.process_time()
            rule_set = load_rules([path])
            loaded = time.process_time()
            rules = compile_rules(rule_set, gazetteer)
            compiled = time.process_time()
            grown = (_resident_bytes() - before) / 1e6
        got = measure(rules, articles, options.rounds)
        print(
            f"{len(rules.rules):>7,} {share_of_broad(rules):>6.0%} {len(rules.terms):>7,} "
            f"{loaded - start:>7.2f} {compiled - loaded:>9.2f} "
            f"{grown:>5.0f} {got['scan']:>8.1f} {got['own']:>8.1f} {got['fold']:>8.1f} {got['match']:>9.1f} "
            f"{got['match'] / got['scan']:>6.2f} {got['worked out']:>9.1f}% {got['fired']:>6.1f}% "
            f"{got['signals']:>7.2f}"
            + ("  {:>6.2f} {:>8.1f}".format(*measure_yara(rules, articles, 1)) if options.yara else ""),
            flush=True,
        )


if __name__ == "__main__":
    main()

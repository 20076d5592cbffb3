"""What is glued in front of an article goes; the article stays."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from watcher.cleaning import clean_text, split_plain_article
from watcher.web.markup import tidy

TITLE = "Marovia asks its allies for help after night of shelling"
LEAD = (
    "Marovia has formally asked the members of the River Pact for assistance, Prime Minister Ana Teller told parliament "
    "on Friday. The request follows a night of shelling on the eastern bank."
)
GLUED = Path(__file__).parent.parent / "data" / "pages" / "glued.txt"


def test_a_plain_article_with_everything_glued_in_front() -> None:
    title, text, published_at = split_plain_article(GLUED.read_text("utf-8"))
    assert title == TITLE
    assert published_at == datetime(2026, 11, 20, 9, 15, tzinfo=UTC)
    assert text == (
        "The government in Marov says that foreign troops crossed the river\n\n"
        f"{LEAD}\n\nHome guards were told to stay in their barracks."
    )


@pytest.mark.parametrize(
    "glued",
    [
        "icon bookmark-bicon bookmarkicon cameraicon checkicon closeicon downicon full upicon fb\n",
        "icon bookmark-bicon bookmarkicon cameraicon checkicon closeicon downicon full upicon ",
        "ico-a ico-b ico-c ico-d ico-e ico-f ico-g\n",
        "Home\nWorld\nPolitics\nSport\n",
        "Home > World > Europe > Marovia\n",
        "Home News World Business Sport Opinion Culture\n",
        "SHARE\n\nTweet\n\nCopy link\n",
        "Share on Facebook Share on Twitter\n",
        "Поделиться\nЧитать также\n",
        "20 November 2026, 09:15 GMT\n",
        "Published: 20.11.2026 09:15\nUpdated: 20.11.2026 10:15\n",
        "This website uses cookies to improve your experience.\nAccept\n",
        "Sign up for our daily newsletter\n",
        "Subscribe to our Telegram channel now\n",
        "Listen to this article\n4 min read\n",
        "Advertisement\n\n",
        f"{TITLE}\n\n",
        f"{TITLE.upper()}!\n\n",
        "• • •\n",
    ],
)
def test_what_goes(glued: str) -> None:
    assert clean_text(f"{glued}{LEAD}", TITLE) == LEAD


@pytest.mark.parametrize(
    "head",
    [
        "MAROV, Nov 20 (Agency) -",
        "By Ana Teller",
        "The government says that troops crossed the river",
        "Live updates: what we know so far about the shelling",
        "Share prices fall as fighting spreads",
        "Sport minister killed in shelling of Marov",
        "World leaders condemn Marovia",
        "“Where is the help?”\n\n“Where is the help?”",
        "Search for survivors continues in Marov",
        "Troops, tanks, troops, tanks, troops, tanks: what a night",
        "On 20 November 2026 the river was crossed",
        "No to war, no to war, no to war, no to war, they chanted",
        "Belgium–Russia relations, Ireland–Russia relations, Netherlands–Russia relations, Malta–Russia relations",
    ],
)
def test_what_stays(head: str) -> None:
    text = f"{head}\n\n{LEAD}"
    assert clean_text(text, TITLE) == text


def test_nothing_is_taken_after_the_article_began() -> None:
    text = f"{LEAD}\n\nShare\n\n20 November 2026\n\n{TITLE}\n\nHome | World | Politics | Sport"
    assert clean_text(text, TITLE) == text


def test_a_standfirst_said_twice_is_said_once() -> None:
    standfirst = "The government in Marov says that foreign troops crossed the river"
    assert clean_text(f"{standfirst}\n{standfirst}\n\n{LEAD}", TITLE) == f"{standfirst}\n\n{LEAD}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("", "", None)),
        (LEAD, ("", LEAD, None)),
        ("One line only", ("", "One line only", None)),
        (f"{TITLE}\n{LEAD}", (TITLE, LEAD, None)),
        (f"{LEAD}\n\nA short line.", ("", f"{LEAD}\n\nA short line.", None)),
    ],
)
def test_plain_articles_without_furniture(text: str, expected: tuple[str, str, datetime | None]) -> None:
    assert split_plain_article(text) == expected


@pytest.mark.shared_data
def test_the_seed_article_begins_with_its_standfirst(shared_data: Path) -> None:
    title, text, published_at = split_plain_article((shared_data / "seed-article.txt").read_text("utf-8"))
    assert title == "Armenia asks Russian-led alliance for military assistance"
    assert text.startswith("Yerevan has accused Azerbaijani troops of seizing its territory\n\nYerevan has officially")
    assert text.count("\n\n") == 8
    assert published_at == datetime(2022, 9, 14, 14, 39, tzinfo=UTC)


@pytest.mark.shared_data
def test_ordinary_articles_lose_only_their_repeated_headline_and_real_furniture(shared_data: Path) -> None:
    """Of 800 articles, 17 carry furniture in front (read one by one): share bars, ADVERTISEMENT, gallery buttons."""
    changed = 0
    with gzip.open(shared_data / "corpus" / "long_articles_en.jsonl.gz", "rt") as lines:
        for line in lines:
            record = json.loads(line)
            before, after = tidy(record["text"]), clean_text(record["text"], record["title"])
            headline = tidy(record["title"]).casefold()
            lost = set(before.split("\n")) - set(after.split("\n")) - {""}
            changed += any(one.casefold() != headline and one.upper() != one and len(one.split()) > 6 for one in lost)
    assert changed < 4  # 0.5 % of 800

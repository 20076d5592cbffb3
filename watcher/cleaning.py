"""Takes away what is glued in front of an article: icon names, menus, share bars, date lines, a headline said twice.

Only the head of a text is looked at, line by line until the first paragraph of prose. What goes is told by its shape
(tokens without a sentence, one stem repeated, a line that is a date) or by the words of site furniture; a line that may
be the publisher's own sentence stays.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from watcher.web.markup import tidy
from watcher.web.published import read_date_line

_HEAD_LINES = 40  # furniture above an article: menus of large sites have about thirty entries
_KEPT_HEAD_LINES = 6  # headline, standfirst, byline, place, caption; then it is the article, whatever its shape
_PROSE_WORDS = 25
_SENTENCE_WORDS = 9  # and a full stop: a sentence, no menu
_MAX_HEADLINE_CHARS = 250
_MIN_DOUBLED_CHARS = 25
_QUOTES = ('"', "“", "”", "„", "«", "‘", "'")
_SENTENCE_END = re.compile(r"[.!?…։।。؟!?][\"'”’»)\]]*$")

# A run of names of icons or buttons: one stem comes again and again ("icon arrowicon bellicon", "btn-share btn-mail").
_STEM_CHARS = 4
_RUN_TOKENS = 6  # fewer prove nothing
_RUN_HOLDERS = 5
_RUN_SHARE = 0.5  # of the tokens hold the stem; in prose no stem of four letters reaches a fifth
_RUN_GAP = 3  # tokens between two that hold it: "full chevron down"
_TOKEN = re.compile(r"\S+")

# Words of which menus, share bars and players consist.
_FURNITURE = frozenset(
    """home menu search login log sign in up out register account profile subscribe subscription subscribers share
    tweet facebook twitter x whatsapp telegram viber messenger instagram youtube linkedin pinterest reddit
    tiktok threads bluesky vk ok flipboard pocket rss email e-mail mail print copy copied link save bookmark
    comment comments follow us on listen play pause mute unmute skip to main content navigation close open show
    hide more read less next previous back top advertisement advertising ad ads sponsored promoted news world
    politics business economy sport sports opinion opinions culture lifestyle tech technology science health
    travel weather video videos photo photos gallery podcast podcasts live latest breaking trending popular
    topics sections section newsletter newsletters donate support about contact help faq languages language
    english all rights reserved icon logo loading font size text accept reject cookies settings privacy policy
    terms and of the our your my this article page story via app apps download get notifications toggle dark
    light mode reading time min mins minute minutes
    главная новости поиск меню войти подписаться поделиться читать также комментарии реклама печать
    ana sayfa haberler giriş abone ol paylaş yazdır yorum yorumlar reklam gündem spor ekonomi dünya
    accueil actualités partager s'abonner connexion imprimer commenter publicité lire aussi recherche
    inicio noticias compartir suscríbete imprimir comentarios publicidad buscar
    startseite teilen anmelden abonnieren drucken kommentare anzeige suche
    головна новини пошук поділитися підписатися увійти
    الرئيسية مشاركة اشترك بحث أخبار""".split()
)
_MANY_SECTIONS = 4  # menu entries in one line before it counts as a menu
_BREADCRUMB = re.compile(r"\s*(?:[|•·›»→>/]|::|—)\s*")
_PLEA = re.compile(
    r"\bcookies?\b.{0,80}\b(?:use|uses|using|accept|consent|experience|policy|settings|preferences)\b"
    r"|\b(?:use|uses|using|accept|accepting)\b.{0,40}\bcookies?\b"
    r"|\b(?:subscribe|sign up|register)\b.{0,40}\b(?:newsletter|channel|updates|now|free|digest|here)\b"
    r"|^(?:please )?(?:follow|join|like|find) us on\b|\bjoin our (?:telegram|whatsapp)\b"
    r"|^\W*(?:click|tap) (?:here )?to (?:share|listen|subscribe|read|print|enlarge)\b"
    r"|^(?:listen to|share|save|bookmark|print|gift) this (?:article|story|page)\b"
    r"|^(?:this article is )?\d+ ?-?min(?:ute)?s? read$"
    r"|^(?:advertisement|sponsored content|story continues below)\b|\benable javascript\b"
    r"|\ball rights reserved\b|^skip to (?:main )?content",
    re.IGNORECASE,
)
_PLEA_WORDS = 30
_NO_KEY = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class _Head:
    """What stands above the prose, without its furniture."""

    lines: tuple[str, ...]
    published_at: datetime | None  # of the first date line
    rest: tuple[str, ...]  # untouched, from the first paragraph of prose on


def clean_text(text: str, title: str) -> str:
    """``text`` without what is glued in front of the article; unchanged but for white space where nothing is.

    Lines of the head that say the title again, or what an earlier line of the head said, are left out.
    """
    head = _read_head(text, _key(title))
    return tidy("\n".join((*head.lines, *head.rest)))


def split_plain_article(text: str) -> tuple[str, str, datetime | None]:
    """Title, text and moment of publication of a plain-text article, as copied from a page or saved in a file.

    The title is the first line that can be a headline, "" where the text begins with prose. Dates are read as in
    ``watcher.web.published``.
    """
    head = _read_head(text, "")
    lines = [line for line in head.lines if line]
    if lines and len(lines[0]) <= _MAX_HEADLINE_CHARS and (len(lines) > 1 or any(head.rest)):
        title = " ".join(lines[0].split())
        body = "\n\n".join((*lines[1:], "\n".join(head.rest)))
        return title, clean_text(body, title), head.published_at
    return "", tidy("\n".join((*head.lines, *head.rest))), head.published_at


def _read_head(text: str, title_key: str) -> _Head:
    lines = tidy(text).split("\n")
    kept: list[str] = []
    said: set[str] = set()
    published_at: datetime | None = None
    seen = 0
    for index, original in enumerate(lines):
        if not original:
            if kept and kept[-1]:
                kept.append("")
            continue
        seen += 1
        line = _without_run(original)
        if seen > _HEAD_LINES or sum(1 for one in kept if one) >= _KEPT_HEAD_LINES:
            return _Head(tuple(kept), published_at, tuple(lines[index:]))
        if not line:
            continue
        moment = read_date_line(line)
        if moment is not None:
            published_at = published_at or moment
            continue
        key = _key(line)
        if key == title_key or (key in said and _may_be_headline(line)) or _is_furniture(line):
            continue
        if _is_prose(line):
            return _Head(tuple(kept), published_at, (line, *lines[index + 1 :]))
        said.add(key)
        kept.append(line)
    return _Head(tuple(kept), published_at, ())


def _key(line: str) -> str:
    """What two lines share that say the same: letters and digits."""
    return _NO_KEY.sub("", line.casefold())


def _may_be_headline(line: str) -> bool:
    """Whether a line said twice is a headline or standfirst set twice, not a refrain or a short quotation."""
    return len(line) >= _MIN_DOUBLED_CHARS and not line.startswith(_QUOTES)


def _is_prose(line: str) -> bool:
    words = line.split()
    if len(words) >= _PROSE_WORDS or (not line.isascii() and len(line) >= _PROSE_WORDS * 5):  # scripts without spaces
        return True
    return len(words) >= _SENTENCE_WORDS and bool(_SENTENCE_END.search(line))


def _is_furniture(line: str) -> bool:
    """Whether a line belongs to the site and not to the article."""
    if line.count(" ") > 2 * _PLEA_WORDS and _SENTENCE_END.search(line[-8:]):
        return False  # nearly every paragraph
    words = re.findall(r"[^\W_](?:[\w'’.-]*[^\W_])?", line.lower())
    if not words:
        return True  # a line of bullets or rules
    if len(words) <= _PLEA_WORDS and _PLEA.search(line):
        return True
    if _SENTENCE_END.search(line) and len(words) >= _SENTENCE_WORDS:
        return False
    known = sum(1 for word in words if word in _FURNITURE or word.isdigit())
    if known == len(words) and any(word in _FURNITURE for word in words):
        return True
    parts = [part for part in _BREADCRUMB.split(line) if part]
    if len(parts) >= _MANY_SECTIONS and all(len(part.split()) <= 3 for part in parts):
        return True
    return len(words) > _MANY_SECTIONS and known >= 0.6 * len(words) and not re.search(r"[.,;:!?]", line)


def _without_run(line: str) -> str:
    """``line`` without a run of icon or button names at its beginning."""
    first = [token[0].lower() for token in islice(_TOKEN.finditer(line), 2 * _RUN_TOKENS)]
    stem = _repeated_stem(first) if len(first) >= _RUN_TOKENS else None
    if stem is None:
        return line
    tokens = list(_TOKEN.finditer(line))
    last = 0
    for index, token in enumerate(tokens):
        if stem in token[0].lower():
            last = index
        elif index - last > _RUN_GAP:
            break
    if len(tokens) - 1 - last <= _RUN_GAP:
        return ""
    return line[tokens[last + 1].start() :]


def _repeated_stem(tokens: list[str]) -> str | None:
    """What most of ``tokens`` share at one of their ends, None where no stem is that frequent."""
    ends = [token[:_STEM_CHARS] for token in tokens if len(token) >= _STEM_CHARS]
    ends += [token[-_STEM_CHARS:] for token in tokens if len(token) > _STEM_CHARS]
    if len(ends) - len(set(ends)) < _RUN_HOLDERS - 2:
        return None  # the most frequent one cannot be frequent enough: nearly every line
    holders: Counter[str] = Counter()
    for token in tokens:
        if len(token) >= _STEM_CHARS:
            holders.update({token[:_STEM_CHARS], token[-_STEM_CHARS:]})
    stem, _ = holders.most_common(1)[0]
    names = [token for token in tokens if stem in token and not token.endswith((",", ".", ";", ":"))]
    is_run = len(names) >= _RUN_HOLDERS and len(names) >= _RUN_SHARE * len(tokens)
    # Several different tokens: a word that is merely said often, as in a chant, is no run of names.
    return stem if is_run and len(set(names)) >= _RUN_HOLDERS - 1 else None

"""The words that part clauses, by language; regular expressions, matched in any case on the text as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClauseWords:
    """What parts the clauses of one language."""

    openers: tuple[str, ...] = ()  # a clause begins here, comma or not
    comma_openers: tuple[str, ...] = ()  # a clause begins here after a comma
    subordinators: tuple[str, ...] = ()  # a clause that begins so ends at its first comma
    reporting: tuple[str, ...] = ()  # what is said begins after the verb, "that" or not
    coordinators: tuple[str, ...] = ()  # join clauses where both sides have a verb
    finite: tuple[str, ...] = ()  # verbs with a subject, as far as their form shows it
    broken_off: tuple[str, ...] = ()  # a remark between commas after these does not end the clause
    leaning: tuple[str, ...] = ()  # near its beginning: the subject stands in the clause before; none: it always may


_EN_NO_CLAUSE = (
    r"(?!(?:1[89]|20)\d\d\b|\d{1,2}\s+(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"|the\s+(?:war|attack|clash(?:es)?|incident|fighting|end)\b(?!\s+\w+ed)|mon|tue|wed|thu|fri|sat|sun(?!k)"
    r"|jan|feb|mar(?!t)|apr|may\s|jun|jul|aug|sep|oct|nov|dec(?!l)|then\b|all\b|long\b|being\b|midnight|dawn|noon"
    r"|last\b|next\b|yesterday|today|now\b|early|late\b|this\b|that\b)"
)

ENGLISH = ClauseWords(
    openers=(
        r"\b(?:but|while|whilst|whereas|although|though|because|unless|whether|if|lest)\b(?!-)",
        rf"\b(?:after|before|since|until|till|once)\s+{_EN_NO_CLAUSE}(?=\w)",
        r"(?<!\beven\s)\bwhen\b(?!\s+it\s+comes)",
        r"(?:(?<=[,\s])(?:in|of|on|at|for|with|to|by|from|under|during|against|after|through)\s+)?\b(?:which|whom|whose)\b",
        r"\bwho\b",
        r"\bwhere\b",
        r"(?<!\bof\s)(?<!\bin\s)(?<!\bat\s)(?<!\bon\s)(?<!\bfor\s)(?<!\bby\s)(?<!\bwith\s)(?<!\bthan\s)(?<!\bsince\s)"
        r"\bthat\b(?!\s+(?:day|night|year|month|week|time|same|very|period|moment|war|number|figure|country)\b)",
        r"\bas\b(?=\s+(?:he|she|it|they|we)\b)",
        r"\bso\s+that\b",
    ),
    comma_openers=(
        r"(?:so|yet|nor)\b",
        r"as\b(?!\s+(?:well|of|part|a|an)\b)",
        r"(?:saying|adding|warning|claiming|arguing|insisting|noting|stressing|vowing|threatening|denying|alleging)\b",
        r"(?:\w+\s+){0,2}of\s+(?:which|whom)\b",
        r"with\b(?=\s+(?:the\s+)?\w+\s+\w+ing\b)",
    ),
    subordinators=(
        r"(?:if|when|after|although|though|while|whilst|because|unless|once|since|until|before|as|should|whereas|which"
        r"|who|whose|where|in\s+which|even\s+if|even\s+though)\b",
    ),
    reporting=(r"(?<!\bis\s)(?<!\bare\s)(?<!\bbe\s)(?<!\bwas\s)(?<!\bwere\s)\b(?:said|says|say)\b(?!\s+to\b)",),
    coordinators=(r"\s+(?:and|then)\s", r",\s+or\s"),
    finite=(
        r"\b(?:is|are|was|were|has|have|had|will|would|could|can|cannot|may|might|must|should|shall|does|do|did|said|says"
        r"|shot|struck|fought|sent|took|broke|began|left|fled|hit|fell|rose|came|went|made|gave|held|met|told|withdrew|won"
        r"|lost|led|saw|set|got|became|kept|brought|found|knew|thought|flew|drove|threw|ran|spoke|wrote|blew|bore|drew|grew"
        r"|laid|lay|paid|put|cut|shut|stood|swore|understood|undertook|overran|sought|sank)\b",
        r"\b\w{2,}(?<!e)ed\b(?!-)",
        r"\w+n['’]t\b",
        r"\b(?:died|agreed|freed|fled)\b",
    ),
    broken_off=(
        r"not|never|has|have|had|will|would|could|may|might|must|should|shall|is|are|was|were|did|does|do|can|cannot"
        r"|\w+n['’]t",
    ),
    leaning=(r"(?:it|they|he|she|we|its|their|his|her|both|who|which|whose|whom|\w{3,}ing)\b",),
)

FRENCH = ClauseWords(
    openers=(
        r"\b(?:mais|tandis\s+que?|alors\s+que?|bien\s+que?|quoique?|parce\s+que?|puisque?|lorsque?|quand|si|s['’]ils?"
        r"|après\s+que?|avant\s+que?|pendant\s+que?|qui|dont|où|tant\s+que)\b",
        r"(?<!\bplus\s)(?<!\bmoins\s)(?<!\bainsi\s)(?<!\balors\s)(?<!\btandis\s)(?<!\bparce\s)(?<!\bbien\s)\b(?:que\b|qu['’])",
    ),
    subordinators=(r"(?:si|s['’]|quand|lorsqu|après|avant|bien\s+qu|alors\s+qu|tandis\s+qu|puisqu|qui\b|dont\b|où\b)",),
    reporting=(r"\b(?:a|ont)\s+(?:déclaré|affirmé|annoncé|indiqué|dit)\b",),
)

SPANISH = ClauseWords(
    openers=(
        r"\b(?:pero|sino|mientras|aunque|porque|si|cuando|quien(?:es)?|el\s+cual|la\s+cual|los\s+cuales|las\s+cuales"
        r"|donde|después\s+de\s+que|antes\s+de\s+que)\b",
        r"(?<!\bmás\s)(?<!\bmenos\s)(?<!\bya\s)(?<!\bhay\s)(?<!\btiene\s)(?<!\bde\s)(?<!\bmientras\s)\bque\b",
    ),
    subordinators=(r"(?:si|cuando|aunque|mientras|después|antes|porque|que|quien|donde)\b",),
    reporting=(r"\b(?:dijo|dijeron|afirmó|declaró)\b",),
)

RUSSIAN = ClauseWords(
    openers=(r"\b(?:но|однако|хотя|зато)\b",),
    comma_openers=(
        r"(?:а|и|что|чтобы|(?:в|на|о|из|с|для|по|от|при)?\s*котор\w+|если|когда|пока|потому\s+что|так\s+как|поскольку|где"
        r"|куда|после\s+того|до\s+того|перед\s+тем|тогда\s+как|ибо|чей|чьи)\b",
    ),
    subordinators=(
        r"(?:если|когда|пока|хотя|поскольку|после\s+того|до\s+того|(?:в|на|о|из|с)?\s*котор\w+|чтобы|где)\b",
    ),
)

UKRAINIAN = ClauseWords(
    openers=(r"\b(?:але|проте|однак|хоча|зате)\b",),
    comma_openers=(
        r"(?:а|і|й|та|що|щоб|(?:в|у|на|про|із|з|для|по|від|при)?\s*як(?:ий|а|е|і|ого|ої|их|им|ими|ому|ій|у)|якщо|коли|поки"
        r"|бо|тому\s+що|оскільки|де|куди|після\s+того|до\s+того|перед\s+тим|тоді\s+як)\b",
    ),
    subordinators=(r"(?:якщо|коли|поки|хоча|оскільки|після\s+того|до\s+того|як(?:ий|а|е|і|ого|ої|их)|щоб|де)\b",),
)

TURKISH = ClauseWords(
    openers=(r"\b(?:ancak|fakat|ama|lakin|çünkü|eğer|oysa|halbuki|buna\s+karşın|buna\s+rağmen)\b",),
    subordinators=(r"eğer\b",),
)

ARABIC = ClauseWords(
    openers=(
        r"\b(?:و?لكن|و?لكنها?|بينما|و?فيما|حيث|الذي|التي|الذين|اللذان|إذا|اذا|عندما|بعد\s+أن|بعدما|قبل\s+أن|لأن|غير\s+أن"
        r"|إلا\s+أن|في\s+حين|بأن\w*|أنه|أنها|إن|إنه|إنها|ان)\b",
    ),
    subordinators=(r"(?:إذا|اذا|عندما|بعد|بعدما|قبل|بينما|الذي|التي)\b",),
)

BY_LANGUAGE: Mapping[str, ClauseWords] = {
    "en": ENGLISH,
    "fr": FRENCH,
    "es": SPANISH,
    "ru": RUSSIAN,
    "uk": UKRAINIAN,
    "tr": TURKISH,
    "ar": ARABIC,
}

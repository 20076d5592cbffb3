"""The inflected forms of a word, by rule and a table of irregular ones."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

# Base, third person, past, participle, -ing form; "-" is the regular form, "/" joins variants.
_IRREGULAR_VERBS = """
be is/are/am was/were been being
have has had had having
do does did done doing
go goes went gone going
arise - arose arisen -
awake - awoke awoken -
bear - bore borne/born -
beat - beat beaten -
become - became become -
begin - began begun beginning
behold - beheld beheld -
bend - bent bent -
bet - bet bet betting
bid - bid bid bidding
bind - bound bound -
bite - bit bitten -
bleed - bled bled -
blow - blew blown -
break - broke broken -
breed - bred bred -
bring - brought brought -
broadcast - broadcast broadcast -
build - built built -
burn - burned/burnt burned/burnt -
burst - burst burst -
buy - bought bought -
cast - cast cast -
catch - caught caught -
choose - chose chosen -
cling - clung clung -
come - came come -
cost - cost cost -
creep - crept crept -
cut - cut cut cutting
deal - dealt dealt -
die - died died dying
dig - dug dug digging
draw - drew drawn -
drink - drank drunk -
drive - drove driven -
eat - ate eaten -
fall - fell fallen -
feed - fed fed -
feel - felt felt -
fight - fought fought -
find - found found -
flee - fled fled -
fling - flung flung -
fly - flew flown -
forbid - forbade/forbad forbidden forbidding
forecast - forecast forecast -
foresee - foresaw foreseen -
forget - forgot forgotten forgetting
forgive - forgave forgiven -
freeze - froze frozen -
get - got got/gotten getting
give - gave given -
grind - ground ground -
grow - grew grown -
hang - hung/hanged hung/hanged -
hear - heard heard -
hide - hid hidden -
hit - hit hit hitting
hold - held held -
hurt - hurt hurt -
keep - kept kept -
kneel - knelt knelt -
know - knew known -
lay - laid laid -
lead - led led -
leap - leaped/leapt leaped/leapt -
learn - learned/learnt learned/learnt -
leave - left left -
lend - lent lent -
let - let let letting
lie - lied/lay lied/lain lying
lose - lost lost -
make - made made -
mean - meant meant -
meet - met met -
mislead - misled misled -
offset - offset offset offsetting
overcome - overcame overcome -
overrun - overran overrun overrunning
oversee - oversaw overseen -
overtake - overtook overtaken -
overthrow - overthrew overthrown -
pay - paid paid -
plead - pleaded/pled pleaded/pled -
prove - proved proved/proven -
put - put put putting
quit - quit quit quitting
read - read read -
rebuild - rebuilt rebuilt -
repay - repaid repaid -
ride - rode ridden -
ring - rang rung -
rise - rose risen -
run - ran run running
say - said said -
see - saw seen -
seek - sought sought -
sell - sold sold -
send - sent sent -
set - set set setting
shake - shook shaken -
shed - shed shed shedding
shine - shone shone -
shoot - shot shot -
show - showed shown/showed -
shrink - shrank shrunk -
shut - shut shut shutting
sing - sang sung -
sink - sank sunk -
sit - sat sat sitting
slay - slew/slayed slain -
sleep - slept slept -
slide - slid slid -
speak - spoke spoken -
speed - sped/speeded sped/speeded -
spend - spent spent -
spill - spilled/spilt spilled/spilt -
spin - spun spun spinning
split - split split splitting
spread - spread spread -
spring - sprang sprung -
stand - stood stood -
steal - stole stolen -
stick - stuck stuck -
sting - stung stung -
strike - struck struck/stricken -
strive - strove striven -
swear - swore sworn -
sweep - swept swept -
swim - swam swum swimming
swing - swung swung -
take - took taken -
teach - taught taught -
tear - tore torn -
tell - told told -
think - thought thought -
throw - threw thrown -
thrust - thrust thrust -
tie - tied tied tying
undergo undergoes underwent undergone -
understand - understood understood -
undertake - undertook undertaken -
undo undoes undid undone -
uphold - upheld upheld -
upset - upset upset upsetting
wake - woke woken -
wear - wore worn -
weep - wept wept -
win - won won winning
wind - wound wound -
withdraw - withdrew withdrawn -
withhold - withheld withheld -
withstand - withstood withstood -
write - wrote written -
outbid - outbid outbid outbidding
vie - vied vied vying
"""
# Verbs of two or more syllables that double their last consonant, most because they are stressed there.
_DOUBLING = frozenset(
    "abet abhor acquit admit allot commit compel concur confer control corral debar defer deter dispel embed emit excel"
    " expel extol forestall handicap impel incur infer inter kidnap occur omit outfit outwit patrol permit"
    " prefer propel"
    " rebel rebut recur refer regret remit repel submit transfer transmit unplug worship".split()
)
# Written with one consonant or with two, after the American or the British habit.
_OPTIONAL_DOUBLING = frozenset(
    "bus cancel channel counsel dial duel focus fuel imperil initial kidnap label level marshal model parcel program"
    " quarrel rival shovel signal stencil total travel tunnel unravel worship".split()
)
_HARD_C = frozenset("mimic panic picnic traffic".split())
_IRREGULAR_PLURALS: Mapping[str, tuple[str, ...]] = {
    "analysis": ("analyses",),
    "axis": ("axes",),
    "basis": ("bases",),
    "calf": ("calves",),
    "child": ("children",),
    "crisis": ("crises",),
    "criterion": ("criteria",),
    "diagnosis": ("diagnoses",),
    "emphasis": ("emphases",),
    "foot": ("feet",),
    "half": ("halves",),
    "hypothesis": ("hypotheses",),
    "knife": ("knives",),
    "leaf": ("leaves",),
    "life": ("lives",),
    "medium": ("media", "mediums"),
    "memorandum": ("memoranda", "memorandums"),
    "mouse": ("mice",),
    "nucleus": ("nuclei",),
    "oasis": ("oases",),
    "person": ("people", "persons"),
    "phenomenon": ("phenomena",),
    "referendum": ("referenda", "referendums"),
    "shelf": ("shelves",),
    "stimulus": ("stimuli",),
    "thesis": ("theses",),
    "thief": ("thieves",),
    "tooth": ("teeth",),
    "ultimatum": ("ultimatums", "ultimata"),
    "wife": ("wives",),
    "wolf": ("wolves",),
}
_REGULAR_MAN = frozenset("caiman german human norman ottoman roman shaman talisman turkman".split())
_UNCHANGING = frozenset(
    "aircraft ammunition artillery barracks cattle corps crossroads fish gallows goods headquarters hovercraft"
    " means news"
    " people personnel police series sheep spacecraft species troops weaponry".split()
)
_ES_AFTER_O = frozenset("cargo echo embargo go hero no potato tomato tornado torpedo veto volcano".split())
_S_AFTER_CH = frozenset("epoch monarch oligarch patriarch stomach".split())  # the ch is a k
_NOUN_ENDING = re.compile(
    r"(?:[ts]ion|ment|ness|ity|hood|ship|ism|ist|ology|ency|ancy|ence|ance|ador|cracy|ary|cide|ier|eer|itant|arian)$"
)
# Verbs although they end like nouns.
_VERBS = frozenset(
    "advance auction augment balance caution cement commence comment commission compliment condition"
    " distance document experience experiment ferment finance fragment function glance harness implement influence"
    " lament mention motion occasion partition pension petition pioneer position question ration reference"
    " sanction sentence"
    " silence station supplement torment vacation veer volunteer witness worship".split()
)
_NOUNS = frozenset(
    "accord admiral airfield airport army artillery article attache attaché bloc battalion bomber brigade"
    " capital casualty ceasefire chancellor citizen city civilian clause colonel commander communique communiqué consul"
    " consulate corridor country coup crisis curfew deadline death defence defense destroyer diplomat district embassy"
    " enclave envoy exclave fatality fighter frigate frontier genocide general government gun helicopter"
    " hospital hostility"
    " insurgent jet kingdom king leader minister missile militia munition nation neighbour neighbor officer"
    " official pact"
    " parliament plane premier president prisoner protocol province queen refugee regime regiment region"
    " republic reservist"
    " rifle senator spokesman spokeswoman submarine tank territory town treaty truce"
    " victim village war warplane warship weapon woman youth zone".split()
)
# Words of their own, although they look like another verb's past.
_OWN_WORDS = frozenset("bound fell found ground wound".split())
# Ends in -ed without being a past.
_BASES_IN_ED = frozenset(
    "bed bleed breed creed deed embed exceed feed greed heed need proceed seed shed speed succeed weed wed".split()
)
_VERB_PREFIX = re.compile(r"(?:re|un|over|mis|out|fore|under)(?=\w{3})")
_NO_PREFIX = frozenset("relay outlay".split())


def inflect(word: str, language: str) -> frozenset[str] | None:
    """Every inflected form of a word, itself included, lower case; None where the language has no inflector.

    The word is best given as the base form. Forms of both noun and verb come out where it may be either.
    """
    if language != "en":
        return None
    word = word.lower()
    head, hyphen, last = word.rpartition("-")
    if head + last in _NOUNS:  # cease-fire
        return frozenset({word, *(head + hyphen + plural for plural in _plurals(last))})
    return frozenset(head + hyphen + form for form in _inflect_english(last))


def _inflect_english(word: str) -> frozenset[str]:
    verbs, bases = _irregular_verbs()
    if not word.isalpha() or word in _UNCHANGING:
        return frozenset({word})
    if word in verbs:
        return verbs[word]
    prefix = _VERB_PREFIX.match(word)
    if prefix and word not in _NO_PREFIX and word[prefix.end() :] in verbs:
        return frozenset(prefix[0] + form for form in verbs[word[prefix.end() :]])
    if word in bases and word not in _OWN_WORDS:
        return verbs[bases[word]]
    if _is_noun(word):
        return frozenset({word, *_plurals(word)})
    if (word.endswith("ed") and word not in _BASES_IN_ED) or re.search(r"[^sui]s$", word):
        return frozenset({word})
    return frozenset({word, *_plurals(word), *_pasts(word), *_participles(word)})


def _is_noun(word: str) -> bool:
    if word in _VERBS:
        return False
    if word in _NOUNS or word in _IRREGULAR_PLURALS or word in _S_AFTER_CH or _is_man(word):
        return True
    return bool(_NOUN_ENDING.search(word)) or (word.endswith("ing") and len(word) > 5)


def _is_man(word: str) -> bool:
    return word.endswith("man") and word not in _REGULAR_MAN


def _plurals(word: str) -> tuple[str, ...]:
    """The plural of a noun, which is also the third person of a verb."""
    if word in _IRREGULAR_PLURALS:
        return _IRREGULAR_PLURALS[word]
    if _is_man(word):
        return (word[:-3] + "men",)
    if re.search(r"[^aeiou]y$", word):
        return (word[:-1] + "ies",)
    if word.endswith("z") and not word.endswith("zz"):
        return (word + "zes",)
    if re.search(r"(?:s|x|z|sh|ch)$", word) and word not in _S_AFTER_CH:
        return (word + "es",)
    return (word + ("es" if word in _ES_AFTER_O else "s"),)


def _stems(word: str) -> tuple[str, ...]:
    """What -ed and -ing are put after, the last consonant doubled where that is the spelling."""
    if word in _HARD_C:
        return (word + "k",)
    doubled = word + word[-1]
    if word in _OPTIONAL_DOUBLING:
        return word, doubled
    if word in _DOUBLING or re.fullmatch(r"(?:[^aeiou]*|[^aeiou]*qu)[aeiou][^aeiouwxyh]", word):
        return (doubled,)
    return (word,)


def _pasts(word: str) -> tuple[str, ...]:
    if word.endswith("e"):
        return (word + "d",)
    if re.search(r"[^aeiou]y$", word):
        return (word[:-1] + "ied",)
    return tuple(stem + "ed" for stem in _stems(word))


def _participles(word: str) -> tuple[str, ...]:
    if word.endswith("ie"):
        return (word[:-2] + "ying",)
    if word.endswith("e") and not word.endswith(("ee", "oe", "ye")):
        return (word[:-1] + "ing",)
    return tuple(stem + "ing" for stem in _stems(word))


@functools.cache
def _irregular_verbs() -> tuple[Mapping[str, frozenset[str]], Mapping[str, str]]:
    """The forms of each irregular verb by its base, and the base of each of its past forms."""
    forms: dict[str, frozenset[str]] = {}
    bases: dict[str, str] = {}
    for line in _IRREGULAR_VERBS.split("\n"):
        if not line:
            continue
        base, third, past, participle, ing = line.split(" ")
        pasts = [*past.split("/"), *participle.split("/")]
        thirds = _plurals(base) if third == "-" else tuple(third.split("/"))
        ings = _participles(base) if ing == "-" else (ing,)
        forms[base] = frozenset({base, *thirds, *pasts, *ings})
        for form in pasts:
            bases.setdefault(form, base)
    return forms, bases

"""Inflected forms of English words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.text.inflect import inflect


@pytest.mark.parametrize(
    "forms",
    [
        "invoke invokes invoked invoking",
        "activate activates activated activating",
        "trigger triggers triggered triggering",
        "appeal appeals appealed appealing",
        "kill kills killed killing",
        "strike strikes struck stricken striking",
        "shoot shoots shot shooting",
        "withdraw withdraws withdrew withdrawn withdrawing",
        "break breaks broke broken breaking",
        "send sends sent sending",
        "take takes took taken taking",
        "fight fights fought fighting",
        "hit hits hitting",
        "die dies died dying",
        "tie ties tied tying",
        "belie belies belied belying",
        "sever severs severed severing",
        "recall recalls recalled recalling",
        "expel expels expelled expelling",
        "mobilise mobilises mobilised mobilising",
        "mobilize mobilizes mobilized mobilizing",
        "order orders ordered ordering",
        "deploy deploys deployed deploying",
        "carry carries carried carrying",
        "attack attacks attacked attacking",
        "clash clashes clashed clashing",
        "flee flees fled fleeing",
        "agree agrees agreed agreeing",
        "ban bans banned banning",
        "rebel rebels rebelled rebelling",
        "commit commits committed committing",
        "open opens opened opening",
        "visit visits visited visiting",
        "travel travels traveled travelled traveling travelling",
        "panic panics panicked panicking",
        "veto vetoes vetoed vetoing",
        "wound wounds wounded wounding",
        "retake retakes retook retaken retaking",
        "overthrow overthrows overthrew overthrown overthrowing",
        "relay relays relayed relaying",
        "quiz quizzes quizzed quizzing",
        "sanction sanctions sanctioned sanctioning",
        "ally allies allied allying",
        "army armies",
        "mission missions",
        "casualty casualties",
        "ambassador ambassadors",
        "diplomat diplomats",
        "attache attaches",
        "attaché attachés",
        "embassy embassies",
        "soldier soldiers",
        "gunman gunmen",
        "woman women",
        "child children",
        "crisis crises",
        "ultimatum ultimatums ultimata",
        "monarch monarchs",
        "cease-fire cease-fires",
        "re-arm re-arms re-armed re-arming",
        "aircraft",
        "troops",
        "killed",
        "forces",
        "4",
    ],
)
def test_forms(forms):
    words = forms.split()
    assert inflect(words[0], "en") == set(words)


def test_an_irregular_past_leads_to_its_verb():
    assert inflect("struck", "en") == inflect("strike", "en")


def test_case_does_not_matter():
    assert inflect("Invoke", "en") == inflect("invoke", "en")


def test_other_languages_have_no_inflector():
    assert inflect("говорить", "ru") is None


@given(st.text("abcdefghijklmnopqrstuvwxyzé-'", min_size=1, max_size=12))
def test_every_word_is_among_its_own_forms(word):
    forms = inflect(word, "en")
    assert word in forms
    assert all(form and form == form.lower() for form in forms)

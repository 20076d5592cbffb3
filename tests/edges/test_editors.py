"""The JSON Schema that editors use: it teaches every key, takes what is right, and refuses what it can see is wrong."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.conftest import CHECKOUT
from watcher.rules.editors import json_schema

DATA = CHECKOUT / "tests" / "data" / "bad_rules"
SHIPPED = sorted(path for path in (CHECKOUT / "rules").rglob("*.yaml") if "tests" not in path.parts)

# What is wrong with these lies beyond a schema: in the YAML itself, between documents, or inside a phrase.
BEYOND = {
    "control_character", "duplicate_ids", "empty", "list_cycle", "no_rule", "not_utf8",
    "only_comments", "phrase_in_block_text", "phrases", "phrases_without_dashes", "regex", "utf16",
    "utf16_without_mark",
}  # fmt: skip
CASES = sorted(path for path in DATA.glob("*.yaml") if not path.stem.startswith("yaml_"))


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2 as editors read it: no dates, no sexagesimal numbers, only true and false are booleans."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


CoreLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("(true|false)$"), list("tf"))
CoreLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("(null|~|)$"), ["n", "~", ""])
CoreLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile("-?[0-9]+$"), list("-0123456789"))
CoreLoader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"-?[0-9]+\.[0-9]+$"), list("-0123456789"))

VALIDATOR = Draft202012Validator(json_schema())


def errors(path: Path) -> list[str]:
    documents = yaml.load_all(path.read_text(encoding="utf-8"), CoreLoader)
    return [f"{list(e.path)}: {e.message}" for document in documents for e in VALIDATOR.iter_errors(document)]


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_takes_the_shipped_rules(path: Path) -> None:
    assert errors(path) == []


@pytest.mark.parametrize("path", [path for path in CASES if path.stem not in BEYOND], ids=lambda path: path.stem)
def test_refuses_what_a_schema_can_see(path: Path) -> None:
    assert errors(path) != []


@pytest.mark.parametrize("path", [path for path in CASES if path.stem in BEYOND], ids=lambda path: path.stem)
def test_nothing_is_called_beyond_it_that_is_not(path: Path) -> None:
    with suppress(yaml.YAMLError, UnicodeDecodeError):  # an editor says that it is no YAML at all
        assert errors(path) == []


def test_every_key_is_described_and_shown() -> None:
    schema = json_schema()

    def teaches(value: dict[str, Any]) -> bool:
        text = json.dumps(value)
        # The words to choose from, or the keys of what is inside, are examples of their own.
        return "examples" in value or '"enum"' in text or '"$ref"' in text

    for name, model in schema["$defs"].items():
        for key, value in model.get("properties", {}).items():
            assert value.get("description"), f"{name}.{key}"
            assert teaches(value), f"{name}.{key}"


def test_examples_are_right_themselves() -> None:
    schema = json_schema()
    for name, model in schema["$defs"].items():
        for key, value in model.get("properties", {}).items():
            validator = Draft202012Validator({"$defs": schema["$defs"], **value})
            for example in value.get("examples", ()):
                assert list(validator.iter_errors(example)) == [], f"{name}.{key}: {example}"


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"rule": "x-y", "look_for": {"a": {"phrases": ["x y"]}}, "severty": "watch"}, []),
        ({"list": "a", "kind": "phrases", "itms": ["x"]}, []),
        ({"append": "a", "items": []}, ["items"]),
        ({"rule": "x-y", "look_for": {"Bad Name": {"phrases": ["x y"]}}}, ["look_for"]),
        ({"rule": "x-y", "look_for": {"a": {"phrases": ["x y"], "killed": {}}}}, ["look_for", "a"]),
        ({"rule": "x-y", "look_for": {"a": {"phrases": ["x y"]}}, "confirm": {"publishers": 1, "within": "6h"}}, ["confirm", "publishers"]),
    ],
)  # fmt: skip
def test_complains_at_the_place_and_of_one_kind_of_document_only(document: dict[str, Any], place: list[str]) -> None:
    assert {tuple(error.path) for error in VALIDATOR.iter_errors(document)} == {tuple(place)}

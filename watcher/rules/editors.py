"""The JSON Schema of rule files, with which an editor completes and checks while somebody types.

It is made of the models of `watcher.rules.schema`, so that it cannot say anything else; what those check in code is
said once more here where a schema can say it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter

from watcher.rules.schema import Append, CueGroup, Rule, RuleList, StateNames

_STATE = r"^([A-Z]{2}|\$[a-z][a-z0-9_]*)$"  # whether there is such a state, the loader checks


def _one_of(*keys: str) -> list[dict[str, Any]]:
    return [{"required": [key]} for key in keys]


# By model: what belongs together, and what excludes what.
_ALSO: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "Clue": {
            "oneOf": _one_of("phrases", "states", "killed", "injured", "regex"),
            "dependentRequired": {"not_phrases": ["phrases"]},
        },
        "AlertWhen": {"minProperties": 1},
        "Unless": {
            "anyOf": _one_of("phrases", "title_has", "older_than", "event_older_than", "source_tags"),
            "dependentRequired": {"within": ["of", "phrases"], "of": ["within", "phrases"], "accept": ["phrases"]},
        },
        "RuleTest": {
            "anyOf": _one_of("text", "file", "stream", "title"),
            "allOf": [
                {"not": {"required": pair}} for pair in (["text", "file"], ["text", "stream"], ["file", "stream"])
            ],
        },
        "Rule": {
            "oneOf": _one_of("look_for", "steps"),
            "dependentRequired": {"steps": ["in_order"], "in_order": ["steps"]},
        },
        "RuleList": {
            "if": {"properties": {"kind": {"const": "states"}}},
            "then": {
                "properties": {
                    "items": {
                        "anyOf": [
                            {"type": "array", "items": {"pattern": _STATE}},
                            {"type": "string", "pattern": _STATE},
                        ]
                    }
                }
            },
        },
        "StreamItem": {"anyOf": _one_of("text", "file", "copy_of", "title")},
        "Append": {"oneOf": _one_of("items", "unless")},
    }
)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of one document of a rule file; the key that a document begins with says which kind it is."""
    models = {model.__name__: model for model in (Rule, RuleList, Append, StateNames, CueGroup)}
    defs = _tidy(TypeAdapter[Any](Rule | RuleList | Append | StateNames | CueGroup).json_schema(by_alias=True))["$defs"]
    for name, also in _ALSO.items():
        defs[name] |= also
    defs["Confirm"]["properties"]["publishers"]["minimum"] = 2  # one is the first report itself
    kinds = {}
    for name, model in models.items():
        key = next(iter(model.model_fields))
        kinds[key] = {"description": defs[name]["description"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "watcher rule file",
        "description": "A rule, a list, additions to one of them, names of states, cues; three hyphens part several.",
        "type": "object",
        # Offered while nothing is written yet.
        "properties": kinds,
        # Not anyOf: an editor would complain of every kind at once.
        "if": {"required": ["list"]},
        "then": {"$ref": "#/$defs/RuleList"},
        "else": {
            "if": {"required": ["append"]},
            "then": {"$ref": "#/$defs/Append"},
            "else": {
                "if": {"required": ["states"]},
                "then": {"$ref": "#/$defs/StateNames"},
                "else": {
                    "if": {"required": ["cues"]},
                    "then": {"$ref": "#/$defs/CueGroup"},
                    "else": {"$ref": "#/$defs/Rule"},
                },
            },
        },
        "$defs": defs,
    }


def _tidy(schema: Any) -> Any:
    """The schema as the files are: no nulls, defaults only where they can be written so, limits of lists as such."""
    if isinstance(schema, list):
        return [_tidy(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {key: _tidy(inner) for key, inner in schema.items()}
    kinds = [kind for kind in tidy.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        del tidy["anyOf"]
        tidy = {**kinds[0], **tidy}
    elif kinds:
        tidy["anyOf"] = kinds
    if tidy.get("type") == "array" and "minLength" in tidy:
        tidy["minItems"] = tidy.pop("minLength")
    if "patternProperties" in tidy:
        tidy["additionalProperties"] = False  # a name that does not fit is a mistake
    default = tidy.get("default", "")
    is_duration = str(tidy.get("pattern", "")).endswith("[smhd]$")  # its default is no text yet
    is_written_otherwise = isinstance(default, dict) or is_duration or default not in tidy.get("enum", [default])
    if default in (None, "", []) or is_written_otherwise:
        tidy.pop("default", None)
    return tidy

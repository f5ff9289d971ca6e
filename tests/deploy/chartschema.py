"""The part of the chart's values.schema.json that the configuration says: its keys, kinds and bounds.

    python -m tests.deploy.chartschema    writes it into the file anew, after a change of the configuration

Strategy: the keys and rules of proxy/config, turned into JSON Schema, so that a wrong value is refused before
it reaches a cluster.
The trap: whatever may hold a secret is left out, for all of it goes into a ConfigMap that anybody can read.
"""

import json
from pathlib import Path
from typing import Any

import attrs

from proxy.config.rules import (
    Choice,
    Difficulty,
    LedgerUrl,
    Networks,
    Number,
    OneOf,
    Pattern,
    Rule,
    Text,
    Whole,
)
from proxy.config.sections import Config, Listen
from proxy.config.shape import Key, keys_of

FILE = Path(__file__).parents[2] / "deploy" / "helm" / "sluice" / "values.schema.json"
Schema = dict[str, Any]

# The chart writes these itself, from values of its own.
OF_THE_CHART = {"listen", "http.address", "http.tls"}
OF_A_LISTENER = {"name", "url", "tls"}


def config() -> Schema:
    """Return the schema of `config`."""
    return _table(Config, "", OF_THE_CHART)


def settings() -> Schema:
    """Return the schema of a listener's `settings`."""
    return _table(Listen, "", OF_A_LISTENER)


def _table(section: type[attrs.AttrsInstance], path: str, without: set[str]) -> Schema:
    keys = {
        key.name: _key(key, f"{path}{key.name}.", without)
        for key in keys_of(section).values()
        if f"{path}{key.name}" not in without and not _is_secret(key.rule)
    }
    for attribute in attrs.fields(section):
        # What is never shown is an address, in which a password stands before an @.
        if not attribute.repr and attribute.name in keys:
            keys[attribute.name]["not"] = {"pattern": "@"}
    return {"type": "object", "additionalProperties": False, "properties": keys}


def _key(key: Key, path: str, without: set[str]) -> Schema:
    tables = [] if key.table is None else [_table(key.table, path, without)]
    if key.many:
        return {"type": "array", "items": tables[0]}
    kinds = [*([] if key.rule is None else _rule(key.rule)), *tables]
    return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}


def _is_secret(rule: Rule | None) -> bool:
    return isinstance(rule, Text) and rule.secret


def _rule(rule: Rule) -> list[Schema]:
    """Say what a rule takes; what only the program can judge is any text, or anything."""
    match rule:
        case Whole():
            return [{"type": "integer", "minimum": rule.least, "maximum": rule.most}]
        case Number():
            return [{"type": "number", "minimum": rule.least, "maximum": rule.most}]
        case Choice():
            return [{"enum": list(rule.words)}]
        case OneOf():
            return [{"enum": list(rule.numbers)}]
        case Pattern():
            return [{"type": "string", "pattern": f"^(?:{rule.expression}){'?' if rule.empty else ''}$"}]
        case Text():
            return [{"type": "string", "maxLength": rule.most}]
        case Networks():
            return [{"type": "array", "items": {"type": "string"}}]
        case Difficulty():
            return [{"const": "upstream"}, {"type": "number", "exclusiveMinimum": 0}]
        case LedgerUrl():
            return [
                {"type": "string", "pattern": "^(?:sqlite:///.+)?$"}
            ]  # PostgreSQL's may have it elsewhere
    return [{"type": "string"} if rule.text else {"type": ["string", "number", "boolean", "array"]}]


def main() -> None:
    """Write both into the file."""
    schema = json.loads(FILE.read_text(encoding="utf-8"))
    schema["properties"]["config"] = config()
    schema["properties"]["listeners"]["items"]["properties"]["settings"] = settings()
    FILE.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

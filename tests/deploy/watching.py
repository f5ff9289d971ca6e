"""What deploy/ has to watch a proxy with, as Python sees it: rules, dashboards, and the PromQL in both.

Strategy: every expression is taken apart by a parser of PromQL, so that a test asks for names and labels
instead of searching text.  Grafana's variables are filled in first, with what a proxy would give for them.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import promql_parser as promql
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
RULES = sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))

# What Grafana puts into an expression.
FILLED = {"job": "sluice", "instance": ".*", "__rate_interval": "1m", "__interval": "15s", "__range": "1h"}


@attrs.frozen
class Used:
    """A metric in an expression.

    Args:
        labels: that are asked for, with the values that are given outright.
    """

    name: str
    labels: dict[str, set[str]]


def read(path: Path) -> Any:
    """Read a YAML or JSON file."""
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)


def rules() -> list[dict[str, Any]]:
    """All rules, of recordings and of alerts."""
    return [rule for path in RULES for group in read(path)["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    """The alerts; one name may stand for several severities."""
    return [rule for rule in rules() if "alert" in rule]


def recorded() -> set[str]:
    """The names of what is recorded."""
    return {rule["record"] for rule in rules() if "record" in rule}


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """The panels of a dashboard that show something, so no rows."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def filled(expression: str) -> str:
    """Put something in the place of Grafana's variables."""
    return re.sub(r"\$(\w+)", lambda match: FILLED[match[1]], expression)


def dashboard_expressions(dashboard: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each expression of panels and annotations, behind the title it stands under."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            yield panel["title"], filled(target["expr"])
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["name"], filled(annotation["expr"])


def expressions() -> list[tuple[str, str]]:
    """Every expression there is, behind where it stands."""
    found = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]
    for path in DASHBOARDS:
        for title, expression in dashboard_expressions(read(path)):
            found.append((f"{path.name}: {title}", expression))
    return found


def metrics(expression: str) -> list[Used]:
    """Find the metrics of an expression.

    Raises: ValueError where it is no PromQL.
    """
    return list(_metrics(promql.parse(expression), set()))


def _metrics(node: Any, grouped: set[str]) -> Iterator[Used]:
    """Go down an expression; grouped: the labels that are left of what is found here."""
    match node:
        case promql.VectorSelector():
            labels: dict[str, set[str]] = {name: set() for name in grouped}
            for matcher in node.matchers.matchers:
                given = set() if ".*" in matcher.value else set(matcher.value.split("|"))
                labels[matcher.name] = labels.get(matcher.name, set()) | given
            yield Used(node.name or "", labels)
        case promql.MatrixSelector():
            yield from _metrics(node.vector_selector, grouped)
        case promql.AggregateExpr():
            by = node.modifier
            left = set(by.labels) if by is not None and by.type == promql.AggModifierType.By else set()
            yield from _metrics(node.expr, grouped | left)
        case promql.BinaryExpr():
            yield from _metrics(node.lhs, grouped)
            yield from _metrics(node.rhs, grouped)
        case promql.Call():
            for argument in node.args:
                yield from _metrics(argument, grouped)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            yield from _metrics(node.expr, grouped)

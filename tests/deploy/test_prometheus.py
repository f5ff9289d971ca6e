"""Prometheus would take its configuration and rules, and each alert fires when it should and not otherwise.

What promtool says of them is asked where it is installed; what a person needs from an alert is asked always.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.watching import DEPLOY, ROOT, RULES, alerts, expressions, metrics, read, recorded, rules

CASES = sorted(Path(__file__).parent.glob("*_test.yml"))
PROMTOOL = shutil.which("promtool")
RUNBOOKS = "docs/operations.md#alert-"

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not installed: apt-get install prometheus"
)


def promtool(*arguments: str) -> str:
    """Have promtool look at something; what it said, "" if that was fine."""
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@needs_promtool
def test_the_rules_are_sound() -> None:
    assert promtool("check", "rules", "--lint=all", "--lint-fatal", *map(str, RULES)) == ""


@needs_promtool
def test_each_alert_fires_when_it_should() -> None:
    assert promtool("test", "rules", *map(str, CASES)) == ""


@needs_promtool
def test_the_configuration_is_sound(tmp_path: Path) -> None:
    """But for the token's file, which is there in the container only."""
    token = tmp_path / "token"
    token.touch()
    text = (DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    text = text.replace("/run/secrets/sluice/read_token", str(token))
    there = tmp_path / "prometheus.yml"
    there.write_text(text.replace("rules/*.yml", str(RULES[0].parent / "*.yml")), encoding="utf-8")
    assert promtool("check", "config", str(there)) == ""


def test_the_configuration_finds_the_rules() -> None:
    configuration = DEPLOY / "prometheus" / "prometheus.yml"
    found = [
        path for pattern in read(configuration)["rule_files"] for path in configuration.parent.glob(pattern)
    ]
    assert sorted(found) == RULES


def test_expressions_are_promql() -> None:
    for where, expression in expressions():
        assert metrics(expression), where


@pytest.mark.parametrize("alert", alerts(), ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}")
def test_an_alert_says_what_it_is_and_where_to_read_on(alert: dict[str, Any]) -> None:
    assert alert["labels"].keys() == {"severity"}
    assert alert["labels"]["severity"] in ("page", "ticket")
    assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert alert["annotations"]["runbook_url"] == RUNBOOKS + alert["alert"].lower()


def test_each_alert_has_its_section_in_the_manual() -> None:
    """A heading `Alert: Name` or `Alert Name`, whose anchor is what the alert gives."""
    manual = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", manual, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert {f"alert-{alert['alert'].lower()}" for alert in alerts()} - anchors == set()


def test_each_alert_is_tested_both_ways() -> None:
    fires: dict[str, set[str]] = {}
    stays: set[str] = set()
    for case in (case for path in CASES for case in read(path)["tests"]):
        for step in case["alert_rule_test"]:
            name = step["alertname"]
            severities = {expected["exp_labels"]["severity"] for expected in step["exp_alerts"]}
            fires[name] = fires.get(name, set()) | severities
            # No alert at all, or, of several proxies, not from all of them.
            if len(step["exp_alerts"]) < _proxies(case):
                stays.add(name)
    wanted: dict[str, set[str]] = {}
    for alert in alerts():
        wanted.setdefault(alert["alert"], set()).add(alert["labels"]["severity"])
    assert fires == wanted
    assert stays == wanted.keys()


def _proxies(case: dict[str, Any]) -> int:
    found = {
        re.search(r'job="(\w+)".*?instance="(\w+)"', series["series"]) for series in case["input_series"]
    }
    return len({match.groups() for match in found if match})


def test_recorded_sums_are_used_and_used_ones_are_recorded() -> None:
    used = {used.name for _, expression in expressions() for used in metrics(expression) if ":" in used.name}
    assert used <= recorded()
    assert recorded() - used <= {"job_instance:sluice_sols:rate5m"}, "that one is for people's own boards"


def test_what_records_comes_before_what_asks_for_it_nowhere_in_a_circle() -> None:
    for rule in rules():
        if "record" in rule:
            assert not {used.name for used in metrics(rule["expr"])} & recorded(), rule["record"]

"""docs/operations.md has what an operator looks for, and its links lead somewhere."""

import json
import re
from pathlib import Path

import pytest
import yaml

from proxy.model.share import Reason

ROOT = Path(__file__).parents[2]
MANUAL = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
RULES = sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.yml"))
DASHBOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))


def alerts() -> list[tuple[str, str]]:
    """Every alert with the address of its runbook; one of two severities comes twice."""
    found = [
        (rule["alert"], rule["annotations"]["runbook_url"])
        for file in RULES
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    return sorted(set(found))


def anchors(text: str) -> list[str]:
    """What the headings of a page are linked by."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), flags=re.M)
    return [re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads]


def metrics() -> set[str]:
    """Every name of ours that stands in the source of what is scraped."""
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "proxy" / "ops").glob("*.py"))
    return set(re.findall(r'"(sluice_[a-z_]+)"', text))


def panels() -> list[str]:
    """The titles of all panels of all dashboards."""
    found = []
    for file in DASHBOARDS:
        todo = json.loads(file.read_text(encoding="utf-8"))["panels"]
        for panel in todo:
            todo += panel.get("panels", [])
            if panel["type"] not in ("row", "text"):
                found.append(panel["title"])
    return sorted(set(found))


def test_there_is_something_to_look_for() -> None:
    assert len(alerts()) > 10
    assert len(metrics()) > 20
    assert len(panels()) > 20


@pytest.mark.parametrize(("alert", "runbook"), alerts())
def test_every_alert_has_its_section_and_leads_there(alert: str, runbook: str) -> None:
    anchor = f"alert-{alert.lower()}"
    assert runbook.endswith(f"docs/operations.md#{anchor}")
    assert anchors(MANUAL).count(anchor) == 1


def test_no_section_is_of_an_alert_that_is_gone() -> None:
    written = {anchor for anchor in anchors(MANUAL) if anchor.startswith("alert-")}
    assert written == {f"alert-{alert.lower()}" for alert, _ in alerts()}


@pytest.mark.parametrize("metric", sorted(metrics()))
def test_every_metric_is_explained(metric: str) -> None:
    assert re.search(rf"\b{metric}\b|\b{metric}_(total|bucket)\b", MANUAL)


@pytest.mark.parametrize("panel", panels())
def test_every_panel_is_explained(panel: str) -> None:
    assert f"| {panel} |" in MANUAL


@pytest.mark.parametrize("reason", list(Reason))
def test_every_verdict_is_explained(reason: Reason) -> None:
    assert f"| `{reason.value}` |" in MANUAL


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name
)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page if not path else page.parent / path
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{page.name}: {link}"

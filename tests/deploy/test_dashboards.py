"""The dashboards would be read by Grafana as they are, and tell a person what each panel is."""

from pathlib import Path
from typing import Any

import pytest

from tests.deploy.watching import DASHBOARDS, DEPLOY, dashboard_expressions, metrics, panels, read

GRAFANA = DEPLOY / "grafana"
COLUMNS = 24
DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
EVERY = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


def test_there_is_one_for_each_question() -> None:
    assert [path.stem for path in DASHBOARDS] == ["farm", "pool", "proxy"]
    boards = [read(path) for path in DASHBOARDS]
    assert len({board["uid"] for board in boards}) == len({board["title"] for board in boards}) == 3


@EVERY
def test_panels_stand_beside_each_other(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    ids = set()
    for panel in read(path)["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= COLUMNS, panel["title"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
        ids.add(panel["id"])
    assert len(ids) == len(read(path)["panels"])


@EVERY
def test_a_panel_says_what_it_shows(path: Path) -> None:
    for panel in panels(read(path)):
        title = panel["title"]
        assert title
        assert panel["description"].endswith("."), title
        assert panel["fieldConfig"]["defaults"]["unit"], title
        assert panel["datasource"] == DATA_SOURCE, title
        assert all(target["datasource"] == DATA_SOURCE for target in panel["targets"]), title


@EVERY
def test_expressions_follow_the_choice_of_farm_and_proxy(path: Path) -> None:
    """And rates the zoom; a window of its own would miss what happens between two points."""
    for title, expression in dashboard_expressions(read(path)):
        assert all({"job", "instance"} <= used.labels.keys() for used in metrics(expression)), title
    for panel in panels(read(path)):
        assert not any("[5m]" in target["expr"] for target in panel["targets"]), panel["title"]


@EVERY
def test_changes_of_the_pool_and_restarts_are_marked(path: Path) -> None:
    assert [mark["name"] for mark in read(path)["annotations"]["list"]] == ["Pool changes", "Restarts"]


@EVERY
def test_variables_ask_what_every_proxy_tells(path: Path) -> None:
    variables: list[dict[str, Any]] = read(path)["templating"]["list"]
    assert [variable["name"] for variable in variables] == ["datasource", "job", "instance"]
    for variable in variables[1:]:
        assert variable["query"]["query"].startswith("label_values(sluice_build_info")


def test_grafana_is_told_of_them_and_of_the_data() -> None:
    [source] = read(GRAFANA / "provisioning" / "datasources" / "prometheus.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    [provider] = read(GRAFANA / "provisioning" / "dashboards" / "sluice.yml")["providers"]
    mounts = read(DEPLOY / "compose.yaml")["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in mounts
    for path in DASHBOARDS:
        [chosen] = [v for v in read(path)["templating"]["list"] if v["name"] == "datasource"]
        assert chosen["current"]["value"] == source["uid"]

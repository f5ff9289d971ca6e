"""The dashboards would be read by Grafana as they are, and tell a person what each panel is."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.watching import DASHBOARDS, DEPLOY, dashboard_expressions, filled, metrics, panels, read

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


CHANGE = 'sluice_upstream_switches_total{job="sluice", instance="p1", from="a", to="b", reason="lost"}'
START = 'sluice_start_time_seconds{job="sluice", instance="p1"}'


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed: apt-get install prometheus"
)
def test_each_change_is_marked_once_the_first_of_its_kind_too(tmp_path: Path) -> None:
    """Changes before 45 and 95 s, a restart before 100 s; Grafana asks for a point every 15 s."""
    changes, starts = (filled(mark["expr"]) for mark in read(DASHBOARDS[0])["annotations"]["list"])
    name, _, labels = CHANGE.partition("{")
    expected = [
        (changes, 45, f"{name}{{{labels}"),
        (changes, 105, f"{{{labels}"),
        (starts, 105, f"{{{START.partition('{')[2]}"),
    ]
    steps = [
        {
            "expr": asked,
            "eval_time": f"{seconds}s",
            "exp_samples": [
                {"labels": sample, "value": 1}
                for other, at, sample in expected
                if (other, at) == (asked, seconds)
            ],
        }
        for asked in (changes, starts)
        for seconds in range(15, 210, 15)
    ]
    told = [{"series": CHANGE, "values": "_x9 1x10 2x30"}, {"series": START, "values": "1x20 9x40"}]
    case = {"interval": "5s", "input_series": told, "promql_expr_test": steps}
    file = tmp_path / "marks.yml"
    file.write_text(json.dumps({"evaluation_interval": "15s", "tests": [case]}), encoding="utf-8")
    done = subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


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

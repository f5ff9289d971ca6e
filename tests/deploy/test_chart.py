"""The Helm chart as far as Python alone can see it: values, their schema, names in templates, copies.

Strategy: what needs Helm itself is in test_chart_rendered.py.
"""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from proxy.config import Limits
from proxy.config.sections import Config, Http, Ledger, Listen
from proxy.config.shape import keys_of
from proxy.version import __version__
from tests.deploy import chartschema

DEPLOY = Path(__file__).parents[2] / "deploy"
CHART = DEPLOY / "helm" / "sluice"
TEMPLATES = sorted(CHART.glob("templates/**/*.*"))
COPIES = {"rules": DEPLOY / "prometheus" / "rules", "dashboards": DEPLOY / "grafana" / "dashboards"}
Values = dict[str, Any]


def read(name: str) -> Values:
    """Read a YAML file of the chart."""
    values: Values = yaml.safe_load((CHART / name).read_text(encoding="utf-8"))
    return values


def schema() -> Values:
    """Read the chart's schema."""
    read_schema: Values = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    return read_schema


def refusals(values: Values) -> list[str]:
    """Return what the schema has against values, as paths of keys."""
    found = jsonschema.Draft7Validator(schema()).iter_errors(values)
    return [".".join(map(str, error.absolute_path)) for error in found]


@pytest.mark.parametrize("name", ["values.yaml", "ci/full-values.yaml"])
def test_the_charts_own_values_satisfy_its_schema(name: str) -> None:
    jsonschema.Draft7Validator.check_schema(schema())
    assert refusals(read(name)) == []


def test_the_schema_has_the_configurations_keys_and_bounds() -> None:
    again = "run python -m tests.deploy.chartschema, which writes it anew"
    properties = schema()["properties"]
    assert properties["config"] == chartschema.config(), again
    assert properties["listeners"]["items"]["properties"]["settings"] == chartschema.settings(), again


def test_every_value_that_there_is_has_a_default_to_be_read() -> None:
    """So that values.yaml is all that a person has to know."""
    free = {"config", "secrets", "settings", "resources", "probes", "updateStrategy"}

    def missing(part: Values, values: Values, path: str) -> list[str]:
        lacking = []
        for key, below in part.get("properties", {}).items():
            if path + key in free | {"global"}:
                continue
            if key not in values:
                lacking.append(path + key)
            elif isinstance(values[key], dict):
                lacking += missing(below, values[key], f"{path}{key}.")
        return lacking

    values = read("values.yaml")
    assert missing(schema(), values, "") == []
    assert missing(schema()["properties"]["listeners"]["items"], values["listeners"][0], "") == []


def test_nothing_in_the_schema_takes_keys_that_it_does_not_know() -> None:
    def open_tables(part: Any, path: str) -> list[str]:
        if not isinstance(part, dict):
            return []
        here = [path] if "properties" in part and part.get("additionalProperties", True) is not False else []
        return here + [
            found
            for key in ("properties", "items")
            for name, below in (part.get(key, {}) if key == "properties" else {"": part.get(key)}).items()
            for found in open_tables(below, f"{path}.{name}")
        ]

    assert open_tables(schema(), "") == []


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ({"replica": 2}, ""),
        ({"replicas": 1.5}, "replicas"),
        ({"config": {"limits": {"max_miner": 5}}}, "config.limits"),
        ({"config": {"limits": {"max_miners": 0}}}, "config.limits.max_miners"),
        ({"config": {"upstream": {"dialect": "stratum"}}}, "config.upstream.dialect"),
        ({"config": {"listen": []}}, "config"),
        ({"listeners": []}, "listeners"),
        ({"listeners": [{"name": "http", "port": 1, "scheme": "ws"}]}, "listeners.0.name"),
        ({"listeners": [{"name": "x", "port": 1, "scheme": "stratum+tls"}]}, "listeners.0"),
        ({"service": {"externalTrafficPolicy": "local"}}, "service.externalTrafficPolicy"),
        ({"secrets": {"PASSWORD": "x"}}, "secrets"),
        ({"persistence": {"accessModes": ["ReadWriteMany"]}}, "persistence.accessModes.0"),
    ],
)
def test_what_is_wrong_is_refused_before_it_reaches_a_cluster(values: Values, refused: str) -> None:
    assert refusals(values) == [refused]


@pytest.mark.parametrize(
    "config",
    [
        {"upstream": {"password": "x"}},
        {"upstream": {"pools": [{"url": "ws://p", "password": "x"}]}},
        {"upstream": {"proxy": "socks5://user:password@gate:1080"}},
        {"http": {"read_token": "x"}},
        {"http": {"admin_token": "x"}},
        {"ledger": {"url": "postgresql://sluice:password@db/sluice"}},
        {"ledger": {"nats": "nats://sluice:password@events:4222"}},
    ],
)
def test_a_secret_cannot_be_put_where_all_the_cluster_reads_it(config: Values) -> None:
    (key,) = config
    assert {path.startswith(f"config.{key}") for path in refusals({"config": config})} == {True}


def test_templates_name_only_values_that_there_are() -> None:
    values = read("values.yaml")
    for template in TEMPLATES:
        for path in re.findall(r"\.Values\.([A-Za-z.]+)", template.read_text(encoding="utf-8")):
            found: Any = values
            for key in path.split("."):
                # What has no default in `config` is the program's to give.
                assert key in found or path.startswith("config."), f"{template.name}: .Values.{path}"
                found = found.get(key, {})


def test_every_value_is_used() -> None:
    text = "".join(template.read_text(encoding="utf-8") for template in TEMPLATES)
    used = set(re.findall(r"\.Values\.([A-Za-z]+)", text))
    assert used == set(read("values.yaml"))


def test_the_chart_leaves_to_the_program_what_it_does_not_write_itself() -> None:
    written = {"listen", "http.address", "http.tls"}
    assert written == chartschema.OF_THE_CHART
    assert {"listen", "http"} <= {key.name for key in keys_of(Config).values()}
    assert {"address", "tls"} <= {key.name for key in keys_of(Http).values()}
    assert {key.name for key in keys_of(Listen).values()} >= chartschema.OF_A_LISTENER


def test_the_end_of_a_pod_waits_for_the_programs_own_end() -> None:
    helpers = (CHART / "templates" / "_helpers.tpl").read_text(encoding="utf-8")
    assert f"$stop := {Limits().shutdown_seconds:g} -" in helpers


def test_the_volume_holds_the_largest_ledger_and_what_waits_for_it() -> None:
    size = read("values.yaml")["persistence"]["size"]
    assert size.endswith("Gi")
    # Half as much again: SQLite's log of what is being written, and what a migration copies.
    assert int(size[:-2]) * 2**30 > 1.5e6 * (Ledger().max_megabytes + Ledger().spool_megabytes)


def test_chart_image_and_program_have_one_version() -> None:
    chart = read("Chart.yaml")
    assert chart["appVersion"] == __version__
    assert read("values.yaml")["image"]["tag"] == ""


def test_user_and_state_are_those_of_the_image() -> None:
    dockerfile = (DEPLOY.parent / "Dockerfile").read_text(encoding="utf-8")
    user = re.search(r"^USER (\d+):(\d+)$", dockerfile, re.MULTILINE)
    assert user is not None
    helpers = (CHART / "templates" / "_helpers.tpl").read_text(encoding="utf-8")
    assert f"runAsUser: {user[1]}\nrunAsGroup: {user[2]}\nfsGroup: {user[2]}" in helpers
    statefulset = (CHART / "templates" / "statefulset.yaml").read_text(encoding="utf-8")
    assert "mountPath: /var/lib/sluice\n" in statefulset
    assert f"sqlite:////var/lib/sluice/{Ledger().url.removeprefix('sqlite:///')}" in helpers


@pytest.mark.parametrize("folder", sorted(COPIES))
def test_rules_and_dashboards_are_copies_of_those_beside_the_chart(folder: str) -> None:
    again = "run deploy/helm/copy, which makes them anew"
    originals = {path.name: path.read_bytes() for path in COPIES[folder].glob("*.*")}
    copies = {path.name: path.read_bytes() for path in (CHART / "files" / folder).glob("*.*")}
    assert copies == originals, again


def test_no_name_of_an_object_is_too_long() -> None:
    """The chart's own name has at most 50 characters, and Kubernetes takes 63."""
    text = "".join(template.read_text(encoding="utf-8") for template in TEMPLATES)
    added = re.findall(r'(?:\$name|"sluice\.fullname" \.) \}\}(-[a-z]+)', text)
    assert {"-miners", "-http", "-pods", "-test", "-dashboards"} <= set(added)
    assert max(map(len, added)) + 50 <= 63

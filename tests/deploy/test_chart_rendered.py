"""The Helm chart as Helm renders it: the program takes its configuration, secrets are where they belong.

Strategy: Helm's own code, from a package that is no development dependency (240 MB, for one chart):
`pip install helm-python-sdk`; without it these tests are skipped, and test_chart.py still holds.
"""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.config import Config, load
from tests.deploy.test_chart import CHART, read

helm = pytest.importorskip("helm_python", reason="Helm is not here: pip install helm-python-sdk")

Objects = dict[tuple[str, str], dict[str, Any]]
FULL = "ci/full-values.yaml"
CUSTOM = ("ServiceMonitor", "PrometheusRule")


def render(values: dict[str, Any]) -> Objects:
    """Return what the chart makes of values, by kind and name."""
    with helm.Chart.load(str(CHART)) as chart:
        chart.validate_schema(values)
        files = chart.render(values, name="farm", namespace="mine")
    texts = [text for path, text in files.items() if not path.endswith("NOTES.txt")]
    objects = [one for text in texts for one in yaml.safe_load_all(text) if one]
    return {(one["kind"], one["metadata"]["name"]): one for one in objects}


def environment(objects: Objects, name: str = "farm-sluice") -> dict[str, str]:
    """Return the variables of the Secret."""
    return {key: base64.b64decode(text).decode() for key, text in objects["Secret", name]["data"].items()}


def configuration(objects: Objects, directory: Path, **more: str) -> Config:
    """Load what the pods would load."""
    file = directory / "sluice.toml"
    file.write_text(objects["ConfigMap", "farm-sluice"]["data"]["sluice.toml"], encoding="utf-8")
    return load(str(file), {**environment(objects), **more})


def container(objects: Objects) -> dict[str, Any]:
    """Return the proxy's container."""
    found: dict[str, Any] = objects["StatefulSet", "farm-sluice"]["spec"]["template"]["spec"]["containers"][0]
    return found


def test_with_an_account_the_defaults_are_a_configuration_that_runs(tmp_path: Path) -> None:
    config = configuration(render({}), tmp_path, SLUICE__UPSTREAM__USER="0xa0")
    assert config.ledger.url == "sqlite:////var/lib/sluice/sluice.db"
    assert config.http.address == "0.0.0.0:9180"
    assert len(config.http.read_token) == 40


def test_everything_that_values_say_arrives(tmp_path: Path) -> None:
    config = configuration(render(read(FULL)), tmp_path)
    assert (config.workers, config.limits.max_miners, config.limits.login_seconds) == (2, 30_000, 2.5)
    assert [str(listen.url) for listen in config.listen] == [
        "stratum+tcp://0.0.0.0:3333",
        "stratum+tls://0.0.0.0:3443",
        "ws://0.0.0.0:8080/stratum",
    ]
    assert config.upstream.pools[1].user == 'a "quoted" \\ name'
    assert config.upstream.password == "an example"


def test_no_secret_is_anywhere_but_in_the_secret() -> None:
    values = read(FULL)
    objects = render(values)
    del objects["Secret", "farm-sluice"]
    everything = yaml.safe_dump(list(objects.values()))
    for secret in values["secrets"].values():
        assert secret not in everything


def test_a_secret_of_ones_own_is_used_and_none_is_made() -> None:
    objects = render({"existingSecret": "mine", "serviceMonitor": {"enabled": True}})
    assert not [name for kind, name in objects if kind == "Secret"]
    assert container(objects)["envFrom"] == [{"secretRef": {"name": "mine"}}]
    (endpoint,) = objects["ServiceMonitor", "farm-sluice"]["spec"]["endpoints"]
    assert endpoint["authorization"]["credentials"]["name"] == "mine"


def test_two_places_for_secrets_are_one_too_many() -> None:
    with pytest.raises(helm.HelmError, match="leave it empty with existingSecret"):
        render({"existingSecret": "mine", "secrets": {"SLUICE__UPSTREAM__PASSWORD": "x"}})


@pytest.mark.parametrize(
    ("values", "seconds"), [({}, 15), ({"config": {"limits": {"shutdown_seconds": 30.5}}}, 38)]
)
def test_the_end_of_a_pod_waits_for_shutdown_seconds_and_some_more(
    values: dict[str, Any], seconds: int
) -> None:
    spec = render(values)["StatefulSet", "farm-sluice"]["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] == seconds


def test_with_a_certificate_everybody_asks_by_https(tmp_path: Path) -> None:
    values = {"http": {"tlsSecretName": "web"}, "serviceMonitor": {"enabled": True}}
    objects = render(values)
    config = configuration(objects, tmp_path, SLUICE__UPSTREAM__USER="0xa0")
    assert config.http.tls is not None
    mounts = {mount["mountPath"] for mount in container(objects)["volumeMounts"]}
    assert str(Path(config.http.tls.certificate).parent) in mounts
    probes = [container(objects)[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
    assert [probe["scheme"] for probe in probes] == ["HTTPS"] * 3
    assert objects["ServiceMonitor", "farm-sluice"]["spec"]["endpoints"][0]["scheme"] == "https"
    assert ("Pod", "farm-sluice-test") not in objects


def test_a_file_as_it_is_goes_to_the_pods_as_it_is() -> None:
    text = '[upstream]\nuser = "{{ not a template }}"\n'
    objects = render({"configToml": text})
    assert objects["ConfigMap", "farm-sluice"]["data"]["sluice.toml"].strip() == text.strip()


def test_another_configuration_restarts_pods_unless_that_is_switched_off() -> None:
    def stamps(**values: Any) -> set[str]:
        pods = render(values)["StatefulSet", "farm-sluice"]["spec"]["template"]
        return {text for key, text in pods["metadata"]["annotations"].items() if key.startswith("checksum/")}

    assert stamps() != stamps(config={"workers": 3})
    assert stamps() != stamps(secrets={"SLUICE__UPSTREAM__PASSWORD": "x"})
    assert stamps() == stamps()
    assert stamps(rollOnChange=False) == set()


def test_the_rules_are_all_there_but_those_that_are_switched_off() -> None:
    there = {
        rule.get("alert")
        for path in (CHART / "files" / "rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    }
    values = {"prometheusRule": {"enabled": True, "disabled": ["SluiceDown"]}}
    groups = render(values)["PrometheusRule", "farm-sluice"]["spec"]["groups"]
    assert {rule.get("alert") for group in groups for rule in group["rules"]} == there - {"SluiceDown"}


def test_dashboards_come_through_to_the_letter() -> None:
    data = render({"dashboards": {"enabled": True}})["ConfigMap", "farm-sluice-dashboards"]["data"]
    originals = {
        path.name: path.read_text(encoding="utf-8") for path in CHART.glob("files/dashboards/*.json")
    }
    assert {name.removeprefix("sluice-"): text.strip() for name, text in data.items()} == {
        name: text.strip() for name, text in originals.items()
    }


def test_what_is_off_is_not_made() -> None:
    kinds = {kind for kind, _ in render({})}
    assert not kinds & {*CUSTOM, "NetworkPolicy"}

"""What deploy/ ships can be used as it is."""

from pathlib import Path

from proxy.config import load, unbuilt

DEPLOY = Path(__file__).parents[1] / "deploy"


def test_the_containers_configuration_loads_and_runs() -> None:
    """Only pool and account are for the operator to put in."""
    config = load(str(DEPLOY / "container.toml"), {"SLUICE__UPSTREAM__USER": "0xa0"})
    assert unbuilt(config) == []
    assert config.log.format == "json"
    assert config.upstream.user == "0xa0"

"""An empty current directory for each test, so that no configuration of the machine is found."""

from pathlib import Path

import pytest

from tests.config.texts import Texts


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Texts:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("proxy.config.reading.PLACES", ("sluice.toml", "elsewhere/sluice.toml"))
    return Texts(tmp_path)

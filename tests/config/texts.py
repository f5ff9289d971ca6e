"""Configurations as text, and what comes of them; shared by the tests of proxy/config."""

from pathlib import Path

import pytest

from proxy.config import Config, load
from proxy.errors import ConfigError

POOL = '[upstream]\nuser = "u"\n[[upstream.pools]]\nurl = "stratum+tcp://pool.example:3333"\n'


class Texts:
    """Loads configurations from text, in a directory of their own.

    Args:
        directory: where the file is put and what is the current directory.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def load(self, text: str, **environ: str) -> Config:
        """Load a text."""
        (self.directory / "s.toml").write_text(text, encoding="utf-8")
        return load("s.toml", environ)

    def refused(self, text: str, **environ: str) -> list[str]:
        """Return the lines that a text is refused with."""
        with pytest.raises(ConfigError) as caught:
            self.load(text, **environ)
        return str(caught.value).split("\n")

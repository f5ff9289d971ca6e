"""The commented examples that `sluice init` prints."""

import importlib.resources

from proxy.errors import ConfigError

TEMPLATES = ("minimal", "failover", "full")


def template(name: str) -> str:
    """Return a commented configuration.

    Args:
        name: one of TEMPLATES.
    Raises: ConfigError for any other name.
    """
    if name not in TEMPLATES:
        raise ConfigError(f"no example {name!r}; there are {', '.join(TEMPLATES)}")
    file = importlib.resources.files("proxy") / "templates" / f"{name}.toml"
    return file.read_text(encoding="utf-8")

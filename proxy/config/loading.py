"""The one way in: load() reads file and environment, checks everything, and returns the sections."""

from collections.abc import Mapping
from typing import Any, TypeVar

import attrs

from proxy.config.building import build
from proxy.config.checks import check
from proxy.config.reading import PATH_VARIABLE, PLACES, Origin, find, overlay, read_secret, read_tree
from proxy.config.rules import shown
from proxy.config.sections import SECRET, Config, Http, Pool, Upstream
from proxy.config.shape import Fault, Path
from proxy.errors import ConfigError


def load(path: str | None, environ: Mapping[str, str]) -> Config:
    """Read the configuration.

    Args:
        path: of the file; None for $SLUICE_CONFIG, ./sluice.toml, /etc/sluice/sluice.toml.
        environ: the environment, whose SLUICE__ variables go over the file.
    Raises: ConfigError; a line for each fault, naming file or variable, key, and what is allowed.
    """
    file = find(path, environ)
    tree = read_tree(file) if file is not None else {}
    variables, faults = overlay(tree, environ)
    if file is None and not variables:
        places = ", ".join((f"${PATH_VARIABLE}", *PLACES))
        raise ConfigError(
            f"no configuration: none at {places}, no SLUICE__ variables; "
            "write one with: sluice init > sluice.toml"
        )
    shown_file = file if file is None or file.isprintable() else shown(file)
    origin = Origin(shown_file or "", variables)
    if not faults:
        config, faults = build(tree)
        if config is not None:
            config, faults = _with_secrets(config)
            faults = faults or check(config)
            if not faults:
                return config
    raise ConfigError("\n".join(dict.fromkeys(origin.line(fault) for fault in faults)))


def _with_secrets(config: Config) -> tuple[Config, list[Fault]]:
    """Put the content of the `…_file` keys in their place."""
    faults: list[Fault] = []
    given = config.given
    upstream = _filled(config.upstream, ("password",), ("upstream",), given, faults)
    pools = tuple(
        _filled(pool, ("password",), ("upstream", "pools", str(index)), given, faults)
        for index, pool in enumerate(upstream.pools)
    )
    http = _filled(config.http, ("read_token", "admin_token"), ("http",), given, faults)
    return attrs.evolve(config, upstream=attrs.evolve(upstream, pools=pools), http=http), faults


Section = TypeVar("Section", Upstream, Pool, Http)


def _filled(
    section: Section, names: tuple[str, ...], path: Path, given: frozenset[str], faults: list[Fault]
) -> Section:
    for name in names:
        file = getattr(section, f"{name}_file")
        if not file:
            continue
        file_path = (*path, f"{name}_file")
        try:
            if ".".join((*path, name)) in given and getattr(section, name):
                raise ConfigError(f"{name} is given, too; take one of the two")
            secret = SECRET.read(read_secret(file))
            if not secret:
                raise ConfigError("is empty")
        except ConfigError as error:
            faults.append(Fault(file_path, f"{shown(file)}: {error}"))
        else:
            change: dict[str, Any] = {name: secret}
            section = attrs.evolve(section, **change)
    return section

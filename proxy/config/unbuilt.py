"""What a configuration may ask for and this version does not do: said at start, never passed over.

This file only ever shrinks.
"""

from collections.abc import Iterator

from proxy.config.checks import TLS_SCHEMES
from proxy.config.sections import Config


def unbuilt(config: Config) -> list[str]:
    """List what is asked for and not built.

    Args:
        config: as load() returned it.
    Returns: one line each: path of the key, what it asks for, what to do instead.
    """
    return [*_without_effect(config)]


def _without_effect(config: Config) -> Iterator[str]:
    for index, listen in enumerate(config.listen):
        if listen.tls is not None and listen.url.scheme not in TLS_SCHEMES:
            text = f"has no effect on {listen.url.scheme}; use stratum+tls or wss, or leave it out"
            yield f"listen.{index}.tls: {text}"

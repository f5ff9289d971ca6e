"""What a configuration may ask for and this version does not do: said at start, never passed over.

This file only ever shrinks.
"""

import re
from collections.abc import Iterator

from proxy.config.checks import TLS_SCHEMES
from proxy.config.sections import Config

LATER = "comes in a later version;"

# Keys that have a default but no effect yet: refused where they were given, whatever their value.
IDLE = {
    r"ledger\.nats(_subject)?": f"shipping to NATS {LATER} leave it out",
}


def is_idle(path: str) -> bool:
    """Tell whether a key's default has no effect yet, so that showing it would mislead."""
    return any(re.fullmatch(pattern, path) for pattern in IDLE)


def unbuilt(config: Config) -> list[str]:
    """List what is asked for and not built.

    Args:
        config: as load() returned it.
    Returns: one line each: path of the key, what it asks for, what to do instead.
    """
    lines = [*_without_effect(config)]
    for path in sorted(config.given):
        lines += [f"{path}: {text}" for pattern, text in IDLE.items() if re.fullmatch(pattern, path)]
    return lines


def _without_effect(config: Config) -> Iterator[str]:
    for index, listen in enumerate(config.listen):
        if listen.tls is not None and listen.url.scheme not in TLS_SCHEMES:
            text = f"has no effect on {listen.url.scheme}; use stratum+tls or wss, or leave it out"
            yield f"listen.{index}.tls: {text}"

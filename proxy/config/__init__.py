"""The configuration: TOML and environment in, frozen sections out, every fault in one line of its own.

    sections    every key once: type, bounds, default, unit, reason      (start reading here)
    rules       what a value may be; with address and algorithm for the two of some size
    loading     load(): reading → building → checks
    ineffective what loads and would do nothing
    printing    back to TOML, secrets masked
    examples    what `sluice init` prints

Reads files and nothing else: no clock, no socket; the environment is an argument.
"""

from proxy.config.address import Address
from proxy.config.algorithm import parse_algorithm, solution_bytes
from proxy.config.detour import NO_DETOUR, Detour
from proxy.config.examples import TEMPLATES, template
from proxy.config.ineffective import ineffective
from proxy.config.loading import load
from proxy.config.printing import to_toml
from proxy.config.reading import find
from proxy.config.sections import Ban, Config, Http, Ledger, Limits, Listen, Log, Pool, Tls, Upstream, Vardiff

__all__ = [
    "load",
    "ineffective",
    "find",
    "Config",
    "Upstream",
    "Pool",
    "Listen",
    "Vardiff",
    "Tls",
    "Limits",
    "Ban",
    "Http",
    "Ledger",
    "Log",
    "Address",
    "Detour",
    "NO_DETOUR",
    "parse_algorithm",
    "solution_bytes",
    "to_toml",
    "template",
    "TEMPLATES",
]

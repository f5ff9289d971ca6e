"""The effective configuration as TOML, for `sluice check`; secrets masked, loadable again."""

import re
from typing import Any

import attrs
import tomli_w

from proxy.config.address import Address
from proxy.config.detour import DetourUrl
from proxy.config.rules import Text
from proxy.config.sections import Config
from proxy.config.shape import Key, keys_of

MASK = "***"


def to_toml(config: Config, mask: bool = True) -> str:
    """Write the effective configuration.

    Args:
        config: as load() returned it.
        mask: show *** for passwords and tokens; False only for a reader who has them anyway.
    Returns: TOML that loads to the same configuration, masked secrets apart.  A secret that came from
        a file is left with its file.
    """
    return tomli_w.dumps(_table(config, config, "", mask))


def shown_value(value: Any, key: Key, config: Config, path: str) -> Any:
    """Return one key's value for people: plain, its secrets masked.

    Args:
        path: of the key, as to_toml() has it.
    """
    return _value(value, key, config, path, mask=True)


def _table(section: attrs.AttrsInstance, config: Config, path: str, mask: bool) -> dict[str, Any]:
    table = {}
    for name, key in keys_of(type(section)).items():
        value = getattr(section, name)
        unset = value is None or (value in ("", ()) and value == key.default)
        if unset or getattr(section, f"{name}_file", ""):
            continue
        table[name] = _value(value, key, config, path + name, mask)
    return {name: value for name, value in table.items() if value != {}}


def _value(value: Any, key: Key, config: Config, path: str, mask: bool) -> Any:
    if isinstance(value, Address):
        return str(value)
    if key.many:
        return [_table(item, config, f"{path}.{index}.", mask) for index, item in enumerate(value)]
    if attrs.has(type(value)):
        return _table(value, config, f"{path}.", mask)
    if isinstance(value, tuple):
        return list(value)
    if mask and isinstance(key.rule, Text) and key.rule.secret:
        return MASK
    if mask and (path == "ledger.url" or isinstance(key.rule, DetourUrl)):
        return _without_password(value)
    if mask and path == "ledger.nats":
        return re.sub("://.*@", f"://{MASK}@", value)  # a name there may be a token
    return value


def _without_password(url: str) -> str:
    """Mask what a database's URL may hold: user:password@ and ?password=…"""
    url = re.sub(r"(://[^:/@]*):.*@", rf"\1:{MASK}@", url)
    return re.sub(r"(password=)[^&]*", rf"\1{MASK}", url)

"""What a section's class tells of its keys."""

import attrs

from proxy.config.sections import Config, Limits, Listen, Pool, Tls, Upstream, Vardiff
from proxy.config.shape import keys_of


def test_every_key_but_given_is_seen() -> None:
    tables = ["upstream", "listen", "limits", "http", "ledger", "log"]
    assert list(keys_of(Config)) == ["workers", "takeover_socket", *tables]
    assert list(keys_of(Limits)) == [field.name for field in attrs.fields(Limits)]


def test_kinds_of_keys() -> None:
    url = keys_of(Pool)["url"]
    assert (url.is_text, url.table, url.default) == (True, None, attrs.NOTHING)
    pools = keys_of(Upstream)["pools"]
    assert (pools.is_array, pools.many, pools.table, pools.is_text) == (True, True, Pool, False)
    listen = keys_of(Listen)
    assert (listen["difficulty"].table, listen["difficulty"].is_text) == (Vardiff, False)
    assert (listen["tls"].table, listen["tls"].rule) == (Tls, None)
    assert (listen["trusted_proxies"].is_array, listen["trusted_proxies"].many) == (True, False)
    assert keys_of(Config)["limits"].table is Limits

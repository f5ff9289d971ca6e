"""`sluice check`: everything effective, no secret, and it loads again."""

import attrs
import pytest

from proxy.config import TEMPLATES, Config, template, to_toml
from tests.config.texts import POOL, Texts

RICH = """
workers = 4
[upstream]
user = "u"
password = "hunter2"
[[upstream.pools]]
url = "stratum+tls://[::1]:3443"
proxy = "socks5://me:hunter2@[::2]:1080"
password = "hunter2"
user = "other"
[[upstream.pools]]
name = "second"
url = "unix:///run/pool.sock"
[[listen]]
difficulty = { start = 4 }
tls = { certificate = "c", key = "k" }
[[listen]]
name = "wide"
url = "wss://0.0.0.0:443/x"
difficulty = 16
proxy_protocol = "optional"
trusted_proxies = ["10.0.0.0/8"]
tls = { certificate = "c", key = "k", client_ca = "a" }
[limits.ban]
allow = ["::1"]
[http]
address = ""
read_token = "hunter2"
admin_token = "hunter2"
[ledger]
url = "postgresql://me:hunter2@db/x?password=hunter2&a=b"
"""


def bare(config: Config) -> Config:
    return attrs.evolve(config, given=frozenset())


@pytest.mark.parametrize("text", [*map(template, TEMPLATES), POOL, RICH])
def test_what_is_printed_loads_to_the_same(texts: Texts, text: str) -> None:
    config = texts.load(text)
    again = texts.load(to_toml(config, mask=False))
    assert bare(again) == bare(config)
    # What is refused at start does not grow by printing.


@pytest.mark.parametrize("text", [POOL, RICH])
def test_masked_it_loads_too_and_shows_no_secret(texts: Texts, text: str) -> None:
    printed = to_toml(texts.load(text))
    assert "hunter2" not in printed
    assert '"***"' in printed
    texts.load(printed)


def test_a_database_keeps_the_rest_of_its_url(texts: Texts) -> None:
    assert '"postgresql://me:***@db/x?password=***&a=b"' in to_toml(texts.load(RICH))


def test_a_proxy_keeps_the_rest_of_its_url(texts: Texts) -> None:
    assert '"socks5://me:***@[::2]:1080"' in to_toml(texts.load(RICH))


def test_a_secret_of_a_file_stays_in_it(texts: Texts) -> None:
    (texts.directory / "secret").write_text("hunter2\n")
    text = POOL.replace("[upstream]", '[upstream]\npassword_file = "secret"')
    config = texts.load(text + '[http]\nread_token_file = "secret"\n')
    printed = to_toml(config, mask=False)
    assert "hunter2" not in printed
    assert bare(texts.load(printed)) == bare(config)


def test_a_broker_keeps_nobody_elses_name(texts: Texts) -> None:
    for who in ("me:hunter2@", "hunter2@"):
        printed = to_toml(texts.load(POOL + f'[ledger]\nnats = "nats://{who}h:4222"\n'))
        assert 'nats = "nats://***@h:4222"' in printed

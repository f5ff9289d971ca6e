"""What this version does not do is said, each with its key and a way out."""

import pytest

from proxy.config import unbuilt
from tests.config.texts import POOL, Texts

TLS = 'tls = { certificate = "c", key = "k" }\n'


def test_a_plain_configuration_asks_for_nothing_more(texts: Texts) -> None:
    assert unbuilt(texts.load(POOL)) == []
    assert unbuilt(texts.load(POOL + '[ledger]\nurl = ""\n[[listen]]\ndifficulty = 8\n')) == []
    assert unbuilt(texts.load(POOL + '[ledger]\nurl = "sqlite:///sluice.db"\n')) == []
    unix = POOL.replace("stratum+tcp://pool.example:3333", "unix:///run/pool")
    assert unbuilt(texts.load(unix + '[[listen]]\nurl = "unix:///run/x"\n')) == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (POOL.replace("[upstream]", '[upstream]\nca = "x.pem"'), "upstream.ca"),
        (POOL + 'ca = "x.pem"', "upstream.pools.0.ca"),
        (POOL + f'fingerprint = "{"ab" * 32}"', "upstream.pools.0.fingerprint"),
        (POOL.replace("stratum+tcp", "wss"), "upstream.pools.0.url"),
        (POOL + '[[listen]]\nurl = "ws://h:1"\n', "listen.0.url"),
        (POOL + "[[listen]]\ndifficulty = { start = 8 }\n", "listen.0.difficulty"),
        (POOL + "[[listen]]\n" + TLS, "listen.0.tls"),
        (POOL + '[[listen]]\ntrusted_proxies = ["::1"]\n', "listen.0.trusted_proxies"),
        (POOL + "[http]\nworker_metrics = 5\n", "http.worker_metrics"),
        (POOL + "[http]\n" + TLS, "http.tls"),
        (POOL + '[ledger]\nurl = "sqlite:///other.db"\n', "ledger.url"),
        (POOL + "[ledger]\nretention_days = 31\n", "ledger.retention_days"),
        (POOL + "[limits.ban]\n", "limits.ban"),
        (POOL + "[limits]\nfailback_seconds = 60\n", "limits.failback_seconds"),
    ],
)
def test_what_is_not_built_is_named(texts: Texts, text: str, path: str) -> None:
    (line,) = unbuilt(texts.load(text))
    assert line.startswith(f"{path}: ")
    assert "comes in a later version" in line
    assert "\n" not in line


def test_each_thing_has_its_line(texts: Texts) -> None:
    text = POOL + '[[listen]]\nproxy_protocol = "required"\ntrusted_proxies = ["::1"]\n'
    assert [line.split(":")[0] for line in unbuilt(texts.load(text))] == [
        "listen.0.proxy_protocol",
        "listen.0.trusted_proxies",
    ]

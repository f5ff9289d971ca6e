"""What this version does not do is said, each with its key and a way out."""

from proxy.config import unbuilt
from tests.config.texts import POOL, Texts

BALANCER = 'proxy_protocol = "optional"\ntrusted_proxies = ["::1"]\n'
TLS = 'tls = { certificate = "c", key = "k" }\n'


def test_a_plain_configuration_asks_for_nothing_more(texts: Texts) -> None:
    assert unbuilt(texts.load(POOL)) == []
    assert unbuilt(texts.load(POOL + '[ledger]\nurl = ""\n[[listen]]\ndifficulty = 8\n')) == []
    assert unbuilt(texts.load(POOL + '[ledger]\nurl = "sqlite:///other.db"\nretention_days = 9\n')) == []
    assert unbuilt(texts.load(POOL + '[ledger]\nnats = "nats://h:4222"\nnats_subject = "a.b"\n')) == []
    assert unbuilt(texts.load(POOL + "[http]\nworker_metrics = 5\n" + TLS)) == []
    assert unbuilt(texts.load(POOL + "[[listen]]\ndifficulty = { start = 8 }\n")) == []
    assert unbuilt(texts.load(POOL + '[limits.ban]\nseconds = 30\nallow = ["10.0.0.0/8"]\n')) == []
    for scheme in ("stratum+tls", "wss", "ws"):
        assert unbuilt(texts.load(POOL.replace("stratum+tcp", scheme))) == []
    assert unbuilt(texts.load(POOL + '[[listen]]\nurl = "wss://h:1"\n' + TLS)) == []
    assert unbuilt(texts.load(POOL + '[[listen]]\nurl = "ws://h:1"\n' + BALANCER)) == []
    unix = POOL.replace("stratum+tcp://pool.example:3333", "unix:///run/pool")
    assert unbuilt(texts.load(unix + '[[listen]]\nurl = "unix:///run/x"\n')) == []


def test_a_certificate_on_a_plain_port_is_not_passed_over(texts: Texts) -> None:
    """A port that somebody believes to be encrypted, and is not, is worse than none."""
    (line,) = unbuilt(texts.load(POOL + "[[listen]]\n" + TLS))
    assert line == "listen.0.tls: has no effect on stratum+tcp; use stratum+tls or wss, or leave it out"

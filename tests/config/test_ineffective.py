"""What would have no effect is said, with its key and a way out."""

from proxy.config import ineffective
from tests.config.texts import POOL, Texts

TLS = 'tls = { certificate = "c", key = "k" }\n'


def test_a_certificate_on_a_plain_port_is_not_passed_over(texts: Texts) -> None:
    (line,) = ineffective(texts.load(POOL + "[[listen]]\n" + TLS))
    assert line == "listen.0.tls: has no effect on stratum+tcp; use stratum+tls or wss, or leave it out"


def test_one_that_is_shown_to_miners_is_in_order(texts: Texts) -> None:
    for scheme in ("stratum+tls", "wss"):
        assert ineffective(texts.load(POOL + f'[[listen]]\nurl = "{scheme}://h:1"\n' + TLS)) == []
    assert ineffective(texts.load(POOL)) == []

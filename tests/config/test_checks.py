"""What does not fit together, though each key alone would do."""

import pytest

from proxy.config.checks import is_loopback
from tests.config.texts import POOL, Texts

LOGIN = POOL.replace("[upstream]", '[upstream]\ndialect = "login"')
BLOB = LOGIN.replace("[upstream]", '[upstream]\nalgorithm = "blob"')


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[upstream]\nuser = 'u'\npools = []\n", "upstream.pools: at least one pool is needed"),
        ("listen = []\n" + POOL, "listen: at least one listener is needed"),
        (
            POOL.replace('user = "u"\n', ""),
            "upstream.user: is needed: the account at the pool (or a user in every pool)",
        ),
        (
            POOL + '[[upstream.pools]]\nurl = "stratum+tcp://b:1"\n',
            "upstream.pools.1.name: main is taken by upstream.pools.0; each needs its own",
        ),
        (
            POOL + 'name = "none"\n',
            'upstream.pools.0.name: "none" stands for no pool in the metrics; take another',
        ),
        (POOL.replace("3333", "0"), "upstream.pools.0.url: a pool needs a port above 0"),
        (
            POOL + '[[listen]]\n[[listen]]\nname = "b"\n',
            "listen.1.url: stratum+tcp://0.0.0.0:3333 is taken by listen.0; each needs its own",
        ),
        (
            POOL + '[[listen]]\nurl = "unix:///run/x"\n[[listen]]\nname = "b"\nurl = "unix:///run/x"\n',
            "listen.1.url: unix:///run/x is taken by listen.0; each needs its own",
        ),
        (
            POOL.replace("stratum+tcp://pool.example:3333", "unix:///run/x")
            + '[[listen]]\n[[listen]]\nname = "b"\nurl = "unix:///run/x"\n',
            "upstream.pools.0.url: is our own listen.1; give the socket of the pool",
        ),
        (
            POOL + '[[listen]]\nurl = "wss://h:1"\n',
            "listen.0.tls: is needed for wss: certificate and key",
        ),
        (
            POOL + '[[listen]]\nproxy_protocol = "required"\n',
            "listen.0.trusted_proxies: is needed with proxy_protocol: whose word is taken",
        ),
        (
            POOL + '[[listen]]\ntrusted_proxies = ["::1"]\n',
            'listen.0.trusted_proxies: is for proxy_protocol = "required" or "optional"; set that, or leave '
            "this out",
        ),
        (
            POOL + 'ca = "pool.pem"\n',
            "upstream.pools.0.ca: is for TLS, which stratum+tcp is not; use stratum+tls or wss",
        ),
        (
            POOL + f'fingerprint = "{"ab" * 32}"\n',
            "upstream.pools.0.fingerprint: is for TLS, which stratum+tcp is not; use stratum+tls or wss",
        ),
        (
            POOL.replace("stratum+tcp://pool.example:3333", "unix:///run/x") + 'proxy = "http://h:1"\n',
            "upstream.pools.0.proxy: does not reach a socket file; leave it out",
        ),
        (
            POOL + "[[listen]]\ndifficulty = { start = 0.5 }\n",
            "listen.0.difficulty: start must lie between min and max",
        ),
        (
            BLOB.replace('"login"', '"aion"'),
            'upstream.dialect: must be "login" for algorithm = "blob": no other has such work',
        ),
        (
            LOGIN.replace("[upstream]", '[upstream]\nworker_names = "suffix"'),
            'upstream.worker_names: must be "account" with dialect = "login", which names one user a '
            "connection",
        ),
        (
            BLOB + '[[listen]]\ndialect = "aion"\n',
            'listen.0.dialect: must be "login" or "auto" for upstream.algorithm = "blob": no Aion miner can '
            "do such work",
        ),
        (
            POOL + '[[listen]]\ndialect = "aion"\ntarget_digits = 16\n',
            "listen.0.target_digits: is for login miners; leave it out where they are not taken",
        ),
        (
            BLOB + "[[listen]]\ntarget_digits = 64\n",
            "listen.0.target_digits: must be 0, 16 or 8 for blob work, as its miners read it",
        ),
        (
            "workers = 2\n" + POOL.replace("[upstream]", "[upstream]\nnonce_bytes = 1"),
            "upstream.nonce_bytes: must be at least 2 with workers above 1: one byte tells the processes "
            "apart",
        ),
        (
            "workers = 3\n" + BLOB + "[limits]\npool_connections = 2\n",
            "limits.pool_connections: must be at least 3: for blob work each of the workers needs one of its "
            "own",
        ),
        (POOL + "[limits.ban]\nmax_seconds = 1\n", "limits.ban.max_seconds: must not be less than seconds"),
        (
            POOL + "[limits]\nline_bytes = 3000\n",
            "limits.line_bytes: must be at least 3416 for equihash/210_9, or no submit would pass",
        ),
    ],
)
def test_refused(texts: Texts, text: str, line: str) -> None:
    assert texts.refused(text) == [f"s.toml: {line}"]


def test_taken(texts: Texts) -> None:
    texts.load(POOL.replace('user = "u"', "") + 'user = "mine"\n')
    free = '[[listen]]\nurl = "stratum+tcp://h:0"\n[[listen]]\nname = "b"\nurl = "stratum+tcp://h:0"\n'
    assert len(texts.load(POOL + free).listen) == 2
    texts.load(BLOB + "[limits]\nline_bytes = 1024\n")
    for spoken, own in ((POOL, 2), (BLOB, 1)):
        texts.load("workers = 2\n" + spoken.replace("[upstream]", f"[upstream]\nnonce_bytes = {own}"))
    for dialect in ("auto", "login"):
        texts.load(BLOB + f'[[listen]]\ndialect = "{dialect}"\ntarget_digits = 8\n')
        texts.load(LOGIN + f'[[listen]]\ndialect = "{dialect}"\ntarget_digits = 64\n')


@pytest.mark.parametrize("address", ["0.0.0.0:9180", "[::]:9180", "192.168.1.2:80", "farm.example:80"])
def test_http_for_everyone_needs_a_token(texts: Texts, address: str) -> None:
    text = f'{POOL}[http]\naddress = "{address}"\n'
    (line,) = texts.refused(text)
    assert line.startswith(f"s.toml: http.address: {address} without read_token or admin_token")
    texts.load(text + 'read_token = "t"\n')
    texts.load(text + 'admin_token = "t"\n')


@pytest.mark.parametrize("address", ["", "127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1"])
def test_http_on_loopback_needs_none(texts: Texts, address: str) -> None:
    texts.load(f'{POOL}[http]\naddress = "{address}"\n')


def test_loopback() -> None:
    assert is_loopback("LOCALHOST")
    assert not is_loopback("localhost.example")

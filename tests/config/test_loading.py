"""load() as a whole: the contract's own example, secrets from files, and one line for every fault."""

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.config import Config, load
from proxy.config.sections import Vardiff
from proxy.errors import ConfigError
from tests.config.texts import POOL, Texts
from tests.wire.hostile import patient

CONTRACT = """
workers = 1                        # miner-facing processes on the same ports
[upstream]
dialect   = "aion"
algorithm = "equihash/210_9"
user      = "0xa0…"
password  = "x"
worker_names = "account"
ca = "pool.pem"
[[upstream.pools]]
name = "main"
url  = "stratum+tcp://pool.example:3333"
[[upstream.pools]]
name = "backup"
url  = "stratum+tls://backup.example:3443"

[[listen]]
name      = "farm"
url       = "stratum+tcp://0.0.0.0:3333"
dialect   = "auto"
difficulty = { start = 8, min = 1, max = 1e6, target_seconds = 15 }
proxy_protocol = "optional"
trusted_proxies = ["10.0.0.0/8"]
tls = { certificate = "c.pem", key = "k.pem", client_ca = "ca.pem" }

[limits]
max_miners = 20000
login_seconds = 10
idle_seconds = 600
line_bytes = 16384
outgoing_bytes = 262144
requests_per_second = 50
upstream_unanswered = 3
upstream_reply_seconds = 20
upstream_silence_seconds = 300
failback_seconds = 60
ban = { check_after = 50, bad_ratio = 0.5, seconds = 60, max_seconds = 3600, allow = [] }
[http]
address = "127.0.0.1:9180"
read_token = "r"
admin_token = "a"
worker_metrics = 10
[ledger]
url = "postgresql://ledger.example/sluice"
retention_days = 90
[log]
level = "debug"
format = "json"
"""


def test_every_key_of_the_contract(texts: Texts) -> None:
    config = texts.load(CONTRACT)
    assert [pool.name for pool in config.upstream.pools] == ["main", "backup"]
    assert config.listen[0].difficulty == Vardiff()
    assert config.limits.ban == Config(upstream=config.upstream).limits.ban


def test_the_environment_alone_is_enough(texts: Texts) -> None:
    environ = {"SLUICE__UPSTREAM__USER": "u", "SLUICE__UPSTREAM__POOLS__0__URL": "stratum+tcp://h:1"}
    config = load(None, environ)
    assert (config.upstream.user, str(config.upstream.pools[0].url)) == ("u", "stratum+tcp://h:1")


def test_without_anything_it_says_where_it_looked(texts: Texts) -> None:
    with pytest.raises(
        ConfigError, match=r"^no configuration: none at \$SLUICE_CONFIG, [^\n]+sluice init[^\n]+$"
    ):
        load(None, {})


def test_a_file_named_but_absent(texts: Texts) -> None:
    with pytest.raises(ConfigError, match=r"^none\.toml: cannot be read: No such file or directory"):
        load(None, {"SLUICE_CONFIG": "none.toml"})


def test_a_line_for_every_fault_and_each_names_its_source(texts: Texts) -> None:
    lines = texts.refused(POOL + "[limits]\nlogin_seconds = 'ten'\n", SLUICE__LIMITS__BAD_LINES="many")
    assert sorted(lines) == [
        'SLUICE__LIMITS__BAD_LINES: must be a whole number from 1 to 1000, not "many"',
        's.toml: limits.login_seconds: must be a number from 0.1 to 3600, not "ten"',
    ]


def test_an_unknown_variable_is_refused(texts: Texts) -> None:
    assert texts.refused(POOL, SLUICE__UPSTREAM__USR="x") == [
        "SLUICE__UPSTREAM__USR: unknown key; did you mean user?"
    ]


def test_secrets_from_files(texts: Texts) -> None:
    (texts.directory / "a").write_text("one\n")
    (texts.directory / "b").write_text("two")
    config = texts.load(
        POOL.replace("[upstream]", '[upstream]\npassword_file = "a"')
        + 'password_file = "b"\n[http]\nread_token_file = "a"\nadmin_token_file = "b"\n'
    )
    assert (config.upstream.password, config.upstream.pools[0].password) == ("one", "two")
    assert (config.http.read_token, config.http.admin_token) == ("one", "two")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff", "is not UTF-8 text"),
        (b"hunter2\nhunter2", "must be one line of text, without control characters"),
        (b"hunter2" * 200, "must have at most 1024 characters, not 1400"),
        (b"hunter2" * 2000, "is longer than 4096 bytes"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_secrets_file_that_will_not_do(texts: Texts, content: bytes | None, why: str) -> None:
    if content is not None:
        (texts.directory / "p").write_bytes(content)
    text = POOL.replace("[upstream]", '[upstream]\npassword_file = "p"')
    assert texts.refused(text) == [f's.toml: upstream.password_file: "p": {why}']


def test_a_secret_and_its_file_are_one_too_many(texts: Texts) -> None:
    (texts.directory / "p").write_text("x")
    lines = texts.refused(POOL + '[http]\nread_token = "hunter2"\nread_token_file = "p"\n')
    assert lines == ['s.toml: http.read_token_file: "p": read_token is given, too; take one of the two']
    lines = texts.refused(POOL + 'password = "hunter2"\n', SLUICE__UPSTREAM__POOLS__0__PASSWORD_FILE="p")
    assert lines == [
        'SLUICE__UPSTREAM__POOLS__0__PASSWORD_FILE: "p": password is given, too; take one of the two'
    ]


def test_no_secret_is_ever_told(texts: Texts) -> None:
    hidden = ["hunter2"] * 5
    text = POOL.replace('user = "u"', "password = ['hunter2']").replace("//pool", "//me:hunter2@pool")
    text += f'[http]\nread_token = "{"".join(hidden)}\\n"\n[ledger]\nurl = "mysql://me:hunter2@db"\n'
    lines = texts.refused(text, SLUICE__HTTP__ADMIN_TOKEN="hunter2\t")
    assert len(lines) == 5
    assert "hunter2" not in "".join(lines)


names = st.sampled_from(
    ["SLUICE_CONFIG", "SLUICE__UPSTREAM__USER", "SLUICE__LISTEN", "SLUICE__UPSTREAM__POOLS__0__PASSWORD_FILE"]
)
toml = st.lists(
    st.sampled_from([*CONTRACT.splitlines(), *POOL.splitlines()]) | st.text(max_size=8), max_size=12
).map("\n".join)


@given(text=toml, environ=st.dictionaries(names, st.text(max_size=12), max_size=3))
@example(text=POOL, environ={"SLUICE_CONFIG": "\0"})
@patient
def test_any_text_and_environment_load_or_are_refused(text: str, environ: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "s.toml")
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        for given_path in (str(path), None):
            with contextlib.suppress(ConfigError):
                assert isinstance(load(given_path, environ), Config)

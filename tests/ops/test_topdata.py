"""What `sluice top` asks: the questions on the wire, and each answer that is none in one line."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import msgspec
import pytest

from proxy.errors import ConfigError, SluiceError
from proxy.ops import topdata
from proxy.ops.api import shapes
from proxy.ops.topdata import LISTINGS, MAX_ANSWER, Api, TokenError, UnansweredError
from tests.ops.apis import FakeApi, ban, listing, serving, summary

PATIENT = 60
Asking = Callable[..., Api]


@pytest.fixture
def fake() -> Iterator[FakeApi]:
    """An API that answers."""
    with serving(FakeApi()) as api:
        yield api


@pytest.fixture
def asking(fake: FakeApi) -> Iterator[Asking]:
    """Whoever asks it."""
    with ExitStack() as stack:
        yield lambda token="": stack.enter_context(Api(fake.url + "/some/path", token, PATIENT))


def test_the_summary(fake: FakeApi, asking: Asking) -> None:
    found = asking().summary()
    assert (found.version, found.ready, found.pool, found.miners) == ("9.8.7", True, "main", 50)
    assert found.sols_per_second["1m"] == 358.2
    assert found.roundtrip_ms == {"p50": 0.708, "p99": 5.875}
    assert fake.asked == [("summary", {})]


def test_a_summary_with_nothing_but_what_every_version_says(fake: FakeApi, asking: Asking) -> None:
    said = summary()
    needed = "version ready reason pool miners workers received forwarded shares conserved"
    needed += " sols_per_second"
    fake.answers["summary"] = {name: said[name] for name in needed.split()}
    assert asking().summary().offline_workers == 0


@pytest.mark.parametrize("what", LISTINGS)
def test_every_list(fake: FakeApi, asking: Asking, what: str) -> None:
    fake.answers["bans"] = listing(ban("rig7"), total=70)
    found = asking().listing(what, {"limit": 5, "search": "a b&c"})
    assert found.total == fake.answers[what]["total"]
    assert len(found.items) == len(fake.answers[what]["items"])
    assert fake.asked == [(what, {"limit": "5", "search": "a b&c"})]


def test_one_connection_is_kept(fake: FakeApi, asking: Asking) -> None:
    api = asking()
    api.summary()
    api.summary()
    api.close()
    assert fake.opened == 1


def test_a_connection_that_was_closed_meanwhile_is_made_again(fake: FakeApi, asking: Asking) -> None:
    api = asking()
    api.summary()
    api._connection.sock.shutdown(socket.SHUT_RDWR)
    assert api.summary().version == "9.8.7"
    assert fake.opened == 2


def test_a_token_is_shown_and_a_wrong_one_is_said(fake: FakeApi, asking: Asking) -> None:
    fake.token = "hush"
    assert asking("hush").summary().ready
    for token in ("", "wrong"):
        with pytest.raises(TokenError, match=r"a read token is needed, or another one \(401\)") as fault:
            asking(token).summary()
        assert isinstance(fault.value, ConfigError)
        assert "wrong" not in str(fault.value)


def test_a_refusal_is_said_in_the_proxys_words(fake: FakeApi, asking: Asking) -> None:
    fake.status = 409
    with pytest.raises(UnansweredError, match="summary: answered 409: out of order"):
        asking().summary()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"version":1}',
        b"\xff\xfe",
        json.dumps(summary(miners="50\x1b[2J")).encode(),
        json.dumps(summary(shares={"accepted": None})).encode(),
        b" " * (MAX_ANSWER + 1),
    ],
    ids=range(9),
)
def test_something_else_at_the_other_end(fake: FakeApi, asking: Asking, said: Any) -> None:
    fake.answers["summary"] = said
    with pytest.raises(UnansweredError) as fault:
        asking().summary()
    assert str(fault.value).isprintable()
    assert fake.url in str(fault.value)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(UnansweredError, match="no answer: Connection refused; is sluice running there"):
        Api(f"127.0.0.1:{port}", "", PATIENT).summary()  # closes what it could not open


@pytest.mark.parametrize("url", ["ftp://h", "http://", "http://me:hunter2@h", "http://h:port"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(SluiceError, match=r"not an address like http://127\.0\.0\.1:9180") as fault:
        Api(url, "", PATIENT)
    assert "hunter2" not in str(fault.value)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (topdata.Summary, shapes.Summary),
        (topdata.Ledger, shapes.LedgerSummary),
        (topdata.Worker, shapes.Worker),
        (topdata.Miner, shapes.Miner),
        (topdata.Pool, shapes.Upstream),
        (topdata.Ban, shapes.Ban),
    ],
)
def test_whatever_is_read_is_what_the_api_says(ours: type[Any], theirs: type[Any]) -> None:
    said = {field.encode_name for field in msgspec.structs.fields(theirs)}
    assert {field.encode_name for field in msgspec.structs.fields(ours)} <= said

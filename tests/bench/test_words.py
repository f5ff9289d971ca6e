"""What the bench's ends say is what the proxy's own readers take: a share costs what a real one costs."""

import socket

import pytest

from proxy.bench.load import Miner
from proxy.bench.words import EXTRANONCE2_DIGITS, WORDS, AionWords, LoginWords, split
from proxy.model.proof import ProofForm
from proxy.wire import aion, events, login, loginjobs


@pytest.fixture
def miner() -> "Miner":
    """One miner; its socket is not used here."""
    sock = socket.socket()
    sock.close()
    return Miner(sock, 7)


def test_an_aion_miner_logs_in_in_two_steps(miner: Miner) -> None:
    """What it says is understood, and the answer to subscribe brings the rest."""
    words = AionWords()
    assert isinstance(aion.read_request(words.hello(7).strip()), events.Subscribe)
    rest = words.learn(miner, b'{"id":1,"result":[null,"00112233445566aa00000001"],"error":null}')
    read = [aion.read_request(line) for line in rest.splitlines()]
    assert [type(event) for event in read] == [events.Authorize, events.ExtranonceSubscribe]
    assert miner.head == b""


def test_an_aion_share_has_full_size_and_names_its_job(miner: Miner) -> None:
    """2,822 digits of solution, and a nonce that no other share has."""
    words = AionWords()
    words.learn(miner, b'{"id":null,"method":"mining.notify","params":["0123456789ab7",true,"ff","00"]}')
    first, second = (aion.read_request(words.share(miner, nonce).strip()) for nonce in (1, 2))
    assert isinstance(first, events.Submit)
    assert isinstance(second, events.Submit)
    assert first.job_id == "0123456789ab7"
    assert len(first.nonce) == EXTRANONCE2_DIGITS
    assert first.nonce != second.nonce
    assert isinstance(first.solution, str)
    assert len(first.solution) == 2822
    assert len(ProofForm.of(210, 9).bare(first.solution)) == 2816


def test_an_aion_pool_lets_in_and_gives_work(miner: Miner) -> None:
    """Its lines are those the proxy's pool side reads."""
    words = AionWords()
    request_id, is_share = split(aion.subscribe(1, "a", "b", 1))
    assert (request_id, is_share) == (b"1", False)
    answer = aion.read_pool(words.welcome(request_id, aion.subscribe(1, "a", "b", 1)).strip())
    assert isinstance(answer, events.Reply)
    assert aion.read_subscribed(answer.result) == "00112233445566aa"
    yes, job = words.welcome(b"2", aion.authorize(2, "a", "b")).splitlines()
    assert isinstance(aion.read_pool(yes), events.Reply)
    read, later = aion.read_pool(job), aion.read_pool(words.job().strip())
    assert isinstance(read, events.Notify)
    assert isinstance(later, events.Notify)
    assert read.header != later.header


def test_a_login_share_has_the_proxys_byte_on_top(miner: Miner) -> None:
    """The nonce is the miner's three bytes, then the one of its job's blob; the result is easy enough."""
    words = LoginWords()
    blob = "00" * 42 + "5c" + "00" * 33
    words.learn(
        miner,
        b'{"id":1,"result":{"id":"cafe","status":"OK","job":{"job_id":"0123456789ab7","blob":"%s"}}}'
        % blob.encode(),
    )
    share = login.read_request(words.share(miner, 0xABCDEF).strip())
    assert isinstance(share, events.Submit)
    assert (share.session, share.job_id, share.nonce) == ("cafe", "0123456789ab7", "abcdef5c")
    assert len(share.result) == 64
    assert share.result.endswith("0" * 16)


def test_a_login_pool_lets_in_with_a_job(miner: Miner) -> None:
    """Blob work that can be split."""
    words = LoginWords()
    request = login.login(1, "bench", "x", "agent", "")
    answer = login.read_logged_in(words.welcome(split(request)[0], request).strip())
    assert answer.job is not None
    read = loginjobs.read_blob(answer.job)
    given = login.read_pool(words.job().strip())
    assert isinstance(given, events.JobGiven)
    assert loginjobs.read_blob(given).header != read.header


@pytest.mark.parametrize("dialect", WORDS)
def test_shares_are_told_from_all_else_by_the_pool(dialect: str, miner: Miner) -> None:
    """By their method, and the id is found wherever a dialect has it."""
    words = WORDS[dialect]()
    words.stranger(miner)
    assert split(words.share(miner, 1).strip()) == (b"4", True)
    assert split(words.hello(1).strip()) == (b"1", False)
    assert split(b'{"jsonrpc":"2.0","method":"submit","params":{"id":"7"},"id":12}') == (b"12", True)

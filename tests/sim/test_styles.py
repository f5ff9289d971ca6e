"""Every line of both kinds of pools, to the byte as docs/protocols/aion.md has it."""

import pytest

from proxy.model.share import Reason, Verdict
from proxy.sim.styles import HEX, NONCE, NTIME, P2, PARAMS, SOLUTION, PoolJob, Solo

HEADER = "ff" * 32
SOLO, POOL = Solo(), P2(0x000120C8)


def job(job_id: str = "4", clean: bool = True) -> PoolJob:
    return PoolJob(1, job_id, HEADER, 2**240, 0x0513C64A << 200, clean)


def test_solo_subscribe() -> None:
    line = b'{"id":1,"result":[null,"b760ca8200000000"],"error":null}\n'
    assert SOLO.subscribed(b"1", "ignored", "b760ca8200000000") == line


def test_p2_subscribe() -> None:
    line = b'{"result":[["mining.notify","0HLFI5QCBNU77","AionStratum/1.0.0"],"c511"],"error":null,"id":1}\n'
    assert POOL.subscribed(b"1", "0HLFI5QCBNU77", "c511") == line


@pytest.mark.parametrize("ok", [True, False])
def test_authorize(ok: bool) -> None:
    word = b"true" if ok else b"false"
    assert SOLO.answered(b"2", ok) == b'{"id":2,"result":' + word + b',"error":null}\n'
    assert POOL.answered(b"2", ok) == b'{"result":' + word + b',"error":null,"id":2}\n'


def test_solo_notify() -> None:
    start = b'{"id":null,"method":"mining.notify","params":["4",true,"'
    line = SOLO.notify(job())
    assert line == start + f"{0x0513C64A << 200:064x}".encode() + b'","' + HEADER.encode() + b'"]}\n'
    assert b",false," in SOLO.notify(job(clean=False))


def test_p2_notify_and_target() -> None:
    target = f"{0x0513C64A << 200:064x}".encode()
    start = b'{"jsonrpc":"2.0","method":"mining.notify","params":["000120c9",true,"'
    assert POOL.notify(job("000120c9")) == start + target + b'","' + HEADER.encode() + b'"],"id":null}\n'
    assert POOL.set_target(0x20 << 240) == (
        b'{"jsonrpc":"2.0","method":"mining.set_target","params":["0020' + b"0" * 60 + b'"],"id":null}\n'
    )
    assert SOLO.set_target(1) == b""


def test_job_ids() -> None:
    assert [SOLO.job_id(n) for n in (1, 10, 0xFFFF, 0x10000)] == ["1", "a", "ffff", "0"]
    assert POOL.job_id(1) == "000120c9"


def test_accepted() -> None:
    assert SOLO.verdict(b"4", Verdict(Reason.ACCEPTED)) == b'{"id":4,"result":true,"error":null}\n'
    assert POOL.verdict(b"4", Verdict(Reason.ACCEPTED)) == b'{"result":true,"error":null,"id":4}\n'


SOLO_REFUSALS = [
    (Verdict(Reason.UNKNOWN_JOB), '[21,"job not found"]'),
    (Verdict(Reason.DUPLICATE), '[22,"duplicate share"]'),
    (Verdict(Reason.LOW_DIFFICULTY, "0.5"), '[20,"Header hash larger than target"]'),
    (Verdict(Reason.INVALID_SOLUTION), '[20,"invalid solution"]'),
    (Verdict(Reason.MALFORMED, NTIME), '[20,"incorrect size of ntime"]'),
    (Verdict(Reason.MALFORMED, PARAMS), '[20,"incorrect size of ntime"]'),
    (Verdict(Reason.MALFORMED, NONCE), '[20,"incorrect size of nonce"]'),
    (Verdict(Reason.MALFORMED, SOLUTION), '[20,"incorrect size of solution"]'),
    (Verdict(Reason.MALFORMED, HEX), '[20,"invalid hex in extraNonce2"]'),
    (Verdict(Reason.UNAUTHORIZED), '[24,"unauthorized worker",null]'),
    (Verdict(Reason.NOT_SUBSCRIBED), '[25,"not subscribed",null]'),
]


@pytest.mark.parametrize(("verdict", "error"), SOLO_REFUSALS, ids=lambda value: str(value)[:60])
def test_solo_refusals(verdict: Verdict, error: str) -> None:
    assert SOLO.verdict(b'"a"', verdict) == b'{"id":"a","result":null,"error":' + error.encode() + b"}\n"


P2_REFUSALS = [
    (Verdict(Reason.UNKNOWN_JOB), -1, "stale share"),
    (Verdict(Reason.STALE), -1, "stale share"),
    (Verdict(Reason.DUPLICATE), -1, "duplicate share"),
    (Verdict(Reason.LOW_DIFFICULTY, "0.5"), 23, "low difficulty share (0.5)"),
    (Verdict(Reason.INVALID_SOLUTION), 20, "invalid solution"),
    (Verdict(Reason.MALFORMED, NTIME), 20, "incorrect size of ntime"),
    (Verdict(Reason.MALFORMED, NONCE), 20, "incorrect size of extraNonce2"),
    (Verdict(Reason.MALFORMED, SOLUTION), 20, "incorrect size of solution"),
    (Verdict(Reason.MALFORMED, PARAMS), -1, "malformed PoW result"),
    (Verdict(Reason.MALFORMED, HEX), 20, "invalid solution"),
    (Verdict(Reason.UNAUTHORIZED), 24, "Unauthorized worker"),
    (Verdict(Reason.NOT_SUBSCRIBED), 25, "Not subscribed"),
]


@pytest.mark.parametrize(("verdict", "code", "text"), P2_REFUSALS, ids=lambda value: str(value)[:60])
def test_p2_refusals(verdict: Verdict, code: int, text: str) -> None:
    error = f'{{"code":{code},"message":"{text}","data":null}}'
    line = f'{{"result":false,"error":{error},"id":4}}\n'
    assert POOL.verdict(b"4", verdict) == line.encode()


def test_unsupported() -> None:
    extranonce = "mining.extranonce.subscribe"
    line = b'{"id":3,"result":false,"error":[20,"Not supported.",null]}\n'
    assert SOLO.unsupported(b"3", extranonce) == line
    assert SOLO.unsupported(b"3", "mining.get_transactions") == b'{"id":null,"result":[],"error":true}\n'
    assert SOLO.unsupported(b"3", "mining.ping") == b""
    text = b'"Unsupported request mining.extranonce.subscribe"'
    assert POOL.unsupported(b"3", extranonce) == (
        b'{"error":{"code":20,"message":' + text + b',"data":null},"id":3}\n'
    )


def test_invalid_subscribe() -> None:
    assert SOLO.invalid_request(b"1") == b""
    assert POOL.invalid_request(b"1") == (
        b'{"result":false,"error":{"code":-1,"message":"invalid request","data":null},"id":1}\n'
    )


def test_reconnect() -> None:
    line = b'{"id":null,"method":"client.reconnect","params":["example.org",3333,5]}\n'
    assert SOLO.reconnect("example.org", 3333, 5) == POOL.reconnect("example.org", 3333, 5) == line
    assert SOLO.reconnect("", 0, 0) == line.replace(b'"example.org",3333,5', b"")

"""Submits of the login dialect: the short way takes nothing that the long way reads otherwise."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import MinerError
from proxy.wire import events, loginsubmit
from proxy.wire.jsonrpc import decode
from tests.wire.hostile import json_values, patient

RESULT = "ab" * 24 + "0" * 16
XMRIGS = (
    b'{"id":2,"jsonrpc":"2.0","method":"submit","params":{"id":"58cb2fca0342a4ec","job_id":"j1",'
    b'"nonce":"f5000000","result":"%s","algo":"rx/0"}}' % RESULT.encode()
)
TEXTS = st.one_of(
    st.none(), st.sampled_from(["", "j1", "f5000000", RESULT, "a" * 65, "x" * 70]), st.text(max_size=5)
)
NAMES = ["id", "job_id", "nonce", "result", "solution", "output", "pow", "algo", "sig", "ntime", "other"]


def the_long_way(line: bytes) -> events.MinerEvent | None:
    try:
        message = decode(line, MinerError)
    except MinerError:
        return None
    return loginsubmit.read(bytes(message.id), message.params)


def test_xmrigs_own_line_goes_the_short_way() -> None:
    assert loginsubmit.read_usual(XMRIGS) == the_long_way(XMRIGS)
    assert loginsubmit.read_usual(XMRIGS) == events.Submit(
        id=b"2",
        worker="",
        job_id="j1",
        ntime="",
        nonce="f5000000",
        solution="",
        session="58cb2fca0342a4ec",
        result=RESULT,
        members=b'"algo":"rx/0"',
    )


@pytest.mark.parametrize(
    "other",
    [
        XMRIGS.replace(b'"id":2', b'"id":"2"'),
        XMRIGS.replace(b'"id":2', b'"id":' + b"1" * 129),
        XMRIGS.replace(b'"method":"submit"', b'"method":"login"'),
        XMRIGS.replace(b'"job_id":"j1"', b'"job_id":17'),
        XMRIGS.replace(b'"algo"', b'"sig":"%s","algo"' % (b"ab" * 64)),
        XMRIGS.replace(
            b'"algo"', b'"other":1,"algo"'
        ),  # it would be passed over unread, and need not be JSON
        XMRIGS.replace(b"}}", b'},"error":"\xff"}'),
        XMRIGS.replace(b"rx/0", b"r" * 65),
        XMRIGS.replace(RESULT.encode(), b"a" * 72),
        XMRIGS[:-1],
    ],
)
def test_what_is_not_just_so_is_for_the_long_way(other: bytes) -> None:
    assert other != XMRIGS
    assert loginsubmit.read_usual(other) is None


@patient
@given(
    st.dictionaries(st.sampled_from(NAMES), TEXTS | json_values, max_size=8),
    st.integers(-5, 10**20) | json_values,
)
def test_both_ways_read_the_same(params: dict[str, Any], request_id: Any) -> None:
    line = json.dumps({"id": request_id, "method": "submit", "params": params}).encode()
    usual = loginsubmit.read_usual(line)
    assert usual is None or usual == the_long_way(line)


@patient
@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=70), max_size=9))
def test_texts_alone_are_read_the_same_and_often_the_short_way(params: dict[str, str]) -> None:
    line = json.dumps({"id": 4, "method": "submit", "params": params}).encode()
    usual, slow = loginsubmit.read_usual(line), the_long_way(line)
    assert usual is None or usual == slow
    plain = {"job_id", "nonce"} <= params.keys() <= {"id", "job_id", "nonce", "solution", "algo"}
    assert (usual is not None) >= (plain and len(params.get("algo", "")) <= loginsubmit.MAX_ALGORITHM)

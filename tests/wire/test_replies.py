"""A pool's answers: one reader for every form, and a refusal always has a code and a text."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import PoolError
from proxy.wire import events
from proxy.wire.jsonrpc import Message, decode
from proxy.wire.replies import (
    MAX_POOL_ID,
    REFUSED_BARE,
    OwnId,
    read_error,
    read_pool_id,
    read_reply,
    read_yes,
)
from tests.wire.hostile import json_values, patient


def answer(**keys: Any) -> Message:
    return decode(json.dumps({"id": 4, **keys}).encode(), PoolError)


def test_yes_is_for_the_dialect_to_say() -> None:
    assert read_reply(answer(result="fine"), ok=True) == events.Reply(4, True, "fine", 0, "")
    assert read_reply(answer(result=True), ok=False) == events.Reply(4, False, True, 0, "")


@pytest.mark.parametrize("error", [None, False, 0, "", [], {}])
def test_an_error_that_says_nothing_is_none(error: Any) -> None:
    assert read_error(error) == (0, "")
    assert read_reply(answer(result={"status": "OK"}, error=error), ok=True).ok


def test_an_error_outdoes_the_best_result() -> None:
    reply = read_reply(answer(result=True, error={"code": -1, "message": "Block expired"}), ok=True)
    assert (reply.ok, reply.code, reply.message) == (False, -1, "Block expired")


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        ([21, "job not found"], 21, "job not found"),
        ([21, "job not found", None], 21, "job not found"),
        ({"code": -1, "message": "Low difficulty share"}, -1, "Low difficulty share"),
        ({"code": -32501, "message": "Share rejected due to low difficulty"}, -32501, None),
        ({"message": "no code"}, 20, "no code"),
        ({"code": 0, "message": "code nought"}, 20, "code nought"),
        ({"code": "x", "message": "code a text"}, 20, "code a text"),
        ({"code": 2**31, "message": "code too large"}, 20, "code too large"),
        ({"code": 25}, 25, REFUSED_BARE),
        ({"code": 25, "message": None}, 25, REFUSED_BARE),
        (True, 20, REFUSED_BARE),
        ("Unauthenticated", 20, "Unauthenticated"),
        (["Unauthenticated"], 20, "Unauthenticated"),
        ([20, "x" * 300], 20, "x" * 256),
        ([20, "a\r\n\x00\x1b[2J"], 20, "a????[2J"),
    ],
)
def test_an_error_in_each_of_its_forms(error: Any, code: int, text: str | None) -> None:
    assert read_error(error) == (code, error["message"] if text is None else text)


@patient
@given(json_values)
def test_any_error_has_a_code_and_a_text_or_is_none(error: Any) -> None:
    code, text = read_error(error)
    assert (code == 0) == (text == "") == (not error)
    assert text.isprintable()
    assert len(text) <= 256


# ---- the ids of jobs


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", ""),
        ("j1", "j1"),
        ('a"b\\/é\x00', 'a"b\\/é\x00'),
        ("x" * MAX_POOL_ID, "x" * MAX_POOL_ID),
        (0, "0"),
        (212, "212"),
        (-(2**63), str(-(2**63))),
        (2**64 - 1, str(2**64 - 1)),
    ],
)
def test_a_jobs_id_is_text_or_a_number(value: Any, text: str) -> None:
    assert read_pool_id(value) == text


@pytest.mark.parametrize(
    "value", [None, True, 1.0, ["j1"], {}, "x" * (MAX_POOL_ID + 1), 2**64, -(2**63) - 1, 10**4000]
)
def test_any_other_is_the_pools_fault(value: Any) -> None:
    with pytest.raises(PoolError, match="the job id must be a string of at most 512 characters"):
        read_pool_id(value)


@patient
@given(json_values | st.text(st.characters(), max_size=600))
def test_any_value_is_an_id_or_the_pools_fault(value: Any) -> None:
    try:
        text = read_pool_id(value)
    except PoolError:
        return
    assert len(text) <= MAX_POOL_ID


class Plain(msgspec.Struct):
    id: OwnId
    result: bool


def test_a_plain_yes_is_read_the_short_way() -> None:
    decode_yes = msgspec.json.Decoder(Plain).decode
    assert read_yes(b'{"id":7,"result":true}', decode_yes) == events.Reply(7, True, True, 0, "")


@pytest.mark.parametrize(
    "line", [b"", b"{", b"\xff", b'{"id":"7","result":true}', b'{"id":-1,"result":true}', b"[" * 9999]
)
def test_anything_else_is_not(line: bytes) -> None:
    assert read_yes(line, msgspec.json.Decoder(Plain).decode) is None

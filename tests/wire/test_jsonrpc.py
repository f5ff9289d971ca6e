"""One line of JSON-RPC: read whatever it holds, or the one fault that was asked for."""

import json
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.errors import MinerError, PoolError
from proxy.wire.jsonrpc import (
    MAX_FAULT,
    MAX_ID_BYTES,
    MAX_NAME,
    NULL,
    Message,
    decode,
    encode,
    is_integer,
    is_name,
    number_of,
    plain,
    printable,
)
from tests.wire.hostile import damaged, fit_to_show, nested, objects, patient, replaced

GOOD = [
    b'{"id":1,"method":"mining.subscribe","params":["a",null,"b","1"]}',
    b'{"jsonrpc":"2.0","id":"x","result":true,"error":null}',
    b'{"id":null,"result":{"a":[1,2.5]},"error":[20,"text",null]}',
]


def read(line: bytes) -> Message:
    return decode(line, MinerError)


def test_a_request() -> None:
    message = read(b'{"id":1,"method":"m","params":[1,"two",null]}')
    assert (bytes(message.id), message.method, message.params) == (b"1", "m", [1, "two", None])
    assert (message.result, message.error) == (None, None)


def test_a_reply_with_keys_nobody_asked_for() -> None:
    message = read(b'{"jsonrpc":"2.0","result":true,"extra":{"deep":[1]},"error":[21,"no",null],"id":7}')
    assert (bytes(message.id), message.method) == (b"7", None)
    assert (message.result, message.error) == (True, [21, "no", None])


def test_an_empty_object_is_all_defaults() -> None:
    message = read(b"{}")
    assert (bytes(message.id), message.method, message.params) == (NULL, None, None)


def test_of_a_key_given_twice_the_last_one_holds() -> None:
    message = read(b'{"id":1,"id":2,"method":"a","method":"b","params":[1],"params":[2]}')
    assert (bytes(message.id), message.method, message.params) == (b"2", "b", [2])


@pytest.mark.parametrize("line", [b' {"id":1}', b'{"id":1}\r', b'\t{ "id" : 1 } \r', b'{"id":1\r}'])
def test_space_around_and_between_does_not_matter(line: bytes) -> None:
    assert bytes(read(line).id) == b"1"


IDS = [
    b"0",
    b"-1",
    b"1.5",
    b"1e5",
    b"9" * MAX_ID_BYTES,
    b'"abc"',
    b'"\\u00e9\\""',
    b'"\xc3\xa9"',
    NULL,
    b"true",
    b"false",
]


@pytest.mark.parametrize("raw", [*IDS, b"[1, 2]", b'{"a":{"b":null}}', b'""', b"-" + b"9" * 127])
def test_an_id_of_any_type_stays_as_it_came(raw: bytes) -> None:
    assert bytes(read(b'{"id": %s ,"method":"m"}' % raw).id) == raw


def test_an_id_to_be_echoed_stays_on_one_line() -> None:
    assert bytes(read(b'{"id":[1,\r2,\n{"a":\r\n3}]}').id) == b'[1, 2, {"a":  3}]'


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"9" * (MAX_ID_BYTES + 1), "an id of 129 bytes; at most 128 are taken"),
        (b'"%s"' % (b"a" * 200), "an id of 202 bytes; at most 128 are taken"),
        (b'"\xff"', "not valid JSON"),
        (b'"\xed\xa0\x80"', "not valid JSON"),
        (b'"\\ud800"', "not valid JSON"),
        (b'"a\rb"', "not valid JSON"),
        (b"1e999", "not a JSON-RPC line: Number out of range"),
    ],
)
def test_an_id_that_cannot_be_echoed_is_a_fault(raw: bytes, says: str) -> None:
    with pytest.raises(MinerError, match=says):
        read(b'{"id":%s,"method":"m"}' % raw)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"", "not a JSON object: ''"),
        (b"[1,2]", r"not a JSON object: '\[1,2\]'"),
        (b"17", "not a JSON object: '17'"),
        (b"null", "not a JSON object: 'null'"),
        (b'"text"', "not a JSON object"),
        (b"GET / HTTP/1.1\r", r"not a JSON object: 'GET / HTTP/1.1\\r'"),
        (b"\x16\x03\x01\x02\x00", r"not a JSON object: '\\x16\\x03\\x01\\x02\\x00'"),
        (b"\xef\xbb\xbf{}", "not a JSON object"),
        (b"{not json", "not valid JSON: '{not json'"),
        (b'{"id":1} {"id":2}', "not valid JSON"),
        (b'{"id":1', "not valid JSON"),
        (b'{"params":[NaN]}', "not valid JSON"),
        (b'{"params":["\xff"]}', "not valid JSON"),
        (b'{"params":["\\ud800"]}', "not valid JSON"),
        (b'{"params":["a\x00b"]}', "not valid JSON"),
        (b'{"method":17}', "not a JSON-RPC line: Expected `str | null`, got `int`"),
        (b'{"params":[1e999]}', "not a JSON-RPC line: Number out of range"),
    ],
)
def test_what_is_no_message_is_the_named_fault_in_one_short_line(line: bytes, says: str) -> None:
    with pytest.raises(MinerError, match=says) as fault:
        read(line)
    text = str(fault.value)
    assert text.isprintable()
    assert len(text) < MAX_FAULT + 100


def test_a_number_of_too_many_digits_is_a_fault() -> None:
    with pytest.raises(MinerError, match="not a JSON-RPC line: Integer value out of range"):
        read(b'{"params":[%s]}' % (b"9" * 5000))


@pytest.mark.parametrize("key", [b"id", b"params", b"nobody"])
def test_nesting_without_end_is_a_fault(key: bytes) -> None:
    with pytest.raises(MinerError, match="JSON nested too deeply"):
        read(b'{"%s":%s}' % (key, nested(1_000_000)))


def test_the_fault_is_the_one_asked_for() -> None:
    with pytest.raises(PoolError):
        decode(b"nonsense", PoolError)


def test_a_fault_far_inside_does_not_fill_the_log() -> None:
    with pytest.raises(MinerError) as fault:
        read(b'{"params":%s1e999%s}' % (b"[" * 500, b"]" * 500))
    assert len(str(fault.value)) < MAX_FAULT + 100


lines = st.binary(max_size=60) | objects(b"a", b"mining.notify") | damaged(GOOD) | replaced(GOOD)


@patient
@given(lines)
@example(b'{"id":"\xff"}')
@example(b'{"id":[1,\r2]}')
def test_any_bytes_are_a_message_or_the_named_fault(line: bytes) -> None:
    try:
        message = read(line)
    except MinerError as fault:
        fit_to_show(fault)
        return
    raw = bytes(message.id)
    assert b"\r" not in raw
    assert b"\n" not in raw
    assert len(raw) <= MAX_ID_BYTES
    json.loads(raw)  # and any other parser takes it, too


def test_nesting_fails_at_any_depth_by_the_named_fault_alone() -> None:
    for depth in range(1, sys.getrecursionlimit() + 50):
        for key in (b"id", b"params", b"other"):
            try:
                decode(b'{"%s":%s}' % (key, nested(depth)), PoolError)
            except PoolError:
                continue


# ---- writing


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", b'""'),
        ("rig 1", b'"rig 1"'),
        ('a"b\\c', b'"a\\"b\\\\c"'),
        ("\r\n\x00", b'"\\r\\n\\u0000"'),
        ("é漢😀", '"é漢😀"'.encode()),
        ("a\ud800b", b'"a?b"'),
        ("\udcff\udfff", b'"??"'),
    ],
)
def test_text_is_written_as_a_json_string(text: str, written: bytes) -> None:
    assert encode(text) == written


@given(st.text(st.characters()) | st.text(st.characters(categories=["Cs", "Cc", "Ll"])))
def test_any_text_is_written_and_reads_back(text: str) -> None:
    written = encode(text)
    assert b"\r" not in written
    assert b"\n" not in written
    assert json.loads(written) == text.encode("utf-8", "replace").decode()


# ---- showing


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"plain", "'plain'"),
        (b"\x1b[2J\xff\x00", "'\\x1b[2J\\xff\\x00'"),
        (b"a" * 60, "'" + "a" * 60 + "'"),
        (b"a" * 61, "'" + "a" * 60 + "'..."),
        (b"it's", '"it\'s"'),
    ],
)
def test_hostile_bytes_are_shown_in_plain_ascii(line: bytes, shown: str) -> None:
    assert printable(line) == shown


@given(st.binary(max_size=300))
def test_nothing_unprintable_is_shown(line: bytes) -> None:
    shown = printable(line)
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) <= 4 * 60 + 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rig-1 é", "rig-1 é"),
        ("a\r\n\x00\x1b[2Jb", "a????[2Jb"),
        ("x\ud800\u202e", "x??"),
        ("abcdefghij", "abcdefgh"),
    ],
)
def test_hostile_text_is_made_plain(text: str, shown: str) -> None:
    assert plain(text, 8 if len(text) == 10 else 20) == shown


@given(st.text(st.characters()), st.integers(0, 10))
def test_plain_text_is_printable_and_short(text: str, most: int) -> None:
    assert plain(text, most).isprintable()
    assert len(plain(text, most)) == min(most, len(text))


@pytest.mark.parametrize("raw", [b"0", b"17", b"-1", b"9" * 50])
def test_integers_are_told(raw: bytes) -> None:
    assert is_integer(raw)


@pytest.mark.parametrize(
    "raw", [b"", b"-", b"--1", b"1.0", b"1e5", b'"1"', b"null", b"+1", b" 1", "٣".encode()]
)
def test_all_else_is_no_integer(raw: bytes) -> None:
    assert not is_integer(raw)


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        (b"4", 4),
        (b"-4", -4),
        (b'"4"', 4),
        (b"9" * 19, 10**19 - 1),
        (b"9" * 20, None),
        (b"4.0", None),
        (NULL, None),
        (b'""', None),
        (b'"-"', None),
        (b"[4]", None),
    ],
)
def test_the_id_of_a_reply_is_a_number_of_ours_or_nobodys(raw: bytes, number: int | None) -> None:
    assert number_of(raw) == number


@pytest.mark.parametrize("text", ["", "rig 1", "шахта-é漢", "0xa0.rig", "a" * MAX_NAME])
def test_a_name_can_be_read(text: str) -> None:
    assert is_name(text)


@pytest.mark.parametrize("text", ["a" * (MAX_NAME + 1), "a\nb", "\x00", "\x1b[31m", "a\u202eb", "\ud800"])
def test_what_nobody_could_read_is_no_name(text: str) -> None:
    assert not is_name(text)

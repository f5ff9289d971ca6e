"""What a hostile or broken peer may send, as Hypothesis strategies for every parser's one property."""

import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from proxy.errors import SluiceError

# Runs on any machine, however busy: nothing in these tests is about time.
patient = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example]
)

# JSON, nearly JSON and no JSON: what has broken parsers before.
NASTY: tuple[bytes, ...] = (
    b"null",
    b"true",
    b"false",
    b"0",
    b"-0",
    b"-1",
    b"1.0",
    b"1e5",
    b"1e308",
    b"1e999",
    b"-1e999",
    b"1e-999",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"01",
    b"0x10",
    b"18446744073709551616",
    b"9" * 128,
    b"9" * 129,
    b"9" * 4300,
    b"9" * 4301,
    b"-" + b"9" * 4301,
    b'""',
    b'"true"',
    b'"\\u0000"',
    b'"\\u001b[2J"',
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"\\ud83d\\ude00"',
    b'"\xed\xa0\x80"',
    b'"\xff"',
    b'"\xc3\xa9"',
    b'"\xe2\x80\xae"',
    b'"\\"\\\\\\/\\b\\f\\n\\r\\t"',
    b'"\\q"',
    b'"a\x00b"',
    b'"unclosed',
    b'"' + b"a" * 600 + b'"',
    b"[]",
    b"[1,\r2]",
    b"[1 2]",
    b"[1,]",
    b"{}",
    b'{"a":1,"a":2}',
    b'{"code":true,"message":[]}',
    b"{1:2}",
    b"",
    b"t",
    b"//",
)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def nested(depth: int) -> bytes:
    """Lists in lists; at some depth near the interpreter's limit decoding fails, just below it all else."""
    return b"[" * depth + b"]" * depth


# One value, mostly sound; json.dumps writes NaN and lone surrogates as it finds them.
values: st.SearchStrategy[bytes] = (
    json_values.map(lambda value: json.dumps(value).encode())
    | st.sampled_from(NASTY)
    | st.integers(1, 1200).map(nested)
    | st.integers(1, 1200).map(lambda depth: b'{"a":' * depth + b"1" + b"}" * depth)
    | st.binary(max_size=12)
)


def fit_to_show(fault: SluiceError) -> None:
    """A fault's text is one line of bounded length, whatever the peer sent."""
    assert str(fault).isprintable()
    assert len(str(fault)) < 1000


def objects(*methods: bytes, members: tuple[bytes, ...] = ()) -> st.SearchStrategy[bytes]:
    """Lines of the right form with values of any kind, keys twice or missing or strange.

    Args:
        members: names of what params or result hold, in a dialect that gives them by name.
    """
    keys = st.sampled_from(
        [b'"id"', b'"method"', b'"params"', b'"result"', b'"error"', b'"jsonrpc"', b'"\xff"', b'""']
    )
    names = st.sampled_from([b'"%s"' % method for method in methods])
    member = st.tuples(keys, values) | st.tuples(st.just(b'"method"'), names)
    params = st.lists(values, max_size=6).map(lambda items: b"[" + b",".join(items) + b"]")
    if members:
        inner = st.tuples(st.sampled_from([b'"%s"' % name for name in members]), values)
        params |= st.lists(inner, max_size=6).map(_joined)
    known = st.tuples(st.sampled_from([b'"params"', b'"result"']), params)
    return st.lists(member | known, max_size=6).map(_joined)


def _joined(pairs: list[tuple[bytes, bytes]]) -> bytes:
    return b"{" + b",".join(key + b":" + value for key, value in pairs) + b"}"


@st.composite
def damaged(draw: st.DrawFn, lines: list[bytes]) -> bytes:
    """A known good line cut anywhere, with garbage put in or behind."""
    line = draw(st.sampled_from(lines))
    start = draw(st.integers(0, len(line)))
    end = draw(st.integers(start, len(line)))
    return line[:start] + draw(values) + line[end:] + draw(st.binary(max_size=4))


@st.composite
def replaced(draw: st.DrawFn, lines: list[bytes]) -> bytes:
    """A known good line with one value in it, at any depth, replaced by any other."""
    message: dict[str, Any] = json.loads(draw(st.sampled_from(lines)))
    holder: Any = message
    while True:
        key = draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
        if not isinstance(holder[key], list | dict) or not holder[key] or draw(st.booleans()):
            break
        holder = holder[key]
    holder[key] = "@"
    return json.dumps(message).encode().replace(b'"@"', draw(values))

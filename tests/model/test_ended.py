"""A share at its end keeps what it was made of on its way through a spool or a message."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from proxy.model.ended import Ended
from proxy.model.share import Reason

_TEXTS = st.text(max_size=40)
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False)

ENDED = st.builds(
    Ended,
    at=_NUMBERS,
    received=_NUMBERS,
    worker=_TEXTS,
    address=_TEXTS,
    listener=_TEXTS,
    dialect=_TEXTS,
    pool=_TEXTS,
    job=_TEXTS,
    reason=st.sampled_from(Reason),
    message=_TEXTS,
    difficulty=_NUMBERS,
    value=st.just(b"") | st.binary(min_size=32, max_size=32),
    roundtrip=st.none() | _NUMBERS,
    block=st.booleans(),
)


@given(ENDED)
def test_it_comes_back_as_it_was(share: Ended) -> None:
    for codec in (msgspec.msgpack, msgspec.json):
        assert msgspec.structs.astuple(
            codec.decode(codec.encode(share), type=Ended)
        ) == msgspec.structs.astuple(share)


def test_a_share_is_no_block_unless_it_is_said() -> None:
    share = Ended(2.0, 1.0, "rig1", "192.0.2.1", "farm", "aion", "", "0a", Reason.STALE, "", 0.0, b"", None)

    assert not share.block

"""Ids that every proxy gives alike."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.ledger.schema import share_id, source_id

fields = st.tuples(*[st.text(st.characters(exclude_characters="\0"))] * 4)


def test_the_id_of_a_source_never_changes() -> None:
    assert source_id("rig1", "10.0.0.1", "farm", "aion") == 3_661_930_558_467_349_876


@given(fields, fields)
def test_other_sources_have_other_ids_that_fit(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert 0 <= source_id(*one) < 2**63
    assert (source_id(*one) == source_id(*other)) == (one == other)


def test_the_id_of_a_share_outside() -> None:
    assert share_id(0xAB, 7) == "00000000000000ab-7"

"""The nonce space: whatever miners come and go, no two of them ever work in the same slice."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from proxy.core.extranonce import MAX_PREFIX, MAX_RESTING, NonceSpace, Slice
from proxy.errors import PoolError


def lend(space: NonceSpace) -> Slice:
    """Lend a slice where one must be free."""
    lent = space.lend()
    assert lent is not None
    return lent


def test_a_slice_is_the_pools_bytes_and_then_ours() -> None:
    space = NonceSpace("b760ca8200000000", 4, start=0x01020304)
    assert space.prefix_bytes == 12
    lent = lend(space)
    assert lent.prefix == "b760ca820000000001020304"
    assert lent.number == 0x01020304
    assert lent.space is space
    assert lend(space).prefix == "b760ca820000000001020305"


def test_the_ring_has_no_end() -> None:
    space = NonceSpace("", 1, start=0x1FF)
    assert [lend(space).prefix for _ in range(2)] == ["ff", "00"]


@pytest.mark.parametrize(("taken", "own"), [(0, 4), (2, 4), (8, 4), (13, 4), (14, 3), (16, 1)])
def test_our_part_shrinks_before_the_threads_of_a_miner_collide(taken: int, own: int) -> None:
    space = NonceSpace("ee" * taken, 4)
    assert space.own_bytes == own
    assert space.size == 256**own


@pytest.mark.parametrize("taken", [17, 18, 32])
def test_a_pool_that_leaves_no_room_is_at_fault(taken: int) -> None:
    with pytest.raises(PoolError, match=f"of {taken} bytes leaves no room.*at most 16 bytes work"):
        NonceSpace("ee" * taken, 4)


@given(st.integers(0, 16), st.integers(1, 8), st.integers(0, 2**64))
def test_a_prefix_is_as_long_as_said_and_never_above_the_bound(taken: int, own: int, start: int) -> None:
    space = NonceSpace("0f" * taken, own, start)
    lent = lend(space)
    assert len(lent.prefix) == 2 * space.prefix_bytes <= 2 * MAX_PREFIX
    assert lent.prefix.startswith(space.extranonce1)
    assert set(lent.prefix) <= set("0123456789abcdef")
    assert lent.number == start % space.size


def test_the_ring_of_one_byte_lends_all_256_and_no_more() -> None:
    space = NonceSpace("c511", 1, start=77)
    slices = [lend(space) for _ in range(256)]
    assert len({lent.prefix for lent in slices}) == 256
    assert space.lend() is None
    slices[5].give_back()
    assert space.lend() is None, "it rests"
    assert (space.lent, space.resting) == (255, 1)
    space.jobs_gone()
    assert lend(space).prefix == slices[5].prefix


def test_blob_work_has_one_byte_and_begins_behind_0() -> None:
    """Byte 0 on top of a nonce of zeros looks like no split at all, so it is lent when no other is left."""
    space = NonceSpace("", 1, start=1)
    assert (space.size, space.free, space.prefix_bytes) == (256, 256, 1)
    prefixes = [lend(space).prefix for _ in range(256)]
    assert prefixes == [*(f"{byte:02x}" for byte in range(1, 256)), "00"]
    assert space.free == 0
    assert space.lend() is None


def test_free_is_what_is_neither_lent_nor_resting() -> None:
    space = NonceSpace("", 1)
    slices = [lend(space) for _ in range(10)]
    assert space.free == 246
    slices[0].give_back()
    slices[0].give_back()
    assert (space.lent, space.resting, space.free) == (9, 1, 246), "what rests is not free"
    space.jobs_gone()
    assert space.free == 247


def test_a_second_return_does_not_take_the_slice_from_its_next_owner() -> None:
    space = NonceSpace("", 1)
    first = lend(space)
    first.give_back()
    space.jobs_gone()
    for _ in range(255):
        lend(space).give_back()
    space.jobs_gone()
    second = lend(space)
    assert second.number == first.number
    first.give_back()
    assert (space.lent, space.resting) == (1, 0)


def test_a_slice_of_another_space_is_not_taken() -> None:
    here, there = NonceSpace("01", 1), NonceSpace("02", 1)
    mine, other = lend(here), lend(there)
    here.take_back(other)
    assert here.lent == 1
    mine.give_back()
    assert here.lent == 0


def test_of_a_large_ring_only_so_many_resting_slices_are_remembered() -> None:
    space = NonceSpace("", 3)
    for _ in range(MAX_RESTING + 10):
        lend(space).give_back()
    assert space.resting == MAX_RESTING
    assert lend(space).number == MAX_RESTING + 10, "the forgotten ones come again a whole round later"


class Lending(RuleBasedStateMachine):
    """Miners come, go, go twice, and jobs end, on rings small enough to be full."""

    slices: Bundle[Slice] = Bundle("slices")
    ended: Bundle[Slice] = Bundle("ended")

    @initialize(extranonce1=st.sampled_from(["", "c511", "aa" * 15]), start=st.integers(0, 70_000))
    def connect(self, extranonce1: str, start: int) -> None:
        self.space = NonceSpace(extranonce1, 1, start)
        self.lent: dict[str, Slice] = {}
        self.resting: set[str] = set()

    @rule(target=slices, count=st.one_of(st.integers(1, 4), st.integers(100, 256)))
    def come(self, count: int) -> MultipleResults[Slice]:
        came = []
        for _ in range(count):
            full = len(self.lent) + len(self.resting) == self.space.size
            assert (self.space.free == 0) == full
            lent = self.space.lend()
            assert (lent is None) == full, "the bound is exact"
            if lent is not None:
                assert lent.prefix not in self.lent, "lent twice"
                assert lent.prefix not in self.resting, "lent while it rests"
                self.lent[lent.prefix] = lent
                came.append(lent)
        return multiple(*came)

    @rule(target=ended, lent=consumes(slices))
    def go(self, lent: Slice) -> Slice:
        lent.give_back()
        del self.lent[lent.prefix]
        self.resting.add(lent.prefix)
        return lent

    @rule(lent=ended)
    def go_again(self, lent: Slice) -> None:
        lent.give_back()

    @rule()
    def clean_job(self) -> None:
        self.space.jobs_gone()
        self.resting.clear()

    @invariant()
    def counts_agree(self) -> None:
        if hasattr(self, "space"):
            assert (self.space.lent, self.space.resting) == (len(self.lent), len(self.resting))


Lending.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestLending = Lending.TestCase

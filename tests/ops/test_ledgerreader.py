"""What is said of a ledger where it is off, and of a block where none is kept."""

import time

import pytest
import trio

from proxy.errors import SluiceError
from proxy.model.ended import Ended
from proxy.model.share import Reason
from proxy.ops.ledgerreader import OFF, LedgerBlock, LedgerDownError


def test_off_is_no_fault() -> None:
    assert (OFF.state, OFF.pending, OFF.written, OFF.lost, OFF.reason) == ("off", 0, 0, 0, "")
    assert issubclass(LedgerDownError, SluiceError)


async def test_a_block_of_a_share_that_has_just_ended() -> None:
    value = (2**250).to_bytes(32, "big")
    share = Ended(
        trio.current_time(), 0, "rig1", "a", "farm", "aion", "main", "1f", Reason.LOST, "", 4, value, None
    )
    block = LedgerBlock.of(share)
    assert (block.worker, block.pool, block.job, block.reached) == ("rig1", "main", "1f", 64.0)
    assert block.at == pytest.approx(time.time(), abs=5)
    share.value = b""
    assert LedgerBlock.of(share).reached > 0

"""Options decide what a miner speaks with."""

import random

import pytest
import trio.testing

from proxy.sim.aion_link import AionLink
from proxy.sim.dialects import speak
from proxy.sim.link import Memory, MinerLink
from proxy.sim.login_link import LoginLink
from proxy.sim.miner_options import MinerOptions
from proxy.sim.report import FarmReport
from proxy.sim.verdicts import Kind
from proxy.sim.waiting import Changes


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        (MinerOptions(), AionLink, b"mining.subscribe"),
        (MinerOptions(dialect="login", rig="rig7"), LoginLink, b'"rigid":"rig7","algo":["equihash/48_5"]'),
        (MinerOptions(dialect="login", blob=True), LoginLink, b'"algo":["cn/0","rx/0"]'),
    ],
)
async def test_what_a_dialect_is_made_of(options: MinerOptions, kind: type[MinerLink], says: bytes) -> None:
    dialect = speak(options, "127.0.0.1", 3333, random.Random(1))
    ours, _ = trio.testing.memory_stream_pair()
    assert type(dialect.link(ours, FarmReport(), Memory(), Changes())) is kind
    assert says in dialect.manners.hello
    assert (Kind.NOT_SUBSCRIBED in dialect.manners.before_share) is (kind is AionLink)

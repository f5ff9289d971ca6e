"""Listeners of a running board that come, stay and go; their ports are in test_ports.py."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
from trio.testing import MockClock

from proxy.config import Address, Config, Limits, Listen, Pool, Upstream
from proxy.core.tally import Tally
from proxy.downstream.board import Board
from proxy.downstream.certificates import Certificates
from proxy.downstream.door import Door
from proxy.lifecycle.frontage import Frontage
from proxy.lifecycle.ports import Ports
from tests.downstream.boards import FakePoolSide
from tests.kit.miners import FakeHouse, SocketMiner, within

FARM = Listen(name="farm", url=Address("stratum+tcp", "127.0.0.1", 0))
BARN = attrs.evolve(FARM, name="barn")


@pytest.fixture
def clock() -> MockClock:
    """Let time jump once nothing has happened for some real milliseconds."""
    return MockClock(autojump_threshold=0.005)


@attrs.define
class Open:
    """A board with listeners that can be changed."""

    board: Board
    frontage: Frontage
    ports: Ports
    config: Config

    async def miner(self, listener: str) -> SocketMiner:
        """Connect to a listener."""
        (address,) = [at for listen, at in self.ports.standing if listen.name == listener]
        return await SocketMiner.connect((address.host, address.port))

    def becomes(self, *listen: Listen, limits: Limits | None = None) -> list[Door]:
        """Go by another configuration."""
        self.config = attrs.evolve(self.config, listen=listen, limits=limits or Limits())
        ports = self.ports.prepare(listen)
        shut = self.frontage.change(self.config, ports)
        self.ports.take(ports)
        return shut


@asynccontextmanager
async def opened(*listen: Listen) -> AsyncIterator[Open]:
    """Run a board with listeners."""
    config = Config(
        upstream=Upstream(
            user="account",
            algorithm="equihash/48_5",
            pools=(Pool(url=Address("stratum+tcp", "pool.example", 3333)),),
        ),
        listen=listen,
    )
    house = FakeHouse()
    board = Board(house, config.limits, Tally(), FakePoolSide())
    ports = Ports()
    ports.bind(attrs.evolve(config, http=attrs.evolve(config.http, address="")))
    frontage = Frontage(board, Lanes(house), Certificates(listen))  # type: ignore[arg-type]  # numbers lanes
    frontage.open(config, ports)
    with within():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(board.run)
            yield Open(board, frontage, ports, config)
            nursery.cancel_scope.cancel()
    ports.close()


@attrs.define
class Lanes:
    """A relay, as far as listeners need it."""

    house: FakeHouse

    def lane_of(self, difficulty: object) -> int:
        return self.house.lane_of(difficulty) if isinstance(difficulty, float) else 0


async def test_a_limit_holds_for_miners_that_are_here(clock: MockClock) -> None:
    async with opened(FARM) as at, await at.miner("farm") as miner:
        await miner.log_in()
        assert at.becomes(FARM, limits=Limits(bad_lines=1)) == []
        await miner.say("hello")
        assert "limits.bad_lines" in str(await miner.hear_rest())


async def test_a_difficulty_is_for_the_miners_of_its_listener(clock: MockClock) -> None:
    async with opened(FARM, BARN) as at, await at.miner("farm") as one, await at.miner("barn") as other:
        await one.log_in()
        await other.log_in()
        at.becomes(attrs.evolve(FARM, difficulty=8.0), BARN)
        by_listener = {c.session.listener: c.session for c in at.board.connections.values()}
        assert by_listener["farm"].assignment.lane == by_listener["farm"].door.lane != 0
        assert by_listener["barn"].assignment.lane == 0


async def test_a_dialect_is_for_those_who_come(clock: MockClock) -> None:
    async with opened(FARM) as at, await at.miner("farm") as miner:
        await miner.log_in()
        at.becomes(attrs.evolve(FARM, dialect="login"))
        async with await at.miner("farm") as late:
            await late.say({"id": 1, "method": "mining.subscribe", "params": []})
            assert "does not take the aion dialect" in str(await late.hear_rest())
        await miner.say({"id": 9, "method": "mining.authorize", "params": ["rig", "x"]})
        assert (await miner.hear_reply(9))["result"] is True


async def test_one_that_is_gone_tells_whose_miners_are_to_go(clock: MockClock) -> None:
    async with opened(FARM, BARN) as at, await at.miner("barn") as miner:
        await miner.log_in()
        (door,) = at.becomes(FARM)
        assert [c.session.door is door for c in at.board.connections.values()] == [True]


async def test_one_that_moves_is_another_of_the_same_name(clock: MockClock, tmp_path: object) -> None:
    async with opened(FARM) as at, await at.miner("farm") as miner:
        await miner.log_in()
        moved = attrs.evolve(FARM, url=Address("unix", "", 0, f"{tmp_path}/farm.sock"))
        (door,) = at.becomes(moved)
        (session,) = [c.session for c in at.board.connections.values()]
        assert session.door is door


async def test_one_that_comes_takes_miners_of_either_transport(clock: MockClock) -> None:
    web = attrs.evolve(BARN, name="web", url=Address("ws", "127.0.0.1", 0))
    async with opened(FARM) as at:
        assert at.becomes(FARM, BARN, web) == []
        async with await at.miner("barn") as miner:
            await miner.log_in()
        (address,) = [a for listen, a in at.ports.standing if listen.name == "web"]
        async with await trio.open_tcp_stream(address.host, address.port) as stream:
            await stream.send_all(b"GET / HTTP/1.1\r\nHost: sluice\r\n\r\n")
            assert b"HTTP/1.1 400" in await stream.receive_some()

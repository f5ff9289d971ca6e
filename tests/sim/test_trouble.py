"""Second connections that spoil themselves: what the pool makes of them."""

import pytest
import trio

from proxy.sim.aion_link import aion_manners
from proxy.sim.faults import Shot
from proxy.sim.link import Login
from proxy.sim.login_link import login_manners
from proxy.sim.pool import SimPool
from proxy.sim.report import FarmReport
from proxy.sim.rig import Task
from proxy.sim.trouble import Troublemaker
from proxy.sim.verdicts import Kind
from tests.sim.talker import living

SHOT = Shot(Kind.GOOD, Task("1", "ab" * 32, b"\xff" * 32, ""), b'["w","1","","",""]')


LOGIN_SHOT = Shot(Kind.GOOD, SHOT.task, b'{"id":"s1","job_id":"j1","nonce":"","result":""}')


async def make(kind: Kind, pool: SimPool, hold: float = 0.05) -> FarmReport:
    async def dial() -> trio.abc.Stream:
        return await trio.open_tcp_stream("127.0.0.1", pool.port)

    report = FarmReport()
    login = Login("w", "x", "a", "127.0.0.1", pool.port)
    if pool.options.dialect == "login":
        await Troublemaker(dial, login_manners(login, None), report, hold, "login").make(kind, LOGIN_SHOT)
    else:
        await Troublemaker(dial, aion_manners(login), report, hold, "solo").make(kind, SHOT)
    return report


@pytest.mark.parametrize(
    ("kind", "hold", "outcome"),
    [
        (Kind.JUNK, 5, "closed"),
        (Kind.LONG_LINE, 5, "closed"),
        (Kind.HALF_LINE, 0.05, "kept"),
        (Kind.SLOW_READER, 0.05, "kept"),
    ],
)
async def test_outcomes(kind: Kind, hold: float, outcome: str) -> None:
    async with living() as pool:
        report = await make(kind, pool, hold)
        assert report.troubles == {f"{kind.value}: {outcome}": 1}
        await pool.until(lambda pool: not pool.sessions)


@pytest.mark.parametrize("kind", [Kind.UNAUTHORIZED, Kind.NOT_SUBSCRIBED])
async def test_shares_before_login(kind: Kind) -> None:
    async with living() as pool:
        report = await make(kind, pool, 5)
        assert report.verdicts == {kind.value: {kind.value: 1}}
        assert (report.expected, report.conserved()) == (1, True)


async def test_a_share_before_login_in_the_login_dialect() -> None:
    async with living(dialect="login", blob=True) as pool:
        report = await make(Kind.UNAUTHORIZED, pool, 5)
        assert report.verdicts == {"unauthorized": {"unauthorized": 1}}
        assert (report.expected, report.violations, report.conserved()) == (1, {}, True)


@pytest.mark.parametrize(
    ("kind", "outcome"), [(Kind.JUNK, "closed"), (Kind.HALF_LINE, "kept"), (Kind.SLOW_READER, "kept")]
)
async def test_outcomes_in_the_login_dialect(kind: Kind, outcome: str) -> None:
    async with living(dialect="login", blob=True) as pool:
        report = await make(kind, pool, 5 if outcome == "closed" else 0.05)
        assert report.troubles == {f"{kind.value}: {outcome}": 1}


async def test_a_share_that_nobody_answers_is_dropped() -> None:
    async with living(silent=True) as pool:
        report = await make(Kind.NOT_SUBSCRIBED, pool)
        assert (report.dropped, report.conserved()) == (1, True)


async def test_nobody_listening_is_booked() -> None:
    async with living() as pool:
        await pool.go_down()
        report = await make(Kind.JUNK, pool)
        assert report.troubles == {"junk: no_connection": 1}

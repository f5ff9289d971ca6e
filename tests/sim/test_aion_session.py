"""One connection to the simulated pool in the Aion dialect: what only such pools mind.

What follows what there is in test_pool.py, with the pool as a whole.
"""

import pytest

from proxy.sim.rig import Proof
from tests.sim.talker import Talker, living, submit


async def test_strict_four_submits_in_one_read_are_too_many() -> None:
    async with living(strict=True, trust=True) as pool:
        talker = await Talker.to(pool)
        task = await talker.log_in()
        lines = [submit(task, Proof(task.next_nonce(), "00" * 36)) for _ in range(4)]
        await talker.say(b"".join(lines[:3]))
        assert all([b"true" in await talker.line() for _ in range(3)])
        assert await talker.ask(b"".join(lines)) == b""
        assert (pool.tally.overflows, pool.tally.submits) == (1, 3)


async def test_strict_a_request_without_params_ends_the_process() -> None:
    async with living(strict=True, restart_seconds=0) as pool:
        talker = await Talker.to(pool)
        assert await talker.ask(b'{"id":2,"method":"mining.authorize"}\n') == b""
        await pool.until(lambda pool: pool.tally.jobs == 2)
        assert pool.tally.paramless == 1


async def test_no_extranonce1_is_moved_before_there_is_one() -> None:
    async with living() as pool:
        talker = await Talker.to(pool)
        await pool.until(lambda pool: pool.sessions)
        pool.move_extranonce()
        assert b"mining.notify" in await talker.line()


@pytest.mark.parametrize(
    "params", ['["w","1"]', "[[],{},null,1,[]]", '{"a":1}', '"x"', "[" * 500 + "]" * 500]
)
async def test_params_of_any_shape_are_judged_and_recorded(params: str) -> None:
    async with living(record=True) as pool:
        talker = await Talker.to(pool)
        await talker.log_in()
        line = f'{{"id":4,"method":"mining.submit","params":{params}}}\n'
        assert b'"error":[2' in await talker.ask(line.encode())
        assert (pool.shares[0].worker, pool.shares[0].nonce) == ("", "")

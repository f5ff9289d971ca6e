"""One connection to the simulated pool: what becomes of verdicts, and where a real pool cuts it.

Here it speaks Aion; test_login_pool.py has the same of the login dialect.
"""

import trio

from proxy.sim.rig import Proof
from tests.sim.talker import Talker, living, submit


async def test_refusals_are_doubled_and_nothing_else() -> None:
    async with living(trust=True, double_refusals=True) as pool:
        talker = await Talker.to(pool)
        task = await talker.log_in()
        line = submit(task, Proof(task.next_nonce(), "00" * 36))
        answers = [await talker.ask(line), await talker.ask(line), await talker.line()]
        assert [b"duplicate" in answer for answer in answers] == [False, True, True]
        assert answers[1] == answers[2]


async def test_replies_are_put_out_of_order() -> None:
    async with living(trust=True, reorder_replies=3) as pool:
        talker = await Talker.to(pool)
        task = await talker.log_in()
        lines = [submit(task, Proof(task.next_nonce(), "00" * 36), number) for number in (4, 5, 6)]
        await talker.say(b"".join(lines))
        got = [(await talker.json())["id"] for _ in lines]
        assert got != [4, 5, 6]
        assert sorted(got) == [4, 5, 6]


async def test_replies_are_dropped_and_counted() -> None:
    async with living(trust=True, drop_replies=0.5) as pool:
        talker = await Talker.to(pool)
        task = await talker.log_in()
        for _ in range(20):
            await talker.say(submit(task, Proof(task.next_nonce(), "00" * 36)))
        await pool.until(lambda pool: pool.tally.submits == 20)
        await talker.say(b'{"id":99,"method":"mining.extranonce.subscribe","params":[]}\n')
        answers = 0
        while b'"id":99' not in await talker.line():
            answers += 1
        assert 0 < answers == 20 - pool.tally.replies_dropped < 20


async def test_delayed_replies_come_though_the_miner_has_closed_its_side() -> None:
    async with living(trust=True, delay_replies=0.01) as pool:
        talker = await Talker.to(pool)
        task = await talker.log_in()
        await talker.say(submit(task, Proof(task.next_nonce(), "00" * 36)))
        assert isinstance(talker.stream, trio.SocketStream)
        await talker.stream.send_eof()
        assert b'"id":4' in await talker.line()
        assert await talker.line() == b""


async def test_a_line_that_is_no_json_ends_the_connection() -> None:
    async with living() as pool:
        talker = await Talker.to(pool)
        assert await talker.ask(b"{nonsense\n") == b""
        assert pool.tally.bad_lines == 1


# ---- a real pool's limits


async def test_strict_a_bad_ratio_bans_the_address_without_an_answer() -> None:
    async with living(strict=True, ban_after=4) as pool:
        talker = await Talker.to(pool)
        task = await talker.log_in()
        bad = submit(task, Proof(task.next_nonce(), "00" * 36))
        for _ in range(3):
            assert await talker.ask(bad)
        assert await talker.ask(bad) == b""
        assert await (await Talker.to(pool)).line() == b""
        assert (pool.tally.bans, pool.tally.turned_away) == (1, 1)

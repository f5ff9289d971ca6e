"""The simulated pool as a client sees it: what follows what, its judgement, and every fault to order."""

import json
from typing import Any

import pytest
import trio
import trio.testing

from proxy.sim.pool import PoolOptions, SimPool
from proxy.sim.rig import Proof
from tests.sim.talker import AUTHORIZE, SUBSCRIBE, Talker, living, proofs_of, submit, task_of

# ---- what follows what


async def test_solo_gives_the_job_before_authorize() -> None:
    async with living() as pool:
        talker = await Talker.to(pool)
        subscribed = json.loads(await talker.ask(SUBSCRIBE))
        assert subscribed["result"][0] is None
        assert len(subscribed["result"][1]) == 16
        assert (await talker.json())["params"][:2] == ["1", True]
        assert await talker.ask(AUTHORIZE) == b'{"id":2,"result":true,"error":null}\n'


async def test_solo_counts_extranonce1_for_each_subscribe() -> None:
    async with living() as pool:
        talker = await Talker.to(pool)
        first = json.loads(await talker.ask(SUBSCRIBE))["result"][1]
        await talker.line()
        second = json.loads(await talker.ask(SUBSCRIBE))["result"][1]
        assert (first[:8], first[8:], second[8:]) == (second[:8], "00000000", "00000001")


async def test_solo_gives_jobs_even_to_the_silent() -> None:
    async with living() as pool:
        talker = await Talker.to(pool)
        await pool.until(lambda pool: pool.sessions)
        pool.new_job()
        assert (await talker.json())["params"][0] == "2"


async def test_p2_gives_the_job_after_authorize_and_the_target_behind_it() -> None:
    async with living(style="p2", difficulty=8) as pool:
        talker = await Talker.to(pool)
        subscribed = json.loads(await talker.ask(SUBSCRIBE))
        assert len(subscribed["result"][0][1]) == 13
        assert len(subscribed["result"][1]) == 4
        assert await talker.ask(AUTHORIZE) == b'{"result":true,"error":null,"id":2}\n'
        notify = await talker.json()
        assert len(notify["params"][0]) == 8
        assert notify["params"][2] < "0009"  # the network's
        assert (await talker.json())["params"] == ["20" + "0" * 62]


async def test_p2_gives_no_job_when_authorized_before_subscribed() -> None:
    async with living(style="p2") as pool:
        talker = await Talker.to(pool)
        await talker.ask(AUTHORIZE)
        await talker.ask(SUBSCRIBE)
        short = SUBSCRIBE.replace(b',null,"h","1"', b"")
        assert b"invalid request" in await talker.ask(short)  # what comes next is this, no job


@pytest.mark.parametrize(
    ("options", "ok"),
    [({"users": frozenset({"me"})}, False), ({"strict": True}, True), ({}, True)],
)
async def test_authorize(options: dict[str, Any], ok: bool) -> None:
    async with living(**options) as pool:
        talker = await Talker.to(pool)
        assert json.loads(await talker.ask(AUTHORIZE))["result"] is ok


async def test_a_strict_solo_pool_refuses_a_worker_behind_the_address() -> None:
    async with living(strict=True) as pool:
        talker = await Talker.to(pool)
        line = AUTHORIZE.replace(b'","x"', b'.rig","x"')
        assert await talker.ask(line) == b'{"id":2,"result":false,"error":null}\n'


# ---- judgement


async def test_good_shares_and_each_refusal() -> None:
    async with living(difficulty=2, record=True) as pool:
        talker = await Talker.to(pool)
        task = await talker.log_in()
        proofs = proofs_of(task, pool)
        good = [p for p in proofs if _meets(task.target, task.header, p)]
        low = next(p for p in proofs if p not in good)
        first, second = good[:2]
        forged = await _forged(task.target, task.header, second)
        expected = [
            (submit(task, first), "true"),
            (submit(task, first), "duplicate share"),
            (submit(task, low), "Header hash larger than target"),
            (submit(task, forged), "invalid solution"),
            (submit(task, second, job="77"), "job not found"),
            (submit(task, Proof(second.nonce[:-2], second.solution)), "incorrect size of nonce"),
            (submit(task, Proof(second.nonce, "")), "incorrect size of solution"),
            (submit(task, Proof(second.nonce[:-1] + "x", second.solution)), "invalid hex"),
            (submit(task, second, size="00"), "true"),
        ]
        for line, answer in expected:
            assert answer.encode() in await talker.ask(line)
        tally = pool.tally
        assert (tally.submits, tally.accepted, tally.bad) == (9, 2, 7)
        assert tally.refused["malformed"] == 3
        assert (tally.nonces, tally.repeated_nonces) == (3, 2)
        assert [share.verdict.reason.value for share in pool.shares][:2] == ["accepted", "duplicate"]


def _meets(target: bytes, header: str, proof: Proof) -> bool:
    from proxy.native.reference import share_value

    return share_value(header, proof.nonce, proof.solution) < target


async def _forged(target: bytes, header: str, proof: Proof) -> Proof:
    """The same nonce with zeros and a counter for a solution, until its value meets the target."""
    candidates = (Proof(proof.nonce, f"{n:072x}") for n in range(1000))
    return next(p for p in candidates if _meets(target, header, p))


async def test_a_second_solution_of_a_nonce_is_honest_unless_strict() -> None:
    for strict in (False, True):
        async with living(strict=strict, trust=True) as pool:
            talker = await Talker.to(pool)
            task = await talker.log_in()
            nonce = task.next_nonce()
            await talker.ask(submit(task, Proof(nonce, "11" * 36)))
            answer = await talker.ask(submit(task, Proof(nonce, "22" * 36)))
            assert (b"duplicate" in answer) is strict
            assert (pool.tally.second_solutions, pool.tally.bad) == (1, 0)


async def test_a_share_before_login() -> None:
    async with living() as pool:
        talker = await Talker.to(pool)
        assert b"[25," in await talker.ask(b'{"id":4,"method":"mining.submit","params":[]}\n')
        await talker.ask(SUBSCRIBE)
        notify = json.loads(await talker.line())
        line = submit(task_of(notify, "00" * 8), Proof("00" * 32, "00" * 36))
        assert b"[24," in await talker.ask(line)


async def test_p2_forgets_jobs_and_solo_does_not() -> None:
    for style, answer in (("p2", b"stale share"), ("solo", b'"result":true')):
        async with living(style=style, trust=True) as pool:
            talker = await Talker.to(pool)
            task = await talker.log_in()
            for _ in range(3):
                pool.new_job()
            await talker.say(submit(task, Proof(task.next_nonce(), "00" * 36)))
            assert answer in await talker.until(b'"id":4')


# ---- faults to order


async def test_a_lost_pool_refuses_and_comes_back_on_its_port() -> None:
    async with living() as pool:
        talker = await Talker.to(pool)
        await talker.ask(SUBSCRIBE)
        await talker.line()
        port, job = pool.port, pool.shelf.current
        await pool.go_down()
        assert await talker.line() == b""
        with pytest.raises(OSError, match="connect"):
            await Talker.to(pool)
        await pool.come_up()
        assert pool.port == port
        assert pool.shelf.current is job
        assert b'"result":[null' in await (await Talker.to(pool)).ask(SUBSCRIBE)


async def test_a_restarted_pool_begins_with_job_1_and_another_extranonce1() -> None:
    async with living() as pool:
        talker = await Talker.to(pool)
        before = await talker.log_in()
        pool.new_job()
        await pool.restart()
        after = await (await Talker.to(pool)).log_in()
        assert before.id == after.id == "1"
        assert before.header != after.header
        assert before.prefix != after.prefix


async def test_a_silent_pool_takes_bytes_and_answers_nothing() -> None:
    async with living() as pool:
        talker = await Talker.to(pool)
        pool.hush()
        await talker.say(SUBSCRIBE)
        await pool.until(lambda pool: pool.tally.lines == 1)
        pool.new_job()
        pool.hush(silent=False)
        assert json.loads(await talker.ask(AUTHORIZE))["id"] == 2  # nothing came before it


async def test_set_difficulty_moves_the_target_and_leaves_grace() -> None:
    for grace, answer in ((60.0, b'"result":true'), (0.0, b"low difficulty share")):
        async with living(style="p2", trust=True, target_grace=grace) as pool:
            talker = await Talker.to(pool)
            task = await talker.log_in()
            await talker.until(b"set_target")
            pool.set_difficulty(2**40)
            assert f"{2**216:064x}".encode() in await talker.line()
            assert answer in await talker.ask(submit(task, Proof(task.next_nonce(), "00" * 36)))


async def test_solo_moves_its_target_by_a_job() -> None:
    async with living() as pool:
        talker = await Talker.to(pool)
        await talker.log_in()
        pool.set_difficulty(4)
        assert (await talker.json())["params"][2] == "4" + "0" * 63


async def test_a_new_extranonce1_holds_from_the_next_job_on() -> None:
    async with living(trust=True, extranonce_subscribe=True) as pool:
        talker = await Talker.to(pool)
        old = await talker.log_in()
        line = b'{"id":3,"method":"mining.extranonce.subscribe","params":[]}\n'
        assert json.loads(await talker.ask(line))["result"] is True
        pool.move_extranonce()
        moved = await talker.json()
        assert moved["method"] == "mining.set_extranonce"
        assert moved["params"][1] == 24
        new = task_of(await talker.json(), moved["params"][0])
        assert new.prefix != old.prefix
        for task in (old, new):
            assert b"true" in await talker.ask(submit(task, Proof(task.next_nonce(), "00" * 36)))
        assert {nonce[:16] for job in (old, new) for nonce in pool.shelf.find(job.id)[0].nonces} == {  # type: ignore[union-attr]
            old.prefix,
            new.prefix,
        }


async def test_inject_reconnect_and_rebroadcast() -> None:
    async with living(garbage=1.0) as pool:
        talker = await Talker.to(pool)
        task = await talker.log_in()
        pool.inject(b"junk\n")
        assert await talker.line() == b"junk\n"
        pool.ask_reconnect("example.org", 3333)
        assert (await talker.json())["params"] == ["example.org", 3333, 0]
        pool.rebroadcast()
        assert (await talker.json())["params"][0] == task.id
        pool.new_job()
        assert b"mining.notify" not in await talker.line() or b"[7]" in await talker.line()


# ---- jobs by the clock, and memory streams


async def test_jobs_come_by_the_clock_and_over_any_stream(autojump_clock: trio.testing.MockClock) -> None:
    pool = SimPool(PoolOptions(job_seconds=10, clean_ratio=0))
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        nursery.start_soon(pool.talk, theirs)
        talker = Talker(ours)
        await pool.until(lambda pool: pool.sessions)
        await trio.sleep(25)
        assert [(await talker.json())["params"][:2] for _ in range(2)] == [["2", False], ["3", False]]
        nursery.cancel_scope.cancel()


async def test_equal_seeds_make_equal_jobs() -> None:
    headers = []
    for _ in range(2):
        async with living(seed=7) as pool:
            headers.append([pool.new_job().header for _ in range(3)])
            assert pool.job_written(headers[-1][0]) is not None
            assert pool.job_written("00") is None
    assert headers[0] == headers[1]

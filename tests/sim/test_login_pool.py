"""The simulated pool in the login dialect: every fault to order, as a client sees it."""

from typing import Any

import pytest
import trio
import trio.testing

from proxy.sim import commands
from proxy.sim.commands import FAULTS, run_pool
from proxy.sim.pool import PoolOptions, SimPool
from tests.sim.login_talker import LoginTalker, hashes, line, message_of, proofs
from tests.sim.talker import Talker, living

WORKS = pytest.mark.parametrize("blob", [False, True], ids=["equihash", "blob"])


async def entered(pool: SimPool) -> tuple[LoginTalker, Any]:
    """A connection that has logged in, and its job."""
    talker = LoginTalker((await Talker.to(pool)).stream)
    return talker, await talker.enter()


def first_share(job: Any) -> dict[str, str]:
    return next(proofs(job) if "xn" in job else hashes(job))


# ---- jobs


async def test_a_job_that_voids_none_before_it_says_so() -> None:
    async with living(dialect="login") as pool:
        talker, job = await entered(pool)
        assert "clean" not in job
        pool.new_job(clean=False)
        assert (await talker.json())["params"]["clean"] is False


@WORKS
async def test_extra_members_are_in_every_job(blob: bool) -> None:
    async with living(dialect="login", blob=blob, extra_members={"odd": {"a": [1, None]}}) as pool:
        talker, job = await entered(pool)
        pool.new_job()
        for given in (job, (await talker.json())["params"]):
            assert given["odd"] == {"a": [1, None]}


@WORKS
async def test_shares_for_older_jobs_are_honoured_and_counted(blob: bool) -> None:
    async with living(dialect="login", blob=blob) as pool:
        talker, job = await entered(pool)
        pool.new_job()
        await talker.line()
        assert message_of(await talker.ask(talker.submit(first_share(job)))) == "OK"
        assert (pool.tally.late, pool.tally.bad) == (1, 0)


@WORKS
async def test_a_clean_job_makes_those_before_it_stale_if_so_ordered(blob: bool) -> None:
    async with living(dialect="login", blob=blob, expires=True) as pool:
        talker, job = await entered(pool)
        share = talker.submit(first_share(job))
        for clean, text in ((False, "OK"), (True, "Block expired")):
            pool.new_job(clean=clean)
            await talker.line()
            assert message_of(await talker.ask(share)) == text


@WORKS
async def test_when_a_job_was_handed_out_is_known_by_header_and_by_blob(blob: bool) -> None:
    async with living(dialect="login", blob=blob) as pool:
        _, job = await entered(pool)
        key = job["blob"] if blob else job["blob"][:64]
        assert pool.job_written(key) is not None
        assert pool.job_written("00" * 76) is None


async def test_jobs_come_by_the_clock_and_over_any_stream(autojump_clock: trio.testing.MockClock) -> None:
    pool = SimPool(PoolOptions(dialect="login", blob=True, job_seconds=10))
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        await nursery.start(pool.run)
        nursery.start_soon(pool.talk, theirs)
        talker = LoginTalker(ours)
        job = await talker.enter()
        await trio.sleep(25)
        heights = [(await talker.json())["params"]["height"] for _ in range(2)]
        assert heights == [job["height"] + 1, job["height"] + 2]
        nursery.cancel_scope.cancel()


# ---- what moves


@WORKS
async def test_a_target_moves_by_a_new_id_for_the_same_work(blob: bool) -> None:
    for grace, text in ((60.0, "OK"), (0.0, "Low difficulty share")):
        async with living(dialect="login", blob=blob, target_grace=grace) as pool:
            talker, old = await entered(pool)
            pool.set_difficulty(2**20)
            new = (await talker.json())["params"]
            assert new["blob"] == old["blob"]
            assert (new["job_id"], new["target"]) != (old["job_id"], old["target"])
            assert new.get("clean", False) is False
            # The old one's target holds for a while, but for the old one only.
            share = first_share(old)
            assert message_of(await talker.ask(talker.submit(share))) == text
            again = {**share, "job_id": new["job_id"]}
            assert message_of(await talker.ask(talker.submit(again))) == "Duplicate share"
            other = {**list(proofs(new) if "xn" in new else hashes(new))[1]}
            assert message_of(await talker.ask(talker.submit(other))) == "Low difficulty share"


@WORKS
@pytest.mark.parametrize("digits", [8, 16])
async def test_a_target_of_few_digits_holds_as_it_was_said(blob: bool, digits: int) -> None:
    async with living(dialect="login", blob=blob, target_digits=digits, difficulty=3) as pool:
        talker, job = await entered(pool)
        said = int.from_bytes(bytes.fromhex(job["target"]), "little")
        assert said == 2 ** (4 * digits) // 3
        for share in list(proofs(job) if not blob else hashes(job, 20)):
            value = bytes.fromhex(share["result"])
            compared = value[::-1] if blob else value
            first = int.from_bytes(compared[: digits // 2], "big")
            text = "OK" if first < said else "Low difficulty share"
            assert message_of(await talker.ask(talker.submit(share))) == text


async def test_a_new_extranonce1_comes_with_the_next_job() -> None:
    async with living(dialect="login") as pool:
        talker, old = await entered(pool)
        pool.move_extranonce()
        new = (await talker.json())["params"]
        assert new["xn"] != old["xn"]
        assert new["blob"][64:80] == new["xn"]
        for job in (old, new):
            assert message_of(await talker.ask(talker.submit(first_share(job)))) == "OK"
        mixed = {**first_share(old), "job_id": new["job_id"]}
        assert message_of(await talker.ask(talker.submit(mixed))) == "Invalid nonce"


async def test_a_moved_blob_is_judged_as_the_one_that_was_given() -> None:
    async with living(dialect="login", blob=True) as pool:
        talker, old = await entered(pool)
        pool.move_extranonce()
        new = (await talker.json())["params"]
        for job in (old, new):
            assert message_of(await talker.ask(talker.submit(first_share(job)))) == "OK"


# ---- faults


@WORKS
async def test_a_lost_pool_comes_back_with_the_same_job_and_another_session(blob: bool) -> None:
    async with living(dialect="login", blob=blob) as pool:
        talker, old = await entered(pool)
        await pool.lose(0)
        assert await talker.line() == b""
        again, new = await entered(pool)
        assert new["job_id"] == old["job_id"]
        assert new["blob"] != old["blob"]
        assert again.session != talker.session
        stolen = {**first_share(new), "id": talker.session}
        assert message_of(await again.ask(again.submit(stolen))) == "Unauthenticated"


@WORKS
async def test_a_restarted_pool_begins_with_the_first_id_and_other_work(blob: bool) -> None:
    async with living(dialect="login", blob=blob) as pool:
        talker, before = await entered(pool)
        share = first_share(before)
        pool.new_job()
        await pool.restart()
        talker, after = await entered(pool)
        assert before["job_id"] == after["job_id"] == "j1"
        assert before["blob"][:80] != after["blob"][:80]
        answer = message_of(await talker.ask(talker.submit(share)))
        assert answer == ("Low difficulty share" if blob else "Invalid nonce")


async def test_a_silent_pool_takes_bytes_and_answers_nothing() -> None:
    async with living(dialect="login") as pool:
        talker, _ = await entered(pool)
        ping = line("keepalived", {"id": talker.session}, 7)
        lines = pool.tally.lines
        pool.hush()
        await talker.say(ping)
        await pool.until(lambda pool: pool.tally.lines == lines + 1)
        pool.new_job()
        pool.hush(silent=False)
        assert b'"id":8' in await talker.ask(ping.replace(b'"id":7', b'"id":8'))


async def test_drop_inject_reconnect_rebroadcast_and_garbage() -> None:
    async with living(dialect="login", garbage=1.0) as pool:
        talker, job = await entered(pool)
        pool.inject(b"junk\n")
        assert await talker.line() == b"junk\n"
        pool.ask_reconnect("example.org", 3333)
        reconnect = {"jsonrpc": "2.0", "method": "client.reconnect", "params": ["example.org", "3333"]}
        assert await talker.json() == reconnect
        pool.ask_reconnect()
        assert (await talker.json())["params"] == [pool.host, str(pool.port)]
        pool.rebroadcast()
        assert (await talker.json())["params"] == job
        pool.new_job()
        assert await talker.line() in pool.style.junk
        assert b'"j2"' in await talker.line()
        pool.drop()
        assert await talker.line() == b""


async def test_replies_are_doubled_mixed_and_dropped() -> None:
    async with living(dialect="login", double_refusals=True) as pool:
        talker, _ = await entered(pool)
        first = await talker.ask(talker.submit({"job_id": "j9"}))
        assert first == await talker.line()
    async with living(dialect="login", blob=True, reorder_replies=3) as pool:
        talker, job = await entered(pool)
        shares = list(hashes(job))[:3]
        await talker.say(b"".join(talker.submit(share, n) for n, share in enumerate(shares, 2)))
        got = [(await talker.json())["id"] for _ in shares]
        assert got != sorted(got) == [2, 3, 4]
    async with living(dialect="login", blob=True, drop_replies=1.0) as pool:
        talker, job = await entered(pool)
        await talker.say(talker.submit(first_share(job)))
        assert b"KEEPALIVED" in await talker.ask(line("keepalived", {"id": talker.session}))
        assert (pool.tally.accepted, pool.tally.replies_dropped) == (1, 1)


async def test_delayed_replies_come_though_the_miner_has_closed_its_side() -> None:
    async with living(dialect="login", blob=True, delay_replies=0.01) as pool:
        talker, job = await entered(pool)
        await talker.say(talker.submit(first_share(job)))
        assert isinstance(talker.stream, trio.SocketStream)
        await talker.stream.send_eof()
        assert message_of(await talker.line()) == "OK"
        assert await talker.line() == b""


async def test_strict_a_bad_ratio_bans_the_address_without_an_answer() -> None:
    async with living(dialect="login", strict=True, ban_after=2) as pool:
        talker, _ = await entered(pool)
        bad = talker.submit({"job_id": "j9"})
        assert message_of(await talker.ask(bad)) == "Invalid job id"
        assert await talker.ask(bad) == b""
        assert await (await Talker.to(pool)).line() == b""
        assert (pool.tally.bans, pool.tally.turned_away) == (1, 1)


@pytest.mark.parametrize("name", list(FAULTS))
async def test_every_fault_on_the_command_line_can_be_ordered(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "LOSE_SECONDS", 0.0)
    async with living(dialect="login") as pool:
        talker, _ = await entered(pool)
        await FAULTS[name](pool)
        if name not in ("lose", "restart", "drop"):
            pool.new_job()
            assert await talker.until(b'"method":"job"')
        assert not pool.silent


async def test_a_coarse_target_goes_back_and_forth() -> None:
    options = PoolOptions(dialect="login", target_digits=8, difficulty=3)
    pool = SimPool(options)
    said = []
    for _ in range(4):
        await FAULTS["retarget"](pool)
        said.append(pool.difficulty)
    assert said == [6, 3, 6, 3]
    lines: list[str] = []
    pool = await run_pool(options, seconds=0.01, say=lines.append)
    assert lines[0].startswith("listening url=stratum+tcp://127.0.0.1:")

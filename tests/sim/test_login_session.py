"""One connection to the simulated pool in the login dialect: what follows what, and what is refused how."""

import json
from collections import Counter
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.sim.pool import PoolOptions, SimPool
from tests.sim.login_talker import LOGIN, LoginTalker, hashes, line, message_of, proofs
from tests.sim.talker import Talker, living

# ---- login


async def test_login_brings_session_job_and_extensions() -> None:
    async with living(dialect="login") as pool:
        talker = LoginTalker(await _stream(pool))
        reply = json.loads(await talker.ask(LOGIN))
        assert (reply["jsonrpc"], reply["id"], reply["error"]) == ("2.0", 1, None)
        result = reply["result"]
        assert len(bytes.fromhex(result["id"])) == 8
        assert (result["extensions"], result["status"]) == (["algo", "keepalive"], "OK")
        assert (result["job"]["job_id"], result["job"]["id"]) == ("j1", result["id"])
        assert len(pool.sessions) == 1


async def test_each_login_has_its_own_session_and_work() -> None:
    for blob in (False, True):
        async with living(dialect="login", blob=blob) as pool:
            one, other = [LoginTalker(await _stream(pool)) for _ in range(2)]
            jobs = [await one.enter(), await other.enter()]
            assert one.session != other.session
            assert jobs[0]["job_id"] == jobs[1]["job_id"]
            assert jobs[0]["blob"] != jobs[1]["blob"]


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"login": "somebody", "pass": "x"}, "Permission denied"),
        ({"login": ""}, "Missing login"),
        ({"login": 7}, "Missing login"),
        ({}, "Missing login"),
        ({"login": "me"}, "OK"),
    ],
)
async def test_who_may_come_in(params: dict[str, Any], text: str) -> None:
    async with living(dialect="login", users=frozenset({"me"})) as pool:
        talker = await Talker.to(pool)
        assert message_of(await talker.ask(line("login", params, 1))) == text


async def test_a_pool_without_a_job_has_no_place() -> None:
    pool = SimPool(PoolOptions(dialect="login"))
    ours, theirs = trio.testing.memory_stream_pair()
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pool.talk, theirs)
            assert message_of(await Talker(ours).ask(LOGIN)) == "Bad gateway"
            nursery.cancel_scope.cancel()


async def test_no_job_before_login() -> None:
    async with living(dialect="login") as pool:
        talker = LoginTalker(await _stream(pool))
        await pool.until(lambda pool: pool.sessions)
        pool.new_job()
        assert (await talker.enter())["job_id"] == "j2"
        pool.new_job()
        job = await talker.json()
        assert (job["method"], job["params"]["job_id"]) == ("job", "j3")


# ---- the other methods


@pytest.mark.parametrize("method", ["getjob", "login", "mining.subscribe", "x"])
async def test_no_other_method(method: str) -> None:
    async with living(dialect="login") as pool:
        talker = LoginTalker(await _stream(pool))
        await talker.enter()
        answer = await talker.ask(line(method, {"id": talker.session, "login": "W"}, 9))
        assert answer == b'{"jsonrpc":"2.0","id":9,"error":{"code":-1,"message":"Invalid method"}}\n'


async def test_keepalived_names_the_session() -> None:
    async with living(dialect="login") as pool:
        talker = LoginTalker(await _stream(pool))
        assert message_of(await talker.ask(line("keepalived", {"id": ""}))) == "Unauthenticated"
        await talker.enter()
        assert message_of(await talker.ask(line("keepalived", {"id": talker.session}))) == "KEEPALIVED"
        assert message_of(await talker.ask(line("keepalived", {"id": "0" * 16}))) == "Unauthenticated"
        assert pool.tally.keepalives == 1


@pytest.mark.parametrize(
    "data",
    [
        b"{nonsense\n",
        b'{"jsonrpc":"2.0","method":"login","params":{"login":"W"}}\n',
        b'{"id":"1","jsonrpc":"2.0","method":"login","params":{"login":"W"}}\n',
        b'{"id":1,"jsonrpc":"2.0","method":"login"}\n',
        b'{"id":1,"jsonrpc":"2.0","method":"login","params":["W","x"]}\n',
    ],
)
async def test_what_ends_the_connection_without_an_answer(data: bytes) -> None:
    async with living(dialect="login") as pool:
        talker = await Talker.to(pool)
        assert await talker.ask(data) == b""
        assert pool.tally.bad_lines == 1


async def test_a_line_of_60_000_bytes_passes_and_one_of_70_000_does_not() -> None:
    async with living(dialect="login") as pool:
        talker = await Talker.to(pool)
        padded = line("login", {"login": "W", "agent": "x" * 60_000}, 1)
        assert message_of(await talker.ask(padded)) == "OK"
        assert await talker.ask(line("submit", {"agent": "x" * 70_000})) == b""
        assert pool.tally.overflows == 1


# ---- shares


async def test_equihash_shares_and_each_refusal() -> None:
    async with living(dialect="login", difficulty=2, record=True, jobs_kept=1) as pool:
        talker = LoginTalker(await _stream(pool))
        old = await talker.enter()
        pool.new_job()
        job = (await talker.json())["params"]
        found = list(proofs(job))
        low = next(share for share in found if share["result"] >= job["target"])
        first, second = [share for share in found if share["result"] < job["target"]][:2]
        other = ("11" if job["xn"][:2] == "00" else "00") + second["nonce"][2:]
        dialogue: list[tuple[dict[str, Any], str]] = [
            ({**first, "algo": job["algo"], "ntime": "0" * 16}, "OK"),
            (first, "Duplicate share"),
            (low, "Low difficulty share"),
            ({**second, "job_id": old["job_id"]}, "Block expired"),
            ({**second, "job_id": "j77"}, "Invalid job id"),
            ({**second, "id": "0" * 16}, "Unauthenticated"),
            ({**second, "nonce": other}, "Invalid nonce"),
            ({**second, "nonce": second["nonce"][:-2]}, "Invalid nonce"),
            ({**second, "solution": ""}, "Malformed solution"),
            ({**second, "result": "00" * 32}, "Malformed result"),
            ({}, "Malformed share"),
            ({**second, "solution": "24" + second["solution"]}, "OK"),
        ]
        for params, text in dialogue:
            assert message_of(await talker.ask(talker.submit(params))) == text
        tally = pool.tally
        assert (tally.submits, tally.accepted, tally.bad) == (12, 2, 10)
        assert tally.refused == Counter(
            duplicate=1, low_difficulty=1, stale=1, unknown_job=1, unauthorized=1, bad_nonce=1, malformed=4
        )
        assert tally.workers == {"W": 2}
        seen = pool.shares[0]
        assert (seen.worker, seen.nonce, seen.solution) == ("W", first["nonce"], first["solution"])
        extra = {"result": first["result"], "algo": "equihash/48_5", "ntime": "0" * 16}
        assert (seen.extra, seen.job) == (extra, pool.shelf.current)


async def test_a_forged_proof() -> None:
    async with living(dialect="login") as pool:
        talker = LoginTalker(await _stream(pool))
        share = next(proofs(await talker.enter()))
        forged = {**share, "solution": "00" * 36}
        del forged["result"]
        assert message_of(await talker.ask(talker.submit(forged))) == "Invalid solution"


@pytest.mark.parametrize("digits", [8, 16])
async def test_blob_shares_and_each_refusal(digits: int) -> None:
    options: dict[str, Any] = {"difficulty": 2, "record": True, "jobs_kept": 1, "target_digits": digits}
    async with living(dialect="login", blob=True, **options) as pool:
        talker = LoginTalker(await _stream(pool))
        old = await talker.enter()
        pool.new_job()
        job = (await talker.json())["params"]
        assert job["height"] == old["height"] + 1
        assert len(job["target"]) == digits
        found = list(hashes(job))
        low = next(share for share in found if share["result"][-2:] >= "80")
        first, second, third = [share for share in found if share["result"][-2:] < "80"][:3]
        marks = {"sig": "5" * 128, "commitment": "c" * 64, "algo": "rx/0"}
        dialogue: list[tuple[dict[str, Any], str]] = [
            ({**first, **marks}, "OK"),
            (first, "Duplicate share"),
            (low, "Low difficulty share"),
            ({**second, "result": "0" * 64}, "Low difficulty share"),
            ({**third, "job_id": old["job_id"]}, "Block expired"),
            ({**third, "job_id": "j77"}, "Invalid job id"),
            ({**third, "id": ""}, "Unauthenticated"),
            ({**third, "nonce": "00"}, "Invalid nonce"),
            ({**third, "result": "00"}, "Malformed result"),
            (third, "OK"),
        ]
        for params, text in dialogue:
            assert message_of(await talker.ask(talker.submit(params))) == text
        tally = pool.tally
        assert (tally.submits, tally.accepted, tally.bad) == (10, 2, 8)
        assert (tally.refused["low_difficulty"], tally.refused["invalid_solution"]) == (1, 1)
        assert (tally.nonces, tally.repeated_nonces) == (4, 1)
        assert (pool.shares[0].nonce, pool.shares[0].solution) == (first["nonce"], "")
        assert pool.shares[0].extra == {"result": first["result"], **marks}


async def test_the_same_nonce_of_two_connections_is_two() -> None:
    async with living(dialect="login", blob=True) as pool:
        for _ in range(2):
            talker = LoginTalker(await _stream(pool))
            share = next(hashes(await talker.enter()))
            assert message_of(await talker.ask(talker.submit(share))) == "OK"
        assert (pool.tally.nonces, pool.tally.repeated_nonces) == (2, 0)


async def test_a_share_before_login() -> None:
    async with living(dialect="login") as pool:
        talker = LoginTalker(await _stream(pool))
        assert message_of(await talker.ask(talker.submit({"job_id": "j1"}))) == "Unauthenticated"
        assert (pool.tally.submits, pool.tally.bad) == (1, 1)


words = st.sampled_from(["login", "submit", "keepalived", "getjob", ""])
values = st.none() | st.integers() | st.text(max_size=70) | st.lists(st.integers(), max_size=2)
keys = st.sampled_from(["id", "login", "job_id", "nonce", "solution", "result"]) | st.text(max_size=3)
requests = st.tuples(words, st.dictionaries(keys, values, max_size=5))


@given(asked=st.lists(requests, max_size=5), blob=st.booleans())
@settings(max_examples=40)
def test_hostile_requests_get_one_answer_each(asked: list[tuple[str, Any]], blob: bool) -> None:
    async def talk() -> None:
        async with living(dialect="login", blob=blob, record=True) as pool:
            talker = LoginTalker(await _stream(pool))
            await talker.enter()
            for number, (method, params) in enumerate(asked, 2):
                mine = {**params, "id": params.get("id", talker.session)}
                answer = await talker.ask(line(method, mine, number))
                assert json.loads(answer)["id"] == number
            assert pool.tally.accepted == 0

    trio.run(talk)


async def _stream(pool: SimPool) -> trio.abc.Stream:
    return (await Talker.to(pool)).stream

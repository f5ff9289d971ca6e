"""The measured proxy as one: it tells its port, has work, counts, and borrows nothing but truth."""

import attrs
import trio
import trio.testing

from proxy.bench import verify
from proxy.bench.house import BorrowedProof, Facts, Settings, configuration, run
from proxy.config.checks import check
from proxy.native import Equihash


def test_a_borrowed_proof_is_a_real_check_of_another_share() -> None:
    """Whatever it is asked about, it says what the real one says of the share it takes in its place."""
    assert Equihash().flaw("00" * 32, "00" * 32, "00" * 1408) != ""
    borrowed = BorrowedProof()
    assert [borrowed.flaw("00" * 32, "00" * 32, "00" * 1408) for _ in range(2 * verify.SAMPLES)] == [""] * 64
    assert borrowed.solution_bytes == Equihash().solution_bytes


def test_nothing_but_its_cost_holds_the_proxy_back() -> None:
    """There is room for the miners and for those who come and go, and blob work has connections for all."""
    limits = configuration(Settings("login", 3333, 10_000)).limits
    assert limits.max_miners > 10_000
    assert limits.max_miners_per_address == limits.max_miners
    assert limits.pool_connections * 256 > limits.max_miners
    assert configuration(Settings("aion", 3333, 1)).upstream.algorithm == "equihash/210_9"
    assert not check(configuration(Settings("aion", 3333, 1)))


async def test_it_tells_its_port_answers_questions_and_ends_with_them() -> None:
    """A pool that says nothing is enough for that."""
    told: list[object] = []
    ours, its = trio.testing.memory_stream_one_way_pair()
    pool = await trio.open_tcp_listeners(0, host="127.0.0.1")
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            port = pool[0].socket.getsockname()[1]
            nursery.start_soon(run, Settings("aion", port, 10), its, told.append)
            await ours.send_all(b"\n")
            await ours.send_all(b"\n")
            await ours.aclose()
    await pool[0].aclose()
    port_told, *facts = told
    assert isinstance(port_told, dict)
    assert port_told["port"] > 0
    assert [set(each) for each in facts if isinstance(each, dict)] == [set(attrs.fields_dict(Facts))] * 2

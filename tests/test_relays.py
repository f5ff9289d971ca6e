"""Relays of blob work: 256 miners each, as many as are needed, and no part of a nonce given to two.

Miners are real sessions; each relay has a pool side that does what the test says, and no socket anywhere.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from trio.testing import MockClock, wait_all_tasks_blocked

from proxy.model.share import Reason
from proxy.model.target import MAX_TARGET, to_bytes
from proxy.relay import BLOB_MINERS, Relay
from proxy.relays import EMPTY_SECONDS, WARN_SECONDS, Relays
from proxy.upstream.backlog import QUEUE_HIGH
from proxy.upstream.contender import PoolStatus
from tests.downstream.farms import ACCEPTED, FakePool, Farm, blob_door, farm
from tests.kit.miners import LOGIN, Line, LoginDialogue, blob_work, login_submit, ok, refusal

GOOD = to_bytes(blob_work().target - 1)[::-1].hex()


class Side(FakePool):
    """A pool side that runs for as long as it is let, and may have many shares waiting.

    Args:
        first_choice: tells which pool it is to try first.
    """

    def __init__(self, first_choice: Callable[[], int]) -> None:
        super().__init__()
        self.pools = [PoolStatus(name, f"stratum+tcp://{name}.example:3333") for name in ("main", "backup")]
        self.first_choice = first_choice
        self.tried: list[int] = []  # which pool came first, each time it was started
        self.followed: list[tuple[int, str]] = []  # where it was told to go, and why
        self.is_counted = True
        self.on_move: Callable[[str], None] = lambda _: None
        self.chosen: list[str] = []
        self.current: int | None = None
        self.is_full = False
        self.has_room = trio.Event()
        self.is_ended = False

    @property
    def waiting(self) -> int:
        """Shares without a verdict."""
        return len(self.got)

    async def run(self) -> None:
        """Begin with the pool it is told to."""
        self.tried.append(self.first_choice())
        try:
            await trio.sleep_forever()
        finally:
            self.goes()
            self.is_ended = True

    def follow(self, reason: str) -> None:
        """Be told to move."""
        self.followed.append((self.first_choice(), reason))

    def activate(self, name: str) -> bool:
        """Be told to move by hand."""
        self.chosen.append(name)
        return name == "backup"

    async def room(self) -> None:
        """Wait until the test gives room."""
        if self.is_full:
            await self.has_room.wait()

    async def settled(self) -> None:
        """Wait until the test has answered all."""
        while self.got:  # noqa: ASYNC110  # the test's answers tell nobody
            await trio.sleep(1)


@attrs.define
class Fleet:
    """All relays of one proxy; farms and sides of those that were closed are kept."""

    relays: Relays
    farms: list[Farm]
    sides: list[Side]

    def __getitem__(self, number: int) -> Relay:
        """The relay that was opened so many places behind the first."""
        return self.farms[number].relay

    def miner(self) -> LoginDialogue:
        """A miner that asks for work."""
        miner = LoginDialogue(self.relays.first, at=blob_door())
        miner.session.receive(b'{"id":1,"method":"login","params":{}}\n', miner.now)
        return miner

    def miners(self, count: int) -> list[LoginDialogue]:
        """Miners that ask for work; every relay has some as soon as it is there."""
        came = []
        for _ in range(count):
            came.append(self.miner())
            self.give_work()
        for miner in came:
            miner.hears()
        return came

    def give_work(self) -> None:
        """Let every relay that has none have work."""
        for side in self.sides:
            if not side.is_up and not side.is_ended:
                side.comes_with_blobs()

    def home(self, miner: LoginDialogue) -> int:
        """The number of the relay that a miner belongs to."""
        (number,) = (n for n, each in enumerate(self.farms) if miner.session in each.relay.members)
        return number


def fleet(most: int = 80) -> Fleet:
    """The relays of a proxy that nobody has come to yet."""
    farms: list[Farm] = []
    sides: list[Side] = []

    def make(first_choice: Callable[[], int]) -> Relay:
        sides.append(Side(first_choice))
        farms.append(farm(blob=True, beside=farms[0] if farms else None, pool=sides[-1]))
        return farms[-1].relay

    return Fleet(Relays(make, most), farms, sides)


@asynccontextmanager
async def running(most: int = 80) -> AsyncIterator[Fleet]:
    """A fleet whose pool connections are kept."""
    made = fleet(most)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.relays.run)
        await wait_all_tasks_blocked()
        yield made
        nursery.cancel_scope.cancel()
    assert all(side.is_ended for side in made.sides)


def byte(miner: LoginDialogue) -> int:
    """The top byte of the nonce, as its job has it."""
    return int(miner.job["blob"][84:86], 16)


# ---- more of them


def test_600_miners_need_3_relays() -> None:
    made = fleet()
    assert len(made.relays) == 1
    miners = made.miners(600)
    assert len(made.relays) == 3
    assert [len(each.relay.members) for each in made.farms] == [256, 256, 88]
    assert [made.home(miner) for miner in miners] == [0] * 256 + [1] * 256 + [2] * 88
    assert all(miner.session.at_work and not miner.session.closing for miner in miners)
    assert len({miner.job_id for miner in miners}) == 600


def test_each_relays_miners_have_all_its_bytes_and_0_comes_last() -> None:
    made = fleet()
    miners = made.miners(2 * BLOB_MINERS + 3)
    bytes_ = [byte(miner) for miner in miners]
    assert bytes_ == [*range(1, 256), 0, *range(1, 256), 0, 1, 2, 3]


async def test_the_257th_opens_a_connection_to_the_pool_the_farm_works_for() -> None:
    async with running() as made:
        made.sides[0].current = 1
        made.miners(256)
        assert len(made.relays) == 1
        late = made.miner()
        assert len(made.relays) == 2
        assert made.home(late) == 1
        await wait_all_tasks_blocked()
        assert made.sides[0].tried == [0], "the first one has nobody to follow"
        assert made.sides[1].tried == [1]
        # Until that has work, the miner is held as any other would be.
        assert late.hears() == []
        assert not late.passes(1000)
        made.sides[1].comes_with_blobs()
        assert late.hears()[0]["result"]["status"] == "OK"


async def test_a_new_connection_follows_whichever_has_work() -> None:
    async with running() as made:
        made.miners(257)
        made.sides[0].current, made.sides[1].current = None, 1
        made.miners(256)
        await wait_all_tasks_blocked()
        assert made.sides[2].tried == [1]


async def test_all_others_follow_the_first_and_it_follows_nobody() -> None:
    async with running() as made:
        made.miners(513)
        first, *others = made.sides
        for side in others:
            side.current = 1
        assert first.first_choice() == 0
        first.current = 1
        first.on_move("lost")
        first.current = 0
        first.on_move("failback")
        assert [side.followed for side in others] == [[(1, "lost"), (0, "failback")]] * 2
        assert first.followed == []
        assert [side.is_counted for side in made.sides] == [True, False, False]


async def test_a_pool_is_chosen_by_hand_for_all() -> None:
    made = fleet()
    assert made.relays.activate("backup")
    assert not made.relays.activate("none")
    assert made.sides[0].chosen == ["backup", "none"]


async def test_those_opened_before_it_runs_are_run_with_it() -> None:
    made = fleet()
    made.miners(300)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.relays.run)
        await wait_all_tasks_blocked()
        assert [side.tried for side in made.sides] == [[0], [0]]
        nursery.cancel_scope.cancel()


def test_room_in_an_earlier_relay_is_used_before_another_is_opened() -> None:
    made = fleet()
    miners = made.miners(300)
    miners[5].session.end(0.0)
    made.sides[0].gives_blob(blob_work(2))
    (late,) = made.miners(1)
    assert made.home(late) == 0
    assert byte(late) == 6, "the one that came free"
    assert len(made.relays) == 2


# ---- slices that were left


def test_a_slice_that_was_left_is_not_lent_again_on_the_same_job() -> None:
    made = fleet()
    miners = made.miners(256)
    miners[5].session.end(0.0)
    (late,) = made.miners(1)
    assert (made.home(late), byte(late)) == (1, 1)
    # Neither another relay's job, nor one that leaves the old one good, nor a new target makes it free.
    made.sides[1].gives_blob(blob_work(2))
    unclean = blob_work(2)
    unclean.clean = False
    made.sides[0].gives_blob(blob_work(1, "ffff0f00"))
    made.sides[0].gives_blob(unclean)
    (later,) = made.miners(1)
    assert (made.home(later), byte(later)) == (1, 2)
    made.sides[0].gives_blob(blob_work(3))
    (last,) = made.miners(1)
    assert (made.home(last), byte(last)) == (0, 6)


def test_what_rests_counts_against_room_before_all_256_are_here() -> None:
    made = fleet()
    for _ in range(256):
        (miner,) = made.miners(1)
        miner.session.end(0.0)
    assert not made[0].members
    assert not made[0].has_room
    assert made.relays.slots == {"lent": 0, "resting": 256, "free": 0}
    (late,) = made.miners(1)
    assert made.home(late) == 1


def test_miners_that_wait_for_work_have_their_places_kept() -> None:
    made = fleet()
    miners = [made.miner() for _ in range(300)]
    assert [len(each.relay.members) for each in made.farms] == [256, 44]
    made.give_work()
    for miner in miners:
        assert miner.hears()[0]["result"]["status"] == "OK"
    assert made.relays.slots == {"lent": 300, "resting": 0, "free": 212}


# ---- no more than may be


async def test_pool_connections_are_bounded_and_then_a_miner_is_turned_away(
    autojump_clock: MockClock,
) -> None:
    made = fleet(most=2)
    made.miners(512)
    with capture_logs() as logs:
        late = made.miner()
        assert late.hears() == [refusal(1, "no nonce slice free")]
        assert late.session.closing == "no_slice"
        assert "limits.pool_connections" in late.session.close_detail
        late.session.end(0.0)
        made.miner().session.end(0.0)
        assert [line["event"] for line in logs] == ["no room for another miner"]
        await trio.sleep(WARN_SECONDS)
        made.miner().session.end(0.0)
    assert len(logs) == 2
    assert logs[0]["pool_connections"] == 2
    assert "limits.pool_connections" in logs[0]["note"]
    assert len(made.relays) == 2
    # Those that are here have lost nothing by it.
    assert made.relays.slots["lent"] == 512
    assert sum(len(each.relay.members) for each in made.farms) == 512


async def test_a_miner_that_is_turned_away_while_no_pool_is_up_takes_nobodys_place() -> None:
    made = fleet(most=1)
    miners = made.miners(256)
    made.sides[0].goes()
    late = made.miner()
    assert late.hears() == [refusal(1, "no nonce slice free")]
    assert late.session.closing == "no_slice"
    made.sides[0].comes_with_blobs(blob_work(2))
    for miner in miners:
        assert len(miner.is_given_work()) == 1
        assert not miner.session.closing


async def test_after_the_next_job_there_is_room_again() -> None:
    made = fleet(most=1)
    miners = made.miners(256)
    miners[0].session.end(0.0)
    assert made.miner().session.closing == "no_slice"
    made.sides[0].gives_blob(blob_work(2))
    (late,) = made.miners(1)
    assert byte(late) == 1


# ---- fewer


async def test_a_relay_that_nobody_is_in_is_closed_at_the_second_look(autojump_clock: MockClock) -> None:
    async with running() as made:
        for miner in made.miners(300)[256:]:
            miner.session.end(0.0)
        await trio.sleep(EMPTY_SECONDS + 1)
        assert (len(made.relays), made.sides[1].is_ended) == (2, False)
        await trio.sleep(EMPTY_SECONDS)
        assert (len(made.relays), made.sides[1].is_ended) == (1, True)
        # Who comes now has another one.
        (late,) = made.miners(1)
        assert made.home(late) == 2
        assert len(made.relays) == 2


async def test_the_first_one_is_never_closed(autojump_clock: MockClock) -> None:
    async with running() as made:
        for miner in made.miners(300):
            miner.session.end(0.0)
        await trio.sleep(10 * EMPTY_SECONDS)
        assert len(made.relays) == 1
        assert [side.is_ended for side in made.sides] == [False, True]
        made.sides[0].gives_blob(blob_work(2))
        (late,) = made.miners(1)
        assert made.home(late) == 0


async def test_none_with_a_miner_in_it_is_closed_at_work_or_not(autojump_clock: MockClock) -> None:
    async with running() as made:
        miners = made.miners(256)
        late = made.miner()
        await trio.sleep(10 * EMPTY_SECONDS)
        assert late.hears() == []
        made.give_work()
        for miner in miners:
            miner.session.end(0.0)
        await trio.sleep(10 * EMPTY_SECONDS)
        assert len(made.relays) == 2
        assert late.hears()[0]["result"]["status"] == "OK"


async def test_none_that_a_verdict_is_still_to_come_to_is_closed(autojump_clock: MockClock) -> None:
    async with running() as made:
        late = made.miners(257)[-1]
        assert late.submits("00000001", result=GOOD) == []
        late.session.end(0.0)
        await trio.sleep(10 * EMPTY_SECONDS + 1)
        assert len(made.relays) == 2
        made.sides[1].answers(ACCEPTED)
        await trio.sleep(2 * EMPTY_SECONDS)
        assert len(made.relays) == 1
        assert made.relays.tally.shares == {Reason.ACCEPTED: 1}
        assert made.relays.tally.conserved


async def test_one_look_at_an_empty_one_is_forgotten_when_somebody_comes(autojump_clock: MockClock) -> None:
    async with running() as made:
        late = made.miners(257)[-1]
        await trio.sleep(1)
        for _ in range(4):
            late.session.end(0.0)
            await trio.sleep(EMPTY_SECONDS)
            (late,) = made.miners(1)
            await trio.sleep(EMPTY_SECONDS)
        assert made.home(late) == 1
        assert len(made.relays) == 2


# ---- all of them as one


def test_what_is_told_of_one_pool_is_the_best_of_its_connections() -> None:
    made = fleet()
    made.miners(600)
    states = [("connecting", "down"), ("active", "down"), ("active", "connecting")]
    for number, (side, of) in enumerate(zip(made.sides, states, strict=True)):
        for status, state in zip(side.pools, of, strict=True):
            status.state, status.last_job_at = state, 100.0 + number
    main, backup = made.relays.pools
    assert (main.name, main.state, main.last_job_at) == ("main", "active", 102.0)
    assert (backup.name, backup.state) == ("backup", "connecting")


def test_slots_are_summed_workers_and_counts_are_shared() -> None:
    made = fleet()
    assert made.relays.slots == {"lent": 0, "resting": 0, "free": 0}
    miners = made.miners(258)
    assert made.relays.slots == {"lent": 258, "resting": 0, "free": 254}
    miners[-1].session.end(0.0)
    assert made.relays.slots == {"lent": 257, "resting": 1, "free": 254}
    assert made.relays.workers.connections == {"unnamed": 257}
    assert made.relays.workers is made[1].workers
    assert made.relays.tally is made[1].tally


def test_it_is_ready_while_any_of_them_has_work() -> None:
    made = fleet()
    assert made.relays.not_ready.startswith("no work from any pool (main: down, ")
    made.miners(257)
    assert made.relays.not_ready == ""
    made.sides[0].goes()
    assert made.relays.not_ready == ""
    made.sides[1].goes()
    assert made.relays.not_ready != ""


async def test_it_is_full_while_any_of_them_is_and_room_waits_for_all(autojump_clock: MockClock) -> None:
    made = fleet()
    made.miners(600)
    await made.relays.room()
    made.sides[1].is_full = made.sides[2].is_full = True
    made.relays.tally.in_flight = QUEUE_HIGH
    full = []
    for side in made.sides[1:]:
        with trio.move_on_after(100) as scope:
            await made.relays.room()
        full.append((scope.cancelled_caught, made.relays.is_full))
        side.is_full = False
        side.has_room.set()
    assert full == [(True, True)] * 2
    await made.relays.room()
    assert not made.relays.is_full


async def test_settled_waits_for_the_verdicts_of_all(autojump_clock: MockClock) -> None:
    made = fleet()
    miners = made.miners(600)
    for miner in (miners[0], miners[300], miners[599]):
        assert miner.submits(f"000000{byte(miner):02x}", result=GOOD) == []
    for side in made.sides:
        with trio.move_on_after(100) as scope:
            await made.relays.settled()
        assert scope.cancelled_caught
        side.answers(ACCEPTED)
    await made.relays.settled()
    assert made.relays.tally.in_flight == 0
    assert [miner.hears() for miner in (miners[0], miners[300], miners[599])] == [[ok(2)]] * 3


# ---- apart from each other


def test_a_miner_whose_relay_loses_its_pool_stays_and_moves_with_it() -> None:
    made = fleet()
    miners = made.miners(259)
    gone, stays, also = miners[256:]
    elsewhere = miners[0]
    before = stays.job
    gone.session.end(0.0)
    made.sides[1].goes()
    assert stays.is_given_work() == []
    assert stays.submits(f"000000{byte(stays):02x}", result=GOOD) == [refusal(2, "Pool connection lost")]
    made.sides[1].comes_with_blobs()
    assert also.session.offer(made[1].works, also.now)
    stays.session.say(stays.session.offer(made[1].works, stays.now))
    (line,) = stays.hears()
    assert line["method"] == "job"
    assert made.home(stays) == 1
    # The whole space is new: it has another byte than it had, and another id for the same job.
    assert (before["blob"][84:86], stays.job["blob"][84:86]) == ("02", "02")
    assert (also.prefix, stays.prefix) == ("01", "02")
    assert stays.job["job_id"] != before["job_id"]
    assert stays.submits(f"000001{byte(stays):02x}", result=GOOD) == []
    # The other relay's miners have noticed nothing.
    assert elsewhere.session.offer(made[0].works, elsewhere.now) == b""
    assert elsewhere.submits("00000001", result=GOOD) == []


def test_shares_go_to_their_own_relays_connection_only() -> None:
    made = fleet()
    miners = made.miners(600)
    here, there = miners[0], miners[256]
    assert (made.home(here), made.home(there)) == (0, 1)
    assert byte(here) == byte(there), "so only the job tells their shares apart"
    assert here.submits("00000001", result=GOOD) == []
    assert there.submits("00000001", result=GOOD) == []
    assert [len(side.got) for side in made.sides] == [1, 1, 0]
    # The other's job is none of theirs, under its plain name or the one that the other had for it.
    for job_id in (there.job_id, made[1].works[0].id):
        line = login_submit(here.session_id, job_id, "01000001", 3, result=GOOD)
        assert here.says(line) == [refusal(3, "Job not found")]
    assert [len(side.got) for side in made.sides] == [1, 1, 0]
    made.sides[1].answers(ACCEPTED)
    assert (here.hears(), there.hears()) == ([], [ok(2)])
    # One that loses its connection takes only its own shares with it.
    made.sides[1].goes()
    assert here.hears() == []
    made.sides[0].goes()
    assert here.hears() == [refusal(2, "Pool connection lost")]
    assert made.relays.tally.conserved


# ---- whatever happens

ACTS = [
    *("come", "come", "go", "go", "submit", "submit"),
    *("job", "job", "unclean job", "target", "fan out", "some hear", "lose", "pool"),
]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(ACTS), st.integers(0, 2), st.integers(0, 400)), min_size=5, max_size=25
    )
)
async def test_no_byte_of_any_job_is_ever_held_by_two_miners(acts: list[tuple[str, int, int]]) -> None:
    made = fleet(most=4)
    here: list[LoginDialogue] = []
    # Who was given which byte of which blob on which connection of which relay, for good.
    owner: dict[tuple[Any, ...], LoginDialogue] = {}
    jobs, numbers = 1, Counter[LoginDialogue]()

    def listen(miner: LoginDialogue) -> None:
        """Hear what there is and write down what was given."""
        for line in miner.hears():
            job = given_in(line)
            if job:
                number = made.home(miner)
                blob = job["blob"]
                key = (number, made.sides[number].connection, blob[:78], blob[84:86])
                assert owner.setdefault(key, miner) is miner, key

    for act, relay, count in [("pool", 0, 0), ("come", 0, 256), *acts]:
        number = relay % len(made.farms)
        side = made.sides[number]
        jobs += 1
        match act:
            case "come":
                for _ in range(count):
                    miner = made.miner()
                    listen(miner)
                    if miner.session.closing:
                        assert len(made.relays) == 4, "turned away with room left"
                        miner.session.end(0.0)
                        break
                    here.append(miner)
            case "go":
                for place in range(count % (len(here) + 1)):
                    here.pop((place * 7 + count) % len(here)).session.end(0.0)
            case "job" if side.is_up:
                side.gives_blob(blob_work(jobs))
            case "unclean job" if side.is_up:
                unclean = blob_work(jobs)
                unclean.clean = False
                side.gives_blob(unclean)
            case "target" if side.is_up:
                job = made[number].book.job
                assert job is not None
                side.gives_blob(blob_work(int(job.pool_id[1:]), f"{count % 255 + 1:02x}8d0600"))
            case "lose":
                side.goes()
            case "pool":
                side.comes_with_blobs(blob_work(jobs))
            case "fan out" | "some hear":
                for miner in here if act == "fan out" else here[:: 1 + count % 5]:
                    works = miner.session.house.works
                    if works and miner.session.at_work:
                        miner.session.say(miner.session.offer(works, miner.now))
            case "submit":
                for miner in here[: count % 10]:
                    if miner.job:
                        numbers[miner] += 1
                        nonce = f"{numbers[miner]:06x}{miner.job['blob'][84:86]}"
                        miner.submits(nonce, 1000, result=GOOD)
        for miner in here:
            listen(miner)
            assert not miner.session.closing, "nobody that was let in is sent away"
        for number, each in enumerate(made.farms):
            relay_of = each.relay
            assert len(relay_of.members) <= BLOB_MINERS
            assert {miner.session for miner in here if made.home(miner) == number} == relay_of.members
            # What is forwarded is for the connection it goes to, and no nonce goes twice on a blob.
            side = made.sides[number]
            sent = [(forward.job.header, forward.share.nonce) for forward in side.got]
            assert len(set(sent)) == len(sent)
            assert all(forward.job.connection == side.connection for forward in side.got)
        assert made.relays.tally.conserved
    for miner in here:
        miner.session.end(0.0)
    assert made.relays.slots["lent"] == 0
    assert not made.relays.workers.connections


def given_in(line: Line) -> Line:
    """The job that a line gives, if it does."""
    if line.get("method") == "job":
        job: Line = line["params"]
        return job
    result = line.get("result")
    return (result or {}).get("job") or {}


def test_the_words_of_a_login_do_not_matter_for_where_it_goes() -> None:
    made = fleet()
    made.give_work()
    miner = LoginDialogue(made.relays.first, at=blob_door())
    assert miner.says(LOGIN)[0]["result"]["job"]["target"] == "b88d0600"
    assert int.from_bytes(made[0].works[0].target, "big") < MAX_TARGET
    assert miner.session.house is made[0]

"""Who is shut out and who is not: scenes with attackers, broken cards and honest farms in them."""

import math
import random
from collections import Counter
from itertools import islice, repeat

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import Ban as Settings
from proxy.core import penalties as module
from proxy.core.conduct import EVIDENCE, Step
from proxy.core.networks import sender
from proxy.core.penalties import GRACE, MAX_BANS, MAX_SUBJECTS, Ban, Miner, Penalties
from proxy.model.share import Reason
from tests.wire.hostile import patient

FARM = "203.0.113.7"
RIG = Miner("farm", "rig7", FARM)
DAY = 86_400
INVALID = Reason.INVALID_SOLUTION


@attrs.define
class Scene:
    """A proxy with its penalties, and a time that goes on."""

    settings: Settings = attrs.field(factory=Settings)
    now: float = 1000.0
    book: Penalties = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.book = Penalties(self.settings)

    def sends(
        self, miner: Miner, reason: Reason, times: int = 1, every: float = 0.0, working: bool = False
    ) -> list[Step]:
        """A miner's shares; the steps that were come to."""
        steps = []
        for _ in range(times):
            self.now += every
            step = self.book.share(miner, reason, self.now, "1f", working=working)
            if step:
                steps.append(step)
        return steps

    def bans(self) -> list[Ban]:
        return self.book.bans(self.now)


# ---- one miner


def test_a_miner_that_sends_only_invalid_proofs_climbs_all_steps() -> None:
    scene = Scene()
    assert scene.sends(RIG, INVALID, 50, every=1) == [Step.WARN, Step.THROTTLE, Step.BAN]
    (ban,) = scene.bans()
    assert (ban.kind, ban.subject, ban.reason, ban.count) == ("miner", RIG, "invalid_solution", 1)
    assert (ban.since, ban.until) == (scene.now, scene.now + 60)
    assert [one.job_id for one in ban.evidence] == ["1f"] * EVIDENCE
    assert scene.book.is_banned(RIG, scene.now + 59)
    assert not scene.book.is_banned(RIG, scene.now + 60)
    assert scene.book.bans(scene.now + 60) == []


def test_its_other_connections_are_told_with_their_next_bad_share() -> None:
    scene = Scene()
    scene.sends(RIG, INVALID, 50)
    assert scene.book.share(RIG, Reason.DUPLICATE, scene.now) is Step.BAN
    assert scene.book.share(RIG, Reason.KEPT, scene.now) is Step.NONE
    assert len(scene.bans()) == 1, "and no second ban for it"


def test_the_next_ban_is_twice_as_long_and_good_conduct_is_remembered_for_it() -> None:
    scene = Scene()
    lasted = []
    for rest in (0, 0, 0, 10 * 3600):
        scene.sends(RIG, INVALID, 50)
        (ban,) = scene.bans()
        lasted.append(ban.until - ban.since)
        scene.now = ban.until + rest
    scene.sends(RIG, INVALID, 50)
    assert lasted == [60, 120, 240, 480]
    assert scene.bans()[0].until - scene.now == 60


def test_throttling_ends_when_good_shares_outweigh_the_bad() -> None:
    scene = Scene()
    scene.sends(RIG, INVALID, 30)
    assert scene.book.step(RIG, scene.now) is Step.THROTTLE
    scene.sends(RIG, Reason.ACCEPTED, 100)
    assert scene.book.step(RIG, scene.now) is Step.WARN
    scene.sends(RIG, Reason.ACCEPTED, 200)
    assert scene.book.step(RIG, scene.now) is Step.NONE


def test_to_ask_is_not_to_ban() -> None:
    scene = Scene()
    scene.sends(RIG, INVALID, 50)
    scene.now += 60
    assert scene.book.step(RIG, scene.now) is Step.NONE
    assert scene.book.step(Miner("farm", "unheard of", FARM), scene.now) is Step.NONE


@pytest.mark.parametrize(
    ("reason", "most"),
    [
        (Reason.MALFORMED, Step.BAN),
        (Reason.BAD_NONCE, Step.BAN),
        (Reason.INVALID_SOLUTION, Step.BAN),
        (Reason.DUPLICATE, Step.BAN),
        (Reason.LOW_DIFFICULTY, Step.BAN),
        (Reason.UNKNOWN_JOB, Step.BAN),
        (Reason.STALE, Step.NONE),
        (Reason.REJECTED, Step.NONE),
        (Reason.LOST, Step.NONE),
        (Reason.UNAUTHORIZED, Step.NONE),
        (Reason.NOT_SUBSCRIBED, Step.NONE),
        (Reason.ACCEPTED, Step.NONE),
        (Reason.KEPT, Step.NONE),
    ],
)
def test_which_verdicts_are_held_against_a_miner(reason: Reason, most: Step) -> None:
    assert max([Step.NONE, *Scene().sends(RIG, reason, 500)]) is most


@pytest.mark.parametrize("reason", [Reason.DUPLICATE, Reason.LOW_DIFFICULTY, Reason.UNKNOWN_JOB])
def test_a_little_is_not_enough_with_good_shares_between(reason: Reason) -> None:
    scene = Scene()
    for _ in range(200):
        scene.sends(RIG, Reason.KEPT)
        assert Step.BAN not in scene.sends(RIG, reason, 10)


def test_every_verdict_has_been_thought_of() -> None:
    assert len(Reason) == 13, "a new one: is it a miner's guilt?"


def test_the_reason_of_a_ban_is_the_one_that_came_most() -> None:
    scene = Scene()
    scene.sends(RIG, Reason.BAD_NONCE, 48)
    scene.sends(RIG, Reason.MALFORMED, 2)
    assert scene.bans()[0].reason == "bad_nonce"


# ---- honest causes


def test_late_shares_are_nobodys_guilt_and_no_cover_either() -> None:
    scene = Scene()
    assert scene.sends(RIG, Reason.STALE, 10_000) == []
    steps: Counter[Step] = Counter()
    for _ in range(50):
        scene.sends(RIG, Reason.STALE, 100)
        steps.update(scene.sends(RIG, INVALID))
    assert steps[Step.BAN] == 1


def test_an_overclocked_card_is_warned_at_most() -> None:
    """Two per cent invalid for a day, at a share every 15 s and every second."""
    for seed, every in ((1, 15.0), (2, 1.0)):
        scene, chance = Scene(), random.Random(seed)
        steps: list[Step] = []
        for _ in range(int(DAY / every)):
            steps += scene.sends(RIG, INVALID if chance.random() < 0.02 else Reason.ACCEPTED, every=every)
        assert max([Step.NONE, *steps]) <= Step.WARN
        assert len(steps) <= 24


def test_a_burst_of_duplicates_after_a_reconnect_is_forgiven() -> None:
    scene = Scene()
    login = scene.now
    for _ in range(500):
        scene.now += 0.01
        assert scene.book.share(RIG, Reason.DUPLICATE, scene.now, changed=login) is Step.NONE
    assert scene.book.step(RIG, scene.now) is Step.NONE


def test_so_is_work_of_the_difficulty_before() -> None:
    scene = Scene()
    changed = scene.now
    for seconds in islice(repeat(0.05), 200):
        scene.now += seconds
        assert scene.book.share(RIG, Reason.LOW_DIFFICULTY, scene.now, changed=changed) is Step.NONE
    scene.now = changed + GRACE
    assert scene.sends(RIG, Reason.LOW_DIFFICULTY, 50)[-1] is Step.BAN


def test_an_invalid_proof_is_never_forgiven_for_being_early() -> None:
    scene = Scene()
    steps = [scene.book.share(RIG, INVALID, scene.now, changed=scene.now) for _ in range(50)]
    assert steps[-1] is Step.BAN


def test_a_bad_minute_after_a_good_day_is_no_ban() -> None:
    scene = Scene()
    scene.sends(RIG, INVALID)
    scene.sends(RIG, Reason.ACCEPTED, 5000, every=15)
    assert Step.BAN not in scene.sends(RIG, INVALID, 25)


def test_allowed_networks_are_never_punished() -> None:
    scene = Scene(Settings(allow=("10.0.0.0/8", "2001:db8::/32", "192.0.2.5/32")))
    for address in ("10.1.2.3", "2001:db8::7", "192.0.2.5", "::ffff:10.1.2.3"):
        assert scene.sends(Miner("farm", "rig7", address), INVALID, 1000) == []
        assert {scene.book.junk(address, scene.now) for _ in range(1000)} == {Step.NONE}
        assert {scene.book.connect(address, scene.now) for _ in range(20_000)} == {Step.NONE}
    for address in ("192.0.2.6", "pipe", "", "fe80::1%eth0"):
        assert Step.BAN in scene.sends(Miner("farm", "rig7", address), INVALID, 50)


# ---- a farm behind one address


def test_a_thousand_good_miners_keep_working_beside_a_bad_one() -> None:
    scene, chance = Scene(), random.Random(4)
    farm = [Miner("farm", f"rig{number}", FARM) for number in range(1000)]
    for miner in farm:
        assert scene.book.connect(FARM, scene.now) is Step.NONE
        scene.book.welcome(FARM, scene.now)
        scene.sends(miner, Reason.KEPT)
        scene.book.working(miner)
    bad = Miner("farm", "bad", FARM)
    for _ in range(200):
        scene.sends(bad, INVALID, 50, every=0.02)
        # It is back at once, as often as it is let in, and so are some of the others.
        assert scene.book.connect(FARM, scene.now) is not Step.BAN
        good = chance.choice(farm)
        assert scene.sends(good, Reason.KEPT) == []
        assert scene.book.step(good, scene.now) is Step.NONE
        assert not scene.book.is_banned(FARM, scene.now)
    assert {ban.subject for ban in scene.bans()} == {bad}


def test_not_even_of_the_same_name() -> None:
    """Many a farm gives all its machines one name; then the connection pays, and not the name."""
    scene = Scene()
    for _ in range(1000):
        scene.book.working(RIG)
    for _ in range(20):
        steps = scene.sends(RIG, INVALID, 50)
        assert Step.BAN in steps
        assert not scene.book.is_banned(RIG, scene.now)
        scene.book.gone(RIG)
    assert scene.bans() == []
    assert scene.book.steps["miner", Step.BAN, "invalid_solution"] == 20


def test_a_miner_that_works_alone_does_not_cover_itself() -> None:
    scene = Scene()
    scene.book.working(RIG)
    assert Step.BAN in scene.sends(RIG, INVALID, 50, working=True)
    assert scene.book.is_banned(RIG, scene.now)
    assert scene.book.step(RIG, scene.now) is Step.BAN


def test_nor_does_one_that_is_gone() -> None:
    scene = Scene()
    scene.book.working(RIG)
    scene.book.gone(RIG)
    scene.sends(RIG, INVALID, 50)
    assert scene.book.is_banned(RIG, scene.now)


def test_a_whole_farm_comes_back_at_once() -> None:
    """After a restart: all connect, then speak, in batches as the kernel has them."""
    scene = Scene()
    for _ in range(40):
        assert {scene.book.connect(FARM, scene.now) for _ in range(500)} == {Step.NONE}
        scene.now += 0.05
        for _ in range(500):
            scene.book.welcome(FARM, scene.now)


# ---- attackers


def test_an_attacker_costs_check_after_proofs_a_ban_at_most() -> None:
    """As fast as it can, for a day, back whenever it may."""
    scene, proofs, bans = Scene(), 0, 0
    begin = scene.now
    while scene.now < begin + DAY:
        before = proofs
        while not scene.book.is_banned(RIG, scene.now):
            scene.sends(RIG, INVALID, every=0.02)
            proofs += 1
        assert proofs - before == scene.settings.check_after
        bans += 1
        scene.now = scene.bans()[0].until
    assert bans < 6 + 24 + 2  # doubled up to an hour


def test_it_does_not_help_to_come_as_many() -> None:
    """Another name for every fifty shares: soon its address gets a few new connections a second."""
    scene, names = Scene(), 0
    for _ in range(1000):
        scene.now += 0.02
        if scene.book.connect(FARM, scene.now) is Step.NONE:
            names += 1
            scene.sends(Miner("farm", f"x{names}", FARM), INVALID, 50)
    assert scene.book.refused["throttled"] == 1000 - names
    assert names <= 20 + 20 * 10
    assert not scene.book.is_banned(FARM, scene.now), "that is for floods only"


def test_a_flood_of_connections_bans_the_address() -> None:
    scene = Scene()
    came = [scene.book.connect(FARM, scene.now) for _ in range(20_000)]
    assert came[:4095] == [Step.NONE] * 4095
    assert came[-1] is Step.BAN
    assert came.count(Step.NONE) <= 4096
    (ban,) = scene.bans()
    assert (ban.kind, ban.subject, ban.reason) == ("address", FARM, "flood")
    assert scene.book.connect("203.0.113.8", scene.now) is Step.NONE
    assert scene.book.connect(FARM, scene.now + 60) is Step.NONE


def test_but_not_where_a_good_miner_is_at_work() -> None:
    scene = Scene()
    scene.book.working(RIG)
    came = Counter(scene.book.connect(FARM, scene.now + number / 1000) for number in range(50_000))
    assert came[Step.BAN] == 0
    assert came[Step.THROTTLE] > 0
    assert 4096 <= came[Step.NONE] <= 5600  # what fits, what leaks, and ten a second
    assert {scene.book.junk(FARM, scene.now) for _ in range(500)} == {Step.NONE, Step.WARN, Step.THROTTLE}
    assert not scene.book.is_banned(FARM, scene.now)


def test_junk_bans_an_address_where_nobody_works() -> None:
    scene = Scene()
    steps = [scene.book.junk(FARM, scene.now, "an HTTP request") for _ in range(50)]
    assert [step for step in steps if step] == [Step.WARN, Step.THROTTLE, Step.BAN]
    (ban,) = scene.bans()
    assert (ban.reason, ban.evidence[0].detail) == ("junk", "an HTTP request")
    assert scene.book.junk(FARM, scene.now) is Step.BAN
    assert scene.book.connect(FARM, scene.now) is Step.BAN
    assert scene.book.refused["junk"] == 1


def test_a_scanner_beside_a_farm_is_outweighed_by_its_logins() -> None:
    scene = Scene()
    for _ in range(200):
        scene.book.connect(FARM, scene.now)
        scene.book.junk(FARM, scene.now)
        for _ in range(3):
            scene.book.connect(FARM, scene.now)
            scene.book.welcome(FARM, scene.now)
    assert scene.bans() == []


def test_an_address_slowed_for_junk_is_free_again_after_a_rest() -> None:
    scene = Scene()
    for _ in range(30):
        scene.book.junk(FARM, scene.now)
    came = [scene.book.connect(FARM, scene.now) for _ in range(3)]
    assert came == [Step.NONE, Step.THROTTLE, Step.THROTTLE]
    scene.now += 2 * 3600
    assert [scene.book.connect(FARM, scene.now) for _ in range(3)] == [Step.NONE] * 3


def test_of_ipv6_the_network_answers() -> None:
    """Its owner has 2^64 addresses to come from."""
    scene = Scene()
    for number in range(50):
        scene.book.junk(f"2001:db8:1:2::{number:x}", scene.now)
    assert [ban.subject for ban in scene.bans()] == ["2001:db8:1:2::/64"]
    assert scene.book.is_banned("2001:db8:1:2:ffff::1", scene.now)
    assert not scene.book.is_banned("2001:db8:1:3::1", scene.now)
    for _ in range(50):
        scene.book.junk("::ffff:192.0.2.9", scene.now)
    assert scene.book.is_banned("192.0.2.9", scene.now), "which is IPv4"


# ---- the operator


def test_a_ban_is_lifted_by_its_number() -> None:
    scene = Scene()
    scene.sends(RIG, INVALID, 50)
    for _ in range(50):
        scene.book.junk(FARM, scene.now)
    miner, address = scene.bans()
    assert miner.id != address.id
    assert scene.book.release(miner.id)
    assert not scene.book.is_banned(RIG, scene.now)
    assert scene.book.release(address.id)
    assert scene.book.connect(FARM, scene.now) is Step.NONE
    assert not scene.book.release(address.id)
    scene.sends(RIG, INVALID, 50)
    assert scene.bans()[0].until - scene.now == 60, "as if it were the first"


def test_steps_are_counted_by_reason() -> None:
    scene = Scene()
    scene.sends(RIG, INVALID, 50)
    scene.book.junk(FARM, scene.now)
    assert scene.book.steps == {
        ("miner", Step.WARN, "invalid_solution"): 1,
        ("miner", Step.THROTTLE, "invalid_solution"): 1,
        ("miner", Step.BAN, "invalid_solution"): 1,
    }


# ---- bounds


def test_only_so_many_sinners_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SUBJECTS", 100)
    assert MAX_SUBJECTS > 10_000
    scene = Scene()
    scene.sends(RIG, INVALID, 49)
    for number in range(99):
        scene.sends(Miner("farm", f"x{number}", FARM), INVALID)
        scene.book.connect(f"192.0.2.{number}", scene.now)
        scene.book.connect(f"198.51.100.{number}", scene.now)
    assert len(scene.book._miners) == 100
    assert len(scene.book._addresses) == 100
    assert scene.sends(RIG, INVALID) == [Step.BAN], "was remembered"
    for number in range(200):
        scene.sends(Miner("farm", f"y{number}", FARM), INVALID)
    assert len(scene.book._miners) == 100
    assert scene.book.is_banned(RIG, scene.now), "which no crowd of names can wash away"


def test_only_so_many_bans_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BANS", 10)
    assert MAX_BANS >= 1000
    scene = Scene(Settings(check_after=1))
    for number in range(25):
        scene.sends(Miner("farm", f"x{number}", FARM), INVALID)
    assert [ban.id for ban in scene.bans()] == list(range(16, 26))


def test_a_good_miner_is_not_remembered_at_all() -> None:
    scene = Scene()
    scene.sends(RIG, Reason.ACCEPTED, 10)
    scene.sends(RIG, Reason.STALE, 10)
    assert not scene.book._miners
    scene.book.working(RIG)
    scene.book.gone(RIG)
    assert not scene.book._working


# ---- what always holds

miners = st.builds(
    Miner,
    st.just("farm"),
    st.sampled_from(["a", "b", "\x00", "🦥" * 300]),
    st.sampled_from([FARM, "192.0.2.1", "2001:db8::1", "2001:db8::2", "10.0.0.1", "", "no address"]),
)
texts = st.text(max_size=200)
shares = st.tuples(st.just("share"), miners, st.sampled_from(Reason), st.integers(1, 60), texts)
doings = st.lists(
    st.tuples(st.sampled_from(["connect", "welcome", "junk", "working", "gone", "rest"]), miners) | shares,
    max_size=60,
)
settings_of_any_kind = st.builds(
    Settings,
    check_after=st.integers(1, 60),
    bad_ratio=st.floats(0.01, 1),
    seconds=st.floats(1, 600),
    max_seconds=st.floats(600, 1e6),
    allow=st.just(("10.0.0.0/8",)),
)


@patient
@given(settings_of_any_kind, doings, st.lists(st.floats(0, 5000), min_size=60, max_size=60))
def test_nothing_that_anybody_does_breaks_the_rules(
    settings: Settings, doings: list[tuple[object, ...]], waits: list[float]
) -> None:
    scene = Scene(settings)
    book = scene.book
    for doing, wait in zip(doings, waits, strict=False):
        match doing:
            case ("share", Miner() as miner, Reason() as reason, int() as times, str() as text):
                for _ in range(times):
                    step = book.share(miner, reason, scene.now, text, text)
                    assert step is Step.NONE or reason not in (Reason.STALE, Reason.ACCEPTED, Reason.KEPT)
            case ("connect", Miner() as miner):
                assert book.connect(miner.address, scene.now) in (Step.NONE, Step.THROTTLE, Step.BAN)
            case ("welcome", Miner() as miner):
                book.welcome(miner.address, scene.now)
            case ("junk", Miner() as miner):
                before = book.is_banned(miner.address, scene.now)
                step = book.junk(miner.address, scene.now)
                # Nobody who works is shut out with all the others of its address.
                assert step is not Step.BAN or before or not book._working[sender(miner.address)]
            case ("working", Miner() as miner):
                book.working(miner)
            case ("gone", Miner() as miner) if book._working[miner]:
                book.gone(miner)
            case _:
                scene.now += wait
        for ban in scene.bans():
            assert ban.since <= scene.now < ban.until
            assert ban.until - ban.since <= settings.max_seconds + 1e-6
            assert book.is_banned(ban.subject if isinstance(ban.subject, Miner) else _any_of(ban), scene.now)
            address = ban.subject.address if isinstance(ban.subject, Miner) else ban.subject
            assert not address.startswith("10.")
            assert 1 <= len(ban.evidence) <= EVIDENCE
        ids = [ban.id for ban in scene.bans()]
        assert ids == sorted(set(ids))
    assert all(count > 0 for count in book._working.values())
    assert not math.isnan(sum(conduct.bad for conduct in book._miners.values()))


def _any_of(ban: Ban) -> str:
    """An address that a ban is for."""
    return str(ban.subject).removesuffix("/64") + ("1" if str(ban.subject).endswith("/64") else "")

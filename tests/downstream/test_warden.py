"""One bad miner hurts nobody: real sessions behind one address, a real relay, and a warden between them."""

import pytest

from proxy.config import Ban
from proxy.core.conduct import Step
from proxy.core.penalties import Miner
from proxy.core.tally import Tally
from proxy.downstream.listeners import UNIX
from proxy.downstream.standing import Standing
from proxy.downstream.warden import BANNED, THROTTLED, News, Warden
from proxy.model.share import Reason, Verdict
from tests.downstream.farms import Farm, farm
from tests.kit.miners import AUTHORIZE, SOLUTION, SUBSCRIBE, Dialogue, LoginDialogue, authorize, submit

HOME = "192.0.2.1"  # where all dialogues come from
INVALID = Verdict(Reason.INVALID_SOLUTION)


class Desk:
    """A farm with a pool, a warden that tells, and a tally it counts in."""

    def __init__(self, settings: Ban | None = None) -> None:
        self.tally = Tally()
        self.news: list[News] = []
        self.warden = Warden(settings or Ban(), self.tally, lambda news, _now: self.news.append(news))
        self.farm: Farm = farm()
        relay = self.farm.relay
        self.farm.shared.warden = relay.warden = relay.endings.warden = self.warden
        self.farm.pool.comes()

    def good_share(self, miner: Dialogue, number: int = 0) -> None:
        """A share that the pool accepts."""
        miner.says(self.farm.share(miner, number).submit(miner.job_id, f"g{number}"))
        self.farm.pool.answers()
        assert miner.hears()[-1]["result"] is True

    def steps(self) -> list[Step]:
        """What was told, in order."""
        return [news.step for news in self.news]


def wrong(miner: Dialogue, number: int) -> dict[str, object]:
    """A share whose proof is wrong."""
    return submit(miner.job_id, f"{number:0{len(miner.nonce)}x}", SOLUTION, request_id=f"w{number}")


def attack(miner: Dialogue, times: int = 60) -> int:
    """Send wrong proofs until closed; how many were answered."""
    for number in range(times):
        miner.says(wrong(miner, number))
        if miner.session.closing:
            return number + 1
    return times


def hang_up(desk: Desk, miner: Dialogue) -> None:
    """End a connection, as a carrier does."""
    session = miner.session
    session.end(0.0)
    desk.warden.ended(session.standing, session.closing or "closed", session.close_detail, miner.now)


def test_an_attacker_is_shut_out_and_the_farm_behind_its_address_is_not() -> None:
    desk = Desk()
    good = [desk.farm.miner(f"rig{number}") for number in range(20)]
    for miner in good:
        desk.good_share(miner)
    bad = desk.farm.miner("evil")
    assert attack(bad) == 50
    assert bad.session.closing == BANNED
    assert desk.steps() == [Step.WARN, Step.THROTTLE, Step.BAN]
    assert desk.news[-1].subject == Miner("farm", "evil", HOME)
    assert (desk.news[-1].seconds, desk.news[-1].times) == (60, 1)
    desk.warden.sweep(bad.now)
    assert (desk.tally.bans, desk.tally.banned) == ({"invalid_solution": 1}, 1)
    hang_up(desk, bad)
    # Its name is refused, in a line that says for how long.
    again = Dialogue(desk.farm.relay)
    again.says(SUBSCRIBE)
    text = "banned for 60 s: too many bad shares"
    assert again.says(authorize("evil")) == [{"id": None, "result": None, "error": [24, text, None]}]
    assert again.session.closing == BANNED
    assert "evil" not in desk.farm.relay.workers.connections
    login = LoginDialogue(desk.farm.relay)
    (line,) = login.says({"id": 1, "method": "login", "params": {"login": "evil", "pass": "x"}})
    assert line["error"]["message"] == text
    # Nobody else notices.
    for miner in good:
        desk.good_share(miner, 1)
        assert not miner.session.closing
    assert not desk.warden.refuses(HOME, bad.now)
    # And when its time is over it may come back; next time it is shut out for longer.
    late = Dialogue(desk.farm.relay, now=bad.now + 61)
    late.logs_in("evil")
    assert attack(late) == 50
    assert (desk.news[-1].seconds, desk.news[-1].times) == (120, 2)
    desk.warden.sweep(late.now + 121)
    assert (desk.tally.bans, desk.tally.banned) == ({"invalid_solution": 2}, 0)


def test_two_in_a_hundred_is_nobodys_fault() -> None:
    desk = Desk()
    miner = desk.farm.miner("warm")
    standing = miner.session.standing
    for number in range(20_000):
        if number % 50 == 7:
            desk.warden.bad(miner.session, INVALID, number / 2)
        else:
            desk.warden.good(standing)
    assert set(desk.steps()) <= {Step.WARN}
    assert not miner.session.closing


def test_a_storm_of_stale_shares_after_a_switch_is_nothing() -> None:
    desk = Desk()
    miner = desk.farm.miner()
    found = desk.farm.share(miner)
    old_id = miner.job_id
    desk.farm.pool.gives("cd" * 32)
    for number in range(200):
        (line,) = miner.says(found.submit(old_id, number))
        assert line["error"][1] == "stale share"
    assert not miner.session.closing
    assert desk.news == []


def test_who_is_on_the_list_is_never_punished() -> None:
    desk = Desk(Ban(allow=("192.0.2.0/24",)))
    miner = desk.farm.miner()
    assert attack(miner) == 60
    assert not miner.session.closing
    assert not any(desk.warden.refuses(HOME, 0.0) for _ in range(20_000))


def test_another_list_is_gone_by_at_once() -> None:
    desk = Desk()
    miner = desk.farm.miner()
    attack(miner, 40)
    desk.warden.configure(Ban(allow=("192.0.2.0/24",)))
    attack(miner)
    assert not miner.session.closing


def test_a_miner_with_many_bad_shares_is_slowed_until_good_ones_outweigh_them() -> None:
    desk = Desk()
    miner = desk.farm.miner()
    standing = miner.session.standing
    attack(miner, 30)
    assert standing.is_slowed
    assert desk.warden.slows(standing, miner.now)
    for _ in range(200):
        desk.warden.good(standing)
    assert not desk.warden.slows(standing, miner.now)
    assert not standing.is_slowed


def junk(desk: Desk, times: int) -> list[str]:
    """Connections that send what is not stratum; how each was received."""
    received = []
    for number in range(times):
        received.append(desk.warden.refuses(HOME, float(number)))
        desk.warden.ended(Standing("farm", HOME, 0.0), "not_stratum", "junk", float(number))
    return received


def test_junk_bans_an_address_where_nobody_works() -> None:
    desk = Desk()
    assert junk(desk, 60)[-1] == BANNED
    (news,) = desk.news
    assert (news.step, news.subject) == (Step.BAN, HOME)
    assert desk.tally.bans == {"junk": 1}


def test_junk_only_slows_an_address_where_a_miner_works() -> None:
    desk = Desk()
    miner = desk.farm.miner()
    desk.good_share(miner)
    assert BANNED not in junk(desk, 200)
    assert desk.warden.refuses(HOME, 200.0) == ""
    assert desk.warden.refuses(HOME, 200.01) == THROTTLED
    # Until it has gone.
    hang_up(desk, miner)
    assert BANNED in junk(desk, 60)


def test_who_was_a_miner_has_sent_no_junk() -> None:
    desk = Desk()
    for _ in range(100):
        miner = desk.farm.miner()
        miner.session.close("bad_lines")
        hang_up(desk, miner)
    assert desk.news == []


def test_a_flood_bans_an_address_but_never_a_socket_file() -> None:
    desk = Desk()
    assert BANNED in [desk.warden.refuses(HOME, i / 100_000) for i in range(1_000_000 // 4)]
    assert not any(desk.warden.refuses(UNIX, 3.0) for _ in range(20_000))


def test_a_verdict_that_comes_too_late_puts_nobody_at_work() -> None:
    desk = Desk()
    miner = desk.farm.miner()
    miner.says(desk.farm.share(miner).submit(miner.job_id))
    hang_up(desk, miner)
    desk.farm.pool.answers()
    assert BANNED in junk(desk, 60)


def test_another_name_on_the_same_connection_is_another_miner() -> None:
    desk = Desk()
    miner = desk.farm.miner("first")
    desk.good_share(miner)
    miner.says(authorize("second"))
    assert miner.session.standing.miner == Miner("farm", "second", HOME)
    assert not miner.session.standing.is_proven
    attack(miner)
    assert desk.news[-1].subject == Miner("farm", "second", HOME)
    assert not desk.warden.penalties.is_banned(Miner("farm", "first", HOME), miner.now)


def test_names_without_end_cost_a_bounded_number_of_checks() -> None:
    """Whoever bans one name after another is not let in under the next."""
    desk = Desk()
    checks = refused = 0
    for name in range(100):
        standing = Standing("farm", HOME, 0.0)
        refusal = desk.warden.log_in(standing, f"evil{name}", 1000.0)
        if refusal is not None:
            assert refusal == (THROTTLED, "too many bad shares from this address; try again later")
            refused += 1
            continue
        miner = desk.farm.miner(f"x{name}")
        miner.session.standing = standing
        while not miner.session.closing:
            desk.warden.bad(miner.session, INVALID, 1000.0)
            checks += 1
    assert checks == 1000
    assert refused == 80
    # A minute later there is room again.
    assert desk.warden.log_in(Standing("farm", HOME, 0.0), "new", 1100.0) is None


@pytest.mark.parametrize("first", [SUBSCRIBE, AUTHORIZE])
def test_a_miner_is_welcome_with_its_first_line(first: dict[str, object]) -> None:
    desk = Desk()
    desk.warden.refuses(HOME, 1000.0)
    level = desk.warden.penalties._addresses[HOME].level
    Dialogue(desk.farm.relay).says(first)
    assert desk.warden.penalties._addresses[HOME].level == level - 1

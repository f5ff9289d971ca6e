"""Who the workers are, and what they have said."""

from proxy.core.tally import Tally
from proxy.ledger.standing import OK, Standing, together
from proxy.model.share import Reason
from proxy.workers.messages import report
from proxy.workers.roster import Roster
from tests.workers.reports import a_report

OWN = Tally()
NOW = 1000.0


def one_share(end: Reason | None = None) -> Tally:
    """The counts of a worker that has forwarded a share."""
    tally = Tally()
    tally.received["farm", "aion"] += 1
    tally.sent("main")
    if end is not None:
        tally.returned("main", end, 1.0, 0.1)
    return tally


def test_the_figures_are_those_of_all() -> None:
    roster = Roster(clock=lambda: NOW)
    assert roster.tally(OWN).conserved
    assert roster.slots == {"lent": 0, "resting": 0, "free": 0}
    lives = [roster.begin(number) for number in (1, 2)]
    for life in lives:
        roster.take(life, a_report(one_share(), rig1=1, rig2=1))
    assert roster.tally(OWN).received_total == 2
    assert roster.tally(OWN).in_flight == 2
    assert roster.miners == {("farm", "aion"): 2}
    assert roster.slots == {"lent": 2, "resting": 0, "free": 510}
    assert roster.gathered.book.connections == {"rig1": 2, "rig2": 2}
    roster.take(lives[0], a_report(one_share(), rig1=0))
    assert roster.gathered.book.connections == {"rig1": 1, "rig2": 2}


def test_every_life_has_a_name_of_its_own() -> None:
    roster = Roster(clock=lambda: NOW)
    first = roster.begin(1)
    roster.end(first)
    assert roster.begin(1).name != first.name
    assert [life.number for life in roster.lives] == [1]


def test_ready_is_told_once() -> None:
    told: list[str] = []
    roster = Roster(clock=lambda: NOW)
    roster.on_first_work = lambda: told.append("ready")
    life = roster.begin(1)
    without = a_report()
    without.has_work = False
    for each in (without, a_report(), a_report()):
        roster.take(life, each)
    assert told == ["ready"]


def test_one_that_ended_in_order_has_said_all() -> None:
    roster = Roster(clock=lambda: NOW)
    life = roster.begin(1)
    roster.take(life, report(one_share(Reason.LOST), {}, {}, {}, has_work=False, last=True))
    # The pool's verdict came when its miners had been told otherwise.
    life.book.arrived["main"] += 1
    life.book.settled[Reason.ACCEPTED] += 1
    roster.end(life)
    assert roster.tally(OWN).shares == {Reason.LOST: 1}
    assert roster.books == {}, "buried"


def test_one_that_died_is_counted_to_the_end_and_then_forgotten() -> None:
    roster = Roster(lambda: 2.0, lambda: NOW)
    life = roster.begin(1)
    roster.take(life, a_report(one_share()))
    life.book.connections = 1
    life.book.arrived["main"] += 2
    roster.end(life)
    tally = roster.tally(OWN)
    assert tally.conserved
    assert (tally.received_total, tally.in_flight) == (2, 2)
    assert tally.disconnects == {("farm", "worker_died"): 1}
    assert not roster.miners
    assert not roster.gathered.book.connections
    life.book.connections = 0
    life.book.settled[Reason.ACCEPTED] += 2
    for _ in range(2):  # it is buried at the first look
        tally = roster.tally(OWN)
        assert tally.shares == {Reason.ACCEPTED: 2}
        assert tally.work == {Reason.ACCEPTED: 4.0}
        assert tally.disconnects == {("farm", "worker_died"): 1}
        assert roster.books == {}


async def test_the_ledger_of_several_processes_keeps_what_those_wrote_that_are_gone() -> None:
    roster = Roster()
    first, second = roster.begin(1), roster.begin(2)
    first.ledger = Standing(OK, pending=2, written=10, lost=1, spooled_bytes=5)
    second.ledger = Standing(OK, written=20)
    assert together(roster.ledgers) == Standing(OK, 2, 30, 1, 5)
    roster.end(first)
    assert together(roster.ledgers) == Standing(OK, 0, 30, 1, 0)

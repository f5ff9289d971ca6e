"""The talk with a pool, whatever it says and when: each share has one verdict, none is too many."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proxy.errors import PoolError
from tests.kit.pools import (
    EASY,
    EXTRANONCE1,
    HARD,
    LET_IN,
    SUBSCRIBED,
    Playbook,
    Settled,
    a_forward,
    notify,
    set_extranonce,
    set_target,
)

OTHER_HEADER = "cd" * 32
MOVED = "b760ca8200000001"

JUNK = [
    "",
    "{}",
    '{"id":7,"method":"ping"}',
    '{"result":true,"id":null}',
    '{"id":4}',
    notify("1"),
    notify("2", header=OTHER_HEADER, clean=False),
    set_target(HARD),
    set_target(EASY),
    set_extranonce(MOVED),
    set_extranonce(EXTRANONCE1),
    LET_IN,
    SUBSCRIBED,
]


class Shares(RuleBasedStateMachine):
    """Shares, answers in any order and form, time and other lines; by the end each share has one verdict."""

    @initialize(unanswered=st.integers(1, 4), knows=st.sampled_from([None, True, False]))
    def connect(self, unanswered: int, knows: bool | None) -> None:
        self.talk = Playbook(unanswered=unanswered, knows=knows, reply_seconds=20).login()
        self.handed = 0
        self.sent: dict[int, int] = {}  # what the pool saw: number of the share by id of the request
        self.settled: list[object] = []
        self.over = False
        self.look()

    def look(self) -> None:
        for told in self.talk.take_told():
            if isinstance(told, Settled):
                self.settled.append(told.token)
        for line in self.talk.link.take_output().splitlines():
            request = json.loads(line)
            if request.get("method") == "mining.submit":
                assert request["id"] not in self.sent, "no id twice"
                self.sent[request["id"]] = int(request["params"][2], 16)

    @precondition(lambda self: not self.over)
    @rule(count=st.integers(1, 6))
    def shares_come(self, count: int) -> None:
        for _ in range(count):
            link = self.talk.link
            share = a_forward(self.handed, connection=link.connection, ntime=f"{self.handed:016x}")
            link.submit(share, self.talk.now)
            self.handed += 1
        self.look()

    @precondition(lambda self: not self.over)
    @rule(
        which=st.integers(0, 10),
        form=st.sampled_from(
            ['{"id":%d,"result":true}', '{"id":"%d","result":true}', '{"id":%d,"error":[2,"x"]}']
        ),
        times=st.integers(1, 2),
    )
    def pool_answers(self, which: int, form: str, times: int) -> None:
        if self.sent:
            request_id = list(self.sent)[-1 - which % len(self.sent)]
            self.talk.pool_says(*[form % request_id] * times)
            self.look()

    @precondition(lambda self: not self.over)
    @rule(lines=st.lists(st.sampled_from(JUNK), max_size=4))
    def pool_talks(self, lines: list[str]) -> None:
        self.talk.pool_says(*lines)
        self.look()

    @precondition(lambda self: not self.over)
    @rule(seconds=st.sampled_from([0.05, 0.1, 1, 10, 30]))
    def time_passes(self, seconds: float) -> None:
        self.talk.pool_says("")
        self.talk.time_passes(seconds)
        self.look()

    @rule()
    def connection_ends(self) -> None:
        self.over = True
        self.talk.link.abandon(self.talk.now)
        self.look()
        assert set(self.settled) == set(range(self.handed))

    @invariant()
    def no_more_at_the_pool_than_it_can_take(self) -> None:
        if hasattr(self, "talk"):
            link = self.talk.link
            assert len(self.settled) == len(set(self.settled)), "one verdict each"
            assert len(self.settled) + link.waiting == self.handed, "none forgotten"
            assert len(set(self.sent.values()) - set(self.settled)) <= self.talk.account.unanswered


Shares.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestShares = Shares.TestCase


any_line = st.one_of(st.sampled_from([line.encode() for line in JUNK]), st.binary(max_size=60))


@given(st.lists(any_line, max_size=12))
def test_any_bytes_from_a_pool_are_taken_or_are_its_fault(lines: list[bytes]) -> None:
    talk = Playbook().login()
    talk.submits("a", "b", "c", "d")
    fault = ""
    try:
        for line in lines:
            talk.link.receive(line + b"\n", talk.now)
            talk.time_passes(1)
    except PoolError as error:
        fault = str(error)
    assert "\n" not in fault
    talk.link.abandon(talk.now)
    assert sorted(map(str, talk.settled_at)) == ["a", "b", "c", "d"]

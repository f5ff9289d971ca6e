"""The talk with a pool, whatever it says and when: each share has one verdict, none is too many."""

import json
from typing import Any, ClassVar

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proxy.config.algorithm import BLOB as BLOB_WORK
from proxy.errors import PoolError
from tests.kit.pools import (
    EASY,
    EQUIHASH,
    EXTRANONCE1,
    HARD,
    LET_IN,
    SUBSCRIBED,
    LoginPlaybook,
    Playbook,
    Settled,
    a_forward,
    blob_work,
    job,
    logged_in,
    notify,
    set_extranonce,
    set_target,
    work,
    wrong,
)

OTHER_HEADER = "cd" * 32
MOVED = "b760ca8200000001"

JUNK = ["", "{}", '{"id":7,"method":"ping"}', '{"result":true,"id":null}', '{"id":4}']
AION = [
    *JUNK,
    notify("1"),
    notify("2", header=OTHER_HEADER, clean=False),
    set_target(HARD),
    set_target(EASY),
    set_extranonce(MOVED),
    set_extranonce(EXTRANONCE1),
    LET_IN,
    SUBSCRIBED,
]
LOGIN = [
    *JUNK,
    job(work("1")),
    job(work("2", header=OTHER_HEADER, clean=False)),
    job(work("3", target=HARD)),
    job(work("4", extranonce1=MOVED)),
    logged_in(work("5")),
    logged_in(None, "keepalive"),
]


class Shares(RuleBasedStateMachine):
    """Shares, answers in any order and form, time and other lines; by the end each share has one verdict."""

    playbook: ClassVar[type[Playbook]]
    submit: ClassVar[str]
    lines: ClassVar[list[str]]

    def number(self, params: Any) -> int:
        """Which share a submit is for: each has its number for a time."""
        raise NotImplementedError

    @initialize(unanswered=st.integers(1, 4), knows=st.sampled_from([None, True, False]))
    def connect(self, unanswered: int, knows: bool | None) -> None:
        self.talk = self.playbook(unanswered=unanswered, knows=knows, reply_seconds=20).login()
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
            if request.get("method") == self.submit:
                assert request["id"] not in self.sent, "no id twice"
                self.sent[request["id"]] = self.number(request["params"])

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
    @rule(lines=st.lists(st.integers(0, 100), max_size=4))
    def pool_talks(self, lines: list[int]) -> None:
        self.talk.pool_says(*[self.lines[line % len(self.lines)] for line in lines])
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


class AionShares(Shares):
    playbook, submit, lines = Playbook, "mining.submit", AION

    def number(self, params: Any) -> int:
        return int(params[2], 16)


class LoginShares(Shares):
    playbook, submit, lines = LoginPlaybook, "submit", LOGIN

    def number(self, params: Any) -> int:
        return int(params["ntime"], 16)


for machine in (AionShares, LoginShares):
    machine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestAionShares = AionShares.TestCase
TestLoginShares = LoginShares.TestCase


def any_line(known: list[str]) -> st.SearchStrategy[bytes]:
    return st.one_of(st.sampled_from([line.encode() for line in known]), st.binary(max_size=60))


def one_verdict_each(talk: Playbook, lines: list[bytes], *shares: str) -> None:
    """Let a pool say lines until it is left; whatever they were, no other fault and no share forgotten."""
    talk.submits(*shares)
    fault = ""
    try:
        for line in lines:
            talk.link.receive(line + b"\n", talk.now)
            talk.time_passes(1)
    except PoolError as error:
        fault = str(error)
    assert "\n" not in fault
    talk.link.abandon(talk.now)
    settled = [told.token for told in talk.take_told() if isinstance(told, Settled)]
    assert sorted(map(str, settled)) == list(shares)


@given(st.lists(any_line(AION), max_size=12))
def test_any_bytes_from_an_aion_pool_are_taken_or_are_its_fault(lines: list[bytes]) -> None:
    one_verdict_each(Playbook().login(), lines, "a", "b", "c", "d")


# What a job, an answer or an error may hold that no sane pool puts there.
odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=10),
    st.sampled_from(
        ["", "0" * 64, "ff" * 32, "00" * 8, "zz", "equihash/144_5", "kawpow", "rx/yada", "ü" * 64]
    ),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=3),
)
names = st.sampled_from(
    [*work("1"), "seed_hash", "height", "clean", "sig_key", "constructor", "%s", "\u2028", '"']
)
job_bodies = st.builds(
    lambda body, changes, lacking: {
        name: value for name, value in {**body, **changes}.items() if name not in lacking
    },
    st.sampled_from([work("1"), work("2", extranonce1=MOVED), work("3", extranonce1=""), blob_work("4")]),
    st.dictionaries(names, odd, max_size=3),
    st.sets(names, max_size=2),
)
answers = st.builds(
    lambda request_id, result, error: json.dumps({"id": request_id, "result": result, "error": error}),
    st.one_of(st.integers(1, 6), st.none()),
    st.one_of(odd, st.builds(lambda session, body: {"id": session, "job": body}, odd, job_bodies)),
    st.one_of(st.none(), odd, st.builds(lambda code, text: {"code": code, "message": text}, odd, odd)),
)
login_lines = st.one_of(
    any_line([*LOGIN, wrong(2, -1, "Unauthenticated"), wrong(3, -1, "Invalid job id")]),
    job_bodies.map(lambda body: job(body).encode()),
    job_bodies.map(lambda body: logged_in(body).encode()),
    answers.map(str.encode),
)


@given(st.lists(login_lines, max_size=12))
def test_any_bytes_from_a_login_pool_are_taken_or_are_its_fault(lines: list[bytes]) -> None:
    one_verdict_each(LoginPlaybook().login(), lines, "a", "b", "c", "d")


@given(st.lists(login_lines, max_size=6), st.sampled_from([EQUIHASH, BLOB_WORK]))
def test_any_bytes_before_the_login_are_taken_or_are_the_pools_fault(
    lines: list[bytes], algorithm: str
) -> None:
    one_verdict_each(LoginPlaybook(algorithm=algorithm), lines)

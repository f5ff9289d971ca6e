"""Targets for whole sessions: a miner's with a house of paper behind it, a pool's with a relay of paper.

An input is a stream of bytes cut by CUT; the byte behind each one says what else happens there:

    .      nothing, the read ends        j J    a job, one with another target
    g      the pool goes                 c C    it comes, with another extranonce1
    v k n  shares wait, are kept, are refused from here on
    a r    the pool takes, or refuses, the oldest share that waits
    t T    a second, or ten minutes      s      to a pool: a share is handed over

Strategy: what was asked is read off the stream a second time, line by line, and held against what was
answered: each request has just one answer, unless the session hangs up.  The first byte picks the port.
The trap: ids are the sender's, so two requests may have the same one, and only the counts can be compared.
"""

from collections import Counter
from collections.abc import Iterator

import attrs
from structlog.testing import capture_logs

from proxy.config import Limits, Vardiff
from proxy.downstream.session import Door
from proxy.errors import MinerError, PoolError
from proxy.model.share import Reason, Verdict
from proxy.model.target import MAX_TARGET
from proxy.upstream.conversation import MAX_UNSENT
from proxy.wire import aion, events, login
from proxy.wire.detect import dialect_of
from proxy.wire.jsonrpc import NULL, decode
from proxy.wire.loginjobs import JobForm
from tests.downstream.farms import farm
from tests.fuzz.houses import Paper, Real
from tests.fuzz.lines import AION_METHODS, CUT, ENVELOPE, LOGIN_WORDS, VALUES, miner_lines, pool_lines
from tests.fuzz.target import Target, fit_to_show, one_json_line
from tests.kit.miners import EXTRANONCE1, SOLUTION, Dialogue, FakeHouse, door, written
from tests.kit.pools import EQUIHASH, LoginPlaybook, Playbook, Settled, a_forward

MOST_ANSWER = 4096  # bytes said for one line heard, or one thing that happens
OTHER_EXTRANONCE1 = "b760ca8200000000"
_READERS = {"aion": aion.read_request, "login": login.read_request}
_VERDICTS = {
    b"v": None,
    b"k": Verdict(Reason.KEPT),
    b"n": Verdict(Reason.BAD_NONCE),
}


def miner_session(data: bytes) -> None:
    """Equihash work: a session never raises, answers each request once, in JSON, and says no more."""
    _talk(data, Paper(FakeHouse()))


def blob_session(data: bytes) -> None:
    """Blob work: a session never raises, answers each request once, in JSON, and says no more."""
    _talk(data, Paper(FakeHouse(blob=True), is_blob=True))


def farm_session(data: bytes) -> None:
    """With the real relay behind it the same holds, its books agree, and what goes on to a pool is JSON."""
    with capture_logs():
        made = farm(blob=data[:1] > b"\x7f")
        made.pool.comes_with_blobs() if made.is_blob else made.pool.comes()
        _talk(data, Real(made))


def _talk(data: bytes, behind: Paper | Real) -> None:
    port, stream = (data[0], data[1:]) if data else (0, b"")
    talk = _Talk(behind, Dialogue(behind.house, at=_door(port, behind.is_blob)))
    session = talk.dialogue.session
    for chunk, what in _events(stream):
        session.receive(chunk, talk.dialogue.now)
        talk.happens(what)
        talk.listen(1 + chunk.count(b"\n"))
    if not behind.house.works:
        behind.comes(EXTRANONCE1, talk.dialogue.now)
    while behind.answers(Verdict(Reason.ACCEPTED)):
        pass
    talk.listen(10_000)
    talk.compare(b"".join(chunk for chunk, _ in _events(stream)))
    session.end(0.0)
    assert session.slice is None
    behind.check()


def _door(port: int, blob: bool) -> Door:
    """A port for one byte: its bits choose what it takes and how it treats miners."""
    dialects = {0: ("aion", "login"), 1: ("aion",), 2: ("login",), 3: ("login", "aion")}[port & 3]
    found = door(
        Limits(line_bytes=512 if port & 4 else 16_384, bad_lines=1000 if port & 8 else 3),
        dialects=("login",) if blob else dialects,
        job_form=JobForm(target_digits=16 if port & 16 else 0) if blob else None,
        proof=None if blob else door().proof,
    )
    vardiff = Vardiff(start=4, min=1, max=64) if port & 32 else None
    return attrs.evolve(found, vardiff=vardiff, takes_suffix=bool(port & 64))


def _events(stream: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Cut a stream into what is read at once, and what happens then."""
    first, *rest = stream.split(CUT)
    what = b"."
    for chunk in rest:
        yield first, chunk[:1]
        what, first = chunk[:1], chunk[1:]
    yield first, what


@attrs.define
class _Talk:
    """A miner's session and all it has said."""

    behind: Paper | Real
    dialogue: Dialogue
    heard: list[bytes] = attrs.Factory(list)
    woken: int = 0

    def happens(self, what: bytes) -> None:
        """Let something happen."""
        behind, dialogue = self.behind, self.dialogue
        session, now = dialogue.session, dialogue.now
        if what in _VERDICTS:
            behind.judges(_VERDICTS[what])
        elif what in (b"a", b"r"):
            behind.answers(
                Verdict(Reason.ACCEPTED) if what == b"a" else Verdict(Reason.REJECTED, 'no "x"', 7)
            )
        elif what in (b"t", b"T"):
            dialogue.now += 1 if what == b"t" else 600
            if session.first_job_due is not None and session.first_job_due <= dialogue.now:
                session.give_first_job(dialogue.now)
            session.expire(dialogue.now)
        elif what == b"g":
            behind.goes()
        elif what in (b"c", b"C"):
            behind.comes(EXTRANONCE1 if what == b"c" else OTHER_EXTRANONCE1, now)
        elif what in (b"j", b"J") and behind.house.works:
            behind.gives(MAX_TARGET if what == b"j" else MAX_TARGET >> 9, now)
        if what in (b"c", b"C", b"j", b"J") and session.at_work and behind.house.works:
            session.say(session.offer(behind.house.works, now))

    def listen(self, occasions: int) -> None:
        """Take what is said."""
        session = self.dialogue.session
        assert not session.out or self.dialogue.woken > self.woken
        self.woken = self.dialogue.woken
        said = session.take_output()
        assert len(said) <= MOST_ANSWER * occasions, len(said)
        lines = said.split(b"\n")
        assert not lines.pop()
        for line in lines:
            one_json_line(line + b"\n")
        self.heard += lines

    def compare(self, stream: bytes) -> None:
        """Hold the answers against what was asked."""
        session = self.dialogue.session
        answers: Counter[bytes] = Counter()
        for line in self.heard:
            message = decode(line, PoolError)
            if message.method is None:
                answers[bytes(message.id)] += 1
        asked = _asked(stream, tuple(session.door.flows))
        if not session.closing:
            assert answers == asked, (asked, answers)
            return
        asked[NULL] += 1  # why it hangs up
        assert answers <= asked, (asked, answers)


def _asked(stream: bytes, flows: tuple[str, ...]) -> Counter[bytes]:
    """Count what wants an answer, by id; a line without sense is answered without one."""
    asked: Counter[bytes] = Counter()
    dialect, told = flows[0], False
    for line in stream.split(b"\n")[:-1]:
        if not line or line.isspace():
            continue
        spoken, request_id = dialect_of(line)
        if spoken and not told:
            told = True
            if spoken not in flows:
                asked[request_id] += 1
                return asked
            dialect = spoken
        try:
            event = _READERS[dialect](line)
        except MinerError:
            asked[NULL] += 1
            continue
        if not isinstance(event, events.Ignored):
            asked[event.id] += 1
    return asked


def pool_session(data: bytes) -> None:
    """A pool's connection goes on or ends in PoolError; each share is settled once, our lines are JSON."""
    kind, stream = (data[0], data[1:]) if data else (0, b"")
    book = LoginPlaybook(algorithm="blob" if kind & 2 else EQUIHASH) if kind & 1 else Playbook()
    link, tokens, settled = book.link, 0, Counter[object]()
    try:
        for chunk, what in _events(stream):
            link.receive(chunk, book.now)
            if what == b"s" and link.working:
                tokens += 1
                link.submit(a_forward(tokens, connection=link.connection), book.now)
            elif what in (b"t", b"T"):
                book.now += 1 if what == b"t" else 30
                link.tick(book.now)
                assert link.next_deadline() > book.now, "it would wake for ever"
            assert len(link._out) <= MAX_UNSENT + 8 + tokens
            for line in link.take_output().split(b"\n")[:-1]:
                one_json_line(line + b"\n")
    except PoolError as fault:
        fit_to_show(fault)
    link.abandon(book.now)
    for told in book.take_told():
        if isinstance(told, Settled):
            settled[told.token] += 1
            assert told.verdict.detail.isprintable()
    assert settled == Counter(range(1, tokens + 1))
    assert link.waiting == 0
    assert all(note.isprintable() and len(note) < 1200 for note in link.notes)


# ---- what to start from

_REFERENCE = [
    b'{"id":1,"method":"mining.subscribe","params":["nheqminer/0.2.1",null,"127.0.0.1","23334"]}',
    b'{"id":2,"method":"mining.authorize","params":["rig1","d=8"]}',
    b'{"id":3,"method":"mining.extranonce.subscribe","params":[]}',
]
_SUBMIT = (
    b'{"id":4,"method":"mining.submit","params":["rig1","000000000100","000000006b00635f","%s","%s"]}'
    % (
        b"00" * 20,
        SOLUTION.encode(),
    )
)
_XMRIG = (
    b'{"id":1,"jsonrpc":"2.0","method":"login",'
    b'"params":{"login":"u+8","pass":"x","agent":"XMRig/6","rigid":"r"}}'
)
_XMRIG_SUBMIT = (
    b'{"id":2,"jsonrpc":"2.0","method":"submit","params":{"id":"0000000000000001","job_id":"000000000100",'
    b'"nonce":"%s","result":"%s"}}'
)


def _told(port: int, *said: bytes) -> bytes:
    return bytes([port]) + b"\n".join(said) + b"\n"


def _miner_streams() -> list[bytes]:
    share = _XMRIG_SUBMIT % (b"00000001", b"ab" * 32)
    proof = _XMRIG_SUBMIT % (EXTRANONCE1.encode() + b"00" * 24, SOLUTION.encode())
    happenings = b"".join(CUT + bytes([what]) + share + b"\n" for what in b"jvJaTgrCk")
    return [
        *(_told(port, *_REFERENCE, _SUBMIT) for port in (0, 1, 2, 32)),
        *(
            _told(port, _XMRIG, share, proof, b'{"id":3,"method":"keepalived"}')
            for port in (0, 1, 2, 3, 48, 64)
        ),
        _told(8, *_REFERENCE, CUT + b"v" + _SUBMIT, CUT + b"a" + CUT + b"C" + CUT + b"n" + _SUBMIT),
        _told(8, CUT + b"g" + _REFERENCE[0], _REFERENCE[1], CUT + b"T", CUT + b"c" + _SUBMIT),
        _told(10, _XMRIG, happenings),
        _told(0, CUT + b"g" + _XMRIG, CUT + b"c" + share),
        *(_told(8, line) for line in miner_lines()),
    ]


def _farm_streams() -> list[bytes]:
    """What miners say, and shares of theirs that the real relay sends on."""
    with capture_logs():
        made, blobs = farm(), farm(blob=True)
        made.pool.comes()
        blobs.pool.comes_with_blobs()
        miner, other = made.miner(), blobs.login_miner()
    first, second, third = (written(made.share(miner, nth).submit(miner.job_id)) for nth in range(3))
    opening = b"\n".join(_REFERENCE).replace(b"d=8", b"x") + b"\n"
    share = _XMRIG_SUBMIT.replace(b"000000000100", other.job_id.encode()) % (b"00000001", b"00" * 32) + b"\n"
    again = share.replace(b"00000001", b"00000101").replace(b"}}", b',"algo":"rx/0"}}')
    return [
        *_miner_streams(),
        b"\x08" + opening + first + CUT + b"a" + second + CUT + b"r" + first + CUT + b"j" + third,
        b"\x08" + opening + first + second + CUT + b"t" + third + CUT + b"g" + first + CUT + b"c",
        b"\x88" + _XMRIG.replace(b"u+8", b"u") + b"\n" + share + CUT + b"a" + again + CUT + b"j" + share,
    ]


def _pool_streams() -> list[bytes]:
    opening = b'{"id":1,"result":[null,"b760ca8200000000"],"error":null}'
    let_in = b'{"id":2,"result":true,"error":null}'
    lines = pool_lines()
    shares = CUT + b"s" + CUT + b"s" + b'{"id":10,"result":true,"error":null}\n' + CUT + b"t" + CUT + b"T"
    welcomes = [line for line in lines if b'"extensions"' in line]
    return [
        *(_told(0, opening, let_in, line, shares) for line in lines[:12]),
        *(_told(kind, welcome, *lines[-6:], shares) for kind in (1, 3) for welcome in welcomes),
    ]


_HAPPENINGS = tuple(CUT + bytes([what]) for what in b".jJtTgcCvknars")
_WORDS = (*ENVELOPE, *VALUES, *_HAPPENINGS, b"}\n{", EXTRANONCE1.encode(), b'"000000000100"')
TARGETS = (
    Target(miner_session, _miner_streams, (*_WORDS, *AION_METHODS, *LOGIN_WORDS), is_json=True),
    Target(farm_session, _farm_streams, (*_WORDS, *AION_METHODS, *LOGIN_WORDS), is_json=True),
    Target(blob_session, _miner_streams, (*_WORDS, *LOGIN_WORDS), is_json=True),
    Target(pool_session, _pool_streams, (*_WORDS, *AION_METHODS, *LOGIN_WORDS), is_json=True),
)

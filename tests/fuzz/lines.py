"""Targets for the lines of both dialects, the buffer that cuts them, and what tells dialects apart.

Strategy: beside "an event or the one named fault", each asserts what is cheap to know: the short way of
reading agrees with the long one, what can be echoed can, and what was read can be written and read again.
"""

import json
from itertools import takewhile

from proxy.errors import MinerError, PoolError
from proxy.model.job import Job, Work
from proxy.model.share import NONCE_DIGITS
from proxy.wire import aion, detect, events, login, loginsubmit
from proxy.wire.jsonrpc import MAX_ID_BYTES, MAX_NAME, decode
from proxy.wire.lines import LineBuffer
from proxy.wire.loginjobs import JobForm, Seat, job_body, read_blob, read_equihash
from proxy.wire.replies import read_reply, read_yes
from tests.fuzz.target import Target, fit_to_show, one_json_line, recorded
from tests.wire.hostile import NASTY

ALGORITHM, PERSON = "equihash/210_9", "AION0PoW"
ALIAS = "2a"
CUT = b"\x1e"  # where an input's chunks end; JSON has no use for it, not even inside a string

ENVELOPE = (
    b'"id":',
    b'"method":',
    b'"params":[',
    b'"params":{',
    b'"result":',
    b'"error":',
    b'"jsonrpc":"2.0"',
)
VALUES = tuple(value for value in NASTY if 0 < len(value) <= 64)
AION_METHODS = (
    *(b'"mining.subscribe"', b'"mining.authorize"', b'"mining.extranonce.subscribe"', b'"mining.submit"'),
    *(b'"mining.notify"', b'"mining.set_target"', b'"mining.set_difficulty"', b'"mining.set_extranonce"'),
    *(b'"client.reconnect"', b'"client.show_message"'),
)
LOGIN_WORDS = (
    *(b'"login"', b'"submit"', b'"keepalived"', b'"getjob"', b'"job"', b'"client.reconnect"', b'"rigid"'),
    *(b'"pass"', b'"agent"', b'"job_id"', b'"nonce"', b'"solution"', b'"output"', b'"pow"', b'"sig"'),
    *(b'"commitment"', b'"ntime"', b'"algo"', b'"blob"', b'"target"', b'"xn"', b'"nonceoffset"'),
    *(b'"noncebytes"', b'"seed_hash"', b'"pers"', b'"clean"', b'"extensions"', b'"status"', b'"OK"'),
    *(b'"rx/0"', b'"kawpow"', b'"astrobwt"', b'"cn-heavy/0"', b'"equihash/210_9"'),
)


# ---- miners


def aion_request(data: bytes) -> None:
    """A line of an Aion miner is an event or MinerError; the short way of a submit reads as the long one."""
    try:
        event = aion.read_request(data)
    except MinerError as fault:
        fit_to_show(fault)
        assert aion._read_usual_submit(data) is None or b'"mining.submit"' not in data
        return
    usual = aion._read_usual_submit(data)
    if usual is not None:
        assert usual == aion._read_submit(decode(data, MinerError))
    _check_request(event)
    if not isinstance(event, events.Ignored):
        one_json_line(aion.yes(event.id))
        one_json_line(aion.refused(event.id, 20, getattr(event, "detail", "")))


def login_request(data: bytes) -> None:
    """A line of a login miner is an event or MinerError; the short way of a submit reads as the long one."""
    try:
        event = login.read_request(data)
    except MinerError as fault:
        fit_to_show(fault)
        assert loginsubmit.read_usual(data) is None or b'"submit"' not in data
        return
    usual = loginsubmit.read_usual(data)
    if usual is not None:
        message = decode(data, MinerError)
        assert usual == loginsubmit.read(bytes(message.id), message.params)
    _check_request(event)
    if not isinstance(event, events.Ignored):
        one_json_line(login.kept_alive(event.id))
        one_json_line(login.refused(event.id, getattr(event, "detail", "")))
    if isinstance(event, events.Submit) and event.members:
        assert isinstance(json.loads(b"{" + event.members + b"}"), dict)


def _check_request(event: events.MinerEvent) -> None:
    """Nothing in an event is longer than it may be, or could not be shown."""
    if isinstance(event, events.Ignored):
        return
    assert len(event.id) <= MAX_ID_BYTES
    for name in ("agent", "method", "detail"):
        text = getattr(event, name, "")
        assert text.isprintable(), text
        assert len(text) <= MAX_NAME, name
    if isinstance(event, events.Authorize | events.Login):
        assert event.worker.isprintable()
        assert 0 < len(event.worker) <= MAX_NAME
        assert len(event.password) <= MAX_NAME


# ---- pools


def aion_pool(data: bytes) -> None:
    """A line of an Aion pool is an event or PoolError; a plain yes reads so either way; a job survives us."""
    try:
        event = aion.read_pool(data)
    except PoolError as fault:
        fit_to_show(fault)
        assert read_yes(data, aion._decode_yes) is None
        return
    yes = read_yes(data, aion._decode_yes)
    if yes is not None:
        message = decode(data, PoolError)
        long = read_reply(message, message.result is True or message.result == "true")
        assert yes == long, (yes, long)
    if isinstance(event, events.Reply):
        _check_reply(event)
        try:
            _check_extranonce(aion.read_subscribed(event.result))
        except PoolError as fault:
            fit_to_show(fault)
    elif isinstance(event, events.Notify):
        assert 0 < event.target < 1 << 256
        assert len(event.job_id) <= 512
        again = aion.read_pool(aion.notify(_work(event), ALIAS)[:-1])
        assert isinstance(again, events.Notify)
        assert (again.target, again.header) == (event.target, event.header)
        one_json_line(aion.submit(4, "u", event.job_id, "00" * 8, "00" * 24, "00" * 1408))
    elif isinstance(event, events.SetExtranonce):
        _check_extranonce(event.extranonce1)
    else:
        _check_said(event)


def login_pool(data: bytes) -> None:
    """A line of a login pool, its job and its welcome are events or PoolError; a job survives us."""
    try:
        event = login.read_pool(data)
    except PoolError as fault:
        fit_to_show(fault)
        assert read_yes(data, login._decode_yes) is None
        return
    yes = read_yes(data, login._decode_yes)
    if yes is not None:
        long = login._read_reply(decode(data, PoolError))
        # The object that says yes is left out of the short one: nobody asks for it.
        assert (yes.id, yes.ok, yes.code, yes.message) == (long.id, long.ok, long.code, long.message)
    if isinstance(event, events.JobGiven):
        _check_job(event)
    elif isinstance(event, events.Reply):
        _check_reply(event)
        try:
            welcome = login.read_logged_in(data)
        except PoolError as fault:
            fit_to_show(fault)
            return
        assert 0 < len(welcome.session) <= login.MAX_SESSION
        assert len(welcome.extensions) <= login.MAX_EXTENSIONS
        one_json_line(login.keepalived(3, welcome.session))
        if welcome.job is not None:
            _check_job(welcome.job)
    else:
        _check_said(event)


def _check_job(given: events.JobGiven) -> None:
    """A login pool's job is work of one of the two kinds, or of none; what miners get of it is sound."""
    try:
        told = read_equihash(given, ALGORITHM, PERSON)
    except PoolError as fault:
        fit_to_show(fault)
    else:
        assert told.extranonce1 is not None
        _check_extranonce(told.extranonce1)
        body = job_body(_work(told), JobForm(ALGORITHM, PERSON), Seat(told.extranonce1, "s"), ALIAS)
        again = _given_again(body)
        assert read_equihash(again, ALGORITHM, PERSON).header == told.header
    try:
        told = read_blob(given)
    except PoolError as fault:
        fit_to_show(fault)
    else:
        _check_blob(told)


def _check_blob(told: events.Notify) -> None:
    assert told.blob is not None
    work, former = _work(told), told.blob
    again = read_blob(_given_again(job_body(work, JobForm(), Seat("", "s"), ALIAS)))
    assert again.blob is not None
    assert again.header == told.header
    assert (again.target, again.blob.algorithm) == (told.target, former.algorithm)
    assert again.blob.members == former.members
    _given_again(job_body(work, JobForm(), Seat("7f", "s"), ALIAS))
    for digits in (16, 8):
        body = job_body(work, JobForm(target_digits=digits), Seat("", "s"), ALIAS)
        if body:  # else the target is too hard for so few digits
            assert read_blob(_given_again(body)).target <= told.target


def _given_again(body: bytes) -> events.JobGiven:
    line = login.job(body)
    one_json_line(line)
    event = login.read_pool(line[:-1])
    assert isinstance(event, events.JobGiven)
    return event


def _work(told: events.Notify) -> Work:
    job = Job("main", 1, told.job_id, told.header, told.target, told.clean, 0.0, told.blob)
    return Work.of(0x1F, job)


def _check_reply(reply: events.Reply) -> None:
    assert reply.message.isprintable()
    assert len(reply.message) <= MAX_NAME
    assert (reply.code == 0) == (reply.message == "")
    assert not (reply.ok and reply.code)
    assert reply.id is None or abs(reply.id) < 10**20


def _check_extranonce(extranonce1: str) -> None:
    assert len(extranonce1) <= NONCE_DIGITS
    assert not extranonce1 or bytes.fromhex(extranonce1).hex() == extranonce1


def _check_said(event: events.PoolEvent) -> None:
    for name in ("where", "text", "method"):
        text = getattr(event, name, "")
        assert text.isprintable(), text
        assert len(text) <= 2 * MAX_NAME + 1


# ---- bytes


def cut_lines(data: bytes) -> None:
    """However bytes are cut, the same lines come out up to the first that is too long; never more is kept."""
    limit, rest = (data[0], data[1:]) if data else (0, b"")
    chunks = rest.split(CUT)
    buffer, said = LineBuffer(limit), []
    for chunk in chunks:
        said += buffer.feed(chunk)
        assert len(buffer._partial) <= limit
    *lines, partial = b"".join(chunks).split(b"\n")
    assert said == list(takewhile(lambda line: len(line) <= limit, lines))
    assert buffer.overflow == (len(said) < len(lines) or len(partial) > limit)


def first_bytes(data: bytes) -> None:
    """Whatever a connection begins with, it is told from what a port speaks in one printable line."""
    if not data:
        return
    for told in (detect.foreign(data), detect.not_tls(data)):
        assert told.isprintable(), told
        assert len(told) < 200
    dialect, request_id = detect.dialect_of(data)
    assert dialect in ("aion", "login", "")
    one_json_line(aion.yes(request_id))
    # A line that a dialect's reader takes for a request of its own is of that dialect.
    readers = {"aion": aion.read_request, "login": login.read_request}
    for name, read in readers.items():
        try:
            event = read(data)
        except MinerError:
            continue
        if not isinstance(event, events.Ignored | events.UnknownMethod):
            assert dialect == name, (dialect, event)


# ---- what to start from

_ID = b'{"id":4,"jsonrpc":"2.0","method":"submit","params":{"id":"s","job_id":"1f","nonce":"00","result":"ab"'


def miner_lines() -> list[bytes]:
    """What miners of both dialects say."""
    return [
        *recorded("miner"),
        b'{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"u","pass":"x","agent":"XMRig/6","rigid":"r"}}',
        b'{"id":2,"method":"keepalived","params":{"id":"s"}}',
        _ID + b',"algo":"rx/0"}}',
        _ID + b',"sig":"%s","commitment":"%s"}}' % (b"ab" * 64, b"cd" * 32),
        _ID + b',"solution":[1,2,3],"ntime":"000000006b00635f"}}',
        _ID + b',"solution":"%s"}}' % (b"ab" * 72),
    ]


def pool_lines() -> list[bytes]:
    """What pools of both dialects say."""
    blob = b"0c0c%s00000000%s" % (b"ab" * 37, b"cd" * 33)
    rx = b'{"blob":"%s","job_id":"9","target":"b88d0600","algo":"rx/0","seed_hash":"%s","height":7}' % (
        blob,
        b"5e" * 32,
    )
    xn = b"a1b2c3d400000001"
    equihash = (
        b'{"job_id":"1","algo":"equihash/210_9","pers":"AION0PoW","blob":"%s%s%s","xn":"%s","nonceoffset":40,'
        b'"noncebytes":24,"target":"%s"}' % (b"5a" * 32, xn, b"00" * 24, xn, b"0020" + b"00" * 30)
    )
    job = b'{"jsonrpc":"2.0","method":"job","params":%s}'
    welcome = b'{"id":1,"error":null,"result":{"id":"58cb","job":%s,"extensions":["algo"],"status":"OK"}}'
    kawpow = b'{"blob":"%s","job_id":"k","target":"00000000ff000000","algo":"kawpow","seed_hash":"%s"}' % (
        b"ab" * 32 + b"00" * 8,
        b"5e" * 32,
    )
    return [
        *recorded("pool"),
        *(job % body for body in (rx, equihash, kawpow)),
        *(welcome % body for body in (rx, equihash, b"null")),
        b'{"id":4,"error":null,"result":{"status":"OK"}}',
        b'{"id":4,"error":{"code":-1,"message":"Low difficulty share"}}',
        b'{"method":"client.reconnect","params":["pool.example",3333]}',
        b'{"id":null,"method":"mining.set_difficulty","params":["8.5"]}',
    ]


def _streams() -> list[bytes]:
    return [
        b"\x08a\nbb\n" + CUT + b"cc",
        b"\x05\n\n\r\n" + CUT + b"toolong" + CUT + b"\n",
        b"\x03a\nlong\nb\n",
    ]


def _openings() -> list[bytes]:
    return [*miner_lines(), b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\x01", b"\r\n"]


_WORDS = (*ENVELOPE, *VALUES)
TARGETS = (
    Target(aion_request, miner_lines, (*_WORDS, *AION_METHODS), is_json=True),
    Target(aion_pool, pool_lines, (*_WORDS, *AION_METHODS), is_json=True),
    Target(login_request, miner_lines, (*_WORDS, *LOGIN_WORDS), is_json=True),
    Target(login_pool, pool_lines, (*_WORDS, *LOGIN_WORDS), is_json=True),
    Target(cut_lines, _streams, (CUT, b"\n", b"\r\n"), most=512),
    Target(first_bytes, _openings, (*_WORDS, *AION_METHODS, *LOGIN_WORDS), most=512, is_json=True),
)

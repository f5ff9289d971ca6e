"""The job object of the login dialect, both ways, for Equihash work and for blob work.

    Equihash   blob = header hash, extranonce1, zeros: the very 64 bytes that are hashed; xn = extranonce1
    blob work  blob with the miner's byte on top of the nonce; all else as the pool wrote it

Strategy: a pool's job is read into the same Notify that the other dialect makes.  For miners a work is
written once, with gaps for what each miner has of its own, because thousands get the rest of it alike.
The traps: XMRig hangs up on a job it cannot use, so a pool's that lacks something stops here; and a `%`
in what a pool wrote is none of our gaps.
"""

from typing import Any

import attrs
import msgspec

from proxy.errors import PoolError
from proxy.model import blob as blobs
from proxy.model.blob import Blob
from proxy.model.hexdigits import is_hex
from proxy.model.job import Work
from proxy.model.share import NONCE_DIGITS
from proxy.wire import events
from proxy.wire.jsonrpc import encode, plain
from proxy.wire.replies import read_pool_id
from proxy.wire.targethex import LENGTHS, lengthen, shorten, shorten_for, widen

HEADER_DIGITS = 64
MAX_MEMBERS = 8192  # bytes of what a pool adds to a job; miners take lines of 16 KiB
USUAL_DIGITS = 64  # of an Equihash target; no other spelling is without loss
USUAL_BLOB_DIGITS = 16  # of a blob target that is not the pool's own; XMRig takes 8 as well
_RESTATED = ("blob", "job_id", "target", "id", "clean")  # in our own words, or nobody's

_decode = msgspec.json.Decoder().decode


# ---- what a pool gives


def read_equihash(given: events.JobGiven, algorithm: str, person: str) -> events.Notify:
    """Read a job of Equihash work.

    Args:
        algorithm: the one configured, "equihash/N_K".
        person: the personalization configured.
    Raises: PoolError, also for work of another kind than configured.
    Source: docs/protocols/login.md, "Equihash".
    """
    members = given.members
    name, pers = _text(members, "algo"), _text(members, "pers")
    if _contradicts(name, algorithm):
        raise PoolError(f"the pool gives {plain(name, 40)} work; upstream.algorithm is {algorithm}")
    if pers and pers != person:
        raise PoolError(
            f'the pool\'s personalization is "{plain(pers, 16)}"; upstream.personalization is "{person}"'
        )
    blob = _hex(members, "blob")
    if len(blob) != HEADER_DIGITS + NONCE_DIGITS:
        raise PoolError(
            f"a blob of {len(blob) // 2} bytes is not Equihash work, which has 64; "
            'upstream.algorithm = "blob" is for other work'
        )
    return events.Notify(
        job_id=read_pool_id(_value(members, "job_id")),
        clean=_value(members, "clean") is not False,
        target=lengthen(_text(members, "target")),
        header=blob[:HEADER_DIGITS],
        extranonce1=_extranonce1(members, blob[HEADER_DIGITS:]),
    )


def _contradicts(name: str, algorithm: str) -> bool:
    """Whether a name is certainly that of another Equihash; pools spell them in many ways."""
    said, wanted = ("".join(filter(str.isalnum, text)).lower() for text in (name, algorithm))
    return said.startswith("equihash") and said != "equihash" and said != wanted


def _extranonce1(members: dict[str, bytes], nonce: str) -> str:
    """The fixed part of a nonce, said in up to three ways that must agree."""
    offset, count = _value(members, "nonceoffset"), _value(members, "noncebytes")
    if "xn" in members:
        xn = _hex(members, "xn")
    elif type(offset) is int and HEADER_DIGITS // 2 <= offset <= HEADER_DIGITS // 2 + NONCE_DIGITS // 2:
        xn = nonce[: 2 * offset - HEADER_DIGITS]
    else:
        raise PoolError("a job without xn or nonceoffset: which part of the nonce is ours?")
    size = len(xn) // 2
    if not nonce.startswith(xn):
        raise PoolError("a job whose blob does not go on with its xn behind the header hash")
    for name, said, meant in (("nonceoffset", offset, 32 + size), ("noncebytes", count, 32 - size)):
        if said is not None and (type(said) is not int or said != meant):
            raise PoolError(f"a job whose {name} does not fit its xn of {size} bytes; {meant} expected")
    return xn


def read_blob(given: events.JobGiven) -> events.Notify:
    """Read a job of blob work.

    Raises: PoolError for a job that miners could not use, and for one whose nonce cannot be split.
    Source: docs/protocols/login.md, "The job".
    """
    members = given.members
    algorithm, blob = blobs.usual_name(_text(members, "algo")), _hex(members, "blob")
    if "xn" in members or algorithm.startswith("equihash"):
        raise PoolError('the pool gives Equihash work; upstream.algorithm must be "equihash/N_K" for it')
    if algorithm in blobs.UNSPLIT:
        raise PoolError(f"{algorithm} has nonces of another size, which are not split here")
    nonce_at = 2 * blobs.nonce_offset(algorithm)
    if not nonce_at + blobs.NONCE_DIGITS <= len(blob) < blobs.MAX_BLOB_DIGITS:
        raise PoolError(f"a blob of {len(blob) // 2} bytes holds no nonce at byte {nonce_at // 2}")
    if blob[nonce_at : nonce_at + blobs.NONCE_DIGITS].strip("0"):
        raise PoolError(
            "the pool has split the nonce already (its blob holds one that is not zero): its connection is "
            "worth one miner; use a port of the pool that is not for NiceHash, and no proxy in between"
        )
    if blobs.is_seeded(algorithm) and len(_hex(members, "seed_hash")) != 64:
        raise PoolError("a RandomX job without a seed_hash of 64 hex digits")
    text = _text(members, "target")
    rest = [b"%s:%s" % (encode(name), raw) for name, raw in members.items() if name not in _RESTATED]
    rest = [member.replace(b"\r", b" ") for member in rest]  # it can only be space, and one line is one line
    if sum(map(len, rest)) > MAX_MEMBERS:
        raise PoolError(f"a job with more than {MAX_MEMBERS} bytes beside its blob")
    return events.Notify(
        job_id=read_pool_id(_value(members, "job_id")),
        clean=_value(members, "clean") is not False,
        target=widen(text, algorithm),
        header=blob,
        extranonce1="",
        blob=Blob(nonce_at, text, algorithm, b",".join(rest)),
    )


def _value(members: dict[str, bytes], name: str) -> Any:
    """Decode a member.

    Raises: PoolError; the line was valid JSON, but where it is very deep only from where it was decoded.
    """
    raw = members.get(name)
    try:
        return None if raw is None else _decode(raw)
    except (ValueError, RecursionError):
        raise PoolError(f"a job whose {name} is not JSON, or nested too deeply") from None


def _text(members: dict[str, bytes], name: str) -> str:
    value = _value(members, name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise PoolError(f"a job whose {name} is not text")
    return value


def _hex(members: dict[str, bytes], name: str) -> str:
    text = _text(members, name)
    if len(text) % 2 or not is_hex(text):
        raise PoolError(f"a job whose {name} is not hex of whole bytes")
    return text.lower()


# ---- what miners get


@attrs.frozen(slots=True)
class JobForm:
    """How the login miners of one listener want their jobs.

    Args:
        algorithm: "equihash/N_K"; "" for blob work, which names its own.
        person: personalization of Equihash.
        target_digits: 64, 16 or 8; 0 for the usual of the work.
    """

    algorithm: str = ""
    person: str = ""
    target_digits: int = attrs.field(default=0, validator=attrs.validators.in_((0, *LENGTHS)))


def _to_bytes(text: str) -> bytes:
    return text.encode()


@attrs.frozen(slots=True)
class Seat:
    """What one miner has of its own in every job.

    Args:
        prefix: its part of the nonce, hex: extranonce1, or of blob work the top byte, "" for none.
        session: its session id.
    """

    # As bytes, since a job for 10,000 miners is written 10,000 times.
    prefix: bytes = attrs.field(converter=_to_bytes)
    session: bytes = attrs.field(converter=_to_bytes)


def job_body(work: Work, form: JobForm, seat: Seat, alias: str) -> bytes:
    """Write a work as one miner's job object.

    Args:
        alias: hex to follow the id, for a miner that may have seen the work under its plain id.
    Returns: JSON; b"" where the target is too hard to be written in the digits asked for.
    """
    key = ("login", form.target_digits, len(seat.prefix))
    gaps = work.encoded.get(key)
    if gaps is None:
        gaps = work.encoded[key] = (
            _blob_gaps(work, form) if work.job.blob else _equihash_gaps(work, form, seat)
        )
    if not gaps:
        return b""
    prefix = seat.prefix
    if work.job.blob is not None:
        # Without a byte of its own the miner has the whole nonce: it will split that itself.
        return gaps % (prefix or b"00", alias.encode())
    return gaps % (alias.encode(), prefix, prefix, seat.session)


def _equihash_gaps(work: Work, form: JobForm, seat: Seat) -> bytes:
    target = shorten(work.target, form.target_digits or USUAL_DIGITS)
    if not target:
        return b""
    size = len(seat.prefix) // 2
    clean = "" if work.job.clean else ',"clean":false'
    return (
        f'{{"job_id":"{work.id}%b","algo":{_quoted(form.algorithm)},"pers":{_quoted(form.person)},'
        f'"blob":"{work.job.header}%b{"0" * (NONCE_DIGITS - 2 * size)}","xn":"%b",'
        f'"nonceoffset":{32 + size},"noncebytes":{32 - size},"target":"{target}","id":"%b"{clean}}}'
    ).encode()


def _blob_gaps(work: Work, form: JobForm) -> bytes:
    job = work.job
    assert job.blob is not None
    blob = job.blob
    if work.target == work.pool_target and not form.target_digits:
        target = blob.target_text
    else:
        target = shorten_for(blob.algorithm, work.target, form.target_digits or USUAL_BLOB_DIGITS)
    if not target:
        return b""
    before, after = job.header[: blob.nonce_at], job.header[blob.nonce_at + blobs.NONCE_DIGITS :]
    clean = b"" if job.clean else b',"clean":false'
    rest = b"," + blob.members.replace(b"%", b"%%") if blob.members else b""
    start = f'{{"blob":"{before}000000%b{after}","job_id":"{work.id}%b","target":"{target}"'
    return start.encode() + rest + clean + b"}"


def _quoted(text: str) -> str:
    return encode(text).decode().replace("%", "%%")

"""Whole sessions, line by line: what real pools and miners say is understood as it was meant.

A transcript is a file of JSON lines beside this one: first its origin, then each line with who said it
and the event it is.  Codec and simulator are written by the same hands and could be wrong together;
these lines are not made by either.

Recordings of real programs cannot be part of this repository.  Where there are some, they are read, too:
SLUICE_EXTRA_VECTORS names the directory of their files, wire_aion_*.jsonl.
"""

import json
import os
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest

from proxy.errors import MinerError, PoolError
from proxy.wire import aion, events

TRANSCRIPTS = sorted(Path(__file__).parent.glob("aion_*.jsonl"))
RECORDINGS = sorted(Path(os.environ.get("SLUICE_EXTRA_VECTORS") or "/nonexistent").glob("wire_aion_*.jsonl"))

# What the probing miner of the recordings sends as junk on purpose.
JUNK = {"", "{not json", "[1,2]", "17", "null", "true"}


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def understood(record: dict[str, Any]) -> events.MinerEvent | events.PoolEvent:
    read = {"miner": aion.read_request, "pool": aion.read_pool}[record["from"]]
    return read(record["line"].encode())


def said(event: events.MinerEvent | events.PoolEvent) -> dict[str, Any]:
    if not isinstance(event, msgspec.Struct):
        return attrs.asdict(event, filter=lambda field, value: value != field.default)
    defaults = {field.name: field.default for field in msgspec.structs.fields(event)}
    return {name: value for name, value in msgspec.structs.asdict(event).items() if value != defaults[name]}


def as_written(event: events.MinerEvent | events.PoolEvent) -> dict[str, Any]:
    """An event as transcripts have it: its id as JSON text, its target in hex, nothing that was not said."""
    fields: dict[str, Any] = {"type": type(event).__name__, **said(event)}
    if isinstance(fields.get("id"), bytes):
        fields["id"] = fields["id"].decode()
    if "target" in fields:
        fields["target"] = hex(fields["target"])
    return fields


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_every_line_is_the_event_it_was_meant_to_be(path: Path) -> None:
    origin, *said = records(path)
    assert origin["origin"]
    for number, record in enumerate(said, 2):
        assert as_written(understood(record)) == record["event"], f"{path.name}:{number}"


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_heard_by_the_wrong_role_a_line_is_a_named_fault_at_worst(path: Path) -> None:
    """A miner wired to a miner, a pool to a pool: it must be told, not crash."""
    for record in records(path)[1:]:
        line = record["line"].encode()
        if record["from"] == "miner":
            assert isinstance(aion.read_pool(line), events.UnknownMethod), line
        else:
            assert isinstance(aion.read_request(line), events.Ignored | events.UnknownMethod), line


def test_the_sessions_hold_the_forms_that_tell_pools_apart() -> None:
    solo, miningcore = (
        next(records(path)[1:] for path in TRANSCRIPTS if name in path.name)
        for name in ("solo", "miningcore")
    )
    types = [record["event"]["type"] for record in solo]
    assert types.index("Notify") < types.index("Authorize")  # the job is there before anyone logged in
    assert types.count("SetTarget") == 0
    types = [record["event"]["type"] for record in miningcore]
    behind = [types[place + 1] for place, kind in enumerate(types) if kind == "Notify"]
    assert behind == ["SetTarget"] * 3
    refusals = [r["line"] for r in miningcore if r["from"] == "pool" and r["event"].get("id") in (5, 6, 7)]
    assert refusals[::2] == refusals[1::2]  # each of them twice
    assert len(refusals) == 6


def test_the_shares_of_the_sessions_have_nonces_of_32_bytes() -> None:
    for path in TRANSCRIPTS:
        said = [understood(record) for record in records(path)[1:]]
        (extranonce1,) = {
            aion.read_subscribed(event.result)
            for event in said
            if isinstance(event, events.Reply) and isinstance(event.result, list) and event.result
        }
        nonces = [extranonce1 + event.nonce for event in said if isinstance(event, events.Submit)]
        assert [len(nonce) for nonce in nonces] == [64] * len(nonces)
        assert len(nonces) >= 3


@pytest.mark.skipif(not RECORDINGS, reason="no recordings: SLUICE_EXTRA_VECTORS names no directory with any")
@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_recordings_of_real_programs_are_understood(path: Path) -> None:
    known = 0
    for number, record in enumerate(records(path), 1):
        if "line" not in record:
            continue
        line = record["line"].encode()
        where = f"{path.name}:{number}: {line[:100]!r}"
        if record["dir"] == "s2c":
            event: object = aion.read_pool(line)
            assert isinstance(event, events.Reply | events.Notify), where
        elif record["line"].strip() in JUNK:
            with pytest.raises(MinerError):
                aion.read_request(line)
            with pytest.raises(PoolError):
                aion.read_pool(line)
        else:
            event = aion.read_request(line)
            assert isinstance(event, events.MinerEvent), where
        known += 1
    assert known

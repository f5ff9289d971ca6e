"""How an Aion share is misspelt, and for whom."""

import json
import random
from typing import Any

from proxy.native import Equihash
from proxy.sim.aion_faults import AionPen
from proxy.sim.rig import Task

SMALL = Equihash(48, 5)


def pen(against: str = "sluice") -> AionPen:
    return AionPen(SMALL, "worker", against)


def task() -> Task:
    return Task("5", "ab" * 32, b"\x80" + bytes(31), "b760ca8200000000")


def misspelt(writer: AionPen, times: int) -> list[Any]:
    source, work = random.Random(1), task()
    found = [writer.malformed(work, source) for _ in range(times)]
    return [None if params is None else json.loads(params) for params in found]


def test_malformed_never_passes_for_a_share() -> None:
    assert {_form(params) for params in misspelt(pen(), 300)} == {
        "no params", "no list", "too few", "types", "solution of 66", "solution of 76", "solution of 2",
        "nonce of 46", "not hex", "size",
    }  # fmt: skip


def _form(params: Any) -> str:
    if params is None or not isinstance(params, list):
        return "no params" if params is None else "no list"
    if len(params) < 5:
        return "too few"
    if not all(isinstance(part, str) for part in params):
        return "types"
    if len(params[4]) not in (72, 74):
        return f"solution of {len(params[4])}" if len(params[4]) in (2, 66, 76) else "?"
    if len(params[3]) != 48:
        return f"nonce of {len(params[3])}"
    if (params[3] + params[4]).strip("0123456789abcdef"):
        return "not hex"
    return "size" if params[4][:2] != "24" else "?"


def test_pools_are_spared_what_kills_them() -> None:
    assert all(params is not None for params in misspelt(pen("solo"), 200))

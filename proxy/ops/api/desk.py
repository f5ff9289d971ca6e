"""What all answers are made of, in one place; app.py fills it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import attrs

from proxy.config import Address, Listen
from proxy.core.workerbook import Record
from proxy.ops.events import Events
from proxy.ops.ledgerreader import LedgerReader
from proxy.ops.ordering import Orders
from proxy.ops.tokens import Tokens
from proxy.ops.turns import Turns
from proxy.ops.view import View

Reload = Callable[[], Awaitable[dict[str, object]]]
Listening = Sequence[tuple[Listen, Address]]


@attrs.define(eq=False)
class Desk:
    """What a request is answered from.

    Args:
        started_at: seconds since 1970.
        reload: reads the configuration again; its answer has "ok" or "refused" as its "result".
        activate: moves the farm to a pool; false if there is none of that name.
        listening: listeners, and where they really stand.
        certificate_ends: of listeners with TLS, in seconds since 1970.
        ledger: None where none is kept.
        events: who is told what happens.
    """

    view: View
    tokens: Tokens
    started_at: float
    reload: Reload
    activate: Callable[[str], bool] = lambda _: False
    listening: Callable[[], Listening] = lambda: ()
    certificate_ends: Callable[[], Mapping[str, float]] = dict
    ledger: LedgerReader | None = None
    events: Events = attrs.field(factory=Events)
    turns: Turns = attrs.field(factory=Turns)
    workers: Orders[Record] = attrs.field(factory=Orders)

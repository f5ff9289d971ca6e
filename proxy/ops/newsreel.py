"""Finds out what has happened by looking once a second, while somebody listens.

Strategy: all that is told can be read off the figures that are kept anyway, so nothing on the way of a share
knows of events, and a proxy of several processes tells the same as one of one.
The traps: what comes and goes within a second is not seen; and of a farm that comes back all at once only
some workers are told (events.py).
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs
import trio

from proxy.ops.api.bans import ban
from proxy.ops.api.desk import Desk
from proxy.ops.api.summary import summary
from proxy.ops.crowd import BanRecord
from proxy.ops.events import MOST_A_SECOND, Events

LOOK_SECONDS = 1.0


@attrs.define(eq=False)
class _Seen:
    """How things stood at the last look."""

    switches: Counter[tuple[str, str, str]]
    not_ready: str
    workers: set[str]
    bans_made: int
    banned: int
    bans: dict[str, BanRecord]
    reloads: dict[str, int]


@attrs.define(eq=False)
class Newsreel:
    """Looks, compares and tells.

    Args:
        reloads: how often the configuration was read again, by result.
    """

    desk: Desk
    events: Events
    reloads: Mapping[str, int]

    async def run(self) -> None:
        """Look while anybody listens, until cancelled."""
        while True:
            await self.events.listened()
            seen = await self._seen(None)
            while self.events.is_heard:
                await self.desk.turns.turn()
                self.events.publish("summary", summary=summary(self.desk))
                await trio.sleep(LOOK_SECONDS)
                seen = await self._tell(seen)

    async def _seen(self, bans: dict[str, BanRecord] | None) -> _Seen:
        view = self.desk.view
        tally = view.tally
        return _Seen(
            Counter(tally.switches),
            view.not_ready,
            set(view.book.online),
            tally.bans.total(),
            tally.banned,
            {one.id: one for one in await view.crowd.bans()} if bans is None else bans,
            dict(self.reloads),
        )

    async def _tell(self, before: _Seen) -> _Seen:
        await self.desk.turns.turn()
        tally = self.desk.view.tally
        unchanged = (tally.bans.total(), tally.banned) == (before.bans_made, before.banned)
        now = await self._seen(before.bans if unchanged else None)
        publish = self.events.publish
        for (source, target, reason), count in (now.switches - before.switches).items():
            for _ in range(min(count, MOST_A_SECOND)):
                publish("switch", **{"from": source, "to": target, "reason": reason})
        if bool(now.not_ready) != bool(before.not_ready):
            publish("no_work" if now.not_ready else "work", reason=now.not_ready)
        for result, count in now.reloads.items():
            for _ in range(min(count - before.reloads.get(result, 0), MOST_A_SECOND)):
                publish("reload", result=result)
        self._tell_bans(before.bans, now.bans)
        await self.desk.turns.turn()
        self._tell_workers("worker_online", now.workers - before.workers)
        self._tell_workers("worker_offline", before.workers - now.workers)
        return now

    def _tell_bans(self, before: Mapping[str, BanRecord], now: Mapping[str, BanRecord]) -> None:
        for number, record in now.items():
            if number not in before:
                self.events.publish_some("ban", ban=ban(record))
        for number in before:
            if number not in now:
                self.events.publish_some("unban", id=number)

    def _tell_workers(self, kind: str, names: set[Any]) -> None:
        for name in sorted(names):
            self.events.publish_some(kind, name=name)

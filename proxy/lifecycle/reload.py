"""Another configuration for a running proxy: read, compared, said, applied; or refused as a whole.

Strategy: all faults are found before anything is changed.  What cannot be changed in a running process is
said, and the rest is applied: whoever changed a limit and the number of workers wants the limit now.
The trap: two reloads at once would compare with the same old one, so the second waits for the first.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

import attrs
import structlog
import trio

from proxy.config import Config, ineffective
from proxy.config.changes import Change, Plan, plan
from proxy.config.checks import check
from proxy.errors import ConfigError
from proxy.lifecycle import systemd

OK, REFUSED = "ok", "refused"

log = structlog.get_logger()


class Reloadable(Protocol):
    """A running proxy, as its configuration sees it."""

    config: Config

    @property
    def has_movable_ports(self) -> bool:
        """Whether listeners can come or move."""

    async def apply(self, config: Config) -> None:
        """Go by another configuration.

        Raises: ConfigError; all is as before then.
        """


@attrs.frozen
class Outcome:
    """What came of a reload.

    Args:
        faults: why it was refused, a line each.
    """

    changes: tuple[Change, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def result(self) -> str:
        """The label of the metric."""
        return REFUSED if self.faults else OK

    def as_json(self) -> dict[str, Any]:
        """Return it for whoever asked by HTTP."""
        if self.faults:
            return {"result": REFUSED, "faults": list(self.faults)}
        return {"result": OK, "changes": [attrs.asdict(change) for change in self.changes]}


class Reloader:
    """Reloads one proxy.

    Args:
        load: reads the configuration anew.

    `counts` has the reloads by result.
    """

    def __init__(self, proxy: Reloadable, load: Callable[[], Config]) -> None:
        self._proxy = proxy
        self._load = load
        self._turn = trio.Lock()
        self.counts = Counter({OK: 0, REFUSED: 0})

    async def reload(self) -> Outcome:
        """Read the configuration again and go by it."""
        async with self._turn:
            systemd.reloading()
            outcome = await self._reload()
            self.counts[outcome.result] += 1
            systemd.notify(systemd.READY)
            return outcome

    async def _reload(self) -> Outcome:
        try:
            made = self._read()
            _say(made.changes)
            await self._proxy.apply(made.config)
        except ConfigError as error:
            faults = tuple(str(error).splitlines())
            for fault in faults:
                log.error("configuration refused, the old one stays", fault=fault)
            return Outcome(faults=faults)
        waiting = sum(not change.applies for change in made.changes)
        log.info(
            "configuration reloaded",
            changes=len(made.changes) - waiting,
            **({"waiting_for_restart": waiting} if waiting else {}),
        )
        return Outcome(made.changes)

    def _read(self) -> Plan:
        """Read the file and see what becomes of it.

        Raises: ConfigError, for what would have no effect and for a mixture that does not go together, too.
        """
        proxy = self._proxy
        config = self._load()
        made = plan(proxy.config, config, proxy.has_movable_ports)
        lines = ineffective(config) or [
            f"{'.'.join(fault.path)}: {fault.text} (with what needs a restart as it was)"
            for fault in check(made.config)
        ]
        if lines:
            raise ConfigError("\n".join(lines))
        return made


def _say(changes: tuple[Change, ...]) -> None:
    for change in changes:
        facts = {"key": change.key, "old": change.old, "new": change.new}
        told = {name: value for name, value in facts.items() if value}
        if change.applies:
            log.info("change", **told, touches=change.effect)
        else:
            log.warning("change not made", **told, why=change.effect)

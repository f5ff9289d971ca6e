"""The ledger's database as the writing side has it: opened, written to, given up at any fault.

Strategy: one connection, opened with the first batch and brought to the present schema.  Whatever goes wrong
closes it, and the next batch begins with a new one; so a server that comes back, a file that is mended or a
schema that was dropped need no case of their own.
The trap: a fault of a single row must be told from a fault of the database, or that row would be tried for
ever with all others behind it.
"""

from collections.abc import Callable, Sequence

import attrs
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, IntegrityError, StatementError

from proxy.ledger import inserting
from proxy.ledger.batch import Batch, Source
from proxy.ledger.migrating import migrate
from proxy.ledger.store import LedgerError, Place, faults, identity, make_engine

# For so long a source that was written is taken to be there still; retention keeps those of the last
# quarter of an hour.
KNOWN_SECONDS = 300
MOST_KNOWN = 200_000  # 60 bytes each


class RowError(LedgerError):
    """The database is well, but does not take something in these rows."""


@attrs.define(eq=False)
class Database:
    """Where batches are written.

    Args:
        clock: monotonic seconds.
    """

    place: Place
    _clock: Callable[[], float]
    _engine: Engine | None = None
    _connection: Connection | None = None
    _identity: tuple[int, int] | None = None
    _known: set[int] = attrs.field(factory=set)
    _known_until: float = 0.0

    def write(self, batches: Sequence[Batch]) -> int:
        """Write batches in one transaction.

        Returns: how many of their rows were not there before.
        Raises: RowError if a row is at fault, LedgerError if the database is; nothing is written then.
        """
        try:
            with faults(self.place):
                return self._write(batches)
        except LedgerError as error:
            self.close()
            if _is_of_rows(error.__cause__):
                raise RowError(str(error)) from None
            raise
        except (OverflowError, ValueError, TypeError) as error:  # drivers, of what they cannot convert
            self.close()
            raise RowError(f"{self.place}: {error}") from error

    def close(self) -> None:
        """Let go of it."""
        connection, engine = self._connection, self._engine
        self._connection = self._engine = None
        self._known.clear()
        try:
            with faults(self.place):
                if connection is not None:
                    connection.close()
                if engine is not None:
                    engine.dispose()
        except LedgerError:
            pass  # it is gone either way

    def _write(self, batches: Sequence[Batch]) -> int:
        connection = self._connection or self._open()
        if self._clock() >= self._known_until or len(self._known) > MOST_KNOWN:
            self._known.clear()
            self._known_until = self._clock() + KNOWN_SECONDS
        count, told = 0, set[int]()
        with connection.begin():
            for batch in batches:
                fresh = self._unknown(batch.sources, told)
                count += inserting.write(connection, batch, fresh)
        self._check_file()
        self._known |= told
        return count

    def _unknown(self, sources: Sequence[Source], told: set[int]) -> list[Source]:
        fresh = [source for source in sources if source[0] not in self._known and source[0] not in told]
        told.update(source[0] for source in fresh)
        return fresh

    def _open(self) -> Connection:
        self._engine = make_engine(self.place)
        migrate(self._engine, self.place)
        self._connection = connection = self._engine.connect()
        self._identity = identity(self.place.file) if self.place.is_sqlite else None
        return connection

    def _check_file(self) -> None:
        """See that what was just written is in the file that others will open.

        Raises: LedgerError if that file is another one or none.
        """
        if self.place.is_sqlite and identity(self.place.file) != self._identity:
            raise LedgerError(f"{self.place}: the file was taken away while it was written to")


def _is_of_rows(error: BaseException | None) -> bool:
    """Whether a fault would be none without the rows it came with."""
    if isinstance(error, (DataError, IntegrityError)):
        return True
    return isinstance(error, StatementError) and isinstance(
        error.orig, (ArithmeticError, ValueError, TypeError)
    )

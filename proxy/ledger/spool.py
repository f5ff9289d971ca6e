"""Where batches wait on disk while the database does not take them; bounded, and safe against any end.

    <directory>/<run>/lock          held by the process that has it
    <directory>/<run>/00000001      records, one behind the other, an empty one last

Strategy: a record is its length, its checksum, how many rows it has, and the batch.  It is on the disk when
append() returns.  Of a file that was cut short, by kill -9 or a power cut, all whole records are read and
the torn one is passed over.  The first file's blocks are taken when the run starts, so that there is room
for some rows even if the disk is full by the time it is needed.
What another run left behind is taken over once nobody holds its lock, and is written first.
The traps: a record is not deleted when it is in the database but when its whole file is, so that after a
kill it is written again, which does no harm; who reads and who appends are two threads; and a directory
that somebody removes goes on taking records that nobody will ever find.
"""

import fcntl
import os
import re
import shutil
import struct
import threading
import zlib
from collections import deque
from pathlib import Path

import attrs
import structlog

MEGABYTE = 1_048_576
FILE_BYTES = 8 * MEGABYTE  # of one file: some 100,000 rows, which is also what is kept free for a full disk
MOST_RECORD = 16 * MEGABYTE  # of one record; the longest we write has a thousand rows, 2 kB each at most
MOST_ROWS = 100_000  # of one record; what says more is no record

_HEAD = struct.Struct("<III")  # length, CRC-32, rows
_END = bytes(_HEAD.size)
_NAME = re.compile(r"[0-9a-f]{16}(\.[0-9]+)?")

log = structlog.get_logger()


class SpoolError(Exception):
    """Nothing can be written; the text says why."""


@attrs.define(eq=False)
class _File:
    """One file of records.

    Args:
        end: where the next record is to be written.
        at: where the next one is to be read.
        rows: in what is still to be read.
    """

    path: Path
    number: int
    end: int = 0
    at: int = 0
    rows: int = 0

    def head(self, at: int) -> tuple[int, int, int]:
        """Return length, checksum and rows of a record."""
        length, checksum, rows = _HEAD.unpack(_read(self.number, _HEAD.size, at))
        return length, checksum, rows

    def skip(self) -> int:
        """Go on to the next record; returns how many rows this one had."""
        length, _, rows = self.head(self.at)
        self.at += _HEAD.size + length
        self.rows -= rows
        return rows


@attrs.define(eq=False)
class _Home:
    """The directory of one run, its lock held."""

    path: Path
    lock: int
    files: deque[_File] = attrs.field(factory=deque)

    def close(self) -> None:
        """Let go of it; the files stay."""
        for file in self.files:
            os.close(file.number)
        os.close(self.lock)


class Spool:
    """The batches that wait on disk.

    Args:
        directory: where all runs have theirs; made if need be.
        run: the number of this one.
        most: bytes that may wait, of this run and of those taken over.

    Attributes:
        rows, bytes: that wait; the bytes of a file count until all of it is in the database.
    """

    def __init__(self, directory: Path, run: int, most: int) -> None:
        self.directory = directory
        self.rows = 0
        self.bytes = 0
        self._run = f"{run:016x}"
        self._most = most
        self._lock = threading.RLock()
        self._homes: deque[_Home] = deque()  # those of other runs first, our own last
        self._own: _Home | None = None
        self._serial = 0

    # ---- the thread that appends

    def open(self) -> None:
        """Make our own directory, and keep room in it.

        Raises: SpoolError if that cannot be.
        """
        with self._lock:
            if self._own is not None:
                return
            self._serial += 1
            path = self.directory / (self._run if self._serial == 1 else f"{self._run}.{self._serial}")
            try:
                path.mkdir(parents=True, exist_ok=True, mode=0o700)
                lock = _locked(path)
                if lock is None:
                    raise SpoolError(f"{path}: another process has it")
                self._own = _Home(path, lock)
                self._homes.append(self._own)
                self._begin(self._own)
            except OSError as error:
                raise SpoolError(f"{path}: {error.strerror}") from None

    def append(self, record: bytes, rows: int) -> None:
        """Write a record so that it survives a power cut.

        Raises: SpoolError if there is no room; what was there before is unharmed.
        """
        size = _HEAD.size + len(record)
        with self._lock:
            if self.bytes + size > self._most:
                full = f"full with {self.bytes // MEGABYTE} MB, see ledger.spool_megabytes"
                raise SpoolError(f"{self.directory}: {full}")
            self.open()
            try:
                file = self._last(size)
                head = _HEAD.pack(len(record), zlib.crc32(record), rows)
                _write(file.number, head + record + _END, file.end)
                os.fdatasync(file.number)
            except OSError as error:
                raise SpoolError(f"{self.directory}: {error.strerror}") from None
            file.end += size
            file.rows += rows
            self.rows += rows
            self.bytes += size

    def _last(self, size: int) -> _File:
        """Return the file to append to."""
        assert self._own is not None
        files = self._own.files
        if files and not os.fstat(files[-1].number).st_nlink:
            self._own = None  # somebody removed it; what is in it can still be read
            self.open()
            return self._last(size)
        if files and files[-1].end + size + len(_END) <= FILE_BYTES:
            return files[-1]
        return self._begin(self._own)

    def _begin(self, home: _Home) -> _File:
        path = home.path / f"{len(os.listdir(home.path)):08d}.{self._serial}"
        self._serial += 1
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            try:
                os.posix_fallocate(number, 0, FILE_BYTES)
            except OSError:
                _write(number, _END, 0)  # not that much is left, or this file system cannot
            os.fsync(number)
            _sync_directory(home.path)
        except OSError:
            os.close(number)
            path.unlink()
            raise
        home.files.append(_File(path, number))
        return home.files[-1]

    # ---- the thread that writes to the database

    def adopt(self) -> int:
        """Take over what runs that have ended left behind.

        Returns: how many rows that is.
        """
        try:
            names = sorted(filter(_NAME.fullmatch, os.listdir(self.directory)))
        except OSError:
            return 0
        with self._lock:
            held = {home.path.name for home in self._homes}
            return sum(self._adopt(self.directory / name) for name in names if name not in held)

    def _adopt(self, path: Path) -> int:
        try:
            lock = _locked(path)
            if lock is None:
                return 0  # it runs
            home = _Home(path, lock)
            for name in sorted(os.listdir(path)):
                if name != "lock":
                    home.files.append(_found(path / name))
        except OSError as error:
            log.error("spooled shares unreadable", directory=str(path), fault=error.strerror)
            return 0
        rows = sum(file.rows for file in home.files)
        self._homes.appendleft(home)
        self.rows += rows
        self.bytes += sum(file.end for file in home.files)
        if not rows:
            self._remove(home)
        return rows

    def first(self) -> bytes | None:
        """Return the oldest record, None if there is none; done() goes on to the next one.

        Raises: OSError if it cannot be read.
        """
        with self._lock:
            while self._homes:
                home = self._homes[0]
                file = home.files[0] if home.files else None
                if file is None:
                    if home is self._own:
                        return None
                    self._remove(home)
                elif file.at >= file.end:
                    if home is self._own and not file.end:
                        return None
                    self._finish(home, file)
                else:
                    record = self._record(file)
                    if record is not None:
                        return record
            return None

    def _record(self, file: _File) -> bytes | None:
        length, checksum, rows = file.head(file.at)
        record = _read(file.number, length, file.at + _HEAD.size)
        if zlib.crc32(record) == checksum:
            return record
        log.warning("spooled shares torn, they are left out", file=str(file.path), at=file.at, rows=rows)
        self.rows -= file.skip()
        return None

    def done(self) -> None:
        """Say that the record that first() returned is in the database."""
        with self._lock:
            self.rows -= self._homes[0].files[0].skip()

    def _finish(self, home: _Home, file: _File) -> None:
        """Let a file go, every record of which is in the database; our last one is used again."""
        self.bytes -= file.end
        if home is self._own and len(home.files) == 1:
            file.end = file.at = 0
            _write(file.number, _END, 0)
            os.fdatasync(file.number)
            return
        home.files.popleft()
        os.close(file.number)
        file.path.unlink(missing_ok=True)

    def _remove(self, home: _Home) -> None:
        """Let the directory of a run go, nothing of which waits."""
        self._homes.remove(home)
        if home is self._own:
            self._own = None
        self.bytes -= sum(file.end for file in home.files)
        shutil.rmtree(home.path, ignore_errors=True)
        home.close()

    def close(self) -> None:
        """Let go of everything; what is empty goes, the rest stays for the next run."""
        with self._lock:
            for home in list(self._homes):
                if any(file.at < file.end for file in home.files):
                    home.close()
                else:
                    self._remove(home)
            self._homes.clear()
            self._own = None


# ---- files


def _locked(path: Path) -> int | None:
    """Take the lock of a run's directory; None if somebody has it."""
    number = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(number)
        return None
    return number


def _found(path: Path) -> _File:
    """Open a file that another run has left, and find where its records end."""
    file = _File(path, os.open(path, os.O_RDWR | os.O_CLOEXEC))
    size = os.fstat(file.number).st_size
    while file.end + _HEAD.size <= size:
        length, _, rows = file.head(file.end)
        after = file.end + _HEAD.size + length
        if not length or length > MOST_RECORD or rows > MOST_ROWS or after > size:
            break
        file.end = after
        file.rows += rows
    return file


def _read(number: int, length: int, at: int) -> bytes:
    data = os.pread(number, length, at)
    if len(data) != length:
        raise OSError(5, "cut short")
    return data


def _write(number: int, data: bytes, at: int) -> None:
    while data:
        written = os.pwrite(number, data, at)
        data, at = data[written:], at + written


def _sync_directory(path: Path) -> None:
    number = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)

"""A disk that is full, a small one of our own: rows wait in the room that was kept for them."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.ledger.spool import FILE_BYTES, MEGABYTE
from proxy.ledger.standing import DOWN, OK
from tests.ledger.test_bookkeeper import Running, book_of


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for the spool's reserve and little more."""
    place = tmp_path / "disk"
    place.mkdir()
    size = FILE_BYTES + 4 * MEGABYTE
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount here")
    if done.returncode:
        pytest.skip(f"no file system of our own here: {done.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> None:
    """Leave not a byte."""
    with (disk / "filler").open("wb", buffering=0) as stream:
        for size in (65_536, 4096, 512):
            while True:
                try:
                    if stream.write(bytes(size)) < size:
                        break
                except OSError:
                    break


def test_rows_wait_where_room_was_kept_and_arrive_when_there_is_room(disk: Path) -> None:
    url = f"sqlite:///{disk}/x.db"
    running = Running(disk, url)
    running.shares(500)
    running.until(lambda keeper: keeper.standing.written == 500)
    fill(disk)
    for _ in range(10):
        running.shares(500)
    running.until(lambda keeper: keeper.standing.state == DOWN and len(keeper.recorder) == 0)
    assert "full" in running.keeper.standing.reason
    running.until(lambda keeper: keeper.standing.pending + keeper.standing.written >= 5500)
    assert running.keeper.standing.lost == 0
    os.unlink(disk / "filler")
    running.until(lambda keeper: keeper.standing.written == 5500)
    running.until(lambda keeper: keeper.standing.state == OK)
    running.ends()
    (run,) = book_of(url)
    assert (run.count, run.last_seq, run.lost, run.ended) == (5500, 5500, 0, True)


def test_of_a_run_that_ends_on_a_full_disk_the_next_one_has_everything(disk: Path) -> None:
    url = f"sqlite:///{disk}/x.db"
    first = Running(disk, url)
    first.shares(10)
    first.until(lambda keeper: keeper.standing.written == 10)
    fill(disk)
    first.shares(2000)
    first.until(lambda keeper: keeper.standing.state == DOWN and len(keeper.recorder) == 0)
    first.ends(seconds=0.1)
    os.unlink(disk / "filler")
    second = Running(disk, url)
    second.until(lambda keeper: keeper.standing.written >= 2000)
    second.ends()
    assert [(run.count, run.last_seq, run.ended) for run in book_of(url)] == [
        (2010, 2010, True),
        (None, 0, True),
    ]

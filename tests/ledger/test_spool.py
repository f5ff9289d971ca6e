"""What waits on disk: in order, bounded, and still there after any end."""

import os
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.ledger import spool as spools
from proxy.ledger.spool import FILE_BYTES, MEGABYTE, Spool, SpoolError


def a_spool(directory: Path, run: int = 1, most: int = 64 * MEGABYTE) -> Spool:
    """Make one."""
    return Spool(directory, run, most)


def drained(spool: Spool) -> list[bytes]:
    """All records, as they are written to the database."""
    found = []
    while (record := spool.first()) is not None:
        found.append(record)
        spool.done()
    return found


def dies(spool: Spool) -> None:
    """End as by kill -9: nothing is said to the disk, and the locks are free."""
    for home in spool._homes:
        home.close()


def files_of(directory: Path) -> list[Path]:
    """Files of records."""
    return sorted(path for path in directory.rglob("*") if path.is_file() and path.name != "lock")


def test_records_come_out_as_they_went_in(tmp_path: Path) -> None:
    spool = a_spool(tmp_path)
    records = [bytes([n]) * (n + 1) for n in range(20)]
    for record in records:
        spool.append(record, rows=3)
    assert spool.rows == 60
    assert drained(spool) == records
    assert (spool.rows, spool.bytes) == (0, 0)
    spool.close()
    assert os.listdir(tmp_path) == []


def test_a_record_that_is_not_done_comes_again(tmp_path: Path) -> None:
    spool = a_spool(tmp_path)
    spool.append(b"one", 1)
    assert spool.first() == spool.first() == b"one"


def test_what_is_full_says_so_and_keeps_what_it_has(tmp_path: Path) -> None:
    spool = a_spool(tmp_path, most=1000)
    spool.append(b"x" * 900, 1)
    with pytest.raises(SpoolError, match=r"full with 0 MB, see ledger\.spool_megabytes"):
        spool.append(b"y" * 100, 1)
    assert drained(spool) == [b"x" * 900]
    spool.append(b"y" * 100, 1)


def test_many_files_take_turns(tmp_path: Path) -> None:
    spool = a_spool(tmp_path)
    records = [bytes([n]) * (FILE_BYTES // 3) for n in range(7)]
    for record in records:
        spool.append(record, 1)
    assert len(files_of(tmp_path)) == 4
    assert drained(spool) == records
    spool.append(b"more", 1)
    assert len(files_of(tmp_path)) == 1
    assert drained(spool) == [b"more"]


def test_the_next_run_has_what_a_killed_one_left(tmp_path: Path) -> None:
    first = a_spool(tmp_path, 1)
    for n in range(3):
        first.append(b"%d" % n, 2)
    first.first()
    first.done()  # in the database, but its file is there still
    dies(first)
    second = a_spool(tmp_path, 2)
    second.append(b"new", 1)
    assert second.adopt() == 6
    assert second.rows == 7
    assert drained(second) == [b"0", b"1", b"2", b"new"]
    second.close()
    assert os.listdir(tmp_path) == []


def test_nobody_takes_from_a_run_that_lives(tmp_path: Path) -> None:
    first, second = a_spool(tmp_path, 1), a_spool(tmp_path, 2)
    first.append(b"mine", 1)
    assert second.adopt() == 0
    assert drained(second) == []
    assert drained(first) == [b"mine"]


def test_a_run_that_ends_in_order_leaves_what_waits(tmp_path: Path) -> None:
    first = a_spool(tmp_path, 1)
    first.append(b"left", 4)
    first.close()
    second = a_spool(tmp_path, 2)
    assert second.adopt() == 4
    assert drained(second) == [b"left"]


@settings(max_examples=50)
@given(cut=st.integers(1, 200), junk=st.binary(max_size=40))
def test_of_a_file_that_is_torn_all_whole_records_are_read(
    tmp_path_factory: pytest.TempPathFactory, cut: int, junk: bytes
) -> None:
    directory = tmp_path_factory.mktemp("spool")
    first = a_spool(directory)
    records = [bytes([n]) * 50 for n in range(3)]
    for record in records:
        first.append(record, 1)
    dies(first)
    (file,) = files_of(directory)
    end = 3 * (spools._HEAD.size + 50)
    with file.open("r+b") as stream:
        stream.truncate(end - min(cut, end))
        stream.seek(0, os.SEEK_END)
        stream.write(junk)
    whole = (end - min(cut, end)) // (spools._HEAD.size + 50)
    second = a_spool(directory, 2)
    second.adopt()
    assert drained(second)[:whole] == records[:whole]
    second.close()


def test_a_damaged_record_is_left_out_and_those_behind_it_are_read(tmp_path: Path) -> None:
    first = a_spool(tmp_path)
    for record in (b"aaaa", b"bbbb", b"cccc"):
        first.append(record, 5)
    dies(first)
    (file,) = files_of(tmp_path)
    data = bytearray(file.read_bytes())
    data[2 * spools._HEAD.size + 5] ^= 1
    file.write_bytes(data)
    second = a_spool(tmp_path, 2)
    assert second.adopt() == 15
    assert drained(second) == [b"aaaa", b"cccc"]
    assert second.rows == 0


def test_a_length_that_cannot_be_ends_the_file(tmp_path: Path) -> None:
    home = tmp_path / f"{7:016x}"
    home.mkdir()
    (home / "00000001").write_bytes(struct.pack("<III", 0xFFFF_FFFF, 1, 1) + b"x" * 100)
    spool = a_spool(tmp_path)
    assert spool.adopt() == 0
    assert drained(spool) == []
    assert not home.exists()


def test_room_is_kept_for_a_disk_that_is_full_later(tmp_path: Path) -> None:
    spool = a_spool(tmp_path)
    spool.open()
    (file,) = files_of(tmp_path)
    assert file.stat().st_blocks * 512 >= FILE_BYTES


def test_a_directory_that_is_removed_is_made_again_and_nothing_is_lost(tmp_path: Path) -> None:
    spool = a_spool(tmp_path)
    spool.append(b"one", 1)
    for path in sorted(tmp_path.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    spool.append(b"two", 1)
    assert drained(spool) == [b"one", b"two"]
    spool.append(b"three", 1)
    dies(spool)
    other = a_spool(tmp_path, 2)
    assert other.adopt() == 1
    assert drained(other) == [b"three"]


def test_a_directory_that_cannot_be_is_a_line() -> None:
    spool = a_spool(Path("/proc/nowhere"))
    with pytest.raises(SpoolError, match=r"^/proc/nowhere/0000000000000001: No such file or directory$"):
        spool.append(b"x", 1)
    assert (spool.adopt(), spool.first()) == (0, None)

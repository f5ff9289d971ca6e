"""`sluice ledger` as an operator runs it: what is printed, and with which exit status."""

import csv
import io
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete

from proxy.cli import sluice
from proxy.ledger import schema
from tests.kit.postgres import free_port
from tests.ledger.books import Author

HOUR = 3600


@pytest.fixture
def began() -> float:
    """Two hours ago, on the hour."""
    return float(int(time.time()) // HOUR * HOUR - 2 * HOUR)


@pytest.fixture
def author(tmp_path: Path, began: float) -> Iterator[Author]:
    """A book of five shares, two hours old."""
    made = Author(f"sqlite:///{tmp_path}/sluice.db")
    process = made.process(started=began)
    process.share(began + 600)
    process.share(began + 700, "stale", worker="rig2")
    process.share(began + 800, "kept", worker="rig2", difficulty=1.0)
    process.share(began + HOUR + 600)
    process.share(began + HOUR + 700, "rejected", message="no")
    process.is_seen(began + HOUR + 800, ended=True)
    yield made
    made.close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(sluice, ["ledger", *arguments])


def line_of(result: Result, status: int) -> str:
    """The one line of a command that failed."""
    assert result.exit_code == status, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("sluice: ")
    return line


# ---- reconcile


def test_a_book_that_closes(author: Author) -> None:
    result = run("reconcile", "--url", author.url)
    assert result.exit_code == 0, result.output
    assert re.search(r"^received +5 ", result.stdout, re.MULTILINE)
    assert re.search(r"^main +3 +2 +1 +0", result.stdout, re.MULTILINE)
    assert result.stdout.splitlines()[-1] == "the book closes: yes"


def test_one_that_does_not(author: Author) -> None:
    with author.engine.begin() as connection:
        connection.execute(delete(schema.shares).where(schema.shares.c.seq == 3))
    result = run("reconcile", "--url", author.url)
    assert result.exit_code == 1
    assert "missing: farm1, run 123456789abcdef0: 1 not written, number 3, between" in result.stdout
    assert result.stdout.splitlines()[-1] == "the book closes: no"
    told = json.loads(run("reconcile", "--url", author.url, "--json").stdout)
    assert (told["closes"], told["missing"], told["gaps"][0]["first"]) == (False, 1, 3)


def test_of_a_time(author: Author, began: float) -> None:
    told = json.loads(
        run("reconcile", "--url", author.url, "--since", str(int(began + HOUR)), "--json").stdout
    )
    assert (told["received"], told["forwarded"], told["closes"]) == (2, 2, True)
    assert (told["statement"], told["live"]) == (None, None)


def test_against_a_statement(author: Author, began: float, tmp_path: Path) -> None:
    file = tmp_path / "pool.csv"
    file.write_text(f"hour,accepted\n{int(began)},1\n{int(began + HOUR)},1\n")
    assert run("reconcile", "--url", author.url, "--statement", str(file)).exit_code == 0
    file.write_text(f"hour,accepted\n{int(began)},1\n{int(began + HOUR)},0\n")
    result = run("reconcile", "--url", author.url, "--statement", str(file))
    assert result.exit_code == 1
    assert "the pool states 0 shares, the book has 1: 1 less than clocks explain" in result.stdout
    assert "statement of main: 2 hours compared, 1 differences" in result.stdout
    file.write_text("hour,accepted\nnever,1\n")
    assert f"{file}:2: " in line_of(run("reconcile", "--url", author.url, "--statement", str(file)), 2)


def test_against_a_proxy_that_does_not_run(author: Author, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    line = line_of(run("reconcile", "--url", author.url, "--live", f"http://{address}"), 1)
    assert "no answer: Connection refused" in line
    config = tmp_path / "sluice.toml"
    config.write_text(
        '[upstream]\nuser = "u"\n[[upstream.pools]]\nurl = "stratum+tcp://h:1"\n'
        f'[http]\naddress = "{address}"\n[ledger]\nurl = "{author.url}"\n'
    )
    result = run("reconcile", "-c", str(config))
    assert result.exit_code == 0, "that the configured one does not run is no fault of the book"
    assert "note: not held against a running proxy: " in result.stdout
    assert "note" not in run("reconcile", "-c", str(config), "--live", "none").stdout


# ---- workers


def test_workers(author: Author) -> None:
    result = run("workers", "--url", author.url)
    assert result.exit_code == 0
    assert re.search(r"^rig1 .* 2 +0 +1 .*1 rejected", result.stdout, re.MULTILINE)
    told = json.loads(
        run("workers", "--url", author.url, "--sort", "bad", "--reverse", "--limit", "1", "--json").stdout
    )
    assert (len(told["items"]), told["total"]) == (1, 2)
    assert "1 of 2; --limit 0 shows all" in run("workers", "--url", author.url, "--limit", "1").stdout
    assert '--sort "size": must be one of' in line_of(
        run("workers", "--url", author.url, "--sort", "size"), 2
    )


# ---- export


def test_export_to_standard_output(author: Author) -> None:
    rows = list(csv.DictReader(io.StringIO(run("export", "--url", author.url).stdout)))
    assert [row["reason"] for row in rows] == ["accepted", "stale", "kept", "accepted", "rejected"]
    result = run("export", "--url", author.url, "--format", "jsonl", "--reason", "rejected")
    assert [json.loads(line)["message"] for line in result.stdout.splitlines()] == ["no"]


def test_export_to_a_file(author: Author, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    result = run("export", "--url", author.url, "--worker", "rig2", "--output", str(file))
    assert (result.exit_code, result.stderr) == (0, f"{file}: 2 shares\n")
    assert len(file.read_text().splitlines()) == 3
    assert "cannot be written" in line_of(run("export", "--url", author.url, "-o", "/nowhere/x"), 1)
    assert "--reason" in line_of(run("export", "--url", author.url, "--reason", "bad"), 2)


# ---- what is wrong is one line


@pytest.mark.parametrize("command", ["reconcile", "workers", "export"])
def test_a_ledger_that_cannot_be_read(command: str, tmp_path: Path) -> None:
    assert "no such file" in line_of(run(command, "--url", f"sqlite:///{tmp_path}/none.db"), 1)
    assert "ledger.url: must be" in line_of(run(command, "--url", "mysql://h/x"), 2)
    (tmp_path / "junk.db").write_bytes(b"junk " * 1000)
    assert "not a database" in line_of(run(command, "--url", f"sqlite:///{tmp_path}/junk.db"), 1)
    line = line_of(run(command, "--url", f"postgresql://me:hunter2@127.0.0.1:{free_port()}/x"), 1)
    assert "efused" in line
    assert "hunter2" not in line


def test_no_ledger_is_kept(tmp_path: Path) -> None:
    config = tmp_path / "sluice.toml"
    config.write_text(
        '[upstream]\nuser = "u"\n[[upstream.pools]]\nurl = "stratum+tcp://h:1"\n[ledger]\nurl = ""\n'
    )
    assert 'ledger.url is "", so no ledger is kept' in line_of(run("workers", "-c", str(config)), 2)
    assert "both name a ledger" in line_of(run("workers", "-c", str(config), "--url", "sqlite:///x"), 2)


def test_times_that_are_none(author: Author) -> None:
    assert '"soon" is no time' in line_of(run("reconcile", "--url", author.url, "--since", "soon"), 2)
    assert "--until must be later" in line_of(run("reconcile", "--url", author.url, "--until", "48h"), 2)

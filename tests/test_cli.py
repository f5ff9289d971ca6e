"""The commands: what is printed, the exit status, and never a traceback."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import click
import pytest
import trio
from click.testing import CliRunner, Result

import proxy
from proxy.cli import main, sluice
from proxy.config import Address, load
from proxy.errors import ConfigError, PoolError
from proxy.sim.pool import SimPool
from proxy.version import __version__
from tests.kit.miners import EQUIHASH, SocketMiner, mined, within

POOL = """
[upstream]
user = "account"
password = "hush"
algorithm = "equihash/48_5"
[[upstream.pools]]
url = "stratum+tcp://127.0.0.1:PORT"
[[listen]]
url = "stratum+tcp://127.0.0.1:0"
[limits]
reconnect_seconds_max = 0.1
[http]
address = ""
"""
# Known, and refused by `sluice run`.
INEFFECTIVE = """
[[listen]]
name = "plain"
url = "stratum+tcp://127.0.0.1:0"
tls = { certificate = "nowhere.pem", key = "nowhere.key" }
"""


async def never_runs(*_: object) -> None:
    """Stands where a proxy would be run in this process, because nothing would end it."""
    raise AssertionError("it runs")


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to be in, and no settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("SLUICE__") or name == "SLUICE_CONFIG":
            monkeypatch.delenv(name)
    monkeypatch.setattr("proxy.lifecycle.running.run_until_signalled", never_runs)
    # For processes of their own, wherever they are started from.
    monkeypatch.setenv("PYTHONPATH", str(Path(proxy.__file__).parent.parent))
    return tmp_path


def ran(*arguments: str, given: str = "") -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(sluice, arguments, input=given, catch_exceptions=False)


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def write(text: str, port: int = 3333) -> str:
    """Write a configuration; returns its path."""
    Path("s.toml").write_text(text.replace("PORT", str(port)), encoding="utf-8")
    return "s.toml"


# ---- help and usage


def commands() -> Iterator[tuple[str, ...]]:
    """Every command, groups' own ones included."""

    def below(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for name, command in group.commands.items():
            if isinstance(command, click.Group):
                yield from below(command, (*path, name))
            else:
                yield (*path, name)

    yield from below(sluice, ())


@pytest.mark.parametrize("command", [*commands()], ids=" ".join)
def test_help_of_every_command_has_an_example(command: tuple[str, ...]) -> None:
    result = ran(*command, "--help")
    assert result.exit_code == 0
    assert "Example:" in result.stdout
    assert f"sluice {' '.join(command)}" in " ".join(result.stdout.split("Example:")[1].split())


def test_the_help_of_all_says_where_to_begin() -> None:
    assert ran("-h").stdout == ran("--help").stdout
    result = ran("--help")
    assert "sluice init minimal" in " ".join(result.stdout.split())
    for name in ("run", "check", "init", "health", "verify"):
        assert f"  {name} " in result.stdout


def test_version() -> None:
    assert __version__ in ran("--version").stdout


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("init", "huge"), ("health", "--timeout", "no"), ("run", "x")]
)
def test_wrong_usage_is_status_2(arguments: tuple[str, ...]) -> None:
    result = ran(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert "Error" in result.stderr


# ---- init and check


@pytest.mark.parametrize("size", ["minimal", "failover", "full"])
def test_init_prints_what_can_be_loaded(size: str) -> None:
    result = ran("init", size)
    assert result.exit_code == 0
    Path("sluice.toml").write_text(result.stdout, encoding="utf-8")
    assert load(None, {}).upstream.pools
    assert ran("check").exit_code == 0


def test_init_is_minimal_by_itself() -> None:
    assert ran("init").stdout == ran("init", "minimal").stdout


def test_check_prints_everything_but_secrets() -> None:
    result = ran("check", "-c", write(POOL))
    assert result.exit_code == 0
    assert result.stderr == ""
    assert "hush" not in result.stdout
    assert 'algorithm = "equihash/48_5"' in result.stdout
    assert "idle_seconds = 600" in result.stdout


def test_check_takes_the_file_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_CONFIG", write(POOL))
    monkeypatch.setenv("SLUICE__UPSTREAM__USER", "somebody")
    assert 'user = "somebody"' in ran("check").stdout


def test_check_looks_at_certificates_as_run_would() -> None:
    tls = """
[[listen]]
url = "stratum+tls://127.0.0.1:0"
tls = { certificate = "nowhere.pem", key = "nowhere.key" }
"""
    result = ran("check", "-c", write(POOL.partition("[[listen]]")[0] + tls))
    assert "would refuse: listen.farm.tls.certificate: nowhere.pem: No such file" in result.stderr


def test_check_says_what_run_would_refuse() -> None:
    result = ran("check", "-c", write(POOL + INEFFECTIVE))
    assert result.exit_code == 0
    assert result.stderr.startswith("sluice: `sluice run` would refuse: listen.1.tls: ")


# ---- wrong configurations

WRONG = [
    ("[upstream", "s.toml"),
    (POOL.replace("user", "usr"), "upstream.usr"),
    (POOL.replace("48_5", "48_6"), "upstream.algorithm"),
    (POOL.replace("= 0.1", '= "x"'), "limits.reconnect_seconds_max"),
    (POOL.replace("stratum+tcp://127.0.0.1:PORT", "http://x"), "upstream.pools.0.url"),
]


@pytest.mark.parametrize("command", ["run", "check", "health"])
@pytest.mark.parametrize(("text", "key"), WRONG, ids=[key for _, key in WRONG])
def test_wrong_configuration_is_status_2_and_names_file_and_key(command: str, text: str, key: str) -> None:
    result = ran(command, "-c", write(text))
    assert result.exit_code == 2
    assert result.stdout == ""
    for line in result.stderr.splitlines():
        assert line.startswith("sluice: s.toml: ")
    assert key in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", ["run", "check"])
def test_without_a_configuration_it_says_how_to_make_one(command: str) -> None:
    result = ran(command)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "sluice init > sluice.toml" in line


def test_a_file_that_is_not_there_is_named() -> None:
    result = ran("run", "-c", "nowhere.toml")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "nowhere.toml" in line


def test_run_refuses_what_would_have_no_effect() -> None:
    result = ran("run", "-c", write(POOL + INEFFECTIVE))
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("sluice: listen.1.tls: ")


# ---- faults


def faulty(error: Exception) -> Result:
    """Run a command that fails."""

    @click.group(cls=type(sluice))
    def group() -> None:
        """Commands."""

    @group.command()
    def fail() -> None:
        """Fail."""
        raise error

    return CliRunner().invoke(group, ["fail"])


def test_a_fault_is_one_line_and_its_status_says_whose_it_is() -> None:
    assert faulty(ConfigError("x: no")).exit_code == 2
    result = faulty(PoolError("the pool: no"))
    assert (result.exit_code, result.stderr) == (1, "sluice: the pool: no\n")


def test_a_fault_from_a_nursery_is_unwrapped() -> None:
    wrapped = ExceptionGroup("nursery", [ExceptionGroup("nursery", [ConfigError("listen.farm: in use")])])
    result = faulty(wrapped)
    assert (result.exit_code, result.stderr) == (2, "sluice: listen.farm: in use\n")


def test_what_nobody_foresaw_is_not_hidden() -> None:
    assert isinstance(faulty(KeyError("x")).exception, KeyError)
    mixed = ExceptionGroup("nursery", [ConfigError("x"), KeyError("x")])
    assert faulty(mixed).exception is mixed


# ---- health


def test_health_of_nobody_is_status_1_and_one_line() -> None:
    result = ran("health", f"http://127.0.0.1:{free_port()}")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "Connection refused" in line
    assert result.stdout == ""


def test_health_asks_where_the_configuration_says() -> None:
    port = free_port()
    config = POOL.replace('address = ""', f'address = "127.0.0.1:{port}"')
    result = ran("health", "-c", write(config))
    assert result.exit_code == 1
    assert f"127.0.0.1:{port}" in result.stderr


def test_health_without_an_address_to_ask() -> None:
    result = ran("health", "-c", write(POOL))
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "give a URL" in line


# ---- verify


def test_verify_answers_line_by_line_and_is_done_well() -> None:
    header = "ab" * 32
    found = next(mined(header, ""))
    good = {"header": header, "nonce": found.nonce, "solution": found.solution, "n": 48, "k": 5}
    junk = {**good, "solution": "24" + "00" * EQUIHASH.solution_bytes}
    result = ran("verify", given="\n".join((json.dumps(good), json.dumps(junk), "junk")) + "\n")
    assert result.exit_code == 0
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["reason"] for answer in answers] == ["accepted", "invalid_solution", "malformed"]
    assert [answer["valid"] for answer in answers] == [True, False, False]
    assert answers[0]["value"] == f"{found.value:064x}"


# ---- processes of their own


def test_as_a_module_and_as_a_function(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = subprocess.run([sys.executable, "-m", "proxy", "init"], capture_output=True, text=True, check=True)
    assert done.stdout == ran("init").stdout
    monkeypatch.setattr(sys, "argv", ["sluice", "init"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert capsys.readouterr().out == done.stdout


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    line = json.dumps({"header": "ab" * 32, "nonce": "", "solution": ""}) + "\n"
    with subprocess.Popen(
        [sys.executable, "-m", "proxy", "verify"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(line)
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        process.stdin.write(line)
        process.stdin.close()
        assert process.wait() == 1
        assert process.stderr.read() == ""


@attrs.define
class Running:
    """`sluice run` in a process of its own."""

    process: trio.Process
    log: str = ""  # all of standard error, once it has ended
    _out: bytes = b""
    _errors: bytes = b""
    _heard: bytes = b""

    async def line(self) -> str:
        """The next line on standard output."""
        assert self.process.stdout
        while b"\n" not in self._out:
            data = await self.process.stdout.receive_some()
            assert data, "it has ended"
            self._out += data
        line, _, self._out = self._out.partition(b"\n")
        return line.decode()

    async def log_line(self, what: str) -> str:
        """The next line on standard error that says this."""
        assert self.process.stderr
        while True:
            while b"\n" not in self._errors:
                data = await self.process.stderr.receive_some()
                assert data, "it has ended"
                self._errors += data
            line, _, self._errors = self._errors.partition(b"\n")
            self._heard += line + b"\n"
            if what in line.decode():
                return line.decode()

    async def ends(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Stop it and return its status; no traceback may have been shown on the way."""
        self.process.send_signal(by)
        assert self.process.stderr
        rest = b"".join([data async for data in self.process.stderr])
        self.log = (self._heard + self._errors + rest).decode()
        assert "Traceback" not in self.log
        return await self.process.wait()


@asynccontextmanager
async def sluice_run(config: str) -> AsyncIterator[Running]:
    """Run the proxy."""
    command = [sys.executable, "-m", "proxy", "run", "-c", config]
    process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield Running(process)
    finally:
        if process.returncode is None:
            process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream
            await trio.aclose_forcefully(stream)


async def test_run_tells_its_ports_then_ready_and_ends_by_a_signal() -> None:
    with within(30):
        async with trio.open_nursery() as nursery:
            pool: SimPool = await nursery.start(SimPool().run)
            async with sluice_run(write(POOL, pool.port)) as running:
                listening = await running.line()
                assert listening.startswith("listening name=farm url=stratum+tcp://127.0.0.1:")
                assert await running.line() == "ready"
                port = Address.parse(listening.split("url=")[1]).port
                async with await SocketMiner.connect(("127.0.0.1", port)) as miner:
                    await miner.log_in()
                    assert await running.ends() == 0
                    assert await miner.hear_rest() == []
            nursery.cancel_scope.cancel()


async def test_run_says_in_one_line_that_the_pool_is_not_there_and_keeps_trying() -> None:
    port = free_port()
    with within(30):
        async with sluice_run(write(POOL, port)) as running:
            assert (await running.line()).startswith("listening ")
            for _ in range(3):
                line = await running.log_line("pool not to be had")
                assert f"stratum+tcp://127.0.0.1:{port}" in line
                assert "Connection refused" in line
            assert await running.ends(signal.SIGINT) == 0


async def test_run_goes_on_when_nobody_reads_its_lines() -> None:
    with within(30):
        pool_port = free_port()
        async with sluice_run(write(POOL, pool_port)) as running, trio.open_nursery() as nursery:
            port = Address.parse((await running.line()).split("url=")[1]).port
            assert running.process.stdout
            await running.process.stdout.aclose()
            # `ready` cannot be told to anybody; the pool must not pay for it with its connection.
            await nursery.start(lambda task_status: SimPool().run(port=pool_port, task_status=task_status))
            async with await SocketMiner.connect(("127.0.0.1", port)) as miner:
                await miner.log_in()
            assert await running.ends() == 0
            assert "Broken pipe" not in running.log
            nursery.cancel_scope.cancel()


async def test_run_on_a_port_in_use_is_one_line_and_status_2() -> None:
    with within(30), socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"stratum+tcp://127.0.0.1:{other.getsockname()[1]}"
        async with sluice_run(write(POOL.replace("stratum+tcp://127.0.0.1:0", taken))) as running:
            line = await running.log_line("")
            assert line.startswith(f"sluice: listen.farm: {taken}: in use")
            assert await running.process.wait() == 2

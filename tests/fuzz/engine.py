"""Runs targets under atheris, each in a process of its own, and keeps what they find.

Strategy: the code under test is imported once, instrumented; then one fork for each target, for libFuzzer
never returns, and ends its process even where it has found nothing.  A finding is run again without
atheris before it is told of, so that what is told can be replayed.
The trap: nothing of proxy may be imported before start(), or its coverage is not seen.
"""

import hashlib
import importlib
import io
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from tests.fuzz.mutation import Mutate, mutator

ROOT = Path(__file__).parents[2]
INSTRUMENTED = ["proxy", "tests.fuzz", "tomllib", "ipaddress"]
SLOW_SECONDS = 10  # an input that takes longer is a finding; on a busy machine one takes 0.1
MOST_MEGABYTES = 2048  # of memory; a target needs 100
NOT_HERE = "NOTHING WAS FUZZED: no atheris here (pip install -e '.[fuzz]', on Linux and x86_64)"


MODULES = "tests.fuzz.targets"  # gathers those of all the others
Targets = dict[str, Any]  # Target by name; the class is in the code under test's company, see the trap


def targets_of(module: str) -> Targets:
    """Import a module and return its targets."""
    found: Targets = importlib.import_module(module).TARGETS
    return found


class Engine:
    """atheris with the targets loaded.

    Args:
        module: what has them.
        runs: inputs for each target at most, from one seed, so that they are the same each time; 0 for
            any number, and others each time.
    """

    def __init__(self, module: str = MODULES, runs: int = 0) -> None:
        self.module = module
        self._runs = runs
        self._atheris: Any = importlib.import_module("atheris")
        # It names every module that it instruments.
        quiet = redirect_stderr(io.StringIO())
        with quiet, self._atheris.instrument_imports(include=INSTRUMENTED):
            self.targets = targets_of(module)
        self._corpus = Path(__file__).parent / "corpus"

    def fuzz(self, name: str, seconds: int, kept: Path | None, findings: Path) -> tuple[str, list[Path]]:
        """Fuzz one target.

        Args:
            kept: directory of the corpus that grows, one folder for each target; None to forget it.
            findings: where inputs are put that break an invariant.
        Returns: what libFuzzer says of its work, and the findings.
        """
        findings.mkdir(parents=True, exist_ok=True)
        before = set(findings.iterdir())
        with tempfile.TemporaryDirectory(prefix="sluice-fuzz-") as place:
            log = Path(place) / "log"
            pid = os.fork()
            if not pid:
                self._be_fuzzer(name, seconds, kept, findings, Path(place), log)
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            said = log.read_text(encoding="utf-8", errors="replace")
        found = sorted(set(findings.iterdir()) - before)
        if status and not found:
            raise RuntimeError(f"{name}: the fuzzer ended with {status}:\n{said[-2000:]}")
        return _summary(said), found

    def _be_fuzzer(
        self, name: str, seconds: int, kept: Path | None, findings: Path, place: Path, log: Path
    ) -> None:
        """Become libFuzzer; never returns."""
        try:
            target = self.targets[name]
            with log.open("wb") as stream, open(os.devnull, "rb") as nothing:
                os.dup2(nothing.fileno(), 0)
                os.dup2(stream.fileno(), 1)
                os.dup2(stream.fileno(), 2)
            grown, seeds, words = (kept or place / "grown") / name, place / "seeds", place / "words"
            grown.mkdir(parents=True, exist_ok=True)
            seeds.mkdir()
            for number, seed in enumerate(target.seeds()):
                (seeds / f"{number}").write_bytes(seed)
            words.write_text("\n".join(_quoted(token) for token in target.tokens), encoding="ascii")
            folders = [grown, seeds, *([self._corpus / name] if (self._corpus / name).is_dir() else [])]
            options = {
                "max_total_time": seconds,
                "max_len": target.most,
                "timeout": SLOW_SECONDS,
                "rss_limit_mb": MOST_MEGABYTES,
                "artifact_prefix": f"{findings}/{name}-",
                **({"dict": words} if target.tokens else {}),
                **({"runs": self._runs, "seed": 1} if self._runs else {}),
                "use_value_profile": 1,
                "print_final_stats": 1,
            }
            arguments = [sys.argv[0], *(f"-{key}={value}" for key, value in options.items())]
            # Looked up anew each time: it is another one once Fuzz() has begun.
            mutate: Mutate = lambda data, most: self._atheris.Mutate(data, most)  # noqa: E731
            mutated = mutator(target.tokens, mutate) if target.is_json else None
            run = _saving(target.run, f"{options['artifact_prefix']}crash-")
            self._atheris.Setup([*arguments, *map(str, folders)], run, custom_mutator=mutated)
            self._atheris.Fuzz()
        except BaseException:
            traceback.print_exc()
        finally:
            # Reached only if it did not even begin; in any case the parent's files are not ours to clear.
            os._exit(os.EX_SOFTWARE)


def _saving(run: Callable[[bytes], None], prefix: str) -> Callable[[bytes], None]:
    """Save what a target raises on, and end the process; libFuzzer does so for crashes, hangs and memory."""

    def saving(data: bytes) -> None:
        try:
            run(data)
        except BaseException:
            traceback.print_exc()
            Path(prefix + hashlib.sha1(data).hexdigest()[:12]).write_bytes(data)
            os._exit(os.EX_DATAERR)

    return saving


def replay(name: str, path: Path, module: str = MODULES) -> str:
    """Run a finding in a fresh process without atheris.

    Returns: what it ends with, one line; "" if it ends well.
    """
    ended = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", name, str(path.resolve()), "--targets", module],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=10 * SLOW_SECONDS,
        check=False,
    )
    if not ended.returncode:
        return ""
    lines = [line for line in ended.stderr.splitlines() if line and not line.startswith(" ")]
    return f"{lines[-1][:200] if lines else 'no word'} (status {ended.returncode})"


def _summary(said: str) -> str:
    """What libFuzzer's last words are: coverage, features, size of the corpus; and how many runs it were."""
    status = [line for line in said.splitlines() if line.startswith("#") and "cov:" in line]
    runs = [
        line.split()[-1] for line in said.splitlines() if line.startswith("stat::number_of_executed_units")
    ]
    return (
        f"{runs[-1] if runs else '?'} runs, {' '.join(status[-1].split()[2:8]) if status else 'no coverage'}"
    )


def _quoted(token: bytes) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in token) + '"'

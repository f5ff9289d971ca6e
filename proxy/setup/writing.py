"""Answers to a commented configuration, and the file it goes into.

Strategy: text is put together by hand, since comments are the point, and every value by the TOML writer;
what comes out is loaded before it is handed on, so that no answer makes a file that does not start.
The trap: the file holds passwords and tokens, so it is made for its owner alone, and never over another.
"""

import os
import tempfile
from collections.abc import Iterator

import tomli_w

from proxy.config import Config, load
from proxy.errors import ConfigError
from proxy.setup.answers import BLOB, UPSTREAM, VARDIFF, Answers

PRIVATE = 0o600
WIDTH = 44  # where comments begin

_NAMES = ("main", "backup")


def written(answers: Answers) -> str:
    """Write a configuration.

    Returns: TOML that `sluice check` takes.
    Raises: ConfigError if the answers do not fit together, naming the key.
    """
    text = "\n".join(_lines(answers)) + "\n"
    loaded(text)
    return text


def loaded(text: str) -> Config:
    """Read a configuration that is in no file yet.

    Raises: ConfigError, naming the key.
    """
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".toml") as file:
        file.write(text)
        file.flush()
        try:
            return load(file.name, {})
        except ConfigError as error:
            raise ConfigError(str(error).replace(f"{file.name}: ", "")) from None


def save(text: str, path: str, force: bool) -> None:
    """Put it into a file that only its owner may read.

    Raises: ConfigError if the file is there already, or cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        with open(os.open(path, flags, PRIVATE), "w", encoding="utf-8") as file:
            if force:
                os.fchmod(file.fileno(), PRIVATE)
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"{path}: is there already; take another --output, or --force") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None


def _lines(answers: Answers) -> Iterator[str]:
    yield "# Sluice, written by `sluice init`.  `sluice check --explain` says what it comes to,"
    yield "# `sluice init full` prints every key there is, with its default and reason."
    yield ""
    yield from _upstream(answers)
    yield from _listen(answers)
    yield from _rest(answers)


def _upstream(answers: Answers) -> Iterator[str]:
    yield "[upstream]"
    yield _key("dialect", answers.dialect, "what the pools speak")
    about = (
        "not checked here: only the pool can" if answers.algorithm == BLOB else "every proof is checked here"
    )
    yield _key("algorithm", answers.algorithm, about)
    yield _key("user", answers.user, "the account at the pool")
    yield _key("password", answers.password, "most pools take any; or password_file")
    for index, url in enumerate(answers.pools):
        yield ""
        if index == 1:
            yield "# Takes over at once when the one before fails; left again when that has proved itself."
        yield "[[upstream.pools]]"
        yield _key("name", _NAMES[index] if index < len(_NAMES) else f"backup{index}", "in metrics and log")
        yield _key("url", url)
    yield ""


def _listen(answers: Answers) -> Iterator[str]:
    yield "[[listen]]"
    yield _key("name", "farm", "in metrics and log")
    yield _key("url", answers.listen, "where miners come to")
    if answers.difficulty == VARDIFF:
        yield "# Follows each miner: about one share in target_seconds, never harder than the pool asks."
        yield "difficulty = { start = 8, min = 1, max = 1e6, target_seconds = 15 }"
    elif answers.difficulty == UPSTREAM:
        yield _key("difficulty", UPSTREAM, "the pool's own: every share goes there")
    else:
        yield _commented(f"difficulty = {answers.difficulty}", "the same for all miners")
    yield ""


def _rest(answers: Answers) -> Iterator[str]:
    yield "[http]"
    yield _key("address", answers.http, "dashboard, metrics and API" if answers.http else "none")
    if answers.read_token:
        yield _key("read_token", answers.read_token, "to look; Prometheus needs it, too")
    if answers.admin_token:
        yield _key("admin_token", answers.admin_token, "to change something")
    yield ""
    yield "[ledger]"
    yield _key("url", answers.ledger, "every share is kept there" if answers.ledger else "no shares are kept")


def _key(name: str, value: str, comment: str = "") -> str:
    return _commented(tomli_w.dumps({name: value}).rstrip("\n"), comment)


def _commented(line: str, comment: str) -> str:
    return f"{line:<{WIDTH - 2}}  # {comment}" if comment else line

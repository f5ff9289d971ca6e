"""From file and environment to one tree of plain values, and where each of them came from.

Strategy: the file is parsed, then every SLUICE__ variable is laid over it, in the order of their keys.
A variable's value is taken as it stands where the key holds text, else read as TOML, so that numbers,
tables and arrays can be given, too.
The trap: an error in a value from the environment must name the variable, not the file.
"""

import os
import tomllib
from collections.abc import Mapping
from typing import Any

import attrs

from proxy.config.rules import shown
from proxy.config.sections import Config
from proxy.config.shape import Fault, Key, Path, keys_of
from proxy.errors import ConfigError

PREFIX = "SLUICE__"
PATH_VARIABLE = "SLUICE_CONFIG"
PLACES = ("sluice.toml", "/etc/sluice/sluice.toml")
MAX_FILE_BYTES = 1_048_576  # a configuration of a thousand pools is a tenth of it
MAX_SECRET_BYTES = 4096

Tree = dict[str, Any]


@attrs.frozen
class Origin:
    """Where values came from, to say it in an error.

    Args:
        file: path of the file, "" without one.
        variables: name of the variable by path of the key.
    """

    file: str
    variables: Mapping[Path, str]

    def line(self, fault: Fault) -> str:
        """Write one fault as one line."""
        for length in range(len(fault.path), 0, -1):
            variable = self.variables.get(fault.path[:length])
            if variable is not None:
                name = variable if variable.isprintable() else shown(variable)
                return ": ".join((name, *_dotted(fault.path[length:]), fault.text))
        return ": ".join((self.file or "environment", *_dotted(fault.path), fault.text))


def _dotted(path: Path) -> tuple[str, ...]:
    """Join a path; a key that nobody would write without quotes is shown with them."""
    parts = (part if part.replace("_", "").replace("-", "").isalnum() else shown(part) for part in path)
    return (".".join(parts),) if path else ()


def find(path: str | None, environ: Mapping[str, str]) -> str | None:
    """Say which file is to be read.

    Args:
        path: as given on the command line, None if it was not.
        environ: the environment.
    Returns: that path, else $SLUICE_CONFIG, else the first of PLACES that exists, else None.
    """
    if path is not None:
        return path
    return environ.get(PATH_VARIABLE) or next((place for place in PLACES if os.path.exists(place)), None)


def read_tree(file: str) -> Tree:
    """Read a TOML file.

    Raises: ConfigError, one line that names it.
    """
    name = file if file.isprintable() else shown(file)
    try:
        data = read_bytes(file, MAX_FILE_BYTES)
        return tomllib.loads(data.decode())
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}; sluice init prints one to start from") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: is not UTF-8 text (at byte {error.start})") from None
    except RecursionError:
        raise ConfigError(f"{name}: not valid TOML: nested too deeply") from None
    except ValueError as error:
        raise ConfigError(f"{name}: not valid TOML: {' '.join(str(error).split())}") from None


def read_secret(file: str) -> str:
    """Read a password or token from its file, without the line's end.

    Raises: ConfigError without the file's name and without its content.
    """
    try:
        return read_bytes(file, MAX_SECRET_BYTES).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError("is not UTF-8 text") from None


def read_bytes(file: str, most: int) -> bytes:
    """Read a small file whole.

    Args:
        file: its path.
        most: bytes it may have; a bound, because a path can be a mistake (a device, a disk image).
    Raises: ConfigError without the file's name.
    """
    try:
        with open(file, "rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror or error}") from None
    except ValueError:  # a NUL or a lone surrogate in the path
        raise ConfigError("cannot be read: not a path") from None
    if len(data) > most:
        raise ConfigError(f"is longer than {most} bytes")
    return data


def overlay(tree: Tree, environ: Mapping[str, str]) -> tuple[dict[Path, str], list[Fault]]:
    """Lay the SLUICE__ variables over what the file gave.

    Args:
        tree: changed in place.
        environ: the environment; other variables are not looked at.
    Returns: the variable's name by path, and what could not be laid.
    """
    origins: dict[Path, str] = {}
    faults: list[Fault] = []
    named = {
        tuple(name[len(PREFIX) :].lower().split("__")): name for name in environ if name.startswith(PREFIX)
    }
    for path in sorted(named, key=_natural):
        origins[path] = named[path]
        try:
            _put(tree, Config, path, environ[named[path]])
        except ConfigError as error:
            faults.append(Fault(path, str(error)))
    return origins, faults


def _natural(path: Path) -> list[tuple[int, str]]:
    """Order 2 before 10 and a table before what is in it."""
    return [(int(part), "") if _is_index(part) else (-1, part) for part in path]


def _is_index(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) < 6


def _put(table: Tree, section: type[attrs.AttrsInstance], path: Path, raw: str) -> None:
    name, *rest = path
    key = keys_of(section).get(name)
    if key is None:
        raise ConfigError(unknown(name, section))
    if not rest:
        table[name] = raw if key.is_text else literal(raw)
    elif key.is_array:
        _put_item(table, key, rest, raw)
    elif key.table is not None:
        inner = table.get(name)
        if not isinstance(inner, dict):
            if inner is not None and key.rule is None:
                raise ConfigError(f"the file has {shown(inner)} where a table belongs")
            inner = table[name] = {}
        _put(inner, key.table, tuple(rest), raw)
    else:
        raise ConfigError(f"unknown key; {name} holds one value")


def _put_item(table: Tree, key: Key, rest: list[str], raw: str) -> None:
    items = table.setdefault(key.name, [])
    if not isinstance(items, list):
        raise ConfigError(f"the file has {shown(items)} where an array belongs")
    index, *deeper = rest
    if not _is_index(index) or int(index) > len(items):
        raise ConfigError(
            f"{key.name} has {len(items)} entries, so the next is {len(items)}, not {shown(index)}"
        )
    position = int(index)
    if position == len(items):
        items.append({} if deeper else None)
    if not deeper:
        items[position] = literal(raw) if key.table else raw
    elif key.table is None:
        raise ConfigError(f"unknown key; {key.name} holds texts")
    else:
        if not isinstance(items[position], dict):
            raise ConfigError(f"the file has {shown(items[position])} where a table belongs")
        _put(items[position], key.table, tuple(deeper), raw)


def literal(raw: str) -> Any:
    """Read a variable's value as TOML would, or leave it as text if it is none."""
    try:
        read = tomllib.loads(f"value = {raw}")
    except (ValueError, RecursionError):
        return raw
    return read["value"] if len(read) == 1 else raw


def unknown(name: str, section: type[attrs.AttrsInstance]) -> str:
    """Refuse an unknown key and name the nearest of those there are."""
    # difflib is slow to import and only needed here.
    import difflib

    known = list(keys_of(section))
    near = difflib.get_close_matches(name[:64], known, 1)
    return f"unknown key; did you mean {near[0]}?" if near else f"unknown key; known are {', '.join(known)}"

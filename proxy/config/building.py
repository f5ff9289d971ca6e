"""From a tree of plain values to the sections, or to every fault in it.

Strategy: cattrs walks the tree by the classes of sections.py, asks each key's rule, and goes on after a
fault, so that a person sees all of them at once; its nested errors are flattened to paths here.
"""

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from proxy.config.reading import Tree, unknown
from proxy.config.rules import shown
from proxy.config.sections import Config
from proxy.config.shape import Fault, Key, Path, keys_of
from proxy.errors import ConfigError


def build(tree: Tree) -> tuple[Config | None, list[Fault]]:
    """Make the sections.

    Args:
        tree: as tomllib gave it, the environment laid over.
    Returns: the configuration and no fault, or None and at least one.
    """
    try:
        config: Config = _converter.structure(tree, Config)
    except cattrs.ClassValidationError as error:
        return None, list(_faults(error, ()))
    return attrs.evolve(config, given=frozenset(_given(tree, ""))), []


def _given(tree: Tree, before: str) -> Iterator[str]:
    for name, value in tree.items():
        path = before + name
        yield path
        if isinstance(value, dict):
            yield from _given(value, f"{path}.")
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield f"{path}.{index}"
                if isinstance(item, dict):
                    yield from _given(item, f"{path}.{index}.")


Hook = Callable[[Any, Any], Any]


def _section_hook(section: type[attrs.AttrsInstance]) -> Hook:
    overrides = {name: override(struct_hook=_key_hook(key)) for name, key in keys_of(section).items()}
    if section is Config:
        overrides["given"] = override(omit=True)
    structure = make_dict_structure_fn(
        section,
        _converter,
        _cattrs_forbid_extra_keys=True,
        **overrides,  # type: ignore[arg-type]  # the keyword arguments are overrides by name
    )

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise ConfigError(f"must be a table, not {shown(value)}")
        return structure(value, section)

    return hook


def _key_hook(key: Key) -> Hook:
    """Make the function that reads one key: its table, its array of tables, or by its rule."""
    rule, table = key.rule, key.table

    def read(value: Any, _: Any) -> Any:
        if key.many:
            if not isinstance(value, list):
                raise ConfigError(f"must be an array of tables, not {shown(value)}")
            return _converter.structure(value, tuple[table, ...])  # type: ignore[valid-type]
        if table is not None and (rule is None or isinstance(value, dict)):
            return _converter.structure(value, table)
        assert rule is not None
        return rule.read(value)

    return read


_converter = cattrs.Converter(detailed_validation=True)
_converter.register_structure_hook_factory(attrs.has, _section_hook)


def _faults(error: Exception, path: Path) -> Iterator[Fault]:
    """Flatten what cattrs collected; it notes on each error where it arose."""
    for note in getattr(error, "__notes__", ()):
        path = (*path, note.name if isinstance(note, cattrs.AttributeValidationNote) else str(note.index))
    if isinstance(error, cattrs.BaseValidationError):
        for inner in error.exceptions:
            yield from _faults(inner, path)
    elif isinstance(error, cattrs.ForbiddenExtraKeysError):
        for name in sorted(error.extra_fields):
            yield Fault((*path, name), unknown(name, error.cl))
    elif isinstance(error, KeyError):
        yield Fault(path, "is needed and has no default")
    else:
        yield Fault(path, str(error))

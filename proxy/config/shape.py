"""The keys of a section, as its class declares them: what environment, reader and printer go by."""

import functools
import types
import typing

import attrs

from proxy.config.rules import Networks, Rule

Path = tuple[str, ...]


@attrs.frozen
class Fault:
    """One thing wrong with one key.

    Args:
        path: of the key, as ("listen", "0", "url").
        text: what is wrong, beginning with a verb.
    """

    path: Path
    text: str


@attrs.frozen
class Key:
    """One key of a section.

    Args:
        rule: how its value is read; None if it can only be a table or an array of tables.
        table: the class of the table it may hold, None if it cannot.
        many: it holds an array of such tables.
        default: attrs.NOTHING if it has none.
    """

    name: str
    rule: Rule | None
    table: type[attrs.AttrsInstance] | None
    many: bool
    default: object

    @property
    def is_text(self) -> bool:
        """Whether its value is always a string."""
        return self.rule is not None and self.rule.text

    @property
    def is_array(self) -> bool:
        """Whether its value is an array, of tables or of texts."""
        return self.many or isinstance(self.rule, Networks)


@functools.cache
def keys_of(section: type[attrs.AttrsInstance]) -> dict[str, Key]:
    """Return the keys of a section by name, in the order of the class."""
    hints = typing.get_type_hints(section, include_extras=True)
    return {
        attribute.name: _key(attribute.name, hints[attribute.name], attribute.default)
        for attribute in attrs.fields(section)
        if attribute.name != "given"
    }


def _key(name: str, hint: typing.Any, default: object) -> Key:
    rule = None
    if typing.get_origin(hint) is typing.Annotated:
        hint, rule = typing.get_args(hint)
    many = typing.get_origin(hint) is tuple and rule is None
    parts = typing.get_args(hint) if many or isinstance(hint, types.UnionType) else (hint,)
    # A rule may read into a class of its own; only a union or a bare class is a table.
    alone = rule is not None and len(parts) == 1
    table = None if alone else next((part for part in parts if attrs.has(part)), None)
    return Key(name, rule, table, many, default)

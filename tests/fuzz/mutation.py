"""Mutations by tokens of JSON, beside libFuzzer's own by bytes.

Strategy: what decodes JSON here is C that no coverage is seen of, so bytes turned at random mostly end
in "not valid JSON" and teach nothing.  A line that stays JSON, and has one value of another kind, one
member twice or one character inside a string that does not belong there, gets behind the decoder.
"""

import re
from collections.abc import Callable
from random import Random

TOKEN = re.compile(rb'"(?:[^"\\\n]|\\.)*"|[\[\]{},:\n]|[^\s\[\]{},:"]+|\s|"')
PUNCTUATION = frozenset((*(bytes([byte]) for byte in b'[]{},: \r\n\t"'), b"\x1e"))
INSIDE = (
    *(b"\\u0000", b"\\ud800", b"\xff", b"\xed\xa0\x80", b"\xc3\xa9", b"\\n", b'\\"', b"\\\\", b"\\"),
    *(b"%", b"0", b"F", b"g", b" ", b"\x7f"),
)

Mutate = Callable[[bytes, int], bytes]  # libFuzzer's own: bytes, and how many they may become


def mutator(tokens: tuple[bytes, ...], mutate: Mutate) -> Callable[[bytes, int, int], bytes]:
    """Make a mutation of tokens for one target; every other time it is libFuzzer's own.

    Args:
        tokens: what may stand in the place of another.
    """

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        dice = Random(seed)
        parts = TOKEN.findall(data)
        if len(parts) < 3 or dice.random() < 0.5:
            return mutate(data, most)
        for _ in range(dice.choice((1, 1, 1, 2, 4))):
            _change(parts, tokens, dice)
        return b"".join(parts)[:most]

    return mutated


def _change(parts: list[bytes], tokens: tuple[bytes, ...], dice: Random) -> None:
    """Change one thing; mostly a value, which leaves JSON behind."""
    values = [place for place, part in enumerate(parts) if part not in PUNCTUATION]
    at = dice.choice(values or [0])
    token = dice.choice(tokens or (b"null",))
    if token[-1:] in b"[{:,":  # the start of a member, to go before another or in the place of a name
        _put_member(parts, at, token, dice)
        return
    way = dice.randrange(12)
    if way < 4:
        parts[at] = token
    elif way == 4:
        parts[at] = parts[dice.choice(values or [0])]
    elif way < 8:
        word = parts[at]
        place = dice.randrange(len(word)) if word else 0
        parts[at] = word[:place] + dice.choice(INSIDE) + word[place + dice.randrange(2) :]
    elif way == 8:
        parts[at] = b"[%s]" % parts[at] if dice.random() < 0.5 else b'"%s"' % parts[at].strip(b'"')
    elif way == 9:  # one value more, or one less
        size = 1 + (parts[at + 1 : at + 2] == [b","])
        parts[at : at + size] = [] if dice.random() < 0.5 else [*parts[at : at + size], b",", token]
    else:  # a stretch again, elsewhere, or gone
        at, to, size = dice.randrange(len(parts)), dice.randrange(len(parts)), dice.randrange(1, 12)
        parts[to : to + dice.choice((0, 0, size))] = parts[at : at + size]
    if not parts:
        parts.append(b"{")


def _put_member(parts: list[bytes], at: int, token: bytes, dice: Random) -> None:
    if parts[at + 1 : at + 2] == [b":"]:
        closed = {b"[": b"[]", b"{": b"{}", b":": b"0", b",": b"0"}[token[-1:]]
        parts[at:at] = [token[:-1] if token[-1:] in b"[{," else token, closed, b","]
    else:
        place = dice.randrange(len(parts))
        parts[place:place] = [token]

"""Mutations by tokens of JSON, beside libFuzzer's own by bytes.

Strategy: what decodes JSON here is C that no coverage is seen of, so bytes turned at random mostly end
in "not valid JSON" and teach nothing.  A line that stays JSON, and has one value of another kind, one
member twice or one character inside a string that does not belong there, gets behind the decoder.
"""

import re
from collections.abc import Callable
from random import Random

TOKEN = re.compile(rb'"(?:[^"\\\n]|\\.)*"|[\[\]{},:\n]|[^\s\[\]{},:"]+|\s|"')
INSIDE = (
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xc3\xa9",
    b"\\n",
    b"%",
    b"\\",
    b"0",
    b"F",
    b" ",
    b"\x7f",
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
    at = dice.randrange(len(parts))
    way = dice.randrange(7)
    if way == 0:
        parts[at] = dice.choice(tokens or parts)
    elif way == 1:
        parts[at] = dice.choice(parts)
    elif way == 2:  # one more value, or member where at is one
        parts[at:at] = [dice.choice((*tokens, *parts[:8])), b","]
    elif way == 3 and len(parts) > 3:
        del parts[at : at + dice.choice((1, 2, 4))]
    elif way == 4:  # a stretch again, elsewhere
        size = dice.randrange(1, 12)
        to = dice.randrange(len(parts))
        parts[to:to] = parts[at : at + size]
    elif way == 5:
        word = parts[at]
        place = dice.randrange(len(word)) if word else 0
        parts[at] = word[:place] + dice.choice(INSIDE) + word[place + dice.randrange(2) :]
    else:
        parts[at] = b"[%s]" % parts[at] if dice.random() < 0.5 else b'"%s"' % parts[at].strip(b'"')
    if not parts:
        parts.append(b"{")

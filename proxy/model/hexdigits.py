"""Hex text: whether it is, asked the one way that lets nothing else through, and its lower case."""


def is_hex(text: str) -> bool:
    """Tell whether a text holds hex digits of either case and nothing else; "" does.

    int() and bytes.fromhex() would let spaces, signs and underscores through.
    """
    return not text.strip("0123456789abcdefABCDEF")


def lower(text: str) -> str:
    """Return hex digits in lower case.

    Nearly all hex is that already, and to look for capitals takes a quarter of the time of str.lower().
    """
    if "A" in text or "B" in text or "C" in text or "D" in text or "E" in text or "F" in text:
        return text.lower()
    return text

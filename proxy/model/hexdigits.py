"""Whether text is hex, asked the one way that lets nothing else through."""


def is_hex(text: str) -> bool:
    """Tell whether a text holds hex digits of either case and nothing else; "" does.

    int() and bytes.fromhex() would let spaces, signs and underscores through.
    """
    return not text.strip("0123456789abcdefABCDEF")

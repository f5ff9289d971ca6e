"""A target that breaks on one input in four billion, to see the engine find it."""

from tests.fuzz.target import Target


def planted(data: bytes) -> None:
    """Nothing begins with SLUI."""
    found = 0
    for place, byte in enumerate(b"SLUI"):
        if data[place : place + 1] != bytes([byte]):
            return
        found += 1
    raise ValueError(f"{found} bytes found")


TARGETS = {"planted": Target(planted, lambda: [b"xxxx"])}

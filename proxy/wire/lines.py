"""Bytes to lines, in linear time and bounded memory.

Strategy: complete lines are handed out as they come; what is left waits, never more than `limit`
bytes of it.  The trap: a line that is too long must not take the good lines before it down with it,
so it is not raised but recorded, and the reader closes once it has dealt with those lines.
"""

from itertools import takewhile


class LineBuffer:
    """Collects the bytes of one connection and hands out its lines.

    Args:
        limit: longest line taken, in bytes without its end; a security limit.
    """

    __slots__ = ("_partial", "limit", "overflow")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.overflow = False
        self._partial = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes as they came and return the lines they complete.

        Args:
            data: any number of bytes.
        Returns: lines without their "\\n"; blank ones and a trailing "\\r" are the reader's to skip.
            After the first line over the limit nothing more comes and `overflow` is true.
        """
        if self.overflow:
            return []
        if self._partial:
            self._partial += data
            # Searching only the new bytes keeps a sender of single bytes linear, too.
            if b"\n" not in data:
                self._check_partial()
                return []
            data = bytes(self._partial)
            self._partial.clear()
        elif data.find(b"\n") == len(data) - 1 and 0 < len(data) <= self.limit:
            return [data[:-1]]  # one whole line, as nearly always
        lines = data.split(b"\n")
        rest = lines.pop()
        if rest:
            self._partial += rest
            self._check_partial()
        if lines and len(max(lines, key=len)) > self.limit:
            return self._upto_long(lines)
        return lines

    def _check_partial(self) -> None:
        if len(self._partial) > self.limit:
            self.overflow = True
            self._partial = bytearray()

    def _upto_long(self, lines: list[bytes]) -> list[bytes]:
        self.overflow = True
        self._partial = bytearray()
        return list(takewhile(lambda line: len(line) <= self.limit, lines))

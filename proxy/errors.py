"""Faults, named by who is to blame.

An error that reaches a person is one line: what is wrong, where, and what to do.  A refused share is
not an error but a value (model/share.py).  Nothing here may import from the rest of the package.

    SluiceError
    ├── ConfigError   the operator: a file, a key, an address that cannot be used
    ├── PoolError     the pool: a line that makes no sense, a refusal, silence
    └── MinerError    the miner: a line that makes no sense
"""


class SluiceError(Exception):
    """Base of every fault Sluice tells a person about; str() is the one line to show."""


class ConfigError(SluiceError):
    """The configuration cannot be used; the text names file and key and says what is allowed."""


class PoolError(SluiceError):
    """The pool did something that cannot be worked with."""


class MinerError(SluiceError):
    """A miner sent something that is not a request.

    The parsers of wire/ raise this, or PoolError on the other side, and nothing else: any other
    exception from a parser is a bug in it.
    """

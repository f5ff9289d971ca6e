"""The first schema; that it is what the code has, tests/ledger/test_migrating.py says."""

from proxy.ledger.migrations.versions import r0001_shares


def test_it_is_the_first() -> None:
    assert (r0001_shares.revision, r0001_shares.down_revision) == ("0001", None)

"""What leads from an older schema to the present one; see proxy/ledger/migrating.py."""

"""Decisions: which nonces a miner may use, which job a share is for, whether it is good.  No socket, no clock."""

"""Decisions: whose nonces, which job, is the share good.  No socket, no clock."""

"""Bytes to lines to events and back, sans-IO: no socket, no clock, no decision about a share."""

"""Measurements of this machine: `sluice bench`."""

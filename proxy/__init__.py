"""Sluice: a stratum proxy that checks every share before the pool sees it."""

"""The version and our name on the wire, alone so that the build can read it without importing more."""

__version__ = "0.1.0"
NAME = "sluice/"  # how we begin when a peer asks who we are

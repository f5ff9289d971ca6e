"""The limit of open files, with the system's calls replaced: a test must not change its own process's."""

import resource

import pytest

from proxy.openfiles import raise_limit

INFINITE = resource.RLIM_INFINITY


class Limits:
    """What the system allows, and what was asked of it."""

    def __init__(self, soft: int, hard: int) -> None:
        self.now = (soft, hard)

    def get(self, _which: int) -> tuple[int, int]:
        return self.now

    def set(self, _which: int, limits: tuple[int, int]) -> None:
        self.now = limits


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "allowed", "soft_after"),
    [
        (1024, 4096, 100, 100, 1024),
        (1024, 4096, 2000, 2000, 2000),
        (1024, 4096, 9000, 4096, 4096),
        (4096, 4096, 9000, 4096, 4096),
        (1024, INFINITE, 9000, 9000, 9000),
        (INFINITE, INFINITE, 9000, 9000, INFINITE),
    ],
)
def test_as_far_as_allowed_and_never_down(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, wanted: int, allowed: int, soft_after: int
) -> None:
    system = Limits(soft, hard)
    monkeypatch.setattr(resource, "getrlimit", system.get)
    monkeypatch.setattr(resource, "setrlimit", system.set)
    assert raise_limit(wanted) == allowed
    assert system.now == (soft_after, hard)

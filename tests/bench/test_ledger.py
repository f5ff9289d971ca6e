"""The measurement itself: what it counts is what it made, and nothing here says how fast."""

from pathlib import Path

from tests.bench.ledger import Load, peak_and_now


async def test_every_share_of_a_load_is_written_and_nothing_is_measured_of_one_without(
    tmp_path: Path,
) -> None:
    for url, is_on in ((f"sqlite:///{tmp_path}/x.db", True), ("", False)):
        found = await Load(url, rate=1000, workers=5).run(seconds=0.2)
        assert found["shares"]
        assert found["written"] == (found["shares"] if is_on else 0)
        assert found["lost"] == 0


def test_memory_is_read() -> None:
    most, now = peak_and_now()
    assert now > 0
    assert most > 0

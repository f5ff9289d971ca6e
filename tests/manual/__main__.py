"""`python -m tests.manual`: writes docs/configuration.md anew."""

from pathlib import Path

from tests.manual.reference import page

if __name__ == "__main__":
    place = Path(__file__).parents[2] / "docs" / "configuration.md"
    place.write_text(page(), encoding="utf-8")
    print(f"{place} written")

"""Every target by its name."""

from tests.fuzz import lines, proofs, sessions, settings, ways
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target for module in (lines, ways, settings, proofs, sessions) for target in module.TARGETS
}

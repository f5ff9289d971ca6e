"""The collector's settings, in a process of their own, since they hold for all of it."""

import subprocess
import sys

TUNED = """
import gc
from proxy import collector
collector.tune()
assert gc.isenabled()
assert gc.get_threshold() == (collector.YOUNG, collector.MIDDLE, collector.OLD)
print(gc.get_freeze_count())
class Node: pass
for _ in range(2 * collector.YOUNG):
    node = Node(); node.itself = node
assert gc.get_stats()[0]["collected"] >= collector.YOUNG
"""


def test_it_leaves_alone_what_was_there_and_still_finds_cycles() -> None:
    done = subprocess.run([sys.executable, "-c", TUNED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 1000

"""The garbage collector, told what a proxy's memory is like: many objects that live long, few cycles.

Strategy: what exists when the proxy starts is never looked at again; the rest is looked through rarely.
Shares, lines and events die by their reference counts, so nothing is gained by looking often, and every
share that waits for a verdict would be looked at some times in vain: a tenth of its cost under load.
The trap: cycles there are (a session knows its connection and is known to it, exceptions hold frames), so
the collector is not switched off.
"""

import gc

# Objects made and not yet freed between two looks at the young ones: some 1 MB at most that is garbage, and
# 20 ms if all of it is.  Standard is 700, which one batch of shares can exceed.
YOUNG = 10_000
MIDDLE, OLD = 100, 20  # looks at a generation for one at the next; standard is 10


def tune() -> None:
    """Set the collector up, once in a process, when all that lives as long as it does is there."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)

"""Runs one worker process; started by process.py with this file's path."""

import sys
from pathlib import Path

# The very files that the parent runs, wherever another version may be installed.
root = str(Path(__file__).resolve().parents[2])
if root not in sys.path:
    sys.path.insert(0, root)

from proxy.workers.child import main  # noqa: E402  # only now is it certain which one

if __name__ == "__main__":
    main()

"""`python -m proxy` is `sluice`."""

from proxy.cli import main

if __name__ == "__main__":
    main()

"""Makes the token that whoever reads the proxy must show, in the first start; says it in every one.

For compose.yaml, where it has the volume of the proxy and of Prometheus alone.
"""

import secrets
from pathlib import Path

FILE = Path("/run/secrets/sluice/read_token")


def main() -> None:
    """Write the file unless it is there; whole or not at all, since it is never written again."""
    if not FILE.exists():
        new = FILE.with_suffix(".new")
        new.write_text(secrets.token_urlsafe(32), encoding="ascii")
        new.chmod(0o444)  # users of other numbers read it: who may is who has the volume
        new.rename(FILE)
    print(f"http://127.0.0.1:9180 asks for this token: {FILE.read_text(encoding='ascii')}")


if __name__ == "__main__":
    main()

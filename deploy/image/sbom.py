"""Completes the list of what is in the image: adds Python, Debian and a version to the Python packages.

    sbom.py PACKAGES.json DEBIAN.tsv > sbom.cdx.json

PACKAGES.json is what cyclonedx-py makes of the environment that Sluice is installed in; this runs in that
environment.  DEBIAN.tsv has a package a line: name, version, architecture.
The trap: no time and nothing random may get in, so that the same image has the same list.
"""

import importlib.metadata
import json
import platform
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

Component = dict[str, Any]


def release() -> str:
    """Return the name of the system as package URLs have it, like debian-12."""
    system = platform.freedesktop_os_release()
    return f"{system['ID']}-{system.get('VERSION_ID', 'unknown')}"


def component(name: str, version: str, purl: str) -> Component:
    """Return an entry of the list."""
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def debian(line: str, distro: str) -> Component:
    """Return the entry of a Debian package."""
    name, version, architecture = line.split("\t")
    place = f"pkg:deb/{distro.partition('-')[0]}/{quote(name)}@{quote(version, safe='~')}"
    return component(name, version, f"{place}?arch={architecture}&distro={distro}")


def complete(listed: dict[str, Any], packages: list[str], version: str, python: str, distro: str) -> None:
    """Add to a list in place what it lacks.

    Args:
        listed: a CycloneDX document.
        packages: lines of DEBIAN.tsv.
        version: of Sluice.
        python: its version.
    """
    listed["metadata"]["component"]["version"] = version
    base = [
        component("cpython", python, f"pkg:generic/cpython@{python}"),
        *(debian(line, distro) for line in packages),
    ]
    listed["components"] += base
    whole = listed["metadata"]["component"]["bom-ref"]
    ends = {entry["ref"]: entry for entry in listed["dependencies"]}
    ends[whole]["dependsOn"] = sorted({*ends[whole].get("dependsOn", []), *(one["bom-ref"] for one in base)})
    listed["dependencies"] += [{"ref": one["bom-ref"]} for one in base]


def main() -> None:
    """Read both files, print the whole."""
    packages, base = map(Path, sys.argv[1:])
    listed = json.loads(packages.read_text(encoding="utf-8"))
    lines = base.read_text(encoding="utf-8").splitlines()
    complete(listed, lines, importlib.metadata.version("sluice"), platform.python_version(), release())
    print(json.dumps(listed, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()

"""The list of what is in the image has, beside Python's packages, what they stand on."""

import runpy
from pathlib import Path
from typing import Any

import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "deploy" / "image" / "sbom.py"))
complete, release = SCRIPT["complete"], SCRIPT["release"]

DEBIAN = ["libc6\t2.36-9+deb12u10\tamd64", "login\t1:4.13+dfsg1-1+b1\tarm64"]


def listed() -> dict[str, Any]:
    """Return a list as cyclonedx-py makes it, of one package."""
    trio = {"bom-ref": "trio==1", "name": "trio", "version": "1", "type": "library"}
    return {
        "metadata": {"component": {"bom-ref": "root", "name": "sluice"}},
        "components": [trio],
        "dependencies": [{"ref": "root", "dependsOn": ["trio==1"]}, {"ref": "trio==1"}],
    }


def test_it_says_of_which_version_of_sluice_it_is() -> None:
    whole = listed()
    complete(whole, [], "1.2.3", "3.13.1", "debian-12")
    assert whole["metadata"]["component"] == {"bom-ref": "root", "name": "sluice", "version": "1.2.3"}


def test_python_and_the_packages_of_the_system_are_in_it_by_addresses_that_scanners_know() -> None:
    whole = listed()
    complete(whole, DEBIAN, "1.2.3", "3.13.1", "debian-12")
    assert [one.get("purl") for one in whole["components"]] == [
        None,
        "pkg:generic/cpython@3.13.1",
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12",
        "pkg:deb/debian/login@1%3A4.13%2Bdfsg1-1%2Bb1?arch=arm64&distro=debian-12",
    ]
    assert [one["version"] for one in whole["components"]][2:] == ["2.36-9+deb12u10", "1:4.13+dfsg1-1+b1"]


def test_everything_is_something_that_sluice_stands_on() -> None:
    whole = listed()
    complete(whole, DEBIAN, "1.2.3", "3.13.1", "debian-12")
    below = {entry["ref"]: entry.get("dependsOn", []) for entry in whole["dependencies"]}
    assert set(below["root"]) == {one["bom-ref"] for one in whole["components"]}
    assert set(below) == {"root", *below["root"]}


def test_the_system_is_named_by_kind_and_version(monkeypatch: pytest.MonkeyPatch) -> None:
    system = {"ID": "debian", "VERSION_ID": "12"}
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: system)
    assert release() == "debian-12"

"""The container image: what its Dockerfile promises, and that it takes in what the project asks for."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from proxy.config import load
from proxy.version import __version__

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "deploy" / "image"
RUN_USER = "10001"
STATE = "/var/lib/sluice"


def instructions(text: str) -> list[tuple[str, str]]:
    """Read a Dockerfile: each instruction with what follows it, comments gone and lines joined."""
    plain = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    lines = re.sub(r"\\\n\s*", " ", plain).splitlines()
    pairs = (line.partition(" ") for line in lines if line.strip())
    return [(word, rest.strip()) for word, _, rest in pairs]


DOCKERFILE = instructions((ROOT / "Dockerfile").read_text(encoding="utf-8"))
LAST_STAGE = DOCKERFILE[max(place for place, (word, _) in enumerate(DOCKERFILE) if word == "FROM") :]


def last(word: str) -> str:
    """Return the one such instruction of the stage that becomes the image."""
    (found,) = [rest for name, rest in LAST_STAGE if name == word]
    return found


def project() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_image_runs_as_a_number_that_is_not_root_and_owns_the_one_place_it_writes_to() -> None:
    assert last("USER") == f"{RUN_USER}:{RUN_USER}"
    assert last("VOLUME") == f'["{STATE}"]'
    assert last("WORKDIR") == STATE
    assert f"install -d -o {RUN_USER} -g {RUN_USER} -m 0750 {STATE}" in last("RUN")


def test_nothing_needs_a_shell_to_start_to_be_asked_or_to_stop() -> None:
    assert last("ENTRYPOINT") == '["sluice"]'
    assert last("CMD") == '["run"]'
    assert last("HEALTHCHECK").endswith('CMD ["sluice", "health"]')


def test_no_tool_of_the_build_gets_into_the_image() -> None:
    built = " ".join(rest for word, rest in LAST_STAGE if word in ("RUN", "COPY"))
    assert not re.search(r"\b(apt|apt-get|pip|gcc|curl)\b", built)
    assert "/opt/tools" not in built


def test_the_image_says_of_itself_what_the_project_says() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', last("LABEL")))
    assert labels["version"] == __version__
    assert labels["title"] == project()["project"]["name"]
    assert labels["description"] == project()["project"]["description"]
    # Nobody has said these here, so nothing but an argument of the build may.
    assert (labels["source"], labels["licenses"]) == ("${SOURCE}", "${LICENSES}")
    arguments = [rest for word, rest in LAST_STAGE if word == "ARG"]
    assert {'SOURCE=""', 'LICENSES=""', 'REVISION=""'} <= set(arguments)


def test_the_build_fails_without_any_of_the_c_parts() -> None:
    """Each is optional to pip, so that an install without a compiler goes on."""
    modules = {module["name"] for module in project()["tool"]["setuptools"]["ext-modules"]}
    (line,) = [rest for word, rest in DOCKERFILE if word == "RUN" and "import proxy." in rest]
    imported = re.search(r'-c "import ([^"]+)"', line)
    assert imported is not None
    assert set(imported[1].split(", ")) == modules


def test_no_flag_ties_the_c_parts_to_one_kind_of_processor() -> None:
    for module in project()["tool"]["setuptools"]["ext-modules"]:
        flags = module.get("extra-compile-args", [])
        assert not [flag for flag in flags if flag.startswith(("-m", "-target"))], module["name"]


def test_the_ports_are_those_of_the_configuration_in_the_image() -> None:
    config = load(str(ROOT / "deploy" / "container.toml"), {"SLUICE__UPSTREAM__USER": "0xa0"})
    http = config.http.host_port
    assert http is not None
    assert [int(port) for port in last("EXPOSE").split()] == [config.listen[0].url.port, http[1]]


def test_the_images_configuration_lacks_nothing_but_pool_and_account() -> None:
    config = load(str(ROOT / "deploy" / "container.toml"), {"SLUICE__UPSTREAM__USER": "0xa0"})
    assert config.log.format == "json"
    assert config.upstream.user == "0xa0"


def test_a_build_is_given_what_it_copies_and_nothing_else() -> None:
    """Whatever lies about in a checkout, a token or a ledger, must not reach an image."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")} - {"deploy"}
    assert rules.index("deploy/*") == rules.index("!deploy") + 1
    sources = {
        source
        for word, rest in DOCKERFILE
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert let_in == {"deploy/image" if source.startswith("deploy/image/") else source for source in sources}


def pins(name: str) -> dict[str, str]:
    """Read a file of versions and hashes: version by name; every one must have a hash."""
    text = (IMAGE / name).read_text(encoding="utf-8")
    entries = re.findall(r"^([a-z0-9.-]+)==(\S+)((?:.*\\\n)*.*)", text, re.MULTILINE)
    for package, _, rest in entries:
        assert "--hash=sha256:" in rest, package
    return {package: version for package, version, _ in entries}


AGAIN = "run deploy/image/lock, which writes the file anew"


def dependencies() -> list[str]:
    """Return what the image is to have, as the project asks for it, and all that a proxy may use."""
    asked = project()["project"]
    extras = asked["optional-dependencies"]
    return [*asked["dependencies"], *extras["postgres"], *extras["nats"]]


@pytest.mark.parametrize("wanted", dependencies())
def test_the_image_has_a_fixed_version_of_every_dependency(wanted: str) -> None:
    requirement = Requirement(wanted)
    version = pins("requirements.txt").get(canonicalize_name(requirement.name))
    assert version is not None, f"{requirement.name} is not in deploy/image/requirements.txt: {AGAIN}"
    assert requirement.specifier.contains(version), f"{requirement.name} {version} is too old: {AGAIN}"


def test_so_has_what_builds_it() -> None:
    named = {line for line in (IMAGE / "build.in").read_text().splitlines() if not line.startswith("#")}
    assert set(project()["build-system"]["requires"]) <= named
    for requirement in map(Requirement, named):
        assert requirement.specifier.contains(pins("build.txt")[requirement.name]), AGAIN


@pytest.mark.parametrize("name", ["requirements.txt", "build.txt"])
def test_no_file_of_versions_says_where_they_come_from(name: str) -> None:
    """Whoever builds has a source of their own, perhaps a mirror."""
    text = (IMAGE / name).read_text(encoding="utf-8")
    assert not re.search(r"https?://|--index-url|--find-links", text)

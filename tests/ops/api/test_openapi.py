"""The description of the API, held against what it does."""

import json
from typing import Any

import pytest

from proxy.ops.api.openapi import Operation, document
from proxy.ops.api.routes import PATHS, ROOT
from proxy.ops.api.shapes import Summary
from tests.ops.api.ledgers import FakeLedger
from tests.ops.api.rigs import Rig

OPERATIONS = [operation for _, operation in PATHS]
READS = [operation for operation in OPERATIONS if operation.method == "GET"]


def described() -> Any:
    """The description."""
    return json.loads(document(ROOT, OPERATIONS))


def test_one_operation() -> None:
    made = json.loads(document("/r", [Operation("/a/{id}", "GET", "All.", Summary, (), [404])]))
    operation = made["paths"]["/r/a/{id}"]["get"]
    assert operation["operationId"] == "get_a_id"
    assert operation["parameters"][0]["name"] == "id"
    assert operation["responses"]["200"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Summary"
    }
    assert {"400", "401", "404", "503"} <= set(operation["responses"])
    assert operation["security"] == [{}, {"token": []}]


def test_every_reference_leads_somewhere() -> None:
    made = described()
    names = set(made["components"]["schemas"])
    text = json.dumps(made)
    found = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert found <= names


def test_times_are_said_to_be_times() -> None:
    properties = described()["components"]["schemas"]["Summary"]["properties"]
    assert properties["now"] == {"type": "string", "format": "date-time"}


def test_changes_need_the_token() -> None:
    for path, methods in described()["paths"].items():
        for method, operation in methods.items():
            assert (operation["security"] == [{"token": []}]) == (method != "get"), path
            assert ("403" in operation["responses"]) == (method != "get"), path


def filled(path: str) -> str:
    """A path with names in it that are there."""
    return path.replace("{name}", "rig1")


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.method == "GET"], ids=lambda one: one.path
)
async def test_a_path_takes_the_parameters_that_are_described_and_no_others(operation: Operation) -> None:
    rig = Rig(ledger=FakeLedger())
    rig.worker("rig1", 4.0)
    answer = await rig.ask(f"{filled(operation.path)}?nonsense=1")
    assert answer.status == 400
    names = [one.name for one in operation.parameters]
    assert sorted(answer.json["error"].split("there is ")[1].split(", ")) == sorted(names or ["none"])
    for one in operation.parameters:
        values = one.schema.get("enum") or [one.schema.get("default", "2027-01-15T08:00:00Z")]
        for value in values:
            found = await rig.ask(f"{filled(operation.path)}?{one.name}={value}")
            assert found.status == 200, (one.name, value, found.body)


async def test_it_is_served() -> None:
    answer = await Rig().ask("/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json == described()

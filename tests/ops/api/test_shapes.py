"""What is answered has at least what scripts rely on."""

import msgspec
import pytest

from proxy.ops.api import shapes

RELIED_ON = {
    shapes.Summary: "version started_at ready reason pool miners workers received forwarded shares conserved "
    "sols_per_second",
    shapes.Upstream: "name url state difficulty last_job_at connected_at reject_ratio",
    shapes.Miner: "id worker address listener dialect agent difficulty connected_at last_share_at shares",
    shapes.Worker: "name online miners last_seen_at sols_per_second shares",
    shapes.Ban: "id kind subject reason until evidence",
}


@pytest.mark.parametrize("shape", RELIED_ON, ids=lambda shape: shape.__name__)
def test_the_fields_that_scripts_rely_on(shape: type[msgspec.Struct]) -> None:
    assert set(RELIED_ON[shape].split()) <= set(shape.__struct_fields__)


def test_every_shape_can_be_described() -> None:
    made = [
        each for each in vars(shapes).values() if isinstance(each, type) and issubclass(each, msgspec.Struct)
    ]
    _, components = msgspec.json.schema_components(made)
    assert len(components) >= 25
    assert all(components[each.__name__]["description"] for each in made if each is not msgspec.Struct)

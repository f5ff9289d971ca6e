"""The sections as code uses them: built without a file, and showing no secret."""

import pytest

from proxy.config import Address, Config, Http, Limits, Listen, Pool, Upstream


def test_a_configuration_can_be_built_in_code_beyond_the_bounds_of_a_file() -> None:
    pool = Pool(url=Address.parse("stratum+tcp://127.0.0.1:1"))
    config = Config(upstream=Upstream(user="u", pools=(pool,)), limits=Limits(login_seconds=0.001))
    assert config.listen == (Listen(),)
    assert str(config.listen[0].url) == "stratum+tcp://0.0.0.0:3333"
    assert config.given == frozenset()


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("127.0.0.1:9180", ("127.0.0.1", 9180)),
        ("[::1]:0", ("::1", 0)),
        ("", None),
    ],
)
def test_the_http_address_is_taken_apart(address: str, taken: tuple[str, int] | None) -> None:
    assert Http(address=address).host_port == taken


def test_no_secret_is_in_what_python_prints() -> None:
    pool = Pool(url=Address.parse("stratum+tcp://127.0.0.1:1"), password="hunter2")
    upstream = Upstream(password="hunter2", pools=(pool,))
    http = Http(read_token="hunter2", admin_token="hunter2")
    assert "hunter2" not in repr(Config(upstream=upstream, http=http))

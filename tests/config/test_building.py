"""From plain values to sections: all faults at once, each under its path, whatever was given."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.building import build
from proxy.config.checks import check
from proxy.config.printing import to_toml
from proxy.config.sections import Config, Vardiff
from proxy.config.shape import keys_of

GOOD: dict[str, Any] = {"upstream": {"user": "u", "pools": [{"url": "stratum+tcp://h:1"}]}}


def faults(**changes: Any) -> list[tuple[str, str]]:
    config, found = build(GOOD | changes)
    assert config is None
    return [(".".join(fault.path), fault.text) for fault in found]


def test_the_sections_and_what_was_given() -> None:
    config, found = build(GOOD | {"listen": [{"difficulty": {"start": 4}}], "limits": {"max_miners": 5}})
    assert found == []
    assert config is not None
    assert config.listen[0].difficulty == Vardiff(start=4)
    assert config.limits.max_miners == 5
    assert config.given == {
        "upstream",
        "upstream.user",
        "upstream.pools",
        "upstream.pools.0",
        "upstream.pools.0.url",
        "listen",
        "listen.0",
        "listen.0.difficulty",
        "listen.0.difficulty.start",
        "limits",
        "limits.max_miners",
    }


@pytest.mark.parametrize(
    ("changes", "path", "text"),
    [
        ({"limit": {}}, "limit", "unknown key; did you mean limits?"),
        (
            {"given": []},
            "given",
            "unknown key; known are workers, takeover_socket, upstream, listen, limits, http, ledger, log",
        ),
        ({"limits": {"login_second": 1}}, "limits.login_second", "unknown key; did you mean login_seconds?"),
        ({"limits": {"ban": {"second": 1}}}, "limits.ban.second", "unknown key; did you mean seconds?"),
        ({"limits": 5}, "limits", "must be a table, not 5"),
        ({"limits": [1]}, "limits", "must be a table, not an array"),
        ({"listen": {"name": "x"}}, "listen", "must be an array of tables, not a table"),
        ({"listen": "abc"}, "listen", 'must be an array of tables, not "abc"'),
        ({"listen": ["abc"]}, "listen.0", 'must be a table, not "abc"'),
        ({"listen": [{}, {"url": 5}]}, "listen.1.url", "must be text like stratum+tcp://host:port, not 5"),
        ({"listen": [{"tls": 5}]}, "listen.0.tls", "must be a table, not 5"),
        ({"listen": [{"tls": {"key": "k"}}]}, "listen.0.tls.certificate", "is needed and has no default"),
        (
            {"listen": [{"difficulty": {"min": "x"}}]},
            "listen.0.difficulty.min",
            'must be a number from 0.001 to 1000000000000000, not "x"',
        ),
        ({"upstream": {"pools": [{}]}}, "upstream.pools.0.url", "is needed and has no default"),
        ({"http": {"address": "h:99999"}}, "http.address", 'must be "host:port"'),
    ],
)
def test_a_fault_has_its_path(changes: dict[str, Any], path: str, text: str) -> None:
    ((where, what),) = faults(**changes)
    assert where == path
    assert what.startswith(text)


def test_all_faults_are_told() -> None:
    found = faults(workers=0, limits={"max_miners": "x", "zzz": 1}, listen=[{"name": " "}])
    assert sorted(where for where, _ in found) == [
        "limits.max_miners",
        "limits.zzz",
        "listen.0.name",
        "workers",
    ]


words = sorted(
    {*keys_of(Config), "url", "name", "pools", "difficulty", "tls", "ban", "user", "start", "password"}
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.dates(),
    st.text(max_size=8),
    st.integers(4000, 5000).map(lambda digits: 16**digits),
    st.sampled_from(["aion", "stratum+tcp://h:1", "upstream", "equihash/210_9"]),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(words) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(words), values), st.booleans())
def test_anything_is_a_configuration_or_has_faults(tree: dict[str, Any], sound: bool) -> None:
    config, found = build(GOOD | tree if sound else tree)
    assert (config is None) == bool(found)
    assert all("\n" not in fault.text and fault.text for fault in found)
    if config is not None:
        check(config)
        to_toml(config)

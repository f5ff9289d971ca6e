"""A written configuration: it loads to what was answered, and its file is its owner's alone."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import Vardiff, load
from proxy.errors import ConfigError
from proxy.setup.answers import BLOB, Answers
from proxy.setup.writing import loaded, save, written

POOL = "stratum+tcp://pool.example:3333"


def test_the_least_that_can_be_answered() -> None:
    config = loaded(written(Answers(pools=(POOL,), user="account")))
    assert [str(pool.url) for pool in config.upstream.pools] == [POOL]
    assert (config.upstream.user, config.upstream.dialect) == ("account", "aion")
    assert config.listen[0].difficulty == "upstream"


def test_everything_else() -> None:
    config = loaded(
        written(
            Answers(
                pools=(POOL, "wss://b.example:443", "unix:///c"),
                user='a"b\\c',
                password="hush # not",
                dialect="login",
                algorithm=BLOB,
                listen="stratum+tcp://[::]:4444",
                difficulty="vardiff",
                http="0.0.0.0:80",
                ledger="",
                read_token="r",
                admin_token="a",
            )
        )
    )
    assert [pool.name for pool in config.upstream.pools] == ["main", "backup", "backup2"]
    assert (config.upstream.user, config.upstream.password) == ('a"b\\c', "hush # not")
    assert config.upstream.algorithm == BLOB
    assert config.listen[0].difficulty == Vardiff()
    assert (config.http.read_token, config.http.admin_token, config.ledger.url) == ("r", "a", "")


def test_a_number_as_difficulty() -> None:
    assert loaded(written(Answers(pools=(POOL,), user="a", difficulty="12"))).listen[0].difficulty == 12


def test_every_key_has_a_comment_apart_from_its_value() -> None:
    for line in written(Answers(pools=(POOL,), user="x" * 200, http="")).splitlines():
        if " = " in line and not line.startswith(("url", "#")):
            assert "  # " in line


@given(user=st.text(min_size=1, max_size=50), password=st.text(max_size=50))
def test_no_answer_breaks_out_of_its_value(user: str, password: str) -> None:
    try:
        config = loaded(written(Answers(pools=(POOL,), user=user, password=password)))
    except (ConfigError, UnicodeEncodeError):
        return  # control characters and lone surrogates are refused
    assert (config.upstream.user, config.upstream.password) == (user, password)
    assert len(config.upstream.pools) == 1


def test_answers_that_do_not_fit_together_name_the_key() -> None:
    with pytest.raises(ConfigError, match=r"^upstream\.dialect: must be") as fault:
        written(Answers(pools=(POOL,), user="a", algorithm=BLOB))
    assert ".toml" not in str(fault.value)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    save("a", str(path), force=False)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("a", 0o600)


def test_a_file_that_is_there_stays_but_by_force(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text("a longer one")
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="is there already; take another --output, or --force"):
        save("b", str(path), force=False)
    assert path.read_text() == "a longer one"
    save("b", str(path), force=True)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("b", 0o600)


def test_a_place_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere/s\.toml: No such file"):
        save("a", str(tmp_path / "nowhere" / "s.toml"), force=False)


def test_it_is_what_check_reads(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    save(written(Answers(pools=(POOL,), user="a")), str(path), force=False)
    assert load(str(path), {}).upstream.user == "a"

"""A listener's certificate: what is wrong with its files is named by key, and new ones are taken up."""

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest
import structlog
import trio
from trio.testing import MockClock

from proxy.config import Address, Listen, Tls
from proxy.downstream.certificates import DAY, HTTP, Certificates, ServerTls, make_context
from proxy.errors import ConfigError
from tests.kit.certificates import Authority

END = datetime(2040, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def listen(tls: Tls, scheme: str = "stratum+tls") -> Listen:
    return Listen(name="farm", url=Address(scheme, "127.0.0.1", 0), tls=tls)


def test_a_context_and_its_end(authority: Authority) -> None:
    context, ends = make_context("listen.farm", authority.issue(not_after=END))
    assert ends == END.timestamp()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_NONE


def test_client_certificates_are_asked_for(authority: Authority) -> None:
    context, _ = make_context("listen.farm", authority.issue(client_ca=authority.file))
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_files_that_are_no_good_are_named_by_key(authority: Authority, tmp_path: Path) -> None:
    tls = authority.issue(client_ca=authority.file)
    other = authority.issue(name="other")
    junk = tmp_path / "junk"
    junk.write_text("no PEM")
    gone = str(tmp_path / "gone")
    for change, said in [
        ({"certificate": gone}, f"listen.farm.tls.certificate: {gone}: No such file or directory"),
        ({"certificate": str(junk)}, f"listen.farm.tls.certificate: {junk}: holds no certificate in PEM"),
        ({"key": gone}, f"listen.farm.tls.key: {gone}: No such file or directory"),
        ({"key": str(junk)}, f"listen.farm.tls.key: {junk}: is no private key in PEM"),
        ({"key": other.key}, f"listen.farm.tls.key: {other.key}: is not the key of {tls.certificate}"),
        ({"client_ca": gone}, f"listen.farm.tls.client_ca: {gone}: No such file or directory"),
        ({"client_ca": str(junk)}, f"listen.farm.tls.client_ca: {junk}: holds no certificate"),
    ]:
        with pytest.raises(ConfigError) as caught:
            make_context("listen.farm", attrs.evolve(tls, **change))
        assert str(caught.value) == said


def test_a_key_with_a_password_is_refused_and_not_asked_for_at_the_terminal(
    authority: Authority, tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives import serialization as forms

    tls = authority.issue()
    key = forms.load_pem_private_key(Path(tls.key).read_bytes(), None)
    form = forms.PrivateFormat.PKCS8
    Path(tls.key).write_bytes(
        key.private_bytes(forms.Encoding.PEM, form, forms.BestAvailableEncryption(b"secret"))
    )
    with pytest.raises(
        ConfigError, match=r"listen\.farm\.tls\.key: .* is encrypted; give one without password"
    ):
        make_context("listen.farm", tls)


def test_a_reload_takes_what_is_there_and_keeps_the_old_if_that_is_no_good(authority: Authority) -> None:
    tls = authority.issue()
    server = ServerTls("listen.farm", tls)
    first = server.context
    authority.issue(not_after=END)
    server.reload()
    second = server.context
    assert second is not first
    assert server.ends == END.timestamp()
    Path(tls.certificate).write_text("half a fi")
    with pytest.raises(ConfigError):
        server.reload()
    assert server.context is second
    assert not server.is_outdated  # tried, and not again before it changes once more


def test_a_file_that_is_gone_for_a_moment_is_as_it_was(authority: Authority) -> None:
    tls = authority.issue()
    server = ServerTls("listen.farm", tls)
    os.rename(tls.key, tls.key + ".old")
    assert not server.is_outdated
    authority.issue()
    assert server.is_outdated


def test_only_tls_listeners_have_one(authority: Authority) -> None:
    certificates = Certificates([listen(authority.issue(not_after=END)), Listen(name="plain")])
    assert certificates.of("farm") is not None
    assert certificates.of("plain") is None
    assert certificates.ends() == {"farm": END.timestamp()}
    assert Certificates([listen(authority.issue(), "stratum+tcp")]).ends() == {}


async def test_changed_files_are_taken_up_by_themselves(
    autojump_clock: MockClock, authority: Authority
) -> None:
    certificates = Certificates([listen(authority.issue())])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(certificates.keep_fresh)
        await trio.sleep(60)
        assert certificates.ends() != {"farm": END.timestamp()}
        with structlog.testing.capture_logs() as logs:
            authority.issue(not_after=END)
            await trio.sleep(60)
        assert certificates.ends() == {"farm": END.timestamp()}
        assert [line["event"] for line in logs] == ["certificate loaded"]
        nursery.cancel_scope.cancel()


def test_what_cannot_be_loaded_is_said(authority: Authority) -> None:
    tls = authority.issue()
    certificates = Certificates([listen(tls)])
    Path(tls.key).write_text("")
    with structlog.testing.capture_logs() as logs:
        certificates.reload()
    (line,) = logs
    assert line["event"] == "certificate not loaded, the old one stays"
    assert "listen.farm.tls.key" in line["why"]


@pytest.mark.parametrize(
    ("days", "event"),
    [(13, "certificate expires soon"), (-1, "certificate has expired"), (15, None)],
)
async def test_an_end_that_is_near_is_said_once_a_day(
    autojump_clock: MockClock, authority: Authority, days: int, event: str | None
) -> None:
    tls = authority.issue(not_after=END)
    now = (END - timedelta(days=days)).timestamp()
    certificates = Certificates([listen(tls)], lambda: now)
    with structlog.testing.capture_logs() as logs, trio.move_on_after(1.5 * DAY):
        await certificates.say_ends()
    assert [line["event"] for line in logs] == ([event] * 2 if event else [])


async def test_without_tls_there_is_nothing_to_say(autojump_clock: MockClock) -> None:
    certificates = Certificates([Listen()])
    with structlog.testing.capture_logs() as logs, trio.move_on_after(1.5 * DAY):
        await certificates.say_ends()
    with structlog.testing.capture_logs() as more, trio.move_on_after(60):
        await certificates.keep_fresh()
    assert logs == more == []


async def test_new_files_that_end_soon_are_said_at_once(authority: Authority) -> None:
    tls = authority.issue(not_after=END)
    certificates = Certificates([listen(tls)], lambda: END.timestamp() - 5 * DAY)
    with structlog.testing.capture_logs() as logs:
        certificates.reload()
    assert [line["event"] for line in logs] == ["certificate loaded", "certificate expires soon"]


def test_http_has_one_beside_those_of_the_listeners(authority: Authority) -> None:
    tls = authority.issue(not_after=END)
    certificates = Certificates([listen(tls)], http=tls)
    assert set(certificates.ends()) == {"farm", HTTP}
    assert certificates.of(HTTP) is not certificates.of("farm")
    with pytest.raises(ConfigError, match=r"http\.tls\.certificate: nowhere"):
        Certificates([], http=Tls(certificate="nowhere", key=tls.key))

"""The dashboard's files, and nothing else of the disk."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from proxy.ops.api.answer import RefusedError, on_refused
from proxy.ops.pages import FOLDER, INDEX, Pages
from tests.ops.api.rigs import Answer, ask_app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a page and what does not belong there."""
    made = tmp_path / "dashboard"
    (made / "app").mkdir(parents=True)
    (made / INDEX).write_text("<h1>page")
    (made / "app" / "main.js").write_text("1")
    (made / "style.css").write_text("a{}")
    (made / "notes.py").write_text("secret")
    (tmp_path / "secret.txt").write_text("secret")
    return made


async def ask(folder: Path, path: str, method: str = "GET", **headers: str) -> Answer:
    """Ask for a file."""
    pages = Pages(folder)
    app = Starlette(
        routes=[Route("/", pages.index), Route("/static/{path:path}", pages.part)],
        exception_handlers={RefusedError: on_refused},
    )
    return await ask_app(app, path, method, **headers)


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/", "text/html; charset=utf-8", b"<h1>page"),
        ("/static/app/main.js", "text/javascript; charset=utf-8", b"1"),
        ("/static/style.css", "text/css; charset=utf-8", b"a{}"),
    ],
)
async def test_files_have_their_type_and_are_asked_about_again(
    folder: Path, path: str, kind: str, body: bytes
) -> None:
    answer = await ask(folder, path)
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["content-type"] == kind
    assert answer.headers["cache-control"] == "no-cache"
    tag = answer.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await ask(folder, path, **{"if-none-match": known})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert (await ask(folder, path, **{"if-none-match": '"other"'})).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "notes.py",
        "../secret.txt",
        "%2e%2e/secret.txt",
        "app/../../secret.txt",
        "/etc/passwd",
        "",
        "app",
        "app/",
    ],
)
async def test_no_path_leads_out(folder: Path, path: str) -> None:
    answer = await ask(folder, f"/static/{path}")
    assert answer.status == 404
    assert b"secret" not in answer.body


async def test_without_a_page_it_is_said(tmp_path: Path) -> None:
    answer = await ask(tmp_path / "nowhere", "/")
    assert answer.status == 200
    assert b"not part of this installation" in answer.body


async def test_the_page_that_is_shipped_is_there() -> None:
    answer = await ask(FOLDER, "/")
    assert b"<title>Sluice" in answer.body

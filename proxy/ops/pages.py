"""The dashboard's files: one page and its parts, read once and served from memory.

Strategy: there are a few and they are small, so nothing touches the disk while miners are served; a browser
asks again each time and is mostly told that nothing has changed.
The trap: only files that were there at the start are served, by their whole name, so no path leads out.
"""

import hashlib
from pathlib import Path

import attrs
from starlette.requests import Request
from starlette.responses import Response

from proxy.ops.api.answer import RefusedError

FOLDER = Path(__file__).parent / "dashboard"
INDEX = "index.html"
MOST_BYTES = 4_194_304  # of all of them
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
CACHED = "no-cache"  # kept, but asked about: a page and parts of two versions do not go together
ABSENT = (
    b"<!doctype html><html lang=en><title>Sluice</title><p>The dashboard is not part of this installation."
)


@attrs.frozen
class _File:
    body: bytes
    kind: str
    tag: str

    @classmethod
    def of(cls, body: bytes, kind: str) -> "_File":
        return cls(body, kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


class Pages:
    """The files of a folder.

    Args:
        folder: read here, with all below it.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files: dict[str, _File] = {}
        left = MOST_BYTES
        for path in sorted(folder.rglob("*")):
            kind = TYPES.get(path.suffix)
            if kind is not None and path.is_file() and left >= path.stat().st_size:
                body = path.read_bytes()
                left -= len(body)
                self._files[path.relative_to(folder).as_posix()] = _File.of(body, kind)
        self._index = self._files.get(INDEX) or _File.of(ABSENT, TYPES[".html"])

    async def index(self, request: Request) -> Response:
        """GET /."""
        return _answer(request, self._index)

    async def part(self, request: Request) -> Response:
        """GET /static/…."""
        file = self._files.get(request.path_params["path"])
        if file is None:
            raise RefusedError(404, "no such file")
        return _answer(request, file)


def _answer(request: Request, file: _File) -> Response:
    headers = {"ETag": file.tag, "Cache-Control": CACHED}
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if file.tag in known or known == ["*"]:
        return Response(status_code=304, headers=headers)
    return Response(file.body, headers=headers, media_type=None if not file.kind else file.kind)

"""What pages load: files whose names carry a hash of their content, compressed when they were built."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from node.http.negotiation import IDENTITY, encoding

BUILT = Path(__file__).parent / "static"
PREFIX = "/static/"
FOREVER = "public, max-age=31536000, immutable"
MISSING = "the pages' assets are not built: run `make assets`"
_SUFFIX = {"br": ".br", "gzip": ".gz"}  # the smaller one first
_TYPES = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    media_type: str
    encodings: tuple[str, ...]


class StaticFiles:
    """The files of one build. `built` is false if there is none."""

    def __init__(self, folder: Path = BUILT) -> None:
        manifest = folder / "manifest.json"
        self.built = manifest.is_file()
        self._names: dict[str, str] = orjson.loads(manifest.read_bytes()) if self.built else {}
        found = {path.name: path for path in folder.iterdir()} if self.built else {}
        self._files = {
            name: _File(path, _media_type(path), tuple(e for e, s in _SUFFIX.items() if name + s in found))
            for name, path in found.items()
            if path.suffix not in {".br", ".gz", ".json"}
        }

    def url(self, name: str) -> str:
        """Where the file of this name is now; raises KeyError if the build has none."""
        return PREFIX + self._names[name]

    def route(self) -> HTTPRouteHandler:
        """GET /static/{name}."""

        @get(PREFIX + "{name:str}", sync_to_thread=True, include_in_schema=False)
        def static(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
            file = self._files.get(name)
            if file is None:
                raise NotFoundException("there is no such file")
            chosen = encoding(request.headers.get("accept-encoding"), file.encodings)
            headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
            if chosen != IDENTITY:
                headers["Content-Encoding"] = chosen
            path = file.path if chosen == IDENTITY else file.path.with_name(name + _SUFFIX[chosen])
            return Response(path.read_bytes(), media_type=file.media_type, headers=headers)

        return static


def _media_type(path: Path) -> str:
    return _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"

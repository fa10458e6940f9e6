"""Files of workspaces, for the browser: only as what cannot run, and never from outside the workspace."""

import mimetypes
from pathlib import PurePosixPath
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.responses import Response

from baara_engine import errors
from baara_engine.engine import Engine

SHOWN = {"image/png", "image/jpeg", "image/gif", "image/webp"}  #: what a browser may show; all else is saved
MOST = 64 * 1024 * 1024  # bytes of one file that is served
SANDBOX = "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"


def add(app: FastAPI, engine: Engine) -> None:
    """Add the route."""

    @app.get("/files/{execution_id}/{path:path}")
    def file(execution_id: str, path: str) -> Response:
        try:
            data = engine.file(execution_id, path, MOST)
        except errors.NotFound as error:
            return Response(error.message, 404, media_type="text/plain")
        except errors.BaaraError as error:
            return Response(error.message, 400, media_type="text/plain")
        name = PurePosixPath(path).name
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        headers = {"content-security-policy": SANDBOX, "x-content-type-options": "nosniff"}
        if kind not in SHOWN:
            kind = "application/octet-stream"
            headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        return Response(data, media_type=kind, headers=headers)

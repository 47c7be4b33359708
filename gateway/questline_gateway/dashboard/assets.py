"""Static files: read once, and served under the hash of them all, so that browsers may keep them for good."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

#: How long a browser may keep a file whose address changes with what it holds: a year.
FOREVER = "public, max-age=31536000, immutable"


class Assets:
    """The files of one folder, by their names relative to it.

    Parameters:
      folder: where they lie; they are read now, and never again.
    """

    def __init__(self, folder: Path) -> None:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        self._files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        digest = hashlib.sha256()
        for name, content in self._files.items():
            digest.update(f"{name}\0{len(content)}\0".encode())
            digest.update(content)
        #: A name for what all of them hold together.
        self.version = digest.hexdigest()[:16]

    def path(self, name: str) -> str:
        """Return the path of a file below the dashboard's own, without a slash before it.

        Raises:
          KeyError: there is no such file.
        """
        if name not in self._files:
            raise KeyError(name)
        return f"static/{self.version}/{name}"

    def integrity(self, name: str) -> str:
        """Return the hash by which a browser can check a file, as the `integrity` of a script has it."""
        return "sha384-" + base64.b64encode(hashlib.sha384(self._files[name]).digest()).decode()

    async def serve(self, request: Request) -> Response:
        """Answer a request for a file; one of another version is answered, too, but is not to be kept."""
        name: str = request.path_params["name"]
        content = self._files.get(name)
        if content is None:
            return PlainTextResponse("there is no such file", status_code=404)
        current = request.path_params["version"] == self.version
        kind = mimetypes.guess_type(name)[0] or "text/plain"
        headers = {"Cache-Control": FOREVER if current else "no-cache", "X-Content-Type-Options": "nosniff"}
        return Response(content, media_type=kind, headers=headers)

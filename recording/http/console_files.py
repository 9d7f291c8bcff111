"""The console's static files: only those in its folder, by exact name, with headers that forbid foreign content.

They hold no data, so they need no sign-in; the data comes from `console/api`, which does.
"""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import azure.functions as func

from recording.errors import RequestError
from recording.errors.codes import Code
from recording.http.routes import respond

FOLDER = Path(__file__).resolve().parents[1] / "console"
INDEX = "index.html"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self'",
        "connect-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HARDENED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_WORTH_COMPRESSING = 1024  # bytes
_COMMENT = re.compile(rb"^[ \t]*(?:/\*\*.*?\*/|//[^\n]*)[ \t]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class StaticFile:
    """One file of the page as it is sent."""

    media_type: str
    content: bytes
    compressed: bytes | None
    etag: str


def serve(request: func.HttpRequest) -> func.HttpResponse:
    """GET console/…: a file of the page, or 304 when the browser has it; `console` alone leads to the page.

    The path is never turned into a file name: it is looked up among the existing files.
    """
    return respond(lambda: _look_up(request))


def _look_up(request: func.HttpRequest) -> func.HttpResponse:
    path = request.route_params.get("path") or ""
    if not path and not urlsplit(request.url).path.endswith("/"):
        return func.HttpResponse(status_code=308, headers={"Location": f"console/{INDEX}", **HARDENED})
    found = files().get(path or INDEX)
    if found is None:
        raise RequestError("the console has no such file", code=Code.UNKNOWN_ROUTE)
    return _serve(found, request)


@cache
def files() -> dict[str, StaticFile]:
    """Return the page's files by their request paths; read once per process."""
    found = sorted(path for path in FOLDER.rglob("*") if path.suffix in MEDIA_TYPES and path.is_file())
    return {path.relative_to(FOLDER).as_posix(): _read(path) for path in found}


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    if path.suffix == ".js":
        content = without_comments(content)
    compressed = gzip.compress(content, 9, mtime=0) if len(content) >= _WORTH_COMPRESSING else None
    return StaticFile(MEDIA_TYPES[path.suffix], content, compressed, hashlib.sha256(content).hexdigest()[:32])


def without_comments(script: bytes) -> bytes:
    """Return a module without whole-line comments; empty lines stay, so that line numbers of errors are right."""
    return _COMMENT.sub(lambda comment: b"\n" * comment[0].count(b"\n"), script)


def _serve(file: StaticFile, request: func.HttpRequest) -> func.HttpResponse:
    takes_gzip = "gzip" in request.headers.get("Accept-Encoding", "") and file.compressed is not None
    etag = f'"{file.etag}{"-gzip" if takes_gzip else ""}"'
    headers = {
        **HARDENED,
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cache-Control": "no-cache",
        "ETag": etag,
        "Vary": "Accept-Encoding",
    }
    if etag in request.headers.get("If-None-Match", ""):
        return func.HttpResponse(status_code=304, headers=headers)
    if takes_gzip:
        headers["Content-Encoding"] = "gzip"
    body = file.compressed if takes_gzip and file.compressed is not None else file.content
    headers["Content-Type"] = file.media_type
    return func.HttpResponse(body, status_code=200, headers=headers, mimetype=file.media_type.partition(";")[0])

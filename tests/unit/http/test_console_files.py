"""The console's static files: found by exact name only, with the headers that keep everything else out."""

import gzip

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.http import console_files
from recording.http.console_files import files, serve


def get(path: str, url: str | None = None, **headers: str) -> func.HttpResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    url = url or f"https://app.azurewebsites.net/api/console/{path}"
    return serve(func.HttpRequest("GET", url, headers=named, route_params={"path": path} if path else {}, body=b""))


def test_the_page_is_served_and_its_address_without_a_slash_leads_to_it() -> None:
    """Relative addresses in the page only work below `console/`."""
    assert get("").get_body() == get("index.html").get_body() == files()["index.html"].content
    moved = get("", "https://app.azurewebsites.net/api/console")
    assert (moved.status_code, moved.headers["Location"]) == (308, "console/index.html")


def test_every_file_has_the_strict_headers() -> None:
    """One file without them is the one that is attacked."""
    for name in files():
        headers = get(name).headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "require-trusted-types-for 'script'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "http" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_a_file_that_the_browser_has_is_not_sent_again() -> None:
    """The page loads from the second time on with a few empty answers."""
    first = get("index.html")
    again = get("index.html", If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.get_body()) == (304, b"")


def test_large_files_travel_compressed_where_the_browser_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host does not compress."""
    content = b"x" * 5000
    file = console_files.StaticFile("text/css; charset=utf-8", content, gzip.compress(content, mtime=0), "abc")
    monkeypatch.setattr(console_files, "files", lambda: {"app.css": file})
    sent, plain = get("app.css", Accept_Encoding="br, gzip"), get("app.css")
    assert gzip.decompress(sent.get_body()) == plain.get_body() == content
    assert sent.headers["Content-Encoding"] == "gzip"
    assert sent.headers["ETag"] != plain.headers["ETag"]
    assert "Content-Encoding" not in plain.headers


@pytest.mark.parametrize(
    "path",
    [
        "../function_app.py",
        "..",
        "/etc/passwd",
        "index.html/",
        "INDEX.HTML",
        "%2e%2e/ports/__init__.py",
        "..\\ports\\__init__.py",
        "api/me",
        "__init__.py",
        "index.html\0",
    ],
)
def test_nothing_outside_the_folder_is_served(path: str) -> None:
    """No path is ever opened: it is compared with the names that there are."""
    assert get(path).status_code == 404


@given(st.text())
def test_only_known_names_are_files(path: str) -> None:
    """Whatever is asked for."""
    answer = get(path, "https://app.azurewebsites.net/api/console/")
    assert (answer.status_code == 200) == (path in files() or not path)

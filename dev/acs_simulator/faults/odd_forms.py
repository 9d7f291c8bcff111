"""The forms that a location, a chunk and an id of an event can take, by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

FOREIGN_HOST = "files.example.org"
LOCATION_FORMS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "trailing_slash": lambda url: url + "/",
        "double_slash": lambda url: url.replace("/v1/objects/", "/v1//objects/"),
        "port_443": lambda url: _with_host(url, lambda host: f"{host}:443"),
        "other_port": lambda url: _with_host(url, lambda host: f"{host}:8443"),
        "capitals": lambda url: _with_host(url, str.upper),
        "trailing_dot": lambda url: _with_host(url, lambda host: f"{host}."),
        "user_info": lambda url: _with_host(url, lambda host: f"anonymous@{host}"),
        "foreign_host": lambda url: _with_host(url, lambda _: FOREIGN_HOST),
        "http": lambda url: url.replace("https://", "http://", 1),
        "query": lambda url: f"{url}?when=2026-01-01T00:00:00Z&part=1%2F2",
        "fragment": lambda url: f"{url}#video",
        "blanks": lambda url: f" {url} ",
        "empty": lambda _: "",
    }
)
"""What can be done to a location. The first ones mean the same object; a guard refuses the others."""
CHUNK_FORMS: Mapping[str, Callable[[dict[str, Any]], object]] = MappingProxyType(
    {
        "foreign_host": lambda chunk: {
            **chunk,
            "contentLocation": f"https://{FOREIGN_HOST}/v1/objects/x/content/video",
        },
        "no_content_location": lambda chunk: _without(chunk, "contentLocation"),
        "no_index": lambda chunk: _without(chunk, "index"),
        "negative_index": lambda chunk: {**chunk, "index": -1},
        "huge_index": lambda chunk: {**chunk, "index": 1_000_000},
        "text_index": lambda chunk: {**chunk, "index": "first"},
        "no_document_id": lambda chunk: _without(chunk, "documentId"),
        "odd_document_id": lambda chunk: {**chunk, "documentId": "../../other"},
        "null": lambda _: None,
        "text": lambda _: "chunk",
    }
)
"""What can be odd about one chunk among good ones."""
ID_FORMS = ("same", "padded", "guid", "other")


def _with_host(url: str, change: Callable[[str], str]) -> str:
    host = urlsplit(url).netloc
    return url.replace(host, change(host), 1)


def _without(chunk: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in chunk.items() if name != field}

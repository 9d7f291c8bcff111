"""The HTTP triggers as a WSGI application over fakes: routed as the host routes them, answered by the real code."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

import azure.functions as func

from tests.repo.docs.triggers import fresh_app

PREFIX = "/api/"
Start = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[Mapping[str, Any], Start], Iterable[bytes]]
Route = tuple[str, list[str], Callable[[func.HttpRequest], func.HttpResponse]]


def application(environ: Mapping[str, Any], start: Start) -> Iterable[bytes]:
    """Answers one request; what no route is about gets the host's empty 404."""
    path, query = str(environ["REQUEST_URI"]).partition("?")[0], str(environ["QUERY_STRING"])
    for template, methods, function in _routes():
        values = _matched(template, path.removeprefix(PREFIX))
        if values is not None and environ["REQUEST_METHOD"] in methods:
            return _answered(function(_request(environ, path, query, values)), start)
    return _answered(func.HttpResponse(status_code=404), start)


@cache
def _routes() -> list[Route]:
    bindings = [(function, function.get_trigger()) for function in fresh_app().get_functions()]
    return [
        (trigger.route, [method.value for method in trigger.methods], function.get_user_function())
        for function, trigger in bindings
        if trigger.type == "httpTrigger"
    ]


def _matched(template: str, path: str) -> dict[str, str] | None:
    """The route's values. A segment is split off before it is decoded: `%2F` inside an id is no slash."""
    wanted, given = template.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    values = {}
    for name, part in zip(wanted, given, strict=True):
        if name.startswith("{"):
            values[name.strip("{}")] = unquote(part)
        elif name != part:
            return None
    return values


def _request(environ: Mapping[str, Any], path: str, query: str, values: dict[str, str]) -> func.HttpRequest:
    headers = {
        name.removeprefix("HTTP_").replace("_", "-"): text for name, text in environ.items() if name.startswith("HTTP_")
    }
    return func.HttpRequest(
        method=environ["REQUEST_METHOD"],
        url=f"http://127.0.0.1:7071{path}",
        headers=headers,
        params=dict(parse_qsl(query, keep_blank_values=True)),
        route_params=values,
        body=environ["wsgi.input"].read(),
    )


def _answered(response: func.HttpResponse, start: Start) -> Iterable[bytes]:
    content_type = f"{response.mimetype}; charset={response.charset}"
    start(
        f"{response.status_code} {HTTPStatus(response.status_code).phrase}",
        [*response.headers.items(), ("Content-Type", content_type)],
    )
    return [response.get_body()]

"""HTTP triggers: what Python receives of a request, and what becomes of the value it returns."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum

from dev.functions_host.engines.engine import FunctionFailedError
from dev.functions_host.functions import FunctionSpec
from dev.functions_host.invoker import Invoker


async def answer_http(
    invoker: Invoker, function: FunctionSpec, request: web.Request, route_values: Mapping[str, str]
) -> web.Response:
    """Run the function for this request. A failed invocation is a 500 with an empty body, as in production."""
    try:
        returned = await invoker.invoke(function, await request_datum(request, route_values))
        return response_of(returned)
    except FunctionFailedError:
        return web.Response(status=500)


async def request_datum(request: web.Request, route_values: Mapping[str, str]) -> Datum:
    """Return the request as the worker gets it.

    Lower-case header names, no empty query values, no body without a length.
    """
    has_body = int(request.headers.get("Content-Length", "0")) > 0  # a chunked body arrives empty in the real host
    headers = _joined((name.lower(), value) for name, value in request.headers.items())
    return Datum(
        {
            "method": Datum(request.method, "string"),
            "url": Datum(str(request.url), "string"),
            "headers": _texts(headers),
            "query": _texts({name: value for name, value in _joined(request.query.items()).items() if value}),
            "params": _texts(route_values),
            "body": Datum(await request.read() if has_body else b"", "bytes"),
        },
        "http",
    )


def response_of(returned: Datum | None) -> web.Response:
    """Return the response for a returned value; nothing returned is an empty 200.

    Raises:
        FunctionFailedError: the response sets cookies, which this host does not carry.
    """
    if returned is None:
        return web.Response(status=200)
    if returned.type == "http":
        return _from_http(returned.value)
    text = returned.value.decode() if isinstance(returned.value, bytes) else str(returned.value)
    return _from_response_object(text) or web.Response(text=text)


def _from_http(value: Mapping[str, Any]) -> web.Response:
    if value.get("cookies"):
        raise FunctionFailedError("the built-in host does not carry cookies")
    headers = {name: item.value for name, item in value["headers"].items()}
    return web.Response(status=int(value["status_code"].value), headers=headers, body=value["body"].value)


def _from_response_object(text: str) -> web.Response | None:
    """Take a returned text that is a JSON object with a `body` for a response.

    The real host's surprising rule.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        return None
    if not isinstance(content, dict) or "body" not in content:
        return None
    body = content["body"] if isinstance(content["body"], str) else json.dumps(content["body"])
    status = int(content.get("status") or content.get("statusCode") or 200)
    return web.Response(status=status, text=body, headers=content.get("headers"))


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _texts(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}

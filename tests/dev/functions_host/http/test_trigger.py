"""HTTP functions see what they would see in production, and callers get the answers they would get."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from tests.dev.functions_host.sample_world import RunningSample

pytestmark = pytest.mark.azurite


def test_an_anonymous_async_function_answers_with_its_route_values(sample: RunningSample) -> None:
    """The shortest way through: route, engine, response."""
    answer = sample.request("GET", "/api/hello/Ada/2")
    assert (answer.status, answer.data, answer.headers["x-greeting"]) == (200, b"hello Ada hello Ada ", "yes")
    assert sample.request("GET", "/API/Hello/Ada").data == b"hello Ada "


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/hello/4da"), ("POST", "/api/hello/Ada"), ("GET", "/hello/Ada"), ("GET", "/api/nosuch")],
)
def test_a_wrong_path_constraint_or_method_is_404(sample: RunningSample, method: str, path: str) -> None:
    """The real host never answers 405."""
    assert sample.request(method, path).status == 404


def test_an_exception_is_500_with_an_empty_body(sample: RunningSample) -> None:
    """Nothing of the stack may reach a caller."""
    answer = sample.request("GET", "/api/fail")
    assert (answer.status, answer.data) == (500, b"")


def test_the_function_sees_the_request_as_production_shows_it(sample: RunningSample) -> None:
    """Lower-case header names, joined values, no empty query values."""
    answer = sample.request(
        "POST",
        "/api/echo?b=2&empty=&b=3",
        body=b"payload",
        headers={"X-Functions-Key": sample.host.keys.master, "X-Trace": "T"},
    )
    seen = json.loads(answer.data)
    assert (seen["method"], seen["query"], seen["body"]) == ("POST", {"b": "2,3"}, "payload")
    assert seen["headers"]["x-trace"] == "T"
    assert (seen["function"], seen["setting"]) == ("echo", "from the settings")
    assert answer.headers["content-type"] == "application/json"


def test_a_chunked_body_arrives_empty(sample: RunningSample) -> None:
    """The real host hands a body over only when its length is announced."""
    connection = http.client.HTTPConnection(str(urlsplit(sample.host.url).netloc))
    connection.request(
        "POST",
        f"/api/echo?code={sample.host.keys.master}",
        body=iter([b"payload"]),
        headers={"Transfer-Encoding": "chunked"},
        encode_chunked=True,
    )
    seen = json.loads(connection.getresponse().read())
    connection.close()
    assert seen["body"] == ""


@pytest.mark.parametrize("key", ["master", "host", "function"])
def test_a_function_key_may_come_in_the_header_or_the_query(sample: RunningSample, key: str) -> None:
    """Both forms are in use; all three kinds of key open the FUNCTION level."""
    keys = sample.host.keys
    value = {"master": keys.master, "host": keys.host["default"], "function": keys.functions["echo"]["default"]}[key]
    assert sample.request("POST", f"/api/echo?code={value}").status == 200
    assert sample.request("POST", "/api/echo", headers={"x-functions-key": value}).status == 200


@pytest.mark.parametrize("query", ["", "?code=wrong"])
def test_without_the_right_key_the_answer_is_401(sample: RunningSample, query: str) -> None:
    """A missing key check would show up here and not in production."""
    assert sample.request("POST", f"/api/echo{query}").status == 401
    master = sample.host.keys.master
    assert sample.request("POST", f"/api/echo?code={master}", headers={"x-functions-key": "wrong"}).status == 401


def test_a_returned_text_with_a_body_member_is_taken_for_a_response(sample: RunningSample) -> None:
    """The reason why functions should return HttpResponse."""
    plain = sample.request("GET", "/api/text", fields={"say": "hi"})
    assert (plain.status, plain.data) == (200, b"hi")
    taken = sample.request("GET", "/api/text", fields={"say": '{"status": 418, "body": {"tea": 1}}'})
    assert (taken.status, taken.data) == (418, b'{"tea": 1}')
    assert sample.request("GET", "/api/text", fields={"say": '{"tea": 1}'}).data == b'{"tea": 1}'


def test_the_front_page_says_that_the_host_is_up(sample: RunningSample) -> None:
    """People open the address first."""
    assert b"up" in sample.request("GET", "/").data

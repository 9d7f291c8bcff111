"""Routes match as ASP.NET Core matches them: a path that slips through here would be a 404 in production."""

import pytest

from dev.functions_host.functions import AppError
from dev.functions_host.http.routes import RouteTable, parse_template, route


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("recordings", "/recordings", {}),
        ("recordings", "/RECORDINGS/", {}),
        ("recordings/{id}", "/recordings/a%20b", {"id": "a b"}),
        ("recordings/{id}", "/recordings/a%2Fb", {"id": "a/b"}),
        ("recordings/{id?}", "/recordings", {}),
        ("recordings/{id=none}", "/recordings", {"id": "none"}),
        ("recordings/{id:int=7}/x", "/recordings/8/x", {"id": "8"}),
        ("files/{*path}", "/files/a/b/c.wav", {"path": "a/b/c.wav"}),
        ("files/{**path}", "/files", {}),
        ("v{major:int}.{minor:int}", "/v1.20", {"major": "1", "minor": "20"}),
        ("{name}.{extension}", "/call.wav", {"name": "call", "extension": "wav"}),
        (r"d/{day:regex(^\d{{4}}-\d{{2}}$)}", "/d/2026-11", {"day": "2026-11"}),
        ("p/{path:regex(^a/?b$)}", "/p/ab", {"path": "ab"}),
        ("", "/", {}),
    ],
)
def test_a_path_that_fits_gives_its_route_values(template: str, path: str, values: dict[str, str]) -> None:
    """Functions read these values; a wrong one starts work on the wrong recording."""
    assert parse_template(template).match(path) == values


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("recordings", "/recording"),
        ("recordings/{id}", "/recordings"),
        ("recordings/{id}", "/recordings/1/2"),
        ("recordings/{id}/stop", "/recordings//stop"),
        ("v{major:int}", "/vx"),
        (r"d/{day:regex(^\d+$)}", "/d/x1"),
    ],
)
def test_a_path_that_does_not_fit_is_a_miss(template: str, path: str) -> None:
    """A miss becomes a 404 and never reaches the app."""
    assert parse_template(template).match(path) is None


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        ("int", "-12", "2147483648"),
        ("long", "2147483648", "1.0"),
        ("bool", "TRUE", "yes"),
        ("datetime", "2026-11-24T10:00:00", "tomorrow"),
        ("datetime", "11-24-2026", "24-11-2026"),
        ("decimal", "1.5", "1e5"),
        ("double", "1e5", "one"),
        ("float", "-.5", "-"),
        ("guid", "{12345678-1234-1234-1234-123456789abc}", "12345678-1234-1234-1234-123456789abz"),
        ("alpha", "abc", "abc1"),
        ("length(3)", "abc", "ab"),
        ("length(2,3)", "ab", "abcd"),
        ("minlength(2)", "ab", "a"),
        ("maxlength(2)", "ab", "abc"),
        ("min(5)", "5", "4"),
        ("max(5)", "5", "6"),
        ("range(1,9)", "9", "10"),
        ("regex(^a+$)", "AA", "ab"),
        ("file", "a.wav", "a"),
        ("nonfile", "a", "a.wav"),
        ("required", "a", ""),
    ],
)
def test_each_constraint_lets_its_own_kind_through_and_nothing_else(constraint: str, good: str, bad: str) -> None:
    """The constraint is the first guard of an id in a URL."""
    template = parse_template(f"x/{{value:{constraint}}}")
    assert template.match(f"/x/{good}") == {"value": good}
    assert template.match(f"/x/{bad}") is None


@pytest.mark.parametrize("template", ["{id", "id}", "{id:nosuch}", "{id:length(x)}", "{id:regex(()}"])
def test_a_template_that_cannot_be_read_is_an_error_at_start(template: str) -> None:
    """The real host refuses to start the function; a silent 404 would be hard to find."""
    with pytest.raises(AppError, match="route template"):
        parse_template(template)


def test_the_more_specific_template_wins_whatever_the_order() -> None:
    """`recordings/expected` must not be taken for a recording called "expected"."""
    templates = ["r/{*rest}", "r/{id}", "r/{id:int}", "r/expected"]
    table = RouteTable([route(template, template) for template in templates])
    paths = ["/r/expected", "/r/12", "/r/other", "/r/other/deeper"]
    assert [found[0] for path in paths if (found := table.match("GET", path))] == templates[::-1]


def test_a_method_that_no_route_has_is_a_miss() -> None:
    """The real host answers 404 here, not 405."""
    table = RouteTable([route("r", "get", ["GET"]), route("r", "post", ["post"])])
    assert table.match("post", "/r") == ("post", {})
    assert table.match("DELETE", "/r") is None

"""No parser disagrees with the guard about the host of a location that it accepts."""

from urllib.parse import unquote, urlsplit

import pytest
import requests
import urllib3
import yarl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recording.domain.incoming.locations import (
    DEFAULT_CONTENT_HOSTS,
    checked_location,
)
from recording.errors import UnsafeLocationError
from tests.unit.domain.incoming.test_locations import GOOD

pytestmark = pytest.mark.slow


def _hosts_seen(url: str) -> dict[str, str | None]:
    return {
        "urllib": urlsplit(url).hostname,
        "urllib3": urllib3.util.parse_url(url).host,
        "yarl": yarl.URL(url).host,
        "yarl encoded": yarl.URL(url, encoded=True).host,
        "requests": urlsplit(str(requests.Request("GET", url).prepare().url)).hostname,
    }


def _is_seen_alike_if_accepted(url: str) -> bool:
    try:
        accepted = checked_location(url, DEFAULT_CONTENT_HOSTS)
    except UnsafeLocationError:
        return False
    assert {str(host).lower() for host in _hosts_seen(url).values()} == {accepted.host}, url
    assert urlsplit(url).port in (None, 443)
    asked = accepted.url
    assert set(_hosts_seen(asked).values()) == {accepted.host}, url
    assert urlsplit(asked).port is None
    assert unquote(str(requests.Request("GET", asked).prepare().url)) == unquote(asked)  # it spells %30 out
    assert str(yarl.URL(asked, encoded=True)) == asked
    assert urllib3.util.parse_url(asked).url == asked
    return True


WORDS = ("https://", "http://", "asm.skype.com", ".asm.skype.com", "weu-storage", "evil.example", "/v1", "/objects/")
SIGNS = "x/\\@:?#%.;&=-_~[]<>\"'{}|^` \t\r\n\x00\x7f\xa0\u2028\u3002\uff0f\u212a0aA\u0430\ufb01\ud800"
CODES = ("%2f", "%5c", "%00", "%40", "%41", "..", "//", "443", ":443", "SKYPE", "?a=", "xn--", "127.0.0.1", "::1")
PIECES = st.sampled_from([*WORDS, *SIGNS, *CODES])


@settings(max_examples=1500)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_whatever_is_put_together_is_refused_or_means_one_host(url: str) -> None:
    """The SDK's own list was bypassed with a backslash that two parsers read differently."""
    _is_seen_alike_if_accepted(url)


@settings(max_examples=1500)
@given(url=st.sampled_from(GOOD), place=st.integers(0, 60), cut=st.integers(0, 2), piece=PIECES)
@example(url=GOOD[0], place=8, cut=0, piece="evil.example\\@")
def test_a_good_location_with_one_change_is_refused_or_means_one_host(
    url: str, place: int, cut: int, piece: str
) -> None:
    """Mutations stay close to what is accepted, where a hole would be."""
    _is_seen_alike_if_accepted(url[:place] + piece + url[place + cut :])


LABELS = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
PORTS = st.sampled_from(["", ":443"])
PATHS = st.lists(st.from_regex(r"[A-Za-z0-9._~-]{1,8}", fullmatch=True), min_size=1, max_size=4).map("/".join)
PATHS = st.builds(str.__add__, PATHS, st.sampled_from(["", "/"]))
QUERIES = st.one_of(
    st.just(""), st.from_regex(r"\?(?:[A-Za-z0-9._~=&:+,;!$'()*-]|/[A-Za-z0-9]|%[2-6][0-9A-Fa-f]){1,8}", fullmatch=True)
)


@settings(max_examples=1000)
@given(labels=st.lists(LABELS, min_size=1, max_size=3), path=PATHS, query=QUERIES, port=PORTS, is_capital=st.booleans())
def test_what_is_accepted_means_one_host_to_every_parser(
    labels: list[str], path: str, query: str, port: str, is_capital: bool
) -> None:
    """The other side: nearly everything generated here is accepted, and then no parser may see another host."""
    host = f"{'.'.join(labels)}.asm.skype.com"
    url = f"https://{host.upper() if is_capital else host}{port}/{path}{query}"
    has_dots = any(segment in (".", "..") for segment in path.split("/"))
    has_punycode = any(label.startswith("xn--") for label in labels)
    assert _is_seen_alike_if_accepted(url) is not (has_dots or has_punycode)

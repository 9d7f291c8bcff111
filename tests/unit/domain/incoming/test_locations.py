"""The guard before every request: nothing hostile passes, and what passes means one host to every URL parser (I5)."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.in_memory.builders import CONTAINER, document_id, location
from recording.domain.incoming.locations import (
    DEFAULT_CONTENT_HOSTS,
    LONGEST_LOCATION,
    Location,
    checked_external_blob,
    checked_location,
    is_allowed_host,
    stays_with_the_object,
)
from recording.errors import UnsafeLocationError

DOCUMENT = document_id()
HOST = "weu-storage.asm.skype.com"
GOOD = [
    f"https://{HOST}/v1/objects/0-weu-d7-1/content/video?sig=abc/def+gh==&se=2026-11-30T10:00:00Z",
    f"https://{HOST}/v1/objects/0-weu-d7-1/content/video?p=(a);b!c*d$e'f/g",
    location(DOCUMENT),
    location(DOCUMENT, "/content/acsmetadata"),
    location(DOCUMENT, "/content/deletedata"),
    location(DOCUMENT, ""),
    location(DOCUMENT, host="us-storage.asm.skype.com"),
    location(DOCUMENT, host="a.b.c.asm.skype.com"),
    location(DOCUMENT, host="eu.asyncgw.teams.microsoft.com"),
    location(DOCUMENT, host="gcch.ams.gov.teams.microsoft.us"),
    f"https://{HOST}/v1/objects/{DOCUMENT}/content/video?part=1&x=~a.b_c-d",
    f"https://{HOST}/a.b/..c/d..",
    f"https://{HOST}/..." + "/x",
    f"https://{HOST}/" + "x" * (LONGEST_LOCATION - len(f"https://{HOST}/")),
]
HARMLESS = {  # spellings that every parser reads alike, and how each is requested
    f"https://{HOST}:443/v1/objects/x": f"https://{HOST}/v1/objects/x",
    f"https://{HOST.upper()}/v1/objects/X": f"https://{HOST}/v1/objects/X",
    f"HTTPS://{HOST}/v1/objects/x": f"https://{HOST}/v1/objects/x",
    f"HttpS://{HOST.title()}:443/v1/objects/x?a=b": f"https://{HOST}/v1/objects/x?a=b",
    f"https://{HOST}/v1/objects/x/": f"https://{HOST}/v1/objects/x/",
    f"https://{HOST}:443/v1/objects/x/content/video/?a=b": f"https://{HOST}/v1/objects/x/content/video/?a=b",
    f"https://{HOST}/v1/objects/x?se=2026-11-24T00:00:00+00:00": f"https://{HOST}/v1/objects/x?se=2026-11-24T00:00:00+00:00",
    f"https://{HOST}/v1/objects/x?sig=a%2bb%2Fc%3d,d": f"https://{HOST}/v1/objects/x?sig=a%2Bb%2Fc%3D,d",
}
HOSTILE = [
    "",
    "https://",
    f"https://{HOST}",
    f"https://{HOST}/",
    f"http://{HOST}/v1/objects/x",
    f"ftp://{HOST}/v1",
    f"file:///{HOST}/v1",
    f"//{HOST}/v1",
    f"javascript://{HOST}/v1",
    f"https:/{HOST}/v1",
    f"https:///{HOST}/v1",
    f"https:\\\\{HOST}\\v1",
    f" https://{HOST}/v1",
    f"https://{HOST}/v1 ",
    f"https://{HOST}/v1\n",
    f"https://{HOST}/v1\r\nHost: evil.example",
    f"https://{HOST}/v1\x00",
    f"https://{HOST}/v1\tx",
    f"https://{HOST}:0443/v1",
    f"https://{HOST}:443:443/v1",
    f"https://{HOST}:+443/v1",
    f"https://{HOST}:443@evil.example/v1",
    f"https://{HOST}:80/v1",
    f"https://{HOST}:443.evil.example/v1",
    f"https://{HOST}:4430/v1",
    f"https://{HOST}:8443/v1",
    f"https://{HOST}:/v1",
    f"https://user@{HOST}/v1",
    f"https://user:pass@{HOST}/v1",
    f"https://evil.example@{HOST}/v1",
    f"https://{HOST}@evil.example/v1",
    f"https://127.0.0.1:9\\@{HOST}/v1",
    f"https://evil.example\\.{HOST}/v1",
    f"https://evil.example/\\@{HOST}/v1",
    f"https://evil.example#@{HOST}/v1",
    f"https://evil.example?@{HOST}/v1",
    f"https://evil.example;@{HOST}/v1",
    f"https://evil.example%2f.{HOST}/v1",
    f"https://{HOST}%2eevil.example/v1",
    f"https://{HOST}/v1/%2e%2e/x",
    f"https://{HOST}/v1%5cx",
    f"https://{HOST}/v1%00",
    f"https://{HOST}/../x",
    f"https://{HOST}/v1/../x",
    f"https://{HOST}/v1/..",
    f"https://{HOST}/v1/.",
    f"https://{HOST}/./v1",
    f"https://{HOST}/v1/..?x=1",
    f"https://{HOST}//v1",
    f"https://{HOST}/v1//x",
    f"https://{HOST}/v1/x//",
    f"https://{HOST}/v1/../",
    f"https://{HOST}/v1?",
    f"https://{HOST}/v1?a=%",
    f"https://{HOST}/v1?a=%4",
    f"https://{HOST}/v1?a=%zz",
    f"https://{HOST}/v1?a=%0d%0aHost:evil",
    f"https://{HOST}/v1?a=%00",
    f"https://{HOST}/v1?a=%7f",
    f"https://{HOST}/v1?a=%c3%a9",
    f"https://{HOST}/v1?a=%ff",
    f"https://{HOST}/v1?a=b/../c",
    f"https://{HOST}/v1?a=@evil.example",
    f"https://{HOST}/v1?a=b%23#c",
    f"https://{HOST}/v1?a=/../b",
    f"https://{HOST}/v1?u=https://evil.example",
    f"https://{HOST}/v1#fragment",
    f"https://{HOST}/v1;x=y",
    f"https://{HOST}./v1",
    f"https://.{HOST}/v1",
    f"https://-a.{HOST}/v1",
    f"https://a-.{HOST}/v1",
    f"https://a..{HOST}/v1",
    f"https://a_b.{HOST}/v1",
    f"https://XN--80ak6aa92e.{HOST}/v1",
    f"https://Xn--80ak6aa92e.{HOST}/v1",
    f"https://xn--80ak6aa92e.{HOST}/v1",
    "https://weu-storage.аsm.skype.com/v1",
    "https://weu-storage.asm。skype.com/v1",
    f"https://ﬁ.{HOST}/v1",
    "https://weu-storage.asm.s\u212aype.com/v1",
    "http\u017f://weu-storage.asm.skype.com/v1",
    f"https://{HOST}/v1/é",
    f"https://{HOST}/v1/\ud800",
    "https://[::1]/v1",
    f"https://[::1].{HOST}/v1",
    "https://2130706433/v1",
    "https://localhost/v1",
    f"https://{'a' * 64}.{HOST}/v1",
    f"https://{HOST}/" + "x" * LONGEST_LOCATION,
]
FOREIGN = [
    "https://127.0.0.1/v1",
    "https://evil.example/v1",
    "https://asm.skype.com/v1",
    "https://evilasm.skype.com/v1",
    f"https://{HOST}.evil.example/v1",
    "https://asm.skype.com.evil.example/v1",
    "https://x.asm.skype.co/v1",
    "https://customer.blob.core.windows.net/calls/x",
    "https://169.254.169.254/metadata/identity",
]


@pytest.mark.parametrize("url", GOOD)
def test_locations_as_the_service_writes_them_pass_verbatim(url: str) -> None:
    """A signature covers the text as it is; a guard that rewrites would break it."""
    assert checked_location(url, DEFAULT_CONTENT_HOSTS).url == url


@pytest.mark.parametrize(("url", "asked"), HARMLESS.items())
def test_a_harmless_spelling_is_read_and_asked_for_in_the_ordinary_one(url: str, asked: str) -> None:
    """A default port or a capital letter is no reason to lose a recording; path and query stay as they were."""
    checked = checked_location(url, DEFAULT_CONTENT_HOSTS)
    assert (checked.url, checked.host) == (asked, HOST)
    assert checked.path + checked.query == asked.removeprefix(f"https://{HOST}")
    assert checked_location(asked, DEFAULT_CONTENT_HOSTS) == checked


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_location_is_refused(url: str) -> None:
    """Each of these is read differently by some parser, or leads elsewhere."""
    with pytest.raises(UnsafeLocationError) as raised:
        checked_location(url, DEFAULT_CONTENT_HOSTS)
    assert raised.value.code == "unsafe_location"


@pytest.mark.parametrize("url", FOREIGN)
def test_a_foreign_host_is_refused_by_name(url: str) -> None:
    """A new legitimate host must be told from an attack: the operator can add it to ACS_CONTENT_HOSTS."""
    with pytest.raises(UnsafeLocationError) as raised:
        checked_location(url, DEFAULT_CONTENT_HOSTS)
    assert raised.value.code == "foreign_host"


def test_a_refusal_does_not_repeat_the_location() -> None:
    """A location may hold a secret, and messages are logged."""
    for url in ("https://evil.example/canary", "http://canary"):
        with pytest.raises(UnsafeLocationError) as raised:
            checked_location(url, DEFAULT_CONTENT_HOSTS)
        assert "canary" not in str(raised.value)


def test_a_location_falls_into_its_parts() -> None:
    """The signature needs path and query, the delete guard the object's id."""
    parts = checked_location(f"https://{HOST}/v1/objects/{DOCUMENT}/content/video?a=b", DEFAULT_CONTENT_HOSTS)
    assert (parts.host, parts.path, parts.query) == (HOST, f"/v1/objects/{DOCUMENT}/content/video", "?a=b")
    assert parts.object_id == DOCUMENT


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/object/x", "/v1/objects", "/v1/objects/", "/v1/xobjects/y", "/v1/x", "/objects/x", "/v/objects/x"),
        *("/admin/objects/x", "/admin/v1/objects/x", "/v1/admin/objects/x", "/v1.0/objects/x", "/v123/objects/x"),
        *("/v1/objects/x/objects/y", "/v1/objects/x/content/objects/y", "/v1/objects/x/content/Objects"),
        *("/v1/objects/x/objects", "/v1/objects/x/objects/"),
    ],
)
def test_a_location_may_name_no_object(path: str) -> None:
    """Its id has one place, or nothing can be said about whose it is: then it is not deleted."""
    assert checked_location(f"https://{HOST}{path}", DEFAULT_CONTENT_HOSTS).object_id is None


def _at(path: str, host: str = HOST) -> Location:
    return checked_location(f"https://{host}{path}", DEFAULT_CONTENT_HOSTS)


SAME = [
    ("/v1/objects/x/content/video", "/v1/objects/x/content/video"),
    ("/v1/objects/x/content/video", "/v1/objects/x/content/audio?part=1"),
    ("/v1/objects/x/content/video", "/v2/objects/x/content/video/"),
    ("/v1/objects/x/content/acsmetadata", "/v1/objects/x/content/acsmetadata"),
    ("/v1/objects/x", "/v1/objects/x"),
    ("/v1/objects/x/content/deletedata", "/v1/objects/x"),
    ("/other/form", "/other/form?a=b"),
    ("/other/form?id=x", "/other/form?id=x"),
    ("/other/form?id=x", "/other/form?id=x&sig=a%2Bb"),
]
ANOTHER = [
    ("/v1/objects/x/content/video", "/v1/objects/y/content/video"),
    ("/v1/objects/x/content/video", "/v1/objects/X/content/video"),
    ("/v1/objects/x/content/video", "/v1/objects/x.y/content/video"),
    ("/v1/objects/x/content/video", "/v1/objects/x/objects/y/content/video"),
    ("/v1/objects/x/content/video", "/admin/objects/x/content/video"),
    ("/v1/objects/x/content/video", "/v1/objects/x/content/acsmetadata"),
    ("/v1/objects/x/content/acsmetadata", "/v1/objects/x/content/video"),
    ("/v1/objects/x/content/video", "/v1/objects/x"),
    ("/v1/objects/x/content/video", "/login"),
    ("/v1/objects/x", "/v1/objects/y"),
    ("/v1/objects/x", "/v1/objects/x/content/video"),
    ("/v1/objects/x", "/v1/objects"),
    ("/v1/objects/x", "/v1/objects/x/objects/y"),
    ("/other/form", "/other"),
    ("/other/form?id=x", "/other/form"),
    ("/other/form?id=x", "/other/form?id=y"),
    ("/other/form?id=x", "/other/form?id=xy"),
    ("/other/form?id=x", "/other/form?sig=a"),
    ("/other/form?id=x", "/other/form?id=x&id=y"),
    ("/other/form?id=x", "/other/form?id=x&a=b;ID=y"),
    ("/other/form?id=x", "/other/form?id=x&%69d=y"),
    ("/other/form?id=x", "/other/form?id=y&id=x"),
    ("/other/form", "/v1/objects/x"),
]


@pytest.mark.parametrize(("requested", "target"), SAME)
def test_a_redirect_may_change_the_host(requested: str, target: str) -> None:
    """ACS moves objects between its hosts."""
    assert stays_with_the_object(_at(requested), _at(target, "sa1-storage.asm.skype.com"))


@pytest.mark.parametrize(("requested", "target"), ANOTHER)
def test_a_redirect_may_not_change_the_object(requested: str, target: str) -> None:
    """Otherwise another recording is archived under this one's name, or deleted in its place."""
    assert not stays_with_the_object(_at(requested), _at(target))


IDS = st.from_regex(r"[A-Za-z0-9._~-]{1,6}", fullmatch=True).filter(lambda text: text not in (".", ".."))
TAILS = st.sampled_from(
    ["", "/", "/content/video", "/content/acsmetadata", "/content/video/", "/objects/a", "/content"]
)


@pytest.mark.slow
@settings(max_examples=500)
@given(
    one=IDS, other=IDS, tail=TAILS, other_tail=TAILS, prefix=st.sampled_from(["/v1", "/v2", "/admin", "/v1/objects/b"])
)
def test_no_redirect_leads_from_one_object_to_another(
    one: str, other: str, tail: str, other_tail: str, prefix: str
) -> None:
    """Whatever the ids and the rest look like."""
    requested, target = _at(f"/v1/objects/{one}{tail}"), _at(f"{prefix}/objects/{other}{other_tail}")
    if stays_with_the_object(requested, target) and requested.path != target.path:
        assert one == other


def test_an_allow_list_takes_suffixes_and_whole_names() -> None:
    """An operator may add one host without opening all that lies below it."""
    assert is_allowed_host("a.asm.skype.com", (".asm.skype.com",))
    assert is_allowed_host("media.contoso.com", ("media.contoso.com",))
    assert not is_allowed_host("a.media.contoso.com", ("media.contoso.com",))
    assert not is_allowed_host("asm.skype.com", (".asm.skype.com",))
    assert not is_allowed_host("anything.example", ())


# --- the customer's own containers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "20261123/call/x-1/0-audiomp3.doc.mp3", "a b/c~d", "...", "a..b/.c"])
def test_a_blob_inside_a_configured_container_is_accepted(name: str) -> None:
    """Bring your own storage: ACS wrote it there because we asked it to."""
    blob = checked_external_blob(f"{CONTAINER}/{name}", (CONTAINER,))
    assert (blob.container_url, blob.name) == (CONTAINER, name)


@pytest.mark.parametrize("container", [CONTAINER, f"{CONTAINER}/", CONTAINER.replace("customer", "Customer")])
@pytest.mark.parametrize(
    "url", [f"{CONTAINER.replace('customer', 'CUSTOMER')}/a", CONTAINER.replace(".net", ".net:443") + "/a"]
)
def test_a_container_is_one_container_however_its_host_is_spelt(container: str, url: str) -> None:
    """As for ACS's own hosts: what means the same to every parser is no reason to lose a recording."""
    blob = checked_external_blob(url, (container,))
    assert (blob.name, blob.url) == ("a", f"{container.rstrip('/')}/a")


@pytest.mark.parametrize(
    "url",
    [
        CONTAINER,
        f"{CONTAINER}/",
        f"{CONTAINER.replace('.net', '.net:8443')}/a",
        f"{CONTAINER.replace('.net', '.net.')}/a",
        f"{CONTAINER.replace('https://', 'https://user@')}/a",
        f"{CONTAINER.replace('customer', 'xn--customer')}/a",
        f"{CONTAINER.replace('https', 'http')}/a",
        f"{CONTAINER}x/a",
        f"{CONTAINER}/../other/a",
        f"{CONTAINER}/a/../../other/b",
        f"{CONTAINER}/a/..",
        f"{CONTAINER}/./a",
        f"{CONTAINER}//a",
        f"{CONTAINER}/a?sv=2024&sig=x",
        f"{CONTAINER}/a#b",
        f"{CONTAINER}/a%2fb",
        f"{CONTAINER}/a\\b",
        f"{CONTAINER}/a\n",
        f"{CONTAINER}/é",
        CONTAINER.upper() + "/a",
        "https://evil.example/calls/a",
        f"https://evil.example/{CONTAINER}/a",
        location(DOCUMENT),
    ],
)
def test_what_lies_outside_the_configured_containers_is_refused(url: str) -> None:
    """Our identity reads there; an event must not choose what it reads."""
    with pytest.raises(UnsafeLocationError):
        checked_external_blob(url, (CONTAINER,))


def test_the_longest_location_is_a_whole_url() -> None:
    """The table above is about what it says it is about."""
    assert max(len(url) for url in GOOD) == LONGEST_LOCATION
    assert all(re.match("https://", url) for url in GOOD)

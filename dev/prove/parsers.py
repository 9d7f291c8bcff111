"""The guard of locations against four URL parsers: what it accepts means one thing to all of them, and as it stands.

A seed gives the cases: changes to good locations, nasty characters put together, and locations of the good form.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import urllib3
import yarl

from dev.in_memory.builders import document_id, location
from recording.domain.incoming.locations import DEFAULT_CONTENT_HOSTS, checked_location
from recording.errors import UnsafeLocationError

Read = tuple[Any, ...]  # scheme, host, port, user info, what is asked for
GOOD = (
    location(document_id()),
    location(document_id(), "/content/acsmetadata"),
    location(document_id(), ""),
    location(document_id(), host="a.b.c.asm.skype.com"),
    location(document_id(), host="eu.asyncgw.teams.microsoft.com"),
    location(document_id(), host="gcch.ams.gov.teams.microsoft.us"),
    location(document_id(), "/content/video?part=1&x=~a.b_c-d"),
    "https://weu-storage.asm.skype.com/a.b/..c/d..",
    f"HTTPS://WEU-storage.asm.Skype.com:443{location(document_id()).partition('skype.com')[2]}",
    location(document_id(), "/content/video/"),
    location(document_id(), "/content/video?se=2026-11-24T00:00:00+00:00&sig=a%2bb%2Fc%3d,d"),
)
SIGNS = [chr(code) for code in range(128)]
ODD = list(
    "\x80\xa0\xad\u0130\u017f\u0430\u0660\u200b\u2028\u202e\u2044\u212a\u3002\ufb01\ufe52\uff0e\uff0f\uff20\ufeff\ud800"
)
WORDS = (
    *("https://", "http://", "HTTPS://", "//", "/\\", "asm.skype.com", ".asm.skype.com", "weu-storage", "evil.example"),
    *(
        "%2f",
        "%5c",
        "%00",
        "%40",
        "%2e%2e",
        "..",
        "/../",
        "/./",
        ":443",
        ":443/",
        ":0443",
        "XN--",
        "ASM.SKYPE.COM",
        "%41",
        "%2B",
        "%0d%0a",
        "%25",
        "?a=%3A",
        ":80",
        ":",
        "@",
        "user:pass@",
        "xn--",
        "[::1]",
    ),
    *("127.0.0.1", "0x7f.1", "2130706433", "\r\n", "?", "#", "/v1", "/objects/", "a", "-", "_", "~"),
)
LABEL = "abcdefghijklmnopqrstuvwxyz0123456789-"
SEGMENT = "ABCXYZabcxyz0189._~-"


def _urllib(url: str) -> Read:
    found = urlsplit(url)
    userinfo = found.netloc.rpartition("@")[0] or None
    return found.scheme, found.hostname, found.port, userinfo, _target(found.path, found.query)


def _urllib3(url: str) -> Read:
    found = urllib3.util.parse_url(url)
    return found.scheme, found.host, found.port, found.auth, found.request_uri


def _yarl(url: str) -> Read:
    found = yarl.URL(url)
    return found.scheme, found.raw_host, found.explicit_port, found.raw_user, found.raw_path_qs


def _httpx(url: str) -> Read:
    found = httpx.URL(url)
    return found.scheme, found.raw_host.decode(), found.port, found.userinfo.decode() or None, found.raw_path.decode()


PARSERS: dict[str, Callable[[str], Read]] = {"urllib": _urllib, "urllib3": _urllib3, "yarl": _yarl, "httpx": _httpx}


def _target(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


def readings(url: str) -> dict[str, Read | None]:
    """Return what each parser reads; None where it refuses."""
    return {name: _or_none(read, url) for name, read in PARSERS.items()}


def _or_none(read: Callable[[str], Read], url: str) -> Read | None:
    try:
        return read(url)
    except (ValueError, IndexError, httpx.InvalidURL, urllib3.exceptions.LocationParseError):  # yarl: IndexError
        return None


def difference(url: str) -> str | None:
    """Return where a parser reads something else than the guard did; None if the guard refuses or all agree."""
    try:
        checked = checked_location(url, DEFAULT_CONTENT_HOSTS)
    except UnsafeLocationError:
        return None
    expected = ("https", checked.host, None, None, checked.path + checked.query)
    as_told = {name: _ordinary(read) for name, read in readings(url).items()}
    as_asked = {f"{name}, as asked": _ordinary(read, port=None) for name, read in readings(checked.url).items()}
    wrong = {name: read for name, read in {**as_told, **as_asked}.items() if read != _ordinary(expected)}
    return f"{url!r}: the guard reads {expected}, but {wrong}" if wrong else None


def _ordinary(read: Read | None, port: int | None = 443) -> Read | None:
    """Return a reading without what means nothing.

    Capitals of scheme and host, the default port, which escapes are spelt out.

    Escapes are in queries only (the guard refuses them in paths), where parsers write some of them in another way.
    """
    if read is None:
        return None
    scheme, host, found, userinfo, target = read
    path, _, query = str(target).partition("?")
    default = None if found == port else found
    return str(scheme).lower(), str(host).lower(), default, userinfo, path, unquote(query.replace("+", "%20"))


def made(chance: random.Random) -> str:
    """Return one case."""
    kind = chance.random()
    if kind < 0.6:
        return _changed(chance.choice(GOOD), chance)
    if kind < 0.8:
        return "".join(_piece(chance) for _ in range(chance.randrange(12)))
    return _of_the_good_form(chance)


def _changed(url: str, chance: random.Random) -> str:
    for _ in range(chance.randint(1, 3)):
        at, cut = chance.randrange(len(url) + 1), chance.choice((0, 0, 1, 2))
        url = url[:at] + chance.choice((_piece(chance), "", url[at : at + 5] * 2)) + url[at + cut :]
    return url


def _piece(chance: random.Random) -> str:
    return chance.choice(chance.choice((WORDS, SIGNS, ODD)))


def _of_the_good_form(chance: random.Random) -> str:
    def text(letters: str, most: int) -> str:
        return "".join(chance.choices(letters, k=chance.randint(1, most)))

    host = ".".join([text(LABEL, 12) for _ in range(chance.randint(1, 3))] + ["asm.skype.com"])
    path = "".join(f"/{text(SEGMENT, 8)}" for _ in range(chance.randint(1, 5)))
    host, port = (host.upper() if chance.random() < 0.2 else host), (":443" if chance.random() < 0.2 else "")
    path += "/" if chance.random() < 0.2 else ""
    query = "".join(chance.choice((*SEGMENT, *"=&:+,", "%2F", "%3a", "%25")) for _ in range(chance.randint(1, 12)))
    return f"https://{host}{port}{path}" + (f"?{query}" if chance.random() < 0.5 else "")


def fuzzed(first: int, cases: int) -> tuple[Counter[str], list[str]]:
    """Return how many were accepted, refused, and read in several ways (to more than one host); and all differences."""
    chance, counts, differences = random.Random(first), Counter[str](), list[str]()
    for _ in range(cases):
        url = made(chance)
        if found := difference(url):
            differences.append(found)
        counts["accepted" if _is_accepted(url) else "refused"] += 1
        counts["read in several ways"] += len({read[1] for read in readings(url).values() if read is not None}) > 1
    return counts, differences


def _is_accepted(url: str) -> bool:
    try:
        checked_location(url, DEFAULT_CONTENT_HOSTS)
    except UnsafeLocationError:
        return False
    return True

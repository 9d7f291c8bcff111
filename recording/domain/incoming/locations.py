"""The strict guard for locations in events: only locations that have passed it are requested.

URL parsers disagree with each other about user info, backslashes and odd characters, and a client may then contact
another host than the one that was checked. So this guard does not parse: one regular expression accepts the only
form the service is known to use, and refuses everything else. Spellings that mean the same to every parser (`:443`,
capitals in scheme and host) are read, and requested in the ordinary spelling.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_plus

from recording.errors import UnsafeLocationError
from recording.errors.codes import Code

# The suffixes that azure-communication-callautomation 1.6.0 itself allows (public, Teams, US government).
DEFAULT_CONTENT_HOSTS = (".asm.skype.com", ".asyncgw.teams.microsoft.com", ".ams.gov.teams.microsoft.us")
LONGEST_LOCATION = 2048
METADATA_KIND = "acsmetadata"  # …/content/acsmetadata: all other kinds are the media

_SCHEME = "[Hh][Tt][Tt][Pp][Ss]"
_LABEL = r"(?![Xx][Nn]--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ESCAPE = "%(?:[2-6][0-9A-Fa-f]|7[0-9A-Ea-e])"  # a printable ASCII character: no line break, no second alphabet
_LOCATION = re.compile(
    rf"{_SCHEME}://(?P<host>{_LABEL}(?:\.{_LABEL})+)(?::443)?"
    r"(?P<path>(?:/(?!\.{1,2}(?:/|\?|\Z))[A-Za-z0-9._~-]+)+/?)"
    rf"(?P<query>\?(?:[A-Za-z0-9._~=&:+,;!$'()*-]|/(?!/|\.{{1,2}}(?:/|\Z))|{_ESCAPE})+)?",
    re.ASCII,
)
# The object's id has one position: right after the version. Another `objects` further on, or anything before it, could
# make a server see another object than this guard does.
_OBJECT = re.compile(
    r"/v\d{1,2}/objects/(?P<id>[A-Za-z0-9._~-]+)(?P<tail>(?:/(?!objects(?:/|\Z))[A-Za-z0-9._~-]+)*)/?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True)
class Location:
    """A location that passed the guard; `url` is requested as it is, the parts are for signing and comparing.

    Path and query are the event's own text, except that escapes are in capitals, as HTTP clients send them.
    """

    url: str
    host: str
    path: str
    query: str

    @property
    def object_id(self) -> str | None:
        """Return the id of the object it names (`/v1/objects/{id}…`, there and nowhere else), if it names one."""
        found = _OBJECT.fullmatch(self.path)
        return found["id"] if found else None

    @property
    def kind(self) -> str:
        """Return the part of the object it names (`content/video`); empty for the object itself."""
        found = _OBJECT.fullmatch(self.path)
        return found["tail"].strip("/") if found else ""


def checked_location(url: str, allowed_hosts: tuple[str, ...]) -> Location:
    """Return the location when it is plain https to an allowed host.

    Refused are other schemes, user info, other ports than 443, backslashes, escapes in the path, dot segments,
    punycode, control characters and hosts outside the list.

    Args:
        url: as it came with an event or a redirect.
        allowed_hosts: suffixes (with a leading dot, matching what is below them) or whole host names, lower case.

    Raises:
        UnsafeLocationError: for anything else. The message does not repeat the URL: it may hold a secret.
    """
    found = _LOCATION.fullmatch(url) if len(url) <= LONGEST_LOCATION else None
    if found is None:
        raise UnsafeLocationError("the location is not a plain https URL", code=Code.UNSAFE_LOCATION)
    host = found["host"].lower()
    if not is_allowed_host(host, allowed_hosts):
        raise UnsafeLocationError("the location's host is not in the allow-list", code=Code.FOREIGN_HOST)
    query = re.sub("%..", lambda escape: escape[0].upper(), found["query"] or "")
    return Location(f"https://{host}{found['path']}{query}", host, found["path"], query)


def names_another_object(location: Location, document_id: str) -> bool:
    """Return whether a location names another document; one without an object in the known position does not."""
    return location.object_id is not None and location.object_id.lower() != document_id.lower()


def stays_with_the_object(requested: Location, target: Location) -> bool:
    """Return whether a redirect may lead there: to another host, but to the same part of the same object.

    The media may move within its object, but not from or to the metadata or the bare object (the form of deletes). A
    location without an object in the known position may only change its host and gain parameters: those that it has may
    name the object.
    """
    if requested.object_id is None:
        return target.path == requested.path and _keeps_query(requested.query, target.query)
    return target.object_id == requested.object_id and _part(target) == _part(requested)


def _keeps_query(requested: str, target: str) -> bool:
    """Return whether a query begins with all of another one, and names nothing in it again."""
    told, more = requested.removeprefix("?"), target.removeprefix("?")
    if not told or more == told:
        return True
    names = {_name_of(part) for part in re.split("[&;]", told)}
    added = more.removeprefix(f"{told}&")
    return added != more and names.isdisjoint(_name_of(part) for part in re.split("[&;]", added))


def _name_of(parameter: str) -> str:
    return unquote_plus(parameter.partition("=")[0]).lower()


def _part(location: Location) -> str:
    last = location.kind.rpartition("/")[2].lower()
    return "object" if last in ("", "deletedata") else METADATA_KIND if last == METADATA_KIND else "media"


def is_allowed_host(host: str, allowed_hosts: tuple[str, ...]) -> bool:
    """Return whether a lower-case host is in the list or ends with one of its suffixes."""
    return any(host.endswith(entry) if entry.startswith(".") else host == entry for entry in allowed_hosts)


@dataclass(frozen=True)
class ExternalBlob:
    """A blob in a container of the customer's own that ACS writes to (bring your own storage)."""

    container_url: str
    name: str

    @property
    def url(self) -> str:
        """Return its location in the ordinary spelling."""
        return f"{self.container_url}/{self.name}"


def is_external(url: str, containers: tuple[str, ...]) -> bool:
    """Return whether a location is in one of the customer's own containers; each location is judged separately."""
    try:
        checked_external_blob(url, containers)
    except UnsafeLocationError:
        return False
    return True


_ORIGIN = re.compile(rf"{_SCHEME}://(?P<host>{_LABEL}(?:\.{_LABEL})+)(?::443)?(?P<rest>/.*)", re.ASCII)
_BLOB_NAME = re.compile(r"(?:(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~ -]+/)*(?!\.{1,2}\Z)[A-Za-z0-9._~ -]+", re.ASCII)


def checked_external_blob(url: str, containers: tuple[str, ...]) -> ExternalBlob:
    """Return the blob when the URL is inside one of the configured containers, letter by letter.

    Only the host may be spelt with capitals or with its default port.

    Raises:
        UnsafeLocationError: when it is not.
    """
    told = _ordinary(url)
    for container in (one.rstrip("/") for one in containers):
        prefix = _ordinary(f"{container}/")
        if told.startswith(prefix) and _BLOB_NAME.fullmatch(name := told.removeprefix(prefix)):
            return ExternalBlob(container, name)
    raise UnsafeLocationError("the location is not in a configured external container", code=Code.FOREIGN_HOST)


def _ordinary(url: str) -> str:
    found = _ORIGIN.fullmatch(url)
    return f"https://{found['host'].lower()}{found['rest']}" if found else url

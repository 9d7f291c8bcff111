"""The strict guard for locations that come in with events: nothing is requested that has not passed here.

URL parsers disagree with each other about user info, backslashes and odd characters, and a client may then contact
another host than the one that was checked. So this guard does not parse: one regular expression accepts the only
form the service is known to use, and refuses everything else.
"""

import re
from dataclasses import dataclass

from recording.errors import UnsafeLocationError

# The suffixes that azure-communication-callautomation 1.6.0 itself allows (public, Teams, US government).
DEFAULT_CONTENT_HOSTS = (".asm.skype.com", ".asyncgw.teams.microsoft.com", ".ams.gov.teams.microsoft.us")
LONGEST_LOCATION = 2048

_LABEL = r"(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_LOCATION = re.compile(
    rf"https://(?P<host>{_LABEL}(?:\.{_LABEL})+)"
    r"(?P<path>(?:/(?!\.{1,2}(?:/|\?|\Z))[A-Za-z0-9._~-]+)+)"
    r"(?P<query>\?[A-Za-z0-9._~=&-]+)?",
    re.ASCII,
)
_OBJECT_ID = re.compile(r"/objects/(?P<id>[A-Za-z0-9._~-]+)(?:/|\Z)", re.ASCII)


@dataclass(frozen=True)
class Location:
    """A location that passed the guard; `url` is used verbatim, the parts are for signing and comparing."""

    url: str
    host: str
    path: str
    query: str

    @property
    def object_id(self) -> str | None:
        """The id of the object it names (`…/objects/{id}…`), if it names one."""
        found = _OBJECT_ID.search(self.path)
        return found["id"] if found else None


def checked_location(url: str, allowed_hosts: tuple[str, ...]) -> Location:
    """Returns the location when it is plain https to an allowed host.

    Refused are other schemes, user info, ports, backslashes, percent-encoding, dot segments, punycode, control
    characters and hosts outside the list.

    Args:
        url: as it came with an event or a redirect.
        allowed_hosts: suffixes (with a leading dot, matching what is below them) or whole host names, lower case.

    Raises:
        UnsafeLocationError: for anything else. The message does not repeat the URL: it may hold a secret.
    """
    found = _LOCATION.fullmatch(url) if len(url) <= LONGEST_LOCATION else None
    if found is None:
        raise UnsafeLocationError("the location is not a plain https URL", code="unsafe_location")
    if not is_allowed_host(found["host"], allowed_hosts):
        raise UnsafeLocationError("the location's host is not in the allow-list", code="foreign_host")
    return Location(url, found["host"], found["path"], found["query"] or "")


def is_allowed_host(host: str, allowed_hosts: tuple[str, ...]) -> bool:
    """Whether a lower-case host is one of the list or lies below one of its suffixes."""
    return any(host.endswith(entry) if entry.startswith(".") else host == entry for entry in allowed_hosts)


@dataclass(frozen=True)
class ExternalBlob:
    """A blob in a container of the customer's own that ACS writes to (bring your own storage)."""

    container_url: str
    name: str


def is_external(url: str, containers: tuple[str, ...]) -> bool:
    """Return whether a location lies in one of the customer's own containers; each location is judged by itself."""
    try:
        checked_external_blob(url, containers)
    except UnsafeLocationError:
        return False
    return True


_BLOB_NAME = re.compile(r"(?:(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~ -]+/)*(?!\.{1,2}\Z)[A-Za-z0-9._~ -]+", re.ASCII)


def checked_external_blob(url: str, containers: tuple[str, ...]) -> ExternalBlob:
    """Returns the blob when the URL lies inside one of the configured containers, letter by letter.

    Raises:
        UnsafeLocationError: when it does not.
    """
    for container in containers:
        prefix = container.rstrip("/") + "/"
        if url.startswith(prefix) and _BLOB_NAME.fullmatch(name := url.removeprefix(prefix)):
            return ExternalBlob(container.rstrip("/"), name)
    raise UnsafeLocationError("the location is not in a configured external container", code="foreign_host")

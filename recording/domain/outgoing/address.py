"""Where outgoing requests may go: addresses of endpoints, and the IP addresses that their names stand for. Pure.

Two steps: `checked_url` looks at the text, before any name is resolved; `checked_addresses` looks at what the name
stands for. The connection must then use a checked address; a second DNS lookup could return another one.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LONGEST_URL = 2048
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!$&'()*+,;=:@%A-Za-z0-9._~/-]*)?(?:\?(?P<query>[!$&'()*+,;=:@%/?A-Za-z0-9._~-]*))?",
    re.ASCII,
)
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.ASCII)  # some clients take a name that ends in one for an IPv4 address
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")  # all of IPv6 that is allocated; the rest is local, translated or reserved
_CLOSED = (
    ipaddress.ip_network("168.63.129.16/32"),  # Azure's platform, which every machine there reaches
    ipaddress.ip_network("192.0.0.0/24"),  # protocol assignments; versions of Python differ about them
    ipaddress.ip_network("64:ff9b:1::/48"),  # NAT64 of a local network
    ipaddress.ip_network("fec0::/10"),  # site-local, long deprecated
)


class UnsafeAddressError(ValueError):
    """An address to which no request may go; the text says why and repeats no part of the address."""


@dataclass(frozen=True)
class Place:
    """Where a request goes.

    Attributes:
        host: in lower case; what the certificate must name.
        path: with the query.
        is_plain: http; only for loopback, where nothing leaves the machine.
    """

    host: str
    port: int
    path: str
    is_plain: bool = False

    @property
    def authority(self) -> str:
        """Return what the header Host says."""
        usual = 80 if self.is_plain else 443
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == usual else f"{name}:{self.port}"


def checked_url(url: str, hosts: Sequence[str], networks: Sequence[IpNetwork] = ()) -> Place:
    """Return where a URL points, if that is a host on the list.

    Args:
        url: exact: no user info, fragment, blank, backslash, character beyond ASCII, or dot at the host's end.
        hosts: `name`, `name:port` or `*.suffix`, in lower case; a bare name means port 443.
        networks: private networks that are allowed; only an address in one of them may stand as a number.

    Raises:
        UnsafeAddressError: nothing may be sent there.
    """
    is_plain_text = len(url) <= LONGEST_URL and url.isascii()  # before the host is folded: the Kelvin sign becomes k
    found = _URL.fullmatch(_lower_host(url)) if is_plain_text else None
    if found is None:
        raise UnsafeAddressError("is not a plain https URL without user name, fragment or odd characters")
    host, is_plain = found["host"].strip("[]"), found["scheme"] == "http"
    place = Place(host, int(found["port"] or (80 if is_plain else 443)), _path(found["path"], found["query"]), is_plain)
    if not 1 <= place.port <= 65535:
        raise UnsafeAddressError("has a port outside 1 to 65535")
    literal = _literal(host)
    if literal is not None:
        _check_network(literal, networks)
    elif not _is_name(host):
        raise UnsafeAddressError("has a host that is not a full DNS name")
    if is_plain and (literal is None or not literal.is_loopback):
        raise UnsafeAddressError("must be https")
    if literal is None and not any(_covers(pattern, place) for pattern in hosts):
        raise UnsafeAddressError("names a host or a port that WEBHOOK_HOSTS does not allow")
    return place


def checked_addresses(addresses: Iterable[str], networks: Sequence[IpNetwork] = ()) -> list[str]:
    """Return the IP addresses of a name, if requests may go to every one of them.

    Raises:
        UnsafeAddressError: one is private, local or reserved, or there is none.
    """
    found = [_address(text) for text in addresses]
    if not found:
        raise UnsafeAddressError("has no address")
    for address in found:
        _check_address(address, networks)
    return list(dict.fromkeys(str(address) for address in found))


def is_public(address: IpAddress) -> bool:
    """Return whether an address, or the IPv4 address that it carries, is on the public internet."""
    inner = _unwrapped(address)
    is_closed = any(inner.version == network.version and inner in network for network in _CLOSED)
    is_allocated = isinstance(inner, ipaddress.IPv4Address) or inner in _UNICAST
    return inner.is_global and is_allocated and not (inner.is_multicast or inner.is_reserved or is_closed)


def _check_address(address: IpAddress, networks: Sequence[IpNetwork]) -> None:
    if not is_public(address) and not _is_in(address, networks):
        raise UnsafeAddressError("resolves to an address that is private, local or reserved")


def _check_network(address: IpAddress, networks: Sequence[IpNetwork]) -> None:
    if not _is_in(address, networks):
        raise UnsafeAddressError("has an IP address outside the networks in WEBHOOK_NETWORKS")


def _is_in(address: IpAddress, networks: Sequence[IpNetwork]) -> bool:
    inner = _unwrapped(address)
    return any(inner.version == network.version and inner in network for network in networks)


def _unwrapped(address: IpAddress) -> IpAddress:
    """Return the IPv4 address that an IPv6 address carries: mapped, 6to4, Teredo or NAT64; else the address."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or int(address) >> 32 == 0:  # the latter: IPv4-compatible, long deprecated
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if int(address) > 1 else address
    return address


def _address(text: str) -> IpAddress:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        raise UnsafeAddressError("has an address that cannot be read") from None


def _literal(host: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_name(host: str) -> bool:
    """Return whether a host is a full DNS name, and not an address in dotted, hexadecimal or decimal form."""
    labels = host.split(".")
    return (
        len(host) <= 253
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
        and not _NUMBER.fullmatch(labels[-1])
    )


def _covers(pattern: str, place: Place) -> bool:
    host, _, port = pattern.partition(":")
    if place.port != int(port or 443):
        return False
    if host.startswith("*."):
        return place.host.endswith(host[1:]) and place.host != host[2:]
    return place.host == host


def _lower_host(url: str) -> str:
    """Return the URL with scheme and host in lower case; only they ignore case."""
    scheme, mark, rest = url.partition("://")
    end = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    return scheme.lower() + mark + rest[:end].lower() + rest[end:]


def _path(path: str | None, query: str | None) -> str:
    return (path or "/") + (f"?{query}" if query is not None else "")

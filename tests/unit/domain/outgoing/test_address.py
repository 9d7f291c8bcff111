"""The guard of outgoing addresses: what an endpoint's URL may be, and what its name may stand for."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.domain.outgoing.address import (
    Place,
    UnsafeAddressError,
    checked_addresses,
    checked_url,
    is_public,
)

HOSTS = ("hooks.contoso.com", "*.fabrikam.net", "crm.contoso.com:8443")
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
INSIDE = (ip_network("10.1.0.0/16"),)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://hooks.contoso.com", Place("hooks.contoso.com", 443, "/")),
        ("HTTPS://Hooks.Contoso.COM:443/A?sig=X%2F", Place("hooks.contoso.com", 443, "/A?sig=X%2F")),
        ("https://a.fabrikam.net/x", Place("a.fabrikam.net", 443, "/x")),
        ("https://a.b.fabrikam.net/x", Place("a.b.fabrikam.net", 443, "/x")),
        ("https://crm.contoso.com:8443/x", Place("crm.contoso.com", 8443, "/x")),
    ],
)
def test_a_host_on_the_list_is_taken(url: str, place: Place) -> None:
    """Scheme and host have no case; path and query stay as they are, for they may be signed."""
    assert checked_url(url, HOSTS) == place


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.contoso.com/",  # not encrypted
        "ftp://hooks.contoso.com/",
        "//hooks.contoso.com/",
        "https:hooks.contoso.com/",
        "https://user@hooks.contoso.com/",
        "https://user:password@hooks.contoso.com/",
        "https://hooks.contoso.com@evil.example/",
        "https://hooks.contoso.com:443@evil.example/",
        "https://evil.example/@hooks.contoso.com",
        "https://evil.example#hooks.contoso.com",
        "https://hooks.contoso.com/#part",
        "https://hooks.contoso.com\\@evil.example/",
        "https://evil.example\\.hooks.contoso.com/",
        "https://hooks.contoso.com./",  # the same host to DNS, another to a list
        "https://hooks.contoso.com..",
        "https://.hooks.contoso.com/",
        "https://hooks.contoso.com.evil.example/",
        "https://evilhooks.contoso.com/",
        "https://fabrikam.net/",  # the suffix alone is not below itself
        "https://evilfabrikam.net/",
        "https://hooks.contoso.com:8443/",  # another port
        "https://hooks.contoso.com:0/",
        "https://hooks.contoso.com:99999/",
        "https://crm.contoso.com/",  # allowed on its port only
        "https://hooks.contoso.com /",
        " https://hooks.contoso.com/",
        "https://hooks.contoso.com/a b",
        "https://hooks.contoso.com/\r\nHost: evil",
        "https://hooks.contoso.com/\t",
        "https://hooks.contoso.com/\x00",
        "https://höoks.contoso.com/",  # beyond ASCII: punycode says what is meant
        "https://hooks。contoso。com/",  # ideographic full stops
        "https://ⓗooks.contoso.com/",
        "https://hoo\u212as.contoso.com/",  # the Kelvin sign, whose small letter is the k of ASCII
        "https://hooks.conto\u017fo.com/",  # the long s, whose capital letter is the S of ASCII
        "https://hooks.contoso.com\u2044@evil.example/",  # a slash that is none
        "https://hooks.contoso.com\uff0fevil.example/",
        "https://hooks.contoso.com/\u0661",  # a digit to some
        "https://hooks.contoso.com:\u0664\u0664\u0663/",
        "https://hooks.contoso.com:443:443/",
        "https://hooks.contoso.com:+443/",
        "https://hooks.contoso.com:-1/",
        "https://hooks.contoso.com:443 /",
        "https://hooks.contoso.com:/",
        "https://@hooks.contoso.com/",
        "https://:@hooks.contoso.com/",
        "https://hooks.contoso.com;evil.example/",
        "https://hooks.contoso.com,evil.example/",
        "https://hooks.contoso.com&@evil.example/",
        "https://xn--hooks-.contoso.com/",
        "https://0x7f.1/",
        "https://1.2.3.0x4/",
        "https://[::ffff:0:127.0.0.1]/",
        "https://[0:0:0:0:0:0:0:1]/",
        "https://[::1]evil.example/",
        "https://[hooks.contoso.com]/",
        "https://[v1.hooks]/",
        "https://::1/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://hooks.contoso.com%2eevil.example/",
        "https://hooks_contoso.com/",
        "https://-.fabrikam.net/",
        "https://localhost/",
        "https://metadata/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://017700000001/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://169.254.169.254/metadata/instance",
        "https://168.63.129.16/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[fe80::1%25eth0]/",
        "https://[::]/",
        "https://1.1.1.1/",  # public, but a number is no name that a list could hold
        "https://[2606:4700::1111]/",
        "",
        "https://",
        "https:///x",
        "https://hooks.contoso.com/" + "a" * 2048,
    ],
)
def test_every_other_address_is_refused_without_repeating_it(url: str) -> None:
    """A URL is refused by its text alone, before any name is asked for; the reason holds no part of it."""
    with pytest.raises(UnsafeAddressError) as refused:
        checked_url(url, HOSTS)
    assert "contoso" not in str(refused.value)
    assert "evil" not in str(refused.value)


def test_a_number_is_taken_in_an_allowed_network_only_and_plain_http_on_loopback_only() -> None:
    """Private receivers are for those who name their network; nothing leaves a machine unencrypted."""
    assert checked_url("http://127.0.0.1:8080/x", (), LOOPBACK) == Place("127.0.0.1", 8080, "/x", is_plain=True)
    assert checked_url("https://10.1.2.3/x", (), INSIDE).host == "10.1.2.3"
    for url, networks in [
        ("http://10.1.2.3/x", INSIDE),
        ("https://10.2.0.1/x", INSIDE),
        ("http://hooks.contoso.com/", LOOPBACK),
    ]:
        with pytest.raises(UnsafeAddressError):
            checked_url(url, HOSTS, networks)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.1", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1",
        "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16",
        "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1",
        "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::",
        "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1",
        "::ffff:0:10.0.0.1", "::ffff:0:169.254.169.254", "64:ff9b:2::1", "4000::1", "5f00::1", "e000::1",
        "2001:0:7f00:1:0:0:80ff:fffe",  # Teredo, whose client is 127.0.0.1
        "not an address", "",
    ],
)  # fmt: skip
def test_nothing_goes_to_an_address_that_is_not_of_the_open_internet(address: str) -> None:
    """One bad address among good ones is enough: the next request might go there."""
    for found in ([address], ["1.1.1.1", address], [address, "2606:4700::1111"]):
        with pytest.raises(UnsafeAddressError):
            checked_addresses(found)


def test_public_addresses_are_taken_once_each_and_none_is_no_address() -> None:
    """The order of DNS is kept."""
    assert checked_addresses(["1.1.1.1", "2606:4700::1111", "1.1.1.1"]) == ["1.1.1.1", "2606:4700::1111"]
    with pytest.raises(UnsafeAddressError):
        checked_addresses([])


def test_an_allowed_network_opens_only_itself() -> None:
    """Mapped forms count as what they carry."""
    assert checked_addresses(["10.1.2.3", "::ffff:10.1.2.3"], INSIDE)
    with pytest.raises(UnsafeAddressError):
        checked_addresses(["10.1.2.3", "10.2.0.1"], INSIDE)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_ipv6_clothes_is_judged_as_itself(address: object) -> None:
    """Whatever form a resolver gives it in, the answer is the same."""
    plain = ip_address(str(address))
    for form in (f"::ffff:{plain}", f"64:ff9b::{plain}"):
        assert is_public(ip_address(form)) == is_public(plain)


@given(st.text(max_size=60))
def test_no_text_gets_past_the_guard_but_in_the_form_of_a_listed_host(text: str) -> None:
    """Whatever is put before, into or behind a URL, either it is refused or it goes to a host on the list."""
    for url in (text, f"https://{text}", f"https://hooks.contoso.com{text}", f"https://{text}hooks.contoso.com/"):
        try:
            place = checked_url(url, HOSTS)
        except UnsafeAddressError:
            continue
        assert place.host in {"hooks.contoso.com", "crm.contoso.com"} or place.host.endswith(".fabrikam.net")
        assert not place.is_plain

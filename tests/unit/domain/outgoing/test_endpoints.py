"""Webhook endpoints: what the setting may name, and that no refusal repeats a secret."""

import base64
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from recording.domain.outgoing.endpoints import (
    LONGEST_SECRET,
    MOST_ENDPOINTS,
    MOST_SECRETS,
    SHORTEST_SECRET,
    TOPIC_WAY,
    UNRESOLVED_WAY,
    WebhookEndpoint,
    fault_of,
    is_reference,
    read_hosts,
    read_networks,
    secret_bytes,
)
from recording.domain.outgoing.events import EventType

HOSTS = ("hooks.example.com",)


def secret(length: int = SHORTEST_SECRET) -> str:
    return "whsec_" + base64.b64encode(b"k" * length).decode()


def endpoint(**changes: Any) -> WebhookEndpoint:
    plain = {"name": "crm", "url": "https://hooks.example.com/in?code=s3cret", "secrets": [secret()]}
    return WebhookEndpoint.model_validate({**plain, **changes})


@pytest.mark.parametrize("length", [SHORTEST_SECRET, LONGEST_SECRET])
def test_a_secret_of_a_permitted_length_is_the_key_itself(length: int) -> None:
    """Standard Webhooks signs with the bytes, not with their spelling."""
    assert secret_bytes(endpoint(secrets=[secret(length)]).secrets[0]) == b"k" * length


@pytest.mark.parametrize(
    "wrong",
    [
        secret(SHORTEST_SECRET - 1),
        secret(LONGEST_SECRET + 1),
        secret().removeprefix("whsec_"),
        f"x{secret()}",
        "whsec_",
        "whsec_not base64!",
        "",
    ],
)
def test_a_secret_of_another_form_is_refused_and_not_repeated(wrong: str) -> None:
    """The message ends in a log, and the secret may be right for another receiver."""
    with pytest.raises(ValidationError) as refused:
        endpoint(secrets=[SecretStr(wrong)])
    key = wrong.removeprefix("whsec_")
    assert not key or key not in str(refused.value)


@pytest.mark.parametrize("secrets", [[], [secret()] * (MOST_SECRETS + 1)])
def test_an_endpoint_has_a_secret_and_not_too_many(secrets: list[str]) -> None:
    """Unsigned events could be anyone's; each signature costs time and a header."""
    with pytest.raises(ValidationError):
        endpoint(secrets=secrets)


@pytest.mark.parametrize("name", ["", "CRM", "-crm", "a" * 33, "a b", "ü", "crm\n", TOPIC_WAY, UNRESOLVED_WAY])
def test_a_name_is_a_key_and_belongs_to_no_other_way(name: str) -> None:
    """The state of a receiver is kept under it."""
    with pytest.raises(ValidationError):
        endpoint(name=name)


def test_an_endpoint_wants_all_events_or_those_that_it_names() -> None:
    """A type may be named by its word or as it is on the wire."""
    assert all(endpoint().wants(kind) for kind in EventType)
    for word in (EventType.ARCHIVED.value, f"recording_archive.{EventType.ARCHIVED.value}.v1"):
        assert [kind for kind in EventType if endpoint(types=[word]).wants(kind)] == [EventType.ARCHIVED]


def test_good_endpoints_have_no_fault() -> None:
    """Otherwise the tests below would prove nothing."""
    assert fault_of([endpoint(), endpoint(name="erp", tenant="north")], HOSTS, (), {"north"}) is None
    assert fault_of([endpoint(tenant="anything")], HOSTS, (), None) is None


@pytest.mark.parametrize(
    ("endpoints", "said"),
    [
        ([endpoint(), endpoint()], "a name of its own"),
        ([endpoint(name=f"n{number}") for number in range(MOST_ENDPOINTS + 1)], "at most"),
        ([endpoint(types=["archived", "eaten"])], "event type at crm"),
        ([endpoint(tenant="south")], "tenant at crm"),
        ([endpoint(url="http://hooks.example.com/in?code=s3cret")], "URL at crm"),
        ([endpoint(url="https://elsewhere.example.com/in?code=s3cret")], "URL at crm"),
        ([endpoint(url="https://ada:s3cret@hooks.example.com/")], "URL at crm"),
    ],
)
def test_each_fault_names_the_endpoint_and_repeats_no_value(endpoints: list[WebhookEndpoint], said: str) -> None:
    """A URL may hold a signature."""
    fault = fault_of(endpoints, HOSTS, (), {"north"})
    assert fault is not None
    assert said in fault
    assert "s3cret" not in fault


@pytest.mark.parametrize("text", ["@Microsoft.KeyVault(SecretUri=…)", " @microsoft.keyvault(VaultName=a)"])
def test_an_unresolved_reference_is_known_in_any_case(text: str) -> None:
    """Taken for a value, it would be a secret that anyone can guess."""
    assert is_reference(text)
    assert not is_reference(f"x{text}")


def test_lists_of_hosts_and_networks_are_read_or_refused() -> None:
    """One wrong part refuses the list: leaving it out would change what is allowed."""
    assert read_hosts(" Hooks.Example.com:8443, *.example.org,") == ("hooks.example.com:8443", "*.example.org")
    assert [str(one) for one in read_networks("10.1.0.0/16, fd00::/8")] == ["10.1.0.0/16", "fd00::/8"]
    for text in ("*", "example", "*.*.example.org", "https://example.org", "a.example/x", "10.0.0.1/8"):
        with pytest.raises(ValueError, match="separated by commas"):
            read_hosts(text)
    for text in ("10.1.2.3/16", "ten", "10.0.0.0/33"):
        with pytest.raises(ValueError, match="separated by commas"):
            read_networks(text)

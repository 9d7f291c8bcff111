"""A deployed app's settings, read through a loopback management plane as the signed-in person."""

import base64
import json
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from dev.loopback import Answer, World
from recording.adapters.azure_sdk.deployed_app import DeployedApp, event_grid_key, read_deployed_app
from recording.errors import RequestError, StorageRefusedError
from recording.errors.codes import Code

SITE = "/subscriptions/{}/resourceGroups/rg/providers/Microsoft.Web/sites/app"
SETTINGS = {"ACS_ENDPOINT": "https://contoso.communication.azure.com", "ACS_CLIENT_ID": "6f1c0d52"}


class Person:
    """A credential of a person, or of nobody."""

    def __init__(self, *, is_there: bool = True) -> None:
        self._is_there = is_there

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        if not self._is_there:
            raise ClientAuthenticationError("a page about every way to sign in")
        claims = base64.urlsafe_b64encode(json.dumps({"oid": "person-1"}).encode()).decode().rstrip("=")
        return AccessToken(f"head.{claims}.signature", 4_000_000_000)


def read(world: World, subscription: str | None = "one", person: Person | None = None) -> DeployedApp:
    options = {"proxies": {"https": world.proxy.url}, "connection_verify": world.ca_bundle}
    return read_deployed_app("app", "rg", subscription, person or Person(), **options)


def answer(content: object) -> Answer:
    return Answer(200, json.dumps(content).encode(), {"Content-Type": "application/json"})


def deploy(world: World, subscription: str, subnet: str | None = None) -> None:
    facts = {"defaultHostName": "app.azurewebsites.net", "virtualNetworkSubnetId": subnet}
    world.script.on("GET", SITE.format(subscription), answer({"properties": facts}))
    listed = f"{SITE.format(subscription)}/config/appsettings/list"
    world.script.on("POST", listed, answer({"properties": SETTINGS}))


def test_the_settings_are_read_as_the_person(world: World) -> None:
    """With the person's own token, and it says whose it is."""
    deploy(world, "one")
    found = read(world)
    assert (found.settings, found.caller, found.is_in_network) == (SETTINGS, "person-1", False)
    assert {seen.host for seen in world.script.seen} == {"management.azure.com"}
    assert all(seen.headers["Authorization"].startswith("Bearer head.") for seen in world.script.seen)


def test_an_app_in_a_network_is_known_as_such(world: World) -> None:
    """Its storage will not answer from here."""
    deploy(world, "one", "/subscriptions/one/…/subnets/app")
    assert read(world).is_in_network


def test_without_a_subscription_all_that_the_person_sees_are_tried(world: World) -> None:
    """Few people know the id of theirs."""
    world.script.on("GET", "/subscriptions", answer({"value": [{"subscriptionId": "zero"}, {"subscriptionId": "one"}]}))
    world.script.on("GET", SITE.format("zero"), Answer(404))
    deploy(world, "one")
    assert read(world, None).settings == SETTINGS


def test_an_app_that_is_not_there_is_said_to_be_so(world: World) -> None:
    """With what to check."""
    world.script.on("GET", SITE.format("one"), Answer(404))
    with pytest.raises(RequestError, match="no app app in the resource group rg"):
        read(world)


def test_nobody_signed_in_is_told_in_one_line(world: World) -> None:
    """Azure was not asked, so there is no 401."""
    with pytest.raises(RequestError, match="az login") as refused:
        read(world, person=Person(is_there=False))
    assert refused.value.code is Code.TOKEN_UNAVAILABLE
    assert world.script.seen == []


@pytest.mark.usefixtures("no_pauses")
def test_a_person_without_the_role_is_refused(world: World) -> None:
    """Not the same as an app that is not there."""
    world.script.on("GET", SITE.format("one"), Answer(403))
    with pytest.raises(StorageRefusedError):
        read(world)


def key_of(world: World) -> str | None:
    deploy(world, "one")
    options = {"proxies": {"https": world.proxy.url}, "connection_verify": world.ca_bundle}
    found = event_grid_key(read(world), Person(), **options)
    return found.get_secret_value() if found else None


def test_the_key_of_event_grid_is_read_alone(world: World) -> None:
    """Of all the keys of a host, the doctor takes the one of the extension."""
    keys = {"masterKey": "m", "functionKeys": {"default": "f"}, "systemKeys": {"eventgrid_extension": "e"}}
    world.script.on("POST", f"{SITE.format('one')}/host/default/listkeys", answer(keys))
    assert key_of(world) == "e"


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("told", [Answer(403), Answer(404), Answer(200, b'{"systemKeys": {}}')])
def test_who_may_not_list_keys_has_none(world: World, told: Answer) -> None:
    """The doctor then leaves the function's path out."""
    world.script.on("POST", f"{SITE.format('one')}/host/default/listkeys", told)
    assert key_of(world) is None

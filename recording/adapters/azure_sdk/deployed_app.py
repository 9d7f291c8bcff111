"""Read a deployed app's settings through Azure's management plane, as the signed-in developer.

Only the settings are read, and for the doctor the key that Event Grid uses; nothing is changed.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, ProxyPolicy
from azure.core.rest import HttpRequest
from pydantic import SecretStr

from recording.adapters.azure_sdk.clients import CLIENT_OPTIONS, attempt
from recording.adapters.azure_sdk.errors import translate_errors
from recording.errors import RequestError, StorageRefusedError
from recording.errors.codes import Code

ARM = "https://management.azure.com"
_EVENT_GRID_KEY = "eventgrid_extension"
_SITES, _SUBSCRIPTIONS = "2023-12-01", "2022-12-01"  # API versions


@dataclass(frozen=True)
class DeployedApp:
    """An app as described by the management plane; `caller` is the object id of the signed-in developer."""

    settings: Mapping[str, str]
    host: str
    is_in_network: bool
    caller: str | None
    path: str = ""


def read_deployed_app(
    name: str, group: str, subscription: str | None, identity: TokenCredential, **options: Any
) -> DeployedApp:
    """Return an app's settings; without a subscription, all visible ones are tried in turn.

    Raises:
        RequestError: nobody is signed in (`token_unavailable`), or there is no such app.
        StorageRefusedError: the developer may not read it.
        StorageBusyError: Azure does not answer.
    """
    caller = _caller(identity)
    policies = [ProxyPolicy(**options), BearerTokenCredentialPolicy(identity, f"{ARM}/.default")]
    with (
        translate_errors("reading the app's settings from Azure"),
        PipelineClient(ARM, policies=policies, **{**CLIENT_OPTIONS, **options}) as client,
    ):
        for each in [subscription] if subscription else _subscriptions(client):
            path = f"/subscriptions/{each}/resourceGroups/{group}/providers/Microsoft.Web/sites/{name}"
            if (site := _ask(client, "GET", path)) is not None:
                told = _ask(client, "POST", f"{path}/config/appsettings/list") or {}
                facts = site["properties"]
                return DeployedApp(
                    settings={str(key): str(value) for key, value in told["properties"].items()},
                    host=str(facts.get("defaultHostName") or ""),
                    is_in_network=bool(facts.get("virtualNetworkSubnetId")),
                    caller=caller,
                    path=path,
                )
    message = f"there is no app {name} in the resource group {group} that you can see: check both, and --subscription"
    raise RequestError(message)


def event_grid_key(app: DeployedApp, identity: TokenCredential, **options: Any) -> SecretStr | None:
    """Return the system key with which Event Grid calls the app's function; None without the right to list keys.

    Raises:
        StorageBusyError: Azure does not answer.
    """
    policies = [ProxyPolicy(**options), BearerTokenCredentialPolicy(identity, f"{ARM}/.default")]
    try:
        with (
            translate_errors("reading Event Grid's key of the app from Azure"),
            PipelineClient(ARM, policies=policies, **{**CLIENT_OPTIONS, **options}) as client,
        ):
            told = _ask(client, "POST", f"{app.path}/host/default/listkeys") or {}
    except StorageRefusedError:
        return None
    key = (told.get("systemKeys") or {}).get(_EVENT_GRID_KEY)
    return SecretStr(key) if key else None


def _caller(identity: TokenCredential) -> str | None:
    """Return the developer's object id, from the token that Azure has just issued."""
    try:
        token = identity.get_token(f"{ARM}/.default").token
    except ClientAuthenticationError:
        message = "nobody is signed in to Azure here: run `az login`, then this again"
        raise RequestError(message, code=Code.TOKEN_UNAVAILABLE) from None
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return str(claims["oid"])
    except (IndexError, ValueError, KeyError, TypeError):
        return None


def _subscriptions(client: "PipelineClient[Any, Any]") -> list[str]:
    listed = _ask(client, "GET", "/subscriptions", _SUBSCRIPTIONS) or {"value": []}
    return [str(each["subscriptionId"]) for each in listed["value"]]


def _ask(client: "PipelineClient[Any, Any]", method: str, path: str, version: str = _SITES) -> Mapping[str, Any] | None:
    """Return an answer; None where nothing is under that path."""
    request = HttpRequest(method, f"{ARM}{path}?api-version={version}")
    answer = attempt(partial(client.send_request, request))
    if answer.status_code == 404:
        return None
    answer.raise_for_status()
    found: Mapping[str, Any] = answer.json()
    return found

"""Options that all Azure clients share: short timeouts, one credential per identity, and our own two quick retries.

The SDKs' retrying is switched off. azure-core obeys a Retry-After of any length (which would park a worker for an
hour) and azure-data-tables 12.7 sends a retry to the account's secondary host, where nothing may be written.
"""

import random
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError

from recording.adapters.azure_sdk.errors import may_pass, retry_after, status_of

T = TypeVar("T")
STORAGE_SCOPE = "https://storage.azure.com/.default"  # of a token, where no client of the SDK asks for it

# A stalled call ends well inside a claim (two minutes); the queue brings the work back.
# Nothing from the environment: a proxy for some clients and not for others would cause half an outage, and an entry in
# .netrc would replace the Authorization of every request.
CLIENT_OPTIONS: Mapping[str, Any] = {
    "connection_timeout": 10,
    "read_timeout": 30,
    "retry_total": 0,
    "use_env_settings": False,
}
PAUSES = (0.2, 0.8)  # seconds before the second and the third try


def attempt(call: Callable[[], T]) -> T:
    """Return the call's result; a transient failure is retried twice, within about a second.

    Throttling and anything with a Retry-After is not retried: the queue is better at waiting. All calls made through
    here may be repeated: a conditional write whose answer was lost is refused the second time, which its caller must
    handle anyway.
    """
    for pause in PAUSES:
        try:
            return call()
        except AzureError as error:
            if not may_pass(error) or status_of(error) == 429 or retry_after(error):
                raise
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
    return call()


@cache
def credential(client_id: str | None) -> TokenCredential:
    """Return the identity's credential, one per process: tokens are cached in it.

    Args:
        client_id: of a user-assigned identity; None uses whatever the environment offers.
    """
    from recording.adapters.azure_sdk import identities  # only an identity needs it: a key starts faster

    if client_id:
        return identities.ManagedIdentity(client_id=client_id, **identities.OPTIONS)
    return identities.AnyIdentity(**identities.OPTIONS)


@cache
def person() -> TokenCredential:
    """Return the credential of the signed-in developer: az, azd or PowerShell, never a managed identity."""
    from azure.identity import (
        AzureCliCredential,
        AzureDeveloperCliCredential,
        AzurePowerShellCredential,
        ChainedTokenCredential,
    )

    return ChainedTokenCredential(AzureCliCredential(), AzureDeveloperCliCredential(), AzurePowerShellCredential())

"""The app's identities, whose token service may fail in any way: it holds nobody for long, and is told as what failed.

azure-identity waits for a Retry-After of any length and for an answer for minutes, and an answer that it cannot read
raises whatever its parser does.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.identity import CredentialUnavailableError, DefaultAzureCredential, ManagedIdentityCredential

from recording.adapters.azure_sdk.errors import UNREADABLE_ANSWER

T = TypeVar("T")

# Nothing from the environment: tokens are fetched directly, like storage requests. A service that answers at all does
# so in a second; three tries end within the time of a request.
OPTIONS: Mapping[str, Any] = {"use_env_settings": False, "connection_timeout": 5, "read_timeout": 10, "retry_total": 0}
PAUSES = (0.2, 0.8)  # seconds before the second and the third try


class _Patient:
    """Asks for each token three times at most; stands before a credential of azure-identity."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return a token, after at most three tries."""
        token: AccessToken = _given(partial(super().get_token, *scopes, **options))  # type: ignore[misc]
        return token

    def get_token_info(self, *scopes: str, **options: Any) -> AccessTokenInfo:
        """Return a token, after at most three tries."""
        token: AccessTokenInfo = _given(partial(super().get_token_info, *scopes, **options))  # type: ignore[misc]
        return token


class ManagedIdentity(_Patient, ManagedIdentityCredential):
    """An identity by its client id."""


class AnyIdentity(_Patient, DefaultAzureCredential):
    """Whatever the environment offers."""


def _given(ask: Callable[[], T]) -> T:
    """Return what the token service gives.

    Raises:
        ClientAuthenticationError: whatever it is that failed; without a response, as no service that needs the token
            was asked.
    """
    for pause in (*PAUSES, None):
        try:
            return ask()
        except CredentialUnavailableError:
            raise  # there is no identity, or its service asks for a pause
        except (AzureError, OverflowError, *UNREADABLE_ANSWER) as error:
            failed = type(error).__name__
        if pause is not None:
            time.sleep(pause)
    raise ClientAuthenticationError(f"the token service failed ({failed})")

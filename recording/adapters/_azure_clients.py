"""What all Azure clients share: short timeouts, one credential per identity, and our own two quick retries.

The SDKs' retrying is switched off. azure-core obeys a Retry-After of any length (which would park a worker for an
hour) and azure-data-tables 12.7 sends a retry to the account's secondary host, where nothing may be written.
"""

import random
import ssl
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import certifi
import requests
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import RequestsTransport
from requests import PreparedRequest
from requests.adapters import HTTPAdapter

from recording.adapters._azure_errors import may_pass, retry_after, status_of

T = TypeVar("T")

# A stalled call ends well inside a claim (two minutes); the queue brings the work back.
CLIENT_OPTIONS: Mapping[str, Any] = {"connection_timeout": 10, "read_timeout": 30, "retry_total": 0}
PAUSES = (0.2, 0.8)  # seconds before the second and the third try


def attempt(call: Callable[[], T]) -> T:
    """The call's result; a failure that may pass is tried again twice, within about a second.

    Throttling and anything with a Retry-After is not: the queue knows better how to wait. All calls made through here
    may be repeated: a conditional write whose answer was lost is refused the second time, which its caller must
    understand anyway.
    """
    for pause in PAUSES:
        try:
            return call()
        except AzureError as error:
            if not may_pass(error) or status_of(error) == 429 or retry_after(error):
                raise
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
    return call()


class _SharedTls(HTTPAdapter):
    """Connections of one TLS context, which is read once; `requests` reads the certificates for each (16 ms)."""

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: bool | str, cert: Any = None
    ) -> tuple[Any, Any]:
        """As requests does it, with the context instead of the certificates' path."""
        host, options = super().build_connection_pool_key_attributes(request, verify, cert)
        if host.get("scheme") == "https" and verify:
            options.pop("ca_certs", None)
            options["ssl_context"] = _tls_context(verify if isinstance(verify, str) else certifi.where())
        return host, options

    def cert_verify(self, conn: Any, url: str, verify: bool | str, cert: Any) -> None:
        """Nothing is left to read; without verification requests does as it always does."""
        if not verify:
            super().cert_verify(conn, url, verify, cert)


@cache
def _tls_context(bundle: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=bundle)


def shared_transport() -> RequestsTransport:
    """A transport with as many connections as the copy engine may use at once, and one TLS context."""
    session = requests.Session()
    session.mount("https://", _SharedTls(pool_maxsize=64))
    session.mount("http://", HTTPAdapter(pool_maxsize=64))
    return RequestsTransport(
        session=session,
        session_owner=True,
        connection_timeout=10,
        read_timeout=30,
        connection_data_block_size=1 << 20,  # the transport's own 4 KiB cost seven CPU seconds for a GB
    )


@cache
def credential(client_id: str | None) -> TokenCredential:
    """The identity's credential, one per process: tokens are cached in it.

    Args:
        client_id: of a user-assigned identity; None takes whatever the environment offers.
    """
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=client_id) if client_id else DefaultAzureCredential()

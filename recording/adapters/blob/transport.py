"""The transport for the blob SDK: one TLS context, and enough connections for `transfer`.

It implements no HTTP itself.
"""

import ssl
from functools import cache
from typing import Any

import certifi
import requests
from azure.core.pipeline.transport import RequestsTransport
from requests import PreparedRequest
from requests.adapters import HTTPAdapter


class _SharedTls(HTTPAdapter):
    """Connections of one TLS context, which is read once; `requests` reads the certificates for each (16 ms)."""

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: bool | str, cert: Any = None
    ) -> tuple[Any, Any]:
        """Do as requests does, with the context instead of the certificates' path."""
        host, options = super().build_connection_pool_key_attributes(request, verify, cert)
        if host.get("scheme") == "https" and verify:
            options.pop("ca_certs", None)
            options["ssl_context"] = _tls_context(verify if isinstance(verify, str) else certifi.where())
        return host, options

    def cert_verify(self, conn: Any, url: str, verify: bool | str, cert: Any) -> None:
        """Read nothing: the context has it; without verification requests does as it always does."""
        if not verify:
            super().cert_verify(conn, url, verify, cert)


@cache
def _tls_context(bundle: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=bundle)


def shared_transport() -> RequestsTransport:
    """Return a transport with as many connections as the copy engine may use at once, and one TLS context."""
    session = requests.Session()
    session.trust_env = False  # no proxy and no .netrc of the environment, as for all other clients
    session.mount("https://", _SharedTls(pool_maxsize=64))
    session.mount("http://", HTTPAdapter(pool_maxsize=64))
    return RequestsTransport(
        session=session,
        session_owner=True,
        connection_timeout=10,
        read_timeout=30,
        connection_data_block_size=1 << 20,  # the transport's own 4 KiB cost seven CPU seconds for a GB
    )

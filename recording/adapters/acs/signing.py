"""ACS's HMAC-SHA256 request signature, as azure-communication-callautomation's HMACCredentialsPolicy makes it. Pure."""

import base64
import hashlib
import hmac
from datetime import datetime
from email.utils import format_datetime


def signed_headers(
    method: str, path_and_query: str, host: str, access_key: str, *, at: datetime, body: bytes = b""
) -> dict[str, str]:
    """Return the headers that authorise one request; a redirect or a retry needs new ones.

    Args:
        method: the HTTP verb.
        path_and_query: of the URL that is really requested.
        host: of the ACS resource, whatever host is requested: storage learns it from the header x-ms-host.
        access_key: base64, as in the connection string.
        at: the time, aware; ACS refuses signatures that are minutes off.
        body: what is sent.
    """
    date = format_datetime(at, usegmt=True)
    content_hash = base64.b64encode(hashlib.sha256(body).digest()).decode()
    to_sign = f"{method.upper()}\n{path_and_query}\n{date};{host};{content_hash}"
    digest = hmac.new(base64.b64decode(access_key), to_sign.encode(), hashlib.sha256).digest()
    signature = base64.b64encode(digest).decode()
    return {
        "x-ms-date": date,
        "x-ms-content-sha256": content_hash,
        "Authorization": f"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={signature}",
    }

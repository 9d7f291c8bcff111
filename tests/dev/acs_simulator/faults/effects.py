"""What the tests of effects share: the length of the object that is read, and a request without the SDK."""

from typing import Any

from dev.acs_simulator.threaded import SimulatorHandle

LENGTH = 32_044
"""One second of sound: 44 bytes of header and 32,000 of samples."""


def raw(simulator: SimulatorHandle, method: str, url: str) -> Any:
    """One signed request and its answer, without the SDK's opinion on it."""
    import base64
    import hashlib
    import hmac
    from email.utils import formatdate
    from urllib.parse import urlsplit

    import urllib3

    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    date, content = formatdate(usegmt=True), base64.b64encode(hashlib.sha256(b"").digest()).decode()
    text = f"{method}\n{target}\n{date};{parts.hostname};{content}"
    key = base64.b64decode(simulator.addresses.access_key)
    signature = base64.b64encode(hmac.digest(key, text.encode(), "sha256")).decode()
    signed = f"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={signature}"
    headers = {"x-ms-date": date, "x-ms-content-sha256": content, "Authorization": signed}
    with urllib3.ProxyManager(simulator.addresses.proxy_url, ca_certs=str(simulator.addresses.ca_bundle)) as proxy:
        return proxy.request(method, url, headers=headers, retries=False, redirect=False)

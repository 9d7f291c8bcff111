"""Where a running simulator is, and what opens it."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Addresses:
    """What a client must be told. The endpoint is reached only through the proxy, trusting the bundle."""

    endpoint: str
    connection_string: str = field(repr=False)
    access_key: str = field(repr=False)
    proxy_url: str
    ca_bundle: Path
    admin_url: str
    resource_id: str
    topic_endpoint: str
    topic_key: str = field(repr=False)

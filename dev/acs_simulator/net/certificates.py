"""Makes a certificate authority for one run, and a certificate for every host name the simulator plays."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

from dev.acs_simulator.options import SimulatorOptions


@dataclass(frozen=True)
class Certificates:
    """`ca_bundle` is what clients must trust; `server` serves with it, `client` trusts it beside the public ones."""

    ca_bundle: Path
    server: ssl.SSLContext
    client: ssl.SSLContext


def make_certificates(options: SimulatorOptions, folder: Path) -> Certificates:
    """Write `ca.pem` into the folder. The key of the authority is never written, so nothing else can use it later."""
    authority = trustme.CA()
    ca_bundle = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_bundle))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(
        "*.communication.azure.com",
        "*.asm.skype.com",
        options.endpoint_host,  # has a region in its name, which the one-level wildcard does not cover
        *options.storage_hosts,
    ).configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return Certificates(ca_bundle, server, client)

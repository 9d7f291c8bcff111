"""What a client in each language must be told: the proxy, the authority to trust, the connection string."""

from shlex import quote

from dev.acs_simulator.addresses import Addresses

LANGUAGES = ("shell", "python", "dotnet", "node", "java", "curl")


def exports(addresses: Addresses) -> dict[str, str]:
    """Return a recipe for each of `LANGUAGES`, with this simulator's addresses in it."""
    proxy_host, _, proxy_port = addresses.proxy_url.removeprefix("http://").partition(":")
    known = {
        "connection": addresses.connection_string,
        "proxy": addresses.proxy_url,
        "ca": str(addresses.ca_bundle),
        "file": quote(str(addresses.ca_bundle)),  # a folder may have a space in its name
        "admin": addresses.admin_url,
        "proxy_host": proxy_host,
        "proxy_port": proxy_port,
    }
    return {language: _filled(_RECIPES[language], known) for language in LANGUAGES}


def _filled(recipe: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        recipe = recipe.replace(f"<{name}>", value)
    return recipe


_RECIPES = {
    "shell": """export ACS_CONNECTION_STRING='<connection>'
export HTTPS_PROXY=<proxy>
export NO_PROXY=127.0.0.1,localhost
export REQUESTS_CA_BUNDLE=<file> SSL_CERT_FILE=<file> NODE_EXTRA_CA_CERTS=<file>
export SIM=<admin>""",
    "python": """import os
from azure.communication.callautomation import CallAutomationClient  # reads HTTPS_PROXY and REQUESTS_CA_BUNDLE
client = CallAutomationClient.from_connection_string(os.environ["ACS_CONNECTION_STRING"])
# or without environment variables:
client = CallAutomationClient.from_connection_string(
    "<connection>", proxies={"https": "<proxy>"}, connection_verify="<ca>")""",
    "dotnet": """// using Azure.Communication.CallAutomation; using Azure.Core.Pipeline; using System.Net;
// using System.Security.Cryptography.X509Certificates;
var ca = X509Certificate2.CreateFromPemFile("<ca>");
var handler = new HttpClientHandler {
    Proxy = new WebProxy("<proxy>"),
    ServerCertificateCustomValidationCallback = (_, certificate, chain, _) => {
        chain!.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(ca);
        return chain.Build(certificate!);
    },
};
var options = new CallAutomationClientOptions { Transport = new HttpClientTransport(handler) };
var client = new CallAutomationClient("<connection>", options);""",
    "node": """// HTTPS_PROXY and NODE_EXTRA_CA_CERTS as above, before node starts
import { CallAutomationClient } from "@azure/communication-call-automation";
const client = new CallAutomationClient(process.env.ACS_CONNECTION_STRING);""",
    "java": """// keytool -importcert -noprompt -alias acs-simulator -file <file> -keystore sim.p12 -storepass changeit
// java -Djavax.net.ssl.trustStore=sim.p12 -Djavax.net.ssl.trustStorePassword=changeit …
ProxyOptions proxy = new ProxyOptions(ProxyOptions.Type.HTTP, new InetSocketAddress("<proxy_host>", <proxy_port>));
CallAutomationClient client = new CallAutomationClientBuilder()
    .connectionString("<connection>")
    .httpClient(new NettyAsyncHttpClientBuilder().proxy(proxy).build())
    .buildClient();""",
    "curl": """# requests to ACS must be signed; the admin API needs nothing
curl -s <admin>/_simulator/calls -d '{"participants": ["Ann", "+4930901820"]}'
curl -s --proxy <proxy> --cacert <file> https://storage.asm.skype.com/v1/objects/x/content/video -i  # 401""",
}

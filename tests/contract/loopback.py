"""HTTP servers on loopback, as `dev.loopback` plays them: contract tests find them here."""

from dev.loopback import Answer, ConnectProxy, HttpServer, Script, Seen, World, certificates

__all__ = ["Answer", "ConnectProxy", "HttpServer", "Script", "Seen", "World", "certificates"]

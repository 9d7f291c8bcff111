"""Makes the Location of a redirect that a guard must judge: another scheme, port, host or object."""

from urllib.parse import urlsplit

from aiohttp import web

from dev.acs_simulator.faults.script import Fault
from dev.acs_simulator.state.identifiers import new_document_id

FOREIGN_HOST = "files.example.org"


def odd_location(request: web.Request, fault: Fault, document_id: str | None, home: str) -> str | None:
    """Return where the fault sends this request, or None when the request is there already.

    `home` is the storage host that redirects of today's ACS lead to.
    """
    asked = urlsplit(f"https://{request.host}{request.raw_path}")
    host = str(fault.argument("host") or {"foreign": FOREIGN_HOST, "http": asked.hostname}.get(fault.text("to"), home))
    match fault.text("to"):
        case "http":
            return f"http://{host}{request.raw_path}"
        case "port_443":
            return None if asked.hostname == host else f"https://{host}:443{request.raw_path}"
        case "capitals":
            return None if asked.hostname == host else f"https://{host.upper()}{request.raw_path}"
        case "loop":
            return f"https://{asked.hostname}{request.raw_path}"
        case "other_object":
            other = str(fault.argument("other_document_id") or new_document_id())
            if document_id == other:
                return None
            return f"https://{host}{request.raw_path.replace(document_id or '', other, 1)}"
    return f"https://{host}{request.raw_path}"

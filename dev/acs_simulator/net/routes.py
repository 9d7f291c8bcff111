"""Tells from host, method and path what a request asks for."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from dev.acs_simulator.faults.kinds import Operation
from dev.acs_simulator.options import SimulatorOptions

METADATA_VIEW = "acsmetadata"


@dataclass(frozen=True)
class Route:
    """An operation and the id it is about; `document_id` may be malformed."""

    operation: Operation
    recording_id: str | None = None
    document_id: str | None = None

    @property
    def is_control(self) -> bool:
        """Return whether it belongs to the control plane; the others belong to the storage plane."""
        return self.operation not in {Operation.CONTENT, Operation.METADATA, Operation.DELETE}


_CONTROL_PATHS = (
    ("POST", re.compile(r"/calling/recordings"), Operation.START),
    ("GET", re.compile(r"/calling/recordings/(?P<id>[^/:]+)"), Operation.GET),
    ("DELETE", re.compile(r"/calling/recordings/(?P<id>[^/:]+)"), Operation.STOP),
    ("POST", re.compile(r"/calling/recordings/(?P<id>[^/:]+):pause"), Operation.PAUSE),
    ("POST", re.compile(r"/calling/recordings/(?P<id>[^/:]+):resume"), Operation.RESUME),
)
_STORAGE_PATHS = (
    ("GET", re.compile(r"/v1/objects/(?P<id>[^/]*)/content/acsmetadata"), Operation.METADATA),
    # Any other view serves the media: `content/video` was seen for sound, too.
    ("GET", re.compile(r"/v1/objects/(?P<id>[^/]*)/content/\w+"), Operation.CONTENT),
    ("DELETE", re.compile(r"/v1/objects/(?P<id>[^/]*)(/content/deletedata)?"), Operation.DELETE),
)


def plays(host: str, options: SimulatorOptions) -> bool:
    """Return whether the simulator answers for this host name."""
    return host.lower() in {options.endpoint_host.lower(), *options.storage_hosts}


def route(host: str, method: str, raw_path: str, options: SimulatorOptions) -> Route | None:
    """Return what is asked for, or None when there is no such thing on this host."""
    is_control = host.lower() == options.endpoint_host.lower()
    for wanted_method, pattern, operation in _CONTROL_PATHS if is_control else _STORAGE_PATHS:
        match = pattern.fullmatch(raw_path)
        if match is not None and method == wanted_method:
            found = unquote(match.groupdict().get("id") or "") or None
            return Route(operation, recording_id=found) if is_control else Route(operation, document_id=found or "")
    return None

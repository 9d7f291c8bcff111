"""Makes ids of the shapes ACS uses, and knows a well-formed one. All of them are opaque to clients."""

import base64
import json
import random
import re
import uuid

DOCUMENT_ID = re.compile(r"0-[a-z]{2,4}-d\d{1,2}-[0-9a-f]{32}")
"""Seen in all recorded traffic: region, storage generation, 32 hex digits."""


_chance: list[random.Random] = [random.SystemRandom()]
"""Where ids come from: the one source of this process."""


def seed_identifiers(seed: int | None) -> None:
    """Let ids repeat from run to run; None makes them unpredictable again."""
    _chance[0] = random.SystemRandom() if seed is None else random.Random(seed)


def random_bytes(count: int) -> bytes:
    """Return bytes for an id or a number."""
    return _chance[0].randbytes(count)


def new_guid() -> str:
    """Return a random GUID."""
    return str(uuid.UUID(bytes=random_bytes(16), version=4))


def new_document_id() -> str:
    """Return the id of a stored chunk, like `0-eus-d12-801b…`."""
    return f"0-eus-d12-{random_bytes(16).hex()}"


def new_server_call_id() -> str:
    """Return Base64url of the URL of a conversation, which is what real server call ids decode to."""
    conversation = base64.urlsafe_b64encode(random_bytes(16)).decode().rstrip("=")
    url = f"https://api.flightproxy.skype.com/api/v2/cp/conv-use2-01.conv.skype.com/conv/{conversation}?i=20"
    return base64.urlsafe_b64encode(url.encode()).decode()


def new_recording_id() -> str:
    """Return unpadded base64url of a JSON object with two GUIDs, as decoded from live traffic."""
    return recording_id_of(new_guid(), new_guid())


def recording_id_of(platform_endpoint_id: str, resource_specific_id: str) -> str:
    """Return the recording id that holds these two GUIDs."""
    fields = {"PlatformEndpointId": platform_endpoint_id, "ResourceSpecificId": resource_specific_id}
    text = json.dumps(fields, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def resource_specific_id(recording_id: str) -> str | None:
    """Return the GUID inside a recording id that ACS uses within, or None when this is no such id."""
    try:
        fields = json.loads(base64.urlsafe_b64decode(recording_id + "=" * (-len(recording_id) % 4)))
    except ValueError:
        return None
    found = fields.get("ResourceSpecificId") if isinstance(fields, dict) else None
    return found if isinstance(found, str) else None


def new_mri(resource: str) -> str:
    """Return a communication user of this ACS resource: `8:acs:{resource}_{guid}`."""
    return f"8:acs:{resource}_{new_guid()}"


def is_base64url_of_url(server_call_id: str) -> bool:
    """Return whether this can be a server call id at all; the service complains about base64 otherwise."""
    padded = server_call_id + "=" * (-len(server_call_id) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_", validate=True).startswith(b"https://")
    except ValueError:
        return False


def is_document_id(text: str) -> bool:
    """Return whether an object id is well-formed: malformed ones are answered 400, unknown ones 404."""
    return DOCUMENT_ID.fullmatch(text) is not None

"""What the simulator can be told before it starts; the defaults are today's ACS as far as anybody outside knows it."""

import base64
import random
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, IntEnum, StrEnum
from pathlib import Path

CHUNK_MAX_SECONDS = 4 * 60 * 60
"""The longest chunk: `chunkDuration` is at most four hours (call recording docs, metadata schema)."""
RETENTION = timedelta(hours=24)
"""How long ACS keeps an object. Older docs say 48 h; when the clock starts is not documented: here, once readable."""
SIGNATURE_SKEW = timedelta(minutes=5)
"""How far `x-ms-date` may be from the wall clock; Azure's signed requests allow this much, ACS states no number."""
STORAGE_HOSTS = ("storage.asm.skype.com", "us-storage.asm.skype.com", "sa1-storage.asm.skype.com")
"""Host names seen in recorded traffic: for content, for deletes, and as the target of cross-host redirects."""


class SubjectForm(IntEnum):
    """The four shapes of the event's subject that were seen, from oldest to newest."""

    CALL = 1
    RECORDING = 2
    SERVER_CALL = 3
    SERVER_CALL_AND_RECORDING = 4


class DeleteLocation(StrEnum):
    """Where the event says a chunk is to be deleted."""

    OBJECT = "object"
    """`https://us-storage…/v1/objects/{documentId}`, as live deletes did."""
    DELETE_DATA = "deletedata"
    """`…/content/deletedata` on the host of the content."""
    NONE = "none"


class BearerTokens(Enum):
    """Which bearer tokens are let in. None is ever checked against an issuer."""

    REFUSE = "refuse"
    JWT = "jwt"
    """Three non-empty parts with dots between."""
    ANY = "any"
    """Any text that is not empty."""


@dataclass(frozen=True)
class EventShape:
    """How RecordingFileStatusUpdated events look; every variant was seen in docs or in the wild."""

    subject: SubjectForm = SubjectForm.SERVER_CALL_AND_RECORDING
    delete_location: DeleteLocation = DeleteLocation.OBJECT
    types_present: bool = True
    """Whether data carries recordingContentType, -ChannelType and -FormatType."""
    event_per_chunk: bool = False
    """No source says whether n chunks come in one event or in n."""
    recording_id_in_data: bool = False
    """Data carries recordingId and storageType "ACS", as events seen in 2026 do."""
    call_events: bool = False
    """CallStarted and CallEnded are published too, for whoever subscribes without a type filter."""


@dataclass(frozen=True)
class MetadataShape:
    """How metadata documents look; see `dev.media.metadata_document` for what each flag means."""

    compact: bool = False
    swapped: bool = True
    sample_rate_as_text: bool = False
    duration_as_float: bool = False


@dataclass(frozen=True)
class SimulatorOptions:
    """Everything about one simulator. Durations are simulated seconds unless named otherwise.

    Attributes:
        endpoint_host: The host name of the ACS resource.
        access_key: Base64; generated when not given.
        resource_id: The Azure resource id, which is the topic of its events; lower case, as real topics are.
        immutable_resource_id: The GUID that MRIs and metadata carry.
        topic_key: Of the topic's publishing interface; generated when not given.
        bearer_tokens: Which `Authorization: Bearer` values are accepted.
        storage_hosts: The storage host names played: content, delete, and the home of redirected objects, in order.
        redirect_content: Content is homed on the last storage host; the others answer 302.
        ams_unauthorized_body: The storage plane's 401 has the problem-style JSON of 2023 instead of no body.
        activation_delay: From start to `active`.
        state_delay: From pause or resume to the new state.
        refuse_while_changing: Until the new state, pause and resume are refused with 8573; else they wait their turn.
        start_status: 200, or 202 for an answer that is completed by a callback.
        file_delay: From the end of a recording to its files and event.
        chunk_max_seconds: Where long recordings are cut.
        retention: How long objects exist.
        duplicate_code: The error code of a second start on a call: 8559 is documented, 8553 only named.
        combination_code: The error code of an unsupported format combination; 8557 and 8562 are plausible too.
        event: The shape of events.
        metadata: The shape of metadata documents.
        blob_connection_strings: Storage accounts (Azurite) that bring-your-own-storage may write to.
        allow_http_callbacks: Let recordingStateCallbackUri be plain http on loopback; ACS itself wants https.
        data_folder: Where the CA and the media lie. A temporary folder, removed at the end, when not given.
        proxy_port: Loopback port of the CONNECT proxy; 0 takes a free one.
        admin_port: Loopback port of the admin API; 0 takes a free one.
        tls_port: Loopback port of the service itself; 0 takes a free one.
        seed: Ids repeat from run to run when given; for the whole process.
    """

    endpoint_host: str = "contoso-calls.unitedstates.communication.azure.com"
    access_key: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(64)).decode(), repr=False)
    resource_id: str = (
        "/subscriptions/6a3e5c1f-2b64-4d0e-9c1a-70f3f6e1d2b5/resourcegroups/contoso-calls"
        "/providers/microsoft.communication/communicationservices/contoso-calls"
    )
    immutable_resource_id: str = "b52f0c58-6d0e-4a7b-9a55-1f7f8c2f9f10"
    topic_key: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(32)).decode(), repr=False)
    bearer_tokens: BearerTokens = BearerTokens.REFUSE
    storage_hosts: tuple[str, str, str] = STORAGE_HOSTS
    redirect_content: bool = False
    ams_unauthorized_body: bool = False
    activation_delay: float = 1.0
    state_delay: float = 0.5
    refuse_while_changing: bool = True
    start_status: int = 200
    file_delay: float = 4.0
    chunk_max_seconds: float = CHUNK_MAX_SECONDS
    retention: timedelta = RETENTION
    duplicate_code: str = "8559"
    combination_code: str = "8523"
    event: EventShape = EventShape()
    metadata: MetadataShape = MetadataShape()
    blob_connection_strings: tuple[str, ...] = field(default=(), repr=False)
    allow_http_callbacks: bool = False
    data_folder: Path | None = None
    proxy_port: int = 0
    admin_port: int = 0
    tls_port: int = 0
    seed: int | None = None


def options_of_seed(seed: int) -> SimulatorOptions:
    """Return options whose keys and ids are the same in every run with this seed."""
    chance = random.Random(seed)
    key, topic_key = (base64.b64encode(chance.randbytes(size)).decode() for size in (64, 32))
    return SimulatorOptions(access_key=key, topic_key=topic_key, seed=seed)

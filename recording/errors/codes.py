"""The table of error codes: HTTP status, whose fault it is, whether a retry helps, and the remedy.

Programs rely on the values; sentences may change. The tables of docs/errors.md are written from here
(`python -m dev error-tables`).
"""

from enum import StrEnum


class Fault(StrEnum):
    """Who must act; TIME means that the fault passes by itself."""

    CALLER = "caller"
    ACS = "acs"
    OPERATOR = "operator"
    TIME = "nobody"


class Code(StrEnum):
    """A stable name for what went wrong."""

    status: int | None  # of the HTTP answer; None where no caller receives the code
    is_retryable: bool  # the same work may succeed later
    fault: Fault
    meaning: str  # Markdown, for docs/errors.md
    remedy: str

    def __new__(  # noqa: PLR0917 - one row of a table
        cls, value: str, status: int | None, is_retryable: bool, fault: Fault, meaning: str, remedy: str
    ) -> "Code":
        """Make a member that equals its value."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.status, member.is_retryable, member.fault = status, is_retryable, fault
        member.meaning, member.remedy = meaning, remedy
        return member

    @classmethod
    def of(cls, text: str | None) -> "Code | None":
        """Return the member of this value; None for a code that this version does not know."""
        return next((member for member in cls if member == text), None)

    # fmt: off
    # HTTP: the request
    INVALID_REQUEST = (
        "invalid_request", 400, False, Fault.CALLER,
        "A field is missing, unknown or of the wrong form; the text names each one.",
        "Correct the request.")
    BODY_MISSING = (
        "body_missing", 400, False, Fault.CALLER,
        "There is no body, or no `Content-Length` (the Functions host drops bodies without one).",
        "Send JSON with a length.")
    BODY_NOT_JSON = (
        "body_not_json", 400, False, Fault.CALLER,
        "The body is not JSON.",
        "Correct it.")
    PAUSE_TOO_LONG = (
        "pause_too_long", 400, False, Fault.CALLER,
        "`maxSeconds` is more than the policy that covers the recording allows. The recording was not paused.",
        "Ask for less, or for another policy.")
    CONSENT_NOT_GIVEN = (
        "consent_not_given", 409, False, Fault.CALLER,
        "Consent that was never given, or is withdrawn, can be neither amended nor withdrawn.",
        "Send a step `given`.")
    NOT_SIGNED_IN = (
        "not_signed_in", 401, False, Fault.CALLER,
        "App Service authentication is on, and it does not say who is calling.",
        "Sign in; send the token of your application.")
    ROLE_MISSING = (
        "role_missing", 403, False, Fault.CALLER,
        "The caller lacks the app role that the text names.",
        "Ask for the role.")
    TENANT_MISSING = (
        "tenant_missing", 403, False, Fault.CALLER,
        "The archive has tenants (`TENANTS`), and the caller belongs to none of them.",
        "Have the caller put into a group, or given an app role, of a tenant.")
    GROUPS_LEFT_OUT = (
        "groups_left_out", 403, False, Fault.OPERATOR,
        "The archive has tenants, and the caller's sign-in leaves its groups out because there are too many of them. "
        "The app does not guess.",
        "Assign an app role of the tenant, or let the application's token hold only groups assigned to it.")
    WHOLE_ARCHIVE_ONLY = (
        "whole_archive_only", 403, False, Fault.CALLER,
        "The request concerns all recordings at once, but the caller may see those of some tenants only.",
        "Send it as a caller who sees all tenants (`seeAll` in `TENANTS`).")
    TENANT_NOT_TOLD = (
        "tenant_not_told", 400, False, Fault.CALLER,
        "It is unclear which of the caller's tenants the recording belongs to: the tag that says so is missing, or "
        "names none of them. ACS was not called.",
        "Send the tag with the value of one of the caller's tenants.")
    TENANT_FIXED = (
        "tenant_fixed", 409, False, Fault.CALLER,
        "The tag would move the recording to another tenant. A recording's tenant never changes.",
        "Leave the tag as it is.")
    SIGN_IN_UNAVAILABLE = (
        "sign_in_unavailable", 503, False, Fault.OPERATOR,
        "The console needs App Service authentication, which is off here.",
        "Switch it on (`ENTRA_CLIENT_ID`); see the page about the console.")
    CROSS_SITE_REQUEST = (
        "cross_site_request", 403, False, Fault.CALLER,
        "A request to the console's routes does not come from the console's own page.",
        "Open the console itself; programs use the routes with a key.")
    UNKNOWN_ROUTE = (
        "unknown_route", 404, False, Fault.CALLER,
        "The console has no such route or file.",
        "Correct the path.")
    METHOD_NOT_ALLOWED = (
        "method_not_allowed", 405, False, Fault.CALLER,
        "The console's route does not accept this method.",
        "See the page about the console.")
    CHUNK_NOT_FOUND = (
        "chunk_not_found", 404, False, Fault.CALLER,
        "The catalog knows no chunk with this index, or no such document.",
        "Look at the recording's chunks.")
    NO_SUCH_CHANNEL = (
        "no_such_channel", 404, False, Fault.CALLER,
        "The media is not a WAV file, or has no channel with this number.",
        "Look at the recording's chunks; channels count from 0.")
    NOT_DERIVABLE = (
        "not_derivable", 409, False, Fault.CALLER,
        "No such file can be made from this recording; the detail says why.",
        "Take the chunks as they are.")
    DERIVED_NOT_FOUND = (
        "derived_not_found", 404, False, Fault.CALLER,
        "The recording has no derived file with this id.",
        "Use an id that `POST recordings/{recordingId}/derived` gave you.")
    DERIVED_NOT_MADE = (
        "derived_not_made", 409, True, Fault.TIME,
        "The derived file has not been made yet.",
        "Ask again; `GET recordings/{recordingId}/derived` shows the progress.")
    NOT_ARCHIVED = (
        "not_archived", 409, True, Fault.TIME,
        "The media is not archived yet; ACS may still have it.",
        "Ask again; the recording's chunks show the progress.")
    MEDIA_OFFLINE = (
        "media_offline", 409, False, Fault.OPERATOR,
        "The media is in the archive tier, or no longer where the customer's own storage had it.",
        "Rehydrate the blob, or configure the container.")
    MEDIA_DISPOSED = (
        "media_disposed", 410, False, Fault.CALLER,
        "The media was lawfully deleted.",
        "Nothing; the certificate or the rule says why.")
    DOWNLOAD_LINKS_OFF = (
        "download_links_off", 403, False, Fault.OPERATOR,
        "`DOWNLOAD_LINK_MINUTES` is not set, so no link to storage is handed out.",
        "Download through the app; set it only if links may outlive roles.")
    DOWNLOAD_LINK_REFUSED = (
        "download_link_refused", 409, False, Fault.OPERATOR,
        "The archive's account gives the app's identity no key to sign with, or is reached with a connection string.",
        "Reach the archive by identity, with a role that may ask for a delegation key; or download through the app.")
    RANGE_MISSING = (
        "range_missing", 400, False, Fault.CALLER,
        "The media is larger than one answer, and no `Range` says which part is wanted.",
        "Ask for ranges of at most 4 MiB.")
    RANGE_NOT_SATISFIABLE = (
        "range_not_satisfiable", 416, False, Fault.CALLER,
        "`Range` is malformed, names several parts, or starts beyond the end; `Content-Range` has the length.",
        "Ask for one part of the file.")
    WAVEFORM_BUSY = (
        "waveform_busy", 503, True, Fault.TIME,
        "This instance is making other waveforms.",
        "Obey `Retry-After`.")
    TOO_MANY_STARTS = (
        "too_many_starts", 429, True, Fault.CALLER,
        "The caller has asked for as many starts within a minute as `START_RATE_PER_MINUTE` allows. ACS was "
        "not called.",
        "Obey `Retry-After`.")
    TOO_MANY_RUNNING = (
        "too_many_running", 429, True, Fault.CALLER,
        "As many recordings of this caller are running as `RUNNING_PER_CALLER` allows. ACS was not called.",
        "Stop one, or obey `Retry-After`.")
    BODY_TOO_LARGE = (
        "body_too_large", 413, False, Fault.CALLER,
        "The body is larger than 64 KiB.",
        "Send a smaller one.")
    INVALID_IDEMPOTENCY_KEY = (
        "invalid_idempotency_key", 400, False, Fault.CALLER,
        "`Idempotency-Key` is not 1 to 255 printable characters.",
        "Correct it.")
    IDEMPOTENCY_KEY_REUSED = (
        "idempotency_key_reused", 409, False, Fault.CALLER,
        "The key was used for a different request.",
        "Use a new key for a new request.")
    INVALID_RECORDING_ID = (
        "invalid_recording_id", 400, False, Fault.CALLER,
        "The id in the path cannot be a recording id.",
        "Use the id that start gave you.")
    LOCATOR_MISSING = (
        "locator_missing", 400, False, Fault.CALLER,
        "The request does not say which call to record.",
        "Give exactly one of the four ids.")
    LOCATOR_AMBIGUOUS = (
        "locator_ambiguous", 400, False, Fault.CALLER,
        "The request names the call twice.",
        "Give exactly one of the four ids.")
    UNKNOWN_TYPE = (
        "unknown_type", 400, False, Fault.CALLER,
        "`content`, `channel` or `format` has an unknown value.",
        "Use one of the values in the text.")
    ILLEGAL_COMBINATION = (
        "illegal_combination", 400, False, Fault.CALLER,
        "ACS cannot record this combination of content, channel and format. ACS was not called.",
        "Use one of the combinations in the text.")
    CHANNELS_NEED_UNMIXED = (
        "channels_need_unmixed", 400, False, Fault.CALLER,
        "Channel options were given for a mixed recording.",
        "Ask for `unmixed`, or leave them out.")
    DUPLICATE_CHANNEL = (
        "duplicate_channel", 400, False, Fault.CALLER,
        "Two participants were given the same channel.",
        "Give each its own.")
    INVALID_CALLBACK = (
        "invalid_callback", 400, False, Fault.CALLER,
        "`recordingStateCallbackUri` is not an absolute https URL.",
        "Correct it.")
    UNKNOWN_CONTAINER = (
        "unknown_container", 400, False, Fault.CALLER,
        "`externalStorageContainer` is not in `EXTERNAL_STORAGE_CONTAINERS`.",
        "Use a configured one, or have it configured.")
    INVALID_CASE = (
        "invalid_case", 400, False, Fault.CALLER,
        "The name of a case is empty, too long, has a slash, or names a person.",
        "Name it by a case number.")
    HOLD_NOT_FOUND = (
        "hold_not_found", 404, False, Fault.CALLER,
        "This case does not hold the recording.",
        "See its disposition for the cases that do.")
    TOO_MANY_HOLDS = (
        "too_many_holds", 400, False, Fault.CALLER,
        "A recording keeps at most 200 holds, released ones among them.",
        "Use one case for what belongs together.")
    ERASURE_APPROVED = (
        "erasure_approved", 409, False, Fault.CALLER,
        "The erasure of the recording has been approved, so it can no longer be found, played or exported.",
        "Nothing; a hold on the recording makes it visible again to those who need it as evidence.")
    BEING_DESTROYED = (
        "being_destroyed", 409, False, Fault.CALLER,
        "The destruction of the recording had begun before the hold was placed.",
        "Nothing; its certificate says what was destroyed, when and why.")
    RECORDING_DISPOSED = (
        "recording_disposed", 410, False, Fault.CALLER,
        "The recording was destroyed; only its certificate is left.",
        "Read the certificate.")
    RULES_CHANGED = (
        "rules_changed", 412, False, Fault.CALLER,
        "The retention rules have changed since they were read.",
        "Read them again, and send `If-Match` with the new number.")
    SECOND_PERSON_NEEDED = (
        "second_person_needed", 403, False, Fault.CALLER,
        "An erasure must be requested by one signed-in person and approved by another.",
        "Have another person approve it; sign in.")
    ERASURE_NOT_FOUND = (
        "erasure_not_found", 404, False, Fault.CALLER,
        "There is no such request for erasure.",
        "Use the id that `POST erasures` gave you.")
    ERASURE_DECIDED = (
        "erasure_decided", 409, False, Fault.CALLER,
        "The request has already been approved.",
        "Read its state with `GET erasures/{erasureId}`.")
    ERASURE_EXPIRED = (
        "erasure_expired", 409, False, Fault.CALLER,
        "Nobody approved the request within 30 days.",
        "Request the erasure again.")
    TOO_MANY_RECORDINGS = (
        "too_many_recordings", 400, False, Fault.CALLER,
        "The participant is in more than 1,000 recordings, or their ids have more than 400,000 characters.",
        "Request the erasure by recording ids, in several requests.")
    TOO_MANY_ERASURES = (
        "too_many_erasures", 400, False, Fault.CALLER,
        "A recording takes at most 500 requests for the erasure of one of its voices, carried out ones among them.",
        "Request the erasure of the whole recording.")
    EXPORT_NOT_FOUND = (
        "export_not_found", 404, False, Fault.CALLER,
        "There is no export with this id.",
        "Use the id that `POST exports` gave you.")
    EXPORT_TOO_LARGE = (
        "export_too_large", 400, False, Fault.CALLER,
        "The request selects more recordings than one bundle may hold.",
        "Ask for fewer, in several exports.")
    NOTHING_CHOSEN = (
        "nothing_chosen", 400, False, Fault.CALLER,
        "The redrive request has neither a filter nor `all`.",
        "Select items with `id`, `reason`, `recordingId`, `before` or `after`, or set `all`.")
    INVALID_NUMBER = (
        "invalid_number", 400, False, Fault.CALLER,
        "`number` is neither an international number nor at least seven digits long.",
        "Send it with its country code, or its last seven digits.")
    INVALID_TAG = (
        "invalid_tag", 400, False, Fault.CALLER,
        "`tag` is not `name:value`.",
        "Correct it.")
    INVALID_RANGE = (
        "invalid_range", 400, False, Fault.CALLER,
        "`from` is not before `to`.",
        "Correct it.")
    INVALID_NEXT = (
        "invalid_next", 400, False, Fault.CALLER,
        "`next` was changed, or belongs to another query.",
        "Ask again without it.")
    TOO_MANY_TAGS = (
        "too_many_tags", 400, False, Fault.CALLER,
        "The recording would have more than 20 tags.",
        "Remove some in the same request.")
    ETAG_MISSING = (
        "etag_missing", 428, False, Fault.CALLER,
        "`If-Match` is missing.",
        "Read the recording and send its `ETag`, or `*`.")
    ETAG_MISMATCH = (
        "etag_mismatch", 412, False, Fault.CALLER,
        "The tags have changed since the caller read them.",
        "Read the recording again.")
    UNKNOWN_ID = (
        "unknown_id", 404, False, Fault.CALLER,
        "Nothing is held under this id.",
        "List what is held.")
    UNKNOWN_REASON = (
        "unknown_reason", 400, False, Fault.CALLER,
        "The filter's `reason` is not a code on this page, a state or a kind.",
        "Use one of the reasons in the text.")
    UNKNOWN_RECORDING = (
        "unknown_recording", 404, False, Fault.CALLER,
        "Neither the catalog nor anything held names this recording.",
        "Check the id.")
    CONSENT_REQUIRED = (
        "consent_required", 422, False, Fault.CALLER,
        "The start lacks the consent evidence that its policy requires; or the recording may not be resumed, because "
        "consent must come first and is missing, or was withdrawn.",
        "Send `consent` with the start; before a resume, a step `given` to `POST recordings/{id}/consent`.")
    # HTTP: what ACS said
    RECORDING_NOT_FOUND = (
        "recording_not_found", 404, False, Fault.ACS,
        "Neither ACS nor the catalog knows this recording: it never existed, or it has ended.",
        "Check the id.")
    CALL_NOT_FOUND = (
        "call_not_found", 404, False, Fault.ACS,
        "ACS knows no such call.",
        "Check the locator; a call that is over is not found.")
    CALL_NOT_ESTABLISHED = (
        "call_not_established", 409, True, Fault.ACS,
        "The call is still being set up (8501).",
        "Wait for the call to be connected, then send the same again.")
    ALREADY_RECORDING = (
        "already_recording", 409, False, Fault.ACS,
        "The call is being recorded already (8553, 8559). `recordingId` names the recording that runs, where it is "
        "known.",
        "Use the recording that runs.")
    CONFLICTING_OPERATION = (
        "conflicting_operation", 409, True, Fault.ACS,
        "Another operation on this recording is going on (8519, 8571).",
        "Send the same again.")
    CALL_ENDED = (
        "call_ended", 409, False, Fault.ACS,
        "The call is over (8528).",
        "Nothing.")
    WRONG_CALL_STATE = (
        "wrong_call_state", 409, False, Fault.ACS,
        "The call's state does not allow the operation (8585).",
        "Check the state of the call.")
    PAUSE_RESUME_NOT_ALLOWED = (
        "pause_resume_not_allowed", 409, False, Fault.ACS,
        "The recording's state does not allow pausing or resuming it (8573).",
        "Check the state of the recording.")
    NOT_YET_PAUSED = (
        "not_yet_paused", 409, True, Fault.ACS,
        "ACS is just beginning or resuming the recording and refuses to pause it yet (8573), or another request "
        "resumed it at the same moment. The app pauses it as soon as it records.",
        "Send the same again in a second, until the answer is 202: only then is nothing recorded.")
    INVALID_ARGUMENT = (
        "invalid_argument", 400, False, Fault.ACS,
        "ACS found the request invalid (8523).",
        "Check `acsCode`; often an id of the wrong kind was sent.")
    UNSUPPORTED_FORMAT = (
        "unsupported_format", 400, False, Fault.ACS,
        "ACS does not record this format here (8557, 8562).",
        "Use another one.")
    NOT_SUPPORTED = (
        "not_supported", 501, False, Fault.ACS,
        "ACS does not support the operation for this call (8520).",
        "Nothing.")
    ACS_FORBIDDEN = (
        "acs_forbidden", 502, False, Fault.ACS,
        "ACS refused the operation (403; 7501 to 7510, 7605).",
        "Check the role of this app's identity, or the key and the clock.")
    ACS_UNAUTHORIZED = (
        "acs_unauthorized", 502, False, Fault.ACS,
        "ACS did not accept the key or the identity (401).",
        "Check `ACS_CONNECTION_STRING`, or the identity.")
    THROTTLED = (
        "throttled", 429, True, Fault.ACS,
        "Too many requests (8516, 8529, 8530, 8589).",
        "Obey `Retry-After`.")
    ACS_UNAVAILABLE = (
        "acs_unavailable", 503, True, Fault.ACS,
        "ACS failed (5xx, 9999).",
        "Send the same again, with the same `Idempotency-Key`.")
    ACS_UNREACHABLE = (
        "acs_unreachable", 503, True, Fault.ACS,
        "There was no answer at all.",
        "Send the same again, with the same `Idempotency-Key`; check network and proxy.")
    ACS_ERROR = (
        "acs_error", 502, False, Fault.ACS,
        "ACS refused with a code that this app does not know, or answered without a recording id.",
        "Check `acsStatus` and `acsCode`.")
    # HTTP and chunks: this app and its storage
    SETTINGS_INVALID = (
        "settings_invalid", 503, False, Fault.OPERATOR,
        "Settings are missing or wrong; `faults` names each.",
        "Correct them. Events and chunks wait meanwhile.")
    START_NOT_NOTED = (
        "start_not_noted", 503, True, Fault.TIME,
        "The recording **is running**, but could not be entered in the catalog.",
        "Send the same again with the same `Idempotency-Key`; the text has the recording's id.")
    STORAGE_BUSY = (
        "storage_busy", 503, True, Fault.TIME,
        "Storage is throttling, unreachable or failing.",
        "Nothing, unless it lasts: then check the account's health, limits and firewall.")
    STORAGE_REFUSED = (
        "storage_refused", 503, True, Fault.OPERATOR,
        "Storage answered 401 or 403.",
        "Check roles, firewall and key of the account.")
    STORAGE_ERROR = (
        "storage_error", 503, True, Fault.OPERATOR,
        "Storage failed in another way.",
        "Read the log.")
    UNREADABLE_RECORD = (
        "unreadable_record", 503, True, Fault.OPERATOR,
        "A row of the catalog cannot be read by this version of the app.",
        "Another version wrote it, or it was edited by hand: inspect the row. The chunk's files are not touched.")
    NEWER_RECORD = (
        "newer_record", 503, True, Fault.OPERATOR,
        "A row of the catalog was written by a newer version of the app, in a form that this one must not change.",
        "Finish the upgrade, or deploy the newer version again: it can read the row. The chunk's files are not "
        "touched.")
    INTERNAL_ERROR = (
        "internal_error", 500, False, Fault.OPERATOR,
        "A bug in this app.",
        "The log has the cause; please report it.")
    CLAIM_HELD = (
        "claim_held", None, True, Fault.TIME,
        "Another worker holds the claim on the chunk.",
        "Nothing; the task is delivered again when that claim ends.")
    CLAIM_LOST = (
        "claim_lost", None, True, Fault.TIME,
        "Another worker changed the record; this one stopped and changed nothing.",
        "Nothing.")
    LOG_UNAVAILABLE = (
        "log_unavailable", None, True, Fault.OPERATOR,
        "ACS's log in Azure Monitor did not answer, or refused. Archiving does not depend on it.",
        "If it persists, check the role on the workspace and `MONITOR_WORKSPACE_ID`.")
    SEAL_KEY_UNAVAILABLE = (
        "seal_key_unavailable", None, True, Fault.OPERATOR,
        "The key that signs checkpoints, or the time-stamping authority, did not answer, or refused. Archiving "
        "continues; what is written meanwhile is sealed once it answers.",
        "If it persists, check the role on the key, `SEAL_KEY` and the vault's firewall; see "
        "[the runbook](runbook.md#seal-behind).")
    SEAL_ALTERED = (
        "seal_altered", None, True, Fault.OPERATOR,
        "The last checkpoint of the seal, or the list of its leaves, is not as this app wrote it.",
        "Serious: run `recordings seal verify`, and find out who writes to the container `recording-seal`.")
    BLOB_MISSING = (
        "blob_missing", None, True, Fault.OPERATOR,
        "A committed blob no longer exists.",
        "It was removed from the archive: find out who has the rights to do so.")
    DELETE_REFUSED = (
        "delete_refused", None, False, Fault.OPERATOR,
        "The guard before the delete refused, although every earlier step had succeeded.",
        "Please report this bug in the app; the source is safe.")
    BLOB_LOCKED = (
        "blob_locked", None, True, Fault.OPERATOR,
        "A retention policy, a legal hold, a lease or the archive tier forbids writing or reading a blob.",
        "Check the container's policies. Archiving continues: the manifest is written in numbered versions.")
    MEDIA_VANISHED = (
        "media_vanished", None, True, Fault.OPERATOR,
        "The archived media no longer exists; noticed before its source was deleted.",
        "Find out who removes blobs. The media is copied again while ACS still has it.")
    MEDIA_ALTERED = (
        "media_altered", None, True, Fault.OPERATOR,
        "The archived media was replaced by other bytes; noticed before its source was deleted.",
        "Find out who writes to the archive. The media is copied again under the next name.")
    MEDIA_TOUCHED = (
        "media_touched", None, True, Fault.OPERATOR,
        "The media was written to after it was verified; it is read again.",
        "Find out who writes to the archive.")
    DOCUMENTS_VANISHED = (
        "documents_vanished", None, True, Fault.OPERATOR,
        "The receipt or the metadata no longer exists; noticed before the source was deleted. It is written again.",
        "Find out who removes blobs.")
    DOCUMENTS_ALTERED = (
        "documents_altered", None, True, Fault.OPERATOR,
        "The receipt or the metadata is not what was written; the chunk is copied again under the next name.",
        "Find out who writes to the archive.")
    NAME_TAKEN = (
        "name_taken", None, True, Fault.TIME,
        "A blob that this app did not verify has the media's name; the media is copied under the next name.",
        "Find out who writes to the archive.")
    INCOMPLETE_RECORD = (
        "incomplete_record", None, False, Fault.OPERATOR,
        "A chunk's row in the catalog lacks a field that its state requires.",
        "Another version wrote it, or it was edited by hand: inspect the row. The chunk's files are not touched.")
    IMPOSSIBLE_TRANSITION = (
        "impossible_transition", None, False, Fault.OPERATOR,
        "A chunk was to enter a state that cannot follow its present one.",
        "Please report this bug in the app.")
    # Chunks: what the source did
    SOURCE_BUSY = (
        "source_busy", None, True, Fault.TIME,
        "ACS fails, stalls, breaks off, redirects in a loop or cannot be reached; or answers 400 with a web page.",
        "Nothing, unless it lasts: then check the health of ACS and your network.")
    SOURCE_REFUSED = (
        "source_refused", None, True, Fault.OPERATOR,
        "ACS answered 401 or 403 to a download or delete.",
        "Check the clock, a rotated key, a missing role, and whether the events are from another ACS resource.")
    TOKEN_UNAVAILABLE = (
        "token_unavailable", 503, True, Fault.OPERATOR,
        "The identity got no token: nobody is signed in, the identity is not assigned, or the token service "
        "failed. Neither ACS nor storage was called.",
        "Assign the identity, or sign in (`az login`).")
    SOURCE_NOT_FOUND = (
        "source_not_found", None, True, Fault.TIME,
        "404 or 410: not readable yet, expired, or deleted.",
        "Nothing; two such answers past the deadline, half an hour apart, prove that it is gone.")
    REDIRECT_REFUSED = (
        "redirect_refused", None, True, Fault.OPERATOR,
        "ACS's answer redirects to where no request may go: plain http, a host outside `ACS_CONTENT_HOSTS`, or "
        "another object. Nothing was sent there.",
        "If it lasts: an egress proxy answers in place of ACS (let requests to ACS's hosts pass), or Microsoft uses a "
        "new host (add it to `ACS_CONTENT_HOSTS`).")
    SOURCE_THROTTLED = (
        "source_throttled", None, True, Fault.TIME,
        "ACS answered 429. The copy continues with fewer parallel requests, or later.",
        "Nothing, unless it lasts: then lower `COPY_SLOTS`.")
    SOURCE_EMPTY = (
        "source_empty", None, True, Fault.ACS,
        "The source sent 0 bytes: a known fault of first downloads.",
        "Nothing.")
    SOURCE_SHORT = (
        "source_short", None, True, Fault.ACS,
        "The source sent fewer or more bytes than it declared.",
        "Nothing.")
    SOURCE_WITHOUT_LENGTH = (
        "source_without_length", None, True, Fault.ACS,
        "The source declared no length, so the copy cannot be verified.",
        "Nothing, unless it lasts.")
    SOURCE_CONTRADICTS_ITSELF = (
        "source_contradicts_itself", None, True, Fault.ACS,
        "`Content-Length` and `Content-Range` disagree.",
        "Nothing, unless it lasts.")
    UNEXPECTED_ENCODING = (
        "unexpected_encoding", None, True, Fault.ACS,
        "The body arrived compressed although the request ruled that out; a truncation would go unnoticed.",
        "Look for a proxy that compresses.")
    SOURCE_BROKEN = (
        "source_broken", None, True, Fault.ACS,
        "The source's bytes contradict what it declares in another way.",
        "Nothing, unless it lasts.")
    SOURCE_ERROR = (
        "source_error", None, True, Fault.ACS,
        "The source failed in another way.",
        "Read the log.")
    SOURCE_CHANGED = (
        "source_changed", None, True, Fault.ACS,
        "Two ranges of one object disagree about its length, its version or an overlap. The staged blocks are "
        "discarded.",
        "Nothing, unless it lasts.")
    COPY_PAUSED = (
        "copy_paused", None, True, Fault.TIME,
        "The copy used up `COPY_TIME_BUDGET`. The staged blocks are kept, and the next run starts at once and "
        "continues from there.",
        "Nothing. If one file needs many runs, use a larger instance.")
    LENGTH_UNPROVEN = (
        "length_unproven", None, True, Fault.ACS,
        "The media is archived, but nothing tells exactly where it ends, and a part of a file that is still growing "
        "looks complete; or it has other bytes behind its end. Ten minutes after the copy ACS is asked for the length "
        "again; if it differs, the file is copied again.",
        "Nothing.")
    MEDIA_UNREADABLE = (
        "media_unreadable", None, True, Fault.ACS,
        "The bytes cannot be opened in their format, or play for too short or too long. They are fetched again for "
        "hours.",
        "Nothing; bytes that are still served after eight hours, or at the deadline, become `media_suspect`.")
    METADATA_UNREADABLE = (
        "metadata_unreadable", None, True, Fault.ACS,
        "The metadata document is not a JSON object, or does not describe a chunk.",
        "Nothing; at the deadline it is archived as it is.")
    METADATA_MISMATCH = (
        "metadata_mismatch", None, True, Fault.ACS,
        "The metadata document describes another chunk.",
        "Nothing; at the deadline it is archived as it is.")
    METADATA_TOO_LARGE = (
        "metadata_too_large", None, True, Fault.ACS,
        "The metadata is larger than 1 MiB.",
        "Inspect it by hand before the deadline.")
    METADATA_SHORT = (
        "metadata_short", None, True, Fault.ACS,
        "The metadata was shorter than declared.",
        "Nothing.")
    # Chunks and events: why something is in quarantine
    UNREADABLE_EVENT = (
        "unreadable_event", None, False, Fault.ACS,
        "The event's JSON or data cannot be read.",
        "Compare with the documented event; report a new form.")
    UNREADABLE_SUBJECT = (
        "unreadable_subject", None, False, Fault.ACS,
        "The subject has none of the four known forms.",
        "Compare with the documented event; report a new form.")
    OTHER_EVENT_TYPE = (
        "other_event_type", None, False, Fault.OPERATOR,
        "An event of another type: counted, not kept.",
        "Filter the subscription to `RecordingFileStatusUpdated`.")
    OTHER_RESOURCE = (
        "other_resource", None, False, Fault.OPERATOR,
        "The event does not come from `ACS_RESOURCE_ID`.",
        "Correct `ACS_RESOURCE_ID`, or the subscription of a second resource; otherwise it is a forgery.")
    INVALID_ID = (
        "invalid_id", None, False, Fault.ACS,
        "An id holds characters that no id of ACS has.",
        "Likely a forgery: find out who can send events to the app.")
    UNREADABLE_CHUNK = (
        "unreadable_chunk", None, False, Fault.OPERATOR,
        "One chunk of an event lacks its document id, index or content location, or has them in an unknown "
        "form. The other chunks were accepted.",
        "Read the entry; it names the recording and the index.")
    INDEX_OUT_OF_RANGE = (
        "index_out_of_range", None, False, Fault.OPERATOR,
        "One chunk of an event has an index above 1,000,000. The other chunks were accepted.",
        "Likely a forgery: find out who can send events to the app.")
    DUPLICATE_DOCUMENT = (
        "duplicate_document", None, False, Fault.ACS,
        "An event announces a file under a second index of the same recording. The file is archived once: under the "
        "index in its metadata, else under the first.",
        "Nothing; compare the indexes with the call if in doubt.")
    EVENT_TOO_LARGE = (
        "event_too_large", None, False, Fault.ACS,
        "A chunk's data does not fit into a queue message (48 KiB).",
        "Inspect it by hand before the deadline.")
    UNSAFE_LOCATION = (
        "unsafe_location", None, False, Fault.ACS,
        "A location is not a plain https URL.",
        "Likely a forgery: find out who can send events to the app.")
    FOREIGN_HOST = (
        "foreign_host", None, False, Fault.ACS,
        "A location's host is not in `ACS_CONTENT_HOSTS`, or a blob not in `EXTERNAL_STORAGE_CONTAINERS`.",
        "If the host is Microsoft's, add it **today**: ACS forgets the media.")
    UNREADABLE_TASK = (
        "unreadable_task", None, False, Fault.OPERATOR,
        "A message on one of the app's queues is not one that this version reads.",
        "Find out which program wrote it: another one, or another version of this app.")
    EVENTS_OFF = (
        "events_off", 409, False, Fault.OPERATOR,
        "No topic and no endpoint is set, so no events go out.",
        "Set `EVENTS_TOPIC_ENDPOINT` or `WEBHOOKS` (docs/events.md).")
    ENDPOINT_NOT_FOUND = (
        "endpoint_not_found", 404, False, Fault.CALLER,
        "Neither the topic nor an endpoint of `WEBHOOKS` has this name.",
        "Look at the names: `recordings events status`.")
    ENDPOINT_REFUSED = (
        "endpoint_refused", None, True, Fault.OPERATOR,
        "A receiver of events answered with a status other than 2xx; redirects are not followed.",
        "Check the receiver; the event is sent again on a schedule of three and a half days.")
    ENDPOINT_UNREACHABLE = (
        "endpoint_unreachable", None, True, Fault.OPERATOR,
        "A receiver of events did not answer in time, or its certificate is not for its name.",
        "Check the receiver and the network in between.")
    ENDPOINT_UNSAFE = (
        "endpoint_unsafe", None, True, Fault.OPERATOR,
        "A receiver's host name resolves to an address that is private, local or reserved; nothing was sent.",
        "Correct its DNS, or allow the network with `WEBHOOK_NETWORKS`.")
    ENDPOINT_GONE = (
        "endpoint_gone", None, False, Fault.OPERATOR,
        "A receiver of events answered 410: it wants no more events. Nothing is sent there.",
        "Remove it from `WEBHOOKS`, or enable it again.")
    ENDPOINT_DISABLED = (
        "endpoint_disabled", 409, False, Fault.OPERATOR,
        "A receiver of events failed for five days, or answered 410. Nothing is sent there any more.",
        "Repair the receiver, then run `recordings events enable` and `recordings events replay --since`.")
    WEBHOOKS_UNRESOLVED = (
        "webhooks_unresolved", None, True, Fault.OPERATOR,
        "`WEBHOOKS` is a Key Vault reference that the platform could not resolve. Events wait; nothing is posted.",
        "Create the secret, give the app's identity Key Vault Secrets User on it, and restart the app.")
    SETTING_SET_ASIDE = (
        "setting_set_aside", None, True, Fault.OPERATOR,
        "A setting cannot be read and is ignored: archiving works, the feature it configures does not. Events wait.",
        "Correct the setting that the doctor names, and restart the app.")
    TOPIC_REFUSED = (
        "topic_refused", None, True, Fault.OPERATOR,
        "The Event Grid topic refuses the app: 401 or 403, or there is no token.",
        "Give the app's identity the role EventGrid Data Sender on the topic.")
    CONTENT_CONFLICT = (
        "content_conflict", None, False, Fault.ACS,
        "Other bytes were announced as this chunk than those in the archive; both are kept, the second as "
        "`….conflict-…`.",
        "Listen to both and decide.")
    MEDIA_SUSPECT = (
        "media_suspect", None, False, Fault.ACS,
        "ACS served the same bytes for hours, or until the deadline, and they cannot be opened, or do not play for as "
        "long as they should. They are kept beside the recording, and are not the recording.",
        "Listen to them (`recordings get`). If they are complete, run `recordings accept`; ACS keeps its file to the "
        "deadline.")
    STORED_DIFFERS = (
        "stored_differs", None, True, Fault.ACS,
        "The archive returns other bytes than were written.",
        "Serious: keep the source and contact Azure support.")
    STORED_UNPROVEN = (
        "stored_unproven", None, True, Fault.OPERATOR,
        "A blob that was written in several runs does not list its blocks, so it cannot be compared.",
        "Compare it by hand with the source while ACS has it.")
    EXPIRED = (
        "expired", None, False, Fault.ACS,
        "The deadline passed before the chunk was archived; `lastError` says why.",
        "Remove the cause that `lastError` names, then redrive the chunk: its file is lost unless ACS kept it longer "
        "than promised.")
    NEVER_TRIED = (
        "never_tried", None, False, Fault.OPERATOR,
        "The `lastError` of an expired chunk that no worker ever claimed.",
        "Find out why the app was down, or had no free worker, for the whole retention.")
    PAUSE_OVERDUE = (
        "pause_overdue", None, False, Fault.OPERATOR,
        "A pause has reached the limit of its policy and has not ended: ACS refused to resume, or the policy leaves "
        "the decision to an operator.",
        "Resume or stop the recording; that ends the alarm.")
    CONSENT_MISSING = (
        "consent_missing", None, False, Fault.OPERATOR,
        "A recording that was started elsewhere has no consent, although its policy requires it.",
        "Send the consent to `POST recordings/{id}/consent`, or stop the recording; else dismiss it with a note.")
    UNREADABLE_ENTRY = (
        "unreadable_entry", None, False, Fault.OPERATOR,
        "A blob in the quarantine container that this app did not write.",
        "Remove it, and find out who writes to the container.")
    # fmt: on


# Storage answered, but one row is damaged or of a newer version: that is a single item, not an outage.
OF_ONE_ROW = frozenset({Code.UNREADABLE_RECORD, Code.NEWER_RECORD})

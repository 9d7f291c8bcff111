"""Error codes: each once, with its HTTP status, whose fault it is, whether trying again helps, and what to do.

Programs rely on the values; sentences may change. The tables of docs/errors.md are written from here
(`python -m dev error-tables`).
"""

from enum import StrEnum


class Fault(StrEnum):
    """Who must act: TIME means that it passes by itself."""

    CALLER = "caller"
    ACS = "acs"
    OPERATOR = "operator"
    TIME = "nobody"


class Code(StrEnum):
    """A stable name for what went wrong."""

    status: int | None  # of the HTTP answer; None where no caller is told
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
        "Nothing is concluded from that.",
        "Assign an app role of the tenant, or let the application's token hold only groups assigned to it.")
    WHOLE_ARCHIVE_ONLY = (
        "whole_archive_only", 403, False, Fault.CALLER,
        "This is about all recordings at once, and the caller reaches those of some tenants only.",
        "Ask a caller who sees all (`seeAll` in `TENANTS`).")
    TENANT_NOT_TOLD = (
        "tenant_not_told", 400, False, Fault.CALLER,
        "It is not clear for which of the caller's tenants the recording is: the tag that says so is missing, or names "
        "none of them. ACS was not asked.",
        "Send the tag with a value of the caller's tenant.")
    TENANT_FIXED = (
        "tenant_fixed", 409, False, Fault.CALLER,
        "The tag would name another tenant than the one that the recording belongs to; that never changes.",
        "Leave the tag as it is.")
    SIGN_IN_UNAVAILABLE = (
        "sign_in_unavailable", 503, False, Fault.OPERATOR,
        "The console needs App Service authentication, and the platform does not sign people in here.",
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
        "The console's route exists, and not with this method.",
        "See the page about the console.")
    CHUNK_NOT_FOUND = (
        "chunk_not_found", 404, False, Fault.CALLER,
        "The catalog knows no chunk with this index, or no such document.",
        "Look at the recording's chunks.")
    NO_SUCH_CHANNEL = (
        "no_such_channel", 404, False, Fault.CALLER,
        "The media is no WAV file, or has no channel of this number.",
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
        "The derived file is not made yet.",
        "Ask again; `GET recordings/{recordingId}/derived` tells how far it is.")
    NOT_ARCHIVED = (
        "not_archived", 409, True, Fault.TIME,
        "The media is not archived yet; ACS may still have it.",
        "Ask again; the recording's chunks tell how far it is.")
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
        "`Range` is malformed, names several parts, or lies behind the end; `Content-Range` has the length.",
        "Ask for one part of the file.")
    WAVEFORM_BUSY = (
        "waveform_busy", 503, True, Fault.TIME,
        "This instance is making other waveforms.",
        "Obey `Retry-After`.")
    TOO_MANY_STARTS = (
        "too_many_starts", 429, True, Fault.CALLER,
        "The caller has asked for as many starts within a minute as `START_RATE_PER_MINUTE` allows. ACS was "
        "not asked.",
        "Obey `Retry-After`.")
    TOO_MANY_RUNNING = (
        "too_many_running", 429, True, Fault.CALLER,
        "As many recordings of this caller run as `RUNNING_PER_CALLER` allows. ACS was not asked.",
        "Stop one, or obey `Retry-After`.")
    BODY_TOO_LARGE = (
        "body_too_large", 413, False, Fault.CALLER,
        "More than 64 KiB.",
        "Send less.")
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
        "ACS cannot record this content, channel and format together. ACS was not asked.",
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
        "The erasure of the recording has been approved, so it is not found, heard or handed over any more.",
        "Nothing; a hold on the recording shows it again to those who need it as evidence.")
    BEING_DESTROYED = (
        "being_destroyed", 409, False, Fault.CALLER,
        "The decision to destroy the recording was carried into effect before the hold came.",
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
        "An erasure is asked for by one signed-in person and approved by another.",
        "Have another person approve it; sign in.")
    ERASURE_NOT_FOUND = (
        "erasure_not_found", 404, False, Fault.CALLER,
        "There is no such request for erasure.",
        "Use the id that the request was answered with.")
    ERASURE_DECIDED = (
        "erasure_decided", 409, False, Fault.CALLER,
        "The request was approved before.",
        "Read how it stands.")
    ERASURE_EXPIRED = (
        "erasure_expired", 409, False, Fault.CALLER,
        "Nobody approved the request within 30 days.",
        "Ask for the erasure anew.")
    TOO_MANY_RECORDINGS = (
        "too_many_recordings", 400, False, Fault.CALLER,
        "The participant is in more than 1,000 recordings.",
        "Ask by recordings, in parts.")
    EXPORT_NOT_FOUND = (
        "export_not_found", 404, False, Fault.CALLER,
        "There is no export with this id.",
        "Use the id that `POST exports` gave you.")
    EXPORT_TOO_LARGE = (
        "export_too_large", 400, False, Fault.CALLER,
        "More recordings than one bundle holds.",
        "Ask for fewer, in several exports.")
    NOTHING_CHOSEN = (
        "nothing_chosen", 400, False, Fault.CALLER,
        "A redrive names no filter, and not `all`.",
        "Select items with `id`, `reason`, `recordingId`, `before` or `after`; or say `all`.")
    INVALID_NUMBER = (
        "invalid_number", 400, False, Fault.CALLER,
        "`number` is no international number and has fewer than seven digits.",
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
        "`next` was changed, or is of another query.",
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
        "The filter's `reason` is no code of this page, no state and no kind.",
        "Use one of the reasons in the text.")
    UNKNOWN_RECORDING = (
        "unknown_recording", 404, False, Fault.CALLER,
        "Neither the catalog nor anything held names this recording.",
        "Check the id.")
    CONSENT_REQUIRED = (
        "consent_required", 422, False, Fault.CALLER,
        "A start without the consent evidence that its policy asks for, or a resume where consent comes first and is "
        "not there, or was withdrawn.",
        "Send `consent` with the start; before a resume, a step `given` to `POST recordings/{id}/consent`.")
    # HTTP: what ACS said
    RECORDING_NOT_FOUND = (
        "recording_not_found", 404, False, Fault.ACS,
        "ACS knows no such recording, and neither does the catalog; it never was, or it ended.",
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
        "The call's state does not allow it (8585).",
        "Look at the call.")
    PAUSE_RESUME_NOT_ALLOWED = (
        "pause_resume_not_allowed", 409, False, Fault.ACS,
        "The recording's state does not allow to pause or resume it (8573).",
        "Look at the state.")
    INVALID_ARGUMENT = (
        "invalid_argument", 400, False, Fault.ACS,
        "ACS found the request invalid (8523).",
        "Look at `acsCode`; often an id of the wrong kind.")
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
        "ACS forbids it (403; 7501 to 7510, 7605).",
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
        "ACS refused with a code that is not known here, or answered without a recording id.",
        "Look at `acsStatus` and `acsCode`.")
    # HTTP and chunks: this app and its storage
    SETTINGS_INVALID = (
        "settings_invalid", 503, False, Fault.OPERATOR,
        "Settings are missing or wrong; `faults` names each.",
        "Correct them. Events and chunks wait meanwhile.")
    START_NOT_NOTED = (
        "start_not_noted", 503, True, Fault.TIME,
        "The recording **runs**, but could not be noted in the catalog.",
        "Send the same again with the same `Idempotency-Key`; the text has the recording's id.")
    STORAGE_BUSY = (
        "storage_busy", 503, True, Fault.TIME,
        "Storage is throttling, unreachable or failing.",
        "Wait.")
    STORAGE_REFUSED = (
        "storage_refused", 503, True, Fault.OPERATOR,
        "Storage answered 401 or 403.",
        "Check roles, firewall and key of the account.")
    STORAGE_ERROR = (
        "storage_error", 503, True, Fault.OPERATOR,
        "Storage failed in another way.",
        "Look at the log.")
    UNREADABLE_RECORD = (
        "unreadable_record", 503, True, Fault.OPERATOR,
        "A row of the catalog cannot be read by this version of the app.",
        "Another version wrote it, or a person: look at the row. The chunk's files are not touched.")
    NEWER_RECORD = (
        "newer_record", 503, True, Fault.OPERATOR,
        "A row of the catalog was written by a newer version of the app, in a form that this one must not change.",
        "Finish the upgrade, or take the newer version back to work: it can read the row. The chunk's files "
        "are not touched.")
    INTERNAL_ERROR = (
        "internal_error", 500, False, Fault.OPERATOR,
        "A mistake in this app.",
        "The log has the cause; please report it.")
    CLAIM_HELD = (
        "claim_held", None, True, Fault.TIME,
        "Another worker has the chunk.",
        "Nothing; the task comes back when its claim ends.")
    CLAIM_LOST = (
        "claim_lost", None, True, Fault.TIME,
        "The record changed under this worker, which then changed nothing.",
        "Nothing.")
    LOG_UNAVAILABLE = (
        "log_unavailable", None, True, Fault.OPERATOR,
        "ACS's log in Azure Monitor did not answer, or refused. Nothing waits for it.",
        "If it stays: the role on the workspace, `MONITOR_WORKSPACE_ID`.")
    SEAL_KEY_UNAVAILABLE = (
        "seal_key_unavailable", None, True, Fault.OPERATOR,
        "The key that signs checkpoints, or the time-stamping authority, did not answer, or refused. Nothing waits for "
        "it: what was written meanwhile is sealed as soon as it answers.",
        "If it stays: the role on the key, `SEAL_KEY`, the vault's firewall; see "
        "[the runbook](runbook.md#seal-behind).")
    SEAL_ALTERED = (
        "seal_altered", None, True, Fault.OPERATOR,
        "The last checkpoint of the seal, or the list of its leaves, is not as this app wrote it.",
        "Serious: run `recordings seal verify`, and find out who writes to the container `recording-seal`.")
    BLOB_MISSING = (
        "blob_missing", None, True, Fault.OPERATOR,
        "A blob that was committed is not there any more.",
        "It was removed from the archive: find out who may.")
    DELETE_REFUSED = (
        "delete_refused", None, False, Fault.OPERATOR,
        "The guard before the delete said no, although the line had come that far.",
        "A mistake in this app; the source is safe. Please report it.")
    BLOB_LOCKED = (
        "blob_locked", None, True, Fault.OPERATOR,
        "A retention policy, a legal hold, a lease or the archive tier forbids writing or reading a blob.",
        "Look at the container's policies. Media goes on: the manifest gets numbered versions.")
    MEDIA_VANISHED = (
        "media_vanished", None, True, Fault.OPERATOR,
        "The archived media is not there any more, seen before its source was deleted.",
        "Look who removes blobs. It is copied anew while ACS has it.")
    MEDIA_ALTERED = (
        "media_altered", None, True, Fault.OPERATOR,
        "Other bytes lie where the media was, seen before its source was deleted.",
        "Look who writes to the archive. It is copied anew under the next name.")
    MEDIA_TOUCHED = (
        "media_touched", None, True, Fault.OPERATOR,
        "The media was written since it was proved; it is read again.",
        "Look who writes to the archive.")
    DOCUMENTS_VANISHED = (
        "documents_vanished", None, True, Fault.OPERATOR,
        "Receipt or metadata are not there any more, seen before the source was deleted; they are written again.",
        "Look who removes blobs.")
    DOCUMENTS_ALTERED = (
        "documents_altered", None, True, Fault.OPERATOR,
        "Receipt or metadata are not what was written; the chunk is copied anew under the next name.",
        "Look who writes to the archive.")
    NAME_TAKEN = (
        "name_taken", None, True, Fault.TIME,
        "Bytes that this app did not prove hold the media's name; the media is copied to the next name.",
        "Look who writes to the archive.")
    INCOMPLETE_RECORD = (
        "incomplete_record", None, False, Fault.OPERATOR,
        "The catalog's row about a chunk lacks a fact that its state promises.",
        "Another version wrote it, or a person: look at the row. The chunk's files are not touched.")
    IMPOSSIBLE_TRANSITION = (
        "impossible_transition", None, False, Fault.OPERATOR,
        "A chunk was to go where the line does not lead.",
        "A mistake in this app. Please report it.")
    # Chunks: what the source did
    SOURCE_BUSY = (
        "source_busy", None, True, Fault.TIME,
        "ACS fails, stalls, redirects in a circle or cannot be reached. A 400 with a web page belongs here too.",
        "Nothing, unless it lasts: then look at ACS's health and at your network.")
    SOURCE_REFUSED = (
        "source_refused", None, True, Fault.OPERATOR,
        "ACS answered 401 or 403 to a download or delete.",
        "Clock, rotated key, missing role, or events of another ACS resource.")
    TOKEN_UNAVAILABLE = (
        "token_unavailable", 503, True, Fault.OPERATOR,
        "The identity got no token: nobody is signed in, the identity is not assigned, or the token service "
        "failed. Neither ACS nor storage was asked.",
        "Assign the identity, or sign in (`az login`).")
    SOURCE_NOT_FOUND = (
        "source_not_found", None, True, Fault.TIME,
        "404 or 410: not readable yet, expired, or deleted.",
        "Nothing; two such answers past the deadline, half an hour apart, prove that it is gone.")
    REDIRECT_REFUSED = (
        "redirect_refused", None, True, Fault.OPERATOR,
        "ACS's answer redirects to where no request may go: plain http, a host outside `ACS_CONTENT_HOSTS`, "
        "another object. Nothing was sent there.",
        "If it lasts: an egress proxy that answers in ACS's place (let it pass ACS's hosts), or a new host "
        "of Microsoft's (add it to `ACS_CONTENT_HOSTS`).")
    SOURCE_THROTTLED = (
        "source_throttled", None, True, Fault.TIME,
        "ACS answered 429. The copy goes on with fewer requests at once, or later.",
        "Nothing, unless it lasts: then lower `COPY_SLOTS`.")
    SOURCE_EMPTY = (
        "source_empty", None, True, Fault.ACS,
        "0 bytes. A known fault of first downloads.",
        "Nothing.")
    SOURCE_SHORT = (
        "source_short", None, True, Fault.ACS,
        "Fewer or more bytes than the source declared.",
        "Nothing.")
    SOURCE_WITHOUT_LENGTH = (
        "source_without_length", None, True, Fault.ACS,
        "The source declared no length, so nothing can be proved.",
        "Nothing, unless it lasts.")
    SOURCE_CONTRADICTS_ITSELF = (
        "source_contradicts_itself", None, True, Fault.ACS,
        "`Content-Length` and `Content-Range` disagree.",
        "Nothing, unless it lasts.")
    UNEXPECTED_ENCODING = (
        "unexpected_encoding", None, True, Fault.ACS,
        "The body came compressed although that was refused; a cut would not be noticed.",
        "Look for a proxy that compresses.")
    SOURCE_BROKEN = (
        "source_broken", None, True, Fault.ACS,
        "The source's bytes contradict its own facts in another way.",
        "Nothing, unless it lasts.")
    SOURCE_ERROR = (
        "source_error", None, True, Fault.ACS,
        "The source failed in another way.",
        "Look at the log.")
    SOURCE_CHANGED = (
        "source_changed", None, True, Fault.ACS,
        "Two ranges of one object disagree: its length, its version or an overlap. What was staged of it is "
        "not used.",
        "Nothing, unless it lasts.")
    COPY_PAUSED = (
        "copy_paused", None, True, Fault.TIME,
        "The copy used up `COPY_TIME_BUDGET`. What is staged stays, and the next run starts at once and goes "
        "on from there.",
        "Nothing. If one file needs many runs: a larger instance.")
    LENGTH_UNPROVEN = (
        "length_unproven", None, True, Fault.ACS,
        "The media is archived, but nothing tells how long it plays, and a part of a file that still grows looks "
        "whole. Ten minutes after the copy ACS is asked for its length again; if the file has grown, it is "
        "copied anew.",
        "Nothing.")
    MEDIA_UNREADABLE = (
        "media_unreadable", None, True, Fault.ACS,
        "The bytes do not open as their format, or play too short or too long. They are fetched again for hours.",
        "Nothing; what is served for eight hours, or at the deadline, becomes `media_suspect`.")
    METADATA_UNREADABLE = (
        "metadata_unreadable", None, True, Fault.ACS,
        "The metadata document is not a JSON object, or says nothing of a chunk.",
        "Nothing; at the deadline it is kept as it is.")
    METADATA_MISMATCH = (
        "metadata_mismatch", None, True, Fault.ACS,
        "The metadata document is about another chunk.",
        "Nothing; at the deadline it is kept as it is.")
    METADATA_TOO_LARGE = (
        "metadata_too_large", None, True, Fault.ACS,
        "More than 1 MiB of metadata.",
        "Look at it by hand before the deadline.")
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
        "as above")
    OTHER_EVENT_TYPE = (
        "other_event_type", None, False, Fault.OPERATOR,
        "An event of another type: counted, not kept.",
        "Filter the subscription to `RecordingFileStatusUpdated`.")
    OTHER_RESOURCE = (
        "other_resource", None, False, Fault.OPERATOR,
        "The event is not of `ACS_RESOURCE_ID`.",
        "A wrong setting, a second resource, or a forgery.")
    INVALID_ID = (
        "invalid_id", None, False, Fault.ACS,
        "An id holds characters that no id of ACS has.",
        "Likely a forgery.")
    UNREADABLE_CHUNK = (
        "unreadable_chunk", None, False, Fault.OPERATOR,
        "One chunk of an event lacks its document id, index or content location, or has them in an unknown "
        "form. The other chunks were taken.",
        "Look at the entry; it names the recording and the index.")
    INDEX_OUT_OF_RANGE = (
        "index_out_of_range", None, False, Fault.OPERATOR,
        "One chunk of an event has an index above 1,000,000. The other chunks were taken.",
        "Likely a forgery.")
    DUPLICATE_DOCUMENT = (
        "duplicate_document", None, False, Fault.ACS,
        "An event names a file under a second index of the same recording. The file is archived once: under the "
        "index that its metadata names, else under the first.",
        "Nothing; compare the indexes with the call if in doubt.")
    EVENT_TOO_LARGE = (
        "event_too_large", None, False, Fault.ACS,
        "A chunk's facts do not fit a queue message (48 KiB).",
        "Look at it by hand before the deadline.")
    UNSAFE_LOCATION = (
        "unsafe_location", None, False, Fault.ACS,
        "A location is not a plain https URL.",
        "Likely a forgery.")
    FOREIGN_HOST = (
        "foreign_host", None, False, Fault.ACS,
        "A location's host is not in `ACS_CONTENT_HOSTS`, or a blob not in `EXTERNAL_STORAGE_CONTAINERS`.",
        "If the host is Microsoft's, add it **today**: ACS forgets the media.")
    UNREADABLE_TASK = (
        "unreadable_task", None, False, Fault.OPERATOR,
        "A message on `recording-chunks` is not a chunk task.",
        "Another program writes to the queue, or an old version of the app did.")
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
        "A receiver of events answered with something else than 2xx; a redirect is not followed.",
        "Look at the receiver; the event is sent again by a schedule of three and a half days.")
    ENDPOINT_UNREACHABLE = (
        "endpoint_unreachable", None, True, Fault.OPERATOR,
        "A receiver of events did not answer in time, or its certificate is not for its name.",
        "Look at the receiver and at the network between.")
    ENDPOINT_UNSAFE = (
        "endpoint_unsafe", None, True, Fault.OPERATOR,
        "A receiver's name stands for an address that is private, local or reserved; nothing was sent.",
        "Correct its DNS, or allow the network with `WEBHOOK_NETWORKS`.")
    ENDPOINT_GONE = (
        "endpoint_gone", None, False, Fault.OPERATOR,
        "A receiver of events answered 410: it wants no more. Nothing is sent there.",
        "Remove it from `WEBHOOKS`, or enable it again.")
    ENDPOINT_DISABLED = (
        "endpoint_disabled", 409, False, Fault.OPERATOR,
        "A receiver of events failed for five days, or answered 410. Nothing is sent there any more.",
        "Put it right, then `recordings events enable` and `recordings events replay --since`.")
    WEBHOOKS_UNRESOLVED = (
        "webhooks_unresolved", None, True, Fault.OPERATOR,
        "`WEBHOOKS` is a Key Vault reference that the platform could not follow. Events wait; nothing is posted.",
        "Make the secret, give the app's identity Key Vault Secrets User on it, and restart the app.")
    SETTING_SET_ASIDE = (
        "setting_set_aside", None, True, Fault.OPERATOR,
        "A setting cannot be read and is set aside: the archive works, what the setting is for does not. Events wait.",
        "Correct the setting that the doctor names, and restart the app.")
    TOPIC_REFUSED = (
        "topic_refused", None, True, Fault.OPERATOR,
        "The Event Grid topic refuses the app: 401 or 403, or there is no token.",
        "Give the app's identity the role EventGrid Data Sender on the topic.")
    CONTENT_CONFLICT = (
        "content_conflict", None, False, Fault.ACS,
        "Other bytes than the archived ones claim to be this chunk; both are kept, the second as `….conflict-…`.",
        "Listen to both and decide.")
    MEDIA_SUSPECT = (
        "media_suspect", None, False, Fault.ACS,
        "ACS gave the same bytes twice and they do not open, or do not play as long as they should. They are "
        "archived all the same.",
        "Hear it (`recordings get`). If it is whole, `recordings accept`; until the deadline ACS has it too.")
    STORED_DIFFERS = (
        "stored_differs", None, True, Fault.ACS,
        "The archive gives back other bytes than were written.",
        "Serious: keep the source, ask Azure.")
    STORED_UNPROVEN = (
        "stored_unproven", None, True, Fault.OPERATOR,
        "A blob that was made in several runs does not tell which blocks it is made of, so it cannot be compared.",
        "Compare it by hand with the source while ACS has it.")
    EXPIRED = (
        "expired", None, False, Fault.ACS,
        "The deadline came before the chunk was archived; `lastError` says what kept it.",
        "The recording is lost unless ACS kept it longer than promised.")
    NEVER_TRIED = (
        "never_tried", None, False, Fault.OPERATOR,
        "As `lastError` of an expired chunk: no worker ever took it.",
        "The app was down for the whole retention.")
    PAUSE_OVERDUE = (
        "pause_overdue", None, False, Fault.OPERATOR,
        "A pause has lasted as long as its policy allows and is not over: ACS refused to resume, or the policy "
        "says that an operator decides.",
        "Resume or stop the recording; then the alarm is over.")
    CONSENT_MISSING = (
        "consent_missing", None, False, Fault.OPERATOR,
        "A recording that was started elsewhere has no consent, and its policy asks for it.",
        "Send the consent to `POST recordings/{id}/consent`, or stop the recording; else dismiss it with a note.")
    UNREADABLE_ENTRY = (
        "unreadable_entry", None, False, Fault.OPERATOR,
        "A blob in the quarantine container that this app did not write.",
        "Remove it.")
    # fmt: on


# Storage answered, and one row is damaged or of a newer version: it is an item of its own, and no outage.
OF_ONE_ROW = frozenset({Code.UNREADABLE_RECORD, Code.NEWER_RECORD})

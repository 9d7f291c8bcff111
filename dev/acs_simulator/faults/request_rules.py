"""The faults of every request, and those of the control plane alone."""

from collections.abc import Mapping
from types import MappingProxyType

from dev.acs_simulator.faults.kinds import FaultKind, FaultRule, Operation

_CONTROL = frozenset({Operation.START, Operation.GET, Operation.PAUSE, Operation.RESUME, Operation.STOP})
_STORAGE = frozenset({Operation.CONTENT, Operation.METADATA, Operation.DELETE})
_COMMITTING = frozenset({Operation.START, Operation.PAUSE, Operation.RESUME, Operation.STOP, Operation.DELETE})

REQUEST_RULES: Mapping[FaultKind, FaultRule] = MappingProxyType(
    {
        FaultKind.STATUS: FaultRule(
            _CONTROL | _STORAGE,
            "answers `status`, be it 410, and does nothing; `body` acs ({error:{code,message}}), ams, html, empty",
            {"status": 503, "code": None, "message": None, "body": None, "retry_after": None},
        ),
        FaultKind.DELAY: FaultRule(_CONTROL | _STORAGE, "waits `seconds`, then all is normal", {"seconds": 3.0}),
        FaultKind.NO_RESPONSE: FaultRule(
            _CONTROL | _STORAGE, "does nothing and answers nothing: `ending` close, reset or wait", {"ending": "reset"}
        ),
        FaultKind.NO_RESPONSE_AFTER_COMMIT: FaultRule(
            _COMMITTING, "does it, then the connection ends without an answer", {"ending": "reset"}
        ),
        FaultKind.ANSWER_STATUS: FaultRule(
            _COMMITTING,
            "does it, but answers `status` (older versions, 202/204/404 of a delete, 302 with `location`)",
            {"status": 200, "location": None},
        ),
        FaultKind.DRIP_HEADERS: FaultRule(
            _CONTROL | _STORAGE,
            "sends `bytes` of status line and headers each `every_seconds`, then the body at once",
            {"every_seconds": 5.0, "bytes": 1},
        ),
        FaultKind.DRIP_BODY: FaultRule(
            _CONTROL | _STORAGE,
            "sends the headers, then `bytes` of the body each `every_seconds`; an answer without a body gets 64 blanks",
            {"every_seconds": 5.0, "bytes": 1},
        ),
        FaultKind.ACCEPTED: FaultRule(
            frozenset({Operation.START}), "answers 202 and starts; a RecordingStateChanged callback follows"
        ),
        FaultKind.ACCEPTED_THEN_FAILED: FaultRule(
            frozenset({Operation.START}), "answers 202, then calls StartRecordingFailed back; nothing is recorded"
        ),
        FaultKind.UNKNOWN_STATE: FaultRule(
            frozenset({Operation.START, Operation.GET}),
            "answers a recordingState of the future",
            {"state": "suspended"},
        ),
        FaultKind.MISSING_RECORDING_KIND: FaultRule(
            frozenset({Operation.START, Operation.GET}), "leaves recordingKind out of the answer"
        ),
        FaultKind.NOT_FOUND_BUT_DONE: FaultRule(
            frozenset({Operation.STOP}), "answers 404 8522 though it stops and files will arrive (HADR known issue)"
        ),
    }
)

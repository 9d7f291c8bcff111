"""Mutants that no test kills, each with the reason why it is no fault. The command compares this list both ways."""

_KNOWN = "by then the record has it; the other value is for the type checker"
_TOGETHER = "the one is None exactly when the other is; both are asked for the type checker"

SURVIVORS = {
    "integrity.Digest: True → False": "nothing changes a digest; that nothing can is a courtesy",
    "integrity.duration_fault: without metadata.duration_ms is not None": _TOGETHER,
    "integrity.duration_fault: without metadata.shortest_media_ms is not None": _TOGETHER,
    "integrity.duration_fault: 0.0 → 1.0": "a millisecond, where two seconds are allowed",
    "blocks.plan: 0 → 1 (2)": "the wall at the file's end; nobody asks how long it is",
    "verify._compared_length: without ''": _KNOWN,
    "verify._as_read: without ''": _KNOWN,
    "verify._name: without ''": _KNOWN,
    "verify._length: without 0": _KNOWN,
    "verify._length: 0 → 1": _KNOWN,
    "line._is_over: return False → None": "asked as a condition only",
    "line._put_back: 1 → 2": "the delay is drawn by chance; twice as long is within what may be",
    "line._go_on_later: without error.retry_after": "a pause names no delay today; every error may",
    "line._go_on_later: work.now() + delay → Sub": "the delay of a pause is nothing",
}

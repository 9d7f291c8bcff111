"""Mutants that no test kills, each with the reason why it is no fault. The command compares this list both ways."""

_TOGETHER = "the one is None exactly when the other is; both are asked for the type checker"
_TRUTH = "only its truth is asked for, and None is as false"

SURVIVORS = {
    "transitions._told: record.fallback is None → IsNot": "only compared with its like: the two cases change places",
    "delete_source._look_up_stored: has_metadata always": "one read more, of a document that is not compared",
    "integrity.Digest: True → False": "nothing changes a digest; that nothing can is a courtesy",
    "integrity.duration_fault: without metadata.duration_ms is not None": _TOGETHER,
    "integrity.duration_fault: without metadata.shortest_media_ms is not None": _TOGETHER,
    "integrity.duration_fault: 0.0 → 1.0": "a millisecond, where two seconds are allowed",
    "integrity.duration_fault: 0.0 → 1.0 (2)": "a millisecond, where two seconds are allowed",
    "integrity._about_kind: 0 → 1": "one channel that is unknown is no more than two, as none is",
    "integrity._is_wrong_promise: return False → None": _TRUTH,
    "integrity._are_pauses_in_seconds: return False → None": _TRUTH,
    "integrity._are_pauses_in_seconds: without not metadata.duration_ms": "nothing explains a length of 0 either",
    "twins.Twin: True → False": "nothing changes a twin; that nothing can is a courtesy",
    "blocks.regrouped: len(gathered) >= size → Gt": "a full block is yielded one piece later, and the same",
    "blocks.plan: 0 → 1 (2)": "the wall at the file's end; nobody asks how long it is",
}

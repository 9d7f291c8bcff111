"""Mutants that no test kills, each with the reason why it is no fault. The command compares this list both ways."""

_TOGETHER = "the one is None exactly when the other is; both are asked for the type checker"

SURVIVORS = {
    "transitions._told: record.fallback is None → IsNot": "only compared with its like: the two cases change places",
    "integrity.Digest: True → False": "nothing changes a digest; that nothing can is a courtesy",
    "integrity.duration_fault: without metadata.duration_ms is not None": _TOGETHER,
    "integrity.duration_fault: without metadata.shortest_media_ms is not None": _TOGETHER,
    "integrity.duration_fault: 0.0 → 1.0": "a millisecond, where two seconds are allowed",
    "twins.Twin: True → False": "nothing changes a twin; that nothing can is a courtesy",
    "blocks.plan: 0 → 1 (2)": "the wall at the file's end; nobody asks how long it is",
}

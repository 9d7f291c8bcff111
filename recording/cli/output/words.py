"""Words and colours for states and reasons: red for loss, yellow for what needs an operator, green for safe."""

from recording.domain.watched.attention import AttentionItem
from recording.errors.codes import Code
from recording.operate import recordings

STYLES = {
    "lost": "bold red",
    "at_risk": "bold red",
    "missing": "red",
    "incomplete": "red",
    Code.PAUSE_OVERDUE: "red",
    Code.CONSENT_MISSING: "yellow",
    "endpoint_failing": "yellow",
    "reconcile_late": "bold red",
    "scrub_behind": "yellow",
    "seal_differs": "red",
    "fallback_in_use": "yellow",
    "stuck": "yellow",
    "held": "yellow",
    "unreadable": "yellow",
    "poisoned": "yellow",
    "dead_letter": "yellow",
    recordings.ARCHIVED: "green",
    "failed": "bold red",
    "ok": "green",
    "warning": "yellow",
    "skipped": "dim",
}


def style_of(word: str) -> str:
    """Return the style of a state."""
    return STYLES.get(word.lower(), "")


def label_of(kind: str) -> str:
    """Return a kind in plain words."""
    return kind.replace("_", " ")


def whose(item: AttentionItem) -> str:
    """Return who can act."""
    words = {"operator": "yours", "acs": "ACS's", "caller": "the caller's", "nobody": "passes by itself"}
    return words.get(item.fault or "", "")


def meaning_of(reason: str) -> str:
    """Return what a code means, without its Markdown; the code itself when it is not one."""
    code = Code.of(reason)
    return code.meaning.replace("`", "").replace("**", "") if code else reason.replace("_", " ")


def remedy_of(reason: str) -> str | None:
    """Return what to do about a code."""
    code = Code.of(reason)
    return code.remedy.replace("`", "").replace("**", "") if code else None

"""Writes what needs attention now into the workbook: the alerts' queries, so that both always say the same."""

import json
from pathlib import Path
from typing import Any

from dev.policies.infra.alarms import Alert, deployed
from dev.rewriting import rewrite

PAGE = Path(__file__).resolve().parents[1] / "infra" / "observability" / "workbook.json"
_NOW = "now"  # what the names of these panels begin with
# The alerts that tell of what every list of the app tells, the most urgent first, and what they say here.
TITLES = {
    "chunk-expired": "Lost: the deadline came before the chunk was archived",
    "chunk-at-risk": "At risk: little time is left",
    "app-silent": "Is the app running? A row of 0 says no",
    "recording-missing": "Missing: no file was announced",
    "recording-incomplete": "Incomplete: some files were not announced",
    "pause-overdue": "Pauses that should be over",
    "unrecorded": "What must be recorded and is not",
    "operator-fault": "What only an operator can repair",
    "chunk-in-fallback": "Kept in the second destination",
    "chunk-stuck": "Stuck: fails again and again",
    "chunk-quarantined": "Held: an operator decides",
    "event-rejected": "Refused events",
    "receiver-failing": "Receivers of events that take nothing",
    "scrub-behind": "Media that was not read whole in its cycle",
    "archive-drift": "Differences that the scrub found",
}


def written(text: str) -> str:
    """Return the workbook with the alerts' queries as they are deployed."""
    workbook = json.loads(text)
    rest = [item for item in workbook["items"] if not item["name"].startswith(_NOW)]
    title, *others = rest
    now = [_introduction(), *(_panel(deployed()[name], title) for name, title in TITLES.items())]
    return json.dumps({**workbook, "items": [title, *now, *others]}, indent=2, ensure_ascii=False) + "\n"


def _introduction() -> dict[str, Any]:
    told = (
        "## What needs attention now\nThe alerts' own queries: what has a row here has a mail, and what is over has "
        "none. `recordings status` and `GET /api/held` say the same."
    )
    return {"type": 1, "name": _NOW, "content": {"json": told}}


def _panel(alert: Alert, title: str) -> dict[str, Any]:
    content = {
        "version": "KqlItem/1.0",
        "title": title,
        "noDataMessage": "nothing",
        "noDataMessageStyle": 3,
        "query": alert.query,
        "size": 4,
        "timeContext": {"durationMs": int(alert.window.total_seconds() * 1000)},
        "queryType": 0,
        "resourceType": "microsoft.operationalinsights/workspaces",
        "visualization": "table",
    }
    return {"type": 3, "name": f"{_NOW}-{alert.name}", "customWidth": "50", "content": content}


def main(*, check: bool) -> int:
    """Write the workbook anew, or with `check` say whether it is up to date."""
    return rewrite(PAGE, written, check=check)

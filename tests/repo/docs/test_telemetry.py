"""docs/telemetry.md against recording/telemetry/metrics.py."""

from dev.policies.markdown import rows_with, spans
from dev.policies.repository import DOCS
from recording.telemetry.metrics import ALL


def test_the_page_has_exactly_the_metrics_of_the_code() -> None:
    """Dashboards are made from it."""
    page = [
        (spans(row["metric"])[0], row["kind"], row["unit"], tuple(spans(row["attributes"])), row["what"])
        for row in rows_with(DOCS / "telemetry.md", "metric", "kind")
    ]
    assert page == [(each.name, each.kind, each.unit, each.attributes, each.description) for each in ALL]

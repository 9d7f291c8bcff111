"""The JSON that is shown: described in docs/openapi.yaml field by field, in one dialect, without Azure."""

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.http.views import View, attention, proofs, recordings, seconds, status, trail
from tests.repo.docs.openapi import API

SCHEMAS: dict[str, Any] = API["components"]["schemas"]
DESCRIBED = {
    attention.AttentionItemView: SCHEMAS["AttentionItem"],
    attention.HeldView: SCHEMAS["Held"],
    attention.HeldListView: SCHEMAS["HeldList"],
    attention.RedrivenView: SCHEMAS["Redriven"],
    status.DeepHealthView: SCHEMAS["DeepHealth"],
    status.FindingView: SCHEMAS["DeepHealth"]["properties"]["findings"]["items"],
}
EVERY_VIEW = sorted(
    {
        kind
        for module in (attention, proofs, recordings, status, trail)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, View) and kind is not View
    },
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("view", DESCRIBED, ids=lambda view: view.__name__)
def test_a_view_has_exactly_the_fields_that_are_described(view: type[View]) -> None:
    """A field that one of the two lacks breaks a client, or is never found."""
    shown = {field.alias or name for name, field in view.model_fields.items()}
    assert shown == set(DESCRIBED[view]["properties"]) == set(DESCRIBED[view]["required"])


@pytest.mark.parametrize("view", EVERY_VIEW, ids=lambda view: view.__name__)
def test_every_view_speaks_the_same_dialect(view: type[View]) -> None:
    """One spelling of names, and no length of time without its unit."""
    for name, field in view.model_fields.items():
        assert re.fullmatch(r"[a-z][a-zA-Z0-9]*", field.alias or name)
        assert "timedelta" not in str(field.annotation), f"{name}: whole seconds, under a name that ends in Seconds"


@given(st.timedeltas(min_value=timedelta(days=-400), max_value=timedelta(days=400)))
def test_lengths_of_time_are_whole_seconds(length: timedelta) -> None:
    """Negative ones too: the deadline has passed."""
    shown = seconds(length)
    assert shown is not None
    assert abs(shown - length.total_seconds()) <= 0.5


@pytest.mark.slow
def test_they_load_without_azure() -> None:
    """The command line shows the same JSON and installs no Functions library."""
    views = "attention, proofs, recordings, status, trail"
    program = (
        f"import sys; from recording.http.views import {views}; "
        "print(sorted(m for m in sys.modules if m.startswith('azure')))"
    )
    root = Path(__file__).resolve().parents[3]
    run = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"

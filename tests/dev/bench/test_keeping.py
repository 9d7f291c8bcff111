"""The bench of keeping: it measures what really runs, and writes its block."""

import json
from pathlib import Path

import pytest

from dev.bench import keeping


def test_a_quick_run_measures_everything_and_writes_its_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line has a figure, and the page says how it was made."""
    page = tmp_path / "page.md"
    page.write_text(f"<!-- {keeping.BLOCK}: begin -->\nold\n<!-- {keeping.BLOCK}: end -->\n", encoding="utf-8")
    monkeypatch.setattr(keeping, "PAGE", page)
    assert keeping.main(tmp_path / "keep.json", quick=True, write_docs=True) == 0
    found = json.loads((tmp_path / "keep.json").read_text())
    assert found["daily"]["recordings"] == 5_000
    text = page.read_text(encoding="utf-8")
    assert "python -m dev bench keep --write-docs --quick" in text
    assert "| a bundle: hashing and packing |" in text
    assert "not measured" not in text


def test_seal_and_custodian_add_no_call_to_the_line() -> None:
    """I14: whatever they cost, the line pays nothing of it."""
    assert keeping.calls_of_the_line(with_all=True) == keeping.calls_of_the_line(with_all=False) > 10

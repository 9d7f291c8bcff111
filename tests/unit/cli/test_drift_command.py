"""The command `drift`: what it prints, and its exit code, which is what a scheduled job looks at."""

import json

import pytest

from dev.in_memory.world import World
from recording.cli import prove
from recording.domain.archived.drift import Drift, DriftKind
from recording.errors import StorageRefusedError
from recording.operate.drift.findings import DriftReport
from tests.unit.cli.conftest import Run


@pytest.mark.parametrize("sample", ["all", "100", "100%"])
def test_an_archive_that_agrees_exits_with_0(run: Run, sample: str) -> None:
    """The quiet case."""
    told = "no difference in 1 recording, 1 chunk, 1 of them read whole\n"
    assert run("drift", "--sample", sample) == (0, told)


def test_drift_exits_with_1_and_is_told_in_both_forms(here: World, run: Run) -> None:
    """A job fails, and its log says why and what to do."""
    lost = here.record().blob_name or ""
    del here.fakes.archive.blobs[lost]
    code, shown = run("drift")
    assert (code, shown.splitlines()[1].split()[1:]) == (1, ["media_missing", lost])
    assert "undelete it" in shown
    code, shown = run("drift", "--json")
    assert (code, [each["kind"] for each in json.loads(shown)["differences"]]) == (1, [DriftKind.MEDIA_MISSING])


@pytest.mark.parametrize("kind", DriftKind)
def test_every_difference_has_a_remedy(here: World, run: Run, monkeypatch: pytest.MonkeyPatch, kind: DriftKind) -> None:
    """Also the rarest: what was destroyed and is there ended in a traceback, when somebody looked."""
    found = DriftReport(at=here.now, recordings=1, chunks=1, sampled=1, drifts=(Drift("a/b.wav", kind, "rec-1"),))
    monkeypatch.setattr(prove, "look_for_drift", lambda *_, **__: found)
    code, shown = run("drift")
    assert code == 1
    assert any(line.startswith(f"{kind.value}: ") and len(line) > 30 for line in shown.splitlines())


def test_since_looks_at_newer_recordings_only(here: World, run: Run) -> None:
    """Yesterday's is found in seconds."""
    del here.fakes.archive.blobs[here.record().blob_name or ""]
    assert run("drift", "--since", "2026-11-24")[0] == 0
    assert run("drift", "--since", "2026-11-22")[0] == 1


def test_what_could_not_be_found_out_is_not_called_fine(here: World, run: Run) -> None:
    """Neither 0 nor 1."""
    here.fakes.archive.fail_next("list", StorageRefusedError("403"))
    code, shown = run("drift")
    assert (code, shown.splitlines()[0]) == (2, "storage_refused: 403")


@pytest.mark.parametrize("wrong", [("--sample", "101"), ("--sample", "x"), ("--since", "soon")])
def test_a_wrong_option_is_refused(run: Run, wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is read."""
    assert run("drift", *wrong)[0] == 2
    assert wrong[0] in capsys.readouterr().err

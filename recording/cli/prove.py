"""`recordings verify` and `recordings drift`: prove archived recordings again, from their bytes."""

import re
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from recording.cli.connect.session import FINE, NEEDS_ATTENTION, UNKNOWN, Cell, Column, Session, table, text
from recording.cli.options import Form, SinceOption, moment, session_of, with_groups
from recording.domain.archived.drift import Drift, DriftKind
from recording.domain.counted import counted
from recording.domain.find.short_ids import short_id
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.http.views.proofs import DriftView, VerifiedView
from recording.operate.drift import look_for_drift
from recording.operate.drift.findings import DriftReport
from recording.operate.find_recording import find_recording
from recording.operate.verify_recording import Verified
from recording.operate.verify_recording import verify as verify_recording

_COLUMNS = [Column("RECORDING"), Column("DIFFERENCE"), Column("BLOB", may_be_cut=True, keeps_end=True)]
_REMEDIES = {
    DriftKind.MEDIA_MISSING: "undelete it (soft delete, versions); find out who deleted it",
    DriftKind.MEDIA_LENGTH: "it was replaced: restore the earlier version",
    DriftKind.MEDIA_BYTES: "it was replaced: restore the earlier version",
    DriftKind.MEDIA_FACTS: "restore the earlier version; if only its metadata was edited, the media may be whole",
    DriftKind.RECEIPT_MISSING: "restore it; the media is not affected",
    DriftKind.RECEIPT_ALTERED: "restore it; the media is not affected",
    DriftKind.METADATA_ALTERED: "restore it; the media is not affected",
    DriftKind.METADATA_MISSING: "restore it; the media is not affected",
    DriftKind.MANIFEST_MISSING: "restore it; the media is not affected",
    DriftKind.MANIFEST_ALTERED: "restore it; the media is not affected",
    DriftKind.NOT_GONE: "find out who brought it back (undelete, a copy); destroy it by hand, as the custodian",
    DriftKind.CERTIFICATE_MISSING: "restore it; if there was none, find out who wrote the row, and restore the files",
    DriftKind.UNKNOWN_BLOB: "find out who put it there",
    DriftKind.UNCOMMITTED: "nothing; Blob storage drops staged blocks after a week",
}
RecordingsArgument = Annotated[list[str], typer.Argument(metavar="RECORDING...", help="ids or short ids")]
SampleOption = Annotated[
    str, typer.Option("--sample", metavar="PERCENT", help="share of the media to read whole: 1% or all")
]


@with_groups
def verify(context: typer.Context, form: Form, recordings: RecordingsArgument) -> None:
    """Prove archived recordings again: the media is read whole and hashed.

    Exit code 1: something differs.

    Examples: `recordings verify 2f7a91c1`, `recordings verify 2f7a91c1 9b02e344`.
    """
    session = session_of(context, form)
    ids = [find_recording(each, session.ports) for each in recordings]
    found = {recording_id: _verify(session, recording_id) for recording_id in ids}
    views = [VerifiedView.of(recording_id, one).plain() for recording_id, one in found.items()]
    parts = [line for recording_id, one in found.items() for line in _told(recording_id, one)]
    session.show(views[0] if len(recordings) == 1 else {"verified": views}, *parts)
    raise typer.Exit(FINE if all(one.is_proved or one.is_destroyed for one in found.values()) else NEEDS_ATTENTION)


def _verify(session: Session, recording_id: str) -> Verified:
    found = verify_recording(recording_id, session.ports, session.settings)
    if found is None:
        raise RequestError("no file of this recording is known; see `show`", code=Code.UNKNOWN_RECORDING)
    return found


def _told(recording_id: str, found: Verified) -> list[Text]:
    lines = [text(("differs  ", "bold red"), difference) for difference in found.differences]
    lines += [text(("unread   ", "yellow"), unread) for unread in found.unread]
    lines += [text(("         → ", "dim"), remedy) for remedy in sorted(_remedies(found.differences))]
    word = ("proved", "green") if found.is_proved else ("not proved", "bold red")
    word = ("destroyed, with a certificate", "dim") if found.is_destroyed else word
    read = f"{counted(found.chunks, 'chunk')}, {found.read_whole} of them read whole"
    return [*lines, text(word, f": {short_id(recording_id)}, {read}")]


def _remedies(differences: tuple[str, ...]) -> set[str]:
    kinds = {difference.partition(" ")[0] for difference in differences}
    return {_REMEDIES[kind] for kind in DriftKind if kind.value in kinds}


@with_groups
def drift(
    context: typer.Context,
    form: Form,
    sample: SampleOption = "1%",
    since: SinceOption = None,
    seed: Annotated[str | None, typer.Option(help="selects which share is read (default: today's date)")] = None,
) -> None:
    """Compare the whole archive with the catalog, and read a share of the media whole.

    Exit code 1: they differ.

    Examples: `recordings drift --sample all --since 3d`, `recordings drift -o json`.
    """
    session = session_of(context, form)
    report = look_for_drift(
        session.ports,
        session.settings,
        sample_percent=_percent(sample),
        since=moment(session, since),
        seed=seed or f"{datetime.now(UTC):%Y-%m-%d}",
    )
    session.show(DriftView.of(report).plain(), *_parts(session, report))
    raise typer.Exit(NEEDS_ATTENTION if report.drifts else UNKNOWN if report.failed else FINE)


def _parts(session: Session, report: DriftReport) -> list[RenderableType]:
    rows = [_row(session, one) for one in report.drifts]
    parts: list[RenderableType] = [table(session, _COLUMNS, rows)] if rows else []
    kinds = sorted({one.kind for one in report.drifts})
    parts += [text((f"{kind.value}: ", "bold"), _REMEDIES[kind]) for kind in kinds]
    parts += [text(("not read: ", "yellow"), f"{one.name}: {one.reason}") for one in report.unread]
    chunks = f"{counted(report.chunks, 'chunk')}, {report.sampled} of them read whole"
    looked = f"{counted(report.recordings, 'recording')}, {chunks}"
    count = len(report.drifts)
    found = (counted(count, "difference"), "bold red") if count else ("no difference", "green")
    return [*parts, text(found, f" in {looked}{report.rest_in_words}")]


def _row(session: Session, one: Drift) -> list[Cell]:
    name = one.blob_name if session.is_wide or not session.console.is_terminal else one.blob_name.rpartition("/")[2]
    return [short_id(one.recording_id) if one.recording_id else "", one.kind.value, name]


def _percent(written: str) -> float:
    """Read a share; a plain number is percent, too."""
    if written == "all":
        return 100.0
    found = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)%?", written.replace(" ", ""))
    if not found or float(found[1]) > 100:
        raise typer.BadParameter("write 1%, 25% or all", param_hint="--sample")
    return float(found[1])

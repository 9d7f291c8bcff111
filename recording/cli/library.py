"""`python -m recording.cli.library`: find recordings, rebuild the catalog, write index rows again, import files.

Works with the settings of the app: from the environment, or from a file in the form of local.settings.json.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from recording import wiring
from recording.cli.output.printing import Tell, say, say_json
from recording.domain.archived.importing import byos_entries, read_mapping
from recording.domain.find.find_query import FindQuery
from recording.errors import RecordingError
from recording.http.library_views import FoundPageView
from recording.http.routes import Dependencies
from recording.library.directory import find
from recording.library.importing import Imported, import_recordings
from recording.library.rebuild import rebuild
from recording.library.reindex import reindex
from recording.ports import Archive, Ports
from recording.settings import Settings, SettingsError, use_settings_file

FINE, NEEDS_ATTENTION, UNKNOWN = 0, 1, 2  # the exit codes
FILTERS = ("participant", "number", "call", "tag", "from", "to", "format", "state", "limit", "next")
Answer = tuple[int, dict[str, Any], list[str]]  # exit code, the facts for machines, the lines for people
OpenContainer = Callable[[str, Settings], Archive]


def main(
    arguments: Sequence[str] | None = None,
    dependencies: Dependencies = wiring.dependencies,
    tell: Tell | None = None,
    open_container: OpenContainer | None = None,
) -> int:
    """Run a command and return its exit code: 0 fine, 1 something needs attention, 2 it could not be found out."""
    told, asked = tell or sys.stdout.write, _parser().parse_args(arguments)
    answers = {"find": _find, "rebuild": _rebuild, "reindex": _reindex, "import": _import}
    try:
        if asked.settings:
            use_settings_file(asked.settings)
        ports, settings = dependencies()
        code, facts, lines = answers[asked.command](asked, ports, settings, open_container or _container)
    except (RecordingError, OSError) as error:
        text = f"{error.code}: {error}" if isinstance(error, RecordingError) else "the mapping cannot be read"
        say(told, [text])
        return UNKNOWN
    if asked.json:
        say_json(told, facts, str)
    else:
        say(told, lines)
    return code


def _find(asked: argparse.Namespace, ports: Ports, settings: Settings, _open: OpenContainer) -> Answer:
    given = {name: value for name in FILTERS if (value := getattr(asked, name)) is not None}
    page = FoundPageView.of(find(FindQuery.read(given), ports, settings))
    lines = [
        f"{one.started_at:%Y-%m-%d %H:%M:%S}  {one.recording_id}  {one.chunk_count} files"
        f"  {', '.join(one.states) or '-'}  {' '.join(f'{name}={value}' for name, value in one.tags.items())}".rstrip()
        for one in page.recordings
    ]
    lines += [f"more: --next {page.next}"] if page.next else []
    return (NEEDS_ATTENTION if page.unreadable else FINE), page.plain(), lines or ["no recordings"]


def _rebuild(asked: argparse.Namespace, ports: Ports, settings: Settings, _open: OpenContainer) -> Answer:
    done = rebuild(ports, settings, prefix=asked.prefix, from_start=asked.from_start)
    lines = [f"{name}: {why}" for name, why in done.problems]
    lines += [
        f"{done.folders} folders: made {done.recordings} recordings and {done.chunks} chunks, {done.known} were known, "
        f"{done.unfinished} chunks were not archived, {len(done.problems)} problems"
    ]
    return (NEEDS_ATTENTION if done.problems else FINE), vars(done), lines


def _reindex(asked: argparse.Namespace, ports: Ports, _settings: Settings, _open: OpenContainer) -> Answer:
    done = reindex(ports, again=asked.again)
    lines = [f"{name}: {why}" for name, why in done.problems]
    lines += [f"{done.seen} recordings seen, the rows of {done.written} written, {len(done.problems)} problems"]
    return (NEEDS_ATTENTION if done.problems else FINE), vars(done), lines


def _import(asked: argparse.Namespace, ports: Ports, settings: Settings, open_: OpenContainer) -> Answer:
    source = open_(asked.container, settings)
    try:
        if asked.mapping:
            entries = read_mapping(asked.mapping.read_bytes())
        else:
            entries = byos_entries(blob.name for blob in source.list(asked.prefix) if blob.is_committed)
        done = import_recordings(entries, source, ports, settings, dry_run=asked.dry_run)
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()
    return (NEEDS_ATTENTION if done.problems else FINE), vars(done), _lines_of(done, dry_run=asked.dry_run)


def _lines_of(done: Imported, *, dry_run: bool) -> list[str]:
    word = "would be imported" if dry_run else "imported"
    summary = f"{done.copied} files {word} ({done.length_bytes} bytes), {done.known} were known"
    return [*(f"{name}: {why}" for name, why in done.problems), f"{summary}, {len(done.problems)} left out"]


def _container(name: str, settings: Settings) -> Archive:
    """Open another container of the archive's account; it is only read."""
    from recording.adapters.blob.archive import BlobArchive

    if name == settings.archive_container:
        raise SettingsError({"--container": "is the archive itself"})
    return BlobArchive(settings.model_copy(update={"archive_container": name}))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m recording.cli.library", description=__doc__)
    parser.add_argument("--settings", type=Path, metavar="FILE", help="local.settings.json; else the environment")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="the answer as JSON")
    commands = parser.add_subparsers(dest="command", required=True)
    finding = commands.add_parser("find", parents=[common], help="recordings, the newest first")
    for name in FILTERS:
        finding.add_argument(f"--{name}", metavar=name.upper(), help=f"the filter `{name}` of GET recordings")
    again = commands.add_parser("rebuild", parents=[common], help="catalog and directory from the archive alone")
    again.add_argument("--prefix", default="", help="only folders whose names begin so")
    again.add_argument("--from-start", action="store_true", help="do not go on where an earlier run ended")
    rows = commands.add_parser("reindex", parents=[common], help="index rows of all recordings, under the present key")
    rows.add_argument("--again", action="store_true", help="also those that are up to date")
    bring = commands.add_parser("import", parents=[common], help="files of another container, under proof")
    bring.add_argument("container", metavar="CONTAINER", help="in the archive's account")
    bring.add_argument("--mapping", type=Path, metavar="FILE", help="JSON or CSV; else the names that ACS gives")
    bring.add_argument("--prefix", default="", help="only blobs whose names begin so")
    bring.add_argument("--dry-run", action="store_true", help="read and probe, and write nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())

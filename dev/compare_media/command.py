"""Asks the product's probe and PyAV about every file, and writes down where they disagree, each with its reason."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from dev.compare_media.corpus import fetch_packages, media_files
from dev.compare_media.encode import write_all
from dev.compare_media.judge import Verdict, judge
from recording.domain.media import MediaFacts, MediaProbe

DOCS = Path("docs/media-check.md")
_SCRAP_MS = 160.0  # a few frames
_SLACK_MS, _SLACK_SHARE = 200.0, 0.02
_PIECE_BYTES = 1 << 20
_FOREIGN = ("encrypted", "unknown form", "no known media format")


@dataclass(frozen=True)
class Row:
    """One file: what both say, and how that compares."""

    name: str
    facts: MediaFacts
    verdict: Verdict

    @property
    def outcome(self) -> str:
        """Return the cell of the table that this file counts in."""
        plays, fault, length = self.verdict.plays_ms, self.facts.fault, self.facts.duration_ms
        if self.verdict.problem == "PyAV does not end":
            return "PyAV does not end within a minute"
        if plays <= _SCRAP_MS and (fault or (length or 0) <= _SCRAP_MS):
            return "both find nothing, or scraps"
        if plays == 0:
            return "accepted, PyAV decodes nothing"
        if fault:
            return "refused, PyAV decodes some of it"
        if length is None:
            return "accepted without a length, with a remark"
        return "agree" if abs(length - plays) <= _SLACK_MS + _SLACK_SHARE * plays else "both play, lengths differ"

    @property
    def reason(self) -> str:
        """Return why the two disagree, as far as the facts say."""
        if self.facts.fault:
            foreign = any(words in self.facts.fault for words in _FOREIGN)
            return self.facts.fault + ("; no form that ACS makes" if foreign else "")
        if self.verdict.plays_ms == 0:
            return "the structure is whole; only decoding shows it (" + ", ".join(self.verdict.codecs or ("-",)) + ")"
        return f"the index says {self.facts.duration_ms or 0:.0f} ms, PyAV decodes {self.verdict.plays_ms:.0f} ms"


def main(folders: Sequence[Path], *, fetch: bool, encode: bool, cache: Path, write_docs: bool) -> int:
    """Compare all files and print the table; with `write_docs` also into the documentation."""
    with TemporaryDirectory() as scratch:
        places = list(folders)
        if fetch:
            fetch_packages(Path(scratch) / "packages")
            places.append(Path(scratch) / "packages")
        if encode:
            write_all(Path(scratch) / "encoded")
            places.append(Path(scratch) / "encoded")
        rows = _compare(places, cache)
    report = _report(rows)
    print(report)
    if write_docs:
        DOCS.write_text(report)
    return 0


def _compare(folders: Sequence[Path], cache: Path) -> list[Row]:
    known: dict[str, dict[str, object]] = json.loads(cache.read_text()) if cache.exists() else {}
    files = list(media_files(folders))
    new = [(digest, path) for digest, path in files if digest not in known]
    for (digest, _), verdict in zip(new, judge([path for _, path in new]), strict=True):
        known[digest] = asdict(verdict)
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_text(json.dumps(known))
    return [Row(path.name, probe(path), Verdict(**known[digest])) for digest, path in files]  # type: ignore[arg-type]


def probe(path: Path) -> MediaFacts:
    """Return what the product finds in a file, fed in pieces."""
    asked = MediaProbe(None)
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            asked.feed(piece)
    return asked.finish()


def _report(rows: Sequence[Row]) -> str:
    counts = Counter(row.outcome for row in rows)
    lines = [
        "# The media check compared with a decoder",
        "",
        "Written by `python -m dev compare-media --write-docs`: the product's walkers, which do not decode, compared",
        "with PyAV, which decodes every file. The files are test files of public packages and repositories, and files",
        "made by PyAV with odd options and then damaged (names with `~`). None is part of this repository.",
        "",
        f"| outcome | of {len(rows)} distinct files |",
        "|---|---|",
        *(f"| {outcome} | {count} |" for outcome, count in counts.most_common()),
        "",
        "A length agrees within 200 ms and 2 %. Scraps are files of a few frames. What PyAV decodes of a cut file is",
        "no sign that the file is whole: it plays what is left.",
        "",
    ]
    outcomes = [outcome for outcome in sorted(counts) if outcome not in ("agree", "both find nothing, or scraps")]
    for outcome in outcomes:
        lines += [f"## {outcome[0].upper()}{outcome[1:]}", "", "| why | files | among them |", "|---|---|---|"]
        lines += _table(row for row in rows if row.outcome == outcome)
        lines.append("")
    return "\n".join(lines)


def _table(rows: Iterable[Row]) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        by_reason.setdefault(row.reason, []).append(row.name.rsplit("__", 1)[-1].replace("|", " "))
    ordered = sorted(by_reason.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return [f"| {reason} | {len(names)} | {', '.join(names[:5])} |" for reason, names in ordered]

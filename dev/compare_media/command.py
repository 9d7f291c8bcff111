"""Asks the product's probe and PyAV about every file, and writes down where they disagree, each with its reason."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
_LONGEST_NAME = 72
_PIECE_BYTES = 1 << 20
_DAMAGES = {
    "cut": "cut between two fragments, or in the size of one: a shorter file, whose length the metadata knows",
    "hole": "1,500 zeros within the media, less than a page: only decoding shows them",
    "lost": "bytes are gone between frames of MP3, or whole fragments: a shorter file, whose length the metadata knows",
    "lost-8": "eight bytes are gone: one frame of an MP3, or a harmless box behind the media is taken for media",
    "twice": "a part is there twice: a longer MP3, or an MP4 whose end is behind its last box, which is a remark",
    "begun-again": "the file begins again within its media: a longer MP3, or bytes after the end, which is a remark",
    "index-hole": "512 zeros within the index, where no table is",
    "bit": "one bit of the index is another",
}
_KNOWN = {
    "sample_eac3": "PyAV decodes a sixth of this E-AC-3; no form that ACS makes",
    "edit": "the edit list begins between two key pictures: PyAV begins at another one",
    "opus_audioinit": "the edit list begins inside a frame of Opus: PyAV begins later",
    "cfg_test": "PyAV does not open it because of its scene description; other players do",
    "auxiliary": "the tracks have no lengths in the index",
}
_OPEN_EDIT = "an edit of length 0 is open in a fragmented file (ISO 14496-12 §8.6.6); PyAV plays only the fragments"
_FOREIGN = ("encrypted", "unknown form", "no known media format")


@dataclass(frozen=True)
class Row:
    """One file: what both say, and how that compares."""

    name: str
    facts: MediaFacts
    verdict: Verdict
    whole_ms: float | None = None  # how long it played before it was damaged

    @property
    def damage(self) -> str:
        """Return what was done to the file, or nothing."""
        return Path(self.name).stem.partition("~")[2]

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
        if length < (self.whole_ms or 0) - _SLACK_MS - _SLACK_SHARE * length:
            return "damaged, accepted as a shorter file"
        return "agree" if abs(length - plays) <= _SLACK_MS + _SLACK_SHARE * plays else "both play, lengths differ"

    @property
    def reason(self) -> str:
        """Return why the two disagree, as far as the facts say."""
        if self.facts.fault:
            foreign = any(words in self.facts.fault for words in _FOREIGN)
            return self.facts.fault + ("; no form that ACS makes" if foreign else "")
        if self.damage in _DAMAGES:
            return f"{_DAMAGES[self.damage]} (~{self.damage})"
        if self.facts.container == "fragmented mp4" and "edits1" in self.name:
            return _OPEN_EDIT
        if known := next((why for words, why in _KNOWN.items() if words in self.name), None):
            return known
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
    found = {path: Verdict(**known[digest]) for digest, path in files}  # type: ignore[arg-type]
    return [Row(path.name, probe(path), verdict, _whole_ms(path, found)) for path, verdict in found.items()]


def _whole_ms(path: Path, found: Mapping[Path, Verdict]) -> float | None:
    """Return how long the file plays of which this is a damaged copy."""
    name, is_damaged, _ = path.stem.partition("~")
    whole = found.get(path.with_name(name + path.suffix)) if is_damaged else None
    return whole.plays_ms if whole else None


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
        "made by PyAV with odd options and then damaged (names with `~`). None is part of this repository. A damaged",
        "file that plays shorter than before and is accepted does not count as agreement, whatever PyAV makes of it.",
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
        by_reason.setdefault(row.reason, []).append(_short(row.name))
    ordered = sorted(by_reason.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return [f"| {reason} | {len(names)} | {', '.join(names[:5])} |" for reason, names in ordered]


def _short(name: str) -> str:
    """Return a file's name without the folders that a collection put before it."""
    last = name.rsplit("__", 1)[-1].replace("|", " ")
    return last if len(last) <= _LONGEST_NAME else "…" + last[-_LONGEST_NAME:]

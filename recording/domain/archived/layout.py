"""Layout of the archive: names are built from checked ids only, never from locations."""

import re
import string
from datetime import UTC, datetime

from recording.domain.formats import FormatType
from recording.domain.ids import name_of

FORMAT_BY_EXTENSION = {kind.value: kind for kind in FormatType}
DEFAULT_TEMPLATE = "{yyyy}/{MM}/{dd}/{callId}/{recordingId}/{index}-{documentId}.{ext}"
CERTIFICATES = "_certificates/"  # where the certificates of what was destroyed begin
METADATA = ".metadata.json"  # where the name of a metadata document ends
LONGEST_NAME = 1024  # Blob storage's limit
LONGEST_FOLDER = 900  # characters: workers refuse a task with a longer one
JSON = "application/json"  # the content type of every document in the archive, and beside it
_FOLDER_FIELDS = {"yyyy", "MM", "dd", "HH", "callId", "recordingId"}
_FILE_FIELDS = {"index", "documentId", "ext"}
_LITERAL = re.compile(r"[A-Za-z0-9._/=+ -]*", re.ASCII)
_MANIFEST = re.compile(r"manifest(?:\.(?P<version>[0-9]{4}))?\.json", re.ASCII)
_DERIVED = re.compile(
    r"derived\.(?:joined|speaker-[0-9]{1,2}\.[0-9]{4,7})\.(?P<mark>[0-9a-f]{16})\.(?:wav|mp3|json|asked\.json|failed\.json)",
    re.ASCII,
)
_VERSIONED = re.compile(r"\.v(?P<version>[0-9]{1,4})\.[A-Za-z0-9]+$", re.ASCII)
_RUN_TOGETHER = re.compile(r"\{(?:callId|recordingId|documentId|index)\}\{")


def template_fault(template: str) -> str | None:
    """Return the fault of an archive path template, or None.

    A name must be unique for (recording, index, document), so the folder must contain `{recordingId}` and the file name
    `{index}` and `{documentId}`.
    """
    folder, _, file_name = template.rpartition("/")
    try:
        parts = [*string.Formatter().parse(folder)], [*string.Formatter().parse(file_name)]
    except ValueError:
        return "has unbalanced braces"
    fields = [{name for _, name, _, _ in part if name is not None} for part in parts]
    if unknown := (fields[0] - _FOLDER_FIELDS) | (fields[1] - _FILE_FIELDS):
        return f"has fields that are unknown or in the wrong place: {', '.join(sorted(unknown))}"
    if any(spec or conversion for part in parts for _, _, spec, conversion in part):
        return "has format specifications; fields are written plainly"
    if "recordingId" not in fields[0] or not {"index", "documentId"} <= fields[1] or not file_name.endswith(".{ext}"):
        return "needs {recordingId} in its folder, and a file name of {index} and {documentId} ending in .{ext}"
    literals = "".join(literal for part in parts for literal, *_ in part)
    if not _LITERAL.fullmatch(literals) or template.startswith("/") or "//" in template or ".." in template:
        return "has characters or path segments that a blob name should not have"
    if not all(segment.strip(". ") for segment in template.split("/")):
        return "has a path segment of spaces and dots only"
    if any(segment.endswith(".") for segment in template.split("/")):
        return "has a path segment that ends with a dot"
    if _RUN_TOGETHER.search(template):
        return "has ids that run together; put something between them"
    if len(_longest_folder(template)) > LONGEST_FOLDER:
        return f"makes folders longer than {LONGEST_FOLDER} characters"
    if _longest_name(template) > LONGEST_NAME:
        return f"makes names longer than the {LONGEST_NAME} characters that Blob storage takes"
    return None


def _longest_folder(template: str) -> str:
    return folder_of(template, "r" * 64, "c" * 64, datetime.max.replace(tzinfo=UTC))


def _longest_name(template: str) -> int:
    folder = _longest_folder(template)
    return len(conflict_name(versioned_name(media_name(template, folder, 1_000_000, "d" * 64, None), 99), "f" * 16))


def folder_of(template: str, recording_id: str, call_id: str, started_at: datetime) -> str:
    """Return the folder of a recording, without a trailing slash."""
    folder = template.rpartition("/")[0]
    return folder.format(
        yyyy=f"{started_at:%Y}",
        MM=f"{started_at:%m}",
        dd=f"{started_at:%d}",
        HH=f"{started_at:%H}",
        callId=name_of(call_id),
        recordingId=name_of(recording_id),
    )


def media_name(template: str, folder: str, index: int, document_id: str, format_type: FormatType | None) -> str:
    """Return the blob name of a chunk's media; `.bin` when neither event, metadata nor bytes reveal its format."""
    file_name = template.rpartition("/")[2].format(
        index=f"{index:04d}",
        documentId=name_of(document_id),
        ext=format_type.value if format_type else "bin",
    )
    return f"{folder}/{file_name}"


def versioned_name(media: str, version: int) -> str:
    """Return the media's name when other bytes have its earlier names."""
    stem, _, extension = media.rpartition(".")
    return media if version == 1 else f"{stem}.v{version}.{extension}"


def suspect_name(media: str, mark: str) -> str:
    """Return the name for bytes that failed the media check; they never get the media's own name."""
    stem, _, extension = media.rpartition(".")
    return f"{stem}.suspect-{mark[:16]}.{extension}"


def metadata_name(media: str) -> str:
    """Return the raw metadata document beside the media."""
    return media.rpartition(".")[0] + METADATA


def receipt_name(media: str) -> str:
    """Return the receipt beside the media."""
    return media.rpartition(".")[0] + ".receipt.json"


def peaks_name(media: str) -> str:
    """Return the name of the waveform, beside the media; it can be made again at any time."""
    return media.rpartition(".")[0] + ".peaks.json"


def derived_stem(folder: str, what: str, mark: str) -> str:
    """Return the prefix of a derived file and its documents: `joined`, or `speaker-` channel and index.

    They are in the recording's folder, and so held, counted and destroyed with it.
    """
    return f"{folder}/derived.{what}.{mark}"


def derived_prefix(folder: str) -> str:
    """Return the prefix of all derived files of a recording."""
    return f"{folder}/derived."


def derived_mark(name: str) -> str | None:
    """Return the id of the derived file that a blob is, or belongs to, by its name; None when it is none."""
    found = _DERIVED.fullmatch(name.rpartition("/")[2])
    return found["mark"] if found else None


def is_derived_receipt(name: str) -> bool:
    """Return whether a blob is the receipt of a derived file, without which the file does not count."""
    mark = derived_mark(name)
    return mark is not None and name.endswith(f".{mark}.json")


def media_of_receipt(name: str, format_type: FormatType | None) -> str | None:
    """Return the media of a receipt; None when the blob is not a receipt."""
    stem = name.removesuffix(".receipt.json")
    return None if stem == name else f"{stem}.{format_type.value if format_type else 'bin'}"


def name_version_of(media: str) -> int:
    """Return which version of its name a medium has."""
    found = _VERSIONED.search(media)
    return int(found["version"]) if found else 1


def conflict_name(media: str, mark: str) -> str:
    """Return the name for other bytes that claim to be the same chunk, kept for review."""
    stem, _, extension = media.rpartition(".")
    return f"{stem}.conflict-{mark[:16]}.{extension}"


def is_conflict(name: str) -> bool:
    """Return whether a blob has such a name."""
    return ".conflict-" in name.rpartition("/")[2]


def manifest_name(folder: str, version: int = 1) -> str:
    """Return the name of the list of a recording's chunks and gaps.

    Later versions exist only where the first may not be rewritten (a retention policy, a legal hold).
    """
    return f"{folder}/manifest.json" if version == 1 else f"{folder}/manifest.{version:04d}.json"


def manifest_version(name: str) -> int | None:
    """Return which version of a manifest a blob is by its name; None when it is none."""
    found = _MANIFEST.fullmatch(name.rpartition("/")[2])
    return int(found["version"] or 1) if found else None

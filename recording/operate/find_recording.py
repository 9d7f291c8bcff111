"""Find a recording by what an operator types: its id, a short id or prefix, a call or a document."""

from collections.abc import Iterator, Sequence
from itertools import islice

from recording.domain.find.short_ids import SHORTEST, is_named_by, item_name, named_by, short_id
from recording.domain.ids import are_same_id, canonical_id
from recording.domain.state.transitions import is_archived
from recording.domain.watched.attention import STUCK_AFTER, AttentionItem
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.operate.attention import needs_attention
from recording.operate.find_held import is_in_catalog
from recording.ports import Ports
from recording.ports.bulkhead import readable
from recording.ports.stored import all_chunks_of
from recording.settings import Settings

MOST_LOOKED_AT = 20_000  # rows of the catalog; a whole id is found without a search


def find_recording(typed: str, ports: Ports) -> str:
    """Return the id of the one matching recording.

    Raises:
        RequestError: `unknown_recording`, or `invalid_request` when several match.
        StorageError: when the catalog does not answer.
    """
    typed = canonical_id(typed)
    if is_in_catalog(typed, ports):
        return typed
    found = set()
    for recording_id, others in _known(ports):
        if (
            named_by(typed, (recording_id,))
            or are_same_id(typed, recording_id)
            or any(is_named_by(other, typed) for other in others)
        ):
            found.add(recording_id)
    if not found:
        whole, slash, index = typed.rpartition("/")
        message = (
            f"{typed!r} names one file; the recording is {whole}"  # what is done to a file must not be done to all
            if slash and index.isdecimal()
            else f"no recording is named by {typed!r}: take an id or a short id of `ls`, of at least four characters, "
            "or the id of a call or document"
        )
        raise RequestError(message, code=Code.UNKNOWN_RECORDING)
    if len(found) > 1:
        names = ", ".join(sorted(short_id(each) for each in found)[:5])
        raise RequestError(f"{typed!r} names {len(found)} recordings ({names}): type more of it, or the whole id")
    return found.pop()


def find_item(typed: str, ports: Ports, settings: Settings, stuck_after: int = STUCK_AFTER) -> str:
    """Return the whole id of the one matching attention item.

    Args:
        typed: what the operator typed.
        ports: where things are.
        settings: for the times of events.
        stuck_after: failed tries from which on an open chunk counts.

    Raises:
        RequestError: `unknown_id`, or `invalid_request` when several match.
        StorageError: when storage does not answer.
    """
    items = needs_attention(ports, settings, stuck_after=stuck_after).items
    if any(typed == item.id or typed in item.entries for item in items):
        return typed
    found = _items_named(typed, items)
    if len(found) == 1:
        return found.pop()
    if not found:
        why = _why_file(typed, ports) or (
            f"nothing that needs attention is named by {typed!r}: take an id or at least four characters of it"
        )
        raise RequestError(f"{why}; see `ls --attention`", code=Code.UNKNOWN_ID)
    raise RequestError(f"{typed!r} names {len(found)} things: type more of it, or the whole id")


def _items_named(typed: str, items: Sequence[AttentionItem]) -> set[str]:
    """Return the ids of the items with this short name; else of those whose short name, or id, begins so."""
    short = {item.id: item_name(item.id, item.recording_id, item.index) for item in items}
    exact = {one for one, name in short.items() if name == typed}
    if exact or len(typed) < SHORTEST:
        return exact
    return {one for one, name in short.items() if name.startswith(typed)} or {
        one for one in short if one.startswith(typed)
    }


def _why_file(typed: str, ports: Ports) -> str | None:
    """Return why one file, such as `2f7a91c1/0`, needs no attention: it was archived, or never announced."""
    whole, _, index = typed.rpartition("/")
    try:
        recording_id = find_recording(whole, ports)
    except RequestError:
        return None
    chunks, unread = all_chunks_of(recording_id, ports.catalog)
    files = [one for one in chunks if str(one.task.index) == index]
    if any(row.index is None or str(row.index) == index for row in unread):
        return None
    if not files:
        return f"recording {short_id(recording_id)} has no file {index}"
    return f"{typed} is archived" if all(is_archived(one) for one in files) else None


def _known(ports: Ports) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield recording ids, each with the other ids that an operator may have at hand."""
    for record in readable(ports.catalog.open_recordings(), "open_recordings"):
        yield record.recording_id, tuple(filter(None, (record.call_id, record.server_call_id)))
    for chunk in islice(readable(ports.catalog.all_chunks(), "all_chunks"), MOST_LOOKED_AT):
        yield chunk.task.recording_id, (chunk.task.call_id, chunk.task.document_id)

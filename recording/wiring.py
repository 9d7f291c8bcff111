"""Fills the ports with adapters: on first use, once per process, never at import.

Each port imports its adapter when it is first touched, so that a function pays only for the SDKs it uses:
the Event Grid trigger never loads the Call Automation SDK, and the health check loads none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache, partial
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from recording.telemetry import listen

if TYPE_CHECKING:  # the triggers are listed without them, and a function needs few
    from recording.adapters.azure_sdk.deployed_app import DeployedApp
    from recording.ports import (
        Archive,
        AuditEraser,
        AuditTrail,
        BufferPool,
        CallRecordingLog,
        Catalog,
        ChunkQueue,
        Custodian,
        DeadLetters,
        Directory,
        DownloadLinks,
        ExternalStorage,
        FollowUps,
        Guards,
        IndexKeySource,
        Keeping,
        Leftovers,
        OutgoingPorts,
        Ports,
        Quarantine,
        RecordingControl,
        RecordingSource,
        RunningCounts,
        StartCounts,
    )
    from recording.ports.library.exports import BlockCopying, DerivedQueue, ExportQueue
    from recording.ports.library.seal import SealKey, SealList, SealPorts, SealStore, TimeStamps
    from recording.ports.outgoing import Outbox, OutboxQueue, Way
    from recording.ports.probe import Probe
    from recording.settings import Settings

T = TypeVar("T")
_lock = RLock()
_opened: list[Any] = []


@cache
def settings() -> Settings:
    """Return the settings in the environment, read once they are valid.

    Raises:
        SettingsError: while some are missing or wrong; the next call reads again.
    """
    from recording.settings import read_settings

    return read_settings()


def ports() -> Ports:
    """Return the ports of this process.

    Raises:
        SettingsError: while some settings are missing or wrong.
    """
    with _lock:
        return _ports()


def dependencies() -> tuple[Ports, Settings]:
    """Return what a use case is given.

    Raises:
        SettingsError: while some settings are missing or wrong.
    """
    return ports(), settings()


@cache
def _ports() -> Ports:
    from recording.adapters.system_clock import SystemClock
    from recording.ports import Ports
    from recording.ports.library.exports import DerivedPorts, ExportPorts

    settings()  # faults show here, not at the first use of a port
    # The SDKs log each request with its address at INFO, which is noise and shows blob names.
    logging.getLogger("azure").setLevel(logging.WARNING)
    for one in settings().set_aside:  # the doctor fails with it; the log says so to those who do not ask
        message = "the setting %s is ignored: it %s; the app does without it until it is repaired"
        logging.getLogger("recording").warning(message, one.name, one.fault)
    _send_telemetry(settings())
    return Ports(
        clock=SystemClock(),
        control=_lazily(_control),
        source=_lazily(_source),
        external=_lazily(_external),
        archive=_lazily(_archive),
        catalog=_lazily(_catalog),
        queue=_lazily(_queue),
        quarantine=_lazily(_quarantine),
        audit=_lazily(_audit),
        start_counts=_lazily(_start_counts),
        pool=_lazily(_pool),
        fallback=_lazily(_fallback) if settings().fallback_storage else None,
        dead_letters=_lazily(_dead_letters) if settings().dead_letter_storage else None,
        log=_lazily(_log) if settings().monitor_workspace_id else None,
        directory=_lazily(_directory),
        follow_ups=_lazily(_follow_ups),
        index_keys=_lazily(_index_keys),
        analysts=_lazily(_analysts) if settings().parquet_container else None,
        seal=_seal(settings()),
        exports=ExportPorts(_lazily(_export_queue), _lazily(_export_store)),
        derived=DerivedPorts(_lazily(_derived_queue), _lazily(_copying)),
        keeping=_lazily(_keeping),
        custodian=_lazily(_custodian) if settings().custodian_storage else None,
        audit_eraser=_lazily(_audit_eraser) if settings().custodian_storage else None,
        guards=_lazily(_guards),
        outgoing=_outgoing(settings()),
        links=_lazily(_links) if settings().download_links_for is not None else None,
        leftovers=_lazily(_leftovers),
        running=_lazily(_running) if settings().running_per_caller is not None else None,
    )


def probe(known: Settings) -> Probe:
    """Return what the doctor looks with."""
    from recording.adapters.probe import AzureProbe

    return AzureProbe(known)


def probe_of_app(app: DeployedApp) -> Callable[[Settings], Probe]:
    """Return what the doctor looks with from a desk.

    It also posts to the function, where the person may list its keys.
    """
    from recording.adapters.azure_sdk.clients import person
    from recording.adapters.azure_sdk.deployed_app import event_grid_key
    from recording.adapters.probe import AzureProbe, Webhook

    def webhook() -> Webhook | None:
        key = event_grid_key(app, person()) if app.host else None
        return Webhook(app.host, key) if key else None

    return partial(AzureProbe, webhook=webhook)


def deployed_app(name: str, group: str, subscription: str | None) -> DeployedApp:
    """Return what Azure says about a deployed app, asked as the person who is signed in with a developer's tool.

    Raises:
        RequestError: nobody is signed in, or there is no such app.
        StorageError: the person may not read it, or Azure does not answer.
    """
    from recording.adapters.azure_sdk.clients import person
    from recording.adapters.azure_sdk.deployed_app import read_deployed_app

    return read_deployed_app(name, group, subscription, person())


def other_container(name: str, known: Settings) -> Archive:
    """Return another container of the archive's account, to import from; or one of the customer's own, by its address.

    Raises:
        SettingsError: it is the archive itself, or an address that EXTERNAL_STORAGE_CONTAINERS does not name.
    """
    from recording.adapters.blob.container import account_url
    from recording.settings import SettingsError, StorageConnection

    account, _, container = name.rpartition("/")
    if account and name not in known.external_containers:
        raise SettingsError({"CONTAINER": "is not one of EXTERNAL_STORAGE_CONTAINERS"})
    is_ours = account in ("", account_url(known.archive_storage))
    if is_ours and container == known.archive_container:
        raise SettingsError({"CONTAINER": "is the archive itself"})
    identity = known.archive_storage.client_id
    place = known.archive_storage if is_ours else StorageConnection(blob_uri=account, client_id=identity)
    return _archive_in(known, archive_storage=place, archive_container=container)


def reset() -> None:
    """Close what was opened and forget everything; for tests."""
    with _lock:
        listen(None)
        while _opened:
            _opened.pop().close()
        _ports.cache_clear()
        settings.cache_clear()


def _send_telemetry(known: Settings) -> None:
    """Send metrics and traces where that is set; what the exporter refuses is logged, and recordings are archived."""
    if not known.insights:
        return
    from recording.adapters.open_telemetry import to_application_insights

    try:
        listener = to_application_insights(known)
    except ValueError as error:
        message = "no telemetry is sent: its exporter refuses the setting (%s); recordings are archived all the same"
        logging.getLogger("recording").warning(message, type(error).__name__)
        return
    _opened.append(listener)
    listen(listener)


def _lazily(make: Callable[[], T]) -> T:
    """Return the adapter that `make` will make; it looks the same, but is made when its first method is asked for."""
    return cast("T", _Lazy(make))


class _Lazy:
    """Stands for an adapter; one for all threads."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        with _lock:
            if "_adapter" not in self.__dict__:
                self._adapter = self._make()
                _opened.append(self._adapter)
        return getattr(self._adapter, name)


def _control() -> RecordingControl:
    from recording.adapters.acs.control import AcsControl

    return AcsControl(settings().acs)


def _source() -> RecordingSource:
    from recording.adapters.acs.source import AcsSource

    return AcsSource(settings().acs)


def _external() -> ExternalStorage:
    from recording.adapters.blob.external import ExternalBlobs

    return ExternalBlobs(settings())


def _archive() -> Archive:
    from recording.adapters.blob.archive import BlobArchive

    return BlobArchive(settings())


def _running() -> RunningCounts:
    from recording.adapters.table.start_counts import TableRunningCounts

    return TableRunningCounts(settings())


def _archive_in(known: Settings, **place: object) -> Archive:
    """Return another archive: that of these settings with some of them changed."""
    from recording.adapters.blob.archive import BlobArchive
    from recording.domain.model import with_changes

    return BlobArchive(with_changes(known, place))


def _fallback() -> Archive:
    known = settings()
    return _archive_in(known, archive_storage=known.fallback_storage, archive_container=known.fallback_container)


def _catalog() -> Catalog:
    from recording.adapters.table.catalog import TableCatalog

    return TableCatalog(settings())


def _queue() -> ChunkQueue:
    from recording.adapters.storage_queue import StorageChunkQueue

    return StorageChunkQueue(settings())


def _directory() -> Directory:
    from recording.adapters.table.directory import TableDirectory

    return TableDirectory(settings())


def _follow_ups() -> FollowUps:
    from recording.adapters.storage_queue import StorageFollowUps

    return StorageFollowUps(settings())


def _guards() -> Guards:
    from recording.adapters.storage_queue import StorageGuards

    return StorageGuards(settings())


def _index_keys() -> IndexKeySource:
    from recording.adapters.table.directory import TableIndexKeys

    return TableIndexKeys(settings())


def _seal(known: Settings) -> SealPorts | None:
    from recording.domain.names import SEAL_CONTAINER
    from recording.ports.library.seal import SealPorts

    if known.seal_key is None:
        return None
    return SealPorts(
        waiting=_lazily(_seal_list),
        key=_lazily(_seal_key),
        store=_lazily(_seal_store),
        origin=f"{known.archive_storage.blob_host}/{SEAL_CONTAINER}",
        stamps=_lazily(_stamps) if known.seal_timestamp_url else None,
    )


def _outgoing(known: Settings) -> OutgoingPorts | None:
    from recording.ports.outgoing import OutgoingPorts

    if not known.sends_events:
        return None
    ways = [_lazily(_topic)] if known.events_topic else []
    ways += [_lazily(partial(_webhook, number)) for number in range(len(known.webhooks))]
    ways += [_lazily(partial(_unresolved, known))] if known.webhooks_missing or known.events_wait else []
    return OutgoingPorts(queue=_lazily(_outbox_queue), outbox=_lazily(_outbox), ways=ways)


def _topic() -> Way:
    from recording.adapters.outgoing.event_grid import EventGridTopic

    return EventGridTopic(settings())


def _webhook(number: int) -> Way:
    from recording.adapters.outgoing.webhooks import WebhookWay

    return WebhookWay(settings(), settings().webhooks[number])


def _unresolved(known: Settings) -> Way:
    from recording.adapters.outgoing.unresolved import UnresolvedWebhooks
    from recording.errors.codes import Code

    return UnresolvedWebhooks(Code.SETTING_SET_ASIDE if known.events_wait else Code.WEBHOOKS_UNRESOLVED)


def _leftovers() -> Leftovers:
    from recording.adapters.storage_queue import StorageLeftovers

    return StorageLeftovers(settings())


def _outbox() -> Outbox:
    from recording.adapters.table.outbox import TableOutbox

    return TableOutbox(settings())


def _outbox_queue() -> OutboxQueue:
    from recording.adapters.storage_queue import StorageOutboxQueue

    return StorageOutboxQueue(settings())


def _seal_list() -> SealList:
    from recording.adapters.table.seal_list import TableSealList

    return TableSealList(settings())


def _seal_key() -> SealKey:
    from recording.adapters.seal_keys import FileKey, VaultKey
    from recording.settings import needed

    known = settings()
    return VaultKey(known) if needed(known.seal_key, "SEAL_KEY").startswith("https://") else FileKey(known)


def _seal_store() -> SealStore:
    from recording.domain.names import SEAL_CONTAINER

    return _archive_in(settings(), archive_container=SEAL_CONTAINER, archive_access_tier=None)


def _derived_queue() -> DerivedQueue:
    from recording.adapters.storage_queue import StorageDerived

    return StorageDerived(settings())


def _copying() -> BlockCopying:
    from recording.adapters.blob.block_copies import BlockCopies

    return BlockCopies(settings())


def _export_queue() -> ExportQueue:
    from recording.adapters.storage_queue import StorageExports

    return StorageExports(settings())


def _export_store() -> Archive:
    from recording.domain.names import EXPORT_CONTAINER

    return _archive_in(settings(), archive_container=EXPORT_CONTAINER, archive_access_tier=None)


def _links() -> DownloadLinks:
    from recording.adapters.blob.links import DelegatedLinks

    return DelegatedLinks(settings())


def _stamps() -> TimeStamps:
    from recording.adapters.seal_keys import StampingAuthority

    return StampingAuthority(settings())


def _audit_eraser() -> AuditEraser:
    from recording.adapters.table.audit_eraser import TableAuditEraser

    return TableAuditEraser(settings())


def _custodian() -> Custodian:
    from recording.adapters.blob.custodian import BlobCustodian

    return BlobCustodian(settings())


def _keeping() -> Keeping:
    from recording.adapters.table.keeping import TableKeeping

    return TableKeeping(settings())


def _analysts() -> Archive:
    known = settings()
    return _archive_in(known, archive_container=known.parquet_container)


def _log() -> CallRecordingLog:
    from recording.adapters.monitor_log import MonitorLog

    return MonitorLog(settings())


def _audit() -> AuditTrail:
    from recording.adapters.table.audit import TableAudit

    return TableAudit(settings())


def _start_counts() -> StartCounts:
    from recording.adapters.table.start_counts import TableStartCounts

    return TableStartCounts(settings())


def _pool() -> BufferPool:
    from recording.archive.transfer.buffers import process_pool

    return process_pool(settings().copy_slots, settings().copy_block_bytes)


def _dead_letters() -> DeadLetters:
    from recording.adapters.blob.dead_letters import BlobDeadLetters

    return BlobDeadLetters(settings())


def _quarantine() -> Quarantine:
    from recording.adapters.blob.quarantine import BlobQuarantine

    return BlobQuarantine(settings())

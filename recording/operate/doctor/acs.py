"""The doctor's checks of ACS, its files, its log and the delivery paths of its events."""

from datetime import UTC, datetime, timedelta
from itertools import islice

from recording.domain.counted import counted
from recording.domain.incoming.events import EVENT_TYPE
from recording.domain.names import EVENTS_QUEUE, INGEST_FUNCTION
from recording.domain.state.chunk import Home
from recording.errors import ControlError, SourceGoneError, StorageRefusedError
from recording.errors.codes import Code
from recording.operate.doctor import round_trip
from recording.operate.doctor.findings import FoundWarning, Said, SkippedError
from recording.ports import Ports
from recording.ports.bulkhead import readable
from recording.ports.probe import Probe, SubscriptionFacts
from recording.settings import Settings

NOWHERE = "ZG9jdG9y"  # no recording has this id
DELIVERY_PATHS = ("AzureFunction", "StorageQueue")  # the kinds of the two subscriptions
END_OF_STANDALONE_ACS = datetime(2028, 9, 30, tzinfo=UTC)
WARNED_BEFORE_THE_END = timedelta(days=548)  # eighteen months: moving callers takes a year
_MOST_TASKS = 100


def check_acs(ports: Ports, _settings: Settings, _probe: Probe) -> Said:
    """Ask ACS about a recording that does not exist: the answer proves key or identity, network and clock."""
    try:
        ports.control.state(NOWHERE)
    except ControlError as error:
        if error.code not in (Code.RECORDING_NOT_FOUND, Code.INVALID_ARGUMENT):
            raise
    return "reached; it knows this app", None


def check_acs_of_a_person(ports: Ports, settings: Settings, probe: Probe) -> Said:
    """Skip the check: a person needs no role on ACS, and only the app can report the answers that it gets."""
    try:
        return check_acs(ports, settings, probe)
    except ControlError as error:
        if error.code not in (Code.ACS_FORBIDDEN, Code.ACS_UNAUTHORIZED):
            raise
        raise SkippedError("reached, but it refuses your identity; GET /api/health/deep tests the app's") from None


def check_acs_download(ports: Ports, _settings: Settings, _probe: Probe) -> Said:
    """Request the metadata of a known file: files are served by another host than ACS's control plane."""
    known = (chunk.task for chunk in islice(readable(ports.catalog.all_chunks(), "all_chunks"), _MOST_TASKS))
    location = next(
        (task.metadata_location for task in known if task.home is Home.ACS and task.metadata_location), None
    )
    if location is None:
        raise SkippedError("no file is known yet, so there is no host of ACS to test")
    try:
        ports.source.read_metadata(location)
    except SourceGoneError:
        return "the host of files answers that this one is gone, as it should be", None
    return "a metadata document read from the host of files", None


def check_acs_end(ports: Ports, _settings: Settings, _probe: Probe) -> Said:
    """Count the days to the end of standalone ACS."""
    left = END_OF_STANDALONE_ACS - ports.clock.now()
    if left > WARNED_BEFORE_THE_END:
        return f"standalone ACS ends on {END_OF_STANDALONE_ACS:%d %B %Y}", None
    found = f"standalone ACS ends on {END_OF_STANDALONE_ACS:%d %B %Y}: {counted(max(left.days, 0), 'day')} left"
    raise FoundWarning(found, "Plan the move of your callers now: docs/end-of-acs.md.")


def check_log(ports: Ports, _settings: Settings, _probe: Probe) -> Said:
    """Read a day of ACS's own log."""
    if ports.log is None:
        raise SkippedError("MONITOR_WORKSPACE_ID is not set")
    count = sum(1 for _ in ports.log.summaries(ports.clock.now() - timedelta(days=1)))
    return f"{counted(count, 'recording')} since yesterday", None


def check_subscriptions(_ports: Ports, settings: Settings, probe: Probe) -> Said:
    """Compare the Event Grid subscriptions of the ACS resource with those that infra/ deploys."""
    if settings.acs.resource_id is None or settings.acs.access_key is not None:
        raise SkippedError("needs ACS_RESOURCE_ID and the identity")
    try:
        found = probe.subscriptions()
    except StorageRefusedError:
        raise SkippedError("this identity may not read Event Grid's subscriptions") from None
    ours = [each for each in found if EVENT_TYPE in each.event_types]
    kinds = {each.kind for each in ours}
    faults = [f"no delivery path is a {kind}" for kind in DELIVERY_PATHS if kind not in kinds]
    faults += [f"{each.name} leads to {each.destination}" for each in ours if _leads_elsewhere(each, probe)]
    faults += [f"{each.name} has no dead letter" for each in ours if not each.has_dead_letter]
    faults += [f"{each.name} also sends other types" for each in ours if each.event_types != (EVENT_TYPE,)]
    told = ", ".join(f"{each.name} ({each.kind})" for each in ours) or "none"
    remedy = "Deploy the subscriptions of infra/ again: two paths to this app, exactly this event type, dead letters."
    return "; ".join([told, *faults]), remedy if faults else None


def _leads_elsewhere(subscription: SubscriptionFacts, probe: Probe) -> bool:
    """Return whether events go to another function, account or queue than this app's."""
    if not subscription.destination:
        return False
    if subscription.kind == DELIVERY_PATHS[1]:
        return subscription.destination.lower() != f"{probe.host_account()}/{EVENTS_QUEUE}".lower()
    return subscription.kind == DELIVERY_PATHS[0] and subscription.destination != INGEST_FUNCTION


def check_probe_event(ports: Ports, _settings: Settings, probe: Probe) -> Said:
    """Send an event on each delivery path that can be used from here, until the app has recognised it."""
    took, posted = round_trip.by_queue(ports, probe), round_trip.by_post(ports, probe)
    told = [
        f"queue: recognised after {took.total_seconds():.0f} s" if took is not None else "queue: not consumed",
        {True: "function: recognised", False: "function: not recognised", None: "function: no key here"}[posted],
    ]
    failed = took is None or posted is False
    remedy = "Is the app running, with both triggers, and its queue short? See app-silent in docs/runbook.md."
    return "; ".join(told), remedy if failed else None

"""Tenants: ports that show only the recordings of some tenants, and answer for others as if they did not exist.

A use case gets these ports instead of the real ones and needs no checks of its own: a recording of another tenant is as
absent from catalog, directory, trail and queues as one that never existed, and every text, status and order of checks
follows from that (docs/adr/0047).
"""

from dataclasses import replace

from recording.control.tenants.bundles import ScopedBundles
from recording.control.tenants.catalog import ScopedCatalog, ScopedControl
from recording.control.tenants.evidence import ScopedAudit, ScopedDeadLetters, ScopedQuarantine, ScopedQueue
from recording.control.tenants.finding import ScopedDirectory, ScopedIndexKeys
from recording.control.tenants.keeping import ScopedKeeping
from recording.control.tenants.outgoing import scoped_outgoing
from recording.control.tenants.reach import Reach, ScopedMemory
from recording.domain.incoming.tenants import Scope
from recording.ports import Ports
from recording.ports.library.exports import ExportPorts


def scoped(ports: Ports, scope: Scope | None) -> Ports:
    """Return the ports limited to a scope; without a scope, unchanged."""
    if scope is None:
        return ports
    whole = ports.beneath or ports
    reach = Reach(whole.catalog, scope)
    keys, directory = whole.index_keys, None
    if whole.directory is not None and keys is not None:
        directory = ScopedDirectory(whole.directory, keys, scope)
    return replace(
        whole,
        scope=scope,
        beneath=whole,
        control=ScopedControl(whole.control, reach),
        catalog=ScopedCatalog(whole.catalog, directory, reach),
        queue=ScopedQueue(whole.queue, reach),
        quarantine=ScopedQuarantine(whole.quarantine, reach),
        dead_letters=ScopedDeadLetters(whole.dead_letters, reach) if whole.dead_letters is not None else None,
        audit=ScopedAudit(whole.audit, reach),
        directory=directory,
        index_keys=ScopedIndexKeys(keys, scope) if keys is not None else None,
        exports=ExportPorts(whole.exports.queue, ScopedBundles(whole.exports.store, scope)) if whole.exports else None,
        keeping=ScopedKeeping(whole.keeping, reach) if whole.keeping is not None else None,
        memory=ScopedMemory(whole.memory, scope),
        outgoing=scoped_outgoing(whole.outgoing, scope) if whole.outgoing is not None else None,
        leftovers=None,
        log=None,
        analysts=None,
        audit_eraser=None,
    )


def as_owner(ports: Ports, tenants: tuple[str, ...] | None) -> Ports:
    """Return the ports limited to the tenants of a request; None: the whole archive."""
    return (ports.beneath or ports) if tenants is None else scoped(ports, Scope(frozenset(tenants)))


def names_of(scope: Scope | None) -> tuple[str, ...] | None:
    """Return the tenants of a scope, to be stored with a request made within it."""
    return None if scope is None else tuple(sorted(scope.tenants))

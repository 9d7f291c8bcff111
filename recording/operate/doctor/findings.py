"""The findings of the doctor's checks, and the remedies for what can fail in each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from recording.domain.host_json import Fault
from recording.errors import RecordingError
from recording.errors.codes import Code
from recording.ports import Ports
from recording.ports.bulkhead import ODD_CONTENT
from recording.ports.probe import Probe
from recording.settings import Settings

_REMEDIES = {
    Code.TOKEN_UNAVAILABLE: "Nobody is signed in here (`az login`), or the identity is not assigned to the app.",
    Code.SOURCE_REFUSED: "The host of files refuses: clock, a rotated key, or the identity's role on the ACS resource.",
    Code.SOURCE_BUSY: "The host of files does not answer: egress to *.asm.skype.com, DNS, proxy, certificates.",
    Code.STORAGE_REFUSED: (
        "Give the app's identity its role on this account (docs/deploy.md), or open its firewall to the app; a new "
        "role takes up to ten minutes."
    ),
    Code.STORAGE_ERROR: (
        "infra/ creates what is missing (docs/deploy.md); on this machine, `make up` does. Anything else: "
        "docs/errors.md."
    ),
    Code.STORAGE_BUSY: "Look at the address, the network, private DNS and Azure's status; then run this again.",
    Code.ACS_UNAUTHORIZED: (
        "401: the key is wrong or was rotated, this clock is off, or the identity is of another tenant. Set "
        "ACS_CONNECTION_STRING to the new key, or give the identity its role."
    ),
    Code.ACS_FORBIDDEN: "403: ACS knows who this is and does not allow it. Give the identity its role on the resource.",
    Code.ACS_UNREACHABLE: "No answer at all: look at ACS_ENDPOINT, ACS_PROXY_URL, ACS_CA_BUNDLE, DNS and the firewall.",
    Code.SEAL_ALTERED: "Serious: docs/runbook.md, seal-behind. Do not write to the container `recording-seal` by hand.",
    Code.LOG_UNAVAILABLE: "Give the identity Log Analytics Reader on the workspace; look at MONITOR_WORKSPACE_ID.",
}


_NONSENSE = "Another service or a proxy may have answered: look at the address that this check uses."


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"  # nothing is wrong yet
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """The result of one check; `remedy` is set when it failed."""

    check: str
    state: State
    found: str
    remedy: str | None = None


Said = tuple[str, str | None]  # the finding, and the remedy if it is a fault
Check = Callable[[Ports, Settings, Probe], Said]


class FoundWarning(Exception):  # noqa: N818 - it is a finding
    """Something is about to go wrong; its arguments are the finding and the remedy."""


class SkippedError(Exception):
    """The check does not apply here."""


def run_check(name: str, check: Callable[[], Said]) -> Finding:
    """Run one check and return its finding, however it ends."""
    try:
        found, remedy = check()
    except FoundWarning as warning:
        return Finding(name, State.WARNING, *warning.args)
    except SkippedError as reason:
        return Finding(name, State.SKIPPED, str(reason))
    except RecordingError as error:
        return Finding(name, State.FAILED, f"{error.code}: {error}", _REMEDIES.get(error.code, "See docs/errors.md."))
    except ODD_CONTENT as error:  # no message: an answer of any host may be repeated in it
        return Finding(name, State.FAILED, f"an answer that makes no sense ({type(error).__name__})", _NONSENSE)
    return Finding(name, State.FAILED if remedy else State.OK, found, remedy)


def from_faults(name: str, faults: Iterator[Fault]) -> Finding:
    """Return the finding for a list of faults and remedies."""
    found = list(faults)
    if not found:
        return Finding(name, State.OK, "as it should be")
    return Finding(name, State.FAILED, "; ".join(what for what, _ in found), " ".join(remedy for _, remedy in found))

"""The doctor's check of the seal: its log continues from the end that the app remembers."""

from recording.library.seal.log import LATEST, head_of
from recording.operate.doctor.findings import FoundWarning, Said, SkippedError
from recording.ports import Ports
from recording.ports.probe import Probe
from recording.settings import Settings

_BEHIND = "Is the function `seal` disabled? Else docs/runbook.md, seal-behind, says what to look at."


def check_seal(ports: Ports, settings: Settings, probe: Probe) -> Said:  # noqa: ARG001 - as all checks
    """Read the end of the log.

    Raises:
        StorageError: `seal_altered`, it is not as it was written, or is gone.
    """
    if ports.seal is None:
        raise SkippedError("SEAL_KEY is not set: nothing is sealed")
    head = head_of(ports, ports.seal)
    if head.at is None:
        return "no checkpoint yet", None
    age = ports.clock.now() - head.at
    if age > LATEST:
        raise FoundWarning(f"the last checkpoint is {int(age.total_seconds() // 3600)} hours old", _BEHIND)
    return f"checkpoint {head.number} of {head.at:%Y-%m-%d %H:%M} UTC", None

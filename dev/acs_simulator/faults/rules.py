"""The table of every fault there is: where it may strike, its arguments with their defaults, and what a client sees.

`RULES` covers the failure modes of the service contract: statuses seen in the wild, Microsoft's http-fault-injector
endings (full, partial or no answer, then wait, close or abort), the storage plane's bad bytes, and events that are
lost, late or wrong.

Operations: `start_recording get_recording pause_recording resume_recording stop_recording` (control plane), `callback`
(the POST to recordingStateCallbackUri), `content metadata delete` (storage plane), `export` (bring-your-own-storage),
`event` (the Event Grid event; how Event Grid *delivers* it is scripted with `dev.event_grid.DeliveryPlan`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from dev.acs_simulator.faults.event_rules import EVENT_RULES
from dev.acs_simulator.faults.kinds import FaultKind, FaultRule
from dev.acs_simulator.faults.request_rules import REQUEST_RULES
from dev.acs_simulator.faults.storage_rules import STORAGE_RULES

RULES: Mapping[FaultKind, FaultRule] = MappingProxyType({**REQUEST_RULES, **STORAGE_RULES, **EVENT_RULES})

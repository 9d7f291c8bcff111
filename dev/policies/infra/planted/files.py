"""The files that faults are planted in, and the form of a fault."""

from dev.policies.infra.templates import Check

# A check that must find the fault, the file, the text in it, and what is put in its place.
Fault = tuple[Check, str, str, str]

M = "infra/modules/"
CUSTODIAN = f"{M}archive-custodian-role.bicep"
ACCOUNT = f"{M}storage-account.bicep"
ARCHIVE = f"{M}storage-archive.bicep"
HOST = f"{M}storage-host.bicep"
WRITER = f"{M}archive-writer-role.bicep"
QUEUE_SUB = f"{M}event-subscription-queue.bicep"
FUNCTION_SUB = "infra/event-subscription-function.bicep"
APP = f"{M}function-app.bicep"
MAIN = "infra/main.bicep"
ALERTS = f"{M}alerts.bicep"
HOOK = "infra/hooks/postdeploy.sh"

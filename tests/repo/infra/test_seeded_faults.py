"""Faults planted in copies of the templates, each found by the check that is there for it."""

import pytest

from tests.repo.infra import access_policy, agreement, storage_policy, structure
from tests.repo.infra.templates import Check, Templates, load

M = "infra/modules/"
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

FAULTS: list[tuple[Check, str, str, str]] = [
    (structure.syntax, MAIN, "targetScope = 'subscription'", "targetScope = "),
    (structure.syntax, "infra/main.parameters.json", '"parameters": {', '"parameters": {,'),
    (structure.checkable_style, MAIN, "'modules/identity.bicep'", "'br/public:avm/res/web/site:0.24'"),
    (structure.known_types, ACCOUNT, "storageAccounts@2025-01-01", "storageAccounts@2023-01-01"),
    (structure.names, MAIN, "location: location\n  tags: tags\n}", "location: locaton\n  tags: tags\n}"),
    (structure.names, MAIN, "var token =", "var forgotten = 1\nvar token ="),
    (structure.modules, MAIN, "appPrincipalId: identity", "principal: identity"),
    (structure.modules, MAIN, "hostStorage.outputs.queueUri", "hostStorage.outputs.queueAddress"),
    (structure.modules, MAIN, "'modules/budget.bicep'", "'modules/budgets.bicep'"),
    (structure.loaded_files, ALERTS, "chunk-expired.kql", "chunks-expired.kql"),
    (structure.documented_parameters, MAIN, "@description('Days that logs are kept.')\n", ""),
    (structure.parameters_file, "infra/main.parameters.json", '"location"', '"region"'),
    (structure.parameters_file, "infra/main.parameters.json", "VNET_ENABLED=false", "VNET_ENABLED=true"),
    (storage_policy.no_keys_to_storage, ACCOUNT, "allowSharedKeyAccess: false", "allowSharedKeyAccess: true"),
    (storage_policy.no_keys_to_storage, ACCOUNT, "allowBlobPublicAccess: false", "allowBlobPublicAccess: true"),
    (storage_policy.no_keys_to_storage, ACCOUNT, "'TLS1_2'", "'TLS1_0'"),
    (storage_policy.no_keys_to_storage, ACCOUNT, "    supportsHttpsTrafficOnly: true\n", ""),
    (storage_policy.no_keys_to_storage, ACCOUNT, "expirationAction: 'Block'", "expirationAction: 'Log'"),
    (
        storage_policy.one_kind_of_account,
        f"{M}acs.bicep",
        "resource acs 'Microsoft.Communication/communicationServices@2025-09-01'",
        "resource acs 'Microsoft.Storage/storageAccounts@2025-01-01'",
    ),
    (storage_policy.event_grid_gets_through, ACCOUNT, "bypass: 'AzureServices'", "bypass: 'None'"),
    (storage_policy.no_public_containers, ARCHIVE, "publicAccess: 'None'", "publicAccess: 'Blob'"),
    (
        storage_policy.deletes_can_be_undone,
        ACCOUNT,
        "containerDeleteRetentionPolicy: { enabled: true",
        "containerDeleteRetentionPolicy: { enabled: false",
    ),
    (storage_policy.deletes_can_be_undone, ARCHIVE, "softDeleteDays: 30", "softDeleteDays: 1"),
    (storage_policy.archive_keeps_versions, ARCHIVE, "versioning: true", "versioning: false"),
    (storage_policy.archive_keeps_versions, ACCOUNT, "isVersioningEnabled: versioning", "isVersioningEnabled: false"),
    (
        storage_policy.immutability_is_never_locked_by_default,
        MAIN,
        "archiveImmutability string = 'Unlocked'",
        "archiveImmutability string = 'Locked'",
    ),
    (
        storage_policy.immutability_is_never_locked_by_default,
        ARCHIVE,
        "    immutability: immutability\n",
        "    immutability: 'Locked'\n",
    ),
    (storage_policy.immutability_is_never_locked_by_default, ACCOUNT, "state: immutability }", "state: 'Locked' }"),
    (storage_policy.immutability_is_never_locked_by_default, "infra/main.parameters.json", "=Unlocked}", "=Locked}"),
    (storage_policy.archive_writer_cannot_delete, WRITER, "blobs/add/action", "blobs/delete"),
    (storage_policy.archive_writer_cannot_delete, WRITER, "containers/blobs/read'", "containers/blobs/*'"),
    (
        storage_policy.archive_writer_cannot_delete,
        WRITER,
        "blobs/add/action",
        "blobs/immutableStorage/runAsSuperUser/action",
    ),
    (
        storage_policy.archive_writer_cannot_delete,
        ARCHIVE,
        "    roleDefinitionId: writerRoleId\n",
        "    roleDefinitionId: blobReader\n",
    ),
    (storage_policy.archive_is_locked, ARCHIVE, "'CanNotDelete'", "'NotSpecified'"),
    (storage_policy.archive_is_locked, MAIN, "lockArchive bool = true", "lockArchive bool = false"),
    (storage_policy.nothing_is_deleted_by_default, MAIN, "deleteAfterDays int = -1", "deleteAfterDays int = 30"),
    (
        storage_policy.dead_letters_lie_apart,
        MAIN,
        "deadLetterAccountId: deadLetters.outputs.id",
        "deadLetterAccountId: hostStorage.outputs.id",
    ),
    (storage_policy.dead_letters_lie_apart, MAIN, "'stdead${token}'", "'sthost${token}'"),
    (
        storage_policy.storage_is_logged,
        HOST,
        "category: 'StorageWrite', enabled: true",
        "category: 'StorageWrite', enabled: false",
    ),
    (access_policy.two_ways_for_events, FUNCTION_SUB, "'AzureFunction'", "'WebHook'"),
    (
        access_policy.every_subscription_retries_and_buries,
        QUEUE_SUB,
        "maxDeliveryAttempts: 30",
        "maxDeliveryAttempts: 1",
    ),
    (
        access_policy.every_subscription_retries_and_buries,
        FUNCTION_SUB,
        "deadLetterWithResourceIdentity",
        "deadLetterWithIdentity",
    ),
    (
        access_policy.events_live_long_enough_and_not_longer,
        FUNCTION_SUB,
        "eventTimeToLiveInMinutes: 240",
        "eventTimeToLiveInMinutes: 1440",
    ),
    (
        access_policy.events_live_long_enough_and_not_longer,
        QUEUE_SUB,
        "TimeToLiveInSeconds: -1",
        "TimeToLiveInSeconds: 3600",
    ),
    (
        access_policy.exactly_one_event_type,
        QUEUE_SUB,
        "['Microsoft.Communication.RecordingFileStatusUpdated']",
        "['Microsoft.Communication.RecordingFileStatusUpdate']",
    ),
    (access_policy.exactly_one_event_type, FUNCTION_SUB, "filter: { ", "filter: { subjectBeginsWith: '/calls', "),
    (
        access_policy.the_queue_needs_no_key,
        f"{M}event-topic.bicep",
        "identity: { type: 'SystemAssigned' }",
        "identity: { type: 'UserAssigned' }",
    ),
    (access_policy.the_queue_needs_no_key, f"{M}event-access.bicep", "scope: queue\n", "scope: hostAccount\n"),
    (
        access_policy.no_secrets,
        MAIN,
        "ACS_ENDPOINT: acs.outputs.endpoint",
        "ACS_CONNECTION_STRING: acs.listKeys().primaryConnectionString",
    ),
    (
        access_policy.no_secrets,
        HOOK,
        'functionAppId="$FUNCTION_APP_ID"',
        'endpoint="$FUNCTION_APP_URI/runtime/webhooks/eventgrid?code=$KEY"',
    ),
    (access_policy.the_app_is_hardened, APP, "clientCertEnabled: false", "clientCertEnabled: true"),
    (access_policy.the_app_is_hardened, APP, "httpsOnly: true", "httpsOnly: false"),
    (access_policy.the_app_is_hardened, APP, "ftpsState: 'Disabled'", "ftpsState: 'AllAllowed'"),
    (
        access_policy.the_app_is_hardened,
        APP,
        "name: 'scm'\n  properties: { allow: false }",
        "name: 'scm'\n  properties: { allow: true }",
    ),
    (
        access_policy.sign_in_leaves_events_and_health_out,
        APP,
        "['/runtime/webhooks/eventgrid', '/api/health']",
        "['/api/health']",
    ),
    (access_policy.sign_in_leaves_events_and_health_out, APP, "'Return401'", "'AllowAnonymous'"),
    (
        access_policy.only_known_roles,
        f"{M}storage-dead-letter.bicep",
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    ),
    (
        access_policy.only_known_roles,
        f"{M}storage-dead-letter.bicep",
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    ),
    (access_policy.roles_are_given_narrowly, f"{M}acs-access.bicep", "  scope: acs\n", ""),
    (access_policy.acs_takes_no_key, MAIN, "acsDisableLocalAuth bool = true", "acsDisableLocalAuth bool = false"),
    (access_policy.telemetry_takes_no_key, f"{M}monitoring.bicep", "DisableLocalAuth: true", "DisableLocalAuth: false"),
    (
        access_policy.acs_tells_what_it_recorded,
        f"{M}acs-access.bicep",
        "categoryGroup: 'allLogs'",
        "category: 'AuthOperational'",
    ),
    (agreement.settings_that_are_set_are_read, MAIN, "RETENTION_HOURS:", "RETENTION_HOUR:"),
    (agreement.settings_that_are_read_are_set, MAIN, "      ACS_RESOURCE_ID: acs.outputs.id\n", ""),
    (agreement.queues_are_those_of_the_triggers, HOST, "'recording-chunks',", "'recording-chunk',"),
    (agreement.tables_are_those_of_the_code, HOST, "'recordings', 'chunks'", "'recordings', 'Chunks'"),
    (agreement.containers_are_those_of_the_code, HOST, "'recording-quarantine'", "'quarantine'"),
    (agreement.containers_are_those_of_the_code, MAIN, "container: 'recordings'", "container: 'archive'"),
    (agreement.containers_are_those_of_the_code, MAIN, "'recordings-fallback'", "'fallback'"),
    (agreement.settings_that_are_set_are_read, MAIN, "FALLBACK_CONTAINER:", "FALLBACK_CONTAINERS:"),
    (agreement.the_function_is_there, FUNCTION_SUB, "/functions/ingest_event'", "/functions/ingest'"),
    (agreement.the_function_is_there, APP, "'function:archive_chunk'", "'function:archive'"),
    (agreement.every_alert_has_its_query_and_its_page, ALERTS, "name: 'event-dropped'", "name: 'event-gone'"),
    (
        agreement.every_alert_has_its_query_and_its_page,
        ALERTS,
        "observability/chunk-expired.kql",
        "observability/chunk-at-risk.kql",
    ),
    (
        agreement.queries_name_what_is_logged,
        "infra/observability/chunk-expired.kql",
        "recording.chunk.expired",
        "recording.chunk.lost",
    ),
    (
        agreement.queries_name_what_is_logged,
        "infra/observability/workbook.json",
        "recording.chunk.copied",
        "recording.chunk.copies",
    ),
    (agreement.the_hooks_pass_what_is_there, HOOK, "$EVENT_TOPIC_NAME", "$TOPIC_NAME"),
    (agreement.the_hooks_pass_what_is_there, "infra/hooks/postdeploy.ps1", "deadLetterContainer=", "container="),
    (agreement.azd_finds_its_parts, APP, "'azd-service-name': 'archive'", "'azd-service-name': 'api'"),
    (agreement.azd_finds_its_parts, "azure.yaml", "infra/hooks/postdeploy.sh", "hooks/postdeploy.sh"),
]


@pytest.fixture(scope="module")
def templates() -> Templates:
    """The templates as they are."""
    return load()


@pytest.mark.parametrize(
    ("check", "path", "old", "new"),
    FAULTS,
    ids=[f"{at}-{check.__name__}" for at, (check, *_) in enumerate(FAULTS)],
)
def test_a_planted_fault_is_found(templates: Templates, check: Check, path: str, old: str, new: str) -> None:
    """The check that is named for it bites, and it was content before."""
    assert list(check(templates)) == []
    assert list(check(templates.with_change(path, old, new))) != []


def test_a_fault_that_cannot_be_planted_is_not_counted(templates: Templates) -> None:
    """Otherwise the list would grow old in silence."""
    with pytest.raises(ValueError, match="has no"):
        templates.with_change(MAIN, "not in there", "")


def test_every_check_has_a_planted_fault() -> None:
    """A check that nothing has tripped may be one that nothing can trip."""
    checks = {*structure.CHECKS, *storage_policy.CHECKS, *access_policy.CHECKS, *agreement.CHECKS}
    assert checks - {check for check, *_ in FAULTS} == set()

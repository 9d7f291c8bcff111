"""More faults to plant: names that Azure does not take, and names that two environments share."""

from dev.policies.infra import alert_policy, completeness, name_policy
from dev.policies.infra.planted.files import Fault

MAIN, ALERTS = "infra/main.bicep", "infra/modules/alerts.bicep"
ASKED = alert_policy.each_alert_is_asked_as_often_and_as_far_back_as_promised
HOST = "infra/modules/storage-host.bicep"
NAMES, DEPLOYMENTS = (
    name_policy.names_are_those_that_azure_takes,
    name_policy.deployments_beside_the_resource_have_names_of_their_own,
)

FAULTS: list[Fault] = [
    (NAMES, MAIN, "'sthost${token}'", "'storagehost${token}x'"),
    (NAMES, MAIN, "'starch${token}'", "'st-arch-${token}'"),
    (NAMES, MAIN, "'starch${token}'", "'STarch${token}'"),
    (NAMES, MAIN, "'starch${token}'", "'starch${environmentName}'"),
    (NAMES, MAIN, "'kv-${token}'", "'kv-recordings-${token}'"),
    (NAMES, MAIN, "'kv-${token}'", "'1-${token}'"),
    (NAMES, MAIN, "'func-${token}'", "'func-${environmentName}-${token}'"),
    (NAMES, MAIN, "'func-${token}'", "'func_${token}'"),
    (NAMES, MAIN, "'rg-${environmentName}'", "'rg-${environmentName}.'"),
    (
        NAMES,
        MAIN,
        "'recordings-${token}' : existingSystemTopicName",
        "'recordings-of-${environmentName}-${token}' : existingSystemTopicName",
    ),
    (NAMES, HOST, "  'recording-outbox'\n", "  'Recording-outbox'\n"),
    (NAMES, HOST, "'seal', 'outbox']", "'seal', 'out-box']"),
    (NAMES, HOST, "'app-package', ", "'app--package', "),
    (NAMES, "infra/modules/alerts.bicep", "groupShortName: 'recordings'", "groupShortName: 'recording-archive'"),
    (
        NAMES,
        "infra/event-subscription-function.bicep",
        "'recordings-to-function-${token}'",
        "'recordings-from-communication-services-to-the-function-app-${token}'",
    ),
    (
        NAMES,
        "infra/modules/event-subscription-queue.bicep",
        "'recordings-to-queue-${token}'",
        "'recordings.to.queue-${token}'",
    ),
    (NAMES, "infra/modules/monitoring.bicep", "name: 'log-${name}'", "name: guid(name)"),
    (DEPLOYMENTS, MAIN, "'acs-access-${token}'", "'acs-access'"),
    (DEPLOYMENTS, MAIN, "'event-topic-facts-${token}'", "'event-topic-facts'"),
    (DEPLOYMENTS, MAIN, "'event-subscription-queue-${token}'", "'event-subscription-queue'"),
    (DEPLOYMENTS, MAIN, "'acs-access-${token}'", "'acs-access-${environmentName}-of-the-recording-archive-${token}'"),
    (
        completeness.details_that_no_type_knows,
        MAIN,
        "@minValue(30)\n@maxValue(730)\n",
        "@minValue(7)\n@maxValue(730)\n",
    ),
    (completeness.details_that_no_type_knows, MAIN, "@minValue(-1)\nparam logDailyCapGb", "param logDailyCapGb"),
    # windows that are flattened, and periods that are stretched, where no story takes long enough to show it
    *(
        (ASKED, ALERTS, f"range: '{old}', {rest}/{name}.kql", f"range: '{new}', {rest}/{name}.kql")
        for name, old, new, rest in (
            ("archive-drift", "P2D", "PT1H", "by: ['reason', 'night'], query: loadTextContent('../observability"),
            (
                "archive-delete",
                "P1D",
                "PT30M",
                "by: ['OperationName', 'RequesterObjectId', 'caller'], query: loadTextContent('../observability",
            ),
            (
                "archive-read",
                "PT2H",
                "PT3H",
                "by: ['RequesterObjectId', 'caller'], query: loadTextContent('../observability",
            ),
            ("message-poisoned", "PT30M", "PT15M", "by: ['queue'], query: loadTextContent('../observability"),
            (
                "event-rejected",
                "P1D",
                "PT30M",
                "by: ['reason', 'came_from', 'hour'], query: loadTextContent('../observability",
            ),
        )
    ),
    (
        ASKED,
        ALERTS,
        "metric: 'DroppedEventCount', operator: 'GreaterThan', threshold: 0, aggregation: 'Total', every: 'PT1M'",
        "metric: 'DroppedEventCount', operator: 'GreaterThan', threshold: 0, aggregation: 'Total', every: 'PT5M'",
    ),
    (completeness.details_that_no_type_knows, MAIN, "@minValue(0)\nparam monthlyBudget", "param monthlyBudget"),
]

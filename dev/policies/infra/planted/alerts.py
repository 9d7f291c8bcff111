"""Faults in the rules of the alerts; those in their queries are in `queries`."""

from dev.policies.infra import alert_policy, alert_rows
from dev.policies.infra.planted.files import (
    ALERTS,
    MAIN,
    Fault,
)

LINK = "description: 'What to do: ${runbook}#${one.name}'"
FAULTS: list[Fault] = [
    (
        alert_rows.each_row_says_what_the_line_said,
        "infra/observability/chunk-expired.kql",
        """recording_id = extract(@'recording_id=""",
        """recording_id = extract(@'document_id=""",
    ),
    (
        alert_rows.each_row_says_what_the_line_said,
        "infra/observability/chunk-at-risk.kql",
        "left * 1s",
        "left * 1m",
    ),
    (
        alert_policy.changes_of_protection_are_told,
        ALERTS,
        "'Microsoft.Storage/storageAccounts/managementPolicies/delete'",
        "'Microsoft.Storage/storageAccounts/managementPolicies/deletes'",
    ),
    (alert_policy.changes_of_protection_are_told, ALERTS, "'ActionRequired'", "'Action'"),
    (
        alert_policy.every_alert_is_on_and_reaches_people,
        ALERTS,
        "severity: one.severity\n    enabled: true",
        "severity: one.severity\n    enabled: false",
    ),
    (
        alert_policy.every_alert_is_on_and_reaches_people,
        ALERTS,
        "actions: { actionGroups: groups }",
        "actions: { actionGroups: [] }",
    ),
    (
        alert_policy.every_alert_is_on_and_reaches_people,
        ALERTS,
        "actions: map(groups, group => { actionGroupId: group })\n  }",
        "actions: []\n  }",
    ),
    (alert_policy.every_alert_is_on_and_reaches_people, ALERTS, "concat([people.id], ", "concat([], "),
    (
        alert_policy.every_alert_is_on_and_reaches_people,
        ALERTS,
        "    groupShortName: 'recordings'\n    enabled: true",
        "    groupShortName: 'recordings'\n    enabled: false",
    ),
    (
        alert_policy.every_alert_is_on_and_reaches_people,
        ALERTS,
        "[for (email, at) in alertEmails: { name: 'person-${at}', emailAddress: email, useCommonAlertSchema: true }]",
        "[]",
    ),
    *(
        (alert_policy.every_alert_links_to_its_section, ALERTS, told, told.replace("#${one.name}", ""))
        for told in (
            f"    displayName: one.name\n    {LINK}",
            f"  properties: {{\n    {LINK}\n    severity",
            f"{LINK}\n    enabled",
        )
    ),
    (
        alert_policy.every_alert_links_to_its_section,
        ALERTS,
        "name: 'chunk-stuck'",
        "name: 'chunk-stuck-for-long'",
    ),
    (
        alert_policy.log_alerts_are_evaluated_as_they_are_tested,
        ALERTS,
        "threshold: 0\n          dimensions",
        "threshold: 1000\n          dimensions",
    ),
    (
        alert_policy.log_alerts_are_evaluated_as_they_are_tested,
        ALERTS,
        "          operator: 'GreaterThan'\n",
        "          operator: 'LessThan'\n",
    ),
    (
        alert_policy.log_alerts_are_evaluated_as_they_are_tested,
        ALERTS,
        "minFailingPeriodsToAlert: 1",
        "minFailingPeriodsToAlert: 6",
    ),
    (
        alert_policy.log_alerts_are_evaluated_as_they_are_tested,
        ALERTS,
        "windowSize: one.range\n    autoMitigate: true\n    // A",
        "windowSize: 'PT5M'\n    autoMitigate: true\n    // A",
    ),
    (
        alert_policy.log_alerts_are_evaluated_as_they_are_tested,
        ALERTS,
        "autoMitigate: true\n    // A",
        "autoMitigate: false\n    // A",
    ),
    (
        alert_policy.log_alerts_are_evaluated_as_they_are_tested,
        ALERTS,
        "map(one.by, column => { name: column, operator: 'Include', values: ['*'] })",
        "[]",
    ),
    (
        alert_policy.log_alerts_are_evaluated_as_they_are_tested,
        ALERTS,
        "    skipQueryValidation: true\n",
        "    skipQueryValidation: true\n    muteActionsDuration: 'P1D'\n",
    ),
    (
        alert_policy.metric_alerts_ask_for_the_right_metric,
        ALERTS,
        "metric: 'DroppedEventCount'",
        "metric: 'DroppedEventsCount'",
    ),
    (
        alert_policy.metric_alerts_ask_for_the_right_metric,
        ALERTS,
        "operator: 'LessThan', threshold: 95",
        "operator: 'GreaterThan', threshold: 95",
    ),
    (
        alert_policy.metric_alerts_ask_for_the_right_metric,
        ALERTS,
        "metric: 'DeadLetteredCount', operator: 'GreaterThan', threshold: 0",
        "metric: 'DeadLetteredCount', operator: 'GreaterThan', threshold: 1000",
    ),
    (
        alert_policy.metric_alerts_ask_for_the_right_metric,
        ALERTS,
        "metricName: one.metric",
        "metricName: 'Availability'",
    ),
    (
        alert_policy.metric_alerts_ask_for_the_right_metric,
        ALERTS,
        "var storage = 'Microsoft.Storage/storageAccounts'",
        "var storage = 'Microsoft.Storage/storageAccounts/blobServices'",
    ),
    (
        alert_policy.every_alert_looks_at_its_place,
        ALERTS,
        "name: 'archive-delete', severity: 1, scope: archiveId",
        "name: 'archive-delete', severity: 1, scope: hostAccountId",
    ),
    (
        alert_policy.every_alert_looks_at_its_place,
        MAIN,
        "    deadLetterAccountId: deadLetters.outputs.id\n    custodianPrincipalId",
        "    deadLetterAccountId: archive.outputs.id\n    custodianPrincipalId",
    ),
    (
        alert_policy.severities_say_who_is_woken,
        ALERTS,
        "name: 'chunk-expired', severity: 0",
        "name: 'chunk-expired', severity: 3",
    ),
    (
        alert_policy.severities_say_who_is_woken,
        ALERTS,
        "name: 'queue-stuck', severity: 1",
        "name: 'queue-stuck', severity: 2",
    ),
    (
        alert_policy.windows_overlap,
        ALERTS,
        "every: 'PT5M', range: 'PT15M', by: []",
        "every: 'PT15M', range: 'PT15M', by: []",
    ),
    (
        alert_policy.windows_overlap,
        ALERTS,
        "every: 'PT1H', range: 'P2D', by: ['recording_id']",
        "every: 'PT1H', range: 'P3D', by: ['recording_id']",
    ),
    (alert_policy.changes_of_protection_are_told, ALERTS, "  'Microsoft.Authorization/locks/delete'\n", ""),
    (
        alert_policy.changes_of_protection_are_told,
        ALERTS,
        "field: 'operationName', values",
        "field: 'operation', values",
    ),
    (alert_policy.changes_of_protection_are_told, ALERTS, "status: 'Succeeded'", "status: 'Failed'"),
    (
        alert_policy.every_alert_is_on_and_reaches_people,
        "infra/modules/alerts.bicep",
        "useCommonAlertSchema: true",
        "useCommonAlertSchema: false",
    ),
    (
        alert_policy.each_subject_has_an_alert_of_its_own,
        "infra/modules/alerts.bicep",
        "equals: one.category",
        "equals: 'Administrative'",
    ),
    (
        alert_policy.each_subject_has_an_alert_of_its_own,
        "infra/modules/alerts.bicep",
        "by: ['document_id'], query: loadTextContent('../observability/chunk-at-risk.kql')",
        "by: ['recording_id'], query: loadTextContent('../observability/chunk-at-risk.kql')",
    ),
    (
        alert_policy.each_subject_has_an_alert_of_its_own,
        "infra/modules/alerts.bicep",
        "by: ['document_id'], query: loadTextContent('../observability/chunk-expired.kql')",
        "by: [], query: loadTextContent('../observability/chunk-expired.kql')",
    ),
    (
        alert_policy.each_subject_has_an_alert_of_its_own,
        "infra/modules/alerts.bicep",
        "equals: one.status",
        "equals: 'Started'",
    ),
]

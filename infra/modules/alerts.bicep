// Every failure is seen within minutes. Each alert has the name of its section in docs/runbook.md, and each log alert the name of
// its query in observability/: a query gives rows only when there is something to tell.
param name string
param location string
param tags object
param alertEmails array
param workspaceId string
param topicId string
param archiveId string
param hostAccountId string

// Minutes: how often it is asked (`every`) and how far back it looks (`range`), as ISO 8601 durations.
var logAlerts = [
  { name: 'chunk-expired', severity: 0, scope: workspaceId, every: 'PT5M', range: 'PT15M', query: loadTextContent('../observability/chunk-expired.kql') }
  { name: 'app-silent', severity: 0, scope: workspaceId, every: 'PT5M', range: 'PT15M', query: loadTextContent('../observability/app-silent.kql') }
  { name: 'chunk-at-risk', severity: 1, scope: workspaceId, every: 'PT5M', range: 'PT15M', query: loadTextContent('../observability/chunk-at-risk.kql') }
  { name: 'chunk-quarantined', severity: 1, scope: workspaceId, every: 'PT5M', range: 'PT15M', query: loadTextContent('../observability/chunk-quarantined.kql') }
  { name: 'recording-never-announced', severity: 1, scope: workspaceId, every: 'PT1H', range: 'P1D', query: loadTextContent('../observability/recording-never-announced.kql') }
  { name: 'archive-delete', severity: 1, scope: archiveId, every: 'PT15M', range: 'PT30M', query: loadTextContent('../observability/archive-delete.kql') }
  { name: 'operator-fault', severity: 1, scope: workspaceId, every: 'PT5M', range: 'PT15M', query: loadTextContent('../observability/operator-fault.kql') }
  { name: 'recording-missing', severity: 1, scope: workspaceId, every: 'PT5M', range: 'PT15M', query: loadTextContent('../observability/recording-missing.kql') }
  { name: 'recording-incomplete', severity: 1, scope: workspaceId, every: 'PT5M', range: 'PT15M', query: loadTextContent('../observability/recording-incomplete.kql') }
  { name: 'chunk-in-fallback', severity: 1, scope: workspaceId, every: 'PT5M', range: 'PT15M', query: loadTextContent('../observability/chunk-in-fallback.kql') }
  { name: 'archive-drift', severity: 1, scope: workspaceId, every: 'PT5M', range: 'PT15M', query: loadTextContent('../observability/archive-drift.kql') }
  { name: 'acs-log-unavailable', severity: 2, scope: workspaceId, every: 'PT1H', range: 'PT6H', query: loadTextContent('../observability/acs-log-unavailable.kql') }
  { name: 'message-poisoned', severity: 2, scope: hostAccountId, every: 'PT5M', range: 'PT30M', query: loadTextContent('../observability/message-poisoned.kql') }
  { name: 'event-rejected', severity: 2, scope: workspaceId, every: 'PT5M', range: 'PT15M', query: loadTextContent('../observability/event-rejected.kql') }
  { name: 'metadata-missing', severity: 2, scope: workspaceId, every: 'PT5M', range: 'PT15M', query: loadTextContent('../observability/metadata-missing.kql') }
  { name: 'media-suspect', severity: 2, scope: workspaceId, every: 'PT5M', range: 'PT15M', query: loadTextContent('../observability/media-suspect.kql') }
]

var metricAlerts = [
  { name: 'event-dropped', severity: 0, scope: topicId, type: 'Microsoft.EventGrid/systemTopics', metric: 'DroppedEventCount', operator: 'GreaterThan', threshold: 0, aggregation: 'Total' }
  { name: 'event-dead-lettered', severity: 1, scope: topicId, type: 'Microsoft.EventGrid/systemTopics', metric: 'DeadLetteredCount', operator: 'GreaterThan', threshold: 0, aggregation: 'Total' }
  { name: 'event-delivery-failing', severity: 2, scope: topicId, type: 'Microsoft.EventGrid/systemTopics', metric: 'DeliveryAttemptFailCount', operator: 'GreaterThan', threshold: 0, aggregation: 'Total' }
  { name: 'archive-unavailable', severity: 1, scope: archiveId, type: 'Microsoft.Storage/storageAccounts', metric: 'Availability', operator: 'LessThan', threshold: 99, aggregation: 'Average' }
  { name: 'host-storage-unavailable', severity: 1, scope: hostAccountId, type: 'Microsoft.Storage/storageAccounts', metric: 'Availability', operator: 'LessThan', threshold: 99, aggregation: 'Average' }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'recordings'
    enabled: true
    emailReceivers: [for (email, at) in alertEmails: { name: 'person-${at}', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource logs 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for one in logAlerts: {
  name: one.name
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: one.name
    description: 'What to do: docs/runbook.md, section ${one.name}.'
    severity: one.severity
    enabled: true
    scopes: [one.scope]
    evaluationFrequency: one.every
    windowSize: one.range
    autoMitigate: true
    // A table exists only once something was written to it; the first deployment must not fail for that.
    skipQueryValidation: true
    criteria: {
      allOf: [
        { query: one.query, timeAggregation: 'Count', operator: 'GreaterThan', threshold: 0, failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 } }
      ]
    }
    actions: { actionGroups: [people.id] }
  }
}]

resource metrics 'Microsoft.Insights/metricAlerts@2018-03-01' = [for one in metricAlerts: {
  name: one.name
  location: 'global'
  tags: tags
  properties: {
    description: 'What to do: docs/runbook.md, section ${one.name}.'
    severity: one.severity
    enabled: true
    scopes: [one.scope]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        { criterionType: 'StaticThresholdCriterion', name: one.metric, metricNamespace: one.type, metricName: one.metric, operator: one.operator, threshold: one.threshold, timeAggregation: one.aggregation }
      ]
    }
    actions: [
      { actionGroupId: people.id }
    ]
  }
}]

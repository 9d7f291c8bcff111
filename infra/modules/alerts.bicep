// Every failure is seen within minutes, and until it is over. Each alert has the name of its section in docs/runbook.md, and each log
// alert the name of its query in observability/. A query describes a state: it has a row for as long as something is wrong, so that
// Azure does not say "Resolved" before it is. `by` names the columns by which Azure keeps alerts apart, each with its own mail.
param name string
param location string
param tags object
param alertEmails array
@description('Resource id of an action group that exists already; empty is none.')
param otherActionGroupId string
@description('The page that the alerts link to; each has a section of its name there.')
param runbook string
param workspaceId string
param topicId string
param archiveId string
param hostAccountId string
param deadLetterAccountId string
@description('Whose reads of the archive are the app\'s own.')
param appPrincipalId string
param custodianPrincipalId string

// How often it is asked (`every`) and how far back it looks (`range`), as ISO 8601 durations; two days is the most there is.
var logAlerts = [
  { name: 'chunk-expired', severity: 0, scope: workspaceId, every: 'PT5M', range: 'P2D', by: ['document_id'], query: loadTextContent('../observability/chunk-expired.kql') }
  { name: 'app-silent', severity: 0, scope: workspaceId, every: 'PT5M', range: 'PT15M', by: [], query: loadTextContent('../observability/app-silent.kql') }
  { name: 'chunk-at-risk', severity: 1, scope: workspaceId, every: 'PT5M', range: 'P2D', by: ['document_id'], query: loadTextContent('../observability/chunk-at-risk.kql') }
  { name: 'chunk-quarantined', severity: 1, scope: workspaceId, every: 'PT5M', range: 'P2D', by: ['document_id'], query: loadTextContent('../observability/chunk-quarantined.kql') }
  { name: 'recording-missing', severity: 1, scope: workspaceId, every: 'PT5M', range: 'P2D', by: ['recording_id'], query: loadTextContent('../observability/recording-missing.kql') }
  { name: 'recording-incomplete', severity: 1, scope: workspaceId, every: 'PT5M', range: 'P2D', by: ['recording_id'], query: loadTextContent('../observability/recording-incomplete.kql') }
  { name: 'recording-never-announced', severity: 1, scope: workspaceId, every: 'PT1H', range: 'P2D', by: ['recording_id'], query: loadTextContent('../observability/recording-never-announced.kql') }
  { name: 'pause-overdue', severity: 1, scope: workspaceId, every: 'PT5M', range: 'P1D', by: ['recording_id'], query: loadTextContent('../observability/pause-overdue.kql') }
  { name: 'unrecorded', severity: 1, scope: workspaceId, every: 'PT5M', range: 'PT30M', by: ['reason', 'recording_id'], query: loadTextContent('../observability/unrecorded.kql') }
  { name: 'control-refused', severity: 1, scope: workspaceId, every: 'PT5M', range: 'P1D', by: ['code'], query: loadTextContent('../observability/control-refused.kql') }
  { name: 'operator-fault', severity: 1, scope: workspaceId, every: 'PT5M', range: 'P1D', by: ['code'], query: loadTextContent('../observability/operator-fault.kql') }
  { name: 'chunk-in-fallback', severity: 1, scope: workspaceId, every: 'PT5M', range: 'P2D', by: [], query: loadTextContent('../observability/chunk-in-fallback.kql') }
  { name: 'queue-stuck', severity: 1, scope: workspaceId, every: 'PT5M', range: 'PT15M', by: ['queue'], query: loadTextContent('../observability/queue-stuck.kql') }
  { name: 'log-cap-reached', severity: 1, scope: workspaceId, every: 'PT15M', range: 'P1D', by: [], query: loadTextContent('../observability/log-cap-reached.kql') }
  { name: 'archive-delete', severity: 1, scope: archiveId, every: 'PT15M', range: 'P1D', by: ['OperationName', 'RequesterObjectId', 'caller'], query: loadTextContent('../observability/archive-delete.kql') }
  { name: 'archive-read', severity: 1, scope: archiveId, every: 'PT1H', range: 'PT2H', by: ['RequesterObjectId', 'caller'], query: loadTextContent('../observability/archive-read.kql') }
  { name: 'archive-drift', severity: 1, scope: workspaceId, every: 'PT15M', range: 'P2D', by: ['reason', 'night'], query: loadTextContent('../observability/archive-drift.kql') }
  { name: 'chunk-stuck', severity: 2, scope: workspaceId, every: 'PT15M', range: 'P1D', by: ['code'], query: loadTextContent('../observability/chunk-stuck.kql') }
  { name: 'queue-waiting', severity: 2, scope: workspaceId, every: 'PT15M', range: 'PT30M', by: ['queue'], query: loadTextContent('../observability/queue-waiting.kql') }
  { name: 'scrub-behind', severity: 2, scope: workspaceId, every: 'PT1H', range: 'P2D', by: ['what'], query: loadTextContent('../observability/scrub-behind.kql') }
  { name: 'seal-behind', severity: 2, scope: workspaceId, every: 'PT15M', range: 'P2D', by: ['code'], query: loadTextContent('../observability/seal-behind.kql') }
  { name: 'seal-differs', severity: 1, scope: workspaceId, every: 'PT15M', range: 'P2D', by: ['what'], query: loadTextContent('../observability/seal-differs.kql') }
  { name: 'receiver-failing', severity: 2, scope: workspaceId, every: 'PT15M', range: 'P1D', by: ['entry'], query: loadTextContent('../observability/receiver-failing.kql') }
  { name: 'acs-log-unavailable', severity: 2, scope: workspaceId, every: 'PT1H', range: 'PT6H', by: [], query: loadTextContent('../observability/acs-log-unavailable.kql') }
  { name: 'message-poisoned', severity: 2, scope: hostAccountId, every: 'PT5M', range: 'PT30M', by: ['queue'], query: loadTextContent('../observability/message-poisoned.kql') }
  { name: 'event-rejected', severity: 2, scope: workspaceId, every: 'PT5M', range: 'P1D', by: ['reason', 'came_from', 'hour'], query: loadTextContent('../observability/event-rejected.kql') }
  { name: 'metadata-missing', severity: 2, scope: workspaceId, every: 'PT15M', range: 'P1D', by: ['code', 'hour'], query: loadTextContent('../observability/metadata-missing.kql') }
  { name: 'media-suspect', severity: 2, scope: workspaceId, every: 'PT15M', range: 'P1D', by: ['hour'], query: loadTextContent('../observability/media-suspect.kql') }
]

var storage = 'Microsoft.Storage/storageAccounts'
var topic = 'Microsoft.EventGrid/systemTopics'
var metricAlerts = [
  { name: 'event-dropped', severity: 0, scope: topicId, type: topic, metric: 'DroppedEventCount', operator: 'GreaterThan', threshold: 0, aggregation: 'Total', every: 'PT1M', range: 'PT5M' }
  { name: 'event-dead-lettered', severity: 1, scope: topicId, type: topic, metric: 'DeadLetteredCount', operator: 'GreaterThan', threshold: 0, aggregation: 'Total', every: 'PT1M', range: 'PT5M' }
  // One failed delivery is daily life: Event Grid tries again, and there is a second path.
  { name: 'event-delivery-failing', severity: 2, scope: topicId, type: topic, metric: 'DeliveryAttemptFailCount', operator: 'GreaterThan', threshold: 4, aggregation: 'Total', every: 'PT1M', range: 'PT15M' }
  // With few requests, one that fails is many percent.
  { name: 'archive-unavailable', severity: 1, scope: archiveId, type: storage, metric: 'Availability', operator: 'LessThan', threshold: 95, aggregation: 'Average', every: 'PT1M', range: 'PT15M' }
  { name: 'host-storage-unavailable', severity: 1, scope: hostAccountId, type: storage, metric: 'Availability', operator: 'LessThan', threshold: 95, aggregation: 'Average', every: 'PT1M', range: 'PT15M' }
  { name: 'dead-letters-unavailable', severity: 1, scope: deadLetterAccountId, type: storage, metric: 'Availability', operator: 'LessThan', threshold: 95, aggregation: 'Average', every: 'PT1M', range: 'PT15M' }
]

// What Azure itself notes. These alerts have no severity, and cost nothing.
var administrative = [
  'Microsoft.Authorization/locks/delete'
  'Microsoft.Authorization/roleAssignments/write'
  'Microsoft.Authorization/roleAssignments/delete'
  'Microsoft.EventGrid/systemTopics/eventSubscriptions/delete'
  'Microsoft.Insights/diagnosticSettings/delete'
  'Microsoft.Insights/scheduledQueryRules/delete'
  'Microsoft.Storage/storageAccounts/write'
  'Microsoft.Storage/storageAccounts/delete'
  'Microsoft.Storage/storageAccounts/listKeys/action'
  'Microsoft.Storage/storageAccounts/blobServices/write'
  'Microsoft.Storage/storageAccounts/blobServices/containers/delete'
  'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies/write'
  'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies/delete'
  'Microsoft.Storage/storageAccounts/managementPolicies/write'
  'Microsoft.Storage/storageAccounts/managementPolicies/delete'
]
var activityAlerts = [
  { name: 'protection-changed', scope: resourceGroup().id, category: 'Administrative', status: 'Succeeded', field: 'operationName', values: administrative }
  { name: 'resource-unhealthy', scope: resourceGroup().id, category: 'ResourceHealth', status: 'Active', field: 'properties.currentHealthStatus', values: ['Degraded', 'Unavailable'] }
  { name: 'service-unhealthy', scope: subscription().id, category: 'ServiceHealth', status: 'Active', field: 'properties.incidentType', values: ['Incident', 'Security', 'ActionRequired'] }
]

var groups = concat([people.id], otherActionGroupId == '' ? [] : [otherActionGroupId])

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
    description: 'What to do: ${runbook}#${one.name}'
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
        {
          query: replace(replace(one.query, '{appPrincipalId}', appPrincipalId), '{custodianPrincipalId}', custodianPrincipalId)
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          dimensions: map(one.by, column => { name: column, operator: 'Include', values: ['*'] })
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: groups }
  }
}]

resource metrics 'Microsoft.Insights/metricAlerts@2018-03-01' = [for one in metricAlerts: {
  name: one.name
  location: 'global'
  tags: tags
  properties: {
    description: 'What to do: ${runbook}#${one.name}'
    severity: one.severity
    enabled: true
    scopes: [one.scope]
    evaluationFrequency: one.every
    windowSize: one.range
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        { criterionType: 'StaticThresholdCriterion', name: one.metric, metricNamespace: one.type, metricName: one.metric, operator: one.operator, threshold: one.threshold, timeAggregation: one.aggregation }
      ]
    }
    actions: map(groups, group => { actionGroupId: group })
  }
}]

resource activities 'Microsoft.Insights/activityLogAlerts@2020-10-01' = [for one in activityAlerts: {
  name: one.name
  location: 'global'
  tags: tags
  properties: {
    description: 'What to do: ${runbook}#${one.name}'
    enabled: true
    scopes: [one.scope]
    condition: {
      allOf: [
        { field: 'category', equals: one.category }
        { field: 'status', equals: one.status }
        { anyOf: map(one.values, value => { field: one.field, equals: value }) }
      ]
    }
    actions: { actionGroups: map(groups, group => { actionGroupId: group }) }
  }
}]

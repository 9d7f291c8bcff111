// What others need to know of the topic, new or existing, and the log of what it could not deliver.
// An existing topic must have a system-assigned identity: no other one gets past a storage firewall.
param topicName string
param workspaceId string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource log 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'recording-archive'
  scope: topic
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'DeliveryFailures', enabled: true }
    ]
    metrics: [
      { category: 'AllMetrics', enabled: true }
    ]
  }
}

output id string = topic.id
output principalId string = topic.identity.principalId

// What others need to know of the topic, new or existing, and the log of what it could not deliver.
// An existing topic must have a system-assigned identity: no other one gets past a storage firewall.
param topicName string
@description('Of the environment: a second one on the same topic gets a setting of its own.')
param token string
param workspaceId string
@description('The app reads the subscriptions of this topic, so that its doctor can say where each leads.')
param appPrincipalId string

var reader = 'acdd72a7-3385-48ef-bd42-f606fba81ae7'

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource log 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'recording-archive-${token}'
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

resource reads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(topic.id, appPrincipalId, reader)
  scope: topic
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', reader)
  }
}

output id string = topic.id
output principalId string = topic.identity.principalId

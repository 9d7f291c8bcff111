// An example of a subscription: every event goes to a queue of its own, as a CloudEvent, by the topic's identity. Make yours like it.
// The queue is none of the app's: main.bicep refuses their names, so that nothing comes back. Probes of the doctor are left out.
param topicName string
@description('Whose identity delivers.')
param senderPrincipalId string
param hostAccountName string
param queueName string

var queueMessageSender = 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
var eventTypes = [
  'recording_archive.unrecorded.v1'
  'recording_archive.paused_too_long.v1'
  'recording_archive.ends_soon.v1'
  'recording_archive.archived.v1'
  'recording_archive.at_risk.v1'
  'recording_archive.quarantined.v1'
  'recording_archive.expired.v1'
  'recording_archive.missing.v1'
  'recording_archive.incomplete.v1'
  'recording_archive.held.v1'
  'recording_archive.released.v1'
  'recording_archive.exported.v1'
  'recording_archive.erased.v1'
  'recording_archive.sealed.v1'
]

resource topic 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: topicName
}

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: hostAccountName
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2025-01-01' existing = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-01-01' = {
  parent: queues
  name: queueName
}

resource sends 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, senderPrincipalId, queueMessageSender)
  scope: queue
  properties: {
    principalId: senderPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', queueMessageSender)
  }
}

resource toQueue 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'to-queue'
  properties: {
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    deliveryWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      destination: {
        endpointType: 'StorageQueue'
        properties: { resourceId: account.id, queueName: queueName, queueMessageTimeToLiveInSeconds: 604800 }
      }
    }
    filter: { includedEventTypes: eventTypes }
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
  }
  dependsOn: [queue, sends]
}

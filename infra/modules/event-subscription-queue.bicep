// The sturdy door: events to the storage queue, with the topic's identity. It needs no key, no running app and no cold start,
// so it works before the app is deployed. A whole day of tries, and messages that never expire in the queue.
param topicName string
@description('Of the environment: a second one on the same topic gets subscriptions of its own.')
param token string
param hostAccountId string
param queueName string
param deadLetterAccountId string
param deadLetterContainer string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource toQueue 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'recordings-to-queue-${token}'
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    deliveryWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      destination: {
        endpointType: 'StorageQueue'
        properties: { resourceId: hostAccountId, queueName: queueName, queueMessageTimeToLiveInSeconds: -1 }
      }
    }
    filter: { includedEventTypes: ['Microsoft.Communication.RecordingFileStatusUpdated'] }
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
    deadLetterWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: { resourceId: deadLetterAccountId, blobContainerName: deadLetterContainer }
      }
    }
  }
}

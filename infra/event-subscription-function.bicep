// The quick door: events straight to the function. Deployed by infra/hooks/ after the app, because Event Grid asks the function
// first whether it is there. The endpoint is the function's resource id: no key is written down anywhere.
// Four hours to live: its dead letters come while there are twenty left to act. The queue's subscription goes on for the day.
targetScope = 'resourceGroup'

@description('The system topic, in this resource group.')
param topicName string
@description('Of the environment: a second one on the same topic gets subscriptions of its own.')
param token string
@description('The resource id of the function app.')
param functionAppId string
param deadLetterAccountId string
param deadLetterContainer string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource toFunction 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'recordings-to-function-${token}'
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    destination: {
      endpointType: 'AzureFunction'
      properties: { resourceId: '${functionAppId}/functions/ingest_event', maxEventsPerBatch: 1, preferredBatchSizeInKilobytes: 64 }
    }
    filter: { includedEventTypes: ['Microsoft.Communication.RecordingFileStatusUpdated'] }
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 240 }
    deadLetterWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: { resourceId: deadLetterAccountId, blobContainerName: deadLetterContainer }
      }
    }
  }
}

// Where Event Grid leaves what it could not deliver. Not the account of the queue: when that one is down, this one is needed.
param name string
param location string
param tags object
param redundancy string
param vnetEnabled bool
param workspaceId string
param appPrincipalId string
@description('Object id of the group that operates the app; empty is nobody.')
param operatorsId string

// The app takes a dead letter away once its event is on its way.
var blobContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

module storage 'storage-account.bicep' = {
  name: 'dead-letter-account'
  params: {
    name: name
    location: location
    tags: tags
    redundancy: redundancy
    vnetEnabled: vnetEnabled
    workspaceId: workspaceId
    softDeleteDays: 14
  }
}

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: name
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' existing = {
  parent: account
  name: 'default'
}

resource deadLetters 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: 'recording-dead-letters'
  properties: { publicAccess: 'None' }
  dependsOn: [storage]
}

resource redrive 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(deadLetters.id, appPrincipalId, blobContributor)
  scope: deadLetters
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobContributor)
  }
}

resource operate 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (operatorsId != '') {
  name: guid(deadLetters.id, operatorsId, blobContributor)
  scope: deadLetters
  properties: {
    principalId: operatorsId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobContributor)
  }
}

output id string = storage.outputs.id
output name string = storage.outputs.name
output blobUri string = storage.outputs.blobUri
output containerName string = deadLetters.name

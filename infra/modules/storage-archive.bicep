// An archive: every version kept, deletes undone for a while, immutable for a while, moved to cheaper tiers, written by a role
// that cannot delete, and locked against being removed as a resource. No rule of age deletes here: only the custodian destroys.
param name string
param location string
param tags object
param redundancy string
param vnetEnabled bool
param workspaceId string
param container string
param appPrincipalId string
@description('The id of the custom role of modules/archive-writer-role.bicep.')
param writerRoleId string
@description('The identity that may destroy; the app uses it for that alone.')
param custodianPrincipalId string
@description('The id of the custom role of modules/archive-custodian-role.bicep.')
param custodianRoleId string
@description('Object id of the group that may read recordings; empty is nobody. Give it to few.')
param readersId string
@description('Object id of the group that operates the app: to verify, it reads. Empty is nobody.')
param operatorsId string
@allowed(['Off', 'Unlocked', 'Locked'])
param immutability string
param immutabilityDays int
@description('Days after which media moves to this tier; -1 is never.')
param coolAfterDays int
param coldAfterDays int
param archiveAfterDays int
param lock bool
@description('The container of checkpoints; empty is none. No lifecycle rule touches it.')
param sealContainer string

var blobReader = '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
var cool = coolAfterDays < 0 ? {} : { tierToCool: { daysAfterModificationGreaterThan: coolAfterDays } }
var cold = coldAfterDays < 0 ? {} : { tierToCold: { daysAfterModificationGreaterThan: coldAfterDays } }
var archived = archiveAfterDays < 0 ? {} : { tierToArchive: { daysAfterModificationGreaterThan: archiveAfterDays } }
var tiers = union(cool, cold, archived)
// Lifecycle rules know no holds, and versions of an old recording are old from the first day: they move, and never delete.
// Azure takes no rule without an action, and a policy that is not written again stays: one that moves nothing is written, and off.
var unmoved = empty(tiers) ? { tierToCool: { daysAfterModificationGreaterThan: 36500 } } : {}
// With the days of immutability this is what an erasure waits for: docs/adr/0049-only-the-custodian-deletes.md.
var softDeleteDays = 14
var readers = union(readersId == '' ? [] : [readersId], operatorsId == '' ? [] : [operatorsId])

module storage 'storage-account.bicep' = {
  name: '${container}-account'
  params: {
    name: name
    location: location
    tags: tags
    redundancy: redundancy
    vnetEnabled: vnetEnabled
    workspaceId: workspaceId
    versioning: true
    softDeleteDays: softDeleteDays
    immutability: immutability
    immutabilityDays: immutabilityDays
  }
}

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: name
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' existing = {
  parent: account
  name: 'default'
}

resource recordings 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: container
  properties: { publicAccess: 'None' }
  dependsOn: [storage]
}

resource checkpoints 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = if (sealContainer != '') {
  parent: blobs
  name: sealContainer
  properties: { publicAccess: 'None' }
  dependsOn: [storage]
}

resource bundles 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = if (sealContainer != '') {
  parent: blobs
  name: 'recording-exports'
  properties: { publicAccess: 'None' }
  dependsOn: [storage]
}

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'cheaper-with-age'
          type: 'Lifecycle'
          enabled: !empty(tiers)
          definition: {
            filters: { blobTypes: ['blockBlob'], prefixMatch: ['${container}/'] }
            actions: { baseBlob: union(cool, cold, archived, unmoved) }
          }
        }
      ]
    }
  }
  dependsOn: [recordings]
}

resource write 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, appPrincipalId, writerRoleId)
  scope: account
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: writerRoleId
  }
  dependsOn: [storage]
}

resource destroy 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, custodianPrincipalId, custodianRoleId)
  scope: account
  properties: {
    principalId: custodianPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: custodianRoleId
  }
  dependsOn: [storage]
}

resource read 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for reader in readers: {
  name: guid(recordings.id, reader, blobReader)
  scope: recordings
  properties: {
    principalId: reader
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobReader)
  }
}]

resource readLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'reads-to-workspace'
  scope: blobs
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'StorageRead', enabled: true }
    ]
  }
  dependsOn: [storage]
}

resource keep 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  name: 'recordings-are-kept'
  scope: account
  properties: { level: 'CanNotDelete', notes: 'Recordings lie here. Remove this lock only after they are kept elsewhere.' }
  dependsOn: [storage]
}

output id string = storage.outputs.id
output name string = storage.outputs.name
output blobUri string = storage.outputs.blobUri
output containerName string = recordings.name

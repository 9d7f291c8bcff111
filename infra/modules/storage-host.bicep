// The host's account: the package, the two queues, the catalog's tables, the quarantine, and what the Functions host keeps.
param name string
param location string
param tags object
param redundancy string
param vnetEnabled bool
param workspaceId string
param appPrincipalId string
@description('Object id of the group that operates the app; empty is nobody.')
param operatorsId string
@description('Days that refused events are kept.')
param quarantineDays int
@description('Against removal as a resource: the catalog and the audit trail are here.')
param lock bool

var queueNames = [
  'recording-events'
  'recording-chunks'
  'recording-follow-ups'
  'recording-exports'
  'recording-guards'
  'recording-derived'
  'recording-outbox'
  'recording-events-poison'
  'recording-chunks-poison'
  'recording-follow-ups-poison'
  'recording-exports-poison'
  'recording-guards-poison'
  'recording-derived-poison'
  'recording-outbox-poison'
]
var tableNames = ['recordings', 'chunks', 'audit', 'directory', 'custody', 'seal', 'outbox']
var containerNames = ['app-package', 'recording-quarantine']
// The Functions host asks for Owner on blobs: it keeps leases and keys there.
var roles = {
  blobOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  queueContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  tableContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}
var operatorRoles = operatorsId == '' ? [] : [roles.queueContributor, roles.tableContributor]
var blobContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

module storage 'storage-account.bicep' = {
  name: 'host-account'
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

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = [for container in containerNames: {
  parent: blobs
  name: container
  properties: { publicAccess: 'None' }
  dependsOn: [storage]
}]

resource quarantine 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  parent: blobs
  name: 'recording-quarantine'
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-01-01' = {
  parent: account
  name: 'default'
  dependsOn: [storage]
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-01-01' = [for queue in queueNames: {
  parent: queueService
  name: queue
}]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2025-01-01' = {
  parent: account
  name: 'default'
  dependsOn: [storage]
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-01-01' = [for table in tableNames: {
  parent: tableService
  name: table
}]

// What was refused has call ids and locations in it: it is not kept for ever.
resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'quarantine-ends'
          type: 'Lifecycle'
          enabled: true
          definition: {
            filters: { blobTypes: ['blockBlob'], prefixMatch: ['recording-quarantine/'] }
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: quarantineDays } } }
          }
        }
      ]
    }
  }
  dependsOn: [containers]
}

// A message that is put on a poison queue is seen here even when the app is dead.
resource queueLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: queueService
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'StorageWrite', enabled: true }
    ]
  }
}

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in items(roles): {
  name: guid(account.id, appPrincipalId, role.value)
  scope: account
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
  }
  dependsOn: [storage]
}]

// The people who operate the app: queues and catalog, and of the blobs the quarantine only. The host's keys and the package,
// which are in the same account, stay out of their reach.
resource operate 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in operatorRoles: {
  name: guid(account.id, operatorsId, role)
  scope: account
  properties: {
    principalId: operatorsId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
  dependsOn: [storage]
}]

resource reviewHeld 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (operatorsId != '') {
  name: guid(quarantine.id, operatorsId, blobContributor)
  scope: quarantine
  properties: {
    principalId: operatorsId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobContributor)
  }
  dependsOn: [containers]
}

resource keep 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  name: 'catalog-is-kept'
  scope: account
  properties: { level: 'CanNotDelete', notes: 'The catalog and the audit trail are here. Remove this lock only after they are kept elsewhere.' }
  dependsOn: [storage]
}

output id string = storage.outputs.id
output name string = storage.outputs.name
output blobUri string = storage.outputs.blobUri
output queueUri string = storage.outputs.queueUri
output tableUri string = storage.outputs.tableUri
output eventQueueName string = queueNames[0]
output packageContainer string = containerNames[0]

// One storage account, locked down the same way wherever it is used: no keys, no anonymous reads, TLS, no way around the API.
// Event Grid and the portal's diagnostics come through `bypass: AzureServices`; Event Grid has no private endpoints.
param name string
param location string
param tags object
param redundancy string
param vnetEnabled bool
param workspaceId string
@description('Keep every version of a blob, and a feed of changes. Needed for immutability.')
param versioning bool = false
@description('Days that a deleted blob or container can be brought back.')
param softDeleteDays int
@description('Off, Unlocked (an administrator may shorten it) or Locked (nobody may, ever). Only when the account is created.')
@allowed(['Off', 'Unlocked', 'Locked'])
param immutability string = 'Off'
@description('Days from its creation that a version can be neither changed nor deleted.')
param immutabilityDays int = 30

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: redundancy }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    dnsEndpointType: 'Standard'
    encryption: {
      keySource: 'Microsoft.Storage'
      requireInfrastructureEncryption: true
      services: { blob: { enabled: true }, file: { enabled: true }, queue: { enabled: true, keyType: 'Account' }, table: { enabled: true, keyType: 'Account' } }
    }
    immutableStorageWithVersioning: immutability == 'Off' ? null : { enabled: true, immutabilityPolicy: { allowProtectedAppendWrites: false, immutabilityPeriodSinceCreationInDays: immutabilityDays, state: immutability } }
    isHnsEnabled: false
    isLocalUserEnabled: false
    isSftpEnabled: false
    minimumTlsVersion: 'TLS1_2'
    networkAcls: { bypass: 'AzureServices', defaultAction: vnetEnabled ? 'Deny' : 'Allow' }
    publicNetworkAccess: 'Enabled'
    sasPolicy: { expirationAction: 'Block', sasExpirationPeriod: '0.01:00:00' }
    supportsHttpsTrafficOnly: true
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    isVersioningEnabled: versioning
    changeFeed: { enabled: versioning }
    deleteRetentionPolicy: { enabled: true, days: softDeleteDays }
    containerDeleteRetentionPolicy: { enabled: true, days: softDeleteDays }
  }
}

resource blobLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: blobs
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'StorageWrite', enabled: true }
      { category: 'StorageDelete', enabled: true }
    ]
    metrics: [
      { category: 'Transaction', enabled: true }
    ]
  }
}

output id string = account.id
output name string = account.name
output blobUri string = account.properties.primaryEndpoints.blob
output queueUri string = account.properties.primaryEndpoints.queue
output tableUri string = account.properties.primaryEndpoints.table

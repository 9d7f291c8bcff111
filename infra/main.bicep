// The whole archive around one Communication Services resource: `azd up` makes it, docs/deploy.md explains it.
// Nothing here holds or hands out a key.
targetScope = 'subscription'

@description('Name of this environment; part of every name. azd sets it.')
@minLength(1)
@maxLength(32)
param environmentName string
@description('Region of everything that has one. azd asks for it.')
param location string
@description('Resource group to make; empty is rg-ENVIRONMENT.')
param resourceGroupName string = ''

@description('An existing Communication Services resource to archive; empty makes a new one. An existing one is not changed, but for a role and a diagnostic setting.')
param existingAcsName string = ''
@description('The resource group of the existing resource. Its system topic lies there too.')
param existingAcsResourceGroup string = ''
@description('Where a new Communication Services resource keeps its data at rest.')
param acsDataLocation string = 'Europe'
@description('A new Communication Services resource takes no access keys.')
param acsDisableLocalAuth bool = true
@description('builtin: Communication and Email Service Owner on this resource. custom: read and write only; not proven for recordings.')
@allowed(['builtin', 'custom'])
param acsRoleMode string = 'builtin'
@description('An existing system topic of the Communication Services resource, with a system-assigned identity: there can be only one.')
param existingSystemTopicName string = ''

@description('Redundancy of the archive. GZRS is not there in every region; then Standard_ZRS or Standard_GRS.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS', 'Standard_RAGRS', 'Standard_RAGZRS'])
param archiveRedundancy string = 'Standard_GZRS'
@description('Locked cannot be undone by anybody, Microsoft included. Decided when the account is made.')
@allowed(['Off', 'Unlocked', 'Locked'])
param archiveImmutability string = 'Unlocked'
@description('Days that a recording can be neither changed nor deleted.')
@minValue(1)
@maxValue(146000)
param archiveImmutabilityDays int = 30
@description('Days until media moves to the cool tier; -1 is never.')
param coolAfterDays int = 30
@description('Days until media moves to the cold tier; -1 is never.')
param coldAfterDays int = 90
@description('Days until media moves to the archive tier, from which playback takes hours; -1 is never.')
param archiveAfterDays int = -1
@description('Days until a recording is deleted; -1 is never. Not less than the days of immutability.')
param deleteAfterDays int = -1
@description('Days that an older version is kept. Manifests are rewritten; media is not.')
param oldVersionDays int = 365
@description('Object ids of people or groups who may read recordings, separated by commas. A reader needs nothing else.')
param archiveReaders string = ''
@description('Region of a second destination, best another one: chunks are kept there while the archive refuses. Empty is none.')
param fallbackLocation string = ''
@description('Region of the dead letters; empty is the same region.')
param deadLetterLocation string = ''

@description('Private endpoints for storage and a network for the app. Egress to the internet stays open: recordings come from there.')
param vnetEnabled bool = false
@description('3.12 is the careful choice.')
@allowed(['3.12', '3.13'])
param pythonVersion string = '3.12'
@description('Memory of one instance. Copies need little: it is flat in the size of a file.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048
@description('The most instances at a time; it bounds the bill.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40
@description('Keep one instance waiting for HTTP and one for archiving. Costs money day and night.')
param alwaysReady bool = false
@description('Spread instances over zones. Needs a region that has them, and always-ready instances.')
param zoneRedundant bool = false
@description('Client id of an Entra application with the app roles of docs/api.md; empty is function keys only.')
param entraClientId string = ''

@description('Hours that ACS keeps a recording, counted from its event.')
param retentionHours string = '24'
@description('Hours left below which an open chunk raises the alarm.')
param atRiskHours string = '6'
@description('What follows when media does not open or has the wrong duration.')
@allowed(['require', 'warn', 'off'])
param mediaCheck string = 'require'
@description('Refuse to start a recording without consent evidence.')
param consentRequired bool = false
@description('More settings of docs/configuration.md. None of them may be a secret.')
param extraAppSettings object = {}

@description('Who gets alerts, separated by commas. Without anybody, alerts show in the portal only.')
param alertEmails string = ''
@description('In the currency of the subscription; 0 makes no budget.')
param monthlyBudget int = 0
@description('First day of the budget. Give it once the budget exists: its start should not move.')
param budgetStart string = utcNow('yyyy-MM-01')
@description('Days that logs are kept.')
param logRetentionDays int = 90
@description('Gigabytes of logs a day; beyond it nothing is taken, and log alerts see nothing. -1 is without limit.')
param logDailyCapGb int = 5
@description('Lock the archive against removal as a resource. `azd down` stops at the lock.')
param lockArchive bool = true

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName, product: 'acs-recording-archive' }
var groupName = empty(resourceGroupName) ? 'rg-${environmentName}' : resourceGroupName
var acsGroupName = empty(existingAcsName) ? groupName : existingAcsResourceGroup
var acsName = empty(existingAcsName) ? 'acs-${token}' : existingAcsName
var topicName = empty(existingSystemTopicName) ? 'recordings-${token}' : existingSystemTopicName
var emails = empty(alertEmails) ? [] : split(replace(alertEmails, ' ', ''), ',')
var readers = empty(archiveReaders) ? [] : split(replace(archiveReaders, ' ', ''), ',')
var fallbackTargets = [
  { name: 'fallback-blob-${token}', accountId: fallback!.outputs.id, service: 'blob', zoneId: network!.outputs.blobZoneId }
]
var fallbackSettings = {
  FALLBACK_STORAGE__blobServiceUri: fallback!.outputs.blobUri
  FALLBACK_STORAGE__clientId: identity.outputs.clientId
  FALLBACK_CONTAINER: fallback!.outputs.containerName
}

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: groupName
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: { name: 'id-${token}', location: location, tags: tags }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    name: token
    location: location
    tags: tags
    retentionDays: logRetentionDays
    dailyCapGb: logDailyCapGb
    appPrincipalId: identity.outputs.principalId
  }
}

module hostStorage 'modules/storage-host.bicep' = {
  name: 'storage-host'
  scope: group
  params: {
    name: 'sthost${token}'
    location: location
    tags: tags
    redundancy: 'Standard_ZRS'
    vnetEnabled: vnetEnabled
    workspaceId: monitoring.outputs.workspaceId
    appPrincipalId: identity.outputs.principalId
  }
}

module writerRole 'modules/archive-writer-role.bicep' = {
  name: 'archive-writer-role'
  scope: group
  params: { name: token }
}

module archive 'modules/storage-archive.bicep' = {
  name: 'storage-archive'
  scope: group
  params: {
    name: 'starch${token}'
    location: location
    tags: tags
    redundancy: archiveRedundancy
    vnetEnabled: vnetEnabled
    workspaceId: monitoring.outputs.workspaceId
    container: 'recordings'
    appPrincipalId: identity.outputs.principalId
    writerRoleId: writerRole.outputs.id
    readerPrincipalIds: readers
    immutability: archiveImmutability
    immutabilityDays: archiveImmutabilityDays
    coolAfterDays: coolAfterDays
    coldAfterDays: coldAfterDays
    archiveAfterDays: archiveAfterDays
    deleteAfterDays: deleteAfterDays
    oldVersionDays: oldVersionDays
    lock: lockArchive
  }
}

// The same kind of archive, elsewhere. Without immutability: what was brought home may be removed by hand.
module fallback 'modules/storage-archive.bicep' = if (!empty(fallbackLocation)) {
  name: 'storage-fallback'
  scope: group
  params: {
    name: 'stfall${token}'
    location: fallbackLocation
    tags: tags
    redundancy: 'Standard_LRS'
    vnetEnabled: vnetEnabled
    workspaceId: monitoring.outputs.workspaceId
    container: 'recordings-fallback'
    appPrincipalId: identity.outputs.principalId
    writerRoleId: writerRole.outputs.id
    readerPrincipalIds: readers
    immutability: 'Off'
    immutabilityDays: archiveImmutabilityDays
    coolAfterDays: coolAfterDays
    coldAfterDays: -1
    archiveAfterDays: -1
    deleteAfterDays: -1
    oldVersionDays: oldVersionDays
    lock: lockArchive
  }
}

module deadLetters 'modules/storage-dead-letter.bicep' = {
  name: 'storage-dead-letter'
  scope: group
  params: {
    name: 'stdead${token}'
    location: empty(deadLetterLocation) ? location : deadLetterLocation
    tags: tags
    redundancy: 'Standard_LRS'
    vnetEnabled: vnetEnabled
    workspaceId: monitoring.outputs.workspaceId
    appPrincipalId: identity.outputs.principalId
  }
}

module newAcs 'modules/acs.bicep' = if (empty(existingAcsName)) {
  name: 'acs'
  scope: group
  params: { name: acsName, tags: tags, dataLocation: acsDataLocation, disableLocalAuth: acsDisableLocalAuth }
}

module acs 'modules/acs-access.bicep' = {
  name: 'acs-access'
  scope: resourceGroup(acsGroupName)
  params: {
    acsName: acsName
    appPrincipalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
    roleMode: acsRoleMode
  }
  dependsOn: [newAcs]
}

module newTopic 'modules/event-topic.bicep' = if (empty(existingSystemTopicName)) {
  name: 'event-topic'
  scope: resourceGroup(acsGroupName)
  params: { name: topicName, tags: tags, acsId: acs.outputs.id }
}

module topic 'modules/event-topic-facts.bicep' = {
  name: 'event-topic-facts'
  scope: resourceGroup(acsGroupName)
  params: { topicName: topicName, workspaceId: monitoring.outputs.workspaceId }
  dependsOn: [newTopic]
}

module eventAccess 'modules/event-access.bicep' = {
  name: 'event-access'
  scope: group
  params: {
    topicPrincipalId: topic.outputs.principalId
    hostAccountName: hostStorage.outputs.name
    queueName: hostStorage.outputs.eventQueueName
    deadLetterAccountName: deadLetters.outputs.name
    deadLetterContainer: deadLetters.outputs.containerName
  }
}

module eventsToQueue 'modules/event-subscription-queue.bicep' = {
  name: 'event-subscription-queue'
  scope: resourceGroup(acsGroupName)
  params: {
    topicName: topicName
    hostAccountId: hostStorage.outputs.id
    queueName: hostStorage.outputs.eventQueueName
    deadLetterAccountId: deadLetters.outputs.id
    deadLetterContainer: deadLetters.outputs.containerName
  }
  dependsOn: [topic, eventAccess]
}

module network 'modules/network.bicep' = if (vnetEnabled) {
  name: 'network'
  scope: group
  params: { name: token, location: location, tags: tags }
}

module endpoints 'modules/private-endpoints.bicep' = if (vnetEnabled) {
  name: 'private-endpoints'
  scope: group
  params: {
    location: location
    tags: tags
    subnetId: network!.outputs.endpointSubnetId
    targets: concat([
      { name: 'host-blob-${token}', accountId: hostStorage.outputs.id, service: 'blob', zoneId: network!.outputs.blobZoneId }
      { name: 'host-queue-${token}', accountId: hostStorage.outputs.id, service: 'queue', zoneId: network!.outputs.queueZoneId }
      { name: 'host-table-${token}', accountId: hostStorage.outputs.id, service: 'table', zoneId: network!.outputs.tableZoneId }
      { name: 'archive-blob-${token}', accountId: archive.outputs.id, service: 'blob', zoneId: network!.outputs.blobZoneId }
      { name: 'dead-blob-${token}', accountId: deadLetters.outputs.id, service: 'blob', zoneId: network!.outputs.blobZoneId }
    ], empty(fallbackLocation) ? [] : fallbackTargets)
  }
}

module app 'modules/function-app.bicep' = {
  name: 'function-app'
  scope: group
  params: {
    name: 'func-${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    packageUri: '${hostStorage.outputs.blobUri}${hostStorage.outputs.packageContainer}'
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReady: alwaysReady
    zoneRedundant: zoneRedundant
    subnetId: vnetEnabled ? network!.outputs.appSubnetId : ''
    entraClientId: entraClientId
    workspaceId: monitoring.outputs.workspaceId
    appSettings: union(extraAppSettings, empty(fallbackLocation) ? {} : fallbackSettings, {
      ACS_ENDPOINT: acs.outputs.endpoint
      ACS_RESOURCE_ID: acs.outputs.id
      ACS_CLIENT_ID: identity.outputs.clientId
      AzureWebJobsStorage__blobServiceUri: hostStorage.outputs.blobUri
      AzureWebJobsStorage__queueServiceUri: hostStorage.outputs.queueUri
      AzureWebJobsStorage__tableServiceUri: hostStorage.outputs.tableUri
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.outputs.clientId
      ARCHIVE_STORAGE__blobServiceUri: archive.outputs.blobUri
      ARCHIVE_STORAGE__clientId: identity.outputs.clientId
      ARCHIVE_CONTAINER: archive.outputs.containerName
      DEAD_LETTER_STORAGE__blobServiceUri: deadLetters.outputs.blobUri
      DEAD_LETTER_STORAGE__clientId: identity.outputs.clientId
      DEAD_LETTER_CONTAINER: deadLetters.outputs.containerName
      MONITOR_WORKSPACE_ID: monitoring.outputs.workspaceCustomerId
      RETENTION_HOURS: retentionHours
      AT_RISK_HOURS: atRiskHours
      MEDIA_CHECK: mediaCheck
      CONSENT_REQUIRED: string(consentRequired)
      APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.insightsConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.outputs.clientId};Authorization=AAD'
    })
  }
  dependsOn: [endpoints]
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    name: token
    location: location
    tags: tags
    alertEmails: emails
    workspaceId: monitoring.outputs.workspaceId
    topicId: topic.outputs.id
    archiveId: archive.outputs.id
    hostAccountId: hostStorage.outputs.id
  }
}

module budget 'modules/budget.bicep' = if (monthlyBudget > 0 && !empty(alertEmails)) {
  name: 'budget'
  scope: group
  params: { name: 'recordings-${token}', monthlyAmount: monthlyBudget, alertEmails: emails, startDate: budgetStart }
}

output AZURE_RESOURCE_GROUP string = groupName
output FUNCTION_APP_NAME string = app.outputs.name
output FUNCTION_APP_ID string = app.outputs.id
output FUNCTION_APP_URI string = app.outputs.uri
output ACS_RESOURCE_ID string = acs.outputs.id
output ARCHIVE_ACCOUNT_NAME string = archive.outputs.name
output EVENT_TOPIC_RESOURCE_GROUP string = acsGroupName
output EVENT_TOPIC_NAME string = topicName
output DEAD_LETTER_ACCOUNT_ID string = deadLetters.outputs.id
output DEAD_LETTER_CONTAINER string = deadLetters.outputs.containerName

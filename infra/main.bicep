// The whole archive around one Communication Services resource: `azd up` makes it, docs/deploy.md explains it.
// Nothing here holds or hands out a key.
targetScope = 'subscription'

@description('Name of this environment; part of every name. azd sets it.')
@minLength(1)
@maxLength(32)
param environmentName string
@description('Region of everything that has one: those that have Flex Consumption. azd asks for it.')
@metadata({ azd: { type: 'location' } })
@allowed([
  'australiaeast'
  'australiasoutheast'
  'brazilsouth'
  'canadacentral'
  'centralindia'
  'centralus'
  'eastasia'
  'eastus'
  'eastus2'
  'francecentral'
  'germanywestcentral'
  'italynorth'
  'japaneast'
  'koreacentral'
  'northcentralus'
  'northeurope'
  'norwayeast'
  'southafricanorth'
  'southcentralus'
  'southeastasia'
  'southindia'
  'spaincentral'
  'swedencentral'
  'uaenorth'
  'uksouth'
  'ukwest'
  'westcentralus'
  'westeurope'
  'westus'
  'westus2'
  'westus3'
])
param location string
@description('Resource group to make; empty is rg-ENVIRONMENT. It must be of this environment alone: `azd down` deletes it with all that is in it.')
@maxLength(90)
param resourceGroupName string = ''

@description('An existing Communication Services resource to archive; empty makes a new one. An existing one is not changed, but for a role and a diagnostic setting.')
param existingAcsName string = ''
@description('The resource group of the existing resource. Its system topic is there too. It must not be the group of this app: `azd down` deletes that one.')
param existingAcsResourceGroup string = ''
@description('The subscription of the existing resource; empty is the same one.')
param existingAcsSubscription string = ''
@description('Where a new Communication Services resource keeps its data at rest; empty is the geography of the region (infra/regions.json). It cannot be changed later.')
@allowed(['', 'Africa', 'Asia Pacific', 'Australia', 'Brazil', 'Canada', 'Europe', 'France', 'Germany', 'India', 'Japan', 'Korea', 'Norway', 'Switzerland', 'UAE', 'UK', 'United States'])
param acsDataLocation string = ''
@description('A new Communication Services resource takes no access keys.')
param acsDisableLocalAuth bool = true
@description('builtin: Communication and Email Service Owner on this resource. custom: read and write only; not proven for recordings.')
@allowed(['builtin', 'custom'])
param acsRoleMode string = 'builtin'
@description('An existing system topic of the Communication Services resource, with a system-assigned identity: there can be only one.')
param existingSystemTopicName string = ''

@description('Redundancy of the archive; empty is the best that the region has: GZRS, else ZRS, else GRS. One that the region has not is refused.')
@allowed(['', 'Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS', 'Standard_RAGRS', 'Standard_RAGZRS'])
param archiveRedundancy string = ''
@description('Redundancy of the account with queues, catalog and audit trail; empty is ZRS where the region has zones, else GRS.')
@allowed(['', 'Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param hostRedundancy string = ''
@description('Whether versions are immutable for a time. Decided when the account is made, and made Unlocked: Azure refuses to create it Locked.')
@allowed(['Off', 'Unlocked'])
param archiveImmutability string = 'Unlocked'
@description('Set by infra/hooks/lock after it has locked the policy for good, so that later deployments say the same. Never set it by hand.')
param archiveLocked bool = false
@description('Days that a recording can be neither changed nor deleted, by anybody. With 14 days of soft delete and the nightly run, 7 leave a week of the month in which an erasure is to be decided.')
@minValue(1)
@maxValue(146000)
param archiveImmutabilityDays int = 7
@description('Days until media moves to the cool tier; -1 is never.')
@minValue(-1)
@maxValue(36500)
param coolAfterDays int = 30
@description('Days until media moves to the cold tier; -1 is never.')
@minValue(-1)
@maxValue(36500)
param coldAfterDays int = 90
@description('Days until media moves to the archive tier, from which playback takes hours; -1 is never. Refused with ZRS and GZRS, which do not have that tier.')
@minValue(-1)
@maxValue(36500)
param archiveAfterDays int = -1
@description('Days after which the custodian destroys a recording as long as nobody has set retention rules; -1 is never. Holds keep it. No lifecycle rule deletes.')
@minValue(-1)
@maxValue(36500)
param deleteAfterDays int = -1
@description('Days that refused events stay in quarantine. They contain call ids and locations.')
@minValue(7)
param quarantineDays int = 365
@description('Object id of the Entra group whose members may read recordings: who leaves the group cannot read any more.')
param archiveReadersGroup string = ''
@description('Object id of the Entra group of those who operate the app: queues, catalog, quarantine, logs, settings, and reading the archive.')
param operators string = ''
@description('Region of a second destination, best another one: chunks are kept there while the archive refuses. Empty is none.')
param fallbackLocation string = ''
@description('Region of the dead letters, which should outlive this one; empty is another region of the same geography (infra/regions.json), or this one where there is none.')
param deadLetterLocation string = ''

@description('Private endpoints for storage and a network for the app. Egress to the internet stays open: recordings come from there.')
param vnetEnabled bool = false
@description('Version of Python. The test workflow names each of them; nothing has been run on 3.14 yet.')
@allowed(['3.12', '3.13', '3.14'])
param pythonVersion string = '3.13'
@description('Memory of one instance. Copies need little: it is flat in the size of a file.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048
@description('The most instances at a time; it bounds the bill.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40
@description('Keep one instance waiting for HTTP, one for events and one for archiving (two of each with zoneRedundant). Costs money day and night.')
param alwaysReady bool = false
@description('Spread instances over zones; refused where there are none. The platform then keeps two instances of each function group waiting, and bills them.')
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
@description('Seal what is written: a Key Vault with a key that signs, and a container for checkpoints.')
param seal bool = false
@description('A custom Event Grid topic that events go to, as CloudEvents 1.0; only the app publishes there.')
param eventsTopic bool = false
@description('Name of a queue to make in the account of the host, and to fill with every event: an example of a subscription. Empty is none. None of the names of the app\'s own queues, which begin with recording-.')
param eventsQueue string = ''
@description('What links in events begin with, such as https://app.azurewebsites.net/api; empty is no links.')
param eventsApiUrl string = ''
@description('A Key Vault for the setting WEBHOOKS, whose secret `webhooks` you set by hand; it is in no template and no parameter.')
param webhooksVault bool = false
@description('The only hosts that webhooks may be posted to: name, name:port or *.suffix, separated by commas.')
param webhookHosts string = ''
@description('Private networks that webhooks may be posted to, such as 10.1.0.0/16; empty is none.')
param webhookNetworks string = ''
@description('The setting TENANTS, a JSON object, in base64, which survives every shell: base64 -w0 tenants.json. Empty is none.')
param tenantsBase64 string = ''
@description('The setting CALL_POLICIES, a JSON list, in base64; empty is none.')
param callPoliciesBase64 string = ''
@description('More settings of docs/configuration.md, as NAME=value;NAME=value. None of them may be a secret.')
param extraAppSettings string = ''

@description('Who gets alerts, separated by commas. Without anybody, alerts show in the portal only.')
param alertEmails string = ''
@description('Resource id of an action group that you have already (SMS, Teams, a pager): it gets every alert too.')
param alertActionGroup string = ''
@description('Where people on call read docs/runbook.md: each alert links to its section there. Empty names the file.')
param runbookUrl string = ''
@description('In the currency of the subscription; 0 makes no budget. Its mails need alertEmails.')
@minValue(0)
param monthlyBudget int = 0
@description('First day of the budget, which must not move once the budget exists: infra/hooks/preprovision sets it the first time.')
param budgetStart string = ''
@description('The first day of this month, for a budget that has no start yet.')
param thisMonth string = utcNow('yyyy-MM-01')
@description('Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 90
@description('Gigabytes of logs a day; beyond it nothing is taken, and log alerts see nothing. -1 is without limit.')
@minValue(-1)
param logDailyCapGb int = 5
@description('Lock the archive and the account of the catalog against removal as resources. `azd down` stops at the lock.')
param lockArchive bool = true

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName, product: 'acs-recording-archive' }
var region = loadJsonContent('regions.json')[location]
var hasZones = region.zones
var hasGeoZones = region.geoZones
var otherRegion = region.other
var archiveSku = !empty(archiveRedundancy) ? archiveRedundancy : hasGeoZones ? 'Standard_GZRS' : hasZones ? 'Standard_ZRS' : 'Standard_GRS'
var hostSku = !empty(hostRedundancy) ? hostRedundancy : hasZones ? 'Standard_ZRS' : 'Standard_GRS'
var deadLetterRegion = !empty(deadLetterLocation) ? deadLetterLocation : empty(otherRegion) ? location : otherRegion
var wantedGroup = empty(resourceGroupName) ? 'rg-${environmentName}' : resourceGroupName
// Settings that other plans need and this one refuses, as Microsoft lists them.
var refusedByFlex = [
  'ENABLE_ORYX_BUILD'
  'FUNCTIONS_EXTENSION_VERSION'
  'FUNCTIONS_WORKER_PROCESS_COUNT'
  'FUNCTIONS_WORKER_RUNTIME'
  'FUNCTIONS_WORKER_RUNTIME_VERSION'
  'SCM_DO_BUILD_DURING_DEPLOYMENT'
  'WEBSITE_CONTENTAZUREFILECONNECTIONSTRING'
  'WEBSITE_CONTENTOVERVNET'
  'WEBSITE_CONTENTSHARE'
  'WEBSITE_DNS_SERVER'
  'WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT'
  'WEBSITE_RUN_FROM_PACKAGE'
  'WEBSITE_SKIP_CONTENTSHARE_VALIDATION'
  'WEBSITE_TIME_ZONE'
  'WEBSITE_VNET_ROUTE_ALL'
]
// What would fail after twenty minutes, or would be regretted after a year, is refused before anything is made.
var refusals = concat(
  contains(archiveSku, 'ZRS') && !hasZones ? ['ARCHIVE_REDUNDANCY: the region has no zones.'] : [],
  contains(archiveSku, 'GZRS') && !hasGeoZones ? ['ARCHIVE_REDUNDANCY: the region has no zones with a paired region.'] : [],
  contains(hostSku, 'ZRS') && !hasZones ? ['HOST_REDUNDANCY: the region has no zones.'] : [],
  contains(hostSku, 'GZRS') && !hasGeoZones ? ['HOST_REDUNDANCY: the region has no zones with a paired region.'] : [],
  zoneRedundant && !hasZones ? ['ZONE_REDUNDANT: the region has no zones.'] : [],
  archiveAfterDays >= 0 && contains(archiveSku, 'ZRS') ? ['ARCHIVE_AFTER_DAYS: ZRS and GZRS have no archive tier; choose Standard_GRS.'] : [],
  archiveLocked && archiveImmutability == 'Off' ? ['ARCHIVE_LOCKED: there is no policy to lock.'] : [],
  empty(existingAcsName) != empty(existingAcsResourceGroup) ? ['EXISTING_ACS_NAME and EXISTING_ACS_RESOURCE_GROUP: both or none.'] : [],
  empty(existingAcsName) && !empty(existingAcsSubscription) ? ['EXISTING_ACS_SUBSCRIPTION: only with an existing Communication Services resource.'] : [],
  empty(existingAcsName) && !empty(existingSystemTopicName) ? ['EXISTING_SYSTEM_TOPIC_NAME: only with an existing Communication Services resource.'] : [],
  empty(existingAcsSubscription) && !empty(existingAcsName) && toLower(existingAcsResourceGroup) == toLower(wantedGroup) ? ['EXISTING_ACS_RESOURCE_GROUP: is the group of this app, which azd down deletes.'] : [],
  endsWith(wantedGroup, '.') ? ['AZURE_ENV_NAME, or RESOURCE_GROUP_NAME: the name of a resource group must not end with a point.'] : [],
  !empty(operators) && length(operators) != 36 ? ['OPERATORS: is the object id of a group, not its name.'] : [],
  !empty(archiveReadersGroup) && length(archiveReadersGroup) != 36 ? ['ARCHIVE_READERS_GROUP: is the object id of a group, not its name.'] : [],
  !empty(entraClientId) && length(entraClientId) != 36 ? ['ENTRA_CLIENT_ID: is the client id of an application, not its name.'] : [],
  !empty(alertActionGroup) && !startsWith(toLower(alertActionGroup), '/subscriptions/') ? ['ALERT_ACTION_GROUP: is the resource id of an action group, not its name.'] : [],
  !empty(runbookUrl) && (!startsWith(runbookUrl, 'https://') || contains(runbookUrl, '#')) ? ['RUNBOOK_URL: is the https address of the page, without a section.'] : [],
  monthlyBudget > 0 && empty(emails) ? ['MONTHLY_BUDGET: needs ALERT_EMAILS, or nobody is told.'] : [],
  logDailyCapGb == 0 ? ['LOG_DAILY_CAP_GB: with 0, nothing is logged and no alert sees anything; -1 is without limit.'] : [],
  zoneRedundant && maximumInstanceCount < 2 ? ['MAXIMUM_INSTANCE_COUNT: with ZONE_REDUNDANT, two instances wait.'] : [],
  !empty(intersection(extraNames, refusedByFlex)) ? ['EXTRA_APP_SETTINGS: Flex Consumption refuses ${join(intersection(extraNames, refusedByFlex), ', ')}.'] : [],
  !empty(eventsQueue) && !eventsTopic ? ['EVENTS_QUEUE: needs EVENTS_TOPIC.'] : [],
  contains(toLower(eventsQueue), 'recording-') ? ['EVENTS_QUEUE: may be a queue of the app, and its events would come back.'] : [],
  webhooksVault && empty(webhookHosts) && empty(webhookNetworks) ? ['WEBHOOK_HOSTS: names the hosts that webhooks may be posted to; without them none is.'] : []
)
var groupName = empty(refusals) ? wantedGroup : fail(join(refusals, ' '))
var acsGroupName = empty(existingAcsName) ? groupName : existingAcsResourceGroup
var acsSubscription = empty(existingAcsSubscription) ? subscription().subscriptionId : existingAcsSubscription
var acsName = empty(existingAcsName) ? 'acs-${token}' : existingAcsName
var topicName = empty(existingSystemTopicName) ? 'recordings-${token}' : existingSystemTopicName
var runbookPage = empty(runbookUrl) ? 'docs/runbook.md' : runbookUrl
// A comma or semicolon too many is no empty address, and no setting without a name.
var emails = filter(split(replace(alertEmails, ' ', ''), ','), email => !empty(email))
var extraPairs = filter(split(extraAppSettings, ';'), pair => !empty(pair))
var extraNames = map(extraPairs, pair => first(split(pair, '=')))
var extraSettings = toObject(extraPairs, pair => first(split(pair, '=')), pair => join(skip(split(pair, '='), 1), '='))
// The app asks for a signed-in person with a role because this says so, and not only because of what the platform sets.
var signInSettings = empty(entraClientId) ? {} : { APP_SIGN_IN_REQUIRED: 'true' }
// What is not chosen here may stand in EXTRA_APP_SETTINGS. JSON comes in base64: its quotes do not survive a parameters file.
var tenantSettings = empty(tenantsBase64) ? {} : { TENANTS: base64ToString(tenantsBase64) }
var policySettings = empty(callPoliciesBase64) ? {} : { CALL_POLICIES: base64ToString(callPoliciesBase64) }
var linkSettings = empty(eventsApiUrl) ? {} : { EVENTS_API_URL: eventsApiUrl }
var hookHostSettings = empty(webhookHosts) ? {} : { WEBHOOK_HOSTS: webhookHosts }
var hookNetworkSettings = empty(webhookNetworks) ? {} : { WEBHOOK_NETWORKS: webhookNetworks }
var sealSettings = { SEAL_KEY: sealKey!.outputs.keyUri }
var sealTargets = [
  { name: 'vault-${token}', accountId: sealKey!.outputs.id, service: 'vault', zoneId: network!.outputs.vaultZoneId }
]
var outgoingSettings = { EVENTS_TOPIC_ENDPOINT: outgoingTopic!.outputs.endpoint }
var outgoingTargets = [
  { name: 'outgoing-topic-${token}', accountId: outgoingTopic!.outputs.id, service: 'topic', zoneId: network!.outputs.topicZoneId }
]
// A reference: the value never passes through a template, a parameter or a log of deployments.
var webhookSettings = { WEBHOOKS: '@Microsoft.KeyVault(SecretUri=${hooksVault!.outputs.secretUri})' }
var webhookTargets = [
  { name: 'hooks-vault-${token}', accountId: hooksVault!.outputs.id, service: 'vault', zoneId: network!.outputs.vaultZoneId }
]
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

module custodian 'modules/identity.bicep' = {
  name: 'custodian'
  scope: group
  params: { name: 'id-custodian-${token}', location: location, tags: tags }
}

module custodianRole 'modules/archive-custodian-role.bicep' = {
  name: 'archive-custodian-role'
  scope: group
  params: { name: token }
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
    operatorsId: operators
  }
}

module hostStorage 'modules/storage-host.bicep' = {
  name: 'storage-host'
  scope: group
  params: {
    name: 'sthost${token}'
    location: location
    tags: tags
    redundancy: hostSku
    vnetEnabled: vnetEnabled
    workspaceId: monitoring.outputs.workspaceId
    appPrincipalId: identity.outputs.principalId
    operatorsId: operators
    quarantineDays: quarantineDays
    lock: lockArchive
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
    redundancy: archiveSku
    vnetEnabled: vnetEnabled
    workspaceId: monitoring.outputs.workspaceId
    container: 'recordings'
    appPrincipalId: identity.outputs.principalId
    writerRoleId: writerRole.outputs.id
    custodianPrincipalId: custodian.outputs.principalId
    custodianRoleId: custodianRole.outputs.id
    readersId: archiveReadersGroup
    operatorsId: operators
    immutability: archiveImmutability == 'Off' ? 'Off' : archiveLocked ? 'Locked' : 'Unlocked'
    immutabilityDays: archiveImmutabilityDays
    coolAfterDays: coolAfterDays
    coldAfterDays: coldAfterDays
    archiveAfterDays: archiveAfterDays
    lock: lockArchive
    sealContainer: 'recording-seal'
  }
}

// The key that signs the seal; without it nothing is sealed, and recordings are archived as ever.
module sealKey 'modules/seal-key.bicep' = if (seal) {
  name: 'seal-key'
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    appPrincipalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
    vnetEnabled: vnetEnabled
  }
}

// What happens, told to other systems (docs/events.md): a topic, one queue that shows how to subscribe, and a vault for webhooks.
module outgoingTopic 'modules/outgoing-topic.bicep' = if (eventsTopic) {
  name: 'outgoing-topic'
  scope: group
  params: {
    name: 'evgt-${token}'
    location: location
    tags: tags
    appPrincipalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
    vnetEnabled: vnetEnabled
  }
}

module outgoingQueue 'modules/outgoing-subscription.bicep' = if (eventsTopic && !empty(eventsQueue)) {
  name: 'outgoing-subscription'
  scope: group
  params: {
    topicName: outgoingTopic!.outputs.name
    senderPrincipalId: outgoingTopic!.outputs.principalId
    hostAccountName: hostStorage.outputs.name
    queueName: eventsQueue
  }
}

module hooksVault 'modules/webhooks-vault.bicep' = if (webhooksVault) {
  name: 'webhooks-vault'
  scope: group
  params: {
    name: 'kv-hooks-${token}'
    location: location
    tags: tags
    appPrincipalId: identity.outputs.principalId
    operatorsId: operators
    workspaceId: monitoring.outputs.workspaceId
    vnetEnabled: vnetEnabled
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
    custodianPrincipalId: custodian.outputs.principalId
    custodianRoleId: custodianRole.outputs.id
    readersId: archiveReadersGroup
    operatorsId: operators
    immutability: 'Off'
    immutabilityDays: archiveImmutabilityDays
    coolAfterDays: coolAfterDays
    coldAfterDays: -1
    archiveAfterDays: -1
    lock: lockArchive
    sealContainer: ''
  }
}

module deadLetters 'modules/storage-dead-letter.bicep' = {
  name: 'storage-dead-letter'
  scope: group
  params: {
    name: 'stdead${token}'
    location: deadLetterRegion
    tags: tags
    redundancy: 'Standard_LRS'
    vnetEnabled: vnetEnabled
    workspaceId: monitoring.outputs.workspaceId
    appPrincipalId: identity.outputs.principalId
    operatorsId: operators
  }
}

module newAcs 'modules/acs.bicep' = if (empty(existingAcsName)) {
  name: 'acs'
  scope: group
  params: { name: acsName, tags: tags, dataLocation: empty(acsDataLocation) ? region.acsData : acsDataLocation, disableLocalAuth: acsDisableLocalAuth }
}

module acs 'modules/acs-access.bicep' = {
  name: 'acs-access-${token}'
  scope: resourceGroup(acsSubscription, acsGroupName)
  params: {
    acsName: acsName
    token: token
    appPrincipalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
    roleMode: acsRoleMode
  }
  dependsOn: [newAcs]
}

module newTopic 'modules/event-topic.bicep' = if (empty(existingSystemTopicName)) {
  name: 'event-topic-${token}'
  scope: resourceGroup(acsSubscription, acsGroupName)
  params: { name: topicName, tags: tags, acsId: acs.outputs.id }
}

module topic 'modules/event-topic-facts.bicep' = {
  name: 'event-topic-facts-${token}'
  scope: resourceGroup(acsSubscription, acsGroupName)
  params: { topicName: topicName, token: token, workspaceId: monitoring.outputs.workspaceId, appPrincipalId: identity.outputs.principalId }
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
  name: 'event-subscription-queue-${token}'
  scope: resourceGroup(acsSubscription, acsGroupName)
  params: {
    topicName: topicName
    token: token
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
    ], empty(fallbackLocation) ? [] : fallbackTargets, seal ? sealTargets : [], eventsTopic ? outgoingTargets : [], webhooksVault ? webhookTargets : [])
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
    custodianId: custodian.outputs.id
    packageUri: '${hostStorage.outputs.blobUri}${hostStorage.outputs.packageContainer}'
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReady: alwaysReady
    zoneRedundant: zoneRedundant
    subnetId: vnetEnabled ? network!.outputs.appSubnetId : ''
    entraClientId: entraClientId
    workspaceId: monitoring.outputs.workspaceId
    operatorsId: operators
    appSettings: union(extraSettings, empty(fallbackLocation) ? {} : fallbackSettings, seal ? sealSettings : {}, eventsTopic ? outgoingSettings : {}, webhooksVault ? webhookSettings : {}, tenantSettings, policySettings, linkSettings, hookHostSettings, hookNetworkSettings, signInSettings, {
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
      CUSTODIAN_STORAGE__blobServiceUri: archive.outputs.blobUri
      CUSTODIAN_STORAGE__clientId: custodian.outputs.clientId
      ARCHIVE_RESOURCE_ID: archive.outputs.id
      ARCHIVE_IMMUTABILITY: archiveImmutability == 'Off' ? 'Off' : archiveLocked ? 'Locked' : 'Unlocked'
      DEAD_LETTER_STORAGE__blobServiceUri: deadLetters.outputs.blobUri
      DEAD_LETTER_STORAGE__clientId: identity.outputs.clientId
      DEAD_LETTER_CONTAINER: deadLetters.outputs.containerName
      MONITOR_WORKSPACE_ID: monitoring.outputs.workspaceCustomerId
      RETENTION_HOURS: retentionHours
      AT_RISK_HOURS: atRiskHours
      DELETE_AFTER_DAYS: string(deleteAfterDays)
      MEDIA_CHECK: mediaCheck
      CONSENT_REQUIRED: string(consentRequired)
      PYTHON_THREADPOOL_THREAD_COUNT: '16'
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
    otherActionGroupId: alertActionGroup
    runbook: runbookPage
    workspaceId: monitoring.outputs.workspaceId
    topicId: topic.outputs.id
    archiveId: archive.outputs.id
    hostAccountId: hostStorage.outputs.id
    deadLetterAccountId: deadLetters.outputs.id
    custodianPrincipalId: custodian.outputs.principalId
    appPrincipalId: identity.outputs.principalId
  }
}

module budget 'modules/budget.bicep' = if (monthlyBudget > 0 && !empty(alertEmails)) {
  name: 'budget'
  scope: group
  params: { name: 'recordings-${token}', monthlyAmount: monthlyBudget, alertEmails: emails, startDate: empty(budgetStart) ? thisMonth : budgetStart }
}

output AZURE_RESOURCE_GROUP string = groupName
output FUNCTION_APP_NAME string = app.outputs.name
output FUNCTION_APP_ID string = app.outputs.id
output FUNCTION_APP_URI string = app.outputs.uri
output ACS_RESOURCE_ID string = acs.outputs.id
output ARCHIVE_ACCOUNT_NAME string = archive.outputs.name
output ENVIRONMENT_TOKEN string = token
output EVENT_TOPIC_SUBSCRIPTION string = acsSubscription
output EVENT_TOPIC_RESOURCE_GROUP string = acsGroupName
output EVENT_TOPIC_NAME string = topicName
output EVENTS_TOPIC_NAME string = eventsTopic ? outgoingTopic!.outputs.name : ''
output WEBHOOKS_VAULT_NAME string = webhooksVault ? hooksVault!.outputs.name : ''
output DEAD_LETTER_ACCOUNT_ID string = deadLetters.outputs.id
output DEAD_LETTER_CONTAINER string = deadLetters.outputs.containerName

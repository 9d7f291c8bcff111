// The function app on Flex Consumption: it signs in as its identity everywhere, so that no setting is a secret.
// Client certificates stay off and authentication leaves the Event Grid webhook out: Event Grid does not retry a 401 or 403.
param name string
param location string
param tags object
param identityId string
@description('The second identity, which alone may destroy.')
param custodianId string
param appSettings object
param packageUri string
@allowed(['3.12', '3.13', '3.14'])
param pythonVersion string
@allowed([512, 2048, 4096])
param instanceMemoryMB int
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int
@description('Instances that always wait, for HTTP, for events and for archiving. They end cold starts and cost money.')
param alwaysReady bool
param zoneRedundant bool
@description('Subnet of the app; empty is no network.')
param subnetId string
@description('Client id of the Entra application whose app roles protect the HTTP operations; empty is function keys only.')
param entraClientId string
param workspaceId string
@description('Object id of the group that operates the app; empty is nobody.')
param operatorsId string

// The Event Grid trigger is not in the group `http`: each function that is no HTTP function scales alone.
// With zones, Flex Consumption takes no group with fewer than two.
var each = zoneRedundant ? 2 : 1
var waiting = [
  { name: 'http', instanceCount: each }
  { name: 'function:ingest_event', instanceCount: each }
  { name: 'function:archive_chunk', instanceCount: each }
]

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'archive' })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {}, '${custodianId}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientCertEnabled: false
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: subnetId == '' ? null : subnetId
    // Settings that are references to a vault are read as this identity; the default is one that the app does not have.
    keyVaultReferenceIdentity: identityId
    // Flex Consumption refuses most of siteConfig, ftpsState among it; FTP is closed by its publishing policy below.
    siteConfig: { minTlsVersion: '1.2', scmMinTlsVersion: '1.2', http20Enabled: true, remoteDebuggingEnabled: false }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageUri
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
        }
      }
      runtime: { name: 'python', version: pythonVersion }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReady ? waiting : []
      }
    }
  }
}

resource settings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'appsettings'
  properties: appSettings
}

resource signIn 'Microsoft.Web/sites/config@2024-11-01' = if (entraClientId != '') {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: { enabled: true }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'Return401'
      // Both spellings: Event Grid calls the one with capitals, and nothing says that matching ignores case.
      // The files of the console hold no data, and a browser needs them before anybody has signed in. Each is named whole:
      // a shorter path, read as a prefix, would open the console's routes as well (docs/adr/0037).
      excludedPaths: [
        '/runtime/webhooks/eventgrid'
        '/runtime/webhooks/EventGrid'
        '/api/health'
        '/api/console/api.js'
        '/api/console/app.css'
        '/api/console/app.js'
        '/api/console/audit.js'
        '/api/console/dom.js'
        '/api/console/files.js'
        '/api/console/format.js'
        '/api/console/health.js'
        '/api/console/held.js'
        '/api/console/icon.svg'
        '/api/console/index.html'
        '/api/console/keep.js'
        '/api/console/kept.js'
        '/api/console/mixer.js'
        '/api/console/now.js'
        '/api/console/parts.js'
        '/api/console/player.js'
        '/api/console/recording.js'
        '/api/console/requests.js'
        '/api/console/search.js'
        '/api/console/timeline.js'
        '/api/console/waveform.js'
        '/api/console/words.js'
      ]
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: entraClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
        }
        validation: { allowedAudiences: ['api://${entraClientId}', entraClientId] }
      }
    }
    login: { tokenStore: { enabled: false } }
  }
  dependsOn: [settings]
}

resource ftp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

resource scm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

resource log 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: app
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'AppServiceAuthenticationLogs', enabled: true }
    ]
    metrics: [
      { category: 'AllMetrics', enabled: true }
    ]
  }
}

resource operatorRole 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (operatorsId != '') {
  name: guid(resourceGroup().id, 'recording-operator')
  properties: {
    roleName: 'Recording Operator (${name})'
    description: 'Reads the settings of the app, which hold no secret, and its function keys; restarts it.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: [
          'Microsoft.Web/sites/read'
          'Microsoft.Web/sites/config/read'
          'Microsoft.Web/sites/config/list/action'
          'Microsoft.Web/sites/functions/read'
          'Microsoft.Web/sites/host/listkeys/action'
          'Microsoft.Web/sites/restart/action'
        ]
        dataActions: []
        notActions: []
        notDataActions: []
      }
    ]
  }
}

resource operate 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (operatorsId != '') {
  name: guid(app.id, operatorsId, 'recording-operator')
  scope: app
  properties: {
    principalId: operatorsId
    principalType: 'Group'
    roleDefinitionId: operatorRole.id
  }
}

output id string = app.id
output name string = app.name
output uri string = 'https://${app.properties.defaultHostName}'

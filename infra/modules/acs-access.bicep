// What the app may do on the Communication Services resource, and that the resource's own log is kept.
// Lies in the group of that resource, which may be another one than the app's.
param acsName string
param appPrincipalId string
param workspaceId string
@description('builtin: Communication and Email Service Owner, on this resource only. custom: read and write; documented for e-mail only.')
@allowed(['builtin', 'custom'])
param roleMode string

var communicationOwner = '09976791-48a7-449e-bb21-39d1a415f350'

resource acs 'Microsoft.Communication/communicationServices@2025-09-01' existing = {
  name: acsName
}

resource caller 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (roleMode == 'custom') {
  name: guid(resourceGroup().id, 'recording-caller')
  properties: {
    roleName: 'Recording Caller (${acsName})'
    description: 'Starts, stops and fetches recordings of a Communication Services resource.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: ['Microsoft.Communication/CommunicationServices/Read', 'Microsoft.Communication/CommunicationServices/Write']
        dataActions: []
        notActions: []
        notDataActions: []
      }
    ]
  }
}

resource call 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(acs.id, appPrincipalId, roleMode)
  scope: acs
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleMode == 'custom' ? caller.id : subscriptionResourceId('Microsoft.Authorization/roleDefinitions', communicationOwner)
  }
}

// ACSCallRecordingSummary: one row for each recording, which does not depend on any event.
resource log 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'recording-archive'
  scope: acs
  properties: {
    workspaceId: workspaceId
    logs: [
      { categoryGroup: 'allLogs', enabled: true }
    ]
  }
}

output id string = acs.id
output endpoint string = 'https://${acs.properties.hostName}'

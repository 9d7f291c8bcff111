// What the app may do on the Communication Services resource, and that the resource's own log is kept.
// Lies in the group of that resource, which may be another one than the app's.
param acsName string
@description('Of the environment: two environments on one resource must not take each other\'s settings away.')
param token string
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
  name: guid(resourceGroup().id, 'recording-caller', token)
  properties: {
    roleName: 'Recording Caller (${acsName}, ${token})'
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

// ACSCallRecordingSummary: one row for each recording, which does not depend on any event. Nothing else: the other categories
// have who called whom, and about a megabyte for each web call, which fills the daily cap and blinds every alert.
resource log 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'recording-archive-${token}'
  scope: acs
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'CallRecordingSummary', enabled: true }
      { category: 'CallRecordingOperational', enabled: true }
    ]
  }
}

output id string = acs.id
output endpoint string = 'https://${acs.properties.hostName}'

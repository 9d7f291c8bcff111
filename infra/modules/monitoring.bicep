// Where logs and metrics go: one workspace, Application Insights without a key, and the workbook.
param name string
param location string
param tags object
param retentionDays int
@description('Gigabytes a day after which the workspace takes nothing more; it bounds the bill. -1 is without limit.')
param dailyCapGb int
@description('The principal id of the app: it may send telemetry, and read what ACS says of its recordings.')
param appPrincipalId string
@description('Object id of the group that operates the app; empty is nobody.')
param operatorsId string

var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'
var logReader = '73c42c96-874c-492b-b04d-ab87d138a893'

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: 'log-${name}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionDays
    workspaceCapping: { dailyQuotaGb: dailyCapGb }
    features: { disableLocalAuth: true, enableLogAccessUsingOnlyResourcePermissions: true }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${name}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

resource sends 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, appPrincipalId, metricsPublisher)
  scope: insights
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
  }
}

resource reads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, appPrincipalId, logReader)
  scope: workspace
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', logReader)
  }
}

resource operatorsRead 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (operatorsId != '') {
  name: guid(workspace.id, operatorsId, logReader)
  scope: workspace
  properties: {
    principalId: operatorsId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', logReader)
  }
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'recording-archive-workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    category: 'workbook'
    displayName: 'ACS Recording Archive'
    sourceId: workspace.id
    serializedData: loadTextContent('../observability/workbook.json')
  }
}

output workspaceId string = workspace.id
output workspaceCustomerId string = workspace.properties.customerId
output insightsConnectionString string = insights.properties.ConnectionString

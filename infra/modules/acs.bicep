// A new Communication Services resource that takes no access key.
param name string
param tags object
param dataLocation string
param disableLocalAuth bool

resource acs 'Microsoft.Communication/communicationServices@2025-09-01' = {
  name: name
  location: 'global'
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: {
    dataLocation: dataLocation
    disableLocalAuth: disableLocalAuth
    publicNetworkAccess: 'Enabled'
  }
}

// One private endpoint, with its name in DNS, for each service of each account.
param location string
param tags object
param subnetId string
@description('Objects of name, accountId, service (blob, queue, table, vault or topic) and zoneId.')
param targets array

resource endpoints 'Microsoft.Network/privateEndpoints@2024-05-01' = [for one in targets: {
  name: 'pe-${one.name}'
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      {
        name: one.name
        properties: { privateLinkServiceId: one.accountId, groupIds: [one.service] }
      }
    ]
  }
}]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [for (one, at) in targets: {
  parent: endpoints[at]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      { name: one.service, properties: { privateDnsZoneId: one.zoneId } }
    ]
  }
}]

// The role of the custodian in the archive: it reads, destroys, and sets or clears legal holds; it writes nothing. Azure has one right for
// legal holds and for lifting an unlocked policy: no code of the app does the second, and the alert archive-delete fires on whoever does.
param name string

resource custodian 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'recording-archive-custodian')
  properties: {
    roleName: 'Recording Archive Custodian (${name})'
    description: 'Destroys recordings by decision, versions included, and holds them. Writes nothing.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: [
          'Microsoft.Storage/storageAccounts/blobServices/containers/read'
        ]
        dataActions: [
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/deleteBlobVersion/action'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/immutableStorage/runAsSuperUser/action'
        ]
        notActions: []
        notDataActions: []
      }
    ]
  }
}

output id string = custodian.id

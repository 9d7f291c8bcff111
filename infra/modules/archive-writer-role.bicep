// The role of the app in the archive: it can read, add and write; it can delete nothing and lift no immutability.
// Every built-in role that may write blobs may also delete them. It has only the rights that the code uses: no tags, and no key
// to sign links with. The account's own facts are read by the doctor, which compares its protection.
param name string

resource writer 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'recording-archive-writer')
  properties: {
    roleName: 'Recording Archive Writer (${name})'
    description: 'Reads and writes the recording archive. Deletes nothing.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: [
          'Microsoft.Storage/storageAccounts/blobServices/containers/read'
          'Microsoft.Storage/storageAccounts/read'
          'Microsoft.Storage/storageAccounts/blobServices/read'
          'Microsoft.Storage/storageAccounts/managementPolicies/read'
        ]
        dataActions: [
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action'
        ]
        notActions: []
        notDataActions: []
      }
    ]
  }
}

output id string = writer.id

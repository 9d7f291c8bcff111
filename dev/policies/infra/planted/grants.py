"""Faults in rights and identities."""

from dev.policies.infra import grants
from dev.policies.infra.planted.files import Fault

FAULTS: list[Fault] = [
    (
        grants.each_module_is_handed_the_right_identity,
        "infra/main.bicep",
        (
            "custodianPrincipalId: custodian.outputs.principalId\n"
            "    custodianRoleId: custodianRole.outputs.id\n"
            "    readersId: archiveReadersGroup\n"
            "    operatorsId: operators\n"
            "    immutability: archive"
        ),
        (
            "custodianPrincipalId: identity.outputs.principalId\n"
            "    custodianRoleId: custodianRole.outputs.id\n"
            "    readersId: archiveReadersGroup\n"
            "    operatorsId: operators\n"
            "    immutability: archive"
        ),
    ),
    (
        grants.each_module_is_handed_the_right_identity,
        "infra/main.bicep",
        "params: { name: 'id-custodian-${token}'",
        "params: { name: 'id-${token}'",
    ),
    (
        grants.each_module_is_handed_the_right_identity,
        "infra/main.bicep",
        ("readersId: archiveReadersGroup\n    operatorsId: operators\n    immutability: archive"),
        ("readersId: operators\n    operatorsId: archiveReadersGroup\n    immutability: archive"),
    ),
    (
        grants.each_module_is_handed_the_right_identity,
        "infra/main.bicep",
        "topicPrincipalId: topic.outputs.principalId",
        "topicPrincipalId: identity.outputs.principalId",
    ),
    (
        grants.the_seal_has_its_key_and_its_place,
        "infra/main.bicep",
        "sealContainer: 'recording-seal'",
        "sealContainer: 'recordings-seal'",
    ),
    (
        grants.each_module_is_handed_the_right_identity,
        "infra/main.bicep",
        (
            "appPrincipalId: identity.outputs.principalId\n"
            "    writerRoleId: writerRole.outputs.id\n"
            "    custodianPrincipalId: custodian.outputs.principalId\n"
            "    custodianRoleId: custodianRole.outputs.id\n"
            "    readersId: archiveReadersGroup\n"
            "    operatorsId: operators\n"
            "    immutability: archive"
        ),
        (
            "appPrincipalId: identity.outputs.principalId\n"
            "    writerRoleId: custodianRole.outputs.id\n"
            "    custodianPrincipalId: custodian.outputs.principalId\n"
            "    custodianRoleId: writerRole.outputs.id\n"
            "    readersId: archiveReadersGroup\n"
            "    operatorsId: operators\n"
            "    immutability: archive"
        ),
    ),
    (
        grants.custom_roles_are_exact,
        "infra/modules/archive-custodian-role.bicep",
        "blobs/immutableStorage/runAsSuperUser/action'",
        "blobs/write'",
    ),
    (
        grants.custom_roles_are_exact,
        "infra/modules/archive-custodian-role.bicep",
        "blobs/deleteBlobVersion/action'\n",
        (
            "blobs/deleteBlobVersion/action'\n"
            "          "
            "'Microsoft.Storage/storageAccounts/blobServices/generateUserDelegation"
            "Key/action'\n"
        ),
    ),
    (
        grants.custom_roles_are_exact,
        "infra/modules/archive-writer-role.bicep",
        "notDataActions: []",
        ("notDataActions: ['Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write']"),
    ),
    (
        grants.the_seal_has_its_key_and_its_place,
        "infra/modules/seal-key.bicep",
        "enablePurgeProtection: true",
        "enablePurgeProtection: false",
    ),
    (
        grants.the_seal_has_its_key_and_its_place,
        "infra/modules/seal-key.bicep",
        "keyOps: ['sign', 'verify']",
        "keyOps: ['sign', 'verify', 'export']",
    ),
    (grants.each_right_is_in_the_table, "infra/modules/seal-key.bicep", "scope: key", "scope: vault"),
    (
        grants.the_seal_has_its_key_and_its_place,
        "infra/modules/seal-key.bicep",
        "enableRbacAuthorization: true",
        "enableRbacAuthorization: false",
    ),
    (
        grants.the_seal_has_its_key_and_its_place,
        "infra/modules/seal-key.bicep",
        "curveName: 'P-256'",
        "curveName: 'P-521'",
    ),
    (grants.the_seal_has_its_key_and_its_place, "infra/modules/seal-key.bicep", "kty: 'EC'", "kty: 'RSA'"),
    (
        grants.each_assignment_has_a_name_of_its_own,
        "infra/modules/storage-archive.bicep",
        "name: guid(account.id, appPrincipalId, writerRoleId)",
        "name: guid(account.id, writerRoleId)",
    ),
    (
        grants.the_seal_has_its_key_and_its_place,
        "infra/modules/storage-archive.bicep",
        "'recording-exports'",
        "'recordings-export'",
    ),
    (
        grants.each_module_is_handed_the_right_identity,
        "infra/modules/function-app.bicep",
        "userAssignedIdentityResourceId: identityId",
        "userAssignedIdentityResourceId: custodianId",
    ),
    (
        grants.each_module_is_handed_the_right_identity,
        "infra/modules/function-app.bicep",
        ", '${custodianId}': {} }",
        " }",
    ),
    (
        grants.each_right_is_in_the_table,
        "infra/modules/acs-access.bicep",
        "'09976791-48a7-449e-bb21-39d1a415f350'",
        "'acdd72a7-3385-48ef-bd42-f606fba81ae7'",
    ),
    (
        grants.each_right_is_in_the_table,
        "infra/modules/event-access.bicep",
        "scope: deadLetters",
        "scope: deadLetterAccount",
    ),
    (
        grants.each_right_is_in_the_table,
        "infra/modules/event-access.bicep",
        "'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'",
        "'0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'",
    ),
    (
        grants.each_right_is_in_the_table,
        "infra/modules/event-topic-facts.bicep",
        "'acdd72a7-3385-48ef-bd42-f606fba81ae7'",
        "'09976791-48a7-449e-bb21-39d1a415f350'",
    ),
    (
        grants.each_assignment_has_a_name_of_its_own,
        "infra/modules/storage-host.bicep",
        "name: guid(account.id, operatorsId, role)",
        "name: guid(account.id, operatorsId)",
    ),
    (
        grants.custom_roles_are_exact,
        "infra/modules/archive-writer-role.bicep",
        "assignableScopes: [resourceGroup().id]",
        "assignableScopes: [subscription().id]",
    ),
    (
        grants.each_right_is_in_the_table,
        "infra/modules/event-access.bicep",
        (
            "principalId: topicPrincipalId\n"
            "    principalType: 'ServicePrincipal'\n"
            "    roleDefinitionId: "
            "subscriptionResourceId('Microsoft.Authorization/roleDefinitions', "
            "queueMessageSender)"
        ),
        (
            "principalId: topicPrincipalId\n"
            "    principalType: 'ServicePrincipal'\n"
            "    roleDefinitionId: "
            "subscriptionResourceId('Microsoft.Authorization/roleDefinitions', "
            "blobContributor)"
        ),
    ),
    (
        grants.each_module_is_handed_the_right_identity,
        "infra/main.bicep",
        "lock: lockArchive\n    sealContainer: 'recording-seal'",
        "lock: false\n    sealContainer: 'recording-seal'",
    ),
]

"""Faults in who may destroy, and in how soon what was destroyed is gone."""

from dev.policies.infra import custodian_policy
from dev.policies.infra.planted.files import (
    APP,
    ARCHIVE,
    CUSTODIAN,
    HOST,
    MAIN,
    Fault,
    M,
)

FAULTS: list[Fault] = [
    (custodian_policy.the_custodian_destroys_and_does_nothing_else, CUSTODIAN, "blobs/delete'", "blobs/write'"),
    (custodian_policy.the_custodian_destroys_and_does_nothing_else, CUSTODIAN, "blobs/delete'", "blobs/*'"),
    (
        custodian_policy.the_custodian_destroys_and_does_nothing_else,
        CUSTODIAN,
        "          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/deleteBlobVersion/action'\n",
        "",
    ),
    (
        custodian_policy.the_custodian_destroys_and_does_nothing_else,
        CUSTODIAN,
        "          'Microsoft.Storage/storageAccounts/blobServices/containers/read'\n        ]\n        dataActions",
        "          'Microsoft.Storage/storageAccounts/*'\n        ]\n        dataActions",
    ),
    (custodian_policy.the_custodian_is_an_identity_of_its_own, MAIN, "'id-custodian-${token}'", "'id-${token}'"),
    (
        custodian_policy.the_custodian_is_an_identity_of_its_own,
        MAIN,
        "CUSTODIAN_STORAGE__clientId: custodian.outputs.clientId",
        "CUSTODIAN_STORAGE__clientId: identity.outputs.clientId",
    ),
    (
        custodian_policy.the_custodian_is_an_identity_of_its_own,
        MAIN,
        "ARCHIVE_STORAGE__clientId: identity.outputs.clientId",
        "ARCHIVE_STORAGE__clientId: custodian.outputs.clientId",
    ),
    (
        custodian_policy.the_custodian_is_an_identity_of_its_own,
        MAIN,
        "CUSTODIAN_STORAGE__blobServiceUri: archive.outputs.blobUri",
        "CUSTODIAN_STORAGE__blobServiceUri: deadLetters.outputs.blobUri",
    ),
    (custodian_policy.the_custodian_is_an_identity_of_its_own, APP, ", '${custodianId}': {}", ""),
    (
        custodian_policy.the_custodian_is_an_identity_of_its_own,
        MAIN,
        "custodianId: custodian.outputs.id",
        "custodianId: identity.outputs.id",
    ),
    (
        custodian_policy.the_role_is_the_custodians_alone,
        MAIN,
        "custodianPrincipalId: custodian.outputs.principalId",
        "custodianPrincipalId: identity.outputs.principalId",
    ),
    (
        custodian_policy.the_role_is_the_custodians_alone,
        MAIN,
        "writerRoleId: writerRole.outputs.id",
        "writerRoleId: custodianRole.outputs.id",
    ),
    (
        custodian_policy.the_role_is_the_custodians_alone,
        ARCHIVE,
        "    roleDefinitionId: writerRoleId\n",
        "    roleDefinitionId: custodianRoleId\n",
    ),
    (
        custodian_policy.the_role_is_the_custodians_alone,
        ARCHIVE,
        "custodianPrincipalId, custodianRoleId)\n  scope: account",
        "custodianPrincipalId, custodianRoleId)\n  scope: resourceGroup()",
    ),
    (
        custodian_policy.rules_of_age_only_tier,
        ARCHIVE,
        "baseBlob: union(cool, cold, archived, unmoved) }",
        "baseBlob: union(cool, cold, archived, unmoved), version: { delete: { daysAfterCreationGreaterThan: 365 } } }",
    ),
    (
        custodian_policy.rules_of_age_only_tier,
        ARCHIVE,
        "union(cool, cold, archived)",
        "union(cool, cold, { delete: { daysAfterModificationGreaterThan: 90 } })",
    ),
    (custodian_policy.rules_of_age_only_tier, ARCHIVE, "archived, unmoved) }", "archived) }"),
    (custodian_policy.rules_of_age_only_tier, ARCHIVE, "enabled: !empty(tiers)", "enabled: true"),
    (
        custodian_policy.rules_of_age_only_tier,
        ARCHIVE,
        "empty(tiers) ? { tierToCool: { daysAfterModificationGreaterThan: 36500 } } : {}",
        "{}",
    ),
    (
        custodian_policy.rules_of_age_only_tier,
        HOST,
        "actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: quarantineDays } } }",
        "actions: { version: { delete: { daysAfterCreationGreaterThan: 1 } } }",
    ),
    (custodian_policy.an_erasure_fits_into_the_month, ARCHIVE, "var softDeleteDays = 14", "var softDeleteDays = 30"),
    (
        custodian_policy.an_erasure_fits_into_the_month,
        f"{M}storage-dead-letter.bicep",
        "softDeleteDays: 14",
        "softDeleteDays: 30",
    ),
    (
        custodian_policy.an_erasure_fits_into_the_month,
        MAIN,
        "archiveImmutabilityDays int = 7",
        "archiveImmutabilityDays int = 30",
    ),
    (
        custodian_policy.an_erasure_fits_into_the_month,
        MAIN,
        "archiveImmutabilityDays int = 7",
        "archiveImmutabilityDays int = 1",
    ),
    (custodian_policy.an_erasure_fits_into_the_month, MAIN, "deleteAfterDays int = -1", "deleteAfterDays int = 30"),
    (custodian_policy.an_erasure_fits_into_the_month, MAIN, "string(deleteAfterDays)", "'-1'"),
]

"""What the rule about SAS must find (ruleid) and must leave alone (ok)."""

from azure.storage import blob
from azure.storage.blob import AccountSasPermissions, BlobSasPermissions, generate_account_sas, generate_blob_sas


def links(account, key, delegation):
    # ruleid: account-sas
    generate_account_sas(account, key, "b", "sco", AccountSasPermissions(read=True))
    # ruleid: account-sas
    blob.generate_account_sas(account, key, "b", "sco", "r")
    # ruleid: account-sas
    generate_blob_sas(account, "c", "b", account_key=key, permission=BlobSasPermissions(read=True))
    # ruleid: account-sas
    generate_blob_sas(account, "c", "b", permission="r", account_key=key)
    # ok: account-sas
    return generate_blob_sas(account, "c", "b", user_delegation_key=delegation, permission="r")

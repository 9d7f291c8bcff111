#!/bin/sh
# Locks the immutability of the archive FOR GOOD: nobody, Microsoft included, can shorten or lift it afterwards.
# Not a hook of azd: a person runs it once, and types the name of the account twice. sh infra/hooks/lock.sh
set -eu

for tool in az azd; do
  command -v "$tool" > /dev/null || {
    echo "Not locked: $tool is not installed (https://aka.ms/azd, https://aka.ms/azure-cli)." >&2
    exit 1
  }
done
account=$(azd env get-value ARCHIVE_ACCOUNT_NAME)
group=$(azd env get-value AZURE_RESOURCE_GROUP)
subscription=$(azd env get-value AZURE_SUBSCRIPTION_ID)
policy=immutableStorageWithVersioning.immutabilityPolicy
state=$(az storage account show --subscription "$subscription" --resource-group "$group" --name "$account" \
  --query "$policy.state" --output tsv)
days=$(az storage account show --subscription "$subscription" --resource-group "$group" --name "$account" \
  --query "$policy.immutabilityPeriodSinceCreationInDays" --output tsv)

if [ "$state" = "Locked" ]; then
  echo "$account is locked already."
elif [ "$state" = "Unlocked" ]; then
  echo "Nothing in $account can be deleted or changed for $days days after it was written, by anybody, for ever."
  echo "This cannot be undone. Erasure requests within these days cannot be fulfilled."
  for time in "" " again"; do
    printf 'Type the name of the account%s: ' "$time"
    read -r typed
    [ "$typed" = "$account" ] || { echo "Not locked." >&2; exit 1; }
  done
  az storage account update --subscription "$subscription" --resource-group "$group" --name "$account" \
    --immutability-state Locked --immutability-period "$days" --allow-append false --output none
else
  echo "Not locked: $account has no immutability policy. It is decided when the account is made (ARCHIVE_IMMUTABILITY)." >&2
  exit 1
fi
azd env set ARCHIVE_LOCKED true
azd env set ARCHIVE_IMMUTABILITY_DAYS "$days"
echo "$account: Locked, $days days. In a pipeline, set the variables ARCHIVE_LOCKED to true and ARCHIVE_IMMUTABILITY_DAYS to $days as well."

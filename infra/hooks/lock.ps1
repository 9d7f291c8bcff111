# Locks the immutability of the archive FOR GOOD. The same as lock.sh: a person runs it once. pwsh infra/hooks/lock.ps1
$ErrorActionPreference = 'Stop'

foreach ($tool in 'az', 'azd') {
  if (-not (Get-Command $tool -ErrorAction SilentlyContinue)) {
    [Console]::Error.WriteLine("Not locked: $tool is not installed (https://aka.ms/azd, https://aka.ms/azure-cli).")
    exit 1
  }
}
$account = azd env get-value ARCHIVE_ACCOUNT_NAME
$group = azd env get-value AZURE_RESOURCE_GROUP
$subscription = azd env get-value AZURE_SUBSCRIPTION_ID
$policy = az storage account show --subscription $subscription --resource-group $group --name $account `
  --query immutableStorageWithVersioning.immutabilityPolicy --output json | ConvertFrom-Json
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
$days = $policy.immutabilityPeriodSinceCreationInDays

if ($policy.state -eq 'Locked') {
  Write-Output "$account is locked already."
} elseif ($policy.state -eq 'Unlocked') {
  Write-Output "Nothing in $account can be deleted or changed for $days days after it was written, by anybody, for ever."
  Write-Output 'This cannot be undone. Erasure requests within these days cannot be fulfilled.'
  foreach ($time in '', ' again') {
    if ((Read-Host "Type the name of the account$time") -cne $account) { [Console]::Error.WriteLine('Not locked.'); exit 1 }
  }
  az storage account update --subscription $subscription --resource-group $group --name $account `
    --immutability-state Locked --immutability-period $days --allow-append false --output none
  if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
} else {
  [Console]::Error.WriteLine("Not locked: $account has no immutability policy. It is decided when the account is made (ARCHIVE_IMMUTABILITY).")
  exit 1
}
azd env set ARCHIVE_LOCKED true
azd env set ARCHIVE_IMMUTABILITY_DAYS $days
Write-Output "${account}: Locked, $days days. In a pipeline, set the variables ARCHIVE_LOCKED to true and ARCHIVE_IMMUTABILITY_DAYS to $days as well."

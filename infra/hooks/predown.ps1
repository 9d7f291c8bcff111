# Stops `azd down` where it would delete what is not this app's. The same as predown.sh.
$ErrorActionPreference = 'Stop'

if ($env:EXISTING_ACS_NAME) {
  if (-not ((azd version) -join ' ' -match 'azd version (\d+)\.(\d+)\.') -or [int]$Matches[1] -lt 1 -or ([int]$Matches[1] -eq 1 -and [int]$Matches[2] -lt 25)) {
    [Console]::Error.WriteLine("Stopped: azd before 1.25 would delete $($env:EXISTING_ACS_RESOURCE_GROUP), with your")
    [Console]::Error.WriteLine('Communication Services resource and its phone numbers. Update azd: https://aka.ms/azd')
    exit 1
  }
  if ($env:EXISTING_ACS_RESOURCE_GROUP -eq $env:AZURE_RESOURCE_GROUP) {
    [Console]::Error.WriteLine("Stopped: $($env:EXISTING_ACS_NAME) is in the group that would be deleted, $($env:AZURE_RESOURCE_GROUP).")
    exit 1
  }
  Write-Output "Not deleted, because they are in the group of $($env:EXISTING_ACS_NAME): two event subscriptions, two diagnostic settings and"
  Write-Output 'two role assignments of this environment. docs/deploy.md says how to remove them.'
}

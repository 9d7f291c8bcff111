# Stops `azd down` where it would delete what is not this app's. The same as predown.sh.
$ErrorActionPreference = 'Stop'

function Get-Place($subscription, $group) {
  if (-not $subscription) { $subscription = $env:AZURE_SUBSCRIPTION_ID }
  return "$subscription/$group".ToLowerInvariant()
}
$own = Get-Place '' $env:AZURE_RESOURCE_GROUP
$theirs = if ($env:EXISTING_ACS_NAME) { Get-Place $env:EXISTING_ACS_SUBSCRIPTION $env:EXISTING_ACS_RESOURCE_GROUP } else { '' }
$deployed = if ($env:EVENT_TOPIC_RESOURCE_GROUP) { Get-Place $env:EVENT_TOPIC_SUBSCRIPTION $env:EVENT_TOPIC_RESOURCE_GROUP } else { '' }

if ($theirs -or ($deployed -and $deployed -ne $own)) {
  if (-not ((azd version) -join ' ' -match 'azd version (\d+)\.(\d+)\.') -or [int]$Matches[1] -lt 1 -or ([int]$Matches[1] -eq 1 -and [int]$Matches[2] -lt 25)) {
    $group = if ($env:EXISTING_ACS_RESOURCE_GROUP) { $env:EXISTING_ACS_RESOURCE_GROUP } else { $env:EVENT_TOPIC_RESOURCE_GROUP }
    [Console]::Error.WriteLine("Stopped: azd before 1.25 would delete $group, with your")
    [Console]::Error.WriteLine('Communication Services resource and its phone numbers. Update azd: https://aka.ms/azd')
    exit 1
  }
  if ($theirs -eq $own) {
    [Console]::Error.WriteLine("Stopped: $($env:EXISTING_ACS_NAME) is in the group that would be deleted, $($env:AZURE_RESOURCE_GROUP).")
    exit 1
  }
  Write-Output 'Not deleted, because they are in the group of your Communication Services resource: two event subscriptions, two'
  Write-Output 'diagnostic settings and two role assignments of this environment. docs/deploy.md says how to remove them.'
}

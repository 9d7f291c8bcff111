# Finds out in seconds what would otherwise fail after twenty minutes. The same as preprovision.sh.
$ErrorActionPreference = 'Stop'

function Stop-Here($why) {
  [Console]::Error.WriteLine("Stopped before anything was made: $why")
  exit 1
}

if (-not (Get-Command az -ErrorAction SilentlyContinue)) { Stop-Here 'the Azure CLI is not installed (https://aka.ms/azure-cli).' }
$tenant = az account show --subscription $env:AZURE_SUBSCRIPTION_ID --query tenantId --output tsv 2> $null
if ($LASTEXITCODE -ne 0) { Stop-Here "the Azure CLI cannot see the subscription $($env:AZURE_SUBSCRIPTION_ID): az login" }
if ($env:AZURE_TENANT_ID -and $tenant -ne $env:AZURE_TENANT_ID) {
  Stop-Here "az is signed in to the tenant $tenant, azd to $($env:AZURE_TENANT_ID): az login --tenant $($env:AZURE_TENANT_ID)"
}

# `azd down` deletes the whole group: what is in it must be this environment's, and of no other one.
$group = if ($env:RESOURCE_GROUP_NAME) { $env:RESOURCE_GROUP_NAME } else { "rg-$($env:AZURE_ENV_NAME)" }
$owner = az group show --subscription $env:AZURE_SUBSCRIPTION_ID --name $group --query 'tags.\"azd-env-name\"' --output tsv 2> $null
if ($LASTEXITCODE -eq 0) {
  if ($owner -and $owner -ne $env:AZURE_ENV_NAME) {
    Stop-Here "the group $group is of the environment ${owner}: azd env set RESOURCE_GROUP_NAME another one"
  }
  if (-not $owner -and (az resource list --subscription $env:AZURE_SUBSCRIPTION_ID --resource-group $group --query '[].id' --output tsv)) {
    Stop-Here "the group $group holds other things, which azd down would delete: azd env set RESOURCE_GROUP_NAME another one"
  }
}

# Whoever may deploy may not always register: only what is missing is asked for.
function Register-Provider($provider, $subscription) {
  $state = az provider show --namespace $provider --subscription $subscription --query registrationState --output tsv 2> $null
  if ($state -ne 'Registered') {
    az provider register --namespace $provider --subscription $subscription --wait --output none
    if ($LASTEXITCODE -ne 0) { Stop-Here "the provider $provider is not registered in the subscription $subscription, and you may not register it." }
  }
}
foreach ($provider in 'Microsoft.App', 'Microsoft.EventGrid', 'Microsoft.Communication', 'Microsoft.Insights', 'Microsoft.OperationalInsights') {
  Register-Provider $provider $env:AZURE_SUBSCRIPTION_ID
}
if ($env:EXISTING_ACS_SUBSCRIPTION) { Register-Provider 'Microsoft.EventGrid' $env:EXISTING_ACS_SUBSCRIPTION }

if ($env:EXISTING_ACS_NAME) {
  if (-not $env:EXISTING_ACS_RESOURCE_GROUP) { Stop-Here 'EXISTING_ACS_RESOURCE_GROUP is not set.' }
  $subscription = if ($env:EXISTING_ACS_SUBSCRIPTION) { $env:EXISTING_ACS_SUBSCRIPTION } else { $env:AZURE_SUBSCRIPTION_ID }
  $topics = az eventgrid system-topic list --subscription $subscription --resource-group $env:EXISTING_ACS_RESOURCE_GROUP `
    --query "[?topicType=='Microsoft.Communication.CommunicationServices'].{name: name, source: source, tags: tags, principal: identity.principalId}" `
    --output json | ConvertFrom-Json
  if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
  # A resource can have one system topic only. Names of resources do not depend on case.
  $topic = $topics | Where-Object { $_.source -like "*/$($env:EXISTING_ACS_NAME)" } | Select-Object -First 1
  $given = $env:EXISTING_SYSTEM_TOPIC_NAME
  if (-not $topic -and $given) {
    Stop-Here "$($env:EXISTING_ACS_NAME) has no system topic in $($env:EXISTING_ACS_RESOURCE_GROUP): azd env set EXISTING_SYSTEM_TOPIC_NAME `"`""
  }
  # The one that this environment made the last time is its own; any other is taken.
  $isOwn = -not $given -and $topic.name -like 'recordings-*' -and $topic.tags.'azd-env-name' -ceq $env:AZURE_ENV_NAME
  if ($topic -and $topic.name -ne $given -and -not $isOwn) {
    Stop-Here "$($env:EXISTING_ACS_NAME) has the system topic $($topic.name) already: azd env set EXISTING_SYSTEM_TOPIC_NAME $($topic.name)"
  }
  if ($topic -and -not $topic.principal) {
    Stop-Here "the system topic $($topic.name) has no identity to deliver with: az eventgrid system-topic update --name $($topic.name) --resource-group $($env:EXISTING_ACS_RESOURCE_GROUP) --identity systemassigned"
  }
}

if ($env:ARCHIVE_LOCKED -and $env:ARCHIVE_LOCKED -ne 'false') {
  # The environment of a pipeline is new each time, and has no outputs of the runs before.
  $account = $env:ARCHIVE_ACCOUNT_NAME
  if (-not $account) {
    $account = az storage account list --subscription $env:AZURE_SUBSCRIPTION_ID --resource-group $group `
      --query "[?starts_with(name, 'starch')].name | [0]" --output tsv 2> $null
  }
  $state = az storage account show --subscription $env:AZURE_SUBSCRIPTION_ID --name "$account" `
    --query immutableStorageWithVersioning.immutabilityPolicy.state --output tsv 2> $null
  if ($state -ne 'Locked') { Stop-Here 'ARCHIVE_LOCKED is set, and the archive is not locked: azd env set ARCHIVE_LOCKED false' }
  # A locked policy can be made longer, never shorter: Azure would refuse the whole deployment.
  $days = az storage account show --subscription $env:AZURE_SUBSCRIPTION_ID --name "$account" `
    --query immutableStorageWithVersioning.immutabilityPolicy.immutabilityPeriodSinceCreationInDays --output tsv 2> $null
  $asked = if ($env:ARCHIVE_IMMUTABILITY_DAYS) { [int]$env:ARCHIVE_IMMUTABILITY_DAYS } else { 7 }
  if ($days -and $asked -lt [int]$days) { Stop-Here "the archive is locked for $days days: azd env set ARCHIVE_IMMUTABILITY_DAYS $days" }
}

# The start of a budget must not move: a budget that is there keeps its own, and a new one begins this month.
if ($env:MONTHLY_BUDGET -and $env:MONTHLY_BUDGET -ne '0' -and -not $env:BUDGET_START -and (Get-Command azd -ErrorAction SilentlyContinue)) {
  $budgets = "/subscriptions/$($env:AZURE_SUBSCRIPTION_ID)/resourceGroups/$group/providers/Microsoft.Consumption/budgets"
  $start = az rest --method get --url "${budgets}?api-version=2024-08-01" `
    --query "value[?starts_with(name, 'recordings-')].properties.timePeriod.startDate | [0]" --output tsv 2> $null
  $start = if ($start) { "$start".Split('T')[0] } else { Get-Date -AsUTC -Format 'yyyy-MM-01' }
  azd env set BUDGET_START $start
}

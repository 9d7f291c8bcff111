# Subscribes the function to the events, now that there is a function. The same as postdeploy.sh.
$ErrorActionPreference = 'Stop'

if (-not (Get-Command az -ErrorAction SilentlyContinue)) {
  [Console]::Error.WriteLine('The app is deployed; the function is not subscribed yet, for want of the Azure CLI (https://aka.ms/azure-cli).')
  [Console]::Error.WriteLine('Events arrive by the queue meanwhile. Then: azd hooks run postdeploy')
  exit 1
}

if (-not $env:FUNCTION_APP_ID) {
  [Console]::Error.WriteLine('The function is not subscribed: this environment does not know what was provisioned. azd env refresh; azd hooks run postdeploy')
  exit 1
}

# Event Grid asks the function whether it is there, which the platform knows only some time after the package was published.
$tries = if ($env:SUBSCRIBE_TRIES) { [int]$env:SUBSCRIBE_TRIES } else { 10 }
$pause = if ($env:SUBSCRIBE_PAUSE_SECONDS) { [int]$env:SUBSCRIBE_PAUSE_SECONDS } else { 15 }
for ($try = 1; ; $try++) {
  az deployment group create `
    --name "recordings-to-function-$($env:ENVIRONMENT_TOKEN)" `
    --subscription $env:EVENT_TOPIC_SUBSCRIPTION `
    --resource-group $env:EVENT_TOPIC_RESOURCE_GROUP `
    --template-file infra/event-subscription-function.bicep `
    --parameters `
      topicName=$env:EVENT_TOPIC_NAME `
      token=$env:ENVIRONMENT_TOKEN `
      functionAppId=$env:FUNCTION_APP_ID `
      deadLetterAccountId=$env:DEAD_LETTER_ACCOUNT_ID `
      deadLetterContainer=$env:DEAD_LETTER_CONTAINER `
    --only-show-errors --output none
  if ($LASTEXITCODE -eq 0) { break }
  if ($try -ge $tries) {
    [Console]::Error.WriteLine("The app is deployed; the function could not be subscribed in $tries tries. Events arrive by the queue meanwhile.")
    [Console]::Error.WriteLine('When the message above is dealt with: azd hooks run postdeploy')
    exit 1
  }
  Write-Output "Try $try of $tries to subscribe the function failed; again in $pause seconds."
  Start-Sleep -Seconds $pause
}
Write-Output "The function is subscribed. Is it healthy? $env:FUNCTION_APP_URI/api/health"

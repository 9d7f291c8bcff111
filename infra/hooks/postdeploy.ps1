# Subscribes the function to the events, now that there is a function. The same as postdeploy.sh.
$ErrorActionPreference = 'Stop'
az deployment group create `
  --name recordings-to-function `
  --subscription $env:AZURE_SUBSCRIPTION_ID `
  --resource-group $env:EVENT_TOPIC_RESOURCE_GROUP `
  --template-file infra/event-subscription-function.bicep `
  --parameters `
    topicName=$env:EVENT_TOPIC_NAME `
    functionAppId=$env:FUNCTION_APP_ID `
    deadLetterAccountId=$env:DEAD_LETTER_ACCOUNT_ID `
    deadLetterContainer=$env:DEAD_LETTER_CONTAINER `
  --only-show-errors --output none
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
Write-Output "The function is subscribed. Is it well? $env:FUNCTION_APP_URI/api/health"

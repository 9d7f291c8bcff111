#!/bin/sh
# Subscribes the function to the events, now that there is a function. The queue's subscription is there since `azd provision`.
# No key: the endpoint is the function's resource id. Safe to run again: azd hooks run postdeploy
set -eu

command -v az > /dev/null || {
  echo "The app is deployed; the function is not subscribed yet, for want of the Azure CLI (https://aka.ms/azure-cli)." >&2
  echo "Events arrive by the queue meanwhile. Then: azd hooks run postdeploy" >&2
  exit 1
}

[ -n "${FUNCTION_APP_ID:-}" ] || {
  echo "The function is not subscribed: this environment does not know what was provisioned. azd env refresh; azd hooks run postdeploy" >&2
  exit 1
}

# Event Grid asks the function whether it is there, which the platform knows only some time after the package was published.
tries=${SUBSCRIBE_TRIES:-10}
pause=${SUBSCRIBE_PAUSE_SECONDS:-15}
try=1
until az deployment group create \
  --name "recordings-to-function-$ENVIRONMENT_TOKEN" \
  --subscription "$EVENT_TOPIC_SUBSCRIPTION" \
  --resource-group "$EVENT_TOPIC_RESOURCE_GROUP" \
  --template-file infra/event-subscription-function.bicep \
  --parameters \
    topicName="$EVENT_TOPIC_NAME" \
    token="$ENVIRONMENT_TOKEN" \
    functionAppId="$FUNCTION_APP_ID" \
    deadLetterAccountId="$DEAD_LETTER_ACCOUNT_ID" \
    deadLetterContainer="$DEAD_LETTER_CONTAINER" \
  --only-show-errors --output none; do
  if [ "$try" -ge "$tries" ]; then
    echo "The app is deployed; the function could not be subscribed in $tries tries. Events arrive by the queue meanwhile." >&2
    echo "When the message above is dealt with: azd hooks run postdeploy" >&2
    exit 1
  fi
  echo "Try $try of $tries to subscribe the function failed; again in $pause seconds."
  try=$((try + 1))
  sleep "$pause"
done
echo "The function is subscribed. Is it healthy? $FUNCTION_APP_URI/api/health"

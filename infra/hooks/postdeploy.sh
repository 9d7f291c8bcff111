#!/bin/sh
# Subscribes the function to the events, now that there is a function. The queue's subscription is there since `azd provision`.
# No key: the endpoint is the function's resource id. Safe to run again.
set -eu
az deployment group create \
  --name recordings-to-function \
  --subscription "$AZURE_SUBSCRIPTION_ID" \
  --resource-group "$EVENT_TOPIC_RESOURCE_GROUP" \
  --template-file infra/event-subscription-function.bicep \
  --parameters \
    topicName="$EVENT_TOPIC_NAME" \
    functionAppId="$FUNCTION_APP_ID" \
    deadLetterAccountId="$DEAD_LETTER_ACCOUNT_ID" \
    deadLetterContainer="$DEAD_LETTER_CONTAINER" \
  --only-show-errors --output none
echo "The function is subscribed. Is it well? $FUNCTION_APP_URI/api/health"

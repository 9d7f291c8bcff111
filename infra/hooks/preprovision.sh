#!/bin/sh
# Finds out in seconds what would otherwise fail after twenty minutes. Changes nothing in Azure but the registration of providers.
set -eu

stop() {
  echo "Stopped before anything was made: $1" >&2
  exit 1
}

command -v az > /dev/null || stop "the Azure CLI is not installed (https://aka.ms/azure-cli)."
tenant=$(az account show --subscription "$AZURE_SUBSCRIPTION_ID" --query tenantId --output tsv 2> /dev/null) \
  || stop "the Azure CLI cannot see the subscription $AZURE_SUBSCRIPTION_ID: az login"
if [ -n "${AZURE_TENANT_ID:-}" ] && [ "$tenant" != "$AZURE_TENANT_ID" ]; then
  stop "az is signed in to the tenant $tenant, azd to $AZURE_TENANT_ID: az login --tenant $AZURE_TENANT_ID"
fi

# `azd down` deletes the whole group: what is in it must be this environment's, and of no other one.
group=${RESOURCE_GROUP_NAME:-rg-$AZURE_ENV_NAME}
if owner=$(az group show --subscription "$AZURE_SUBSCRIPTION_ID" --name "$group" --query 'tags."azd-env-name"' \
  --output tsv 2> /dev/null); then
  if [ -n "$owner" ] && [ "$owner" != "$AZURE_ENV_NAME" ]; then
    stop "the group $group is of the environment $owner: azd env set RESOURCE_GROUP_NAME another one"
  fi
  if [ -z "$owner" ] && [ -n "$(az resource list --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$group" \
    --query '[].id' --output tsv)" ]; then
    stop "the group $group holds other things, which azd down would delete: azd env set RESOURCE_GROUP_NAME another one"
  fi
fi

# Whoever may deploy may not always register: only what is missing is asked for.
register() {
  state=$(az provider show --namespace "$1" --subscription "$2" --query registrationState --output tsv 2> /dev/null) || state=""
  [ "$state" = "Registered" ] || az provider register --namespace "$1" --subscription "$2" --wait --output none \
    || stop "the provider $1 is not registered in the subscription $2, and you may not register it."
}
for provider in Microsoft.App Microsoft.EventGrid Microsoft.Communication Microsoft.Insights Microsoft.OperationalInsights; do
  register "$provider" "$AZURE_SUBSCRIPTION_ID"
done
if [ -n "${EXISTING_ACS_SUBSCRIPTION:-}" ]; then
  register Microsoft.EventGrid "$EXISTING_ACS_SUBSCRIPTION"
fi

if [ -n "${EXISTING_ACS_NAME:-}" ]; then
  [ -n "${EXISTING_ACS_RESOURCE_GROUP:-}" ] || stop "EXISTING_ACS_RESOURCE_GROUP is not set."
  topics=$(az eventgrid system-topic list \
    --subscription "${EXISTING_ACS_SUBSCRIPTION:-$AZURE_SUBSCRIPTION_ID}" --resource-group "$EXISTING_ACS_RESOURCE_GROUP" \
    --query "[?topicType=='Microsoft.Communication.CommunicationServices'].[name, source, tags.\"azd-env-name\", identity.principalId]" \
    --output tsv)
  # A resource can have one system topic only. Names of resources do not depend on case.
  line=$(printf '%s\n' "$topics" | awk -F '\t' -v wanted="/$EXISTING_ACS_NAME" \
    'tolower(substr($2, length($2) - length(wanted) + 1)) == tolower(wanted) { print; exit }')
  field() { printf '%s' "$line" | cut -f "$1"; }
  lower() { printf '%s' "$1" | tr '[:upper:]' '[:lower:]'; }
  given=${EXISTING_SYSTEM_TOPIC_NAME:-}
  found=$(field 1)
  if [ -z "$found" ] && [ -n "$given" ]; then
    stop "$EXISTING_ACS_NAME has no system topic in $EXISTING_ACS_RESOURCE_GROUP: azd env set EXISTING_SYSTEM_TOPIC_NAME \"\""
  fi
  if [ -n "$found" ] && [ "$(lower "$found")" != "$(lower "$given")" ]; then
    # The one that this environment made the last time is its own; any other is taken.
    case "$given:$found:$(field 3)" in
      ":recordings-"*":$AZURE_ENV_NAME") ;;
      *) stop "$EXISTING_ACS_NAME has the system topic $found already: azd env set EXISTING_SYSTEM_TOPIC_NAME $found" ;;
    esac
  fi
  if [ "$(field 4)" = "None" ]; then
    stop "the system topic $found has no identity to deliver with: az eventgrid system-topic update --name $found --resource-group $EXISTING_ACS_RESOURCE_GROUP --identity systemassigned"
  fi
fi

if [ "${ARCHIVE_LOCKED:-false}" != "false" ]; then
  # The environment of a pipeline is new each time, and has no outputs of the runs before.
  account=${ARCHIVE_ACCOUNT_NAME:-}
  [ -n "$account" ] || account=$(az storage account list --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$group" \
    --query "[?starts_with(name, 'starch')].name | [0]" --output tsv 2> /dev/null) || account=""
  state=$(az storage account show --subscription "$AZURE_SUBSCRIPTION_ID" --name "$account" \
    --query immutableStorageWithVersioning.immutabilityPolicy.state --output tsv 2> /dev/null) || state=""
  [ "$state" = "Locked" ] || stop "ARCHIVE_LOCKED is set, and the archive is not locked: azd env set ARCHIVE_LOCKED false"
  # A locked policy can be made longer, never shorter: Azure would refuse the whole deployment.
  days=$(az storage account show --subscription "$AZURE_SUBSCRIPTION_ID" --name "$account" \
    --query immutableStorageWithVersioning.immutabilityPolicy.immutabilityPeriodSinceCreationInDays --output tsv 2> /dev/null) || days=""
  [ "${ARCHIVE_IMMUTABILITY_DAYS:-7}" -ge "${days:-0}" ] || stop "the archive is locked for $days days: azd env set ARCHIVE_IMMUTABILITY_DAYS $days"
fi

# The start of a budget must not move: a budget that is there keeps its own, and a new one begins this month.
if [ "${MONTHLY_BUDGET:-0}" != "0" ] && [ -z "${BUDGET_START:-}" ] && command -v azd > /dev/null; then
  budgets="/subscriptions/$AZURE_SUBSCRIPTION_ID/resourceGroups/$group/providers/Microsoft.Consumption/budgets"
  start=$(az rest --method get --url "$budgets?api-version=2024-08-01" \
    --query "value[?starts_with(name, 'recordings-')].properties.timePeriod.startDate | [0]" --output tsv 2> /dev/null) || start=""
  start=${start%%T*}
  azd env set BUDGET_START "${start:-$(date -u +%Y-%m-01)}"
fi

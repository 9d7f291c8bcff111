#!/bin/sh
# Stops `azd down` where it would delete what is not this app's. azure.yaml asks for a new azd; an old one may not read that.
# What was deployed counts as well as what is chosen now: a variable may have been changed since.
set -eu

# Names of groups do not depend on case, and groups of two subscriptions may have one name.
place() { printf '%s/%s' "${1:-${AZURE_SUBSCRIPTION_ID:-}}" "$2" | tr '[:upper:]' '[:lower:]'; }
own=$(place "" "${AZURE_RESOURCE_GROUP:-}")
theirs=""
if [ -n "${EXISTING_ACS_NAME:-}" ]; then
  theirs=$(place "${EXISTING_ACS_SUBSCRIPTION:-}" "${EXISTING_ACS_RESOURCE_GROUP:-}")
fi
deployed=""
if [ -n "${EVENT_TOPIC_RESOURCE_GROUP:-}" ]; then
  deployed=$(place "${EVENT_TOPIC_SUBSCRIPTION:-}" "$EVENT_TOPIC_RESOURCE_GROUP")
fi

if [ -n "$theirs" ] || { [ -n "$deployed" ] && [ "$deployed" != "$own" ]; }; then
  version=$(azd version | sed -n 's/^azd version \([0-9]*\)\.\([0-9]*\)\..*/\1 \2/p')
  major=${version% *}
  minor=${version#* }
  if [ -z "$version" ] || [ "$major" -lt 1 ] || { [ "$major" -eq 1 ] && [ "$minor" -lt 25 ]; }; then
    echo "Stopped: azd before 1.25 would delete ${EXISTING_ACS_RESOURCE_GROUP:-${EVENT_TOPIC_RESOURCE_GROUP:-the group of your resource}}, with your" >&2
    echo "Communication Services resource and its phone numbers. Update azd: https://aka.ms/azd" >&2
    exit 1
  fi
  if [ "$theirs" = "$own" ]; then
    echo "Stopped: ${EXISTING_ACS_NAME:-} is in the group that would be deleted, ${AZURE_RESOURCE_GROUP:-}." >&2
    exit 1
  fi
  echo "Not deleted, because they are in the group of your Communication Services resource: two event subscriptions, two"
  echo "diagnostic settings and two role assignments of this environment. docs/deploy.md says how to remove them."
fi

#!/bin/sh
# Stops `azd down` where it would delete what is not this app's. azure.yaml asks for a new azd; an old one may not read that.
set -eu

if [ -n "${EXISTING_ACS_NAME:-}" ]; then
  version=$(azd version | sed -n 's/^azd version \([0-9]*\)\.\([0-9]*\)\..*/\1 \2/p')
  major=${version% *}
  minor=${version#* }
  if [ -z "$version" ] || [ "$major" -lt 1 ] || { [ "$major" -eq 1 ] && [ "$minor" -lt 25 ]; }; then
    echo "Stopped: azd before 1.25 would delete ${EXISTING_ACS_RESOURCE_GROUP:-the group of $EXISTING_ACS_NAME}, with your" >&2
    echo "Communication Services resource and its phone numbers. Update azd: https://aka.ms/azd" >&2
    exit 1
  fi
  if [ "$(printf %s "${EXISTING_ACS_RESOURCE_GROUP:-}" | tr '[:upper:]' '[:lower:]')" = \
    "$(printf %s "${AZURE_RESOURCE_GROUP:-}" | tr '[:upper:]' '[:lower:]')" ]; then
    echo "Stopped: $EXISTING_ACS_NAME is in the group that would be deleted, ${AZURE_RESOURCE_GROUP:-}." >&2
    exit 1
  fi
  echo "Not deleted, because they are in the group of $EXISTING_ACS_NAME: two event subscriptions, two diagnostic settings and"
  echo "two role assignments of this environment. docs/deploy.md says how to remove them."
fi

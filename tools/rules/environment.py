"""What the rule about the environment must find (ruleid) and must leave alone (ok)."""

import os
from os import environ, getenv


def read():
    # ruleid: environment-outside-settings
    os.environ["ACS_ENDPOINT"]
    # ruleid: environment-outside-settings
    os.environ.get("ACS_ENDPOINT")
    # ruleid: environment-outside-settings
    os.getenv("ACS_ENDPOINT")
    # ruleid: environment-outside-settings
    environ["ACS_ENDPOINT"]
    # ruleid: environment-outside-settings
    getenv("ACS_ENDPOINT")
    # ok: environment-outside-settings
    os.path.join("a", "b")
    # ok: environment-outside-settings
    os.urandom(8)


def from_settings(settings):
    # ok: environment-outside-settings
    return settings.acs.endpoint

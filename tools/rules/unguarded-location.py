"""What the rules about locations must find (ruleid) and must leave alone (ok)."""

import ssl

# ruleid: http-library-of-ones-own
import urllib.request

# ruleid: http-library-of-ones-own
import requests
import urllib3
from azure.storage.blob import BlobClient
from recording.domain.incoming.locations import checked_external_blob, checked_location


def the_events_location(task, pool):
    # ruleid: unguarded-location
    pool.request("GET", task.content_location, redirect=False, retries=False)


def through_a_variable(task, pool):
    place = task.delete_location or ""
    target = f"{place}?api-version=1"
    # ruleid: unguarded-location
    pool.request("DELETE", target, redirect=False, retries=False)


def a_parameter(pool, location: str):
    # ruleid: unguarded-location
    pool.request("GET", location, redirect=False, retries=False)


def a_redirect(response, pool):
    # ruleid: unguarded-location
    pool.request("GET", response.headers["Location"], redirect=False, retries=False)
    # ruleid: unguarded-location
    pool.request("GET", response.headers.get("Location", ""), redirect=False, retries=False)


def a_blob(location: str):
    # ruleid: unguarded-location
    return BlobClient.from_blob_url(location)


def another_library(task):
    # ruleid: unguarded-location, http-library-of-ones-own
    requests.get(task.content_location)
    # ruleid: unguarded-location
    urllib.request.urlopen(task.content_location)


def guarded(task, pool, hosts, containers):
    checked = checked_location(task.content_location, hosts)
    # ok: unguarded-location, request-that-follows-redirects
    pool.request("GET", checked.url, redirect=False, retries=False)
    blob = checked_external_blob(task.content_location, containers)
    # ok: unguarded-location
    return BlobClient.from_blob_url(blob.url)


def with_redirects(pool, checked):
    # ruleid: request-that-follows-redirects
    pool.request("GET", checked.url)
    # ruleid: request-that-follows-redirects
    pool.request("GET", checked.url, redirect=True, retries=False)
    # ruleid: request-that-follows-redirects
    pool.request("GET", checked.url, redirect=False)
    # ok: request-that-follows-redirects
    pool.request("GET", checked.url, redirect=False, retries=False, timeout=3)


def a_pool_of_ones_own():
    # ruleid: http-library-of-ones-own
    return urllib3.PoolManager()


def no_verification(client, pool):
    # ruleid: unverified-certificate
    client(connection_verify=False)
    # ruleid: unverified-certificate
    options = {"cert_reqs": "CERT_NONE"}
    # ruleid: unverified-certificate
    context = ssl.CERT_NONE
    # ok: unverified-certificate
    client(connection_verify="ca.pem")
    # ok: unverified-certificate
    return {"cert_reqs": "CERT_REQUIRED"}, options, context

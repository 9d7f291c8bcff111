"""What the templates decide before anything is made: executed for every region and for what does not go together."""

import base64
import json
from typing import Any

import pytest

from dev.policies.infra import decision_policy
from dev.policies.infra.decision_policy import GROUP_ID, HOST_SKUS, REFUSED, SKUS, TAKEN
from dev.policies.infra.evaluate import Evaluation
from dev.policies.infra.templates import load
from dev.policies.repository import ROOT

REGIONS: dict[str, dict[str, Any]] = json.loads((ROOT / "infra/regions.json").read_text(encoding="utf-8"))


def refusal(**given: Any) -> str:
    """Return why these parameters are refused, or nothing."""
    return decision_policy.refusal(load(), **given)


def exists(sku: str, region: str) -> bool:
    """Whether Azure has a redundancy in a region: zones for ZRS, zones and a paired region for GZRS."""
    if "GZRS" in sku:
        return bool(REGIONS[region]["geoZones"])
    return bool(REGIONS[region]["zones"]) or "ZRS" not in sku


@pytest.mark.parametrize("region", REGIONS)
def test_a_redundancy_is_taken_where_it_exists_and_only_there(region: str) -> None:
    """The rest fails in Azure after some minutes, with a message that names neither the region nor the parameter."""
    for sku in SKUS:
        assert (refusal(location=region, archiveRedundancy=sku) == "") is exists(sku, region), sku
    for sku in HOST_SKUS:
        assert (refusal(location=region, hostRedundancy=sku) == "") is exists(sku, region), sku
    assert (refusal(location=region, zoneRedundant=True) == "") is REGIONS[region]["zones"]


@pytest.mark.parametrize("region", REGIONS)
def test_the_default_is_the_best_that_the_region_has(region: str) -> None:
    """Whoever chooses nothing gets no failure, and no less than there is."""
    here = Evaluation(load(), environmentName="e", location=region)
    best = next(sku for sku in ("Standard_GZRS", "Standard_ZRS", "Standard_GRS") if exists(sku, region))
    assert here.value("archiveSku") == best
    assert here.value("hostSku") == ("Standard_ZRS" if REGIONS[region]["zones"] else "Standard_GRS")
    assert here.value("deadLetterRegion") in {*REGIONS} - ({region} if REGIONS[region]["other"] else set())


@pytest.mark.parametrize("sku", SKUS)
def test_the_archive_tier_is_refused_where_the_redundancy_has_none(sku: str) -> None:
    """ZRS, GZRS and RA-GZRS do not have it: the lifecycle rule would be refused after everything else was made."""
    refused = refusal(archiveRedundancy=sku, archiveAfterDays=180)
    assert ("ARCHIVE_AFTER_DAYS" in refused) is ("ZRS" in sku)
    assert refusal(archiveRedundancy=sku, archiveAfterDays=-1) == ""


@pytest.mark.parametrize(("given", "named"), REFUSED)
def test_what_does_not_go_together_is_refused_by_name(given: dict[str, Any], named: str) -> None:
    """The name is the variable that is to be set."""
    assert named in refusal(**given)


@pytest.mark.parametrize("given", TAKEN)
def test_what_is_right_is_not_refused(given: dict[str, Any]) -> None:
    """A guard that refuses everything would pass the test above."""
    assert refusal(**given) == ""


@pytest.mark.parametrize(
    ("text", "emails"),
    [
        ("", []),
        ("a@x", ["a@x"]),
        ("a@x, b@x", ["a@x", "b@x"]),
        ("a@x,", ["a@x"]),
        (" ,a@x,,b@x ", ["a@x", "b@x"]),
    ],
)
def test_a_comma_too_many_is_no_address(text: str, emails: list[str]) -> None:
    """Azure refuses an action group with an empty address, after twenty minutes."""
    assert Evaluation(load(), environmentName="e", location="westeurope", alertEmails=text).value("emails") == emails


def test_all_refusals_come_at_once() -> None:
    """Whoever corrects one must not meet the next one an hour later."""
    refused = refusal(location="westus", archiveRedundancy="Standard_GZRS", zoneRedundant=True, existingAcsName="acs")
    assert [name for name in ("ARCHIVE_REDUNDANCY", "ZONE_REDUNDANT", "EXISTING_ACS_NAME") if name not in refused] == []


def test_an_existing_resource_is_taken_from_its_group_and_subscription() -> None:
    """Another group is the rule, another subscription is allowed, the same group name there is no danger."""
    given = {"existingAcsName": "acs", "existingAcsResourceGroup": "rg-calls"}
    here = Evaluation(load(), environmentName="e", location="westeurope", **given)
    assert (here.value("acsGroupName"), here.value("acsSubscription"), here.value("acsName")) == (
        "rg-calls",
        "SUB",
        "acs",
    )
    assert refusal(**given, existingAcsSubscription="OTHER") == ""
    assert refusal(existingAcsName="acs", existingAcsResourceGroup="rg-e", existingAcsSubscription="OTHER") == ""


def test_two_environments_have_two_tokens() -> None:
    """The token is in every name that two environments could share."""
    tokens = {
        Evaluation(load(), environmentName=name, location="westeurope").value("token") for name in ("prod", "dev")
    }
    assert len(tokens) == 2


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", {}),
        ("A=1", {"A": "1"}),
        ("A=1;B=x=y", {"A": "1", "B": "x=y"}),
        (";A=1;;", {"A": "1"}),
        ("ACS_PROXY_URL=http://p:1/?a=b", {"ACS_PROXY_URL": "http://p:1/?a=b"}),
    ],
)
def test_more_settings_are_pairs(text: str, settings: dict[str, str]) -> None:
    """A value may hold the sign that ends the name."""
    assert (
        Evaluation(load(), environmentName="e", location="westeurope", extraAppSettings=text).value("extraSettings")
        == settings
    )


@pytest.mark.parametrize(("client", "settings"), [("", {}), (GROUP_ID, {"APP_SIGN_IN_REQUIRED": "true"})])
def test_the_app_is_told_that_people_sign_in(client: str, settings: dict[str, str]) -> None:
    """With an Entra application, roles are asked for whatever the platform says of itself."""
    here = Evaluation(load(), environmentName="e", location="westeurope", entraClientId=client)
    assert here.value("signInSettings") == settings


@pytest.mark.parametrize(
    ("variable", "parameter", "setting"),
    [
        ("tenantSettings", "tenantsBase64", "TENANTS"),
        ("policySettings", "callPoliciesBase64", "CALL_POLICIES"),
    ],
)
def test_json_comes_as_it_was_written(variable: str, parameter: str, setting: str) -> None:
    """Quotes, line breaks and all; without it the setting is left to the further ones."""
    text = json.dumps({"tenants": [{"name": "fx", "tagValues": ["a;b=c", "\u00fc"]}]}, indent=1)
    given = {parameter: base64.b64encode(text.encode()).decode()}
    here = Evaluation(load(), environmentName="e", location="westeurope", **given)
    assert here.value(variable) == {setting: text}
    assert Evaluation(load(), environmentName="e", location="westeurope").value(variable) == {}


def test_an_expression_that_is_not_understood_is_no_answer() -> None:
    """A guess would pass for a proof."""
    changed = load().with_change("infra/main.bicep", "empty(refusals) ?", "empty(refusals) ?? true ?")
    with pytest.raises((NotImplementedError, KeyError)):
        Evaluation(changed, environmentName="e", location="westeurope").value("groupName")

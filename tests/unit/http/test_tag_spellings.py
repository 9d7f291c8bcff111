"""A tag is one tag, whether an accent is part of its letter or comes behind it."""

import unicodedata
from typing import Literal

import pytest

from dev.in_memory.builders import RECORDING_ID
from recording.domain.calls.policy import CallPolicy
from recording.domain.incoming.tenants import Tenants
from recording.domain.keep.rules import RuleFilter, fits
from recording.domain.keep.subject import kept_recording
from recording.domain.state.records import changed
from tests.unit.http.test_library_routes import archived, content, get, patch, post

Form = Literal["NFC", "NFD"]
FORMS: tuple[Form, ...] = ("NFC", "NFD")


@pytest.mark.parametrize("written", FORMS)
@pytest.mark.parametrize("asked", FORMS)
def test_a_tag_is_found_and_removed_in_either_spelling(written: Form, asked: Form) -> None:
    """Keyboards and file systems write them differently."""
    here = archived()
    name, value = unicodedata.normalize(written, "F\u00e4lle"), unicodedata.normalize(written, "Gr\u00fcn")
    other_name, other_value = unicodedata.normalize(asked, "F\u00e4lle"), unicodedata.normalize(asked, "Gr\u00fcn")
    assert patch(here, {name: value}, "*").status_code == 200
    here.follows_up()
    assert content(get(here, tag=f"{other_name}:{other_value}"))["count"] == 1
    assert content(post(here, {"tag": f"{other_name}:{other_value}", "format": "mp3"}))["count"] in (0, 1)
    assert list(content(patch(here, {other_name: "x"}, "*"))["tags"].values()) == ["x"]
    assert content(patch(here, {other_name: None}, "*"))["tags"] == {}
    here.follows_up()
    assert content(get(here, tag=f"{name}:{value}"))["count"] == 0


def test_a_tag_that_an_earlier_version_stored_is_found_and_replaced() -> None:
    """It was kept as it was sent."""
    here = archived()
    apart = unicodedata.normalize("NFD", "F\u00e4lle")
    catalog = here.fakes.catalog
    catalog.save_recording(changed(catalog.recordings[RECORDING_ID], tags={apart: "1"}, settled_at=None))
    assert patch(here, {"other": "2"}, "*").status_code == 200
    here.follows_up()
    assert content(get(here, tag="F\u00e4lle:1"))["count"] == 1
    assert content(patch(here, {"F\u00e4lle": None}, "*"))["tags"] == {"other": "2"}


@pytest.mark.parametrize("kept", FORMS)
@pytest.mark.parametrize("asked", FORMS)
def test_rules_policies_and_tenants_mean_the_tag_in_either_spelling(kept: Form, asked: Form) -> None:
    """A rule that retains must not miss a recording for its keyboard; a row of an earlier version is as it was sent."""
    tags = {unicodedata.normalize(kept, "F\u00e4lle"): unicodedata.normalize(kept, "Gr\u00fcn")}
    name, value = unicodedata.normalize(asked, "F\u00e4lle"), unicodedata.normalize(asked, "Gr\u00fcn")
    here = archived()
    here.follows_up()
    record = changed(here.fakes.catalog.recordings[RECORDING_ID], tags=tags)
    recording = kept_recording(record)
    assert recording is not None
    assert fits(RuleFilter(tags={name: value}), recording)
    assert fits(RuleFilter(tags={name: None}), recording)
    assert CallPolicy(tags={name: value}).covers(None, tags)
    told = {"tenants": [{"name": "north", "tagValues": [value]}], "tag": name}
    composed = {unicodedata.normalize("NFC", key): unicodedata.normalize("NFC", text) for key, text in tags.items()}
    assert Tenants.model_validate(told).of_tag(composed) == "north"  # requests are composed before

"""Settings in JSON: whatever is written there is read whole, or refused by the setting's name without its content."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.settings import SettingsError, read_settings, values
from recording.settings.json_form import MOST_PLACES

SECRET = "s3cret-77"
READERS: dict[str, Callable[[str], object]] = {
    "TENANTS": values.tenants,
    "CALL_POLICIES": values.policies,
    "WEBHOOKS": values.webhooks,
}
NAMES = ("tenants", "name", "groups", "roles", "apps", "tagValues", "seeAll", "tag", "url", "secret", "when", SECRET)
Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from([SECRET, "desk"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=4),
    max_leaves=12,
)
NEAR = st.dictionaries(st.sampled_from(NAMES), Json)
Settings = Json | st.lists(NEAR, max_size=3) | st.fixed_dictionaries({"tenants": st.lists(NEAR, max_size=3)})


@given(st.sampled_from(sorted(READERS)), Settings)
def test_any_json_is_read_or_refused_without_being_repeated(name: str, content: object) -> None:
    """The sentence goes to logs and terminals; what it is about may be a secret in the wrong place."""
    try:
        READERS[name](json.dumps(content))
    except ValueError as error:
        said = str(error)
        assert said.startswith(("must be a JSON", "must have at most", "has "))
        assert SECRET not in said
        assert said.isprintable()
        assert len(said) < 1000


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("text", ["", "null", "1", "NaN", '"x"', "{", "[" * 100_000, "9" * 5000, "\ud800", "\ufeff[]"])
def test_what_is_no_document_is_refused(name: str, text: str) -> None:
    """At the start of the app, and not as an unexpected exception."""
    with pytest.raises(ValueError, match=r"^must be a JSON (list|object) "):
        READERS[name](text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TENANTS", '{"tenants": [{"name": "fx"}], "tenants": [{"name": "eq"}]}'),
        ("TENANTS", '{"tenants": [{"name": "fx", "roles": ["A"], "roles": ["B"]}]}'),
        ("CALL_POLICIES", '[{"name": "a", "mustBeRecorded": true, "mustBeRecorded": false}]'),
        ("WEBHOOKS", '[{"name": "a", "url": "https://a.example/", "url": "https://b.example/", "secret": "s"}]'),
    ],
)
def test_a_name_that_is_there_twice_is_refused(name: str, text: str) -> None:
    """Readers of JSON take the last one in silence: half of the members, the rules or the receivers would be gone."""
    with pytest.raises(ValueError, match="has a name twice"):
        READERS[name](text)


def test_an_unknown_word_is_named_and_what_may_be_a_secret_is_not() -> None:
    """A misspelt name is found by its place and its letters."""
    with pytest.raises(ValueError, match=r"tenants\.0\.tagvalues$"):
        values.tenants('{"tenants": [{"name": "fx", "tagvalues": ["a"]}]}')
    with pytest.raises(ValueError, match=r"tenants\.0\.\(unknown name\)$"):
        values.tenants(f'{{"tenants": [{{"name": "fx", "{SECRET}": ["a"]}}]}}')
    many = json.dumps({"tenants": [{"name": "Fx"}] * 50})
    with pytest.raises(ValueError, match=r"^has tenants with") as refused:
        values.tenants(many)
    assert str(refused.value).count(",") < MOST_PLACES


def test_a_wrong_document_stops_the_app_by_its_name() -> None:
    """Tenants that are half read would show recordings to the wrong people."""
    with pytest.raises(SettingsError) as refused:
        read_settings({"TENANTS": '{"tenants": [{"name": "fx", "name": "eq"}]}'})
    assert "TENANTS" in str(refused.value)

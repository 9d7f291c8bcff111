"""docs/local-world.md against the simulator."""

from tests.repo.docs.generated import PAGE, SIMULATOR_PAGE, admin_table, bodies_table, fault_table, with_tables


def test_the_tables_are_what_the_simulator_offers() -> None:
    """If this fails, run `python -m tests.docs.generated` and look at the difference."""
    text = PAGE.read_text(encoding="utf-8")
    assert text == with_tables(text)


def test_the_bodies_are_what_the_simulator_takes() -> None:
    """Otherwise a stranger finds the fields in the source."""
    text = SIMULATOR_PAGE.read_text(encoding="utf-8")
    assert text == with_tables(text, [("bodies", bodies_table())])
    assert "| POST subscriptions | `kind` | `webhook`, `storage_queue` | required |" in text


def test_the_tables_are_not_empty() -> None:
    """Two empty tables would be equal as well."""
    assert "POST `/_simulator/calls`" in admin_table()
    assert "POST `/_simulator/subscriptions`" in admin_table()
    assert "`hostile_url`" in fault_table()
